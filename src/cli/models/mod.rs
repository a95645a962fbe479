//! `frameloom models`: the user's store of models.

mod add;
mod args;
mod bar;
mod check;
mod info;
mod list;

use std::path::Path;

use serde_json::json;

use crate::diag::{Diagnostic, Sources, split_advice};
use crate::model::{model_folders, store_folder};
use crate::store::{Entry, Store, StoreError, entries};

use super::Exit;
use super::load::Style;

pub use args::ModelsArgs;
use args::ModelsVerb;

/// Runs a verb of `frameloom models`.
pub fn models(args: &ModelsArgs, style: Style) -> Exit {
    let Some(folder) = store_folder() else {
        let nowhere = "no folder for models is known; set HOME, or give one with `--models-dir`";
        return fail(&StoreError::Source(nowhere.to_owned()), style);
    };
    let store = Store::at(&folder);
    match &args.verb {
        ModelsVerb::List => list::list(&store, style),
        ModelsVerb::Info(args) => info::info(&args.name, &store, style),
        ModelsVerb::Add(args) => add::add(args, &store, style),
        ModelsVerb::Verify(args) => check::verify(args, style),
        ModelsVerb::Rm(args) => check::remove(args, &store, style),
    }
}

/// All models that a graph in the current folder can name.
fn known() -> Vec<Entry> {
    entries(&model_folders(Path::new("")))
}

/// Shows an error; tells how the program ends.
fn fail(error: &StoreError, style: Style) -> Exit {
    let text = error.to_string();
    let (head, rest) = text.split_once('\n').map_or((text.as_str(), None), |(head, rest)| (head, Some(rest)));
    let (fact, advice) = split_advice(head);
    let mut shown = Diagnostic::error(error.code(), fact);
    for help in [rest, advice].into_iter().flatten() {
        shown = shown.help(help);
    }
    style.show(&shown.into(), &Sources::default());
    if error.is_usage() { Exit::Usage } else { Exit::Failed }
}

/// How many models the store has, for `doctor`.
pub fn count(folder: &Path) -> usize {
    Store::at(folder).entries().len()
}

/// A model as programs read it, without what is inside.
fn as_json(entry: &Entry, store: &Store) -> serde_json::Value {
    let (family, license) = entry.kind();
    json!({
        "name": entry.name, "family": family, "license": license, "bytes": entry.size(), "path": entry.path, "folder": entry.folder,
        "in_store": entry.folder == store.folder(), "hidden": entry.hidden, "lost": entry.is_lost(), "link": entry.link(),
        "source": entry.record.as_ref().map(|record| &record.source),
        "added": entry.record.as_ref().map(|record| &record.added),
    })
}
