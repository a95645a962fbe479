use super::course::Course;
use super::euler::{churn, raised};
use super::{Churn, Network, Sampler, glide};
use crate::diffusion::DiffusionError;
use crate::diffusion::latent::{Latents, mix};
use crate::diffusion::level::Level;

/// DPM-Solver-2 in the form of k-diffusion: the slope is taken halfway, in the logarithm of sigma.
pub struct Dpm2 {
    pub course: Course,
    pub churn: Churn,
    /// Scale of the churned noise.
    pub noise: f64,
}

impl Sampler for Dpm2 {
    fn steps(&self) -> usize {
        self.course.steps()
    }

    fn step(&mut self, step: usize, sample: &mut Latents, network: &mut dyn Network) -> Result<(), DiffusionError> {
        let (from, to) = self.course.at(step);
        let from_raised = raised(&self.course, self.churn, from);
        churn(sample, from, from_raised, self.noise, network);
        halfway(&self.course, sample, from_raised, to, network)
    }
}

/// From one level down to another, by the slope halfway.
pub fn halfway(course: &Course, sample: &mut Latents, from: Level, to: Level, network: &mut dyn Network) -> Result<(), DiffusionError> {
    let picture = course.picture(network, from, sample)?;
    if to.sigma <= 0.0 {
        glide(&mut sample.data, &picture, from, to);
        return Ok(());
    }
    let middle = course.table.exploding((from.sigma * to.sigma).sqrt());
    let mut ahead = sample.clone();
    glide(&mut ahead.data, &picture, from, middle);
    let there = course.picture(network, middle, &ahead)?;
    let slope = (to.sigma - from.sigma) / middle.sigma;
    mix(&mut sample.data, 1.0, &[(slope, &ahead.data), (-slope, &there)]);
    Ok(())
}
