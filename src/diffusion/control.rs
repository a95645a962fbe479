//! `ControlNet`: a second network looks at an edge map, a pose, a depth and tells the denoising network where to put things.
//!
//! ONNX exports come in two forms. In the one the `ControlNet` is a network of its own, whose outputs are inputs of a specially
//! exported denoising network; in the other both are one network, which takes the pictures itself.

use std::path::Path;
use std::sync::Arc;

use ndarray::{ArrayD, IxDyn};

use super::DiffusionError;
use super::networks::{Files, Networks};
use super::told::Group;
use super::vae::planes;
use crate::frame::{Frame, Size};
use crate::model::{Session, SessionOptions, Tensor, TensorInfo, TensorRef};

/// Where a folder keeps its own.
pub(super) const PART: &str = "controlnet";

/// A `ControlNet` beside the denoising network.
#[derive(Debug)]
pub struct ControlNet {
    session: Arc<Session>,
}

impl ControlNet {
    /// Loads the network at `path`: a file, or a folder that holds `model.onnx` or `controlnet/model.onnx`.
    ///
    /// # Errors
    /// When there is no such network, or it is no `ControlNet`.
    pub fn open(path: &Path, options: &SessionOptions) -> Result<Self, DiffusionError> {
        let files = Files::of(path);
        let single = path.join("model.onnx");
        if files.has(PART) {
            return Self::of(&files, options);
        }
        Self::checked(Session::open(if path.is_dir() { &single } else { path }, options)?)
    }

    /// Loads that of a model.
    ///
    /// # Errors
    /// As [`ControlNet::open`].
    pub fn of(networks: &dyn Networks, options: &SessionOptions) -> Result<Self, DiffusionError> {
        Self::checked(networks.open(PART, options)?)
    }

    fn checked(session: Arc<Session>) -> Result<Self, DiffusionError> {
        let needed = ["sample", "timestep", "encoder_hidden_states", "controlnet_cond"];
        let missing = needed.iter().find(|name| session.input(name).is_none());
        match missing {
            None => Ok(Self { session }),
            Some(missing) => {
                let why = format!("has no input `{missing}`; {}", session.describe());
                Err(DiffusionError::Signature { part: PART, why })
            }
        }
    }

    /// What it adds to the denoising network, the middle last: outputs go by position, since exporters name them as they like.
    fn run(&self, group: &Group<'_>, steering: &Steering<'_>) -> Result<Vec<ArrayD<f32>>, DiffusionError> {
        let odd = |why: &str| DiffusionError::Signature { part: PART, why: why.to_owned() };
        let shape = group.latents.shape;
        let mut inputs = group.common(&self.session)?;
        let timestep = group.timestep(&self.session);
        let (picture, size) = (steering.planes.repeat(shape[0]), steering.size);
        let scale = Tensor::F32(ArrayD::from_elem(self.scale_shape().unwrap_or_else(|| IxDyn(&[])), steering.scale));
        let sample = TensorRef::of(&group.latents.data, &shape).ok_or_else(|| odd("cannot be given these latents"))?;
        let picture_shape = [shape[0], 3, size.height, size.width];
        let picture = TensorRef::of(&picture, &picture_shape).ok_or_else(|| odd("cannot be given this picture"))?;
        inputs.extend([("sample", sample), ("timestep", timestep.view()), ("controlnet_cond", picture)]);
        let scales_itself = self.scale_shape().is_some();
        if scales_itself {
            inputs.push(("conditioning_scale", scale.view()));
        }
        let mut outputs: Vec<ArrayD<f32>> = self.session.run(&inputs)?.into_iter().map(Tensor::into_f32).collect();
        for output in outputs.iter_mut().filter(|_| !scales_itself) {
            *output *= steering.scale;
        }
        Ok(outputs)
    }

    /// The shape of its own input for the scale, where it has one.
    fn scale_shape(&self) -> Option<IxDyn> {
        let info = self.session.input("conditioning_scale")?;
        Some(IxDyn(&vec![1; info.rank()]))
    }
}

/// A picture to follow.
#[derive(Debug, Clone, Copy)]
pub struct Control<'a> {
    /// The network that looks at it; none where it is part of the denoising network.
    pub network: Option<&'a ControlNet>,
    /// The picture, in the size of those painted or any other.
    pub image: &'a Frame,
    /// How closely it is followed: 0 not at all, 1 as trained.
    pub scale: f32,
    /// The part of the steps in which it is followed, from and to, 0 to 1.
    pub span: (f32, f32),
}

/// A [`Control`] made ready for a run.
#[derive(Clone)]
pub struct Steering<'a> {
    network: Option<&'a ControlNet>,
    /// Three planes, 0 to 1.
    planes: Arc<[f32]>,
    size: Size,
    scale: f32,
    span: (f32, f32),
}

impl<'a> Steering<'a> {
    /// `control` with its picture stretched to `size` and continued to `padded`.
    pub(super) fn of(control: &Control<'a>, size: Size, padded: Size) -> Self {
        let Control { network, image, scale, span } = *control;
        Self { network, planes: planes(&image.raster, size, padded, |v| v).into(), size: padded, scale, span }
    }

