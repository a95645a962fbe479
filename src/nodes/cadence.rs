//! The kind `cadence`.

use crate::frame::{Frame, Motion};
use crate::kernel::resample::{self, Filter};
use crate::kernel::sample::{self, Border};
use crate::kernel::{blend, carry};
use crate::node::{Fault, Halt, Latest, Node, Open, Outlook, Problem, Prospect, Tick};

use super::sampling::Sampling;

node! {
    /// Fills the frames between sparse key pictures: each key is carried along by the motion and fades into the next.
    ///
    /// Link `key` to a node that fires on every few ticks (`every: 3`), and `motion` to that of the warp that carries the
    /// picture. With keys every C ticks, a key enters with a weight of 1/C and is fully there C − 1 ticks later, while the one
    /// before, carried along, fades out. The first key is shown at once, and no frame is lost at either end. A key is
    /// resampled once, from the original, however far it has been carried.
    "cadence" => Cadence
    inputs {
        /// The key pictures: a slower stream.
        key: Latest<Frame>,
        /// How the picture moves from the tick before to this one. Without it keys stand still.
        motion: Option<Motion>,
    }
    outputs {
        /// A picture for every tick.
        image: Frame,
    }
    params {
        /// Whether one key fades into the next; otherwise each is replaced at once.
        blend: bool = true;
        /// How a value between pixels is made.
        sampling: Sampling = "lanczos";
    }
}

/// The kind `cadence`.
pub struct Cadence;

/// The key that is fading in and the one before.
#[derive(Default)]
pub struct Keys {
    previous: Option<Carried>,
    next: Option<Carried>,
}

/// A key and how far it has been carried since it came.
struct Carried {
    picture: Frame,
    motion: Option<Motion>,
}

impl Carried {
    fn advance(&mut self, step: Option<&Motion>) {
        let Some(step) = step else { return };
        self.motion = Some(match self.motion.take() {
            Some(so_far) => carry::compose(&so_far, step),
            None => step.clone(),
        });
    }

    fn picture(&self, sampling: Sampling) -> Frame {
        let Some(motion) = &self.motion else { return self.picture.clone() };
        Frame::new(sample::warp(&self.picture.raster, motion, sampling.into(), Border::Replicate), self.picture.tags)
    }
}

impl Keys {
    /// Takes one step of `motion`, and the key if it is fresh. Without `fading` the key before is let go.
    fn step(&mut self, key: Latest<Frame>, motion: Option<&Motion>, fading: bool) {
        if !fading {
            self.previous = None;
        }
        for carried in self.previous.iter_mut().chain(&mut self.next) {
            carried.advance(motion);
        }
        if key.age == 0 || self.next.is_none() {
            let before = self.next.replace(Carried { picture: key.value, motion: None });
            self.previous = before.filter(|_| fading);
        }
    }

    /// The picture `tween` (0..1) of the way from the previous key to the next; `None` before the first key.
    fn tween(&self, tween: f32, sampling: Sampling) -> Option<Frame> {
        let next = self.next.as_ref()?;
        match &self.previous {
            Some(previous) if tween < 1.0 && previous.picture.size() == next.picture.size() => {
                let mut frame = previous.picture(sampling);
                frame.raster = blend::mix(frame.raster, &next.picture(sampling).raster, tween);
                Some(frame)
            }
            _ => Some(next.picture(sampling)),
        }
    }
}

impl Node for Cadence {
    type State = Keys;

    fn outlook(_params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        Ok(cx.all_outputs(cx.size_of("key")))
    }

    fn open(_params: &Params, _cx: &Open<'_>) -> Result<(Self, Keys), Fault> {
        Ok((Self, Keys::default()))
    }

    fn fire(&self, state: &mut Keys, _cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let key = inputs.key;
        let size = key.value.size();
        let tween = ((key.age + 1) as f64 / key.period.max(1) as f64).min(1.0) as f32;
        let motion = inputs.motion.map(|motion| Motion::new(resample::resize_vectors(&motion.0, size, Filter::Bilinear)));
        state.step(key, motion.as_ref(), now.blend && tween < 1.0);
        let image = state.tween(tween, now.sampling).ok_or_else(|| Fault::new("there is no key picture yet"))?;
        Ok(Outputs { image })
    }
}
