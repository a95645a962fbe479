//! From nodes as written, some of them presets, to nodes that each name a kind.

use std::collections::HashMap;
use std::path::Path;

use crate::diag::{Diagnostic, Diagnostics, Sources, Span};
use crate::param::{Data, Key};

use super::super::graph::{Arg, Candidate, Kinds, Layer, NodeDef, Use};
use super::super::params::{Budget, Fault, Override, Scope, Setting, check, written};
use super::library::{Library, Lookup};
use super::raw::{Raw, override_with};
use super::rename::{Space, Target};
use super::{Body, Preset};

/// The most presets that may stand on one another.
pub(super) const MAX_CHAIN: usize = 16;

/// The most nodes a flat graph may have.
const MAX_NODES: usize = 10_000;

/// What flattening works with, and what it yields.
pub(in super::super) struct Flat<'a> {
    pub(in super::super) kinds: &'a dyn Kinds,
    pub(in super::super) library: &'a mut Library,
    pub(in super::super) sources: &'a mut Sources,
    pub(in super::super) diags: &'a mut Diagnostics,
    pub(in super::super) budget: &'a mut Budget,
    pub(in super::super) nodes: Vec<NodeDef>,
    pub(in super::super) failed: Vec<String>,
    /// Where each flat name is written.
    pub(super) places: HashMap<String, Span>,
    /// Nodes met so far, good or bad: what bounds the work that subgraphs within subgraphs can ask for.
    seen: usize,
    pub(super) looked_up: usize,
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

impl<'a> Flat<'a> {
    pub(in super::super) fn new(
        kinds: &'a dyn Kinds,
        library: &'a mut Library,
        sources: &'a mut Sources,
        diags: &'a mut Diagnostics,
        budget: &'a mut Budget,
    ) -> Self {
        Self {
            kinds,
            library,
            sources,
            diags,
            budget,
            nodes: Vec::new(),
            failed: Vec::new(),
            places: HashMap::new(),
            seen: 0,
            looked_up: 0,
        }
    }

    /// Flattens the nodes of one file.
    pub(in super::super) fn file(&mut self, nodes: &[(Key, Data)], mut within: Within<'_>) {
        let space = self.space(nodes, &within.prefix, within.chain.len());
        for (key, data) in nodes {
            self.seen += 1;
            if self.seen > MAX_NODES {
                let found =
                    Diagnostic::error("too-large", format!("the graph has more than {MAX_NODES} nodes")).at(key.span, "with this one");
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
            self.failed.extend(outputs.iter().map(|(_, output)| output.node.clone()));
        }
    }

    pub(super) fn report(&mut self, found: Diagnostic, origin: Option<&Use>) {
        let found = origin.map_or(found.clone(), |origin| origin.first(found));
        if !self.diags.0.contains(&found) {
            self.diags.push(found);
        }
    }

    /// Runs `body` and puts the place that uses the preset before whatever it reports.
    pub(super) fn inside<T>(&mut self, origin: Option<&Use>, body: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.diags.0.len();
        let out = body(self);
        for found in self.diags.0.split_off(before) {
            self.report(found, origin);
        }
        out
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
                Body::Graph { .. } => return self.subgraph_nodes(raw, &preset, chain),
            }
        }
        self.finish(raw);
        Ok(())
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
    pub(super) fn bind(&mut self, raw: &mut Raw, preset: &Preset) -> Result<Scope, Fault> {
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

    /// Takes a node whose kind is known.
    fn finish(&mut self, mut raw: Raw) {
        for arg in &mut raw.args {
            arg.role = self.kinds.role(&raw.kind, &arg.key.text);
        }
        self.nodes.push(NodeDef {
            name: raw.name,
            name_span: raw.name_span,
            kind: raw.kind,
            kind_span: raw.kind_span,
            args: raw.args,
            origin: raw.origin,
        });
    }
}
