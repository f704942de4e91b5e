//! Preflight on a stub host: a machine that meets every requirement, and one thing after another that it lacks.

mod collisions;
mod host;
mod join;
mod kernel;
mod network;
mod real_curl;
mod rerun;

use std::fs;

use schema::{Component, Mode, Platform};

use crate::support::settings;
use crate::support::stub_host::StubHost;
use bootstrap::host::RootAccess;
use bootstrap::platform::platform;
use bootstrap::preflight::{Finding, PreflightReport, Severity, check};
use bootstrap::secret::Secret;
use bootstrap::settings::Settings;

/// These look at the disk that the tests run on, which no stand-in can fill.
const OF_THIS_MACHINE: [&str; 2] = ["disk", "k3s_disk"];

/// Everything given, with a token that has the form of one.
fn settings(mode: Mode) -> Settings {
    let mut settings = settings::settings(mode);
    if let Some(agent) = &mut settings.agent {
        agent.token = Secret::new("join-token-canary");
    }
    settings
}

fn debian() -> Platform {
    platform("ID=debian\nVERSION_ID=12\n", "x86_64")
}

fn report(stub: &StubHost, settings: &Settings) -> PreflightReport {
    report_as(RootAccess::Root, stub, settings)
}

fn report_as(root_access: RootAccess, stub: &StubHost, settings: &Settings) -> PreflightReport {
    let mut report = check(&stub.host_as(root_access), &debian(), settings);
    report.findings.retain(|finding| !OF_THIS_MACHINE.contains(&finding.check));
    report
}

/// What is not as it should be.
fn problems(stub: &StubHost, settings: &Settings) -> Vec<Finding> {
    let report = report(stub, settings);
    report.findings.into_iter().filter(|finding| finding.severity > Severity::Ok).collect()
}

/// A host that meets every requirement of the mode.
fn fit_for(mode: Mode) -> StubHost {
    let stub = StubHost::fresh().with_kernel();
    match mode {
        Mode::Agent => stub.with_join_server(),
        Mode::Stack => stub.with_server(),
        Mode::Server | Mode::SingleNode => stub,
    }
}

/// Takes a part of the host away.
fn remove(stub: &StubHost, path: &str) {
    let path = stub.path(path);
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.expect("was there");
}

/// A mode, what breaks the host, and what the preflight then says: the check, how much it matters, a part of the evidence,
/// and a part of what fixes it.
type Case = (Mode, fn(&StubHost), &'static str, Severity, &'static str, &'static str);

/// Each case fails alone: nothing else is found.
#[track_caller]
fn each_fails_in_turn(cases: &[Case]) {
    for (mode, breaks, check, severity, evidence, fix) in cases {
        let stub = fit_for(*mode);
        breaks(&stub);
        let found = problems(&stub, &settings(*mode));
        let [finding] = found.as_slice() else { panic!("{evidence}: {found:#?}") };
        assert_eq!((finding.check, finding.severity), (*check, *severity), "{finding:?}");
        assert!(finding.evidence.contains(evidence), "{finding:?}");
        assert!(finding.help.as_deref().unwrap_or_default().contains(fix), "{finding:?}");
    }
}

#[test]
fn a_host_that_meets_the_requirements_passes_in_every_mode() {
    for mode in Mode::ALL.iter().copied() {
        let stub = fit_for(mode);
        assert_eq!(problems(&stub, &settings(mode)), [], "{mode}");
        let names: Vec<&str> =
            report(&stub, &settings(mode)).findings.iter().map(|finding| finding.check).collect();
        let of_k3s =
            ["modules", "cgroups", "hostname", "dns", "clock", "ports", "default_route", "firewall", "swap"];
        let looked_at = of_k3s.iter().filter(|check| names.contains(check)).count();
        // A stack is put on a node that works; Longhorn alone needs a module more.
        assert_eq!(looked_at, if mode == Mode::Stack { 1 } else { of_k3s.len() }, "{mode}: {names:?}");
        assert_eq!(names.contains(&"server"), mode == Mode::Agent);
        assert_eq!(names.contains(&"apt"), matches!(mode, Mode::Stack | Mode::SingleNode));
    }
}

/// A dry run is made by anybody, also where no network is.
#[test]
fn nothing_needs_root_or_the_network_and_nothing_is_changed() {
    let stub = fit_for(Mode::SingleNode);
    let report = report_as(RootAccess::Plain, &stub, &settings(Mode::SingleNode));
    let worst = |finding: &&Finding| finding.severity > Severity::Ok;
    // There is no sudo on the stub host.
    let found: Vec<&str> = report.findings.iter().filter(worst).map(|finding| finding.check).collect();
    assert_eq!(found, ["privilege"]);
    for call in stub.calls() {
        let asks = [
            "timedatectl [show] ",
            "systemctl [is-active] ",
            "modprobe [--dry-run] ",
            "dpkg-query [--show] ",
        ];
        assert!(asks.iter().any(|question| call.starts_with(question)), "{call}");
    }
}

#[test]
fn a_k3s_that_the_pins_are_not_made_for_is_warned_of() {
    let stub = StubHost::fresh();
    let warned = |settings: &Settings| -> Vec<String> {
        let report = check(&stub.host(), &platform("", "x86_64"), settings);
        let of_versions = report.findings.into_iter().filter(|finding| finding.check == "versions");
        of_versions.map(|finding| finding.evidence).collect()
    };
    let mut wanted = settings::settings(Mode::SingleNode);
    assert!(warned(&wanted).is_empty(), "the pins suit each other");
    wanted.versions.insert(Component::K3s, "v1.36.0+k3s1".to_owned());
    let found = warned(&wanted);
    assert!(matches!(found.as_slice(), [first, second]
        if first.starts_with("cert_manager v1.20.3") && second.starts_with("rancher v2.14.4")));
    wanted.versions.insert(Component::Rancher, "v2.15.0".to_owned());
    assert_eq!(warned(&wanted).len(), 1, "what the operator chose is the operator's to know");
}
