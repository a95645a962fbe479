//! What may go wrong with the store.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Why a model could not be added, found, checked or removed. Messages are `fact; advice`.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A name that no file can have, or that would be mistaken for something else.
    #[error("`{name}` cannot be the name of a model: {why}; give another with `--name`")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// There is a model of that name already.
    #[error(
        "there is a model `{name}` already, at `{}`; remove it with `frameloom models rm {name}`, or give another name with `--name`",
        path.display()
    )]
    Exists {
        /// The name.
        name: String,
        /// Where it lies.
        path: PathBuf,
    },
    /// No such model.
    #[error("there is no model `{name}`; {}", advice(near.as_deref()))]
    Missing {
        /// What was asked for.
        name: String,
        /// A name that is close to it.
        near: Option<String>,
    },
    /// The model is not the store's, so it is not the store's to remove.
    #[error("`{name}` does not lie in the store; remove it by hand if you want to: `{}`", path.display())]
    Outside {
        /// Its name.
        name: String,
        /// Where it lies.
        path: PathBuf,
    },
    /// What is to be added makes no sense.
    #[error("{0}")]
    Source(String),
    /// Which of the files are wanted is not clear.
    #[error("{why}\nthere are:\n  {}", files.join("\n  "))]
    Choice {
        /// What is not clear, and what to do.
        why: String,
        /// The files there are.
        files: Vec<String>,
    },
    /// The network is needed, but not to be used.
    #[error(
        "`{address}` is on the network, and Frameloom is told to stay offline; leave out `--offline`, HF_HUB_OFFLINE and FRAMELOOM_OFFLINE, or add the model from a file"
    )]
    Offline {
        /// What would have been asked for.
        address: String,
    },
    /// The server refused.
    #[error("`{address}` answers {code}{}; {advice}", reason(*code))]
    Refused {
        /// What was asked for.
        address: String,
        /// The status.
        code: u16,
        /// What to do.
        advice: String,
    },
    /// The server could not be reached, or the connection broke down once too often.
    #[error("cannot fetch `{address}`: {why}; {advice}")]
    Connection {
        /// What was asked for.
        address: String,
        /// What happened.
        why: String,
        /// What to do.
        advice: &'static str,
    },
    /// The bytes are not those that were promised.
    #[error("`{file}` is not what it should be: its SHA-256 is {got}, not {wanted}; {advice}")]
    Hash {
        /// The file.
        file: String,
        /// The hash it should have.
        wanted: String,
        /// The hash it has.
        got: String,
        /// What to do.
        advice: &'static str,
    },
    /// The file is not as long as was promised.
    #[error("`{file}` has {got} bytes in place of {wanted}; fetch it again")]
    Length {
        /// The file.
        file: String,
        /// The length it should have in bytes.
        wanted: u64,
        /// The length it has.
        got: u64,
    },
    /// What came is no model that Frameloom can use.
    #[error("{0}")]
    Unfit(String),
    /// Another Frameloom is at it.
    #[error("another Frameloom is adding this model right now; wait for it, or give another name with `--name`")]
    Busy,
    /// The disk refuses.
    #[error("cannot {doing} `{}`: {why}", path.display())]
    Disk {
        /// `write`, `read`…
        doing: &'static str,
        /// What was touched.
        path: PathBuf,
        /// What the system says, and what to do.
        why: String,
    },
}

impl StoreError {
    /// The word by which programs know it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Name { .. } => "model-name",
            Self::Exists { .. } => "model-exists",
            Self::Missing { .. } => "no-model",
            Self::Outside { .. } => "model-outside",
            Self::Source(_) => "model-source",
            Self::Choice { .. } => "model-files",
            Self::Offline { .. } => "offline",
            Self::Refused { .. } => "refused",
            Self::Connection { .. } => "connection",
            Self::Hash { .. } | Self::Length { .. } => "damaged",
            Self::Unfit(_) => "unfit-model",
            Self::Busy => "busy",
            Self::Disk { .. } => "disk",
        }
    }

    /// Whether the command line was at fault, rather than the world.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Name { .. } | Self::Exists { .. } | Self::Missing { .. } | Self::Outside { .. } | Self::Source(_) | Self::Choice { .. }
        )
    }

    /// For `map_err`: the system refused to let us be `doing` that with `path`.
    pub(super) fn disk(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| {
            let why = match error.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                    "the disk is full; make room and give the command again, it goes on where it stopped".to_owned()
                }
                ErrorKind::PermissionDenied => format!("{error}; choose another folder with `--models-dir`"),
                _ => error.to_string(),
            };
            Self::Disk { doing, path: path.to_path_buf(), why }
        }
    }
}

/// What to do about a name that no model has.
fn advice(near: Option<&str>) -> String {
    near.map_or_else(|| "`frameloom models list` shows all".to_owned(), |near| format!("did you mean `{near}`?"))
}

/// What a status means, for those that users meet.
fn reason(code: u16) -> &'static str {
    match code {
        401 => " (not authorised)",
        403 => " (forbidden)",
        404 => " (not found)",
        410 => " (gone)",
        429 => " (too many requests)",
        500..=599 => " (the server is in trouble)",
        _ => "",
    }
}
