//! From nodes as written, some of them presets, to nodes that each name a kind.

use std::collections::HashMap;
use std::path::Path;

use crate::diag::{Diagnostic, Diagnostics, Sources, Span};
use crate::param::{Data, Key, Value};

use super::super::fields;
use super::super::graph::{Arg, Candidate, Every, Kinds, Layer, NodeDef, Role, Use};
use super::super::link::is_name;
use super::super::params::{Budget, Fault, Override, ParamType, Scope, Setting, check, written};
use super::library::{self, Library, Lookup};
use super::rename::{Space, Target};
use super::{Body, Input, Preset};

/// The most presets that may stand on one another.
const MAX_CHAIN: usize = 16;

/// The most nodes a flat graph may have.
const MAX_NODES: usize = 10_000;

/// Words that YAML reads as something else than text, so that no link could name such a node.
const RESERVED: [&str; 3] = ["true", "false", "null"];

/// What flattening works with, and what it yields.
pub(in super::super) struct Flat<'a> {
    pub(in super::super) kinds: &'a dyn Kinds,
    pub(in super::super) library: &'a mut Library,
    pub(in super::super) sources: &'a mut Sources,
    pub(in super::super) diags: &'a mut Diagnostics,
    pub(in super::super) budget: &'a mut Budget,
    pub(in super::super) nodes: Vec<NodeDef>,
    pub(in super::super) failed: Vec<String>,
    places: HashMap<String, Span>,
}

/// The file whose nodes are being read.
pub(in super::super) struct Within<'a> {
    pub(in super::super) scope: &'a mut Scope,
    pub(in super::super) layer: Layer,
    pub(in super::super) base: &'a Path,
    /// What the names of its nodes begin with in the flat graph: nothing for the graph itself.
    pub(in super::super) prefix: String,
    /// The place in the graph that uses the preset.
    pub(in super::super) origin: Option<Use>,
    /// The presets that lead here.
    pub(in super::super) chain: Vec<String>,
    pub(in super::super) overrides: &'a [Override],
}

/// A node whose kind may still be a preset.
struct Raw {
    name: String,
    name_span: Span,
    kind: String,
    kind_span: Span,
    args: Vec<Arg>,
    origin: Option<Use>,
}

impl<'a> Flat<'a> {
    pub(in super::super) fn new(
        kinds: &'a dyn Kinds,
        library: &'a mut Library,
        sources: &'a mut Sources,
        diags: &'a mut Diagnostics,
        budget: &'a mut Budget,
    ) -> Self {
        Self { kinds, library, sources, diags, budget, nodes: Vec::new(), failed: Vec::new(), places: HashMap::new() }
    }

    /// Flattens the nodes of one file.
    pub(in super::super) fn file(&mut self, nodes: &[(Key, Data)], mut within: Within<'_>) {
        let space = self.space(nodes, &within.prefix, within.chain.len());
        for (key, data) in nodes {
            if self.nodes.len() >= MAX_NODES {
                let found = Diagnostic::error("too-large", format!("the graph has more than {MAX_NODES} nodes")).at(key.span, "with this one");
                self.report(found, within.origin.as_ref());
                return;
            }
            let done = match self.raw(key, data, &space, &mut within) {
                Ok(raw) => self.settle(raw, within.chain.clone()),
                Err(Fault) => Err(Fault),
            };
            if done.is_err() {
                self.fail(key, &space, &within.prefix);
            }
        }
    }

    /// Notes that a node is left out, with all that links to it could mean.
    fn fail(&mut self, key: &Key, space: &Space, prefix: &str) {
        self.failed.push(format!("{prefix}{}", key.text));
        if let Some(Target::Sub { outputs, .. }) = space.targets.get(&key.text) {
            self.failed.extend(outputs.iter().map(|(_, (node, _))| node.clone()));
        }
    }

    fn report(&mut self, found: Diagnostic, origin: Option<&Use>) {
        let found = origin.map_or(found.clone(), |origin| origin.first(found));
        if !self.diags.0.contains(&found) {
            self.diags.push(found);
        }
    }

