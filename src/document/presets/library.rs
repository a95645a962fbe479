//! Where presets are found: beside the graph, in the project, among the built-in ones.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::diag::{Diagnostics, SourceId, Sources};

use super::super::link::is_name;
use super::super::{load, yaml};
use super::Preset;
use super::builtin::BUILTIN;

/// The presets of one load; each file is read once.
#[derive(Debug)]
pub(in super::super) struct Library {
    folders: Vec<PathBuf>,
    /// With what is wrong with the file, until that has been told.
    read: HashMap<String, (Lookup, Diagnostics)>,
}

/// What looking a preset up gives.
#[derive(Debug, Clone)]
pub(super) enum Lookup {
    Found(Rc<Preset>),
    /// There is one, and it has errors.
    Broken,
    None,
}

impl Library {
    /// The library for a graph in `base`.
    pub(in super::super) fn new(base: &Path) -> Self {
        Self { folders: folders(base), read: HashMap::new() }
    }

    /// The preset `name`. What is wrong with its file goes to `diags`, the first time it is asked for.
    pub(super) fn find(&mut self, name: &str, sources: &mut Sources, diags: &mut Diagnostics) -> Lookup {
        let found = self.peek(name, sources);
        if let Some((_, untold)) = self.read.get_mut(name) {
            diags.extend(std::mem::take(untold));
        }
        found
    }

    /// The preset `name`, keeping what is wrong with its file for [`Library::find`] to tell.
    pub(super) fn peek(&mut self, name: &str, sources: &mut Sources) -> Lookup {
        if let Some((known, _)) = self.read.get(name) {
            return known.clone();
        }
        let mut faults = Diagnostics::default();
        let found = self.open(name, sources, &mut faults);
        self.read.insert(name.to_owned(), (found.clone(), faults));
        found
    }

    fn open(&self, name: &str, sources: &mut Sources, diags: &mut Diagnostics) -> Lookup {
        if !is_name(name) {
            return Lookup::None;
        }
        let parsed = |text: &str, source: SourceId, base: PathBuf, diags: &mut Diagnostics| {
            let data = yaml::parse(source, text, 0, diags);
            match data.and_then(|data| Preset::read(name, &data, base, diags)) {
                Some(preset) => Lookup::Found(Rc::new(preset)),
                None => Lookup::Broken,
            }
        };
        for folder in &self.folders {
            let path = folder.join(format!("{name}.yaml"));
            if path.is_file() {
                let Some((source, text)) = load::read_file(&path, sources, diags) else { return Lookup::Broken };
                return parsed(&text, source, folder.clone(), diags);
            }
        }
        match BUILTIN.iter().find(|(builtin, _)| *builtin == name) {
            Some((_, text)) => {
                let source = sources.add(format!("<built-in>/{name}.yaml"), *text);
                parsed(text, source, PathBuf::new(), diags)
            }
            None => Lookup::None,
        }
    }

    /// The names of all presets that could be found, for suggestions.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.folders.iter().flat_map(|folder| stems(folder)).map(|(name, _)| name).collect();
        names.extend(BUILTIN.iter().map(|(name, _)| (*name).to_owned()));
        names
    }
}

/// `nodes/` beside the graph, then that of the nearest folder above which has one.
pub(super) fn folders(base: &Path) -> Vec<PathBuf> {
    let mut folders = vec![base.join("nodes")];
    if let Ok(full) = std::path::absolute(base) {
        let above = full.ancestors().skip(1).map(|folder| folder.join("nodes")).find(|folder| folder.is_dir());
        folders.extend(above.map(|folder| shown(&folder)));
    }
    folders.retain(|folder| folder.is_dir());
    folders
}

/// A path from the current directory where it lies below that, for messages that fit the screen.
fn shown(path: &Path) -> PathBuf {
    let here = std::env::current_dir().ok();
    here.and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path).to_owned()
}

/// Name and path of each preset in a folder, by name.
pub(super) fn stems(folder: &Path) -> Vec<(String, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    let yaml = paths.filter(|path| path.extension().is_some_and(|ext| ext == "yaml"));
    let mut found: Vec<_> =
        yaml.filter_map(|path| Some((path.file_stem()?.to_str()?.to_owned(), path))).filter(|(name, _)| is_name(name)).collect();
    found.sort();
    found
}
