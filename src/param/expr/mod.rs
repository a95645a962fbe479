//! Expressions: `0.5 + 0.1*sin(2*pi*t/24)`.
//!
//! The language is that of numexpr, which Deforum's schedules use, with Python's precedences; to it come `and`, `or`, `not`,
//! functions of several arguments, waves with periods, randomness, units of time (`4s`, `8b`) and the values of other nodes.

mod call;
mod fault;
mod functions;
mod lexer;
mod numexpr;
mod ops;
mod parser;
mod random;

pub use fault::Fault;
pub use ops::Env;

use ops::{Op, Var};

/// A parsed expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    ops: Box<[Op]>,
    streams: Box<[String]>,
    whole: bool,
}

impl Expr {
    /// Reads `text`.
    ///
    /// # Errors
    /// The first thing that is wrong, and where in `text`.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        parser::parse(text, false).map(Self::from)
    }

    /// Reads `text` if it is an expression that Deforum evaluates, with numexpr 2.10.
    ///
    /// # Errors
    /// The first thing that it does not take, and where in `text`.
    pub fn parse_numexpr(text: &str) -> Result<Self, Fault> {
        parser::parse(text, true).map(Self::from)
    }

    /// A number.
    pub fn constant(value: f64) -> Self {
        Self { ops: Box::new([Op::Const(value)]), streams: Box::default(), whole: false }
    }

    /// Its value. Whatever cannot be computed, such as the root of −1, is not a number (NaN); a stream that has no value is 0.
    pub fn eval(&self, env: &Env<'_>) -> f64 {
        ops::run(&self.ops, env, &self.streams)
    }

    /// Its value, if nothing in it depends on the run.
    pub fn as_constant(&self) -> Option<f64> {
        match *self.ops {
            [Op::Const(value)] => Some(value),
            _ => None,
        }
    }

    /// Its value as Python would print it: `9` for whole numbers, `9.0` for others.
    pub fn print(&self, env: &Env<'_>) -> String {
        let value = self.eval(env);
        if self.whole || !value.is_finite() { format!("{value}") } else { format!("{value:?}") }
    }

    /// The streams it reads.
    pub fn streams(&self) -> &[String] {
        &self.streams
    }

    /// Whether it is the same at every tick of one run: it may ask for the length or the seed, but not for the time.
    pub fn is_steady(&self) -> bool {
        self.streams.is_empty()
            && self.ops.iter().all(|op| match op {
                Op::Var(var) => matches!(var, Var::Last | Var::Seed | Var::Fps | Var::Width | Var::Height | Var::Bpm),
                Op::Seconds(_) | Op::Beats(_) => true,
                op => op.is_pure(),
            })
    }

    /// Whether it speaks of seconds or beats.
    pub fn has_units(&self) -> bool {
        self.ops.iter().any(|op| matches!(op, Op::Seconds(_) | Op::Beats(_)))
    }

    /// Whether it asks for the length of the run.
    pub fn needs_length(&self) -> bool {
        self.ops.contains(&Op::Var(Var::Last))
    }
}

impl From<parser::Parsed> for Expr {
    fn from(parsed: parser::Parsed) -> Self {
        Self { ops: parsed.ops.into(), streams: parsed.streams.into(), whole: parsed.whole }
    }
}

/// Every function that expressions can call, as it is written, with what it is for.
pub fn function_reference() -> impl Iterator<Item = (String, &'static str)> {
    functions::ALL.iter().map(|function| (function.signature(), function.about))
}

#[cfg(test)]
mod tests;
