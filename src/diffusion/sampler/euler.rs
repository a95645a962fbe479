use super::{Noise, Sampler};
use crate::diffusion::DiffusionError;
use crate::diffusion::latent::{Latents, apply, combine};
use crate::diffusion::schedule::{Prediction, SchedulerConfig, Spacing};
use crate::diffusion::sigmas::sigmas;

/// Noise that Euler adds before a step and takes off again with it (algorithm 2 of arXiv 2206.00364).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Churn {
    /// How much over the whole run; 0 is none.
    pub amount: f32,
    /// Only where sigma is at least this…
    pub min: f32,
    /// …and at most this.
    pub max: f32,
    /// Scale of the noise; 1.
    pub noise: f32,
}

impl Default for Churn {
    fn default() -> Self {
        Self { amount: 0.0, min: 0.0, max: f32::INFINITY, noise: 1.0 }
    }
}

/// Euler's method on the probability flow, in the scale of sigmas.
pub struct Euler {
    sigmas: Vec<f32>,
    timesteps: Vec<f32>,
    init_noise_sigma: f32,
    prediction: Prediction,
    churn: Churn,
}

impl Euler {
    /// A run of `steps` steps.
    pub fn new(config: &SchedulerConfig, steps: usize, churn: Churn) -> Result<Self, DiffusionError> {
        let schedule = sigmas(config, steps)?;
        let max = schedule.sigmas.iter().copied().fold(0.0, f32::max);
        let leading = config.timestep_spacing == Some(Spacing::Leading);
        Ok(Self {
            sigmas: schedule.sigmas,
            timesteps: schedule.timesteps,
            init_noise_sigma: if leading { (max * max + 1.0).sqrt() } else { max },
            prediction: config.prediction(),
            churn,
        })
    }

    /// The sigmas visited, and the one after the last step.
    #[must_use]
    pub fn sigmas(&self) -> &[f32] {
        &self.sigmas
    }

    /// By how much churn raises the sigma of a step, as a share of it.
    fn gamma(&self, sigma: f32) -> f32 {
        if !(self.churn.min..=self.churn.max).contains(&sigma) {
            return 0.0;
        }
        (self.churn.amount / self.timesteps.len() as f32).min(std::f32::consts::SQRT_2 - 1.0)
    }
}

impl Sampler for Euler {
    fn timesteps(&self) -> &[f32] {
        &self.timesteps
    }

    fn init_noise_sigma(&self) -> f32 {
        self.init_noise_sigma
    }

    fn scale_input(&self, step: usize, sample: &mut [f32]) {
        let sigma = self.sigmas[step];
        let scale = (sigma * sigma + 1.0).sqrt();
        apply(sample, |x| x / scale);
    }

    fn add_noise(&self, step: usize, picture: &mut [f32], noise: &[f32]) {
        let sigma = self.sigmas[step];
        combine(picture, noise, |x, n| x + n * sigma);
    }

    fn step(&mut self, step: usize, output: &[f32], sample: &mut Latents, noise: Noise<'_>) {
        let (sigma, next) = (self.sigmas[step], self.sigmas[step + 1]);
        let gamma = self.gamma(sigma);
        let hat = sigma * (gamma + 1.0);
        if gamma > 0.0 {
            let scale = (hat * hat - sigma * sigma).sqrt();
            let fresh = noise(sample.data.len());
            combine(&mut sample.data, &fresh, |x, n| x + n * self.churn.noise * scale);
        }
        let dt = next - hat;
        let toward = |x: f32, picture: f32| x + (x - picture) / hat * dt;
        match self.prediction {
            Prediction::Sample => combine(&mut sample.data, output, toward),
            Prediction::Epsilon => combine(&mut sample.data, output, |x, e| toward(x, x - hat * e)),
            Prediction::VPrediction => {
                let square = sigma * sigma + 1.0;
                let scale = -sigma / square.sqrt();
                combine(&mut sample.data, output, |x, v| toward(x, v * scale + x / square));
            }
        }
    }
}
