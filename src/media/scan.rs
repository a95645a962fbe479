//! The timestamps of a file's pictures, read without decoding any.

use std::path::Path;

use ffmpeg_next::{Packet, Rational};

use super::{MediaError, open, raw};

/// More than any codec reorders its pictures.
const REORDERING: usize = 32;

/// When the first `count` pictures from `start` on are shown, in seconds on the file's own clock, in order; fewer if the file has fewer,
/// and `None` if it carries no timestamps.
pub(super) fn times(path: &Path, start: f64, count: usize) -> Result<Option<Vec<f64>>, MediaError> {
    let (mut input, stream) = open::open(path)?;
    raw::discard_others(&mut input, stream);
    let base = input.stream(stream).map_or(Rational(1, 1), |s| s.time_base());
    let mut times = Vec::new();
    let mut packet = Packet::empty();
    // Packets whose end was cut off, and those that an edit list hides, make no picture; errors end the search.
    while times.len() < count.saturating_add(REORDERING) && packet.read(&mut input).is_ok() {
        if packet.stream() != stream || hidden(&packet) {
            continue;
        }
        // AVI knows decoding times only; in order they serve as well.
        let Some(stamp) = packet.pts().or(packet.dts()) else { return Ok(None) };
        let time = seconds(stamp, base);
        if time > start - 1e-4 {
            times.push(time);
        }
    }
    times.sort_unstable_by(f64::total_cmp);
    times.truncate(count);
    Ok(Some(times))
}

/// How many pictures the file has, by reading all of it.
pub(super) fn count(path: &Path) -> Result<u64, MediaError> {
    let (mut input, stream) = open::open(path)?;
    raw::discard_others(&mut input, stream);
    let (mut count, mut packet) = (0, Packet::empty());
    while packet.read(&mut input).is_ok() {
        count += u64::from(packet.stream() == stream && !hidden(&packet));
    }
    Ok(count)
}

/// Whether an edit list says not to show the packet's picture.
fn hidden(packet: &Packet) -> bool {
    const DISCARD: i32 = ffmpeg_next::ffi::AV_PKT_FLAG_DISCARD;
    raw::packet_flags(packet) & DISCARD != 0
}

/// `stamp` ticks of `base` in seconds.
pub(super) fn seconds(stamp: i64, base: Rational) -> f64 {
    stamp as f64 * f64::from(base.numerator()) / f64::from(base.denominator())
}
