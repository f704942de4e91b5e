//! Artifacts: only what has the checksum that was promised gets a name.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::faults::only;
use super::*;
use crate::support::make_fifo;
use bootstrap::step::{Action, Sha256Sum, Step, StepError};
use schema::FailureReason;

const K3S: &str = "https://github.com/k3s-io/k3s/releases/download/v1.35.5%2Bk3s1/k3s";
const SUMS: &str = "https://github.com/k3s-io/k3s/releases/download/v1.35.5%2Bk3s1/sha256sum-amd64.txt";

#[test]
fn what_is_not_as_promised_is_not_installed() {
    let page = "<!DOCTYPE html><html>Not found</html>";
    for (content, remark) in [("truncat", None), (page, Some("the file is a web page"))] {
        let stub = StubHost::fresh();
        stub.serve(K3S, content);
        let ran = run(&stub, &only(Component::K3s));
        let failure = ran.failure();
        assert_eq!(failure.reason, FailureReason::ChecksumMismatch);
        assert!(remark.is_none_or(|remark| failure.message.contains(remark)), "{}", failure.message);
        nothing_is_installed(&stub, &ran);
    }
}

#[test]
fn no_checksum_no_install() {
    for sums in ["", "<html>rate limited</html>", "0000  k3s", &sums_without_k3s(), &sum_of_another()] {
        let stub = StubHost::fresh();
        stub.serve(SUMS, sums);
        let ran = run(&stub, &only(Component::K3s));
        assert_eq!(ran.failure().reason, FailureReason::DownloadFailed);
        assert!(ran.failure().message.contains("no SHA-256 of k3s found in"), "{}", ran.failure().message);
        nothing_is_installed(&stub, &ran);
    }
}

#[test]
fn every_release_file_that_is_missing_is_told() {
    let (urls, count) = {
        let stub = StubHost::fresh();
        let web = std::fs::read_dir(stub.path("stub/web")).expect("web");
        let names: Vec<String> =
            web.map(|file| file.expect("file").file_name().to_string_lossy().replace('=', "/")).collect();
        let count = names.len();
        (names, count)
    };
    assert_eq!(count, 12);
    for url in urls {
        let stub = StubHost::fresh();
        stub.withdraw(&format!("https://{url}"));
        let ran = run(&stub, &settings(Mode::SingleNode));
        let failure = ran.failure();
        assert_eq!(failure.reason, FailureReason::DownloadFailed, "{url}: {failure:?}");
        assert!(failure.message.contains(&url), "{url}: {}", failure.message);
        assert!(failure.message.starts_with("download failed: HTTP 404\n"), "{}", failure.message);
        assert!(failure.tail.is_empty(), "the status says it all: {failure:?}");
    }
}

#[test]
fn a_pinned_checksum_takes_the_place_of_the_stated_one() {
    let stub = StubHost::fresh();
    let mut settings = only(Component::K3s);
    settings.checksums.insert("k3s", Sha256Sum::parse(&"0".repeat(64)).expect("a checksum"));
    let ran = run(&stub, &settings);
    assert_eq!(ran.failure().reason, FailureReason::ChecksumMismatch);
    settings.checksums.insert(
        "k3s",
        Sha256Sum::parse(&manifest::sha256_hex(stub.text(&web(K3S)).as_bytes())).expect("a checksum"),
    );
    stub.withdraw(SUMS);
    assert!(run(&stub, &settings).result.is_ok());
}

/// A run of k3s from an artifacts folder that `spoil` has changed fails with this message, and installs nothing.
fn refused_from(spoil: impl FnOnce(&Path), said: &str) {
    let stub = StubHost::fresh();
    let folder = stub.artifacts_folder();
    spoil(&folder);
    let mut settings = only(Component::K3s);
    settings.artifacts = Artifacts::Local(folder);
    let ran = run(&stub, &settings);
    let failure = ran.failure();
    assert_eq!(failure.reason, FailureReason::DownloadFailed);
    assert!(failure.message.contains(said), "{}", failure.message);
    assert!(
        failure.hint.as_ref().is_some_and(|hint| hint.contains("only you or root can change")),
        "{failure:?}"
    );
    nothing_is_installed(&stub, &ran);
}

/// Puts a FIFO or a link in the place of a file of the artifacts folder.
fn replace(name: &'static str, by: &'static str) -> impl FnOnce(&Path) {
    move |folder: &Path| {
        let file = folder.join(name);
        std::fs::remove_file(&file).expect("it was there");
        if by == "fifo" {
            make_fifo(&file);
        } else {
            symlink(by, &file).expect("a link");
        }
    }
}

