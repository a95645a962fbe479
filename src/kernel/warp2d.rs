//! Moving a picture in its plane: turn, zoom, shift and tilt, with the conventions of Deforum.

use super::band::{self, Band};
use super::cpu::{Level, Simd, Work};
use super::sample::{self, Border, CHUNK, Path, Sampling};
use crate::frame::{Motion, Raster, Size};

/// A 3×3 matrix that maps source pixels (x, y, 1) to where they go, row by row.
pub type Matrix = [[f64; 3]; 3];

/// One frame's movement. `Default` stands still.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Move {
    /// Degrees, counter-clockwise as seen.
    pub angle: f64,
    /// Growth; 1 keeps the size.
    pub zoom: f64,
    /// Pixels to the right and down, before turning and zooming.
    pub translation: [f64; 2],
    /// The fixed point of turning and zooming, as fractions of width and height.
    pub center: [f64; 2],
    /// A tilt of the whole picture in space. (One with all angles zero still shrinks the picture a little.)
    pub flip: Option<Flip>,
}

/// A tilt of the picture around its middle, seen in perspective. Angles in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Flip {
    /// Roll: around the line of sight.
    pub theta: f64,
    /// Tilt: around the horizontal axis.
    pub phi: f64,
    /// Pan: around the vertical axis.
    pub gamma: f64,
    /// Field of view in degrees: the larger, the stronger the perspective. Between 0 and 180, exclusive.
    pub fv: f64,
}

impl Default for Move {
    fn default() -> Self {
        Self { angle: 0.0, zoom: 1.0, translation: [0.0; 2], center: [0.5; 2], flip: None }
    }
}

impl Default for Flip {
    fn default() -> Self {
        Self { theta: 0.0, phi: 0.0, gamma: 0.0, fv: 53.0 }
    }
}

impl Move {
    /// The matrix for pictures of `size`: the shift first, then turning and zooming around the centre, then the tilt.
    /// (Deforum forgets the shift when there is a tilt.)
    #[must_use]
    pub fn matrix(&self, size: Size) -> Matrix {
        let (sin, cos) = self.angle.to_radians().sin_cos();
        let (a, b) = (self.zoom * cos, self.zoom * sin);
        let (cx, cy) = (self.center[0] * size.width as f64, self.center[1] * size.height as f64);
        let turn = [[a, b, (1.0 - a) * cx - b * cy], [-b, a, b * cx + (1.0 - a) * cy], [0.0, 0.0, 1.0]];
        let moved = product(&turn, &shift(self.translation[0], self.translation[1]));
        self.flip.map_or(moved, |flip| product(&flip.matrix(size), &moved))
    }
}

impl Flip {
    /// Whether there is a tilt at all.
    #[must_use]
    pub fn tilts(&self) -> bool {
        self.theta != 0.0 || self.phi != 0.0 || self.gamma != 0.0
    }

    /// The homography for pictures of `size`.
    ///
    /// It projects the four corners and follows them, as Deforum does, down to its odd camera: the projection's last diagonal
    /// element is 1, and the shift that centres the result is applied on the right, so a tilted picture sits a little off.
    #[must_use]
    pub fn matrix(&self, size: Size) -> Matrix {
        let (w, h) = (size.width as f64, size.height as f64);
        let half = (self.fv / 2.0).to_radians();
        let diagonal = w.hypot(h);
        let side = diagonal / half.cos();
        let distance = diagonal / (2.0 * half.sin());
        let turned = rotation(self.phi, self.gamma, self.theta);
        let corner = |x: f64, y: f64| {
            let p: [f64; 3] = std::array::from_fn(|i| turned[i][0] * x + turned[i][1] * y);
            let w = 1.0 - (p[2] - distance);
            [(p[0] / half.tan() / w + 1.0) * side / 2.0, (p[1] / half.tan() / w + 1.0) * side / 2.0]
        };
        let around = [(-w, h), (w, h), (w, -h), (-w, -h)].map(|(x, y)| (x / 2.0, y / 2.0));
        let from = around.map(|(x, y)| [x + w / 2.0, y + h / 2.0]);
        let to = around.map(|(x, y)| corner(x, y));
        let Some(homography) = homography(&from, &to) else { return IDENTITY };
        product(&homography, &shift((w - side) / 2.0, (h - side) / 2.0))
    }
}

/// Leaves everything in place.
pub const IDENTITY: Matrix = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

/// Where each pixel of a picture moved by `matrix` comes from. A matrix without an inverse moves nothing.
#[must_use]
pub fn motion(matrix: &Matrix, size: Size) -> Motion {
    let mut raster = Raster::uninit(size, 2);
    let (level, back) = (Level::best(), Back::new(matrix));
    band::each(&mut raster, |band| level.run(Rows { back: &back, width: size.width, band }));
    Motion::new(raster)
}

