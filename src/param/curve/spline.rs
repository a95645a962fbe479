//! Splines through keys: one smooth curve through all of them, free to overshoot.

/// A spline of degree 1 to 3 through points, as a weighted sum of B-splines. Before the first point and after the last it stays.
///
/// Knots are placed as in `scipy.interpolate.make_interp_spline`: for cubic ones "not a knot", for quadratic ones midway between
/// the points but for the outermost.
#[derive(Debug, Clone, PartialEq)]
pub struct Spline {
    degree: usize,
    knots: Vec<f64>,
    weights: Vec<f64>,
    ends: [f64; 2],
}

impl Spline {
    /// Through `points`, ordered by time, no two at one time; of at most `degree`, or as high as their number allows.
    pub fn through(points: &[(f64, f64)], degree: usize) -> Option<Self> {
        let (first, last) = (points.first()?, points.last()?);
        let degree = degree.min(points.len() - 1);
        let x: Vec<f64> = points.iter().map(|(x, _)| *x).collect();
        let inner: Vec<f64> = match degree {
            3 => x[2..x.len() - 2].to_vec(),
            2 => x[1..x.len() - 1].windows(2).map(|pair| f64::midpoint(pair[0], pair[1])).collect(),
            _ => x[1..x.len().max(2) - 1].to_vec(),
        };
        let end = |x: f64| std::iter::repeat_n(x, degree + 1);
        let knots: Vec<f64> = end(first.0).chain(inner).chain(end(last.0)).collect();
        let rows = x.iter().map(|x| basis(&knots, degree, *x)).collect();
        let weights = solve(rows, points.iter().map(|(_, y)| *y).collect());
        Some(Self { degree, knots, weights, ends: [first.0, last.0] })
    }

    /// Its height at `x`.
    pub fn at(&self, x: f64) -> f64 {
        let (start, basis) = basis(&self.knots, self.degree, x.clamp(self.ends[0], self.ends[1]));
        basis.iter().zip(&self.weights[start..]).map(|(share, weight)| share * weight).sum()
    }
}

/// The B-splines that are not 0 at `x`: the index of the first, and their values, of which `degree + 1` count.
fn basis(knots: &[f64], degree: usize, x: f64) -> (usize, [f64; 4]) {
    let count = knots.len() - degree - 1;
    let span = knots[..count].partition_point(|knot| *knot <= x).clamp(degree + 1, count) - 1;
    let mut values = [0.0; 4];
    values[0] = 1.0;
    // Cox and de Boor's recursion, from degree 0 up.
    for d in 1..=degree {
        let mut carried = 0.0;
        for r in 0..d {
            let (left, right) = (knots[span + 1 + r - d], knots[span + 1 + r]);
            let share = values[r] / (right - left);
            values[r] = carried + (right - x) * share;
            carried = (x - left) * share;
        }
        values[d] = carried;
    }
    (span - degree, values)
}

/// Solves the system whose row `i` has values from its index on. Its matrix is totally positive and banded, so elimination needs no
/// pivots and stays within the band.
fn solve(mut rows: Vec<(usize, [f64; 4])>, mut right: Vec<f64>) -> Vec<f64> {
    let count = rows.len();
    let at = |rows: &[(usize, [f64; 4])], row: usize, column: usize| {
        column.checked_sub(rows[row].0).and_then(|offset| rows[row].1.get(offset)).copied().unwrap_or(0.0)
    };
    for pivot in 0..count {
        for row in pivot + 1..count.min(pivot + 4) {
            let factor = at(&rows, row, pivot) / at(&rows, pivot, pivot);
            if factor == 0.0 || !factor.is_finite() {
                continue;
            }
            for column in pivot..count.min(pivot + 4) {
                let taken = factor * at(&rows, pivot, column);
                let start = rows[row].0;
                if let Some(cell) = column.checked_sub(start).and_then(|offset| rows[row].1.get_mut(offset)) {
                    *cell -= taken;
                }
            }
            right[row] -= factor * right[pivot];
        }
    }
    for pivot in (0..count).rev() {
        let known: f64 = (pivot + 1..count.min(pivot + 4)).map(|column| at(&rows, pivot, column) * right[column]).sum();
        right[pivot] = (right[pivot] - known) / at(&rows, pivot, pivot);
    }
    right
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn polynomials_of_the_degree_are_met_everywhere() {
        for degree in 1..=3i32 {
            let height = |x: f64| x.powi(degree) - 2.0 * x + 1.0;
            let points: Vec<_> = [0.0, 1.0, 4.0, 5.0, 9.0, 11.0].map(|x| (x, height(x))).into();
            let spline = Spline::through(&points, degree as usize).unwrap();
            for x in [0.0, 0.5, 3.0, 8.0, 11.0] {
                assert!((spline.at(x) - height(x)).abs() < 1e-9, "degree {degree} at {x}");
            }
        }
    }

    #[test]
    fn few_points_lower_the_degree() {
        assert_eq!(Spline::through(&[(3.0, 7.0)], 3).unwrap().at(9.0), 7.0);
        assert_eq!(Spline::through(&[(0.0, 0.0), (10.0, 5.0)], 3).unwrap().at(4.0), 2.0);
        assert!(Spline::through(&[], 3).is_none());
    }

    proptest! {
        #[test]
        fn every_point_is_met(heights in prop::collection::vec(-9.0..9.0f64, 1..40), gaps in prop::collection::vec(1..9u8, 40)) {
            let mut x = 0.0;
            let points: Vec<_> = heights.iter().zip(gaps).map(|(y, gap)| { x += f64::from(gap); (x, *y) }).collect();
            for degree in 1..=3 {
                let spline = Spline::through(&points, degree).unwrap();
                for (x, y) in &points {
                    prop_assert!((spline.at(*x) - y).abs() < 1e-6);
                }
            }
        }
    }
}
