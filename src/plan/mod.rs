//! (being built)

pub mod analysis;
pub mod net;
