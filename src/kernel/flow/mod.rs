//! Optical flow: estimating it, judging it, and carrying pictures along it.

mod apply;
mod consistency;
mod dis;
mod farneback;
mod piece;
mod pyramid;
mod refine;
mod relax;
mod search;
mod view;

pub use apply::{follow, masked, part};
pub use consistency::{Form, consistent, deforum_weights, inside, shrink, within_a_motion};
pub use dis::{Preset, dis};
pub use farneback::farneback;
pub use view::{usual_longest, wheel};

#[cfg(test)]
mod tests;
