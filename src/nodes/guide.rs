//! The kind `guide`.

use std::sync::{Mutex, PoisonError};

use super::placing::{Fit, place};
use crate::choice;
use crate::frame::{Frame, Size};
use crate::media::{ImageFiles, MediaError, read_image};
use crate::node::{Fault, Halt, Node, Open, Outlook, Problem, Prospect, Tick};
use crate::param::{Curve, Held, Moment, PathParam};

/// After the last picture, Deforum counts in stretches of this many frames.
const LAST_GAP: f64 = 25.0;

choice! {
    /// What tweening counts from.
    pub enum Tween {
        /// From the start of the clip, in stretches as long as the time between two pictures, as Deforum does: unless that divides the
        /// clip evenly, tweening falls anywhere between two pictures.
        Clip = "clip",
        /// From the moment at which a picture takes over.
        Picture = "picture",
    }
}

node! {
    /// Shows one picture after the other, and how strongly each should draw what is painted towards it: guided images.
    ///
    /// `images: { 0: sunrise.png, 4s: noon.png, max_f*3/4: dusk.png }` shows each picture from its time on. Blend the present one into the
    /// loop with `blend: { a: carried, b: guide, amount: guide.amount }`, and paint with `strength: guide.strength`.
    ///
    /// `amount` is `rest`, but while a new picture is being tweened in it swells: `blend_max − blend_slope·cos(2·n/tweening_frames)` for
    /// n = 0… `tweening_frames`. The names are Deforum's, and so are the numbers.
    "guide" => Guide
    outputs {
        /// The picture of the moment.
        image: Frame,
        /// How much of it to blend in.
        amount: Option<f64>,
        /// How much to repaint: one less `image_strength`.
        strength: Option<f64>,
    }
    params {
        /// The pictures by the time from which each is shown. Fractions of a frame are cut off.
        images: Held<PathParam>;
        /// What to do when the proportions are not those of the timeline.
        fit: Fit = "cover";
        /// How much of the picture is kept when it is painted over, as Deforum counts: 1 keeps it. (There it has no effect.)
        image_strength: Curve = 0.75, in 0.0..=1.0;
        /// The middle of the amounts while a picture is tweened in.
        blend_max: Curve = 0.35, in 0.0..=1.0;
        /// How far the amount swings below and above `blend_max`.
        blend_slope: Curve = 0.25, in 0.0..=1.0;
        /// Frames that tweening takes.
        tweening_frames: Curve = 20.0, in 0.0..=1e6;
        /// The amount outside of tweening.
        rest: Curve = 0.07, in 0.0..=1.0;
        /// What tweening counts from.
        tween: Tween = "clip";
    }
}

/// The kind `guide`.
pub struct Guide {
    params: Held<PathParam>,
    fit: Fit,
    size: Option<Size>,
    /// The picture read last.
    last: Mutex<Option<(PathParam, Frame)>>,
}

/// Which picture is shown, and the frames between which it is.
struct Shown<'a> {
    path: &'a PathParam,
    start: f64,
    end: Option<f64>,
}

fn shown<'a>(images: &'a Held<PathParam>, at: &Moment<'_>) -> Option<Shown<'a>> {
    let mut keys: Vec<(f64, &PathParam)> = images.keys(at).map(|(frame, path)| (frame.floor(), path)).collect();
    keys.sort_by(|a, b| a.0.total_cmp(&b.0));
    let tick = at.tick as f64;
    let index = keys.iter().rposition(|(frame, _)| *frame <= tick).unwrap_or(0);
    let (start, path) = *keys.get(index)?;
    Some(Shown { path, start, end: keys.get(index + 1).map(|(frame, _)| *frame) })
}

impl Now {
    /// How much of a picture that is shown from `start` to `end` to blend in at `tick`.
    fn amount(&self, tick: f64, start: f64, end: Option<f64>) -> f64 {
        let tween = self.tweening_frames;
        let gap = end.map_or(LAST_GAP, |end| end - start);
        if tween <= 0.0 || gap <= 0.0 {
            return self.rest;
        }
        let since = match self.tween {
            Tween::Clip if tick % gap <= tween => Some(tick % tween),
            Tween::Picture if (0.0..tween).contains(&(tick - start)) => Some(tick - start),
            _ => None,
        };
        since.map_or(self.rest, |n| (self.blend_max - self.blend_slope * (n / (tween / 2.0)).cos()).clamp(0.0, 1.0))
    }
}

impl Node for Guide {
    type State = ();

    fn outlook(params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        let size = |path: &PathParam| {
            let files = ImageFiles::find(path.path())?;
            files.size_of(0)
        };
        let found: Vec<Result<Size, MediaError>> = params.images.values().map(size).collect();
        let problems: Vec<_> =
            found.iter().filter_map(|size| size.as_ref().err()).map(|error| Problem::error("images", error.to_string())).collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        let first = found.into_iter().flatten().next();
        let size = cx.timeline.size.or(first).unwrap_or(Size::new(512, 512));
        let reads = params.images.values().map(|path| path.path().to_path_buf()).collect();
        Ok(Outlook { reads, ..cx.all_outputs(size) })
    }

    fn open(params: &Params, cx: &Open<'_>) -> Result<(Self, ()), Fault> {
        let node = Self { params: params.images.clone(), fit: params.fit, size: cx.timeline.size, last: Mutex::new(None) };
        Ok((node, ()))
    }

    fn fire(&self, _state: &mut (), cx: &Tick<'_>, _inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let shown = shown(&self.params, &cx.moment).ok_or_else(|| Fault::new("there are no pictures"))?;
        Ok(Outputs {
            image: self.picture(shown.path)?,
            amount: Some(now.amount(cx.tick() as f64, shown.start, shown.end)),
            strength: Some(1.0 - now.image_strength),
        })
    }
}

impl Guide {
    fn picture(&self, path: &PathParam) -> Result<Frame, Fault> {
        if let Some((held, frame)) = &*self.last.lock().unwrap_or_else(PoisonError::into_inner)
            && held == path
        {
            return Ok(frame.clone());
        }
        let frame = read_image(path.path())?;
        let shown = frame.size();
        let image = place(frame, shown, self.size.unwrap_or(shown), self.fit);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((path.clone(), image.clone()));
        Ok(image)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(tween: Tween, tweening_frames: f64) -> Now {
        Now {
            images: PathParam::from("a.png"),
            fit: Fit::Cover,
            image_strength: 0.75,
            blend_max: 0.35,
            blend_slope: 0.25,
            tweening_frames,
            rest: 0.07,
            tween,
        }
    }

    #[test]
    fn the_amount_swells_while_a_picture_is_tweened_in() {
        let deforum = now(Tween::Clip, 4.0);
        let of = |now: &Now, ticks: &[u64]| {
            ticks.iter().map(|t| (now.amount(*t as f64, 6.0, Some(13.0)) * 1e6).round() / 1e6).collect::<Vec<_>>()
        };
        assert_eq!(of(&deforum, &[6, 7, 8, 9, 10, 12]), [0.07, 0.332_316, 0.1, 0.130_604, 0.214_924, 0.07]);
        assert_eq!(of(&now(Tween::Picture, 4.0), &[6, 7, 8, 9, 10]), [0.1, 0.130_604, 0.214_924, 0.332_316, 0.07]);
        assert_eq!(of(&now(Tween::Picture, 0.0), &[6]), [0.07]);
    }
}
