//! The ONNX format itself: [`Graph`] writes networks operation by operation, [`Network`] looks into those of others, [`Interface`] only at what goes in
//! and comes out.

mod graph;
mod outside;
mod proto;
mod read;
mod skim;

pub use graph::{Axis, Graph, Kind, Place, Setting, Value};
pub use outside::outside;
pub use read::{Bytes, Initializer, Network, Operation};
pub use skim::Interface;
