//! The motion that most pairs of points agree on.

use super::super::random;
use super::super::warp2d::{self, Matrix};
use super::apply;
use crate::frame::Size;

/// What a motion may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// Shift.
    Shift,
    /// Shift, turn and zoom.
    Similarity,
    /// Any that keeps parallels.
    Affine,
    /// Any that keeps lines: a flat scene seen from elsewhere.
    Perspective,
}

impl Model {
    /// The numbers that describe it.
    fn unknowns(self) -> usize {
        match self {
            Self::Shift => 2,
            Self::Similarity => 4,
            Self::Affine => 6,
            Self::Perspective => 8,
        }
    }
}

/// A point, and where it went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// Where it was.
    pub from: [f64; 2],
    /// Where it is.
    pub to: [f64; 2],
}

/// Random samples that are tried.
const TRIALS: u64 = 400;
/// Rounds of reweighting.
const ROUNDS: usize = 12;
/// The same picture always gives the same motion.
const SEED: u64 = 0x5eed_0fca_3e7a;

/// The matrix that most of `pairs` agree on up to `tolerance` pixels, and how many do; `None` when there are too few.
#[must_use]
pub fn fit(pairs: &[Pair], model: Model, size: Size, tolerance: f64) -> Option<(Matrix, usize)> {
    let plain = Plain::new(size);
    let small: Vec<Pair> = pairs.iter().map(|pair| plain.inward(pair)).collect();
    let tolerance = (tolerance / plain.scale).max(1e-9);
    let mut best: Option<(f64, Matrix)> = None;
    for trial in 0..TRIALS {
        let Some(matrix) = sample(&small, model, trial) else { continue };
        // Each pair costs its squared error, but no more than one that does not agree.
        let cost = small.iter().map(|pair| error(&matrix, pair).min(tolerance * tolerance)).sum();
        if best.is_none_or(|(least, _)| cost < least) {
            best = Some((cost, matrix));
        }
    }
    let matrix = polish(&small, model, best?.1, tolerance);
    let agreeing = small.iter().filter(|pair| error(&matrix, pair) < tolerance * tolerance).count();
    Some((plain.outward(&matrix), agreeing))
}

/// Coordinates around the middle, within about ±1, in which equations are well behaved.
struct Plain {
    middle: [f64; 2],
    scale: f64,
}

impl Plain {
    fn new(size: Size) -> Self {
        let side = |n: usize| (n.max(2) - 1) as f64 / 2.0;
        Self { middle: [side(size.width), side(size.height)], scale: side(size.width.max(size.height)) }
    }

    fn inward(&self, pair: &Pair) -> Pair {
        let point = |p: [f64; 2]| [(p[0] - self.middle[0]) / self.scale, (p[1] - self.middle[1]) / self.scale];
        Pair { from: point(pair.from), to: point(pair.to) }
    }

    fn outward(&self, matrix: &Matrix) -> Matrix {
        let ([x, y], s) = (self.middle, self.scale);
        let there = [[s, 0.0, x], [0.0, s, y], [0.0, 0.0, 1.0]];
        let here = [[1.0 / s, 0.0, -x / s], [0.0, 1.0 / s, -y / s], [0.0, 0.0, 1.0]];
        let whole = warp2d::product(&there, &warp2d::product(matrix, &here));
        whole.map(|row| row.map(|v| v / whole[2][2]))
    }
}

/// The squared distance between where a point went and where `matrix` takes it.
fn error(matrix: &Matrix, pair: &Pair) -> f64 {
    let [x, y] = apply(matrix, pair.from);
    let squared = (x - pair.to[0]).powi(2) + (y - pair.to[1]).powi(2);
    if squared.is_nan() { f64::INFINITY } else { squared }
}

/// The motion of as few pairs as determine one, drawn at random.
fn sample(pairs: &[Pair], model: Model, trial: u64) -> Option<Matrix> {
    let needed = model.unknowns() / 2;
    if pairs.len() < needed {
        return None;
    }
    let mut chosen: Vec<Pair> = Vec::with_capacity(needed);
    for draw in 0..32 {
        let pair = pairs[(random::bits(SEED, trial * 32 + draw) % pairs.len() as u64) as usize];
        if !chosen.contains(&pair) {
            chosen.push(pair);
        }
        if chosen.len() == needed {
            return solve(&chosen, &vec![1.0; needed], model);
        }
    }
    None
}

