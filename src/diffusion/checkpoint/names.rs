//! The names of weights: those of the original code in checkpoints, those of diffusers inside the program.
//!
//! Checkpoints number all blocks of the `UNet` in one row, whatever they are; diffusers names them by level and place. Programs agree
//! on the latter, and so does most of what was trained on top (LoRA), so everything here is looked up by it.

use std::collections::BTreeMap;

/// A network of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The denoising network.
    Unet,
    /// The picture coder, both halves.
    Vae,
    /// The text encoder; of two, CLIP ViT-L.
    Text,
    /// The second text encoder, OpenCLIP ViT-bigG.
    Text2,
}

/// How an array of the file becomes the weight of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As it is.
    Same,
    /// A 1x1 convolution that is used as a matrix: the same numbers without the last two axes.
    Matrix,
    /// Query, key and value in one, a third of the rows each.
    Thirds,
    /// A matrix with the inputs in the first axis, where other matrices have the outputs.
    Transposed,
}

/// What an original name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The network it belongs to.
    pub part: Part,
    /// Its names in diffusers: one, or those of query, key and value.
    pub names: Vec<String>,
    /// How it is stored.
    pub form: Form,
}

const UNET: &str = "model.diffusion_model.";
const VAE: &str = "first_stage_model.";
/// Text encoders with the names of Hugging Face's CLIP, and with those of `OpenCLIP`.
const CLIP: [(&str, Part); 2] = [("cond_stage_model.transformer.", Part::Text), ("conditioner.embedders.0.transformer.", Part::Text)];
const OPEN_CLIP: [(&str, Part); 2] = [("cond_stage_model.model.", Part::Text), ("conditioner.embedders.1.model.", Part::Text2)];

/// What the original name `key` means; `None` for all that no network of this model needs. `vae_levels` is how many levels the picture
/// coder has, since its decoder counts them backwards.
#[must_use]
pub fn name(key: &str, vae_levels: usize) -> Option<Named> {
    let same = |part, name| Named { part, names: vec![name], form: Form::Same };
    if let Some(rest) = key.strip_prefix(UNET) {
        return unet(rest).map(|name| same(Part::Unet, name));
    }
    if let Some(rest) = key.strip_prefix(VAE) {
        let name = vae(rest, vae_levels)?;
        let matrix = name.contains(".attentions.") && name.ends_with(".weight") && !name.contains("group_norm");
        return Some(Named { form: if matrix { Form::Matrix } else { Form::Same }, ..same(Part::Vae, name) });
    }
    for (prefix, part) in CLIP {
        if let Some(rest) = key.strip_prefix(prefix) {
            return clip(rest).map(|name| same(part, name));
        }
    }
    OPEN_CLIP.iter().find_map(|(prefix, part)| open_clip(key.strip_prefix(prefix)?, *part))
}

/// How many levels the picture coder has among these original names.
pub fn vae_levels<'a>(keys: impl Iterator<Item = &'a str>) -> usize {
    let level = |key: &str| key.strip_prefix(VAE)?.strip_prefix("decoder.up.")?.split('.').next()?.parse::<usize>().ok();
    keys.filter_map(level).max().map_or(0, |last| last + 1)
}

fn unet(rest: &str) -> Option<String> {
    let parts: Vec<&str> = rest.split('.').collect();
    let number = |text: &str| text.parse::<usize>().ok();
    let linear = |text: &str| match text {
        "0" => Some("linear_1"),
        "2" => Some("linear_2"),
        _ => None,
    };
    Some(match parts.as_slice() {
        ["time_embed" | "time_embedding", "cond_proj", end] => format!("time_embedding.cond_proj.{end}"),
        ["time_embed", n, end] => format!("time_embedding.{}.{end}", linear(n)?),
        ["label_emb", "0", n, end] => format!("add_embedding.{}.{end}", linear(n)?),
        ["out", "0", end] => format!("conv_norm_out.{end}"),
        ["out", "2", end] => format!("conv_out.{end}"),
        ["input_blocks", "0", "0", end] => format!("conv_in.{end}"),
        ["input_blocks", n, "0", "op", end] => format!("down_blocks.{}.downsamplers.0.conv.{end}", number(n)?.checked_sub(1)? / 3),
        ["input_blocks", n, inner @ ..] => {
            let n = number(n)?.checked_sub(1)?;
            format!("down_blocks.{}.{}", n / 3, layer(inner, n % 3)?)
        }
        ["middle_block", "1", end @ ..] => format!("mid_block.attentions.0.{}", end.join(".")),
        ["middle_block", n, end @ ..] => format!("mid_block.resnets.{}.{}", number(n)? / 2, resnet(end)?),
        ["output_blocks", n, "1" | "2", "conv", end] => format!("up_blocks.{}.upsamplers.0.conv.{end}", number(n)? / 3),
        ["output_blocks", n, inner @ ..] => {
            let n = number(n)?;
            format!("up_blocks.{}.{}", n / 3, layer(inner, n % 3)?)
        }
        _ => return None,
    })
}

