//! What goes into and comes out of a model, and whether that is what was wanted.

use std::fmt;

use super::error::ModelError;
use super::session::Session;

/// The type of a tensor's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Element {
    /// 32-bit floats.
    F32,
    /// 16-bit floats.
    F16,
    /// 64-bit floats.
    F64,
    /// 64-bit integers.
    I64,
    /// 32-bit integers.
    I32,
    /// Bytes.
    U8,
    /// Truth values.
    Bool,
    /// Anything else, which Frameloom neither gives nor takes.
    Other,
}

impl Element {
    /// Whether it is a floating-point type.
    #[must_use]
    pub fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F16 | Self::F64)
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::F64 => "f64",
            Self::I64 => "i64",
            Self::I32 => "i32",
            Self::U8 => "u8",
            Self::Bool => "bool",
            Self::Other => "other",
        })
    }
}

/// The length of one axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dim {
    /// Always the same.
    Fixed(usize),
    /// Any length, perhaps with a name.
    Dynamic(Option<String>),
}

impl Dim {
    /// The length, where it is fixed.
    #[must_use]
    pub fn fixed(&self) -> Option<usize> {
        match self {
            Self::Fixed(n) => Some(*n),
            Self::Dynamic(_) => None,
        }
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(n) => write!(f, "{n}"),
            Self::Dynamic(Some(name)) => f.write_str(name),
            Self::Dynamic(None) => f.write_str("?"),
        }
    }
}

/// One input or output of a model. Shown as `image: f32 [1, 3, h, w]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its name in the model.
    pub name: String,
    /// What it holds.
    pub element: Element,
    /// Its axes.
    pub shape: Vec<Dim>,
}

impl TensorInfo {
    /// How many axes it has.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// The length of an axis where the model fixes it.
    #[must_use]
    pub fn fixed(&self, axis: usize) -> Option<usize> {
        self.shape.get(axis).and_then(Dim::fixed)
    }
}

impl fmt::Display for TensorInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let axes: Vec<String> = self.shape.iter().map(ToString::to_string).collect();
        write!(f, "{}: {} [{}]", self.name, self.element, axes.join(", "))
    }
}

/// What is wanted of one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Any length.
    Any,
    /// This length, fixed or dynamic.
    Is(usize),
}

/// What is wanted of one input or output.
#[derive(Debug, Clone, Copy)]
pub struct Slot<'a> {
    /// The names it may have; empty: the one at the same position, whatever it is called.
    pub names: &'a [&'a str],
    /// Whether it must hold floats (of any width) or integers.
    pub float: bool,
    /// Its axes.
    pub shape: &'a [Want],
}

impl Slot<'_> {
    fn describe(&self) -> String {
        let axes: Vec<String> = self
            .shape
            .iter()
            .map(|want| match want {
                Want::Any => "?".to_owned(),
                Want::Is(n) => n.to_string(),
            })
            .collect();
        let name = if self.names.is_empty() { String::new() } else { format!("`{}` ", self.names.join("` or `")) };
        format!("{name}of {} [{}]", if self.float { "floats" } else { "integers" }, axes.join(", "))
    }

    fn misfit(&self, info: &TensorInfo) -> Option<String> {
        let element_fits = match info.element {
            Element::F32 | Element::F16 | Element::F64 => self.float,
            Element::I64 | Element::I32 | Element::U8 => !self.float,
            Element::Bool | Element::Other => false,
        };
        let shape_fits = info.rank() == self.shape.len()
            && info.shape.iter().zip(self.shape).all(|(dim, want)| match (dim.fixed(), want) {
                (Some(has), Want::Is(wanted)) => has == *wanted,
                _ => true,
            });
        (!element_fits || !shape_fits).then(|| format!("`{info}` is there"))
    }
}

/// Checks a model's inputs and outputs against what `what` (such as `a depth model`) must have. More of either is no mistake.
///
/// # Errors
/// [`ModelError::Signature`], which says what was expected and lists all that the model has.
pub fn expect(session: &Session, what: &str, inputs: &[Slot<'_>], outputs: &[Slot<'_>]) -> Result<(), ModelError> {
    let sides = [("input", inputs, session.inputs()), ("output", outputs, session.outputs())];
    for (side, wanted, has) in sides {
        for (at, slot) in wanted.iter().enumerate() {
            let found = if slot.names.is_empty() { has.get(at) } else { has.iter().find(|i| slot.names.contains(&i.name.as_str())) };
            let misfit = found.map_or_else(|| Some("there is none".to_owned()), |info| slot.misfit(info));
            if let Some(misfit) = misfit {
                return Err(session.signature_error(what, format!("an {side} {} is expected, {misfit}", slot.describe())));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::model::SessionOptions;

    const IMAGE: Slot<'_> = Slot { names: &[], float: true, shape: &[Want::Any, Want::Is(3), Want::Any, Want::Any] };
    const DEPTH: Slot<'_> = Slot { names: &[], float: true, shape: &[Want::Any, Want::Is(1), Want::Any, Want::Any] };

    fn check(name: &str, inputs: &[Slot<'_>], outputs: &[Slot<'_>]) -> Result<(), String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models").join(name);
        let session = Session::open(&path, &SessionOptions::default()).unwrap();
        expect(&session, "a depth model", inputs, outputs).map_err(|e| e.to_string())
    }

    #[test]
    fn a_model_that_fits_passes() {
        assert_eq!(check("first_channel.onnx", &[IMAGE], &[DEPTH]), Ok(()));
    }

    #[test]
    fn a_model_that_does_not_fit_is_described() {
        let error = check("label.onnx", &[IMAGE], &[DEPTH]).unwrap_err();
        assert!(error.contains("is not a depth model: an output of floats [?, 1, ?, ?] is expected"), "{error}");
        assert!(
            error.contains("`score: f32 [n, 3]` is there\nit has\n  input image: f32 [n, 3, h, w]\n  output score: f32 [n, 3]"),
            "{error}"
        );
        let style = Slot { names: &["style"], ..IMAGE };
        assert!(
            check("invert.onnx", &[IMAGE, style], &[]).unwrap_err().contains("`style` of floats [?, 3, ?, ?] is expected, there is none")
        );
        let ids = Slot { names: &[], float: false, shape: &[Want::Any] };
        assert!(check("invert.onnx", &[ids], &[]).unwrap_err().contains("of integers [?]"));
    }
}
