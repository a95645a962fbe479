//! The words of `frameloom models`.

use clap::{Args, Subcommand};

use super::super::args::ProgressStyle;

/// `frameloom models`.
#[derive(Debug, Clone, Args)]
pub struct ModelsArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: ModelsVerb,
}

/// The verbs of `frameloom models`.
#[derive(Debug, Clone, Subcommand)]
pub enum ModelsVerb {
    /// List the models that graphs can name.
    #[command(visible_alias = "ls")]
    List,
    /// Say all that is known of a model: its source, files and hashes, what goes in and comes out.
    Info(InfoArgs),
    /// Add a model from a path, an address or Hugging Face.
    ///
    /// Files are brought aside, resumed where an attempt before stopped, hashed as they come, and appear under the model's name when all is
    /// whole. `HF_TOKEN` opens repositories that are not public, `HF_ENDPOINT` names a mirror.
    Add(AddArgs),
    /// Compare the files of models with what was written down when they were added.
    Verify(VerifyArgs),
    /// Remove models from the store.
    #[command(visible_alias = "remove")]
    Rm(RmArgs),
}

/// `frameloom models info`.
#[derive(Debug, Clone, Args)]
pub struct InfoArgs {
    /// The model's name, or the repository it came from.
    pub name: String,
}

/// `frameloom models add`.
#[derive(Debug, Clone, Args)]
pub struct AddArgs {
    /// A file or folder, an http(s) address, or a repository of Hugging Face: `owner/name` or `hf:owner/name`.
    pub source: String,
    /// The name for graphs; that of the source when not given.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// A branch, tag or commit of the repository; `main` when not given.
    #[arg(long, value_name = "REVISION")]
    pub revision: Option<String>,
    /// Files of the repository or folder, with `*` and `?`; those that Frameloom runs when not given.
    #[arg(long, value_name = "GLOB", num_args = 1.., value_delimiter = ',')]
    pub files: Vec<String>,
    /// Its licence, where the source does not name it.
    #[arg(long, visible_alias = "licence", value_name = "LICENCE")]
    pub license: Option<String>,
    /// The SHA-256 that the file must have.
    #[arg(long, value_name = "HEX")]
    pub sha256: Option<String>,
    /// Leave the files of a path where they are and only refer to them.
    #[arg(long)]
    pub link: bool,
    /// Never touch the network.
    #[arg(long)]
    pub offline: bool,
    /// How progress is shown.
    #[arg(long, value_enum, default_value_t = ProgressStyle::Auto)]
    pub progress: ProgressStyle,
}

/// `frameloom models verify`.
#[derive(Debug, Clone, Args)]
pub struct VerifyArgs {
    /// The models; all that are recorded when none is given.
    pub names: Vec<String>,
    /// How progress is shown.
    #[arg(long, value_enum, default_value_t = ProgressStyle::Auto)]
    pub progress: ProgressStyle,
}

/// `frameloom models rm`.
#[derive(Debug, Clone, Args)]
pub struct RmArgs {
    /// The models' exact names.
    #[arg(required = true)]
    pub names: Vec<String>,
}
