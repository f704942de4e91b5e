//! The API server, asked directly and not through the program that is tested.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::process;

/// A token that the server takes for an administrator's.
pub(crate) const TOKEN: &str = "e2e-administrator";

/// The API server on a port of loopback.
#[derive(Clone)]
pub(crate) struct Api {
    /// The port.
    pub(crate) port: u16,
}

impl Api {
    /// Its URL.
    pub(crate) fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// What is at `path`, if there is something.
    pub(crate) fn get(&self, path: &str) -> anyhow::Result<Option<Value>> {
        match self.call("GET", path, None)? {
            (200, value) => Ok(Some(value)),
            (404, _) => Ok(None),
            (code, value) => bail!("GET {path}: {code} {value}"),
        }
    }

    /// Whether there is something at `path`.
    pub(crate) fn has(&self, path: &str) -> anyhow::Result<bool> {
        Ok(self.get(path)?.is_some())
    }

    /// The objects that are listed at `path`.
    pub(crate) fn list(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let mut list = self.get(path)?.unwrap_or_default();
        Ok(list["items"].as_array_mut().map(std::mem::take).unwrap_or_default())
    }

    /// Creates an object.
    pub(crate) fn create(&self, path: &str, object: &Value) -> anyhow::Result<()> {
        self.must("POST", path, Some(("application/json", object)))
    }

    /// Changes parts of an object.
    pub(crate) fn merge(&self, path: &str, change: &Value) -> anyhow::Result<()> {
        self.must("PATCH", path, Some(("application/merge-patch+json", change)))
    }

    /// Deletes an object.
    pub(crate) fn delete(&self, path: &str) -> anyhow::Result<()> {
        self.must("DELETE", path, None)
    }

    /// Every object at `paths` with its resource version, which changes with every write.
    pub(crate) fn versions(&self, paths: &[&str]) -> anyhow::Result<BTreeMap<String, String>> {
        let mut versions = BTreeMap::new();
        for path in paths {
            for object in self.list(path)? {
                let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default().to_owned();
                versions.insert(
                    format!("{path} {}/{}", text("namespace"), text("name")),
                    text("resourceVersion"),
                );
            }
        }
        Ok(versions)
    }

    fn must(&self, method: &str, path: &str, body: Option<(&str, &Value)>) -> anyhow::Result<()> {
        match self.call(method, path, body)? {
            (200..=299, _) => Ok(()),
            (code, value) => bail!("{method} {path}: {code} {}", value["message"]),
        }
    }

    fn call(&self, method: &str, path: &str, body: Option<(&str, &Value)>) -> anyhow::Result<(u16, Value)> {
        // curl and not a client crate: the crates of this workspace other than telemetry hold no HTTP client, which a test
        // proves, and one flag silences the certificate that the server made for itself.
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--show-error",
            "--insecure",
            "--http1.1",
            "--max-time",
            "20",
            "--request",
            method,
        ]);
        curl.args(["--header", &format!("Authorization: Bearer {TOKEN}"), "--write-out", "\n%{http_code}"]);
        if let Some((kind, body)) = body {
            curl.args(["--header", &format!("Content-Type: {kind}"), "--data", &body.to_string()]);
        }
        let answer = process::output(curl.arg(self.url() + path))?;
        let (body, code) = answer.rsplit_once('\n').context("curl says no code")?;
        Ok((code.parse()?, serde_json::from_str(body).unwrap_or_default()))
    }
}
