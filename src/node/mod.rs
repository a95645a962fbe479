//! The contract of a kind: its declaration, what it may know, and what it makes.
//!
//! A kind is one file: a [`node!`] declaration, a type, and [`Node`] for that type. The example at the macro is a whole one.

mod context;
#[macro_use]
mod declare;
mod erased;
mod fault;
mod feed;
mod registry;
mod spec;
mod value;

pub use crate::node;
pub use context::{Ending, Engine, Lane, Length, Open, Outlook, Pace, Problem, Prospect, Tick, Timeline};
pub use erased::{Kind, Running, Settings};
pub use fault::{Fault, Halt};
pub use feed::{Between, Feed, Input, InputShape, Latest, Output, Sample, Window};
pub use registry::{Registry, RegistryError};
pub use spec::{InputSpec, NODE_KEYS, OutputSpec, ParamSpec, Spec, plain, prose, test};
pub use value::{Audio, Format, PortType, PortValue, Subtitles, Value};

#[cfg(test)]
mod tests;

use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::param::{self, Data, Moment, Param, ReadCx};

/// What the [`node!`] macro writes for a kind.
pub trait Declared: Sized + Send + Sync + 'static {
    /// What a firing reads.
    type Inputs;
    /// What a firing makes.
    type Outputs;
    /// The parameters as written.
    type Params: Send + Sync + 'static;
    /// The parameters at one tick.
    type Now;

    /// The declaration as data.
    fn spec() -> Spec;
    /// Reads the parameters of one node.
    ///
    /// # Errors
    /// Everything wrong with them, each with its place.
    fn read(given: &Given<'_>) -> Result<Self::Params, Diagnostics>;
    /// The parameters at `at`.
    fn now(params: &Self::Params, at: &Moment<'_>) -> Self::Now;
    /// The parameters that leave their range at `at`, with the sentence to show.
    fn out_of_range(params: &Self::Params, at: &Moment<'_>) -> Vec<(&'static str, String)>;
    /// The scalar streams that parameters read: (parameter, `node.port`).
    fn streams(params: &Self::Params) -> Vec<(&'static str, String)>;
    /// Sorts what came into the typed inputs; `None` when it does not fit.
    fn take(feeds: Vec<Feed>, tick: u64) -> Option<Self::Inputs>;
    /// The outputs in the order of the declaration.
    fn give(outputs: Self::Outputs) -> Vec<Option<Value>>;
}

/// What a kind does.
pub trait Node: Declared {
    /// What is kept from one firing to the next. With `()` firings may overlap; with anything else they happen in order.
    type State: Send + 'static;

    /// What the node will make, learnt before anything runs: formats, length, problems. By default every raster output has the
    /// size of the first linked raster input.
    ///
    /// # Errors
    /// What keeps it from running, as far as can be told before.
    fn outlook(_params: &Self::Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        let first = cx.inputs.iter().flatten().find(|format| format.planes > 0);
        let size = first.map(|format| format.size).or(cx.timeline.size);
        Ok(cx.all_outputs(size.unwrap_or(crate::frame::Size::new(512, 512))))
    }

    /// Whether a node with these parameters is an output of the graph even when nobody reads it, because it writes something or judges
    /// the run. A kind without outputs always is one.
    fn is_output(_params: &Self::Params) -> bool {
        false
    }

    /// How many frames it makes for each that it reads, known from the parameters alone. What a node says of time (`every`, keys of
    /// curves, `@-1`, lengths) always counts its own frames.
    fn pace(_params: &Self::Params) -> Pace {
        Pace::default()
    }

    /// Makes the node ready to fire: loads models, opens files.
    ///
    /// # Errors
    /// Why it cannot.
    fn open(params: &Self::Params, cx: &Open<'_>) -> Result<(Self, Self::State), Fault>;

    /// Makes the outputs of one tick from the inputs, the parameters at that tick, and the state of the firing before.
    ///
    /// # Errors
    /// [`Halt::End`] where a source ends, or what went wrong.
    fn fire(&self, state: &mut Self::State, cx: &Tick<'_>, inputs: Self::Inputs, now: Self::Now) -> Result<Self::Outputs, Halt>;

    /// Closes what the node holds; called once, after the last firing. Returns what the user should know: the file written.
    ///
    /// # Errors
    /// What went wrong while closing.
    fn finish(&self, _state: &mut Self::State, _ending: Ending) -> Result<Vec<String>, Fault> {
        Ok(Vec::new())
    }
}

/// What a graph gives for one node's parameters.
#[derive(Debug)]
pub struct Given<'a> {
    /// The values written, by key, each with the folder that relative paths start from.
    pub values: Vec<(&'a str, &'a Data, ReadCx)>,
    /// The kind's name, for messages.
    pub kind: &'a str,
    /// Where to point when something is missing: the node's name.
    pub place: Span,
}

impl Given<'_> {
    /// Reads the parameter `name`, or its default.
    pub fn read<P: Param>(&self, name: &'static str, default: Option<param::Value>, faults: &mut Diagnostics) -> Option<P> {
        let result = if let Some((_, data, cx)) = self.values.iter().find(|(key, ..)| *key == name) {
            P::read(data, cx)
        } else {
            let optional = matches!(P::shape(), param::Shape::Optional(_));
            match default.or(optional.then_some(param::Value::Null)) {
                Some(value) => P::read(&Data::new(self.place, value), &ReadCx::default()),
                None => Err(Diagnostic::error("missing-parameter", format!("`{}` needs `{name}`", self.kind))
                    .at(self.place, "not set here")
                    .help(format!("add `{name}: …`"))),
            }
        };
        result.map_err(|fault| faults.push(fault)).ok()
    }
}
