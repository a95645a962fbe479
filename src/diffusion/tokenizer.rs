//! The byte-pair tokenizer of CLIP, from a folder's `vocab.json` and `merges.txt`.
//!
//! Text is cleaned (control characters dropped, spaces round CJK characters, NFC, lower case), cut into words, letters
//! and runs of punctuation, and each piece is merged from bytes upwards. This is the behaviour of the Hugging Face
//! `CLIPTokenizer` without `ftfy`; with it, and in the fast one and `OpenCLIP`'s, only exotic text comes out differently: CJK, joined
//! emoji, full-width letters, ligatures, curly quotes, HTML entities, soft hyphens, and special tokens spelled out.

use std::collections::HashMap;
use std::path::Path;
use std::sync::LazyLock;

use fancy_regex::Regex;
use unicode_normalization::UnicodeNormalization;

use super::DiffusionError;
use super::folder::{malformed, read_json, read_text};

/// How many tokens a CLIP text encoder reads, with the two that frame the text.
pub const CONTEXT: usize = 77;
/// How many of those are for text.
pub const CHUNK: usize = CONTEXT - 2;

pub(super) const BOS: &str = "<|startoftext|>";
pub(super) const EOS: &str = "<|endoftext|>";
/// Ends the last symbol of a word.
pub(super) const WORD_END: &str = "</w>";

#[expect(clippy::expect_used, reason = "the pattern is a constant and a test compiles it")]
static PIECES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+").expect("a valid pattern")
});
#[expect(clippy::expect_used, reason = "the pattern is a constant and a test compiles it")]
static CONTROL: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"[\p{C}\x{FFFD}&&[^\t\n\r]]+").expect("a valid pattern"));

/// Two neighbours, how early they merge, and into what.
type Merges = HashMap<(u32, u32), (u32, u32)>;

/// A loaded vocabulary.
pub struct Tokenizer {
    ids: HashMap<String, u32>,
    merges: Merges,
    /// The symbol of each byte, inside a word and at its end.
    bytes: [(u32, u32); 256],
    bos: u32,
    eos: u32,
    /// Fills up; and its text, where it is a token of its own.
    pad: (u32, Option<String>),
    comma: Option<u32>,
}

impl Tokenizer {
    /// Reads the `tokenizer/` folder of a model.
    pub fn open(folder: &Path) -> Result<Self, DiffusionError> {
        let (vocabulary, merges) = (folder.join("vocab.json"), folder.join("merges.txt"));
        Self::of(read_json(&vocabulary)?, &read_text(&merges)?, pad_token(folder), &vocabulary)
    }

    /// From a vocabulary, the text of `merges.txt`, and the token that fills texts up, if it is not the one that ends them; `path` stands
    /// for them in messages.
    pub(super) fn of(ids: HashMap<String, u32>, merges: &str, padding: Option<String>, path: &Path) -> Result<Self, DiffusionError> {
        let find = |symbol: &str| ids.get(symbol).copied().ok_or_else(|| malformed(path, format!("it lacks `{symbol}`")));
        let (bos, eos) = (find(BOS)?, find(EOS)?);
        let mut bytes = [(eos, eos); 256];
        for (byte, entry) in bytes.iter_mut().enumerate() {
            let symbol = byte_symbol(byte as u8);
            *entry = (find(&symbol.to_string())?, find(&format!("{symbol}{WORD_END}"))?);
        }
        let merges = read_merges(merges, &ids, path)?;
        let pad = padding.and_then(|token| ids.get(&token).map(|id| (*id, Some(token).filter(|_| *id != eos))));
        let comma = ids.get(",</w>").copied();
        Ok(Self { ids, merges, bytes, bos, eos, pad: pad.unwrap_or((eos, None)), comma })
    }

    /// The tokens of `text`, as many as there are, without the framing ones.
    pub fn tokens(&self, text: &str) -> Vec<u32> {
        let mut out = Vec::new();
        let text = clean(text);
        for piece in PIECES.find_iter(&text).filter_map(Result::ok) {
            match piece.as_str() {
                special @ (BOS | EOS) => out.extend(self.ids.get(special)),
                word => self.merge(word, &mut out),
            }
        }
        out
    }

    /// The same, with the padding token wherever its text stands in `text`: where `!` fills up, diffusers takes every `!` for that.
    #[must_use]
    pub fn tokens_with_padding(&self, text: &str) -> Vec<u32> {
        let (id, Some(padding)) = &self.pad else { return self.tokens(text) };
        let mut out = Vec::new();
        for (index, part) in text.split(padding.as_str()).enumerate() {
            out.extend((index > 0).then_some(*id));
            out.extend(self.tokens(part));
        }
        out
    }

    /// Whether `token` is a comma.
    pub(super) fn is_comma(&self, token: u32) -> bool {
        self.comma == Some(token)
    }

    /// Fills up `ids` after the first token that ends a text, be it written in the text, where filling up and ending are different
    /// tokens: as A1111 does.
    pub(super) fn pad_after_end(&self, ids: &mut [u32]) {
        if let Some(end) = ids.iter().position(|id| *id == self.eos).filter(|_| self.pad.0 != self.eos) {
            ids[end + 1..].fill(self.pad.0);
        }
    }

