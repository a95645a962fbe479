//! The mesh of a picture's depth: moving it, cutting it, drawing it.

use super::{Seen, each_pixel};
use crate::frame::{Raster, Size};
use crate::kernel::band::{self, Band};
use crate::kernel::warp2d::rotation;
use crate::kernel::warp3d::Camera;

/// A step of 1/distance within the window of [`harden`] that is taken for the edge of a thing.
const EDGE: f32 = 0.04;
/// Pixels to each side in which depth models blur an edge.
const SOFT: usize = 3;
/// How many times its size a triangle may grow, beyond what coming nearer explains, before it is cut.
const STRETCH: f32 = 1.5;

/// Soft edges of depth made hard: within an edge each pixel takes the nearest or the farthest distance around it, whichever is
/// like its own. Otherwise things would drag skirts behind them.
pub(super) fn harden(distance: &Raster) -> Raster {
    let size = distance.size();
    let extremes = |low: [&[f32]; 2], at: &dyn Fn(usize) -> Option<usize>| {
        (0..=2 * SOFT).filter_map(at).fold((f32::INFINITY, 0.0_f32), |(l, h), i| (l.min(low[0][i]), h.max(low[1][i])))
    };
    let z = distance.plane(0);
    let shift = |from: usize, step: usize, length: usize| (from + step).checked_sub(SOFT).filter(|i| *i < length);
    let across = each_pixel(size, |x, y| {
        let (low, high) = extremes([z, z], &|k| shift(x, k, size.width).map(|x| y * size.width + x));
        [low, high]
    });
    let hard = each_pixel(size, |x, y| {
        let planes = [across.plane(0), across.plane(1)];
        let (low, high) = extremes(planes, &|k| shift(y, k, size.height).map(|y| y * size.width + x));
        let here = z[y * size.width + x];
        let hard = if here - low < high - here { low } else { high };
        [if 1.0 / low - 1.0 / high > EDGE { hard } else { here }]
    });
    settle(&hard)
}

/// Along edges, where single pixels have ended up on the wrong side, the middle one of the distances around each pixel: what is
/// left alone out there would fly about as dots.
fn settle(hard: &Raster) -> Raster {
    let (size, z) = (hard.size(), hard.plane(0));
    each_pixel(size, |x, y| {
        let near = |at: usize, length: usize| [at.saturating_sub(1), at, (at + 1).min(length - 1)];
        let (columns, rows) = (near(x, size.width), near(y, size.height));
        let mut around: [f32; 9] = std::array::from_fn(|i| z[rows[i / 3] * size.width + columns[i % 3]]);
        let (low, high) = span(&around);
        if 1.0 / low - 1.0 / high <= EDGE {
            return [z[y * size.width + x]];
        }
        around.sort_unstable_by(f32::total_cmp);
        [around[4]]
    })
}

/// A corner after the move.
#[derive(Clone, Copy)]
struct Corner {
    /// Where it is on the screen.
    x: f32,
    y: f32,
    /// 1/distance; 0 where it is cut off.
    near: f32,
    /// How much the move brought it nearer.
    growth: f32,
    /// Column and row in the old picture.
    from: [f32; 2],
}

/// The moved mesh: a corner for each pixel, and around them a ring of corners far outside, for what lies beyond the edge.
pub(super) struct Mesh {
    /// Planes x, y, near, growth.
    corners: Raster,
    inner: Size,
    /// Lowest and highest row of the screen that each row of quads touches.
    spans: Vec<(f32, f32)>,
}

impl Mesh {
    /// The mesh of `distance` as seen by the camera after its step.
    pub fn new(distance: &Raster, camera: &Camera) -> Self {
        let inner = distance.size();
        let eye = Eye::new(inner, camera);
        let z = distance.plane(0);
        let size = Size::new(inner.width + 2, inner.height + 2);
        let corners = each_pixel(size, |column, row| {
            let (x, y) = (column.clamp(1, inner.width) - 1, row.clamp(1, inner.height) - 1);
            eye.see([old(column, inner.width), old(row, inner.height)], z[y * inner.width + x])
        });
        let rows: Vec<(f32, f32)> = corners.plane(1).chunks_exact(size.width).map(span).collect();
        let spans = rows.windows(2).map(|pair| (pair[0].0.min(pair[1].0), pair[0].1.max(pair[1].1))).collect();
        Self { corners, inner, spans }
    }

    /// Draws it on a screen of `size`.
    pub fn draw(&self, size: Size) -> Seen {
        let mut seen = Raster::zeroed(size, 3);
        band::each(&mut seen, |mut band| {
            let rows = band.planes.first().map_or(0, |plane| plane.len() / size.width);
            let (top, bottom) = (band.top as f32, (band.top + rows - 1) as f32);
            for (row, (low, high)) in self.spans.iter().enumerate() {
                if *low > bottom || *high < top {
                    continue;
                }
                for column in 0..=self.inner.width {
                    self.quad(column, row, size.width, &mut band);
                }
            }
        });
        seen
    }

    fn corner(&self, column: usize, row: usize) -> Corner {
        let i = row * (self.inner.width + 2) + column;
        let [x, y, near, growth] = [0, 1, 2, 3].map(|plane| self.corners.plane(plane)[i]);
        Corner { x, y, near, growth, from: [old(column, self.inner.width), old(row, self.inner.height)] }
    }

