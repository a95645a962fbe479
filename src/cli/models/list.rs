//! `frameloom models list`.

use serde_json::json;

use crate::store::{Entry, Store, bytes};

use super::super::Exit;
use super::super::args::Format;
use super::super::load::Style;
use super::{as_json, known};

/// Lists all models that graphs can name, in the order in which they are found.
pub fn list(store: &Store, style: Style) -> Exit {
    let all = known();
    if style.format == Format::Json {
        println!("{:#}", json!(all.iter().map(|entry| as_json(entry, store)).collect::<Vec<_>>()));
        return Exit::Done;
    }
    print!("{}", table(&all));
    let own = all.iter().filter(|entry| entry.folder == store.folder()).count();
    println!(
        "{}the store is {}, with {own} model{}",
        if all.is_empty() { "" } else { "\n" },
        store.folder().display(),
        if own == 1 { "" } else { "s" }
    );
    for part in store.unfinished() {
        println!(
            "unfinished: `{}`, {} are there; add it again to go on, or `frameloom models rm {}`",
            part.name,
            bytes(part.size),
            part.name
        );
    }
    if all.is_empty() {
        println!("`frameloom models add PATH|URL|owner/name` adds one");
    }
    Exit::Done
}

fn table(all: &[Entry]) -> String {
    if all.is_empty() {
        return String::new();
    }
    let mut rows = vec![["name", "family", "size", "licence", "where"].map(str::to_owned)];
    rows.extend(all.iter().map(row));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let [name, family, size, license] = [0, 1, 2, 3].map(width);
    let line = |row: &[String; 5]| {
        let [a, b, c, d, e] = row;
        format!("{a:name$}  {b:family$}  {c:>size$}  {d:license$}  {e}\n")
    };
    rows.iter().map(line).collect()
}

fn row(entry: &Entry) -> [String; 5] {
    let (family, license) = entry.kind();
    let mut place = entry.folder.display().to_string();
    if let Some(link) = entry.link() {
        place = format!("{place}, a link to {}", link.display());
    }
    if entry.is_lost() {
        place.push_str(" (its files are gone)");
    }
    if entry.hidden {
        place.push_str(" (hidden by one of the same name above)");
    }
    [entry.name.clone(), family, bytes(entry.size()), license.unwrap_or_else(|| "unknown".to_owned()), place]
}
