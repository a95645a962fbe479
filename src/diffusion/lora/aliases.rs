//! The names that LoRA files have for the modules of a model.
//!
//! kohya's scripts write underscores for dots, which cannot be undone; so the names of all modules of the model at hand are written in
//! every way that is in use, and looked up.

use std::collections::HashMap;

use crate::diffusion::checkpoint::{Part, original_modules};

/// A module: the network, and its name in diffusers.
pub(super) type Module = (Part, String);

/// Every name of every module to the module.
pub(super) struct Aliases(HashMap<String, Module>);

impl Aliases {
    /// Of the modules of these networks.
    pub(super) fn of<'a>(modules: impl Iterator<Item = (Part, &'a str)>, two_encoders: bool) -> Self {
        let originals = original_modules();
        let mut names = HashMap::new();
        for (part, module) in modules {
            let mut add = |name: String| {
                names.entry(name).or_insert_with(|| (part, module.to_owned()));
            };
            let flat = module.replace('.', "_");
            match part {
                Part::Unet => {
                    for prefix in ["lora_unet_", "lycoris_", "lycoris_unet_"] {
                        add(format!("{prefix}{flat}"));
                    }
                    for prefix in ["unet.", "", "base_model.model.", "unet.base_model.model."] {
                        add(format!("{prefix}{module}"));
                    }
                    for original in originals.find(module) {
                        add(format!("lora_unet_{}", original.replace('.', "_")));
                        add(format!("diffusion_model.{original}"));
                        add(format!("model.diffusion_model.{original}"));
                    }
                }
                Part::Text if two_encoders => {
                    add(format!("lora_te1_{flat}"));
                    add(format!("text_encoder.{module}"));
                }
                Part::Text => {
                    for prefix in ["lora_te_", "lora_te1_"] {
                        add(format!("{prefix}{flat}"));
                    }
                    add(format!("text_encoder.{module}"));
                }
                Part::Text2 => {
                    add(format!("lora_te2_{flat}"));
                    add(format!("text_encoder_2.{module}"));
                }
                Part::Vae => {}
            }
        }
        Self(names)
    }

    /// The module that a file means by `name`.
    pub(super) fn find(&self, name: &str) -> Option<&Module> {
        self.0.get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_found_under_all_their_names() {
        let (unet, text) = ("down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q", "text_model.encoder.layers.0.mlp.fc1");
        let aliases = Aliases::of([(Part::Unet, unet), (Part::Unet, "up_blocks.0.resnets.1.conv1"), (Part::Text, text)].into_iter(), false);
        for name in [
            "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q",
            "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q",
            "diffusion_model.input_blocks.4.1.transformer_blocks.0.attn1.to_q",
            "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q",
            "base_model.model.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q",
        ] {
            assert_eq!(aliases.find(name), Some(&(Part::Unet, unet.to_owned())), "{name}");
        }
        assert_eq!(aliases.find("lora_unet_output_blocks_1_0_in_layers_2").map(|m| m.1.as_str()), Some("up_blocks.0.resnets.1.conv1"));
        assert_eq!(aliases.find("lora_te_text_model_encoder_layers_0_mlp_fc1").map(|m| m.0), Some(Part::Text));
        assert_eq!(aliases.find("lora_te2_text_model_encoder_layers_0_mlp_fc1"), None);
    }
}
