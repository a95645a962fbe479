//! Pictures for GIF: 255 colours chosen from a whole stretch of the clip, so that still areas do not flicker, and dithering that
//! leaves alone what does not change. The last index is transparent: the encoder uses it for unchanged pixels.

mod palette;

use palette::{Histogram, Palette};

use crate::frame::{Frame, Size};

/// Bytes of 8-bit frames that are gathered before a palette is chosen: some 200 frames of 320×240.
const STRETCH_BYTES: usize = 48 << 20;
/// A pixel keeps its index while no channel is farther than this from the colour it was chosen for.
const HELD: i16 = 2;
/// How much of the error is handed on; less than all keeps noise from spreading through flat areas.
const DIFFUSED: f32 = 0.9;

/// One picture of palette indices.
pub(super) struct Indexed {
    pub indices: Vec<u8>,
    /// 0xAARRGGBB.
    pub palette: [u32; 256],
    pub stamp: i64,
}

/// Turns frames into palette pictures, a stretch at a time.
pub(super) struct Quantizer {
    size: Size,
    waiting: Vec<(Vec<u8>, i64)>,
    histogram: Histogram,
    palette: Option<Palette>,
    /// The indices of the last picture, and the colour each was chosen for.
    last: Option<(Vec<u8>, Vec<u8>)>,
}

impl Quantizer {
    /// For frames of `size`.
    pub(super) fn new(size: Size) -> Self {
        Self { size, waiting: Vec::new(), histogram: Histogram::default(), palette: None, last: None }
    }

    /// Takes a frame; gives back what is ready, often nothing and sometimes a long stretch.
    pub(super) fn push(&mut self, frame: &Frame, stamp: i64) -> Vec<Indexed> {
        let rgb = eight_bit(frame);
        self.histogram.add(&rgb);
        self.waiting.push((rgb, stamp));
        let full = (self.waiting.len() + 1) * self.size.area() * 3 > STRETCH_BYTES;
        if full { self.flush() } else { Vec::new() }
    }

    /// Gives back all that waits.
    pub(super) fn flush(&mut self) -> Vec<Indexed> {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return Vec::new();
        }
        let histogram = std::mem::take(&mut self.histogram);
        let fresh = Palette::of(&histogram);
        let good_enough = |old: &Palette| old.error(&histogram) <= 1.3 * fresh.error(&histogram) + 2.0;
        if !self.palette.as_ref().is_some_and(good_enough) {
            self.palette = Some(fresh);
            self.last = None;
        }
        waiting.into_iter().filter_map(|(rgb, stamp)| self.quantize(&rgb, stamp)).collect()
    }

    /// Floyd and Steinberg's error diffusion, alternating in direction.
    fn quantize(&mut self, rgb: &[u8], stamp: i64) -> Option<Indexed> {
        let palette = self.palette.as_mut()?;
        let Size { width, height } = self.size;
        let (mut indices, mut chosen_for) =
            self.last.take().unwrap_or_else(|| (vec![u8::MAX; width * height], vec![0; width * height * 3]));
        // Errors for this row and the next, with a margin on both sides.
        let mut errors = [vec![[0.0_f32; 3]; width + 2], vec![[0.0_f32; 3]; width + 2]];
        for y in 0..height {
            errors.swap(0, 1);
            errors[1].fill([0.0; 3]);
            for step in 0..width {
                let forward = y % 2 == 0;
                let x = if forward { step } else { width - 1 - step };
                let at = y * width + x;
                let color = &rgb[at * 3..at * 3 + 3];
                let near = |(a, b): (&u8, &u8)| (i16::from(*a) - i16::from(*b)).abs() <= HELD;
                if indices[at] != u8::MAX && color.iter().zip(&chosen_for[at * 3..]).all(near) {
                    continue;
                }
                let wanted: [f32; 3] = std::array::from_fn(|c| (f32::from(color[c]) + errors[0][x + 1][c]).clamp(0.0, 255.0));
                let (index, got) = palette.nearest(wanted);
                indices[at] = index;
                chosen_for[at * 3..at * 3 + 3].copy_from_slice(color);
                let (ahead, behind) = if forward { (x + 2, x) } else { (x, x + 2) };
                for c in 0..3 {
                    let error = (wanted[c] - got[c]) * DIFFUSED / 16.0;
                    errors[0][ahead][c] += error * 7.0;
                    errors[1][behind][c] += error * 3.0;
                    errors[1][x + 1][c] += error * 5.0;
                    errors[1][ahead][c] += error;
                }
            }
        }
        self.last = Some((indices.clone(), chosen_for));
        Some(Indexed { indices, palette: palette.argb(), stamp })
    }
}

