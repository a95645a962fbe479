//! The denoising network, whatever its export looks like.

use std::sync::Arc;

use super::DiffusionError;
use super::control::{Residual, Residuals};
use super::folder::ModelFolder;
use super::latent::Latents;
use super::random::Precision;
use super::told::{Group, Told, guidance_embedding};
use crate::model::{Element, Session, SessionOptions, Tensor, TensorRef};

/// The inputs without which there is no network.
const NEEDED: [&str; 3] = ["sample", "timestep", "encoder_hidden_states"];
/// Those that some families have besides.
const KNOWN: [&str; 5] = ["timestep_cond", "text_embeds", "time_ids", "controlnet_conds", "conditioning_scales"];

/// The network with what its session's inputs tell: exports differ in type and rank of the timestep, in precision, in whether
/// several pictures may go in at once, and in what they are told besides.
pub struct Unet {
    session: Arc<Session>,
    /// The length of `timestep_cond`, for networks that are told the guidance scale.
    guidance_width: Option<usize>,
    /// Pictures that go in at once, where the export fixes that.
    batch: Option<usize>,
    /// Channels of `sample`.
    channels: usize,
    /// Numbers in a row of `time_ids`; none for other models than SDXL.
    time_ids: usize,
    /// The inputs for what a `ControlNet` adds, that of the middle last.
    residuals: Vec<Residual>,
}

impl Unet {
    /// Loads `unet/`.
    pub fn open(folder: &ModelFolder, options: &SessionOptions) -> Result<Self, DiffusionError> {
        let session = folder.networks.open("unet", options)?;
        let odd = |why: String| DiffusionError::Signature { part: "unet", why: format!("{why}; {}", session.describe()) };
        if let Some(missing) = NEEDED.iter().find(|name| session.input(name).is_none()) {
            return Err(odd(format!("has no input `{missing}`")));
        }
        let others = session.inputs().iter().filter(|info| !NEEDED.contains(&info.name.as_str()) && !KNOWN.contains(&info.name.as_str()));
        let (residuals, unknown): (Vec<_>, Vec<_>) = others.partition(|info| info.rank() == 4 && info.element.is_float());
        if let Some(unknown) = unknown.first() {
            return Err(odd(format!("wants `{}`, which is not supported", unknown.name)));
        }
        let guidance_width = match session.input("timestep_cond") {
            None => None,
            Some(info) => Some(info.fixed(1).ok_or_else(|| odd("leaves the width of `timestep_cond` open".to_owned()))?),
        };
        let batch = session.input("sample").and_then(|info| info.fixed(0));
        let channels = session.input("sample").and_then(|info| info.fixed(1)).unwrap_or(folder.unet.in_channels);
        let latent = folder.vae.latent_channels;
        if channels != latent && channels != 2 * latent + 1 {
            return Err(odd(format!(
                "reads {channels} channels where {latent}, or {} for inpainting, are supported; models that edit or read depth have others",
                2 * latent + 1
            )));
        }
        let usual = if folder.scores { 5 } else { 6 };
        let time_ids = session.input("time_ids").map_or(0, |info| info.fixed(1).unwrap_or(usual));
        let residuals = Residual::all(residuals, folder.unet.block_out_channels.len());
        Ok(Self { session, guidance_width, batch, channels, time_ids, residuals })
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

    /// Channels of its input: those of the latents, or for inpainting models twice as many and one.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Whether a `ControlNet` can steer it, beside it or within.
    #[must_use]
    pub fn takes_control(&self) -> bool {
        !self.residuals.is_empty() || self.has_control_inside()
    }

    /// Whether `ControlNets` are part of this very network.
    #[must_use]
    pub fn has_control_inside(&self) -> bool {
        self.session.input("controlnet_conds").is_some()
    }

    /// The precision in which this network's pipeline draws its noise.
    #[must_use]
    pub fn precision(&self) -> Precision {
        match self.session.input("sample").map(|info| info.element) {
            Some(Element::F16) => Precision::Half,
            _ => Precision::Single,
        }
    }

    /// The output for `sample` at `timestep`.
    ///
    /// # Errors
    /// When what is told does not fit the network, or it fails.
    pub fn run(&self, sample: &Latents, timestep: f32, told: &Told<'_>) -> Result<Vec<f32>, DiffusionError> {
        let [n, c, h, w] = sample.shape;
        let group = self.batch.unwrap_or(n).max(1);
        if n % group != 0 || told.texts.len() != n {
            let why = format!("takes {group} pictures at once, {n} with {} texts were given", told.texts.len());
            return Err(DiffusionError::Signature { part: "unet", why });
        }
        if group == n {
            return self.run_group(&Group::of(sample, 0, group, timestep, told, self.time_ids)?);
        }
        let mut out = Vec::with_capacity(sample.data.len());
        for (at, data) in sample.data.chunks_exact(group * c * h * w).enumerate() {
            let part = Latents { shape: [group, c, h, w], data: data.to_vec() };
            out.extend(self.run_group(&Group::of(&part, at * group, group, timestep, told, self.time_ids)?)?);
        }
        Ok(out)
    }

    fn run_group(&self, group: &Group<'_>) -> Result<Vec<f32>, DiffusionError> {
        let odd = |why: String| DiffusionError::Signature { part: "unet", why };
        let shape = group.latents.shape;
        let beside = group.beside();
        let mut inputs = group.common(&self.session)?;
        let sample = beside.as_ref().unwrap_or(group.latents);
        inputs.push(("sample", TensorRef::of(&sample.data, &sample.shape).ok_or_else(|| odd(format!("cannot be given {shape:?}")))?));
        let timestep = group.timestep(&self.session);
        inputs.push(("timestep", timestep.view()));
        let guidance = self.guidance_width.map(|width| guidance_embedding(group.told.guidance, width).repeat(shape[0]));
        if let (Some(rows), Some(width)) = (&guidance, self.guidance_width) {
            let rows = TensorRef::of(rows, &[shape[0], width]).ok_or_else(|| odd("has an empty `timestep_cond`".to_owned()))?;
            inputs.push(("timestep_cond", rows));
        }
        let residuals = Residuals::of(group, &self.session, &self.residuals)?;
        inputs.extend(residuals.inputs());
        let output = self.session.run(&inputs)?.into_iter().next().map(Tensor::into_f32);
        let output = output.filter(|o| o.shape() == shape).ok_or_else(|| odd("gives no output of its input's shape".to_owned()))?;
        Ok(output.into_raw_vec_and_offset().0)
    }
}
