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
    /// Which layer of the text encoder counts, from the last, which is 1: A1111's "clip skip". 0 is the one that the model was
    /// trained with; models trained with the last but one (SDXL) take 1 for that, too.
    pub clip_skip: usize,
}

impl Reading {
    /// The text as it stands, as diffusers reads it.
    pub const PLAIN: Self = Self { syntax: Syntax::Plain, emphasis: Emphasis::None, clip_skip: 0 };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn letters(text: &str) -> String {
        text.chars().filter(|c| c.is_alphabetic()).collect()
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in any::<String>(), steps in 1_usize..40) {
            for part in parts(&extra_networks(&text).0) {
                for stage in schedule(&part.text, steps, When::Written) {
                    prop_assert!(!attention(&stage.text).is_empty());
                }
            }
            let _ = split_negative(&text);
        }

        #[test]
        fn signs_in_any_order_are_read(text in r"[\[\](){}:|.\\0-9a-c <>=AND\n-]{0,60}", steps in 1_usize..40) {
            let stages = schedule(&text, steps, When::Written);
            prop_assert_eq!(stages.last().map(|stage| stage.until), Some(steps));
            prop_assert!(stages.windows(2).all(|pair| pair[0].until < pair[1].until));
            let _ = (attention(&text), parts(&text), extra_networks(&text));
        }

        #[test]
        fn emphasis_loses_no_letter(text in r"[\[\]():.\\1-3a-d ]{0,60}") {
            let read: String = attention(&text).iter().map(|piece| piece.text.as_str()).collect();
            prop_assert_eq!(letters(&read), letters(&text));
        }

        #[test]
        fn what_cannot_change_is_left_as_it_is(text in r"[\[\]():.\\a-d ]{0,60}") {
            prop_assert_eq!(schedule(&text, 20, When::Written), [Stage { until: 20, text }]);
        }
    }
}
