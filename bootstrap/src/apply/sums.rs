//! Reading what releases state about their files.

use serde::Deserialize;
use serde_json::Value;

use crate::step::Sha256Sum;

/// The checksum of `entry` in the form that `sha256sum` writes. If there is one checksum only, its name is not looked
/// at, and may be absent.
pub(super) fn in_sum_file(text: &str, entry: &str) -> Option<Sha256Sum> {
    let sums: Vec<(Sha256Sum, &str)> = text.lines().filter_map(sum_line).collect();
    match sums.as_slice() {
        [(only, _)] => Some(only.clone()),
        _ => named(&sums, entry),
    }
}

/// The checksum that a file about many artifacts has for `entry` by name.
pub(super) fn named_in_sum_file(text: &str, entry: &str) -> Option<Sha256Sum> {
    named(&text.lines().filter_map(sum_line).collect::<Vec<_>>(), entry)
}

/// The digest of `asset` in the description of a release on GitHub.
pub(super) fn in_github_release(text: &str, asset: &str) -> Option<Sha256Sum> {
    let release: Value = serde_json::from_str(text).ok()?;
    let assets = release.get("assets")?.as_array()?;
    let found = assets.iter().find(|found| found.get("name").and_then(Value::as_str) == Some(asset))?;
    Sha256Sum::parse(found.get("digest")?.as_str()?.strip_prefix("sha256:")?)
}

/// URL and digest of a chart in the `index.yaml` of `repository`.
pub(super) fn in_chart_index(
    text: &str,
    repository: &str,
    chart: &str,
    version: &str,
) -> Option<(String, Option<Sha256Sum>)> {
    let index: Index = serde_saphyr::from_str_with_options(text, large()).ok()?;
    let plain = |version: &str| version.strip_prefix('v').unwrap_or(version).to_owned();
    let entry = index.entries.get(chart)?.iter().find(|entry| plain(&entry.version) == version)?;
    let url = entry.urls.first()?;
    let url = if url.contains("://") { url.clone() } else { format!("{repository}/{url}") };
    let digest = entry.digest.as_deref().map(|digest| digest.strip_prefix("sha256:").unwrap_or(digest));
    Some((url, digest.and_then(Sha256Sum::parse)))
}

/// The documents of a YAML file, without empty ones.
pub(super) fn yaml_documents(text: &str) -> Result<Vec<Value>, String> {
    let documents: Vec<Value> =
        serde_saphyr::from_multiple_with_options(text, large()).map_err(|error| error.to_string())?;
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}

#[derive(Deserialize)]
struct Index {
    entries: std::collections::BTreeMap<String, Vec<ChartEntry>>,
}

#[derive(Deserialize)]
struct ChartEntry {
    version: String,
    #[serde(default)]
    urls: Vec<String>,
    #[serde(default)]
    digest: Option<String>,
}

fn sum_line(line: &str) -> Option<(Sha256Sum, &str)> {
    let (sum, name) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
    let name = name.trim_start().trim_start_matches('*');
    Some((Sha256Sum::parse(sum)?, name.strip_prefix("./").unwrap_or(name)))
}

fn named(sums: &[(Sha256Sum, &str)], entry: &str) -> Option<Sha256Sum> {
    sums.iter().find(|(_, name)| *name == entry).map(|(sum, _)| sum.clone())
}

/// The largest of these files are the definitions of cert-manager, deeply nested, and the index of Rancher, long.
fn large() -> serde_saphyr::Options {
    let mut options = serde_saphyr::Options::default();
    let budget = options.budget.get_or_insert_default();
    (budget.max_depth, budget.max_nodes) = (256, 4_000_000);
    options
}
