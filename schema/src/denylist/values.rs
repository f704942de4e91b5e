//! Rules about string values.
//!
//! A string is checked as it is. Decodings (base64, hexadecimal, NFKC) were rules of the first drafts, when ids were free
//! text; since ids are random by their form, a document has no room for encoded text, and the program decodes only
//! what it compares with names of its own machine.

use serde::Serialize;

/// A form that is allowed as a whole string, whatever the rules say about it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct AllowlistedShape {
    /// Its name.
    pub id: &'static str,
    /// What the whole string must match.
    pub pattern: &'static str,
    /// Why it can contain nothing private.
    pub reason: &'static str,
}

/// A form of private text.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ValueRule {
    /// Id in reports and vectors.
    pub id: &'static str,
    /// What the rule says.
    pub words: &'static str,
    /// What is searched for in a string.
    pub pattern: &'static str,
    /// Whether ASCII letters match in either case.
    pub ignore_case: bool,
    /// Strings that must trip this rule.
    pub hits: &'static [&'static str],
    /// Strings that look alike and must trip no rule at all.
    pub innocents: &'static [&'static str],
}

/// The allowed forms: besides the words, all that a document of the contract can contain.
pub const ALLOWLISTED_SHAPES: &[AllowlistedShape] = &[
    AllowlistedShape {
        id: "utc_time",
        pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
        reason: "a time of the contract; the schema checks that it exists",
    },
    AllowlistedShape {
        id: "random_id",
        pattern: crate::Id::PATTERN,
        reason: "random by its form: names are not made of so many hexadecimal digits, and UUIDs of other versions than 4 \
                 and 7 may hold a hardware address or a hash of a name",
    },
    AllowlistedShape {
        id: "version",
        pattern: "^([0-9]{1,2}|20[0-9]{2})(\\.[0-9]{1,2}){0,2}$",
        reason: "at most three numbers of two digits, the first of which may be a year: too few for an address",
    },
];

