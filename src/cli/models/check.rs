//! `frameloom models verify` and `frameloom models rm`.

use serde_json::json;

use crate::store::{Entry, Store, StoreError, Verdict, bytes, find, verify as compare};

use super::super::Exit;
use super::super::args::Format;
use super::super::load::Style;
use super::args::{RmArgs, VerifyArgs};
use super::bar::Bar;
use super::{fail, known};

/// Compares models with their records; [`Exit::Failed`] when one is damaged.
pub fn verify(args: &VerifyArgs, style: Style) -> Exit {
    let all = known();
    let chosen: Result<Vec<&Entry>, StoreError> = if args.names.is_empty() {
        Ok(all.iter().filter(|entry| entry.record.is_some()).collect())
    } else {
        args.names.iter().map(|name| find(&all, name)).collect()
    };
    let chosen = match chosen {
        Ok(chosen) => chosen,
        Err(error) => return fail(&error, style),
    };
    let mut bar = Bar::new(args.progress, true);
    let mut verdicts = Vec::new();
    for entry in chosen {
        let verdict = compare(entry, &mut |event| bar.event(event));
        bar.clear();
        if style.format == Format::Text {
            show(&verdict);
        }
        verdicts.push(verdict);
    }
    match style.format {
        Format::Json => println!("{:#}", json!(verdicts.iter().map(document).collect::<Vec<_>>())),
        Format::Text if verdicts.is_empty() => println!("there is nothing to compare: no model has a record"),
        Format::Text => {}
    }
    if verdicts.iter().all(|verdict| verdict.damages.is_empty()) { Exit::Done } else { Exit::Failed }
}

fn show(verdict: &Verdict) {
    let Verdict { name, files, recorded, damages } = verdict;
    match (damages.is_empty(), recorded) {
        (true, true) => println!("ok    {name}: {files} file{} as added", if *files == 1 { "" } else { "s" }),
        (true, false) => println!("ok?   {name}: it can be read, but has no record to compare with; add it with `frameloom models add`"),
        (false, _) => {
            println!("FAIL  {name}");
            for damage in damages {
                println!("      {damage}");
            }
            println!("      remove it with `frameloom models rm {name}` and add it again");
        }
    }
}

fn document(verdict: &Verdict) -> serde_json::Value {
    let damages: Vec<String> = verdict.damages.iter().map(ToString::to_string).collect();
    json!({ "name": verdict.name, "good": damages.is_empty(), "recorded": verdict.recorded, "files": verdict.files, "damages": damages })
}

/// Removes models from the store.
pub fn remove(args: &RmArgs, store: &Store, style: Style) -> Exit {
    let all = known();
    let mut removed = Vec::new();
    let mut exit = Exit::Done;
    for name in &args.names {
        match store.remove(name, &all) {
            Ok(one) => removed.push(one),
            Err(error) => exit = fail(&error, Style { format: Format::Text, ..style }),
        }
    }
    if style.format == Format::Json {
        let list: Vec<_> = removed.iter().map(|one| json!({ "name": one.name, "path": one.path, "freed": one.freed })).collect();
        println!("{:#}", json!(list));
    } else {
        for one in &removed {
            println!("removed `{}`: {} freed", one.name, bytes(one.freed));
        }
    }
    exit
}
