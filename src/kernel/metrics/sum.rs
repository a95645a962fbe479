//! Sums over whole pictures in an order that does not depend on threads.

use std::ops::Range;

use rayon::prelude::*;

use crate::kernel::wide::wide;

/// Rows of one piece of work; fixed, since the order of the additions depends on it.
const ROWS: usize = 16;
/// Partial sums kept side by side, so that the compiler can use whole vectors.
const LANES: usize = 16;

/// The sums of `N` quantities that `band` gives for some rows each, over all `height` rows.
pub(super) fn over_rows<const N: usize>(height: usize, band: impl Fn(Range<usize>) -> [f64; N] + Sync) -> [f64; N] {
    over_bands(height, ROWS, band)
}

/// As [`over_rows`], in bands of `rows` rows.
pub(super) fn over_bands<const N: usize>(height: usize, rows: usize, band: impl Fn(Range<usize>) -> [f64; N] + Sync) -> [f64; N] {
    let parts: Vec<[f64; N]> =
        (0..height.div_ceil(rows)).into_par_iter().map(|index| band(index * rows..((index + 1) * rows).min(height))).collect();
    parts.into_iter().fold([0.0; N], |sum, part| std::array::from_fn(|i| sum[i] + part[i]))
}

wide! {
    /// The sum of `value(a, b)` over two lines of equal length.
    pub(super) fn of_pairs<F: Fn(f32, f32) -> f32>(a: &[f32], b: &[f32], value: F) -> f64 {
        let mut lanes = [0.0_f64; LANES];
        let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
        for (a, b) in a.iter().zip(b) {
            for i in 0..LANES {
                lanes[i] += f64::from(value(a[i], b[i]));
            }
        }
        let mut sum: f64 = lanes.iter().sum();
        for (a, b) in a_rest.iter().zip(b_rest) {
            sum += f64::from(value(*a, *b));
        }
        sum
    }
}

wide! {
    /// The sum of a line's values, and that of their squares.
    pub(super) fn moments(line: &[f32]) -> [f64; 2] {
        let (mut sums, mut squares) = ([0.0_f64; LANES], [0.0_f64; LANES]);
        let (chunks, rest) = line.as_chunks::<LANES>();
        for chunk in chunks {
            for i in 0..LANES {
                sums[i] += f64::from(chunk[i]);
                squares[i] += f64::from(chunk[i] * chunk[i]);
            }
        }
        for (i, v) in rest.iter().enumerate() {
            sums[i] += f64::from(*v);
            squares[i] += f64::from(v * v);
        }
        [sums.iter().sum(), squares.iter().sum()]
    }
}

/// The sum of a line's values.
pub(super) fn of(line: &[f32]) -> f64 {
    moments(line)[0]
}
