//! Masks from models for segmentation.

use std::sync::Arc;

use super::super::with_model::{self, colors_at, unfit, working_size};
use crate::frame::Raster;
use crate::kernel::resample::{Filter, resize};
use crate::model::{Layout, PictureSlot, Range, Session, Tensor};
use crate::node::{Engine, Fault};
use crate::param::PathParam;

/// Both sides of what a model of any size gets are multiples of this.
const STEP: usize = 32;

/// A model that takes a picture and says of each pixel what it belongs to: as one plane, as a plane for each class, or as the number of
/// its class.
pub struct Segmenter {
    session: Arc<Session>,
    image: PictureSlot,
    output: usize,
    values: Range,
    short_side: i64,
}

impl Segmenter {
    /// Loads the model.
    ///
    /// # Errors
    /// When it is not there, or not such a model.
    pub fn open(model: &PathParam, values: Range, short_side: i64, engine: &Engine) -> Result<Self, Fault> {
        let session = with_model::open(model, engine)?;
        let what = "a model for segmentation";
        let [input] = session.inputs() else {
            return Err(unfit(&session, what, "one input is expected, an RGB picture".to_owned()));
        };
        let image = PictureSlot::of(input, 3);
        let image = image.ok_or_else(|| unfit(&session, what, format!("an RGB picture is expected as input, `{input}` is there")))?;
        let output = session.outputs().iter().position(|output| matches!(output.rank(), 3 | 4));
        let output = output.ok_or_else(|| unfit(&session, what, "planes or class numbers are expected as output".to_owned()))?;
        Ok(Self { session, image, output, values, short_side })
    }

    /// Where `picture` shows `class`, in the size of the picture.
    ///
    /// # Errors
    /// When the model fails.
    pub fn mask(&self, picture: &Raster, class: usize) -> Result<Raster, Fault> {
        let small = colors_at(picture, working_size(&self.image, picture.size(), Some(self.short_side), STEP));
        let packed = self.image.pack(&small, self.values, 1);
        let outputs = self.session.run(&[(&self.image.name, packed.view().into())])?;
        let Some(output) = outputs.into_iter().nth(self.output) else { return Err(Fault::new("the model gave nothing")) };
        let numbered = !matches!(output, Tensor::F32(_) | Tensor::F16(_));
        let planes = self.planes(output)?;
        let mask = if numbered { labelled(&planes, class) } else { share(&planes, class)? };
        let mut out = resize(&mask, picture.size(), Filter::Bicubic);
        out.data_mut().iter_mut().for_each(|v| *v = v.clamp(0.0, 1.0));
        Ok(out)
    }

    fn planes(&self, output: Tensor) -> Result<Raster, Fault> {
        let mut array = output.into_f32();
        if array.ndim() == 3 {
            array.insert_axis_inplace(ndarray::Axis(1));
        }
        // Channels are last where they are few and the second axis is long.
        let last = array.ndim() == 4 && array.shape()[1] > 64 && array.shape()[3] <= 64;
        let name = self.session.outputs()[self.output].name.clone();
        let slot = PictureSlot { name, layout: if last { Layout::Nhwc } else { Layout::Nchw }, fixed: None };
        Ok(slot.unpack(&self.session, Tensor::F32(array), Range::Unit)?)
    }

    /// What the user should know at the end.
    pub fn notes(&self) -> Vec<String> {
        with_model::notes(Some(&self.session))
    }
}

/// 1 where the number is `class`.
fn labelled(planes: &Raster, class: usize) -> Raster {
    let size = planes.size();
    let is_it = |v: &f32| if (v - class as f32).abs() < 0.5 { 1.0 } else { 0.0 };
    Raster::from_vec(size, 1, planes.plane(0).iter().map(is_it).collect())
}

/// The share of `class` in what a model says: a plane as it is, or its part among the classes. What is not between 0 and 1 is taken
/// for logits.
fn share(planes: &Raster, class: usize) -> Result<Raster, Fault> {
    let (size, count) = (planes.size(), planes.planes());
    let unit = planes.data().iter().all(|v| (-0.01..=1.01).contains(v));
    if count == 1 {
        let of = |v: &f32| if unit { *v } else { 1.0 / (1.0 + (-v).exp()) };
        return Ok(Raster::from_vec(size, 1, planes.data().iter().map(of).collect()));
    }
    if class >= count {
        let fault = Fault::new(format!("the model has no class {class}: its classes are 0 to {}", count - 1));
        return Err(fault.help("write the number of a class, such as `model(\"FILE.onnx\", 1)`"));
    }
    let at = |pixel: usize| {
        let values = (0..count).map(|plane| planes.plane(plane)[pixel]);
        let top = values.clone().fold(f32::NEG_INFINITY, f32::max);
        let weight = |v: f32| if unit { v.max(0.0) } else { (v - top).exp() };
        weight(planes.plane(class)[pixel]) / values.map(weight).sum::<f32>().max(1e-12)
    };
    Ok(Raster::from_vec(size, 1, (0..size.area()).map(at).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;

    #[test]
    fn logits_probabilities_and_numbers_all_become_masks() {
        let size = Size::new(2, 1);
        let of =
            |planes, data: &[f32], class| share(&Raster::from_vec(size, planes, data.to_vec()), class).map(|mask| mask.data().to_vec());
        assert_eq!(of(1, &[0.25, 1.0], 1).unwrap(), [0.25, 1.0]);
        assert_eq!(of(1, &[0.0, 40.0], 1).unwrap(), [0.5, 1.0]);
        assert_eq!(of(2, &[0.25, 0.0, 0.75, 1.0], 1).unwrap(), [0.75, 1.0]);
        assert_eq!(of(2, &[0.0, 9.0, 0.0, -90.0], 0).unwrap(), [0.5, 1.0]);
        assert!(of(2, &[0.0; 4], 2).unwrap_err().message.contains("classes are 0 to 1"));
        assert_eq!(labelled(&Raster::from_vec(size, 1, vec![15.0, 3.0]), 15).data(), [1.0, 0.0]);
    }
}
