//! Phase one: kinds, keys, links and parameters of every node.

use std::collections::HashMap;
use std::sync::Arc;

use super::net::Initial;
use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::document::{Arg, First, Graph, LinkRef, NodeDef, parse_link};
use crate::node::{Given, InputSpec, Kind, OutputSpec, Pace, PortType, Registry, Settings, Spec};
use crate::param::{Data, ReadCx, Rhythm, Value};

/// The keys that say when a node fires.
const CLOCKS: [&str; 2] = ["every", "when"];

/// A node whose kind, links and parameters are known.
pub(super) struct Resolved<'g> {
    pub def: &'g NodeDef,
    pub kind: Arc<dyn Kind>,
    pub settings: Option<Arc<dyn Settings>>,
    /// For each declared input its links.
    pub inputs: Vec<Vec<Link>>,
    /// Scalar streams that parameters read.
    pub streams: Vec<(String, Link)>,
    /// When it fires, counted in its own frames.
    pub beat: Beat,
    /// Nothing of it is wrong.
    pub sound: bool,
}

impl Resolved<'_> {
    /// Whether it is an output of the graph: by its kind, or by what is set on it.
    pub fn is_output(&self) -> bool {
        self.kind.spec().is_sink() || self.settings.as_ref().is_some_and(|settings| settings.is_output())
    }

    /// How many frames it makes for each that it reads.
    pub fn pace(&self) -> Pace {
        self.settings.as_ref().map_or_else(Pace::default, |settings| settings.pace())
    }

    /// The link behind the node's `tap`-th tap: those of the inputs come first, in order, then those of expressions.
    pub fn link_of_tap(&self, tap: usize) -> Option<&Link> {
        let inputs = self.kind.spec().inputs.iter().zip(&self.inputs);
        // An input that reads between two values has two taps for its link.
        let linked =
            inputs.flat_map(|(input, links)| links.iter().flat_map(|link| std::iter::repeat_n(link, 1 + usize::from(input.shape.between))));
        linked.chain(self.streams.iter().map(|(_, link)| link)).nth(tap)
    }
}

/// When a node fires.
#[derive(Debug, Clone)]
pub(super) enum Beat {
    /// As its own `every` or `when` says.
    Own(Rhythm),
    /// When this other node does.
    With(usize),
}

/// A link whose ends exist and fit.
#[derive(Debug, Clone)]
pub(super) struct Link {
    /// The index of the node read.
    pub node: usize,
    /// The index of its output.
    pub port: usize,
    /// Ticks ahead (or, negative, ago).
    pub delay: i64,
    /// What is read before the loop has begun.
    pub initial: Initial<(usize, usize)>,
    /// Where it is written.
    pub span: Span,
}

/// A node's index, and its kind where that exists.
type Named = (usize, Option<Arc<dyn Kind>>);

/// The nodes of the graph by name.
struct Names<'g> {
    /// Nodes that the document left out because of errors: links to them are no errors of their own.
    failed: &'g [String],
    by_name: HashMap<&'g str, Named>,
}

pub(super) fn resolve<'g>(graph: &'g Graph, registry: &Registry, faults: &mut Diagnostics) -> Vec<Option<Resolved<'g>>> {
    let kinds: Vec<_> = graph.nodes.iter().map(|def| registry.get(&def.kind).cloned()).collect();
    let by_name = graph.nodes.iter().zip(&kinds).enumerate().map(|(index, (def, kind))| (def.name.as_str(), (index, kind.clone())));
    let names = Names { failed: &graph.failed, by_name: by_name.collect() };
    let resolved = graph.nodes.iter().zip(kinds).map(|(def, kind)| match kind {
        Some(kind) => Some(node(def, kind, &names, faults)),
        None => {
            faults.push(unknown_kind(def, registry));
            None
        }
    });
    resolved.collect()
}

fn unknown_kind(def: &NodeDef, registry: &Registry) -> Diagnostic {
    let fault = Diagnostic::error("unknown-kind", format!("there is no kind or preset `{}`", def.kind)).at(def.kind_span, "not a kind");
    match crate::diag::nearest(&def.kind, registry.names()) {
        Some(name) => fault.help(format!("write `{name}`")),
        None => fault.help("`frameloom nodes` lists all kinds"),
    }
}

