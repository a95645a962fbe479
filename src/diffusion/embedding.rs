//! What the denoising network reads of a prompt, and how it goes on from step to step.

use std::sync::Arc;

use super::prompt::in_effect;

/// What the denoising network reads of a text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Embedding {
    /// Rows: 77 for each chunk of the text.
    pub tokens: usize,
    /// Numbers in a row.
    pub width: usize,
    /// The rows.
    pub data: Vec<f32>,
    /// The text as a whole, which SDXL reads besides; of its first chunk. Empty for other models.
    pub pooled: Vec<f32>,
}

impl Embedding {
    /// A straight line from this one to `other` of as many rows: `mix` 0 is this, 1 the other.
    #[must_use]
    pub fn mixed(&self, other: &Self, mix: f32) -> Self {
        let line = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * (1.0 - mix) + b * mix).collect();
        Self { data: line(&self.data, &other.data), pooled: line(&self.pooled, &other.pooled), ..*self }
    }

    /// An embedding like this one of nothing but zeros: how SDXL reads a negative prompt that was not given.
    #[must_use]
    pub fn zeroed(&self) -> Self {
        Self { data: vec![0.0; self.data.len()], pooled: vec![0.0; self.pooled.len()], ..*self }
    }

    /// With `tokens` rows, at least as many as it has: the further ones are those of `filler`, over and over.
    #[must_use]
    pub fn filled(&self, tokens: usize, filler: &[f32]) -> Self {
        let missing = (tokens * self.width).saturating_sub(self.data.len());
        let mut data = self.data.clone();
        data.extend(filler.iter().cycle().take(missing));
        Self { tokens: tokens.max(self.tokens), width: self.width, data, pooled: self.pooled.clone() }
    }

    /// Its last row.
    pub(super) fn last_row(&self) -> &[f32] {
        &self.data[self.data.len().saturating_sub(self.width)..]
    }

    /// Puts the rows of another encoder to the right of these.
    pub(super) fn widen(&mut self, rows: &[f32], width: usize) {
        if self.width == 0 {
            (self.data, self.width) = (rows.to_vec(), width);
            return;
        }
        let both = self.data.chunks_exact(self.width).zip(rows.chunks_exact(width));
        self.data = both.flat_map(|(a, b)| a.iter().chain(b)).copied().collect();
        self.width += width;
    }
}

/// A text that may change from step to step: what it is, and up to which evaluation of the network, at least one. All have as many
/// rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Staged(Vec<(usize, Arc<Embedding>)>);

impl Staged {
    /// The same throughout, where `stages` is empty that of nothing.
    #[must_use]
    pub fn new(stages: Vec<(usize, Arc<Embedding>)>) -> Self {
        Self(if stages.is_empty() { vec![(usize::MAX, Arc::default())] } else { stages })
    }

    /// What it is at the evaluation `at`, counted from 0.
    #[must_use]
    pub fn at(&self, at: usize) -> &Arc<Embedding> {
        &self.0[in_effect(self.0.iter().map(|(until, _)| *until), at)].1
    }

    /// Rows.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.0[0].1.tokens
    }

    /// Every stage changed by `change`; equal ones are changed once.
    #[must_use]
    pub fn map(&self, change: impl Fn(&Embedding) -> Embedding) -> Self {
        let mut known: Vec<(&Arc<Embedding>, Arc<Embedding>)> = Vec::new();
        let stages = self.0.iter().map(|(until, embedding)| {
            let found = known.iter().find(|(old, _)| Arc::ptr_eq(old, embedding)).map(|(_, new)| Arc::clone(new));
            let new = found.unwrap_or_else(|| {
                let new = Arc::new(change(embedding));
                known.push((embedding, Arc::clone(&new)));
                new
            });
            (*until, new)
        });
        Self(stages.collect())
    }

    /// With `tokens` rows, as [`Embedding::filled`]; `filler` is the last row of each where it is nothing.
    #[must_use]
    pub fn filled(&self, tokens: usize, filler: Option<&[f32]>) -> Self {
        if self.tokens() >= tokens {
            return self.clone();
        }
        self.map(|embedding| embedding.filled(tokens, filler.unwrap_or(embedding.last_row())))
    }

    /// A straight line from this one to `other` at each step; `mix` 0 is this, 1 the other.
    #[must_use]
    pub fn mixed(&self, other: &Self, mix: f32) -> Self {
        let mut ends: Vec<usize> = self.0.iter().chain(&other.0).map(|(until, _)| *until).collect();
        ends.sort_unstable();
        ends.dedup();
        Self(ends.into_iter().map(|end| (end, Arc::new(self.at(end).mixed(other.at(end), mix)))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: f32, tokens: usize) -> Arc<Embedding> {
        Arc::new(Embedding { tokens, width: 2, data: vec![value; tokens * 2], pooled: Vec::new() })
    }

    #[test]
    fn stages_follow_each_other_mix_and_grow() {
        let changing = Staged::new(vec![(2, of(1.0, 2)), (9, of(3.0, 2))]);
        let steady = Staged::new(vec![(9, of(5.0, 2))]);
        let values = |staged: &Staged| [0, 2, 3, 9].map(|at| staged.at(at).data[0]);
        assert_eq!(values(&changing), [1.0, 1.0, 3.0, 3.0]);
        assert_eq!(values(&changing.mixed(&steady, 0.5)), [3.0, 3.0, 4.0, 4.0]);
        assert_eq!(changing.filled(3, None).at(3).data, [3.0; 6]);
        assert_eq!(changing.filled(3, Some(&[7.0, 8.0])).at(0).data, [1.0, 1.0, 1.0, 1.0, 7.0, 8.0]);
    }
}
