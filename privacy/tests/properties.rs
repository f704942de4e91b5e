//! Properties of the gate for any input.

#[path = "common/strategies.rs"]
mod strategies;

use privacy::{Gate, LocalIdentifiers};
use proptest::prelude::*;
use schema::DocumentKind;

/// What an operator may have given as a private setting.
fn private_setting() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z][a-zA-Z0-9-]{2,20}",
        "[a-z]{2,8}(\\.[a-z]{2,8}){1,3}",
        "https://[a-z]{3,8}(\\.[a-z]{2,6}){0,2}:[0-9]{2,5}",
        "/[a-z]{2,8}(/[a-zA-Z0-9._-]{1,12}){0,3}",
        "[0-9]{1,3}(\\.[0-9]{1,3}){3}/[0-9]{1,2}",
        "[!-~]{3,40}",
        "\\PC{3,12}",
    ]
    // Only meaningful text: three characters and more, of which some are not separators.
    .prop_filter("something that identifies", |text| {
        let joined: String = text.chars().filter(|c| !c.is_whitespace() && !"._-/:".contains(*c)).collect();
        let lower_is_stable =
            !text.to_lowercase().chars().any(|lower| text.contains(char::is_uppercase) && !lower.is_ascii());
        joined.chars().count() >= 3 && lower_is_stable && text.parse::<std::net::IpAddr>().is_err()
    })
}

fn padding() -> impl Strategy<Value = String> {
    "([^a-zA-Z0-9]|[ -~]{0,20}[^a-zA-Z0-9])?"
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_document_of_the_types_passes(manifest in strategies::manifest(), document in strategies::telemetry()) {
        let gate = Gate::default();
        let vetted = gate.vet(&manifest).map_err(|rejection| TestCaseError::fail(rejection.to_string()))?;
        prop_assert_eq!(gate.check(vetted.as_bytes()), Ok(DocumentKind::RunManifest));
        let vetted = gate.vet(&document).map_err(|rejection| TestCaseError::fail(rejection.to_string()))?;
        prop_assert_eq!(gate.check(vetted.as_bytes()), Ok(DocumentKind::Telemetry));
    }

    #[test]
    fn every_text_that_contains_a_private_setting_is_refused(
        setting in private_setting(), before in padding(), after in padding(), upper in any::<bool>(),
    ) {
        let gate = Gate::new(LocalIdentifiers::default().with_private([&setting]));
        let after: String = after.chars().rev().collect();
        let inner = if upper { setting.to_ascii_uppercase() } else { setting.clone() };
        let text = format!("{before}{inner}{after}");
        prop_assume!(!is_public(&text));
        prop_assert!(gate.check_text(&text).is_err(), "{:?} in {:?}", setting, text);
        let document = serde_json::json!({ "run_id": text }).to_string();
        prop_assert!(gate.check(document.as_bytes()).is_err());
        let report = gate.check_text(&text).expect_err("refused").to_string();
        prop_assert!(setting.len() < 12 || !report.contains(&setting));
    }

    #[test]
    fn bytes_of_any_kind_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        prop_assert!(Gate::default().check(&bytes).is_err());
    }

    #[test]
    fn text_of_any_kind_never_panics(text in any::<String>(), encoded in "[A-Za-z0-9%+/=_.:-]{0,200}") {
        let gate = Gate::new(LocalIdentifiers::default().with_private(["srv01", &encoded]));
        let _ = (gate.check_text(&text), gate.check_text(&encoded));
        let document = serde_json::json!({ &*text: [&text, &encoded], &*encoded: { &*text: 1.5 } }).to_string();
        prop_assert!(gate.check(document.as_bytes()).is_err());
    }

    #[test]
    fn a_changed_document_is_never_accepted_with_another_key(document in strategies::telemetry(), key in "\\PC{1,20}") {
        let gate = Gate::default();
        let mut value = serde_json::to_value(&document).expect("JSON");
        prop_assume!(value.get(&key).is_none());
        value[&key] = true.into();
        prop_assert!(gate.check(value.to_string().as_bytes()).is_err());
    }
}

/// Whether the text is one of those that are never compared.
fn is_public(text: &str) -> bool {
    let shapes = schema::denylist::ALLOWLISTED_SHAPES.iter().filter(|shape| shape.id != "random_id");
    schema::denylist::allowlisted_words().contains(&text)
        || shapes
            .into_iter()
            .any(|shape| regex_automata::meta::Regex::new(shape.pattern).expect("a pattern").is_match(text))
}
