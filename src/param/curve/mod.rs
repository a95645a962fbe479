//! Curves: parameters that vary over time.

use std::ops::RangeInclusive;

use super::{Data, Moment, Param, ReadCx, Shape, outside};
use crate::diag::Diagnostic;

/// A number that may vary over time: a constant, a Deforum schedule, keyframes or an expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve(f64);

impl Curve {
    /// Its value at `at`.
    #[must_use]
    pub fn at(&self, _at: &Moment<'_>) -> f64 {
        self.0
    }

    /// Its value, if that is the same at every tick.
    #[must_use]
    pub fn as_constant(&self) -> Option<f64> {
        Some(self.0)
    }
}

impl From<f64> for Curve {
    fn from(value: f64) -> Self {
        Self(value)
    }
}

impl Param for Curve {
    type Now = f64;

    fn shape() -> Shape {
        Shape::Curve
    }

    fn read(data: &Data, cx: &ReadCx) -> Result<Self, Diagnostic> {
        f64::read(data, cx).map(Self)
    }

    fn now(&self, at: &Moment<'_>) -> f64 {
        self.at(at)
    }

    fn check(&self, range: &RangeInclusive<f64>, _at: &Moment<'_>) -> Result<(), String> {
        outside(self.0, range)
    }
}

/// A whole number that may vary over time, written as a [`Curve`]; between whole numbers it is cut off towards zero.
#[derive(Debug, Clone, PartialEq)]
pub struct IntCurve(Curve);

impl IntCurve {
    /// Its value at `at`.
    #[must_use]
    pub fn at(&self, at: &Moment<'_>) -> i64 {
        self.0.at(at) as i64
    }

    /// Its value, if that is the same at every tick.
    #[must_use]
    pub fn as_constant(&self) -> Option<i64> {
        self.0.as_constant().map(|value| value as i64)
    }
}

impl From<i64> for IntCurve {
    fn from(value: i64) -> Self {
        Self(Curve::from(value as f64))
    }
}

impl Param for IntCurve {
    type Now = i64;

    fn shape() -> Shape {
        Shape::IntegerCurve
    }

    fn read(data: &Data, cx: &ReadCx) -> Result<Self, Diagnostic> {
        Curve::read(data, cx).map(Self)
    }

    fn now(&self, at: &Moment<'_>) -> i64 {
        self.at(at)
    }

    fn check(&self, range: &RangeInclusive<f64>, at: &Moment<'_>) -> Result<(), String> {
        self.0.check(range, at)
    }
}
