//! The command line: one file per verb. Everything a verb does is in the library; here it is asked for and shown.

/// As std's, but the program ends quietly where nobody reads on, as in `frameloom nodes | head`.
macro_rules! println {
    ($($text:tt)*) => { $crate::cli::say(format_args!($($text)*), "\n") };
}
/// As [`println`], without the end of the line.
macro_rules! print {
    ($($text:tt)*) => { $crate::cli::say(format_args!($($text)*), "") };
}

mod args;
mod bench;
mod chart;
mod compare;
mod doctor;
mod draw;
mod exit;
mod explain;
mod load;
mod models;
mod plan;
mod presets;
mod progress;
mod reference;
pub mod render;
mod run;
mod schedule;
mod schema;
mod wording;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::Path;

use clap::Parser;

pub use args::Cli;
pub use exit::Exit;
pub use load::registry;

use args::{CheckArgs, DrawArgs, Drawing, EngineArgs, Format, GraphArgs, NodesArgs, PlanArgs, Verb};
use load::Style;

/// Prints to standard output; ends the program where that has been closed.
fn say(text: std::fmt::Arguments<'_>, end: &str) {
    let written = write!(std::io::stdout().lock(), "{text}{end}");
    if written.is_err_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe) {
        std::process::exit(0);
    }
}

/// Runs the program with the process's arguments.
#[must_use]
pub fn main() -> Exit {
    run(std::env::args_os())
}

