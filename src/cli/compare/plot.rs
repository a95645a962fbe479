//! What was measured, drawn over time.

use std::path::Path;

use crate::cli::chart::{self, Panel};
use crate::kernel::metrics::gate::{Gate, Stat, number};
use crate::media::{MediaError, write_whole};
use crate::nodes::metrics::report::{Column, Report};

/// Draws a panel for each metric, with the gate's bounds and the worst frame.
pub fn write(path: &Path, title: &str, report: &Report, gate: Option<&Gate>) -> Result<(), MediaError> {
    let panels: Vec<Panel<'_>> = report.columns().iter().map(|column| panel(report, column, gate)).collect();
    let first = report.frames().first().copied().unwrap_or(0);
    let bytes = if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png")) {
        chart::png(title, first, &panels).map_err(|error| MediaError::Other(format!("cannot draw the plot: {error}")))?
    } else {
        chart::svg(title, first, &panels).into_bytes()
    };
    Ok(write_whole(path, &bytes)?)
}

fn panel<'r>(report: &'r Report, column: &'r Column, gate: Option<&Gate>) -> Panel<'r> {
    let summary = report.summary(column);
    let worst = summary.map(|summary| summary.worst(column.metric.better()));
    let index = worst.and_then(|worst| report.frames().iter().position(|frame| *frame == worst.frame));
    let note = summary
        .zip(worst)
        .map(|(summary, worst)| format!("mean {}  worst {} at {}", number(summary.mean), number(worst.value), worst.frame));
    let checks = gate.iter().flat_map(|gate| &gate.checks);
    // A slope is no height.
    let bounds = checks.filter(|check| check.subject == column.subject && check.metric == column.metric && check.stat != Stat::Slope);
    Panel {
        title: column.name(),
        note: note.unwrap_or_default(),
        values: column.series.values(),
        marked: index.zip(worst.map(|worst| worst.value)),
        bounds: bounds.map(|check| check.bound).collect(),
    }
}
