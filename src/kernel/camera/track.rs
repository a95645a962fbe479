//! Following spots from one picture to another.

use super::super::mask::box_mean;
use super::super::resample::{Filter, resize};
use super::super::tone;
use crate::frame::{Raster, Size};

/// Half the side of a spot's window.
const WINDOW: i32 = 7;
/// Half the side of the squares within which brightness and contrast are evened out.
const LOCAL: usize = 12;
/// Contrast below this is left as it is, so that noise in flat areas is not blown up. Of 1.
const FAINT: f32 = 0.04;
const STEPS: usize = 20;
/// A spot that moves less than this in a step has arrived.
const STILL: f64 = 0.003;
/// The shorter side of the coarsest picture is about this long.
const COARSEST: usize = 24;

/// The greys of a picture.
pub fn grey(picture: &Raster) -> Raster {
    if picture.planes() >= 3 { tone::grey(picture, tone::Grey::Bt601) } else { picture.clone() }
}

/// One size of a picture, evened out, with its slopes.
pub struct Level {
    /// Brightness less its local mean, by its local deviation.
    pub value: Raster,
    /// Its slope to the right.
    pub dx: Raster,
    /// Its slope downwards.
    pub dy: Raster,
}

impl Level {
    /// Evens `grey` out and takes its slopes.
    pub fn new(grey: &Raster) -> Self {
        let value = evened(grey);
        let [dx, dy] = slopes(&value);
        Self { value, dx, dy }
    }

    /// Where the spot at `at` is in `other`, as a displacement, beginning the search at `guess`. `None` where it is lost.
    pub fn follow(&self, other: &Self, at: [f64; 2], guess: [f64; 2]) -> Option<[f64; 2]> {
        let window = Window::new(self, at);
        let [xx, xy, yy] = window.matrix();
        let determinant = xx * yy - xy * xy;
        if determinant <= 1e-4 * (xx + yy).powi(2).max(1e-6) {
            return None;
        }
        let mut moved = guess;
        for _ in 0..STEPS {
            let [ex, ey, count] = window.error(other, [at[0] + moved[0], at[1] + moved[1]]);
            if count < f64::from(WINDOW * WINDOW) {
                return None;
            }
            let step = [(yy * ex - xy * ey) / determinant, (xx * ey - xy * ex) / determinant];
            moved = [moved[0] + step[0], moved[1] + step[1]];
            if step[0].hypot(step[1]) < STILL {
                return Some(moved);
            }
            if (moved[0] - guess[0]).hypot(moved[1] - guess[1]) > f64::from(2 * WINDOW) {
                return None;
            }
        }
        Some(moved)
    }
}

/// A spot's surroundings: value and slopes at each place of the window that lies in the picture.
struct Window {
    spots: Vec<Spot>,
}

struct Spot {
    offset: [f32; 2],
    value: f32,
    slope: [f32; 2],
}

impl Window {
    fn new(level: &Level, at: [f64; 2]) -> Self {
        let size = level.value.size();
        let mut spots = Vec::with_capacity((2 * WINDOW as usize + 1).pow(2));
        for j in -WINDOW..=WINDOW {
            for i in -WINDOW..=WINDOW {
                let (x, y) = (at[0] as f32 + i as f32, at[1] as f32 + j as f32);
                let Some(tap) = Tap::new(size, x, y) else { continue };
                let slope = [tap.read(&level.dx), tap.read(&level.dy)];
                spots.push(Spot { offset: [i as f32, j as f32], value: tap.read(&level.value), slope });
            }
        }
        Self { spots }
    }

    /// The sums of products of slopes.
    fn matrix(&self) -> [f64; 3] {
        self.spots.iter().fold([0.0; 3], |[xx, xy, yy], spot| {
            let [x, y] = spot.slope.map(f64::from);
            [xx + x * x, xy + x * y, yy + y * y]
        })
    }

    /// Slopes times what the window here and at `at` in `other` differ by, and how many places count.
    fn error(&self, other: &Level, at: [f64; 2]) -> [f64; 3] {
        let size = other.value.size();
        let mut sums = [0.0; 3];
        for spot in &self.spots {
            let (x, y) = (at[0] as f32 + spot.offset[0], at[1] as f32 + spot.offset[1]);
            let Some(tap) = Tap::new(size, x, y) else { continue };
            let differ = f64::from(spot.value - tap.read(&other.value));
            let add = [differ * f64::from(spot.slope[0]), differ * f64::from(spot.slope[1]), 1.0];
            sums = std::array::from_fn(|i| sums[i] + add[i]);
        }
        sums
    }
}

