//! Lists of parameters, and lists of named texts.

use std::ops::RangeInclusive;

use super::{Data, Moment, Param, ReadCx, Shape, Value, wrong_type};
use crate::diag::Diagnostic;

/// A list; one value alone may stand without brackets.
impl<P: Param> Param for Vec<P> {
    type Now = Vec<P::Now>;

    fn shape() -> Shape {
        Shape::List(Box::new(P::shape()))
    }

    fn read(data: &Data, cx: &ReadCx) -> Result<Self, Diagnostic> {
        match &data.value {
            Value::List(items) => items.iter().map(|item| P::read(item, cx)).collect(),
            Value::Null => Ok(Vec::new()),
            _ => P::read(data, cx).map(|one| vec![one]),
        }
    }

    fn now(&self, at: &Moment<'_>) -> Self::Now {
        self.iter().map(|item| item.now(at)).collect()
    }

    fn check(&self, range: &RangeInclusive<f64>, at: &Moment<'_>) -> Result<(), String> {
        self.iter().try_for_each(|item| item.check(range, at))
    }

    fn streams(&self) -> Vec<String> {
        self.iter().flat_map(P::streams).collect()
    }
}

/// Texts by name, in the order written: `{ title: Street, artist: Kim }`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pairs(pub Vec<(String, String)>);

impl Param for Pairs {
    type Now = Self;

    fn shape() -> Shape {
        Shape::Pairs
    }

    fn read(data: &Data, _cx: &ReadCx) -> Result<Self, Diagnostic> {
        match &data.value {
            Value::Map(entries) => {
                entries.iter().map(|(key, value)| Ok((key.text.clone(), scalar_text(value)?))).collect::<Result<_, _>>().map(Self)
            }
            Value::Null => Ok(Self::default()),
            _ => Err(wrong_type(data, "names and texts").help("write `{ title: My film }`")),
        }
    }

    fn now(&self, _at: &Moment<'_>) -> Self {
        self.clone()
    }
}

/// A scalar as text: a year or a `true` needs no quotes among named texts.
fn scalar_text(data: &Data) -> Result<String, Diagnostic> {
    match &data.value {
        Value::Text(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Null => Ok(String::new()),
        Value::List(_) | Value::Map(_) => Err(wrong_type(data, "text")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{data, read, read_text};
    use super::*;
    use crate::param::Key;

    #[test]
    fn one_value_is_a_list_of_one() {
        assert_eq!(read_text::<Vec<String>>("a"), Ok(vec!["a".to_owned()]));
        assert_eq!(read::<Vec<i64>>(Value::List(vec![data(Value::Integer(1)), data(Value::Integer(2))])), Ok(vec![1, 2]));
        assert!(read::<Vec<i64>>(Value::List(vec![data(Value::Bool(true))])).is_err());
    }

    #[test]
    fn pairs_keep_order_and_take_numbers_as_text() {
        let key = |text: &str| Key { span: data(Value::Null).span, inner: None, text: text.to_owned() };
        let map = vec![(key("year"), data(Value::Integer(2024))), (key("artist"), data(Value::Text("Kim".into())))];
        let pairs = read::<Pairs>(Value::Map(map)).unwrap();
        assert_eq!(pairs.0, [("year".into(), "2024".into()), ("artist".into(), "Kim".to_owned())]);
    }
}
