//! Noise levels in the scale of k-diffusion, `sigma = sqrt((1 - alpha) / alpha)`, and schedules of them.

use super::DiffusionError;
use super::schedule::{FinalSigma, Interpolation, SchedulerConfig, Spacing, numpy_linspace};

/// The sigma of a cumulated alpha.
#[must_use]
pub fn sigma_of(alpha: f32) -> f32 {
    ((1.0 - alpha) / alpha).sqrt()
}

/// A run in the scale of sigmas.
#[derive(Debug, Clone, PartialEq)]
pub struct Sigmas {
    /// The sigmas visited, noisiest first, and the one that follows the last step.
    pub sigmas: Vec<f32>,
    /// What the network is told at each step; need not be whole.
    pub timesteps: Vec<f32>,
}

/// The sigmas of diffusers' Euler family for `steps` steps under `config`.
pub fn sigmas(config: &SchedulerConfig, steps: usize) -> Result<Sigmas, DiffusionError> {
    let mut alphas = config.alphas_cumprod();
    if config.rescale_betas_zero_snr == Some(true)
        && let Some(last) = alphas.last_mut()
    {
        // Not quite 0, so that the first sigma is finite: the least half-precision number.
        *last = 2.0_f32.powi(-24);
    }
    let table: Vec<f32> = alphas.iter().map(|a| sigma_of(*a)).collect();
    let mut timesteps = config.timesteps(steps, config.timestep_spacing.unwrap_or(Spacing::Linspace))?;
    for t in &mut timesteps {
        *t = f64::from(*t as f32);
    }
    let mut sigmas: Vec<f64> = match config.interpolation_type.unwrap_or_default() {
        Interpolation::Linear => timesteps.iter().map(|t| interpolate(&table, *t)).collect(),
        Interpolation::LogLinear => log_linear(&table, steps),
    };
    if let Some(shaped) = shape(config, &sigmas, steps) {
        let logs: Vec<f32> = table.iter().map(|s| s.ln()).collect();
        timesteps = shaped.iter().map(|s| timestep_of(*s, &logs)).collect();
        sigmas = shaped;
    }
    let last = match config.final_sigmas_type.unwrap_or_default() {
        FinalSigma::Zero => 0.0,
        FinalSigma::SigmaMin => f64::from(table.first().copied().unwrap_or(0.0)),
    };
    sigmas.push(last);
    let single = |v: Vec<f64>| v.into_iter().map(|x| x as f32).collect();
    Ok(Sigmas { sigmas: single(sigmas), timesteps: single(timesteps) })
}

/// The table's value at a fractional index, clamped to the ends.
fn interpolate(table: &[f32], at: f64) -> f64 {
    let last = table.len() - 1;
    let at = at.clamp(0.0, last as f64);
    let low = (at as usize).min(last);
    let (a, b) = (f64::from(table[low]), f64::from(table[(low + 1).min(last)]));
    (b - a) * (at - low as f64) + a
}

fn log_linear(table: &[f32], steps: usize) -> Vec<f64> {
    let ends = (table.last().copied().unwrap_or(1.0).ln(), table.first().copied().unwrap_or(1.0).ln());
    numpy_linspace(f64::from(ends.0), f64::from(ends.1), steps + 1).into_iter().map(f64::exp).collect()
}

/// The re-spaced sigmas, if the configuration asks for any.
fn shape(config: &SchedulerConfig, sigmas: &[f64], steps: usize) -> Option<Vec<f64>> {
    let max = config.sigma_max.or(sigmas.first().copied())?;
    let min = config.sigma_min.or(sigmas.last().copied())?;
    if config.use_karras_sigmas == Some(true) {
        Some(karras(min, max, steps))
    } else if config.use_exponential_sigmas == Some(true) {
        Some(exponential(min, max, steps))
    } else if config.use_beta_sigmas == Some(true) {
        Some(beta(min, max, steps))
    } else {
        None
    }
}

