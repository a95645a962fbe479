//! Curves: parameters that vary over time.

mod deforum;
mod integer;
mod keyframes;
mod read;
mod spline;
#[cfg(test)]
mod tests;

pub use deforum::{deforum_numbers, deforum_texts};
pub use integer::IntCurve;

use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::Arc;

use super::expr::{Env, Expr};
use super::{Data, Moment, Param, ReadCx, Shape, outside};
use crate::diag::{Diagnostic, Sources, Span};
use keyframes::{Keyframes, Level, Rules};
use spline::Spline;

/// A number that may vary over time.
///
/// It is written as a number (`0.65`), an expression (`0.5 + 0.1*sin(2*pi*t/24)`), a Deforum schedule
/// (`"0: (0.65), 30: (0.5)"`) or keyframes (`{ keys: { 0: 0.65, 4s: 0.45 }, ease: cubic, loop: 8s }`).
///
/// A schedule that Deforum accepts has the values it has there. Reading and cloning aside, nothing allocates.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve(Arc<Form>);

/// What a curve was written as.
#[derive(Debug, Clone, PartialEq)]
enum Form {
    Constant(f64),
    Expr(Expr),
    Keys(Keyframes),
    /// One spline through all keys; they stay for the check of their range.
    Spline(Spline, Keyframes),
}

/// The most ticks that a check samples; longer runs are sampled with gaps.
const SAMPLES: u64 = 20_000;

/// How far the value of a neighbouring tick is looked for where an expression has none, while the length is unknown.
const REACH: u64 = 1000;

impl Curve {
    /// Its value at `at`. Where an expression has none (the root of a negative number), the value lies straight between the
    /// nearest ticks that have one, as in Deforum; not a number (NaN) if there are none.
    #[must_use]
    pub fn at(&self, at: &Moment<'_>) -> f64 {
        let value = self.raw(at, at.tick);
        if value.is_nan() { self.filled(at) } else { value }
    }

    /// Its value, if that is the same at every tick.
    #[must_use]
    pub fn as_constant(&self) -> Option<f64> {
        match &*self.0 {
            Form::Constant(value) => Some(*value),
            Form::Expr(_) => None,
            Form::Keys(keys) | Form::Spline(_, keys) => match keys.knots() {
                [one] => {
                    if let Level::Number(value) = one.level {
                        Some(value)
                    } else {
                        None
                    }
                }
                _ => None,
            },
        }
    }

    /// Whether it asks for the length of the run (`max_f`), which must then be known.
    #[must_use]
    pub fn needs_length(&self) -> bool {
        let expr = |level: &Level| matches!(level, Level::Expr(expr) if expr.needs_length());
        match &*self.0 {
            Form::Constant(_) => false,
            Form::Expr(expr) => expr.needs_length(),
            Form::Keys(keys) | Form::Spline(_, keys) => keys.knots().iter().any(|knot| knot.when.needs_length() || expr(&knot.level)),
        }
    }

    /// The frames at which it has keys, in the order written; none for a constant or an expression.
    #[must_use]
    pub fn key_frames(&self, at: &Moment<'_>) -> Vec<f64> {
        match &*self.0 {
            Form::Constant(_) | Form::Expr(_) => Vec::new(),
            Form::Keys(keys) | Form::Spline(_, keys) => keys.knots().iter().map(|knot| knot.when.frame(&Env::new(at))).collect(),
        }
    }

    /// The value at `tick`, or NaN.
    fn raw(&self, at: &Moment<'_>, tick: u64) -> f64 {
        let env = Env { t: tick as f64, ..Env::new(at) };
        match &*self.0 {
            Form::Constant(value) => *value,
            Form::Expr(expr) => expr.eval(&env),
            Form::Keys(keys) => keys.at(&env),
            Form::Spline(spline, _) => spline.at(env.t),
        }
    }

