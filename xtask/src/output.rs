//! What a chore tells its caller.

/// Writes one line.
#[expect(clippy::print_stdout, reason = "the result of a chore is for its caller")]
pub(crate) fn line(text: &str) {
    println!("{text}");
}
