//! Which module uses what another one defines.
//!
//! An arrow goes to the module that defines a name, however it is reached: a sibling that imports `super::X`, which the
//! parent has from `child` with `pub use child::X`, uses `child` and not the parent. A module that is imported is no
//! arrow by itself; what is named through it is.
//!
//! Not seen: a method of a trait that is called on a value, and a type that is never named. Methods that a module gives to
//! a type of another one are seen where their name is unique in the crate.

use std::collections::{BTreeMap, BTreeSet};

use super::modules::{Import, MentionKind, Module};

/// One use of something in another module.
#[derive(Debug, Clone)]
pub(crate) struct Arrow {
    /// Index of the module that uses.
    pub(crate) from: usize,
    /// Index of the module that defines.
    pub(crate) to: usize,
    /// Line in the file of `from`.
    pub(crate) line: usize,
    /// What is written there.
    pub(crate) text: String,
}

/// What a path leads to in this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    /// A module.
    Module(usize),
    /// Something that this module defines.
    Item(usize),
}

/// Circles of imports are legal (`use super::*` on both sides), and each step follows one.
const MAX_STEPS: usize = 24;

/// All arrows of a crate.
pub(crate) fn arrows(modules: &[Module]) -> Vec<Arrow> {
    let names = Names { modules };
    let methods = names.foreign_methods();
    let mut found: Vec<Arrow> =
        (0..modules.len()).flat_map(|from| names.arrows_from(from, &methods)).collect();
    found.retain(|arrow| arrow.from != arrow.to);
    found
}

/// A method that is given to a type outside the module that defines the type.
struct ForeignMethod {
    of_type: String,
    type_in: usize,
    method_in: usize,
}

struct Names<'a> {
    modules: &'a [Module],
}