fn node<'g>(def: &'g NodeDef, kind: Arc<dyn Kind>, names: &Names<'_>, faults: &mut Diagnostics) -> Resolved<'g> {
    let mut found = Diagnostics::default();
    let spec = kind.spec();
    let mut inputs = vec![Vec::new(); spec.inputs.len()];
    let mut values = Vec::new();
    let beat = beat(def, names, &mut found);
    for arg in def.args.iter().filter(|arg| !CLOCKS.contains(&arg.key.text.as_str())) {
        if let Some(index) = spec.inputs.iter().position(|input| input.name == arg.key.text) {
            inputs[index] = links(def, arg, &spec.inputs[index], names, &mut found);
        } else if spec.param(&arg.key.text).is_some() {
            values.push((arg.key.text.as_str(), &arg.value, ReadCx { base: arg.base.clone() }));
        } else {
            found.push(def.placed(arg, unknown_key(def, arg, spec)));
        }
    }
    missing_inputs(def, spec, &mut found);
    let settings = match kind.read(&Given { values, kind: spec.name, place: def.name_span }) {
        Ok(settings) => Some(settings),
        Err(errors) => {
            found.extend(errors.into_iter().map(|error| blame_span(def, error)));
            None
        }
    };
    let streams = settings.iter().flat_map(|settings| settings.streams()).filter_map(|(param, stream)| {
        let arg = def.args.iter().find(|arg| arg.key.text == param);
        let place = arg.map_or(def.name_span, |arg| word(&arg.value, &stream).unwrap_or(arg.value.span));
        scalar_stream(&stream, place, names, &mut found).map(|link| (stream, link))
    });
    let streams = streams.collect();
    let sound = !found.has_errors();
    faults.extend(found);
    Resolved { def, kind, settings, inputs, streams, beat, sound }
}

/// Reads `every` or `when`.
fn beat(def: &NodeDef, names: &Names<'_>, found: &mut Diagnostics) -> Beat {
    let (every, when) = (def.arg(CLOCKS[0]), def.arg(CLOCKS[1]));
    if let (Some(every), Some(when)) = (every, when) {
        let fault = Diagnostic::error("two-clocks", format!("`{}` has both `every` and `when`", def.name));
        let fault = fault.at(every.key.span, "fires by this").at(when.key.span, "and by this");
        found.push(def.placed(when, fault.help("keep one of them; `when: { keys: [0, 12], every: 5 }` fires at times and periodically")));
        return Beat::Own(Rhythm::default());
    }
    let Some(arg) = every.or(when) else { return Beat::Own(Rhythm::default()) };
    let other = arg.value.text().filter(|_| every.is_none()).and_then(|text| names.by_name.get(text.trim()));
    // A variable such as `t` is one even where a node bears the same name.
    let read = if every.is_some() { Rhythm::every(&arg.value) } else { Rhythm::when(&arg.value) };
    match (read, other) {
        (Ok(rhythm), _) => return Beat::Own(rhythm),
        (Err(_), Some((node, _))) => return Beat::With(*node),
        (Err(_), None) if arg.value.text().is_some_and(|text| names.failed.iter().any(|name| name == text.trim())) => {}
        (Err(fault), None) => found.push(def.placed(arg, fault)),
    }
    Beat::Own(Rhythm::default())
}

/// Where `word` stands in the texts of `data`.
fn word(data: &Data, word: &str) -> Option<Span> {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    match &data.value {
        Value::Text(text) => text
            .match_indices(word)
            .find(|(at, _)| !text[..*at].ends_with(inside) && !text[at + word.len()..].starts_with(inside))
            .map(|(at, _)| data.part(at..at + word.len())),
        Value::List(items) => items.iter().find_map(|item| self::word(item, word)),
        Value::Map(entries) => entries.iter().find_map(|(_, item)| self::word(item, word)),
        _ => None,
    }
}

fn unknown_key(def: &NodeDef, arg: &Arg, spec: &Spec) -> Diagnostic {
    let key = &arg.key.text;
    let fault = Diagnostic::error("unknown-input", format!("`{}` has no input `{key}`", def.kind))
        .at(arg.key.span, format!("not an input or parameter of `{}`", def.kind));
    match crate::diag::nearest(key, spec.keys()) {
        Some(name) => fault.help(format!("write `{name}`")),
        None => {
            let keys: Vec<_> = spec.inputs.iter().map(|i| i.name).chain(spec.params.iter().map(|p| p.name)).collect();
            fault.help(format!("`{}` takes {}", spec.name, list(&keys, "and")))
        }
    }
}

