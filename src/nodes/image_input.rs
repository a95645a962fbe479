//! The kind `image_input`.

use std::sync::Mutex;

use super::placing::{Fit, place};
use crate::frame::{Frame, Size};
use crate::media::{ImageFiles, read_image};
use crate::node::{Fault, Halt, Length, Node, Open, Outlook, Problem, Prospect, Tick};
use crate::param::PathParam;

node! {
    /// Reads pictures: one for the whole clip, or a numbered sequence.
    "image_input" => ImageInput
    outputs {
        /// The picture.
        image: Frame,
    }
    params {
        /// A file, or a pattern such as `frames/%05d.png`: the files that fit it follow each other by number.
        path: PathParam;
        /// Show so many frames; a still without it lasts as long as the timeline, a sequence as long as it has files.
        frames: Option<i64>, in 1.0..=1e9;
        /// Begin a sequence again after its last file.
        r#loop: bool = false;
        /// What to do when the proportions are not those of the timeline.
        fit: Fit = "cover";
    }
}

/// The kind `image_input`.
pub struct ImageInput {
    files: ImageFiles,
    fit: Fit,
    repeat: bool,
    size: Option<Size>,
    /// The picture read last, by its place in the sequence: a still is read once.
    last: Mutex<Option<(usize, Frame)>>,
}

impl Node for ImageInput {
    type State = ();

    fn outlook(params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        let problem = |error: crate::media::MediaError| vec![Problem::error("path", error.to_string())];
        let files = ImageFiles::find(params.path.path()).map_err(problem)?;
        let size = match cx.timeline.size {
            Some(size) => size,
            None => files.size_of(0).map_err(problem)?,
        };
        let length = match params.frames {
            Some(frames) => Length::Exactly(frames.unsigned_abs()),
            None if files.is_still() || params.r#loop => Length::Endless,
            None => Length::Exactly(files.len() as u64),
        };
        let reads = (0..files.len()).map(|index| files.path(index)).collect();
        let mut outlook = Outlook { length, reads, ..cx.all_outputs(size) };
        if let Some(gap) = files.gap() {
            let warning = format!("`{}` leaves out number {gap}: the files follow one another without it", params.path.text());
            outlook.warnings.push(Problem::warning("path", warning));
        }
        Ok(outlook)
    }

    fn open(params: &Params, cx: &Open<'_>) -> Result<(Self, ()), Fault> {
        let files = ImageFiles::find(params.path.path())?;
        let node = Self { files, fit: params.fit, repeat: params.r#loop, size: cx.timeline.size, last: Mutex::new(None) };
        Ok((node, ()))
    }

    fn fire(&self, _state: &mut (), cx: &Tick<'_>, _inputs: Inputs, _now: Now) -> Result<Outputs, Halt> {
        let count = self.files.len();
        let tick = usize::try_from(cx.tick()).unwrap_or(usize::MAX);
        let index = if self.repeat { tick % count } else { tick.min(count - 1) };
        if let Some((held, frame)) = &*self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
            && *held == index
        {
            return Ok(Outputs { image: frame.clone() });
        }
        let frame = read_image(&self.files.path(index))?;
        let shown = frame.size();
        let image = place(frame, shown, self.size.unwrap_or(shown), self.fit);
        *self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some((index, image.clone()));
        Ok(Outputs { image })
    }
}
