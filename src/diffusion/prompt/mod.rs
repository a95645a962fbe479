//! Prompts as A1111 reads them.
//!
//! A text is read in this order: tags for other networks are taken out ([`extra_networks`]), `AND` parts it ([`parts`]), each part may
//! change from step to step ([`schedule`]), and what is left at a step has emphasis ([`attention`]) and goes to the text encoder in
//! chunks of 75 tokens ([`chunks`]). None of this can fail: what cannot be read is text.

mod attention;
mod chunks;
mod conjunction;
mod deforum;
mod extra;
mod schedule;
mod weigh;

pub use attention::{Piece, attention};
pub use chunks::{Chunk, chunks};
pub use conjunction::{Part, parts};
pub use deforum::split_negative;
pub use extra::{ExtraNetwork, LoraTag, extra_networks};
pub use schedule::{Stage, When, in_effect, schedule};
pub use weigh::{Encoded, weigh};

/// Whose signs a prompt is written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Syntax {
    /// A1111's.
    #[default]
    A1111,
    /// None: the text as it stands, cut after 75 tokens, as diffusers reads it. For models that fill up with `!` a `!` of the text
    /// counts as such filling, too.
    Plain,
}

/// What emphasis does. A1111 has the same words in its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Emphasis {
    /// Weights, and then all numbers of a chunk scaled so that their mean is as it was.
    #[default]
    Original,
    /// Weights alone: for SDXL, where the mean is near zero.
    NoNorm,
    /// Brackets are taken out, but nothing is weighed.
    Ignore,
    /// Brackets are text like any other.
    None,
}

/// How prompts are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Reading {
    /// Whose signs they are written with.
    pub syntax: Syntax,
    /// What emphasis does.
    pub emphasis: Emphasis,
}

impl Reading {
    /// The text as it stands, as diffusers reads it.
    pub const PLAIN: Self = Self { syntax: Syntax::Plain, emphasis: Emphasis::None };
}
