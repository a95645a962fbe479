//! The command line as types.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::frame::Size;
use crate::param::SizeParam;

use super::models::ModelsArgs;

/// Weaves video through graphs: a YAML graph of nodes, checked, planned and run frame by frame.
#[derive(Debug, Parser)]
#[command(name = "frameloom", version, max_term_width = 110, propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// How findings and listings are printed.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// When to use colour.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// The store of models, in the place of the one in the user's data folder.
    #[arg(long, global = true, value_name = "DIR")]
    pub models_dir: Option<PathBuf>,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run a graph and write its outputs.
    Run(RunArgs),
    /// Say what is wrong with graphs, without running them.
    Check(CheckArgs),
    /// Print how a graph will run: order, clocks, lanes, memory, models, length.
    Plan(PlanArgs),
    /// Print the flat graph: presets and parameters put in.
    Expand(GraphArgs),
    /// Say where a parameter's value comes from, and what it is at a frame; or how all prompts are read.
    Explain(ExplainArgs),
    /// Say how a prompt is read: its weights, parts, stages, tokens, and the networks that it names.
    Prompt(PromptArgs),
    /// List the kinds of nodes and the presets, or explain one.
    Nodes(NodesArgs),
    /// Draw a graph.
    Draw(DrawArgs),
    /// Print the JSON Schema of graphs, for editors.
    Schema,
    /// Time the kernels on this machine.
    Bench(BenchArgs),
    /// Measure a clip: how close it is to another, how steady, how far it drifts.
    Compare(CompareArgs),
    /// Print and plot what a schedule, an expression or keyframes give.
    Schedule(ScheduleArgs),
    /// Add, list, check and remove models.
    Models(ModelsArgs),
    /// Say which libraries, codecs and devices there are, and what is missing.
    Doctor,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[value(alias = "table")]
    Text,
    /// For programs.
    Json,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// A graph and what is set on it.
#[derive(Debug, Clone, Args)]
pub struct GraphArgs {
    /// The graph's file.
    pub graph: PathBuf,
    /// Set a parameter of the graph, such as `prompt="oil painting"`; may be given many times.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// A YAML file with parameters; `--set` is stronger.
    #[arg(long = "params", value_name = "FILE")]
    pub params: Vec<PathBuf>,
}

/// What never changes pixels.
#[derive(Debug, Clone, Args)]
pub struct EngineArgs {
    /// Threads; all cores when not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// The most memory that frames in flight may take, such as `800M` or `4G`.
    #[arg(long, value_name = "BYTES", value_parser = crate::plan::parse_bytes)]
    pub memory: Option<usize>,
    /// Frames under way at once; chosen by threads and memory when not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=16))]
    pub depth: Option<u16>,
    /// Where models run, best first: `cuda`, `coreml`, `cpu`…
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub device: Vec<String>,
    /// A quick look: half the size in each direction, and the fastest settings of encoders.
    #[arg(long)]
    pub draft: bool,
}

/// `frameloom run`.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// The graph.
    #[command(flatten)]
    pub graph: GraphArgs,
    /// The engine.
    #[command(flatten)]
    pub engine: EngineArgs,
    /// Write only these frames: `a..b`, `a..` or `..b`, b not included.
    #[arg(long, value_name = "A..B", value_parser = parse_frames)]
    pub frames: Option<Frames>,
    /// Write the graph's one output to this path instead.
    #[arg(long, value_name = "PATH")]
    pub out: Option<PathBuf>,
    /// How progress is shown.
    #[arg(long, value_enum, default_value_t = ProgressStyle::Auto)]
    pub progress: ProgressStyle,
    /// Print the times of every node at the end.
    #[arg(long)]
    pub profile: bool,
}

/// Frames `from..to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frames {
    /// The first.
    pub from: u64,
    /// One past the last.
    pub to: Option<u64>,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProgressStyle {
    /// A bar on a terminal, nothing elsewhere.
    Auto,
    /// A bar.
    Bar,
    /// A line of JSON for each event, on standard error.
    Json,
    /// Nothing.
    None,
}

