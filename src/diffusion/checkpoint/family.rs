//! What a file of weights is, by the names in it.

use std::path::Path;

use serde_json::json;

use super::file::TensorFile;
use crate::diffusion::DiffusionError;
use crate::diffusion::folder::malformed;
use crate::diffusion::schedule::{Prediction, SchedulerConfig};

/// A line of models that share an architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Stable Diffusion 1.x: one text encoder, CLIP ViT-L.
    Sd1,
    /// Stable Diffusion 2.x: one text encoder, `OpenCLIP` ViT-H.
    Sd2,
    /// Stable Diffusion XL: CLIP ViT-L and `OpenCLIP` ViT-bigG.
    Sdxl,
}

/// Something else than a whole Stable Diffusion.
#[derive(Debug, Clone, Copy)]
pub struct Stranger {
    /// What it is, in a word: `lora`, `controlnet`…
    pub name: &'static str,
    /// What it is and what to do with it.
    pub advice: &'static str,
    /// Parts of names that only it has.
    marks: &'static [&'static str],
}

const fn stranger(name: &'static str, marks: &'static [&'static str], advice: &'static str) -> Stranger {
    Stranger { name, advice, marks }
}

/// The first that fits decides.
const STRANGERS: [Stranger; 12] = [
    stranger(
        "lora",
        &["lora_unet_", "lora_te", "lora_A.weight", "lora_B.weight", "lora_up.weight", "hada_w1_a", "lokr_w1", "oft_blocks"],
        "it is a LoRA, which goes on top of a model; name the model here and this file under `loras`",
    ),
    stranger("sd3", &["joint_blocks."], "it is a Stable Diffusion 3, which is not supported; use a model of the families 1.x, 2.x or XL"),
    stranger("flux", &["double_blocks."], "it is a Flux or a model like it, which is not supported; use a Stable Diffusion 1.x, 2.x or XL"),
    stranger(
        "controlnet",
        &["control_model.", "controlnet_cond_embedding", "input_hint_block"],
        "it is a ControlNet, which steers a model; name the model here",
    ),
    stranger("t2i-adapter", &["adapter.body.", "body.0.resnets."], "it is a T2I adapter, which steers a model; name the model here"),
    stranger("motion", &["motion_modules."], "it holds motion modules, which are not supported; use a Stable Diffusion 1.x, 2.x or XL"),
    stranger(
        "embedding",
        &["emb_params", "clip_g", "clip_l"],
        "it is an embedding (textual inversion), which is not a model; name the model here",
    ),
    stranger("sdxl-refiner", &["conditioner.embedders.0.model."], "it is the SDXL refiner, which is not supported; use the base model"),
    stranger(
        "edm",
        &["edm_mean", "edm_vpred.sigma_max"],
        "its noise schedule is EDM, which is not supported; use a model with epsilon or v-prediction",
    ),
    stranger(
        "cascade",
        &["model.diffusion_model.clip_mapper.", "model.diffusion_model.clf."],
        "it is a Stable Cascade, which is not supported; use a Stable Diffusion 1.x, 2.x or XL",
    ),
    stranger(
        "diffusers",
        &["down_blocks.", "unet.down_blocks."],
        "it holds a network under the names of diffusers; use that model's whole folder exported to ONNX, or a single-file checkpoint",
    ),
    stranger("vae", &["decoder.up", "encoder.down"], "it is a picture coder (VAE) alone; name the model here"),
];

/// What `file` is where it is no whole Stable Diffusion, as far as it is known.
#[must_use]
pub fn other_than_checkpoint(file: &TensorFile) -> Option<&'static Stranger> {
    let whole = begins(file, WHOLE);
    STRANGERS.iter().find(|stranger| {
        // Names of a part alone count only where there is no whole model around it.
        let found = |mark: &&str| file.tensors.keys().any(|key| if whole { key.starts_with(mark) } else { key.contains(mark) });
        stranger.marks.iter().any(found)
    })
}

