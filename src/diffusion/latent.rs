//! Latents: what the networks pass on, planes of single precision numbers, several pictures at once.

use rayon::prelude::*;

/// Values a task works on.
const CHUNK: usize = 1 << 15;

/// `batch` pictures of `channels` planes, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Latents {
    /// Batch, channels, height, width.
    pub shape: [usize; 4],
    /// The values in that order.
    pub data: Vec<f32>,
}

impl Latents {
    /// Latents over `data`, or nothing when its length does not fit `shape`.
    #[must_use]
    pub fn new(shape: [usize; 4], data: Vec<f32>) -> Option<Self> {
        (shape.iter().product::<usize>() == data.len()).then_some(Self { shape, data })
    }

    /// How many pictures.
    #[must_use]
    pub fn batch(&self) -> usize {
        self.shape[0]
    }

    /// Whether every value is a finite number.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        all_finite(&self.data)
    }
}

/// Whether every value is a finite number.
pub(super) fn all_finite(values: &[f32]) -> bool {
    values.par_chunks(CHUNK).all(|chunk| chunk.iter().all(|x| x.is_finite()))
}

/// `a[i] = f(a[i], b[i])` for all i.
pub(super) fn combine(a: &mut [f32], b: &[f32], f: impl Fn(f32, f32) -> f32 + Sync) {
    a.par_chunks_mut(CHUNK).zip(b.par_chunks(CHUNK)).for_each(|(a, b)| {
        for (a, b) in a.iter_mut().zip(b) {
            *a = f(*a, *b);
        }
    });
}

/// `a[i] = f(a[i])` for all i.
pub(super) fn apply(a: &mut [f32], f: impl Fn(f32) -> f32 + Sync) {
    a.par_chunks_mut(CHUNK).for_each(|a| {
        for a in a {
            *a = f(*a);
        }
    });
}

/// `a = scale * a + Σ factor * term`: every step of every sampler is such a sum.
pub(super) fn mix(a: &mut [f32], scale: f64, terms: &[(f64, &[f32])]) {
    let scale = scale as f32;
    a.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, a)| {
        let start = chunk * CHUNK;
        for x in a.iter_mut() {
            *x *= scale;
        }
        for (factor, term) in terms {
            let factor = *factor as f32;
            for (x, t) in a.iter_mut().zip(&term[start..]) {
                *x += factor * t;
            }
        }
    });
}
