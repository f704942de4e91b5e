//! Keys that name something private. The schema refuses them as well, for every object is closed; a receiver that
//! keeps documents of later versions, or stores what it refused, needs the denylist itself.

use serde_json::json;

use super::Vector;
use super::base::{delivery, manifest, with};

/// What stands at the key does not matter, so it is as innocent as can be.
const VALUE: bool = true;

pub(super) fn vectors() -> Vec<Vector> {
    [tokens(), sequences(), disguises(), places()].concat()
}

fn in_platform(name: &str, description: &str, key: &str, rule: &str) -> Vector {
    Vector::fail(name, description, with(manifest(), &format!("/platform/{key}"), VALUE), rule, "/platform/*")
}

fn tokens() -> Vec<Vector> {
    let token =
        |name: &str, key: &str| in_platform(name, "The key names something private.", key, "key.token");
    vec![
        token("key-host-name", "hostname"),
        token("key-host-as-part", "os_host_family"),
        token("key-login", "login"),
        token("key-mail", "mail"),
        token("key-path", "artifacts_path"),
        token("key-working-folder", "cwd"),
        token("key-endpoint", "endpoint"),
        token("key-address", "public_ip"),
        token("key-mac", "mac"),
        token("key-token", "join_token"),
        token("key-password", "registry_password"),
        token("key-kubeconfig", "kubeconfig"),
        token("key-command-line", "argv"),
        token("key-output", "stderr"),
    ]
}

fn sequences() -> Vec<Vector> {
    let sequence = |name: &str, key: &str| {
        in_platform(name, "Two words together name something private.", key, "key.sequence")
    };
    vec![
        sequence("key-server-address", "server_address"),
        sequence("key-node-name", "node_name"),
        sequence("key-machine-id", "the_machine_id"),
        sequence("key-nfs-export", "nfs_export"),
        sequence("key-api-key", "api_key"),
        sequence("key-remote-address", "remote_addr"),
    ]
}

fn disguises() -> Vec<Vector> {
    let token = |name: &str, description: &str, key: &str| in_platform(name, description, key, "key.token");
    let shape = |name: &str, description: &str, key: &str| in_platform(name, description, key, "key.shape");
    vec![
        token("key-plural", "A plural.", "hosts"),
        token("key-plural-es", "A plural.", "addresses_of_gateways"),
        token("key-plural-ies", "A plural.", "directories"),
        token("key-numbered", "A number at the end.", "host2"),
        token("key-camel-case", "Another case.", "hostName"),
        token("key-upper-case", "Another case.", "HOSTNAME"),
        token("key-acronym", "Upper case before a word.", "theURLGiven"),
        token("key-hyphen", "Another separator.", "user-name"),
        token("key-dot", "Another separator.", "os.path"),
        token(
            "key-full-width",
            "Full-width letters, which NFKC makes plain.",
            "\u{ff48}\u{ff4f}\u{ff53}\u{ff54}",
        ),
        token("key-zero-width", "A character without width inside.", "ho\u{200b}st"),
        token("key-soft-hyphen", "A soft hyphen inside.", "ho\u{ad}st"),
        shape("key-homoglyph", "A letter that only looks alike.", "h\u{43e}st"),
        shape("key-empty", "An empty key.", ""),
        shape("key-leading-digit", "Keys begin with a letter.", "1st"),
        shape("key-65-characters", "One character too many.", &"z".repeat(65)),
        shape("key-line-feed", "In some languages `$` matches before it.", "kernel\n"),
        shape("key-value-as-key", "A value hidden in a key.", "srv01.example.com"),
        in_platform("key-sequence-camel-case", "Another case.", "nodeName", "key.sequence"),
    ]
}

/// The same rules in every place, and exemptions in none but their own.
fn places() -> Vec<Vector> {
    let nested = json!({ "list": [{ "hostname": VALUE }] });
    vec![
        Vector::fail(
            "key-at-root",
            "In the document itself.",
            with(manifest(), "/hostname", VALUE),
            "key.token",
            "/*",
        ),
        Vector::fail(
            "key-in-manifest-delivered",
            "In an enclosed manifest.",
            with(delivery(), "/manifest/features/username", VALUE),
            "key.token",
            "/manifest/features/*",
        ),
        Vector::fail(
            "key-nested",
            "Inside lists and unknown objects.",
            with(manifest(), "/extra", nested),
            "key.token",
            "/*/*/0/*",
        ),
        Vector::fail(
            "key-exempt-elsewhere",
            "An exemption is a place, not a name.",
            with(manifest(), "/platform/local_hosts", VALUE),
            "key.token",
            "/platform/local_hosts",
        ),
        Vector::fail(
            "key-exempt-in-envelope",
            "An exemption is a place, not a name.",
            with(delivery(), "/manage_local_hosts", VALUE),
            "key.token",
            "/manage_local_hosts",
        ),
    ]
}
