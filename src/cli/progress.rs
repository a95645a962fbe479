//! How a run shows itself while it lasts: a bar on a terminal, lines of JSON for programs, or nothing.

use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle as BarStyle};
use serde_json::json;

use crate::exec::{Event, Observer};
use crate::plan::Plan;

use super::args::ProgressStyle;

/// The slowest node is looked up again after so long.
const REFRESH: Duration = Duration::from_millis(500);

/// Shows a run.
pub struct Progress {
    names: Vec<String>,
    shown: Shown,
    state: Mutex<State>,
}

enum Shown {
    Bar(ProgressBar),
    Json,
    Nothing,
}

struct State {
    spent: Vec<Duration>,
    began: Instant,
    refreshed: Instant,
}

impl Progress {
    /// Ready to show a run of `plan`.
    #[must_use]
    pub fn new(plan: &Plan, style: ProgressStyle) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let shown = match style {
            ProgressStyle::Json => Shown::Json,
            ProgressStyle::Bar => Shown::Bar(bar(plan)),
            ProgressStyle::Auto if terminal => Shown::Bar(bar(plan)),
            ProgressStyle::Auto | ProgressStyle::None => Shown::Nothing,
        };
        let now = Instant::now();
        let state = State { spent: vec![Duration::ZERO; plan.nodes.len()], began: now, refreshed: now };
        Self { names: plan.nodes.iter().map(|node| node.name.clone()).collect(), shown, state: Mutex::new(state) }
    }

    /// Takes the bar away, so that what follows stands on clean lines.
    pub fn clear(&self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }

    fn slowest(&self, state: &State) -> Option<&str> {
        let (index, spent) = state.spent.iter().enumerate().max_by_key(|(_, spent)| **spent)?;
        if spent.is_zero() { None } else { self.names.get(index).map(String::as_str) }
    }
}

fn bar(plan: &Plan) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(plan.frames(), ProgressDrawTarget::stderr_with_hz(10));
    let template = "{bar:32} {pos}/{len} frames  {per_sec}  {eta} left  {msg}";
    if let Ok(style) = BarStyle::with_template(template) {
        let rate = |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{:.1} fps", state.per_sec());
        };
        bar.set_style(style.with_key("per_sec", rate).progress_chars("━╸ "));
    }
    bar
}

impl Observer for Progress {
    fn event(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Event::Fired { node, took, .. } = event {
            if let Some(spent) = state.spent.get_mut(*node) {
                *spent += *took;
            }
            return;
        }
        match &self.shown {
            Shown::Nothing => {}
            Shown::Bar(bar) => match event {
                Event::Started { length: Some(length) } => bar.set_length(*length),
                Event::Frames { done, length } => {
                    if let Some(length) = length {
                        bar.set_length(*length);
                    }
                    bar.set_position(*done);
                    if state.refreshed.elapsed() > REFRESH {
                        state.refreshed = Instant::now();
                        if let Some(name) = self.slowest(&state) {
                            bar.set_message(format!("slowest: {name}"));
                        }
                    }
                }
                Event::Finishing { .. } => bar.set_message("closing files"),
                _ => {}
            },
            Shown::Json => {
                let seconds = state.began.elapsed().as_secs_f64();
                let line = match event {
                    Event::Started { length } => json!({ "event": "started", "frames": length }),
                    Event::Frames { done, length } => {
                        let fps = *done as f64 / seconds.max(1e-9);
                        let left = length.map(|length| length.saturating_sub(*done) as f64 / fps.max(1e-9));
                        json!({ "event": "frame", "done": done, "frames": length, "fps": fps, "eta_seconds": left, "slowest": self.slowest(&state) })
                    }
                    Event::Finishing { done } => json!({ "event": "finishing", "done": done }),
                    Event::Fired { .. } => return,
                };
                let _ = writeln!(std::io::stderr(), "{line}");
            }
        }
    }
}
