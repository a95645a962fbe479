//! The denoising network (Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models"; the names and the order
//! of operations are those of diffusers' `UNet2DConditionModel`).

use super::{Axis, BuildError, Built, Kind, Net, Source, groups, plane};
use crate::model::onnx::Value;

/// The lowest frequency of the time embedding is one over this.
const PERIOD: f32 = 10_000.0;
const RESNET_EPSILON: f32 = 1e-5;
const ATTENTION_EPSILON: f32 = 1e-6;
/// Attention heads where a network's inputs to attention are convolutions (Stable Diffusion 1.x).
const HEADS: usize = 8;

/// The `UNet`. Inputs as in exports: `sample` `[batch, channels, height, width]`, `timestep` (a scalar), `encoder_hidden_states` `[batch,
/// tokens, width]`; where the weights ask for them `text_embeds` and `time_ids` (SDXL) and `timestep_cond` (latent consistency). Output:
/// `out_sample`. `pooled` is the width of `text_embeds`.
pub(in super::super) fn unet(source: &Source<'_>, pooled: Option<usize>) -> Built<Vec<u8>> {
    let mut net = Net::new("unet", source);
    let [finest, inputs, ..] = net.shape::<4>("conv_in.weight")?;
    let [outputs, ..] = net.shape::<4>("conv_out.weight")?;
    let sample = net.graph.input("sample", Kind::F32, &plane(inputs));
    let time = net.time(&sample, finest, pooled)?;
    let text =
        net.graph.input("encoder_hidden_states", Kind::F32, &[Axis::Open("batch"), Axis::Open("tokens"), Axis::Fixed(net.text_width()?)]);
    let blocks = Blocks { groups: groups(finest), head: (finest / 2).min(64), time, text };
    let h = net.same(&sample, "conv_in")?;
    let (h, skips) = net.down(&blocks, h)?;
    let h = net.layers(&blocks, &h, "mid_block", 0)?;
    let h = net.resnet(&h, Some(&blocks.time), "mid_block.resnets.1", blocks.groups, RESNET_EPSILON)?;
    let h = net.up(&blocks, h, skips)?;
    let h = net.group_norm(&h, "conv_norm_out", blocks.groups, RESNET_EPSILON, 2)?;
    let h = net.silu(&h);
    let h = net.same(&h, "conv_out")?;
    net.graph.output("out_sample", &h, Kind::F32, &plane(outputs));
    Ok(net.graph.into_bytes())
}

/// What all blocks share.
struct Blocks {
    groups: usize,
    /// The width of an attention head, where it is the same everywhere.
    head: usize,
    /// The time embedding, made ready for the resnets.
    time: Value,
    text: Value,
}

