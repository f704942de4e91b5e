//! Help of the entry points.

use super::options::HelpTopic;

/// The help on a topic.
pub(super) const fn text(topic: HelpTopic) -> &'static str {
    match topic {
        HelpTopic::Commands => COMMANDS,
        HelpTopic::Bootstrap => BOOTSTRAP,
        HelpTopic::Preflight => PREFLIGHT,
        HelpTopic::Validate => VALIDATE,
        HelpTopic::Upkeep => UPKEEP,
    }
}

const COMMANDS: &str = "\
Usage: productive-k3s-core.sh [--events ndjson] <command> [args...]

  bootstrap   Install k3s and the components of a mode; asks its questions first
  apply       The same
  preflight   Check whether this host meets the requirements
  validate    Check whether what was installed works now
  backup      Save files of the host and objects of the cluster
  rollback    Plan or apply the rollback of one run
  clean       Plan or apply the removal of what all runs on this host installed
  stack       stack install --tgz <file>: install a stack of known add-ons
  addon       addon validate|install --tgz <file> [--public-host <name>]
              Both install on the cluster of this host; --kubeconfig <file> or
              KUBECONFIG of another one is refused
  bundle      bundle info --json: describe this bundle
  bom         bom --json: list what this bundle is made of and what it installs
  help        Show this help

Without a command, or where an option comes first, the command is bootstrap.
--events ndjson prints one event a line; text goes to standard error then.
The program itself, with its own commands: bin/<architecture>/bootstrap --help
";

const BOOTSTRAP: &str = "\
Usage: bootstrap [--dry-run] [--mode <single-node|server|agent|stack>]

  --mode <single-node|server|agent|stack>
              Installation mode [default: single-node]
  --dry-run   Ask the questions and print what a run would do; change nothing

PRODUCTIVE_K3S_AUTO_APPROVE_APPLY_PLAN=true approves the plan.
Answers that are in the environment are not asked for. The variables are
PRODUCTIVE_K3S_ and a key of `bootstrap config-schema` in capitals, with _ for
each dot: registry.host is PRODUCTIVE_K3S_REGISTRY_HOST.
";

const PREFLIGHT: &str = "\
Usage: preflight [--mode <single-node|server|agent|stack>] [--strict] [--json-output [FILE]]

  --mode <single-node|server|agent|stack>
              Installation mode [default: single-node]
  --strict    Exit with 1 on warnings too
  --json-output [FILE]
              Print one JSON document on standard output, or write it to FILE
";

const VALIDATE: &str = "\
Usage: validate [--strict] [--json] [--docker-registry-test]

  --strict    Accepted; a check passes or fails, there are no warnings
  --json      Print one JSON document on standard output
  --docker-registry-test
              Accepted; a registry that answers is always tested. Its login comes
              from REGISTRY_USER and REGISTRY_PASSWORD
";

const UPKEEP: &str = "\
Usage: backup [DIRECTORY] [--include-secrets] [--dry-run]
       rollback --to <record of a run> [--plan|--apply] [--yes]
       clean [--plan|--apply] [--yes] [--confirm-clean]

  DIRECTORY           Where the backup goes; its archive is beside it
  --include-secrets   Also save tokens, passwords and certificates' keys
  --plan              Show what would be removed; the default
  --apply             Apply the plan
  --yes               Accept the plan without asking
  --confirm-clean     Confirm with this option instead of typing CLEAN
";
