//! What a node may know: while the graph is planned ([`Prospect`]), when it opens ([`Open`]) and when it fires ([`Tick`]).

use std::path::PathBuf;

use super::Spec;
use super::value::Format;
use crate::diag::Severity;
use crate::frame::Size;
use crate::param::{Fps, Moment};

/// What never changes pixels: set on the command line or in the graph's `engine:` block.
#[derive(Debug, Clone)]
pub struct Engine {
    /// Threads for firings, and for the kernels and models inside one.
    pub threads: usize,
    /// Where models run, best first: `cpu`, `cuda`, `coreml`…
    pub devices: Vec<String>,
    /// Whether this is a quick look: nodes may take cheaper settings that they document.
    pub draft: bool,
}

impl Default for Engine {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { threads, devices: vec!["cpu".into()], draft: false }
    }
}

/// The output's clock and size, as far as they are known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timeline {
    /// The frame size, given in the graph or taken from the first source.
    pub size: Option<Size>,
    /// Frames per second, given in the graph or taken from the first source.
    pub fps: Option<Fps>,
    /// Frames, given in the graph or by the shortest source.
    pub length: Option<u64>,
    /// `s` in expressions.
    pub seed: i64,
    /// Beats per minute.
    pub bpm: f64,
    /// How many times longer than in the source everything lasts: more than 1 behind slow motion.
    pub stretch: f64,
}

impl Default for Timeline {
    fn default() -> Self {
        Self { size: None, fps: None, length: None, seed: 0, bpm: 120.0, stretch: 1.0 }
    }
}

impl Timeline {
    /// The moment of `tick`, with the usual values for what is not known.
    #[must_use]
    pub fn moment(&self, tick: u64) -> Moment<'static> {
        let usual = Moment::default();
        Moment {
            tick,
            length: self.length,
            fps: self.fps.unwrap_or(usual.fps),
            size: self.size.unwrap_or(usual.size),
            seed: self.seed,
            bpm: self.bpm,
            streams: &[],
        }
    }
}

/// What a node may know while the graph is planned.
#[derive(Debug, Clone)]
pub struct Prospect<'a> {
    /// The timeline; its size, rate and length are still open while the first sources are asked.
    pub timeline: Timeline,
    /// The node's own declaration.
    pub spec: &'a Spec,
    /// The format of each input's first link, in the order of the declaration; `None` for an input without a link.
    pub inputs: &'a [Option<Format>],
    /// The node fires on every `period`-th frame; 1 for an uneven clock.
    pub period: u64,
    /// The engine's settings.
    pub engine: &'a Engine,
}

impl Prospect<'_> {
    /// The format of what the input `name` reads, if it is linked.
    #[must_use]
    pub fn input(&self, name: &str) -> Option<Format> {
        let index = self.spec.inputs.iter().position(|input| input.name == name)?;
        self.inputs.get(index).copied().flatten()
    }

    /// The size of what `name` reads, or the timeline's, or 512x512.
    #[must_use]
    pub fn size_of(&self, name: &str) -> Size {
        let raster = self.input(name).filter(|format| format.planes > 0).map(|format| format.size);
        raster.or(self.timeline.size).unwrap_or(Size::new(512, 512))
    }

    /// An outlook in which every raster output has size `size`.
    #[must_use]
    pub fn all_outputs(&self, size: Size) -> Outlook {
        Outlook::new(self.spec.outputs.iter().map(|output| Format::new(output.ty, size)).collect())
    }

    /// An outlook in which every raster output has the size of the input `name`, with which all of `others` that are linked have
    /// to agree.
    ///
    /// # Errors
    /// A problem for each that does not.
    pub fn one_size(&self, name: &'static str, others: &[&'static str]) -> Result<Outlook, Vec<Problem>> {
        let names: Vec<_> = std::iter::once(name).chain(others.iter().copied()).collect();
        let problems = self.differing_sizes(&names);
        if problems.is_empty() { Ok(self.all_outputs(self.size_of(name))) } else { Err(problems) }
    }

    /// A problem for every linked input among `names` whose size is not that of the first linked one.
    #[must_use]
    pub fn differing_sizes(&self, names: &[&'static str]) -> Vec<Problem> {
        let mut first: Option<(&str, Size)> = None;
        let mut problems = Vec::new();
        for &name in names {
            let Some(size) = self.input(name).filter(|f| f.planes > 0).map(|f| f.size) else { continue };
            match first {
                None => first = Some((name, size)),
                Some((other, expected)) if expected != size => {
                    problems.push(Problem::error(name, format!("`{name}` is {size} but `{other}` is {expected}")).help(format!(
                        "put a `resize` node before `{name}`, or set `timeline: {{ size: [{}, {}] }}`",
                        expected.width, expected.height
                    )));
                }
                Some(_) => {}
            }
        }
        problems
    }
}