    /// How it steers at step `step` of `steps`, counted from 0.
    pub(super) fn at(&self, step: usize, steps: usize) -> Self {
        let (from, to) = self.span;
        let n = steps.max(1) as f32;
        let off = (step as f32 / n) < from || (step + 1) as f32 / n > to;
        Self { scale: if off { 0.0 } else { self.scale }, ..self.clone() }
    }
}

/// The denoising network's inputs that come of control, in either form.
pub(super) struct Residuals<'a> {
    named: Vec<(&'a str, Tensor)>,
}

impl<'a> Residuals<'a> {
    /// For a network with the inputs `names` for residuals, or with `ControlNets` inside. Without control all are zero.
    pub(super) fn of(group: &Group<'_>, session: &Session, names: &'a [Residual]) -> Result<Self, DiffusionError> {
        if let Some(info) = session.input("controlnet_conds") {
            return Self::inside(group, session, info.fixed(0));
        }
        let mut sum: Vec<ArrayD<f32>> = Vec::new();
        for steering in group.told.steering.iter().filter(|steering| steering.scale != 0.0) {
            let Some(network) = steering.network else { continue };
            let added = network.run(group, steering)?;
            if added.len() != names.len() {
                let why = format!("gives {} outputs where the denoising network has {} inputs for them", added.len(), names.len());
                return Err(DiffusionError::Signature { part: PART, why });
            }
            if sum.is_empty() {
                sum = added;
            } else {
                sum.iter_mut().zip(added).for_each(|(sum, added)| *sum += &added);
            }
        }
        if sum.is_empty() && !names.is_empty() {
            sum = nothing(group, names)?;
        }
        Ok(Self { named: names.iter().map(|input| input.name.as_str()).zip(sum.into_iter().map(Tensor::F32)).collect() })
    }

    /// `count` is how many `ControlNets` the network holds, where the export fixes that: those that have nothing to look at count 0.
    fn inside(group: &Group<'_>, session: &Session, count: Option<usize>) -> Result<Self, DiffusionError> {
        let steering = group.told.steering;
        let [rows, _, h, w] = group.latents.shape;
        let count = count.unwrap_or(steering.len()).max(1);
        if steering.len() > count {
            let why = format!("holds {count} `ControlNets`, {} pictures were given", steering.len());
            return Err(DiffusionError::Signature { part: "unet", why });
        }
        let size = steering.first().map_or(Size::new(8 * w, 8 * h), |s| s.size);
        let plane = 3 * size.area();
        let mut pictures = Vec::with_capacity(count * rows * plane);
        for at in 0..count {
            match steering.get(at) {
                Some(one) => pictures.extend(one.planes.repeat(rows)),
                None => pictures.resize(pictures.len() + rows * plane, 0.0),
            }
        }
        let rank = session.input("conditioning_scales").map_or(1, |info| info.rank().max(1));
        let mut scales_shape = vec![1; rank];
        scales_shape[0] = count;
        let scales = (0..count).map(|at| steering.get(at).map_or(0.0, |s| s.scale)).collect();
        let array = |shape: &[usize], data: Vec<f32>| {
            let array = ArrayD::from_shape_vec(IxDyn(shape), data);
            array.map(Tensor::F32).map_err(|error| DiffusionError::Setting(error.to_string()))
        };
        let pictures = array(&[count, rows, 3, size.height, size.width], pictures)?;
        Ok(Self { named: vec![("controlnet_conds", pictures), ("conditioning_scales", array(&scales_shape, scales)?)] })
    }

    pub(super) fn inputs(&self) -> impl Iterator<Item = (&str, TensorRef<'_>)> {
        self.named.iter().map(|(name, tensor)| (*name, tensor.view()))
    }
}

/// An input of the denoising network for what a `ControlNet` adds to one of its levels.
pub(super) struct Residual {
    name: String,
    /// Its channels, where the export says.
    channels: Option<usize>,
    /// How often the latents' sides are halved there.
    level: usize,
}

impl Residual {
    /// The inputs `infos` of a network of so many `levels`, in its order but the middle last: at each level come as many as at any other.
    pub(super) fn all(mut infos: Vec<&TensorInfo>, levels: usize) -> Vec<Self> {
        infos.sort_by_key(|info| info.name.contains("mid"));
        let levels = levels.max(1);
        let each = (infos.len().saturating_sub(1) / levels).max(1);
        let level = |at: usize| (at / each).min(levels - 1);
        infos.iter().enumerate().map(|(at, info)| Self { name: info.name.clone(), channels: info.fixed(1), level: level(at) }).collect()
    }
}

/// Zeros for a network that is exported for control and runs without.
fn nothing(group: &Group<'_>, inputs: &[Residual]) -> Result<Vec<ArrayD<f32>>, DiffusionError> {
    let why = "is exported for a `ControlNet` and does not say how many channels that adds; give it something to follow";
    let [rows, _, h, w] = group.latents.shape;
    let zeros = |input: &Residual| {
        let channels = input.channels.ok_or_else(|| DiffusionError::Signature { part: "unet", why: why.to_owned() })?;
        Ok(ArrayD::zeros(IxDyn(&[rows, channels, h >> input.level, w >> input.level])))
    };
    inputs.iter().map(zeros).collect()
}
