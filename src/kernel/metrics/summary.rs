//! What a clip's numbers come to.

use super::Better;

/// A frame and its value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Worst {
    /// The frame.
    pub frame: u64,
    /// Its value.
    pub value: f64,
}

/// What a metric comes to over a clip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// The mean over the frames that have a value.
    pub mean: f64,
    /// The frame with the least.
    pub min: Worst,
    /// The frame with the most.
    pub max: Worst,
    /// How it changes over 100 frames, by the straight line that fits best (least squares).
    pub slope: f64,
}

impl Summary {
    /// The worst frame, where `better` is good.
    #[must_use]
    pub fn worst(&self, better: Better) -> Worst {
        match better {
            Better::More => self.min,
            Better::Less => self.max,
        }
    }
}

/// A metric's values, frame after frame.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    values: Vec<Option<f64>>,
}

impl Series {
    /// Adds the next frame's value.
    pub fn push(&mut self, value: Option<f64>) {
        self.values.push(value);
    }

    /// All values from the first frame on.
    #[must_use]
    pub fn values(&self) -> &[Option<f64>] {
        &self.values
    }

    /// What they come to, if there is one; `frames` are the numbers of the frames. Values that are no numbers are the worst of all,
    /// whichever way is good.
    #[must_use]
    pub fn summary(&self, frames: &[u64]) -> Option<Summary> {
        let points: Vec<Worst> =
            frames.iter().zip(&self.values).filter_map(|(frame, v)| v.map(|value| Worst { frame: *frame, value })).collect();
        // The first of equals; NaN before all.
        let extreme = |beats: fn(f64, f64) -> bool| {
            points.iter().copied().reduce(|best, point| {
                let better = !best.value.is_nan() && (point.value.is_nan() || beats(point.value, best.value));
                if better { point } else { best }
            })
        };
        let count = points.len() as f64;
        let mean = points.iter().map(|point| point.value).sum::<f64>() / count;
        Some(Summary { mean, min: extreme(|a, b| a < b)?, max: extreme(|a, b| a > b)?, slope: slope(&points, mean) * 100.0 })
    }
}

/// The slope of the straight line through `points`, a frame.
fn slope(points: &[Worst], mean: f64) -> f64 {
    let middle = points.iter().map(|point| point.frame as f64).sum::<f64>() / points.len() as f64;
    let (mut products, mut squares) = (0.0, 0.0);
    for point in points {
        let x = point.frame as f64 - middle;
        products += x * (point.value - mean);
        squares += x * x;
    }
    if squares > 0.0 { products / squares } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[Option<f64>]) -> Series {
        Series { values: values.to_vec() }
    }

    #[test]
    fn a_line_is_summed_up() {
        let summary = series(&[None, Some(1.0), Some(3.0), Some(5.0), Some(7.0)]).summary(&[10, 11, 12, 13, 14]).unwrap();
        assert_eq!((summary.mean, summary.slope), (4.0, 200.0));
        assert_eq!(summary.worst(Better::More), Worst { frame: 11, value: 1.0 });
        assert_eq!(summary.worst(Better::Less), Worst { frame: 14, value: 7.0 });
        assert_eq!(series(&[None]).summary(&[0]), None);
    }

    #[test]
    fn what_is_no_number_is_the_worst() {
        let summary = series(&[Some(1.0), Some(f64::NAN), Some(0.0)]).summary(&[0, 1, 2]).unwrap();
        assert_eq!((summary.min.frame, summary.max.frame), (1, 1));
        assert!(summary.mean.is_nan());
    }
}
