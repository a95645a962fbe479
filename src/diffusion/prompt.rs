//! From a prompt to what the text encoder is given: pieces of at most 75 tokens, each token with a weight.
//!
//! A prompt is taken as it stands: one piece, cut after 75 tokens, all weights 1, as diffusers does. Emphasis such as
//! `(neon:0.5)` and prompts of several pieces change [`chunks`] alone; what follows already honours them.

use super::tokenizer::{CHUNK, Tokenizer};

/// One piece of a prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    /// At most 75 tokens, without the framing ones.
    pub tokens: Vec<u32>,
    /// How much each token counts; 1 is as the encoder has it.
    pub weights: Vec<f32>,
}

/// The pieces of `prompt`, at least one.
#[must_use]
pub fn chunks(tokenizer: &Tokenizer, prompt: &str) -> Vec<Chunk> {
    let mut tokens = tokenizer.tokens(prompt);
    if tokens.len() > CHUNK {
        tracing::warn!(tokens = tokens.len(), "the prompt is longer than {CHUNK} tokens; the rest of it is not read");
        tokens.truncate(CHUNK);
    }
    vec![Chunk { weights: vec![1.0; tokens.len()], tokens }]
}

impl Chunk {
    /// Scales the encoder's rows (one of `width` numbers a token, the framing ones included) by the weights, then all of them
    /// so that their mean stays what it was. Does nothing where all weights are 1.
    pub fn weigh(&self, rows: &mut [f32], width: usize) {
        if self.weights.iter().all(|w| (*w - 1.0).abs() < f32::EPSILON) {
            return;
        }
        let mean = |rows: &[f32]| rows.iter().map(|x| f64::from(*x)).sum::<f64>() / rows.len() as f64;
        let before = mean(rows);
        for (row, weight) in rows.chunks_exact_mut(width.max(1)).skip(1).zip(&self.weights) {
            for x in row.iter_mut() {
                *x *= weight;
            }
        }
        let scale = (before / mean(rows)) as f32;
        for x in rows.iter_mut() {
            *x *= scale;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_scale_their_rows_and_keep_the_mean() {
        let chunk = Chunk { tokens: vec![7, 8], weights: vec![2.0, 1.0] };
        let mut rows = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
        chunk.weigh(&mut rows, 2);
        assert_eq!(rows, [0.8, 0.8, 1.6, 1.6, 0.8, 0.8, 0.8, 0.8]);
        let plain = Chunk { tokens: vec![7], weights: vec![1.0] };
        plain.weigh(&mut rows, 2);
        assert_eq!(rows[2], 1.6);
    }
}
