//! What was measured, frame by frame, and what it comes to.

use serde_json::{Map, Value, json};

use crate::kernel::metrics::gate::{Check, Gate};
use crate::kernel::metrics::{Metric, Series, Summary, Values};

/// One metric of one clip.
#[derive(Debug, Clone)]
pub struct Column {
    /// Whose metric it is: empty for the clip under test.
    pub subject: &'static str,
    /// The metric.
    pub metric: Metric,
    /// Its values from the first frame on.
    pub series: Series,
}

impl Column {
    /// Its name in reports and gates: `psnr`, or `b.flicker`.
    #[must_use]
    pub fn name(&self) -> String {
        if self.subject.is_empty() { self.metric.name().to_owned() } else { format!("{}.{}", self.subject, self.metric.name()) }
    }
}

/// Values of some clips, frame after frame.
#[derive(Debug, Clone, Default)]
pub struct Report {
    columns: Vec<Column>,
    frames: Vec<u64>,
}

impl Report {
    /// Adds the values of a frame, by clip.
    pub fn push(&mut self, frame: u64, values: &[(&'static str, Values)]) {
        let filled = self.frames.len();
        self.frames.push(frame);
        for (subject, values) in values {
            for metric in Metric::ALL.into_iter().filter(|metric| values[*metric].is_some()) {
                self.column(subject, metric, filled);
            }
        }
        for column in &mut self.columns {
            let value = values.iter().find(|(subject, _)| *subject == column.subject).and_then(|(_, values)| values[column.metric]);
            column.series.push(value);
        }
    }

    /// Sees to it that there is such a column; one that comes later has no values before.
    fn column(&mut self, subject: &'static str, metric: Metric, filled: usize) {
        if self.find(subject, metric).is_some() {
            return;
        }
        let mut series = Series::default();
        (0..filled).for_each(|_| series.push(None));
        let order = |column: &Column| (column.subject, column.metric as usize);
        let at = self.columns.partition_point(|column| order(column) < (subject, metric as usize));
        self.columns.insert(at, Column { subject, metric, series });
    }

    /// The metric of a clip, if it was measured.
    #[must_use]
    pub fn find(&self, subject: &str, metric: Metric) -> Option<&Column> {
        self.columns.iter().find(|column| column.subject == subject && column.metric == metric)
    }

    /// All that was measured: first the clip under test, then the others by name.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The numbers of the frames.
    #[must_use]
    pub fn frames(&self) -> &[u64] {
        &self.frames
    }

    /// Whether no frame was measured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// What a column comes to.
    #[must_use]
    pub fn summary(&self, column: &Column) -> Option<Summary> {
        column.series.summary(&self.frames)
    }

    /// The bounds that do not hold, each with a sentence that names the worst frame.
    pub fn failures<'g>(&'g self, gate: &'g Gate) -> impl Iterator<Item = (&'g Check, String)> {
        let hold = |check: &Check| check.hold(self.find(&check.subject, check.metric).and_then(|column| self.summary(column)).as_ref());
        gate.checks.iter().filter_map(move |check| Some((check, hold(check).err()?)))
    }

    /// The whole as JSON: `summary` by metric, `frames` one after the other, and what became of the gate.
    #[must_use]
    pub fn json(&self, gate: Option<&Gate>) -> Value {
        let mut summary = Map::new();
        for column in &self.columns {
            let Some(figures) = self.summary(column) else { continue };
            let worst = figures.worst(column.metric.better());
            let of = json!({
                "mean": figures.mean, "min": figures.min.value, "max": figures.max.value, "slope_per_100_frames": figures.slope,
                "worst": { "frame": worst.frame, "value": worst.value },
            });
            summary.insert(column.name(), of);
        }
        let names: Vec<String> = self.columns.iter().map(Column::name).collect();
        let frame = |(index, frame): (usize, &u64)| {
            let mut line = Map::new();
            line.insert("frame".to_owned(), json!(frame));
            for (name, column) in names.iter().zip(&self.columns) {
                if let Some(value) = column.series.values()[index] {
                    line.insert(name.clone(), json!(value));
                }
            }
            Value::Object(line)
        };
        let mut all = json!({ "count": self.frames.len(), "summary": summary });
        if let Some(gate) = gate {
            let failed: Vec<String> = self.failures(gate).map(|(_, sentence)| sentence).collect();
            all["gate"] = json!({ "passed": failed.is_empty(), "failed": failed });
        }
        all["frames"] = self.frames.iter().enumerate().map(frame).collect();
        all
    }
}
