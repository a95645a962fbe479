//! Words that several kinds share: how pictures are read between their pixels and beyond their edges.

use crate::choice;
use crate::kernel::sample;

choice! {
    /// How a value between pixels is made.
    pub enum Sampling {
        /// The nearest pixel: hard steps, no new colours.
        Nearest = "nearest",
        /// From 2x2 pixels: soft; a picture that is fed back blurs.
        Bilinear = "bilinear",
        /// From 4x4 pixels: sharp, with fringes at edges that grow in a loop; as in Deforum's 3D mode.
        Bicubic = "bicubic",
        /// From 6x6 pixels: sharp without fringes, also in a loop.
        Lanczos = "lanczos",
    }
}

choice! {
    /// What lies beyond the edge of a picture.
    pub enum Border {
        /// The outermost pixels repeated.
        Replicate = "replicate",
        /// The picture repeated.
        Wrap = "wrap",
        /// The picture mirrored.
        Mirror = "mirror",
        /// The picture mirrored around its outermost pixels, as Deforum does in hybrid motion.
        Reflect = "reflect",
        /// Black.
        Black = "black",
    }
}

choice! {
    /// What lies beyond the edge of a picture, in the words of Deforum's 3D mode.
    pub enum Padding {
        /// The outermost pixels repeated.
        Border = "border",
        /// The picture mirrored.
        Reflection = "reflection",
        /// Black.
        Zeros = "zeros",
    }
}

impl From<Sampling> for sample::Sampling {
    fn from(sampling: Sampling) -> Self {
        match sampling {
            Sampling::Nearest => Self::Nearest,
            Sampling::Bilinear => Self::Bilinear,
            Sampling::Bicubic => Self::Bicubic,
            Sampling::Lanczos => Self::Lanczos,
        }
    }
}

impl From<Border> for sample::Border {
    fn from(border: Border) -> Self {
        match border {
            Border::Replicate => Self::Replicate,
            Border::Wrap => Self::Wrap,
            Border::Mirror => Self::Mirror,
            Border::Reflect => Self::Reflect,
            Border::Black => Self::Black,
        }
    }
}

impl From<Padding> for sample::Border {
    fn from(padding: Padding) -> Self {
        match padding {
            Padding::Border => Self::Replicate,
            Padding::Reflection => Self::Mirror,
            Padding::Zeros => Self::Black,
        }
    }
}