/// `then` after a move by `matrix`: what `then` reads at a place, this reads where that place came from.
#[must_use]
pub fn before(matrix: &Matrix, then: &Motion) -> Motion {
    let (mut out, back, width) = (then.0.clone(), Back::new(matrix), then.size().width);
    band::each(&mut out, |mut band| {
        let [xs, ys] = &mut band.planes[..] else { return };
        for (i, (dx, dy)) in xs.iter_mut().zip(&mut **ys).enumerate() {
            let here = [(i % width) as f32, (band.top + i / width) as f32];
            let step = back.at([here[0] + *dx, here[1] + *dy].map(f64::from));
            (*dx, *dy) = (*dx + step[0], *dy + step[1]);
        }
    });
    Motion::new(out)
}

/// `src` moved by `matrix`: the same as [`sample::warp`] by its [`motion`], without making that.
#[must_use]
pub fn warp(src: &Raster, matrix: &Matrix, sampling: Sampling, border: Border) -> Raster {
    sample::warp_along(src, &Back::new(matrix), src.size(), (sampling, border), Level::best())
}

/// The way back: a matrix from pixels of the moved picture to where they come from.
struct Back {
    m: Matrix,
    /// Whether its last row is 0, 0, 1.
    affine: bool,
}

impl Back {
    fn new(matrix: &Matrix) -> Self {
        let m = inverse(matrix).unwrap_or(IDENTITY);
        // Scaled so that an affine matrix has exactly 1 in its last corner.
        let m = m.map(|row| row.map(|v| v / if m[2][2] == 0.0 { 1.0 } else { m[2][2] }));
        Self { affine: m[2][0] == 0.0 && m[2][1] == 0.0, m }
    }

    /// The displacement of one place.
    fn at(&self, [x, y]: [f64; 2]) -> [f32; 2] {
        let [px, py, w] = self.m.map(|row| row[0] * x + row[1] * y + row[2]);
        [(px - x * w) / w, (py - y * w) / w].map(|v| v as f32)
    }

    /// The displacements of some pixels of row `y` from `left` on.
    ///
    /// In double precision up to the displacement's numerator: what moves little is then exact to parts of what it moves.
    #[inline(always)]
    fn row(&self, (left, y): (usize, usize), dx: &mut [f32], dy: &mut [f32]) {
        let ([mx, my, mw], y) = (self.m, y as f64);
        let [sx, sy, sw] = self.m.map(|row| row[1] * y + row[2]);
        for (i, (dx, dy)) in dx.iter_mut().zip(dy).enumerate() {
            let x = f64::from(left as u32 + i as u32);
            if self.affine {
                *dx = ((mx[0] - 1.0) * x + sx) as f32;
                *dy = (my[0] * x + (sy - y)) as f32;
            } else {
                let w = mw[0] * x + sw;
                *dx = (mx[0] * x + sx - x * w) as f32 / w as f32;
                *dy = (my[0] * x + sy - y * w) as f32 / w as f32;
            }
        }
    }
}

impl Path for Back {
    #[inline(always)]
    fn fill(&self, at: (usize, usize), _count: usize, [dx, dy]: &mut [[f32; CHUNK]; 2]) {
        self.row(at, dx, dy);
    }
}

struct Rows<'a> {
    back: &'a Back,
    width: usize,
    band: Band<'a>,
}

impl Work for Rows<'_> {
    #[inline(always)]
    fn run<S: Simd>(mut self, _simd: S) {
        let [xs, ys] = &mut self.band.planes[..] else { return };
        for (row, (dx, dy)) in xs.chunks_exact_mut(self.width).zip(ys.chunks_exact_mut(self.width)).enumerate() {
            self.back.row((0, self.band.top + row), dx, dy);
        }
    }
}

/// `a` after `b`.
#[must_use]
pub fn product(a: &Matrix, b: &Matrix) -> Matrix {
    std::array::from_fn(|i| std::array::from_fn(|j| (0..3).map(|k| a[i][k] * b[k][j]).sum()))
}

/// The inverse, if there is one.
#[must_use]
pub fn inverse(m: &Matrix) -> Option<Matrix> {
    let minor = |i: usize, j: usize| {
        let (a, b, c, d) = ((i + 1) % 3, (i + 2) % 3, (j + 1) % 3, (j + 2) % 3);
        m[a][c] * m[b][d] - m[a][d] * m[b][c]
    };
    let determinant: f64 = (0..3).map(|j| m[0][j] * minor(0, j)).sum();
    let usable = determinant.is_finite() && determinant.abs() > 1e-12;
    usable.then(|| std::array::from_fn(|i| std::array::from_fn(|j| minor(j, i) / determinant)))
}

