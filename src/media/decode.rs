//! Streaming a file's pictures as frames, at a constant rate or as they are stored.

use std::path::Path;

use super::source::{Raw, Source};
use super::{MediaError, MediaInfo, pixels, probe, scan};
use crate::frame::{ColorTags, Frame};
use crate::param::Fps;

/// Going ahead by more than so many seconds is quicker from the next key frame than picture by picture.
const WORTH_SEEKING: f64 = 10.0;

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Point {
    /// The n-th picture of the file, from 0. At constant timing: of the file's rate.
    Frame(u64),
    /// Seconds after the first picture.
    Seconds(f64),
}

/// Which pictures follow one another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Timing {
    /// So many a second, each the one that a player has on screen when its time comes: pictures are repeated and left out as their
    /// timestamps say, with half a frame of leeway for timestamps that are coarse or jitter.
    Constant(Fps),
    /// Every stored picture once, whatever its timestamp.
    Source,
}

/// Which pictures to deliver.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DecodeOptions {
    /// Where to begin: the picture on screen there is the first.
    pub from: Point,
    /// Where to stop, exclusively; without it at the end of the file.
    pub to: Option<Point>,
    /// Take every n-th picture of the file's rate (constant timing) or of the stored ones. 0 counts as 1.
    pub every_nth: u64,
    /// Which pictures follow one another.
    pub timing: Timing,
    /// Begin again at `from` after the last.
    pub repeat: bool,
}

impl Default for DecodeOptions {
    fn default() -> Self {
        Self { from: Point::Frame(0), to: None, every_nth: 1, timing: Timing::Source, repeat: false }
    }
}

impl DecodeOptions {
    /// Whether the stretch lies in the file, by what its head says, without opening it.
    ///
    /// # Errors
    /// When `from` lies beyond the end or not before `to`.
    pub fn check(&self, info: &MediaInfo) -> Result<(), MediaError> {
        let seconds = |point: Point| match point {
            Point::Frame(n) => n as f64 * info.frame_time(),
            Point::Seconds(seconds) => seconds,
        };
        let beyond = match (self.from, self.timing, info.frames) {
            (Point::Frame(n), Timing::Source, Some(frames)) => n >= frames,
            (point, ..) => info.duration.is_some_and(|length| seconds(point) > length - 1e-6),
        };
        if beyond {
            return Err(beyond_end(info, self.from));
        }
        ordered(self, seconds(self.from), self.to.map_or(f64::INFINITY, seconds))
    }
}

/// One picture of a file.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The picture, upright, at its stored resolution: where [`MediaInfo::size`] differs its pixels are not square.
    pub frame: Frame,
    /// When the file shows it, in seconds after its first picture.
    pub time: f64,
}

/// Streams the pictures of one file. Its threads decode ahead while the last picture is being used.
pub struct Decoder {
    source: Source,
    options: DecodeOptions,
    /// `from` and `to` in seconds.
    from: f64,
    to: f64,
    /// The index of the next picture to deliver.
    next: u64,
    /// How many pictures one round has, once it is known.
    round: Option<u64>,
    /// The picture on screen and the one after it.
    current: Option<Raw>,
    ahead: Option<Raw>,
    /// With [`Timing::Constant`]: the place in the round that was shown last.
    place: u64,
    /// With [`Timing::Source`]: how many pictures after `from` the current one is.
    counted: u64,
    /// The last picture delivered, for the next time that it is wanted.
    shown: Option<Picture>,
    finished: bool,
}

impl Decoder {
    /// Opens `path` at `options.from`.
    ///
    /// # Errors
    /// What [`probe`] says, or that `from` lies beyond the end or behind `to`.
    pub fn open(path: &Path, options: DecodeOptions) -> Result<Self, MediaError> {
        Self::with_info(probe(path)?, options)
    }