/// Four pixels around a place and their weights.
struct Tap {
    first: usize,
    width: usize,
    fx: f32,
    fy: f32,
}

impl Tap {
    fn new(size: Size, x: f32, y: f32) -> Option<Self> {
        let inside = x >= 0.0 && y >= 0.0 && x < (size.width - 1) as f32 && y < (size.height - 1) as f32;
        let (left, top) = (x as usize, y as usize);
        inside.then(|| Self { first: top * size.width + left, width: size.width, fx: x - left as f32, fy: y - top as f32 })
    }

    fn read(&self, raster: &Raster) -> f32 {
        let data = raster.data();
        let line = |at: usize| data[at] + self.fx * (data[at + 1] - data[at]);
        let (above, below) = (line(self.first), line(self.first + self.width));
        above + self.fy * (below - above)
    }
}

/// A picture at several sizes, the largest first.
pub struct Pyramid {
    /// The sizes.
    pub levels: Vec<Level>,
}

impl Pyramid {
    /// Halves `grey` down to a small size.
    pub fn new(grey: &Raster) -> Self {
        let mut levels = vec![Level::new(grey)];
        let mut grey = grey.clone();
        while grey.size().width.min(grey.size().height) >= 2 * COARSEST {
            // Even sizes halve exactly; of odd ones the last line is left out, so that places in both match.
            let size = Size::new(grey.size().width / 2, grey.size().height / 2);
            grey = resize(&even(&grey), size, Filter::Area);
            levels.push(Level::new(&grey));
        }
        Self { levels }
    }

    /// Where the spot at `at` of this picture is in `other`.
    pub fn follow(&self, other: &Self, at: [f64; 2]) -> Option<[f64; 2]> {
        let mut moved = [0.0; 2];
        for (index, (level, other)) in self.levels.iter().zip(&other.levels).enumerate().rev() {
            let scale = f64::from(1_u32 << index);
            // Pixel x of a halved picture covers 2x and 2x + 1.
            let here = at.map(|v| (v + 0.5) / scale - 0.5);
            moved = moved.map(|v| 2.0 * v);
            match level.follow(other, here, moved) {
                Some(found) => moved = found,
                // Small pictures may have nothing to follow there; the largest decides.
                None if index > 0 => {}
                None => return None,
            }
        }
        Some([at[0] + moved[0], at[1] + moved[1]])
    }
}

/// Without the last column and row where their number is odd.
fn even(raster: &Raster) -> Raster {
    let from = raster.size();
    let size = Size::new(from.width & !1, from.height & !1);
    if size == from {
        return raster.clone();
    }
    let rows = raster.data().chunks_exact(from.width).take(size.height);
    Raster::from_vec(size, 1, rows.flat_map(|row| &row[..size.width]).copied().collect())
}

fn evened(grey: &Raster) -> Raster {
    let mean = box_mean(grey, LOCAL);
    let mut value = grey.clone();
    value.data_mut().iter_mut().zip(mean.data()).for_each(|(v, m)| *v -= m);
    let square = value.data().iter().map(|v| v * v).collect();
    let spread = box_mean(&Raster::from_vec(grey.size(), 1, square), LOCAL);
    value.data_mut().iter_mut().zip(spread.data()).for_each(|(v, s)| *v /= s.max(0.0).sqrt() + FAINT);
    value
}

/// Slopes to the right and down, by Scharr's 3×3 filters.
fn slopes(value: &Raster) -> [Raster; 2] {
    let size = value.size();
    let line = |y: isize| &value.data()[y.clamp(0, size.height as isize - 1) as usize * size.width..][..size.width];
    let (mut dx, mut dy) = (Raster::uninit(size, 1), Raster::uninit(size, 1));
    let rows = dx.data_mut().chunks_exact_mut(size.width).zip(dy.data_mut().chunks_exact_mut(size.width));
    for (y, (dx, dy)) in rows.enumerate() {
        let y = y as isize;
        let (above, here, below) = (line(y - 1), line(y), line(y + 1));
        for x in 0..size.width {
            let (l, r) = (x.saturating_sub(1), (x + 1).min(size.width - 1));
            let across = |row: &[f32]| row[r] - row[l];
            dx[x] = (3.0 * across(above) + 10.0 * across(here) + 3.0 * across(below)) / 32.0;
            let down = |x: usize| below[x] - above[x];
            dy[x] = (3.0 * down(l) + 10.0 * down(x) + 3.0 * down(r)) / 32.0;
        }
    }
    [dx, dy]
}
