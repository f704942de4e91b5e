//! What must not compile: invariant 2 of the design.

#[test]
fn nothing_but_the_gate_makes_a_vetted_document() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
