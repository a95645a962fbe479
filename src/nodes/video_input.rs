//! The kind `video_input`.

use super::placing::{Fit, place};
use crate::choice;
use crate::frame::{Frame, Size, Track};
use crate::media::{self, DecodeOptions, Decoder, MediaError, MediaInfo, Point, Timing as Pace};
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
    timing: Timing,
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
        let begun = match self.timing {
            Timing::Constant => (seconds - 0.5 / rate.max(fps.as_f64())) * fps.as_f64(),
            Timing::Source => (seconds * rate - 0.5) / self.every_nth.max(1) as f64,
        };
        Some((begun.ceil() as u64).max(1))
    }
}

impl Node for VideoInput {
    type State = Decoder;

    fn outlook(params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        let info = media::probe(params.path.path()).map_err(|error| vec![Problem::error("path", error.to_string())])?;
        let fps = cx.timeline.fps.unwrap_or(params.rate(&info));
        params.options(&info, fps, cx.timeline.bpm).check(&info).map_err(|error| {
            let about = if matches!(error, MediaError::Beyond { .. }) { "from" } else { "to" };
            vec![Problem::error(about, error.to_string())]
        })?;
        let size = cx.timeline.size.unwrap_or(info.size);
        let length = match params.frames(&info, fps, cx.timeline.bpm) {
            _ if params.r#loop => Length::Endless,
            Some(frames) => Length::About(frames),
            None => Length::About(u64::MAX),
        };
        let reads = vec![params.path.path().to_path_buf()];
        let mut outlook = Outlook { length, reads, fps: Some(params.rate(&info)), ..cx.all_outputs(size) };
        if info.alpha
            && let Some(image) = outlook.outputs.first_mut()
        {
            image.planes = 4;
        }
        outlook.scratch = info.stored.area() * 4 * PICTURES_HELD + Format::new(PortType::Frame, info.stored).bytes() * 2;
        if info.variable && params.timing == Timing::Constant {
            let warning =
                format!("`{}` has a variable frame rate: pictures are repeated and left out to make {fps} fps", params.path.text());
            let help = "to keep every picture, write `timing: source` here and link `time` to the encoder's `time`";
            outlook.warnings.push(Problem::warning("path", warning).help(help));
        }
        Ok(outlook)
    }

    fn open(params: &Params, cx: &Open<'_>) -> Result<(Self, Decoder), Fault> {
        let info = media::probe(params.path.path())?;
        let moment = cx.timeline.moment(0);
        let options = params.options(&info, moment.fps, moment.bpm);
        let decoder = Decoder::with_info(info, options)?;
        // The decoder knows where the pictures really begin.
        let info = decoder.info().clone();
        let from = info.start + decoder.from_seconds();
        let to = decoder.to_seconds().map(|to| info.start + to);
        let track = |stream: Option<usize>| stream.map(|stream| Track { path: info.path.clone(), stream, from, to, stretch: 1.0 });
        let (audio, subtitles) = (Audio(track(info.best_audio)), Subtitles(track(info.best_subtitles)));
        let node = Self { fit: params.fit, timing: params.timing, size: cx.timeline.size.unwrap_or(info.size), info, audio, subtitles };
        Ok((node, decoder))
    }

