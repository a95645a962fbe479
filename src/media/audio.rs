//! Sound beside the video: packets copied as they are where the container takes them, decoded and encoded anew where it does not.

use ffmpeg_next::{Packet, Rational, Rescale};

use super::MediaError;
use super::container::Container;
use super::mux::Muxer;
use super::reader::{TrackReader, seconds, ticks};
use super::sys;
use super::transcode::Transcoder;
use crate::frame::Track;

/// How the sound got into the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SoundDone {
    /// There is none.
    None,
    /// Copied packet by packet; the codec's name.
    Copied(String),
    /// Encoded anew, because the container cannot hold the source's codec; from and to.
    Reencoded(String, String),
}

/// A sound track on its way into a file.
pub(super) enum Sound {
    Copy(Box<Copier>),
    Transcode(Box<Transcoder>),
}

impl Sound {
    /// Adds a stream for `track` to `muxer`, whose header is not written yet.
    pub(super) fn open(track: &Track, container: &'static Container, muxer: &mut Muxer) -> Result<Self, MediaError> {
        // Coded sound leans on what came shortly before; 0.5 s is plenty for every codec.
        let reader = TrackReader::open(track, 0.5)?;
        if track.stretch == 1.0 && container.copies_audio(reader.parameters.id()) {
            return Ok(Self::Copy(Box::new(Copier::open(reader, container, muxer)?)));
        }
        Ok(Self::Transcode(Box::new(Transcoder::open(reader, container, muxer)?)))
    }

    /// Writes what starts before `seconds` of the output.
    pub(super) fn until(&mut self, seconds: f64, muxer: &mut Muxer) -> Result<(), MediaError> {
        match self {
            Self::Copy(copier) => copier.until(seconds, muxer),
            Self::Transcode(transcoder) => transcoder.until(seconds, muxer),
        }
    }

    /// Writes the rest, up to the video's end at `seconds`. Returns how it went.
    pub(super) fn finish(self, seconds: f64, muxer: &mut Muxer) -> Result<SoundDone, MediaError> {
        match self {
            Self::Copy(mut copier) => {
                copier.until(seconds, muxer)?;
                Ok(SoundDone::Copied(copier.reader.parameters.id().name().to_owned()))
            }
            Self::Transcode(transcoder) => transcoder.finish(seconds, muxer),
        }
    }
}

/// Copies packets.
pub(super) struct Copier {
    reader: TrackReader,
    stream: usize,
    /// Packets that end before this (in the reader's units) are not needed.
    earliest_end: i64,
    /// Packets that start before this cannot be told to the container.
    earliest_start: Option<i64>,
    /// Read, but not due yet.
    waiting: Option<Packet>,
    ended: bool,
    smooth: Option<Smooth>,
}

impl Copier {
    fn open(reader: TrackReader, container: &Container, muxer: &mut Muxer) -> Result<Self, MediaError> {
        let shape = sys::audio_shape(&reader.parameters);
        let per_second = Rational(1, shape.rate.max(1));
        let stream = muxer.add(&reader.parameters, per_second, None)?;
        muxer.label(stream, &reader.labels);
        let in_ticks = |samples: i32| i64::from(samples).rescale(per_second, reader.time_base);
        let (earliest_end, earliest_start) = if container.has_edit_lists() {
            // One packet more than is heard primes the decoder; the edit list hides it.
            (-in_ticks(shape.frame_size), None)
        } else {
            (i64::MIN, Some(-ticks(muxer.told_delay(&reader.parameters), reader.time_base)))
        };
        let smooth = Smooth::new(shape.rate, shape.frame_size, reader.time_base);
        Ok(Self { reader, stream, earliest_end, earliest_start, waiting: None, ended: false, smooth })
    }

    /// Where the packet starts in the output, or `None` when it lies too early to be used.
    fn place(&self, packet: &Packet) -> Option<i64> {
        let start = packet.pts().unwrap_or(0);
        let millisecond = ticks(0.001, self.reader.time_base).max(1);
        match self.earliest_start {
            _ if start + packet.duration() <= self.earliest_end => None,
            // Files round to milliseconds.
            Some(earliest) if start >= earliest - millisecond => Some(start.max(earliest)),
            Some(_) => None,
            None => Some(start),
        }
    }

    fn until(&mut self, limit: f64, muxer: &mut Muxer) -> Result<(), MediaError> {
        let limit = limit.min(self.reader.length);
        while !self.ended {
            let Some(mut packet) = self.waiting.take().map_or_else(|| self.reader.next(), |p| Ok(Some(p)))? else {
                self.ended = true;
                break;
            };
            let Some(start) = self.place(&packet) else { continue };
            if seconds(start, self.reader.time_base) >= limit {
                self.waiting = Some(packet);
                break;
            }
            packet.set_pts(Some(start));
            packet.set_dts(Some(start));
            let time_base = self.smooth.as_mut().map_or(self.reader.time_base, |smooth| smooth.apply(&mut packet, self.reader.time_base));
            muxer.write(packet, self.stream, time_base)?;
        }
        Ok(())
    }
}

/// Matroska rounds times to milliseconds, FLV too. Where every packet holds the same number of samples, counting them gives the exact
/// times back, and players hear no jitter.
struct Smooth {
    per_second: Rational,
    frame_size: i64,
    expected: Option<i64>,
}

impl Smooth {
    fn new(rate: i32, frame_size: i32, time_base: Rational) -> Option<Self> {
        let coarse = i64::from(time_base.0) * i64::from(rate) > i64::from(time_base.1);
        (rate > 0 && frame_size > 0 && coarse).then_some(Self {
            per_second: Rational(1, rate),
            frame_size: frame_size.into(),
            expected: None,
        })
    }

    /// Times `packet` in samples; the unit it is in from now on.
    fn apply(&mut self, packet: &mut Packet, from: Rational) -> Rational {
        let said = packet.pts().unwrap_or(0).rescale(from, self.per_second);
        let tolerance = 2 * 1_i64.rescale(from, self.per_second).max(1);
        let start = self.expected.filter(|e| (e - said).abs() <= tolerance).unwrap_or(said);
        self.expected = Some(start + self.frame_size);
        packet.set_pts(Some(start));
        packet.set_dts(Some(start));
        packet.set_duration(self.frame_size);
        self.per_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn millisecond_times_become_exact_samples_and_real_gaps_stay() {
        let ms = Rational(1, 1000);
        let mut smooth = Smooth::new(48000, 1024, ms).unwrap();
        let mut at = |pts: i64| {
            let mut packet = Packet::empty();
            packet.set_pts(Some(pts));
            assert_eq!(smooth.apply(&mut packet, ms), Rational(1, 48000));
            packet.pts().unwrap()
        };
        // 1024 samples are 21.33 ms.
        assert_eq!([at(0), at(21), at(43), at(64), at(85)], [0, 1024, 2048, 3072, 4096]);
        assert_eq!(at(500), 24000);
        assert!(Smooth::new(48000, 1024, Rational(1, 48000)).is_none());
    }
}
