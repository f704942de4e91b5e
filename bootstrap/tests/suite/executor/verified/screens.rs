//! A verification as an operator sees it, on terminals of 80 and 140 columns and in a pipe.

use std::fmt::Write as _;

use super::*;

fn shown(name: &str, report: &VerifyReport) {
    let mut text = String::new();
    for (screen, columns) in [("80 columns", 80), ("140 columns", 140), ("pipe", usize::MAX)] {
        let painted: String = report.lines().iter().map(|line| line.laid_out(columns)).collect();
        let _ =
            write!(text, "=== {screen}\n{}\n{}.\n", anstream::adapter::strip_str(&painted), report.counts());
    }
    // Certificates are valid for a day less each day.
    insta::with_settings!({ filters => vec![(r"\d+(\s+days, until)", "[some]$1")] }, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn a_node_that_works_and_one_that_does_not() {
    let (stub, mut settings) = install();
    shown("verify_works", &verify(&stub.host(), &settings, stub.history()));
    stub.put(SERVING, certificate(2020, 2021));
    claim(&stub, "Lost", &json!({}));
    stub.answer(PING, 503, "", "");
    stopped(&stub, "longhorn-system", "longhorn-driver-deployer");
    // Its password is known to nobody any more, and the trust in it is nobody's wish.
    settings.registry.auth = Some(RegistryAuth { user: "pusher".to_owned(), password: Password::Generate });
    settings.trust_registry_in_docker = false;
    shown("verify_fails", &verify(&stub.host(), &settings, stub.history()));
}
