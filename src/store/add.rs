//! Adding a model: gather what there is, bring it aside, look into it, give it its place, write down what it is.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::bring::{Brought, bring};
use super::choose::is_within;
use super::content::Content;
use super::gather::{Item, Plan};
use super::hash::is_hash;
use super::inspect::{Facts, look};
use super::name::{checked, ending, stem};
use super::stage::Stage;
use super::{Event, Network, Store, StoreError, Watch, date};
use crate::model::onnx::Interface;
use crate::model::{Origin, Record, RecordedFile};

/// What is to be added, as a user says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// A path, an http(s) address, or `owner/name`, `hf:owner/name`.
    pub source: String,
    /// The name for graphs; that of the source where none is given.
    pub name: Option<String>,
    /// A branch, tag or commit of a repository; `main` where none is given.
    pub revision: Option<String>,
    /// Patterns for the files of a repository or folder; those that Frameloom runs where none are given.
    pub files: Vec<String>,
    /// The licence, where the user knows better than the source.
    pub license: Option<String>,
    /// The SHA-256 that the one file must have.
    pub sha256: Option<String>,
    /// Whether to leave the files of a path where they are, and only refer to them.
    pub link: bool,
}

/// A model that was added.
#[derive(Debug, Clone, PartialEq)]
pub struct Added {
    /// Where it lies.
    pub path: PathBuf,
    /// What was written down.
    pub record: Record,
    /// What was seen of it.
    pub facts: Facts,
}

/// A file in the stage.
struct Staged {
    item: Item,
    size: u64,
    sha256: String,
}

impl Store {
    /// Adds a model. What was fetched stays for the next attempt when this one breaks off; under its name the model appears whole.
    ///
    /// # Errors
    /// Any [`StoreError`].
    pub fn add(&self, wanted: &Wanted, network: &Network, watch: &mut Watch<'_>) -> Result<Added, StoreError> {
        if let Some(hash) = wanted.sha256.as_ref().filter(|hash| !is_hash(hash)) {
            return Err(StoreError::Source(format!("`{hash}` is no SHA-256; give 64 hexadecimal digits")));
        }
        let plan = Plan::gather(wanted, network)?;
        if wanted.sha256.is_some() && plan.items.len() != 1 {
            return Err(StoreError::Source("--sha256 goes with one file; choose one with `--files`".to_owned()));
        }
        let name = checked(wanted.name.as_deref().unwrap_or(&plan.name))?.to_owned();
        self.free(&name)?;
        fs::create_dir_all(self.folder()).map_err(StoreError::disk("make the folder", self.folder()))?;
        if wanted.link {
            return self.link(wanted, &plan, &name, watch);
        }
        let stage = Stage::open(self, &name, &plan.key)?;
        match self.through(&stage, wanted, &plan, name, network, watch) {
            Ok((what, added)) => {
                stage.finish(&what, &added.path)?;
                added.record.write(self.folder()).map_err(StoreError::disk("write the record of", &added.path))?;
                Ok(added)
            }
            Err(error) => {
                // What is wrong stays wrong, and copies are quickly made anew; what was fetched is kept.
                let useless = matches!(error, StoreError::Unfit(_)) || matches!(plan.origin, Origin::Path { .. });
                if useless {
                    stage.abandon();
                } else {
                    stage.tidy();
                }
                Err(error)
            }
        }
    }

    fn free(&self, name: &str) -> Result<(), StoreError> {
        self.taken(name).map_or(Ok(()), |path| Err(StoreError::Exists { name: name.to_owned(), path }))
    }

    /// Brings all files into the stage, and gives what is to have its place then.
    fn through(
        &self,
        stage: &Stage,
        wanted: &Wanted,
        plan: &Plan,
        mut name: String,
        network: &Network,
        watch: &mut Watch<'_>,
    ) -> Result<(PathBuf, Added), StoreError> {
        let bytes = plan.items.iter().map(|item| item.at.size()).sum();
        watch(Event::Begin { files: plan.items.len(), bytes });
        let mut staged = Vec::new();
        for item in &plan.items {
            let brought = place(stage, network, item, wanted.sha256.as_deref(), watch)?;
            let better = brought.name.as_deref().filter(|_| plan.name_is_guess && wanted.name.is_none());
            if let Some(better) = better.and_then(|better| checked(stem(better)).ok()) {
                better.clone_into(&mut name);
                self.free(&name)?;
            }
            staged.push(Staged { item: item.clone(), size: brought.size, sha256: brought.sha256 });
        }
        companions(stage, plan, network, &mut staged, watch)?;
        self.settle(stage, wanted, plan, &name, staged)
    }

