//! The scanner on crates of a few lines: what counts as an arrow, and what does not.

use std::fs;

use super::graph::Graph;

/// The graph of a crate whose files these are.
fn graph(files: &[(&str, &str)]) -> Graph {
    let directory = tempfile::tempdir().expect("a scratch directory");
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("ours");
        fs::write(&path, text).expect("ours");
    }
    Graph::of(&directory.path().join("lib.rs"))
}

/// The arrows of the level `path`, as `from -> to`; the file of the parent is `.`.
fn arrows(files: &[(&str, &str)], path: &[&str]) -> Vec<String> {
    let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
    let level = graph(files).levels().remove(&path).unwrap_or_default();
    let name = |name: &str| if name.is_empty() { ".".to_owned() } else { name.to_owned() };
    level.keys().map(|(from, to)| format!("{} -> {}", name(from), name(to))).collect()
}

const PAIR: (&str, &str) = ("lib.rs", "mod a; mod b;");

#[test]
fn every_form_of_a_use_is_an_arrow() {
    for text in [
        "use crate::b::B;",
        "use super::b::B as Other;",
        "use crate::{b::{self, B}};",
        "use crate::b; fn f() { b::go() }",
        "fn f() { crate::b::go() }",
        "fn f() { use crate::b::go; go() }",
        "fn f() { super::b::B::new() }",
        "fn f() -> impl Fn(crate::b::B) { todo!() }",
        "fn f() { println!(\"{}\", crate::b::go()) }",
        "use super::b::*; fn f(_: B) {}",
        "use crate::b::*; fn f() { go() }",
        "struct S { #[serde(with = \"crate::b\")] field: u8, }  fn f() { crate::b::go() }",
        "struct S { #[serde(default = \"crate::b::go\")] field: u8 }",
        "fn f() { made!(1) }",
        "use crate::b::Made;",
        "mod inner { fn f() { super::super::b::go() } }",
        "fn f<T>() { Vec::<T>::new(); crate::b::go() }",
    ] {
        let b =
            "pub struct B; pub fn go() {} macro_rules! made { () => {} } words! { pub enum Made { One } }";
        assert_eq!(arrows(&[PAIR, ("a.rs", text), ("b.rs", b)], &[]), ["a -> b"], "{text}");
    }
}

#[test]
fn what_is_no_use_is_no_arrow() {
    for text in [
        "// use crate::b::B;",
        "/// See [`crate::b::B`].\nfn f() {}",
        "//! Beside [`crate::b`].",
        "fn f() -> &'static str { \"crate::b::B\" }",
        "#[cfg(test)] mod tests { use crate::b::B; }",
        "#[cfg(all(test, unix))] use crate::b::B;",
        "use b2::B; use std::fmt::Display;",
        "fn f(b: u8) { b.go(); b.field.go() }",
        "pub(in crate::a) fn f() {}",
        "fn f() { ::b::go() }",
        "use crate::b;",
        "fn f() { go!() }",
    ] {
        assert!(
            arrows(&[PAIR, ("a.rs", text), ("b.rs", "pub struct B; pub fn go() {}")], &[]).is_empty(),
            "{text}"
        );
    }
}

#[test]
fn code_that_is_not_for_tests_alone_counts() {
    let a = "#[cfg(not(test))] use crate::b::B;";
    assert_eq!(arrows(&[PAIR, ("a.rs", a), ("b.rs", "pub struct B;")], &[]), ["a -> b"]);
}

#[test]
fn what_comes_through_the_parent_is_the_siblings() {
    let files = |parent: &'static str, a: &'static str| {
        [
            ("lib.rs", "mod room;"),
            ("room.rs", parent),
            ("room/a.rs", a),
            ("room/b.rs", "pub struct B; pub fn go() {}"),
        ]
    };
    for parent in
        ["mod a; mod b; pub use b::B;", "mod a; mod b; use b::*;", "mod a; mod b; pub(crate) use self::b::B;"]
    {
        for a in
            ["use super::B;", "fn f(_: super::B) {}", "use crate::room::B;", "use super::*; fn f(_: B) {}"]
        {
            assert_eq!(arrows(&files(parent, a), &["room"])[..1], ["a -> b"], "{parent} {a}");
        }
    }
}

