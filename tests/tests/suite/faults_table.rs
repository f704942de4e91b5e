//! The table of faults names tests that exist.

use std::fs;
use std::path::{Path, PathBuf};

use tests::workspace;

/// Cells of the table that name a test: the crate, a space, and its path.
fn cited(row: &str) -> impl Iterator<Item = (&str, &str)> {
    row.split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|quoted| quoted.split_once(' '))
        .filter(|(_, test)| test.contains("::"))
}

/// Rust sources below `directory`.
fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Whether `path` is the file of the module, which may be one within the file (`tests`) or the root of a test.
fn is_module(path: &Path, module: &str) -> bool {
    let path = path.with_extension("");
    let file = if path.ends_with("mod") { path.parent().expect("a directory") } else { &path };
    let module = module.replace("::", "/");
    file.ends_with(&module) || module.strip_suffix("/tests").is_some_and(|outer| file.ends_with(outer))
}

/// Whether `text` holds the test, by itself or in a list of those that a macro makes two of.
fn has_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let is_function = |line: &str| line.starts_with(&format!("fn {name}("));
    let is_test = |pair: &[&str]| pair[0] == "#[test]" && is_function(pair[1]);
    let is_listed = text.contains("on_both_stores! {") && lines.contains(&&*format!("{name},"));
    lines.windows(2).any(is_test) || (is_listed && lines.iter().any(|line| is_function(line)))
}

fn exists(krate: &str, test: &str) -> bool {
    let (module, name) = test.rsplit_once("::").expect("a path");
    let mut files = Vec::new();
    for directory in ["src", "tests"] {
        sources(&workspace().join(krate).join(directory), &mut files);
    }
    let texts = files.iter().filter(|path| is_module(path, module)).map(fs::read_to_string);
    texts.into_iter().any(|text| has_test(&text.expect("readable"), name))
}

#[test]
fn every_fault_has_a_test_that_exists() {
    let table = fs::read_to_string(workspace().join("tests/FAULTS.md")).expect("there is one");
    let is_row =
        |line: &&str| line.starts_with("| ") && !line.starts_with("| --") && !line.ends_with("| Tests |");
    let rows: Vec<&str> = table.lines().filter(is_row).collect();
    // A table that is no longer read as one would pass with no rows.
    assert!(rows.len() > 40, "{} rows", rows.len());
    for row in rows {
        assert!(cited(row).count() > 0, "no test in: {row}");
        for (krate, test) in cited(row) {
            assert!(exists(krate, test), "{krate} has no test {test}");
        }
    }
}

#[test]
fn a_test_that_is_gone_is_noticed() {
    assert!(exists("tests", "faults_table::a_test_that_is_gone_is_noticed"));
    assert!(
        !exists("tests", "faults_table::exists")
            && !exists("tests", "faults::a_test_that_is_gone_is_noticed")
    );
}
