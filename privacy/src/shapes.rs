//! The forms of [`schema::denylist::ALLOWLISTED_SHAPES`], without a regular expression: nearly every document holds them,
//! and to compile their patterns would be a good part of a cold start. A test holds the two together.

/// Whether the whole text is a time, a random UUID or a plain version.
pub(crate) fn is_innocent(text: &str) -> bool {
    fits(text, "dddd-dd-ddTdd:dd:ddZ")
        || fits(text, "hhhhhhhh-hhhh-rhhh-vhhh-hhhhhhhhhhhh")
        || is_version(text)
}

/// Compares byte by byte: `d` stands for a digit, `h` for a hexadecimal one, `r` for a version of random UUIDs, `v` for
/// their variant, and everything else for itself.
fn fits(text: &str, template: &str) -> bool {
    text.len() == template.len()
        && text.bytes().zip(template.bytes()).all(|(byte, expected)| match expected {
            b'd' => byte.is_ascii_digit(),
            b'h' => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            b'r' => matches!(byte, b'4' | b'7'),
            b'v' => matches!(byte, b'8' | b'9' | b'a' | b'b'),
            literal => byte == literal,
        })
}

fn is_version(text: &str) -> bool {
    let is_number =
        |part: &str| matches!(part.len(), 1..=4) && part.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= "9999.9999.9999".len() && text.split('.').count() <= 3 && text.split('.').all(is_number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex_automata::meta::Regex;
    use schema::denylist::ALLOWLISTED_SHAPES;

    #[track_caller]
    fn check_agrees(text: &str) {
        let mut patterns =
            ALLOWLISTED_SHAPES.iter().map(|shape| Regex::new(shape.pattern).expect("a pattern"));
        assert_eq!(super::is_innocent(text), patterns.any(|pattern| pattern.is_match(text)), "{text:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn forms_agree_with_their_published_patterns(
            time in "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z",
            uuid in "[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
            version in "[0-9]{1,4}(\\.[0-9]{1,4}){0,2}",
            at in any::<prop::sample::Index>(),
            other in "[0-9a-gA-GTZ.:\\n\u{ff11}-]",
        ) {
            for text in [time, uuid, version] {
                check_agrees(&text);
                let at = at.index(text.len());
                check_agrees(&format!("{}{other}{}", &text[..at], &text[at + 1..]));
                check_agrees(&format!("{}{other}{}", &text[..at], &text[at..]));
                check_agrees(&format!("{}{}", &text[..at], &text[at + 1..]));
                check_agrees(&format!("{text}{other}"));
                check_agrees(&format!("{text}\n"));
            }
        }

        #[test]
        fn no_other_text_is_taken_for_one(text in "\\PC{0,40}", digits in "[0-9.-]{0,16}") {
            check_agrees(&text);
            check_agrees(&digits);
        }
    }
}
