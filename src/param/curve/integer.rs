use std::ops::RangeInclusive;

use super::super::{Data, Moment, Param, ReadCx, Shape};
use super::Curve;
use crate::diag::Diagnostic;

/// A whole number that may vary over time, written as a [`Curve`]. Between whole numbers it is cut off towards zero, as in
/// Deforum: `"0: (10), 10: (20)"` is 14 at frame 4 and 20 only at frame 10.
#[derive(Debug, Clone, PartialEq)]
pub struct IntCurve(Curve);

/// What a value may fall short of a whole number by and still count as it: ramps do not hit whole numbers exactly.
const SLACK: f64 = 1e-9;

fn cut(value: f64) -> i64 {
    (value + SLACK.copysign(value)).trunc() as i64
}

impl IntCurve {
    /// Its value at `at`.
    #[must_use]
    pub fn at(&self, at: &Moment<'_>) -> i64 {
        cut(self.0.at(at))
    }

    /// Its value, if that is the same at every tick.
    #[must_use]
    pub fn as_constant(&self) -> Option<i64> {
        self.0.as_constant().map(cut)
    }

    /// The curve before it is cut off.
    #[must_use]
    pub fn curve(&self) -> &Curve {
        &self.0
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

    fn streams(&self) -> Vec<String> {
        self.0.streams()
    }
}
