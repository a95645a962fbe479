//! Single-file checkpoints: a `.safetensors` file of a Stable Diffusion, run as it is.
//!
//! The networks are written as ONNX graphs from the architecture that the shapes in the file tell ([`network`]); every weight in
//! them is a place in the user's file, so nothing is converted or copied to disk.

mod family;
mod file;
mod names;
mod network;
mod vocabulary;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

pub use family::{Family, Stranger, other_than_checkpoint};
pub use file::{Stored, TensorFile};
pub use names::{Form, Named, Originals, Part, name, original_modules, vae_levels};

use self::network::{Activation, BuildError, Source, TextShape, Weight, Weights};
use super::DiffusionError;
use super::folder::{Defaults, ModelFolder, UnetConfig, VaeConfig, malformed};
use super::networks::{Change, Networks};
use super::schedule::Prediction;
use super::tokenizer::Tokenizer;
use crate::model::onnx::Network;
use crate::model::{Replacement, Session, SessionOptions, Weights as Given};

/// An opened checkpoint.
#[derive(Debug)]
pub struct Checkpoint {
    file: TensorFile,
    family: Family,
    parts: BTreeMap<Part, Weights>,
    /// The networks that somebody has loaded.
    loaded: Mutex<HashMap<(String, SessionOptions), Weak<Session>>>,
}

impl Checkpoint {
    /// Opens the checkpoint at `path`: reads the list of its weights and finds out what it is.
    ///
    /// # Errors
    /// When the file is no checkpoint of a known family, or lacks parts.
    pub fn open(path: &Path) -> Result<Self, DiffusionError> {
        if let Some(advice) = pickled(path) {
            return Err(malformed(path, advice.to_owned()));
        }
        Self::of(TensorFile::open(path)?, path)
    }

    /// The checkpoint in an opened file, which messages call `path`.
    ///
    /// # Errors
    /// As [`Checkpoint::open`].
    pub fn of(file: TensorFile, path: &Path) -> Result<Self, DiffusionError> {
        let family = Family::of(&file, path)?;
        let parts = sort(&file);
        if !parts.contains_key(&Part::Vae) {
            return Err(malformed(path, "its picture coder (VAE) is left out; use a whole checkpoint".to_owned()));
        }
        let checkpoint = Self { file, family, parts, loaded: Mutex::default() };
        for part in checkpoint.part_names() {
            checkpoint.graph(part, &|_| false)?;
        }
        Ok(checkpoint)
    }

    /// Which line of models it belongs to.
    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    /// Its networks, by the names that diffusers gives them.
    #[must_use]
    pub fn part_names(&self) -> &'static [&'static str] {
        const ALL: [&str; 5] = ["unet", "vae_decoder", "vae_encoder", "text_encoder", "text_encoder_2"];
        if self.family == Family::Sdxl { &ALL } else { &ALL[..4] }
    }

    /// The original names of all weights that a network is made of.
    #[must_use]
    pub fn keys(&self, part: Part) -> Vec<&str> {
        self.parts.get(&part).into_iter().flatten().map(|(_, weight)| weight.key.as_str()).collect()
    }

    /// The network of a part as an ONNX file whose weights are places in the checkpoint; of those that are `given`, 32-bit floats that
    /// must be handed over when it is loaded.
    ///
    /// # Errors
    /// When there is no such part, or weights of it are missing or of a shape that no network of this family has.
    pub fn graph(&self, part: &str, given: &dyn Fn(&str) -> bool) -> Result<Vec<u8>, DiffusionError> {
        let unfit = |error: BuildError| malformed(&self.file.path, format!("{error}, so its {part} cannot be made; fetch it again"));
        let name = self.file.path.file_name().and_then(|name| name.to_str());
        let file = name.ok_or_else(|| malformed(&self.file.path, "its name is not Unicode; rename it".to_owned()))?;
        let of = |part: Part| self.parts.get(&part).map(|weights| Source { weights, file, given });
        let missing = || malformed(&self.file.path, format!("it has no {part}"));
        let activation = if self.family == Family::Sd2 { Activation::Gelu } else { Activation::QuickGelu };
        let first = TextShape { activation, layers: self.family.text_layers() };
        let second = TextShape { activation: Activation::Gelu, layers: usize::MAX };
        let built = match part {
            "unet" => network::unet(&of(Part::Unet).ok_or_else(missing)?, self.pooled()),
            "vae_encoder" => network::encoder(&of(Part::Vae).ok_or_else(missing)?),
            "vae_decoder" => network::decoder(&of(Part::Vae).ok_or_else(missing)?),
            "text_encoder" => network::text(&of(Part::Text).ok_or_else(missing)?, first),
            "text_encoder_2" => network::text(&of(Part::Text2).ok_or_else(missing)?, second),
            _ => return Err(missing()),
        };
        built.map_err(unfit)
    }

    /// How wide the pooled text is.
    fn pooled(&self) -> Option<usize> {
        let weight = self.parts.get(&Part::Text2)?.get("text_projection.weight")?;
        weight.stored.shape.get(usize::from(weight.transposed)).copied()
    }

    fn shape(&self, part: Part, name: &str) -> &[usize] {
        self.parts.get(&part).and_then(|weights| weights.get(name)).map_or(&[], |weight| &weight.stored.shape)
    }

    /// What the first axis of `name` measures in every block that has it, `{}` standing for the number.
    fn channels(&self, part: Part, name: &str) -> Vec<usize> {
        (0..).map_while(|level| self.shape(part, &name.replace("{}", &level.to_string())).first().copied()).collect()
    }

    /// The checkpoint as a model.
    #[must_use]
    pub fn into_model(self, path: &Path) -> ModelFolder {
        let (prediction, zero_snr) = family::prediction(&self.file);
        let vae = VaeConfig {
            scaling_factor: self.family.scaling(),
            shift_factor: None,
            latent_channels: self.shape(Part::Vae, "decoder.conv_in.weight").get(1).copied().unwrap_or(4),
            block_out_channels: self.channels(Part::Vae, "encoder.down_blocks.{}.resnets.0.conv1.weight"),
        };
        let unet = UnetConfig {
            in_channels: self.shape(Part::Unet, "conv_in.weight").get(1).copied().unwrap_or(4),
            block_out_channels: self.channels(Part::Unet, "down_blocks.{}.resnets.0.conv1.weight"),
        };
        ModelFolder {
            path: path.to_path_buf(),
            scheduler: self.family.scheduler(prediction.unwrap_or(Prediction::Epsilon), zero_snr),
            // Any size that the picture coder can make.
            defaults: Defaults { multiple: Some(vae.factor()), ..Defaults::default() },
            vae,
            unet,
            zeros_for_no_negative: true,
            scores: false,
            networks: Arc::new(self),
        }
    }
}

