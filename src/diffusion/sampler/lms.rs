use std::collections::VecDeque;

use super::course::Course;
use super::{Network, Sampler};
use crate::diffusion::DiffusionError;
use crate::diffusion::latent::{Latents, mix};

/// Linear multistep (Adams–Bashforth): the slopes of the last steps, continued.
pub struct Lms {
    pub course: Course,
    /// How many slopes count.
    pub order: usize,
    /// Slopes, the newest first.
    pub slopes: VecDeque<Vec<f32>>,
}

impl Sampler for Lms {
    fn steps(&self) -> usize {
        self.course.steps()
    }

    fn step(&mut self, step: usize, sample: &mut Latents, network: &mut dyn Network) -> Result<(), DiffusionError> {
        let (from, _) = self.course.at(step);
        let mut slope = self.course.picture(network, from, sample)?;
        mix(&mut slope, -1.0 / from.sigma, &[(1.0 / from.sigma, &sample.data)]);
        self.slopes.push_front(slope);
        self.slopes.truncate(self.order);
        // diffusers counts the steps that a picture's start left out as if their slopes were there; so do we.
        let order = self.order.min(step + 1);
        let sigmas: Vec<f64> = self.course.levels.iter().map(|level| level.sigma).collect();
        let factors = (0..order).map(|which| coefficient(&sigmas, step, order, which));
        let terms: Vec<(f64, &[f32])> = factors.zip(self.slopes.iter().map(Vec::as_slice)).collect();
        mix(&mut sample.data, 1.0, &terms);
        Ok(())
    }
}

/// The integral over the step of the Lagrange polynomial that is 1 at the slope `which` steps ago and 0 at the other `order - 1`.
fn coefficient(sigmas: &[f64], step: usize, order: usize, which: usize) -> f64 {
    let own = sigmas[step - which];
    // Coefficients of the product, by rising power.
    let mut polynomial = vec![1.0];
    for other in (0..order).filter(|other| *other != which).map(|other| sigmas[step - other]) {
        let mut next = vec![0.0; polynomial.len() + 1];
        for (power, c) in polynomial.iter().enumerate() {
            next[power + 1] += c / (own - other);
            next[power] -= c * other / (own - other);
        }
        polynomial = next;
    }
    let at = |x: f64| polynomial.iter().rev().zip((1..=order).rev()).fold(0.0, |sum, (c, power)| sum * x + c / power as f64) * x;
    at(sigmas[step + 1]) - at(sigmas[step])
}
