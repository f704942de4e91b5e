//! The files of an artifacts directory, as `docs/air-gap.md` lists them.

use std::fmt::Write;
use std::path::PathBuf;

use super::*;
use bootstrap::settings::Artifacts;
use bootstrap::step::{Action, Artifact, ArtifactOrigin, ChecksumSource};

const BEGIN: &str = "<!-- files of an artifacts directory: held by a test -->\n";
const END: &str = "<!-- end -->";

/// What a single node fetches, each with its component.
fn fetched(artifacts: Artifacts, arch: Arch) -> Vec<(Component, Artifact)> {
    let settings = bootstrap::settings::Settings { artifacts, ..settings(Mode::SingleNode) };
    let sums = BuiltInSums::NONE;
    let context = PlanContext { settings: &settings, arch, staging: Path::new("/"), sums };
    let of = |component: Component| {
        let steps = plan(component, &Detection::Missing, &context).steps.into_iter();
        let fetches = steps.filter_map(|step| match step.action {
            Action::Fetch { artifact, .. } => Some(artifact),
            _ => None,
        });
        fetches.map(|artifact| (component, artifact)).collect::<Vec<_>>()
    };
    components(Mode::SingleNode).flat_map(of).collect()
}

fn local(arch: Arch) -> Vec<(Component, Artifact)> {
    fetched(Artifacts::Local(PathBuf::from("/artifacts")), arch)
}

fn table() -> String {
    let downloads = fetched(Artifacts::Download, Arch::Amd64);
    let origin = |name: &str| {
        let found = downloads.iter().find(|(_, artifact)| artifact.name == name);
        match found.map(|(_, artifact)| &artifact.origin) {
            Some(ArtifactOrigin::Url(url)) => format!("<{url}>"),
            Some(ArtifactOrigin::Chart { repository, .. }) => format!("chart of <{repository}>"),
            _ if name.starts_with("k3s-airgap-") => "the release of k3s, beside it".to_owned(),
            _ => "images, [see below](#fetch-them)".to_owned(),
        }
    };
    let mut text = "| for | file | sum in | from |\n|---|---|---|---|\n".to_owned();
    for (component, artifact) in local(Arch::Amd64) {
        let ChecksumSource::DirectorySums { files } = &artifact.checksum else { panic!("{artifact:?}") };
        let sums: Vec<String> = files.iter().map(|file| format!("`{file}`")).collect();
        let (name, sums, from) = (&artifact.name, sums.join(", "), origin(&artifact.name));
        let _ = writeln!(text, "| {component} | `{name}` | {sums} | {from} |");
    }
    text
}

#[test]
fn the_page_lists_exactly_the_files_that_a_run_takes() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/air-gap.md");
    let page = std::fs::read_to_string(page).expect("there is a page");
    let listed = page.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END));
    let (listed, _) = listed.expect("the page has both marks");
    assert!(listed == table(), "put this between the marks of docs/air-gap.md:\n{}", table());
}

#[test]
fn the_files_of_the_other_architecture_have_the_names_that_the_page_says() {
    let names = |arch| local(arch).into_iter().map(|(_, artifact)| artifact.name);
    let expected = names(Arch::Amd64).map(|name| match name.as_str() {
        "k3s" => "k3s-arm64".to_owned(),
        name => name.replace("amd64", "arm64"),
    });
    assert!(names(Arch::Arm64).eq(expected));
}
