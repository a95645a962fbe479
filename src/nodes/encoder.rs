//! The kind `encoder`.

use std::path::{Path, PathBuf};

use crate::frame::{Frame, Size};
use crate::media::{self, EncodeOptions, Encoder as File};
use crate::node::{Audio, Ending, Fault, Halt, Node, Open, Outlook, Problem, Prospect, Subtitles, Tick};
use crate::param::{Fps, Pairs, PathParam};

/// Pictures that encoders look ahead, and one for each of their threads: x264's default of 40 and some.
const PICTURES_HELD: usize = 64;

node! {
    /// Writes a video file, with sound and subtitles copied from their source.
    ///
    /// The ending of the path chooses the container. The file appears under its name when it is whole; a run that is stopped
    /// leaves a shorter, playable one. Sound is copied packet by packet and only encoded anew where the container cannot hold it.
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
    fps: Fps,
}

impl Params {
    fn options(&self, fps: Fps, size: Option<Size>, draft: bool) -> EncodeOptions {
        let mut options = EncodeOptions::new(self.path.path(), (fps.num, fps.den));
        options.codec.clone_from(&self.codec);
        options.crf = self.crf;
        options.preset = self.preset.clone().or_else(|| (draft && self.codec.is_none()).then(|| "veryfast".to_owned()));
        options.pix_fmt.clone_from(&self.pix_fmt);
        options.size = size;
        options.metadata = self.metadata.as_ref().map(|pairs| pairs.0.clone()).unwrap_or_default();
        options
    }

    fn fps(&self, timeline: Fps) -> Fps {
        self.fps.map_or(timeline, Fps::nearest)
    }
}

impl Node for Encoder {
    type State = Option<File>;

    fn outlook(params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        let size = cx.size_of("image");
        let options = params.options(params.fps(cx.timeline.moment(0).fps), Some(size), cx.engine.draft);
        media::check(&options).map_err(|error| vec![Problem::error(at_fault(&error.to_string(), params), error.to_string())])?;
        let scratch = size.area() * 3 * PICTURES_HELD;
        Ok(Outlook { writes: vec![params.path.path().to_path_buf()], scratch, ..Outlook::default() })
    }

    fn open(params: &Params, cx: &Open<'_>) -> Result<(Self, Option<File>), Fault> {
        let fps = params.fps(cx.timeline.moment(0).fps);
        let options = params.options(fps, None, cx.engine.draft);
        media::check(&options)?;
        Ok((Self { options, fps }, None))
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
        let mut notes = vec![format!("wrote {} ({}, {} frames, {:.2} s)", shown(&summary.path).display(), summary.size, summary.frames, summary.seconds)];
        notes.extend(summary.notes);
        Ok(notes)
    }
}

impl Encoder {
    /// Begins the file with the first frame that comes. That may be a later one than tick 0, when only a stretch is written: the
    /// sound then begins as much later.
    fn begin(&self, cx: &Tick<'_>, inputs: &Inputs) -> Result<File, Fault> {
        let late = cx.tick() as f64 / self.fps.as_f64();
        let later = |track: Option<crate::frame::Track>| track.map(|track| crate::frame::Track { from: track.from + late, ..track });
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

/// The parameter that an error of the encoder is about, as far as its words tell.
fn at_fault(message: &str, params: &Params) -> &'static str {
    let named = |value: &Option<String>| value.as_ref().is_some_and(|value| message.contains(value.as_str()));
    if named(&params.pix_fmt) {
        "pix_fmt"
    } else if named(&params.preset) {
        "preset"
    } else if message.contains("crf") && params.crf.is_some() {
        "crf"
    } else if named(&params.codec) {
        "codec"
    } else {
        "path"
    }
}
