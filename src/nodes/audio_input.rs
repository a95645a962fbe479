//! The kind `audio_input`.

use crate::frame::{Size, Track};
use crate::media;
use crate::node::{Audio, Fault, Halt, Length, Node, Open, Outlook, Problem, Prospect, Tick};
use crate::param::{PathParam, Time};

node! {
    /// Reads the sound of a file: music to put under pictures, or to move them by.
    ///
    /// Sound is not decoded: `audio` tells an encoder where it lies, and the encoder copies it; `audio_level` listens to it. The
    /// output is as long as the sound, unless the timeline or a shorter clip ends it.
    "audio_input" => AudioInput
    outputs {
        /// The sound.
        audio: Audio,
    }
    params {
        /// The file: anything with sound that FFmpeg reads, a video too.
        path: PathParam;
        /// Where to begin: seconds, or frames of the timeline.
        from: Time = 0;
        /// Where to stop.
        to: Time = "end";
    }
}

/// The kind `audio_input`.
pub struct AudioInput(Audio);

impl Params {
    /// The stretch asked for, and its seconds if they are known.
    fn stretch(&self, timeline: &crate::node::Timeline) -> Result<(Track, Option<f64>), Problem> {
        let (track, whole) = media::sound_of(self.path.path()).map_err(|error| Problem::error("path", error.to_string()))?;
        let moment = timeline.moment(0);
        let seconds = |time: Time| time.seconds(moment.fps, moment.bpm);
        let from = seconds(self.from).unwrap_or(0.0);
        let to = seconds(self.to);
        if let Some(whole) = whole.filter(|whole| from >= *whole) {
            return Err(Problem::error("from", format!("`{}` is only {whole:.2} s long", self.path.text())).help("begin earlier"));
        }
        if to.is_some_and(|to| to <= from) {
            return Err(Problem::error("to", "nothing lies between `from` and `to`").help("let `to` be later than `from`"));
        }
        let length = match (to, whole) {
            (Some(to), Some(whole)) => Some(to.min(whole) - from),
            (Some(end), None) | (None, Some(end)) => Some(end - from),
            (None, None) => None,
        };
        Ok((Track { from: track.from + from, to: to.map(|to| track.from + to), ..track }, length))
    }
}

impl Node for AudioInput {
    type State = ();

    fn outlook(params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        let (_, seconds) = params.stretch(&cx.timeline).map_err(|problem| vec![problem])?;
        let fps = cx.timeline.moment(0).fps.as_f64();
        let length = seconds.map_or(Length::Endless, |seconds| Length::Exactly(((seconds * fps).round() as u64).max(1)));
        let reads = vec![params.path.path().to_path_buf()];
        Ok(Outlook { length, reads, ..cx.all_outputs(Size::new(0, 0)) })
    }

    fn open(params: &Params, cx: &Open<'_>) -> Result<(Self, ()), Fault> {
        let (track, _) = params.stretch(&cx.timeline).map_err(|problem| Fault::new(problem.message))?;
        Ok((Self(Audio(Some(track))), ()))
    }

    fn fire(&self, _state: &mut (), _cx: &Tick<'_>, _inputs: Inputs, _now: Now) -> Result<Outputs, Halt> {
        Ok(Outputs { audio: self.0.clone() })
    }
}
