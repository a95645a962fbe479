//! How a pixel format lays its samples out, and safe views of a picture's memory.
#![allow(unsafe_code)] // FFmpeg hands out descriptors and planes as raw pointers only.

use ffmpeg_next::ffi;
use ffmpeg_next::format::Pixel;
use ffmpeg_next::frame::Video;

use super::MediaError;

/// Where one component (Y, U, V, R, G, B, A) lies in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Component {
    /// The plane that holds it.
    pub plane: usize,
    /// Bytes (bits in a bit stream) from one sample to the next.
    pub step: usize,
    /// Bytes (bits) before the first sample.
    pub offset: usize,
    /// How far the value is shifted up in its word.
    pub shift: u32,
    /// Significant bits.
    pub depth: u32,
}

/// A pixel format as this module needs to know it.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "they mirror FFmpeg's flags, which combine freely")]
pub(super) struct Layout {
    pub format: Pixel,
    pub rgb: bool,
    pub alpha: bool,
    pub big_endian: bool,
    /// Samples are single bits or fractions of bytes.
    pub bits: bool,
    /// Samples are indices into a table of 256 ARGB colours.
    pub palette: bool,
    /// Samples are 32-bit floats, 0 black and 1 white.
    pub float: bool,
    /// One of the old formats that are full range by name.
    pub full_by_name: bool,
    /// One bit with 1 for black.
    pub inverted: bool,
    /// Horizontal and vertical halvings of the chroma.
    pub halvings: [u32; 2],
    /// Colour components first, then alpha if there is one.
    pub components: Vec<Component>,
}

impl Layout {
    /// Reads FFmpeg's description of `format`; an error for what has no plain samples (hardware surfaces, Bayer, XYZ, halves).
    pub fn of(format: Pixel) -> Result<Self, MediaError> {
        let unsupported = || MediaError::Pixels { format: name(format) };
        let descriptor = format.descriptor().ok_or_else(unsupported)?;
        // SAFETY: `descriptor()` gives a pointer to an entry of libavutil's constant table, which lives as long as the program.
        let raw = unsafe { &*descriptor.as_ptr() };
        let has = |flag: i32| raw.flags & flag as u64 != 0;
        let count = usize::from(raw.nb_components);
        let components: Vec<_> = raw.comp.iter().take(count).map(|c| component(c, has(ffi::AV_PIX_FMT_FLAG_BE))).collect();
        let (float, palette) = (has(ffi::AV_PIX_FMT_FLAG_FLOAT), has(ffi::AV_PIX_FMT_FLAG_PAL));
        let depth_ok = |c: &Component| if float { c.depth == 32 && c.shift == 0 } else { (1..=16).contains(&c.depth) };
        // XYZ needs more than a matrix, and the luma of UYYVYY411 has no constant step.
        let odd = descriptor.name().starts_with("xyz") || format == Pixel::UYYVYY411;
        let plain = !has(ffi::AV_PIX_FMT_FLAG_HWACCEL) && !has(ffi::AV_PIX_FMT_FLAG_BAYER) && !odd;
        if !plain || count == 0 || !components.iter().all(depth_ok) {
            return Err(unsupported());
        }
        Ok(Self {
            format,
            rgb: has(ffi::AV_PIX_FMT_FLAG_RGB),
            alpha: has(ffi::AV_PIX_FMT_FLAG_ALPHA) && matches!(count, 2 | 4),
            big_endian: has(ffi::AV_PIX_FMT_FLAG_BE),
            bits: has(ffi::AV_PIX_FMT_FLAG_BITSTREAM),
            palette,
            float,
            full_by_name: descriptor.name().starts_with("yuvj"),
            inverted: format == Pixel::MonoWhite,
            halvings: [u32::from(raw.log2_chroma_w), u32::from(raw.log2_chroma_h)],
            components,
        })
    }

    /// How many components are colour: 1 (gray) or 3.
    pub fn colors(&self) -> usize {
        self.components.len() - usize::from(self.alpha)
    }

    /// Whether component `index` is stored at reduced size.
    pub fn is_chroma(&self, index: usize) -> bool {
        !self.rgb && self.colors() == 3 && matches!(index, 1 | 2)
    }

    /// Halvings of component `index`, horizontally and vertically.
    pub fn halvings_of(&self, index: usize) -> [u32; 2] {
        if self.is_chroma(index) { self.halvings } else { [0, 0] }
    }

    /// How many planes the components span.
    pub fn planes(&self) -> usize {
        self.components.iter().map(|c| c.plane + 1).max().unwrap_or(0)
    }

    /// Rows and bytes that matter in each row of `plane`, for a picture of `width` × `height`.
    fn extent(&self, plane: usize, width: usize, height: usize) -> (usize, usize) {
        let (mut rows, mut bytes) = (0, 0);
        for (index, c) in self.components.iter().enumerate().filter(|(_, c)| c.plane == plane) {
            let [h, v] = self.halvings_of(index);
            let columns = width.div_ceil(1 << h);
            let last = c.offset + (columns - 1) * c.step;
            let end = if self.bits { (last + c.depth as usize).div_ceil(8) } else { last + Self::word(c) };
            rows = height.div_ceil(1 << v).max(rows);
            bytes = end.max(bytes);
        }
        (rows, bytes)
    }

