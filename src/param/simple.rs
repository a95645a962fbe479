//! The simple parameters: flags, numbers, text, and anything that may be left out.

use std::ops::RangeInclusive;

use super::{Data, Moment, Param, ReadCx, Shape, Value, outside, wrong_type};
use crate::diag::Diagnostic;

impl Param for bool {
    type Now = Self;

    fn shape() -> Shape {
        Shape::Flag
    }

    fn read(data: &Data, _cx: &ReadCx) -> Result<Self, Diagnostic> {
        if let Value::Bool(flag) = data.value {
            return Ok(flag);
        }
        let meant = match data.text().map(str::to_lowercase).as_deref() {
            Some("yes" | "on" | "true" | "y") => "write `true`",
            Some("no" | "off" | "false" | "n") => "write `false`",
            _ => "write `true` or `false`",
        };
        Err(wrong_type(data, "true or false").help(meant))
    }

    fn now(&self, _at: &Moment<'_>) -> Self {
        *self
    }
}

impl Param for i64 {
    type Now = Self;

    fn shape() -> Shape {
        Shape::Integer
    }

    fn read(data: &Data, _cx: &ReadCx) -> Result<Self, Diagnostic> {
        match &data.value {
            Value::Integer(number) => Ok(*number),
            Value::Number(number) if number.is_finite() && number.abs() < 1e15 => {
                Err(wrong_type(data, "a whole number").help(format!("write `{}`", number.round() as Self)))
            }
            Value::Text(text) if text.trim().parse::<Self>().is_ok() => {
                Err(wrong_type(data, "a whole number").help("leave the quotes out"))
            }
            _ => Err(wrong_type(data, "a whole number")),
        }
    }

    fn now(&self, _at: &Moment<'_>) -> Self {
        *self
    }

    fn check(&self, range: &RangeInclusive<f64>, _at: &Moment<'_>) -> Result<(), String> {
        outside(*self as f64, range)
    }
}

impl Param for f64 {
    type Now = Self;

    fn shape() -> Shape {
        Shape::Number
    }

    fn read(data: &Data, _cx: &ReadCx) -> Result<Self, Diagnostic> {
        match (data.number(), data.text()) {
            (Some(number), _) if number.is_finite() => Ok(number),
            (Some(_), _) => Err(wrong_type(data, "a finite number")),
            (None, Some(text)) if text.trim().parse::<Self>().is_ok() => Err(wrong_type(data, "a number").help("leave the quotes out")),
            (None, Some(_)) => Err(wrong_type(data, "a number").help("write one number; this parameter stays the same throughout")),
            (None, None) => Err(wrong_type(data, "a number")),
        }
    }

    fn now(&self, _at: &Moment<'_>) -> Self {
        *self
    }

    fn check(&self, range: &RangeInclusive<f64>, _at: &Moment<'_>) -> Result<(), String> {
        outside(*self, range)
    }
}

impl Param for String {
    type Now = Self;

    fn shape() -> Shape {
        Shape::Text
    }

    fn read(data: &Data, _cx: &ReadCx) -> Result<Self, Diagnostic> {
        match &data.value {
            Value::Text(text) => Ok(text.clone()),
            Value::Integer(_) | Value::Number(_) | Value::Bool(_) => Err(wrong_type(data, "text").help("put it in quotes")),
            _ => Err(wrong_type(data, "text")),
        }
    }

    fn now(&self, _at: &Moment<'_>) -> Self {
        self.clone()
    }
}

/// May be left out, or written as `null` to undo a preset's value.
impl<P: Param> Param for Option<P> {
    type Now = Option<P::Now>;

    fn shape() -> Shape {
        Shape::Optional(Box::new(P::shape()))
    }

    fn read(data: &Data, cx: &ReadCx) -> Result<Self, Diagnostic> {
        if data.value == Value::Null { Ok(None) } else { P::read(data, cx).map(Some) }
    }

    fn now(&self, at: &Moment<'_>) -> Self::Now {
        self.as_ref().map(|inner| inner.now(at))
    }

    fn check(&self, range: &RangeInclusive<f64>, at: &Moment<'_>) -> Result<(), String> {
        self.as_ref().map_or(Ok(()), |inner| inner.check(range, at))
    }

    fn streams(&self) -> Vec<String> {
        self.as_ref().map(P::streams).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read, read_text};
    use super::*;

    #[test]
    fn each_reads_its_own_type_and_says_what_to_type_otherwise() {
        assert_eq!(read::<bool>(Value::Bool(true)), Ok(true));
        assert_eq!(read::<i64>(Value::Integer(-3)), Ok(-3));
        assert_eq!(read::<f64>(Value::Integer(2)), Ok(2.0));
        assert_eq!(read_text::<String>("a"), Ok("a".to_owned()));

        let flag = read_text::<bool>("yes").unwrap_err();
        assert_eq!(flag.message, "expected true or false, found text");
        assert_eq!(flag.help, ["write `true`"]);
        assert_eq!(read::<i64>(Value::Number(3.0)).unwrap_err().help, ["write `3`"]);
        assert_eq!(read::<String>(Value::Integer(5)).unwrap_err().help, ["put it in quotes"]);
        assert!(read::<f64>(Value::Number(f64::INFINITY)).is_err());
    }

    #[test]
    fn options_forward_to_what_they_hold() {
        assert_eq!(read::<Option<i64>>(Value::Null), Ok(None));
        let five = read::<Option<i64>>(Value::Integer(5)).unwrap();
        assert_eq!(five.now(&Moment::default()), Some(5));
        assert_eq!(five.check(&(0.0..=4.0), &Moment::default()), Err("5 is above 4".to_owned()));
    }
}
