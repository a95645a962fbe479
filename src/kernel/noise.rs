//! Noise on pictures.

use rayon::prelude::*;

use super::band;
use super::grain;
use super::random;
use super::wide::wide;
use crate::frame::{Grain, Mask, Raster, Size};

/// What the noise looks like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Noise {
    /// White noise of the same strength everywhere: the picture is blended towards grey with normal noise on it, as Deforum's
    /// `uniform` does. Lowers contrast by the amount.
    Uniform,
    /// Normal noise added to the picture, with the amount as its deviation: contrast and mean stay.
    Gaussian,
    /// As `Uniform`, with a strength that varies like clouds.
    Perlin(Clouds),
}

/// Perlin noise in octaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clouds {
    /// Cells of the first octave down and across the picture; each further octave has twice as many.
    pub cells: [f64; 2],
    /// Octaves, at least 1.
    pub octaves: u32,
    /// Strength of each octave relative to the one before.
    pub persistence: f64,
}

impl Default for Clouds {
    fn default() -> Self {
        Self { cells: [8.0; 2], octaves: 4, persistence: 0.5 }
    }
}

/// Values of one row of noise that are made at a time.
const CHUNK: usize = 4 * random::GROUP;

/// Puts noise on the first three planes of `picture`, with strength `amount` (0..1) times `mask` (of the same size, or nothing).
/// The noise depends on `key` alone; alpha is left alone, as is all that the mask protects.
pub fn add(picture: &mut Raster, mask: Option<&Mask>, noise: Noise, amount: f32, key: u64) {
    cover(picture, mask, noise, amount, (key, None));
}

/// As [`add`], with white noise that depends on `key` and the cells of `grain`, which has the size of the picture.
pub fn add_carried(picture: &mut Raster, mask: Option<&Mask>, noise: Noise, amount: f32, (key, grain): (u64, &Grain)) {
    debug_assert_eq!(grain.size(), picture.size());
    let mut white = Raster::uninit(grain.size(), 3);
    grain::normals(key, grain.cells(), white.data_mut());
    cover(picture, mask, noise, amount, (key, Some(&white)));
}

/// Puts noise on `picture`: `white` in three planes, or that of the key.
fn cover(picture: &mut Raster, mask: Option<&Mask>, noise: Noise, amount: f32, (key, white): (u64, Option<&Raster>)) {
    let size = picture.size();
    let mask = mask.filter(|m| m.size() == size).map(|m| m.0.plane(0));
    let clouds = if let Noise::Perlin(clouds) = noise { Some(perlin(size, clouds, key)) } else { None };
    let additive = noise == Noise::Gaussian;
    // Every row begins with a group of its own.
    let stride = size.width.next_multiple_of(random::GROUP);
    band::each(picture, |mut band| {
        let mut values = [0.0; CHUNK];
        for (plane, rows) in band.planes.iter_mut().take(3).enumerate() {
            let key = random::bits(key, plane as u64);
            for (row, pixels) in rows.chunks_exact_mut(size.width).enumerate() {
                let y = band.top + row;
                for (chunk, pixels) in pixels.chunks_mut(CHUNK).enumerate() {
                    let part = y * size.width + chunk * CHUNK..y * size.width + chunk * CHUNK + pixels.len();
                    let values = &mut values[..pixels.len()];
                    match white {
                        Some(white) => values.copy_from_slice(&white.plane(plane)[part.clone()]),
                        None => random::normals(key, (y * stride + chunk * CHUNK) as u64, values),
                    }
                    let clouds = clouds.as_ref().map(|clouds| &clouds.data()[part.clone()]);
                    lay(pixels, values, clouds, mask.map(|mask| &mask[part]), amount, additive);
                }
            }
        }
    });
}

