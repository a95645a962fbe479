//! From a file, or a text, to a graph.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::diag::{Diagnostic, Diagnostics, SourceId, Sources, Span, nearest};
use crate::param::{Data, Key, Value};

use super::graph::{Graph, Kinds, Layer};
use super::params::{Budget, Override, Scope, declare, settings};
use super::presets::{Flat, Library, Within};
use super::{fields, timeline, yaml};

/// What reading a graph needs besides its text.
pub struct LoadOptions<'a> {
    /// `--set` arguments, `NAME=VALUE` or `NODE.PARAM=VALUE`, the last the strongest.
    pub set: &'a [String],
    /// `--params` files, the last the strongest.
    pub params_files: &'a [PathBuf],
    /// The kinds that there are.
    pub kinds: &'a dyn Kinds,
}

impl<'a> LoadOptions<'a> {
    /// Nothing set from outside.
    #[must_use]
    pub fn new(kinds: &'a dyn Kinds) -> Self {
        Self { set: &[], params_files: &[], kinds }
    }
}

/// The version of the language that this program reads.
const VERSION: i64 = 1;

const KEYS: [&str; 7] = ["frameloom", "about", "params", "timeline", "nodes", "engine", "tests"];

/// Reads the graph in the file `path`.
///
/// The graph comes back even when some of its nodes have errors (they are left out and named in [`Graph::failed`]), so that later
/// phases can tell of theirs; nothing comes back when the file cannot be read as YAML.
pub fn load(path: &Path, options: &LoadOptions<'_>, sources: &mut Sources) -> (Option<Graph>, Diagnostics) {
    let mut diags = Diagnostics::default();
    let base = path.parent().map(PathBuf::from).unwrap_or_default();
    let read = read_file(path, sources, &mut diags);
    let graph = read.and_then(|(source, text)| from_text(source, &text, base, options, sources, &mut diags));
    (graph, diags)
}

/// Reads the graph in `text`. Messages call it `name`; relative paths, and presets beside it, are looked for in `base`.
pub fn load_str(name: &str, text: &str, base: &Path, options: &LoadOptions<'_>, sources: &mut Sources) -> (Option<Graph>, Diagnostics) {
    let mut diags = Diagnostics::default();
    if text.len() > yaml::MAX_BYTES {
        diags.push(yaml::too_long(text.len()));
        return (None, diags);
    }
    let source = sources.add(name, text);
    let graph = from_text(source, text, base.to_owned(), options, sources, &mut diags);
    (graph, diags)
}

/// Reads a text file of bounded length and adds it to the sources.
pub(super) fn read_file(path: &Path, sources: &mut Sources, diags: &mut Diagnostics) -> Option<(SourceId, String)> {
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    let limit = yaml::MAX_BYTES as u64 + 1;
    let read = std::fs::File::open(path).and_then(|file| {
        let length = file.metadata().map_or(0, |meta| meta.len());
        file.take(limit).read_to_end(&mut bytes).map(|read| length.max(read as u64))
    });
    match read {
        Err(error) => {
            let reason = error.to_string().to_lowercase();
            diags.push(Diagnostic::error("unreadable", format!("`{name}` cannot be read: {reason}")).help("check the path"));
            None
        }
        Ok(length) if length >= limit => {
            let found = yaml::too_long(usize::try_from(length).unwrap_or(usize::MAX));
            diags.push(found.help(format!("the file is `{name}`")));
            None
        }
        Ok(_) => match String::from_utf8(bytes) {
            Ok(text) => Some((sources.add(name, text.as_str()), text)),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let source = sources.add(name.clone(), String::from_utf8_lossy(error.as_bytes()).into_owned());
                diags.push(
                    Diagnostic::error("not-text", format!("`{name}` is not UTF-8 text"))
                        .at(Span::new(source, at, at + '\u{fffd}'.len_utf8()), "from here on")
                        .help("save it as UTF-8"),
                );
                None
            }
        },
    }
}

fn from_text(
    source: SourceId,
    text: &str,
    base: PathBuf,
    options: &LoadOptions<'_>,
    sources: &mut Sources,
    diags: &mut Diagnostics,
) -> Option<Graph> {
    let before = diags.0.len();
    let Some(data) = yaml::parse(source, text, 0, diags) else {
        if diags.0.len() == before {
            diags.push(
                Diagnostic::error("empty-document", "the document is empty")
                    .at(Span::new(source, 0, 0), "")
                    .help("begin with `frameloom: 1` and `nodes:`"),
            );
        }
        return None;
    };
    let Value::Map(entries) = &data.value else {
        diags.push(fields::wrong("a graph", "a mapping", &data).help("begin with `frameloom: 1` and `nodes:`"));
        return None;
    };
    Some(Reader { base, options, sources, diags, budget: Budget::default() }.graph(entries, data.span))
}

