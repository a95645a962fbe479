//! The text encoder's last normalisation, for layers that were exported without it.

/// What keeps a row of equal numbers from dividing by zero: CLIP's.
const EPSILON: f64 = 1e-5;

/// A layer normalisation: each row is brought to mean 0 and variance 1, then scaled and shifted, column by column.
#[derive(Debug, Clone)]
pub(super) struct Norm {
    scale: Vec<f32>,
    shift: Vec<f32>,
}

impl Norm {
    /// The one that makes `after` of `before`, rows of `width` numbers: its scale and shift are the straight line through what each
    /// column is before and after (least squares; they fit up to rounding). So they need not be found in the network.
    pub(super) fn between(before: &[f32], after: &[f32], width: usize) -> Self {
        let mut before = before.to_vec();
        before.chunks_exact_mut(width.max(1)).for_each(standardise);
        let count = (before.len() / width.max(1)).max(1) as f64;
        let column = |of: &[f32], at: usize| of.iter().skip(at).step_by(width).map(|x| f64::from(*x)).collect::<Vec<_>>();
        let line = |at: usize| {
            let (x, y) = (column(&before, at), column(after, at));
            let (mean_x, mean_y) = (x.iter().sum::<f64>() / count, y.iter().sum::<f64>() / count);
            let along: f64 = x.iter().zip(&y).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
            let spread: f64 = x.iter().map(|x| (x - mean_x).powi(2)).sum();
            let scale = if spread > 0.0 { along / spread } else { 1.0 };
            (scale as f32, (mean_y - scale * mean_x) as f32)
        };
        let (scale, shift) = (0..width).map(line).unzip();
        Self { scale, shift }
    }

    /// Normalises `rows`.
    pub(super) fn apply(&self, rows: &mut [f32]) {
        for row in rows.chunks_exact_mut(self.scale.len().max(1)) {
            standardise(row);
            for (x, (scale, shift)) in row.iter_mut().zip(self.scale.iter().zip(&self.shift)) {
                *x = *x * scale + shift;
            }
        }
    }
}

/// Brings a row to mean 0 and variance 1.
fn standardise(row: &mut [f32]) {
    let n = row.len() as f64;
    let mean = row.iter().map(|x| f64::from(*x)).sum::<f64>() / n;
    let variance = row.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / n;
    let scale = 1.0 / (variance + EPSILON).sqrt();
    for x in row {
        *x = ((f64::from(*x) - mean) * scale) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scale_and_shift_are_found_from_what_the_network_makes() {
        let norm = Norm { scale: vec![0.5, -2.0, 3.0], shift: vec![1.0, 0.0, -4.0] };
        let before: Vec<f32> = (0..30).map(|i| ((i * 7 % 11) as f32).sin() * (1.0 + i as f32)).collect();
        let mut after = before.clone();
        norm.apply(&mut after);
        let found = Norm::between(&before, &after, 3);
        let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
        assert!(close(&found.scale, &norm.scale) && close(&found.shift, &norm.shift), "{found:?}");
    }
}