    /// How many bytes are read to get one sample of `c`.
    pub fn word(c: &Component) -> usize {
        match c.shift + c.depth {
            0..=8 => 1,
            9..=16 => 2,
            _ => 4,
        }
    }
}

fn component(raw: &ffi::AVComponentDescriptor, big_endian: bool) -> Component {
    // The low byte of a big-endian word is described by an offset that is one too small.
    let one = i32::from(big_endian && raw.shift + raw.depth <= 8);
    Component {
        plane: raw.plane as usize,
        step: raw.step as usize,
        offset: (raw.offset + one) as usize,
        shift: raw.shift as u32,
        depth: raw.depth as u32,
    }
}

/// FFmpeg's name of `format`.
pub(in crate::media) fn name(format: Pixel) -> String {
    format.descriptor().map_or_else(|| "none".into(), |d| d.name().to_owned())
}

/// The memory of a picture's planes, row by row.
pub(super) struct Planes<'a> {
    planes: Vec<Plane<'a>>,
}

/// One plane: `rows` rows of `bytes` bytes, `stride` apart.
struct Plane<'a> {
    data: &'a [u8],
    stride: usize,
    bytes: usize,
}

impl<'a> Planes<'a> {
    /// Views `video`, which must hold data with positive strides (as [`upright`] makes sure).
    pub fn of(video: &'a Video, layout: &Layout) -> Result<Self, MediaError> {
        let (width, height) = (video.width() as usize, video.height() as usize);
        let plane = |index: usize| {
            let (rows, bytes) = layout.extent(index, width, height);
            // SAFETY: the frame is alive while borrowed, and its descriptor's extent is what libav allocates at least: `rows` rows
            // of `bytes` bytes, `linesize` apart. Pointer and stride are checked before use.
            unsafe {
                let raw = &*video.as_ptr();
                let (pointer, stride) = (raw.data[index], usize::try_from(raw.linesize[index]).unwrap_or(0));
                if pointer.is_null() || stride < bytes {
                    return Err(MediaError::Pixels { format: format!("{} without data", name(layout.format)) });
                }
                let data = std::slice::from_raw_parts(pointer, (rows - 1) * stride + bytes);
                Ok(Plane { data, stride, bytes })
            }
        };
        Ok(Self { planes: (0..layout.planes()).map(plane).collect::<Result<_, _>>()? })
    }

    /// Row `y` of `plane`.
    pub fn row(&self, plane: usize, y: usize) -> &[u8] {
        let p = &self.planes[plane];
        &p.data[y * p.stride..y * p.stride + p.bytes]
    }
}

/// One plane for writing: the rows, and how many bytes of each matter.
pub(super) fn plane_mut<'a>(video: &'a mut Video, layout: &Layout, index: usize) -> Result<(&'a mut [u8], usize, usize), MediaError> {
    let (rows, bytes) = layout.extent(index, video.width() as usize, video.height() as usize);
    // SAFETY: as in `Planes::of`; the mutable borrow of the frame makes the view the only one on our side, and callers pass
    // frames that are writable in libav's sense.
    unsafe {
        let raw = &mut *video.as_mut_ptr();
        let (pointer, stride) = (raw.data[index], usize::try_from(raw.linesize[index]).unwrap_or(0));
        if pointer.is_null() || stride < bytes {
            return Err(MediaError::Pixels { format: format!("{} without data", name(layout.format)) });
        }
        Ok((std::slice::from_raw_parts_mut(pointer, (rows - 1) * stride + bytes), stride, bytes))
    }
}

/// Whether any stride is negative: some decoders hand out pictures bottom up.
pub(super) fn upside_down(video: &Video) -> bool {
    // SAFETY: reads integers of a live frame.
    unsafe { (*video.as_ptr()).linesize.iter().any(|&stride| stride < 0) }
}

/// The colour table of a palette picture, as `0xAARRGGBB`.
pub(super) fn palette(video: &Video) -> Option<[u32; 256]> {
    // SAFETY: palette formats keep 256 native-endian words in their second plane; the pointer is checked and read unaligned.
    unsafe {
        let table = (*video.as_ptr()).data[1];
        (!table.is_null()).then(|| table.cast::<[u32; 256]>().read_unaligned())
    }
}

#[cfg(test)]
pub(super) fn plane_rows(layout: &Layout, plane: usize, video: &Video) -> usize {
    layout.extent(plane, video.width() as usize, video.height() as usize).0
}

#[cfg(test)]
pub(super) fn set_palette(video: &mut Video, index: usize, argb: u32) {
    // SAFETY: as in `palette`, on a frame that a test has just allocated.
    let entry = unsafe { (*video.as_mut_ptr()).data[1].add(index * size_of::<u32>()) };
    let bytes = argb.to_ne_bytes();
    // SAFETY: the palette has 256 entries of four bytes.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), entry, bytes.len()) }
}
