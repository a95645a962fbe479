use std::collections::VecDeque;

use super::course::Course;
use super::dpmpp_multistep::EndsLow;
use super::{Network, Sampler};
use crate::diffusion::DiffusionError;
use crate::diffusion::latent::{Latents, mix};

/// Diffusion exponential integrator sampler (arXiv 2204.13902), its log-ρ variant: the noise of the last steps, continued as a
/// polynomial of the logarithm of sigma.
pub struct Deis {
    pub course: Course,
    /// 1 to 3.
    pub order: usize,
    pub ends_low: EndsLow,
    /// The noise that the network saw, the newest first.
    pub seen: VecDeque<Vec<f32>>,
}

impl Sampler for Deis {
    fn steps(&self) -> usize {
        self.course.steps()
    }

    fn step(&mut self, step: usize, sample: &mut Latents, network: &mut dyn Network) -> Result<(), DiffusionError> {
        let (from, to) = self.course.at(step);
        self.seen.push_front(self.course.noise(network, from, sample)?);
        self.seen.truncate(3);
        let most = match self.steps() - step {
            1 if self.ends_low.last => 1,
            2 if self.ends_low.last_but_one => 2,
            _ => 3,
        };
        let order = self.order.min(most).min(self.seen.len());
        let rho = |back: usize| self.course.levels[step - back].ratio().ln();
        let logs: Vec<f64> = (0..order).map(rho).collect();
        let (start, end) = (from.ratio(), to.ratio());
        let factors = (0..order).map(|which| to.alpha * (integral(&logs, which, end) - integral(&logs, which, start)));
        let terms: Vec<(f64, &[f32])> = factors.zip(self.seen.iter().map(Vec::as_slice)).collect();
        mix(&mut sample.data, to.alpha / from.alpha, &terms);
        Ok(())
    }
}

/// The integral, over sigma from 0 to `x`, of the Lagrange polynomial in the logarithm of sigma that is 1 at `logs[which]` and 0 at
/// the others.
fn integral(logs: &[f64], which: usize, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let own = logs[which];
    let others: Vec<f64> = logs.iter().enumerate().filter(|(index, _)| *index != which).map(|(_, log)| *log).collect();
    let l = x.ln();
    // ∫ ln x = x (ln x - 1), ∫ ln² x = x (ln² x - 2 ln x + 2).
    match others[..] {
        [c] => x * (l - 1.0 - c) / (own - c),
        [c, d] => x * (l * l - 2.0 * l + 2.0 - (c + d) * (l - 1.0) + c * d) / ((own - c) * (own - d)),
        _ => x,
    }
}