    /// Looks into what came and finds its place.
    fn settle(&self, stage: &Stage, wanted: &Wanted, plan: &Plan, name: &str, staged: Vec<Staged>) -> Result<(PathBuf, Added), StoreError> {
        let files = stage.files();
        let unfit = |why: String| StoreError::Unfit(format!("`{}` is not taken: {why}", wanted.source));
        let (what, place, facts) = match staged.as_slice() {
            [only] => {
                let path = files.join(&only.item.to);
                let kind = Content::of(&path).map_err(unfit)?;
                (path.clone(), self.folder().join(format!("{name}.{}", kind.ending())), look(&path).map_err(unfit)?)
            }
            _ => (files.clone(), self.folder().join(name), look(&files).map_err(unfit)?),
        };
        let single = staged.len() == 1;
        let file =
            |one: Staged| RecordedFile { path: if single { file_of(&place) } else { one.item.to }, size: one.size, sha256: one.sha256 };
        let files = staged.into_iter().map(file).collect();
        let record = record(name, wanted, plan, &facts, files);
        Ok((what, Added { path: place, record, facts }))
    }
}

/// What is written down.
pub(super) fn record(name: &str, wanted: &Wanted, plan: &Plan, facts: &Facts, files: Vec<RecordedFile>) -> Record {
    let license = wanted.license.clone().or_else(|| plan.license.clone()).or_else(|| facts.license.clone());
    Record { name: name.to_owned(), source: plan.origin.clone(), added: date::now(), family: facts.family.clone(), license, files }
}

fn file_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn place(stage: &Stage, network: &Network, item: &Item, sha256: Option<&str>, watch: &mut Watch<'_>) -> Result<Brought, StoreError> {
    let brought = bring(network, &item.at, &item.to, &stage.files().join(&item.to), watch)?;
    match sha256.map(str::to_lowercase).filter(|wanted| *wanted != brought.sha256) {
        Some(wanted) => {
            let advice = "nothing was added; check the hash and the file";
            Err(StoreError::Hash { file: item.to.clone(), wanted, got: brought.sha256, advice })
        }
        None => Ok(brought),
    }
}

/// Brings the files in which networks keep their weights, where they were not among those chosen.
fn companions(stage: &Stage, plan: &Plan, network: &Network, staged: &mut Vec<Staged>, watch: &mut Watch<'_>) -> Result<(), StoreError> {
    for at in 0..staged.len() {
        let Item { from, to, .. } = staged[at].item.clone();
        let path = stage.files().join(&to);
        if ending(&to) == Some("safetensors") {
            continue;
        }
        let Ok(face) = File::open(&path).and_then(Interface::read) else { continue };
        for file in face.outside {
            let beside = |path: &str| path.rsplit_once('/').map_or_else(|| file.clone(), |(folder, _)| format!("{folder}/{file}"));
            let (from, to) = (beside(&from), beside(&to));
            if staged.iter().any(|other| other.item.to == to) {
                continue;
            }
            let lost = || {
                StoreError::Unfit(format!(
                    "`{}` keeps weights in `{file}`, which is not there; add it with that file beside it",
                    staged[at].item.to
                ))
            };
            let at = Some(&to).filter(|to| is_within(to)).and_then(|_| plan.other(&from)).ok_or_else(lost)?;
            let item = Item { from, to, at };
            let Brought { size, sha256, .. } = place(stage, network, &item, None, watch)?;
            staged.push(Staged { item, size, sha256 });
        }
    }
    // A network that is not alone is known by its name.
    if let [first, _, ..] = staged.as_mut_slice()
        && plan.items.len() == 1
    {
        let path = stage.files().join(&first.item.to);
        "model.onnx".clone_into(&mut first.item.to);
        fs::rename(&path, stage.files().join("model.onnx")).map_err(StoreError::disk("rename", &path))?;
    }
    Ok(())
}