/// Turns around x, then y, then z (as factors: Rx·Ry·Rz), right-handed, in degrees.
#[must_use]
pub fn rotation(x: f64, y: f64, z: f64) -> Matrix {
    let [(sx, cx), (sy, cy), (sz, cz)] = [x, y, z].map(|a| a.to_radians().sin_cos());
    let rx = [[1.0, 0.0, 0.0], [0.0, cx, -sx], [0.0, sx, cx]];
    let ry = [[cy, 0.0, sy], [0.0, 1.0, 0.0], [-sy, 0.0, cy]];
    let rz = [[cz, -sz, 0.0], [sz, cz, 0.0], [0.0, 0.0, 1.0]];
    product(&product(&rx, &ry), &rz)
}

fn shift(x: f64, y: f64) -> Matrix {
    [[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]]
}

/// The matrix (last element 1) that takes four points to four others: eight linear equations, by elimination with pivots.
fn homography(from: &[[f64; 2]; 4], to: &[[f64; 2]; 4]) -> Option<Matrix> {
    let mut rows = [[0.0; 9]; 8];
    for (i, ([x, y], [u, v])) in from.iter().zip(to).enumerate() {
        rows[2 * i] = [*x, *y, 1.0, 0.0, 0.0, 0.0, -x * u, -y * u, *u];
        rows[2 * i + 1] = [0.0, 0.0, 0.0, *x, *y, 1.0, -x * v, -y * v, *v];
    }
    for column in 0..8 {
        let pivot = (column..8).max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs()))?;
        rows.swap(column, pivot);
        let head = rows[column];
        if head[column].abs() < 1e-12 {
            return None;
        }
        for (index, row) in rows.iter_mut().enumerate().filter(|(index, _)| *index != column) {
            let factor = row[column] / head[column];
            debug_assert_ne!(index, column);
            row.iter_mut().zip(head).for_each(|(v, h)| *v -= factor * h);
        }
    }
    let h: [f64; 8] = std::array::from_fn(|i| rows[i][8] / rows[i][i]);
    Some([[h[0], h[1], h[2]], [h[3], h[4], h[5]], [h[6], h[7], 1.0]])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size::new(192, 128);

    fn source(motion: &Motion, x: usize, y: usize) -> (f64, f64) {
        let i = y * SIZE.width + x;
        (x as f64 + f64::from(motion.0.plane(0)[i]), y as f64 + f64::from(motion.0.plane(1)[i]))
    }

    #[test]
    fn standing_still_moves_exactly_nothing() {
        let m = motion(&Move::default().matrix(SIZE), SIZE);
        assert!(m.0.data().iter().all(|v| *v == 0.0));
    }

    #[test]
    fn a_shift_to_the_right_reads_from_the_left_and_zoom_scales_it() {
        let m = Move { translation: [20.0, -3.0], zoom: 2.0, center: [0.0; 2], ..Move::default() }.matrix(SIZE);
        assert_eq!(source(&motion(&m, SIZE), 100, 50), (100.0 / 2.0 - 20.0, 50.0 / 2.0 + 3.0));
    }

    #[test]
    fn warping_at_once_gives_the_bits_of_warping_by_the_motion() {
        let src = crate::kernel::pattern::draw(crate::kernel::pattern::Pattern::ZoomPlate, SIZE, 3, 0.0, 1);
        let flip = Some(Flip { phi: 10.0, ..Flip::default() });
        for flip in [None, flip] {
            let m = Move { angle: 4.0, translation: [3.0, 0.5], flip, ..Move::default() }.matrix(SIZE);
            let by_motion = sample::warp(&src, &motion(&m, SIZE), Sampling::Lanczos, Border::Wrap);
            assert_eq!(warp(&src, &m, Sampling::Lanczos, Border::Wrap).data(), by_motion.data());
        }
    }

    #[test]
    fn a_motion_after_a_move_reads_where_that_reads() {
        let (a, b) = (Move { angle: 4.0, ..Move::default() }.matrix(SIZE), Move { zoom: 1.1, ..Move::default() }.matrix(SIZE));
        let both = before(&a, &motion(&b, SIZE));
        for (got, want) in both.0.data().iter().zip(motion(&product(&b, &a), SIZE).0.data()) {
            assert!((got - want).abs() < 1e-3);
        }
    }

    #[test]
    fn matrices_invert() {
        let tilt = Flip { theta: 5.0, phi: 20.0, gamma: -8.0, fv: 70.0 };
        let m = Move { angle: 33.0, zoom: 1.3, translation: [4.0, 9.0], flip: Some(tilt), ..Move::default() }.matrix(SIZE);
        let one = product(&inverse(&m).unwrap(), &m);
        for (row, expected) in one.iter().zip(IDENTITY) {
            assert!(row.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9));
        }
        assert!(inverse(&[[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 0.0, 1.0]]).is_none());
    }

    #[test]
    fn a_tilt_keeps_the_shift() {
        let flip = Some(Flip { phi: 10.0, ..Flip::default() });
        let still = Move { flip, ..Move::default() }.matrix(SIZE);
        let moved = Move { flip, translation: [30.0, 0.0], ..Move::default() }.matrix(SIZE);
        assert!((still[0][2] - moved[0][2]).abs() > 1.0);
    }
}
