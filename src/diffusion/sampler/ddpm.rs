use super::course::Course;
use super::{Network, Sampler};
use crate::diffusion::DiffusionError;
use crate::diffusion::latent::{Latents, mix};

/// How much fresh noise a DDPM step adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variance {
    /// The posterior's variance.
    Small,
    /// The forward step's variance.
    Large,
}

/// Denoising diffusion probabilistic models (arXiv 2006.11239): the reverse of the noising, step by step.
pub struct Ddpm {
    pub course: Course,
    pub variance: Variance,
}

impl Sampler for Ddpm {
    fn steps(&self) -> usize {
        self.course.steps()
    }

    fn step(&mut self, step: usize, sample: &mut Latents, network: &mut dyn Network) -> Result<(), DiffusionError> {
        let (from, to) = self.course.at(step);
        let picture = self.course.picture(network, from, sample)?;
        let (share, beta) = ((from.alpha / to.alpha).powi(2), from.sigma * from.sigma);
        let kept = share.sqrt() * to.sigma * to.sigma / beta;
        mix(&mut sample.data, kept, &[(to.alpha * (1.0 - share) / beta, &picture)]);
        if from.timestep > 0.0 {
            let small = (to.sigma * to.sigma / beta * (1.0 - share)).max(1e-20);
            let deviation = match self.variance {
                Variance::Small => small.sqrt(),
                Variance::Large => (1.0 - share).sqrt(),
            };
            let fresh = network.noise(from.ratio(), to.ratio(), sample);
            mix(&mut sample.data, 1.0, &[(deviation, &fresh)]);
        }
        Ok(())
    }
}