impl Networks for Checkpoint {
    fn has(&self, part: &str) -> bool {
        self.part_names().contains(&part)
    }

    fn open(&self, part: &str, options: &SessionOptions) -> Result<Arc<Session>, DiffusionError> {
        let key = (part.to_owned(), options.clone());
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = loaded.get(&key).and_then(Weak::upgrade) {
            return Ok(session);
        }
        let graph = self.graph(part, &|_| false)?;
        let given = Given { folder: self.file.path.parent().map(Path::to_path_buf), ..Given::default() };
        let session = Session::from_bytes(&self.file.path, &graph, &given, options)?;
        loaded.insert(key, Arc::downgrade(&session));
        Ok(session)
    }

    fn weights(&self, part: &str) -> Result<Vec<String>, DiffusionError> {
        let part = match part {
            "unet" => Part::Unet,
            "text_encoder" => Part::Text,
            "text_encoder_2" => Part::Text2,
            _ => return Ok(Vec::new()),
        };
        // A matrix with its axes exchanged is one that nothing is trained on.
        let weights = self.parts.get(&part).into_iter().flatten().filter(|(_, weight)| !weight.transposed);
        Ok(weights.map(|(name, _)| name.clone()).collect())
    }

    fn open_changed(&self, part: &str, options: &SessionOptions, change: &dyn Change) -> Result<Arc<Session>, DiffusionError> {
        let graph = self.graph(part, &|name| change.touches(name))?;
        let weights = match part {
            "text_encoder" => self.parts.get(&Part::Text),
            "text_encoder_2" => self.parts.get(&Part::Text2),
            _ => self.parts.get(&Part::Unet),
        };
        let mut given = Given { folder: self.file.path.parent().map(Path::to_path_buf), ..Given::default() };
        for initializer in Network::read(graph.clone()).map(|network| network.initializers).unwrap_or_default() {
            let Some(weight) = weights.and_then(|weights| weights.get(&initializer.name)).filter(|_| change.touches(&initializer.name))
            else {
                continue;
            };
            let mut numbers = self.file.numbers(&weight.stored)?;
            change.apply(&initializer.name, &mut numbers, &weight.stored.shape)?;
            let tensor =
                ndarray::ArrayD::from_shape_vec(initializer.shape, numbers).map_err(|e| malformed(&self.file.path, e.to_string()))?;
            given.replaced.push(Replacement::new(&initializer.name, tensor.into(), true)?);
        }
        Ok(Session::from_bytes(&self.file.path, &graph, &given, options)?)
    }

    fn tokenizer(&self, name: &str) -> Result<Tokenizer, DiffusionError> {
        // OpenCLIP's texts are filled up with token 0.
        let open_clip = name == "tokenizer_2" || self.family == Family::Sd2;
        vocabulary::tokenizer(open_clip.then_some("!"))
    }
}

/// The weights of a file by network and name in diffusers.
fn sort(file: &TensorFile) -> BTreeMap<Part, Weights> {
    let levels = vae_levels(file.tensors.keys().map(String::as_str));
    let mut parts: BTreeMap<Part, Weights> = BTreeMap::new();
    for (key, stored) in &file.tensors {
        let Some(named) = name(key, levels) else { continue };
        let weights = parts.entry(named.part).or_default();
        let count = named.names.len();
        for (index, name) in named.names.into_iter().enumerate() {
            let stored = part_of(stored, index, count, named.form);
            weights.insert(name, Weight { stored, key: key.clone(), transposed: named.form == Form::Transposed });
        }
    }
    parts
}

/// The `index`-th of `count` parts of an array, in the shape that its form calls for.
fn part_of(stored: &Stored, index: usize, count: usize, form: Form) -> Stored {
    let mut part = stored.clone();
    match (form, part.shape.as_slice()) {
        (Form::Matrix, &[rows, columns, 1, 1]) => part.shape = vec![rows, columns],
        (Form::Thirds, _) => {
            if let Some(rows) = part.shape.first_mut() {
                *rows /= count;
            }
            part.length /= count as u64;
            part.offset += index as u64 * part.length;
        }
        _ => {}
    }
    part
}

/// What to say of files that hold a Python program rather than numbers.
#[must_use]
pub fn pickled(path: &Path) -> Option<&'static str> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    ["ckpt", "pt", "pth", "bin"].contains(&extension.as_str()).then_some(
        "it is a pickled PyTorch file, which can run any program when it is read; take the `.safetensors` edition of the model, or convert \
         it with a tool you trust",
    )
}
