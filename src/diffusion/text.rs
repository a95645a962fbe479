//! Prompts to embeddings, each computed once.

use std::sync::{Arc, Mutex, PoisonError};

use super::DiffusionError;
use super::clip::{Clip, Layer};
use super::folder::ModelFolder;
use super::prompt::{Emphasis, Encoded, Reading, chunks, weigh};
use super::tokenizer::CONTEXT;
use crate::model::SessionOptions;

/// Embeddings kept: enough for the prompts of a keyframed film, a few megabytes.
const KEPT: usize = 64;

/// What the denoising network reads of a prompt.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Embedding {
    /// Rows: 77 for each piece of the prompt.
    pub tokens: usize,
    /// Numbers in a row.
    pub width: usize,
    /// The rows.
    pub data: Vec<f32>,
    /// The text as a whole, which SDXL reads besides; of its first piece. Empty for other models.
    pub pooled: Vec<f32>,
}

impl Embedding {
    /// A straight line from this one to `other`: `mix` 0 is this, 1 the other. Rows that only one of them has are repeated in the
    /// other from its last piece.
    #[must_use]
    pub fn mixed(&self, other: &Self, mix: f32) -> Self {
        let piece = CONTEXT * self.width;
        let at = |of: &Self, i: usize| if i < of.data.len() { of.data[i] } else { of.data[of.data.len() - piece + i % piece] };
        let tokens = self.tokens.max(other.tokens);
        let data = (0..tokens * self.width).map(|i| at(self, i) * (1.0 - mix) + at(other, i) * mix).collect();
        let pooled = self.pooled.iter().zip(&other.pooled).map(|(a, b)| a * (1.0 - mix) + b * mix).collect();
        Self { tokens, width: self.width, data, pooled }
    }

    /// An embedding like this one of nothing but zeros: how SDXL reads a negative prompt that was not given.
    #[must_use]
    pub fn zeroed(&self) -> Self {
        Self { data: vec![0.0; self.data.len()], pooled: vec![0.0; self.pooled.len()], ..*self }
    }

    /// Puts the rows of another encoder to the right of these.
    fn widen(&mut self, rows: &[f32], width: usize) {
        if self.width == 0 {
            (self.data, self.width) = (rows.to_vec(), width);
            return;
        }
        let both = self.data.chunks_exact(self.width).zip(rows.chunks_exact(width));
        self.data = both.flat_map(|(a, b)| a.iter().chain(b)).copied().collect();
        self.width += width;
    }
}

/// The text encoders of a model with their tokenizers: one, or for SDXL two whose rows are put side by side.
pub struct TextEncoder {
    encoders: Vec<Clip>,
    /// Whether a negative prompt that is not given is nothing at all rather than an empty text.
    zeros: bool,
    kept: Mutex<Vec<(String, Arc<Embedding>)>>,
}

impl TextEncoder {
    /// Loads `text_encoder/` and `tokenizer/`, and for SDXL `text_encoder_2/` and `tokenizer_2/`.
    pub fn open(folder: &ModelFolder, options: &SessionOptions) -> Result<Self, DiffusionError> {
        let both = [("text_encoder", "tokenizer"), ("text_encoder_2", "tokenizer_2")];
        let second = folder.has(both[1].0);
        let layer = if second { Layer::Penultimate } else { Layer::Last };
        // SDXL's refiner has the second alone; a folder with neither fails at the first, by name.
        let there = both.into_iter().filter(|(part, _)| folder.has(part) || (!second && *part == both[0].0));
        let encoders = there.map(|names| Clip::open(folder, names, layer, options)).collect::<Result<_, _>>()?;
        Ok(Self { encoders, zeros: second && folder.zeros_for_no_negative, kept: Mutex::default() })
    }

    /// The embedding of a negative prompt; without one that of no text, or for most SDXL models zeros.
    pub fn encode_negative(&self, prompt: Option<&str>) -> Result<Arc<Embedding>, DiffusionError> {
        let embedding = self.encode(prompt.unwrap_or_default())?;
        if prompt.is_none() && self.zeros { Ok(Arc::new(embedding.zeroed())) } else { Ok(embedding) }
    }

    /// The embedding of `prompt`.
    pub fn encode(&self, prompt: &str) -> Result<Arc<Embedding>, DiffusionError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = kept.iter().position(|(text, _)| text == prompt) {
            // The most recent is last; the one asked for becomes it.
            let found = kept.remove(at);
            let embedding = Arc::clone(&found.1);
            kept.push(found);
            return Ok(embedding);
        }
        let embedding = Arc::new(self.compute(prompt)?);
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push((prompt.to_owned(), Arc::clone(&embedding)));
        Ok(embedding)
    }

    fn compute(&self, prompt: &str) -> Result<Embedding, DiffusionError> {
        let mut whole = Embedding::default();
        for encoder in &self.encoders {
            let (mut rows, mut width, mut pooled) = (Vec::new(), 0, Vec::new());
            for chunk in chunks(&encoder.tokenizer, prompt, Reading::PLAIN) {
                let mut piece = encoder.run(&chunk.ids)?;
                weigh(&mut [Encoded { chunk: &chunk, rows: &mut piece.rows }], Emphasis::None);
                if rows.is_empty() {
                    (width, pooled) = (piece.width, piece.pooled);
                }
                rows.extend(piece.rows);
            }
            whole.widen(&rows, width);
            whole.pooled = pooled;
        }
        whole.tokens = whole.data.len() / whole.width.max(1);
        Ok(whole)
    }
}
