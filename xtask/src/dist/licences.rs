//! The licences of other people's code in the program. Each text occurs once, under the names of the crates that
//! contain it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context;

use crate::crates::{self, LinkedCrate};
use crate::workspace;

/// Where the constant part of the MIT licence begins.
const MIT_GRANT: &str = "Permission is hereby granted, free of charge";

/// The licences of the program of the package `root`.
pub(super) fn document(root: &str) -> anyhow::Result<String> {
    let linked = crates::linked(root)?;
    let others: Vec<&LinkedCrate> = linked.iter().filter(|linked| !linked.is_ours).collect();
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut without = Vec::new();
    for other in &others {
        let found = texts_of(&other.directory)?;
        if found.is_empty() {
            without.push(*other);
        }
        for text in found {
            texts.entry(text).or_default().push(label(other));
        }
    }
    for other in without {
        let text = stand_in(other, texts.keys())?;
        texts.entry(text).or_default().push(label(other));
    }
    Ok(written(root, &others, &texts))
}

fn label(linked: &LinkedCrate) -> String {
    format!("{} {}", linked.name, linked.version)
}

fn written(root: &str, others: &[&LinkedCrate], texts: &BTreeMap<String, Vec<String>>) -> String {
    let mut document = format!("Third-party software in {root}\n\n");
    for other in others {
        // Writing to a String cannot fail.
        let _ = writeln!(
            document,
            "{}: {}, {}",
            label(other),
            other.license.as_deref().unwrap_or("see its text"),
            other.repository.as_deref().unwrap_or("no repository stated"),
        );
    }
    for (text, users) in texts {
        let _ = write!(document, "\n{}\n{}\n\n{text}\n", "=".repeat(80), users.join(", "));
    }
    document
}

/// The licence files in a package, those of C libraries that it brings along included.
fn texts_of(directory: &Path) -> anyhow::Result<Vec<String>> {
    let mut texts = Vec::new();
    for name in workspace::files_below(directory)? {
        let (path, file) = name.rsplit_once('/').unwrap_or(("", &name));
        let upper = file.to_uppercase();
        let is_licence = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"]
            .iter()
            .any(|prefix| upper.starts_with(prefix));
        let is_code = [".rs", ".c", ".h", ".json"].iter().any(|suffix| file.ends_with(suffix));
        // Test data is not linked.
        if is_licence && !is_code && !path.split('/').any(|part| part == "tests") {
            let bytes = fs::read(directory.join(&name)).with_context(|| format!("failed to read {name}"))?;
            let text = String::from_utf8_lossy(&bytes).replace('\r', "");
            texts.push(text.trim_matches('\n').to_owned());
        }
    }
    texts.dedup();
    Ok(texts)
}

/// A text for a package that comes without one: the licence that it states, in the words that others come with.
fn stand_in<'a>(linked: &LinkedCrate, texts: impl Iterator<Item = &'a String>) -> anyhow::Result<String> {
    let license = linked.license.as_deref().unwrap_or_default();
    let is_mit = license.split(" OR ").any(|one| one.trim_matches(['(', ')']) == "MIT");
    let grant = is_mit
        .then(|| texts.filter_map(|text| Some(&text[text.find(MIT_GRANT)?..])).min_by_key(|text| text.len()));
    let grant =
        grant.flatten().with_context(|| format!("{} has no text of its licence: {license}", linked.name))?;
    let source = linked.repository.as_deref().unwrap_or("crates.io");
    Ok(format!("MIT License\n\nCopyright (c) the authors of {}, {source}\n\n{grant}", linked.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_crate_in_a_program_has_a_text() {
        for root in ["bootstrap", "receiver"] {
            let document = document(root).expect("licences");
            let line = "=".repeat(80);
            let texts = document.split(&line).skip(1);
            let users: Vec<&str> =
                texts.filter_map(|text| text.lines().nth(1)).flat_map(|line| line.split(", ")).collect();
            for linked in crates::linked(root).expect("crates").iter().filter(|linked| !linked.is_ours) {
                assert!(users.contains(&label(linked).as_str()), "{} in {root}", label(linked));
            }
        }
    }

    #[test]
    fn code_of_others_that_is_no_crate_has_its_text_too() {
        let document = document("bootstrap").expect("licences");
        let mimalloc = document.contains("Microsoft Corporation, Daan Leijen");
        assert!(mimalloc, "the allocator is a C library inside a crate");
    }
}
