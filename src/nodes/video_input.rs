//! The kind `video_input`.

use super::placing::{Fit, place};
use crate::choice;
use crate::frame::{Frame, Size, Track};
use crate::media::{self, DecodeOptions, Decoder, MediaInfo, Point, Timing as Pace};
use crate::node::{Audio, Ending, Fault, Format, Halt, Length, Node, Open, Outlook, PortType, Problem, Prospect, Subtitles, Tick};
use crate::param::{Fps, PathParam, Time};

/// Decoded pictures that wait: references of the codec and one for each of its threads.
const PICTURES_HELD: usize = 12;

choice! {
    /// Which pictures of a file follow one another.
    pub enum Timing {
        /// A steady rate: each frame shows what a player would show at its time, so that sound stays in step.
        Constant = "constant",
        /// Every stored picture once. Link `time` to the encoder to keep a variable frame rate.
        Source = "source",
    }
}

node! {
    /// Reads a video file: pictures, sound, subtitles.
    ///
    /// Pictures come upright and with square pixels, as a player shows them, and are fitted to the timeline's size. Size, rate and
    /// length of the output come from the first video unless the timeline gives them. Sound is not decoded: `audio` tells an
    /// encoder where it lies, and the encoder copies it.
    "video_input" => VideoInput
    outputs {
        /// The picture.
        image: Frame,
        /// The sound, trimmed as the pictures are; nothing for a silent file.
        audio: Audio,
        /// The subtitles; nothing where there are none.
        subtitles: Subtitles,
        /// When the file shows the picture, in seconds after the first.
        time: f64,
    }
    params {
        /// The file: anything that FFmpeg reads.
        path: PathParam;
        /// Where to begin: a frame of the file, or seconds.
        from: Time = 0;
        /// Where to stop; what lies there is not shown any more.
        to: Time = "end";
        /// Take every n-th picture of the file; the others are skipped and the rate falls, so that the speed stays.
        every_nth: i64 = 1, in 1.0..=10000.0;
        /// Begin again after the last picture, for ever. The sound is not repeated.
        r#loop: bool = false;
        /// Which pictures follow one another.
        timing: Timing = "constant";
        /// What to do when the proportions are not those of the timeline.
        fit: Fit = "cover";
    }
}

/// The kind `video_input`.
pub struct VideoInput {
    fit: Fit,
    info: MediaInfo,
    size: Size,
    audio: Audio,
    subtitles: Subtitles,
}

fn point(time: Time, bpm: f64, info: &MediaInfo) -> Option<Point> {
    match time {
        Time::Frame(frame) => Some(Point::Frame(frame)),
        Time::End => None,
        other => other.seconds(info.fps, bpm).map(Point::Seconds),
    }
}

impl Params {
    fn options(&self, info: &MediaInfo, fps: Fps, bpm: f64) -> DecodeOptions {
        DecodeOptions {
            from: point(self.from, bpm, info).unwrap_or(Point::Frame(0)),
            to: point(self.to, bpm, info),
            every_nth: self.every_nth.unsigned_abs(),
            timing: match self.timing {
                Timing::Constant => Pace::Constant(fps),
                Timing::Source => Pace::Source,
            },
            repeat: self.r#loop,
        }
    }

    /// The file's own rate, as far as `every_nth` leaves it.
    fn rate(&self, info: &MediaInfo) -> Fps {
        let nth = u32::try_from(self.every_nth.max(1)).unwrap_or(u32::MAX);
        Fps::new(info.fps.num, info.fps.den.saturating_mul(nth))
    }

    /// How many frames come out at `fps`, by what the file's head says.
    fn frames(&self, info: &MediaInfo, fps: Fps, bpm: f64) -> Option<u64> {
        let rate = info.fps.as_f64();
        let whole = info.frames.map(|frames| frames as f64 / rate).or(info.duration)?;
        let at = |time: Time| time.seconds(info.fps, bpm).unwrap_or(whole).min(whole);
        let seconds = (at(self.to) - at(self.from)).max(0.0);
        let frames = match self.timing {
            Timing::Constant => seconds * fps.as_f64(),
            Timing::Source => (seconds * rate / self.every_nth.max(1) as f64).ceil(),
        };
        Some((frames.round() as u64).max(1))
    }
}

impl Node for VideoInput {
    type State = Decoder;

    fn outlook(params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        let info = media::probe(params.path.path()).map_err(|error| vec![Problem::error("path", error.to_string())])?;
        let fps = cx.timeline.fps.unwrap_or(params.rate(&info));
        let size = cx.timeline.size.unwrap_or(info.size);
        let length = match params.frames(&info, fps, cx.timeline.bpm) {
            _ if params.r#loop => Length::Endless,
            Some(frames) => Length::About(frames),
            None => Length::About(u64::MAX),
        };
        let mut outlook = Outlook { length, fps: Some(params.rate(&info)), ..cx.all_outputs(size) };
        outlook.scratch = info.stored.area() * 4 * PICTURES_HELD + Format::new(PortType::Frame, info.stored).bytes() * 2;
        if info.variable && params.timing == Timing::Constant {
            let warning = format!("`{}` has a variable frame rate: pictures are repeated and left out to make {fps} fps", params.path.text());
            let help = "to keep every picture, write `timing: source` here and link `time` to the encoder's `time`";
            outlook.warnings.push(Problem::warning("path", warning).help(help));
        }
        Ok(outlook)
    }

    fn open(params: &Params, cx: &Open<'_>) -> Result<(Self, Decoder), Fault> {
        let info = media::probe(params.path.path())?;
        let moment = cx.timeline.moment(0);
        let options = params.options(&info, moment.fps, moment.bpm);
        let decoder = Decoder::with_info(info.clone(), options)?;
        let from = info.start + decoder.from_seconds();
        let to = params.to.seconds(info.fps, moment.bpm).map(|to| info.start + to);
        let track = |stream: Option<usize>| stream.map(|stream| Track { path: info.path.clone(), stream, from, to });
        let (audio, subtitles) = (Audio(track(info.best_audio)), Subtitles(track(info.best_subtitles)));
        let node = Self { fit: params.fit, size: cx.timeline.size.unwrap_or(info.size), info, audio, subtitles };
        Ok((node, decoder))
    }

    fn fire(&self, decoder: &mut Decoder, cx: &Tick<'_>, _inputs: Inputs, _now: Now) -> Result<Outputs, Halt> {
        // Firings come in order, but not at every tick when the node has a clock of its own.
        decoder.seek(cx.tick())?;
        let picture = decoder.next()?.ok_or(Halt::End)?;
        Ok(Outputs {
            image: place(picture.frame, self.info.size, self.size, self.fit),
            audio: self.audio.clone(),
            subtitles: self.subtitles.clone(),
            time: picture.time,
        })
    }

    fn finish(&self, decoder: &mut Decoder, _ending: Ending) -> Result<Vec<String>, Fault> {
        Ok(decoder.note().into_iter().collect())
    }
}