    /// Runs `body` and puts the place that uses the preset before whatever it reports.
    fn inside<T>(&mut self, origin: Option<&Use>, body: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.diags.0.len();
        let out = body(self);
        for found in self.diags.0.split_off(before) {
            self.report(found, origin);
        }
        out
    }

    /// What links in a file may name.
    fn space(&mut self, nodes: &[(Key, Data)], prefix: &str, depth: usize) -> Space {
        let mut space = Space { top: prefix.is_empty(), ..Space::default() };
        for (key, data) in nodes {
            let flat = format!("{prefix}{}", key.text);
            let kind = data.get("kind").and_then(Data::text).unwrap_or_default();
            let target = match self.subgraph(kind, depth) {
                Some(preset) => self.outputs(&preset, &flat, depth),
                None => Target::Node(flat),
            };
            space.targets.insert(key.text.clone(), target);
        }
        space
    }

    /// The outputs of a subgraph used as the node `flat`.
    fn outputs(&mut self, preset: &Preset, flat: &str, depth: usize) -> Target {
        let Body::Graph { outputs, nodes, .. } = &preset.body else { return Target::Node(flat.to_owned()) };
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

    /// The subgraph that `kind` comes down to, if it does.
    fn subgraph(&mut self, kind: &str, depth: usize) -> Option<std::rc::Rc<Preset>> {
        let mut kind = kind.to_owned();
        for _ in depth..MAX_CHAIN {
            if self.kinds.is_kind(&kind) {
                return None;
            }
            // Errors of the file are told where its node is settled.
            let Lookup::Found(preset) = self.library.peek(&kind, self.sources) else { return None };
            match &preset.body {
                Body::Graph { .. } => return Some(preset),
                Body::Kind { kind: below, .. } => kind.clone_from(below),
            }
        }
        None
    }

    /// What the argument `key` is to `kind`, which may be a preset.
    fn role(&mut self, kind: &str, key: &str) -> Role {
        let mut kind = kind.to_owned();
        for _ in 0..MAX_CHAIN {
            if self.kinds.is_kind(&kind) {
                return self.kinds.role(&kind, key);
            }
            let Lookup::Found(preset) = self.library.peek(&kind, self.sources) else { return Role::Other };
            if let Some(decl) = preset.params.iter().find(|decl| decl.name == key) {
                return match decl.ty {
                    ParamType::Curve => Role::Curve,
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

    /// Reads a node as written.
    fn raw(&mut self, key: &Key, data: &Data, space: &Space, within: &mut Within<'_>) -> Result<Raw, Fault> {
        let origin = within.origin.clone();
        let name = format!("{}{}", within.prefix, key.text);
        if let Some(found) = self.bad_name(key, &name) {
            self.report(found, origin.as_ref());
            return Err(Fault);
        }
        self.places.insert(name.clone(), key.span);
        let (kind, kind_span, entries) = head(key, data).map_err(|found| self.report(found, origin.as_ref())).map_err(|()| Fault)?;
        let mut given: Vec<Arg> = entries
            .iter()
            .filter(|(key, _)| key.text != "kind" && !key.text.starts_with("x-"))
            .map(|(key, data)| written(key, data, within.layer.clone(), within.base))
            .collect();
        for set in within.overrides.iter().filter(|set| set.node.text == key.text) {
            override_with(&mut given, written(&set.key, &set.value, set.layer.clone(), &set.base));
        }
        let mut args = Vec::new();
        let mut fault = false;
        for mut arg in given {
            arg.role = self.role(kind, &arg.key.text);
            let done = self.inside(origin.as_ref(), |flat| {
                arg.value = space.rename(arg.value, arg.role, flat.diags);
                within.scope.arg(arg, flat.budget, flat.diags)
            });
            match done {
                Ok(arg) => args.extend(arg),
                Err(Fault) => fault = true,
            }
        }
        if fault {
            // Its other arguments have been looked at; the kind is, too, so that all is told at once.
            self.known(kind, kind_span, origin.as_ref());
            return Err(Fault);
        }
        Ok(Raw { name, name_span: key.span, kind: kind.to_owned(), kind_span, args, origin })
    }

    fn bad_name(&self, key: &Key, flat: &str) -> Option<Diagnostic> {
        let found = |message: String| Diagnostic::error("bad-name", message).at(key.span, "");
        if !is_name(&key.text) {
            return Some(
                found(format!("`{}` cannot be the name of a node", key.text))
                    .help("begin with a letter and go on with letters, digits, `_` or `-`"),
            );
        }
        if RESERVED.contains(&key.text.to_lowercase().as_str()) {
            return Some(found(format!("a node called `{}` could not be linked to", key.text)).help("choose another name"));
        }
        let first = self.places.get(flat)?;
        Some(
            Diagnostic::error("duplicate-node", format!("two nodes would be called `{flat}`"))
                .at(key.span, "this one")
                .at(*first, "and this one")
                .help("rename one of them"),
        )
    }

    /// Whether `kind` is a kind or preset; if not, that is reported.
    fn known(&mut self, kind: &str, span: Span, origin: Option<&Use>) -> bool {
        if self.kinds.is_kind(kind) || !matches!(self.library.peek(kind, self.sources), Lookup::None) {
            return true;
        }
        let (kinds, presets) = (self.kinds.names(), self.library.names());
        let names = kinds.iter().copied().chain(presets.iter().map(String::as_str));
        let found = Diagnostic::error("unknown-kind", format!("there is no kind or preset `{kind}`")).at(span, "").suggest(kind, names);
        let found = if found.help.is_empty() {
            found.help(format!("choose one of {}", library::listed(&kinds, &presets)))
        } else {
            found
        };
        self.report(found, origin);
        false
    }

    /// Follows presets until a kind is found.
    fn settle(&mut self, mut raw: Raw, mut chain: Vec<String>) -> Result<(), Fault> {
        while !self.kinds.is_kind(&raw.kind) {
            let here = raw.origin.clone().unwrap_or_else(|| Use { preset: raw.kind.clone(), span: raw.kind_span });
            if !self.known(&raw.kind, raw.kind_span, raw.origin.as_ref()) {
                return Err(Fault);
            }
            let turns = chain.contains(&raw.kind);
            chain.push(raw.kind.clone());
            if turns || chain.len() > MAX_CHAIN {
                let message = if turns { "presets that are based on one another" } else { "too many presets based on one another" };
                let found = Diagnostic::error("preset-loop", format!("{message}: `{}`", chain.join("` → `"))).at(raw.kind_span, "");
                self.report(found.help("base one of them on a kind"), Some(&here));
                return Err(Fault);
            }
            let kind = raw.kind.clone();
            let found = self.inside(Some(&here), |flat| flat.library.find(&kind, flat.sources, flat.diags));
            let Lookup::Found(preset) = found else { return Err(Fault) };
            raw.origin = Some(here);
            match &preset.body {
                Body::Kind { kind, span, args } => self.based(&mut raw, &preset, (kind, *span), args)?,
                Body::Graph { inputs, outputs, nodes } => return self.subgraph_nodes(raw, &preset, inputs, (outputs, nodes), chain),
            }
        }
        self.finish(raw)
    }

    /// Puts a preset's kind and parameters below the node's own.
    fn based(&mut self, raw: &mut Raw, preset: &Preset, kind: (&str, Span), args: &[(Key, Data)]) -> Result<(), Fault> {
        let mut scope = self.bind(raw, preset)?;
        let layer = Layer::Preset(preset.name.clone());
        let mut below = Vec::new();
        let mut fault = false;
        for (key, data) in args {
            let arg = written(key, data, layer.clone(), &preset.base);
            match self.inside(raw.origin.as_ref(), |flat| scope.arg(arg, flat.budget, flat.diags)) {
                Ok(arg) => below.extend(arg),
                Err(Fault) => fault = true,
            }
        }
        if fault {
            return Err(Fault);
        }
        for arg in std::mem::take(&mut raw.args) {
            override_with(&mut below, arg);
        }
        // The node's own arguments first, as the author wrote them.
        below.sort_by_key(|arg| matches!(arg.layer, Layer::Preset(_)) && arg.overridden.is_empty());
        raw.args = below;
        (raw.kind, raw.kind_span) = (kind.0.to_owned(), kind.1);
        Ok(())
    }

    /// The scope of a preset's file: its parameters, set by those arguments of the node that bear their names.
    fn bind(&mut self, raw: &mut Raw, preset: &Preset) -> Result<Scope, Fault> {
        let mut scope = Scope::new(preset.params.clone());
        scope.forgive(preset.forgiven.iter().cloned());
        let (bound, rest) = std::mem::take(&mut raw.args).into_iter().partition(|arg| preset.params.iter().any(|p| p.name == arg.key.text));
        raw.args = rest;
        let mut fault = false;
        for arg in Vec::<Arg>::from_iter(bound) {
            let Some(decl) = scope.decls.iter_mut().find(|decl| decl.name == arg.key.text) else { continue };
            if let Err(found) = check(decl, &arg.value) {
                self.report(found, None);
                fault = true;
            }
            let weaker = decl.setting.take();
            let default = weaker.map(|weaker| Candidate { layer: weaker.layer, value: weaker.value, via: None });
            let overridden = default.into_iter().chain(arg.overridden).collect();
            decl.setting = Some(Setting { value: arg.value, layer: arg.layer, base: arg.base, overridden });
        }
        if fault { Err(Fault) } else { Ok(scope) }
    }

    fn subgraph_nodes(
        &mut self,
        mut raw: Raw,
        preset: &Preset,
        inputs: &[Input],
        (outputs, nodes): (&[(Key, Data)], &[(Key, Data)]),
        chain: Vec<String>,
    ) -> Result<(), Fault> {
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
            self.report(fields::unknown("unknown-input", &message, &arg.key, &names), None);
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
        let within =
            Within { scope: &mut scope, layer, base: &preset.base, prefix, origin: raw.origin, chain, overrides: &[] };
        self.file(nodes, within);
        Ok(())
    }

    /// Takes a node whose kind is known.
    fn finish(&mut self, mut raw: Raw) -> Result<(), Fault> {
        for arg in &mut raw.args {
            arg.role = self.kinds.role(&raw.kind, &arg.key.text);
        }
        let every = raw.args.iter().position(|arg| arg.key.text == "every").map(|at| raw.args.remove(at));
        let mut node = NodeDef {
            name: raw.name,
            name_span: raw.name_span,
            kind: raw.kind,
            kind_span: raw.kind_span,
            every: None,
            args: raw.args,
            origin: raw.origin,
        };
        if let Some(arg) = every {
            match arg.value.value {
                Value::Integer(ticks @ 1..=1_000_000) => node.every = Some(Every { ticks: ticks as u64, arg }),
                _ => {
                    let found = Diagnostic::error("bad-every", "`every` has to be a whole number from 1 to 1000000")
                        .at(arg.value.span, "")
                        .help("write `every: 3` to fire on every third frame");
                    let found = node.placed(&arg, found);
                    self.report(found, None);
                    return Err(Fault);
                }
            }
        }
        self.nodes.push(node);
        Ok(())
    }
}

/// Kind and entries of a node as written.
fn head<'d>(key: &Key, data: &'d Data) -> Result<(&'d str, Span, &'d [(Key, Data)]), Diagnostic> {
    let name = &key.text;
    let Value::Map(entries) = &data.value else {
        let kind = data.text().unwrap_or("…");
        return Err(fields::wrong(&format!("the node `{name}`"), "a mapping", data).help(format!("write `{name}: {{ kind: {kind} }}`")));
    };
    match fields::get(entries, "kind") {
        None => Err(Diagnostic::error("missing-kind", format!("the node `{name}` does not say what it does"))
            .at(key.span, "")
            .help("add `kind: …`")),
        Some(kind) => match kind.text() {
            Some(word) => Ok((word, kind.span, entries)),
            None => Err(fields::wrong("`kind`", "the name of a kind or preset", kind)),
        },
    }
}

/// Puts a stronger argument over one of the same name, or adds it.
fn override_with(args: &mut Vec<Arg>, mut strong: Arg) {
    match args.iter_mut().find(|arg| arg.key.text == strong.key.text) {
        None => args.push(strong),
        Some(weak) => {
            let mut below = std::mem::take(&mut weak.overridden);
            below.push(Candidate { layer: weak.layer.clone(), value: weak.value.clone(), via: weak.via.clone() });
            below.append(&mut strong.overridden);
            strong.overridden = below;
            *weak = strong;
        }
    }
}
