//! What a node's paintings follow.

use crate::diffusion::{Control, ControlNet};
use crate::frame::Frame;
use crate::model::{SessionOptions, find_model};
use crate::node::Fault;
use crate::param::PathParam;

/// Loads the networks that the parameter `control_model` names.
pub(super) fn open(models: Option<&[PathParam]>, options: &SessionOptions) -> Result<Vec<ControlNet>, Fault> {
    let open = |model: &PathParam| Ok(ControlNet::open(&find_model(model.text(), model.base())?, options)?);
    models.unwrap_or_default().iter().map(open).collect()
}

/// The pictures of the input `control`, each with its network and scale; of scales the last holds for all that follow.
pub(super) fn all<'a>(images: &'a [Frame], networks: &'a [ControlNet], scales: &[f64], span: (f64, f64)) -> Vec<Control<'a>> {
    let scale = |at: usize| scales.get(at).or(scales.last()).copied().unwrap_or(1.0) as f32;
    let span = (span.0 as f32, span.1 as f32);
    images.iter().enumerate().map(|(at, image)| Control { network: networks.get(at), image, scale: scale(at), span }).collect()
}
