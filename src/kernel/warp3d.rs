//! Moving a camera through a picture that has depth, with the conventions of Deforum.

use super::band::{self, Band};
use super::cpu::{Level, Simd, Work};
use super::sample::{self, Border, Sampling};
use super::warp2d::rotation;
use crate::frame::{Depth, Mask, Motion, Raster, Size};

/// One frame's camera movement. `Default` stands still.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Camera {
    /// Along x (the picture moves left), y (the picture moves down) and z (into the picture). 200 units are the distance
    /// between the camera and the nearest things.
    pub translation: [f64; 3],
    /// Degrees: x tilts up, y pans right, z rolls so that the picture turns counter-clockwise.
    pub rotation: [f64; 3],
    /// Horizontal field of view in degrees; the smaller, the stronger the motion. Not a multiple of 360.
    pub fov: f64,
    /// Divides horizontal motion.
    pub aspect_ratio: f64,
    /// What comes nearer than this is cut off, in units of translation.
    pub near: f64,
    /// What is farther than this is cut off, in units of translation.
    pub far: f64,
}

/// The usual [`Camera::near`]: nothing passes behind the camera and turns inside out.
pub const NEAR: f64 = 4.0;
/// The usual [`Camera::far`]: beyond everything.
pub const FAR: f64 = 10_000.0;

impl Camera {
    /// The step, in distances, as points see it.
    pub(super) fn shift(&self) -> [f32; 3] {
        let [x, y, z] = self.translation.map(|t| (t * SCALE) as f32);
        [-x, y, -z]
    }

    /// The nearest and the farthest distance that is not cut off.
    pub(super) fn limits(&self) -> (f32, f32) {
        let near = (self.near * SCALE).max(1e-3);
        (near as f32, (self.far * SCALE).max(near) as f32)
    }
}

impl Default for Camera {
    fn default() -> Self {
        Self { translation: [0.0; 3], rotation: [0.0; 3], fov: 70.0, aspect_ratio: 1.0, near: NEAR, far: FAR }
    }
}

/// How depth 0 far to 1 near becomes a distance: 1 for the nearest, 2 for the farthest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DepthMapping {
    /// z = 2 − d. The same depth is the same distance in every frame, so a still scene does not swim. The default.
    #[default]
    Linear,
    /// z = 2 − e with e the depth after histogram equalisation in 1024 bins, as Deforum does for `MiDaS`: separates layers more,
    /// but the distance of one thing changes whenever another enters the picture, and noise in flat areas is stretched.
    Equalized,
    /// z = 1 + e: the same for depth that is larger the farther, as Deforum does for `AdaBins`, `LeReS` and `ZoeDepth`.
    EqualizedFar,
    /// z = d: the depth is the distance, in units of 200 steps of translation.
    Raw,
}

/// Units of translation per distance 1.
const SCALE: f64 = 1.0 / 200.0;
/// Distances are at least this: depth that is raw may hold anything.
const NEAREST: f32 = 0.001;

/// The distance of each pixel, one plane.
#[must_use]
pub fn distance(depth: &Depth, mapping: DepthMapping) -> Raster {
    let mut z = depth.0.clone();
    let table = match mapping {
        DepthMapping::Linear | DepthMapping::Raw => None,
        DepthMapping::Equalized | DepthMapping::EqualizedFar => Some(equalization(depth.0.plane(0))),
    };
    band::each(&mut z, |mut band| {
        for v in band.planes[0].iter_mut() {
            *v = match (mapping, &table) {
                _ if !v.is_finite() => 1.0,
                (DepthMapping::Raw, _) => *v,
                (DepthMapping::EqualizedFar, Some(table)) => 1.0 + table.share(*v).unwrap_or(0.0),
                (_, Some(table)) => 2.0 - table.share(*v).unwrap_or(1.0),
                (_, None) => 2.0 - *v,
            };
        }
    });
    z
}

/// A depth's cumulative histogram.
struct Equalization {
    low: f32,
    scale: f32,
    share: Vec<f32>,
}

const BINS: usize = 1024;

fn equalization(depth: &[f32]) -> Equalization {
    let finite = || depth.iter().copied().filter(|v| v.is_finite());
    let (low, high) = finite().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    let scale = if high > low { 1.0 / (high - low) } else { 0.0 };
    let mut counts = vec![0_u32; BINS];
    for v in finite() {
        counts[(((v - low) * scale * BINS as f32) as usize).min(BINS - 1)] += 1;
    }
    let total = f64::from(counts.iter().sum::<u32>().max(1));
    let mut sum = 0.0;
    let share = counts.iter().map(|n| {
        sum += f64::from(*n);
        (sum / total) as f32
    });
    Equalization { low, scale, share: share.collect() }
}

