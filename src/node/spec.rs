//! A kind's declaration as data: what checks, documentation, schema and help are made from.

use std::ops::RangeInclusive;

use super::feed::InputShape;
use super::value::PortType;
use crate::diag::Diagnostic;
use crate::param::{Data, Param, ReadCx, Shape, Value};

/// Keys that every node has besides its kind's inputs and parameters.
pub const NODE_KEYS: [(&str, &str); 4] = [
    ("kind", "What the node does: a kind or a preset."),
    ("about", "A note for readers of the graph."),
    ("every", "Fire only on every so many frames, a number or a curve; readers in between see the latest value."),
    ("when", "Fire only at these times (`[0, 12, 2s]`), where a condition holds (`t % 5 == 0`), or together with another node (`key`)."),
];

/// Everything there is to know of a kind without running it.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Its name in graphs: `depth_warp`.
    pub name: &'static str,
    /// One sentence.
    pub about: &'static str,
    /// The rest of the documentation, paragraphs separated by empty lines; may be empty.
    pub details: String,
    /// Ports that it reads.
    pub inputs: Vec<InputSpec>,
    /// Ports that it makes; the first is the main one. A kind without outputs is a sink.
    pub outputs: Vec<OutputSpec>,
    /// What an author may set.
    pub params: Vec<ParamSpec>,
    /// Whether it keeps state from one firing to the next, so that its firings happen in order.
    pub sequential: bool,
}

/// One input port.
#[derive(Debug, Clone)]
pub struct InputSpec {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub about: String,
    /// What may be linked to it.
    pub shape: InputShape,
}

/// One output port.
#[derive(Debug, Clone)]
pub struct OutputSpec {
    /// Its name.
    pub name: &'static str,
    /// What it carries.
    pub about: String,
    /// Its type.
    pub ty: PortType,
}

/// One parameter.
#[derive(Debug, Clone)]
pub struct ParamSpec {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub about: String,
    /// How it is written.
    pub shape: Shape,
    /// What it is when nothing is written; `None` for a parameter that must be set or may be left out.
    pub default: Option<Value>,
    /// The numbers allowed.
    pub range: Option<RangeInclusive<f64>>,
    /// Reads a value just to see whether it is right.
    pub test: fn(&Data, &ReadCx) -> Result<(), Diagnostic>,
}

impl ParamSpec {
    /// Whether a graph must set it.
    #[must_use]
    pub fn required(&self) -> bool {
        self.default.is_none() && !matches!(self.shape, Shape::Optional(_))
    }
}

impl Spec {
    /// Whether it makes nothing that others read.
    #[must_use]
    pub fn is_sink(&self) -> bool {
        self.outputs.is_empty()
    }

    /// The input `name`.
    #[must_use]
    pub fn input(&self, name: &str) -> Option<&InputSpec> {
        self.inputs.iter().find(|input| input.name == name)
    }

    /// The index of the output `name`.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<usize> {
        self.outputs.iter().position(|output| output.name == name)
    }

    /// The parameter `name`.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&ParamSpec> {
        self.params.iter().find(|param| param.name == name)
    }

    /// Every key that a node of this kind may have.
    pub fn keys(&self) -> impl Iterator<Item = &'static str> + '_ {
        let own = self.inputs.iter().map(|input| input.name).chain(self.params.iter().map(|param| param.name));
        own.chain(NODE_KEYS.iter().map(|(key, _)| *key))
    }
}

/// Reads a value of `P` and throws it away: see [`ParamSpec::test`].
///
/// # Errors
/// What reading says.
pub fn test<P: Param>(data: &Data, cx: &ReadCx) -> Result<(), Diagnostic> {
    P::read(data, cx).map(drop)
}

/// A doc comment as the macro sees it: one text per line, each with its leading space.
#[must_use]
pub fn prose(lines: &[&str]) -> String {
    lines.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// The name as written in graphs: Rust keywords lose their `r#`.
#[must_use]
pub fn plain(name: &'static str) -> &'static str {
    name.strip_prefix("r#").unwrap_or(name)
}
