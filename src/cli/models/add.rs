//! `frameloom models add`.

use serde_json::json;

use crate::store::{Added, Network, Store, Wanted, bytes};

use super::super::Exit;
use super::super::args::Format;
use super::super::load::Style;
use super::args::AddArgs;
use super::bar::Bar;
use super::fail;

/// Adds a model and says what it is.
pub fn add(args: &AddArgs, store: &Store, style: Style) -> Exit {
    let wanted = Wanted {
        source: args.source.clone(),
        name: args.name.clone(),
        revision: args.revision.clone(),
        files: args.files.clone(),
        license: args.license.clone(),
        sha256: args.sha256.clone(),
        link: args.link,
    };
    let stop = || {
        eprintln!("\nstopped; the same command goes on where this one was");
        std::process::exit(i32::from(Exit::Interrupted.code()));
    };
    // Without a handler an interrupt simply ends the program; the parts stay either way.
    let _ = ctrlc::set_handler(stop);
    let mut bar = Bar::new(args.progress, style.format == Format::Json);
    let added = store.add(&wanted, &Network::from_environment(args.offline), &mut |event| bar.event(event));
    bar.clear();
    match added {
        Ok(added) => {
            show(&added, style);
            Exit::Done
        }
        Err(error) => fail(&error, style),
    }
}

fn show(added: &Added, style: Style) {
    let Added { path, record, facts } = added;
    let size: u64 = record.files.iter().map(|file| file.size).sum();
    if style.format == Format::Json {
        println!("{:#}", json!({ "path": path, "bytes": size, "record": record, "traits": facts.traits }));
        return;
    }
    let traits = facts.traits.iter().fold(String::new(), |all, one| format!("{all}, {one}"));
    let license = record.license.as_deref().unwrap_or("unknown");
    let count = if record.files.len() == 1 { String::new() } else { format!(" in {} files", record.files.len()) };
    println!("added `{}`: {}{traits}, {}{count}, licence {license}", record.name, record.family, bytes(size));
    println!("{}", path.display());
    if let Some(advice) = advice(&record.family, &record.name) {
        println!("{advice}");
    }
}

/// How a graph uses a model of that family.
fn advice(family: &str, name: &str) -> Option<String> {
    match family {
        "sd1" | "sd2" | "sdxl" | "diffusion" => Some(format!("in graphs: `model: {name}`")),
        "lora" => Some(format!("in prompts: `<lora:{name}:0.8>`, or under `loras`")),
        "controlnet" => Some(format!("in graphs: `control_model: {name}`")),
        "onnx" => Some(format!("in graphs: `model: {name}`; `frameloom models info {name}` shows what goes in and comes out")),
        "vae" | "unet" => None,
        other => Some(format!("note: no kind of node uses models of the family `{other}`")),
    }
}
