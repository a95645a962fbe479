//! Bringing a file of a model to its place, from wherever it is.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use super::fetch::{Request, fetch};
use super::guard::Guard;
use super::hash::{BLOCK, Hasher, hash_file};
use super::network::Network;
use super::{Event, StoreError, Watch};

/// Where a file comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum From {
    /// A file of this machine.
    Disk(PathBuf),
    /// The network.
    Web {
        /// Its address.
        address: String,
        /// Its length in bytes, where it is known.
        size: Option<u64>,
        /// Its SHA-256, where it is known.
        sha256: Option<String>,
    },
}

impl From {
    /// Its length in bytes, where it is known.
    pub(super) fn size(&self) -> Option<u64> {
        match self {
            Self::Disk(path) => fs::metadata(path).ok().map(|facts| facts.len()),
            Self::Web { size, .. } => *size,
        }
    }
}

/// A file that is in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Brought {
    /// Its length in bytes.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: String,
    /// The name that a server gives it.
    pub name: Option<String>,
}

/// What is not there whole is called so.
pub(super) fn part_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(".part");
    PathBuf::from(name)
}

/// Brings the file `name` to `place`. One that is there already from an attempt before is only looked at.
pub(super) fn bring(network: &Network, from: &From, name: &str, place: &Path, watch: &mut Watch<'_>) -> Result<Brought, StoreError> {
    match from {
        From::Disk(path) => copy(path, name, place, watch),
        From::Web { address, size, sha256 } => {
            if let Some(there) = there(place, *size, sha256.as_deref()) {
                return Ok(there);
            }
            let part = part_of(place);
            let request = Request { address, name, size: *size, sha256: sha256.as_deref() };
            let fetched = fetch(network, request, &part, watch)?;
            settle(&part, place)?;
            Ok(Brought { size: fetched.size, sha256: fetched.sha256, name: fetched.name })
        }
    }
}

/// A file that came before, if its bytes can be checked.
fn there(place: &Path, size: Option<u64>, sha256: Option<&str>) -> Option<Brought> {
    let (has, hash) = place.is_file().then(|| hash_file(place, &mut |_| {}).ok())??;
    let fits = match sha256 {
        Some(wanted) => wanted == hash,
        // Small files of a commit, whose text cannot change.
        None => size == Some(has),
    };
    fits.then_some(Brought { size: has, sha256: hash, name: None })
}

fn settle(part: &Path, place: &Path) -> Result<(), StoreError> {
    fs::rename(part, place).map_err(StoreError::disk("rename a part to", place))?;
    let _ = fs::remove_file(Guard::path(part));
    Ok(())
}

fn copy(path: &Path, name: &str, place: &Path, watch: &mut Watch<'_>) -> Result<Brought, StoreError> {
    let part = part_of(place);
    let folder = part.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(StoreError::disk("make the folder", folder))?;
    let mut source = File::open(path).map_err(StoreError::disk("read", path))?;
    let mut target = File::create(&part).map_err(StoreError::disk("write", &part))?;
    watch(Event::File { name: name.to_owned(), size: source.metadata().ok().map(|facts| facts.len()) });
    let (mut hasher, mut block, mut size) = (Hasher::default(), vec![0; BLOCK], 0);
    loop {
        let n = source.read(&mut block).map_err(StoreError::disk("read", path))?;
        if n == 0 {
            break;
        }
        hasher.add(&block[..n]);
        target.write_all(&block[..n]).map_err(StoreError::disk("write", &part))?;
        size += n as u64;
        watch(Event::At(size));
    }
    target.sync_all().map_err(StoreError::disk("write", &part))?;
    drop(target);
    settle(&part, place)?;
    Ok(Brought { size, sha256: hasher.hex(), name: None })
}
