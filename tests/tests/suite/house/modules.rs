//! The modules of a crate, as its sources show: what each one defines, imports and mentions.
//!
//! Read from the sources and not from the compiler: rustc does not report which module uses which. `syn` finds items, and
//! everything inside them is read as tokens, so that a path in the arguments of a macro counts like any other.
//! Comments are not tokens, documentation is skipped, and code under `cfg(test)` is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Item, ItemImpl, ItemMod, UseTree, Visibility};

/// A module, in a file of its own or within another one.
#[derive(Debug)]
pub(crate) struct Module {
    /// Its path from the root of the crate; the root has none.
    pub(crate) path: Vec<String>,
    /// Where it is written.
    pub(crate) file: PathBuf,
    /// Index of the module that declares it.
    pub(crate) parent: Option<usize>,
    /// Indices of the modules that it declares.
    pub(crate) children: BTreeMap<String, usize>,
    /// Names that it defines itself, macros without their exclamation mark.
    pub(crate) defines: BTreeSet<String>,
    /// Those of them that are macros: `write!` is not a function `write`.
    pub(crate) macros: BTreeSet<String>,
    /// Types and traits that it defines, private ones included.
    pub(crate) types: Vec<String>,
    /// Its `use` items, one entry per name.
    pub(crate) imports: Vec<Import>,
    /// Paths, names and method calls in its code.
    pub(crate) mentions: Vec<Mention>,
    /// Functions that it gives to types: the type as it is written, and their names.
    pub(crate) methods: Vec<(Vec<String>, Vec<String>)>,
}

/// One name that a `use` brings.
#[derive(Debug, Clone)]
pub(crate) struct Import {
    /// The name here; none for `*`.
    pub(crate) name: Option<String>,
    /// Where it comes from.
    pub(crate) path: Vec<String>,
    /// Whether it is for others: a `pub use`. Such a name need not be used here.
    pub(crate) is_reexport: bool,
    /// Line of the file.
    pub(crate) line: usize,
}

/// A mention in code.
#[derive(Debug, Clone)]
pub(crate) struct Mention {
    /// What it is.
    pub(crate) kind: MentionKind,
    /// Its segments; one for a name.
    pub(crate) path: Vec<String>,
    /// Line of the file.
    pub(crate) line: usize,
}

/// What kind of mention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MentionKind {
    /// A path of two segments at least, or one name.
    Path,
    /// The name of a macro that is called.
    Macro,
    /// The name of a method that is called.
    Method,
}

/// Reads a crate from its root file.
pub(crate) fn read(root: &Path) -> Vec<Module> {
    let mut modules = Vec::new();
    let directory = root.parent().expect("a file is in a directory");
    add_file(&mut modules, Vec::new(), None, root, directory);
    modules
}

/// Adds the module of a file; its children are in `directory`.
fn add_file(
    modules: &mut Vec<Module>,
    path: Vec<String>,
    parent: Option<usize>,
    file: &Path,
    directory: &Path,
) -> usize {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    add_items(modules, path, parent, file, &parsed.items, directory)
}

fn add_items(
    modules: &mut Vec<Module>,
    path: Vec<String>,
    parent: Option<usize>,
    file: &Path,
    items: &[Item],
    directory: &Path,
) -> usize {
    let index = modules.len();
    modules.push(Module {
        path,
        file: file.to_owned(),
        parent,
        children: BTreeMap::new(),
        defines: BTreeSet::new(),
        macros: BTreeSet::new(),
        types: Vec::new(),
        imports: Vec::new(),
        mentions: Vec::new(),
        methods: Vec::new(),
    });
    for item in items.iter().filter(|item| !attributes(item).iter().any(is_test_only)) {
        match item {
            Item::Mod(module) => add_child(modules, index, file, module, directory),
            Item::Use(item) => {
                let is_reexport = !matches!(item.vis, Visibility::Inherited);
                flatten(&item.tree, &mut Vec::new(), is_reexport, &mut modules[index].imports);
            }
            item => modules[index].add_item(item),
        }
    }
    index
}