    /// As [`Self::open`], for a file that was probed before.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn with_info(info: MediaInfo, options: DecodeOptions) -> Result<Self, MediaError> {
        let source = Source::open(info)?;
        let (from, to) = stretch(&source.info, &options)?;
        let mut decoder = Self {
            source,
            options,
            from,
            to,
            next: 0,
            round: None,
            current: None,
            ahead: None,
            place: 0,
            counted: 0,
            shown: None,
            finished: false,
        };
        decoder.rewind(from)?;
        Ok(decoder)
    }

    /// What the file holds.
    pub fn info(&self) -> &MediaInfo {
        &self.source.info
    }

    /// What the user should know after the last picture, such as damage that was got over.
    pub fn note(&self) -> Option<String> {
        self.source.note()
    }

    /// Where the first picture lies, in seconds after the file's first.
    pub fn from_seconds(&self) -> f64 {
        self.from
    }

    /// Where the stretch stops, in seconds after the file's first picture, if that is before the file's end.
    pub fn to_seconds(&self) -> Option<f64> {
        Some(self.to).filter(|to| to.is_finite())
    }

    /// The next picture, or `None` after the last. A file that ends before its time yields all that it has, then one error, then `None`.
    ///
    /// # Errors
    /// When the file ends early, cannot be read any more, or has a pixel format that is not supported.
    #[allow(clippy::should_implement_trait, reason = "an iterator over results would go on after an error")]
    pub fn next(&mut self) -> Result<Option<Picture>, MediaError> {
        if self.finished {
            return Ok(None);
        }
        let index = self.next;
        self.next += 1;
        let place = self.round.map_or(index, |round| index % round);
        let picture = match self.fetch(place)? {
            None if self.options.repeat && place > 0 => {
                self.round = Some(place);
                self.fetch(0)?
            }
            other => other,
        };
        if picture.is_none() {
            self.finished = true;
            let at_end = self.ahead.is_none();
            return self.source.cut_short().filter(|_| at_end).map_or(Ok(None), Err);
        }
        Ok(picture)
    }

    /// Makes picture `index` the next, counted from `from` in delivered pictures (through all rounds of a repeated stretch).
    ///
    /// # Errors
    /// When the file cannot be read again.
    pub fn seek(&mut self, index: u64) -> Result<(), MediaError> {
        while self.options.repeat && self.round.is_none() && index > self.next {
            // How long a round is shows only at its end.
            let place = self.next;
            if self.advance_to(place)? {
                self.next += 1;
            } else if place > 0 {
                self.round = Some(place);
            } else {
                break;
            }
        }
        self.finished = false;
        self.next = index;
        Ok(())
    }

    /// Picture `place` of a round.
    fn fetch(&mut self, place: u64) -> Result<Option<Picture>, MediaError> {
        if !self.advance_to(place)? {
            return Ok(None);
        }
        let Some(raw) = &self.current else { return Ok(None) };
        if let Some(shown) = self.shown.as_ref().filter(|shown| shown.time.total_cmp(&raw.time).is_eq()) {
            return Ok(Some(shown.clone()));
        }
        let pixel = raw.video.format().descriptor().map(ffmpeg_next::util::format::pixel::Descriptor::name);
        let tags = ColorTags { pixel, ..pixels::tags_of(&raw.video)? };
        let frame = self.source.info.turn.apply(pixels::unpack(&raw.video, tags)?);
        let picture = Picture { frame, time: raw.time };
        self.shown = Some(picture.clone());
        Ok(Some(picture))
    }

    /// Makes picture `place` of a round the current one; false if there is none.
    fn advance_to(&mut self, place: u64) -> Result<bool, MediaError> {
        match self.options.timing {
            Timing::Constant(fps) => self.show(place, fps),
            Timing::Source => self.count_to(place.saturating_mul(self.options.every_nth.max(1))),
        }
    }

    /// The picture on screen at frame `place` at `fps`.
    fn show(&mut self, place: u64, fps: Fps) -> Result<bool, MediaError> {
        // What begins just before the end, by no more than timestamps jitter, is not shown.
        let begins = self.from + place as f64 / fps.as_f64() + self.leeway(fps);
        if begins >= self.to {
            return Ok(false);
        }
        let until = self.on_screen_until(place, fps);
        let far = self.current.as_ref().is_some_and(|raw| until - raw.time > WORTH_SEEKING);
        if far || place < std::mem::replace(&mut self.place, place) {
            self.rewind(until - 2.0 * self.source.grain())?;
        }
        while self.ahead.as_ref().is_some_and(|ahead| ahead.time < until) {
            self.step();
        }
        let end = self.current.as_ref().map_or(0.0, |raw| raw.time + raw.duration);
        Ok(self.current.is_some() && (self.ahead.is_some() || begins < end + self.source.grain()))
    }

    /// Half of the shorter frame time, the file's or that of `fps`.
    fn leeway(&self, fps: Fps) -> f64 {
        0.5 / self.source.info.fps.as_f64().max(fps.as_f64())
    }

    /// Pictures that come on screen before this time are due by frame `place` at `tick_rate`.
    fn on_screen_until(&self, place: u64, tick_rate: Fps) -> f64 {
        let (rate, fps) = (self.source.info.fps.as_f64(), tick_rate.as_f64());
        let begins = place as f64 / fps;
        if self.options.every_nth <= 1 {
            return self.from + begins + self.leeway(tick_rate);
        }
        let nth = self.options.every_nth as f64;
        let chosen = ((begins + 0.5 / fps.max(rate / nth)) * rate / nth).floor();
        self.from + (chosen * nth + 0.5) / rate
    }

    /// The stored picture `count` places after the one at `from`.
    fn count_to(&mut self, count: u64) -> Result<bool, MediaError> {
        if count < self.counted {
            self.rewind(self.from)?;
        }
        while self.counted < count {
            if self.ahead.is_none() {
                return Ok(false);
            }
            self.step();
        }
        Ok(self.current.as_ref().is_some_and(|raw| raw.time < self.to - self.source.grain()))
    }

    fn step(&mut self) {
        self.current = self.ahead.take();
        self.ahead = self.source.next();
        self.counted += 1;
    }

    /// Goes to the picture on screen at `time`.
    fn rewind(&mut self, time: f64) -> Result<(), MediaError> {
        let late = time + self.source.grain();
        self.current = if time > self.source.info.frame_time() { self.source.seek(time)? } else { self.first()? };
        self.ahead = self.source.next();
        while self.ahead.as_ref().is_some_and(|ahead| ahead.time <= late) {
            self.step();
        }
        self.counted = 0;
        Ok(())
    }

    fn first(&mut self) -> Result<Option<Raw>, MediaError> {
        if self.current.is_some() || self.ahead.is_some() {
            self.source.restart()?;
        }
        Ok(self.source.next())
    }
}

