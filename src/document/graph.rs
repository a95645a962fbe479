//! The graph as written: presets expanded, parameters put in, nothing else decided.

use std::path::PathBuf;

use crate::diag::{Diagnostic, Span};
use crate::param::{Data, Fps, Key};

use super::params::ParamDecl;

/// A document that was read. Every node names a kind; what its arguments mean, the plan decides.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// What the author says one will see.
    pub about: Option<String>,
    /// What may be set from outside, with what it is set to.
    pub params: Vec<ParamDecl>,
    /// Size, rate and length of the output, as far as written.
    pub timeline: Timeline,
    /// The nodes, in the order written; a subgraph's nodes stand where it is used.
    pub nodes: Vec<NodeDef>,
    /// The `engine:` block, parameters put in: what never changes pixels.
    pub engine: Option<Data>,
    /// The `tests:` block as written.
    pub tests: Option<Data>,
    /// Names of nodes that are left out because they have errors: links to them are no errors of their own.
    pub failed: Vec<String>,
    /// The folder that paths written in the graph start from.
    pub base: PathBuf,
}

impl Graph {
    /// The node called `name`.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&NodeDef> {
        self.nodes.iter().find(|node| node.name == name)
    }
}

/// One step.
#[derive(Debug, Clone)]
pub struct NodeDef {
    /// Its name, unique in the graph.
    pub name: String,
    /// Where it is named.
    pub name_span: Span,
    /// Its kind; never a preset.
    pub kind: String,
    /// Where the kind is written: in the preset, for a node made from one.
    pub kind_span: Span,
    /// Inputs and parameters, and its clock: `every` or `when`.
    pub args: Vec<Arg>,
    /// The preset it was made from.
    pub origin: Option<Use>,
}

impl NodeDef {
    /// The argument written under `key`.
    #[must_use]
    pub fn arg(&self, key: &str) -> Option<&Arg> {
        self.args.iter().find(|arg| arg.key.text == key)
    }

    /// Completes a finding about `arg`: for a value that a preset brings, the place that uses the preset comes first; for one
    /// that came in through `$name`, that place is added.
    #[must_use]
    pub fn placed(&self, arg: &Arg, found: Diagnostic) -> Diagnostic {
        let found = match (&self.origin, &arg.layer) {
            (Some(origin), Layer::Preset(_)) => origin.first(found),
            _ => found,
        };
        match &arg.via {
            Some((name, span)) if found.labels.iter().all(|label| label.span != *span) => {
                found.at(*span, format!("used here as `${name}`"))
            }
            _ => found,
        }
    }

    /// Completes a finding about the node as a whole: the place that uses the preset comes first.
    #[must_use]
    pub fn placed_whole(&self, found: Diagnostic) -> Diagnostic {
        self.origin.as_ref().map_or(found.clone(), |origin| origin.first(found))
    }
}

/// Where a preset is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The preset's name.
    pub preset: String,
    /// The place that names it.
    pub span: Span,
}

impl Use {
    /// Puts this place before the others.
    #[must_use]
    pub fn first(&self, mut found: Diagnostic) -> Diagnostic {
        if found.labels.iter().all(|label| label.span != self.span) {
            let text = format!("in preset `{}`, used here", self.preset);
            found.labels.insert(0, crate::diag::Label { span: self.span, text });
        }
        found
    }
}

/// An input or parameter of a node.
#[derive(Debug, Clone)]
pub struct Arg {
    /// Its name.
    pub key: Key,
    /// Its value: that of the strongest layer that gives one.
    pub value: Data,
    /// Which layer that is.
    pub layer: Layer,
    /// The folder that a relative path in the value starts from; empty for the current directory.
    pub base: PathBuf,
    /// The `$name` through which the value came in, and where that stands.
    pub via: Option<(String, Span)>,
    /// What the weaker layers said, the weakest first.
    pub overridden: Vec<Candidate>,
    /// What it is to the kind.
    pub role: Role,
}

/// What a layer says of an argument.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The layer.
    pub layer: Layer,
    /// The value and its place.
    pub value: Data,
    /// The `$name` through which it came in, and where that stands.
    pub via: Option<(String, Span)>,
}

/// Who says it, from the weakest to the strongest. The kind's own default is weaker than all of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// The preset of this name.
    Preset(String),
    /// The graph.
    Node,
    /// A file given by `--params`, under the name it was given.
    Params(String),
    /// `--set`.
    Set,
}

/// What an argument is to its kind: all that expansion has to know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    /// An input: its value is a link.
    Input,
    /// A parameter whose text may name streams of other nodes, such as `1 + 0.05*drums.level`.
    Curve,
    /// A text in which what stands between back-ticks may name them.
    Prompt,
    /// A parameter that is a file or folder.
    Path,
    /// `when`, which may name a node: it fires with that one.
    Clock,
    /// Anything else, or nothing that the kind knows.
    #[default]
    Other,
}

/// What the registry of kinds tells the document.
pub trait Kinds {
    /// Whether there is a kind of this name.
    fn is_kind(&self, name: &str) -> bool;

    /// The names of all kinds, for suggestions.
    fn names(&self) -> Vec<&str>;

    /// The kind's first output, which a link without a port means.
    fn main_output(&self, _kind: &str) -> Option<&str> {
        None
    }

    /// What the argument `key` is to the kind.
    fn role(&self, _kind: &str, _key: &str) -> Role {
        Role::Other
    }
}

/// `timeline:` as written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Timeline {
    /// Width and height in pixels, each 1 to 16384.
    pub size: Option<([u32; 2], Span)>,
    /// Frames per second, above 0 and at most 1000.
    pub fps: Option<(Fps, Span)>,
    /// How long the output is.
    pub length: Option<(Length, Span)>,
    /// The seed of everything random.
    pub seed: Option<(i64, Span)>,
    /// Beats per minute, above 0 and at most 1000.
    pub bpm: Option<(f64, Span)>,
}

/// A length of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Length {
    /// Frames, at least 1.
    Frames(u64),
    /// Seconds, above 0.
    Seconds(f64),
}

impl Length {
    /// In frames at `fps`, rounded to nearest and at least one.
    #[must_use]
    pub fn frames(self, fps: Fps) -> u64 {
        match self {
            Self::Frames(frames) => frames,
            Self::Seconds(seconds) => (seconds * fps.as_f64()).round().max(1.0) as u64,
        }
    }
}