impl Equalization {
    /// The share of pixels whose depth is not greater, between the left edges of bins; nothing for a constant depth.
    fn share(&self, depth: f32) -> Option<f32> {
        if self.scale == 0.0 {
            return None;
        }
        let position = (depth - self.low) * self.scale * BINS as f32;
        let bin = (position as usize).min(BINS - 1);
        let share = self.share.get(bin + 1).map(|next| self.share[bin] + (position - bin as f32) * (next - self.share[bin]));
        Some(share.unwrap_or(1.0))
    }
}

/// Where each pixel of the moved picture comes from, given each pixel's distance (see [`distance`]).
///
/// Each pixel is taken back by the displacement that it would itself undergo: good for small steps, no holes, but behind
/// moving edges the picture is stretched; [`revealed`] says where.
#[must_use]
pub fn motion(distance: &Raster, camera: &Camera) -> Motion {
    let size = distance.size();
    let z = distance.plane(0);
    let mut raster = Raster::uninit(size, 2);
    let (level, view) = (Level::best(), View::new(size, camera));
    band::each(&mut raster, |band| level.run(Rows { view: &view, z, width: size.width, band }));
    Motion::new(raster)
}

struct Rows<'a> {
    view: &'a View,
    z: &'a [f32],
    width: usize,
    band: Band<'a>,
}

impl Work for Rows<'_> {
    #[inline(always)]
    fn run<S: Simd>(mut self, _simd: S) {
        let [xs, ys] = &mut self.band.planes[..] else { return };
        for (row, (dx, dy)) in xs.chunks_exact_mut(self.width).zip(ys.chunks_exact_mut(self.width)).enumerate() {
            let y = self.band.top + row;
            self.view.row(y, &self.z[y * self.width..][..self.width], dx, dy);
        }
    }
}

/// A camera in single precision, with the constants of a picture size folded in.
struct View {
    /// x = step·column − 1, likewise y.
    step: [f32; 2],
    /// Columns of the rotation; points are row vectors.
    turn: [[f32; 3]; 3],
    shift: [f32; 3],
    limits: (f32, f32),
    /// Pixels per unit of projected x and y.
    pixels: [f32; 2],
}

impl View {
    fn new(size: Size, camera: &Camera) -> Self {
        let turn = rotation(camera.rotation[0], camera.rotation[1], camera.rotation[2]);
        let tan = (camera.fov / 2.0).to_radians().tan();
        let step = |length: usize| if length > 1 { (2.0 / (length - 1) as f64) as f32 } else { 0.0 };
        Self {
            step: [step(size.width), step(size.height)],
            turn: std::array::from_fn(|column| std::array::from_fn(|row| turn[row][column] as f32)),
            shift: camera.shift(),
            limits: camera.limits(),
            pixels: [(size.width as f64 / 2.0 / (camera.aspect_ratio * tan)) as f32, (size.height as f64 / 2.0 / tan) as f32],
        }
    }

    #[inline(always)]
    fn row(&self, y: usize, z: &[f32], dx: &mut [f32], dy: &mut [f32]) {
        let y = y as f32 * self.step[1] - 1.0;
        let ([rx, ry, rz], (near, far)) = (self.turn, self.limits);
        let (bx, by, bz) = (along(rx, y, self.shift[0]), along(ry, y, self.shift[1]), along(rz, y, self.shift[2]));
        for (x, ((dx, dy), z)) in dx.iter_mut().zip(dy).zip(z).enumerate() {
            let x = x as u32 as f32 * self.step[0] - 1.0;
            let far = 1.0 / (rz[0] * x + rz[2] * z + bz).max(near).min(far);
            let was = 1.0 / z.max(NEAREST);
            *dx = self.pixels[0] * (x * was - (rx[0] * x + rx[2] * z + bx) * far);
            *dy = self.pixels[1] * (y * was - (ry[0] * x + ry[2] * z + by) * far);
        }
    }
}

/// The part of a turned coordinate that is the same along a row.
#[inline(always)]
fn along(turn: [f32; 3], y: f32, shift: f32) -> f32 {
    turn[1] * y + shift
}

