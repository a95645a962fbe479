//! LoRA: small files that change a model, several at once and each as strongly as asked.
//!
//! Their changes are worked into the weights when a network is loaded: the model's own files are neither copied nor written. Another
//! strength means that the networks that change are loaded again, which takes as long as loading them did; running costs nothing.

mod adapter;
mod aliases;
mod file;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use file::Lora;

use self::adapter::apply;
use self::aliases::Aliases;
use super::DiffusionError;
use super::checkpoint::Part;
use super::folder::malformed;
use super::networks::{Change, Networks};
use super::tokenizer::Tokenizer;
use crate::model::{Session, SessionOptions};

/// A LoRA and how strongly it is applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// What is applied.
    pub lora: Arc<Lora>,
    /// How strongly it changes the denoising network: 1 as it was trained, 0 not at all; may be negative or above 1.
    pub unet: f64,
    /// How strongly it changes the text encoders.
    pub text: f64,
}

/// The changes of all LoRAs to one network, by the name of the weight.
#[derive(Debug, Default)]
struct Changes {
    /// Which module of which LoRA, and how strongly.
    weights: BTreeMap<String, Vec<(Arc<Lora>, String, f32)>>,
}

impl Change for Changes {
    fn touches(&self, weight: &str) -> bool {
        self.weights.contains_key(weight)
    }

    fn apply(&self, weight: &str, numbers: &mut [f32], shape: &[usize]) -> Result<(), DiffusionError> {
        for (lora, module, strength) in self.weights.get(weight).into_iter().flatten() {
            let Some(arrays) = lora.modules.get(module) else { continue };
            apply(arrays, numbers, shape, *strength)
                .map_err(|why| malformed(&lora.path, format!("`{module}` {why}; was it made for another model?")))?;
        }
        Ok(())
    }
}

/// The networks of a model with LoRAs applied.
#[derive(Debug)]
pub struct Adapted {
    base: Arc<dyn Networks>,
    changes: BTreeMap<Part, Changes>,
}

impl Adapted {
    /// `base` with `loras` applied. Those of strength 0 change nothing.
    ///
    /// # Errors
    /// When nothing of a LoRA fits the model, or the model's weights cannot be told apart.
    pub fn new(base: Arc<dyn Networks>, loras: &[Applied]) -> Result<Self, DiffusionError> {
        let mut weights: BTreeMap<Part, BTreeSet<String>> = BTreeMap::new();
        for (part, name) in PARTS.into_iter().filter(|(_, name)| base.has(name)) {
            weights.insert(part, base.weights(name)?.into_iter().collect());
        }
        let module = |name: &'_ String| name.strip_suffix(".weight").map(str::to_owned);
        let modules: Vec<(Part, String)> =
            weights.iter().flat_map(|(part, names)| names.iter().filter_map(move |name| Some((*part, module(name)?)))).collect();
        let aliases = Aliases::of(modules.iter().map(|(part, name)| (*part, name.as_str())), base.has("text_encoder_2"));
        let mut changes: BTreeMap<Part, Changes> = BTreeMap::new();
        for applied in loras {
            sort(applied, &aliases, &weights, &mut changes)?;
        }
        Ok(Self { base, changes })
    }

    /// Works the changes of a weight of `part` into its numbers: outputs first in `shape`, then inputs, then a kernel.
    ///
    /// # Errors
    /// When a change is of another shape.
    pub fn apply(&self, part: &str, weight: &str, numbers: &mut [f32], shape: &[usize]) -> Result<(), DiffusionError> {
        self.change(part).map_or(Ok(()), |change| change.apply(weight, numbers, shape))
    }

    fn change(&self, part: &str) -> Option<&Changes> {
        PARTS.iter().find(|(_, name)| *name == part).and_then(|(part, _)| self.changes.get(part))
    }
}

/// The networks that a LoRA may change.
const PARTS: [(Part, &str); 3] = [(Part::Unet, "unet"), (Part::Text, "text_encoder"), (Part::Text2, "text_encoder_2")];

/// Puts each module of a LoRA to the weight that it changes.
fn sort(
    applied: &Applied,
    aliases: &Aliases,
    weights: &BTreeMap<Part, BTreeSet<String>>,
    changes: &mut BTreeMap<Part, Changes>,
) -> Result<(), DiffusionError> {
    let (lora, mut strange) = (&applied.lora, Vec::new());
    for module in lora.modules.keys() {
        let (stem, end) = module.strip_suffix(".bias").map_or((module.as_str(), "weight"), |stem| (stem, "bias"));
        let found = aliases.find(stem).map(|(part, name)| (*part, format!("{name}.{end}")));
        let Some((part, name)) = found.filter(|(part, name)| weights.get(part).is_some_and(|names| names.contains(name))) else {
            strange.push(module.as_str());
            continue;
        };
        let strength = if part == Part::Unet { applied.unet } else { applied.text };
        if strength != 0.0 {
            changes.entry(part).or_default().weights.entry(name).or_default().push((Arc::clone(lora), module.clone(), strength as f32));
        }
    }
    if strange.len() == lora.modules.len() {
        let why = format!("nothing of it fits this model, not even `{}`; use a LoRA that was made for a model of this family", strange[0]);
        return Err(malformed(&lora.path, why));
    }
    if let Some(first) = strange.first() {
        tracing::warn!(
            "{}: {} of {} modules are not in this model, such as `{first}`",
            lora.path.display(),
            strange.len(),
            lora.modules.len()
        );
    }
    Ok(())
}

impl Networks for Adapted {
    fn has(&self, part: &str) -> bool {
        self.base.has(part)
    }

    fn open(&self, part: &str, options: &SessionOptions) -> Result<Arc<Session>, DiffusionError> {
        match self.change(part) {
            Some(change) => self.base.open_changed(part, options, change),
            None => self.base.open(part, options),
        }
    }

    fn open_widened(&self, part: &str, options: &SessionOptions) -> Result<Option<Arc<Session>>, DiffusionError> {
        // Networks with changes have no such form; it is asked for of picture coders.
        if self.change(part).is_some() { Ok(None) } else { self.base.open_widened(part, options) }
    }

    fn tokenizer(&self, name: &str) -> Result<Tokenizer, DiffusionError> {
        self.base.tokenizer(name)
    }

    fn weights(&self, part: &str) -> Result<Vec<String>, DiffusionError> {
        self.base.weights(part)
    }

    fn open_changed(&self, part: &str, options: &SessionOptions, change: &dyn Change) -> Result<Arc<Session>, DiffusionError> {
        self.base.open_changed(part, options, change)
    }
}
