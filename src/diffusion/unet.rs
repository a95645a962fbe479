//! The denoising network, whatever its export looks like.

use std::sync::Arc;

use ndarray::{ArrayD, IxDyn};

use super::DiffusionError;
use super::folder::ModelFolder;
use super::latent::Latents;
use super::random::Precision;
use super::text::Embedding;
use crate::model::{Dim, Element, Session, SessionOptions, Tensor, TensorRef};

/// The inputs that can be filled.
const KNOWN: [&str; 4] = ["sample", "timestep", "encoder_hidden_states", "timestep_cond"];

/// The network with what its session's inputs tell: exports differ in type and rank of the timestep, in precision, in whether
/// several pictures may go in at once, and in whether the guidance scale is an input.
pub struct Unet {
    session: Arc<Session>,
    /// The length of `timestep_cond`, for networks that are told the guidance scale.
    guidance_width: Option<usize>,
    /// Pictures that go in at once, where the export fixes that.
    batch: Option<usize>,
}

impl Unet {
    /// Loads `unet/`.
    pub fn open(folder: &ModelFolder, options: &SessionOptions) -> Result<Self, DiffusionError> {
        let session = folder.networks.open("unet", options)?;
        let odd = |why: String| DiffusionError::Signature { part: "unet", why: format!("{why}; {}", session.describe()) };
        if let Some(missing) = KNOWN[..3].iter().find(|name| session.input(name).is_none()) {
            return Err(odd(format!("has no input `{missing}`")));
        }
        if let Some(unknown) = session.inputs().iter().find(|info| !KNOWN.contains(&info.name.as_str())) {
            return Err(odd(format!("wants `{}`, which is not supported", unknown.name)));
        }
        let guidance_width = match session.input("timestep_cond") {
            None => None,
            Some(info) => Some(info.fixed(1).ok_or_else(|| odd("leaves the width of `timestep_cond` open".to_owned()))?),
        };
        let batch = session.input("sample").and_then(|info| info.fixed(0));
        Ok(Self { session, guidance_width, batch })
    }

    /// Its session.
    #[must_use]
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Whether the network itself is told the guidance scale, so that it runs once a step and takes no negative prompt.
    #[must_use]
    pub fn knows_guidance(&self) -> bool {
        self.guidance_width.is_some()
    }

    /// The precision in which this network's pipeline draws its noise.
    #[must_use]
    pub fn precision(&self) -> Precision {
        match self.session.input("sample").map(|info| info.element) {
            Some(Element::F16) => Precision::Half,
            _ => Precision::Single,
        }
    }

    /// The output for `sample` at `timestep`: one embedding for each picture of the batch.
    pub fn run(&self, sample: &Latents, timestep: f32, texts: &[Arc<Embedding>], guidance: f32) -> Result<Vec<f32>, DiffusionError> {
        let [n, c, h, w] = sample.shape;
        let group = self.batch.unwrap_or(n).max(1);
        if n % group != 0 || texts.len() != n {
            let why = format!("takes {group} pictures at once, {n} with {} texts were given", texts.len());
            return Err(DiffusionError::Signature { part: "unet", why });
        }
        let mut out = Vec::with_capacity(sample.data.len());
        for (data, texts) in sample.data.chunks_exact(group * c * h * w).zip(texts.chunks_exact(group)) {
            out.extend(self.run_group(data, [group, c, h, w], timestep, texts, guidance)?);
        }
        Ok(out)
    }

    fn run_group(
        &self,
        data: &[f32],
        shape: [usize; 4],
        timestep: f32,
        texts: &[Arc<Embedding>],
        guidance: f32,
    ) -> Result<Vec<f32>, DiffusionError> {
        let odd = |why: String| DiffusionError::Signature { part: "unet", why };
        let (tokens, width) = texts.first().map_or((0, 0), |text| (text.tokens, text.width));
        let rows: Vec<f32> = texts.iter().flat_map(|text| text.data.iter().copied()).collect();
        let text_shape = [texts.len(), tokens, width];
        let text = TensorRef::of(&rows, &text_shape).ok_or_else(|| odd("was given texts of different length".to_owned()))?;
        let sample = TensorRef::of(data, &shape).ok_or_else(|| odd(format!("cannot be given {shape:?}")))?;
        let timestep = self.timestep(timestep);
        let guidance = self.guidance_width.map(|width| guidance_embedding(guidance, width).repeat(shape[0]));
        let mut inputs = vec![("sample", sample), ("timestep", timestep.view()), ("encoder_hidden_states", text)];
        if let (Some(rows), Some(width)) = (&guidance, self.guidance_width) {
            let rows = TensorRef::of(rows, &[shape[0], width]).ok_or_else(|| odd("has an empty `timestep_cond`".to_owned()))?;
            inputs.push(("timestep_cond", rows));
        }
        let output = self.session.run(&inputs)?.into_iter().next().map(Tensor::into_f32);
        let output = output.filter(|o| o.shape() == shape).ok_or_else(|| odd("gives no output of its input's shape".to_owned()))?;
        Ok(output.into_raw_vec_and_offset().0)
    }

    /// The timestep as this export takes it: a scalar or one for each picture; whole where it is an integer.
    fn timestep(&self, timestep: f32) -> Tensor {
        let info = self.session.input("timestep");
        let shape: Vec<usize> = info.map_or(Vec::new(), |i| i.shape.iter().map(|dim| Dim::fixed(dim).unwrap_or(1)).collect());
        let whole = info.is_some_and(|i| !i.element.is_float());
        let value = if whole { timestep.round_ties_even() } else { timestep };
        Tensor::F32(ArrayD::from_elem(IxDyn(&shape), value))
    }
}

/// The guidance scale as latent consistency models read it: sines and cosines of `scale - 1` (arXiv 2310.04378).
fn guidance_embedding(scale: f32, width: usize) -> Vec<f32> {
    let half = width / 2;
    let w = (scale - 1.0) * 1000.0;
    let decay = (10_000.0_f64.ln() / (half.max(2) - 1) as f64) as f32;
    let angles: Vec<f32> = (0..half).map(|i| w * (i as f32 * -decay).exp()).collect();
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
}