#[test]
fn an_artifact_that_is_no_file_neither_holds_a_run_nor_fills_the_disk() {
    refused_from(replace("k3s", "fifo"), "is not a regular file");
    refused_from(replace("k3s", "/dev/zero"), "is a symbolic link");
}

/// What is wrong with it is told, not that it lacks a checksum, and not only where no other sum file has one.
#[test]
fn a_sum_file_that_cannot_be_used_is_told() {
    refused_from(replace("sha256sum-amd64.txt", "SHA256SUMS"), "sha256sum-amd64.txt is a symbolic link");
    if crate::support::skips_without_root("a sum file of another user") {
        return;
    }
    let give = |folder: &Path| {
        std::fs::remove_file(folder.join("sha256sum-amd64.txt")).expect("it was there");
        std::os::unix::fs::chown(folder.join("SHA256SUMS"), Some(61_002), None).expect("given away");
    };
    refused_from(give, "SHA256SUMS belongs to another user");
}

/// Whoever can replace an artifact and its sum file together decides what root executes.
#[test]
fn artifacts_that_another_user_could_replace_are_not_taken() {
    let open = |folder: &Path| {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).expect("a mode");
    };
    refused_from(open, "may be changed by every user");
    if crate::support::skips_without_root("artifacts of another user") {
        return;
    }
    let give = |path: &Path| std::os::unix::fs::chown(path, Some(61_002), Some(61_002)).expect("given away");
    refused_from(give, "belongs to another user");
    refused_from(|folder| give(&folder.join("k3s")), "belongs to another user");
    refused_from(|folder| share(folder, 0o2775), "may be changed by a group of users");
    refused_from(|folder| share(&folder.join("install.sh"), 0o664), "may be changed by a group of users");
    refused_from(
        |folder| share(&folder.join("sha256sum-amd64.txt"), 0o664),
        "may be changed by a group of users",
    );
}

/// Lets a group of users at what is at `path`.
fn share(path: &Path, mode: u32) {
    std::os::unix::fs::chown(path, None, Some(61_002)).expect("given away");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
}

/// With a umask of 002 everything is for the group to change. Whether another user's group is shared is different on each
/// machine; root's group never is.
#[test]
fn artifacts_that_only_the_own_group_may_change_are_taken() {
    if crate::support::skips_without_root("artifacts of root's group") {
        return;
    }
    let stub = StubHost::fresh();
    let folder = stub.artifacts_folder();
    for file in std::fs::read_dir(&folder).expect("listed") {
        let mode = std::fs::Permissions::from_mode(0o664);
        std::fs::set_permissions(file.expect("a file").path(), mode).expect("a mode");
    }
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o775)).expect("a mode");
    let mut settings = only(Component::K3s);
    settings.artifacts = Artifacts::Local(folder);
    let ran = run(&stub, &settings);
    assert!(ran.result.is_ok(), "{:?}", ran.result);
}

#[test]
fn a_file_that_the_artifacts_folder_lacks_is_named() {
    for name in [
        "k3s",
        "install.sh",
        "k3s-airgap-images-amd64.tar.zst",
        "helm-v3.21.0-linux-amd64.tar.gz",
        "cert-manager.yaml",
        "longhorn-1.11.3.tgz",
    ] {
        let stub = StubHost::fresh();
        let folder = stub.artifacts_folder();
        std::fs::remove_file(folder.join(name)).expect("was there");
        let mut settings = settings(Mode::SingleNode);
        settings.artifacts = Artifacts::Local(folder.clone());
        let ran = run(&stub, &settings);
        let missing = format!("{} is missing", folder.join(name).display());
        assert!(ran.failure().message.starts_with(&missing), "{}", ran.failure().message);
    }
}

#[test]
fn a_folder_without_sums_is_refused() {
    let stub = StubHost::fresh();
    let folder = stub.artifacts_folder();
    for sums in ["SHA256SUMS", "sha256sum-amd64.txt"] {
        std::fs::remove_file(folder.join(sums)).expect("was there");
    }
    let mut settings = only(Component::K3s);
    settings.artifacts = Artifacts::Local(folder);
    let ran = run(&stub, &settings);
    assert!(ran.failure().message.contains("sha256sum-amd64.txt or SHA256SUMS"), "{}", ran.failure().message);
}

