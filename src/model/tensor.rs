//! Arrays that go into and come out of a model.

use half::f16;
use ndarray::{ArrayD, ArrayView, ArrayViewD, Dimension, IxDyn};

/// An array that a model gave, or that is kept to be given to one.
#[derive(Debug, Clone, PartialEq)]
pub enum Tensor {
    /// 32-bit floats.
    F32(ArrayD<f32>),
    /// 16-bit floats.
    F16(ArrayD<f16>),
    /// 64-bit integers.
    I64(ArrayD<i64>),
    /// 32-bit integers.
    I32(ArrayD<i32>),
    /// Bytes.
    U8(ArrayD<u8>),
    /// Truth values.
    Bool(ArrayD<bool>),
}

/// A view of an array that goes into a model; made from any `ndarray` view, from a [`Tensor`], or from a slice by [`TensorRef::of`].
#[derive(Debug, Clone)]
pub enum TensorRef<'a> {
    /// 32-bit floats.
    F32(ArrayViewD<'a, f32>),
    /// 16-bit floats.
    F16(ArrayViewD<'a, f16>),
    /// 64-bit integers.
    I64(ArrayViewD<'a, i64>),
    /// 32-bit integers.
    I32(ArrayViewD<'a, i32>),
    /// Bytes.
    U8(ArrayViewD<'a, u8>),
    /// Truth values.
    Bool(ArrayViewD<'a, bool>),
}

macro_rules! each {
    ($self:ident, $enum:ident, $array:ident => $body:expr) => {
        match $self {
            $enum::F32($array) => $body,
            $enum::F16($array) => $body,
            $enum::I64($array) => $body,
            $enum::I32($array) => $body,
            $enum::U8($array) => $body,
            $enum::Bool($array) => $body,
        }
    };
}

impl Tensor {
    /// The lengths of its axes.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        each!(self, Self, array => array.shape())
    }

    /// A view to give to [`Session::run`](super::Session::run).
    #[must_use]
    pub fn view(&self) -> TensorRef<'_> {
        match self {
            Self::F32(array) => TensorRef::F32(array.view()),
            Self::F16(array) => TensorRef::F16(array.view()),
            Self::I64(array) => TensorRef::I64(array.view()),
            Self::I32(array) => TensorRef::I32(array.view()),
            Self::U8(array) => TensorRef::U8(array.view()),
            Self::Bool(array) => TensorRef::Bool(array.view()),
        }
    }

    /// As 32-bit floats; true is 1. Costs nothing when it already is.
    #[must_use]
    pub fn into_f32(self) -> ArrayD<f32> {
        match self {
            Self::F32(array) => array,
            Self::F16(array) => array.mapv(f16::to_f32),
            Self::I64(array) => array.mapv(|v| v as f32),
            Self::I32(array) => array.mapv(|v| v as f32),
            Self::U8(array) => array.mapv(f32::from),
            Self::Bool(array) => array.mapv(|v| f32::from(u8::from(v))),
        }
    }

    /// The 32-bit floats, if it holds them, in row-major order.
    #[must_use]
    pub fn as_f32(&self) -> Option<&[f32]> {
        match self {
            Self::F32(array) => array.as_slice(),
            _ => None,
        }
    }
}

impl<'a> TensorRef<'a> {
    /// `data` in row-major order as an array of `shape`; `None` when the lengths differ.
    #[must_use]
    pub fn of(data: &'a [f32], shape: &[usize]) -> Option<Self> {
        ArrayViewD::from_shape(IxDyn(shape), data).ok().map(Self::F32)
    }

    /// The lengths of its axes.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        each!(self, Self, array => array.shape())
    }
}

impl<'a> From<&'a Tensor> for TensorRef<'a> {
    fn from(tensor: &'a Tensor) -> Self {
        tensor.view()
    }
}

macro_rules! from_arrays {
    ($($variant:ident $element:ty),*) => {$(
        impl<'a, D: Dimension> From<ArrayView<'a, $element, D>> for TensorRef<'a> {
            fn from(view: ArrayView<'a, $element, D>) -> Self {
                Self::$variant(view.into_dyn())
            }
        }

        impl<D: Dimension> From<ndarray::Array<$element, D>> for Tensor {
            fn from(array: ndarray::Array<$element, D>) -> Self {
                Self::$variant(array.into_dyn())
            }
        }
    )*};
}
from_arrays!(F32 f32, F16 f16, I64 i64, I32 i32, U8 u8, Bool bool);

/// The first value that is not a finite number, and where.
#[must_use]
pub fn first_bad(values: &[f32]) -> Option<(usize, f32)> {
    // Zero times a finite number is zero, times anything else NaN: one pass without a branch per value.
    let block = 4096;
    values.chunks(block).enumerate().find_map(|(index, chunk)| {
        if chunk.iter().map(|v| v * 0.0).sum::<f32>() == 0.0 {
            return None;
        }
        chunk.iter().position(|v| !v.is_finite()).map(|at| (index * block + at, chunk[at]))
    })
}

/// Whether nothing rises above half a step of an 8-bit picture: what a model that failed inside gives.
#[must_use]
pub fn all_dark(values: &[f32]) -> bool {
    values.iter().all(|v| *v < 0.5 / 255.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_values_are_found_where_they_are() {
        let mut values = vec![0.5; 10_000];
        assert_eq!(first_bad(&values), None);
        values[9_999] = f32::NEG_INFINITY;
        assert_eq!(first_bad(&values), Some((9_999, f32::NEG_INFINITY)));
        values[4_096] = f32::NAN;
        assert_eq!(first_bad(&values).map(|(at, _)| at), Some(4_096));
        assert!(all_dark(&[0.0, -3.0]) && !all_dark(&[0.0, 0.01]));
    }

    #[test]
    fn arrays_become_floats_and_slices_views() {
        assert_eq!(Tensor::from(ndarray::array![true, false]).into_f32().as_slice(), Some([1.0, 0.0].as_slice()));
        assert!(TensorRef::of(&[0.0; 5], &[2, 3]).is_none());
    }
}
