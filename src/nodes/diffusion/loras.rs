//! The LoRAs of a node over time: those listed, and those that prompts name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diffusion::lora::{Applied, Lora};
use crate::diffusion::prompt::{ExtraNetwork, LoraTag, extra_networks};
use crate::model::{FindError, find_model};
use crate::node::{Fault, Problem};
use crate::param::{PathParam, PromptAt, WeightedAt};

/// Where LoRAs lie beside a model or a graph: our name for the folder, and A1111's.
const FOLDERS: [&str; 2] = ["loras", "Lora"];

/// Weights are taken in steps of this: a smaller move is not worth loading the network again.
const STEP: f64 = 0.01;

/// A LoRA file that is wanted, and how strongly.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wish {
    pub(super) path: PathBuf,
    unet: f64,
    text: f64,
}

/// The files that are wanted at a tick: `listed`, then those that the prompt names. `base` is the folder of the graph, `model` what is
/// painted with. Those of weight 0 are left out.
pub(super) fn wishes(
    listed: &[WeightedAt],
    prompt: Option<&PromptAt>,
    glides: bool,
    base: &Path,
    model: &Path,
) -> Result<Vec<Wish>, Fault> {
    let mut all = Vec::new();
    for entry in listed {
        let path = find(entry.file.text(), entry.file.base(), model)?;
        all.push(Wish { path, unet: rounded(entry.weight), text: rounded(entry.text_weight) });
    }
    for tag in prompt.map_or_else(Vec::new, |prompt| tags(prompt, glides)) {
        all.push(Wish { path: find(&tag.name, base, model)?, unet: rounded(tag.unet), text: rounded(tag.text) });
    }
    all.retain(|wish| wish.unet != 0.0 || wish.text != 0.0);
    Ok(all)
}

/// The LoRAs that a prompt names. Where it `glides` into another, each counts as much as the prompt that names it.
fn tags(prompt: &PromptAt, glides: bool) -> Vec<LoraTag> {
    let named = |text: &str, share: f64| {
        let scaled = move |tag: LoraTag| LoraTag { unet: tag.unet * share, text: tag.text * share, ..tag };
        extra_networks(text).1.iter().filter_map(ExtraNetwork::lora).map(scaled).collect::<Vec<_>>()
    };
    let toward = prompt.to.as_deref().filter(|_| glides);
    let mut all = named(&prompt.from, if toward.is_some() { 1.0 - prompt.mix } else { 1.0 });
    for tag in toward.map_or_else(Vec::new, |text| named(text, prompt.mix)) {
        match all.iter_mut().find(|other| other.name == tag.name) {
            Some(same) => (same.unet, same.text) = (same.unet + tag.unet, same.text + tag.text),
            None => all.push(tag),
        }
    }
    all
}

fn rounded(weight: f64) -> f64 {
    (weight / STEP).round() * STEP
}

/// The file of the LoRA `name`: a path from the folder `base`, or a name in a folder of LoRAs beside the model, beside the graph, or
/// among the models.
fn find(name: &str, base: &Path, model: &Path) -> Result<PathBuf, FindError> {
    let beside = model.ancestors().take(3).flat_map(|folder| FOLDERS.map(|loras| folder.join(loras)));
    let mut places = beside.flat_map(|folder| [folder.join(name), folder.join(format!("{name}.safetensors"))]);
    if let Some(path) = places.find(|path| path.is_file()) {
        return Ok(path);
    }
    find_model(&format!("{}/{name}", FOLDERS[0]), base).or_else(|_| find_model(name, base))
}

/// Says which LoRAs are missing or are none: `listed` files, and those that prompts name.
pub(super) fn check<'a>(listed: impl Iterator<Item = &'a PathParam>, prompts: &[PromptAt], base: &Path, model: &Path) -> Vec<Problem> {
    let mut named: Vec<String> = prompts.iter().flat_map(|prompt| tags(prompt, true)).map(|tag| tag.name).collect();
    named.sort_unstable();
    named.dedup();
    let listed = listed.map(|file| ("loras", find(file.text(), file.base(), model)));
    let named = named.iter().map(|name| ("prompt", find(name, base, model)));
    let wrong = |(at, found): (&'static str, Result<PathBuf, FindError>)| match found {
        Err(error) => Some(super::with_model::not_found(at, &error)),
        Ok(path) => Lora::check(&path).err().map(|error| super::problem(at, &error.to_string())),
    };
    listed.chain(named).filter_map(wrong).collect()
}

/// Reads files that are not among those that are open already.
pub(super) fn read(wishes: &[Wish], open: &[Arc<Lora>]) -> Result<Vec<Applied>, Fault> {
    let one = |wish: &Wish| {
        let known = open.iter().find(|lora| lora.path == wish.path).cloned();
        let lora = known.map_or_else(|| Lora::open(&wish.path).map(Arc::new), Ok)?;
        Ok(Applied { lora, unet: wish.unet, text: wish.text })
    };
    wishes.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(from: &str, to: Option<&str>, mix: f64) -> PromptAt {
        PromptAt { from: from.to_owned(), to: to.map(str::to_owned), mix }
    }

    #[test]
    fn prompts_name_loras_and_hand_them_over() {
        let now = prompt("a cat <lora:ink:0.8>", Some("a dog <lora:ink:0.4> <lora:oil>"), 0.5);
        let told = |glides| tags(&now, glides).into_iter().map(|tag| (tag.name, (tag.unet * 100.0).round())).collect::<Vec<_>>();
        assert_eq!(told(false), [("ink".to_owned(), 80.0)]);
        assert_eq!(told(true), [("ink".to_owned(), 60.0), ("oil".to_owned(), 50.0)]);
    }

    #[test]
    fn names_are_looked_up_beside_the_model_and_the_graph() {
        let home = tempfile::tempdir().unwrap();
        let touch = |path: &str| {
            let path = home.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        };
        for path in ["models/sd/model.safetensors", "models/Lora/ink.safetensors", "graphs/loras/oil.safetensors"] {
            touch(path);
        }
        let (base, model) = (home.path().join("graphs"), home.path().join("models/sd/model.safetensors"));
        assert_eq!(find("ink", &base, &model).unwrap(), home.path().join("models/Lora/ink.safetensors"));
        assert_eq!(find("oil", &base, &model).unwrap(), base.join("loras/oil.safetensors"));
        let listed = [WeightedAt { file: PathParam::new("loras/oil.safetensors", &base), weight: 0.0, text_weight: 0.0 }];
        assert_eq!(wishes(&listed, Some(&prompt("<lora:ink:0.123>", None, 0.0)), false, &base, &model).unwrap().len(), 1);
        assert!(wishes(&[], Some(&prompt("<lora:chalk>", None, 0.0)), false, &base, &model).is_err());
    }
}
