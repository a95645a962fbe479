//! `frameloom explain NODE.PARAM@FRAME`: where a value comes from, and what it is at a frame; and how prompts are read.

use std::fmt::Write;
use std::path::Path;

use crate::diag::Sources;
use crate::diffusion::prompt::{Reading, Syntax};
use crate::document::{self, Candidate, Graph, Layer, NodeDef};
use crate::frame::Size;
use crate::node::{Registry, Spec};
use crate::param::{Curve, Data, IntCurve, Moment, Param, Prompt, ReadCx, Rhythm, Seed, Shape, TextCurve, Value};

use super::Exit;
use super::args::{ExplainArgs, Format};
use super::load::{self, Style};
use super::wording::{How, tokenizer};

/// The parameter for what is not to be painted: it has neither parts nor tags.
const NEGATIVE: &str = "negative";

/// Prints every candidate and the winner.
pub fn explain(args: &ExplainArgs, style: Style) -> Exit {
    let registry = load::registry();
    let loaded = load::graph(&args.graph, &registry);
    Style { format: Format::Text, ..style }.show(&loaded.findings, &loaded.sources);
    let Some(graph) = &loaded.graph else { return Exit::Invalid };
    let base = args.graph.graph.parent().unwrap_or(Path::new("."));
    let text = match &args.what {
        Some(what) => explained(graph, &registry, &loaded.sources, what, base),
        None => Ok(prompts(graph, &registry, base)),
    };
    match text {
        Ok(text) => {
            print!("{text}");
            Exit::Done
        }
        Err(message) => {
            eprintln!("error: {message}");
            Exit::Usage
        }
    }
}

fn explained(graph: &Graph, registry: &Registry, sources: &Sources, what: &str, base: &Path) -> Result<String, String> {
    let (place, frame) = match what.split_once('@') {
        None => (what, None),
        Some((place, frame)) => (place, Some(frame.parse::<u64>().map_err(|_| format!("`{frame}` is no frame; write `NODE.PARAM@120`"))?)),
    };
    let (node, param) = place.split_once('.').ok_or_else(|| format!("write `NODE.PARAM`, not `{place}`"))?;
    let nodes = || graph.nodes.iter().map(|node| node.name.as_str());
    let def = graph.node(node).ok_or_else(|| unknown("node", node, nodes()))?;
    let kind = registry.get(&def.kind).ok_or_else(|| unknown("kind", &def.kind, registry.names()))?;
    let spec = kind.spec();
    if spec.keys().all(|key| key != param) {
        return Err(unknown("input or parameter", param, spec.keys()));
    }
    let candidates = document::explain(graph, node, param).unwrap_or_default();
    let mut out = String::new();
    if let Some(default) = spec.param(param).and_then(|param| param.default.clone()) {
        line(&mut out, candidates.is_empty(), &shown(&default), &format!("default of kind `{}`", def.kind));
    }
    for (index, candidate) in candidates.iter().enumerate() {
        line(&mut out, index + 1 == candidates.len(), &shown(&candidate.value.value), &origin(candidate, sources));
    }
    if candidates.is_empty() && out.is_empty() {
        out = format!("nothing sets `{param}`\n");
    }
    if let Some(frame) = frame {
        let value = candidates.last().map(|winner| winner.value.clone()).or_else(|| default_data(spec, param, sources));
        let at = moment(graph, frame);
        out += &value.as_ref().and_then(|data| at_frame(spec, param, data, &at, fired(def, &at))).unwrap_or_default();
        let is_prompt = spec.param(param).is_some_and(|param| *param.shape.inner() == Shape::Prompt);
        if let Some(prompt) = value.filter(|_| is_prompt).and_then(|data| Prompt::read(&data, &ReadCx::default()).ok()) {
            out += &how(graph, def, &at, base).describe(&prompt.now(&at).from, param == NEGATIVE);
        }
    }
    Ok(out)
}

/// How every prompt of the graph is read, at each of its keys.
fn prompts(graph: &Graph, registry: &Registry, base: &Path) -> String {
    let mut out = String::new();
    for def in &graph.nodes {
        let Some(kind) = registry.get(&def.kind) else { continue };
        for param in kind.spec().params.iter().filter(|param| *param.shape.inner() == Shape::Prompt) {
            let prompt = winner(graph, def, param.name).and_then(|data| Prompt::read(&data, &ReadCx::default()).ok());
            if let Some(prompt) = prompt {
                out += &read_prompt(graph, def, param.name, &prompt, base);
            }
        }
    }
    if out.is_empty() { "no node of this graph has a prompt\n".to_owned() } else { out }
}

/// What is in effect for a parameter, if anything sets it.
fn winner(graph: &Graph, def: &NodeDef, param: &str) -> Option<Data> {
    document::explain(graph, &def.name, param)?.pop().map(|candidate| candidate.value)
}

/// How the prompt `param` is read at each of its keys.
fn read_prompt(graph: &Graph, def: &NodeDef, param: &str, prompt: &Prompt, base: &Path) -> String {
    let mut frames = prompt.keys(&moment(graph, 0));
    frames.sort_unstable();
    frames.dedup();
    let mut out = String::new();
    for frame in frames {
        let at = moment(graph, frame);
        let text = prompt.now(&at).from;
        let _ = writeln!(out, "{}.{param} at frame {frame}: {text}", def.name);
        out += &how(graph, def, &at, base).describe(&text, param == NEGATIVE);
    }
    out
}