struct Reader<'a> {
    base: PathBuf,
    options: &'a LoadOptions<'a>,
    sources: &'a mut Sources,
    diags: &'a mut Diagnostics,
    budget: Budget,
}

impl Reader<'_> {
    fn graph(mut self, entries: &[(Key, Data)], whole: Span) -> Graph {
        self.diags.extend(fields::unknown_keys(entries, "a graph", &KEYS));
        match fields::get(entries, "frameloom") {
            Some(version) => check_version(version, self.diags),
            None => self.diags.push(
                Diagnostic::error("missing-version", "the graph does not say which version of the language it is written in")
                    .at(whole.part(0..1), "")
                    .help(format!("begin it with the line `frameloom: {VERSION}`")),
            ),
        }
        let mut graph = Graph { about: fields::text(entries, "about", self.diags), ..Graph::default() };
        let section = fields::get(entries, "params");
        let mut decls = declare(section, &Layer::Node, &self.base, self.diags);
        let overrides = settings(self.options, &mut decls, self.sources, self.diags);
        let mut scope = Scope::new(decls);
        let undeclared = keys(section).filter(|key| scope.decls.iter().all(|decl| decl.name != *key)).collect::<Vec<_>>();
        scope.forgive(undeclared);
        if let Some(data) = fields::get(entries, "timeline") {
            let data = self.section(data, &mut scope);
            graph.timeline = timeline::read(&data, self.diags);
        }
        graph.engine = fields::get(entries, "engine").map(|data| self.section(data, &mut scope));
        graph.tests = fields::get(entries, "tests").cloned();
        graph.tests.iter().for_each(|tests| scope.note(tests));
        self.nodes(entries, whole, &mut scope, &overrides, &mut graph);
        self.diags.extend(scope.unused());
        graph.params = scope.decls;
        graph.base = self.base;
        graph
    }

    /// A section with `$name` replaced; entries with errors are left out.
    fn section(&mut self, data: &Data, scope: &mut Scope) -> Data {
        let Value::Map(entries) = &data.value else { return data.clone() };
        let mut kept = Vec::new();
        for (key, data) in entries {
            if let Ok(data) = scope.data(data, &self.base, &mut self.budget, self.diags) {
                kept.push((key.clone(), data));
            }
        }
        Data::new(data.span, Value::Map(kept))
    }

    fn nodes(&mut self, entries: &[(Key, Data)], whole: Span, scope: &mut Scope, overrides: &[Override], graph: &mut Graph) {
        let Some(data) = fields::get(entries, "nodes") else {
            // A misspelt key has been told of.
            if entries.iter().any(|(key, _)| nearest(&key.text, KEYS) == Some("nodes")) {
                return;
            }
            self.diags.push(
                Diagnostic::error("missing-nodes", "the graph has no nodes")
                    .at(whole.part(0..1), "")
                    .help("add `nodes:` with a node for each step"),
            );
            return;
        };
        let Some(nodes) = fields::mapping(data, "`nodes`", self.diags) else { return };
        if nodes.is_empty() {
            self.diags
                .push(Diagnostic::error("missing-nodes", "the graph has no nodes").at(data.span, "").help("write a node for each step"));
        }
        let names: Vec<&str> = nodes.iter().map(|(key, _)| key.text.as_str()).collect();
        for set in overrides.iter().filter(|set| !names.contains(&set.node.text.as_str())) {
            self.diags.push(fields::unknown("unknown-node", "the graph has no node", (&set.node.text, set.node.span), &names));
        }
        let mut library = Library::new(&self.base);
        let mut flat = Flat::new(self.options.kinds, &mut library, self.sources, self.diags, &mut self.budget);
        let within =
            Within { scope, layer: Layer::Node, base: &self.base, prefix: String::new(), origin: None, chain: Vec::new(), overrides };
        flat.file(nodes, within);
        (graph.nodes, graph.failed) = (flat.nodes, flat.failed);
    }
}

/// Checks `frameloom: 1`.
pub(super) fn check_version(data: &Data, diags: &mut Diagnostics) {
    if data.value != Value::Integer(VERSION) {
        diags.push(
            Diagnostic::error("unknown-version", "this version of the language is not known here")
                .at(data.span, "")
                .help(format!("write `frameloom: {VERSION}`, or use a newer program")),
        );
    }
}

/// The keys of a section, if it is a mapping.
pub(super) fn keys(section: Option<&Data>) -> impl Iterator<Item = String> + '_ {
    let entries = match section.map(|data| &data.value) {
        Some(Value::Map(entries)) => entries.as_slice(),
        _ => &[],
    };
    entries.iter().map(|(key, _)| key.text.clone())
}
