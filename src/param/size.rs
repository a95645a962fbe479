//! Widths and heights.

use std::fmt;
use std::ops::RangeInclusive;

use super::{Data, Moment, Param, ReadCx, Shape, Value, outside, wrong_type};
use crate::diag::Diagnostic;
use crate::frame::Size;

/// The largest width or height that makes sense to ask for: beyond it a frame's planes pass 16 GiB.
const LARGEST: usize = 65_536;

/// `[768, 432]` or `768x432`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizeParam(pub Size);

impl From<Size> for SizeParam {
    fn from(size: Size) -> Self {
        Self(size)
    }
}

impl From<[usize; 2]> for SizeParam {
    fn from([width, height]: [usize; 2]) -> Self {
        Self(Size::new(width, height))
    }
}

impl fmt::Display for SizeParam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {}]", self.0.width, self.0.height)
    }
}

/// One side of the list form.
fn side(data: &Data) -> Result<usize, Diagnostic> {
    let Value::Integer(number) = data.value else { return Err(wrong_type(data, "a whole number of pixels")) };
    usize::try_from(number).ok().filter(|side| (1..=LARGEST).contains(side)).ok_or_else(|| {
        Diagnostic::error("wrong-size", format!("{number} pixels is no size")).at(data.span, format!("sizes run from 1 to {LARGEST}"))
    })
}

impl SizeParam {
    /// Reads `768x432`.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let (width, height) = text.split_once(['x', 'X', '×'])?;
        let side = |text: &str| text.trim().parse().ok().filter(|side| (1..=LARGEST).contains(side));
        Some(Self(Size::new(side(width)?, side(height)?)))
    }
}

impl Param for SizeParam {
    type Now = Size;

    fn shape() -> Shape {
        Shape::Size
    }

    fn read(data: &Data, _cx: &ReadCx) -> Result<Self, Diagnostic> {
        let size = match &data.value {
            Value::List(sides) => match sides.as_slice() {
                [width, height] => Some(Size::new(side(width)?, side(height)?)),
                _ => None,
            },
            Value::Text(text) => Self::from_text(text).map(|size| size.0),
            _ => None,
        };
        size.map(Self).ok_or_else(|| wrong_type(data, "a width and a height").help("write `[768, 432]` or `768x432`"))
    }

    fn now(&self, _at: &Moment<'_>) -> Size {
        self.0
    }

    fn check(&self, range: &RangeInclusive<f64>, _at: &Moment<'_>) -> Result<(), String> {
        outside(self.0.width as f64, range)?;
        outside(self.0.height as f64, range)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{data, read, read_text};
    use super::*;

    #[test]
    fn both_spellings_read_the_same() {
        let pair = |w, h| Value::List(vec![data(Value::Integer(w)), data(Value::Integer(h))]);
        assert_eq!(read::<SizeParam>(pair(768, 432)), Ok([768, 432].into()));
        assert_eq!(read_text::<SizeParam>("768 x 432"), Ok([768, 432].into()));
        assert_eq!(read::<SizeParam>(pair(0, 432)).unwrap_err().message, "0 pixels is no size");
        assert!(read::<SizeParam>(Value::Integer(512)).is_err());
        assert!(read_text::<SizeParam>("768x").is_err());
    }
}
