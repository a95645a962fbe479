//! Between ONNX Runtime's values and our own.

use std::sync::Arc;

use half::f16;
use ort::session::SessionInputValue;
use ort::value::{DynValue, Outlet, TensorElementType, ValueType};

use super::expect::{Dim, Element, TensorInfo};
use super::tensor::{Tensor, TensorRef};

/// Inputs or outputs as the model declares them.
pub(super) fn infos(outlets: &[Outlet]) -> Vec<TensorInfo> {
    outlets.iter().map(info).collect()
}

fn info(outlet: &Outlet) -> TensorInfo {
    let (element, shape) = match outlet.dtype() {
        ValueType::Tensor { ty, shape, dimension_symbols } => {
            let named = |at: usize| dimension_symbols.get(at).filter(|s| !s.is_empty()).cloned();
            let dim = |(at, n): (usize, &i64)| usize::try_from(*n).map_or_else(|_| Dim::Dynamic(named(at)), Dim::Fixed);
            (element(*ty), shape.iter().enumerate().map(dim).collect())
        }
        _ => (Element::Other, Vec::new()),
    };
    TensorInfo { name: outlet.name().to_owned(), element, shape }
}

fn element(ty: TensorElementType) -> Element {
    match ty {
        TensorElementType::Float32 => Element::F32,
        TensorElementType::Float16 => Element::F16,
        TensorElementType::Float64 => Element::F64,
        TensorElementType::Int64 => Element::I64,
        TensorElementType::Int32 => Element::I32,
        TensorElementType::Uint8 => Element::U8,
        TensorElementType::Bool => Element::Bool,
        _ => Element::Other,
    }
}

/// An input as ONNX Runtime takes it: a view where type and order fit, a converted copy where not.
pub(super) fn to_value<'a>(tensor: &TensorRef<'a>, wanted: Element) -> Result<SessionInputValue<'a>, String> {
    use TensorRef as T;
    macro_rules! same {
        ($view:expr) => {
            if $view.is_standard_layout() {
                ort::value::TensorRef::from_array_view($view.clone()).map(Into::into)
            } else {
                ort::value::Tensor::from_array($view.as_standard_layout().into_owned()).map(Into::into)
            }
        };
    }
    macro_rules! convert {
        ($array:expr) => {
            ort::value::Tensor::from_array($array).map(Into::into)
        };
    }
    let value: ort::Result<SessionInputValue<'a>> = match (tensor, wanted) {
        (T::F32(v), Element::F32) => same!(v),
        (T::F16(v), Element::F16) => same!(v),
        (T::I64(v), Element::I64) => same!(v),
        (T::I32(v), Element::I32) => same!(v),
        (T::U8(v), Element::U8) => same!(v),
        (T::Bool(v), Element::Bool) => same!(v),
        (T::F32(v), Element::F16) => convert!(v.mapv(f16::from_f32)),
        (T::F32(v), Element::F64) => convert!(v.mapv(f64::from)),
        (T::F16(v), Element::F32) => convert!(v.mapv(f16::to_f32)),
        (T::I64(v), Element::F32) => convert!(v.mapv(|x| x as f32)),
        (T::I64(v), Element::F16) => convert!(v.mapv(|x| f16::from_f32(x as f32))),
        (T::I32(v), Element::I64) => convert!(v.mapv(i64::from)),
        (T::I64(v), Element::I32) if v.iter().all(|x| i32::try_from(*x).is_ok()) => convert!(v.mapv(|x| x as i32)),
        (T::F32(v), Element::I64) if v.iter().all(|x| x.fract() == 0.0) => convert!(v.mapv(|x| x as i64)),
        (T::F32(v), Element::I32) if v.iter().all(|x| x.fract() == 0.0) => convert!(v.mapv(|x| x as i32)),
        (T::F32(v), Element::U8) if v.iter().all(|x| x.fract() == 0.0 && (0.0..=255.0).contains(x)) => convert!(v.mapv(|x| x as u8)),
        _ => return Err(format!("its values cannot become {wanted}")),
    };
    value.map_err(|error| error.message().to_owned())
}

/// A tensor of ONNX Runtime's own, to stand for a model's weights.
pub(super) fn owned_value(tensor: Tensor) -> ort::Result<Arc<DynValue>> {
    Ok(Arc::new(match tensor {
        Tensor::F32(array) => ort::value::Tensor::from_array(array)?.into_dyn(),
        Tensor::F16(array) => ort::value::Tensor::from_array(array)?.into_dyn(),
        Tensor::I64(array) => ort::value::Tensor::from_array(array)?.into_dyn(),
        Tensor::I32(array) => ort::value::Tensor::from_array(array)?.into_dyn(),
        Tensor::U8(array) => ort::value::Tensor::from_array(array)?.into_dyn(),
        Tensor::Bool(array) => ort::value::Tensor::from_array(array)?.into_dyn(),
    }))
}

/// An output as one of ours; floats of any width become 32-bit floats.
pub(super) fn from_value(value: &DynValue) -> ort::Result<Tensor> {
    let ValueType::Tensor { ty, .. } = value.dtype() else {
        return Err(ort::Error::new("an output that is not a tensor"));
    };
    Ok(match element(*ty) {
        Element::F32 => Tensor::F32(value.try_extract_array::<f32>()?.into_owned()),
        Element::F16 => Tensor::F32(value.try_extract_array::<f16>()?.mapv(f16::to_f32)),
        Element::F64 => Tensor::F32(value.try_extract_array::<f64>()?.mapv(|v| v as f32)),
        Element::I64 => Tensor::I64(value.try_extract_array::<i64>()?.into_owned()),
        Element::I32 => Tensor::I32(value.try_extract_array::<i32>()?.into_owned()),
        Element::U8 => Tensor::U8(value.try_extract_array::<u8>()?.into_owned()),
        Element::Bool => Tensor::Bool(value.try_extract_array::<bool>()?.into_owned()),
        Element::Other => return Err(ort::Error::new(format!("an output of type {ty}"))),
    })
}
