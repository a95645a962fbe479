//! Samplers: the ways from noise to latents. One file for each algorithm.
//!
//! A sampler is an algorithm over a list of [`Level`]s. Which levels, and in which of the two scales, is data: k-diffusion's
//! and A1111's samplers come from [`kdiffusion`], diffusers' schedulers from [`diffusers`], and both hand their lists to the
//! same algorithms. A step asks the [`Network`] as often as it needs to, so that samplers of second order are plain code.

mod course;
mod ddim;
mod ddpm;
mod deis;
pub mod diffusers;
mod dpm2;
mod dpm2_ancestral;
mod dpmpp_2s_ancestral;
mod dpmpp_multistep;
mod dpmpp_sde;
mod dpmpp_singlestep;
mod euler;
mod euler_ancestral;
mod heun;
pub mod kdiffusion;
mod kind;
mod lcm;
mod limit;
mod lms;
mod pndm;
mod tcd;
#[cfg(test)]
mod tests;
mod unipc;

pub use course::Course;
pub use kind::{SamplerKind, Wanted};
pub use limit::Limit;

use super::DiffusionError;
use super::latent::Latents;
use super::level::Level;

/// What a sampler asks of the world around it.
pub trait Network {
    /// The network's output, guided, for latents at a level. The latents are in the sampler's scale, not yet in that of the network.
    ///
    /// # Errors
    /// When the network fails.
    fn predict(&mut self, level: Level, sample: &Latents) -> Result<Vec<f32>, DiffusionError>;

    /// Fresh noise of deviation 1 for `sample`, on the way between two sigmas: all that depends on the way is Brownian noise.
    fn noise(&mut self, from: f64, to: f64, sample: &Latents) -> Vec<f32>;
}

/// One way through the noise levels.
pub trait Sampler: Send {
    /// How many steps there are, those before the first one that runs included.
    fn steps(&self) -> usize;

    /// Replaces `sample` by the latents after `step`. Steps are asked for in order.
    ///
    /// # Errors
    /// When the network fails.
    fn step(&mut self, step: usize, sample: &mut Latents, network: &mut dyn Network) -> Result<(), DiffusionError>;
}

/// Where a sampler's fresh noise comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Freshness {
    /// The pictures' generators, one draw after the other.
    Drawn,
    /// A Brownian path between these sigmas, so that the noise of a stretch is the same however it is divided into steps.
    Brownian {
        /// The least sigma above 0.
        min: f64,
        /// The greatest.
        max: f64,
    },
}

/// A sampler made for one run.
pub struct Plan {
    /// The sampler.
    pub sampler: Box<dyn Sampler>,
    /// The level before each step, and that after the last.
    pub levels: Vec<Level>,
    /// The step that comes first.
    pub first: usize,
    /// The level that a given picture is noised to.
    pub entry: Level,
    /// The deviation of the noise that a picture from nothing starts as.
    pub start: f64,
    /// How often the network is asked in all steps that were wanted, as A1111 counts it for prompts that change on the way: twice for
    /// each step of a sampler of second order.
    pub calls: usize,
    /// What is added to the seeds for fresh noise that is drawn.
    pub seed_delta: i64,
    /// Where fresh noise comes from.
    pub freshness: Freshness,
}

/// What some samplers heed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SamplerOptions {
    /// How much of the noise is made anew at each step: 0 none, so that the way is determined by its start. Left out, the
    /// sampler's own: 1 for ancestral and SDE samplers, 0 for DDIM, 0.3 for TCD.
    pub eta: Option<f64>,
    /// Noise added before each step and taken off again.
    pub churn: Churn,
    /// Scale of fresh noise; 1.
    pub noise: f64,
    /// What is added to the seeds for fresh noise: A1111's "eta noise seed delta". At 0 the generators just go on.
    pub seed_delta: i64,
}

impl Default for SamplerOptions {
    fn default() -> Self {
        Self { eta: None, churn: Churn::default(), noise: 1.0, seed_delta: 0 }
    }
}

/// Noise that Euler, Heun and DPM2 add before a step and take off again with it (algorithm 2 of arXiv 2206.00364).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Churn {
    /// How much over the whole run; 0 is none.
    pub amount: f64,
    /// Only where sigma is at least this…
    pub min: f64,
    /// …and at most this.
    pub max: f64,
}

impl Default for Churn {
    fn default() -> Self {
        Self { amount: 0.0, min: 0.0, max: f64::INFINITY }
    }
}

impl Churn {
    /// By how much the sigma of a step is raised, as a share of it, in a run of `steps`.
    fn gamma(self, sigma: f64, steps: usize) -> f64 {
        if !(self.min..=self.max).contains(&sigma) {
            return 0.0;
        }
        (self.amount / steps.max(1) as f64).min(std::f64::consts::SQRT_2 - 1.0)
    }
}

/// How far an ancestral step goes down, and how much fresh noise then brings it up again to `to`.
fn ancestral(from: f64, to: f64, eta: f64) -> (f64, f64) {
    let up = (eta * (to * to * (from * from - to * to) / (from * from)).sqrt()).min(to);
    ((to * to - up * up).max(0.0).sqrt(), up)
}

/// A straight step: from latents at one level to another, given the picture that the network sees in them.
fn glide(sample: &mut [f32], picture: &[f32], from: Level, to: Level) {
    let kept = to.sigma / from.sigma;
    super::latent::mix(sample, kept, &[(to.alpha - from.alpha * kept, picture)]);
}
