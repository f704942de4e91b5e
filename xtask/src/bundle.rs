//! `cargo xtask bundle`: the release in the form that the layers above use.
//!
//! The CLI and infra expect the core as an archive with shell entry points. These are thin: they find the program for the
//! machine and execute it. So all behaviour is in one place, the program, and the archive can be compared
//! byte for byte: the same inputs make the same archive.

mod entry;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::{archive, contract, dist, sbom, workspace};

const NAME: &str = "productive-k3s-core";
const INSTALLER: &str = include_str!("../../bundle/install.sh");

/// Where releases are published, up to the version.
const RELEASES: &str = "https://github.com/productive-k3s/productive-k3s-core/releases/download";

const USAGE: &str = "usage: cargo xtask bundle [OPTION...]

  --out DIRECTORY     where the archive goes [default: target/bundle]
  --version VERSION   version of the bundle [default: that of the workspace]
  --binary ARCH=FILE  program for amd64 or arm64 (repeatable) [default: a release build for this machine]";

/// The content of a bundle.
#[derive(Debug)]
struct BundleSpec {
    version: String,
    /// The program for each architecture.
    programs: Vec<(String, PathBuf)>,
    out: PathBuf,
}

/// Makes the bundle for these arguments.
pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let mut spec = BundleSpec::parse(arguments)?;
    if spec.programs.is_empty() {
        let [built] = dist::released(["bootstrap"])?;
        spec.programs.push((this_arch()?.to_owned(), built));
    }
    for file in spec.write()? {
        workspace::print_line(&file.display().to_string());
    }
    Ok(())
}

impl BundleSpec {
    fn parse(arguments: &[&str]) -> anyhow::Result<Self> {
        let mut spec = Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            programs: Vec::new(),
            out: workspace::root().join("target/bundle"),
        };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let value = words.next().with_context(|| USAGE)?;
            match *word {
                "--out" => spec.out = PathBuf::from(value),
                "--version" => (*value).clone_into(&mut spec.version),
                "--binary" => match value.split_once('=') {
                    Some((arch @ ("amd64" | "arm64"), file)) => {
                        spec.programs.push((arch.to_owned(), PathBuf::from(file)));
                    }
                    _ => bail!("{USAGE}"),
                },
                _ => bail!("{USAGE}"),
            }
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-+".contains(&byte);
        if spec.version.is_empty() || !spec.version.bytes().all(is_plain) {
            bail!("a version has only letters, digits, dots, hyphens and plus signs");
        }
        Ok(spec)
    }

    fn stem(&self) -> String {
        format!("{NAME}-{}", self.version)
    }

    /// Writes the archive, its checksum and the installer, and returns their paths.
    fn write(&self) -> anyhow::Result<[PathBuf; 3]> {
        fs::create_dir_all(&self.out)?;
        let staged = self.out.join("staged");
        if staged.exists() {
            fs::remove_dir_all(&staged)?;
        }
        self.stage(&staged.join(self.stem()))?;
        let name = format!("{}.tar.gz", self.stem());
        let archive = self.out.join(&name);
        archive::write(&staged, &self.stem(), &archive, &archive::epoch())?;
        fs::remove_dir_all(&staged)?;
        let sum = contract::sha256(fs::read(&archive)?);
        let checksum = self.out.join(format!("{name}.sha256"));
        fs::write(&checksum, format!("{sum}  {name}\n"))?;
        let installer = self.out.join(format!("{NAME}-cli.sh"));
        let text = INSTALLER
            .replace("@ARCHIVE@", &name)
            .replace("@SHA256@", &sum)
            .replace("@STEM@", &self.stem())
            .replace("@RELEASE_URL@", &format!("{RELEASES}/{}", self.version));
        put(&installer, &text, 0o755)?;
        Ok([archive, checksum, installer])
    }

    /// Puts the content of the archive below `root`.
    fn stage(&self, root: &Path) -> anyhow::Result<()> {
        for entry in entry::ENTRIES {
            put(&root.join(entry.path), &entry.script(), 0o755)?;
        }
        for (arch, program) in &self.programs {
            let to = root.join("bin").join(arch).join("bootstrap");
            fs::create_dir_all(to.parent().context("it is below the root")?)?;
            fs::copy(program, &to).with_context(|| format!("failed to copy {}", program.display()))?;
            fs::set_permissions(&to, fs::Permissions::from_mode(0o755))?;
        }
        for document in ["LICENSE", "README.md"] {
            put(&root.join(document), &fs::read_to_string(workspace::root().join(document))?, 0o644)?;
        }
        put(&root.join("bundle-info.json"), &pretty(&self.info())?, 0o644)?;
        put(&root.join("sbom.cdx.json"), &pretty(&sbom::document("bootstrap", NAME, &self.version)?)?, 0o644)
    }

    /// What the CLI reads before it accepts a bundle.
    fn info(&self) -> Value {
        json!({
            "schema_version": "1",
            "bundle_name": NAME,
            "bundle_type": NAME,
            "bundle_version": self.version,
            "cli_entrypoint": entry::ROOT,
            "platform": "any",
            "api_compatibility": { "contract": "productive-k3s-cli-bundle-info/v1" },
        })
    }
}

fn this_arch() -> anyhow::Result<&'static str> {
    match std::env::consts::ARCH {
        "x86_64" => Ok("amd64"),
        "aarch64" => Ok("arm64"),
        other => bail!("a bundle has no place for a program for {other}"),
    }
}

