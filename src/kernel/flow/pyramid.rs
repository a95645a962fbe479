//! Brightness at several sizes.

use rayon::prelude::*;

use super::super::wide::wide;
use crate::frame::{Raster, Size};

/// The brightness of a picture from 0 to 255 (the luma of BT.601, as `OpenCV` makes grey of colours), enlarged to at least `least`
/// pixels a side by repeating its edge. One plane is taken as it is.
pub(super) fn gray(picture: &Raster, least: usize) -> Raster {
    let from = picture.size();
    let mut out = Raster::uninit(Size::new(from.width.max(least), from.height.max(least)), 1);
    let width = out.size().width;
    let colors = picture.planes() >= 3;
    out.data_mut().par_chunks_exact_mut(width.max(1)).enumerate().for_each(|(y, row)| {
        let line = |plane: usize| &picture.plane(plane)[y.min(from.height - 1) * from.width..][..from.width];
        let (row, rest) = row.split_at_mut(from.width);
        if colors {
            mix(row, line(0), line(1), line(2));
        } else {
            mix(row, line(0), line(0), line(0));
        }
        rest.fill(row[from.width - 1]);
    });
    out
}

wide! {
    fn mix(out: &mut [f32], r: &[f32], g: &[f32], b: &[f32]) {
        for (((out, r), g), b) in out.iter_mut().zip(r).zip(g).zip(b) {
            // `max` and `min` also bring what is not a number into the range.
            *out = (255.0 * (0.299 * r + 0.587 * g + 0.114 * b)).max(-255.0).min(510.0);
        }
    }
}

/// `levels` pictures, each half the size of the one before. Pixel `x` of a smaller one covers `2x` and `2x + 1` of the larger; where
/// that lacks the second, the first counts twice.
pub(super) fn halves(full: Raster, levels: usize) -> Vec<Raster> {
    let mut all = vec![full];
    while all.len() < levels {
        let next = halve(&all[all.len() - 1]);
        all.push(next);
    }
    all
}

fn halve(src: &Raster) -> Raster {
    let from = src.size();
    let mut out = Raster::uninit(Size::new(from.width.div_ceil(2), from.height.div_ceil(2)), 1);
    let width = out.size().width;
    out.data_mut().par_chunks_exact_mut(width).enumerate().for_each(|(y, row)| {
        let line = |y: usize| &src.data()[y.min(from.height - 1) * from.width..][..from.width];
        pairs(row, line(2 * y), line(2 * y + 1));
    });
    out
}

wide! {
    fn pairs(out: &mut [f32], a: &[f32], b: &[f32]) {
        let (a2, b2) = (a.chunks_exact(2), b.chunks_exact(2));
        let (rest_a, rest_b) = (a2.remainder(), b2.remainder());
        for ((out, a), b) in out.iter_mut().zip(a2).zip(b2) {
            *out = 0.25 * ((a[0] + a[1]) + (b[0] + b[1]));
        }
        if let ([a], [b], Some(last)) = (rest_a, rest_b, out.last_mut()) {
            *last = 0.5 * (a + b);
        }
    }
}

/// A field of displacements (dx, dy) of the next smaller picture, for `size`: twice as long, between four neighbours.
pub(super) fn doubled(field: &Raster, size: Size) -> Raster {
    let from = field.size();
    let mut out = Raster::uninit(size, 2);
    for (plane, out) in out.planes_mut().enumerate() {
        let source = field.plane(plane);
        out.par_chunks_exact_mut(size.width).enumerate().for_each(|(y, row)| {
            // Pixel y lies at (y − 0.5) / 2 of the smaller one: a quarter from its own pixel towards a neighbour.
            let near = y / 2;
            let far = if y % 2 == 0 { near.saturating_sub(1) } else { (near + 1).min(from.height - 1) };
            let (near, far) = (&source[near * from.width..][..from.width], &source[far * from.width..][..from.width]);
            let line: Vec<f32> = near.iter().zip(far).map(|(n, f)| 2.0 * (0.75 * n + 0.25 * f)).collect();
            for (x, v) in row.iter_mut().enumerate() {
                let other = if x % 2 == 0 { (x / 2).saturating_sub(1) } else { (x / 2 + 1).min(from.width - 1) };
                *v = 0.75 * line[x / 2] + 0.25 * line[other];
            }
        });
    }
    out
}

/// A field of some other size to begin with; its vectors times `scale` are those of the level.
#[derive(Clone, Copy)]
pub(super) struct Guess<'a> {
    pub field: &'a Raster,
    pub scale: f32,
}

impl Guess<'_> {
    /// The displacement at `(x, y)`, counted from the corner of the level's first pixel.
    #[inline]
    pub(super) fn at(&self, x: f32, y: f32) -> [f32; 2] {
        if self.scale == 0.0 {
            return [0.0; 2];
        }
        let Size { width, height } = self.field.size();
        let place = |at: f32, length: usize| {
            let p = (at / self.scale - 0.5).max(0.0).min((length - 1) as f32);
            let first = (p as usize).min(length.saturating_sub(2));
            (first, (first + 1).min(length - 1), p - first as f32)
        };
        let ((x0, x1, fx), (y0, y1, fy)) = (place(x, width), place(y, height));
        [0, 1].map(|plane| {
            let plane = self.field.plane(plane);
            let line = |y: usize| plane[y * width + x0] * (1.0 - fx) + plane[y * width + x1] * fx;
            let value = (line(y0) * (1.0 - fy) + line(y1) * fy) * self.scale;
            if value.is_finite() { value } else { 0.0 }
        })
    }

    /// The displacement at every pixel of a level of `size`.
    pub(super) fn spread(&self, size: Size) -> Raster {
        let mut out = Raster::uninit(size, 2);
        let (us, vs) = out.data_mut().split_at_mut(size.area());
        for (i, (u, v)) in us.iter_mut().zip(vs).enumerate() {
            [*u, *v] = self.at((i % size.width) as f32 + 0.5, (i / size.width) as f32 + 0.5);
        }
        out
    }
}

/// The top left part of `field`, of `size`.
pub(super) fn cut(field: Raster, size: Size) -> Raster {
    let from = field.size();
    if from == size {
        return field;
    }
    let mut out = Raster::uninit(size, 2);
    for (plane, out) in out.planes_mut().enumerate() {
        for (to, row) in out.chunks_exact_mut(size.width).zip(field.plane(plane).chunks_exact(from.width)) {
            to.copy_from_slice(&row[..size.width]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grey_weighs_colours_and_halves_keep_means() {
        let picture = Raster::from_vec(Size::new(3, 1), 3, vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, f32::NAN]);
        let gray = gray(&picture, 1);
        assert!((gray.data()[0] - 76.245).abs() < 1e-3 && (gray.data()[1] - 149.685).abs() < 1e-3);
        assert!(gray.data()[2].is_finite());
        let levels = halves(Raster::from_vec(Size::new(3, 2), 1, vec![1.0, 3.0, 8.0, 5.0, 7.0, 2.0]), 2);
        assert_eq!(levels[1].data(), [4.0, 5.0]);
    }

    #[test]
    fn a_field_of_half_the_size_doubles_in_length_and_keeps_its_slope() {
        let small = Raster::from_vec(Size::new(4, 3), 2, (0..24).map(|i| (i % 4) as f32).collect());
        let big = doubled(&small, Size::new(7, 5));
        let row = &big.data()[..7];
        assert_eq!(row[1..6], [0.5, 1.5, 2.5, 3.5, 4.5], "{row:?}");
    }
}
