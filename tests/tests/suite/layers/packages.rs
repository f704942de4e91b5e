//! Packages: known add-ons are components, everything else is refused, and nothing in a package is run.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tests::Sandbox;

use super::{call, ended_well, sandbox, with_bundle, with_tar};

/// Packs files into `name.tgz` in the working directory, as the layers pack them.
fn package(sandbox: &Sandbox, name: &str, files: &[(&str, &str)]) -> PathBuf {
    let source = sandbox.root().join(name);
    for (path, text) in files {
        let path = source.join(path);
        fs::create_dir_all(path.parent().expect("a directory")).expect("the sandbox is ours");
        fs::write(path, text).expect("the sandbox is ours");
    }
    let archive = sandbox.cwd().join(format!("{name}.tgz"));
    let status = Command::new("tar").arg("-czf").arg(&archive).arg("-C").arg(source).arg(".").status();
    assert!(status.expect("it starts").success());
    archive
}

fn addon(name: &str) -> String {
    format!(
        "kind: Addon\nmetadata:\n  name: {name}\n  version: 0.1.0\nspec:\n  install:\n    script: scripts/install.sh\n"
    )
}

#[test]
fn a_stack_of_known_addons_is_a_run_that_leaves_the_others_out() {
    let sandbox = sandbox();
    let stack = "kind: Stack\nmetadata: {name: base}\nspec:\n  addons:\n  - name: longhorn\n    source: addons/longhorn.tgz\n";
    package(&sandbox, "base", &[("stack.yaml", stack), ("addons/longhorn.tgz", "nothing")]);
    let call = with_tar(&sandbox, "stack install --tgz base.tgz --dry-run");
    let outcome = call.stdin("\n\n\n\n\n").run().expect(0);
    assert!(outcome.stdout.contains("Longhorn is missing. Install it now?"), "{outcome}");
    assert!(!outcome.stdout.contains("Rancher is missing"), "{outcome}");
    let run = sandbox.only_run();
    assert_eq!(run.manifest()["bootstrap_mode"], "stack");
    let planned = |component: &str| run.manifest()["components"][component]["planned_action"].clone();
    assert_eq!(planned("longhorn"), "install");
    for component in ["cert_manager", "clusterissuer", "rancher", "registry"] {
        assert_eq!(planned(component), "skip", "{component}");
    }
}

#[test]
fn a_package_may_ask_for_certificates_without_who_uses_them() {
    let sandbox = sandbox();
    let stack = "kind: Stack\nmetadata: {name: base}\nspec: {addons: [cert-manager, longhorn]}\n";
    package(&sandbox, "base", &[("stack.yaml", stack)]);
    with_tar(&sandbox, "stack install --tgz base.tgz --dry-run").stdin("\n\n\n\n\n").run().expect(0);
    let run = sandbox.only_run();
    let planned = |component: &str| run.manifest()["components"][component]["planned_action"].clone();
    assert_eq!(["cert_manager", "longhorn", "rancher"].map(planned), ["install", "install", "skip"]);
}

#[test]
fn an_addon_is_installed_as_the_environment_says_and_asks_nothing() {
    let sandbox = sandbox();
    package(&sandbox, "registry", &[("addon.yaml", &addon("registry"))]);
    let words = "addon install --tgz registry.tgz --public-host images.example.local --dry-run";
    let outcome = with_tar(&sandbox, words).run().expect(0);
    assert!(!outcome.stdout.contains("(y/n)"), "{outcome}");
    assert!(outcome.stdout.contains("images.example.local"), "{outcome}");
    let run = sandbox.only_run();
    let planned = |component: &str| run.manifest()["components"][component]["planned_action"].clone();
    assert_eq!(["registry", "cert_manager", "clusterissuer"].map(planned), ["install", "install", "ensure"]);
    assert_eq!(planned("longhorn"), "skip");
}

