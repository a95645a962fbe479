//! The decoded pictures of one file in the order they are shown, whatever state the file is in.

use ffmpeg_next::format::context::Input;
use ffmpeg_next::frame::Video;
use ffmpeg_next::util::error::EAGAIN;
use ffmpeg_next::{Error, Packet, Rational, decoder};

use super::{MediaError, MediaInfo, open, raw, scan};

/// After so many failures in a row nothing more is expected of a file.
const PATIENCE: u32 = 256;
/// Seeking lands on a key frame before the wanted time, or, in careless files, after it; then it is tried that many seconds earlier.
const STEPS_BACK: [f64; 4] = [0.0, 1.0, 5.0, 20.0];

/// A decoded picture, not yet converted.
pub(super) struct Raw {
    pub video: Video,
    /// When it is shown, in seconds after the first picture.
    pub time: f64,
    /// How long it is shown, in seconds.
    pub duration: f64,
}

/// A file being decoded.
pub(super) struct Source {
    pub info: MediaInfo,
    input: Input,
    decoder: decoder::Video,
    base: Rational,
    draining: bool,
    /// The first picture, decoded to learn when the clip really begins.
    first: Option<Raw>,
    /// A packet read ahead of its turn.
    held: Option<Packet>,
    /// When the last picture was shown and until when.
    last: Option<(f64, f64)>,
    damage: Damage,
}

/// What was wrong with the data so far.
#[derive(Default)]
struct Damage {
    /// Packets and pictures with errors that the decoder got over.
    hidden: u64,
    first: Option<f64>,
    /// Why reading ended early.
    cut: Option<String>,
}

impl Source {
    pub fn open(info: MediaInfo) -> Result<Self, MediaError> {
        let (input, decoder, base) = start(&info)?;
        let damage = Damage::default();
        let mut source = Self { info, input, decoder, base, draining: false, first: None, held: None, last: None, damage };
        // Streams that begin between key frames, and containers that know decoding times only, show their first picture later than
        // they say.
        if let Some(mut raw) = source.next() {
            source.info.start += raw.time;
            raw.time = 0.0;
            source.last = Some((0.0, raw.duration));
            source.first = Some(raw);
        }
        Ok(source)
    }

