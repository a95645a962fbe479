//! Files of pictures and sound: what FFmpeg's libraries are asked to do, and nothing else knows that it is them.
//!
//! [`probe`] tells what a file holds, [`Decoder`] streams its pictures as [`crate::frame::Frame`]s, and [`pixels`] is the exact
//! bridge between the two worlds' pictures.

mod decode;
mod error;
mod open;
pub mod pixels;
mod probe;
mod raw;
mod scan;
mod source;
#[cfg(test)]
mod tests;
mod turn;

use std::sync::Once;

pub use decode::{DecodeOptions, Decoder, Picture, Point, Timing};
pub use error::MediaError;
pub use probe::{MediaInfo, StreamInfo, probe};
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
