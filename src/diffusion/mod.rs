//! Stable Diffusion: prompts, noise and pictures in, pictures out.
//!
//! [`Pipeline`] holds a model in the folder layout of diffusers and Optimum and paints with it. Its parts stand alone: the
//! tokenizer, PyTorch's random numbers, the noise schedules, and one file for each [`sampler`]. Which networks' inputs to fill
//! is found by looking at their sessions, and numbers follow diffusers step by step, so that a seed means the same picture.

mod betas;
mod carried;
pub mod checkpoint;
mod clip;
mod conditioning;
mod control;
mod embedding;
mod error;
mod exported;
mod folder;
mod guidance;
mod inpaint;
mod latent;
mod level;
pub mod lora;
pub mod networks;
mod norm;
mod normal;
mod philox;
mod pipeline;
pub mod prompt;
pub mod random;
mod request;
mod run;
pub mod sampler;
pub mod schedule;
pub mod sigmas;
mod source;
mod start;
mod strength;
mod text;
mod tiles;
mod tokenizer;
mod told;
mod unet;
mod vae;
pub mod variation;

pub use carried::Following;
pub use control::{Control, ControlNet, Steering};
pub use embedding::{Embedding, Staged};
pub use error::DiffusionError;
pub use folder::{Defaults, ModelFolder, UnetConfig, VaeConfig};
pub use guidance::{compose, guide};
pub use latent::Latents;
pub use level::{Level, Table};
pub use networks::{Files, Networks};
pub use pipeline::Pipeline;
pub use request::{Blend, Fill, Picture, Progress, Request, Seeds, Variation, Words};
pub use sampler::{Churn, Sampler, SamplerKind, SamplerOptions};
pub use sigmas::Schedule;
pub use strength::{Span, StrengthReading};
pub use text::TextEncoder;
pub use tokenizer::{CONTEXT, Tokenizer};
pub use told::{Framing, Told, guidance_embedding};
pub use unet::Unet;
pub use vae::{VaeDecoder, VaeEncoder};