/// `from` and `to` in seconds.
fn stretch(info: &MediaInfo, options: &DecodeOptions) -> Result<(f64, f64), MediaError> {
    let count = |point: Option<Point>| match point {
        Some(Point::Frame(n)) => usize::try_from(n).unwrap_or(usize::MAX).saturating_add(1),
        _ => 0,
    };
    let needed = count(Some(options.from)).max(count(options.to));
    let counts = options.timing == Timing::Source && needed > 1;
    let times = if counts { scan::times(&info.path, info.start, needed)? } else { None };
    let seconds = |point: Point| match (point, &times) {
        (Point::Seconds(seconds), _) => seconds,
        (Point::Frame(n), None) => n as f64 * info.frame_time(),
        (Point::Frame(n), Some(times)) => times.get(n as usize).map_or(f64::INFINITY, |time| time - info.start),
    };
    let (from, to) = (seconds(options.from), options.to.map_or(f64::INFINITY, seconds));
    if from > info.duration.map_or(f64::MAX, |length| length - 1e-6) {
        return Err(beyond_end(info, options.from));
    }
    ordered(options, from, to)?;
    Ok((from, to))
}

fn ordered(options: &DecodeOptions, from: f64, to: f64) -> Result<(), MediaError> {
    if from < to {
        return Ok(());
    }
    let (from, to) = (named(Some(options.from)), named(options.to));
    Err(MediaError::Other(format!("`to` ({to}) is not after `from` ({from}); swap them or leave one out")))
}

fn beyond_end(info: &MediaInfo, point: Point) -> MediaError {
    let frames = info.frames.map(|n| format!("{n} frames"));
    let seconds = info.duration.map(|duration| format!("{duration:.2} s"));
    let length: Vec<_> = frames.into_iter().chain(seconds).collect();
    MediaError::Beyond { path: info.path.clone(), point: named(Some(point)), length: format!("which has {}", length.join(", ")) }
}

fn named(point: Option<Point>) -> String {
    match point {
        Some(Point::Frame(n)) => format!("frame {n}"),
        Some(Point::Seconds(seconds)) => format!("{seconds} s"),
        None => "the end".into(),
    }
}
