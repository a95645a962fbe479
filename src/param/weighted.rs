//! Files that count more or less.

use std::ops::RangeInclusive;

use super::{Curve, Data, Moment, Param, PathParam, ReadCx, Shape, Value, wrong_type};
use crate::diag::Diagnostic;

/// A file with how much it counts over time: `{ file: x.safetensors, weight: 0.8 }`, or the file alone, which counts 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighted {
    file: PathParam,
    weight: Curve,
    /// How much it counts for texts, where that is something else.
    text_weight: Option<Curve>,
}

/// A [`Weighted`] at one tick.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightedAt {
    /// The file.
    pub file: PathParam,
    /// How much it counts.
    pub weight: f64,
    /// How much it counts for texts.
    pub text_weight: f64,
}

const FIELDS: [&str; 3] = ["file", "weight", "text_weight"];

impl Weighted {
    /// The file.
    #[must_use]
    pub fn file(&self) -> &PathParam {
        &self.file
    }
}

impl Param for Weighted {
    type Now = WeightedAt;

    fn shape() -> Shape {
        Shape::Weighted
    }

    fn read(data: &Data, cx: &ReadCx) -> Result<Self, Diagnostic> {
        let Value::Map(entries) = &data.value else {
            let file = PathParam::read(data, cx).map_err(|_| wrong_type(data, "a file, or `{ file: x.safetensors, weight: 0.8 }`"))?;
            return Ok(Self { file, weight: Curve::from(1.0), text_weight: None });
        };
        if let Some((key, _)) = entries.iter().find(|(key, _)| !FIELDS.contains(&key.text.as_str())) {
            return Err(Diagnostic::error("unknown-key", format!("a weighted file has no `{}`", key.text))
                .at(key.span, "")
                .help("choose one of `file`, `weight` and `text_weight`"));
        }
        let Some(file) = data.get("file") else {
            return Err(Diagnostic::error("missing", "no file is named")
                .at(data.span, "")
                .help("write `{ file: x.safetensors, weight: 0.8 }`"));
        };
        let curve = |key: &str| data.get(key).map(|data| Curve::read(data, cx)).transpose();
        Ok(Self {
            file: PathParam::read(file, cx)?,
            weight: curve("weight")?.unwrap_or_else(|| Curve::from(1.0)),
            text_weight: curve("text_weight")?,
        })
    }

    fn now(&self, at: &Moment<'_>) -> WeightedAt {
        let weight = self.weight.now(at);
        WeightedAt { file: self.file.clone(), weight, text_weight: self.text_weight.as_ref().map_or(weight, |curve| curve.now(at)) }
    }

    fn check(&self, range: &RangeInclusive<f64>, at: &Moment<'_>) -> Result<(), String> {
        self.weight.check(range, at)?;
        self.text_weight.as_ref().map_or(Ok(()), |curve| curve.check(range, at))
    }

    fn streams(&self) -> Vec<String> {
        self.weight.streams().into_iter().chain(self.text_weight.iter().flat_map(Curve::streams)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{data, read, read_text};
    use super::*;

    fn map(entries: &[(&str, Value)]) -> Value {
        let key = |text: &str| super::super::Key { text: text.to_owned(), span: data(Value::Null).span, inner: None };
        Value::Map(entries.iter().map(|(name, value)| (key(name), data(value.clone()))).collect())
    }

    #[test]
    fn a_file_alone_counts_one() {
        let now = read_text::<Weighted>("x.safetensors").unwrap().now(&Moment::default());
        assert_eq!((now.file.text(), now.weight, now.text_weight), ("x.safetensors", 1.0, 1.0));
    }

    #[test]
    fn weights_are_curves() {
        let text = |text: &str| Value::Text(text.to_owned());
        let both = [("file", text("x")), ("weight", text("0: (0), 10: (1)")), ("text_weight", Value::Number(0.5))];
        let now = read::<Weighted>(map(&both)).unwrap().now(&Moment { tick: 5, ..Moment::default() });
        assert_eq!((now.weight, now.text_weight), (0.5, 0.5));
        assert!(read::<Weighted>(map(&[("weight", Value::Number(1.0))])).unwrap_err().message.contains("no file"));
        assert!(read::<Weighted>(map(&[("file", text("x")), ("alpha", Value::Number(1.0))])).is_err());
    }
}
