//! From a text to what the text encoder is given: chunks of 75 tokens, each token with a weight.

use super::{Emphasis, Piece, Reading, Syntax, attention};
use crate::diffusion::tokenizer::{CHUNK, CONTEXT, Tokenizer};

/// How many tokens after a comma may move to the next chunk with it, so that no phrase is torn apart.
const BACKTRACK: usize = 20;

/// What goes through the text encoder at once.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    /// [`CONTEXT`] tokens, with those that frame the text and fill it up.
    pub ids: Vec<u32>,
    /// How many of them are the text's own.
    pub tokens: usize,
    /// How much each of them counts; 1 is as the encoder has it.
    pub weights: Vec<f32>,
}

impl Chunk {
    fn new(tokens: &[u32], weights: &[f64], tokenizer: &Tokenizer, syntax: Syntax) -> Self {
        let mut ids = tokenizer.frame(tokens);
        if syntax == Syntax::A1111 {
            tokenizer.pad_after_end(&mut ids);
        }
        let framed = std::iter::once(1.0).chain(weights.iter().take(CHUNK).map(|weight| *weight as f32));
        let mut weights: Vec<f32> = framed.collect();
        weights.resize(CONTEXT, 1.0);
        Self { ids, tokens: tokens.len().min(CHUNK), weights }
    }

    /// The chunk of no text, which fills up shorter prompts.
    #[must_use]
    pub fn empty(tokenizer: &Tokenizer) -> Self {
        Self::new(&[], &[], tokenizer, Syntax::A1111)
    }

    /// Whether all its tokens count as the encoder has them.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.weights.iter().all(|weight| *weight == 1.0)
    }
}

/// The chunks of `text`, at least one.
///
/// With [`Syntax::Plain`] it is one, cut after 75 tokens, as in diffusers. With [`Syntax::A1111`] there are as many as the text needs;
/// `BREAK` begins another, and where one is full, what follows its last comma within 20 tokens goes to the next.
#[must_use]
pub fn chunks(tokenizer: &Tokenizer, text: &str, reading: Reading) -> Vec<Chunk> {
    if reading.syntax == Syntax::Plain {
        let tokens = tokenizer.tokens_with_padding(text);
        if tokens.len() > CHUNK {
            tracing::warn!(tokens = tokens.len(), "the prompt is longer than {CHUNK} tokens; the rest of it is not read");
        }
        return vec![Chunk::new(&tokens, &vec![1.0; tokens.len()], tokenizer, Syntax::Plain)];
    }
    let pieces = match reading.emphasis {
        Emphasis::None => vec![Piece { text: text.to_owned(), weight: 1.0 }],
        _ => attention(text),
    };
    let mut filler = Filler { tokenizer, done: Vec::new(), tokens: Vec::new(), weights: Vec::new(), comma: None };
    for piece in &pieces {
        if piece.is_break() {
            filler.next(usize::MAX);
            continue;
        }
        let weight = if reading.emphasis == Emphasis::Ignore { 1.0 } else { piece.weight };
        tokenizer.tokens(&piece.text).into_iter().for_each(|token| filler.push(token, weight));
    }
    if !filler.tokens.is_empty() || filler.done.is_empty() {
        filler.next(usize::MAX);
    }
    filler.done
}

/// Fills chunks one after the other.
struct Filler<'a> {
    tokenizer: &'a Tokenizer,
    done: Vec<Chunk>,
    tokens: Vec<u32>,
    weights: Vec<f64>,
    /// Where the last comma of this chunk stands.
    comma: Option<usize>,
}

impl Filler<'_> {
    /// Ends the chunk after `keep` tokens; the others begin the next.
    fn next(&mut self, keep: usize) {
        let keep = keep.min(self.tokens.len());
        let rest = (self.tokens.split_off(keep), self.weights.split_off(keep));
        self.done.push(Chunk::new(&self.tokens, &self.weights, self.tokenizer, Syntax::A1111));
        (self.tokens, self.weights) = rest;
        self.comma = None;
    }

    fn push(&mut self, token: u32, weight: f64) {
        let filled = self.tokens.len();
        if self.tokenizer.is_comma(token) {
            self.comma = Some(filled);
        } else if let Some(comma) = self.comma.filter(|comma| filled == CHUNK && filled - comma <= BACKTRACK) {
            self.next(comma + 1);
        }
        if self.tokens.len() == CHUNK {
            self.next(CHUNK);
        }
        self.tokens.push(token);
        self.weights.push(weight);
    }
}
