use super::course::Course;
use super::{Network, Sampler};
use crate::diffusion::DiffusionError;
use crate::diffusion::latent::{Latents, mix};
use crate::diffusion::level::Level;

/// Trajectory consistency distillation (arXiv 2402.19159): each step goes below the next level and up to it with fresh noise.
pub struct Tcd {
    pub course: Course,
    /// How far below each next level a step goes: that of the timestep `(1 - eta) * t`.
    pub below: Vec<Level>,
    /// Whether there is fresh noise at all.
    pub fresh: bool,
}

impl Sampler for Tcd {
    fn steps(&self) -> usize {
        self.course.steps()
    }

    fn step(&mut self, step: usize, sample: &mut Latents, network: &mut dyn Network) -> Result<(), DiffusionError> {
        let (from, to) = self.course.at(step);
        let below = self.below[step];
        let seen = self.course.estimate(network, from, sample)?;
        mix(&mut sample.data, 0.0, &[(below.alpha, &seen.picture), (below.sigma, &seen.noise)]);
        if self.fresh && step + 1 < self.steps() {
            let fresh = network.noise(from.ratio(), to.ratio(), sample);
            let kept = to.alpha / below.alpha;
            mix(&mut sample.data, kept, &[((1.0 - kept * kept).max(0.0).sqrt(), &fresh)]);
        }
        Ok(())
    }
}
