use super::course::Course;
use super::euler_ancestral::refresh;
use super::{Network, Sampler, ancestral, glide};
use crate::diffusion::DiffusionError;
use crate::diffusion::latent::{Latents, mix};
use crate::diffusion::level::Level;

/// DPM-Solver++ for the stochastic equation: fresh noise halfway and at the end of each step.
pub struct DpmppSde {
    pub course: Course,
    pub eta: f64,
    /// Scale of fresh noise.
    pub noise: f64,
    /// Where between the ends of a step, in the logarithm of sigma, the network is asked again; 0.5.
    pub middle: f64,
}

impl Sampler for DpmppSde {
    fn steps(&self) -> usize {
        self.course.steps()
    }

    fn step(&mut self, step: usize, sample: &mut Latents, network: &mut dyn Network) -> Result<(), DiffusionError> {
        let (from, to) = self.course.at(step);
        let mut picture = self.course.picture(network, from, sample)?;
        if to.sigma <= 0.0 {
            glide(&mut sample.data, &picture, from, to);
            return Ok(());
        }
        let middle = from.sigma.powf(1.0 - self.middle) * to.sigma.powf(self.middle);
        let middle = self.course.table.exploding(middle);
        let (down, up) = ancestral(from.sigma, middle.sigma, self.eta);
        let mut ahead = sample.clone();
        glide(&mut ahead.data, &picture, from, Level::exploding(0.0, down));
        refresh(&mut ahead, (from, middle), self.noise * up, network);
        let there = self.course.picture(network, middle, &ahead)?;

        let share = 1.0 / (2.0 * self.middle);
        mix(&mut picture, 1.0 - share, &[(share, &there)]);
        let (down, up) = ancestral(from.sigma, to.sigma, self.eta);
        glide(&mut sample.data, &picture, from, Level::exploding(0.0, down));
        refresh(sample, (from, to), self.noise * up, network);
        Ok(())
    }
}
