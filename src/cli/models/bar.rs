//! How adding and checking show themselves while they last.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle as BarStyle};
use serde_json::json;

use crate::store::Event;

use super::super::args::ProgressStyle;

/// Lines of JSON about bytes come no oftener.
const EVERY: Duration = Duration::from_millis(250);

/// Shows what happens.
pub struct Bar {
    shown: Shown,
    /// The file at hand, its number, and how many there are.
    file: (String, usize, usize),
    size: Option<u64>,
    told: Instant,
}

enum Shown {
    Bar(ProgressBar),
    Json,
    /// Notes alone, one a line.
    Notes,
    Nothing,
}

impl Bar {
    /// Ready to show.
    pub fn new(style: ProgressStyle, quiet: bool) -> Self {
        let shown = match style {
            ProgressStyle::Json => Shown::Json,
            ProgressStyle::Bar => Shown::Bar(bar()),
            ProgressStyle::None => Shown::Nothing,
            ProgressStyle::Auto if std::io::stderr().is_terminal() => Shown::Bar(bar()),
            ProgressStyle::Auto if quiet => Shown::Nothing,
            ProgressStyle::Auto => Shown::Notes,
        };
        Self { shown, file: (String::new(), 0, 0), size: None, told: Instant::now() }
    }

    /// Takes in an event.
    pub fn event(&mut self, event: Event) {
        match event {
            Event::Begin { files, bytes } => {
                self.file.2 = files;
                self.json(|| json!({ "event": "started", "files": files, "bytes": bytes }));
            }
            Event::File { name, size } => {
                self.file = (name, self.file.1 + 1, self.file.2);
                self.size = size;
                self.begin();
            }
            Event::At(done) => self.at(done),
            Event::Note(text) => match &self.shown {
                Shown::Bar(bar) => bar.suspend(|| eprintln!("{text}")),
                Shown::Json => self.json(|| json!({ "event": "note", "text": text })),
                Shown::Notes => eprintln!("{text}"),
                Shown::Nothing => {}
            },
        }
    }

    fn begin(&self) {
        let (name, number, count) = &self.file;
        if let Shown::Bar(bar) = &self.shown {
            bar.reset();
            bar.set_position(0);
            bar.set_length(self.size.unwrap_or(0));
            bar.set_message(if *count > 1 { format!("{number} of {count}: {name}") } else { name.clone() });
        }
        self.json(|| json!({ "event": "file", "name": name, "bytes": self.size }));
    }

    fn at(&mut self, done: u64) {
        if let Shown::Bar(bar) = &self.shown {
            bar.set_position(done);
        } else if self.told.elapsed() > EVERY || self.size == Some(done) {
            self.told = Instant::now();
            self.json(|| json!({ "event": "bytes", "name": self.file.0, "done": done, "bytes": self.size }));
        }
    }

    fn json(&self, line: impl FnOnce() -> serde_json::Value) {
        if let Shown::Json = self.shown {
            let _ = writeln!(std::io::stderr(), "{}", line());
        }
    }

    /// Takes the bar away, so that what follows stands on clean lines.
    pub fn clear(&self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(10));
    let template = "{bar:32} {binary_bytes}/{binary_total_bytes}  {binary_bytes_per_sec}  {eta} left  {msg}";
    if let Ok(style) = BarStyle::with_template(template) {
        bar.set_style(style.progress_chars("━╸ "));
    }
    bar
}