/// What a moved picture shows for the first time, and so cannot know: 1 there, 0 where the picture is to be trusted.
///
/// A pixel counts when it was read from outside the picture, or when the place it was read from moved elsewhere: it is read
/// at `q = p + m(p)`, and what lies at `q` went to `q − m(q)`. Where these differ by more than the usual tolerance of flow
/// checks, |Δ|² > 0.01·(|m(p)|² + |m(q)|²) + 0.5, two surfaces have come apart or slid over each other. The mask rises over
/// one more tolerance, so its edge is soft.
#[must_use]
pub fn revealed(motion: &Motion) -> Mask {
    let size = motion.size();
    let (dx, dy) = (motion.0.plane(0), motion.0.plane(1));
    let there = sample::warp(&motion.0, motion, Sampling::Bilinear, Border::Replicate);
    let mut raster = Raster::uninit(size, 1);
    let (right, bottom) = (size.width as f32 - 0.5, size.height as f32 - 0.5);
    band::each(&mut raster, |mut band| {
        for (row, out) in band.planes[0].chunks_exact_mut(size.width).enumerate() {
            let start = (band.top + row) * size.width;
            let here = dx[start..].iter().zip(&dy[start..]);
            let there = there.plane(0)[start..].iter().zip(&there.plane(1)[start..]);
            for (i, (out, ((mx, my), (nx, ny)))) in out.iter_mut().zip(here.zip(there)).enumerate() {
                let (x, y) = (i as f32 + mx, (band.top + row) as f32 + my);
                let within = (x >= -0.5) & (x <= right) & (y >= -0.5) & (y <= bottom);
                let apart = (mx - nx) * (mx - nx) + (my - ny) * (my - ny);
                let tolerance = 0.01 * (mx * mx + my * my + nx * nx + ny * ny) + 0.5;
                let doubt = ((apart / tolerance).sqrt() - 1.0).max(0.0).min(1.0);
                *out = if within { doubt } else { 1.0 };
            }
        }
    });
    Mask::new(raster)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size::new(64, 48);

    fn depth(d: impl Fn(usize, usize) -> f32) -> Depth {
        let data = (0..SIZE.area()).map(|i| d(i % SIZE.width, i / SIZE.width)).collect();
        Depth::new(Raster::from_vec(SIZE, 1, data))
    }

    fn moved(depth: &Depth, camera: Camera) -> Motion {
        motion(&distance(depth, DepthMapping::Linear), &camera)
    }

    #[test]
    fn a_still_camera_moves_nothing() {
        let m = moved(&depth(|x, y| (x * y) as f32 / 3072.0), Camera::default());
        assert!(m.0.data().iter().all(|v| v.abs() < 1e-5));
    }

    #[test]
    fn signs_are_those_of_deforum() {
        let near = depth(|_, _| 1.0);
        let centre = SIZE.width * 24 + 32;
        let at = |camera: Camera| {
            let m = moved(&near, camera);
            (m.0.plane(0)[centre], m.0.plane(1)[centre], m.0.plane(0)[0])
        };
        let still = Camera::default();
        assert!(at(Camera { translation: [10.0, 0.0, 0.0], ..still }).0 > 0.5, "the picture moves left");
        assert!(at(Camera { translation: [0.0, 10.0, 0.0], ..still }).1 < -0.5, "the picture moves down");
        assert!(at(Camera { translation: [0.0, 0.0, 10.0], ..still }).2 > 0.5, "the picture grows");
        assert!(at(Camera { rotation: [5.0, 0.0, 0.0], ..still }).1 < -0.5, "the picture moves down");
        assert!(at(Camera { rotation: [0.0, 5.0, 0.0], ..still }).0 > 0.5, "the picture moves left");
    }

    #[test]
    fn near_things_move_twice_as_far_as_far_ones() {
        let halves = depth(|x, _| if x < 32 { 1.0 } else { 0.0 });
        let m = moved(&halves, Camera { translation: [10.0, 0.0, 0.0], ..Camera::default() });
        assert!((m.0.plane(0)[5] / m.0.plane(0)[60] - 2.0).abs() < 1e-4);
    }

    #[test]
    fn what_a_moving_edge_uncovers_is_revealed_and_the_rest_is_not() {
        let block = depth(|x, _| if (24..40).contains(&x) { 1.0 } else { 0.0 });
        let camera = Camera { translation: [40.0, 0.0, 0.0], ..Camera::default() };
        let mask = revealed(&moved(&block, camera));
        let row = &mask.0.plane(0)[20 * SIZE.width..][..SIZE.width];
        assert!(row[37] > 0.9, "behind the block's trailing edge: {row:?}");
        assert!(row[63] == 1.0, "outside the picture");
        assert!(row[10] == 0.0 && row[28] == 0.0 && row[50] == 0.0, "{row:?}");
    }

    #[test]
    fn equalised_depth_spreads_evenly() {
        let e = distance(&depth(|x, y| ((y * 64 + x) as f32 / 3072.0).powi(3)), DepthMapping::Equalized);
        let below = e.data().iter().filter(|z| **z > 1.5).count();
        assert!((below as f32 / 3072.0 - 0.5).abs() < 0.01);
        for mapping in [DepthMapping::Equalized, DepthMapping::EqualizedFar] {
            assert!(distance(&depth(|_, _| 0.3), mapping).data().iter().all(|z| *z == 1.0));
        }
    }
}