/// The original names of the modules of the `UNet`.
pub struct Originals {
    whole: BTreeMap<String, Vec<String>>,
    /// Attention keeps its inner names; only its beginning changes.
    attention: Vec<(String, String)>,
}

impl Originals {
    /// What the module `module` of diffusers is called in checkpoints, without the prefix that all have.
    #[must_use]
    pub fn find(&self, module: &str) -> Vec<String> {
        let inside = self.attention.iter().filter_map(|(ours, original)| Some((module.strip_prefix(ours)?, original)));
        let inside = inside.filter(|(rest, _)| rest.starts_with('.')).map(|(rest, original)| format!("{original}{rest}"));
        self.whole.get(module).into_iter().flatten().cloned().chain(inside).collect()
    }
}

/// The names of all modules that a `UNet` of up to four levels may have.
#[must_use]
pub fn original_modules() -> Originals {
    let resnet = ["in_layers.0", "in_layers.2", "emb_layers.1", "out_layers.0", "out_layers.3", "skip_connection"];
    let layers: Vec<String> =
        resnet.iter().map(|name| format!("0.{name}")).chain(["0", "0.op", "1.conv", "2.conv"].map(str::to_owned)).collect();
    let sides = ["input_blocks", "output_blocks"];
    let blocks = || sides.iter().flat_map(|side| (0..12).map(move |n| format!("{side}.{n}"))).chain(["middle_block".to_owned()]);
    let middle = [0, 2].into_iter().flat_map(|n| resnet.iter().map(move |name| format!("middle_block.{n}.{name}")));
    let single = ["time_embed.0", "time_embed.2", "label_emb.0.0", "label_emb.0.2", "out.0", "out.2"].map(str::to_owned);
    let all = blocks().flat_map(|block| layers.iter().map(move |layer| format!("{block}.{layer}")).collect::<Vec<_>>());
    let mut whole: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for original in all.chain(middle).chain(single) {
        if let Some(name) = unet(&format!("{original}.weight")).and_then(|name| Some(name.strip_suffix(".weight")?.to_owned())) {
            whole.entry(name).or_default().push(original);
        }
    }
    let beginning = |block: String| {
        let original = format!("{block}.1");
        let name = unet(&format!("{original}.norm.weight"))?;
        Some((name.strip_suffix(".norm.weight")?.to_owned(), original))
    };
    Originals { whole, attention: blocks().filter_map(beginning).collect() }
}

/// A residual or attention layer of a block, the `at`-th there.
fn layer(inner: &[&str], at: usize) -> Option<String> {
    match inner {
        ["0", end @ ..] => Some(format!("resnets.{at}.{}", resnet(end)?)),
        ["1", end @ ..] => Some(format!("attentions.{at}.{}", end.join("."))),
        _ => None,
    }
}

fn resnet(inner: &[&str]) -> Option<String> {
    let (name, end) = match inner {
        ["in_layers", "0", end] => ("norm1", end),
        ["in_layers", "2", end] => ("conv1", end),
        ["emb_layers", "1", end] => ("time_emb_proj", end),
        ["out_layers", "0", end] => ("norm2", end),
        ["out_layers", "3", end] => ("conv2", end),
        ["skip_connection", end] => ("conv_shortcut", end),
        _ => return None,
    };
    Some(format!("{name}.{end}"))
}

/// The name in diffusers of a weight of the picture coder, without the prefix it has in checkpoints.
pub(super) fn vae(rest: &str, levels: usize) -> Option<String> {
    let parts: Vec<&str> = rest.split('.').collect();
    let shortcut = |inner: &[&str]| inner.join(".").replace("nin_shortcut", "conv_shortcut");
    Some(match parts.as_slice() {
        ["quant_conv" | "post_quant_conv", _] | [_, "conv_in" | "conv_out", _] => rest.to_owned(),
        [side, "norm_out", end] => format!("{side}.conv_norm_out.{end}"),
        ["encoder", "down", i, "downsample", "conv", end] => format!("encoder.down_blocks.{i}.downsamplers.0.conv.{end}"),
        ["encoder", "down", i, "block", j, end @ ..] => format!("encoder.down_blocks.{i}.resnets.{j}.{}", shortcut(end)),
        ["decoder", "up", i, inner @ ..] => {
            let i = levels.checked_sub(1)?.checked_sub(i.parse().ok()?)?;
            match inner {
                ["upsample", "conv", end] => format!("decoder.up_blocks.{i}.upsamplers.0.conv.{end}"),
                ["block", j, end @ ..] => format!("decoder.up_blocks.{i}.resnets.{j}.{}", shortcut(end)),
                _ => return None,
            }
        }
        [side, "mid", "block_1", end @ ..] => format!("{side}.mid_block.resnets.0.{}", shortcut(end)),
        [side, "mid", "block_2", end @ ..] => format!("{side}.mid_block.resnets.1.{}", shortcut(end)),
        [side, "mid", "attn_1", which, end] => {
            let which = match *which {
                "norm" => "group_norm",
                "q" => "to_q",
                "k" => "to_k",
                "v" => "to_v",
                "proj_out" => "to_out.0",
                _ => return None,
            };
            format!("{side}.mid_block.attentions.0.{which}.{end}")
        }
        _ => return None,
    })
}

