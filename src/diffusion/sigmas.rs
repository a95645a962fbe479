//! Noise levels in the scale of k-diffusion, `sigma = sqrt((1 - alpha) / alpha)`, and schedules of them.

use super::DiffusionError;
use super::level::Table;
use super::schedule::{Spacing, numpy_linspace, spaced};

/// How a run's noise levels are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// Even in the training's timesteps, both ends included: A1111's "Uniform".
    Uniform,
    /// After Karras et al. with ρ = 7: more steps at the quiet end.
    Karras,
    /// Even in the logarithm of sigma.
    Exponential,
    /// A power of the logarithm; with the usual power of 1 the same as `exponential`.
    Polyexponential,
    /// Even in the timesteps, from the noisiest, the last left out: for Turbo and Lightning models.
    SgmUniform,
    /// Even in the timesteps, both ends included: `ComfyUI`'s "normal".
    Normal,
    /// Every n-th entry of the training's table: `ComfyUI`'s "simple".
    Simple,
    /// Every n-th entry from the quiet end: `ComfyUI`'s "`ddim_uniform`".
    Ddim,
    /// Quantiles of a beta(0.6, 0.6) distribution: more steps at both ends.
    Beta,
    /// Optimal in a Kullback–Leibler sense: even in the angle.
    KlOptimal,
    /// Align Your Steps: levels found by optimisation, for few steps.
    AlignYourSteps,
    /// diffusers' spacing of the timesteps downwards from the noisiest.
    Trailing,
    /// diffusers' spacing by whole strides from the quiet end.
    Leading,
    /// diffusers' even spacing.
    Linspace,
}

impl Schedule {
    /// All of them, with the names that graphs use.
    pub const ALL: [(&'static str, Self); 14] = [
        ("uniform", Self::Uniform),
        ("karras", Self::Karras),
        ("exponential", Self::Exponential),
        ("polyexponential", Self::Polyexponential),
        ("sgm_uniform", Self::SgmUniform),
        ("normal", Self::Normal),
        ("simple", Self::Simple),
        ("ddim", Self::Ddim),
        ("beta", Self::Beta),
        ("kl_optimal", Self::KlOptimal),
        ("align_your_steps", Self::AlignYourSteps),
        ("trailing", Self::Trailing),
        ("leading", Self::Leading),
        ("linspace", Self::Linspace),
    ];

    /// The schedule of a name, in whatever way it is written: `SGM Uniform`, `sgm_uniform`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let plain = plain(name);
        let plain = match plain.as_str() {
            "ddimuniform" => "ddim",
            "kl" => "kloptimal",
            "ays" => "alignyoursteps",
            other => other,
        };
        Self::ALL.iter().find(|(known, _)| self::plain(known) == plain).map(|(_, schedule)| *schedule)
    }

    /// The sigmas of `steps` steps for a model with that table, noisiest first, and what follows the last.
    ///
    /// `xl` chooses between the two tables of Align Your Steps.
    ///
    /// # Errors
    /// When so many steps cannot be taken.
    pub fn sigmas(self, steps: usize, table: &Table, xl: bool) -> Result<Vec<f64>, DiffusionError> {
        if steps == 0 || steps > table.len() {
            return Err(DiffusionError::Setting(format!("{steps} steps cannot be taken; choose 1 to {}", table.len())));
        }
        let (min, max, last) = (table.min(), table.max(), (table.len() - 1) as f64);
        let of = |timesteps: Vec<f64>| timesteps.into_iter().map(|t| table.sigma_by_log(t)).collect::<Vec<_>>();
        let spacing = |spacing| spaced(spacing, steps, table.len(), 1).map(of);
        let mut sigmas = match self {
            Self::Uniform | Self::Normal => of(numpy_linspace(last, 0.0, steps)),
            Self::Karras => karras(min, max, steps),
            Self::Exponential | Self::Polyexponential => exponential(min, max, steps),
            Self::SgmUniform => of(numpy_linspace(last, 0.0, steps + 1)[..steps].to_vec()),
            Self::Simple => simple(table, steps),
            Self::Ddim => every_nth(table, steps),
            Self::Beta => beta(min, max, steps),
            // Ends at the least sigma, without a step to 0.
            Self::KlOptimal => return Ok(kl_optimal(min, max, steps)),
            Self::AlignYourSteps => align_your_steps(steps, xl),
            Self::Trailing => spacing(Spacing::Trailing)?,
            Self::Leading => spacing(Spacing::Leading)?,
            Self::Linspace => spacing(Spacing::Linspace)?,
        };
        sigmas.push(0.0);
        Ok(sigmas)
    }
}

/// A name without its spaces, hyphens, underscores and capitals; `+` is written `p`.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(|c| !" _-".contains(*c)).map(|c| if c == '+' { 'p' } else { c.to_ascii_lowercase() }).collect()
}

fn simple(table: &Table, steps: usize) -> Vec<f64> {
    let n = table.len();
    let stride = n as f64 / steps as f64;
    (0..steps).map(|i| table.sigmas()[n - 1 - (i as f64 * stride) as usize]).collect()
}

fn every_nth(table: &Table, steps: usize) -> Vec<f64> {
    let stride = (table.len() / steps).max(1);
    let mut sigmas: Vec<f64> = table.sigmas().iter().skip(1).step_by(stride).copied().collect();
    sigmas.reverse();
    sigmas
}

fn kl_optimal(min: f64, max: f64, steps: usize) -> Vec<f64> {
    let (low, high) = (min.atan(), max.atan());
    (0..=steps).map(|i| i as f64 / steps as f64).map(|t| (t * low + (1.0 - t) * high).tan()).collect()
}

/// The levels of arXiv 2404.14507 for ten steps, and the end.
const STEPS_OF_SD: [f64; 11] = [14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029];
const STEPS_OF_SDXL: [f64; 11] = [14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029];

/// Those levels, straight between their logarithms for other numbers of steps.
fn align_your_steps(steps: usize, xl: bool) -> Vec<f64> {
    let levels = if xl { STEPS_OF_SDXL } else { STEPS_OF_SD };
    let along = |at: f64| {
        let low = (at as usize).min(9);
        let (a, b) = (levels[low].ln(), levels[low + 1].ln());
        (a + (b - a) * (at - low as f64)).exp()
    };
    // From the quiet end, which is the one that remains of a single step.
    numpy_linspace(10.0, 0.0, steps.max(2)).into_iter().take(steps).map(along).rev().collect()
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
