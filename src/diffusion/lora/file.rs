//! A LoRA file: its arrays, gathered by the weight that each changes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::adapter::{Array, Arrays};
use crate::diffusion::DiffusionError;
use crate::diffusion::checkpoint::{TensorFile, pickled};
use crate::diffusion::folder::malformed;

/// How names of arrays end, and what the array is. Longer endings come before those that they end with.
const ENDINGS: [(&str, &str); 33] = [
    (".lora_down.weight", "lora_down"),
    (".lora_up.weight", "lora_up"),
    (".lora_mid.weight", "lora_mid"),
    (".lora_A.default.weight", "lora_down"),
    (".lora_B.default.weight", "lora_up"),
    (".lora_A.weight", "lora_down"),
    (".lora_B.weight", "lora_up"),
    (".lora.down.weight", "lora_down"),
    (".lora.up.weight", "lora_up"),
    ("_lora.down.weight", "lora_down"),
    ("_lora.up.weight", "lora_up"),
    (".lora_linear_layer.down.weight", "lora_down"),
    (".lora_linear_layer.up.weight", "lora_up"),
    (".lora_magnitude_vector.weight", "dora_scale"),
    (".lora_magnitude_vector", "dora_scale"),
    (".dora_scale", "dora_scale"),
    (".hada_w1_a", "hada_w1_a"),
    (".hada_w1_b", "hada_w1_b"),
    (".hada_w2_a", "hada_w2_a"),
    (".hada_w2_b", "hada_w2_b"),
    (".hada_t1", "hada_t1"),
    (".hada_t2", "hada_t2"),
    (".lokr_w1", "lokr_w1"),
    (".lokr_w2", "lokr_w2"),
    (".lokr_w1_a", "lokr_w1_a"),
    (".lokr_w1_b", "lokr_w1_b"),
    (".lokr_w2_a", "lokr_w2_a"),
    (".lokr_w2_b", "lokr_w2_b"),
    (".lokr_t2", "lokr_t2"),
    (".alpha", "alpha"),
    (".diff_b", "diff_b"),
    (".diff", "diff"),
    (".oft_blocks", "oft_blocks"),
];

/// A read LoRA. Its numbers are in memory: such files are small.
#[derive(Debug, PartialEq)]
pub struct Lora {
    /// The file.
    pub path: PathBuf,
    /// The arrays by the name of the module that they change, as the file has it.
    pub(super) modules: BTreeMap<String, Arrays>,
}

impl Lora {
    /// Looks whether the file at `path` is a LoRA, without reading its numbers.
    ///
    /// # Errors
    /// As [`Lora::open`].
    pub fn check(path: &Path) -> Result<(), DiffusionError> {
        list(path).map(|_| ())
    }

    /// Reads the LoRA at `path`.
    ///
    /// # Errors
    /// When the file cannot be read or is no LoRA.
    pub fn open(path: &Path) -> Result<Self, DiffusionError> {
        let (file, named) = list(path)?;
        let mut modules: BTreeMap<String, Arrays> = BTreeMap::new();
        for (key, (module, role)) in named {
            let stored = &file.tensors[&key];
            modules.entry(module).or_default().insert(role, Array { shape: stored.shape.clone(), data: file.numbers(stored)? });
        }
        Ok(Self { path: path.to_path_buf(), modules })
    }
}

/// A module and what an array is to it.
type Role = (String, &'static str);

/// The arrays of a LoRA that are understood, by their names in the file.
fn list(path: &Path) -> Result<(TensorFile, BTreeMap<String, Role>), DiffusionError> {
    if let Some(advice) = pickled(path) {
        return Err(malformed(path, advice.to_owned()));
    }
    let file = TensorFile::open(path)?;
    let (mut named, mut unknown) = (BTreeMap::new(), Vec::new());
    for key in file.tensors.keys() {
        match parted(key) {
            Some(role) => drop(named.insert(key.clone(), role)),
            None => unknown.push(key.as_str()),
        }
    }
    if named.values().all(|(_, role)| *role == "alpha") {
        let first = unknown.first().map_or_else(String::new, |key| format!(" (it begins with `{key}`)"));
        return Err(malformed(path, format!("it is no LoRA that is known{first}; give a file in the format of kohya, LyCORIS or PEFT")));
    }
    if let Some(key) = unknown.first() {
        tracing::warn!("{}: `{key}` and {} more arrays are not understood and left out", path.display(), unknown.len() - 1);
    }
    Ok((file, named))
}

/// The module that an array belongs to, and what it is there. Old files of diffusers have processors in the names.
fn parted(key: &str) -> Option<Role> {
    let (module, role) = ENDINGS.iter().find_map(|(end, role)| key.strip_suffix(end).map(|module| (module, *role)))?;
    let module = module.replace(".processor.to_out", ".to_out.0").replace(".processor", "");
    // What is added to a bias is a module of its own here.
    Some(if role == "diff_b" { (format!("{module}.bias"), "diff") } else { (module, role) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_part_into_module_and_role() {
        let part = |key| parted(key).map(|(module, role)| format!("{module} {role}")).unwrap_or_default();
        assert_eq!(part("lora_unet_mid_block_proj_in.lora_down.weight"), "lora_unet_mid_block_proj_in lora_down");
        assert_eq!(part("unet.mid_block.to_q.lora_B.weight"), "unet.mid_block.to_q lora_up");
        assert_eq!(part("unet.a.attn1.processor.to_out_lora.up.weight"), "unet.a.attn1.to_out.0 lora_up");
        assert_eq!(part("unet.a.attn1.processor.to_q_lora.up.weight"), "unet.a.attn1.to_q lora_up");
        assert_eq!(part("lora_te_x.alpha"), "lora_te_x alpha");
        assert_eq!(part("lora_unet_x.diff_b"), "lora_unet_x.bias diff");
        assert_eq!(part("model.embed"), "");
    }
}
