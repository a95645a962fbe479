//! What is written down about a model in a store: a small file `NAME.model.json` beside it. A model without one serves as well.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// How the file of a record ends, after the model's name.
pub const RECORD_ENDING: &str = ".model.json";

/// What is known of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The name that graphs use.
    pub name: String,
    /// Where it came from.
    pub source: Origin,
    /// When it was added, in UTC: `2026-01-31T12:00:00Z`.
    pub added: String,
    /// The line of models it belongs to, or what kind of network it is: `sd1`, `sdxl`, `lora`, `onnx`…
    pub family: String,
    /// Its licence as its makers name it; nothing where nobody says.
    #[serde(default)]
    pub license: Option<String>,
    /// Its files.
    pub files: Vec<RecordedFile>,
}

/// A file of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedFile {
    /// Inside the model's folder with `/` between names; the file's own name where the model is a single file.
    pub path: String,
    /// Its length in bytes.
    pub size: u64,
    /// The SHA-256 of its bytes, 64 small hexadecimal digits.
    pub sha256: String,
}

/// Where a model came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Origin {
    /// This machine.
    Path {
        /// The file or folder.
        path: PathBuf,
    },
    /// The web.
    Address {
        /// The address, without passwords.
        address: String,
    },
    /// A repository of Hugging Face or a mirror of it.
    HuggingFace {
        /// `owner/name`.
        id: String,
        /// The branch, tag or commit that was asked for.
        revision: String,
        /// The commit that this was.
        commit: String,
        /// The server.
        endpoint: String,
    },
}

impl Origin {
    /// Whether a graph that names its model `name` means one from here: by `owner/name`, `hf:owner/name` or an address.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        match self {
            Self::Path { .. } => false,
            Self::Address { address } => address == name,
            Self::HuggingFace { id, endpoint, .. } => {
                let asked = name.strip_prefix("hf:").or_else(|| name.strip_prefix(endpoint.as_str())).unwrap_or(name);
                asked.trim_start_matches('/').eq_ignore_ascii_case(id)
            }
        }
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Path { path } => write!(f, "{}", path.display()),
            Self::Address { address } => f.write_str(address),
            Self::HuggingFace { id, revision, commit, endpoint } => {
                write!(f, "{endpoint}/{id}, {revision}")?;
                if commit == revision { Ok(()) } else { write!(f, " at {commit}") }
            }
        }
    }
}

impl Record {
    /// Where the record of the model `name` in `folder` lies.
    #[must_use]
    pub fn path(folder: &Path, name: &str) -> PathBuf {
        folder.join(format!("{name}{RECORD_ENDING}"))
    }

    /// The record of the model `name` in `folder`; nothing where there is none, or none that can be read.
    #[must_use]
    pub fn read(folder: &Path, name: &str) -> Option<Self> {
        read(&Self::path(folder, name))
    }

    /// Writes it into `folder`, whole or not at all.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(io::Error::other)?;
        let path = Self::path(folder, &self.name);
        let aside = path.with_extension("json.part");
        std::fs::write(&aside, text + "\n")?;
        std::fs::rename(&aside, &path)
    }

    /// The names of those models in `folder` that came from `source`, as a graph writes it.
    pub(super) fn from_source(folder: &Path, source: &str) -> Vec<String> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().to_str()?.strip_suffix(RECORD_ENDING).map(str::to_owned));
        let mut names: Vec<String> = names.filter(|name| Self::read(folder, name).is_some_and(|record| record.source.is(source))).collect();
        names.sort();
        names
    }
}

fn read(path: &Path) -> Option<Record> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_written_and_known_by_its_source() {
        let folder = tempfile::tempdir().unwrap();
        let record = Record {
            name: "dream.v1".into(),
            source: Origin::HuggingFace {
                id: "Some/Dream".into(),
                revision: "main".into(),
                commit: "abc".into(),
                endpoint: "https://huggingface.co".into(),
            },
            added: "2026-01-31T12:00:00Z".into(),
            family: "sd1".into(),
            license: None,
            files: vec![RecordedFile { path: "dream.v1.safetensors".into(), size: 3, sha256: "00".into() }],
        };
        record.write(folder.path()).unwrap();
        assert_eq!(Record::read(folder.path(), "dream.v1"), Some(record));
        for name in ["some/dream", "hf:Some/Dream", "https://huggingface.co/Some/Dream"] {
            assert_eq!(Record::from_source(folder.path(), name), ["dream.v1"], "{name}");
        }
        assert!(Record::from_source(folder.path(), "other/dream").is_empty());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
