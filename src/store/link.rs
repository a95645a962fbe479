//! Models that stay where they are: the store has a link to them.

use std::io;
use std::path::Path;

use super::add::{Added, Wanted, record};
use super::bring::From;
use super::content::Content;
use super::gather::Plan;
use super::hash::hash_file;
use super::inspect::look;
use super::{Event, Store, StoreError, Watch};
use crate::model::{Origin, RecordedFile};

impl Store {
    /// Refers to the file or folder that `plan` is about.
    pub(super) fn link(&self, wanted: &Wanted, plan: &Plan, name: &str, watch: &mut Watch<'_>) -> Result<Added, StoreError> {
        let Origin::Path { path } = &plan.origin else {
            return Err(StoreError::Source("--link goes with a path; leave it out".to_owned()));
        };
        let unfit = |why: String| StoreError::Unfit(format!("`{}` is not taken: {why}", wanted.source));
        if path.is_dir() && plan.items.iter().any(|item| item.from != item.to) {
            return Err(unfit("its files lie otherwise than Frameloom needs them; add it without `--link`".to_owned()));
        }
        let facts = look(path).map_err(unfit)?;
        if let Some(file) = facts.missing.first() {
            return Err(unfit(format!("it keeps weights in `{file}`, which is not there; add it with that file beside it")));
        }
        let place = if path.is_dir() {
            self.folder().join(name)
        } else {
            self.folder().join(format!("{name}.{}", Content::of(path).map_err(unfit)?.ending()))
        };
        watch(Event::Begin { files: plan.items.len(), bytes: plan.items.iter().map(|item| item.at.size()).sum() });
        let mut files = Vec::new();
        for item in &plan.items {
            let From::Disk(from) = &item.at else { continue };
            watch(Event::File { name: item.to.clone(), size: item.at.size() });
            let (size, sha256) = hash_file(from, &mut |done| watch(Event::At(done))).map_err(StoreError::disk("read", from))?;
            if let Some(wanted) = wanted.sha256.as_ref().map(|hash| hash.to_lowercase()).filter(|wanted| *wanted != sha256) {
                let advice = "nothing was added; check the hash and the file";
                return Err(StoreError::Hash { file: item.to.clone(), wanted, got: sha256, advice });
            }
            files.push(RecordedFile { path: item.to.clone(), size, sha256 });
        }
        let record = record(name, wanted, plan, &facts, files);
        symlink(path, &place).map_err(StoreError::disk("make the link", &place))?;
        record.write(self.folder()).map_err(StoreError::disk("write the record of", &place))?;
        Ok(Added { path: place, record, facts })
    }
}

#[cfg(unix)]
fn symlink(path: &Path, place: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(path, place)
}

#[cfg(windows)]
fn symlink(path: &Path, place: &Path) -> io::Result<()> {
    if path.is_dir() { std::os::windows::fs::symlink_dir(path, place) } else { std::os::windows::fs::symlink_file(path, place) }
}
