use super::course::Course;
use super::dpm2::halfway;
use super::euler_ancestral::refresh;
use super::{Network, Sampler, ancestral};
use crate::diffusion::DiffusionError;
use crate::diffusion::latent::Latents;
use crate::diffusion::level::Level;

/// DPM2 with fresh noise after each step.
pub struct Dpm2Ancestral {
    pub course: Course,
    pub eta: f64,
    /// Scale of fresh noise.
    pub noise: f64,
}

impl Sampler for Dpm2Ancestral {
    fn steps(&self) -> usize {
        self.course.steps()
    }

    fn step(&mut self, step: usize, sample: &mut Latents, network: &mut dyn Network) -> Result<(), DiffusionError> {
        let (from, to) = self.course.at(step);
        let (down, up) = ancestral(from.sigma, to.sigma, self.eta);
        halfway(&self.course, sample, from, Level::exploding(0.0, down), network)?;
        if down > 0.0 {
            refresh(sample, (from, to), self.noise * up, network);
        }
        Ok(())
    }
}
