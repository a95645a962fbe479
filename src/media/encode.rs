//! Frames in, a media file out.

use std::path::PathBuf;

use super::audio::{Sound, SoundDone};
use super::clock::Clock;
use super::mux::Muxer;
use super::options::{EncodeOptions, Settings, check};
use super::subtitles::Subtitles;
use super::video::{Video, coded_size};
use super::{MediaError, OutputError};
use crate::frame::{Frame, Size};

/// What was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The file.
    pub path: PathBuf,
    /// How many pictures it holds.
    pub frames: u64,
    /// How long they are shown together.
    pub seconds: f64,
    /// The file's length; 0 when nothing was written because no frame came.
    pub bytes: u64,
    /// The size of the pictures.
    pub size: Size,
    /// The FFmpeg encoder.
    pub encoder: String,
    /// What became of the sound.
    pub sound: SoundDone,
    /// What the user should know: padding, left-out subtitles.
    pub notes: Vec<String>,
}

/// Writes one media file.
///
/// The file appears under its name in [`Encoder::finish`] only; dropping the encoder before that removes what there is.
pub struct Encoder {
    options: EncodeOptions,
    running: Option<Running>,
    notes: Vec<String>,
}

impl Encoder {
    /// Checks the options. The file itself is begun with the first frame, which tells the size and the colours.
    ///
    /// # Errors
    /// As [`check`].
    pub fn open(options: EncodeOptions) -> Result<Self, MediaError> {
        check(&options)?;
        Ok(Self { options, running: None, notes: Vec::new() })
    }

    /// Adds a frame. With `time`, in seconds and counted from the first frame's, the file gets a variable frame rate; without, frames
    /// follow each other at the rate of the options. The first frame decides which.
    ///
    /// # Errors
    /// When the frame has another size than those before, or the codec, the container or the disk refuses.
    pub fn push(&mut self, frame: &Frame, time: Option<f64>) -> Result<(), MediaError> {
        let running = if let Some(running) = &mut self.running {
            running
        } else {
            let running = Running::start(&self.options, frame, time.is_some(), &mut self.notes)?;
            self.running.insert(running)
        };
        if frame.size() != running.size {
            let (path, expected, got) = (self.options.path.clone(), running.size, frame.size());
            return Err(OutputError::SizeChanged { path, expected, got }.into());
        }
        running.push(frame, time)
    }

    /// Completes the file and gives it its name. After an interruption this yields a shorter, playable file.
    ///
    /// # Errors
    /// When the codec, the container or the disk refuses; nothing is left behind then.
    pub fn finish(mut self) -> Result<Summary, MediaError> {
        if let Some(running) = self.running.take() {
            return running.finish(self.options.path, self.notes);
        }
        self.notes.push(format!("`{}` was not written: no frame came", self.options.path.display()));
        Ok(Summary {
            path: self.options.path,
            frames: 0,
            seconds: 0.0,
            bytes: 0,
            size: Size::new(0, 0),
            encoder: String::new(),
            sound: SoundDone::None,
            notes: self.notes,
        })
    }
}

/// An encoder whose first frame has come.
struct Running {
    video: Video,
    sound: Option<Sound>,
    subtitles: Option<Subtitles>,
    clock: Clock,
    muxer: Muxer,
    /// The size of the frames as they come.
    size: Size,
}

impl Running {
    fn start(options: &EncodeOptions, frame: &Frame, variable: bool, notes: &mut Vec<String>) -> Result<Self, MediaError> {
        let size = options.size.unwrap_or(frame.size());
        let settings = Settings::new(options, Some(size), frame.tags.pixel)?;
        let coded = coded_size(size, &settings);
        if coded != size {
            let name = &settings.choice.encoder;
            notes.push(format!("{name} takes even sizes only: the last row or column is repeated to make {coded} of {size}"));
        }
        let clock = Clock::new(options.fps, variable, settings.container.muxer);
        let mut muxer = Muxer::open(&options.path, settings.container)?;
        let video = Video::open(options, &settings, coded, options.tags.unwrap_or(frame.tags), &clock, variable, &mut muxer)?;
        let sound = match &options.audio {
            Some(_) if settings.container.audio_encoders.is_empty() => {
                notes.push(format!("sound left out: `.{}` files have none", settings.container.extension()));
                None
            }
            Some(track) => Some(Sound::open(track, settings.container, &mut muxer)?),
            None => None,
        };
        let subtitles = match &options.subtitles {
            Some(track) => Subtitles::open(track, settings.container, &mut muxer)?.map_err(|note| notes.push(note)).ok(),
            None => None,
        };
        muxer.start(&options.metadata, options.faststart)?;
        Ok(Self { video, sound, subtitles, clock, muxer, size })
    }

    fn push(&mut self, frame: &Frame, time: Option<f64>) -> Result<(), MediaError> {
        let Some(stamp) = self.clock.stamp(time) else { return Ok(()) };
        self.video.push(frame, stamp, &mut self.muxer)?;
        // The sound keeps to what the encoder has given out, so that the muxer need not hold much of either.
        let written = self.video.written;
        if let Some(sound) = &mut self.sound {
            sound.until(written, &mut self.muxer)?;
        }
        if let Some(subtitles) = &mut self.subtitles {
            subtitles.until(written, &mut self.muxer)?;
        }
        Ok(())
    }

    fn finish(mut self, path: PathBuf, notes: Vec<String>) -> Result<Summary, MediaError> {
        self.video.end(&mut self.muxer)?;
        let end = self.clock.end();
        let sound = self.sound.map_or(Ok(SoundDone::None), |sound| sound.finish(end, &mut self.muxer))?;
        if let Some(subtitles) = self.subtitles {
            subtitles.finish(end, &mut self.muxer)?;
        }
        let bytes = self.muxer.finish()?;
        let (frames, size, encoder) = (self.video.frames, self.video.size, self.video.name);
        Ok(Summary { path, frames, seconds: end, bytes, size, encoder, sound, notes })
    }
}

#[cfg(test)]
mod tests;