/// What a node says of how its prompts are read.
fn how(graph: &Graph, def: &NodeDef, at: &Moment<'_>, base: &Path) -> How {
    let steps = winner(graph, def, "steps").and_then(|data| IntCurve::read(&data, &ReadCx::default()).ok()).map_or(20, |n| n.now(at));
    let plain = winner(graph, def, "prompt_syntax").is_some_and(|data| data.text() == Some("plain"));
    let syntax = if plain { Syntax::Plain } else { Syntax::A1111 };
    let tokenizer = winner(graph, def, "model").and_then(|data| tokenizer(data.text()?, base).ok());
    How { steps: usize::try_from(steps).unwrap_or(1).max(1), reading: Reading { syntax, ..Reading::default() }, tokenizer }
}

fn unknown<'a>(what: &str, name: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    match crate::diag::nearest(name, candidates) {
        Some(near) => format!("there is no {what} `{name}`; did you mean `{near}`?"),
        None => format!("there is no {what} `{name}`"),
    }
}

fn line(out: &mut String, wins: bool, value: &str, origin: &str) {
    let _ = writeln!(out, "{} {value:30} {origin}", if wins { "=>" } else { "  " });
}

fn origin(candidate: &Candidate, sources: &Sources) -> String {
    let place = |span| {
        let (line, column) = sources.line_column(span);
        format!("{}:{line}:{column}", sources.get(span.source).map_or("?", |source| source.name.as_str()))
    };
    let layer = match &candidate.layer {
        Layer::Preset(name) => format!("preset `{name}`"),
        Layer::Node => "the graph".into(),
        Layer::Params(file) => format!("--params {file}"),
        Layer::Set => "--set".into(),
    };
    let via = candidate.via.as_ref().map(|(name, span)| format!(", by `${name}` at {}", place(*span))).unwrap_or_default();
    format!("{layer}, {}{via}", place(candidate.value.span))
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::Text(value) => format!("{value:?}"),
        Value::List(items) => format!("[{}]", items.iter().map(|item| shown(&item.value)).collect::<Vec<_>>().join(", ")),
        Value::Map(entries) => {
            format!(
                "{{ {} }}",
                entries.iter().map(|(key, item)| format!("{}: {}", key.text, shown(&item.value))).collect::<Vec<_>>().join(", ")
            )
        }
    }
}

fn default_data(spec: &Spec, param: &str, sources: &Sources) -> Option<Data> {
    let mut sources = sources.clone();
    let source = sources.add("default", "");
    Some(Data::new(crate::diag::Span::new(source, 0, 0), spec.param(param)?.default.clone()?))
}

/// What expressions know at `frame`, as far as the graph says it.
fn moment(graph: &Graph, frame: u64) -> Moment<'static> {
    let written = &graph.timeline;
    let usual = Moment::default();
    let fps = written.fps.map_or(usual.fps, |(fps, _)| fps);
    Moment {
        tick: frame,
        fps,
        length: written.length.map(|(length, _)| length.frames(fps)),
        size: written.size.map_or(usual.size, |([width, height], _)| Size::new(width as usize, height as usize)),
        seed: written.seed.map_or(0, |(seed, _)| seed),
        bpm: written.bpm.map_or(usual.bpm, |(bpm, _)| bpm),
        ..usual
    }
}

/// How many times a node has fired before the moment, by its own `every` or `when`.
fn fired(def: &NodeDef, at: &Moment<'static>) -> u64 {
    let written = def.arg("every").map(|arg| Rhythm::every(&arg.value)).or_else(|| def.arg("when").map(|arg| Rhythm::when(&arg.value)));
    match written.and_then(Result::ok).unwrap_or_default().firings(at) {
        Ok(next) => std::iter::successors(Some(0), |&last| next(last)).take_while(|&tick| tick < at.tick).count() as u64,
        Err(_) => at.tick,
    }
}

/// The value of `data` at the moment, for a node that has fired `fired` times before.
fn at_frame(spec: &Spec, param: &str, data: &Data, at: &Moment<'_>, fired: u64) -> Option<String> {
    let cx = ReadCx::default();
    let shape = &spec.param(param)?.shape;
    let (value, streams) = match shape.inner() {
        _ if varies(shape) => told(&TextCurve::read(data, &cx).ok()?, at),
        Shape::Curve => told(&Curve::read(data, &cx).ok()?, at),
        Shape::IntegerCurve => told(&IntCurve::read(data, &cx).ok()?, at),
        Shape::Prompt => told(&Prompt::read(data, &cx).ok()?, at),
        Shape::Seed => {
            let seed = Seed::read(data, &cx).ok()?;
            (seed.now(at).nth(fired).to_string(), seed.streams())
        }
        _ => (shown(&data.value), Vec::new()),
    };
    let streams = if streams.is_empty() { String::new() } else { format!(", with {} counted as 0", streams.join(", ")) };
    Some(format!("at frame {}: {value}{streams}\n", at.tick))
}

/// Whether it holds one value of a kind until the next.
fn varies(shape: &Shape) -> bool {
    match shape {
        Shape::Optional(inner) => varies(inner),
        Shape::Held(_) => true,
        _ => false,
    }
}

fn told<P: Param<Now: ToString>>(param: &P, at: &Moment<'_>) -> (String, Vec<String>) {
    (param.now(at).to_string(), param.streams())
}
