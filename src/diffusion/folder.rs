//! A model folder in the layout of diffusers and Optimum: which files there are and what their configurations say.
//!
//! `model_index.json` lists parts by the names of PyTorch's world, so the folders that are there decide, not the index.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::DiffusionError;
use super::checkpoint::Checkpoint;
use super::networks::{Files, Networks};
use super::sampler::SamplerKind;
use super::schedule::SchedulerConfig;
use super::strength::StrengthReading;

/// What a model folder says of itself.
#[derive(Debug, Clone)]
pub struct ModelFolder {
    /// The folder.
    pub path: PathBuf,
    /// Where its networks and tokenizers come from.
    pub networks: Arc<dyn Networks>,
    /// How noise grows, and what the network predicts.
    pub scheduler: SchedulerConfig,
    /// The picture coder.
    pub vae: VaeConfig,
    /// The denoising network.
    pub unet: UnetConfig,
    /// What to use where a graph says nothing.
    pub defaults: Defaults,
    /// Whether a negative prompt that is not given is read as zeros: SDXL's `force_zeros_for_empty_prompt`.
    pub zeros_for_no_negative: bool,
    /// Whether SDXL's `time_ids` end with a score (`requires_aesthetics_score`), where the network does not say.
    pub scores: bool,
}

/// Of `vae_decoder/config.json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct VaeConfig {
    /// Latents are the coder's output times this.
    pub scaling_factor: f32,
    /// Subtracted before the scaling; nothing in Stable Diffusion.
    pub shift_factor: Option<f32>,
    /// Channels of the latents.
    pub latent_channels: usize,
    /// Channels of each level; each but the first halves the size.
    pub block_out_channels: Vec<usize>,
}

impl Default for VaeConfig {
    /// Stable Diffusion 1.x, whose early exports leave the scaling factor out.
    fn default() -> Self {
        Self { scaling_factor: 0.18215, shift_factor: None, latent_channels: 4, block_out_channels: vec![128, 256, 512, 512] }
    }
}

impl VaeConfig {
    /// Pixels to a latent, in each direction.
    #[must_use]
    pub fn factor(&self) -> usize {
        1 << self.block_out_channels.len().clamp(1, 8).saturating_sub(1)
    }
}

/// Of `unet/config.json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct UnetConfig {
    /// Channels of its input; more than the latents have for inpainting models.
    pub in_channels: usize,
    /// Channels of each level; each but the first halves the size.
    pub block_out_channels: Vec<usize>,
}

impl Default for UnetConfig {
    fn default() -> Self {
        Self { in_channels: 4, block_out_channels: vec![320, 640, 1280, 1280] }
    }
}

/// What to use where a graph says nothing: the key `_defaults` of `model_index.json`, Frameloom's own.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Defaults {
    /// How strongly the prompt pulls.
    pub guidance_scale: Option<f64>,
    /// How much of a picture is repainted, 0 to 1.
    pub strength: Option<f64>,
    /// Steps.
    pub steps: Option<usize>,
    /// The sampler, by the name that graphs use.
    pub sampler: Option<String>,
    /// How strength and steps go together, by the name that graphs use.
    pub steps_mean: Option<String>,
    /// The picture's sides must be multiples of this many pixels, where that is less than the network's levels suggest.
    pub multiple: Option<usize>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Index {
    #[serde(rename = "_defaults")]
    defaults: Defaults,
    force_zeros_for_empty_prompt: Option<bool>,
    requires_aesthetics_score: Option<bool>,
}

/// The scaling factor of SDXL's coder, which old exports leave out.
const SDXL_SCALING: f32 = 0.13025;

impl ModelFolder {
    /// Opens the model at `path`: a folder, whose configurations are read, or a checkpoint in a single file.
    pub fn open(path: &Path) -> Result<Self, DiffusionError> {
        if path.is_file() { Ok(Checkpoint::open(path)?.into_model(path)) } else { Self::read(path) }
    }

    /// Reads the configurations in the folder `path`.
    fn read(path: &Path) -> Result<Self, DiffusionError> {
        let index: Index = read_json_if_there(&path.join("model_index.json"))?.unwrap_or_default();
        let networks = Files::of(path);
        let xl = networks.has("text_encoder_2");
        let vae_configs = ["vae_decoder/config.json", "vae_encoder/config.json", "vae/config.json"];
        let mut vae = Map::new();
        for name in vae_configs.iter().rev() {
            vae.extend(settings(&path.join(name))?);
        }
        if xl {
            vae.entry("scaling_factor").or_insert_with(|| SDXL_SCALING.into());
        }
        Ok(Self {
            scheduler: SchedulerConfig::open(&path.join("scheduler/scheduler_config.json"))?,
            vae: typed(&path.join(vae_configs[0]), vae)?,
            unet: typed(&path.join("unet/config.json"), settings(&path.join("unet/config.json"))?)?,
            defaults: index.defaults,
            zeros_for_no_negative: index.force_zeros_for_empty_prompt.unwrap_or(true),
            scores: index.requires_aesthetics_score.unwrap_or(false),
            networks: Arc::new(networks),
            path: path.to_path_buf(),
        })
    }

