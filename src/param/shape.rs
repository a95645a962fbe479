//! How parameters are written.

/// How a parameter is written.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A number, schedule string or keyframes: varies over time.
    Curve,
    /// A number, the same throughout.
    Number,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Flag,
    /// Text.
    Text,
    /// A file or folder.
    Path,
    /// One of some words; each with what it means.
    Choice(&'static [(&'static str, &'static str)]),
    /// Text that may change over time: a text, or keyframes of texts.
    Prompt,
    /// `[width, height]`.
    Size,
    /// A frame number, or seconds as `4s`, or `1:02.5`.
    Time,
    /// Anything of the inner shape, or left out.
    Optional(Box<Shape>),
    /// A whole number, or one that varies over time like a curve.
    IntegerCurve,
    /// The inner shape, or keyframes of it, each held until the next.
    Held(Box<Shape>),
    /// A list of the inner shape; one alone may stand without brackets.
    List(Box<Shape>),
    /// `{ name: text, … }`.
    Pairs,
}

impl Shape {
    /// The shape without "may be left out" and "may vary over time" around it.
    #[must_use]
    pub fn inner(&self) -> &Self {
        match self {
            Self::Optional(inner) | Self::Held(inner) => inner.inner(),
            other => other,
        }
    }
}