/// The rules for values, most general first.
#[rustfmt::skip]
pub const VALUE_RULES: &[ValueRule] = &[
    // A line feed at the end slips past `$` in some languages, and control characters forge lines in logs.
    ValueRule {
        id: "value.control",
        words: "a control character",
        pattern: "[\\x00-\\x1F\\x7F]",
        ignore_case: false,
        hits: &["success\n", "a\tb", "\u{0}", "\u{7f}"],
        innocents: &["success", "a b"],
    },
    // Words, ids, versions and times are ASCII. Letters that only look alike would get past every rule below.
    ValueRule {
        id: "value.non_ascii",
        words: "a character outside ASCII",
        pattern: "[^\\x00-\\x7F]",
        ignore_case: false,
        hits: &["s\u{443}ccess", "\u{ff11}\u{ff10}", "na\u{ef}ve", "suc\u{200b}cess"],
        innocents: &["naive"],
    },
    // The C library also reads parts in hex and octal, and networks are written with fewer than four parts.
    // Anything may surround it, so `v1.2.3.4` is refused as well: the contract has no version of four numbers.
    ValueRule {
        id: "value.ipv4",
        words: "an IPv4 address or network",
        pattern: "(0x[0-9a-f]+|[0-9]+)(\\.(0x[0-9a-f]+|[0-9]+)){3}|[0-9]+(\\.[0-9]+)+/[0-9]{1,2}([^0-9]|$)",
        ignore_case: true,
        hits: &["192.168.1.10", "10.0.0.0/8", "10.0/16", "1.2.3.4:6443", "0300.0250.0.1", "0xC0.0xA8.0x1.0x1", "v1.2.3.4"],
        innocents: &["24.04", "0.1.0", "v1.35.5+k3s1", "productive-k3s-core/1.2.3"],
    },
    // Clouds name hosts in this way (`ip-10-0-0-12`). Four groups of at most three digits do not match dates and run ids.
    ValueRule {
        id: "value.ipv4_dashed",
        words: "an IPv4 address with other separators, as in a host name",
        pattern: "(^|[^0-9])[0-9]{1,3}([-_][0-9]{1,3}){3}([^0-9]|$)",
        ignore_case: false,
        hits: &["ip-10-0-0-12", "192_168_1_10"],
        innocents: &["20261122-075002-307-565430571", "2026-11-22"],
    },
    // Only as the whole string: inside ids, long runs of digits are common.
    ValueRule {
        id: "value.ipv4_number",
        words: "an IPv4 address as one number",
        pattern: "^([0-9]{9,10}|0x[0-9a-f]{7,8}|0[0-7]{9,11})$",
        ignore_case: true,
        hits: &["3232235777", "167772161", "0xC0A80101", "030052000401"],
        innocents: &["0123456789012345", "65536", "20261122"],
    },
    // Two colons, or all eight groups: a time of the day has three groups and single colons.
    ValueRule {
        id: "value.ipv6",
        words: "an IPv6 address",
        pattern: "::|([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}",
        ignore_case: true,
        hits: &["::1", "fe80::1%eth0", "[2001:db8::1]:443", "::ffff:192.168.1.1", "2001:db8:0:0:0:0:0:1"],
        innocents: &["07:50:02"],
    },
    // Three ways to write it. A date has a hyphen too, so there must be six groups.
    ValueRule {
        id: "value.mac",
        words: "a hardware address",
        pattern: "(^|[^0-9a-z])[0-9a-f]{2}([:_-][0-9a-f]{2}){5}([^0-9a-z]|$)|(^|[^0-9a-z])[0-9a-f]{4}\\.[0-9a-f]{4}\\.[0-9a-f]{4}([^0-9a-z]|$)",
        ignore_case: true,
        hits: &["00:1a:2b:3c:4d:5e", "00-1A-2B-3C-4D-5E", "001a.2b3c.4d5e"],
        innocents: &["07:50:02", "2026-11-22", "00-1a-2b"],
    },
    // A letter must follow the dot, so versions do not match. There is no list of top-level domains: names of
    // intranets can have any ending. Names of events look the same and pass as words of the contract.
    ValueRule {
        id: "value.fqdn",
        words: "a domain name",
        pattern: "[a-z0-9_-]\\.[a-z][a-z0-9-]+|(^|[^a-z0-9])xn--",
        ignore_case: true,
        hits: &["srv01.example.com", "srv01.example.com.", "node.local", "xn--mller-kva", "a b.example.org c", "core.bootstrap.server.begun", "SRV.LAN"],
        innocents: &["core.bootstrap.server.started", "core.component.enabled", "v1.35.5+k3s1", "1.2.3-rc.1", "best-effort"],
    },
    // A host without a dot is recognised by its port. Because of the letter in front, times of the day do not match.
    ValueRule {
        id: "value.host_port",
        words: "a host with a port",
        pattern: "(^|[^a-z0-9])[a-z][a-z0-9_-]*:[0-9]{1,5}([^0-9]|$)",
        ignore_case: true,
        hits: &["srv01:6443", "localhost:80", "at srv-01:22 now"],
        innocents: &["2026-11-22T07:50:02Z", "07:50"],
    },
    // Two slashes match without a scheme, and a scheme without slashes; `\/` is how some writers escape JSON.
    ValueRule {
        id: "value.url",
        words: "a URL",
        pattern: "//|\\\\/|(^|[^a-z0-9])(https?|ftp|file|ssh|mailto|data|tel|urn|ldaps?|nfs|smb|tcp|udp|unix):",
        ignore_case: true,
        hits: &["https://srv01", "//srv01", "https:\\/\\/srv01", "FILE:passwd", "mailto:alice", "x//y"],
        innocents: &["productive-k3s-core/1.2.3", "letsencrypt-staging"],
    },
    // Nothing in the contract has an at sign, so no form of an address needs to be recognised.
    ValueRule {
        id: "value.email",
        words: "an at sign, as in an e-mail address, user@host or user:password@host",
        pattern: "@",
        ignore_case: false,
        hits: &["alice@example.com", "alice@srv01", "admin:hunter2@srv01"],
        innocents: &["pk3s-public-v1"],
    },
    // A single slash inside is not refused: `productive-k3s-core/1.2.3` is how a program names itself.
    ValueRule {
        id: "value.path",
        words: "a path of a file or directory",
        pattern: "(^|[^a-z0-9])/|/[^/]*/|\\.\\.|(^|[^a-z0-9])~",
        ignore_case: true,
        hits: &["/home/alice", "/", "~/runs", "~alice", "../x", "runs/../x", "home/alice/runs", "in /srv"],
        innocents: &["productive-k3s-core/1.2.3", "1.2.3-rc.1"],
    },
    // Nothing in the contract has a backslash, and it escapes what other rules look for.
    ValueRule {
        id: "value.windows_path",
        words: "a path of Windows, or a backslash",
        pattern: "\\\\|(^|[^a-z0-9])[a-z]:(/|$)",
        ignore_case: true,
        hits: &["C:\\Users\\alice", "c:/users", "D:", "\\\\srv01\\share", "a\\b"],
        innocents: &["2026-11-22T07:50:02Z"],
    },
    // An unexpanded variable is a template that failed; its name reveals the kind of private value.
    ValueRule {
        id: "value.variable",
        words: "a variable of a shell",
        pattern: "\\$[a-z_{(]|%[a-z_][a-z0-9_]*%",
        ignore_case: true,
        hits: &["$HOME", "${USER}", "$(hostname)", "%USERPROFILE%"],
        innocents: &["100%", "5$"],
    },
    // What is percent-encoded was part of a URL or hides from the other rules; nothing in the contract needs it.
    ValueRule {
        id: "value.percent",
        words: "a percent-encoded character",
        pattern: "%[0-9a-f]{2}",
        ignore_case: true,
        hits: &["%2Fhome%2Falice", "srv01%2eexample%2ecom", "%252Fhome"],
        innocents: &["100%", "5%x"],
    },
    // The first part of every token begins with `{"` in base64.
    ValueRule {
        id: "value.jwt",
        words: "a JSON web token",
        pattern: "eyJ[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+",
        ignore_case: false,
        hits: &["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"],
        innocents: &["eyJ"],
    },
    // Five hyphens open every PEM block, whatever it holds.
    ValueRule {
        id: "value.pem",
        words: "a PEM block",
        pattern: "-----",
        ignore_case: false,
        hits: &["-----BEGIN CERTIFICATE-----", "-----END RSA PRIVATE KEY-----"],
        innocents: &["a--b"],
    },
    // `AAAA[BCE]3NzaC` is the length and the beginning of the name of an algorithm in base64.
    ValueRule {
        id: "value.ssh_key",
        words: "an SSH key",
        pattern: "(^|[^a-z0-9])(ssh-(rsa|dss|ed25519)|ecdsa-sha2-|sk-(ssh|ecdsa)-)|AAAA[BCE]3NzaC",
        ignore_case: true,
        hits: &["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", "ecdsa-sha2-nistp256 AAAA", "sk-ssh-ed25519 AAAA", "AAAAB3NzaC1yc2E"],
        innocents: &["ssh-agent", "add-export"],
    },
    // `K10` and a hash begin the token of a k3s server; a bootstrap token has six and sixteen characters around a dot.
    ValueRule {
        id: "value.k3s_token",
        words: "a token of a k3s or Kubernetes cluster",
        pattern: "K10[0-9a-f]{32}|(^|[^a-z0-9])[a-z0-9]{6}\\.[a-z0-9]{16}([^a-z0-9]|$)",
        ignore_case: false,
        hits: &["K10aa0bb1cc2dd3ee4ff5aa0bb1cc2dd3ee4ff5aa0bb1cc2dd3ee4ff5aa0bb1cc2d::server:x", "abcdef.0123456789abcdef"],
        innocents: &["K10", "0123456789abcdef"],
    },
    // Prefixes that the services publish so that scanners find their tokens.
    ValueRule {
        id: "value.api_token",
        words: "a token of a hosting service",
        pattern: "(^|[^A-Za-z0-9])(gh[a-z]_|github_pat_|glpat-|xox[a-z]-)[A-Za-z0-9]|A[KS]IA[0-9A-Z]{12}",
        ignore_case: false,
        hits: &["ghp_16C7e42F292c6912E7710c838347Ae178B4a", "gho_abc", "github_pat_11ABC", "glpat-abc", "AKIAIOSFODNN7EXAMPLE", "xoxb-1"],
        innocents: &["AKIA", "core-ghp"],
    },
    // The word alone is harmless; credentials follow it.
    ValueRule {
        id: "value.bearer",
        words: "credentials of an HTTP header",
        pattern: "(^|[^a-z0-9])(bearer|basic|digest|negotiate)[\\t :=]+[^\\t ]",
        ignore_case: true,
        hits: &["Bearer abc", "authorization: basic YTpi", "BEARER=x"],
        innocents: &["basic", "bearer "],
    },
    // A document inside a string hides keys and values from every other rule.
    ValueRule {
        id: "value.json",
        words: "JSON inside a string",
        pattern: "[{}\"]|^[\\t\\n\\r ]*\\[",
        ignore_case: false,
        hits: &["{\"host\":1}", "\"x\"", " [1]", "{"],
        innocents: &["a[1]"],
    },
];
