//! One CLIP text encoder, whatever its export looks like.

use std::sync::Arc;

use ndarray::Array2;

use super::DiffusionError;
use super::folder::ModelFolder;
use super::tokenizer::Tokenizer;
use crate::model::{Session, SessionOptions, Tensor};

/// Which of its layers the denoising network reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    /// The last, normalised: SD 1.x and 2.x.
    Last,
    /// The last but one, as it is: SDXL.
    Penultimate,
}

/// A text encoder with its tokenizer.
pub(super) struct Clip {
    session: Arc<Session>,
    pub(super) tokenizer: Tokenizer,
    part: &'static str,
    /// The name of its input.
    input: String,
    /// Which output holds a row for each token.
    rows: usize,
    /// Which output holds one row for the whole text.
    pooled: Option<usize>,
}

/// What an encoder says of up to 77 tokens.
pub(super) struct Encoded {
    /// A row of `width` numbers for each token.
    pub(super) rows: Vec<f32>,
    pub(super) width: usize,
    /// The text as a whole, from encoders that have a projection.
    pub(super) pooled: Vec<f32>,
}

impl Clip {
    /// Loads the encoder `part` and its tokenizer.
    pub(super) fn open(
        folder: &ModelFolder,
        (part, tokenizer): (&'static str, &str),
        layer: Layer,
        options: &SessionOptions,
    ) -> Result<Self, DiffusionError> {
        let session = folder.networks.open(part, options)?;
        let tokenizer = folder.networks.tokenizer(tokenizer)?;
        let odd = |why: &str| DiffusionError::Signature { part, why: format!("{why}; {}", session.describe()) };
        let input = session.inputs().iter().find(|info| info.name == "input_ids").or(session.inputs().first());
        let input = input.ok_or_else(|| odd("has no input"))?.name.clone();
        let rows = match layer {
            Layer::Last => last(&session).ok_or_else(|| odd("has no output with a row for each token"))?,
            Layer::Penultimate => penultimate(&session).ok_or_else(|| {
                odd("has no outputs `hidden_states.N`, of which SDXL reads the last but one; export it with `output_hidden_states`")
            })?,
        };
        let pooled = session.outputs().iter().position(|info| info.name == "text_embeds");
        Ok(Self { session, tokenizer, part, input, rows, pooled })
    }

    /// What it says of `tokens`, as many as the export takes (77).
    pub(super) fn run(&self, tokens: &[u32]) -> Result<Encoded, DiffusionError> {
        let ids: Vec<i64> = tokens.iter().map(|id| i64::from(*id)).collect();
        let ids = Array2::from_shape_vec((1, ids.len()), ids).map_err(|e| DiffusionError::Setting(e.to_string()))?;
        let mut outputs = self.session.run(&[(&self.input, ids.view().into())])?;
        let mut take = |at: usize| std::mem::replace(&mut outputs[at], Tensor::from(ndarray::arr0(0.0_f32))).into_f32();
        let pooled = self.pooled.map_or_else(Vec::new, |at| take(at).into_iter().collect());
        let rows = take(self.rows);
        let &[_, _, width] = rows.shape() else {
            let why = format!("gave an output of shape {:?}", rows.shape());
            return Err(DiffusionError::Signature { part: self.part, why });
        };
        Ok(Encoded { rows: rows.into_iter().collect(), width, pooled })
    }
}

fn last(session: &Session) -> Option<usize> {
    let outputs = session.outputs();
    outputs.iter().position(|info| info.name == "last_hidden_state").or_else(|| outputs.iter().position(|info| info.rank() == 3))
}

/// The last but one of the outputs `hidden_states.0` (the embeddings) to `hidden_states.N` (the last layer).
fn penultimate(session: &Session) -> Option<usize> {
    let layer = |name: &str| name.strip_prefix("hidden_states.").and_then(|n| n.parse::<usize>().ok());
    let layers = session.outputs().iter().enumerate().filter_map(|(at, info)| layer(&info.name).map(|n| (n, at)));
    let mut layers: Vec<(usize, usize)> = layers.collect();
    layers.sort_unstable();
    layers.iter().rev().nth(1).map(|(_, at)| *at)
}
