use super::course::Course;
use super::{Network, Sampler, ancestral, glide};
use crate::diffusion::DiffusionError;
use crate::diffusion::latent::{Latents, mix};
use crate::diffusion::level::Level;

/// Euler's method that goes down further than it must, and up again with fresh noise.
pub struct EulerAncestral {
    pub course: Course,
    pub eta: f64,
    /// Scale of fresh noise.
    pub noise: f64,
}

impl Sampler for EulerAncestral {
    fn steps(&self) -> usize {
        self.course.steps()
    }

    fn step(&mut self, step: usize, sample: &mut Latents, network: &mut dyn Network) -> Result<(), DiffusionError> {
        let (from, to) = self.course.at(step);
        let picture = self.course.picture(network, from, sample)?;
        let (down, up) = ancestral(from.sigma, to.sigma, self.eta);
        glide(&mut sample.data, &picture, from, Level::exploding(0.0, down));
        refresh(sample, (from, to), self.noise * up, network);
        Ok(())
    }
}

/// Adds fresh noise of a deviation, unless the step ends without noise.
pub fn refresh(sample: &mut Latents, (from, to): (Level, Level), deviation: f64, network: &mut dyn Network) {
    if to.sigma > 0.0 && deviation != 0.0 {
        let fresh = network.noise(from.sigma, to.sigma, sample);
        mix(&mut sample.data, 1.0, &[(deviation, &fresh)]);
    }
}
