//! The arrows of a crate at every level: between the top-level modules, and between the modules of each directory.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use super::arrows::{Arrow, arrows};
use super::modules::{Module, read};

/// A crate with its arrows.
#[derive(Debug)]
pub(crate) struct Graph {
    /// Its modules; the root is the first.
    pub(crate) modules: Vec<Module>,
    arrows: Vec<Arrow>,
}

/// The arrows between the children of one module, and between them and the file of the module itself, which is the
/// empty name. Each with one use as its proof.
pub(crate) type Level = BTreeMap<(String, String), Arrow>;

impl Graph {
    /// Reads a crate from its root file.
    pub(crate) fn of(root: &Path) -> Self {
        let modules = read(root);
        let arrows = arrows(&modules);
        Self { modules, arrows }
    }

    /// All levels, by the path of their module.
    pub(crate) fn levels(&self) -> BTreeMap<Vec<String>, Level> {
        let mut levels = BTreeMap::<Vec<String>, Level>::new();
        for arrow in &self.arrows {
            let (from, to) = (&self.modules[arrow.from].path, &self.modules[arrow.to].path);
            let common = from.iter().zip(to).take_while(|(one, other)| one == other).count();
            let name = |path: &[String]| path.get(common).cloned().unwrap_or_default();
            let level = levels.entry(from[..common].to_vec()).or_default();
            level.entry((name(from), name(to))).or_insert_with(|| arrow.clone());
        }
        levels
    }

    /// Every circle with its modules, and one use for each of its arrows. Empty if there is none.
    pub(crate) fn circles(&self) -> String {
        let mut text = String::new();
        for (path, level) in self.levels() {
            for circle in circles(&level) {
                let names: Vec<String> = circle.iter().map(|name| label(&path, name)).collect();
                let _ = writeln!(text, "  circle: {}", names.join(", "));
                for ((from, to), arrow) in &level {
                    if circle.contains(from) && circle.contains(to) {
                        let _ = writeln!(text, "    {}", self.explain(&path, from, to, arrow));
                    }
                }
            }
        }
        text
    }

    /// The arrows between top-level modules that run against `order`, in which each may use those before it. The root
    /// file has no place: it may use all, and a module that uses its definitions makes a circle.
    pub(crate) fn upwards(&self, order: &[&str]) -> Vec<String> {
        let place = |name: &str| order.iter().position(|known| *known == name);
        let top = self.levels().remove(&Vec::new()).unwrap_or_default();
        top.iter()
            .filter(|((from, to), _)| place(from).is_some_and(|from| Some(from) < place(to)))
            .map(|((from, to), arrow)| self.explain(&[], from, to, arrow))
            .collect()
    }

    /// Every arrow of every level, one per line.
    pub(crate) fn listing(&self) -> String {
        let mut text = String::new();
        for (path, level) in self.levels() {
            let _ = writeln!(
                text,
                "  in {}",
                if path.is_empty() { "the crate".to_owned() } else { path.join("::") }
            );
            let mut targets = BTreeMap::<&String, Vec<String>>::new();
            for (from, to) in level.keys() {
                targets.entry(from).or_default().push(label(&path, to));
            }
            for (from, to) in targets {
                let _ = writeln!(text, "    {} -> {}", label(&path, from), to.join(", "));
            }
        }
        text
    }

    /// An arrow with its proof.
    fn explain(&self, path: &[String], from: &str, to: &str, arrow: &Arrow) -> String {
        let file = self.modules[arrow.from].file.display();
        format!("{} -> {}: `{}` in {file}:{}", label(path, from), label(path, to), arrow.text, arrow.line)
    }
}

/// The name of a module in messages. The file of the parent itself has the parent's name and a remark.
fn label(path: &[String], name: &str) -> String {
    match (path.last(), name) {
        (None, "") => "(the root file)".to_owned(),
        (Some(parent), "") => format!("{parent} (its own file)"),
        _ => name.to_owned(),
    }
}

/// Sets of two names or more that all reach each other: the strongly connected components. Levels are small, so the
/// plain way, everything that each name reaches, is quick enough.
fn circles(level: &Level) -> BTreeSet<BTreeSet<String>> {
    let mut reached = BTreeMap::<&String, BTreeSet<&String>>::new();
    for (from, to) in level.keys() {
        reached.entry(from).or_default().insert(to);
    }
    loop {
        let before: usize = reached.values().map(BTreeSet::len).sum();
        for name in level.keys().map(|(from, _)| from) {
            let next: BTreeSet<&String> =
                reached[name].iter().filter_map(|next| reached.get(next)).flatten().copied().collect();
            reached.entry(name).or_default().extend(next);
        }
        if reached.values().map(BTreeSet::len).sum::<usize>() == before {
            break;
        }
    }
    let both = |one: &String, other: &String| reached.get(other).is_some_and(|names| names.contains(one));
    let circle = |name: &String| -> BTreeSet<String> {
        reached[name].iter().filter(|other| both(name, other)).map(|other| (*other).clone()).collect()
    };
    reached.keys().map(|name| circle(name)).filter(|circle| circle.len() > 1).collect()
}
