//! Emphasis: `(more)`, `[less]`, `(as much:1.3)`, and the word `BREAK`.

use std::sync::LazyLock;

use fancy_regex::Regex;

/// What a pair of round brackets without a number multiplies by; square ones divide.
const STEP: f64 = 1.1;
/// The word that begins a new chunk, and the weight that tells it from the same word in a text.
const BREAK: (&str, f64) = ("BREAK", -1.0);

#[expect(clippy::expect_used, reason = "the pattern is a constant and a test compiles it")]
static TOKENS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\\[()\[\]\\]|\\|\(|\[|:\s*([+-]?[.\d]+)\s*\)|\)|\]|[^\\()\[\]:]+|:").expect("a valid pattern"));
#[expect(clippy::expect_used, reason = "the pattern is a constant and a test compiles it")]
static BREAKS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\s*\bBREAK\b\s*").expect("a valid pattern"));

/// A stretch of text that counts equally throughout.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// The text, without the signs that gave it its weight.
    pub text: String,
    /// How much it counts; 1 is as the encoder has it.
    pub weight: f64,
}

impl Piece {
    fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), weight: 1.0 }
    }

    /// Whether it is no text but begins a new chunk. Inside brackets with a number the word `BREAK` is a word like any other, as in
    /// A1111.
    #[must_use]
    pub fn is_break(&self) -> bool {
        (self.text.as_str(), self.weight) == BREAK
    }
}

/// The pieces of `text` with their weights, at least one: A1111's rules.
///
/// `(x)` multiplies by 1.1, `[x]` divides by it, `(x:1.3)` multiplies by 1.3; brackets within brackets multiply further. A backslash
/// makes the bracket after it a sign of the text. A bracket that is not closed counts to the end, one that was not opened is text.
/// The products are formed in double precision from the innermost bracket outwards.
#[must_use]
pub fn attention(text: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let (mut round, mut square) = (Vec::new(), Vec::new());
    for token in TOKENS.captures_iter(text).filter_map(Result::ok) {
        let whole = token.get(0).map_or("", |found| found.as_str());
        let weight = token.get(1).map(|found| found.as_str().parse::<f64>());
        match (whole, weight) {
            ("(", _) => round.push(pieces.len()),
            ("[", _) => square.push(pieces.len()),
            (_, Some(weight)) if !round.is_empty() => {
                // A number that cannot be read is text, and its bracket closes without one.
                let factor = weight.unwrap_or_else(|_| {
                    pieces.push(Piece::plain(whole.trim_end_matches(')')));
                    STEP
                });
                multiply(&mut pieces, round.pop(), factor);
            }
            (")", _) if !round.is_empty() => multiply(&mut pieces, round.pop(), STEP),
            ("]", _) if !square.is_empty() => multiply(&mut pieces, square.pop(), 1.0 / STEP),
            _ => match whole.strip_prefix('\\') {
                Some(escaped) => pieces.push(Piece::plain(escaped)),
                None => push_text(&mut pieces, whole),
            },
        }
    }
    for (starts, factor) in [(round, STEP), (square, 1.0 / STEP)] {
        for start in starts {
            multiply(&mut pieces, Some(start), factor);
        }
    }
    merged(pieces)
}

fn multiply(pieces: &mut [Piece], start: Option<usize>, factor: f64) {
    for piece in pieces.iter_mut().skip(start.unwrap_or(0)) {
        piece.weight *= factor;
    }
}

/// Adds `text`, with a break wherever the word for it stands.
fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    let mut start = 0;
    for found in BREAKS.find_iter(text).filter_map(Result::ok) {
        pieces.push(Piece::plain(&text[start..found.start()]));
        pieces.push(Piece { text: BREAK.0.to_owned(), weight: BREAK.1 });
        start = found.end();
    }
    pieces.push(Piece::plain(&text[start..]));
}

/// Neighbours of equal weight as one.
fn merged(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    for piece in pieces {
        match out.last_mut().filter(|last| last.weight == piece.weight) {
            Some(last) => last.text += &piece.text,
            None => out.push(piece),
        }
    }
    if out.is_empty() { vec![Piece::plain("")] } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, f64)> {
        attention(text).into_iter().map(|piece| (piece.text, piece.weight)).collect()
    }

    fn pieces(expected: &[(&str, f64)]) -> Vec<(String, f64)> {
        expected.iter().map(|(text, weight)| ((*text).to_owned(), *weight)).collect()
    }

    #[test]
    fn brackets_weigh_and_multiply() {
        assert_eq!(read("a (b) [c] (d : 1.5 )"), pieces(&[("a ", 1.0), ("b", 1.1), (" ", 1.0), ("c", 1.0 / 1.1), (" ", 1.0), ("d ", 1.5)]));
        assert_eq!(read("((a:2) b:0.5)"), pieces(&[("a", 1.0), (" b", 0.5)]));
        assert_eq!(read(r"\(a\) b)"), pieces(&[("(a) b)", 1.0)]));
    }

    #[test]
    fn numbers_that_are_none_stay_in_the_text() {
        assert_eq!(read("(a:1.2.3)"), pieces(&[("a:1.2.3", 1.1)]));
        assert_eq!(read("(a:.) b"), pieces(&[("a:.", 1.1), (" b", 1.0)]));
    }

    #[test]
    fn breaks_are_words_only_outside_numbers() {
        let breaks = |text: &str| attention(text).iter().filter(|piece| piece.is_break()).count();
        assert_eq!([breaks("a BREAK b BREAK c"), breaks("BREAKFAST"), breaks("(a BREAK b:1.2)")], [2, 0, 0]);
    }
}
