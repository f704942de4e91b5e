//! Where k3s has its files, and what its services are called.

use schema::Mode;

/// Where the program goes. The install script expects it there.
pub(super) const BINARY: &str = "/usr/local/bin/k3s";

/// Directory of the settings of k3s.
pub(super) const CONFIG: &str = "/etc/rancher/k3s";

/// The join token of an agent, which its service reads at each start.
pub(super) const TOKEN: &str = "/etc/rancher/k3s/agent-token";

/// Where k3s looks for images that it does not have to pull.
pub(super) const IMAGES: &str = "/var/lib/rancher/k3s/agent/images";

/// What the names of archives of images begin with.
pub(super) const IMAGE_ARCHIVE: &str = "k3s-airgap-images-";

/// The service of k3s in a mode.
pub(super) const fn service(mode: Mode) -> &'static str {
    match mode {
        Mode::Agent => "k3s-agent",
        _ => "k3s",
    }
}
