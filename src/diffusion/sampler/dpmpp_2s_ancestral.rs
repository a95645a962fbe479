use super::course::Course;
use super::euler_ancestral::refresh;
use super::{Network, Sampler, ancestral, glide};
use crate::diffusion::DiffusionError;
use crate::diffusion::latent::Latents;
use crate::diffusion::level::Level;

/// DPM-Solver++(2S) with fresh noise after each step.
pub struct Dpmpp2SAncestral {
    pub course: Course,
    pub eta: f64,
    /// Scale of fresh noise.
    pub noise: f64,
}

impl Sampler for Dpmpp2SAncestral {
    fn steps(&self) -> usize {
        self.course.steps()
    }

    fn step(&mut self, step: usize, sample: &mut Latents, network: &mut dyn Network) -> Result<(), DiffusionError> {
        let (from, to) = self.course.at(step);
        let (down, up) = ancestral(from.sigma, to.sigma, self.eta);
        let mut picture = self.course.picture(network, from, sample)?;
        if down > 0.0 {
            let middle = self.course.table.exploding((from.sigma * down).sqrt());
            let mut ahead = sample.clone();
            glide(&mut ahead.data, &picture, from, middle);
            picture = self.course.picture(network, middle, &ahead)?;
        }
        glide(&mut sample.data, &picture, from, Level::exploding(0.0, down));
        refresh(sample, (from, to), self.noise * up, network);
        Ok(())
    }
}
