use std::time::{Duration, Instant};

use super::*;

#[test]
fn arguments_arrive_as_they_are() {
    let stub = StubHost::fresh();
    program(&stub, "show", r#"for word; do printf '<%s>' "$word"; done"#);
    let words = ["a b", "$HOME", "`id`", "'\"", "", "*"];
    let output = stub.host().run(&Command::new("show").args(words)).expect("runs");
    assert_eq!(output.text(), "<a b><$HOME><`id`><'\"><><*>");
}

#[test]
fn the_display_of_a_command_can_be_pasted_into_a_shell() {
    let command = Command::new("show").args(["plain-1.0", "a b", "it's", ""]).env("K", "v w");
    assert_eq!(command.to_string(), r"K='v w' show plain-1.0 'a b' 'it'\''s' ''");
}

#[test]
fn children_see_nothing_of_our_environment_but_the_way_to_the_network() {
    let stub = StubHost::fresh();
    program(&stub, "show", "export -p");
    let output = stub.host().run(&Command::new("show").env("GIVEN", "yes")).expect("runs").text();
    // Cargo sets this one for every test.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    assert!(!output.contains("CARGO_MANIFEST_DIR"));
    assert!(output.contains("GIVEN='yes'") && output.contains("LC_ALL='C'"));
}

/// Runs `command` until its time is over after the process had begun, and returns the id that it wrote to `file` then. It
/// gets more time each time: a busy machine takes long to start a program.
fn timed_out(stub: &StubHost, command: &Command, file: &str) -> String {
    let mut timeout = Duration::from_millis(200);
    while stub.text(file).is_empty() {
        assert!(timeout < Duration::from_mins(2), "it never began");
        let error = stub.host().run(&command.clone().timeout(timeout)).expect_err("hangs");
        assert!(matches!(error, CommandError::TimedOut { .. }), "{error}");
        timeout *= 2;
    }
    stub.text(file).trim().to_owned()
}

/// Passes once the process is gone. The signal was sent, but a busy kernel takes a moment to carry it out: the process is
/// seen on its way out.
fn dies(pid: &str) {
    let patience = Instant::now() + Duration::from_mins(1);
    loop {
        let alive = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if alive.is_empty() || alive.contains(") Z ") {
            break;
        }
        assert!(Instant::now() < patience, "it lives on: {alive}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_command_that_hangs_is_killed_with_its_children() {
    let stub = StubHost::fresh();
    stub.put("stub/hang-in", "getent\n");
    let child = timed_out(&stub, &Command::new("getent").args(["hosts", "x"]), "stub/hanging");
    dies(&child);
}

#[test]
fn a_command_that_refuses_the_polite_signal_is_killed_all_the_same() {
    let stub = StubHost::fresh();
    program(&stub, "stubborn", "trap '' TERM; echo $$ >${0%/bin/*}/refuses; while :; do sleep 1; done");
    let process = timed_out(&stub, &Command::new("stubborn"), "stub/refuses");
    dies(&process);
}

#[test]
fn a_service_that_keeps_the_pipe_open_does_not_hold_us() {
    let stub = StubHost::fresh();
    program(&stub, "starts-service", "sleep 600 & echo $! ; echo started");
    let begun = Instant::now();
    let output = stub.host().run(&Command::new("starts-service")).expect("runs").text();
    assert!(output.ends_with("started\n"));
    assert!(begun.elapsed() < Duration::from_mins(1));
    let service = output.lines().next().expect("process id");
    stub.host().run(&Command::new("kill").args([service])).expect("is still there");
}

#[test]
fn input_that_nobody_reads_is_no_error() {
    let stub = StubHost::fresh();
    let megabytes = Stdin::Public("x".repeat(4 << 20));
    assert!(stub.host().run(&Command::new("true").stdin(megabytes)).is_ok());
}

#[test]
fn much_output_arrives_whole() {
    let stub = StubHost::fresh();
    let text = "0123456789abcdef".repeat(1 << 18);
    let echoed = stub.host().run(&Command::new("cat").stdin(Stdin::Public(text.clone())).withhold_output());
    assert_eq!(echoed.expect("runs").stdout.len(), text.len());
}

/// A machine may be so busy that nobody has read what a command wrote long after it ended. Here the log is what is slow.
#[test]
fn output_that_is_read_late_is_read_whole() {
    let stub = StubHost::fresh();
    program(
        &stub,
        "list",
        "i=0; while [ $i -lt 1500 ]; do echo 0123456789012345678901234567890123456789012345678; i=$((i + 1)); done",
    );
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let log = RunLog::to(writer);
    // The log is full until the process has been over for longer than more output of it is waited for.
    let drain = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(3));
        std::io::copy(&mut reader, &mut std::io::sink())
    });
    let search = ["stub/bin", "stub/tools"].map(|folder| stub.path(folder)).to_vec();
    let host = Host::stand_in(&stub.path("/"), search, RootAccess::Root, log);
    let output = host.run(&Command::new("list")).expect("runs");
    assert_eq!(output.stdout.len(), 1500 * 50);
    drop(host);
    drain.join().expect("no panic").expect("drained");
}

#[test]
fn secrets_are_masked_in_the_log_and_in_errors() {
    let stub = StubHost::fresh();
    program(&stub, "leak", "cat; cat >&2 /dev/null; echo \"leaked: canary-1\" >&2; exit 1");
    let secret = Secret::new("canary-1");
    let command = Command::new("leak").stdin(Stdin::Secret(secret));
    let error = stub.host().run(&command).expect_err("fails");
    assert_eq!(error.tail(), ["leaked: ********"]);
    let log = stub.log();
    assert!(log.contains("err| leaked: ********") && log.contains("out| ********"), "{log}");
    assert!(!log.contains("canary-1"));
}