impl Names<'_> {
    fn arrows_from(&self, from: usize, methods: &BTreeMap<String, ForeignMethod>) -> Vec<Arrow> {
        let module = &self.modules[from];
        let mut found = Vec::new();
        let mut add = |targets: BTreeSet<Target>, line: usize, text: String| {
            for target in targets {
                if let Target::Item(to) = target {
                    found.push(Arrow { from, to, line, text: text.clone() });
                }
            }
        };
        for import in module.imports.iter().filter(|import| !import.is_reexport && import.name.is_some()) {
            add(self.resolve(from, &import.path, 0), import.line, format!("use {}", import.path.join("::")));
        }
        for mention in &module.mentions {
            let text = mention.path.join("::");
            let targets = match mention.kind {
                MentionKind::Path => self.resolve(from, &mention.path, 0),
                MentionKind::Macro => self.macro_of(from, &mention.path[0]),
                MentionKind::Method => {
                    let method = methods.get(&mention.path[0]).filter(|method| self.knows(from, method));
                    method.map(|method| Target::Item(method.method_in)).into_iter().collect()
                }
            };
            add(targets, mention.line, text);
        }
        found
    }

    /// What `path` leads to, as it is written in the module `from`. Nothing, if it leads out of the crate.
    fn resolve(&self, from: usize, path: &[String], steps: usize) -> BTreeSet<Target> {
        let Some(first) = path.first() else { return BTreeSet::new() };
        let parent = |index: usize| self.modules[index].parent.unwrap_or(index);
        let (mut start, mut rest) = match first.as_str() {
            "crate" => (0, &path[1..]),
            "self" => (from, &path[1..]),
            "super" => (parent(from), &path[1..]),
            _ => return self.walk(from, path, false, steps),
        };
        while rest.first().is_some_and(|next| next == "super") {
            (start, rest) = (parent(start), &rest[1..]);
        }
        self.walk(start, rest, true, steps)
    }

    /// What `path` leads to from the module `at`. `is_inside`: the path leads into the module, so that what is not found
    /// there is made by a macro there, and not the name of another crate.
    fn walk(&self, at: usize, path: &[String], is_inside: bool, steps: usize) -> BTreeSet<Target> {
        let Some(name) = path.first() else { return BTreeSet::from([Target::Module(at)]) };
        let (module, rest) = (&self.modules[at], &path[1..]);
        if steps > MAX_STEPS {
            return BTreeSet::new();
        }
        let mut found = BTreeSet::new();
        if module.defines.contains(name) {
            found.insert(Target::Item(at));
        }
        if let Some(child) = module.children.get(name) {
            found.append(&mut self.walk(*child, rest, true, steps + 1));
        }
        let named = |import: &&Import| import.name.as_ref() == Some(name);
        let mut is_imported = false;
        for import in module.imports.iter().filter(named) {
            is_imported = true;
            // A single name, as in `use regex;`, is that of another crate.
            if import.path != path[..1] {
                found.append(&mut self.beyond(at, import, rest, steps));
            }
        }
        if found.is_empty() && !is_imported {
            for glob in module.imports.iter().filter(|import| import.name.is_none()) {
                for target in self.resolve(at, &glob.path, steps + 1) {
                    match target {
                        Target::Module(inner) if inner != at && self.offers(inner, name, steps + 1) => {
                            found.append(&mut self.walk(inner, path, true, steps + 1));
                        }
                        _ => {}
                    }
                }
            }
        }
        if found.is_empty() && !is_imported && is_inside {
            found.insert(Target::Item(at));
        }
        found
    }

    /// Follows an import of the module `at`, and from there the rest of the path.
    fn beyond(&self, at: usize, import: &Import, rest: &[String], steps: usize) -> BTreeSet<Target> {
        let mut found = BTreeSet::new();
        for target in self.resolve(at, &import.path, steps + 1) {
            match target {
                Target::Module(inner) => found.append(&mut self.walk(inner, rest, true, steps + 1)),
                // The rest is a variant or an associated function of the type.
                Target::Item(_) => {
                    found.insert(target);
                }
            }
        }
        found
    }

    /// Whether a module has this name for a module that imports all of it.
    fn offers(&self, at: usize, name: &str, steps: usize) -> bool {
        let module = &self.modules[at];
        let is_named = |import: &Import| import.name.as_deref() == Some(name);
        let through = |import: &Import| {
            let targets = self.resolve(at, &import.path, steps + 1);
            targets.iter().any(|target| matches!(target, Target::Module(inner) if *inner != at && self.offers(*inner, name, steps + 1)))
        };
        steps <= MAX_STEPS
            && (module.defines.contains(name)
                || module.children.contains_key(name)
                || module.imports.iter().any(is_named)
                || module.imports.iter().any(|import| import.name.is_none() && through(import)))
    }

    /// A macro of this crate is seen by all modules that are declared after it, without an import.
    fn macro_of(&self, from: usize, name: &str) -> BTreeSet<Target> {
        let has = |index: &usize| self.modules[*index].macros.contains(name);
        if has(&from) {
            return BTreeSet::from([Target::Item(from)]);
        }
        (0..self.modules.len()).filter(has).map(Target::Item).collect()
    }

    /// Methods by name, if the name is given once in the crate, and that not beside its type.
    fn foreign_methods(&self) -> BTreeMap<String, ForeignMethod> {
        let mut counts = BTreeMap::<&String, usize>::new();
        let all = self.modules.iter().flat_map(|module| &module.methods).flat_map(|(_, names)| names);
        all.for_each(|name| *counts.entry(name).or_default() += 1);
        let mut found = BTreeMap::new();
        for (method_in, module) in self.modules.iter().enumerate() {
            for (of_type, names) in &module.methods {
                for target in self.resolve(method_in, of_type, 0) {
                    let Target::Item(type_in) = target else { continue };
                    for name in names.iter().filter(|name| type_in != method_in && counts[name] == 1) {
                        let of_type = of_type.last().expect("a type has a name").clone();
                        found.insert(name.clone(), ForeignMethod { of_type, type_in, method_in });
                    }
                }
            }
        }
        found
    }

    /// Whether a module defines or imports the type, without which the method of that name is probably another one.
    fn knows(&self, from: usize, method: &ForeignMethod) -> bool {
        from == method.type_in
            || self.modules[from].imports.iter().any(|import| import.name.as_ref() == Some(&method.of_type))
    }
}
