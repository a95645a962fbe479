//! Classifier-free guidance: away from the negative prompt, towards the prompt.

use super::latent::combine;

/// `negative + scale * (positive - negative)`, written over `negative`.
///
/// With `rescale` above 0 the result's standard deviation is drawn so far towards that of `positive`, each picture for itself
/// (section 3.4 of arXiv 2305.08891): it keeps zero terminal SNR models from overexposing.
pub fn guide(negative: &mut [f32], positive: &[f32], scale: f32, rescale: f32, batch: usize) {
    combine(negative, positive, |n, p| n + scale * (p - n));
    if rescale <= 0.0 {
        return;
    }
    let each = (negative.len() / batch.max(1)).max(1);
    for (guided, positive) in negative.chunks_mut(each).zip(positive.chunks(each)) {
        let ratio = deviation(positive) / deviation(guided);
        for x in guided.iter_mut() {
            *x = rescale * (*x * ratio) + (1.0 - rescale) * *x;
        }
    }
}

/// What prompts that pull at the same time amount to: `negative + sum of weight * (prompt - negative)`, without `negative` the sum of
/// `weight * prompt`. `prompts` has `batch` pictures of the first prompt, then as many of the second; `weights` one number for each.
/// (Composable diffusion, arXiv 2206.01714, in A1111's form.)
#[must_use]
pub fn compose(negative: Option<&[f32]>, prompts: &[f32], weights: &[f32], batch: usize) -> Vec<f32> {
    let one = prompts.len() / weights.len().max(1);
    let mut out = negative.map_or_else(|| vec![0.0; one * batch], <[f32]>::to_vec);
    for (index, (prompt, weight)) in prompts.chunks_exact(one.max(1)).zip(weights).enumerate() {
        let place = index % batch.max(1) * one..(index % batch.max(1) + 1) * one;
        match negative {
            Some(negative) => {
                for (out, (p, n)) in out[place.clone()].iter_mut().zip(prompt.iter().zip(&negative[place])) {
                    *out += weight * (p - n);
                }
            }
            None => combine(&mut out[place], prompt, |out, p| out + weight * p),
        }
    }
    out
}

/// The standard deviation of a sample.
fn deviation(values: &[f32]) -> f32 {
    let n = values.len().max(2) as f64;
    let mean = values.iter().map(|x| f64::from(*x)).sum::<f64>() / n;
    let variance = values.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / (n - 1.0);
    variance.sqrt() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scale_one_is_the_prompt_alone() {
        let mut out = [1.0, 5.0];
        guide(&mut out, &[2.0, -3.0], 1.0, 0.0, 1);
        assert_eq!(out, [2.0, -3.0]);
    }

    #[test]
    fn prompts_pull_by_their_weights() {
        // Two pictures of one number, two prompts.
        let out = compose(Some(&[1.0, 10.0]), &[2.0, 20.0, 5.0, 50.0], &[1.0, 0.5, 0.5, 0.0], 2);
        assert_eq!(out, [1.0 + 1.0 + 2.0, 10.0 + 5.0]);
        assert_eq!(compose(None, &[2.0, 4.0], &[0.25, 0.75], 1), [3.5]);
    }

    #[test]
    fn full_rescale_gives_the_deviation_of_the_prompt() {
        let mut out = [0.0, 1.0, -2.0, 0.5];
        let positive = [1.0, -1.0, 2.0, 0.0];
        guide(&mut out, &positive, 7.5, 1.0, 1);
        assert!((deviation(&out) - deviation(&positive)).abs() < 1e-5);
    }
}