fn add_child(modules: &mut Vec<Module>, parent: usize, file: &Path, module: &ItemMod, directory: &Path) {
    let name = name_of(&module.ident);
    let path = modules[parent].path.iter().cloned().chain([name.clone()]).collect();
    let inner = directory.join(&name);
    let child = if let Some((_, items)) = &module.content {
        add_items(modules, path, Some(parent), file, items, &inner)
    } else {
        let explicit = explicit_path(module).map(|path| file.parent().expect("a directory").join(path));
        // A file that is named so has its children beside itself, as `mod.rs` does.
        let beside = explicit.as_ref().and_then(|path| path.parent()).map(Path::to_owned);
        let candidates = [directory.join(format!("{name}.rs")), inner.join("mod.rs")];
        let found = explicit.or_else(|| candidates.into_iter().find(|path| path.is_file()));
        let found = found.unwrap_or_else(|| panic!("{}: no file of `mod {name};`", file.display()));
        add_file(modules, path, Some(parent), &found, &beside.unwrap_or(inner))
    };
    modules[parent].children.insert(name, child);
}

/// The value of `#[path = ".."]`.
fn explicit_path(module: &ItemMod) -> Option<String> {
    module.attrs.iter().find(|attribute| attribute.path().is_ident("path")).map(|attribute| {
        let syn::Meta::NameValue(pair) = &attribute.meta else { panic!("`path` has a value") };
        let value = pair.value.to_token_stream().to_string();
        value.trim_matches('"').to_owned()
    })
}

impl Module {
    fn add_item(&mut self, item: &Item) {
        match item {
            Item::Struct(item) => self.define_type(&item.ident),
            Item::Enum(item) => self.define_type(&item.ident),
            Item::Trait(item) => self.define_type(&item.ident),
            Item::Type(item) => self.define(&item.ident),
            Item::Union(item) => self.define_type(&item.ident),
            Item::Fn(item) => self.define(&item.sig.ident),
            Item::Const(item) => self.define(&item.ident),
            Item::Static(item) => self.define(&item.ident),
            Item::Macro(item) => match &item.ident {
                Some(name) => {
                    self.define(name);
                    self.macros.insert(name_of(name));
                }
                None => self.define_within(item.mac.tokens.clone()),
            },
            Item::Impl(item) => self.add_methods(item),
            _ => {}
        }
        self.scan(item.to_token_stream());
    }

    fn define(&mut self, name: &Ident) {
        self.defines.insert(name_of(name));
    }

    fn define_type(&mut self, name: &Ident) {
        self.define(name);
        self.types.push(name_of(name));
    }

    /// Types that are written in the arguments of a macro, such as one that adds what all enums of words have.
    fn define_within(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for pair in tokens.windows(2) {
            if let [TokenTree::Ident(keyword), TokenTree::Ident(name)] = pair
                && ["struct", "enum", "trait"].contains(&keyword.to_string().as_str())
            {
                self.define_type(name);
            }
        }
    }

    fn add_methods(&mut self, item: &ItemImpl) {
        if let (None, syn::Type::Path(of)) = (&item.trait_, &*item.self_ty) {
            let path = of.path.segments.iter().map(|segment| name_of(&segment.ident)).collect();
            let names = item.items.iter().filter_map(|item| match item {
                syn::ImplItem::Fn(function) => Some(name_of(&function.sig.ident)),
                _ => None,
            });
            self.methods.push((path, names.collect()));
        }
    }

