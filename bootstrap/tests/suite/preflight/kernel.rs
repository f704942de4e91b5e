use super::*;
use Severity::{Failed, Warning};
use schema::Component;

const KERNEL: &[Case] = &[
    (
        Mode::Server,
        |stub| remove(stub, "sys/module/vxlan"),
        "modules",
        Failed,
        "6.1.0-stub does not have it",
        "linux-modules-extra-6.1.0-stub",
    ),
    (
        Mode::Server,
        |stub| {
            remove(stub, "sys/module/overlay");
            stub.put("stub/modules/overlay", "install /bin/false \n");
        },
        "modules",
        Failed,
        "a rule in /etc/modprobe.d forbids it",
        "/etc/modprobe.d",
    ),
    (
        Mode::Server,
        |stub| {
            remove(stub, "sys/module/br_netfilter");
            remove(stub, "lib/modules");
        },
        "modules",
        Warning,
        "cannot determine",
        "",
    ),
    (
        Mode::Stack,
        |stub| remove(stub, "sys/module/iscsi_tcp"),
        "modules",
        Failed,
        "iscsi_tcp is required",
        "",
    ),
    (
        Mode::Server,
        |stub| stub.put("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io pids\n"),
        "cgroups",
        Failed,
        "memory required",
        "GRUB_CMDLINE_LINUX",
    ),
    (
        Mode::Server,
        |stub| {
            stub.put("sys/fs/cgroup/cgroup.controllers", "cpu io pids\n");
            stub.put("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0");
            stub.put("boot/firmware/cmdline.txt", "console=tty1 rootwait\n");
        },
        "cgroups",
        Failed,
        "memory and cpuset required",
        "/boot/firmware/cmdline.txt: cgroup_memory=1 cgroup_enable=memory",
    ),
    (
        Mode::Server,
        |stub| {
            remove(stub, "sys/fs/cgroup/cgroup.controllers");
            stub.put(
                "proc/cgroups",
                "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpuset\t3\t1\t1\nmemory\t5\t9\t1\n",
            );
        },
        "cgroups",
        Failed,
        "requires version 2",
        "systemd.unified_cgroup_hierarchy=1",
    ),
];

#[test]
fn each_requirement_of_the_kernel_fails_in_turn() {
    each_fails_in_turn(KERNEL);
}

/// What a kernel has built in, or can load, is as good as loaded.
#[test]
fn modules_that_are_built_in_or_can_be_loaded_are_there() {
    for provides in [
        (|stub| {
            let file = "/lib/modules/6.1.0-stub/kernel/drivers/net/vxlan/vxlan.ko.xz";
            stub.put("stub/modules/vxlan", format!("insmod {file} \n"));
        }) as fn(&StubHost),
        |stub| stub.put("lib/modules/6.1.0-stub/modules.builtin", "kernel/drivers/net/vxlan/vxlan.ko\n"),
        |stub| stub.put("stub/modules/vxlan", "builtin vxlan\n"),
    ] {
        let stub = fit_for(Mode::Server);
        remove(&stub, "sys/module/vxlan");
        provides(&stub);
        assert_eq!(problems(&stub, &settings(Mode::Server)), []);
    }
}

/// Old cgroups are fine for old releases, and for a kubelet that is told so.
#[test]
fn the_version_of_cgroups_is_held_against_the_release() {
    let v1 = |stub: &StubHost| {
        remove(stub, "sys/fs/cgroup/cgroup.controllers");
        stub.put(
            "proc/cgroups",
            "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpuset\t3\t1\t1\nmemory\t5\t9\t1\n",
        );
    };
    for (release, config, worst) in [
        ("v1.30.9+k3s1", "", Severity::Ok),
        ("v1.34.1+k3s1", "", Warning),
        ("v1.35.5+k3s1", "", Failed),
        ("v1.35.5+k3s1", "kubelet-arg:\n- fail-cgroupv1=false\n", Warning),
    ] {
        let stub = fit_for(Mode::Server);
        v1(&stub);
        stub.put("etc/rancher/k3s/config.yaml", config);
        let mut settings = settings(Mode::Server);
        settings.versions.insert(Component::K3s, release.to_owned());
        assert_eq!(report(&stub, &settings).worst(), worst, "{release} {config}");
    }
}