fn missing_inputs(def: &NodeDef, spec: &Spec, found: &mut Diagnostics) {
    // A misspelt input is reported as such; that it is missing follows.
    let unknown = def.args.iter().map(|arg| arg.key.text.as_str()).filter(|key| !spec.keys().any(|known| known == *key));
    let meant: Vec<&str> = unknown.filter_map(|key| crate::diag::nearest(key, spec.keys())).collect();
    for input in spec.inputs.iter().filter(|input| !input.shape.optional && !meant.contains(&input.name)) {
        if !def.args.iter().any(|arg| arg.key.text == input.name) {
            found.push(
                Diagnostic::error("missing-input", format!("`{}` needs the input `{}`", def.name, input.name))
                    .at(def.name_span, format!("`{}` reads {} {} here", spec.name, article(input.shape.ty), input.shape.ty))
                    .help(format!("add `{}: NODE`, where NODE makes {} {}", input.name, article(input.shape.ty), input.shape.ty)),
            );
        }
    }
}

fn links(def: &NodeDef, arg: &Arg, input: &InputSpec, names: &Names<'_>, found: &mut Diagnostics) -> Vec<Link> {
    let refs = match parse_link(&arg.value) {
        Ok(refs) => refs,
        Err(fault) => {
            found.push(def.placed(arg, fault));
            return Vec::new();
        }
    };
    if refs.is_empty() && !input.shape.optional {
        let fault = Diagnostic::error("missing-input", format!("`{}` needs the input `{}`", def.name, input.name));
        found.push(def.placed(arg, fault.at(arg.value.span, "an empty list").help(format!("write `{}: NODE`", input.name))));
    }
    if refs.len() > 1 && !input.shape.many {
        let fault = Diagnostic::error("too-many-links", format!("`{}` takes one link, not a list of {}", input.name, refs.len()));
        found.push(def.placed(arg, fault.at(arg.value.span, "a list").help("keep one of them, or join them with a `blend` node first")));
        return Vec::new();
    }
    let mut ends = Vec::new();
    for reference in &refs {
        match link(reference, input, names) {
            Ok(Some(link)) => ends.push(link),
            Ok(None) => {}
            Err(fault) => found.push(def.placed(arg, *fault)),
        }
    }
    ends
}

/// Finds both ends of a link; `Ok(None)` when the node read is itself at fault, which is reported there.
fn link(reference: &LinkRef, input: &InputSpec, names: &Names<'_>) -> Result<Option<Link>, Box<Diagnostic>> {
    let Some((node, port)) = end(reference, input, names)? else { return Ok(None) };
    let initial = match &reference.initial {
        None => Initial::First,
        Some(First::Nothing) => Initial::Nothing,
        Some(First::Link(first)) => match end(first, input, names)? {
            None => return Ok(None),
            Some(found) => Initial::Stream(found),
        },
    };
    Ok(Some(Link { node, port, delay: reference.delay, initial, span: reference.span }))
}

fn end(reference: &LinkRef, input: &InputSpec, names: &Names<'_>) -> Result<Option<(usize, usize)>, Box<Diagnostic>> {
    let Some((node, kind)) = names.by_name.get(reference.node.as_str()) else {
        if names.failed.contains(&reference.node) {
            return Ok(None);
        }
        let fault = Diagnostic::error("unknown-node", format!("there is no node `{}`", reference.node))
            .at(reference.node_span, "not a node of this graph");
        let all = || names.by_name.keys().copied();
        return Err(Box::new(match crate::diag::nearest(&reference.node, all()) {
            Some(name) => fault.help(format!("write `{name}`")),
            None => {
                let mut all: Vec<_> = all().collect();
                all.sort_unstable();
                fault.help(format!("the nodes are {}", list(&all, "and")))
            }
        }));
    };
    let Some(kind) = kind else { return Ok(None) };
    let spec = kind.spec();
    let port = port(reference, spec)?;
    let output = &spec.outputs[port];
    if output.ty == input.shape.ty { Ok(Some((*node, port))) } else { Err(Box::new(type_mismatch(reference, input, output, spec, names))) }
}

