//! Subgraphs: what their names stand for, and their nodes in the flat graph.

use std::rc::Rc;

use crate::diag::{Diagnostic, Diagnostics};
use crate::param::{Data, Key};

use super::super::fields;
use super::super::graph::{Layer, Role};
use super::super::params::{Fault, ParamType};
use super::flatten::{Flat, MAX_CHAIN, Within};
use super::library::Lookup;
use super::raw::Raw;
use super::rename::{Space, Target};
use super::{Body, Preset};

/// How many names of nodes are looked up in subgraphs within subgraphs. Far more than a graph of the permitted size needs: one that
/// goes beyond is refused for its size when its nodes are flattened.
const MAX_LOOK_UPS: usize = 200_000;

/// What a kind or preset comes down to.
enum Below {
    Kind(String),
    Graph(Rc<Preset>),
    Unknown,
}

impl Flat<'_> {
    /// What links in a file may name.
    pub(super) fn space(&mut self, nodes: &[(Key, Data)], prefix: &str, depth: usize) -> Space {
        let mut space = Space { top: prefix.is_empty(), ..Space::default() };
        for (key, data) in nodes {
            self.looked_up += 1;
            let flat = format!("{prefix}{}", key.text);
            let kind = data.get("kind").and_then(Data::text).unwrap_or_default();
            let target = match self.below(kind, depth) {
                Below::Graph(preset) => self.outputs(&preset, &flat, depth),
                Below::Kind(kind) => Target::Node { flat, main: self.kinds.main_output(&kind).map(str::to_owned) },
                Below::Unknown => Target::Node { flat, main: None },
            };
            space.targets.insert(key.text.clone(), target);
        }
        space
    }

    /// The outputs of a subgraph used as the node `flat`.
    fn outputs(&mut self, preset: &Preset, flat: &str, depth: usize) -> Target {
        let Body::Graph { outputs, nodes, .. } = &preset.body else { return Target::Node { flat: flat.to_owned(), main: None } };
        let inner = self.space(nodes, &format!("{flat}_"), depth + 1);
        let mut found = Vec::new();
        for (name, data) in outputs {
            // What is wrong with an output is told when the subgraph itself is flattened.
            if let Some(output) = inner.resolve(data.text().unwrap_or_default(), data.span, &mut Diagnostics::default()) {
                found.push((name.text.clone(), output));
            }
        }
        Target::Sub { preset: preset.name.clone(), outputs: found }
    }

    /// What `kind` comes down to when presets that are based on others are followed.
    fn below(&mut self, kind: &str, depth: usize) -> Below {
        if self.looked_up > MAX_LOOK_UPS {
            return Below::Unknown;
        }
        let mut kind = kind.to_owned();
        for _ in depth..MAX_CHAIN {
            if self.kinds.is_kind(&kind) {
                return Below::Kind(kind);
            }
            // Errors of the file are told where its node is settled.
            let Lookup::Found(preset) = self.library.peek(&kind, self.sources) else { return Below::Unknown };
            match &preset.body {
                Body::Graph { .. } => return Below::Graph(preset),
                Body::Kind { kind: under, .. } => kind.clone_from(under),
            }
        }
        Below::Unknown
    }

    /// What the argument `key` is to `kind`, which may be a preset.
    pub(super) fn role(&mut self, kind: &str, key: &str) -> Role {
        let mut kind = kind.to_owned();
        for _ in 0..MAX_CHAIN {
            if self.kinds.is_kind(&kind) {
                return self.kinds.role(&kind, key);
            }
            let Lookup::Found(preset) = self.library.peek(&kind, self.sources) else { return Role::Other };
            if let Some(decl) = preset.params.iter().find(|decl| decl.name == key) {
                return match decl.ty {
                    ParamType::Curve => Role::Curve,
                    ParamType::Prompt => Role::Prompt,
                    ParamType::Path => Role::Path,
                    _ => Role::Other,
                };
            }
            match &preset.body {
                Body::Graph { inputs, .. } if inputs.iter().any(|input| input.name == key) => return Role::Input,
                Body::Graph { .. } => return Role::Other,
                Body::Kind { kind: below, .. } => kind.clone_from(below),
            }
        }
        Role::Other
    }

    /// Flattens a subgraph in the place of the node that uses it.
    pub(super) fn subgraph_nodes(&mut self, mut raw: Raw, preset: &Preset, chain: Vec<String>) -> Result<(), Fault> {
        let Body::Graph { inputs, outputs, nodes } = &preset.body else { return Err(Fault) };
        let mut scope = self.bind(&mut raw, preset)?;
        let mut fault = false;
        for input in inputs {
            match raw.args.iter().position(|arg| arg.key.text == input.name) {
                Some(at) => scope.inputs.push((input.name.clone(), raw.args.remove(at))),
                None if input.optional => drop(scope.absent.insert(input.name.clone())),
                None => {
                    fault = true;
                    let what = format!("the input `{}` of `{}` is not linked", input.name, raw.name);
                    let found = Diagnostic::error("missing-input", what).at(raw.kind_span, "").at(input.span, "declared here");
                    self.report(found.help(format!("add `{}: …` with the name of a node", input.name)), None);
                }
            }
        }
        let names: Vec<&str> = inputs.iter().map(|i| i.name.as_str()).chain(preset.params.iter().map(|p| p.name.as_str())).collect();
        for arg in &raw.args {
            fault = true;
            let message = format!("the preset `{}` has no input or parameter", preset.name);
            self.report(fields::unknown("unknown-input", &message, (&arg.key.text, arg.key.span), &names), None);
        }
        if fault {
            return Err(Fault);
        }
        let prefix = format!("{}_", raw.name);
        let space = self.space(nodes, &prefix, chain.len());
        self.inside(raw.origin.as_ref(), |flat| {
            for (_, data) in outputs {
                match data.text() {
                    Some(text) => drop(space.resolve(text, data.span, flat.diags)),
                    None => flat.diags.push(fields::wrong("an output", "the name of a node", data)),
                }
            }
        });
        let layer = Layer::Preset(preset.name.clone());
        let within = Within { scope: &mut scope, layer, base: &preset.base, prefix, origin: raw.origin, chain, overrides: &[] };
        self.file(nodes, within);
        Ok(())
    }
}
