//! Sound for listening to: one channel of samples, a stretch at a time.

use std::path::Path;

use ffmpeg_next::format::{Sample, sample};
use ffmpeg_next::{ChannelLayout, format, media};

use super::MediaError;
use super::mux::url;
use super::pcm::{Pcm, open_decoder};
use super::reader::{TrackReader, seconds};
use crate::frame::Track;

/// The samples of a [`Track`], all channels mixed into one, decoded as they are asked for.
pub struct Sound {
    pcm: Pcm,
    /// Samples until the track's end, if it ends before the file.
    left: Option<usize>,
}

impl Sound {
    /// Opens the sound at `rate` samples a second. The first sample is that of the track's start.
    ///
    /// # Errors
    /// When the file cannot be read, or its sound not decoded.
    pub fn open(track: &Track, rate: u32) -> Result<Self, MediaError> {
        super::init();
        let reader = TrackReader::open(track, 0.5)?;
        let left = reader.length.is_finite().then(|| (reader.length * f64::from(rate)).round().max(0.0) as usize);
        let decoder = open_decoder(&reader)?;
        let shape = (Sample::F32(sample::Type::Packed), ChannelLayout::MONO, rate);
        Ok(Self { pcm: Pcm::new(reader, decoder, shape, 0), left })
    }

    /// The next samples, at most `most`; none at the end.
    ///
    /// # Errors
    /// When the file cannot be read further.
    pub fn read(&mut self, most: usize) -> Result<Vec<f32>, MediaError> {
        self.pcm.fill(most, ChannelLayout::MONO)?;
        let count = most.min(self.pcm.waiting()).min(self.left.unwrap_or(usize::MAX));
        if count == 0 {
            return Ok(Vec::new());
        }
        self.left = self.left.map(|left| left - count);
        let frame = self.pcm.pop(count, ChannelLayout::MONO);
        Ok(frame.plane::<f32>(0)[..count].to_vec())
    }
}

/// The sound that a player would choose in the file at `path`, from its first sample on, and how long it is in seconds if the
/// file says so. The file need not hold pictures.
///
/// # Errors
/// When it cannot be opened, or holds no sound.
pub fn sound_of(path: &Path) -> Result<(Track, Option<f64>), MediaError> {
    super::init();
    let input = format::input(&url(path)?).map_err(MediaError::ffmpeg(format!("cannot open `{}`", path.display())))?;
    let Some(stream) = input.streams().best(media::Type::Audio) else {
        return Err(MediaError::Other(format!("`{}` holds no sound; choose another file", path.display())));
    };
    let start = |time: i64| if time == i64::MIN { 0.0 } else { seconds(time, stream.time_base()) };
    let own = Some(stream.duration()).filter(|length| *length > 0).map(|length| seconds(length, stream.time_base()));
    let whole = Some(input.duration()).filter(|length| *length > 0).map(|length| length as f64 / f64::from(ffmpeg_next::ffi::AV_TIME_BASE));
    Ok((
        Track { path: path.to_path_buf(), stream: stream.index(), from: start(stream.start_time()), to: None, stretch: 1.0 },
        own.or(whole),
    ))
}
