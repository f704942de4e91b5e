//! The README and the pages of `docs/`: the commands that they show, and the targets of their links.
//!
//! A block that begins with `sh` is run, each page in a sandbox of its own. One that begins with `sh on a real host` would
//! change the machine of the test; of its commands the arguments are checked.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use tests::{Sandbox, bootstrap, tree, workspace};

/// A page, by its path in the workspace.
struct Page {
    path: PathBuf,
    text: String,
}

/// A block of code: the text after its fence, and its lines.
struct Block<'a> {
    info: &'a str,
    text: String,
}

impl Page {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(workspace().join(path)).expect("a page");
        Self { path: path.to_owned(), text }
    }

    fn all() -> Vec<Self> {
        let names = tree(&workspace().join("docs"), None);
        let pages = names.keys().filter(|name| name.extension().is_some_and(|extension| extension == "md"));
        let pages: Vec<PathBuf> = pages.map(|name| Path::new("docs").join(name)).collect();
        assert!(pages.len() > 8, "{pages:?}");
        [PathBuf::from("README.md")].iter().chain(&pages).map(|path| Self::read(path)).collect()
    }

    fn blocks(&self) -> Vec<Block<'_>> {
        let mut blocks = Vec::new();
        let mut open: Option<Block<'_>> = None;
        for line in self.text.lines() {
            match (line.strip_prefix("```"), &mut open) {
                (Some(info), None) => open = Some(Block { info, text: String::new() }),
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (None, Some(block)) => {
                    block.text.push_str(line);
                    block.text.push('\n');
                }
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{}: a block has no end", self.path.display());
        blocks
    }

    /// The anchors of its headings, as GitHub makes them.
    fn anchors(&self) -> BTreeSet<String> {
        let headings = self.text.lines().filter(|line| line.starts_with('#'));
        headings
            .map(|line| {
                let title = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
                title.chars().filter(|&letter| letter.is_alphanumeric() || letter == '-').collect()
            })
            .collect()
    }

    fn links(&self) -> Vec<&str> {
        let links = self.text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        links.filter(|link| !link.starts_with("http")).collect()
    }
}

/// The exit code that a block is run for; nothing if it is not run.
fn expected_exit(info: &str) -> Option<i32> {
    match info.split_once(' ') {
        None if info == "sh" => Some(0),
        Some(("sh", rest)) => rest.strip_prefix("exits ").map(|code| code.parse().expect("a code")),
        _ => None,
    }
}

/// Commands of a block: lines put together, without comments.
fn commands(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    let lines = joined.lines().map(|line| line.split(" #").next().unwrap_or(line).trim());
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

/// The arguments of our program in a command, up to the next word of the shell.
fn arguments(command: &str) -> Option<Vec<&str>> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let ours = words.windows(2).position(|pair| pair == ["bootstrap", "--"]).map(|at| at + 2);
    let is_prefix = |word: &&&str| **word == "sudo" || word.contains('=');
    let first = words.iter().take_while(is_prefix).count();
    let start = ours.or_else(|| (words.get(first) == Some(&"bootstrap")).then_some(first + 1))?;
    let ends = |word: &&&str| !matches!(**word, ">" | "|" | "&" | "&&" | ";" | "2>&1");
    Some(words[start..].iter().take_while(ends).copied().collect())
}

#[test]
fn what_any_machine_can_run_is_run() {
    for page in Page::all() {
        let sandbox = Sandbox::new();
        let program = sandbox.root().join("bin/bootstrap");
        symlink(bootstrap(), &program).expect("the sandbox is ours");
        let path = format!("{}:/usr/bin:/bin", sandbox.root().join("bin").display());
        for block in page.blocks() {
            let Some(expected) = expected_exit(block.info) else { continue };
            let mut shell = Command::new("/bin/sh");
            shell.args(["-euc", &block.text]).current_dir(sandbox.cwd()).env_clear();
            shell.env("PATH", &path).env("HOME", sandbox.home()).env("TELEMETRY_ENABLED", "false");
            let output = shell.output().expect("a shell starts");
            let said = String::from_utf8_lossy(&output.stderr);
            let found = output.status.code();
            assert_eq!(found, Some(expected), "{}:\n{}\n{said}", page.path.display(), block.text);
        }
    }
}

