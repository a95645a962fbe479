//! Noise levels, and the table of those that a model was trained on.

use super::latent::mix;

/// One noise level: latents there are `alpha * picture + sigma * noise`.
///
/// Samplers work in either of two scales, and only their levels tell which: that of the training, where
/// `alpha² + sigma² = 1`, and k-diffusion's, where `alpha` is 1 and `sigma` grows to 14.6.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// What the network is told: 0 to 999, not always whole.
    pub timestep: f64,
    /// The picture's share.
    pub alpha: f64,
    /// The noise's share.
    pub sigma: f64,
}

impl Level {
    /// k-diffusion's scale.
    #[must_use]
    pub fn exploding(timestep: f64, sigma: f64) -> Self {
        Self { timestep, alpha: 1.0, sigma }
    }

    /// The scale of the training, from k-diffusion's `sigma`.
    #[must_use]
    pub fn preserving(timestep: f64, sigma: f64) -> Self {
        let alpha = 1.0 / (sigma * sigma + 1.0).sqrt();
        Self { timestep, alpha, sigma: sigma * alpha }
    }

    /// The scale of the training, from the cumulated alpha.
    #[must_use]
    pub fn of_alpha(timestep: f64, cumulated: f64) -> Self {
        Self { timestep, alpha: cumulated.sqrt(), sigma: (1.0 - cumulated).sqrt() }
    }

    /// Noise in units of the picture: k-diffusion's sigma, whatever the scale.
    #[must_use]
    pub fn ratio(self) -> f64 {
        self.sigma / self.alpha
    }

    /// Half the logarithm of the signal-to-noise ratio: the λ of the DPM-Solver papers; infinite where there is no noise.
    #[must_use]
    pub fn lambda(self) -> f64 {
        self.alpha.ln() - self.sigma.ln()
    }

    /// The standard deviation of latents here, which the network wants to be 1.
    #[must_use]
    pub fn deviation(self) -> f64 {
        self.alpha.hypot(self.sigma)
    }

    /// Brings a clean picture to this level.
    pub fn add_noise(self, picture: &mut [f32], noise: &[f32]) {
        mix(picture, self.alpha, &[(self.sigma, noise)]);
    }
}

/// The noise levels of the training, one for each timestep.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    alphas: Vec<f64>,
    sigmas: Vec<f64>,
    logs: Vec<f64>,
}

impl Table {
    /// From cumulated alphas, picture first. Sigmas and their logarithms are rounded as PyTorch and `NumPy` round them.
    #[must_use]
    pub fn new(cumulated: &[f32]) -> Self {
        let sigmas: Vec<f32> = cumulated.iter().map(|a| ((1.0 - a) / a).sqrt()).collect();
        Self {
            alphas: cumulated.iter().map(|a| f64::from(*a)).collect(),
            logs: sigmas.iter().map(|s| f64::from(s.ln())).collect(),
            sigmas: sigmas.into_iter().map(f64::from).collect(),
        }
    }

    /// How many timesteps there are; at least one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.alphas.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.alphas.is_empty()
    }

    /// The cumulated alpha of a timestep; past the ends, that of the end.
    #[must_use]
    pub fn alpha(&self, timestep: f64) -> f64 {
        let last = self.alphas.len().saturating_sub(1);
        self.alphas.get((timestep.max(0.0) as usize).min(last)).copied().unwrap_or(1.0)
    }

    /// The sigmas, least first.
    #[must_use]
    pub fn sigmas(&self) -> &[f64] {
        &self.sigmas
    }

    /// The least sigma.
    #[must_use]
    pub fn min(&self) -> f64 {
        self.sigmas.first().copied().unwrap_or(0.0)
    }

    /// The greatest sigma.
    #[must_use]
    pub fn max(&self) -> f64 {
        self.sigmas.last().copied().unwrap_or(1.0)
    }

    /// The sigma of a timestep between training timesteps, straight between neighbours, as in diffusers.
    #[must_use]
    pub fn sigma(&self, timestep: f64) -> f64 {
        between(&self.sigmas, timestep)
    }

    /// The same, straight between the logarithms, as in k-diffusion.
    #[must_use]
    pub fn sigma_by_log(&self, timestep: f64) -> f64 {
        between(&self.logs, timestep).exp()
    }

    /// The timestep at which the noise is `sigma`, straight between the logarithms of neighbours.
    #[must_use]
    pub fn timestep(&self, sigma: f64) -> f64 {
        let log = sigma.max(1e-10).ln();
        let above = self.logs.partition_point(|l| *l <= log);
        let low = above.saturating_sub(1).min(self.logs.len().saturating_sub(2));
        let (a, b) = (self.logs[low], self.logs[(low + 1).min(self.logs.len() - 1)]);
        let w = ((a - log) / f64::from((a - b) as f32)).clamp(0.0, 1.0);
        (1.0 - w) * low as f64 + w * (low + 1) as f64
    }

    /// k-diffusion's level of a sigma.
    #[must_use]
    pub fn exploding(&self, sigma: f64) -> Level {
        Level::exploding(if sigma > 0.0 { self.timestep(sigma) } else { 0.0 }, sigma)
    }
}

/// The table's value at a fractional index, clamped to the ends.
fn between(table: &[f64], at: f64) -> f64 {
    let last = table.len().saturating_sub(1);
    let at = at.clamp(0.0, last as f64);
    let low = (at as usize).min(last);
    let (a, b) = (table[low], table[(low + 1).min(last)]);
    (b - a) * (at - low as f64) + a
}