/// Runs the program with `words`, of which the first is its name.
#[must_use]
pub fn run(words: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Exit {
    let cli = Cli::parse_from(words);
    if let Some(folder) = &cli.models_dir {
        crate::model::use_store(folder);
    }
    let style = Style::new(cli.format, cli.color, std::io::stderr().is_terminal());
    match &cli.verb {
        Verb::Run(args) => run::run(args, style),
        Verb::Check(args) => check(args, style),
        Verb::Plan(args) => show_plan(args, style),
        Verb::Expand(args) => expand(args, style),
        Verb::Explain(args) => explain::explain(args, style),
        Verb::Prompt(args) => wording::prompt(args),
        Verb::Nodes(args) => nodes(args, style),
        Verb::Draw(args) => draw(args, style),
        Verb::Schema => schema(),
        Verb::Bench(args) => bench::run(args, style),
        Verb::Compare(args) => compare::compare(args, style),
        Verb::Schedule(args) => schedule::schedule(args, style),
        Verb::Models(args) => models::models(args, style),
        Verb::Doctor => doctor::doctor(style),
    }
}

/// The reference of kinds as Markdown, as `docs/kinds.md` has it.
#[must_use]
pub fn reference_markdown() -> String {
    reference::markdown(&registry())
}

/// The page about the presets that come with the program, as `docs/presets.md` has it.
#[must_use]
pub fn presets_markdown() -> String {
    presets::markdown(&crate::document::presets(Path::new("")))
}

/// The JSON Schema of graphs, as `schema/graph.json` has it.
#[must_use]
pub fn graph_schema() -> String {
    format!("{}\n", schema::graph(&registry()))
}

fn no_engine() -> EngineArgs {
    EngineArgs { threads: None, memory: None, depth: None, device: Vec::new(), draft: false }
}

fn check(args: &CheckArgs, style: Style) -> Exit {
    let registry = registry();
    let mut exit = Exit::Done;
    for graph in &args.graphs {
        let one = GraphArgs { graph: graph.clone(), set: args.set.clone(), params: args.params.clone() };
        match load::graph(&one, &registry).plan(&registry, &no_engine(), None, style) {
            Ok(_) if style.format == Format::Text => println!("{}: ok", graph.display()),
            Ok(_) => {}
            Err(fault) => exit = fault,
        }
    }
    exit
}

fn show_plan(args: &PlanArgs, style: Style) -> Exit {
    let registry = registry();
    // JSON findings would stand before the JSON plan: a program wants one document.
    let findings = Style { format: Format::Text, ..style };
    match load::graph(&args.graph, &registry).plan(&registry, &args.engine, None, findings) {
        Ok(ready) if style.format == Format::Json => {
            println!("{:#}", plan::json(&ready.plan, ready.depth));
            Exit::Done
        }
        Ok(ready) => {
            print!("{}", plan::text(&ready.plan, ready.depth));
            Exit::Done
        }
        Err(exit) => exit,
    }
}

fn expand(args: &GraphArgs, style: Style) -> Exit {
    let loaded = load::graph(args, &registry());
    let style = Style { format: Format::Text, ..style };
    style.show(&loaded.findings, &loaded.sources);
    match loaded.graph {
        Some(graph) if !loaded.findings.has_errors() => {
            print!("{}", crate::document::expand(&graph));
            Exit::Done
        }
        _ => Exit::Invalid,
    }
}

fn nodes(args: &NodesArgs, style: Style) -> Exit {
    let registry = registry();
    let presets = crate::document::presets(Path::new("."));
    let Some(name) = &args.kind else {
        match style.format {
            _ if args.markdown => print!("{}", reference::markdown(&registry)),
            Format::Json => println!("{:#}", all_nodes(&registry, &presets)),
            Format::Text => print!("{}\n{}", reference::list(&registry), presets::list(&presets)),
        }
        return Exit::Done;
    };
    // As in graphs, a kind comes before a preset of its name.
    if let Some(kind) = registry.get(name) {
        match style.format {
            Format::Json => println!("{:#}", schema::kind(kind.spec())),
            Format::Text => print!("{}", reference::kind(kind.spec())),
        }
        return Exit::Done;
    }
    if let Some(preset) = presets.iter().find(|preset| preset.name == *name) {
        match style.format {
            Format::Json => println!("{:#}", presets::object(preset)),
            Format::Text => print!("{}", presets::one(preset)),
        }
        return Exit::Done;
    }
    let mut names: Vec<&str> = registry.names().collect();
    names.extend(presets.iter().map(|preset| preset.name.as_str()));
    let near = crate::diag::nearest(name, names).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    eprintln!("error: there is no kind or preset `{name}`{near}\n`frameloom nodes` lists them all");
    Exit::Usage
}

/// Kinds and presets, each with what it is for.
fn all_nodes(registry: &crate::node::Registry, presets: &[crate::document::PresetInfo]) -> serde_json::Value {
    let kinds: BTreeMap<_, _> = registry.iter().map(|kind| (kind.spec().name, kind.spec().about)).collect();
    let presets: BTreeMap<_, _> = presets.iter().map(|preset| (&preset.name, &preset.about)).collect();
    serde_json::json!({ "kinds": kinds, "presets": presets })
}

fn draw(args: &DrawArgs, style: Style) -> Exit {
    let registry = registry();
    let mut loaded = load::graph(&args.graph, &registry);
    let sketch = loaded.graph.as_ref().map(|graph| crate::plan::sketch(graph, &registry, &mut loaded.findings));
    Style { format: Format::Text, ..style }.show(&loaded.findings, &loaded.sources);
    let Some(sketch) = sketch else { return Exit::Invalid };
    let by_name = || match args.out.as_ref().and_then(|out| out.extension()).and_then(|ext| ext.to_str()) {
        Some("dot" | "gv") => Drawing::Dot,
        Some("mmd" | "mermaid" | "md") => Drawing::Mermaid,
        _ => Drawing::Svg,
    };
    let title = loaded.graph.as_ref().and_then(|graph| graph.about.clone()).unwrap_or_else(|| args.graph.graph.display().to_string());
    let text = match args.language.unwrap_or_else(by_name) {
        Drawing::Svg => draw::svg(&sketch, &title),
        Drawing::Dot => draw::dot(&sketch),
        Drawing::Mermaid => draw::mermaid(&sketch),
    };
    match &args.out {
        None => print!("{text}"),
        Some(path) => {
            if let Err(error) = crate::media::write_whole(path, text.as_bytes()) {
                eprintln!("error: {error}");
                return Exit::Failed;
            }
        }
    }
    if loaded.findings.has_errors() { Exit::Invalid } else { Exit::Done }
}

fn schema() -> Exit {
    print!("{}", graph_schema());
    Exit::Done
}
