//! Brownian paths whose value does not depend on where they are looked at: the noise of the SDE samplers.
//!
//! The path is that of torchsde's `BrownianTree` as k-diffusion uses it: the stretch between the least and the greatest sigma is
//! halved again and again, and where each half goes is drawn from a seed of its own (the "Brownian bridge").

use std::collections::HashMap;
use std::sync::Arc;

use super::seed_sequence::first_word;
use super::{Generator, NoiseSource, Precision};

/// Words that `SeedSequence` mixes.
const POOL: usize = 24;
/// Halves that are kept for the next look; more than one way down the tree.
const KEPT: usize = 64;

/// Noise for one picture, or for several that share a seed.
pub struct Brownian {
    seed: u64,
    source: NoiseSource,
    top: Half,
    /// Increments over halves that were looked at.
    known: HashMap<(u64, u64), Arc<Vec<f32>>>,
}

/// One of the stretches that halving makes; `key` counts those of one depth from the left.
#[derive(Debug, Clone, Copy)]
struct Half {
    start: f64,
    end: f64,
    depth: u64,
    key: u64,
}

impl Half {
    fn middle(self) -> f64 {
        rounded(0.5 * (self.end + self.start))
    }

    fn left(self) -> Self {
        Self { end: self.middle(), depth: self.depth + 1, key: 2 * self.key, ..self }
    }

    fn right(self) -> Self {
        Self { start: self.middle(), depth: self.depth + 1, key: 2 * self.key + 1, ..self }
    }
}

impl Brownian {
    /// The path of `n` numbers from `seed` between two sigmas.
    #[must_use]
    pub fn new(seed: u64, source: NoiseSource, n: usize, (min, max): (f64, f64)) -> Self {
        let (start, end) = (f64::from(min as f32), f64::from(max as f32));
        let top = Half { start: rounded(start), end: rounded(end), depth: 0, key: 0 };
        let mut increment = draw(first_word(seed, &[], POOL), source, n);
        let scale = (end - start).sqrt() as f32;
        for x in &mut increment {
            *x *= scale;
        }
        Self { seed, source, top, known: HashMap::from([((0, 0), Arc::new(increment))]) }
    }

    /// Noise of deviation 1 for a step between two sigmas.
    #[must_use]
    pub fn noise(&mut self, from: f64, to: f64) -> Vec<f32> {
        let (from, to) = (from as f32, to as f32);
        let bound = |sigma: f32| rounded(f64::from(sigma).clamp(self.top.start, self.top.end));
        let (low, high) = (bound(from.min(to)), bound(from.max(to)));
        let mut sum: Option<Vec<f32>> = None;
        if low < high {
            self.add(self.top, (low, high), &mut sum);
        }
        let mut noise = sum.unwrap_or_else(|| vec![0.0; self.known.get(&(0, 0)).map_or(0, |top| top.len())]);
        // The path runs up, samplers mostly down.
        let scale = if from > to { -1.0 } else { 1.0 } / (to - from).abs().sqrt();
        if scale.is_finite() {
            for x in &mut noise {
                *x *= scale;
            }
        }
        noise
    }

    /// Adds what the path does between `low` and `high` within a half.
    fn add(&mut self, half: Half, (low, high): (f64, f64), sum: &mut Option<Vec<f32>>) {
        if low <= half.start && high >= half.end {
            let increment = self.increment(half);
            match sum {
                Some(sum) => sum.iter_mut().zip(increment.iter()).for_each(|(sum, x)| *sum += x),
                None => *sum = Some(increment.to_vec()),
            }
            return;
        }
        let middle = half.middle();
        // Where halving no longer divides, the stretch is below what is told apart.
        if middle <= half.start || middle >= half.end {
            return;
        }
        if low < middle {
            self.add(half.left(), (low, high.min(middle)), sum);
        }
        if high > middle {
            self.add(half.right(), (low.max(middle), high), sum);
        }
    }

    /// What the path does over a half: its part of what it does over the whole, and its own chance.
    fn increment(&mut self, half: Half) -> Arc<Vec<f32>> {
        if let Some(known) = self.known.get(&(half.depth, half.key)) {
            return Arc::clone(known);
        }
        let parent = self.parent(half);
        let whole = self.increment(parent);
        let (left, right) = (parent.middle() - parent.start, parent.end - parent.middle());
        let share = 1.0 / (parent.end - parent.start);
        let deviation = (left * right * share).sqrt() as f32;
        let (left, share) = (left as f32, share as f32);
        let seed = first_word(self.seed, &[parent.key, parent.depth], POOL);
        let mut values = draw(seed, self.source, whole.len());
        for (x, whole) in values.iter_mut().zip(whole.iter()) {
            let first = left * whole * share + deviation * *x;
            *x = if half.key.is_multiple_of(2) { first } else { whole - first };
        }
        if self.known.len() >= KEPT {
            self.known.retain(|(depth, _), _| *depth == 0);
        }
        let values = Arc::new(values);
        self.known.insert((half.depth, half.key), Arc::clone(&values));
        values
    }

    /// The stretch that `half` is a half of, found again from the top.
    fn parent(&self, half: Half) -> Half {
        (1..half.depth).rev().fold(self.top, |at, up| if half.key >> up & 1 == 0 { at.left() } else { at.right() })
    }
}

fn draw(seed: u32, source: NoiseSource, n: usize) -> Vec<f32> {
    Generator::of(source, u64::from(seed)).randn(n, Precision::Single)
}

/// To six decimals, as Python rounds.
fn rounded(time: f64) -> f64 {
    format!("{time:.6}").parse().unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path() -> Brownian {
        Brownian::new(7, NoiseSource::Cpu, 64, (0.03, 14.6))
    }

    #[test]
    fn steps_of_any_length_add_up() {
        let mut path = path();
        let step = |path: &mut Brownian, from: f64, to: f64| {
            let scale = ((from - to) as f32).sqrt();
            path.noise(from, to).into_iter().map(|x| x * scale).collect::<Vec<_>>()
        };
        let whole = step(&mut path, 14.6, 0.03);
        let parts = [(14.6, 9.0), (9.0, 2.5), (2.5, 0.4), (0.4, 0.03)].map(|(from, to)| step(&mut path, from, to));
        for (i, whole) in whole.iter().enumerate() {
            let sum: f32 = parts.iter().map(|part| part[i]).sum();
            assert!((whole - sum).abs() < 1e-4, "{whole} {sum}");
        }
    }

    #[test]
    fn a_look_changes_nothing() {
        let fresh = path().noise(3.0, 1.0);
        let mut looked = path();
        for i in 1..80 {
            let _ = looked.noise(0.1 + 0.1 * f64::from(i), 0.1 * f64::from(i));
        }
        assert_eq!(looked.noise(3.0, 1.0), fresh);
    }

    #[test]
    fn noise_has_deviation_one() {
        let noise = Brownian::new(1, NoiseSource::Cpu, 1 << 14, (0.03, 14.6)).noise(5.0, 4.0);
        let variance = noise.iter().map(|x| x * x).sum::<f32>() / noise.len() as f32;
        assert!((variance - 1.0).abs() < 0.05, "{variance}");
    }
}
