//! Weights put on what the text encoder made.

use super::{Chunk, Emphasis};

/// One text's chunk and its encoded rows: [`CONTEXT`](crate::diffusion::CONTEXT) of equal width.
pub struct Encoded<'a> {
    /// The chunk.
    pub chunk: &'a Chunk,
    /// Its rows.
    pub rows: &'a mut [f32],
}

/// Scales the rows of `texts` by their weights; with [`Emphasis::Original`] then all of them by one number, so that their mean stays
/// what it was.
///
/// The mean is over all texts given: A1111 puts the stages of a prompt that changes from step to step through the encoder together.
pub fn weigh(texts: &mut [Encoded<'_>], emphasis: Emphasis) {
    if texts.iter().all(|text| text.chunk.is_plain()) {
        return;
    }
    let before = sum(texts);
    for text in texts.iter_mut() {
        let width = (text.rows.len() / text.chunk.weights.len().max(1)).max(1);
        for (row, weight) in text.rows.chunks_exact_mut(width).zip(&text.chunk.weights) {
            for x in row {
                *x *= weight;
            }
        }
    }
    if emphasis != Emphasis::Original {
        return;
    }
    let scale = (before / sum(texts)) as f32;
    if scale.is_finite() {
        for x in texts.iter_mut().flat_map(|text| text.rows.iter_mut()) {
            *x *= scale;
        }
    }
}

/// The sum of all rows: the ratio of two is that of the means.
fn sum(texts: &[Encoded<'_>]) -> f64 {
    texts.iter().flat_map(|text| text.rows.iter()).map(|x| f64::from(*x)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_scale_their_rows_and_keep_the_mean() {
        let chunk = Chunk { ids: vec![1, 7, 8, 2], tokens: 2, weights: vec![1.0, 2.0, 1.0, 1.0] };
        let weighed = |emphasis| {
            let mut rows = [1.0; 8];
            weigh(&mut [Encoded { chunk: &chunk, rows: &mut rows }], emphasis);
            rows
        };
        assert_eq!(weighed(Emphasis::Original), [0.8, 0.8, 1.6, 1.6, 0.8, 0.8, 0.8, 0.8]);
        assert_eq!(weighed(Emphasis::NoNorm), [1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 1.0, 1.0]);
    }
}
