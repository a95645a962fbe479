//! The picture coder (diffusers' `AutoencoderKL`).

use super::{BuildError, Built, Kind, Net, Source, groups, plane};
use crate::model::onnx::Value;

const EPSILON: f32 = 1e-6;

/// Pictures `sample` `[batch, 3, height, width]`, -1 to 1, to mean and logarithm of the variance of their latents: `latent_parameters`.
pub(in super::super) fn encoder(source: &Source<'_>) -> Built<Vec<u8>> {
    let mut net = Net::new("vae_encoder", source);
    let [finest, colours, ..] = net.shape::<4>("encoder.conv_in.weight")?;
    let [parameters, ..] = net.shape::<4>("encoder.conv_out.weight")?;
    let groups = groups(finest);
    let sample = net.graph.input("sample", Kind::F32, &plane(colours));
    let mut h = net.same(&sample, "encoder.conv_in")?;
    for level in 0.. {
        let block = format!("encoder.down_blocks.{level}");
        if !net.has(&format!("{block}.resnets.0.conv1.weight")) {
            break;
        }
        h = net.resnets(h, &block, groups)?;
        let smaller = format!("{block}.downsamplers.0.conv");
        if net.has(&format!("{smaller}.weight")) {
            h = net.conv(&h, &smaller, 2, [0, 0, 1, 1])?;
        }
    }
    let h = net.middle(&h, "encoder", groups)?;
    let h = net.finish(&h, "encoder", groups)?;
    let h = if net.has("quant_conv.weight") { net.same(&h, "quant_conv")? } else { h };
    net.graph.output("latent_parameters", &h, Kind::F32, &plane(parameters));
    Ok(net.graph.into_bytes())
}

/// Latents `latent_sample` `[batch, channels, height, width]` to pictures: `sample`.
pub(in super::super) fn decoder(source: &Source<'_>) -> Built<Vec<u8>> {
    let mut net = Net::new("vae_decoder", source);
    let [_, channels, ..] = net.shape::<4>("decoder.conv_in.weight")?;
    let [colours, finest, ..] = net.shape::<4>("decoder.conv_out.weight")?;
    let groups = groups(finest);
    let latents = net.graph.input("latent_sample", Kind::F32, &plane(channels));
    let h = if net.has("post_quant_conv.weight") { net.same(&latents, "post_quant_conv")? } else { latents };
    let h = net.same(&h, "decoder.conv_in")?;
    let mut h = net.middle(&h, "decoder", groups)?;
    for level in 0.. {
        let block = format!("decoder.up_blocks.{level}");
        if !net.has(&format!("{block}.resnets.0.conv1.weight")) {
            break;
        }
        h = net.resnets(h, &block, groups)?;
        let larger = format!("{block}.upsamplers.0.conv");
        if net.has(&format!("{larger}.weight")) {
            let size = net.lengths(&h, 2, 4);
            let two = net.graph.int(2);
            let size = net.mul(&size, &two);
            h = net.enlarged(&h, &size);
            h = net.same(&h, &larger)?;
        }
    }
    let h = net.finish(&h, "decoder", groups)?;
    net.graph.output("sample", &h, Kind::F32, &plane(colours));
    Ok(net.graph.into_bytes())
}

impl Net<'_> {
    fn resnets(&mut self, mut h: Value, block: &str, groups: usize) -> Built {
        for layer in 0.. {
            let name = format!("{block}.resnets.{layer}");
            if !self.has(&format!("{name}.conv1.weight")) {
                break;
            }
            h = self.resnet(&h, None, &name, groups, EPSILON)?;
        }
        Ok(h)
    }

    fn middle(&mut self, h: &str, side: &str, groups: usize) -> Built {
        let h = self.resnet(h, None, &format!("{side}.mid_block.resnets.0"), groups, EPSILON)?;
        let h = self.pixels_attend(&h, &format!("{side}.mid_block.attentions.0"), groups)?;
        self.resnet(&h, None, &format!("{side}.mid_block.resnets.1"), groups, EPSILON)
    }

    fn pixels_attend(&mut self, x: &str, name: &str, groups: usize) -> Built {
        let weight = format!("{name}.to_q.weight");
        let width = self.find(&weight)?.stored.shape.first().copied().ok_or(BuildError::Missing(weight))?;
        let flat = self.reshape(x, &[0, 0, -1]);
        let h = self.group_norm(&flat, &format!("{name}.group_norm"), groups, EPSILON, 1)?;
        let rows = self.transpose(&h, &[0, 2, 1]);
        let q = self.linear(&rows, &format!("{name}.to_q"))?;
        let k = self.linear(&rows, &format!("{name}.to_k"))?;
        let v = self.linear(&rows, &format!("{name}.to_v"))?;
        let mixed = self.attention([&q, &k, &v], 1, width, None);
        let h = self.linear(&mixed, &format!("{name}.to_out.0"))?;
        let h = self.transpose(&h, &[0, 2, 1]);
        let shape = self.graph.add("Shape", &[x], &[]);
        let h = self.graph.add("Reshape", &[&h, &shape], &[]);
        Ok(self.add(&h, x))
    }

    fn finish(&mut self, h: &str, side: &str, groups: usize) -> Built {
        let h = self.group_norm(h, &format!("{side}.conv_norm_out"), groups, EPSILON, 2)?;
        let h = self.silu(&h);
        self.same(&h, &format!("{side}.conv_out"))
    }
}