    /// The next picture, or `None` after the last.
    pub fn next(&mut self) -> Option<Raw> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        let mut failures = 0;
        while failures < PATIENCE {
            let mut video = Video::empty();
            match self.decoder.receive_frame(&mut video) {
                Ok(()) => return Some(self.stamped(video)),
                Err(Error::Eof) => return None,
                Err(Error::Other { errno: EAGAIN }) => self.feed(),
                Err(_) => {
                    failures += 1;
                    self.hide();
                }
            }
        }
        self.damage.cut.get_or_insert_with(|| "its pictures cannot be decoded".into());
        None
    }

    /// Goes to the last picture at or before `time` that decoding can start from, and gives it. Files without timestamps, and those
    /// that do not seek, are read again from the start.
    pub fn seek(&mut self, time: f64) -> Result<Option<Raw>, MediaError> {
        for back in STEPS_BACK {
            let target = time - back;
            if target <= 0.0 {
                break;
            }
            let stamp = ((self.info.start + target) * f64::from(ffmpeg_next::ffi::AV_TIME_BASE)) as i64;
            if self.input.seek(stamp, ..stamp).is_err() {
                break;
            }
            self.decoder.flush();
            self.reset();
            if let Some(raw) = self.next()
                && raw.video.timestamp().is_some()
                && raw.time <= time + self.grain()
            {
                return Ok(Some(raw));
            }
        }
        self.restart()?;
        Ok(self.next())
    }

    /// Goes back to the first picture.
    pub fn restart(&mut self) -> Result<(), MediaError> {
        (self.input, self.decoder, self.base) = start(&self.info)?;
        self.reset();
        Ok(())
    }

    /// How exact timestamps are, in seconds.
    pub fn grain(&self) -> f64 {
        0.75 * f64::from(self.base) + 1e-6
    }

    /// The error to report after the last picture, if the file ends before its time.
    pub fn cut_short(&self) -> Option<MediaError> {
        let end = self.last.map_or(0.0, |(_, end)| end);
        let promised = self.info.duration.filter(|length| end < length - self.leeway());
        let why = match (&self.damage.cut, promised) {
            (Some(why), _) => why.clone(),
            (None, Some(length)) if self.all_ends_early(length) => format!("its header promises {length:.2} s"),
            (None, _) => return None,
        };
        let at = match self.last {
            Some((time, _)) => format!("after frame {:.0} ({time:.2} s)", (time * self.info.fps.as_f64()).round()),
            None => "before its first frame".into(),
        };
        Some(MediaError::Damaged { path: self.info.path.clone(), at, why })
    }

    /// What the user should know of damage that was got over.
    pub fn note(&self) -> Option<String> {
        let Damage { hidden: 1.., first: Some(first), .. } = self.damage else { return None };
        let (path, count) = (self.info.path.display(), self.damage.hidden);
        let pictures = if count == 1 { "1 damaged picture" } else { &format!("{count} damaged pictures") };
        Some(format!("`{path}`: {pictures} from {first:.2} s on, dropped or mended by the decoder"))
    }

    /// A header speaks of the longest stream, which need not be the pictures: whether every stream ends well before `length`.
    fn all_ends_early(&self, length: f64) -> bool {
        if self.info.audio.is_empty() && self.info.subtitles.is_empty() {
            return true;
        }
        let Ok((mut input, _)) = open::open(&self.info.path) else { return true };
        let bases: Vec<_> = input.streams().map(|stream| stream.time_base()).collect();
        let (mut packet, mut end) = (Packet::empty(), 0_f64);
        while packet.read(&mut input).is_ok() {
            if let (Some(stamp), Some(base)) = (packet.pts(), bases.get(packet.stream())) {
                end = end.max(scan::seconds(stamp + packet.duration(), *base));
            }
        }
        end - self.info.start < length - self.leeway()
    }

    /// A header's length may count the last frames differently.
    fn leeway(&self) -> f64 {
        (3.5 * self.info.frame_time()).max(0.1)
    }

    fn reset(&mut self) {
        self.draining = false;
        self.first = None;
        self.held = None;
        self.last = None;
    }

    fn hide(&mut self) {
        self.damage.hidden += 1;
        let end = self.last.map_or(0.0, |(_, end)| end);
        self.damage.first.get_or_insert(end);
    }

    fn stamped(&mut self, video: Video) -> Raw {
        if video.is_corrupt() || video.has_decode_errors() {
            self.hide();
        }
        let usual = self.info.frame_time();
        let length = scan::seconds(video.packet().duration, self.base);
        let duration = if length > 0.0 { length } else { usual };
        let time = match (video.timestamp(), self.last) {
            (Some(stamp), _) => scan::seconds(stamp, self.base) - self.info.start,
            (None, Some((_, end))) => end,
            (None, None) => 0.0,
        };
        self.last = Some((time, time + duration));
        Raw { video, time, duration }
    }

    /// Gives the decoder one packet, or word that there are no more.
    fn feed(&mut self) {
        let packet = self.held.take().or_else(|| self.read());
        let Some(packet) = packet else { return self.drain() };
        if packet.is_corrupt() {
            // A packet that ends with the file is a torn one; elsewhere the decoder may make something of it.
            self.held = self.read();
            if self.held.is_none() {
                self.damage.cut.get_or_insert_with(|| "its last picture is torn off".into());
                return self.drain();
            }
        }
        if self.decoder.send_packet(&packet).is_err() {
            self.hide();
        }
    }

    fn drain(&mut self) {
        if !std::mem::replace(&mut self.draining, true) {
            // Only a decoder that is draining already refuses this.
            let _ = self.decoder.send_eof();
        }
    }

    /// The next packet of the video stream.
    fn read(&mut self) -> Option<Packet> {
        let mut failures = 0;
        while failures < PATIENCE {
            let mut packet = Packet::empty();
            match packet.read(&mut self.input) {
                Ok(()) if packet.stream() == self.info.video => return Some(packet),
                Ok(()) => {}
                Err(Error::Eof) => return None,
                Err(Error::InvalidData | Error::Other { errno: EAGAIN }) => failures += 1,
                Err(why) => {
                    self.damage.cut.get_or_insert_with(|| why.to_string().to_lowercase());
                    return None;
                }
            }
        }
        self.damage.cut.get_or_insert_with(|| "no more packets can be read".into());
        None
    }
}

/// Opens file and decoder afresh.
fn start(info: &MediaInfo) -> Result<(Input, decoder::Video, Rational), MediaError> {
    let (mut input, index) = open::open(&info.path)?;
    raw::discard_others(&mut input, index);
    let stream = input.stream(index).ok_or_else(|| MediaError::NoVideo { path: info.path.clone() })?;
    let (decoder, base) = (open::open_decoder(&stream, true)?, stream.time_base());
    Ok((input, decoder, base))
}
