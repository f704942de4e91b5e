//! What the kernel must be able to do: modules and cgroups.

use std::path::Path;

use super::k3s_config::K3sConfig;
use crate::component::Finding;
use crate::host::{Command, Host, ProbeError};

const MODULES: &str = "modules";
const CGROUPS: &str = "cgroups";

/// Bridged packets pass the rules of services; layers of images; the network between nodes.
const OF_K3S: [&str; 3] = ["br_netfilter", "overlay", "vxlan"];
/// Longhorn attaches its volumes by iSCSI.
const OF_LONGHORN: &str = "iscsi_tcp";

/// A question to modprobe reads a few files.
const QUESTION: std::time::Duration = std::time::Duration::from_secs(5);

/// The modules of k3s if it is going to be installed, and that of Longhorn.
pub(super) fn modules(host: &Host, with_k3s: bool, with_longhorn: bool) -> Vec<Finding> {
    let of_k3s = OF_K3S.iter().filter(|_| with_k3s).copied();
    let needed: Vec<&str> = of_k3s.chain(with_longhorn.then_some(OF_LONGHORN)).collect();
    let problems: Vec<Finding> = needed.iter().filter_map(|name| module_problem(host, name)).collect();
    if problems.is_empty() && !needed.is_empty() {
        return vec![Finding::pass(MODULES, format!("{} are loaded or can be", needed.join(", ")))];
    }
    problems
}

fn module_problem(host: &Host, name: &str) -> Option<Finding> {
    let text = |path: &str| host.read_text(Path::new(path)).ok().flatten();
    let is_loaded = host.is_there(Path::new("/sys/module").join(name))
        || text("/proc/filesystems").is_some_and(|all| all.split_whitespace().any(|word| word == name));
    if is_loaded {
        return None;
    }
    let release = text("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned();
    let folder = format!("/lib/modules/{release}");
    let builtin = text(&format!("{folder}/modules.builtin")).unwrap_or_default();
    if builtin.lines().any(|line| line.rsplit('/').next().is_some_and(|file| is_file_of(file, name))) {
        return None;
    }
    // A container has no modules of its own, and a kernel that has this one built in need not say so.
    if release.is_empty() || !host.is_there(&folder) {
        return Some(Finding::warning(
            MODULES,
            format!("cannot determine whether the kernel has {name}: no {folder}"),
        ));
    }
    // A rule of modprobe.d may forbid what the kernel has, so modprobe is asked and not its index.
    let question = Command::new("modprobe").args(["--dry-run", "--show-depends", name]).timeout(QUESTION);
    let output = match host.ask(&question) {
        Ok(output) => output,
        Err(error) => {
            let error = ProbeError::from(error);
            return Some(Finding::warning(
                MODULES,
                format!("cannot determine whether the kernel has {name}: {error}"),
            ));
        }
    };
    let text = output.text();
    if !output.succeeded() {
        let evidence = format!("{name} is required, and kernel {release} does not have it");
        // The split of packages that leaves it out on Ubuntu's kernels for clouds and small boards.
        let fix = format!("apt-get install linux-modules-extra-{release}");
        return Some(Finding::failure(MODULES, evidence).help(fix));
    }
    let forbidden = text.lines().any(|line| line.starts_with("install ") && !line.contains("modprobe"));
    forbidden.then(|| {
        Finding::failure(MODULES, format!("{name} is required, and a rule in /etc/modprobe.d forbids it"))
            .help(format!("grep -r {name} /etc/modprobe.d, and remove the line `install {name} ...`"))
    })
}

/// File names have hyphens where names of modules have underscores.
fn is_file_of(file: &str, name: &str) -> bool {
    file.split(".ko").next().is_some_and(|stem| stem.replace('-', "_") == name)
}

/// The kernel's account of processes: kubelet does not start without memory and cpuset.
pub(super) fn cgroups(host: &Host, k3s: &str, config: &Result<K3sConfig, ProbeError>) -> Vec<Finding> {
    let (version, controllers) = match controllers(host) {
        Ok(found) => found,
        Err(error) => return vec![Finding::warning(CGROUPS, format!("unknown: {error}"))],
    };
    let missing: Vec<&str> = ["memory", "cpuset"]
        .into_iter()
        .filter(|needed| !controllers.iter().any(|found| found == needed))
        .collect();
    let mut findings = Vec::new();
    if !missing.is_empty() {
        let evidence = format!("{} required, and the kernel has it switched off", missing.join(" and "));
        findings.push(Finding::failure(CGROUPS, evidence).help(boot_line(host)));
    }
    findings.extend((version == 1).then(|| old_version(k3s, config)).flatten());
    if findings.is_empty() {
        findings.push(Finding::pass(CGROUPS, format!("version {version} with memory and cpuset")));
    }
    findings
}

/// The version of cgroups that the host has, and the controllers that are switched on.
fn controllers(host: &Host) -> Result<(u8, Vec<String>), ProbeError> {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    if let Some(unified) = host.read_text(Path::new("/sys/fs/cgroup/cgroup.controllers"))? {
        return Ok((2, words(&unified)));
    }
    let Some(table) = host.read_text(Path::new("/proc/cgroups"))? else {
        return Err(ProbeError::File { message: "/proc/cgroups does not exist".to_owned() });
    };
    // #subsys_name hierarchy num_cgroups enabled
    let enabled = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        (fields.len() == 4 && fields[3] == "1").then(|| fields[0].to_owned())
    };
    Ok((1, table.lines().filter_map(enabled).collect()))
}

/// What switches the controllers on at the next start of the machine.
fn boot_line(host: &Host) -> String {
    let model = host.read_text(Path::new("/proc/device-tree/model")).ok().flatten().unwrap_or_default();
    if model.contains("Raspberry Pi") {
        let files = ["/boot/firmware/cmdline.txt", "/boot/cmdline.txt"];
        let file = files.into_iter().find(|file| host.is_there(file)).unwrap_or(files[0]);
        return format!(
            "add to the end of the only line of {file}: cgroup_memory=1 cgroup_enable=memory; reboot"
        );
    }
    "add to GRUB_CMDLINE_LINUX in /etc/default/grub: cgroup_enable=memory,cpuset; update-grub; reboot"
        .to_owned()
}

/// From 1.31 on kubelet only maintains version 1, and from 1.35 on it refuses it unless it is told not to (KEP-5573).
fn old_version(k3s: &str, config: &Result<K3sConfig, ProbeError>) -> Option<Finding> {
    const FIX: &str = "add to GRUB_CMDLINE_LINUX in /etc/default/grub: systemd.unified_cgroup_hierarchy=1; update-grub; reboot";
    let minor: u32 = k3s.strip_prefix("v1.")?.split('.').next()?.parse().ok()?;
    let told = config.as_ref().is_ok_and(|config| config.lists("kubelet-arg", "fail-cgroupv1=false"));
    let finding = match minor {
        ..31 => return None,
        31..35 => Finding::warning(CGROUPS, format!("version 1; k3s {k3s} recommends version 2")),
        _ if told => Finding::warning(CGROUPS, format!("version 1, which k3s {k3s} is told to accept")),
        _ => Finding::failure(CGROUPS, format!("version 1; k3s {k3s} requires version 2")),
    };
    Some(finding.help(FIX))
}
