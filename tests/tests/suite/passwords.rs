//! A password that a run has generated is shown once, by the run that succeeds, and lost by none that fails.

use std::fs;

use tests::{Outcome, Sandbox, Stub, can_have_a_machine, on_a_machine};

const PASSWORD: &str = "29055a4d60c6e1a8b2f3907d5c4e8b16";

/// A run that is to install helm, unless `more` says otherwise.
fn run(sandbox: &Sandbox, more: &[&str]) -> Outcome {
    let call = sandbox.bootstrap(["run", "--mode", "server", "--skip", "k3s", "--yes", "--accept-warnings"]);
    on_a_machine(call.args(more).env("TELEMETRY_ENABLED", "false")).run()
}

/// The runs whose private records have the password.
fn holders(sandbox: &Sandbox) -> Vec<String> {
    let runs = sandbox.runs().into_iter();
    runs.filter(|run| run.context().to_string().contains(PASSWORD)).map(|run| run.id).collect()
}

#[test]
fn a_password_that_no_run_has_shown_goes_from_one_to_the_next_and_is_shown_once() {
    if !can_have_a_machine("a_password_that_no_run_has_shown_goes_from_one_to_the_next_and_is_shown_once") {
        return;
    }
    for form in [&[][..], &["--json"]] {
        let sandbox = Sandbox::new();
        sandbox.stub("curl", Stub { stdout: "", stderr: "curl: (22) 404", seconds: 0, code: 22 });
        run(&sandbox, form).expect(1);
        // As if it had failed after Rancher was given a password.
        let first = sandbox.only_run();
        let mut record = first.context();
        record["generated_passwords"] = serde_json::json!({ "rancher": PASSWORD });
        fs::write(&first.private, record.to_string()).expect("ours");

        let failed = run(&sandbox, form).expect(1);
        assert!(!failed.output().contains(PASSWORD), "it may not be in use yet: {failed}");
        let held = holders(&sandbox);
        assert!(held.len() == 1 && held[0] != first.id, "the second run has it now: {held:?}");

        let well = [form, &["--skip", "helm"]].concat();
        let shown = run(&sandbox, &well).expect(0);
        assert_eq!(shown.stdout.matches(PASSWORD).count(), 1, "{shown}");
        assert!(!shown.stderr.contains(PASSWORD), "{shown}");
        assert_eq!(holders(&sandbox), Vec::<String>::new());
        assert!(!run(&sandbox, &well).expect(0).output().contains(PASSWORD));
    }
}
