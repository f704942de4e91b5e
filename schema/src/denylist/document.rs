//! Rules about a document as a whole, and about the keys of its objects.

use serde::Serialize;

/// A rule that has a name and a meaning but no pattern.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct NamedRule {
    /// Id in reports and vectors.
    pub id: &'static str,
    /// What the rule says.
    pub words: &'static str,
}

/// Rules about a document as a whole, checked before anything else. One that trips ends the check, since the rest
/// cannot be judged then. All point at the root of the document, except `duplicate_key` and `depth`, which point at the
/// place.
pub const DOCUMENT_RULES: &[NamedRule] = &[
    NamedRule { id: "size", words: "the document is larger than `max_bytes`" },
    NamedRule { id: "utf8", words: "the document is not UTF-8" },
    NamedRule { id: "syntax", words: "the document is not one JSON value (RFC 8259)" },
    NamedRule {
        id: "depth",
        words: "an array or object is deeper than `max_depth` levels; the document itself is at level 1",
    },
    NamedRule { id: "duplicate_key", words: "an object has the same key twice" },
];

/// Names that only the machine knows that makes the document.
pub const LOCAL_IDENTIFIER: NamedRule = NamedRule {
    id: "local_identifier",
    words: "a string contains a name or a private setting of this machine",
};

/// The rules for keys.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct KeyRules {
    /// Rule of `shape_pattern`.
    pub shape: NamedRule,
    /// What a key must match as a whole.
    pub shape_pattern: &'static str,
    /// How a key is cut into tokens, in this order.
    pub normalisation: &'static [&'static str],
    /// The forms in which a token is compared.
    pub forms: &'static [&'static str],
    /// Rule of `tokens`.
    pub token: NamedRule,
    /// Words that no token may equal.
    pub tokens: &'static [&'static str],
    /// Rule of `sequences`.
    pub sequence: NamedRule,
    /// Pairs of words that no two neighbouring tokens may equal.
    pub sequences: &'static [[&'static str; 2]],
    /// Where the pointers of `exempt` may begin: in a run manifest itself, and in one that a telemetry document encloses.
    pub exempt_prefixes: &'static [&'static str],
    /// The contract's own keys that trip a table and are reviewed as harmless.
    pub exempt: &'static [Exemption],
}

/// A key of the contract that is allowed although its name trips a table.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Exemption {
    /// JSON pointer of the key, after one of the prefixes.
    pub pointer: &'static str,
    /// Why nothing private can be there.
    pub reason: &'static str,
}

/// The rules for keys.
pub const KEYS: KeyRules = KeyRules {
    shape: NamedRule {
        id: "key.shape",
        words: "a key is not 1 to 64 lower-case ASCII letters, digits and `_`, the first of them a letter",
    },
    // The contract's own keys are all of this form; any other is a disguise or an accident.
    shape_pattern: "^[a-z][a-z0-9_]{0,63}$",
    normalisation: &[
        "cut between an ASCII lower-case letter or digit and an ASCII upper-case letter after it",
        "cut between an ASCII upper-case letter and an upper-case letter that a lower-case letter follows",
        "cut at every character that is no ASCII letter or digit, and drop it",
        "make ASCII letters lower case; leave out empty tokens",
    ],
    forms: &[
        "the token as it is, and the token without all digits at its end; both are called bare below",
        "each bare form without one `s` at its end",
        "each bare form without `es` at its end",
        "each bare form with `ies` at its end replaced by `y`",
    ],
    token: NamedRule { id: "key.token", words: "a key names something private" },
    tokens: TOKENS,
    sequence: NamedRule { id: "key.sequence", words: "two words of a key together name something private" },
    sequences: SEQUENCES,
    exempt_prefixes: &["", "/manifest"],
    exempt: &[
        Exemption {
            pointer: "/components/local_hosts",
            reason: "a closed record of three words: no host stands in it",
        },
        Exemption {
            pointer: "/features/manage_local_hosts",
            reason: "a boolean: whether names were managed",
        },
        Exemption {
            pointer: "/features/agent_server_url_provided",
            reason: "a boolean: whether a URL was given",
        },
        Exemption {
            pointer: "/features/agent_cluster_token_provided",
            reason: "a boolean: whether a token was given",
        },
    ],
};

#[rustfmt::skip]
// Words that name private things in most programs. Those that the contract needs itself ("name", "id", "version",
// "component") are left out: the schema bounds their values.
const TOKENS: &[&str] = &[
    // The machine.
    "hostname", "host", "nodename", "fqdn", "domain", "nameserver", "serial", "machineid",
    // The person.
    "username", "user", "login", "logname", "uid", "gid", "email", "mail",
    // Places on the disk.
    "cwd", "pwd", "workdir", "home", "homedir", "path", "filepath", "dir", "directory",
    // Places on the network.
    "url", "uri", "href", "endpoint", "ip", "ipv4", "ipv6", "ipaddr", "cidr", "subnet", "netmask", "gateway", "mac",
    "hwaddr",
    // Secrets.
    "token", "secret", "password", "passwd", "passphrase", "credential", "apikey", "authorization", "bearer", "cookie",
    "kubeconfig", "sshkey", "privatekey", "certificate", "pem",
    // What a process was given and what it said.
    "argv", "cmdline", "env", "environ", "stdout", "stderr", "stacktrace", "traceback",
];

#[rustfmt::skip]
// Pairs whose words are harmless alone: "server" and "client" occur in keys of the contract.
const SEQUENCES: &[[&str; 2]] = &[
    ["server", "name"], ["server", "addr"], ["server", "address"], ["server", "host"], ["server", "url"],
    ["node", "name"], ["machine", "id"], ["device", "id"], ["ingress", "host"], ["ingress", "domain"],
    ["nfs", "client"], ["nfs", "export"], ["nfs", "server"], ["nfs", "network"],
    ["client", "network"], ["client", "range"], ["allowed", "client"], ["allowed", "network"],
    ["api", "key"], ["access", "key"], ["private", "key"], ["ssh", "key"],
    ["working", "dir"], ["remote", "addr"], ["command", "line"],
];
