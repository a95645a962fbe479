//! Noise that follows a motion: that of the cells of a grain, in the planes of latents.

use super::DiffusionError;
use super::request::Request;
use crate::frame::{Grain, Size};
use crate::kernel::{grain, random};

/// Where the noise of a request comes from in the place of its generators.
#[derive(Debug, Clone, Copy)]
pub struct Following<'a> {
    /// Which noise lies under each pixel, of the pictures' size.
    pub grain: &'a Grain,
    /// What the noise is made of, with the cells: another key is another noise.
    pub key: u64,
}

/// The noises of one key, drawn one after the other; all are independent.
pub(super) struct Carried {
    cells: Vec<u64>,
    padded: Size,
    /// Batch, channels, height, width of the latents.
    shape: [usize; 4],
    key: u64,
    drawn: u64,
}

impl Carried {
    /// What stands in for the generators of `request`, and for those of its variation, if anything does.
    pub(super) fn of(request: &Request<'_>, size: Size, padded: Size, shape: [usize; 4]) -> Result<Option<[Self; 2]>, DiffusionError> {
        let Some(following) = request.following else { return Ok(None) };
        let other = request.variation.map_or(0, |variation| random::bits(following.key, variation.seed));
        let first = Self::new(following, size, padded, shape)?;
        Ok(Some([first, Self::new(Following { key: other, ..following }, size, padded, shape)?]))
    }

    /// The noise for latents of `shape`, of pictures of `size` that are filled up to `padded`.
    fn new(following: Following<'_>, size: Size, padded: Size, shape: [usize; 4]) -> Result<Self, DiffusionError> {
        let of = following.grain.size();
        if of != size {
            let fact = format!("the grain is {of} but the picture is {size}");
            return Err(DiffusionError::Setting(format!("{fact}; make it from a motion of the picture's size")));
        }
        // What is filled up has cells of its own, which no grain has.
        let mut cells: Vec<u64> = (0..padded.area() as u64).map(|index| (u64::from(u32::MAX) << 32) | index).collect();
        for (filled, row) in cells.chunks_exact_mut(padded.width).zip(following.grain.cells().chunks_exact(of.width)) {
            filled[..of.width].copy_from_slice(row);
        }
        Ok(Self { cells, padded, shape, key: following.key, drawn: 0 })
    }

    /// The next noise, of deviation 1, for all pictures together.
    pub(super) fn next(&mut self) -> Vec<f32> {
        let [batch, channels, height, width] = self.shape;
        let factor = self.padded.width / width.max(1);
        // As many channels as a square has pixels are the pixels themselves; others stand for the whole square, and get its sum.
        let (planes, split) = if channels % (factor * factor) == 0 { (channels / (factor * factor), true) } else { (channels, false) };
        let area = self.padded.area();
        let mut noise = Vec::with_capacity(batch * channels * height * width);
        let mut white = vec![0.0; 2 * area];
        for picture in 0..batch as u64 {
            let key = random::bits(random::bits(self.key, self.drawn), picture);
            for first in (0..planes).step_by(2) {
                let white = &mut white[..area * (planes - first).min(2)];
                grain::normals(random::bits(key, first as u64), &self.cells, white);
                for plane in white.chunks_exact(area.max(1)) {
                    if split {
                        shuffle(plane, (width, height), factor, &mut noise);
                    } else {
                        sum(plane, (width, height), factor, &mut noise);
                    }
                }
            }
        }
        self.drawn += 1;
        noise
    }
}

/// Adds to `out` the pixels of `plane` as planes at a `factor`-th of its size: first the upper left pixels of all squares, then those to
/// the right of these, as PyTorch's `PixelUnshuffle` does.
fn shuffle(plane: &[f32], (width, height): (usize, usize), factor: usize, out: &mut Vec<f32>) {
    for within in 0..factor * factor {
        let (right, down) = (within % factor, within / factor);
        for row in plane.chunks_exact(width * factor).skip(down).step_by(factor).take(height) {
            out.extend(row.iter().skip(right).step_by(factor));
        }
    }
}

/// Adds to `out` the sums of all squares of `plane`, of deviation 1 again.
fn sum(plane: &[f32], (width, height): (usize, usize), factor: usize, out: &mut Vec<f32>) {
    let scale = 1.0 / factor as f32;
    for rows in plane.chunks_exact(width * factor * factor).take(height) {
        let square = |x: usize| rows.chunks_exact(width * factor).flat_map(|row| &row[x * factor..(x + 1) * factor]).sum::<f32>();
        out.extend((0..width).map(|x| square(x) * scale));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size::new(70, 50);
    const PADDED: Size = Size::new(72, 56);

    fn grain(right: u64) -> Grain {
        let cells = (0..SIZE.area() as u64).map(|index| index + right).collect();
        Grain::new(SIZE, cells)
    }

    fn drawn(grain: &Grain, channels: usize, factor: usize) -> [Vec<f32>; 2] {
        let shape = [2, channels, PADDED.height / factor, PADDED.width / factor];
        let mut carried = Carried::new(Following { grain, key: 7 }, SIZE, PADDED, shape).unwrap_or_else(|error| panic!("{error}"));
        let drawn = [carried.next(), carried.next()];
        assert!(drawn.iter().all(|noise| noise.len() == shape.iter().product::<usize>()));
        drawn
    }

    fn product(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>() / a.len() as f32
    }

    #[test]
    fn every_draw_is_normal_noise_of_its_own() {
        for (channels, factor) in [(48, 4), (4, 8), (5, 4)] {
            let [first, second] = drawn(&grain(0), channels, factor);
            let slack = 4.0 / (first.len() as f32).sqrt();
            assert!((product(&first, &first) - 1.0).abs() < 2.0 * slack && product(&first, &second).abs() < slack);
            let (one, other) = first.split_at(first.len() / 2);
            assert!(product(one, other).abs() < 2.0 * slack, "pictures differ");
        }
    }

    #[test]
    fn channels_that_are_pixels_move_with_them() {
        let [here, _] = drawn(&grain(0), 48, 4);
        let [there, _] = drawn(&grain(1), 48, 4);
        let plane = PADDED.area() / 16;
        // The second channel holds the pixels to the right of those of the first.
        let inside = |noise: &[f32], channel: usize| noise[channel * plane..][..16].to_vec();
        assert_eq!(inside(&here, 1), inside(&there, 0));
        assert_eq!(inside(&here, 33), inside(&there, 32));
    }

    #[test]
    fn channels_that_stand_for_squares_change_little_by_little() {
        let [[here, _], [there, _], [far, _]] = [0, 1, 8].map(|right| drawn(&grain(right), 4, 8));
        let like = |other: &[f32]| product(&here, other) / product(&here, &here);
        assert!((0.75..0.97).contains(&like(&there)) && like(&far).abs() < 0.3, "{} {}", like(&there), like(&far));
    }

    #[test]
    fn a_grain_of_another_size_is_refused() {
        let error = Carried::new(Following { grain: &grain(0), key: 0 }, PADDED, PADDED, [1, 4, 7, 9]).err().map(|error| error.to_string());
        assert!(error.is_some_and(|error| error.contains("the grain is 70x50 but the picture is 72x56")));
    }
}
