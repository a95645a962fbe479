//! The vocabulary of CLIP, which checkpoints leave out since all families share it.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;

use crate::diffusion::DiffusionError;
use crate::diffusion::folder::malformed;
use crate::diffusion::tokenizer::{BOS, EOS, Tokenizer, WORD_END, byte_symbol};

/// The merges of OpenAI's CLIP (MIT licence, Copyright (c) 2021 OpenAI), compressed. All else follows from them.
const MERGES: &[u8] = include_bytes!("merges.txt.gz");

/// The tokenizer that all of Stable Diffusion was trained with. `padding` fills texts up: nothing for the token that ends them.
pub(super) fn tokenizer(padding: Option<&str>) -> Result<Tokenizer, DiffusionError> {
    let name = Path::new("merges.txt (built in)");
    let mut merges = String::new();
    GzDecoder::new(MERGES).read_to_string(&mut merges).map_err(|error| malformed(name, error.to_string()))?;
    let ids = ids(&merges);
    Tokenizer::of(ids, &merges, padding.map(str::to_owned), name)
}

/// Bytes, bytes at the end of a word, merges in order, and the two tokens that frame a text.
fn ids(merges: &str) -> HashMap<String, u32> {
    let mut bytes: Vec<char> = (0..=255).map(byte_symbol).collect();
    bytes.sort_unstable();
    let plain = bytes.iter().map(char::to_string);
    let ends = bytes.iter().map(|symbol| format!("{symbol}{WORD_END}"));
    let merged = merges.lines().skip(1).filter(|line| !line.is_empty()).map(|line| line.replace(' ', ""));
    let framing = [BOS, EOS].map(str::to_owned);
    plain.chain(ends).chain(merged).chain(framing).zip(0..).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vocabulary_is_that_of_clip() {
        let tokenizer = tokenizer(None).unwrap();
        assert_eq!(tokenizer.tokens("a photo of a cat!"), [320, 1125, 539, 320, 2368, 256]);
        let framed = tokenizer.frame(&[320]);
        assert_eq!((framed[0], framed[2], framed[76]), (49406, 49407, 49407));
        assert_eq!(super::tokenizer(Some("!")).unwrap().frame(&[320])[76], 0);
    }
}
