//! Parameters: what an author may set on a node, how it is read from the document, and its value at a tick.

mod data;
mod moment;

pub use data::{Data, Key, Value};
pub use moment::{Fps, Moment};

use std::ops::RangeInclusive;
use std::path::PathBuf;

use crate::diag::Diagnostic;

/// What parameters may need to know of the document they stand in.
#[derive(Debug, Clone, Default)]
pub struct ReadCx {
    /// The folder that relative paths start from: that of the file in which the value is written.
    pub base: PathBuf,
}

/// A type that a kind can declare for a parameter.
pub trait Param: Clone + Send + Sync + 'static {
    /// What a firing gets to see: the parameter's value at one tick.
    type Now;

    /// How it is written, for documentation, schema and help.
    fn shape() -> Shape;

    /// Reads it. Errors carry their place and say what to type.
    ///
    /// # Errors
    /// A diagnostic that points into `data`.
    fn read(data: &Data, cx: &ReadCx) -> Result<Self, Diagnostic>;

    /// Its value at `at`.
    fn now(&self, at: &Moment<'_>) -> Self::Now;

    /// Checks it against the declared range, as far as that is known before the run.
    ///
    /// # Errors
    /// The sentence to show, such as "5 is above 4".
    fn check(&self, _range: &RangeInclusive<f64>, _at: &Moment<'_>) -> Result<(), String> {
        Ok(())
    }

    /// The scalar streams (`node.port`) that its expressions read, each of which becomes a link.
    fn streams(&self) -> Vec<String> {
        Vec::new()
    }
}

/// How a parameter is written.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A number, schedule string or keyframes: varies over time.
    Curve,
    /// A number, the same throughout.
    Number,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Flag,
    /// Text.
    Text,
    /// A file or folder.
    Path,
    /// One of some words; each with what it means.
    Choice(&'static [(&'static str, &'static str)]),
    /// Text that may change over time: a text, or keyframes of texts.
    Prompt,
    /// `[width, height]`.
    Size,
    /// A frame number, or seconds as `4s`, or `1:02.5`.
    Time,
    /// Anything of the inner shape, or left out.
    Optional(Box<Shape>),
}
