use super::course::Course;
use super::{Network, Sampler};
use crate::diffusion::DiffusionError;
use crate::diffusion::latent::{Latents, mix};
use crate::diffusion::level::Level;

/// Denoising diffusion implicit models (arXiv 2010.02502; the comments' formula numbers are that paper's).
pub struct Ddim {
    pub course: Course,
    /// Where each step leads: with rounded timesteps not always where the next one begins.
    pub targets: Vec<Level>,
    /// 0 is deterministic, 1 adds as much noise as DDPM.
    pub eta: f64,
    /// Scale of fresh noise.
    pub noise: f64,
}

impl Sampler for Ddim {
    fn steps(&self) -> usize {
        self.targets.len()
    }

    fn step(&mut self, step: usize, sample: &mut Latents, network: &mut dyn Network) -> Result<(), DiffusionError> {
        let (from, to) = (self.course.levels[step], self.targets[step]);
        let seen = self.course.estimate(network, from, sample)?;
        // (16): the noise that is added anew, and (12): what is left of the old direction.
        let shares = (from.alpha / to.alpha).powi(2);
        let deviation = self.eta * (to.sigma / from.sigma) * (1.0 - shares).max(0.0).sqrt();
        let direction = (to.sigma * to.sigma - deviation * deviation).max(0.0).sqrt();
        mix(&mut sample.data, 0.0, &[(to.alpha, &seen.picture), (direction, &seen.noise)]);
        if self.eta > 0.0 {
            let fresh = network.noise(from.ratio(), to.ratio(), sample);
            mix(&mut sample.data, 1.0, &[(self.noise * deviation, &fresh)]);
        }
        Ok(())
    }
}
