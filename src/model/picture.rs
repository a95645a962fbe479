//! Pictures as models take and give them.

use ndarray::{ArrayD, ArrayView4, CowArray, Ix4, IxDyn};

use super::error::ModelError;
use super::expect::TensorInfo;
use super::session::Session;
use super::tensor::{Tensor, first_bad};
use crate::frame::{Raster, Size};

/// The order of a picture's axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Batch, channels, rows, columns: what `PyTorch` exports.
    Nchw,
    /// Batch, rows, columns, channels: what TensorFlow exports.
    Nhwc,
}

/// What a model's numbers mean: ours are 0 black to 1 white.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// 0 to 1.
    Unit,
    /// 0 to 255.
    Byte,
    /// −1 to 1.
    Signed,
    /// Less the mean and divided by the deviation of `ImageNet`'s pictures, per channel.
    ImageNet,
}

/// Means and deviations of R, G, B over `ImageNet`, as torchvision's models have them.
const IMAGENET: [(f32, f32); 3] = [(0.485, 0.229), (0.456, 0.224), (0.406, 0.225)];

impl Range {
    /// (scale, offset) with `model = ours * scale + offset` for channel `c`.
    fn affine(self, c: usize) -> (f32, f32) {
        match self {
            Self::Unit => (1.0, 0.0),
            Self::Byte => (255.0, 0.0),
            Self::Signed => (2.0, -1.0),
            Self::ImageNet => {
                let (mean, deviation) = IMAGENET[c.min(2)];
                (1.0 / deviation, -mean / deviation)
            }
        }
    }
}

/// An input or output of a model that is a picture (or a field: one channel).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureSlot {
    /// Its name in the model.
    pub name: String,
    /// The order of its axes.
    pub layout: Layout,
    /// Rows and columns where the model fixes both.
    pub fixed: Option<Size>,
}

impl PictureSlot {
    /// `info` as a picture of `channels` channels, if it can be one: four axes of floats, with the channels second or last. Where
    /// the model leaves their place open they are second.
    #[must_use]
    pub fn of(info: &TensorInfo, channels: usize) -> Option<Self> {
        let is_float = info.element.is_float();
        let single = info.fixed(0).is_none_or(|n| n == 1);
        if info.rank() != 4 || !is_float || !single {
            return None;
        }
        let (layout, rows) = match (info.fixed(1), info.fixed(3)) {
            (Some(n), _) if n == channels => (Layout::Nchw, 2),
            (_, Some(n)) if n == channels => (Layout::Nhwc, 1),
            (None, None) => (Layout::Nchw, 2),
            _ => return None,
        };
        let fixed = info.fixed(rows).zip(info.fixed(rows + 1)).map(|(height, width)| Size::new(width, height));
        Some(Self { name: info.name.clone(), layout, fixed })
    }

