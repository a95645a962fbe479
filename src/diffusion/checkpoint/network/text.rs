//! The text encoders (Radford et al., "Learning Transferable Visual Models From Natural Language Supervision").

use super::{Axis, Built, Kind, Net, Source};
use crate::model::onnx::Setting::Int;
use crate::model::onnx::Value;

/// The function between the two matrices of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Activation {
    /// `x · sigmoid(1.702 x)`: OpenAI's CLIP.
    QuickGelu,
    /// `x · Φ(x)`: `OpenCLIP`.
    Gelu,
}

/// What the weights of a text encoder do not tell.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct TextShape {
    /// Between the two matrices of a layer.
    pub activation: Activation,
    /// Layers that run, where the file has more.
    pub layers: usize,
}

/// A text encoder. Input: `input_ids` `[batch, tokens]`. Outputs: `last_hidden_state` `[batch, tokens, width]`, the normalised rows; the
/// row of each text's end, as `text_embeds` where the weights have a projection for it and `pooler_output` where not; and the rows between
/// the layers, `hidden_states.0` to `hidden_states.L`, not normalised.
pub(in super::super) fn text(source: &Source<'_>, shape: TextShape) -> Built<Vec<u8>> {
    let mut net = Net::new("text_encoder", source);
    let [_, width] = net.shape::<2>("text_model.embeddings.token_embedding.weight")?;
    let rows = [Axis::Open("batch"), Axis::Open("tokens"), Axis::Fixed(width)];
    let ids = net.graph.input("input_ids", Kind::I64, &rows[..2]);
    let tokens = net.lengths(&ids, 1, 2);
    let mask = net.later(&tokens);
    let mut states = vec![net.embedded(&ids, &tokens)?];
    for layer in 0..shape.layers {
        let name = format!("text_model.encoder.layers.{layer}");
        if !net.has(&format!("{name}.layer_norm1.weight")) {
            break;
        }
        let h = net.text_layer(&states[layer], &name, width, &mask, shape.activation)?;
        states.push(h);
    }
    let last = net.layer_norm(&states[states.len() - 1], "text_model.final_layer_norm")?;
    net.graph.output("last_hidden_state", &last, Kind::F32, &rows);
    let end = net.ends(&last, &ids);
    if net.has("text_projection.weight") {
        let projection = net.find("text_projection.weight")?;
        let pooled = projection.stored.shape.get(usize::from(projection.transposed)).copied().unwrap_or(width);
        let end = net.matrix(&end, "text_projection.weight")?;
        net.graph.output("text_embeds", &end, Kind::F32, &[rows[0], Axis::Fixed(pooled)]);
    } else {
        net.graph.output("pooler_output", &end, Kind::F32, &[rows[0], rows[2]]);
    }
    for (index, state) in states.iter().enumerate() {
        net.graph.output(&format!("hidden_states.{index}"), state, Kind::F32, &rows);
    }
    Ok(net.graph.into_bytes())
}

impl Net<'_> {
    /// Each token's row, with that of its place.
    fn embedded(&mut self, ids: &str, tokens: &str) -> Built {
        let name = "text_model.embeddings.token_embedding.weight";
        let [words, width] = self.shape::<2>(name)?;
        // The table is widened after the look-up: as a whole it would take more memory than a layer.
        let (table, kind) = self.raw(name, &[words, width])?;
        let word = self.graph.add("Gather", &[&table, ids], &[]);
        let word = self.widened(word, kind);
        let places = self.weight("text_model.embeddings.position_embedding.weight")?;
        let (start, axis) = (self.graph.ints(&[0]), self.graph.ints(&[0]));
        let place = self.graph.add("Slice", &[&places, &start, tokens, &axis], &[]);
        Ok(self.add(&word, &place))
    }

    /// What keeps a token from looking at later ones: the lowest number above the diagonal, 0 elsewhere.
    fn later(&mut self, tokens: &str) -> Value {
        let lowest = self.graph.float(f32::MIN);
        let square = self.concat(&[tokens, tokens], 0);
        let full = self.graph.add("Expand", &[&lowest, &square], &[]);
        let one = self.graph.int(1);
        self.graph.add("Trilu", &[&full, &one], &[("upper", Int(1))])
    }

    fn text_layer(&mut self, x: &str, name: &str, width: usize, mask: &str, activation: Activation) -> Built {
        // 64 numbers a head in all real networks; those made small for tests have two heads.
        let heads = (width / 64).max(2);
        let h = self.layer_norm(x, &format!("{name}.layer_norm1"))?;
        let q = self.linear(&h, &format!("{name}.self_attn.q_proj"))?;
        let k = self.linear(&h, &format!("{name}.self_attn.k_proj"))?;
        let v = self.linear(&h, &format!("{name}.self_attn.v_proj"))?;
        let h = self.attention([&q, &k, &v], heads, width, Some(mask));
        let h = self.linear(&h, &format!("{name}.self_attn.out_proj"))?;
        let x = self.add(x, &h);
        let h = self.layer_norm(&x, &format!("{name}.layer_norm2"))?;
        let h = self.linear(&h, &format!("{name}.mlp.fc1"))?;
        let h = match activation {
            Activation::Gelu => self.gelu(&h),
            Activation::QuickGelu => {
                let slope = self.graph.float(1.702);
                let scaled = self.mul(&h, &slope);
                let gate = self.graph.add("Sigmoid", &[&scaled], &[]);
                self.mul(&h, &gate)
            }
        };
        let h = self.linear(&h, &format!("{name}.mlp.fc2"))?;
        Ok(self.add(&x, &h))
    }

    /// The row of the first end token of each text: the token with the highest number.
    fn ends(&mut self, rows: &str, ids: &str) -> Value {
        let at = self.graph.add("ArgMax", &[ids], &[("axis", Int(-1)), ("keepdims", Int(1))]);
        self.graph.add("GatherND", &[rows, &at], &[("batch_dims", Int(1))])
    }
}