/// Interleaved 8-bit R, G, B.
fn eight_bit(frame: &Frame) -> Vec<u8> {
    let mut rgb = vec![0; frame.size().area() * 3];
    for c in 0..3 {
        for (to, from) in rgb.iter_mut().skip(c).step_by(3).zip(frame.raster.plane(c)) {
            *to = (from * 255.0).round() as u8;
        }
    }
    rgb
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Raster;

    fn ramp(size: Size, shift: f32) -> Frame {
        let mut frame = Frame::filled(size, [0.0; 3]);
        for (c, plane) in frame.raster.planes_mut().enumerate() {
            for (i, value) in plane.iter_mut().enumerate() {
                let (x, y) = (i % size.width, i / size.width);
                *value = [x as f32 / size.width as f32, y as f32 / size.height as f32, shift][c];
            }
        }
        frame
    }

    fn shown(image: &Indexed) -> Vec<[f32; 3]> {
        let color = |i: &u8| [16, 8, 0].map(|shift| ((image.palette[usize::from(*i)] >> shift) & 255) as f32);
        image.indices.iter().map(color).collect()
    }

    #[test]
    fn dithered_areas_keep_their_mean_colour() {
        let size = Size::new(96, 96);
        let mut quantizer = Quantizer::new(size);
        assert!(quantizer.push(&ramp(size, 0.4), 0).is_empty());
        let images = quantizer.flush();
        let (pixels, wanted) = (shown(&images[0]), eight_bit(&ramp(size, 0.4)));
        for block in 0..36 {
            let (bx, by) = (block % 6 * 16, block / 6 * 16);
            for c in 0..3 {
                let cells = (0..256).map(|i| (by + i / 16) * size.width + bx + i % 16);
                let (mut got, mut want) = (0.0, 0.0);
                for at in cells {
                    got += pixels[at][c] / 256.0;
                    want += f32::from(wanted[at * 3 + c]) / 256.0;
                }
                assert!((got - want).abs() < 3.0, "block {block} channel {c}: {got} for {want}");
            }
        }
        assert!(images[0].indices.iter().all(|i| *i != 255) && images[0].palette[255] == 0);
    }

    #[test]
    fn few_colours_are_kept_exactly_and_still_areas_do_not_change() {
        let size = Size::new(32, 8);
        let mut first = Raster::zeroed(size, 3);
        for (i, value) in first.data_mut().iter_mut().enumerate() {
            *value = [0.0, 1.0, 100.0 / 255.0, 30.0 / 255.0][i / 7 % 4];
        }
        let first = Frame::new(first, crate::frame::ColorTags::SRGB);
        let mut second = first.clone();
        second.raster.plane_mut(0)[5] = 0.5;
        let mut quantizer = Quantizer::new(size);
        quantizer.push(&first, 0);
        quantizer.push(&second, 4);
        let images = quantizer.flush();
        let exact: Vec<_> = shown(&images[0]).iter().flat_map(|p| p.map(|v| v as u8)).collect();
        assert_eq!(exact, eight_bit(&first));
        let changed = images[0].indices.iter().zip(&images[1].indices).filter(|(a, b)| a != b).count();
        assert_eq!((changed, images[1].stamp), (1, 4));
    }
}