    /// The value between the nearest ticks that have one.
    fn filled(&self, at: &Moment<'_>) -> f64 {
        let here = at.tick;
        let valued = |tick: u64| Some((tick as f64, self.raw(at, tick))).filter(|(_, value)| !value.is_nan());
        let before = (here.saturating_sub(REACH)..here).rev().find_map(valued);
        let end = at.length.unwrap_or(u64::MAX).min(here.saturating_add(REACH));
        let after = (here..end).find_map(valued);
        match (before, after) {
            (Some((x0, y0)), Some((x1, y1))) => y0 + (y1 - y0) / (x1 - x0) * (here as f64 - x0),
            (Some((_, value)), None) | (None, Some((_, value))) => value,
            (None, None) => f64::NAN,
        }
    }

    /// Its expressions.
    fn exprs(&self) -> Vec<&Expr> {
        match &*self.0 {
            Form::Constant(_) | Form::Spline(..) => Vec::new(),
            Form::Expr(expr) => vec![expr],
            Form::Keys(keys) => {
                keys.knots().iter().filter_map(|knot| if let Level::Expr(expr) = &knot.level { Some(expr) } else { None }).collect()
            }
        }
    }

    /// Checks the numbers of its keys; those that a schedule leaves out need no check.
    fn check_keys(&self, range: &RangeInclusive<f64>, at: &Moment<'_>) -> Result<(), String> {
        let (Form::Keys(keys) | Form::Spline(_, keys)) = &*self.0 else { return Ok(()) };
        let env = Env::new(at);
        let ends = |frame: f64| *keys.rules() == Rules::Schedule && at.length.is_some_and(|length| frame >= length as f64);
        for knot in keys.knots() {
            let frame = knot.when.frame(&env);
            if let Level::Number(value) = knot.level
                && !ends(frame)
            {
                outside(value, range).map_err(|sentence| format!("{sentence}, at frame {frame}"))?;
            }
        }
        Ok(())
    }
}

impl From<f64> for Curve {
    fn from(value: f64) -> Self {
        Self(Arc::new(Form::Constant(value)))
    }
}

/// Reads a number, an expression or a schedule string.
impl FromStr for Curve {
    type Err = Diagnostic;

    fn from_str(text: &str) -> Result<Self, Diagnostic> {
        let span = Span::new(Sources::default().add("<curve>", text), 0, text.len());
        read::from_text(text).map(|form| Self(Arc::new(form))).map_err(|fault| {
            let span = span.part(fault.at.clone());
            fault.diagnose_at("wrong-curve", span)
        })
    }
}

impl Param for Curve {
    type Now = f64;

    fn shape() -> Shape {
        Shape::Curve
    }

    fn read(data: &Data, _cx: &ReadCx) -> Result<Self, Diagnostic> {
        read::curve(data).map(|form| Self(Arc::new(form)))
    }

    fn now(&self, at: &Moment<'_>) -> f64 {
        self.at(at)
    }

    /// Constants and keys are checked as they stand; the rest at every tick of a run whose length is known, unless it depends on
    /// other nodes.
    fn check(&self, range: &RangeInclusive<f64>, at: &Moment<'_>) -> Result<(), String> {
        if let Some(value) = self.as_constant() {
            return outside(value, range);
        }
        if self.needs_length() && at.length.is_none() {
            return Err("`max_f` is the last frame, and how long this run is cannot be known".to_owned());
        }
        self.check_keys(range, at)?;
        let Some(length) = at.length.filter(|_| self.streams().is_empty()) else { return Ok(()) };
        let step = length.div_ceil(SAMPLES).max(1);
        (0..length).step_by(step as usize).try_for_each(|tick| {
            let moment = Moment { tick, ..at.clone() };
            outside(self.at(&moment), range).map_err(|sentence| format!("{sentence}, at frame {tick}"))
        })
    }

    fn streams(&self) -> Vec<String> {
        let mut names: Vec<String> = self.exprs().into_iter().flat_map(Expr::streams).cloned().collect();
        names.sort();
        names.dedup();
        names
    }
}
