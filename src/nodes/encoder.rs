//! The kind `encoder`.

use std::path::{Path, PathBuf};

use crate::frame::{Frame, Size, Track};
use crate::media::{self, EncodeOptions, Encoder as File, MediaError, SoundDone};
use crate::node::{Audio, Ending, Fault, Halt, Node, Open, Outlook, Problem, Prospect, Subtitles, Tick};
use crate::param::{Fps, Pairs, PathParam};

/// Pictures that encoders look ahead, and one for each of their threads: x264's default of 40 and some.
const PICTURES_HELD: usize = 64;

node! {
    /// Writes a video file, with sound and subtitles copied from their source.
    ///
    /// The ending of the path chooses the container. The file appears under its name when it is whole; a run that is stopped
    /// leaves a shorter, playable one. Sound is copied packet by packet and only encoded anew where the container cannot hold it, or
    /// where slow motion makes it last longer, at the same pitch.
    "encoder" => Encoder
    inputs {
        /// The pictures.
        image: Frame,
        /// Sound to put beside them.
        audio: Option<Audio>,
        /// Subtitles to put beside them.
        subtitles: Option<Subtitles>,
        /// When each picture is shown, in seconds: keeps a variable frame rate. Without it the pictures come at a steady rate.
        time: Option<f64>,
    }
    params {
        /// The file; its ending is mp4, mov, mkv, webm, avi or gif.
        path: PathParam;
        /// h264, hevc, av1, vp9, prores, ffv1, gif, or the name of an FFmpeg encoder; by default what suits the container.
        codec: Option<String>;
        /// Constant quality: smaller is better and larger files. The range is the codec's own; 0 to 51 for h264 and hevc.
        crf: Option<f64>;
        /// Speed against size, `ultrafast` to `veryslow`, or the encoder's own number; the profile for prores.
        preset: Option<String>;
        /// FFmpeg's name of the pixel format, such as `yuv420p10le`; by default what plays everywhere with the codec.
        pix_fmt: Option<String>;
        /// Frames per second; the timeline's if left out.
        fps: Option<f64>, in 0.001..=1000.0;
        /// Tags of the file: `{ title: …, comment: … }`.
        metadata: Option<Pairs>;
    }
}

/// The kind `encoder`.
pub struct Encoder {
    options: EncodeOptions,
    ticks_a_second: f64,
    /// How many times longer than in the sources everything lasts.
    stretch: f64,
}

impl Params {
    fn options(&self, fps: Fps, size: Option<Size>, draft: bool) -> EncodeOptions {
        let mut options = EncodeOptions::new(self.path.path(), (fps.num, fps.den));
        options.codec.clone_from(&self.codec);
        options.crf = self.crf;
        options.preset.clone_from(&self.preset);
        options.draft = draft;
        options.pix_fmt.clone_from(&self.pix_fmt);
        options.size = size;
        options.metadata = self.metadata.as_ref().map(|pairs| pairs.0.clone()).unwrap_or_default();
        options
    }

    /// The rate of a file that gets every `period`-th tick.
    fn fps(&self, timeline: Fps, period: u64) -> Fps {
        let every = u32::try_from(period).unwrap_or(u32::MAX);
        self.fps.map_or_else(|| Fps::new(timeline.num, timeline.den.saturating_mul(every)), Fps::nearest)
    }
}

impl Node for Encoder {
    type State = Option<File>;

    fn outlook(params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        let size = cx.size_of("image");
        let options = params.options(params.fps(cx.timeline.moment(0).fps, cx.period), Some(size), cx.engine.draft);
        media::check(&options).map_err(|error| vec![Problem::error(at_fault(&error, params), error.to_string())])?;
        let scratch = size.area() * 3 * PICTURES_HELD;
        Ok(Outlook { writes: vec![params.path.path().to_path_buf()], scratch, ..Outlook::default() })
    }

    fn open(params: &Params, cx: &Open<'_>) -> Result<(Self, Option<File>), Fault> {
        let timeline = cx.timeline.moment(0).fps;
        let options = params.options(params.fps(timeline, cx.period), None, cx.engine.draft);
        media::check(&options)?;
        Ok((Self { options, ticks_a_second: timeline.as_f64(), stretch: cx.timeline.stretch }, None))
    }

    fn fire(&self, state: &mut Option<File>, cx: &Tick<'_>, inputs: Inputs, _now: Now) -> Result<Outputs, Halt> {
        let file = match state {
            Some(file) => file,
            None => state.insert(self.begin(cx, &inputs)?),
        };
        file.push(&inputs.image, inputs.time)?;
        Ok(Outputs {})
    }

