//! `CONTRACT.md`: the contract for people, from the same schemas.

pub(super) fn markdown() -> String {
    String::from("# Contract\n")
}
