use crate::diffusion::latent::apply;
use crate::diffusion::schedule::SchedulerConfig;

/// How predicted pictures are kept in bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// Not at all.
    None,
    /// Cut off at ± this.
    Clip(f32),
    /// Squeezed by the percentile `.0` of the absolute values, between 1 and `.1` (arXiv 2205.11487).
    Threshold(f32, f32),
}

impl Limit {
    /// As configured; `clips` is the sampler's default.
    pub fn of(config: &SchedulerConfig, clips: bool) -> Self {
        match Self::threshold(config) {
            Self::None if config.clip_sample.unwrap_or(clips) => Self::Clip(config.clip_sample_range.unwrap_or(1.0)),
            limit => limit,
        }
    }

    /// The squeeze, if the configuration has any.
    pub fn threshold(config: &SchedulerConfig) -> Self {
        if config.thresholding == Some(true) {
            Self::Threshold(config.dynamic_thresholding_ratio.unwrap_or(0.995), config.sample_max_value.unwrap_or(1.0))
        } else {
            Self::None
        }
    }

    /// `pictures` in bounds, each of the `batch` for itself.
    pub fn applied(self, mut pictures: Vec<f32>, batch: usize) -> Vec<f32> {
        match self {
            Self::None => {}
            Self::Clip(range) => apply(&mut pictures, |x| x.clamp(-range, range)),
            Self::Threshold(ratio, max) => {
                let each = (pictures.len() / batch.max(1)).max(1);
                for picture in pictures.chunks_mut(each) {
                    let s = quantile_of_magnitude(picture, ratio).max(1.0).min(max);
                    apply(picture, |x| x.clamp(-s, s) / s);
                }
            }
        }
        pictures
    }
}

fn quantile_of_magnitude(values: &[f32], q: f32) -> f32 {
    let mut sorted: Vec<f32> = values.iter().map(|x| x.abs()).collect();
    sorted.sort_by(f32::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let at = q.clamp(0.0, 1.0) * last as f32;
    let low = at as usize;
    let (a, b) = (sorted[low], sorted[(low + 1).min(last)]);
    a + (b - a) * (at - low as f32)
}
