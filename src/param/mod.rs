//! Parameters: what an author may set on a node, how it is read from the document, and its value at a tick.

#[macro_use]
mod choice;
mod curve;
mod data;
mod ease;
mod expr;
mod held;
mod keyed;
mod keys;
mod list;
mod mask;
mod moment;
mod path;
mod prompt;
mod rhythm;
mod seed;
mod shape;
mod simple;
mod size;
mod time;
mod weighted;

pub use crate::diag::{Diagnostic, split_advice};
pub use curve::{Curve, IntCurve, deforum_numbers, deforum_texts};
pub use data::{Data, Key, Value};
pub use expr::function_reference;
pub use held::{Held, TextCurve};
pub use list::Pairs;
pub use mask::{Filter, Join, Linked, MaskExpr, MaskPart, MaskTree, Measure, mask_reference};
pub use moment::{Fps, Moment};
pub use path::PathParam;
pub use prompt::{Prompt, PromptAt};
pub use rhythm::Rhythm;
pub use seed::{Seed, SeedBehavior, SeedNow};
pub use shape::Shape;
pub use size::SizeParam;
pub use time::Time;
pub use weighted::{Weighted, WeightedAt};

#[doc(hidden)]
pub use choice::read as read_choice;

use std::ops::RangeInclusive;
use std::path::PathBuf;

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

/// The names of all eases, as a curve's `ease` takes them.
#[must_use]
pub fn ease_names() -> Vec<String> {
    ease::Ease::names().collect()
}

/// The error for a value of the wrong type: what was wanted, what stands there.
fn wrong_type(data: &Data, wanted: &str) -> Diagnostic {
    let found = data.what();
    Diagnostic::error("wrong-type", format!("expected {wanted}, found {found}")).at(data.span, format!("this is {found}"))
}

/// The sentence for a number outside `range`, where it is.
fn outside(value: f64, range: &RangeInclusive<f64>) -> Result<(), String> {
    if value.is_nan() {
        Err("the value is not a number".to_owned())
    } else if value < *range.start() {
        Err(format!("{value} is below {}", range.start()))
    } else if value > *range.end() {
        Err(format!("{value} is above {}", range.end()))
    } else {
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! What the tests of this folder share.

    use super::{Data, Param, ReadCx, Value};
    use crate::diag::{Diagnostic, Sources, Span};

    /// `value` as though it stood alone in a document.
    pub fn data(value: Value) -> Data {
        let length = if let Value::Text(text) = &value { text.len() } else { 1 };
        let mut data = Data::new(Span::new(Sources::default().add("g.yaml", ""), 0, length), value);
        data.inner = Some(0);
        data
    }

    /// Reads `value` as a `P` beside `/graphs`.
    pub fn read<P: Param>(value: Value) -> Result<P, Diagnostic> {
        P::read(&data(value), &ReadCx { base: "/graphs".into() })
    }

    /// Reads text as a `P`.
    pub fn read_text<P: Param>(text: &str) -> Result<P, Diagnostic> {
        read(Value::Text(text.to_owned()))
    }
}