/// `frameloom check`.
#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    /// The graphs' files.
    #[arg(required = true)]
    pub graphs: Vec<PathBuf>,
    /// Set a parameter of the graphs.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// A YAML file with parameters; `--set` is stronger.
    #[arg(long = "params", value_name = "FILE")]
    pub params: Vec<PathBuf>,
}

/// `frameloom plan`.
#[derive(Debug, Clone, Args)]
pub struct PlanArgs {
    /// The graph.
    #[command(flatten)]
    pub graph: GraphArgs,
    /// The engine.
    #[command(flatten)]
    pub engine: EngineArgs,
}

/// `frameloom explain`.
#[derive(Debug, Clone, Args)]
pub struct ExplainArgs {
    /// The graph.
    #[command(flatten)]
    pub graph: GraphArgs,
    /// What to explain: `NODE.PARAM`, or `NODE.PARAM@FRAME` for its value at a frame. Left out: how every prompt is read.
    pub what: Option<String>,
}

/// `frameloom prompt`.
#[derive(Debug, Clone, Args)]
pub struct PromptArgs {
    /// The prompt.
    #[arg(allow_hyphen_values = true)]
    pub prompt: String,
    /// Read it as a negative prompt: without parts and tags.
    #[arg(long)]
    pub negative: bool,
    /// Steps of the painting, for prompts that change on the way.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub steps: u16,
    /// Read the text as it stands, as diffusers does.
    #[arg(long)]
    pub plain: bool,
    /// The model, for counting tokens: a folder, or its name in a `models` folder.
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
}

/// `frameloom nodes`.
#[derive(Debug, Clone, Args)]
pub struct NodesArgs {
    /// A kind or preset to explain.
    pub kind: Option<String>,
    /// Print the whole reference of kinds as Markdown.
    #[arg(long)]
    pub markdown: bool,
}

/// `frameloom draw`.
#[derive(Debug, Clone, Args)]
pub struct DrawArgs {
    /// The graph.
    #[command(flatten)]
    pub graph: GraphArgs,
    /// Where to write it; standard output when not given.
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// The language of the drawing.
    #[arg(long = "as", value_enum, value_name = "LANGUAGE")]
    pub language: Option<Drawing>,
}

/// `frameloom bench`.
#[derive(Debug, Clone, Args)]
pub struct BenchArgs {
    /// Only the benchmarks whose names contain all these words.
    pub filter: Vec<String>,
    /// The size of the pictures.
    #[arg(long, value_name = "WxH", default_value = "1280x720", value_parser = parse_size)]
    pub size: Size,
    /// Numbers of threads; one and all when not given.
    #[arg(long, value_name = "N,N", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Vec<u16>,
    /// Print the names only.
    #[arg(long)]
    pub list: bool,
}

/// Languages of drawings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Drawing {
    /// A picture.
    Svg,
    /// Graphviz.
    Dot,
    /// Mermaid, which Markdown viewers draw.
    Mermaid,
}

/// `frameloom schedule`.
#[derive(Debug, Clone, Args)]
pub struct ScheduleArgs {
    /// A schedule (`"0: (0.65), 48: (0.45)"`), an expression (`"1 + sin(p=24)"`) or keyframes (`"{ keys: { 0: 1, 2s: 2 }, ease: cubic }"`).
    #[arg(allow_hyphen_values = true)]
    pub schedule: String,
    /// How many frames there are; `max_f` is one less.
    #[arg(long, value_name = "N", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub frames: u64,
    /// Frames per second.
    #[arg(long, value_name = "F", default_value_t = 25.0, value_parser = parse_rate)]
    pub fps: f64,
    /// The seed, `s`.
    #[arg(long, value_name = "S", default_value_t = 0, allow_negative_numbers = true)]
    pub seed: i64,
    /// The size of the picture, `w` and `h`.
    #[arg(long, value_name = "WxH", default_value = "512x512", value_parser = parse_size)]
    pub size: Size,
    /// Beats per minute.
    #[arg(long, value_name = "B", default_value_t = 120.0, value_parser = parse_rate)]
    pub bpm: f64,
    /// Take its values for texts (samplers, checkpoints, prompts); those in quotes are taken so anyway.
    #[arg(long)]
    pub text: bool,
    /// Whose reading of it to show.
    #[arg(long, value_enum, default_value_t = Dialect::Frameloom)]
    pub dialect: Dialect,
    /// Draw it into this SVG file.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
}

