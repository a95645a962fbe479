//! The kind `cadence`.

use crate::choice;
use crate::frame::{Flow, Frame, Mask, Motion, Raster, Size};
use crate::kernel::resample::{self, Filter};
use crate::kernel::sample::{self, Border};
use crate::kernel::{between, blend, carry, flow};
use crate::node::{Fault, Halt, Latest, Node, Open, Outlook, Problem, Prospect, Tick};

use super::sampling::Sampling;

choice! {
    /// How often the picture of a key is resampled while it is carried along.
    pub enum Resample {
        /// Once: the motion of all frames since the key is joined first, so that the picture stays sharp.
        Once = "once",
        /// On every frame, from the frame before, as Deforum does: softer from frame to frame.
        Each = "each",
    }
}

node! {
    /// Fills the frames between sparse key pictures: each key is carried along by the motion and fades into the next.
    ///
    /// Link `key` to a node that fires less often (`every: 3`, or `when: [0, 12, 2s]`), and `motion` to that of the warp that
    /// carries the picture. Where keys are C frames apart, a key enters with a weight of 1/C and is fully there C − 1 frames later,
    /// while the one before, carried along, fades out. The first key is shown at once, and no frame is lost at either end.
    ///
    /// With `flow`, what moves between two keys moves instead of fading from one place to another: the earlier key goes forward
    /// along the flow by the share that has passed, the later one back by the rest. The flow is that from the picture that went
    /// into the key to the key itself, at the key's own ticks: `{ kind: flow, from: carried, to: key, when: key }`.
    "cadence" => Cadence
    inputs {
        /// The key pictures: a slower stream.
        key: Latest<Frame>,
        /// How the picture moves from the frame before to this one. Without it keys stand still.
        motion: Option<Motion>,
        /// What moves from the earlier key, carried along to the tick of the later one, to the later one.
        flow: Option<Flow>,
        /// The flow back from the later key: the way in between then follows both.
        backward: Option<Flow>,
        /// Where the flow holds; where it does not, keys only fade.
        mask: Option<Mask>,
    }
    outputs {
        /// A picture for every frame.
        image: Frame,
    }
    params {
        /// Whether one key fades into the next; otherwise each is replaced at once.
        blend: bool = true;
        /// How much of the flow is followed; 1 is all of it.
        flow_factor: crate::param::Curve = 1.0, in -10.0..=10.0;
        /// How a value between pixels is made.
        sampling: Sampling = "lanczos";
        /// How often a key is resampled while it is carried along.
        resample: Resample = "once";
    }
}

/// The kind `cadence`.
pub struct Cadence;

/// The key that is fading in and the one before.
#[derive(Default)]
pub struct Keys {
    previous: Option<Carried>,
    next: Option<Carried>,
    /// What moves from the one to the other, in the picture at the tick of the latter.
    flow: Option<Moving>,
}

/// A key and how far it has been carried.
struct Carried {
    picture: Frame,
    /// From its own tick to that of the next key, once that has come.
    until: Option<Motion>,
    /// From the tick of the latest key to now.
    since: Option<Motion>,
}

/// A flow forth and perhaps back, as far as it can be trusted.
struct Moving {
    forward: Flow,
    backward: Option<Flow>,
}

/// `first` and then `then`, either of which may stand still.
fn joined(first: Option<&Motion>, then: Option<&Motion>) -> Option<Motion> {
    match (first, then) {
        (Some(first), Some(then)) => Some(carry::compose(first, then)),
        (only, None) | (None, only) => only.cloned(),
    }
}

impl Carried {
    fn new(picture: Frame) -> Self {
        Self { picture, until: None, since: None }
    }

    fn advance(&mut self, step: Option<&Motion>, (resample, sampling): (Resample, Sampling)) {
        match (resample, step) {
            (_, None) => {}
            (Resample::Once, Some(step)) => self.since = joined(self.since.as_ref(), Some(step)),
            (Resample::Each, Some(step)) => self.picture = warped(&self.picture, step, sampling),
        }
    }

    /// The next key has come.
    fn settle(mut self, (resample, sampling): (Resample, Sampling)) -> Self {
        self.until = joined(self.until.as_ref(), self.since.take().as_ref());
        match (resample, self.until.take()) {
            (Resample::Each, Some(until)) => self.picture = warped(&self.picture, &until, sampling),
            (_, until) => self.until = until,
        }
        self
    }

