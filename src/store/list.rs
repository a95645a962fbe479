//! Which models there are.

use std::fs;
use std::path::{Path, PathBuf};

use super::bring::part_of;
use super::inspect::{look, networks};
use super::name::{ending, stem};
use super::{Store, StoreError};
use crate::model::{RECORD_ENDING as ENDING, Record};

/// A model that graphs can name.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The name, with `/` where it lies in folders inside.
    pub name: String,
    /// The file or folder.
    pub path: PathBuf,
    /// The folder of models that it was found in.
    pub folder: PathBuf,
    /// What is written down about it.
    pub record: Option<Record>,
    /// Whether one of the same name lies in a folder that is searched before.
    pub hidden: bool,
}

/// A model that is not whole yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Its name.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
    /// Bytes that are there.
    pub size: u64,
}

/// Folders inside folders of models are looked into so deep.
const DEPTH: usize = 3;

/// Parts of a pipeline, by which its folder is known.
const PARTS: [&str; 6] = ["unet", "vae_decoder", "vae_encoder", "text_encoder", "text_encoder_2", "controlnet"];

impl Entry {
    fn new(folder: &Path, prefix: &str, path: PathBuf) -> Option<Self> {
        let file = path.file_name()?.to_str()?;
        let own = if path.is_dir() { file } else { stem(file) };
        let record = Record::read(path.parent()?, own);
        Some(Self { name: format!("{prefix}{own}"), folder: folder.to_path_buf(), record, hidden: false, path })
    }

    /// The model `own` in `folder`, of which nothing but the record is left.
    fn lost(root: &Path, folder: &Path, prefix: &str, own: &str) -> Option<Self> {
        let there = ["", ".onnx", ".safetensors"].iter().any(|ending| folder.join(format!("{own}{ending}")).exists());
        let record = Record::read(folder, own).filter(|_| !there)?;
        let path = match record.files.as_slice() {
            [only] => folder.join(&only.path),
            _ => folder.join(own),
        };
        Some(Self { name: format!("{prefix}{own}"), path, folder: root.to_path_buf(), record: Some(record), hidden: false })
    }

    /// Whether its files are gone.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        !self.path.exists()
    }

    /// Its files: itself, or all in its folder.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        if self.path.is_dir() { tree(&self.path) } else { vec![self.path.clone()] }
    }

    /// The bytes of its files.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.files().iter().filter_map(|path| fs::metadata(path).ok()).map(|facts| facts.len()).sum()
    }

    /// Where it really lies, if the store only has a link to it.
    #[must_use]
    pub fn link(&self) -> Option<PathBuf> {
        fs::read_link(&self.path).ok()
    }

    /// What it is and its licence, as recorded or, for models that somebody copied there, as it looks.
    #[must_use]
    pub fn kind(&self) -> (String, Option<String>) {
        match &self.record {
            Some(record) => (record.family.clone(), record.license.clone()),
            None => look(&self.path).map_or_else(|_| ("broken".to_owned(), None), |facts| (facts.family, facts.license)),
        }
    }
}

/// The models in `folders`, which are searched in that order.
#[must_use]
pub fn entries(folders: &[PathBuf]) -> Vec<Entry> {
    let mut all: Vec<Entry> = Vec::new();
    for folder in folders {
        let mut here = Vec::new();
        scan(folder, folder, "", DEPTH, &mut here);
        for mut entry in here {
            entry.hidden = all.iter().any(|other| other.name == entry.name);
            all.push(entry);
        }
    }
    all
}

fn scan(root: &Path, folder: &Path, prefix: &str, depth: usize, all: &mut Vec<Entry>) {
    for path in sorted(folder) {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if name.starts_with('.') || path.extension().is_some_and(|ending| ending == "part") {
            continue;
        }
        if let Some(own) = name.strip_suffix(ENDING) {
            all.extend(Entry::lost(root, folder, prefix, own));
        } else if path.is_dir() && !is_model(&path) {
            if depth > 1 {
                scan(root, &path, &format!("{prefix}{name}/"), depth - 1, all);
            }
        } else if path.is_dir() || ending(name).is_some() && path.exists() {
            all.extend(Entry::new(root, prefix, path));
        }
    }
}

/// Whether a folder is a model, rather than one of models.
fn is_model(folder: &Path) -> bool {
    folder.join("model_index.json").is_file() || networks(folder).iter().any(|(name, _)| name.is_empty() || PARTS.contains(&name.as_str()))
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    all.sort();
    all
}

/// All files in a folder and the folders inside, but hidden ones.
pub(super) fn tree(folder: &Path) -> Vec<PathBuf> {
    let shown = |path: &PathBuf| path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.'));
    sorted(folder).into_iter().filter(shown).flat_map(|path| if path.is_dir() { tree(&path) } else { vec![path] }).collect()
}

/// The path of a file inside `folder`, with `/` between names.
pub(super) fn inside(folder: &Path, file: &Path) -> String {
    let rest = file.strip_prefix(folder).unwrap_or(file);
    rest.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// The model `name` among `all`: the one that graphs mean, or the one of that source.
///
/// # Errors
/// [`StoreError::Missing`] with the nearest name.
pub fn find<'a>(all: &'a [Entry], name: &str) -> Result<&'a Entry, StoreError> {
    let named = all.iter().find(|entry| !entry.hidden && entry.name == stem(name));
    let sourced = || all.iter().find(|entry| entry.record.as_ref().is_some_and(|record| record.source.is(name)));
    named.or_else(sourced).ok_or_else(|| {
        let near = crate::diag::nearest(name, all.iter().map(|entry| entry.name.as_str()));
        StoreError::Missing { name: name.to_owned(), near: near.map(str::to_owned) }
    })
}

impl Store {
    /// The models in it.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        entries(std::slice::from_ref(&self.folder))
    }

    /// What is on its way or was left half-way.
    #[must_use]
    pub fn unfinished(&self) -> Vec<Unfinished> {
        let one = |path: PathBuf| {
            let name = path.file_name()?.to_str()?.strip_suffix(".part")?.to_owned();
            let size = tree(&path.join("files")).iter().filter_map(|file| fs::metadata(file).ok()).map(|facts| facts.len()).sum();
            path.is_dir().then_some(Unfinished { name, path, size })
        };
        sorted(&self.folder).into_iter().filter_map(one).collect()
    }

    /// Where the model `name` lies, if there is one.
    pub(super) fn taken(&self, name: &str) -> Option<PathBuf> {
        let endings = ["", ".onnx", ".safetensors"];
        let mut places = endings.iter().map(|ending| self.folder.join(format!("{name}{ending}")));
        places.find(|place| place.symlink_metadata().is_ok())
    }

    /// Where the model `name` would lie unfinished.
    pub(super) fn part(&self, name: &str) -> PathBuf {
        part_of(&self.folder.join(name))
    }
}