/// The images of k3s itself: a server or an agent without network has them from the folder before it starts.
#[test]
fn the_images_of_k3s_come_along_with_it() {
    let stub = StubHost::fresh();
    let folder = stub.artifacts_folder();
    let mut settings = only(Component::K3s);
    settings.artifacts = Artifacts::Local(folder.clone());
    assert!(run(&stub, &settings).result.is_ok());
    let placed = stub.text("var/lib/rancher/k3s/agent/images/k3s-airgap-images-amd64.tar.zst");
    assert_eq!(
        placed,
        std::fs::read_to_string(folder.join("k3s-airgap-images-amd64.tar.zst")).expect("images")
    );
}

/// Each artifact has a step that fetches it, or fails: what is not there afterwards was taken away, and is not left out.
#[test]
fn what_was_fetched_and_is_gone_fails_the_install() {
    let stub = StubHost::fresh();
    let (host, mut journal) = (stub.host(), Records::default());
    let (mut show, stop) = (|_: StepEvent<'_>| {}, || false);
    let from = stub.path("staging/k3s");
    let install = Action::Install { from: from.clone(), path: "/usr/local/bin/k3s".into(), mode: 0o755 };
    let result = Executor::new(&host, &mut journal, &mut show, &stop)
        .perform(Component::K3s, &Step::new("install k3s", install));
    assert!(matches!(&result, Err(StepError::NotFetched(path)) if *path == from), "{result:?}");
    assert!(journal.steps().is_empty() && !stub.path("usr/local/bin/k3s").exists());
}

/// What runs that were killed have left: one of the same id, with a file that has the right checksum, and another.
fn plant(stub: &StubHost) {
    for left in [format!("{RUN}/{IMAGES}"), format!("{RUN}/k3s"), "older/install.sh".to_owned()] {
        stub.put(&format!("{STAGING}/{left}"), IMAGES);
    }
}

const IMAGES: &str = "k3s-airgap-images-amd64.tar.zst";

/// Nothing that an earlier run left is trusted, not even what has the right checksum.
#[test]
fn what_an_earlier_run_left_is_not_used() {
    let stub = StubHost::fresh();
    plant(&stub);
    let folder = stub.artifacts_folder();
    // What the folder lacks is not taken from there either.
    std::fs::remove_file(folder.join(IMAGES)).expect("was there");
    let mut settings = only(Component::K3s);
    settings.artifacts = Artifacts::Local(folder);
    let ran = run(&stub, &settings);
    assert!(ran.failure().message.contains("k3s-airgap-images-amd64.tar.zst is missing"), "{:?}", ran.result);
    assert!(!stub.path("var/lib/rancher/k3s/agent/images").join(IMAGES).exists());
}

#[test]
fn what_a_run_stages_is_roots_alone_and_beside_nothing_of_an_earlier_run() {
    let stub = StubHost::fresh();
    plant(&stub);
    let names = |path: &str| -> Vec<String> {
        let found = std::fs::read_dir(stub.path(path)).into_iter().flatten();
        found.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    };
    let own = format!("{STAGING}/{RUN}");
    let seen = std::cell::RefCell::new(None);
    let look = || {
        // The run looks here between two steps: what counts is how it is after the last one.
        let modes = ["var/lib/productive-k3s", STAGING, &own].map(|path| stub.mode(path));
        seen.replace(Some((names(STAGING), modes, names(&own).contains(&IMAGES.to_owned()))));
        false
    };
    let ran = run_with(&stub, &only(Component::K3s), Records::default(), &look);
    assert!(ran.result.is_ok(), "{:?}", ran.result);
    assert_eq!(seen.take(), Some((vec![RUN.to_owned()], [0o755, 0o700, 0o700], false)));
}

/// A file of a directory that somebody else can write to could be exchanged between the check and the use.
#[test]
fn a_staging_directory_that_others_can_change_is_refused() {
    for make in [
        |stub: &StubHost| {
            std::fs::create_dir_all(stub.path("elsewhere")).expect("directory");
            symlink(stub.path("elsewhere"), stub.path("var/lib/productive-k3s")).expect("link");
        },
        |stub: &StubHost| {
            std::fs::create_dir_all(stub.path("var/lib/productive-k3s")).expect("directory");
            let open = std::fs::Permissions::from_mode(0o777);
            std::fs::set_permissions(stub.path("var/lib/productive-k3s"), open).expect("mode");
        },
    ] {
        let stub = StubHost::fresh();
        make(&stub);
        let ran = run(&stub, &only(Component::K3s));
        assert!(ran.failure().message.contains("is not root's alone"), "{}", ran.failure().message);
        nothing_is_installed(&stub, &ran);
    }
}

#[test]
fn nobodys_curlrc_counts() {
    let stub = StubHost::fresh();
    assert!(run(&stub, &only(Component::Helm)).result.is_ok());
    let calls = stub.calls();
    let mut fetches = calls.iter().filter(|call| call.starts_with("curl ")).peekable();
    assert!(fetches.peek().is_some());
    assert!(fetches.all(|call| call.starts_with("curl [--disable] ")), "{calls:?}");
}

/// The right sum under another name: the file is about something else.
fn sum_of_another() -> String {
    let k3s = StubHost::fresh().text(&web(K3S));
    crate::support::stub_host::sum_lines(&[("k3s-arm64", k3s)])
}

fn sums_without_k3s() -> String {
    crate::support::stub_host::sum_lines(&[("k3s-images.txt", "x"), ("k3s-arm64", "y")])
}

fn web(url: &str) -> String {
    format!("stub/web/{}", url.trim_start_matches("https://").replace('/', "="))
}

fn nothing_is_installed(stub: &StubHost, ran: &Ran) {
    assert!(ran.journal.steps().is_empty());
    assert!(!stub.path("usr/local/bin/k3s").exists());
}

/// What a maintainer runs by `cargo xtask pins`.
#[test]
fn the_sums_of_the_pins_are_those_of_the_releases() {
    let stub = StubHost::fresh();
    let helm = "https://get.helm.sh/helm-v3.21.0-linux-arm64.tar.gz";
    let k3s = "https://github.com/k3s-io/k3s/releases/download/v1.35.5%2Bk3s1";
    for (url, sums) in [
        (helm.to_owned(), format!("{helm}.sha256sum")),
        (format!("{k3s}/k3s-arm64"), format!("{k3s}/sha256sum-arm64.txt")),
    ] {
        stub.serve(&url, "for arm");
        let name = url.rsplit('/').next().expect("a name");
        stub.serve(&sums, crate::support::stub_host::sum_lines(&[(name, "for arm")]));
    }
    let published = |stub: &StubHost| {
        let (host, mut journal) = (stub.host(), Records::default());
        let (mut report, stop) = (|_: StepEvent<'_>| {}, || false);
        let mut executor = Executor::new(&host, &mut journal, &mut report, &stop);
        component::published::published_sums(&mut executor, &settings(Mode::SingleNode))
            .map_err(|error| error.to_string())
    };
    let sums = published(&stub).expect("sums");
    let of_arm = manifest::sha256_hex(b"for arm");
    assert!(
        sums.contains(&format!("{of_arm}  {helm}\n"))
            && sums.contains(&format!("{of_arm}  {k3s}/k3s-arm64\n"))
    );
    for place in
        ["/install.sh\n", "/v1.20.3/cert-manager.yaml\n", "https://charts.longhorn.io/longhorn-1.11.3.tgz\n"]
    {
        assert!(sums.contains(place), "{place}: {sums}");
    }
    assert_eq!(sums.lines().count(), 8);
    stub.serve(helm, "something else");
    assert!(published(&stub).expect_err("refused").contains("checksum mismatch"));
}

/// A sum file from the place that a file comes from says nothing about a place that was taken over.
#[test]
fn a_pin_is_held_to_the_sum_that_the_program_carries() {
    let stub = StubHost::fresh();
    let host = stub.host();
    let staging = stub.staging();
    let settings = only(Component::Helm);
    let sums = component::BuiltInSums::PROGRAM;
    let context = PlanContext { settings: &settings, arch: host.arch(), staging: &staging, sums };
    let plan = component::plan(Component::Helm, &component::Detection::Missing, &context);
    let mut journal = Records::default();
    let result = Executor::new(&host, &mut journal, &mut |_| {}, &|| false).component(
        Component::Helm,
        &plan.steps,
        &[],
    );
    let Err(ExecutionError::Failed(failure)) = result else { panic!("{result:?}") };
    assert_eq!(failure.reason, FailureReason::ChecksumMismatch);
    assert!(stub.calls().iter().all(|call| !call.contains("sha256sum")), "no sum file is asked");
}
