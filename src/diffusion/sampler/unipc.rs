use std::collections::VecDeque;

use super::course::Course;
use super::{Network, Sampler};
use crate::diffusion::DiffusionError;
use crate::diffusion::latent::{Latents, mix};

/// `UniPC` (arXiv 2302.04867): a multistep predictor, and a corrector that uses what the network sees at the next step.
pub struct UniPc {
    pub course: Course,
    pub order: usize,
    /// B(h) of the paper: `exp(h) - 1`, or `h` itself.
    pub exponential: bool,
    /// Whether the picture is extrapolated, or the noise.
    pub pictures: bool,
    /// Whether the order falls towards the end.
    pub ends_low: bool,
    /// Steps whose result is not corrected.
    pub uncorrected: Vec<usize>,
    /// What the network saw, the newest first.
    pub seen: VecDeque<Vec<f32>>,
    /// The corrected sample before the last step, and the order of that step.
    pub last: Option<(Latents, usize)>,
}

impl Sampler for UniPc {
    fn steps(&self) -> usize {
        self.course.steps()
    }

    fn step(&mut self, step: usize, sample: &mut Latents, network: &mut dyn Network) -> Result<(), DiffusionError> {
        let from = self.course.levels[step];
        let seen = if self.pictures { self.course.picture(network, from, sample)? } else { self.course.noise(network, from, sample)? };
        if let Some((before, order)) = self.last.take()
            && !self.uncorrected.contains(&(step - 1))
        {
            *sample = before;
            self.advance(step - 1, order, sample, Some(&seen));
        }
        self.seen.push_front(seen);
        let left = if self.ends_low { self.steps() - step } else { self.order };
        let order = self.order.min(left).min(self.seen.len());
        self.seen.truncate(self.order.max(1));
        self.last = Some((sample.clone(), order));
        self.advance(step, order, sample, None);
        Ok(())
    }
}

impl UniPc {
    /// Takes `sample` over a step, with what the network saw at its end if that is known.
    fn advance(&self, step: usize, order: usize, sample: &mut Latents, end: Option<&Vec<f32>>) {
        let (from, to) = self.course.at(step);
        let h = to.lambda() - from.lambda();
        let (kept, scale, hh) = if self.pictures { (to.sigma / from.sigma, to.alpha, -h) } else { (to.alpha / from.alpha, to.sigma, h) };
        let phi = hh.exp_m1();
        if !h.is_finite() {
            // Without noise at the end the derivatives, taken for a step of infinite length, have no weight.
            mix(&mut sample.data, kept, &[(-scale * phi, &self.seen[0])]);
            return;
        }
        let mut at: Vec<f64> = (1..order).map(|back| (self.course.levels[step - back].lambda() - from.lambda()) / h).collect();
        let whole = if self.exponential { phi } else { hh };
        let weights = if end.is_some() {
            at.push(1.0);
            if order == 1 { vec![0.5] } else { weights(&at, hh, whole) }
        } else if order == 2 {
            vec![0.5]
        } else {
            weights(&at, hh, whole)
        };
        let mut terms: Vec<(f64, &[f32])> = Vec::new();
        let mut own = -scale * phi;
        for (index, (weight, at)) in weights.iter().zip(&at).enumerate() {
            let factor = -scale * whole * weight / at;
            let value = if index + 1 == order { end.map(Vec::as_slice) } else { self.seen.get(index + 1).map(Vec::as_slice) };
            if let Some(value) = value {
                terms.push((factor, value));
                own -= factor;
            }
        }
        terms.push((own, &self.seen[0]));
        mix(&mut sample.data, kept, &terms);
    }
}

/// The weights of the differences at the places `at`, so that polynomials up to their number are integrated exactly.
fn weights(at: &[f64], hh: f64, whole: f64) -> Vec<f64> {
    let mut factorial = 1.0;
    let mut phi = hh.exp_m1() / hh - 1.0;
    let mut rows = Vec::with_capacity(at.len());
    for power in 0..at.len() {
        let mut row: Vec<f64> = at.iter().map(|r| r.powi(power as i32)).collect();
        row.push(phi * factorial / whole);
        rows.push(row);
        factorial *= (power + 2) as f64;
        phi = phi / hh - 1.0 / factorial;
    }
    solve(rows)
}

/// Solves a small system of linear equations, each row with its right side, by elimination.
fn solve(mut rows: Vec<Vec<f64>>) -> Vec<f64> {
    let n = rows.len();
    for column in 0..n {
        let best = (column..n).max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs())).unwrap_or(column);
        rows.swap(column, best);
        let pivot = rows[column].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|(index, _)| *index != column) {
            let factor = row[column] / pivot[column];
            for (x, p) in row.iter_mut().zip(&pivot).skip(column) {
                *x -= factor * p;
            }
        }
    }
    rows.iter().enumerate().map(|(i, row)| row[n] / row[i]).collect()
}
