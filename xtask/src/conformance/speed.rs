//! What measurements of validators print, as lines for people.

use std::fmt::Write;

use serde_json::Value;

/// The rows of a measurement as lines; what was printed, if it cannot be read.
pub(super) fn table(printed: String) -> Result<String, String> {
    lines(&printed).ok_or(printed)
}

fn lines(printed: &str) -> Option<String> {
    let mut text = format!(
        "\n  {:<42}{:>14}{:>18}{:>18}",
        "checked", "documents/s", "refused in error", "passed in error"
    );
    for row in serde_json::from_str::<Vec<Value>>(printed).ok()? {
        let count = |name: &str| row[name].as_u64();
        let (speed, refused, passed) = (count("documents_a_second")?, count("refused")?, count("passed")?);
        // Writing to a String cannot fail.
        let _ = write!(text, "\n  {:<42}{speed:>14}{refused:>18}{passed:>18}", row["name"].as_str()?);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_without_a_figure_is_no_table() {
        let row = r#"{"name": "a", "documents_a_second": 5, "refused": 0, "passed": 7}"#;
        let text = lines(&format!("[{row}]")).expect("a table");
        assert!(
            text.lines().last().is_some_and(|line| line.starts_with("  a") && line.ends_with(" 7")),
            "{text}"
        );
        assert_eq!(lines(&format!("[{}]", row.replace('5', "null"))), None);
        assert_eq!(lines("no JSON"), None);
    }
}
