//! Prompts to embeddings, each computed once.

use std::sync::{Arc, Mutex, PoisonError};

use super::DiffusionError;
use super::clip::{Clip, Layer, Spoken};
use super::embedding::{Embedding, Staged};
use super::folder::ModelFolder;
use super::prompt::{Chunk, Encoded, Reading, Syntax, When, chunks, schedule, weigh};
use crate::model::SessionOptions;

/// Prompts and chunks kept: enough for the prompts of a keyframed film, some megabytes.
const KEPT: usize = 48;

/// What was asked for last, by what was asked.
struct Recent<K, V>(Mutex<Vec<(K, V)>>);

impl<K: PartialEq, V: Clone> Recent<K, V> {
    fn new() -> Self {
        Self(Mutex::default())
    }

    /// What is kept for `key`, or what `make` makes, which is kept from then on.
    fn get(&self, key: K, make: impl FnOnce() -> Result<V, DiffusionError>) -> Result<V, DiffusionError> {
        // Kept locked meanwhile: two that ask for the same wait for one computation.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The most recent is last; the one asked for becomes it.
        let found = match kept.iter().position(|(known, _)| *known == key) {
            Some(at) => kept.remove(at).1,
            None => make()?,
        };
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push((key, found.clone()));
        Ok(found)
    }
}

/// The text encoders of a model with their tokenizers: one, or for SDXL two whose rows are put side by side.
pub struct TextEncoder {
    encoders: Vec<Clip>,
    /// Whether a negative prompt that is not given is nothing at all rather than an empty text.
    zeros: bool,
    /// By which encoder, of which tokens, with which clip skip.
    chunks: Recent<(usize, Vec<u32>, usize), Arc<Spoken>>,
    /// By text, evaluations, and how it is read.
    prompts: Recent<(String, usize, Reading), Staged>,
}

impl TextEncoder {
    /// Loads `text_encoder/` and `tokenizer/`, and for SDXL `text_encoder_2/` and `tokenizer_2/`.
    pub fn open(folder: &ModelFolder, options: &SessionOptions) -> Result<Self, DiffusionError> {
        let both = [("text_encoder", "tokenizer"), ("text_encoder_2", "tokenizer_2")];
        let second = folder.has(both[1].0);
        let layer = if second { Layer::Penultimate } else { Layer::Last };
        // SDXL's refiner has the second alone; a folder with neither fails at the first, by name.
        let there = both.into_iter().filter(|(part, _)| folder.has(part) || (!second && *part == both[0].0));
        let encoders = there.map(|names| Clip::open(folder, names, layer, options)).collect::<Result<_, _>>()?;
        Ok(Self { encoders, zeros: second && folder.zeros_for_no_negative, chunks: Recent::new(), prompts: Recent::new() })
    }

    /// A negative prompt over `steps` evaluations; without one no text, or for most SDXL models zeros. A1111 takes an empty one for
    /// none.
    pub fn encode_negative(&self, text: Option<&str>, steps: usize, reading: Reading) -> Result<Staged, DiffusionError> {
        let encoded = self.encode(text.unwrap_or_default(), steps, reading)?;
        let none = text.is_none_or(|text| text.is_empty() && reading.syntax == Syntax::A1111);
        Ok(if none && self.zeros { encoded.map(Embedding::zeroed) } else { encoded })
    }

    /// `text`, one part of a prompt, over `steps` evaluations.
    pub fn encode(&self, text: &str, steps: usize, reading: Reading) -> Result<Staged, DiffusionError> {
        self.prompts.get((text.to_owned(), steps, reading), || {
            if reading.syntax == Syntax::Plain {
                let embedding = self.together(&[text], reading)?.swap_remove(0);
                return Ok(Staged::new(vec![(steps, embedding)]));
            }
            let stages = schedule(text, steps, When::Written);
            let texts: Vec<&str> = stages.iter().map(|stage| stage.text.as_str()).collect();
            let embeddings = self.together(&texts, reading)?;
            Ok(Staged::new(stages.iter().map(|stage| stage.until).zip(embeddings).collect()))
        })
    }

    /// The embeddings of `texts`, which go through the encoders together: all get as many chunks, and share their mean where emphasis
    /// keeps it.
    fn together(&self, texts: &[&str], reading: Reading) -> Result<Vec<Arc<Embedding>>, DiffusionError> {
        let mut all = vec![Embedding::default(); texts.len()];
        for (index, encoder) in self.encoders.iter().enumerate() {
            let mut parts: Vec<Vec<Chunk>> = texts.iter().map(|text| chunks(&encoder.tokenizer, text, reading)).collect();
            let count = parts.iter().map(Vec::len).max().unwrap_or(1);
            for parts in &mut parts {
                parts.resize_with(count, || Chunk::empty(&encoder.tokenizer));
            }
            let mut rows = vec![Vec::new(); texts.len()];
            let mut width = 0;
            for at in 0..count {
                let encoded = parts.iter().map(|parts| self.chunk(index, &parts[at], reading.clip_skip));
                let encoded: Vec<Arc<Spoken>> = encoded.collect::<Result<_, _>>()?;
                let mut raw: Vec<Vec<f32>> = encoded.iter().map(|one| one.rows.clone()).collect();
                let mut weighed: Vec<Encoded<'_>> =
                    parts.iter().zip(&mut raw).map(|(parts, rows)| Encoded { chunk: &parts[at], rows }).collect();
                weigh(&mut weighed, reading.emphasis);
                rows.iter_mut().zip(raw).for_each(|(rows, raw)| rows.extend(raw));
                for (embedding, one) in all.iter_mut().zip(&encoded).filter(|_| at == 0) {
                    width = one.width;
                    embedding.pooled.clone_from(&one.pooled);
                }
            }
            all.iter_mut().zip(&rows).for_each(|(embedding, rows)| embedding.widen(rows, width));
        }
        for one in &mut all {
            one.tokens = one.data.len() / one.width.max(1);
        }
        Ok(shared(texts, all))
    }

    /// What the encoder `index` says of `chunk`, not weighed.
    fn chunk(&self, index: usize, chunk: &Chunk, clip_skip: usize) -> Result<Arc<Spoken>, DiffusionError> {
        self.chunks.get((index, chunk.ids.clone(), clip_skip), || self.encoders[index].run(&chunk.ids, clip_skip).map(Arc::new))
    }
}

/// The embeddings, equal ones of equal texts once.
fn shared(texts: &[&str], all: Vec<Embedding>) -> Vec<Arc<Embedding>> {
    let mut out: Vec<Arc<Embedding>> = Vec::with_capacity(all.len());
    for (at, embedding) in all.into_iter().enumerate() {
        let earlier = texts[..at].iter().position(|text| *text == texts[at]);
        out.push(earlier.map_or_else(|| Arc::new(embedding), |earlier| Arc::clone(&out[earlier])));
    }
    out
}
