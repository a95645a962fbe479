//! What a model was trained on: betas, cumulated alphas, and which of the training timesteps a run of few steps visits.
//!
//! Names, defaults and rounding are those of diffusers' schedulers, whose `scheduler_config.json` is read.

use std::path::Path;

use serde::Deserialize;

use super::DiffusionError;
use super::folder::read_json;

/// What the network's output means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prediction {
    /// The noise.
    #[default]
    Epsilon,
    /// `sqrt(alpha) * noise - sqrt(1 - alpha) * picture`: SD 2.x at 768 px and zero terminal SNR models.
    VPrediction,
    /// The picture itself.
    #[serde(alias = "original_sample")]
    Sample,
}

/// Which training timesteps a run visits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spacing {
    /// Multiples of a whole stride, from the low end; starts below the noisiest.
    Leading,
    /// Even, both ends included.
    Linspace,
    /// Even, from the noisiest downwards.
    Trailing,
}

/// How noise grows over the training timesteps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BetaSchedule {
    /// Even steps.
    #[default]
    Linear,
    /// Even steps of the square root: Stable Diffusion.
    ScaledLinear,
    /// The cosine schedule, capped.
    SquaredcosCapV2,
}

/// What follows the last step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinalSigma {
    /// No noise.
    #[default]
    Zero,
    /// The noise of the first training timestep.
    SigmaMin,
}

/// How sigmas between training timesteps are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interpolation {
    /// Straight between neighbours.
    #[default]
    Linear,
    /// Even in the logarithm over the whole range, whatever the timesteps.
    LogLinear,
}

/// `scheduler_config.json`. What is absent or null takes the default of the sampler that is used, as in diffusers.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct SchedulerConfig {
    /// The sampler that the model names as its own, as diffusers' class name.
    #[serde(rename = "_class_name")]
    pub class_name: Option<String>,
    /// Training timesteps; 1000.
    pub num_train_timesteps: Option<usize>,
    /// First beta; 0.0001.
    pub beta_start: Option<f64>,
    /// Last beta; 0.02.
    pub beta_end: Option<f64>,
    /// Growth of the betas.
    pub beta_schedule: Option<BetaSchedule>,
    /// The betas themselves, in place of the three above.
    pub trained_betas: Option<Vec<f32>>,
    /// Meaning of the network's output.
    pub prediction_type: Option<Prediction>,
    /// Which timesteps are visited.
    pub timestep_spacing: Option<Spacing>,
    /// Added to timesteps of leading spacing; 0.
    pub steps_offset: Option<i64>,
    /// Whether the last training timestep is made pure noise.
    pub rescale_betas_zero_snr: Option<bool>,
    /// Whether predicted pictures are clipped to ±`clip_sample_range`.
    pub clip_sample: Option<bool>,
    /// See `clip_sample`; 1.
    pub clip_sample_range: Option<f32>,
    /// Whether predicted pictures are squeezed by a percentile of themselves.
    pub thresholding: Option<bool>,
    /// That percentile; 0.995.
    pub dynamic_thresholding_ratio: Option<f32>,
    /// Upper limit of that squeeze; 1.
    pub sample_max_value: Option<f32>,
    /// Whether DDIM ends without noise (or with that of the first training timestep).
    pub set_alpha_to_one: Option<bool>,
    /// Sigmas after Karras et al. with ρ = 7.
    pub use_karras_sigmas: Option<bool>,
    /// Sigmas even in the logarithm.
    pub use_exponential_sigmas: Option<bool>,
    /// Sigmas at quantiles of a beta(0.6, 0.6) distribution.
    pub use_beta_sigmas: Option<bool>,
    /// Least sigma of the three above; that of the last timestep.
    pub sigma_min: Option<f64>,
    /// Greatest sigma of the three above; that of the first timestep.
    pub sigma_max: Option<f64>,
    /// What follows the last step.
    pub final_sigmas_type: Option<FinalSigma>,
    /// How sigmas are interpolated.
    pub interpolation_type: Option<Interpolation>,
    /// Steps of the schedule that an LCM was distilled on; 50.
    pub original_inference_steps: Option<usize>,
    /// Multiplies the timestep in an LCM's boundary condition; 10.
    pub timestep_scaling: Option<f32>,
}

impl SchedulerConfig {
    /// Reads a `scheduler_config.json`.
    pub fn open(path: &Path) -> Result<Self, DiffusionError> {
        read_json(path)
    }

    /// Training timesteps, at least one.
    #[must_use]
    pub fn train_steps(&self) -> usize {
        self.trained_betas.as_ref().map_or(self.num_train_timesteps.unwrap_or(1000), Vec::len).max(1)
    }

    /// The meaning of the network's output.
    #[must_use]
    pub fn prediction(&self) -> Prediction {
        self.prediction_type.unwrap_or_default()
    }

