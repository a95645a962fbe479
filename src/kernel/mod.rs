//! The arithmetic of pictures: rasters in, rasters out, rows in parallel inside.
//!
//! Kernels know nothing of nodes, time or files. Each output value is computed by one thread in a fixed order, and sums over a
//! whole picture run in chunks of fixed size that are added in order, so results do not depend on the number of threads.
//! Pixel `(x, y)` is the sample at the integer position `(x, y)`; positions count from the centre of the first pixel.
#![allow(clippy::manual_clamp, reason = "`max` then `min` turns NaN into the lower bound and vectorises; `clamp` keeps it")]
#![allow(clippy::needless_bitwise_bool, reason = "without branches, inner loops vectorise")]
#![allow(clippy::float_cmp, reason = "compared are values that were copied or set, not computed")]

mod band;
pub mod beats;
pub mod between;
pub mod blend;
pub mod blur;
pub mod camera;
pub mod carry;
pub mod color;
pub(crate) mod cpu;
pub mod flow;
pub mod grain;
pub mod loudness;
pub mod mask;
pub mod maths;
pub mod metrics;
pub mod noise;
pub mod palette;
pub mod paste;
pub mod pattern;
pub mod random;
pub mod resample;
pub mod sample;
pub mod shake;
pub mod sharpen;
pub mod smear;
pub mod surface;
pub mod tone;
pub mod warp2d;
pub mod warp3d;
mod wide;