/// How the frames that a node makes relate to those it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How many it makes for each that it reads; at least 1.
    pub factor: u64,
    /// Whether each is shown as long as one of those read, so that everything takes longer, and not a part of that time.
    pub slow_motion: bool,
}

impl Default for Pace {
    fn default() -> Self {
        Self { factor: 1, slow_motion: false }
    }
}

/// How many frames a source has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Length {
    /// As many as are asked for.
    #[default]
    Endless,
    /// Exactly so many.
    Exactly(u64),
    /// Probably so many; the source says at run time where it ends, by [`Halt::End`](super::Halt::End).
    About(u64),
}

/// The resource that a firing occupies. Each has a number of slots.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Lane {
    /// A thread: as many slots as there are threads.
    #[default]
    Cpu,
    /// A model's device; one slot.
    Device(String),
}

/// What a node will make, learnt before anything runs.
#[derive(Debug, Clone, Default)]
pub struct Outlook {
    /// The format of each output, in the order of the declaration.
    pub outputs: Vec<Format>,
    /// For sources: how many frames there are.
    pub length: Length,
    /// For sources: their frame rate.
    pub fps: Option<Fps>,
    /// What a firing occupies.
    pub lane: Lane,
    /// Model files or folders that the node will load.
    pub models: Vec<PathBuf>,
    /// Files that the node reads; none of them may be written.
    pub reads: Vec<PathBuf>,
    /// Files that the node will write; two nodes must not write the same.
    pub writes: Vec<PathBuf>,
    /// Memory the node holds besides its streams' values, in bytes, as far as is known.
    pub scratch: usize,
    /// What is worth knowing, such as a source of variable frame rate.
    pub warnings: Vec<Problem>,
}

impl Outlook {
    /// An outlook with these output formats and nothing special.
    #[must_use]
    pub fn new(outputs: Vec<Format>) -> Self {
        Self { outputs, ..Self::default() }
    }
}

/// Something wrong with a node that only its kind can tell; the planner adds the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The parameter or input at fault, or empty for the node as a whole.
    pub about: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The fact, in one line.
    pub message: String,
    /// What to type instead, in the imperative.
    pub help: Vec<String>,
}

impl Problem {
    /// An error about the parameter or input `about`, or about the whole node when that is empty.
    #[must_use]
    pub fn error(about: &'static str, message: impl Into<String>) -> Self {
        Self { about, severity: Severity::Error, message: message.into(), help: Vec::new() }
    }

    /// A warning: the graph runs all the same.
    #[must_use]
    pub fn warning(about: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(about, message) }
    }

    /// Adds a line of help.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }
}

/// What a node may know when it opens, before the first firing.
#[derive(Debug, Clone)]
pub struct Open<'a> {
    /// The node's name in the graph.
    pub node: &'a str,
    /// The timeline, resolved: size and rate are known, the length if the sources know it.
    pub timeline: Timeline,
    /// The format of each input's first link, in the order of the declaration.
    pub inputs: &'a [Option<Format>],
    /// The node fires on every `period`-th frame; 1 for an uneven clock.
    pub period: u64,
    /// The engine's settings.
    pub engine: &'a Engine,
}

/// What a firing may know besides its inputs and parameters.
#[derive(Debug, Clone)]
pub struct Tick<'a> {
    /// The node's name in the graph.
    pub node: &'a str,
    /// The node's own declaration.
    pub spec: &'a Spec,
    /// The tick, and what expressions may know.
    pub moment: Moment<'a>,
    /// Which outputs somebody reads, in the order of the declaration.
    pub wanted: &'a [bool],
    /// How many times the node has fired before, by its own clock: the tick itself where it fires on every one.
    pub count: u64,
    /// Frames since its last firing; at the first one the node's period.
    pub period: u64,
}

impl Tick<'_> {
    /// The output frame's index.
    #[must_use]
    pub fn tick(&self) -> u64 {
        self.moment.tick
    }

    /// Whether anybody reads the output `name`; what nobody reads need not be made.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        let index = self.spec.outputs.iter().position(|output| output.name == name);
        index.and_then(|index| self.wanted.get(index)).copied().unwrap_or(false)
    }

    /// A key for a random generator that depends on (`seed`, the node's name) and on nothing else: two nodes with one seed differ. From
    /// tick to tick it is the seed that goes on, as the author says: see [`Seed`](crate::param::Seed).
    #[must_use]
    pub fn random_key(&self, seed: i64) -> u64 {
        let name = self.node.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        [seed as u64, name].into_iter().fold(0x9e37_79b9_7f4a_7c15, |key, part| mix(key ^ mix(part)))
    }
}

/// The finaliser of `SplitMix64` (Steele, Lea, Flood 2014): every bit of the input reaches every bit of the output.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// How a run ended, told to every node so that it can close what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All frames were made.
    Complete,
    /// The user stopped it: what was made is kept and finalised.
    Interrupted,
    /// A node failed: what was made before is kept and finalised.
    Failed,
}
