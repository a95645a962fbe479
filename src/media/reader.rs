use std::path::PathBuf;

use ffmpeg_next::codec::Parameters;
use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Error, Packet, Rational, format, rescale};

use super::mux::url;
use super::{MediaError, raw};
use crate::frame::Track;

/// The packets of a [`Track`], from about its start on, in the order of the file.
pub(super) struct TrackReader {
    input: Input,
    stream: usize,
    /// The file, for messages.
    pub path: PathBuf,
    /// The unit of the packets' times.
    pub time_base: Rational,
    /// The codec and its headers.
    pub parameters: Parameters,
    /// Language and title.
    pub labels: Vec<(String, String)>,
    /// Where the track starts, in units of the file's clock.
    start: i64,
    /// How long the track is in the output, in seconds; infinite when it goes on to the end of the file.
    pub length: f64,
    /// How many times longer it lasts there than in the file.
    pub stretch: f64,
}

impl TrackReader {
    /// Opens the file and goes to `lead` seconds before the track's start, or the nearest point before it.
    pub(super) fn open(track: &Track, lead: f64) -> Result<Self, MediaError> {
        let reading = || format!("cannot read `{}`", track.path.display());
        let mut input = format::input(&url(&track.path)?).map_err(MediaError::ffmpeg(reading()))?;
        let Some(stream) = input.stream(track.stream) else {
            return Err(MediaError::Other(format!("`{}` has no stream {}; choose another", track.path.display(), track.stream)));
        };
        let metadata = stream.metadata();
        let labels = metadata.iter().filter(|(key, _)| matches!(*key, "language" | "title"));
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let (time_base, parameters) = (stream.time_base(), stream.parameters());
        raw::discard_others(&mut input, track.stream);
        let to = ((track.from - lead) * f64::from(rescale::TIME_BASE.denominator())) as i64;
        if to > 0 {
            // A file that cannot seek is read from its start: slower, not wrong.
            let _ = input.seek(to, ..to);
        }
        Ok(Self {
            input,
            stream: track.stream,
            path: track.path.clone(),
            time_base,
            parameters,
            labels,
            start: ticks(track.from, time_base),
            length: track.to.map_or(f64::INFINITY, |to| (to - track.from) * track.stretch),
            stretch: track.stretch,
        })
    }

    /// The next packet, its times counted from the track's start; `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<Packet>, MediaError> {
        loop {
            let mut packet = Packet::empty();
            match packet.read(&mut self.input) {
                Ok(()) if packet.stream() == self.stream => {
                    let shift = |time: Option<i64>| time.map(|t| t - self.start);
                    let (pts, dts) = (shift(packet.pts()), shift(packet.dts()));
                    packet.set_pts(pts.or(dts));
                    packet.set_dts(dts.or(pts));
                    return Ok(Some(packet));
                }
                Ok(()) => {}
                Err(Error::Eof) => return Ok(None),
                Err(why) => return Err(MediaError::ffmpeg(format!("cannot read `{}` further", self.path.display()))(why)),
            }
        }
    }
}

/// `seconds` in units of `time_base`, to nearest.
pub(super) fn ticks(seconds: f64, time_base: Rational) -> i64 {
    (seconds * f64::from(time_base.1) / f64::from(time_base.0)).round() as i64
}

/// `ticks` of `time_base` in seconds.
pub(super) fn seconds(ticks: i64, time_base: Rational) -> f64 {
    ticks as f64 * f64::from(time_base.0) / f64::from(time_base.1)
}
