//! A run that is killed while the install script of k3s is at work.

use super::setup::K3sSetup;
use crate::inspect::{ended, last_manifest, service};
use crate::machine::Machine;
use crate::network::{Cable, End};
use crate::transcript::{Transcript, all, equal, holds};

/// Replaces the real `systemctl`, and ends the program that runs the script that calls it, and the script too.
const KILLER: &str = r#"#!/bin/sh
if [ "$1" = "$(cat /run/kill-at 2>/dev/null)" ] && grep -q install.sh /proc/$PPID/cmdline; then
    rm /run/kill-at
    kill -KILL "$(sed -n 's/^PPid:\t//p' /proc/$PPID/status)" $PPID
    exit 1
fi
exec /usr/bin/systemctl "$@"
"#;

pub(super) fn run(setup: &K3sSetup<'_>, transcript: &mut Transcript) -> anyhow::Result<()> {
    transcript.part("A run is killed inside the install script, and run again");
    let cable = Cable::lay()?;
    let machine = setup.boot(&cable, End::Server)?;
    machine.write("/usr/local/bin/systemctl", KILLER, 0o755)?;
    // The script disables the service before it writes the unit, and enables it after.
    for (point, has_unit) in [("disable", false), ("enable", true)] {
        killed(setup, &machine, point, has_unit, transcript)?;
    }
    let next = setup.server_run(&machine)?;
    transcript.check(
        &format!("the next run completes it ({})", next.seconds()),
        all([ended(&next, 0), last_manifest(&machine, "server", &[]), service(&machine, "k3s")]),
    );
    let manifests = machine.manifests();
    let interrupted = manifests.values().filter(|run| run["status"] == "interrupted").count();
    let running = manifests.values().filter(|run| run["status"] == "running").count();
    transcript.check("the killed runs are recorded as interrupted", equal(&(interrupted, running), &(2, 0)));
    let staged = machine.sh("find /var/lib/productive-k3s 2>/dev/null || true")?;
    transcript.check("what they had fetched is removed", holds(staged.is_empty(), staged));
    Ok(())
}

fn killed(
    setup: &K3sSetup<'_>,
    machine: &Machine,
    point: &str,
    has_unit: bool,
    transcript: &mut Transcript,
) -> anyhow::Result<()> {
    machine.write("/run/kill-at", point, 0o644)?;
    let run = setup.server_run(machine)?;
    let when = if has_unit { "after" } else { "before" };
    transcript.check(
        &format!("it is killed {when} its unit is written ({})", run.seconds()),
        all([
            equal(&run.code, &137),
            equal(&machine.at("/etc/systemd/system/k3s.service").exists(), &has_unit),
        ]),
    );
    Ok(())
}