#[test]
fn what_needs_a_real_host_has_arguments_that_exist() {
    let xtask = fs::read_to_string(workspace().join("xtask/src/main.rs")).expect("the chores");
    let mut checked = 0;
    for page in Page::all() {
        for block in page.blocks().into_iter().filter(|block| block.info == "sh on a real host") {
            for command in commands(&block.text) {
                if let Some(chore) = command.strip_prefix("cargo xtask ") {
                    let chore = chore.split(' ').next().unwrap_or(chore);
                    assert!(xtask.contains(&format!("[\"{chore}\"")), "{}: {command}", page.path.display());
                }
                let Some(arguments) = arguments(&command) else { continue };
                // Help is printed once everything before it was understood.
                let outcome = Sandbox::new().bootstrap(arguments.into_iter().chain(["--help"])).run();
                assert_eq!(outcome.code(), 0, "{}: {command}\n{outcome}", page.path.display());
                checked += 1;
            }
        }
    }
    assert!(checked > 10, "{checked} commands are too few: the pages are not read as they should be");
}

#[test]
fn every_block_and_every_command_says_how_it_is_checked() {
    for page in Page::all() {
        for block in page.blocks() {
            let is_known = expected_exit(block.info).is_some()
                || ["sh on a real host", "yaml", "json", "text"].contains(&block.info);
            assert!(is_known, "{}: a block of {:?}", page.path.display(), block.info);
        }
        // The two commands that the README begins with are those of `.ci/run`.
        let outside = page.text.lines().filter(|line| {
            let command = line.strip_prefix("    ").unwrap_or_default();
            ["bootstrap ", "cargo ", "sudo ", "curl "].iter().any(|program| command.starts_with(program))
        });
        let first_two = if page.path == Path::new("README.md") { 2 } else { 0 };
        assert_eq!(outside.count(), first_two, "{}: a command outside a block", page.path.display());
    }
}

#[test]
fn links_lead_somewhere() {
    for page in Page::all() {
        for link in page.links() {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let directory = page.path.parent().expect("a page is in a directory");
            let to = if path.is_empty() { page.path.clone() } else { directory.join(path) };
            assert!(workspace().join(&to).exists(), "{}: {link}", page.path.display());
            let is_there = anchor.is_empty() || Page::read(&to).anchors().contains(anchor);
            assert!(is_there, "{}: {link} has no such heading", page.path.display());
        }
    }
}

/// The names of the checks that the sources of the preflight know: texts, or constants of the same file.
fn checks_of_the_preflight() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let quoted =
        |rest: &str| rest.strip_prefix('"').and_then(|rest| rest.split('"').next()).map(str::to_owned);
    let source = workspace().join("bootstrap/src");
    for name in tree(&source, None).into_keys() {
        let Ok(text) = fs::read_to_string(source.join(&name)) else { continue };
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let is_word = |letter: char| letter.is_ascii_uppercase() || letter == '_';
        let constant = |word: &str| code.split(&format!("const {word}: &str = ")).nth(1).and_then(quoted);
        for maker in ["pass", "warning", "failure"] {
            for call in code.split(&format!("Finding::{maker}(")).skip(1).map(str::trim_start) {
                let word = &call[..call.find(|letter| !is_word(letter)).unwrap_or(call.len())];
                found.extend(quoted(call).or_else(|| constant(word)));
            }
        }
        // Resources and what they should have are a table.
        found.extend(code.split(" need(").skip(1).filter_map(quoted));
        found.extend(code.split("[need(").skip(1).filter_map(quoted));
    }
    found
}

#[test]
fn the_reference_has_a_row_for_every_check_of_the_preflight() {
    let page = Page::read(Path::new("docs/reference.md"));
    let table = page.text.split("| check | required | recommended |").nth(1).expect("the table");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let names = rows.flat_map(|row| row.split('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2));
    let written: BTreeSet<String> = names.map(str::to_owned).collect();
    let known = checks_of_the_preflight();
    assert!(known.len() > 30 && known.contains("ingress") && known.contains("k3s_disk"), "{known:?}");
    assert_eq!(written, known);
}

#[test]
fn the_document_on_the_telemetry_page_is_one_of_the_contract() {
    let page = Page::read(Path::new("docs/telemetry.md"));
    let blocks = page.blocks();
    let documents: Vec<&Block<'_>> = blocks.iter().filter(|block| block.info == "json").collect();
    assert_eq!(documents.len(), 1);
    let sandbox = Sandbox::new();
    let file = sandbox.file("document.json", &documents[0].text, 0o600);
    let outcome = sandbox.bootstrap(["validate", file.to_str().expect("UTF-8")]).run();
    assert_eq!(outcome.code(), 0, "{outcome}");
    assert!(documents[0].text.contains("event_family"), "a manifest is not what is sent");
}
