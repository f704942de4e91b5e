//! What is released: two programs, and the files beside each in an archive and on a host.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::Value;

use super::deb::Control;
use super::licences;
use super::tree::Tree;
use crate::{sbom, workspace};

/// One program and what belongs to it.
pub(super) struct Product {
    /// The package of the workspace, and the program.
    pub(super) program: &'static str,
    pub(super) control: Control,
    /// Files of the workspace beside licences, manual pages and the bill of materials: where each lies on a host.
    files: &'static [(&'static str, &'static str)],
    /// Documents of the workspace.
    documents: &'static [&'static str],
}

/// The program that installs.
pub(super) const CORE: Product = Product {
    program: "bootstrap",
    control: Control {
        name: "productive-k3s-core",
        section: "admin",
        recommends: "ca-certificates, curl",
        description: "installs a k3s base on this host\n \
            Installs k3s, helm, cert-manager, Longhorn, Rancher and a registry, records\n \
            truthfully and anonymously what it did, and can undo it on the same host.",
        conffiles: &[],
        scripts: None,
    },
    files: &[],
    documents: &["README.md", "bootstrap/config.schema.json"],
};

/// The service that receives.
pub(super) const RECEIVER: Product = Product {
    program: "receiver",
    control: Control {
        name: "productive-k3s-receiver",
        section: "net",
        recommends: "",
        description: "receives the telemetry of Productive K3S\n \
            Checks every document, stores it durably, and shows charts in which no\n \
            group of fewer than ten sessions is visible.",
        conffiles: &["/etc/default/receiver"],
        scripts: Some("receiver/packaging"),
    },
    files: &[
        ("usr/lib/systemd/system/receiver.service", "receiver/packaging/receiver.service"),
        ("etc/default/receiver", "receiver/packaging/receiver.default"),
    ],
    documents: &["receiver/OPERATIONS.md"],
};

/// Everything that a product consists of.
pub(super) struct Contents<'a> {
    product: &'a Product,
    program: Vec<u8>,
    /// Manual pages by file name.
    manual: Vec<(String, Vec<u8>)>,
    completions: Vec<Completions>,
    licences: String,
    /// The bill of materials.
    pub(super) bill: String,
}

impl<'a> Contents<'a> {
    /// Generates what is generated.
    pub(super) fn of(
        product: &'a Product,
        program: &Path,
        scratch: &Path,
        version: &str,
    ) -> anyhow::Result<Self> {
        let bill: Value = sbom::document(product.program, product.control.name, version)?;
        Ok(Self {
            product,
            program: fs::read(program).with_context(|| format!("failed to read {}", program.display()))?,
            manual: manual(product.program, &scratch.join("manual"))?,
            completions: if product.program == CORE.program { completions(program)? } else { Vec::new() },
            licences: licences::document(product.program)?,
            bill: format!("{}\n", serde_json::to_string_pretty(&bill)?),
        })
    }

    /// The layout of an archive: one directory.
    pub(super) fn lay_out_archive(&self, tree: &Tree) -> anyhow::Result<()> {
        tree.put(self.product.program, &self.program, 0o755)?;
        for (name, page) in &self.manual {
            tree.put(&format!("man/{name}"), page, 0o644)?;
        }
        for Completions { shell, script, .. } in &self.completions {
            tree.put(&format!("completions/{}.{shell}", self.product.program), script, 0o644)?;
        }
        for (_, from) in self.product.files {
            tree.copy(file_name(from), from, 0o644)?;
        }
        for document in self.documents()? {
            tree.copy(place(&document), &document, 0o644)?;
        }
        tree.copy("LICENSE", "LICENSE", 0o644)?;
        tree.put("THIRD-PARTY-LICENSES.txt", &self.licences, 0o644)?;
        tree.put("sbom.cdx.json", &self.bill, 0o644)
    }

    /// The layout of a host (Filesystem Hierarchy Standard).
    pub(super) fn lay_out_host(&self, tree: &Tree) -> anyhow::Result<()> {
        let name = self.product.control.name;
        tree.put(&format!("usr/bin/{}", self.product.program), &self.program, 0o755)?;
        for (name, page) in &self.manual {
            tree.put_zipped(&format!("usr/share/man/man1/{name}.gz"), page)?;
        }
        for Completions { path, script, .. } in &self.completions {
            tree.put(path, script, 0o644)?;
        }
        for (to, from) in self.product.files {
            tree.copy(to, from, 0o644)?;
        }
        let shared = format!("usr/share/doc/{name}");
        for document in self.documents()? {
            tree.copy(&format!("{shared}/{}", place(&document)), &document, 0o644)?;
        }
        let copyright = format!(
            "{name} is licensed under the Apache License, Version 2.0; its text is\n\
             /usr/share/common-licenses/Apache-2.0 on Debian. What others wrote and the\n\
             program contains is listed with its licences in THIRD-PARTY-LICENSES.txt.gz.\n"
        );
        tree.put(&format!("{shared}/copyright"), copyright, 0o644)?;
        tree.put_zipped(&format!("{shared}/THIRD-PARTY-LICENSES.txt.gz"), self.licences.as_bytes())?;
        tree.put(&format!("{shared}/sbom.cdx.json"), &self.bill, 0o644)
    }

    /// The documents of the workspace that come along: for the program that installs, all of `docs/` too.
    fn documents(&self) -> anyhow::Result<Vec<String>> {
        let mut documents: Vec<String> =
            self.product.documents.iter().map(|&document| document.to_owned()).collect();
        if self.product.program == CORE.program {
            let pages = workspace::files_below(&workspace::root().join("docs"))?;
            documents.extend(pages.into_iter().map(|page| format!("docs/{page}")));
        }
        Ok(documents)
    }
}

/// Where a document lies beside the program: the pages stay together, since they link to each other.
fn place(document: &str) -> &str {
    if document.starts_with("docs/") { document } else { file_name(document) }
}

fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// The manual pages of a program, by file name. The code that writes them is beside the command line that they describe.
fn manual(program: &str, directory: &Path) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let pages = Tree::new(directory.to_owned())?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args([
            "run",
            "--quiet",
            "--locked",
            "--package",
            program,
            "--example",
            &format!("{program}_man"),
            "--",
        ])
        .arg(pages.root())
        .current_dir(workspace::root())
        .status()
        .context("failed to start cargo")?;
    if !status.success() {
        bail!("failed to write the manual pages of {program}: {status}");
    }
    let mut manual = Vec::new();
    for name in workspace::files_below(pages.root())? {
        let page = fs::read(pages.root().join(&name))?;
        manual.push((name, page));
    }
    fs::remove_dir_all(pages.root())?;
    Ok(manual)
}

/// A script of completions.
struct Completions {
    shell: &'static str,
    /// Its path on a host.
    path: &'static str,
    script: Vec<u8>,
}

/// The completions that `program` prints.
fn completions(program: &Path) -> anyhow::Result<Vec<Completions>> {
    let places = [
        ("bash", "usr/share/bash-completion/completions/bootstrap"),
        ("zsh", "usr/share/zsh/vendor-completions/_bootstrap"),
        ("fish", "usr/share/fish/vendor_completions.d/bootstrap.fish"),
    ];
    let print = |(shell, path)| {
        let output = Command::new(program).args(["completions", shell]).output()?;
        if !output.status.success() {
            bail!("{} completions {shell}: {}", program.display(), output.status);
        }
        Ok(Completions { shell, path, script: output.stdout })
    };
    places.into_iter().map(print).collect()
}