wide! {
    /// Adds noise to a row, or blends the row towards noise on grey, with a strength that may vary like clouds.
    fn lay(pixels: &mut [f32], noise: &mut [f32], clouds: Option<&[f32]>, mask: Option<&[f32]>, amount: f32, additive: bool) {
        if let Some(clouds) = clouds {
            for (n, p) in noise.iter_mut().zip(clouds) {
                *n *= (p + 1.0) * 0.5;
            }
        }
        let pixels = pixels.iter_mut().zip(noise);
        match (mask, additive) {
            (None, true) => {
                for (v, n) in pixels {
                    *v += amount * *n;
                }
            }
            (None, false) => {
                for (v, n) in pixels {
                    *v = toward(*v, *n, amount);
                }
            }
            (Some(mask), true) => {
                for ((v, n), m) in pixels.zip(mask) {
                    *v += amount * m * *n;
                }
            }
            (Some(mask), false) => {
                for ((v, n), m) in pixels.zip(mask) {
                    *v = toward(*v, *n, amount * m);
                }
            }
        }
    }
}

/// `value` blended by `amount` towards mid-grey with the noise `n` (deviation 1) on it, held to 0..1.
#[inline]
#[must_use]
pub fn toward(value: f32, n: f32, amount: f32) -> f32 {
    let noisy = (0.5 * n + 0.5).max(0.0).min(1.0);
    value + amount * (noisy - value)
}

/// Perlin noise in octaves, one plane, around 0. The sum of `o` octaves lies within ±(1 + p + … + p^(o−1)).
#[must_use]
pub fn perlin(size: Size, clouds: Clouds, key: u64) -> Raster {
    let mut out = Raster::zeroed(size, 1);
    let key = random::bits(key, 0x636c_6f75_6473);
    for octave in 0..clouds.octaves.clamp(1, 16) {
        let cells = clouds.cells.map(|cells| cells * f64::from(1_u32 << octave));
        let key = random::bits(key, u64::from(octave));
        let angle = |row: usize, column: usize| {
            let number = ((row as u64) << 32) | column as u64;
            random::unit((random::bits(key, number) >> 32) as u32) * std::f32::consts::TAU
        };
        add_octave(&mut out, cells, clouds.persistence.powi(octave as i32) as f32, angle);
    }
    out
}

/// Adds one octave of gradient noise to `out`, with `cells` cells down and across the picture.
///
/// `angle(row, column)` gives the direction of the gradient at a corner of the lattice, in radians, measured from the downward
/// axis towards the right. Fades are quintic; the result is scaled by √2 and by `strength`.
pub fn add_octave(out: &mut Raster, cells: [f64; 2], strength: f32, angle: impl Fn(usize, usize) -> f32 + Sync + Send) {
    let size = out.size();
    let [down, across] = cells.map(|c| c.max(1e-6));
    let columns: Vec<Place> = (0..size.width).map(|x| Place::of(x, size.width, across)).collect();
    let [within, fade] = [|p: &Place| p.within, |p: &Place| p.fade].map(|part| columns.iter().map(part).collect::<Vec<_>>());
    let corners = columns.last().map_or(0, |p| p.cell + 2);
    let bands = out.data_mut().par_chunks_mut(band::ROWS * size.width.max(1));
    bands.enumerate().for_each(|(index, rows)| {
        let mut lattice = Lattice { row: usize::MAX, top: Vec::new(), bottom: Vec::new() };
        let mut line = vec![[0.0; 2]; corners];
        for (row, pixels) in rows.chunks_exact_mut(size.width).enumerate() {
            let y = Place::of(index * band::ROWS + row, size.height, down);
            lattice.move_to(y.cell, corners, &angle);
            // Blending the rows of corners first leaves a straight line a·x + b for each corner.
            for ((line, top), bottom) in line.iter_mut().zip(&lattice.top).zip(&lattice.bottom) {
                let slope = top[1] + y.fade * (bottom[1] - top[1]);
                let level = (1.0 - y.fade) * top[0] * y.within + y.fade * bottom[0] * (y.within - 1.0);
                *line = [slope, level];
            }
            add_row(pixels, &columns, &within, &fade, &line, strength * std::f32::consts::SQRT_2);
        }
    });
}

wide! {
    /// Adds one row: in each cell a blend of two straight lines.
    fn add_row(pixels: &mut [f32], columns: &[Place], within: &[f32], fade: &[f32], line: &[[f32; 2]], gain: f32) {
        let mut start = 0;
        for cell in columns.chunk_by(|a, b| a.cell == b.cell) {
            let part = start..start + cell.len();
            let ([a, b], [c, d]) = (line[cell[0].cell], line[cell[0].cell + 1]);
            let places = within[part.clone()].iter().zip(&fade[part.clone()]);
            for (pixel, (x, fade)) in pixels[part].iter_mut().zip(places) {
                let (left, right) = (a * x + b, c * (x - 1.0) + d);
                *pixel += gain * (left + fade * (right - left));
            }
            start += cell.len();
        }
    }
}