    fn quad(&self, column: usize, row: usize, width: usize, band: &mut Band<'_>) {
        let [a, b, c, d] = [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(x, y)| self.corner(column + x, row + y));
        triangle([a, b, c], width, band);
        triangle([d, c, b], width, band);
    }
}

/// Column or row in the old picture of a corner; those of the ring lie a picture away.
fn old(index: usize, length: usize) -> f32 {
    match index {
        0 => -(length as f32),
        i if i > length => 2.0 * length as f32 - 1.0,
        i => (i - 1) as f32,
    }
}

fn span(values: &[f32]) -> (f32, f32) {
    values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| (low.min(*v), high.max(*v)))
}

/// A camera with true proportions: points are (x·z, y·z, z) with x and y in focal lengths.
struct Eye {
    focal: [f32; 2],
    middle: [f32; 2],
    turn: [[f32; 3]; 3],
    shift: [f32; 3],
    limits: (f32, f32),
}

impl Eye {
    fn new(size: Size, camera: &Camera) -> Self {
        let focal = (size.width as f64 / 2.0 / (camera.fov / 2.0).to_radians().tan()) as f32;
        let turn = rotation(camera.rotation[0], camera.rotation[1], camera.rotation[2]);
        Self {
            focal: [focal / camera.aspect_ratio as f32, focal],
            middle: [(size.width as f32 - 1.0) / 2.0, (size.height as f32 - 1.0) / 2.0],
            turn: turn.map(|row| row.map(|v| v as f32)),
            shift: camera.shift(),
            limits: camera.limits(),
        }
    }

    /// Screen position, 1/distance and growth of the pixel `from` at distance `z`.
    fn see(&self, from: [f32; 2], z: f32) -> [f32; 4] {
        let [x, y] = [0, 1].map(|i| (from[i] - self.middle[i]) / self.focal[i] * z);
        let [x, y, far] = [0, 1, 2].map(|i| x * self.turn[0][i] + y * self.turn[1][i] + z * self.turn[2][i] + self.shift[i]);
        if !(far >= self.limits.0 && far <= self.limits.1) {
            return [0.0; 4];
        }
        [self.middle[0] + self.focal[0] * x / far, self.middle[1] + self.focal[1] * y / far, 1.0 / far, z / far]
    }
}

/// Draws one triangle, if it faces the camera and was not torn.
fn triangle(corners: [Corner; 3], width: usize, band: &mut Band<'_>) {
    let [a, b, c] = corners;
    let area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
    if area <= 1e-6 || corners.iter().any(|corner| corner.near <= 0.0) {
        return;
    }
    let rows = band.planes[0].len() / width;
    let least = |v: [f32; 3]| v[0].min(v[1]).min(v[2]);
    let most = |v: [f32; 3]| v[0].max(v[1]).max(v[2]);
    let (xs, ys) = (corners.map(|p| p.x), corners.map(|p| p.y - band.top as f32));
    // A little generous, so that rounding leaves no cracks.
    let (left, right) = ((least(xs) - 1e-3).ceil().max(0.0), (most(xs) + 1e-3).floor().min(width as f32 - 1.0));
    let (top, bottom) = ((least(ys) - 1e-3).ceil().max(0.0), (most(ys) + 1e-3).floor().min(rows as f32 - 1.0));
    if top > bottom || left > right || torn(&corners) {
        return;
    }
    let mut y = top;
    while y <= bottom {
        let mut x = left;
        while x <= right {
            let share = |p: usize, q: usize| ((xs[q] - xs[p]) * (y - ys[p]) - (ys[q] - ys[p]) * (x - xs[p])) / area;
            let shares = [share(1, 2), share(2, 0), share(0, 1)];
            if shares.iter().all(|share| *share >= -2e-3) {
                plot(&corners, shares, y as usize * width + x as usize, band);
            }
            x += 1.0;
        }
        y += 1.0;
    }
}

/// Writes a pixel of a triangle, if nothing nearer is there.
fn plot(corners: &[Corner; 3], shares: [f32; 3], index: usize, band: &mut Band<'_>) {
    let [xs, ys, nears] = &mut band.planes[..] else { return };
    let near: f32 = corners.iter().zip(shares).map(|(corner, share)| corner.near * share).sum();
    if near > nears[index] {
        let from = |axis: usize| corners.iter().zip(shares).map(|(c, s)| c.from[axis] * c.near * s).sum::<f32>() / near;
        (xs[index], ys[index], nears[index]) = (from(0), from(1), near);
    }
}

/// Whether corners came apart: whether a side grew much more than coming nearer explains.
fn torn(corners: &[Corner; 3]) -> bool {
    (0..3).any(|i| {
        let (a, b) = (&corners[i], &corners[(i + 1) % 3]);
        let square = |x: f32, y: f32| x * x + y * y;
        let (now, before) = (square(a.x - b.x, a.y - b.y), square(a.from[0] - b.from[0], a.from[1] - b.from[1]));
        let most = STRETCH * a.growth.max(b.growth);
        now > most * most * before
    })
}