    fn fire(&self, decoder: &mut Decoder, cx: &Tick<'_>, _inputs: Inputs, _now: Now) -> Result<Outputs, Halt> {
        // On a slower clock of its own the node keeps the time of a steady rate, but does not leave out stored pictures.
        let index = match self.timing {
            Timing::Constant => cx.tick(),
            Timing::Source => cx.count,
        };
        decoder.seek(index)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::{Declared, Engine, Timeline};

    fn params(name: &str) -> Params {
        let path = format!("{}/tests/media/{name}", env!("CARGO_MANIFEST_DIR"));
        Params {
            path: PathParam::from(path.as_str()),
            from: Time::Frame(0),
            to: Time::End,
            every_nth: 1,
            r#loop: false,
            timing: Timing::Constant,
            fit: Fit::Cover,
        }
    }

    fn outlook(params: &Params, timeline: Timeline) -> Result<Outlook, Vec<Problem>> {
        let (spec, engine) = (VideoInput::spec(), Engine::default());
        VideoInput::outlook(params, &Prospect { timeline, spec: &spec, inputs: &[], period: 1, engine: &engine })
    }

    /// The outputs of some ticks, as a planner and an executor would ask for them.
    fn outputs(params: &Params, period: u64, ticks: impl Iterator<Item = u64>) -> Vec<Outputs> {
        let seen = outlook(params, Timeline::default()).unwrap();
        let timeline = Timeline { size: Some(seen.outputs[0].size), fps: seen.fps, ..Timeline::default() };
        let (spec, engine) = (VideoInput::spec(), Engine::default());
        let open = Open { node: "clip", timeline, inputs: &[], period, engine: &engine };
        let (node, mut state) = VideoInput::open(params, &open).unwrap();
        let fire = |tick| {
            let moment = timeline.moment(tick);
            let now = VideoInput::now(params, &moment);
            node.fire(&mut state, &Tick { node: "clip", spec: &spec, moment, wanted: &[true; 4], count: tick / period, period }, Inputs {}, now)
                .ok()
        };
        ticks.map_while(fire).collect()
    }

    /// Which frame of `count.mp4` it is: its luma is 20 + 5 N.
    fn number(outputs: &Outputs) -> u64 {
        ((outputs.image.raster.plane(0)[0] * 219.0 - 4.0) / 5.0).round() as u64
    }

    #[test]
    fn size_rate_and_length_are_known_before_the_run() {
        let seen = outlook(&params("count.mp4"), Timeline::default()).unwrap();
        assert_eq!((seen.outputs[0].size, seen.fps, seen.length), (Size::new(64, 48), Some(Fps::new(25, 1)), Length::About(40)));
        assert!(seen.warnings.is_empty());
        let cut = Params { from: Time::Frame(10), to: Time::Seconds(1.2), every_nth: 2, ..params("count.mp4") };
        let seen = outlook(&cut, Timeline::default()).unwrap();
        assert_eq!((seen.fps, seen.length), (Some(Fps::new(25, 2)), Length::About(10)));
        assert_eq!(outlook(&Params { r#loop: true, ..params("count.mp4") }, Timeline::default()).unwrap().length, Length::Endless);
        assert_eq!(outlook(&params("anamorphic.mp4"), Timeline::default()).unwrap().outputs[0].size, Size::new(85, 48));
        let twice = Timeline { fps: Some(Fps::new(50, 1)), size: Some(Size::new(32, 32)), ..Timeline::default() };
        let seen = outlook(&params("count.mp4"), twice).unwrap();
        assert_eq!((seen.outputs[0].size, seen.length), (Size::new(32, 32), Length::About(80)));
    }

    #[test]
    fn problems_are_told_before_the_run() {
        let problem = |params: Params| outlook(&params, Timeline::default()).unwrap_err().remove(0);
        assert_eq!(problem(params("none.mp4")).about, "path");
        let late = problem(Params { from: Time::Frame(40), ..params("count.mp4") });
        assert!(late.about == "from" && late.message.contains("40 frames"), "{late:?}");
        assert_eq!(problem(Params { from: Time::Frame(9), to: Time::Seconds(0.1), ..params("count.mp4") }).about, "to");
        let warning = outlook(&params("vfr.mkv"), Timeline::default()).unwrap().warnings.remove(0);
        assert!(warning.message.contains("variable frame rate"), "{warning:?}");
        assert!(outlook(&Params { timing: Timing::Source, ..params("vfr.mkv") }, Timeline::default()).unwrap().warnings.is_empty());
    }

    #[test]
    fn pictures_sound_and_times_follow_the_stretch() {
        let cut = Params { from: Time::Frame(10), to: Time::Frame(14), ..params("count.mp4") };
        let made = outputs(&cut, 1, 0..);
        assert_eq!(made.iter().map(number).collect::<Vec<_>>(), [10, 11, 12, 13]);
        assert!((made[2].time - 0.48).abs() < 1e-6);
        let track = made[0].audio.0.as_ref().unwrap();
        assert!(track.stream == 1 && (track.from - 0.4).abs() < 1e-6 && (track.to.unwrap() - 0.56).abs() < 1e-6, "{track:?}");
        assert!(made[0].subtitles.0.is_none());
    }

    #[test]
    fn a_slower_clock_keeps_time_or_keeps_pictures() {
        let slow =
            |timing| outputs(&Params { timing, ..params("count.mp4") }, 5, (0..20).step_by(5)).iter().map(number).collect::<Vec<_>>();
        assert_eq!(slow(Timing::Constant), [0, 5, 10, 15]);
        assert_eq!(slow(Timing::Source), [0, 1, 2, 3]);
    }

    #[test]
    fn anamorphic_and_turned_pictures_come_as_shown() {
        for (name, size) in [("anamorphic.mp4", Size::new(85, 48)), ("rotated.mp4", Size::new(48, 64))] {
            assert!(outputs(&params(name), 1, 0..).iter().all(|made| made.image.size() == size));
        }
    }
}