#[test]
fn what_the_parent_defines_is_the_parents() {
    let files =
        [("lib.rs", "mod room;"), ("room.rs", "mod a; pub struct P;"), ("room/a.rs", "use super::P;")];
    assert_eq!(arrows(&files, &["room"]), ["a -> ."]);
    assert_eq!(graph(&files).circles(), "", "a parent that does not use its child is below it");
    let files = [
        ("lib.rs", "mod room;"),
        ("room.rs", "mod a; pub struct P; fn f() { a::go() }"),
        ("room/a.rs", "use super::P;"),
    ];
    assert_eq!(arrows(&files, &["room"]), [". -> a", "a -> ."]);
    assert!(graph(&files).circles().contains("circle: room (its own file), a"));
}

#[test]
fn a_reexport_is_a_use_only_where_the_name_is_used() {
    let files =
        |parent: &'static str| [("lib.rs", "mod room;"), ("room.rs", parent), ("room/a.rs", "pub struct A;")];
    assert!(arrows(&files("mod a; pub use a::A;"), &["room"]).is_empty());
    assert_eq!(arrows(&files("mod a; pub use a::A; fn f(_: A) {}"), &["room"]), [". -> a"]);
    assert_eq!(arrows(&files("mod a; use a::A;"), &["room"]), [". -> a"]);
}

#[test]
fn a_circle_is_found_through_others_and_named_with_its_uses() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; mod d;"),
        ("a.rs", "use crate::b::B; pub struct A;"),
        ("b.rs", "pub struct B;\nuse crate::c::C;"),
        ("c/deep.rs", "use crate::a::A; pub struct Deep;"),
        ("c.rs", "mod deep; pub struct C;"),
        ("d.rs", "use crate::a::A;"),
    ];
    let circles = graph(&files).circles();
    assert!(circles.contains("circle: a, b, c\n"), "{circles}");
    for arrow in
        ["a -> b: `use crate::b::B`", "b -> c: `use crate::c::C`", "b.rs:2", "c -> a: `use crate::a::A`"]
    {
        assert!(circles.contains(arrow), "{circles}");
    }
    assert!(!circles.contains("d ->"), "{circles}");
}

#[test]
fn an_arrow_against_the_order_is_told() {
    let files = [
        ("lib.rs", "mod a; mod b; fn f() { a::go(); b::go() }"),
        ("a.rs", "use crate::b::B;"),
        ("b.rs", "pub struct B;"),
    ];
    assert_eq!(graph(&files).upwards(&["b", "a"]), [] as [String; 0]);
    let upwards = graph(&files).upwards(&["a", "b"]);
    assert!(upwards.len() == 1 && upwards[0].starts_with("a -> b: `use crate::b::B`"), "{upwards:?}");
}

#[test]
fn a_method_that_another_module_gives_to_a_type_is_that_modules() {
    let a = "pub struct A; fn f(a: A) { a.shown() }";
    let b = "use crate::a::A; impl A { pub fn shown(&self) {} }";
    assert_eq!(arrows(&[PAIR, ("a.rs", a), ("b.rs", b)], &[]), ["a -> b", "b -> a"]);
    let c = "fn f(x: Other) { x.shown() }";
    let files = [("lib.rs", "mod a; mod b; mod c;"), ("a.rs", "pub struct A;"), ("b.rs", b), ("c.rs", c)];
    assert_eq!(arrows(&files, &[]), ["b -> a"], "who does not know the type calls another method");
}

#[test]
fn modules_are_found_where_the_compiler_finds_them() {
    let files = [
        ("lib.rs", "#[path = \"other/place.rs\"] mod a; mod b; mod c { pub mod d; }"),
        ("other/place.rs", "mod beside; use crate::b::B;"),
        ("other/beside.rs", "use crate::c::d::D;"),
        ("b/mod.rs", "pub mod e; pub struct B;"),
        ("b/e.rs", ""),
        ("c/d.rs", "pub struct D;"),
    ];
    assert_eq!(arrows(&files, &[]), ["a -> b", "a -> c"]);
}