    /// `tokens` framed by start and end and filled up to [`CONTEXT`]; what is over [`CHUNK`] is left out.
    pub fn frame(&self, tokens: &[u32]) -> Vec<u32> {
        let mut out = Vec::with_capacity(CONTEXT);
        out.push(self.bos);
        out.extend(tokens.iter().take(CHUNK));
        out.push(self.eos);
        out.resize(CONTEXT, self.pad.0);
        out
    }

    fn merge(&self, word: &str, out: &mut Vec<u32>) {
        let mut symbols: Vec<u32> = word.bytes().map(|b| self.bytes[b as usize].0).collect();
        if let (Some(last), Some(byte)) = (symbols.last_mut(), word.bytes().last()) {
            *last = self.bytes[byte as usize].1;
        }
        while let Some((rank, merged)) = symbols.windows(2).filter_map(|w| self.merges.get(&(w[0], w[1])).copied()).min() {
            let mut read = 0;
            let mut kept = Vec::with_capacity(symbols.len());
            while read < symbols.len() {
                let pair = symbols.get(read + 1).and_then(|b| self.merges.get(&(symbols[read], *b)));
                let here = pair.is_some_and(|p| p.0 == rank);
                kept.push(if here { merged } else { symbols[read] });
                read += if here { 2 } else { 1 };
            }
            symbols = kept;
        }
        out.extend(symbols);
    }
}

/// The printable character that stands for a byte: itself where it is visible, else one from 256 on.
pub(super) fn byte_symbol(byte: u8) -> char {
    let visible = |b: u8| matches!(b, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if visible(byte) {
        return char::from(byte);
    }
    let hidden_before = (0..byte).filter(|b| !visible(*b)).count();
    char::from_u32(256 + hidden_before as u32).unwrap_or('?')
}

fn read_merges(text: &str, ids: &HashMap<String, u32>, path: &Path) -> Result<Merges, DiffusionError> {
    // The first line is a version; the list ends where the vocabulary does (512 bytes' symbols, 2 special tokens).
    let count = ids.len().saturating_sub(512 + 2);
    let lines = text.trim().lines().skip(1).take(count);
    let mut merges = HashMap::with_capacity(count);
    for (rank, line) in lines.enumerate() {
        let bad = || malformed(path, format!("line {} of the merges is no pair of known symbols", rank + 2));
        let (a, b) = line.trim_end().split_once(' ').ok_or_else(bad)?;
        let id = |symbol: &str| ids.get(symbol).copied().ok_or_else(bad);
        merges.insert((id(a)?, id(b)?), (rank as u32, id(&format!("{a}{b}"))?));
    }
    Ok(merges)
}

/// The text of the padding token, from whichever of the two small files names it; both hold it as text or as a mapping.
fn pad_token(folder: &Path) -> Option<String> {
    ["special_tokens_map.json", "tokenizer_config.json"].iter().find_map(|name| {
        let config: serde_json::Value = read_json(&folder.join(name)).ok()?;
        let pad = config.get("pad_token")?;
        pad.as_str().or_else(|| pad.get("content")?.as_str()).map(str::to_owned)
    })
}

fn is_cjk(c: char) -> bool {
    matches!(
        c as u32,
        0x4e00..=0x9fff
            | 0x3400..=0x4dbf
            | 0x2_0000..=0x2_a6df
            | 0x2_a700..=0x2_b73f
            | 0x2_b740..=0x2_b81f
            | 0x2_b820..=0x2_ceaf
            | 0xf900..=0xfaff
            | 0x2_f800..=0x2_fa1f
    )
}

fn clean(text: &str) -> String {
    let visible = CONTROL.replace_all(text, "");
    let mut spaced = String::with_capacity(visible.len());
    for c in visible.chars() {
        if is_cjk(c) {
            spaced.extend([' ', c, ' ']);
        } else {
            spaced.push(c);
        }
    }
    let composed: String = spaced.nfc().collect();
    composed.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cleaned_as_the_reference_does() {
        assert_eq!(clean("  A\u{200d}B \u{0}\n\tCafe\u{301} 中文 "), "ab café 中 文");
        assert_eq!(clean("\u{fffd}X\u{ad}y"), "xy");
    }

    #[test]
    fn words_numbers_and_punctuation_part() {
        let pieces: Vec<_> = PIECES.find_iter("it's 42 cats, (neon:0.5)!").map(|m| m.unwrap().as_str()).collect();
        assert_eq!(pieces, ["it", "'s", "4", "2", "cats", ",", "(", "neon", ":", "0", ".", "5", ")!"]);
    }

    #[test]
    fn bytes_have_256_different_symbols() {
        let symbols: std::collections::HashSet<char> = (0..=255).map(byte_symbol).collect();
        assert_eq!(symbols.len(), 256);
        assert_eq!((byte_symbol(b' '), byte_symbol(b'A')), ('Ġ', 'A'));
    }
}
