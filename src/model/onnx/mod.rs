//! The ONNX format itself: [`Graph`] writes networks operation by operation, [`Network`] looks into those of others.

mod graph;
mod outside;
mod proto;
mod read;

pub use graph::{Axis, Graph, Kind, Place, Setting, Value};
pub use outside::outside;
pub use read::{Bytes, Initializer, Network, Operation};
