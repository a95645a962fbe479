//! What the denoising network is told besides latents: prompts, sizes, guidance, what to keep and what to follow.

use std::sync::Arc;

use ndarray::{ArrayD, IxDyn};

use super::DiffusionError;
use super::control::Steering;
use super::embedding::Embedding;
use super::latent::Latents;
use crate::frame::Size;
use crate::model::{Dim, Session, Tensor, TensorRef};

/// What SDXL is told of the picture's size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Framing {
    /// The size that the picture is supposed to have been cut from.
    pub original: Size,
    /// Where it was cut, (down, right).
    pub crop: (usize, usize),
    /// The size of the picture.
    pub target: Size,
    /// How beautiful the picture is to be, and that of the negative prompt: models that take five numbers read it in place of the target.
    pub scores: (f32, f32),
}

impl Framing {
    /// A whole picture of `size`, with diffusers' scores.
    #[must_use]
    pub fn whole(size: Size) -> Self {
        Self { original: size, crop: (0, 0), target: size, scores: (6.0, 2.5) }
    }

    /// The numbers in the order of SDXL: six, or five with a score.
    fn ids(&self, count: usize, negative: bool) -> Vec<f32> {
        let pair = |a: usize, b: usize| [a as f32, b as f32];
        let mut ids = [pair(self.original.height, self.original.width), pair(self.crop.0, self.crop.1)].concat();
        if count == 5 {
            ids.push(if negative { self.scores.1 } else { self.scores.0 });
        } else {
            ids.extend(pair(self.target.height, self.target.width));
        }
        ids
    }
}

/// What the denoising network is told besides latents and time.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    /// One text for each picture that goes in.
    pub texts: &'a [Arc<Embedding>],
    /// How many of the first are negative prompts.
    pub negatives: usize,
    /// For networks that know guidance themselves.
    pub guidance: f32,
    /// For SDXL.
    pub framing: Framing,
    /// Planes that go in beside the latents: mask and latents of what is kept. Of as many pictures as are painted; they repeat.
    pub beside: Option<&'a Latents>,
    /// What `ControlNets` look at.
    pub steering: &'a [Steering<'a>],
}

/// The pictures that go into the network at once.
pub(super) struct Group<'a> {
    pub(super) latents: &'a Latents,
    pub(super) told: &'a Told<'a>,
    /// The first of its pictures among all.
    first: usize,
    timestep: f32,
    rows: Vec<f32>,
    rows_shape: [usize; 3],
    pooled: Vec<f32>,
    ids: Vec<f32>,
}

impl<'a> Group<'a> {
    /// `count` pictures from `first` on, whose latents alone are given.
    pub(super) fn of(
        latents: &'a Latents,
        first: usize,
        count: usize,
        timestep: f32,
        told: &'a Told<'a>,
        ids: usize,
    ) -> Result<Self, DiffusionError> {
        let texts = &told.texts[first..first + count];
        let (tokens, width) = texts.first().map_or((0, 0), |text| (text.tokens, text.width));
        if texts.iter().any(|text| (text.tokens, text.width) != (tokens, width)) {
            return Err(DiffusionError::Signature { part: "unet", why: "was given texts of different length".to_owned() });
        }
        Ok(Self {
            latents,
            told,
            first,
            timestep,
            rows: texts.iter().flat_map(|text| text.data.iter().copied()).collect(),
            rows_shape: [count, tokens, width],
            pooled: texts.iter().flat_map(|text| text.pooled.iter().copied()).collect(),
            ids: if ids == 0 {
                Vec::new()
            } else {
                (first..first + count).flat_map(|i| told.framing.ids(ids, i < told.negatives)).collect()
            },
        })
    }

    /// What both the denoising network and `ControlNets` take, as far as `session` has an input for it.
    pub(super) fn common(&self, session: &Session) -> Result<Vec<(&str, TensorRef<'_>)>, DiffusionError> {
        let [count, ..] = self.rows_shape;
        let each = |all: &[f32]| [count, all.len() / count.max(1)];
        let (pooled, ids) = (each(&self.pooled), each(&self.ids));
        let all: [(&str, &[f32], &[usize]); 3] = [
            ("encoder_hidden_states", &self.rows, &self.rows_shape),
            ("text_embeds", &self.pooled, &pooled),
            ("time_ids", &self.ids, &ids),
        ];
        let here = all.into_iter().filter(|(name, ..)| session.input(name).is_some());
        here.map(|(name, data, shape)| {
            let tensor = TensorRef::of(data, shape).filter(|_| !data.is_empty());
            let why = || format!("wants `{name}`, which the text encoders of this model do not give");
            tensor.map(|tensor| (name, tensor)).ok_or_else(|| DiffusionError::Signature { part: "unet", why: why() })
        })
        .collect()
    }

    /// The timestep as `session` takes it: a scalar or one for each picture; whole where it is an integer.
    pub(super) fn timestep(&self, session: &Session) -> Tensor {
        let info = session.input("timestep");
        let shape: Vec<usize> = info.map_or(Vec::new(), |i| i.shape.iter().map(|dim| Dim::fixed(dim).unwrap_or(1)).collect());
        let whole = info.is_some_and(|i| !i.element.is_float());
        let value = if whole { self.timestep.round_ties_even() } else { self.timestep };
        Tensor::F32(ArrayD::from_elem(IxDyn(&shape), value))
    }

    /// The latents with the planes that go in beside them.
    pub(super) fn beside(&self) -> Option<Latents> {
        let beside = self.told.beside?;
        let [n, c, h, w] = self.latents.shape;
        let [of, more, ..] = beside.shape;
        let mut data = Vec::with_capacity(n * (c + more) * h * w);
        for (at, own) in self.latents.data.chunks_exact(c * h * w).enumerate() {
            data.extend_from_slice(own);
            data.extend_from_slice(&beside.data[(self.first + at) % of * more * h * w..][..more * h * w]);
        }
        Latents::new([n, c + more, h, w], data)
    }
}

/// The guidance scale as latent consistency models read it: sines and cosines of `scale - 1` (arXiv 2310.04378).
#[must_use]
pub fn guidance_embedding(scale: f32, width: usize) -> Vec<f32> {
    let half = width / 2;
    let w = (scale - 1.0) * 1000.0;
    let decay = (10_000.0_f64.ln() / (half.max(2) - 1) as f64) as f32;
    let angles: Vec<f32> = (0..half).map(|i| w * f64::from(i as f32 * -decay).exp() as f32).collect();
    let mut out: Vec<f32> = angles.iter().map(|a| a.sin()).chain(angles.iter().map(|a| a.cos())).collect();
    out.resize(width, 0.0);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_guidance_embeds_as_zeros_and_ones() {
        let row = guidance_embedding(1.0, 256);
        assert!(row[..128].iter().all(|v| v.abs() < 1e-9) && row[128..].iter().all(|v| (v - 1.0).abs() < 1e-9));
        assert_eq!(guidance_embedding(7.5, 5).len(), 5);
    }

    #[test]
    fn sizes_are_told_high_before_wide_and_scores_in_place_of_the_target() {
        let framing = Framing { crop: (1, 2), ..Framing::whole(Size::new(640, 480)) };
        assert_eq!(framing.ids(6, false), [480.0, 640.0, 1.0, 2.0, 480.0, 640.0]);
        assert_eq!(framing.ids(5, false), [480.0, 640.0, 1.0, 2.0, 6.0]);
        assert_eq!(framing.ids(5, true)[4], 2.5);
    }
}
