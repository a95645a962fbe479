//! Frameloom weaves video through graphs.
//!
//! A YAML graph of nodes (video input, depth, warp, noise, diffusion, cadence, encoder…) is read by [`document`], checked and
//! costed by [`plan`], and run frame by frame by [`exec`]. A node's behaviour is its *kind*: one file each under [`nodes`],
//! made with the one declaration of [`node`]. `ARCHITECTURE.md` says which room is for what and who may import whom.

pub mod cli;
pub mod diag;
pub mod diffusion;
pub mod document;
pub mod exec;
pub mod frame;
pub mod kernel;
mod loom;
pub mod media;
pub mod model;
#[macro_use]
pub mod node;
pub mod nodes;
#[macro_use]
pub mod param;
pub mod plan;
pub mod store;

pub use loom::{Loom, Rejected};
