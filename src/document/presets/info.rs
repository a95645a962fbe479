//! Presets as their users see them: what each is for, and what it takes.

use std::path::{Path, PathBuf};

use crate::diag::{Diagnostics, Sources};
use crate::param::{Data, Value};

use super::super::graph::Layer;
use super::super::params::{self, ParamDecl};
use super::super::{fields, yaml};
use super::builtin::BUILTIN;
use super::library::{folders, stems};

/// A preset that graphs in some folder can use.
#[derive(Debug, Clone, Default)]
pub struct PresetInfo {
    /// Its name, as `kind:` takes it.
    pub name: String,
    /// What it is for: its `about`.
    pub about: String,
    /// The comment that its file opens with.
    pub details: String,
    /// The kind or preset that it is, with other defaults; nothing for a graph of its own.
    pub kind: Option<String>,
    /// Its inputs, where it is a graph.
    pub inputs: Vec<PresetInput>,
    /// The names of its outputs, where it is a graph; the first is the one that a bare name means.
    pub outputs: Vec<String>,
    /// Its parameters.
    pub params: Vec<ParamDecl>,
    /// Its file; nothing for a built-in one.
    pub path: Option<PathBuf>,
}

/// An input of a preset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresetInput {
    /// Its name.
    pub name: String,
    /// What belongs there.
    pub about: String,
    /// Whether it may be left out.
    pub optional: bool,
}

/// The presets that a graph in the folder `base` can use, by name. One that hides another of the same name stands for it.
#[must_use]
pub fn presets(base: &Path) -> Vec<PresetInfo> {
    let mut found: Vec<PresetInfo> = Vec::new();
    for (name, path) in folders(base).iter().flat_map(|folder| stems(folder)) {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        found.push(PresetInfo { path: Some(path), ..read(&name, &text) });
    }
    found.extend(BUILTIN.iter().map(|(name, text)| read(name, text)));
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found.dedup_by(|later, first| later.name == first.name);
    found
}

/// What the file tells; of a broken one as much as can be read.
fn read(name: &str, text: &str) -> PresetInfo {
    let comment = text.lines().map_while(|line| line.strip_prefix('#')).map(str::trim).collect::<Vec<_>>().join(" ");
    let mut info = PresetInfo { name: name.to_owned(), details: comment, ..PresetInfo::default() };
    let (mut sources, mut untold) = (Sources::default(), Diagnostics::default());
    let source = sources.add(name.to_owned(), text);
    let Some(Data { value: Value::Map(entries), .. }) = yaml::parse(source, text, 0, &mut untold) else { return info };
    let word = |key: &str| fields::get(&entries, key).and_then(Data::text).map(str::to_owned);
    info.about = word("about").unwrap_or_default();
    info.kind = word("kind");
    info.params = params::declare(fields::get(&entries, "params"), &Layer::Preset(name.to_owned()), Path::new(""), &mut untold);
    if let Some(Data { value: Value::Map(inputs), .. }) = fields::get(&entries, "inputs") {
        info.inputs.extend(inputs.iter().map(|(key, data)| PresetInput {
            name: key.text.clone(),
            about: data.text().or_else(|| data.get("about")?.text()).unwrap_or_default().to_owned(),
            optional: super::is_optional(data),
        }));
    }
    if let Some(Data { value: Value::Map(outputs), .. }) = fields::get(&entries, "outputs") {
        info.outputs.extend(outputs.iter().map(|(key, _)| key.text.clone()));
    }
    info
}