    fn betas(&self) -> Vec<f32> {
        if let Some(betas) = &self.trained_betas {
            return betas.clone();
        }
        let n = self.train_steps();
        let (start, end) = (self.beta_start.unwrap_or(1e-4), self.beta_end.unwrap_or(0.02));
        match self.beta_schedule.unwrap_or_default() {
            BetaSchedule::Linear => torch_linspace(start, end, n),
            BetaSchedule::ScaledLinear => torch_linspace(start.sqrt(), end.sqrt(), n).iter().map(|b| b * b).collect(),
            BetaSchedule::SquaredcosCapV2 => {
                let bar = |t: f64| ((t + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2).cos().powi(2);
                let at = |i: usize| bar(i as f64 / n as f64);
                (0..n).map(|i| (1.0 - at(i + 1) / at(i)).min(0.999) as f32).collect()
            }
        }
    }

    /// Cumulated alphas of every training timestep: the picture's share of the variance, from near 1 down to near 0.
    #[must_use]
    pub fn alphas_cumprod(&self) -> Vec<f32> {
        let mut betas = self.betas();
        if self.rescale_betas_zero_snr == Some(true) {
            zero_terminal_snr(&mut betas);
        }
        cumprod(betas.iter().map(|b| 1.0 - b))
    }

    /// The visited timesteps, noisiest first, before any rounding to whole ones.
    pub fn timesteps(&self, steps: usize, spacing: Spacing) -> Result<Vec<f64>, DiffusionError> {
        let train = self.train_steps();
        if steps == 0 || steps > train {
            return Err(DiffusionError::Setting(format!("{steps} steps cannot be taken; choose 1 to {train}")));
        }
        let (n, last) = (train as f64, (train - 1) as f64);
        Ok(match spacing {
            Spacing::Linspace => numpy_linspace(0.0, last, steps).into_iter().rev().collect(),
            Spacing::Leading => {
                let stride = train / steps;
                let offset = self.steps_offset.unwrap_or(0) as f64;
                (0..steps).rev().map(|i| (i * stride) as f64 + offset).collect()
            }
            Spacing::Trailing => {
                // numpy's `arange(n, 0, -stride)`, whose length may be one over where the division is inexact.
                let stride = n / steps as f64;
                let count = (n / stride).ceil() as usize;
                let delta = n - stride - n;
                (0..count).map(|i| (n + i as f64 * delta).round_ties_even() - 1.0).collect()
            }
        })
    }
}

/// `torch.linspace` in single precision: counted from the nearer end, with fused multiply-adds.
fn torch_linspace(start: f64, end: f64, n: usize) -> Vec<f32> {
    let (start, end) = (start as f32, end as f32);
    if n < 2 {
        return vec![start; n];
    }
    let step = (end - start) / (n - 1) as f32;
    (0..n).map(|i| if i < n / 2 { step.mul_add(i as f32, start) } else { (-step).mul_add((n - 1 - i) as f32, end) }).collect()
}

/// `numpy.linspace` with both ends.
pub(super) fn numpy_linspace(start: f64, end: f64, n: usize) -> Vec<f64> {
    if n < 2 {
        return vec![start; n];
    }
    let step = (end - start) / (n - 1) as f64;
    let mut out: Vec<f64> = (0..n).map(|i| i as f64 * step + start).collect();
    out[n - 1] = end;
    out
}

/// `torch.cumprod` of singles on a CPU, which carries a double.
fn cumprod(alphas: impl Iterator<Item = f32>) -> Vec<f32> {
    alphas
        .scan(1.0_f64, |product, alpha| {
            *product *= f64::from(alpha);
            Some(*product as f32)
        })
        .collect()
}

/// Shifts and scales the square roots of the cumulated alphas so that the last becomes 0 and the first stays (algorithm 1 of
/// arXiv 2305.08891).
fn zero_terminal_snr(betas: &mut [f32]) {
    let mut roots: Vec<f32> = cumprod(betas.iter().map(|b| 1.0 - b)).iter().map(|a| a.sqrt()).collect();
    let (Some(&first), Some(&last)) = (roots.first(), roots.last()) else { return };
    let scale = first / (first - last);
    for root in &mut roots {
        *root = (*root - last) * scale;
    }
    let mut before = 1.0;
    for (i, (beta, root)) in betas.iter_mut().zip(roots).enumerate() {
        let bar = root * root;
        *beta = 1.0 - if i == 0 { bar } else { bar / before };
        before = bar;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sd() -> SchedulerConfig {
        SchedulerConfig {
            beta_start: Some(0.00085),
            beta_end: Some(0.012),
            beta_schedule: Some(BetaSchedule::ScaledLinear),
            steps_offset: Some(1),
            ..SchedulerConfig::default()
        }
    }

    #[test]
    fn stable_diffusion_ends_at_its_known_alphas() {
        let alphas = sd().alphas_cumprod();
        assert!((alphas[0] - 0.999_15).abs() < 1e-6 && (alphas[999] - 0.004_660_1).abs() < 1e-6, "{} {}", alphas[0], alphas[999]);
    }

    #[test]
    fn spacings_visit_the_known_timesteps() {
        let of = |spacing| sd().timesteps(4, spacing).unwrap();
        assert_eq!(of(Spacing::Leading), [751.0, 501.0, 251.0, 1.0]);
        assert_eq!(of(Spacing::Trailing), [999.0, 749.0, 499.0, 249.0]);
        assert_eq!(of(Spacing::Linspace), [999.0, 666.0, 333.0, 0.0]);
        assert!(sd().timesteps(0, Spacing::Leading).is_err());
    }

    #[test]
    fn zero_terminal_snr_keeps_the_first_and_clears_the_last() {
        let plain = sd().alphas_cumprod();
        let zero = SchedulerConfig { rescale_betas_zero_snr: Some(true), ..sd() }.alphas_cumprod();
        assert!((plain[0] - zero[0]).abs() < 1e-6);
        assert!(zero[999].abs() < f32::EPSILON);
        assert!(zero.windows(2).all(|w| w[1] <= w[0]));
    }

    #[test]
    fn nulls_and_unknown_keys_of_a_config_are_no_errors() {
        let config: SchedulerConfig = serde_json::from_str(
            r#"{"_class_name": "PNDMScheduler", "trained_betas": null, "skip_prk_steps": true, "prediction_type": "v_prediction"}"#,
        )
        .unwrap();
        assert_eq!(config.prediction(), Prediction::VPrediction);
        assert_eq!(config.train_steps(), 1000);
    }
}
