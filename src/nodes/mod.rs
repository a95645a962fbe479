//! The built-in kinds: one file each, listed here.

use crate::node::{Registry, RegistryError};

macro_rules! kinds {
    ($($file:ident :: $kind:ident),* $(,)?) => {
        $(pub mod $file;)*

        /// Adds every built-in kind to `registry`.
        ///
        /// # Errors
        /// When one of their names is taken.
        pub fn add_all(registry: &mut Registry) -> Result<(), RegistryError> {
            $(registry.add::<$file::$kind>()?;)*
            Ok(())
        }
    };
}

mod between_model;
mod flow_model;
pub mod placing;
mod repainting;
pub mod sampling;
mod upscale_model;
mod with_model;
mod with_sampler;
pub mod wording;

kinds! {
    audio_input::AudioInput,
    audio_level::AudioLevel,
    blend::Blend,
    blur::Blur,
    cadence::Cadence,
    camera_motion::CameraMotion,
    camera_shake::CameraShake,
    color_match::ColorMatch,
    contact_sheet::ContactSheet,
    contrast::Contrast,
    depth::DepthNode,
    depth_warp::DepthWarp,
    diffusion::Diffusion,
    encoder::Encoder,
    fallback::Fallback,
    flow::Flow,
    flow_consistency::FlowConsistency,
    flow_view::FlowView,
    flow_warp::FlowWarp,
    grain::Grain,
    grayscale::Grayscale,
    guide::Guide,
    hold::Hold,
    image_input::ImageInput,
    image_output::ImageOutput,
    interpolate::Interpolate,
    levels::Levels,
    mask::MaskNode,
    metrics::Metrics,
    noise::Noise,
    paste::Paste,
    pattern::Pattern,
    resize::Resize,
    sharpen::Sharpen,
    stylize::Stylize,
    upscale::Upscale,
    video_input::VideoInput,
    warp::Warp,
}

#[cfg(test)]
mod tests;