/// Where a row or column lies in the lattice.
struct Place {
    cell: usize,
    within: f32,
    fade: f32,
}

impl Place {
    fn of(index: usize, length: usize, cells: f64) -> Self {
        let position = index as f64 * cells / length as f64;
        let within = position.fract() as f32;
        let fade = within * within * within * (within * (within * 6.0 - 15.0) + 10.0);
        Self { cell: position as usize, within, fade }
    }
}

/// The gradients (down, right) above and below one row of cells.
struct Lattice {
    row: usize,
    top: Vec<[f32; 2]>,
    bottom: Vec<[f32; 2]>,
}

impl Lattice {
    fn move_to(&mut self, row: usize, corners: usize, angle: impl Fn(usize, usize) -> f32) {
        if row == self.row {
            return;
        }
        let gradients = |row| (0..corners).map(|column| angle(row, column).sin_cos()).map(|(sin, cos)| [cos, sin]).collect();
        (self.row, self.top, self.bottom) = (row, gradients(row), gradients(row + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size::new(131, 77);

    fn grey() -> Raster {
        Raster::from_vec(SIZE, 3, vec![0.5; SIZE.area() * 3])
    }

    fn mean_and_deviation(values: &[f32]) -> (f64, f64) {
        let n = values.len() as f64;
        let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
        (mean, (values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n).sqrt())
    }

    #[test]
    fn strengths_are_those_of_deforum() {
        // Deforum's noise picture has mean 127 of 255 and deviation 91.6 (uniform) or about 61 (perlin).
        for (noise, expected) in [(Noise::Uniform, 91.6), (Noise::Perlin(Clouds::default()), 61.0)] {
            let mut picture = grey();
            add(&mut picture, None, noise, 1.0, 3);
            let (mean, deviation) = mean_and_deviation(picture.data());
            assert!((mean * 255.0 - 127.5).abs() < 2.0, "{noise:?}: mean {}", mean * 255.0);
            assert!((deviation * 255.0 - expected).abs() < 3.0, "{noise:?}: deviation {}", deviation * 255.0);
        }
    }

    #[test]
    fn gaussian_noise_keeps_the_mean_and_has_the_deviation_asked_for() {
        let mut picture = grey();
        add(&mut picture, None, Noise::Gaussian, 0.1, 3);
        let (mean, deviation) = mean_and_deviation(picture.data());
        assert!((mean - 0.5).abs() < 0.003 && (deviation - 0.1).abs() < 0.002);
    }

    #[test]
    fn masked_pixels_and_alpha_stay_untouched() {
        let mut picture = Raster::from_vec(SIZE, 4, vec![0.25; SIZE.area() * 4]);
        let mask = (0..SIZE.area()).map(|i| if i % SIZE.width < 60 { 1.0 } else { 0.0 }).collect();
        add(&mut picture, Some(&Mask::new(Raster::from_vec(SIZE, 1, mask))), Noise::Perlin(Clouds::default()), 0.4, 1);
        for (i, v) in picture.plane(1).iter().enumerate() {
            assert_eq!(*v == 0.25, i % SIZE.width >= 60, "pixel {i}");
        }
        assert!(picture.plane(3).iter().all(|v| *v == 0.25));
    }

    #[test]
    fn the_key_alone_decides() {
        let of = |key| {
            let mut picture = grey();
            add(&mut picture, None, Noise::Uniform, 0.5, key);
            picture
        };
        assert_eq!(of(5).data(), of(5).data());
        assert_ne!(of(5).data(), of(6).data());
        assert_ne!(of(5).plane(0), of(5).plane(1));
    }

    #[test]
    fn clouds_are_smooth_and_bounded() {
        let field = perlin(Size::new(400, 300), Clouds { cells: [3.5; 2], octaves: 1, persistence: 0.5 }, 9);
        assert!(field.data().iter().all(|v| v.abs() <= 1.0));
        let step = field.data().chunks(400).flat_map(|row| row.windows(2)).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
        assert!(step < 0.05, "{step}");
    }
}