fn clip(rest: &str) -> Option<String> {
    if rest.ends_with("position_ids") {
        return None;
    }
    // Files older than Hugging Face's own renaming lack the first word.
    let old = ["embeddings.", "encoder.", "final_layer_norm."].iter().any(|start| rest.starts_with(start));
    if old { Some(format!("text_model.{rest}")) } else { rest.starts_with("text_").then(|| rest.to_owned()) }
}

fn open_clip(rest: &str, part: Part) -> Option<Named> {
    let same = |name: String| Some(Named { part, names: vec![name], form: Form::Same });
    let rest = rest.strip_prefix("transformer.").unwrap_or(rest);
    let Some(block) = rest.strip_prefix("resblocks.") else {
        return match rest {
            "positional_embedding" => same("text_model.embeddings.position_embedding.weight".to_owned()),
            "text_projection" => Some(Named { part, names: vec!["text_projection.weight".to_owned()], form: Form::Transposed }),
            _ => match rest.split_once('.')? {
                ("token_embedding", end) => same(format!("text_model.embeddings.token_embedding.{end}")),
                ("ln_final", end) => same(format!("text_model.final_layer_norm.{end}")),
                ("text_model", _) => clip(rest).and_then(same),
                _ => None,
            },
        };
    };
    let (n, inner) = block.split_once('.')?;
    let name = |inner: &str, end: &str| format!("text_model.encoder.layers.{n}.{inner}.{end}");
    let parts: Vec<&str> = inner.split('.').collect();
    match parts.as_slice() {
        ["ln_1", end] => same(name("layer_norm1", end)),
        ["ln_2", end] => same(name("layer_norm2", end)),
        ["mlp", "c_fc", end] => same(name("mlp.fc1", end)),
        ["mlp", "c_proj", end] => same(name("mlp.fc2", end)),
        ["attn", "out_proj", end] => same(name("self_attn.out_proj", end)),
        ["attn", joint] => {
            let end = joint.strip_prefix("in_proj_")?;
            let names = ["q_proj", "k_proj", "v_proj"].iter().map(|which| name(&format!("self_attn.{which}"), end)).collect();
            Some(Named { part, names, form: Form::Thirds })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(key: &str) -> String {
        name(key, 4).map(|named| named.names.join(" ")).unwrap_or_default()
    }

    #[test]
    fn blocks_are_counted_by_level() {
        assert_eq!(one("model.diffusion_model.input_blocks.4.1.proj_in.weight"), "down_blocks.1.attentions.0.proj_in.weight");
        assert_eq!(one("model.diffusion_model.input_blocks.3.0.op.bias"), "down_blocks.0.downsamplers.0.conv.bias");
        assert_eq!(one("model.diffusion_model.output_blocks.2.1.conv.weight"), "up_blocks.0.upsamplers.0.conv.weight");
        assert_eq!(one("model.diffusion_model.middle_block.2.out_layers.3.bias"), "mid_block.resnets.1.conv2.bias");
        assert_eq!(one("first_stage_model.decoder.up.3.block.0.nin_shortcut.bias"), "decoder.up_blocks.0.resnets.0.conv_shortcut.bias");
        assert_eq!(one("cond_stage_model.transformer.final_layer_norm.bias"), "text_model.final_layer_norm.bias");
    }

    #[test]
    fn what_no_network_needs_has_no_name() {
        for key in [
            "betas",
            "model_ema.decay",
            "denoiser.sigmas",
            "first_stage_model.loss.x",
            "cond_stage_model.model.logit_scale",
            "v_pred",
            "cond_stage_model.transformer.text_model.embeddings.position_ids",
            "model.diffusion_model.input_blocks.0.1.x",
            "first_stage_model.decoder.up.9.block.0.conv1.bias",
        ] {
            assert_eq!(name(key, 4), None, "{key}");
        }
    }
}