    /// The picture, moved by `flow` at the tick of the latest key.
    fn picture(&self, flow: Option<&Motion>, sampling: Sampling) -> Frame {
        let motion = joined(joined(self.until.as_ref(), flow).as_ref(), self.since.as_ref());
        motion.map_or_else(|| self.picture.clone(), |motion| warped(&self.picture, &motion, sampling))
    }
}

fn warped(picture: &Frame, motion: &Motion, sampling: Sampling) -> Frame {
    Frame::new(sample::warp(&picture.raster, motion, sampling.into(), Border::Replicate), picture.tags)
}

impl Moving {
    fn new(inputs: Inputs, size: Size) -> Option<Self> {
        let fit = |raster: &Raster| resample::resize_vectors(raster, size, Filter::Bilinear);
        let mask = inputs.mask.map(|mask| Mask::new(resample::resize(&mask.0, size, Filter::Bilinear)));
        let trusted = |flow: Flow| {
            let flow = Motion::new(fit(&flow.0));
            Flow::new(mask.as_ref().map_or_else(|| flow.clone(), |mask| flow::masked(flow.clone(), mask)).0)
        };
        let forward = trusted(inputs.flow?);
        Some(Self { forward, backward: inputs.backward.map(trusted) })
    }
}

impl Keys {
    /// Takes one step of `motion`, and the key if it is fresh. Without `fading` the key before is let go.
    fn step(&mut self, key: (Frame, bool), motion: Option<&Motion>, how: (Resample, Sampling), fading: bool) {
        if !fading {
            self.previous = None;
        }
        // A flow belongs to the tick of the latest key, so that the way from there has to stay known.
        let each = if self.flow.is_some() { Resample::Once } else { how.0 };
        for carried in self.previous.iter_mut().chain(&mut self.next) {
            carried.advance(motion, (each, how.1));
        }
        let (picture, fresh) = key;
        if fresh || self.next.is_none() {
            let before = self.next.replace(Carried::new(picture));
            self.previous = before.filter(|_| fading).map(|before| before.settle(how));
        }
    }

    /// The picture `tween` (0..1) of the way from the previous key to the next; `None` before the first key.
    fn tween(&self, tween: f32, factor: f32, sampling: Sampling) -> Option<Frame> {
        let next = self.next.as_ref()?;
        match &self.previous {
            Some(previous) if tween < 1.0 && previous.picture.size() == next.picture.size() => {
                let ways = self.flow.as_ref().map(|flow| between::ways(&flow.forward, flow.backward.as_ref(), tween, factor));
                let (there, back) = ways.unzip();
                let mut frame = previous.picture(there.as_ref(), sampling);
                frame.raster = blend::mix(frame.raster, &next.picture(back.as_ref(), sampling).raster, tween);
                Some(frame)
            }
            _ => Some(next.picture(None, sampling)),
        }
    }
}

impl Node for Cadence {
    type State = Keys;

    fn outlook(params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        let lonely = ["backward", "mask"].into_iter().find(|name| cx.input(name).is_some() && cx.input("flow").is_none());
        if let Some(name) = lonely {
            let help = "link `flow` too, such as `{ kind: flow, from: carried, to: key, when: key }`";
            return Err(vec![Problem::error(name, format!("`{name}` says nothing without `flow`")).help(help)]);
        }
        let mut outlook = cx.all_outputs(cx.size_of("key"));
        if cx.input("flow").is_some() && !params.blend {
            let help = "leave out `blend: false`, or the flow";
            outlook
                .warnings
                .push(Problem::warning("flow", "without blending no key moves towards the next: the flow is not used").help(help));
        }
        Ok(outlook)
    }

    fn open(_params: &Params, _cx: &Open<'_>) -> Result<(Self, Keys), Fault> {
        Ok((Self, Keys::default()))
    }

    fn fire(&self, state: &mut Keys, _cx: &Tick<'_>, mut inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let (age, period, picture) = (inputs.key.age, inputs.key.period.max(1), inputs.key.value.clone());
        let size = picture.size();
        let tween = ((age + 1) as f64 / period as f64).min(1.0) as f32;
        let motion = inputs.motion.take().map(|motion| Motion::new(resample::resize_vectors(&motion.0, size, Filter::Bilinear)));
        let fading = now.blend && tween < 1.0;
        state.step((picture, age == 0), motion.as_ref(), (now.resample, now.sampling), fading);
        if age == 0 || !fading {
            state.flow = if fading && state.previous.is_some() { Moving::new(inputs, size) } else { None };
        }
        let image = state.tween(tween, now.flow_factor as f32, now.sampling).ok_or_else(|| Fault::new("there is no key picture yet"))?;
        Ok(Outputs { image })
    }
}
