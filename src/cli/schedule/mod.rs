//! `frameloom schedule "0: (1), 30: (2)"`: what a schedule, an expression or keyframes give, as numbers and as a picture.

mod series;
mod svg;
mod terminal;

use serde_json::{Value, json};

use crate::diag::Sources;
use crate::param::{Fps, Moment};

use super::args::{Dialect, Format, ScheduleArgs};
use super::load::Style;
use super::{Exit, chart};
use series::{Reading, Series};

/// Prints and plots a schedule.
pub fn schedule(args: &ScheduleArgs, style: Style) -> Exit {
    let mut sources = Sources::default();
    let moment = Moment {
        length: Some(args.frames),
        fps: Fps::nearest(args.fps),
        size: args.size,
        seed: args.seed,
        bpm: args.bpm,
        ..Moment::default()
    };
    let read = match args.dialect {
        Dialect::Frameloom => series::read,
        Dialect::Deforum => series::read_deforum,
    };
    let reading = match read(&args.schedule, args.text, args.frames, &moment, &mut sources) {
        Ok(reading) => reading,
        Err(findings) => {
            style.show(&findings, &sources);
            return Exit::Invalid;
        }
    };
    show(args, &reading, style);
    drawn(args, &reading.series)
}

fn show(args: &ScheduleArgs, reading: &Reading, style: Style) {
    match (style.format, &reading.series) {
        (Format::Json, series) => println!("{:#}", document(args, series)),
        (Format::Text, Series::Numbers(values, _)) => {
            print!(
                "{}\n{}",
                chart::terminal::plot(values, args.fps, chart::terminal::width()),
                terminal::table(values, chart::terminal::width())
            );
        }
        (Format::Text, Series::Texts(spans)) => print!("{}", terminal::spans(spans, args.fps)),
    }
    for note in &reading.notes {
        eprintln!("note: {note}");
    }
}

fn document(args: &ScheduleArgs, series: &Series) -> Value {
    let mut all = json!({ "schedule": args.schedule, "frames": args.frames, "fps": args.fps });
    match series {
        Series::Numbers(values, _) => all["values"] = values.iter().map(|value| number(*value)).collect(),
        Series::Texts(spans) => {
            all["spans"] = spans.iter().map(|span| json!({ "from": span.from, "to": span.to, "text": span.text })).collect();
        }
    }
    all
}

/// A number, or its name where JSON has none.
fn number(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { json!(value.to_string().to_lowercase()) }
}

/// Draws it if that is asked for.
fn drawn(args: &ScheduleArgs, series: &Series) -> Exit {
    let Some(path) = &args.svg else { return Exit::Done };
    let drawing = svg::svg(&args.schedule, series, args.frames, args.fps);
    match crate::media::write_whole(path, drawing.as_bytes()) {
        Ok(()) => Exit::Done,
        Err(error) => {
            eprintln!("error: {error}");
            Exit::Failed
        }
    }
}
