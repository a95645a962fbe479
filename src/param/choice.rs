//! Parameters that are one of some words.

use super::{Data, wrong_type};
use crate::diag::Diagnostic;

/// Makes an enum that is a parameter: one of some words, each with what it means.
///
/// The doc comments of the variants become the help, the reference page and the schema. Besides [`Param`](crate::param::Param)
/// the enum gets `ALL`, `WORDS`, `word()`, `from_word()` and `Display`.
///
/// ```
/// frameloom::choice! {
///     /// What lies beyond the edge of a picture.
///     pub enum Border {
///         /// The edge repeated.
///         Replicate = "replicate",
///         /// The picture repeated.
///         Wrap = "wrap",
///     }
/// }
/// assert_eq!(Border::from_word("wrap"), Some(Border::Wrap));
/// assert_eq!(Border::WORDS[0], ("replicate", "The edge repeated."));
/// ```
#[macro_export]
macro_rules! choice {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $name:ident {
            $( $(#[doc = $doc:literal])+ $variant:ident = $word:literal ),+ $(,)?
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        $visibility enum $name {
            $( $(#[doc = $doc])+ $variant ),+
        }

        impl $name {
            /// Every one, in the order of declaration.
            pub const ALL: &'static [Self] = &[$( Self::$variant ),+];

            /// Every word with its meaning, in the same order.
            pub const WORDS: &'static [(&'static str, &'static str)] = &[$( ($word, concat!($($doc),+).trim_ascii()) ),+];

            /// The word that authors write.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $( Self::$variant => $word ),+
                }
            }

            /// The one that `word` names.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.word() == word)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.word())
            }
        }

        impl $crate::param::Param for $name {
            type Now = Self;

            fn shape() -> $crate::param::Shape {
                $crate::param::Shape::Choice(Self::WORDS)
            }

            fn read(
                data: &$crate::param::Data,
                _cx: &$crate::param::ReadCx,
            ) -> ::std::result::Result<Self, $crate::diag::Diagnostic> {
                $crate::param::read_choice(data, Self::WORDS).map(|index| Self::ALL[index])
            }

            fn now(&self, _at: &$crate::param::Moment<'_>) -> Self {
                *self
            }
        }
    };
}

/// Which of `words` stands in `data`. Upper case, spaces and hyphens are forgiven: `Optical Flow` is `optical_flow`.
///
/// # Errors
/// What the words are, and which was likely meant.
pub fn read(data: &Data, words: &[(&str, &str)]) -> Result<usize, Diagnostic> {
    let Some(text) = data.text() else {
        return Err(wrong_type(data, "one word").help(listed(words)));
    };
    let plain = |text: &str| text.trim().to_lowercase().replace([' ', '-'], "_");
    let found = words.iter().position(|(word, _)| *word == text);
    found.or_else(|| words.iter().position(|(word, _)| plain(word) == plain(text))).ok_or_else(|| {
        let candidates = words.iter().map(|(word, _)| *word);
        let unknown = Diagnostic::error("unknown-word", format!("`{text}` is not one of the words for this"));
        let unknown = unknown.at(data.span, "not a word that is known here").suggest(text, candidates);
        if unknown.help.is_empty() { unknown.help(listed(words)) } else { unknown }
    })
}

/// All words in one line.
fn listed(words: &[(&str, &str)]) -> String {
    let words: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
    format!("write one of {}", words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read, read_text};
    use crate::param::Value;

    choice! {
        /// What lies beyond the edge.
        enum Border {
            /// The edge repeated,
            /// over and over.
            Replicate = "replicate",
            /// Nothing.
            None = "flat_black",
        }
    }

    #[test]
    fn words_read_print_and_explain_themselves() {
        assert_eq!(Border::from_word("replicate"), Some(Border::Replicate));
        assert_eq!(read_text("replicate"), Ok(Border::Replicate));
        assert_eq!(read_text("Flat Black"), Ok(Border::None));
        assert_eq!(Border::None.to_string(), "flat_black");
        assert_eq!(Border::WORDS[0].1, "The edge repeated, over and over.");
        assert_eq!(Border::ALL.len(), 2);
    }

    #[test]
    fn a_near_word_is_suggested_and_a_far_one_gets_the_list() {
        assert_eq!(read_text::<Border>("replicat").unwrap_err().help, ["write `replicate`"]);
        let far = read_text::<Border>("mirror").unwrap_err();
        assert_eq!(far.help, ["write one of `replicate`, `flat_black`"]);
        assert_eq!(read::<Border>(Value::Integer(1)).unwrap_err().message, "expected one word, found a whole number");
    }
}
