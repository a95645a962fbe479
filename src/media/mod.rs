//! Files of pictures and sound: what FFmpeg's libraries are asked to do, and nothing else knows that it is them.
//!
//! [`probe`] tells what a file holds, [`Decoder`] streams its pictures as [`crate::frame::Frame`]s, and [`pixels`] is the exact
//! bridge between the two worlds' pictures.

mod audio;
mod clock;
mod codec;
mod container;
mod decode;
mod encode;
mod error;
mod gif;
mod images;
mod mux;
mod open;
mod options;
mod output_error;
mod partial;
mod pcm;
pub mod pixels;
mod probe;
mod raw;
mod reader;
mod recipes;
mod scan;
mod sound;
mod source;
mod stills;
mod stretch;
mod subtitles;
mod sys;
#[cfg(test)]
mod tests;
mod transcode;
mod turn;
mod video;

use std::sync::Once;

pub use audio::SoundDone;
pub use codec::{CodecInfo, available};
pub use decode::{DecodeOptions, Decoder, Picture, Point, Timing};
pub use encode::{Encoder, Summary};
pub use error::MediaError;
pub use images::{ImageFormat, ImageWriter};
pub use options::{EncodeOptions, check};
pub use output_error::OutputError;
pub use partial::write_whole;
pub use probe::{MediaInfo, StreamInfo, probe};
pub use sound::{Sound, sound_of};
pub use stills::{ImageFiles, read_image};
pub use turn::Turn;

/// Sets FFmpeg's libraries up; every way into this module calls it, and only the first call does something.
///
/// Their own log is silenced: what went wrong is told by [`MediaError`]s, where the user expects it.
pub fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if let Err(why) = ffmpeg_next::init() {
            tracing::warn!("FFmpeg's libraries did not start: {why}");
        }
        ffmpeg_next::log::set_level(ffmpeg_next::log::Level::Fatal);
    });
}

/// The versions of FFmpeg's libraries, for `frameloom doctor`.
#[must_use]
pub fn versions() -> Vec<String> {
    let parts = |version: u32| format!("{}.{}.{}", version >> 16, (version >> 8) & 0xff, version & 0xff);
    // libavcodec's major number has been FFmpeg's plus 54 since FFmpeg 3.
    let release = (ffmpeg_next::codec::version() >> 16).saturating_sub(54);
    let libraries = [
        ("libavcodec", ffmpeg_next::codec::version()),
        ("libavformat", ffmpeg_next::format::version()),
        ("libavutil", ffmpeg_next::util::version()),
    ]
    .map(|(name, version)| format!("{name} {}", parts(version)));
    vec![format!("release {release} ({})", libraries.join(", "))]
}