#[test]
fn withheld_output_is_neither_in_the_log_nor_in_errors() {
    let stub = StubHost::fresh();
    program(&stub, "secretive", "echo canary-2; exit 1");
    let error = stub.host().run(&Command::new("secretive").withhold_output()).expect_err("fails");
    assert!(error.tail().is_empty());
    assert!(!stub.log().contains("canary-2") && stub.log().contains("$ secretive"));
}

#[test]
fn what_is_missing_is_named() {
    let stub = StubHost::fresh();
    let error = stub.host().run(&Command::new("nonesuch")).expect_err("is not there");
    assert_eq!(error.to_string(), "nonesuch is not in PATH");
}

#[test]
fn root_is_only_taken_by_those_who_were_given_it() {
    let stub = StubHost::fresh();
    let command = Command::new("systemctl").args(["enable", "x"]).env("K", "v").as_root();
    let plain = stub.host_as(RootAccess::Plain).run(&command).expect_err("is refused");
    assert_eq!(plain.to_string(), "K=v systemctl enable x needs root");
    assert!(stub.calls().is_empty());

    let mut host = stub.host_as(RootAccess::Plain);
    assert!(host.acquire_root(false).is_err(), "there is no sudo yet");
    std::os::unix::fs::symlink("../optional/sudo", stub.path("stub/bin/sudo")).expect("link");
    host.acquire_root(false).expect("sudo agrees");
    assert_eq!(host.root_access(), RootAccess::Sudo);
    host.run(&command).expect("runs");
    let calls = stub.calls();
    let (env, systemctl) = (stub.path("stub/tools/env"), stub.path("stub/bin/systemctl"));
    let called = format!("sudo [-n] [--] [{}] [K=v] [{}] [enable] [x]", env.display(), systemctl.display());
    assert_eq!(calls[calls.len() - 2], called);
}

#[test]
fn questions_have_three_answers() {
    let stub = StubHost::fresh();
    let host = stub.host();
    assert_eq!(host.service_active("k3s"), Ok(false));
    assert!(stub.calls().is_empty(), "a service without a unit needs no question");
    stub.put("etc/systemd/system/k3s.service", "");
    assert_eq!(host.service_active("k3s"), Ok(false));
    stub.put("stub/services/k3s", "active\n");
    assert_eq!(host.service_active("k3s"), Ok(true));
    stub.put("stub/services/k3s", "activating\n");
    assert_eq!(host.service_active("k3s"), Ok(true));
    stub.put("stub/no-systemd", "");
    assert!(host.service_active("k3s").is_err());

    assert_eq!(host.package_installed("p"), Ok(false));
    stub.put("stub/packages/p", "");
    assert_eq!(host.package_installed("p"), Ok(true));
    stub.forget_calls();
    stub.fail_at(1);
    assert!(host.package_installed("p").is_err());
}

/// The part that was kept must not be taken for the whole: a list that is cut short would make the rest look missing.
#[test]
fn more_output_than_is_kept_is_no_answer() {
    let stub = StubHost::fresh();
    program(&stub, "flood", "head -c 33554433 /dev/zero");
    let error = stub.host().run(&Command::new("flood")).expect_err("a part is no answer");
    assert!(matches!(error, CommandError::TooMuchOutput { .. }), "{error}");
}

/// A host that somebody has asked to stop so many times.
fn stopped_by(stub: &StubHost, requests: &std::rc::Rc<std::cell::Cell<usize>>) -> bootstrap::host::Host {
    let requests = std::rc::Rc::clone(requests);
    stub.host().with_stop(move || requests.get())
}

#[test]
fn a_request_to_stop_ends_what_only_looks_and_is_not_begun_after_it() {
    let stub = StubHost::fresh();
    program(&stub, "slow", "exec sleep 3600");
    let looks = std::rc::Rc::new(std::cell::Cell::new(0));
    let counted = std::rc::Rc::clone(&looks);
    // Asked to stop while it runs: the first look at the counter is before it starts.
    let host = stub.host().with_stop(move || {
        counted.set(counted.get() + 1);
        usize::from(counted.get() > 3)
    });
    let slow = Command::new("slow").timeout(Duration::from_hours(1));
    assert!(matches!(host.run(&slow), Err(CommandError::Interrupted { .. })));
    let before = stub.calls().len();
    assert!(matches!(host.run(&Command::new("slow")), Err(CommandError::Interrupted { .. })));
    assert_eq!(stub.calls().len(), before, "nothing is begun after a request to stop");
}

#[test]
fn a_change_is_ended_by_the_next_request_alone_and_what_cleans_up_after_it_runs() {
    let stub = StubHost::fresh();
    program(&stub, "slow", "exec sleep 3600");
    let requests = std::rc::Rc::new(std::cell::Cell::new(1));
    let host = stopped_by(&stub, &requests);
    let _shield = host.shield();
    assert!(host.run(&Command::new("true")).is_ok(), "the first request does not stop a change");
    let counted = std::rc::Rc::clone(&requests);
    let second = stub.host().with_stop(move || {
        counted.set(counted.get() + 1);
        counted.get() / 3
    });
    let shield = second.shield();
    let slow = Command::new("slow").timeout(Duration::from_hours(1));
    assert!(matches!(second.run(&slow), Err(CommandError::Interrupted { .. })));
    drop(shield);
    requests.set(2);
    assert!(host.run(&Command::new("true")).is_ok(), "after the second request cleaning up still runs");
}
