//! Numbers about pictures and clips: how alike two are, how steadily one moves, how far it has wandered.
//!
//! Pictures are compared as they are displayed, values from 0 to 1 and not clipped; alpha does not count. All arithmetic is in floats: an
//! 8-bit difference that wraps around has spoilt published figures. Sums run in bands of fixed height that are added in order, so a
//! number does not depend on the number of threads.

mod fidelity;
pub mod gate;
mod look;
mod meter;
mod metric;
mod ms_ssim;
mod ssim;
mod steady;
mod sum;
mod summary;
mod warp_error;

pub use fidelity::{edit, mean_distance, mse, psnr};
pub use look::Look;
pub use meter::{ClipMeter, Picture, Seen, pair};
pub use metric::{Better, Metric, MetricSet, Values};
pub use ms_ssim::ms_ssim;
pub use ssim::{LEAST_SIDE, Similarity, ssim};
pub use steady::{Tiles, high_band};
pub use summary::{Series, Summary, Worst};
pub use warp_error::warp_error;
