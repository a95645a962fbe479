//! From a source to the files that are to be brought.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::add::Wanted;
use super::bring::From;
use super::choose::{Chosen, PICKLED, choose, is_within};
use super::hub::{HubFile, Listing};
use super::list::{inside, tree};
use super::name::{ending, stem};
use super::network::Network;
use super::source::{Repository, Source, beside, decoded, file_name, server, without_secrets};
use super::{StoreError, hub};
use crate::diffusion::checkpoint::pickled;
use crate::model::Origin;

/// A file of the model to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// Its path in the source, by which others are found beside it.
    pub from: String,
    /// Its path in the model.
    pub to: String,
    /// Where its bytes are.
    pub at: From,
}

/// All that is known of a model before it is brought.
#[derive(Debug)]
pub(super) struct Plan {
    /// For the record.
    pub origin: Origin,
    /// What must be the same for a part to be gone on with.
    pub key: String,
    /// The name it gets where none is asked for.
    pub name: String,
    /// Whether a server may know a better name.
    pub name_is_guess: bool,
    /// The files.
    pub items: Vec<Item>,
    /// The licence that the source names.
    pub license: Option<String>,
    /// What other files there are.
    others: Others,
}

/// Where files lie that a network turns out to need.
#[derive(Debug)]
enum Others {
    Folder(PathBuf),
    Address(String),
    Hub(HashMap<String, From>),
}

/// Stems of file names that say nothing.
const GENERIC: [&str; 5] = ["model", "diffusion_pytorch_model", "pytorch_model", "pytorch_lora_weights", "decoder_model"];

impl Plan {
    /// The file of that path in the source, if there is one.
    pub(super) fn other(&self, path: &str) -> Option<From> {
        match &self.others {
            Others::Folder(folder) => Some(From::Disk(folder.join(path))).filter(|_| folder.join(path).is_file()),
            Others::Address(address) => Some(From::Web { address: beside(address, path), size: None, sha256: None }),
            Others::Hub(files) => files.get(path).cloned(),
        }
    }

    /// What `wanted` asks for.
    pub(super) fn gather(wanted: &Wanted, network: &Network) -> Result<Self, StoreError> {
        let source = Source::parse(&wanted.source, &network.endpoint)?;
        let hub_only = if wanted.revision.is_some() { Some("--revision") } else { None };
        if let (Some(option), false) = (hub_only, matches!(source, Source::Hub(_))) {
            return Err(StoreError::Source(format!("{option} goes with a repository of Hugging Face; leave it out")));
        }
        match source {
            Source::Path(path) if path.is_dir() => Self::of_folder(&path, wanted),
            Source::Path(path) => Self::of_file(&path),
            Source::Address(address) => Self::of_address(&address, wanted),
            Source::Hub(repository) => Self::of_repository(&repository, wanted, network),
        }
    }

    fn of_file(path: &Path) -> Result<Self, StoreError> {
        if let Some(why) = pickled(path) {
            return Err(StoreError::Unfit(format!("`{}` is not taken: {why}", path.display())));
        }
        let real = std::path::absolute(path).map_err(StoreError::disk("read", path))?;
        let file = real.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let name = stem(&file).to_owned();
        let folder = real.parent().map(Path::to_path_buf).unwrap_or_default();
        let name = if GENERIC.contains(&name.as_str()) { last_part(&folder).unwrap_or(name) } else { name };
        let items = vec![Item { from: file.clone(), to: file, at: From::Disk(real.clone()) }];
        Ok(Self::new(Origin::Path { path: real }, name, items, Others::Folder(folder)))
    }

    fn of_folder(path: &Path, wanted: &Wanted) -> Result<Self, StoreError> {
        let real = path.canonicalize().map_err(StoreError::disk("read", path))?;
        let files: Vec<String> = tree(&real).iter().map(|file| inside(&real, file)).collect();
        let item = |Chosen { from, to }| Item { at: From::Disk(real.join(&from)), from, to };
        let items = choose(&files, &wanted.files)?.into_iter().map(item).collect();
        let name = last_part(&real).unwrap_or_default();
        Ok(Self::new(Origin::Path { path: real.clone() }, name, items, Others::Folder(real)))
    }

    fn of_address(address: &str, wanted: &Wanted) -> Result<Self, StoreError> {
        let file = file_name(address);
        if pickled(Path::new(&file)).is_some() {
            return Err(StoreError::Unfit(format!("`{file}` is not taken: {PICKLED}")));
        }
        if !wanted.files.is_empty() {
            return Err(StoreError::Source("--files goes with a folder or a repository; an address is one file".to_owned()));
        }
        // Any name does until the server tells a better one.
        let host = server(address).rsplit(['/', '@']).next().unwrap_or("model").replace(':', "-");
        let name = if stem(&file).is_empty() { host } else { stem(&file).to_owned() };
        let to = if file.is_empty() || !is_within(&file) { "model".to_owned() } else { file.clone() };
        let at = From::Web { address: address.to_owned(), size: None, sha256: wanted.sha256.clone() };
        let items = vec![Item { from: file.clone(), to, at }];
        let origin = Origin::Address { address: without_secrets(address) };
        let plan = Self::new(origin, name, items, Others::Address(address.to_owned()));
        Ok(Self { name_is_guess: ending(&file).is_none(), ..plan })
    }

    fn of_repository(repository: &Repository, wanted: &Wanted, network: &Network) -> Result<Self, StoreError> {
        let Repository { id, revision, file } = repository;
        let revision = wanted.revision.as_ref().or(revision.as_ref()).map_or("main", String::as_str);
        let globs = if wanted.files.is_empty() { file.iter().cloned().collect() } else { wanted.files.clone() };
        let Listing { commit, license, files } = hub::list(network, id, revision)?;
        let at = |HubFile { path, size, sha256 }| {
            let address = hub::address(network, id, &commit, &path);
            (path, From::Web { address, size, sha256 })
        };
        let paths: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
        let all: HashMap<String, From> = files.into_iter().map(at).collect();
        let item = |Chosen { from, to }| Some(Item { at: all.get(&from)?.clone(), from, to });
        let items: Vec<Item> = choose(&paths, &globs)?.into_iter().filter_map(item).collect();
        let name = match items.as_slice() {
            [only] if !globs.is_empty() && !GENERIC.contains(&stem(&only.to)) => stem(&only.to).to_owned(),
            _ => id.rsplit('/').next().unwrap_or(id).to_owned(),
        };
        let origin =
            Origin::HuggingFace { id: id.clone(), revision: decoded(revision), commit: commit.clone(), endpoint: network.endpoint.clone() };
        Ok(Self { license, ..Self::new(origin, name, items, Others::Hub(all)) })
    }

    fn new(origin: Origin, name: String, items: Vec<Item>, others: Others) -> Self {
        let key = origin.to_string();
        Self { origin, key, name, name_is_guess: false, items, license: None, others }
    }
}

fn last_part(path: &Path) -> Option<String> {
    Some(path.file_name()?.to_string_lossy().into_owned())
}
