//! What code values mean: range, matrix, and what to believe when a file does not say.

use ffmpeg_next::{color, ffi};

use super::MediaError;
use super::layout::Layout;
use crate::frame::{ColorTags, Size};

const RGB: u8 = 0;
const UNSPECIFIED: u8 = 2;

type Matrix = [[f64; 3]; 3];

/// Between code values and signal: `signal = (code - offset) / range`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    pub offset: f32,
    pub range: f32,
}

/// How the components of a format become R'G'B' and back.
#[derive(Debug, Clone)]
pub(super) struct Coding {
    /// The tags with every gap filled.
    pub tags: ColorTags,
    /// One for each component, alpha included.
    pub scales: Vec<Scale>,
    /// Rows give R, G, B from the components; none when they are R, G, B already.
    pub to_rgb: Option<[[f32; 3]; 3]>,
    /// Rows give the components from R, G, B.
    pub from_rgb: Option<[[f32; 3]; 3]>,
}

impl Coding {
    /// The coding of `layout` under `tags`, whose gaps are filled by [`resolve`].
    pub fn new(layout: &Layout, tags: ColorTags, size: Size) -> Result<Self, MediaError> {
        let tags = resolve(tags, layout, size);
        let scales = (0..layout.components.len()).map(|index| scale(layout, tags, index)).collect();
        if layout.rgb {
            return Ok(Self { tags, scales, to_rgb: None, from_rgb: None });
        }
        let (to_rgb, from_rgb) = matrix(tags)?;
        Ok(Self { tags, scales, to_rgb: Some(to_rgb.map(|r| r.map(|v| v as f32))), from_rgb: Some(from_rgb.map(|r| r.map(|v| v as f32))) })
    }
}

/// The offset and range of component `index`: ITU-R BT.709 and BT.2020's quantisation, scaled to the depth.
fn scale(layout: &Layout, tags: ColorTags, index: usize) -> Scale {
    let alpha = layout.alpha && index + 1 == layout.components.len();
    let chroma = layout.is_chroma(index) && tags.matrix != RGB;
    let depth = layout.components[index].depth;
    if layout.float {
        return Scale { offset: if chroma { 0.5 } else { 0.0 }, range: 1.0 };
    }
    let top = ((1_u32 << depth) - 1) as f32;
    // One bit has no room for a range; nor do the packed 4- to 7-bit formats have a limited one.
    let full = tags.full_range || alpha || depth < 8;
    let unit = 2_f32.powi(depth as i32 - 8);
    match (chroma, full) {
        (false, true) => Scale { offset: 0.0, range: top },
        (false, false) => Scale { offset: 16.0 * unit, range: 219.0 * unit },
        (true, true) => Scale { offset: 128.0 * unit, range: top },
        (true, false) => Scale { offset: 128.0 * unit, range: 224.0 * unit },
    }
}

/// To R, G, B from the components and back, exact inverses of one another.
fn matrix(tags: ColorTags) -> Result<(Matrix, Matrix), MediaError> {
    let (kr, kb) = match (tags.matrix, tags.primaries) {
        // The components are G, B, R.
        (RGB, _) => return Ok(([[0., 0., 1.], [1., 0., 0.], [0., 1., 0.]], [[0., 1., 0.], [0., 0., 1.], [1., 0., 0.]])),
        // YCgCo: the components are Y, Cg, Co.
        (8, _) => return Ok(([[1., -1., 1.], [1., 1., 0.], [1., -1., -1.]], [[0.25, 0.5, 0.25], [-0.25, 0.5, -0.25], [0.5, 0., -0.5]])),
        // Constant luminance and chromaticity-derived BT.2020 are read as their plain sibling.
        (9 | 10, _) | (12 | 13, 9) => (0.2627, 0.0593),
        (1 | 12 | 13, _) => (0.2126, 0.0722),
        (4, _) => (0.30, 0.11),
        (5 | 6, _) => (0.299, 0.114),
        (7, _) => (0.212, 0.087),
        (other, _) => return Err(MediaError::Pixels { format: format!("YUV with colour matrix {other}") }),
    };
    let kg = 1.0 - kr - kb;
    let (cb, cr) = (2.0 * (1.0 - kb), 2.0 * (1.0 - kr));
    let to = [[1., 0., cr], [1., -kb * cb / kg, -kr * cr / kg], [1., cb, 0.]];
    let from = [[kr, kg, kb], [-kr / cb, -kg / cb, (1.0 - kb) / cb], [(1.0 - kr) / cr, -kg / cr, -kb / cr]];
    Ok((to, from))
}

/// Fills the gaps of `tags` for a picture of `layout` and `size`, as players do.
///
/// - RGB formats have matrix 0 and full range; only tags that say both RGB and limited make them limited.
/// - The `yuvj` formats are full range by name. Matrix 0 is possible at 4:4:4 only and else counts as unknown.
/// - An unknown matrix is BT.2020's for BT.2020 primaries, else BT.709's from 1280 columns or more than 576 rows on, else BT.601's
///   (of the 625-line kind at 288 or 576 rows, of the 525-line kind at others).
/// - Unknown primaries and transfer follow the matrix; for RGB they are sRGB's.
pub(super) fn resolve(tags: ColorTags, layout: &Layout, size: Size) -> ColorTags {
    let unknown = |code: u8| matches!(code, 0 | UNSPECIFIED | 3);
    let mut tags = tags;
    if layout.rgb || layout.palette {
        tags.full_range |= tags.matrix != RGB || layout.float;
        tags.matrix = RGB;
    } else {
        let impossible = tags.matrix == RGB && (layout.halvings != [0, 0] || layout.colors() == 1);
        if impossible || matches!(tags.matrix, UNSPECIFIED | 3) {
            tags.matrix = guess_matrix(tags.primaries, size);
        }
        tags.full_range |= layout.full_by_name;
    }
    let (primaries, transfer) = match tags.matrix {
        RGB => (1, 13),
        4 => (4, 4),
        5 => (5, 6),
        6 => (6, 6),
        7 => (7, 7),
        9 | 10 => (9, 14),
        _ => (1, 1),
    };
    if unknown(tags.primaries) {
        tags.primaries = primaries;
    }
    if unknown(tags.transfer) {
        tags.transfer = transfer;
    }
    tags
}

fn guess_matrix(primaries: u8, size: Size) -> u8 {
    match size {
        _ if primaries == 9 => 9,
        Size { width: 1280.., .. } | Size { height: 577.., .. } => 1,
        Size { height: 288 | 576, .. } => 5,
        _ => 6,
    }
}

/// What a picture or a decoder says about its colours.
pub(super) struct Claims {
    pub space: color::Space,
    pub range: color::Range,
    pub primaries: color::Primaries,
    pub transfer: color::TransferCharacteristic,
    pub size: Size,
}

impl Claims {
    /// The tags, gaps filled for `layout`.
    pub fn tags(&self, layout: &Layout) -> ColorTags {
        let full_by_default = layout.rgb || layout.palette || layout.colors() == 1;
        let tags = ColorTags {
            primaries: ffi::AVColorPrimaries::from(self.primaries) as u32 as u8,
            transfer: ffi::AVColorTransferCharacteristic::from(self.transfer) as u32 as u8,
            matrix: ffi::AVColorSpace::from(self.space) as u32 as u8,
            full_range: self.range == color::Range::JPEG || (self.range == color::Range::Unspecified && full_by_default),
            pixel: None,
        };
        resolve(tags, layout, self.size)
    }
}