    fn finish(&self, state: &mut Option<File>, _ending: Ending) -> Result<Vec<String>, Fault> {
        let Some(file) = state.take() else { return Ok(vec![format!("`{}` was not written: no frame came", self.options.path.display())]) };
        let summary = file.finish()?;
        let sound = match &summary.sound {
            SoundDone::None => String::new(),
            SoundDone::Copied(codec) => format!(", {codec} sound copied"),
            SoundDone::Reencoded(from, to) => format!(", sound turned from {from} into {to}"),
        };
        let (path, frames) = (shown(&summary.path), summary.frames);
        let mut notes = vec![format!("wrote {} ({}, {frames} frames, {:.2} s{sound})", path.display(), summary.size, summary.seconds)];
        notes.extend(summary.notes);
        Ok(notes)
    }
}

impl Encoder {
    /// Begins the file with the first frame that comes. That may be a later one than tick 0, when only a stretch is written: the
    /// sound then begins as much later.
    fn begin(&self, cx: &Tick<'_>, inputs: &Inputs) -> Result<File, Fault> {
        let late = cx.tick() as f64 / self.ticks_a_second / self.stretch;
        let later = |track: Option<Track>| track.map(|track| Track { from: track.from + late, stretch: self.stretch, ..track });
        let mut options = self.options.clone();
        options.audio = later(inputs.audio.clone().and_then(|audio| audio.0));
        options.subtitles = later(inputs.subtitles.clone().and_then(|subtitles| subtitles.0));
        Ok(File::open(options)?)
    }
}

/// The path as one would type it here: without detours, and relative where the file lies below the current folder.
pub(super) fn shown(path: &Path) -> PathBuf {
    let (Ok(whole), Ok(here)) = (path.canonicalize(), std::env::current_dir()) else { return path.to_path_buf() };
    whole.strip_prefix(&here).map_or_else(|_| path.to_path_buf(), Path::to_path_buf)
}

/// The parameter that an error of the encoder is about: one that was written, or else the path, which chose for it.
fn at_fault(error: &MediaError, params: &Params) -> &'static str {
    let MediaError::Output(error) = error else { return "path" };
    let option = error.option();
    if option == "codec" && params.codec.is_none() { "path" } else { option }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::{Declared, Engine, Timeline};
    use crate::param::Moment;

    fn params(path: &Path) -> Params {
        let path = crate::param::PathParam::new(path.to_string_lossy(), Path::new(""));
        Params { path, codec: None, crf: None, preset: None, pix_fmt: None, fps: None, metadata: None }
    }

    #[test]
    fn every_second_tick_makes_a_file_of_half_the_rate() {
        let dir = tempfile::tempdir().unwrap();
        let params = params(&dir.path().join("out/clip.mkv"));
        let (engine, spec) = (Engine { draft: true, ..Engine::default() }, Encoder::spec());
        let opening = Open { node: "file", timeline: Timeline::default(), inputs: &[], period: 2, engine: &engine };
        let (node, mut state) = Encoder::open(&params, &opening).unwrap();
        for tick in [0, 2, 4] {
            let moment = Moment { tick, ..Moment::default() };
            let cx = Tick { node: "file", spec: &spec, moment, wanted: &[], count: tick / 2, period: 2 };
            let image = Frame::filled(Size::new(64, 48), [0.1 * tick as f32, 0.5, 0.5]);
            let now = Encoder::now(&params, &cx.moment);
            node.fire(&mut state, &cx, Inputs { image, audio: None, subtitles: None, time: None }, now).unwrap();
        }
        let notes = node.finish(&mut state, Ending::Complete).unwrap();
        assert!(notes[0].contains("clip.mkv (64x48, 3 frames, 0.24 s)"), "{notes:?}");
        let written = media::probe(params.path.path()).unwrap();
        assert_eq!((written.fps.num, written.fps.den, written.frames), (25, 2, Some(3)));
    }

    #[test]
    fn an_error_points_at_the_parameter_that_is_wrong() {
        let at = |change: &dyn Fn(&mut Params)| {
            let mut params = params(Path::new("clip.mp4"));
            change(&mut params);
            let options = params.options(Fps::new(25, 1), None, false);
            at_fault(&media::check(&options).unwrap_err(), &params)
        };
        assert_eq!(at(&|p| p.crf = Some(99.0)), "crf");
        assert_eq!(at(&|p| p.preset = Some("hasty".into())), "preset");
        assert_eq!(at(&|p| p.pix_fmt = Some("rgb3".into())), "pix_fmt");
        assert_eq!(at(&|p| p.codec = Some("prores".into())), "codec");
        assert_eq!(at(&|p| p.path = crate::param::PathParam::new("clip.doc", Path::new(""))), "path");
    }
}
