//! The noise of the training: betas, and what they cumulate to.

use super::schedule::{BetaSchedule, SchedulerConfig};

impl SchedulerConfig {
    fn betas(&self) -> Vec<f32> {
        if let Some(betas) = &self.trained_betas {
            return betas.clone();
        }
        let n = self.train_steps();
        let (start, end) = (self.beta_start.unwrap_or(1e-4), self.beta_end.unwrap_or(0.02));
        match self.beta_schedule.unwrap_or_default() {
            BetaSchedule::Linear => torch_linspace(start, end, n),
            BetaSchedule::ScaledLinear => torch_linspace(start.sqrt(), end.sqrt(), n).iter().map(|b| b * b).collect(),
            BetaSchedule::SquaredcosCapV2 => capped(n, |t| ((t + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2).cos().powi(2)),
            BetaSchedule::Exp => capped(n, |t| (-12.0 * t).exp()),
            BetaSchedule::Laplace => capped(n, |t| {
                let half = 0.5 - t;
                let lambda = -0.5 * 1.0_f64.copysign(half) * (1.0 - 2.0 * half.abs() + 1e-6).ln();
                let snr = lambda.exp();
                (snr / (1.0 + snr)).sqrt()
            }),
            BetaSchedule::Sigmoid => {
                let between = |x: f32| (end - start) as f32 / (1.0 + (-x).exp()) + start as f32;
                torch_linspace(-6.0, 6.0, n).into_iter().map(between).collect()
            }
        }
    }

    /// Cumulated alphas of every training timestep: the picture's share of the variance, from near 1 down to near 0. Rounded to
    /// single precision at every stage, as in diffusers.
    #[must_use]
    pub fn alphas_cumprod(&self) -> Vec<f32> {
        let mut betas = self.betas();
        if self.rescale_betas_zero_snr == Some(true) {
            zero_terminal_snr(&mut betas);
        }
        cumprod(betas.iter().map(|b| 1.0 - b))
    }

    /// The same as A1111 has them: Stable Diffusion's where nothing is said, and in double precision up to the last rounding.
    #[must_use]
    pub fn alphas_of_a1111(&self) -> Vec<f32> {
        let n = self.train_steps();
        let ends = (self.beta_start.unwrap_or(0.00085), self.beta_end.unwrap_or(0.012));
        let usual = matches!(self.beta_schedule, None | Some(BetaSchedule::ScaledLinear | BetaSchedule::Linear));
        if self.trained_betas.is_some() || !usual {
            return self.alphas_cumprod();
        }
        let linear = self.beta_schedule == Some(BetaSchedule::Linear);
        let beta = |i: usize| {
            let along = |a: f64, b: f64| a + (b - a) * i as f64 / (n.max(2) - 1) as f64;
            if linear { along(ends.0, ends.1) } else { along(ends.0.sqrt(), ends.1.sqrt()).powi(2) }
        };
        let cumulated = (0..n).scan(1.0, |product, i| {
            *product *= 1.0 - beta(i);
            Some(*product as f32)
        });
        let mut alphas: Vec<f32> = cumulated.collect();
        if self.rescale_betas_zero_snr == Some(true) {
            let (first, last) = (alphas[0].sqrt(), alphas[n - 1].sqrt());
            for alpha in &mut alphas {
                *alpha = ((alpha.sqrt() - last) * (first / (first - last))).powi(2);
            }
            // Not quite 0, so that the first sigma is finite.
            alphas[n - 1] = A1111_LAST;
        }
        alphas
    }
}

/// The last cumulated alpha of zero terminal SNR models in A1111.
const A1111_LAST: f32 = 4.897_345_2e-8;

/// Betas of a curve of cumulated alphas.
fn capped(n: usize, bar: impl Fn(f64) -> f64) -> Vec<f32> {
    let at = |i: usize| bar(i as f64 / n as f64);
    (0..n).map(|i| (1.0 - at(i + 1) / at(i)).min(0.999) as f32).collect()
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
