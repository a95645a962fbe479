//! What a model was trained on: betas, cumulated alphas, and which of the training timesteps a run of few steps visits.
//!
//! Names, defaults and rounding are those of diffusers' schedulers, whose `scheduler_config.json` is read.

use std::path::Path;

use serde::Deserialize;

use super::DiffusionError;
use super::folder::{malformed, read_text};

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

impl Prediction {
    /// The name that configurations use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Epsilon => "epsilon",
            Self::VPrediction => "v_prediction",
            Self::Sample => "sample",
        }
    }
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
    /// A falling exponential of the time, capped.
    Exp,
    /// After a Laplace distribution of the signal-to-noise ratio, capped.
    Laplace,
    /// A logistic curve between the ends.
    Sigmoid,
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
    /// Sigmas even in the logarithm over the whole table, as DPM-Solver++ has them (arXiv 2206.00927).
    pub use_lu_lambdas: Option<bool>,
    /// Sigmas of flow matching, which Stable Diffusion does not use.
    pub use_flow_sigmas: Option<bool>,
    /// Timesteps as the network wants them: `continuous` is a quarter of the logarithm of sigma.
    pub timestep_type: Option<String>,
    /// Order of multistep and singlestep solvers; 2.
    pub solver_order: Option<usize>,
    /// Variant of DPM-Solver: `dpmsolver++`, `dpmsolver`, `sde-dpmsolver++`, `sde-dpmsolver`.
    pub algorithm_type: Option<String>,
    /// Variant of a solver's second order: `midpoint` or `heun`, `bh1` or `bh2`.
    pub solver_type: Option<String>,
    /// Whether a solver's last steps are of lower order.
    pub lower_order_final: Option<bool>,
    /// Whether a solver's last step is Euler's.
    pub euler_at_final: Option<bool>,
    /// The least λ that DPM-Solver starts from.
    pub lambda_min_clipped: Option<f64>,
    /// Whether `UniPC` extrapolates the picture (or the noise); true.
    pub predict_x0: Option<bool>,
    /// Steps that `UniPC` does not correct.
    pub disable_corrector: Option<Vec<usize>>,
    /// Whether PNDM begins without Runge–Kutta steps; false.
    pub skip_prk_steps: Option<bool>,
    /// DDPM's fresh noise: `fixed_small`, `fixed_large`…
    pub variance_type: Option<String>,
    /// Steps of the schedule that an LCM was distilled on; 50.
    pub original_inference_steps: Option<usize>,
    /// Multiplies the timestep in an LCM's boundary condition; 10.
    pub timestep_scaling: Option<f32>,
}

impl SchedulerConfig {
    /// Reads a `scheduler_config.json`.
    pub fn open(path: &Path) -> Result<Self, DiffusionError> {
        Self::parse(&read_text(path)?).map_err(|error| malformed(path, error.to_string()))
    }

    /// Reads the text of a `scheduler_config.json`. Python writes infinite numbers, which JSON has not: they count as absent.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let mut text = text.to_owned();
        for word in ["-Infinity", "Infinity", "NaN"] {
            text = text.replace(&format!(": {word}"), ": null").replace(&format!(":{word}"), ":null");
        }
        serde_json::from_str(&text)
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

    /// The visited timesteps, noisiest first, before any rounding to whole ones.
    pub fn timesteps(&self, steps: usize, spacing: Spacing) -> Result<Vec<f64>, DiffusionError> {
        spaced(spacing, steps, self.train_steps(), self.steps_offset.unwrap_or(0))
    }
}

/// Timesteps of a spacing, noisiest first, out of `train`; `offset` is added to those of leading spacing.
pub(super) fn spaced(spacing: Spacing, steps: usize, train: usize, offset: i64) -> Result<Vec<f64>, DiffusionError> {
    if steps == 0 || steps > train {
        return Err(DiffusionError::Setting(format!("{steps} steps cannot be taken; choose 1 to {train}")));
    }
    let (n, last) = (train as f64, (train - 1) as f64);
    Ok(match spacing {
        Spacing::Linspace => numpy_linspace(0.0, last, steps).into_iter().rev().collect(),
        Spacing::Leading => {
            let stride = train / steps;
            (0..steps).rev().map(|i| (i * stride) as f64 + offset as f64).collect()
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
