use super::course::Course;
use super::euler::{churn, raised};
use super::{Churn, Network, Sampler, glide};
use crate::diffusion::DiffusionError;
use crate::diffusion::latent::{Latents, mix};

/// Heun's method: Euler's step with the mean of the slopes at both ends (algorithm 2 of arXiv 2206.00364).
pub struct Heun {
    pub course: Course,
    pub churn: Churn,
    /// Scale of the churned noise.
    pub noise: f64,
}

impl Sampler for Heun {
    fn steps(&self) -> usize {
        self.course.steps()
    }

    fn step(&mut self, step: usize, sample: &mut Latents, network: &mut dyn Network) -> Result<(), DiffusionError> {
        let (from, to) = self.course.at(step);
        let from_raised = raised(&self.course, self.churn, from);
        churn(sample, from, from_raised, self.noise, network);
        let picture = self.course.picture(network, from_raised, sample)?;
        let mut ahead = sample.clone();
        glide(&mut ahead.data, &picture, from_raised, to);
        if to.sigma > 0.0 {
            let there = self.course.picture(network, to, &ahead)?;
            let half = (to.sigma - from_raised.sigma) / 2.0;
            let (here, there_slope) = (half / from_raised.sigma, half / to.sigma);
            let slopes = [(-here, picture.as_slice()), (there_slope, &ahead.data), (-there_slope, &there)];
            mix(&mut sample.data, 1.0 + here, &slopes);
        } else {
            *sample = ahead;
        }
        Ok(())
    }
}
