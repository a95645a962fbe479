//! The kind `resize`.

use crate::choice;
use crate::frame::{Frame, Size};
use crate::kernel::resample::{self, Pad, Resampling};
use crate::node::{Fault, Halt, Node, Open, Outlook, Problem, Prospect, Tick};
use crate::param::SizeParam;

choice! {
    /// What to do when the proportions differ.
    pub enum Fit {
        /// Change the proportions.
        Stretch = "stretch",
        /// Fill the new size and cut off what sticks out, equally on both sides.
        Cover = "cover",
        /// Show all of the picture, centred, with `pad` around it.
        Contain = "contain",
    }
}

impl From<Fit> for resample::Fit {
    fn from(fit: Fit) -> Self {
        match fit {
            Fit::Stretch => Self::Stretch,
            Fit::Cover => Self::Cover,
            Fit::Contain => Self::Contain,
        }
    }
}

choice! {
    /// How a new pixel is made of old ones.
    pub enum Filter {
        /// The old pixel under the new one: hard steps, no new colours.
        Nearest = "nearest",
        /// Soft.
        Bilinear = "bilinear",
        /// Sharp (Catmull-Rom).
        Bicubic = "bicubic",
        /// The sharpest.
        Lanczos = "lanczos",
        /// The mean of the pixels covered when shrinking; bilinear when growing.
        Area = "area",
    }
}

choice! {
    /// What surrounds a contained picture.
    pub enum Padding {
        /// Black.
        Black = "black",
        /// The picture's outermost pixels, repeated.
        Edge = "edge",
    }
}

node! {
    /// Changes the size of the picture.
    "resize" => Resize
    inputs {
        /// The picture.
        image: Frame,
    }
    outputs {
        /// The picture in the new size.
        image: Frame,
    }
    params {
        /// The new size; that of the timeline if left out.
        size: Option<SizeParam>;
        /// What to do when the proportions differ.
        fit: Fit = "cover";
        /// How a new pixel is made of old ones.
        filter: Filter = "lanczos";
        /// Whether shrinking counts all old pixels. `false` skips those that lie between, as `OpenCV` does: quicker, with stairs at edges and
        /// flicker in fine texture.
        antialias: bool = true;
        /// Rounds both sides of the new size to a multiple of this: 8 or 64 for diffusion models.
        align: i64 = 1, in 1.0..=4096.0;
        /// What surrounds the picture under `fit: contain`.
        pad: Padding = "black";
    }
}

/// The kind `resize`.
pub struct Resize {
    size: Size,
}

impl Params {
    fn target(&self, timeline: Option<Size>, input: Size) -> Size {
        let size = self.size.as_ref().map_or(timeline.unwrap_or(input), |size| size.0);
        resample::align(size, usize::try_from(self.align).unwrap_or(1))
    }
}

impl Node for Resize {
    type State = ();

    fn outlook(params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        Ok(cx.all_outputs(params.target(cx.timeline.size, cx.size_of("image"))))
    }

    fn open(params: &Params, cx: &Open<'_>) -> Result<(Self, ()), Fault> {
        let input = cx.inputs.first().copied().flatten().map_or(Size::new(512, 512), |format| format.size);
        Ok((Self { size: params.target(cx.timeline.size, input) }, ()))
    }

    fn fire(&self, _state: &mut (), _cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let filter = match now.filter {
            Filter::Nearest => resample::Filter::Nearest,
            Filter::Bilinear => resample::Filter::Bilinear,
            Filter::Bicubic => resample::Filter::Bicubic,
            Filter::Lanczos => resample::Filter::Lanczos,
            Filter::Area => resample::Filter::Area,
        };
        let how = Resampling { filter, antialias: now.antialias };
        let pad = if now.pad == Padding::Edge { Pad::Edge } else { Pad::BLACK };
        Ok(Outputs { image: resample::resize_frame(&inputs.image, self.size, how, now.fit.into(), pad) })
    }
}