#[test]
fn anything_else_is_refused_and_not_run() {
    let sandbox = sandbox();
    let ran = sandbox.root().join("ran");
    let script = format!("#!/bin/sh\ntouch {}\n", ran.display());
    package(&sandbox, "demo", &[("addon.yaml", &addon("demo-addon")), ("scripts/install.sh", &script)]);
    package(&sandbox, "longhorn", &[("addon.yaml", &addon("longhorn"))]);
    package(&sandbox, "empty", &[("README", "")]);
    fs::write(sandbox.cwd().join("text.tgz"), "no archive").expect("the sandbox is ours");
    for (words, said) in [
        ("addon install --tgz demo.tgz", "the add-on demo-addon is not part of this program"),
        ("addon validate --tgz demo.tgz", "the add-on demo-addon is not part of this program"),
        ("stack install --tgz longhorn.tgz", "of the kind Addon"),
        ("addon install --tgz longhorn.tgz --public-host a.example.local", "does not declare"),
        ("addon install --tgz empty.tgz", "it has no readable addon.yaml"),
        ("addon install --tgz text.tgz", "it has no readable addon.yaml"),
        ("addon install --tgz missing.tgz", "does not exist"),
    ] {
        let outcome = with_tar(&sandbox, words).run().expect(1);
        let text = outcome.stderr.replace("\n       ", " ");
        assert!(text.contains(said), "{words}: {outcome}");
    }
    assert!(!ran.exists() && sandbox.runs().is_empty());
    let valid = with_tar(&sandbox, "addon validate --tgz longhorn.tgz").run().expect(0);
    assert!(valid.stdout.contains("Addon package validation passed"), "{valid}");
}

#[test]
fn a_package_for_another_cluster_is_refused_by_name() {
    let sandbox = sandbox();
    package(&sandbox, "registry", &[("addon.yaml", &addon("registry"))]);
    let stack = "kind: Stack\nmetadata: {name: base}\nspec: {addons: [registry]}\n";
    package(&sandbox, "base", &[("stack.yaml", stack)]);
    let other = sandbox.file("canary.yaml", "apiVersion: v1\nkind: Config\n", 0o600);
    let other = other.to_string_lossy();
    let (addon, stack) =
        ("addon install --tgz registry.tgz --dry-run", "stack install --tgz base.tgz --dry-run");
    let said = "is for another cluster than the one of this host";
    for words in [addon, stack] {
        // As the CLI hands its target down, and as an operator may say it.
        let by_layer = with_tar(&sandbox, words).env("KUBECONFIG", &*other).run().expect(1);
        let by_option = with_tar(&sandbox, &format!("{words} --kubeconfig {other}")).run().expect(1);
        let by_context = with_tar(&sandbox, words).env("PK3S_KUBE_CONTEXT", "far").run().expect(1);
        for outcome in [by_layer, by_option, by_context] {
            let text = outcome.stderr.replace("\n       ", " ");
            assert!(text.contains(said) && text.contains("unset KUBECONFIG"), "{words}: {outcome}");
            assert!(outcome.stdout.is_empty() && sandbox.runs().is_empty(), "{words}: {outcome}");
        }
    }
    let several = with_tar(&sandbox, addon).env("KUBECONFIG", "/a:/b").run().expect(1);
    assert!(several.stderr.contains("several files"), "{several}");
}

#[test]
fn the_public_name_of_an_addon_may_be_in_the_environment() {
    let sandbox = sandbox();
    package(&sandbox, "registry", &[("addon.yaml", &addon("registry"))]);
    let call = with_tar(&sandbox, "addon install --tgz registry.tgz --dry-run");
    let outcome = call.env("PK3S_ADDON_PUBLIC_HOST", "images.example.local").run().expect(0);
    assert!(outcome.stdout.contains("images.example.local"), "{outcome}");
}

/// Nobody is asked, so what is there must be known from the records.
#[test]
fn an_addon_that_is_installed_once_more_is_told_what_it_was_told_before() {
    let sandbox = with_bundle(Sandbox::unprivileged());
    let answers = "n\nn\ny\ny\ncorp.example\nimages.corp.example\n\n\ny\nkeeper\n\n\nn\n";
    call(&sandbox, "bootstrap", ["--mode", "stack"]).stdin(answers).run().expect(0);
    ended_well(&sandbox);
    package(&sandbox, "registry", &[("addon.yaml", &addon("registry"))]);
    let outcome = with_tar(&sandbox, "addon install --tgz registry.tgz --dry-run").run().expect(0);
    assert!(outcome.stdout.contains("https://images.corp.example, 20 GiB, login"), "{outcome}");
}
