use super::{Limit, Noise, Sampler, at, noise_to, predicted_picture};
use crate::diffusion::DiffusionError;
use crate::diffusion::latent::{Latents, combine};
use crate::diffusion::schedule::{Prediction, SchedulerConfig, numpy_linspace};

/// Steps of the schedule that latent consistency models are distilled on.
const ORIGINAL_STEPS: usize = 50;
/// Half the standard deviation of the data, squared (arXiv 2303.01469).
const SIGMA_DATA_SQUARED: f32 = 0.25;

/// Latent consistency sampling (arXiv 2310.04378): each step predicts the picture, then noises it to the next level with
/// fresh noise. It also serves models that were not distilled for it.
pub struct Lcm {
    alphas: Vec<f32>,
    timesteps: Vec<f32>,
    timestep_scaling: f32,
    prediction: Prediction,
    limit: Limit,
}

impl Lcm {
    /// A run of exactly `steps` steps, spread over the lowest `strength` (0 to 1) of the noise levels.
    ///
    /// The levels are taken from a schedule of 50 (`original_inference_steps`); where so many steps do not fit into its part
    /// below `strength`, from a finer one.
    pub fn new(config: &SchedulerConfig, steps: usize, strength: f64) -> Result<Self, DiffusionError> {
        let train = config.train_steps();
        if steps == 0 || steps > train {
            return Err(DiffusionError::Setting(format!("{steps} steps cannot be taken; choose 1 to {train}")));
        }
        let mut original = config.original_inference_steps.unwrap_or(ORIGINAL_STEPS).clamp(1, train);
        let below = |original: usize| (original as f64 * strength.clamp(0.0, 1.0)) as usize;
        while below(original) < steps && original < train {
            original = (original * 2).min(train);
        }
        let stride = train / original;
        let levels = below(original).max(steps).min(train);
        let chosen = numpy_linspace(0.0, levels as f64, steps + 1);
        let timesteps = chosen[..steps].iter().map(|i| ((levels - *i as usize) * stride) as f32 - 1.0).collect();
        Ok(Self {
            alphas: config.alphas_cumprod(),
            timesteps,
            timestep_scaling: config.timestep_scaling.unwrap_or(10.0),
            prediction: config.prediction(),
            limit: Limit::of(config, false),
        })
    }
}

impl Sampler for Lcm {
    fn timesteps(&self) -> &[f32] {
        &self.timesteps
    }

    fn add_noise(&self, step: usize, picture: &mut [f32], noise: &[f32]) {
        noise_to(at(&self.alphas, self.timesteps[step]), picture, noise);
    }

    fn step(&mut self, step: usize, output: &[f32], sample: &mut Latents, noise: Noise<'_>) {
        let timestep = self.timesteps[step];
        let mut picture = predicted_picture(self.prediction, at(&self.alphas, timestep), &sample.data, output);
        self.limit.apply(&mut picture, sample.batch());
        // The boundary condition: at timestep 0 the sample itself, everywhere else nearly all of the prediction.
        let scaled = timestep * self.timestep_scaling;
        let whole = scaled * scaled + SIGMA_DATA_SQUARED;
        let (skip, out) = (SIGMA_DATA_SQUARED / whole, scaled / whole.sqrt());
        combine(&mut sample.data, &picture, |x, p| out * p + skip * x);
        if let Some(next) = self.timesteps.get(step + 1) {
            let fresh = noise(sample.data.len());
            noise_to(at(&self.alphas, *next), &mut sample.data, &fresh);
        }
    }
}