/// The schedule of Karras et al. (arXiv 2206.00364, equation 5) with ρ = 7.
#[must_use]
pub fn karras(min: f64, max: f64, steps: usize) -> Vec<f64> {
    const RHO: f64 = 7.0;
    let (low, high) = (min.powf(1.0 / RHO), max.powf(1.0 / RHO));
    numpy_linspace(0.0, 1.0, steps).iter().map(|r| (high + r * (low - high)).powf(RHO)).collect()
}

/// Even in the logarithm.
#[must_use]
pub fn exponential(min: f64, max: f64, steps: usize) -> Vec<f64> {
    numpy_linspace(max.ln(), min.ln(), steps).into_iter().map(f64::exp).collect()
}

/// Quantiles of a beta(0.6, 0.6) distribution (arXiv 2407.12173).
#[must_use]
pub fn beta(min: f64, max: f64, steps: usize) -> Vec<f64> {
    numpy_linspace(0.0, 1.0, steps).iter().map(|r| min + beta_quantile(1.0 - r, 0.6) * (max - min)).collect()
}

/// The training timestep, fractional, at which the noise is `sigma`: straight between neighbours in the logarithm.
fn timestep_of(sigma: f64, logs: &[f32]) -> f64 {
    let log = sigma.max(1e-10).ln();
    let above = logs.partition_point(|l| f64::from(*l) <= log);
    let low = above.saturating_sub(1).min(logs.len().saturating_sub(2));
    let (a, b) = (f64::from(logs[low]), f64::from(logs[(low + 1).min(logs.len() - 1)]));
    let w = ((a - log) / (a - b)).clamp(0.0, 1.0);
    (1.0 - w) * low as f64 + w * (low + 1) as f64
}

/// The quantile at `p` of the symmetric beta(a, a) distribution, to double precision by bisection.
fn beta_quantile(p: f64, a: f64) -> f64 {
    if p <= 0.0 || p >= 1.0 {
        return p.clamp(0.0, 1.0);
    }
    let whole = 2.0 * beta_half(0.5, a);
    let mut bounds = (0.0_f64, 1.0_f64);
    for _ in 0..80 {
        let middle = f64::midpoint(bounds.0, bounds.1);
        let share = if middle <= 0.5 { beta_half(middle, a) / whole } else { 1.0 - beta_half(1.0 - middle, a) / whole };
        if share < p {
            bounds.0 = middle;
        } else {
            bounds.1 = middle;
        }
    }
    f64::midpoint(bounds.0, bounds.1)
}

/// The unnormalised incomplete beta integral of t^(a-1) (1-t)^(a-1) from 0 to `x` ≤ 1/2, by its power series.
fn beta_half(x: f64, a: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0 / a);
    for n in 1..200 {
        let k = f64::from(n);
        term *= (k - a) / k * x;
        sum += term / (a + k);
    }
    sum * x.powf(a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beta_quantiles_are_symmetric_and_known_for_the_uniform_case() {
        for i in 0..=10 {
            let p = f64::from(i) / 10.0;
            assert!((beta_quantile(p, 1.0) - p).abs() < 1e-12);
            assert!((beta_quantile(p, 0.6) + beta_quantile(1.0 - p, 0.6) - 1.0).abs() < 1e-9);
        }
        // The arcsine distribution has a closed form: sin²(π p / 2).
        let arcsine = (std::f64::consts::FRAC_PI_2 * 0.3).sin().powi(2);
        assert!((beta_quantile(0.3, 0.5) - arcsine).abs() < 1e-12);
    }

    #[test]
    fn shaped_schedules_keep_their_ends() {
        for schedule in [karras, exponential, beta] {
            let s = schedule(0.03, 14.6, 12);
            assert!((s[0] - 14.6).abs() < 1e-9 && (s[11] - 0.03).abs() < 1e-9, "{s:?}");
            assert!(s.windows(2).all(|w| w[1] < w[0]));
        }
    }
}