    /// Adds what tokens mention.
    fn scan(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            at = match &tokens[at] {
                TokenTree::Punct(punct) if punct.as_char() == '#' => self.attribute(&tokens, at),
                TokenTree::Group(group) => {
                    self.scan(group.stream());
                    at + 1
                }
                TokenTree::Ident(word) if *word == "use" && !is_punct(tokens.get(at + 1), '<') => {
                    self.inner_use(&tokens, at)
                }
                TokenTree::Ident(_) => self.mention(&tokens, at),
                _ => at + 1,
            };
        }
    }

    /// An attribute counts like code, and the texts in it that are paths do too (`with = "crate::time"` of serde).
    /// Documentation does not: what it links to is not used.
    fn attribute(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let behind = if is_punct(tokens.get(at + 1), '!') { at + 2 } else { at + 1 };
        let Some(TokenTree::Group(group)) = tokens.get(behind) else { return at + 1 };
        let is_doc =
            matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(name)) if name == "doc");
        if group.delimiter() == Delimiter::Bracket && !is_doc {
            self.scan(group.stream());
            self.paths_in_texts(group.stream());
        }
        behind + 1
    }

    fn paths_in_texts(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.paths_in_texts(group.stream()),
                TokenTree::Literal(literal) => {
                    let text = literal.to_string();
                    let Some(text) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
                        continue;
                    };
                    let path: Vec<String> = text.split("::").map(str::to_owned).collect();
                    if path.len() > 1
                        && path.iter().all(|part| syn::parse_str::<syn::PathSegment>(part).is_ok())
                    {
                        let line = literal.span().start().line;
                        self.mentions.push(Mention { kind: MentionKind::Path, path, line });
                    }
                }
                _ => {}
            }
        }
    }

    /// A `use` inside a function counts for the whole module: a name with two meanings in one file is not expected.
    fn inner_use(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let end = (at..tokens.len()).find(|index| is_punct(tokens.get(*index), ';')).unwrap_or(tokens.len());
        let tree: TokenStream = tokens[at + 1..end].iter().cloned().collect();
        if let Ok(tree) = syn::parse2::<UseTree>(tree) {
            flatten(&tree, &mut Vec::new(), false, &mut self.imports);
        }
        end + 1
    }

    /// A path, a name, a macro or a method that begins at `at`; returns where it ends.
    fn mention(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let before = |back: usize, sign| at >= back && is_punct(tokens.get(at - back), sign);
        let mut path = vec![ident(tokens, at).expect("an identifier is here")];
        let mut end = at + 1;
        while is_punct(tokens.get(end), ':') && is_punct(tokens.get(end + 1), ':') {
            let Some(next) = ident(tokens, end + 2) else { break };
            path.push(next);
            end += 3;
        }
        let is_called = matches!(tokens.get(end), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
        // Two dots are a range, and what follows is no method.
        let is_method = before(1, '.') && !before(2, '.');
        let continues = before(1, ':') && before(2, ':');
        let kind = if is_method && is_called {
            MentionKind::Method
        } else if is_method || before(1, '\'') || continues {
            // A field, a lifetime, or the rest of a path that began elsewhere: `::serde`, `Vec::<u8>::new`.
            return end;
        } else if path.len() == 1 && is_punct(tokens.get(end), '!') && !is_punct(tokens.get(end + 1), '=') {
            MentionKind::Macro
        } else {
            MentionKind::Path
        };
        // Variables and fields have lower-case names too; a lone one counts where it is called.
        let is_variable = path.len() == 1 && path[0].starts_with(char::is_lowercase) && !is_called;
        if kind != MentionKind::Path || !is_variable {
            let line = tokens[at].span().start().line;
            self.mentions.push(Mention { kind, path, line });
        }
        end
    }
}

fn ident(tokens: &[TokenTree], at: usize) -> Option<String> {
    match tokens.get(at) {
        Some(TokenTree::Ident(ident)) => Some(name_of(ident)),
        _ => None,
    }
}

fn name_of(ident: &Ident) -> String {
    ident.to_string().trim_start_matches("r#").to_owned()
}

fn is_punct(token: Option<&TokenTree>, sign: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

/// Adds the names of a `use` tree, each with its whole path.
fn flatten(tree: &UseTree, before: &mut Vec<String>, is_reexport: bool, into: &mut Vec<Import>) {
    let mut add = |name: Option<String>, last: Option<&Ident>, line: usize| {
        let path = before.iter().cloned().chain(last.map(name_of)).collect();
        into.push(Import { name, path, is_reexport, line });
    };
    match tree {
        UseTree::Path(path) => {
            before.push(name_of(&path.ident));
            flatten(&path.tree, before, is_reexport, into);
            before.pop();
        }
        UseTree::Name(name) if name.ident == "self" => {
            add(before.last().cloned(), None, name.ident.span().start().line);
        }
        UseTree::Name(name) => {
            add(Some(name_of(&name.ident)), Some(&name.ident), name.ident.span().start().line);
        }
        UseTree::Rename(rename) => {
            let last = (rename.ident != "self").then_some(&rename.ident);
            add(Some(name_of(&rename.rename)), last, rename.ident.span().start().line);
        }
        UseTree::Glob(glob) => add(None, None, glob.star_token.spans[0].start().line),
        UseTree::Group(group) => {
            group.items.iter().for_each(|tree| flatten(tree, before, is_reexport, into));
        }
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// `cfg(test)`, also with other conditions, but not `cfg(not(test))`.
fn is_test_only(attribute: &Attribute) -> bool {
    let text = attribute.to_token_stream().to_string();
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    attribute.path().is_ident("cfg") && words.contains(&"test") && !words.contains(&"not")
}