/// How names of a whole checkpoint begin.
const WHOLE: &str = "model.diffusion_model.input_blocks.";

fn begins(file: &TensorFile, start: &str) -> bool {
    file.tensors.range(start.to_owned()..).next().is_some_and(|(key, _)| key.starts_with(start))
}

impl Family {
    /// The family of a checkpoint.
    ///
    /// # Errors
    /// [`DiffusionError::Malformed`], which says what the file is instead.
    pub fn of(file: &TensorFile, path: &Path) -> Result<Self, DiffusionError> {
        if let Some(stranger) = other_than_checkpoint(file) {
            return Err(malformed(path, stranger.advice.to_owned()));
        }
        let begins = |start: &str| begins(file, start);
        if !begins(WHOLE) {
            return Err(malformed(path, "it holds no Stable Diffusion model that is known; use a checkpoint of 1.x, 2.x or XL".to_owned()));
        }
        if begins("conditioner.embedders.1.model.") {
            Ok(Self::Sdxl)
        } else if begins("cond_stage_model.model.") {
            Ok(Self::Sd2)
        } else if begins("cond_stage_model.transformer.") {
            Ok(Self::Sd1)
        } else {
            Err(malformed(path, "its text encoder is left out; use a whole checkpoint, with text encoder and VAE".to_owned()))
        }
    }

    /// What the family's latents are multiplied with.
    #[must_use]
    pub fn scaling(self) -> f32 {
        if self == Self::Sdxl { 0.13025 } else { 0.18215 }
    }

    /// The name that people use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sd1 => "Stable Diffusion 1.x",
            Self::Sd2 => "Stable Diffusion 2.x",
            Self::Sdxl => "Stable Diffusion XL",
        }
    }

    /// The layers of the text encoder that run: of ViT-H all but the last, as Stable Diffusion 2.x was trained.
    pub(super) fn text_layers(self) -> usize {
        if self == Self::Sd2 { 23 } else { usize::MAX }
    }

    /// The noise schedule that models of this family are published with.
    pub(super) fn scheduler(self, prediction: Prediction, zero_snr: bool) -> SchedulerConfig {
        let class = match self {
            Self::Sd1 => "PNDMScheduler",
            Self::Sd2 => "DDIMScheduler",
            Self::Sdxl => "EulerDiscreteScheduler",
        };
        // All three were trained on the same betas.
        let published = json!({
            "_class_name": class, "num_train_timesteps": 1000,
            "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
            "steps_offset": 1, "timestep_spacing": if zero_snr { "trailing" } else { "leading" },
            "clip_sample": false, "set_alpha_to_one": false, "skip_prk_steps": true,
            "rescale_betas_zero_snr": zero_snr,
        });
        let config = serde_json::from_value(published).unwrap_or_default();
        SchedulerConfig { prediction_type: Some(prediction), ..config }
    }
}

/// What the network's output means, where the file or a configuration beside it says so: the empty arrays `v_pred` and `ztsnr`,
/// the metadata of the model specification, or `parameterization: "v"` in the `.yaml` of the same name. And whether the noisiest
/// timestep is pure noise.
pub(super) fn prediction(file: &TensorFile) -> (Option<Prediction>, bool) {
    let zero_snr = file.tensors.contains_key("ztsnr");
    let said = file.metadata.get("modelspec.prediction_type").map(String::as_str);
    let config = std::fs::read_to_string(file.path.with_extension("yaml")).unwrap_or_default();
    let line = config.lines().find_map(|line| line.trim().strip_prefix("parameterization:"));
    let configured = line.map(|value| value.trim().trim_matches(['"', '\'']));
    let found = match (said, configured) {
        _ if file.tensors.contains_key("v_pred") => Some(Prediction::VPrediction),
        (Some("v" | "v_prediction"), _) | (_, Some("v")) => Some(Prediction::VPrediction),
        (Some("epsilon"), _) | (_, Some("eps")) => Some(Prediction::Epsilon),
        _ => None,
    };
    (found, zero_snr)
}