/// Reweighted least squares from `matrix` on: pairs count by how well they agree (Tukey's weights), those beyond the tolerance not at
/// all. What counts as well follows from how well most agree.
fn polish(pairs: &[Pair], model: Model, matrix: Matrix, tolerance: f64) -> Matrix {
    let mut matrix = matrix;
    for _ in 0..ROUNDS {
        let errors: Vec<f64> = pairs.iter().map(|pair| error(&matrix, pair).sqrt()).collect();
        let mut agreeing: Vec<f64> = errors.iter().copied().filter(|e| *e < tolerance).collect();
        if agreeing.len() < model.unknowns() {
            return matrix;
        }
        agreeing.sort_unstable_by(f64::total_cmp);
        let usual = agreeing[agreeing.len() / 2];
        // 4.7 deviations; for errors in two directions the median is 1.18 of them.
        let reach = (4.0 * usual).clamp(tolerance * 0.01, tolerance);
        let weight = |(error, pair): (&f64, &Pair)| {
            let near = 1.0 - (error / reach).powi(2);
            // The equations of a perspective are multiplied by its denominator: divide again.
            let depth = matrix[2][0] * pair.from[0] + matrix[2][1] * pair.from[1] + matrix[2][2];
            if near > 0.0 { near * near / (depth * depth) } else { 0.0 }
        };
        let weights: Vec<f64> = errors.iter().zip(pairs).map(weight).collect();
        let Some(better) = solve(pairs, &weights, model) else { return matrix };
        matrix = better;
    }
    matrix
}

/// The least-squares motion of weighted pairs, by the normal equations.
fn solve(pairs: &[Pair], weights: &[f64], model: Model) -> Option<Matrix> {
    let count = model.unknowns();
    let mut system = [[0.0; 9]; 8];
    for (pair, weight) in pairs.iter().zip(weights).filter(|(_, weight)| **weight > 0.0) {
        for (row, target) in equations(pair, model) {
            for i in 0..count {
                for j in 0..count {
                    system[i][j] += weight * row[i] * row[j];
                }
                system[i][8] += weight * row[i] * target;
            }
        }
    }
    let h = eliminate(&mut system, count)?;
    Some(match model {
        Model::Shift => [[1.0, 0.0, h[0]], [0.0, 1.0, h[1]], [0.0, 0.0, 1.0]],
        Model::Similarity => [[h[0], h[1], h[2]], [-h[1], h[0], h[3]], [0.0, 0.0, 1.0]],
        Model::Affine => [[h[0], h[1], h[2]], [h[3], h[4], h[5]], [0.0, 0.0, 1.0]],
        Model::Perspective => [[h[0], h[1], h[2]], [h[3], h[4], h[5]], [h[6], h[7], 1.0]],
    })
}

/// The two equations that a pair gives for the unknowns.
fn equations(pair: &Pair, model: Model) -> [([f64; 8], f64); 2] {
    let ([x, y], [u, v]) = (pair.from, pair.to);
    match model {
        Model::Shift => [([1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], u - x), ([0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], v - y)],
        Model::Similarity => [([x, y, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0], u), ([y, -x, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0], v)],
        Model::Affine | Model::Perspective => {
            [([x, y, 1.0, 0.0, 0.0, 0.0, -x * u, -y * u], u), ([0.0, 0.0, 0.0, x, y, 1.0, -x * v, -y * v], v)]
        }
    }
}

/// Solves the first `count` of the equations in `rows`, whose last column is the right-hand side, with pivots.
fn eliminate(rows: &mut [[f64; 9]; 8], count: usize) -> Option<[f64; 8]> {
    let largest = rows.iter().flat_map(|row| &row[..8]).fold(0.0_f64, |most, v| most.max(v.abs()));
    for column in 0..count {
        let pivot = (column..count).max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs()))?;
        rows.swap(column, pivot);
        let head = rows[column];
        if head[column].abs() <= 1e-12 * largest {
            return None;
        }
        for (_, row) in rows[..count].iter_mut().enumerate().filter(|(index, _)| *index != column) {
            let factor = row[column] / head[column];
            row.iter_mut().zip(head).for_each(|(v, h)| *v -= factor * h);
        }
    }
    Some(std::array::from_fn(|i| if i < count { rows[i][8] / rows[i][i] } else { 0.0 }))
}
