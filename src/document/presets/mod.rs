//! Presets: a kind with parameters, or a small subgraph, under a name of its own.

mod builtin;
mod flatten;
mod info;
mod library;
mod raw;
mod rename;
mod subgraph;

pub(super) use flatten::{Flat, Within};
pub use info::{PresetInfo, PresetInput, presets};
pub(super) use library::Library;

use std::path::PathBuf;

use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::param::{Data, Key, Value};

use super::fields;
use super::graph::Layer;
use super::link::is_name;
use super::params::{self, ParamDecl};

/// A preset that was read.
#[derive(Debug)]
pub(super) struct Preset {
    name: String,
    /// The folder that its relative paths start from.
    base: PathBuf,
    params: Vec<ParamDecl>,
    /// Names under `params:` that could not be declared.
    forgiven: Vec<String>,
    body: Body,
}

#[derive(Debug)]
enum Body {
    /// A kind, or another preset, with parameters.
    Kind { kind: String, span: Span, args: Vec<(Key, Data)> },
    /// Nodes behind inputs and outputs.
    Graph { inputs: Vec<Input>, outputs: Vec<(Key, Data)>, nodes: Vec<(Key, Data)> },
}

/// An input of a subgraph.
#[derive(Debug)]
struct Input {
    name: String,
    span: Span,
    optional: bool,
}

impl Preset {
    /// Reads the preset `name` from a parsed file whose folder is `base`.
    fn read(name: &str, data: &Data, base: PathBuf, diags: &mut Diagnostics) -> Option<Self> {
        let Value::Map(entries) = &data.value else {
            diags.push(fields::wrong(&format!("the preset `{name}`"), "a mapping", data).help("write `kind: …` and parameters below it"));
            return None;
        };
        let faults = diags.0.len();
        if let Some(version) = fields::get(entries, "frameloom") {
            super::load::check_version(version, diags);
        }
        fields::text(entries, "about", diags);
        let section = fields::get(entries, "params");
        let params = params::declare(section, &Layer::Preset(name.to_owned()), &base, diags);
        let forgiven = super::load::keys(section).filter(|key| params.iter().all(|decl| decl.name != *key)).collect();
        let body = match fields::get(entries, "nodes") {
            Some(nodes) => graph_body(entries, nodes, diags)?,
            None => kind_body(name, data, entries, diags)?,
        };
        (diags.0.len() == faults).then(|| Self { name: name.to_owned(), base, params, forgiven, body })
    }
}

fn kind_body(name: &str, data: &Data, entries: &[(Key, Data)], diags: &mut Diagnostics) -> Option<Body> {
    let Some(kind) = fields::get(entries, "kind") else {
        diags.push(
            Diagnostic::error("missing-kind", format!("the preset `{name}` names no kind"))
                .at(data.span, "")
                .help("add `kind: …`, or `nodes:` if it is a subgraph"),
        );
        return None;
    };
    let Some(word) = kind.text() else {
        diags.push(fields::wrong("`kind`", "the name of a kind or preset", kind));
        return None;
    };
    let own = ["frameloom", "about", "params", "kind"];
    let args = entries.iter().filter(|(key, _)| !own.contains(&key.text.as_str()) && !key.text.starts_with("x-"));
    Some(Body::Kind { kind: word.to_owned(), span: kind.span, args: args.cloned().collect() })
}

fn graph_body(entries: &[(Key, Data)], nodes: &Data, diags: &mut Diagnostics) -> Option<Body> {
    diags.extend(fields::unknown_keys(entries, "a subgraph", &["frameloom", "about", "params", "inputs", "outputs", "nodes"]));
    let nodes = fields::mapping(nodes, "`nodes`", diags)?.to_vec();
    let mut inputs = Vec::new();
    for (key, data) in section(entries, "inputs", diags) {
        let optional = match &data.value {
            Value::Text(_) | Value::Null => false,
            Value::Map(about) => {
                diags.extend(fields::unknown_keys(about, "an input", &["about", "optional"]));
                is_optional(data)
            }
            _ => {
                diags.push(fields::wrong("an input", "a line that says what it is for", data));
                false
            }
        };
        inputs.push(Input { name: key.text.clone(), span: key.span, optional });
    }
    let outputs = section(entries, "outputs", diags).to_vec();
    for (key, _) in nodes.iter().chain(&outputs).filter(|(key, _)| !is_name(&key.text)) {
        diags.push(Diagnostic::error("bad-name", format!("`{}` cannot be a name", key.text)).at(key.span, ""));
    }
    Some(Body::Graph { inputs, outputs, nodes })
}

/// Whether an input, as it is declared, may be left out.
fn is_optional(input: &Data) -> bool {
    matches!(input.get("optional"), Some(Data { value: Value::Bool(true), .. }))
}

fn section<'a>(entries: &'a [(Key, Data)], key: &str, diags: &mut Diagnostics) -> &'a [(Key, Data)] {
    fields::get(entries, key).and_then(|data| fields::mapping(data, &format!("`{key}`"), diags)).unwrap_or(&[])
}
