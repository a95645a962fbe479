//! The exact bridge between FFmpeg's pictures and [`Frame`]s.
//!
//! Every planar, semi-planar and packed format of up to 16 bits (and 32-bit floats) is read straight from its memory by
//! FFmpeg's own description of it, so that no other converter chooses a matrix, a range or a dither on the way. What lies
//! between is unclipped float R'G'B', and chroma goes up and down by filters that are inverses: [`pack`] after [`unpack`] gives the
//! same code values for every depth up to 16 bits. Rounding, to nearest, and clipping happen at the end of [`pack`] only.
//!
//! What a file does not say about its colours is guessed as players do: see [`tags_of`].

mod chroma;
mod coding;
mod layout;
mod pack;
mod samples;
#[cfg(test)]
mod tests;
mod unpack;

use ffmpeg_next::decoder;
use ffmpeg_next::format::Pixel;
use ffmpeg_next::frame::Video;

use super::MediaError;
#[cfg(doc)]
use crate::frame::Frame;
use crate::frame::{ColorTags, Size};
pub(super) use layout::name;
pub use pack::pack;
pub use unpack::unpack;

/// Rows that one task converts: enough to outweigh the start of a task.
const ROWS_A_TASK: usize = 8;

/// Whether [`unpack`] and [`pack`] can handle `pixel`: all but hardware surfaces, Bayer mosaics, XYZ and half floats.
#[must_use]
pub fn supported(pixel: Pixel) -> bool {
    layout::Layout::of(pixel).is_ok()
}

/// Bits per sample of `pixel`, of its deepest component; 0 for none.
#[must_use]
pub fn depth(pixel: Pixel) -> u32 {
    layout::Layout::of(pixel).map_or(0, |l| l.components.iter().map(|c| c.depth).max().unwrap_or(0))
}

/// Whether `pixel` stores R, G, B (or a palette of them) and not luma and chroma.
#[must_use]
pub fn is_rgb(pixel: Pixel) -> bool {
    layout::Layout::of(pixel).is_ok_and(|l| l.rgb || l.palette)
}

/// Whether `pixel` has an alpha channel.
#[must_use]
pub fn has_alpha(pixel: Pixel) -> bool {
    layout::Layout::of(pixel).is_ok_and(|l| l.alpha || l.palette)
}

/// What `video` says about its colours, gaps filled as players fill them.
///
/// - RGB and gray are full range unless they say otherwise, and so are the `yuvj` formats; other YUV is limited.
/// - An unknown matrix is BT.2020's for BT.2020 primaries, else BT.709's from 1280 columns or more than 576 rows on, else BT.601's.
/// - Unknown primaries and transfer follow the matrix; for RGB they are sRGB's.
///
/// # Errors
/// For formats that are not [`supported`].
pub fn tags_of(video: &Video) -> Result<ColorTags, MediaError> {
    let claims = coding::Claims {
        space: video.color_space(),
        range: video.color_range(),
        primaries: video.color_primaries(),
        transfer: video.color_transfer_characteristic(),
        size: Size::new(video.width() as usize, video.height() as usize),
    };
    Ok(claims.tags(&layout::Layout::of(video.format())?))
}

/// As [`tags_of`], for a decoder that has not decoded anything yet.
pub(super) fn tags_of_decoder(decoder: &decoder::Video) -> Result<ColorTags, MediaError> {
    let claims = coding::Claims {
        space: decoder.color_space(),
        range: decoder.color_range(),
        primaries: decoder.color_primaries(),
        transfer: decoder.color_transfer_characteristic(),
        size: Size::new(decoder.width() as usize, decoder.height() as usize),
    };
    Ok(claims.tags(&layout::Layout::of(decoder.format())?))
}

/// What [`pack`] will use for pictures of `pixel` and `size` when a frame says `tags`: gaps filled, and a matrix that the format
/// can have. An encoder writes these into its stream.
///
/// # Errors
/// For formats that are not [`supported`].
pub fn resolve(tags: ColorTags, pixel: Pixel, size: Size) -> Result<ColorTags, MediaError> {
    Ok(coding::resolve(tags, &layout::Layout::of(pixel)?, size))
}