    /// The first three planes of `picture` as this input takes them, enlarged to multiples of `align` by repeating the outermost
    /// pixels on the right and below. A view where nothing changes.
    #[must_use]
    pub fn pack<'a>(&self, picture: &'a Raster, range: Range, align: usize) -> CowArray<'a, f32, IxDyn> {
        let (from, channels) = (picture.size(), picture.planes().min(3));
        let up = |n: usize| n.next_multiple_of(align.max(1));
        let (width, height) = (up(from.width), up(from.height));
        let data = &picture.data()[..channels * from.area()];
        let as_is = self.layout == Layout::Nchw && range == Range::Unit && from == Size::new(width, height);
        if as_is && let Ok(view) = ArrayView4::from_shape((1, channels, height, width), data) {
            return view.into_dyn().into();
        }
        let value = |c: usize, y: usize, x: usize| {
            let (scale, offset) = range.affine(c);
            let at = y.min(from.height - 1) * from.width + x.min(from.width - 1);
            picture.plane(c)[at] * scale + offset
        };
        let packed = match self.layout {
            Layout::Nchw => ndarray::Array4::from_shape_fn((1, channels, height, width), |(_, c, y, x)| value(c, y, x)),
            Layout::Nhwc => ndarray::Array4::from_shape_fn((1, height, width, channels), |(_, y, x, c)| value(c, y, x)),
        };
        packed.into_dyn().into()
    }

    /// A picture that came out here, as planes from 0 to 1.
    ///
    /// # Errors
    /// When it has not the form declared, or holds numbers that are not finite.
    pub fn unpack(&self, session: &Session, output: Tensor, range: Range) -> Result<Raster, ModelError> {
        let array = output.into_f32();
        let shape = array.shape().to_vec();
        let bad = |why: String| ModelError::Output { path: session.path().to_path_buf(), why };
        let Ok(array) = array.into_dimensionality::<Ix4>() else {
            return Err(bad(format!("`{}` of shape {shape:?} instead of a picture", self.name)));
        };
        let array = match self.layout {
            Layout::Nchw => array,
            Layout::Nhwc => array.permuted_axes([0, 3, 1, 2]),
        };
        let (_, channels, height, width) = array.dim();
        let mut values = standard(array.into_dyn());
        values.truncate(channels * height * width);
        if let Some((at, value)) = first_bad(&values) {
            let (c, pixel) = (at / (width * height), at % (width * height));
            return Err(bad(format!("{value} in `{}` at x {}, y {}, channel {c}", self.name, pixel % width, pixel / width)));
        }
        if range != Range::Unit {
            for (c, plane) in values.chunks_exact_mut(width * height).enumerate() {
                let (scale, offset) = range.affine(c);
                for value in plane {
                    *value = (*value - offset) / scale;
                }
            }
        }
        Ok(Raster::from_vec(Size::new(width, height), channels, values))
    }
}

/// The values in row-major order; moves them out where they lie so already.
fn standard(array: ArrayD<f32>) -> Vec<f32> {
    if array.is_standard_layout() {
        let (values, offset) = array.into_raw_vec_and_offset();
        if offset.unwrap_or(0) == 0 { values } else { values[offset.unwrap_or(0)..].to_vec() }
    } else {
        array.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Dim, Element};

    fn info(shape: [Option<usize>; 4]) -> TensorInfo {
        let dim = |n: Option<usize>| n.map_or(Dim::Dynamic(None), Dim::Fixed);
        TensorInfo { name: "x".into(), element: Element::F32, shape: shape.map(dim).to_vec() }
    }

    #[test]
    fn the_layout_follows_the_channels() {
        let slot = |shape, channels| PictureSlot::of(&info(shape), channels).map(|s| (s.layout, s.fixed));
        assert_eq!(slot([None, Some(3), None, None], 3), Some((Layout::Nchw, None)));
        assert_eq!(slot([Some(1), Some(8), Some(16), Some(3)], 3), Some((Layout::Nhwc, Some(Size::new(16, 8)))));
        assert_eq!(slot([None, None, None, None], 3), Some((Layout::Nchw, None)));
        assert_eq!(slot([None, Some(4), None, None], 3), None);
        assert_eq!(slot([Some(2), Some(3), None, None], 3), None);
    }

    #[test]
    fn packing_pads_and_scales() {
        let picture = Raster::from_vec(Size::new(3, 1), 3, vec![0.0, 0.5, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
        let mut slot = PictureSlot::of(&info([None, Some(3), None, None]), 3).unwrap();
        assert!(slot.pack(&picture, Range::Unit, 1).is_view());
        let padded = slot.pack(&picture, Range::Byte, 2);
        assert_eq!(padded.shape(), [1, 3, 2, 4]);
        assert_eq!(padded.as_slice().unwrap()[..8], [0.0, 127.5, 255.0, 255.0, 0.0, 127.5, 255.0, 255.0]);
        slot.layout = Layout::Nhwc;
        let signed = slot.pack(&picture, Range::Signed, 1);
        assert_eq!(signed.as_slice().unwrap()[..6], [-1.0, -1.0, 1.0, 0.0, -1.0, 1.0]);
        let net = slot.pack(&picture, Range::ImageNet, 1);
        assert!((net.as_slice().unwrap()[0] + 0.485 / 0.229).abs() < 1e-6);
    }
}
