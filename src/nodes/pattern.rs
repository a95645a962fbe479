//! The kind `pattern`.

use crate::choice;
use crate::frame::{ColorTags, Frame, Motion, Size};
use crate::kernel::pattern as kernel;
use crate::node::{Fault, Halt, Length, Node, Open, Outlook, Problem, Prospect, Tick};
use crate::param::SizeParam;

choice! {
    /// What is to be seen.
    pub enum Design {
        /// Colour bars over a grey ramp.
        Bars = "bars",
        /// A chess board.
        Checker = "checker",
        /// Hue across, brightness down.
        Gradient = "gradient",
        /// Coloured noise, other on every frame.
        Noise = "noise",
        /// Coloured bars that glide to the right.
        MovingBars = "moving_bars",
        /// Rings and spokes that grow out of the middle for ever.
        ZoomPlate = "zoom_plate",
    }
}

node! {
    /// Makes a test picture whose motion is known: a source that needs no file.
    "pattern" => Pattern
    outputs {
        /// The picture.
        image: Frame,
        /// Where each pixel lay in the frame before, exactly.
        motion: Option<Motion>,
    }
    params {
        /// What is to be seen.
        pattern: Design = "moving_bars";
        /// The size; that of the timeline if left out.
        size: Option<SizeParam>;
        /// How many frames; without end if left out.
        frames: Option<i64>, in 1.0..=1e9;
        /// Pixels per frame: of `moving_bars` to the right, of the rings of `zoom_plate` at half the shorter side.
        speed: f64 = 2.0, in -1000.0..=1000.0;
        /// Another number gives other noise.
        seed: i64 = 0;
    }
}

/// The kind `pattern`.
pub struct Pattern {
    size: Size,
}

impl Params {
    fn size(&self, timeline: Option<Size>) -> Size {
        self.size.as_ref().map(|size| size.0).or(timeline).unwrap_or(Size::new(512, 512))
    }
}

impl From<Design> for kernel::Pattern {
    fn from(design: Design) -> Self {
        match design {
            Design::Bars => Self::Bars,
            Design::Checker => Self::Checker,
            Design::Gradient => Self::Gradient,
            Design::Noise => Self::Noise,
            Design::MovingBars => Self::MovingBars,
            Design::ZoomPlate => Self::ZoomPlate,
        }
    }
}

impl Node for Pattern {
    type State = ();

    fn outlook(params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        let frames = params.frames.and_then(|frames| u64::try_from(frames).ok());
        let length = frames.map_or(Length::Endless, Length::Exactly);
        Ok(Outlook { length, ..cx.all_outputs(params.size(cx.timeline.size)) })
    }

    fn open(params: &Params, cx: &Open<'_>) -> Result<(Self, ()), Fault> {
        Ok((Self { size: params.size(cx.timeline.size) }, ()))
    }

    fn fire(&self, _state: &mut (), cx: &Tick<'_>, _inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        if now.frames.is_some_and(|frames| i128::from(cx.tick()) >= i128::from(frames)) {
            return Err(Halt::End);
        }
        let key = (now.seed as u64) ^ 0x7061_7474_6572_6e00;
        let raster = kernel::draw(now.pattern.into(), self.size, cx.tick(), now.speed, key);
        let motion = cx.wants("motion").then(|| kernel::step(now.pattern.into(), self.size, now.speed));
        Ok(Outputs { image: Frame::new(raster, ColorTags::default()), motion })
    }
}