fn port(reference: &LinkRef, spec: &Spec) -> Result<usize, Box<Diagnostic>> {
    if spec.is_sink() {
        let fault =
            Diagnostic::error("no-output", format!("`{}` makes nothing that can be read: `{}` is a sink", reference.node, spec.name));
        return Err(Box::new(fault.at(reference.span, "has no outputs").help("read the node that feeds it instead")));
    }
    let Some((name, span)) = &reference.port else { return Ok(0) };
    spec.output(name).ok_or_else(|| {
        let fault = Diagnostic::error("unknown-port", format!("`{}` has no output `{name}`", reference.node))
            .at(*span, format!("not an output of `{}`", spec.name));
        let outputs: Vec<_> = spec.outputs.iter().map(|output| output.name).collect();
        Box::new(match crate::diag::nearest(name, outputs.iter().copied()) {
            Some(near) => fault.help(format!("write `{}.{near}`", reference.node)),
            None => fault.help(format!("`{}` makes {}", spec.name, list(&outputs, "and"))),
        })
    })
}

fn type_mismatch(reference: &LinkRef, input: &InputSpec, output: &OutputSpec, spec: &Spec, names: &Names<'_>) -> Diagnostic {
    let wanted = input.shape.ty;
    let fault = Diagnostic::error(
        "type-mismatch",
        format!(
            "`{}` reads {} {wanted}, but `{}.{}` is {} {}",
            input.name,
            article(wanted),
            reference.node,
            output.name,
            article(output.ty),
            output.ty
        ),
    )
    .at(reference.span, format!("{} {}", article(output.ty), output.ty));
    if let Some(other) = spec.outputs.iter().find(|other| other.ty == wanted) {
        return fault.help(format!("write `{}.{}`", reference.node, other.name));
    }
    let mut makers: Vec<String> = Vec::new();
    for (name, (_, kind)) in &names.by_name {
        let Some(spec) = kind.as_ref().map(|kind| kind.spec()) else { continue };
        if let Some(index) = spec.outputs.iter().position(|other| other.ty == wanted) {
            makers.push(if index == 0 { format!("`{name}`") } else { format!("`{name}.{}`", spec.outputs[index].name) });
        }
    }
    makers.sort();
    match &makers[..] {
        [] => fault.help(format!("add a node that makes {} {wanted}{}", article(wanted), maker_hint(wanted))),
        [only] => fault.help(format!("write {only}, the only {wanted} of this graph")),
        _ => fault.help(format!("write one that makes {} {wanted}: {}", article(wanted), makers.join(", "))),
    }
}

fn maker_hint(ty: PortType) -> &'static str {
    match ty {
        PortType::Depth => ", such as `near: { kind: depth, image: … }`",
        PortType::Motion => ", such as `warp` or `depth_warp`",
        PortType::Grain => ", such as `grain: { kind: grain, motion: … }`",
        _ => "",
    }
}

fn scalar_stream(stream: &str, place: Span, names: &Names<'_>, found: &mut Diagnostics) -> Option<Link> {
    let (node, port) = stream.split_once('.').map_or((stream, None), |(node, port)| (node, Some(port.to_owned())));
    let reference = LinkRef {
        node: node.to_owned(),
        node_span: place,
        port: port.map(|port| (port, place)),
        delay: 0,
        delay_span: None,
        initial: None,
        span: place,
    };
    let input = InputSpec {
        name: "expression",
        about: String::new(),
        shape: crate::node::InputShape { ty: PortType::Scalar, optional: false, many: false, back: 0, ahead: 0, between: false },
    };
    match link(&reference, &input, names) {
        Ok(link) => link,
        Err(fault) => {
            found.push(*fault);
            None
        }
    }
}

/// [`NodeDef::placed`] for an error that only has a place: the argument that it lies in is looked up.
fn blame_span(def: &NodeDef, fault: Diagnostic) -> Diagnostic {
    let inside = |outer: Span, inner: Span| outer.source == inner.source && outer.start <= inner.start && inner.end <= outer.end;
    let span = fault.labels.first().map(|label| label.span);
    match def.args.iter().find(|arg| span.is_some_and(|span| inside(arg.value.span, span))) {
        Some(arg) => def.placed(arg, fault),
        None => def.placed_whole(fault),
    }
}

/// `a`, `b` and `c`, each in backticks.
pub(super) fn list(names: &[&str], and: &str) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => "nothing".into(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} {and} {last}", rest.join(", ")),
    }
}

pub(super) fn article(ty: PortType) -> &'static str {
    match ty {
        PortType::Frame | PortType::Audio => "an",
        _ => "a",
    }
}
