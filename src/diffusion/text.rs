//! Prompts to embeddings, each computed once.

use std::sync::{Arc, Mutex, PoisonError};

use ndarray::Array2;

use super::DiffusionError;
use super::folder::ModelFolder;
use super::prompt::chunks;
use super::tokenizer::{CONTEXT, Tokenizer};
use crate::model::{Session, SessionOptions};

/// Embeddings kept: enough for the prompts of a keyframed film, a few megabytes.
const KEPT: usize = 64;

/// What the denoising network reads of a prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding {
    /// Rows: 77 for each piece of the prompt.
    pub tokens: usize,
    /// Numbers in a row.
    pub width: usize,
    /// The rows.
    pub data: Vec<f32>,
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
        Self { tokens, width: self.width, data }
    }
}

/// The text encoder of a model with its tokenizer.
pub struct TextEncoder {
    session: Arc<Session>,
    tokenizer: Tokenizer,
    /// The name of its input.
    input: String,
    /// Which output holds a row for each token.
    output: usize,
    kept: Mutex<Vec<(String, Arc<Embedding>)>>,
}

impl TextEncoder {
    /// Loads `text_encoder/` and `tokenizer/`.
    pub fn open(folder: &ModelFolder, options: &SessionOptions) -> Result<Self, DiffusionError> {
        let session = folder.networks.open("text_encoder", options)?;
        let tokenizer = folder.networks.tokenizer("tokenizer")?;
        let odd = |why: &str| DiffusionError::Signature { part: "text_encoder", why: format!("{why}; {}", session.describe()) };
        let input = session.inputs().iter().find(|info| info.name == "input_ids").or(session.inputs().first());
        let input = input.ok_or_else(|| odd("has no input"))?.name.clone();
        let outputs = session.outputs();
        let named = outputs.iter().position(|info| info.name == "last_hidden_state");
        let output = named.or_else(|| outputs.iter().position(|info| info.rank() == 3));
        let output = output.ok_or_else(|| odd("has no output with a row for each token"))?;
        Ok(Self { session, tokenizer, input, output, kept: Mutex::default() })
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
        let mut whole = Embedding { tokens: 0, width: 0, data: Vec::new() };
        for chunk in chunks(&self.tokenizer, prompt) {
            let ids: Vec<i64> = self.tokenizer.frame(&chunk.tokens).into_iter().map(i64::from).collect();
            let shape = (1, ids.len());
            let ids = Array2::from_shape_vec(shape, ids).map_err(|e| DiffusionError::Setting(e.to_string()))?;
            let rows = self.session.run(&[(&self.input, ids.view().into())])?.swap_remove(self.output).into_f32();
            let &[_, tokens, width] = rows.shape() else {
                let why = format!("gave an output of shape {:?}", rows.shape());
                return Err(DiffusionError::Signature { part: "text_encoder", why });
            };
            let mut rows: Vec<f32> = rows.into_iter().collect();
            chunk.weigh(&mut rows, width);
            whole.tokens += tokens;
            whole.width = width;
            whole.data.extend(rows);
        }
        Ok(whole)
    }
}