impl Net<'_> {
    /// How wide the rows of the text are, by the first matrix that reads them.
    fn text_width(&self) -> Built<usize> {
        let reads_text = |name: &&String| name.ends_with(".attn2.to_k.weight");
        let first = self.weights.keys().find(reads_text).ok_or_else(|| BuildError::Missing("attn2.to_k.weight".to_owned()))?;
        self.shape::<2>(first).map(|[_, width]| width)
    }

    /// The embedding of the timestep and of what else conditions the whole picture.
    fn time(&mut self, sample: &str, finest: usize, pooled: Option<usize>) -> Built {
        let timestep = self.graph.input("timestep", Kind::F32, &[]);
        let batch = self.lengths(sample, 0, 1);
        let each = self.graph.add("Expand", &[&timestep, &batch], &[]);
        let mut waves = self.waves(&each, finest);
        if self.has("time_embedding.cond_proj.weight") {
            let [_, width] = self.shape::<2>("time_embedding.cond_proj.weight")?;
            let guidance = self.graph.input("timestep_cond", Kind::F32, &[Axis::Open("batch"), Axis::Fixed(width)]);
            let guidance = self.linear(&guidance, "time_embedding.cond_proj")?;
            waves = self.add(&waves, &guidance);
        }
        let time = self.two_layers(&waves, "time_embedding")?;
        let time = if self.has("add_embedding.linear_1.weight") { self.size_and_text(&time, pooled)? } else { time };
        Ok(self.silu(&time))
    }

    /// SDXL: sizes and the pooled text.
    fn size_and_text(&mut self, time: &str, pooled: Option<usize>) -> Built {
        let name = "add_embedding.linear_1.weight";
        let [_, width] = self.shape::<2>(name)?;
        let odd = || BuildError::Shape { name: name.to_owned(), shape: vec![width] };
        let pooled = pooled.ok_or_else(|| BuildError::Missing("text_projection.weight".to_owned()))?;
        // Six sizes, each in as many waves.
        let waves = width.checked_sub(pooled).filter(|rest| rest % 12 == 0).ok_or_else(odd)? / 6;
        let text = self.graph.input("text_embeds", Kind::F32, &[Axis::Open("batch"), Axis::Fixed(pooled)]);
        let sizes = self.graph.input("time_ids", Kind::F32, &[Axis::Open("batch"), Axis::Fixed(6)]);
        let flat = self.reshape(&sizes, &[-1]);
        let flat = self.waves(&flat, waves);
        let rows = self.reshape(&flat, &[-1, 6 * waves as i64]);
        let joint = self.concat(&[&text, &rows], -1);
        let joint = self.two_layers(&joint, "add_embedding")?;
        Ok(self.add(time, &joint))
    }

    fn two_layers(&mut self, x: &str, name: &str) -> Built {
        let h = self.rows(x, &format!("{name}.linear_1"))?;
        let h = self.silu(&h);
        self.rows(&h, &format!("{name}.linear_2"))
    }

    /// Each of the numbers `x` as `width` cosines and sines of falling frequency.
    fn waves(&mut self, x: &str, width: usize) -> Value {
        let half = width / 2;
        let frequencies: Vec<f32> = (0..half).map(|i| f64::from(-PERIOD.ln() * i as f32 / half as f32).exp() as f32).collect();
        let frequencies = self.graph.floats(&[1, half], &frequencies);
        let axis = self.graph.ints(&[1]);
        let x = self.graph.add("Unsqueeze", &[x, &axis], &[]);
        let angles = self.mul(&x, &frequencies);
        let (sines, cosines) = (self.graph.add("Sin", &[&angles], &[]), self.graph.add("Cos", &[&angles], &[]));
        self.concat(&[&cosines, &sines], -1)
    }

    /// The way to coarser levels; also gives what the way back joins in.
    fn down(&mut self, blocks: &Blocks, mut h: Value) -> Built<(Value, Vec<Value>)> {
        let mut skips = vec![h.clone()];
        for level in 0.. {
            let block = format!("down_blocks.{level}");
            if !self.has(&format!("{block}.resnets.0.conv1.weight")) {
                break;
            }
            for layer in 0.. {
                if !self.has(&format!("{block}.resnets.{layer}.conv1.weight")) {
                    break;
                }
                h = self.layers(blocks, &h, &block, layer)?;
                skips.push(h.clone());
            }
            let smaller = format!("{block}.downsamplers.0.conv");
            if self.has(&format!("{smaller}.weight")) {
                h = self.conv(&h, &smaller, 2, [1; 4])?;
                skips.push(h.clone());
            }
        }
        Ok((h, skips))
    }

    /// The way back to the finest level.
    fn up(&mut self, blocks: &Blocks, mut h: Value, mut skips: Vec<Value>) -> Built {
        for level in 0.. {
            let block = format!("up_blocks.{level}");
            for layer in 0.. {
                if !self.has(&format!("{block}.resnets.{layer}.conv1.weight")) {
                    break;
                }
                let skip = skips.pop().ok_or_else(|| BuildError::Missing(format!("down_blocks for {block}.resnets.{layer}")))?;
                h = self.concat(&[&h, &skip], 1);
                h = self.layers(blocks, &h, &block, layer)?;
            }
            let larger = format!("{block}.upsamplers.0.conv");
            let Some(skip) = skips.last() else { break };
            // The size of what comes next, since an odd one was rounded up on the way down.
            let size = self.lengths(skip, 2, 4);
            h = self.enlarged(&h, &size);
            h = self.same(&h, &larger)?;
        }
        Ok(h)
    }

    /// A resnet and, where the block has one, the attention after it.
    fn layers(&mut self, blocks: &Blocks, h: &str, block: &str, layer: usize) -> Built {
        let h = self.resnet(h, Some(&blocks.time), &format!("{block}.resnets.{layer}"), blocks.groups, RESNET_EPSILON)?;
        let attention = format!("{block}.attentions.{layer}");
        if self.has(&format!("{attention}.proj_in.weight")) { self.transformer(blocks, &h, &attention) } else { Ok(h) }
    }

    /// Attention among all pixels and to the text.
    fn transformer(&mut self, blocks: &Blocks, x: &str, name: &str) -> Built {
        let (inward, outward) = (format!("{name}.proj_in"), format!("{name}.proj_out"));
        let shape = self.find(&format!("{inward}.weight"))?.stored.shape.clone();
        let (width, by_conv) = (shape.first().copied().unwrap_or(0), shape.len() == 4);
        let heads = if by_conv { HEADS } else { width / blocks.head };
        let mut h = self.group_norm(x, &format!("{name}.norm"), blocks.groups, ATTENTION_EPSILON, 2)?;
        if by_conv {
            h = self.same(&h, &inward)?;
        }
        let h_last = self.transpose(&h, &[0, 2, 3, 1]);
        let mut rows = self.reshape(&h_last, &[0, -1, width as i64]);
        if !by_conv {
            rows = self.linear(&rows, &inward)?;
        }
        for depth in 0.. {
            let block = format!("{name}.transformer_blocks.{depth}");
            if !self.has(&format!("{block}.norm1.weight")) {
                break;
            }
            rows = self.transformer_block(&rows, &blocks.text, &block, heads, width)?;
        }
        if !by_conv {
            rows = self.linear(&rows, &outward)?;
        }
        let shape = self.graph.add("Shape", &[&h_last], &[]);
        let h = self.graph.add("Reshape", &[&rows, &shape], &[]);
        let h = self.transpose(&h, &[0, 3, 1, 2]);
        let h = if by_conv { self.same(&h, &outward)? } else { h };
        Ok(self.add(&h, x))
    }

    fn transformer_block(&mut self, rows: &str, text: &str, name: &str, heads: usize, width: usize) -> Built {
        let h = self.layer_norm(rows, &format!("{name}.norm1"))?;
        let h = self.attend(&h, &h, &format!("{name}.attn1"), heads, width)?;
        let rows = self.add(&h, rows);
        let h = self.layer_norm(&rows, &format!("{name}.norm2"))?;
        let h = self.attend(&h, text, &format!("{name}.attn2"), heads, width)?;
        let rows = self.add(&h, &rows);
        let h = self.layer_norm(&rows, &format!("{name}.norm3"))?;
        let h = self.linear(&h, &format!("{name}.ff.net.0.proj"))?;
        let [double, _] = self.shape::<2>(&format!("{name}.ff.net.0.proj.weight"))?;
        let inner = double as i64 / 2;
        let (value, gate) = (self.slice(&h, 0, inner, -1), self.slice(&h, inner, 2 * inner, -1));
        let gate = self.gelu(&gate);
        let h = self.mul(&value, &gate);
        let h = self.linear(&h, &format!("{name}.ff.net.2"))?;
        Ok(self.add(&h, &rows))
    }

    fn attend(&mut self, x: &str, to: &str, name: &str, heads: usize, width: usize) -> Built {
        let q = self.linear(x, &format!("{name}.to_q"))?;
        let k = self.linear(to, &format!("{name}.to_k"))?;
        let v = self.linear(to, &format!("{name}.to_v"))?;
        let mixed = self.attention([&q, &k, &v], heads, width, None);
        self.linear(&mixed, &format!("{name}.to_out.0"))
    }
}