fn pretty(document: &Value) -> anyhow::Result<String> {
    Ok(format!("{}\n", serde_json::to_string_pretty(document)?))
}

fn put(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    fs::create_dir_all(path.parent().context("a file of the bundle is in a directory")?)?;
    fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// A bundle with a script instead of the program, which prints how it was called.
    fn bundle(out: &Path, version: &str) -> [PathBuf; 3] {
        fs::create_dir_all(out).expect("a directory");
        let program = out.join("program");
        put(&program, "#!/bin/sh\nprintf '%s\\n' \"$@\"\n", 0o755).expect("written");
        let argument = format!("{}={}", this_arch().expect("known"), program.display());
        let out = out.to_str().expect("UTF-8");
        let spec = BundleSpec::parse(&["--out", out, "--version", version, "--binary", &argument]);
        spec.expect("arguments").write().expect("a bundle")
    }

    fn scratch(name: &str) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("bundle-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        directory
    }

    fn said(command: &mut Command) -> String {
        let output = command.output().expect("it starts");
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn listing(archive: &Path) -> Vec<String> {
        said(Command::new("tar").arg("-tzf").arg(archive)).lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_archive_has_one_directory_and_the_entry_at_its_root_comes_first() {
        let out = scratch("listing");
        let [archive, checksum, _] = bundle(&out, "1.2.3");
        let names = listing(&archive);
        assert!(names.iter().all(|name| name.starts_with("productive-k3s-core-1.2.3/")), "{names:?}");
        let first = names.iter().find(|name| name.ends_with("/productive-k3s-core.sh"));
        assert_eq!(first.expect("listed"), "productive-k3s-core-1.2.3/productive-k3s-core.sh");
        for entry in entry::ENTRIES {
            assert!(names.contains(&format!("productive-k3s-core-1.2.3/{}", entry.path)), "{}", entry.path);
        }
        let checked = Command::new("sha256sum").arg("-c").arg(checksum).current_dir(&out).status();
        assert!(checked.expect("it starts").success());
        fs::remove_dir_all(out).expect("removed");
    }

    #[test]
    fn the_same_inputs_make_the_same_archive() {
        let (one, other) = (scratch("one"), scratch("other"));
        let archives = [&one, &other].map(|out| fs::read(&bundle(out, "1.2.3")[0]).expect("read"));
        assert!(archives[0] == archives[1], "two archives of the same inputs differ");
        for out in [one, other] {
            fs::remove_dir_all(out).expect("removed");
        }
    }

    #[test]
    fn an_entry_only_becomes_the_program() {
        let out = scratch("entry");
        let [archive, ..] = bundle(&out, "1.2.3");
        said(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(&out));
        let root = out.join("productive-k3s-core-1.2.3");
        let link = out.join("linked");
        std::os::unix::fs::symlink(root.join("scripts/apply.sh"), &link).expect("a link");
        for (script, up, entry) in
            [(root.join("productive-k3s-core.sh"), ".", "core"), (link, "scripts/..", "bootstrap")]
        {
            let words = said(Command::new(script).args(["a b", ""]));
            let wanted = format!("as-bundle\n--root\n{}/{up}\n--entry\n{entry}\n--\na b\n\n", root.display());
            assert_eq!(words, wanted);
        }
        fs::remove_dir_all(out).expect("removed");
    }

    #[test]
    fn a_bundle_without_the_program_of_this_machine_says_which_it_has() {
        let out = scratch("other-arch");
        let [archive, ..] = bundle(&out, "1.2.3");
        said(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(&out));
        let root = out.join("productive-k3s-core-1.2.3");
        fs::rename(root.join("bin").join(this_arch().expect("known")), root.join("bin/other"))
            .expect("moved");
        let output = Command::new(root.join("scripts/validate.sh")).output().expect("it starts");
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains("has no program for") && message.contains("bin/other"), "{message}");
        fs::remove_dir_all(out).expect("removed");
    }

    #[test]
    fn the_installer_runs_only_the_archive_that_it_was_made_for() {
        let out = scratch("installer");
        let [archive, _, installer] = bundle(&out, "1.2.3");
        let install = |arguments: &[&str]| {
            let from = format!("file://{}", out.display());
            let mut command = Command::new(&installer);
            command.env("PRODUCTIVE_K3S_BUNDLE_URL", from).args(arguments).output().expect("it starts")
        };
        for (arguments, words) in [
            (&[][..], "--\nbootstrap\n"),
            (&["--dry-run"], "--\nbootstrap\n--dry-run\n"),
            (&["preflight"], "--\npreflight\n"),
        ] {
            let output = install(arguments);
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && said.ends_with(words), "{arguments:?}: {output:?}");
        }
        fs::write(&archive, "something else").expect("written");
        let output = install(&[]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{output:?}");
        fs::remove_dir_all(out).expect("removed");
    }

    #[test]
    fn what_a_bundle_is_made_of_is_known_by_its_names_and_versions() {
        let document = sbom::document("bootstrap", NAME, "1.2.3").expect("cargo knows the crates");
        let components = document["components"].as_array().expect("a list");
        let has = |name: &str| components.iter().any(|component| component["name"] == name);
        assert!(has("clap") && has("serde_json"), "crates of the program");
        assert!(!has("insta") && !has("rusqlite"), "crates of tests and of the receiver");
    }
}
