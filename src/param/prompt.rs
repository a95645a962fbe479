//! Prompts: texts that may change over time.

use super::{Data, Moment, Param, ReadCx, Shape};
use crate::diag::Diagnostic;

/// A text, or keyframes of texts, each held until the next.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt(String);

impl From<&str> for Prompt {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl Param for Prompt {
    type Now = String;

    fn shape() -> Shape {
        Shape::Prompt
    }

    fn read(data: &Data, cx: &ReadCx) -> Result<Self, Diagnostic> {
        String::read(data, cx).map(Self)
    }

    fn now(&self, _at: &Moment<'_>) -> String {
        self.0.clone()
    }
}
