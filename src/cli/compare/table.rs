//! What was measured, as a table for people.

use std::fmt::Write;

use crate::kernel::metrics::gate::number;
use crate::nodes::metrics::report::{Column, Report};

/// Characters of the line that shows how a metric went.
const LINE: usize = 24;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A row for each metric: what it comes to, its worst frame, and how it went.
pub fn table(report: &Report) -> String {
    let name = |column: &Column| column.name();
    let widest = report.columns().iter().map(|column| name(column).chars().count()).max().unwrap_or(6).max(6);
    let mut out = format!("{:widest$}  {:>10} {:>10} {:>10}  {:>17}  over time\n", "metric", "mean", "min", "max", "worst frame");
    for column in report.columns() {
        let Some(summary) = report.summary(column) else { continue };
        let worst = summary.worst(column.metric.better());
        let _ = writeln!(
            out,
            "{:widest$}  {:>10} {:>10} {:>10}  {:>6} {:>10}  {}",
            name(column),
            number(summary.mean),
            number(summary.min.value),
            number(summary.max.value),
            worst.frame,
            number(worst.value),
            spark(column.series.values())
        );
    }
    out
}

/// The values as a line of bars from the least to the most; each bar is the mean of its frames.
fn spark(values: &[Option<f64>]) -> String {
    let cells = LINE.min(values.len());
    let mean = |cell: usize| {
        let part = &values[cell * values.len() / cells..((cell + 1) * values.len() / cells).max(cell * values.len() / cells + 1)];
        let there: Vec<f64> = part.iter().flatten().copied().filter(|v| v.is_finite()).collect();
        (!there.is_empty()).then(|| there.iter().sum::<f64>() / there.len() as f64)
    };
    let means: Vec<Option<f64>> = (0..cells).map(mean).collect();
    let low = means.iter().flatten().copied().fold(f64::INFINITY, f64::min);
    let high = means.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
    let bar = |value: &Option<f64>| match value {
        None => ' ',
        Some(_) if high - low <= high.abs() * 1e-9 => BARS[0],
        Some(value) => BARS[((value - low) / (high - low) * 7.0).round() as usize],
    };
    means.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_rises_and_has_gaps() {
        let values: Vec<Option<f64>> = (0..48).map(|i| (i > 1).then_some(f64::from(i))).collect();
        let line: Vec<char> = spark(&values).chars().collect();
        assert_eq!((line.len(), line[0], line[1], line[23]), (24, ' ', '▁', '█'));
        assert_eq!(spark(&[Some(2.0); 3]), "▁▁▁");
        assert_eq!(spark(&[]), "");
    }
}
