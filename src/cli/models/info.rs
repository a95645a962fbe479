//! `frameloom models info`.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::model::{Dim, Record, TensorInfo};
use crate::store::{Entry, Facts, Part, Store, bytes, find, inspect};

use super::super::Exit;
use super::super::args::Format;
use super::super::load::Style;
use super::{as_json, fail, known};

/// Says all that is known of a model.
pub fn info(name: &str, store: &Store, style: Style) -> Exit {
    let all = known();
    let entry = match find(&all, name) {
        Ok(entry) => entry,
        Err(error) => return fail(&error, style),
    };
    let facts = inspect(&entry.path);
    let exit = if facts.is_ok() { Exit::Done } else { Exit::Failed };
    match style.format {
        Format::Json => println!("{:#}", document(entry, store, facts.as_ref().ok())),
        Format::Text => {
            print!("{}", text(entry, facts.as_ref().ok()));
            if let Err(error) = &facts {
                return fail(error, style);
            }
        }
    }
    exit
}

fn text(entry: &Entry, facts: Option<&Facts>) -> String {
    let (family, license) = entry.kind();
    let traits = facts.map_or_else(String::new, |facts| facts.traits.iter().fold(String::new(), |all, one| format!("{all}, {one}")));
    let mut out = String::new();
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(out, "{key:11} {value}");
    };
    line("name", &entry.name);
    line("family", &format!("{family}{traits}"));
    line("precision", facts.and_then(|facts| facts.precision.as_deref()).unwrap_or("unknown"));
    if let Some(prediction) = facts.and_then(|facts| facts.prediction) {
        line("prediction", prediction);
    }
    line("licence", license.as_deref().unwrap_or("unknown"));
    line("size", &bytes(entry.size()));
    line("where", &entry.path.display().to_string());
    if let Some(link) = entry.link() {
        line("link to", &link.display().to_string());
    }
    if let Some(Record { source, added, .. }) = &entry.record {
        line("source", &source.to_string());
        line("added", added);
    }
    files(&mut out, entry);
    facts.iter().flat_map(|facts| &facts.parts).for_each(|part| network(&mut out, part));
    for file in facts.iter().flat_map(|facts| &facts.missing) {
        let _ = writeln!(out, "\nmissing: `{file}`, which holds weights; add the model again");
    }
    out
}

fn files(out: &mut String, entry: &Entry) {
    let Some(record) = &entry.record else {
        let _ = writeln!(out, "\nnot recorded: it was put here by hand, so there are no hashes to compare with");
        return;
    };
    let width = record.files.iter().map(|file| file.path.chars().count()).max().unwrap_or(0);
    let _ = writeln!(out, "\nfiles");
    for file in &record.files {
        let _ = writeln!(out, "  {:width$}  {:>9}  sha256 {}", file.path, bytes(file.size), file.sha256);
    }
}

fn network(out: &mut String, part: &Part) {
    let _ = writeln!(out, "\n{}", if part.name.is_empty() { "network" } else { &part.name });
    for input in &part.inputs {
        let _ = writeln!(out, "  in   {input}");
    }
    for output in &part.outputs {
        let _ = writeln!(out, "  out  {output}");
    }
}

fn document(entry: &Entry, store: &Store, facts: Option<&Facts>) -> Value {
    let mut all = as_json(entry, store);
    let parts: Vec<Value> = facts.iter().flat_map(|facts| &facts.parts).map(part).collect();
    all["traits"] = json!(facts.map(|facts| &facts.traits));
    all["precision"] = json!(facts.and_then(|facts| facts.precision.as_ref()));
    all["prediction"] = json!(facts.and_then(|facts| facts.prediction));
    all["files"] = json!(entry.record.as_ref().map(|record| &record.files));
    all["networks"] = json!(parts);
    all["missing"] = json!(facts.map(|facts| &facts.missing));
    all
}

fn part(part: &Part) -> Value {
    let side = |infos: &[TensorInfo]| infos.iter().map(tensor).collect::<Vec<_>>();
    json!({ "name": part.name, "inputs": side(&part.inputs), "outputs": side(&part.outputs) })
}

/// Axes are numbers, names, or null.
fn tensor(info: &TensorInfo) -> Value {
    let axis = |dim: &Dim| match dim {
        Dim::Fixed(n) => json!(n),
        Dim::Dynamic(name) => json!(name),
    };
    json!({ "name": info.name, "type": info.element.to_string(), "shape": info.shape.iter().map(axis).collect::<Vec<_>>() })
}
