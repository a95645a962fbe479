//! One CLIP text encoder, whatever its export looks like.

use std::sync::{Arc, OnceLock};

use ndarray::Array2;

use super::DiffusionError;
use super::folder::ModelFolder;
use super::norm::Norm;
use super::tokenizer::Tokenizer;
use crate::model::{Session, SessionOptions, Tensor};

/// Which of its layers the denoising network was trained with.
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
    layer: Layer,
    /// The name of its input.
    input: String,
    /// Which output holds a normalised row for each token.
    last: Option<usize>,
    /// Which outputs hold the rows after each layer, not normalised; the first holds what goes into the first layer.
    hidden: Vec<usize>,
    /// What normalises the last layer, once it was needed.
    norm: OnceLock<Norm>,
    /// Which output holds one row for the whole text.
    pooled: Option<usize>,
}

/// What an encoder says of up to 77 tokens.
pub(super) struct Spoken {
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
        let (last, hidden) = (last(&session), hidden(&session));
        match layer {
            Layer::Last if last.is_none() => return Err(odd("has no output with a row for each token")),
            Layer::Penultimate if hidden.len() < 2 => {
                let why = "has no outputs `hidden_states.N`, of which SDXL reads the last but one; export it with `output_hidden_states`";
                return Err(odd(why));
            }
            _ => {}
        }
        let pooled = session.outputs().iter().position(|info| info.name == "text_embeds");
        Ok(Self { session, tokenizer, part, layer, input, last, hidden, norm: OnceLock::new(), pooled })
    }

    /// What it says of `tokens`, as many as the export takes (77), by the layer `clip_skip` from the end: 1 is the last. Models that
    /// were trained with another than the last go back from there at least that far. 0 is as the model was trained.
    pub(super) fn run(&self, tokens: &[u32], clip_skip: usize) -> Result<Spoken, DiffusionError> {
        let back = clip_skip.max(if self.layer == Layer::Last { 1 } else { 2 });
        let chosen = self.chosen(back)?;
        let ids: Vec<i64> = tokens.iter().map(|id| i64::from(*id)).collect();
        let ids = Array2::from_shape_vec((1, ids.len()), ids).map_err(|e| DiffusionError::Setting(e.to_string()))?;
        let mut outputs = self.session.run(&[(&self.input, ids.view().into())])?;
        let mut take = |at: usize| std::mem::replace(&mut outputs[at], Tensor::from(ndarray::arr0(0.0_f32))).into_f32();
        let pooled = self.pooled.map_or_else(Vec::new, |at| take(at).into_iter().collect());
        let rows = take(chosen);
        let &[_, _, width] = rows.shape() else {
            let why = format!("gave an output of shape {:?}", rows.shape());
            return Err(DiffusionError::Signature { part: self.part, why });
        };
        let mut rows: Vec<f32> = rows.into_iter().collect();
        if let (Layer::Last, 2.., Some(deepest), Some(last)) = (self.layer, back, self.hidden.last(), self.last) {
            let norm = self.norm.get_or_init(|| {
                let (before, after): (Vec<f32>, Vec<f32>) = (take(*deepest).into_iter().collect(), take(last).into_iter().collect());
                Norm::between(&before, &after, width)
            });
            norm.apply(&mut rows);
        }
        Ok(Spoken { rows, width, pooled })
    }

    /// The output for the layer `back` from the end.
    fn chosen(&self, back: usize) -> Result<usize, DiffusionError> {
        if let (Layer::Last, 1, Some(last)) = (self.layer, back, self.last) {
            return Ok(last);
        }
        let layers = self.hidden.len().saturating_sub(1);
        let why = if layers == 0 {
            format!("gives its last layer alone, and `clip_skip: {back}` needs an earlier one; export it with `output_hidden_states`")
        } else if back > layers {
            format!("has {layers} layers, and `clip_skip: {back}` leaves none; choose less")
        } else {
            return Ok(self.hidden[layers + 1 - back]);
        };
        Err(DiffusionError::Signature { part: self.part, why })
    }
}

fn last(session: &Session) -> Option<usize> {
    let outputs = session.outputs();
    outputs.iter().position(|info| info.name == "last_hidden_state").or_else(|| outputs.iter().position(|info| info.rank() == 3))
}

/// The outputs `hidden_states.0` (the embeddings) to `hidden_states.N` (the last layer), in that order.
fn hidden(session: &Session) -> Vec<usize> {
    let layer = |name: &str| name.strip_prefix("hidden_states.").and_then(|n| n.parse::<usize>().ok());
    let layers = session.outputs().iter().enumerate().filter_map(|(at, info)| layer(&info.name).map(|n| (n, at)));
    let mut layers: Vec<(usize, usize)> = layers.collect();
    layers.sort_unstable();
    layers.into_iter().map(|(_, at)| at).collect()
}