/// Whose reading of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Dialect {
    /// What a graph makes of it.
    Frameloom,
    /// What Deforum itself makes of it, its stumbles included: it splits at every comma.
    Deforum,
}

fn parse_rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate: &f64| rate.is_finite() && (0.001..=100_000.0).contains(rate));
    rate.ok_or_else(|| format!("`{text}` is no rate; write a number above 0"))
}

fn parse_size(text: &str) -> Result<Size, String> {
    let advice = || format!("`{text}` is no size; write width and height in pixels, such as `1280x720`");
    SizeParam::from_text(text).map(|size| size.0).ok_or_else(advice)
}

/// `frameloom compare`.
#[derive(Debug, Clone, Args)]
pub struct CompareArgs {
    /// The clip to measure: a video, a folder of pictures, a pattern such as `frames/%05d.png`, or one picture.
    pub a: PathBuf,
    /// The clip to compare it with.
    pub b: Option<PathBuf>,
    /// The clip that A (and B) was made from: its motion tells what should stay the same. B, or A itself, when not given.
    #[arg(long, value_name = "CLIP")]
    pub source: Option<PathBuf>,
    /// What to measure; all that can be measured when not given.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub metrics: Vec<String>,
    /// Bounds that must hold, such as `warp_error<0.004,psnr>30`; otherwise the worst frame is named and the exit code is 1.
    #[arg(long, value_name = "BOUNDS")]
    pub gate: Option<String>,
    /// Draw all that was measured over time, as SVG or PNG.
    #[arg(long, value_name = "FILE", value_parser = parse_plot)]
    pub plot: Option<PathBuf>,
    /// Compare only these frames: `a..b`, `a..` or `..b`, b not included.
    #[arg(long, value_name = "A..B", value_parser = parse_frames)]
    pub frames: Option<Frames>,
    /// How the source's motion is estimated.
    #[arg(long, value_enum, default_value_t = FlowMethod::DisMedium)]
    pub flow: FlowMethod,
}

/// Ways to estimate motion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum FlowMethod {
    /// Quick.
    DisMedium,
    /// Follows small things, takes several times as long.
    DisFine,
}

fn parse_plot(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    match ending.as_deref() {
        Some("svg" | "png") => Ok(path),
        _ => Err("the name of a plot ends in `.svg` or `.png`".into()),
    }
}

fn parse_frames(text: &str) -> Result<Frames, String> {
    let advice = || format!("`{text}` is no range of frames; write `0..50`, `10..` or `..50` (the last is not included)");
    let (from, to) = text.split_once("..").ok_or_else(advice)?;
    let number = |text: &str| text.trim().parse::<u64>().map_err(|_| advice());
    let from = if from.trim().is_empty() { 0 } else { number(from)? };
    let to = if to.trim().is_empty() { None } else { Some(number(to)?) };
    if to.is_some_and(|to| to <= from) {
        Err(format!("`{text}` is empty: the last frame is not included"))
    } else {
        Ok(Frames { from, to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes_are_two_numbers() {
        assert_eq!(parse_size("1280x720"), Ok(Size::new(1280, 720)));
        assert!(parse_size("0x720").is_err() && parse_size("1280").is_err());
    }

    #[test]
    fn ranges_of_frames() {
        assert_eq!(parse_frames("..50"), Ok(Frames { from: 0, to: Some(50) }));
        assert_eq!(parse_frames("10.."), Ok(Frames { from: 10, to: None }));
        assert!(parse_frames("5..5").is_err() && parse_frames("7").is_err());
    }
}
