//! A driver like that of infra: it checks whether there is output, takes one character of its buffer, and answers a
//! question when it has seen its text. It looks at the rest of its buffer only when more output arrives.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tests::{Sandbox, bootstrap};

use super::sandbox;

/// After a silence of 15 seconds the driver of infra sends answers to questions that it has not seen. Here a silence that no
/// busy machine explains is a failure.
const SILENCE: Duration = Duration::from_mins(2);

struct Driver {
    output: ChildStdout,
    input: ChildStdin,
    /// What was read and not looked at yet.
    read: Vec<u8>,
    seen: String,
}

impl Driver {
    /// The next character, or `None` at the end of the output.
    fn next(&mut self) -> Option<char> {
        let mut waited = [PollFd::from_borrowed_fd(self.output.as_fd(), PollFlags::IN)];
        let patience = Timespec::try_from(SILENCE).expect("a few seconds");
        let ready = poll(&mut waited, Some(&patience)).expect("it can be waited for");
        assert!(
            ready > 0,
            "nothing came for {SILENCE:?}; seen so far: {:?}, held: {:?}",
            self.seen,
            self.read
        );
        if self.read.is_empty() {
            let mut piece = [0; 8192];
            let length = self.output.read(&mut piece).expect("readable");
            self.read.extend(piece[..length].iter().rev());
        }
        self.read.pop().map(char::from)
    }

    /// Answers each question when it is seen, and returns all output.
    fn drive(mut self, answers: &[(&str, &str)]) -> String {
        let mut pending = answers.to_vec();
        let (mut said, mut recent) = (String::new(), String::new());
        while let Some(character) = self.next() {
            said.push(character);
            recent.push(character);
            self.seen.clone_from(&said);
            if let Some(at) = pending.iter().position(|(question, _)| recent.contains(question)) {
                let (_, answer) = pending.remove(at);
                self.input.write_all(format!("{answer}\n").as_bytes()).expect("somebody reads");
                recent.clear();
            }
        }
        said
    }
}

fn start(sandbox: &Sandbox, mode: &str) -> (std::process::Child, Driver) {
    let mut command = Command::new(bootstrap());
    command.args(["as-bundle", "--root"]).arg(sandbox.root().join("bundle"));
    command.args(["--entry", "bootstrap", "--", "--dry-run", "--mode", mode]);
    command.env_clear().env("HOME", sandbox.home()).env("PATH", sandbox.root().join("bin"));
    command.env("PRODUCTIVE_K3S_RUNS_DIR", sandbox.runs_dir()).env("TELEMETRY_ENABLED", "false");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("it starts");
    let (output, input) = (child.stdout.take().expect("piped"), child.stdin.take().expect("piped"));
    (child, Driver { output, input, read: Vec::new(), seen: String::new() })
}

#[test]
fn a_driver_that_is_one_read_behind_answers_every_question_at_once() {
    let sandbox = sandbox();
    let (mut child, driver) = start(&sandbox, "agent");
    let said = driver.drive(&[
        ("Existing k3s agent installation detected. Continue using it without changes? [required]", "y"),
        ("k3s agent was not detected. Install it now? [required]", "y"),
        ("Agent server URL", "https://server.example.local:6443"),
        ("Agent cluster token", "token-canary"),
        ("Proceed with this plan?", "y"),
    ]);
    assert!(child.wait().expect("a child").success(), "{said}");
    assert!(said.contains("Plan for mode agent:") && !said.contains("token-canary"), "{said}");
    assert_eq!(sandbox.only_run().manifest()["status"], "success");
}