    /// Whether the model has that part: `unet`, `text_encoder`…
    #[must_use]
    pub fn has(&self, part: &str) -> bool {
        self.networks.has(part)
    }

    /// The sides of a picture must be multiples of this many pixels: an exported UNet joins its levels only where each halves
    /// evenly.
    #[must_use]
    pub fn multiple(&self) -> usize {
        let levels = self.unet.block_out_channels.len().clamp(1, 8) - 1;
        self.defaults.multiple.unwrap_or(self.vae.factor() << levels).max(self.vae.factor())
    }

    /// The sampler for this model where none is asked for: its `_defaults`, or the scheduler it was exported with.
    #[must_use]
    pub fn sampler(&self) -> SamplerKind {
        let named = self.defaults.sampler.as_deref().and_then(SamplerKind::from_name);
        named.unwrap_or(SamplerKind::FromModel)
    }

    /// What strength and steps mean together for this model where a graph does not say; nothing where that is up to the sampler.
    #[must_use]
    pub fn reading(&self) -> Option<StrengthReading> {
        self.defaults.steps_mean.as_deref().and_then(StrengthReading::from_name)
    }
}

/// A text file as a whole.
pub(super) fn read_text(path: &Path) -> Result<String, DiffusionError> {
    std::fs::read_to_string(path).map_err(|source| DiffusionError::Read { path: path.to_path_buf(), source })
}

/// A JSON file.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, DiffusionError> {
    serde_json::from_str(&read_text(path)?).map_err(|error| malformed(path, error.to_string()))
}

/// The settings in a JSON file, without those that are null; none if it is not there.
fn settings(path: &Path) -> Result<Map<String, Value>, DiffusionError> {
    let mut settings: Map<String, Value> = read_json_if_there(path)?.unwrap_or_default();
    settings.retain(|_, value| !value.is_null());
    Ok(settings)
}

fn typed<T: DeserializeOwned>(path: &Path, settings: Map<String, Value>) -> Result<T, DiffusionError> {
    serde_json::from_value(Value::Object(settings)).map_err(|error| malformed(path, error.to_string()))
}

fn read_json_if_there<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, DiffusionError> {
    if path.is_file() { read_json(path).map(Some) } else { Ok(None) }
}

/// A file that is there but not what it should be.
pub(super) fn malformed(path: &Path, why: String) -> DiffusionError {
    DiffusionError::Malformed { path: path.to_path_buf(), why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, Result<ModelFolder, DiffusionError>) {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let opened = ModelFolder::open(dir.path());
        (dir, opened)
    }

    const SCHEDULER: (&str, &str) = ("scheduler/scheduler_config.json", r#"{"_class_name": "LCMScheduler"}"#);

    #[test]
    fn a_bare_folder_is_stable_diffusion_1() {
        let (_dir, opened) = folder(&[SCHEDULER]);
        let model = opened.unwrap();
        assert_eq!((model.vae.factor(), model.multiple(), model.vae.latent_channels), (8, 64, 4));
        assert!((model.vae.scaling_factor - 0.18215).abs() < 1e-9);
        assert_eq!(model.sampler(), SamplerKind::FromModel);
    }

    #[test]
    fn sizes_channels_and_defaults_come_from_the_folder() {
        let (_dir, opened) = folder(&[
            SCHEDULER,
            ("model_index.json", r#"{"vae": ["diffusers", "AutoencoderKL"], "_defaults": {"guidance_scale": 1, "sampler": "ddim"}}"#),
            ("vae_decoder/config.json", r#"{"scaling_factor": 3.0, "latent_channels": 48, "block_out_channels": [48, 48, 48]}"#),
            ("unet/config.json", r#"{"in_channels": 48, "block_out_channels": [64, 112, 160]}"#),
        ]);
        let model = opened.unwrap();
        assert_eq!((model.vae.factor(), model.multiple()), (4, 16));
        assert_eq!((model.defaults.guidance_scale, model.sampler()), (Some(1.0), SamplerKind::from_name("ddim").unwrap()));
    }

    #[test]
    fn what_is_missing_or_null_has_its_default() {
        let second = ("text_encoder_2/model.onnx", "");
        let nulls = ("vae_decoder/config.json", r#"{"scaling_factor": null, "latent_channels": null}"#);
        let (_dir, opened) = folder(&[SCHEDULER, second, nulls, ("vae_encoder/config.json", r#"{"shift_factor": 0.5}"#)]);
        let vae = opened.unwrap().vae;
        assert_eq!((vae.scaling_factor, vae.shift_factor, vae.latent_channels), (SDXL_SCALING, Some(0.5), 4));
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let (_dir, opened) = folder(&[("unet/config.json", "{}")]);
        assert!(opened.unwrap_err().to_string().contains("scheduler_config.json"));
        let (_dir, opened) = folder(&[SCHEDULER, ("vae_decoder/config.json", "{")]);
        assert!(opened.unwrap_err().to_string().contains("not usable"));
    }
}
