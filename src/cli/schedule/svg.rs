//! A schedule as a picture.

use std::fmt::Write;

use super::series::{Series, Span};
use crate::cli::chart::axis::{Axis, short};

const FONT: &str = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif";
const MONO: &str = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace";
/// The whole picture.
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 380.0;
/// Where the curve lies: left, top, right, bottom.
const FIELD: [f64; 4] = [78.0, 66.0, 932.0, 318.0];
/// The curve itself.
const LINE: &str = "#2563eb";
/// Colours of texts, told apart by neighbours.
const COLORS: [&str; 6] = ["#2563eb", "#db2777", "#059669", "#d97706", "#7c3aed", "#0891b2"];
/// Texts that are listed; the rest is counted.
const LISTED: usize = 24;
/// Characters of a text that are shown.
const CHARACTERS: usize = 110;
/// So many frames and fewer have a dot each.
const DOTTED: usize = 60;

/// The schedule `written`, drawn.
pub fn svg(written: &str, series: &Series, frames: u64, fps: f64) -> String {
    match series {
        Series::Numbers(values, keys) => numbers(written, values, keys, fps),
        Series::Texts(spans) => texts(written, spans, frames, fps),
    }
}

fn head(written: &str, height: f64, about: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH:.0} {height:.0}\" width=\"{WIDTH:.0}\" height=\"{height:.0}\" font-family=\"{FONT}\">\n\
         <title>{0}</title>\n<rect width=\"100%\" height=\"100%\" rx=\"12\" fill=\"#f8fafc\"/>\n\
         <text x=\"24\" y=\"32\" font-size=\"15\" font-family=\"{MONO}\" fill=\"#0f172a\">{1}</text>\n\
         <text x=\"24\" y=\"51\" font-size=\"12\" fill=\"#64748b\">{about}</text>\n",
        escape(written),
        escape(&cut(written, 100)),
    )
}

fn numbers(written: &str, values: &[f64], keys: &[f64], fps: f64) -> String {
    let up = Axis::of(values.iter().copied(), 5);
    let along = Axis::frames(values.len() as u64 - 1, 10);
    let finite = || values.iter().copied().filter(|v| v.is_finite());
    let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    let range = if low <= high { format!(" · {} to {}", short(low), short(high)) } else { String::new() };
    let mut out = head(written, HEIGHT, &format!("{} frames at {} fps{range}", values.len(), short(fps)));
    let _ = writeln!(
        out,
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"#ffffff\"/>",
        FIELD[0],
        FIELD[1],
        FIELD[2] - FIELD[0],
        FIELD[3] - FIELD[1]
    );
    grid(&mut out, &up, &along, fps);
    curve(&mut out, values, &up, &along);
    dots(&mut out, values, keys, &up, &along);
    out + "</svg>\n"
}

fn x(along: &Axis, frame: f64) -> f64 {
    // A film of one frame is a dot in the middle.
    let place = if along.high > 0.0 { along.place(frame) } else { 0.5 };
    FIELD[0] + place * (FIELD[2] - FIELD[0])
}

fn y(up: &Axis, value: f64) -> f64 {
    FIELD[3] - up.place(value) * (FIELD[3] - FIELD[1])
}

fn grid(out: &mut String, up: &Axis, along: &Axis, fps: f64) {
    for mark in up.marks() {
        let (y, strong) = (y(up, mark), mark.abs() < up.step * 1e-6);
        let color = if strong { "#94a3b8" } else { "#e2e8f0" };
        let _ = writeln!(
            out,
            "<path d=\"M{} {y:.1}H{}\" stroke=\"{color}\"/><text x=\"{}\" y=\"{:.1}\" font-size=\"12\" text-anchor=\"end\" fill=\"#475569\">{}</text>",
            FIELD[0],
            FIELD[2],
            FIELD[0] - 10.0,
            y + 4.0,
            up.label(mark)
        );
    }
    frames(out, along, fps, FIELD[1], FIELD[3]);
}

/// Lines at round frames from `top` to `bottom`, with the frame and its second below.
fn frames(out: &mut String, along: &Axis, fps: f64, top: f64, bottom: f64) {
    for mark in along.marks() {
        let x = x(along, mark);
        let _ = writeln!(
            out,
            "<path d=\"M{x:.1} {top}V{}\" stroke=\"#e2e8f0\"/>\
             <text x=\"{x:.1}\" y=\"{}\" font-size=\"12\" text-anchor=\"middle\" fill=\"#475569\">{mark}</text>\
             <text x=\"{x:.1}\" y=\"{}\" font-size=\"11\" text-anchor=\"middle\" fill=\"#94a3b8\">{} s</text>",
            bottom + 5.0,
            bottom + 20.0,
            bottom + 36.0,
            short((mark / fps * 100.0).round() / 100.0)
        );
    }
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{}\" font-size=\"12\" text-anchor=\"end\" fill=\"#94a3b8\">frame</text>",
        FIELD[0] - 10.0,
        bottom + 20.0
    );
}

/// The line through all values; it is open where there are none.
fn curve(out: &mut String, values: &[f64], up: &Axis, along: &Axis) {
    for stretch in stretches(values) {
        let point = |frame: &usize| format!("{:.2} {:.2}", x(along, *frame as f64), y(up, values[*frame]));
        let line: Vec<String> = stretch.iter().map(point).collect();
        let ends = [stretch.first(), stretch.last()].map(|frame| frame.map_or(0.0, |frame| x(along, *frame as f64)));
        let base = y(up, 0.0_f64.clamp(up.low, up.high));
        let _ = writeln!(
            out,
            "<path d=\"M{:.2} {base:.2} L{} L{:.2} {base:.2}Z\" fill=\"{LINE}\" fill-opacity=\"0.07\"/>\n\
             <path d=\"M{}\" fill=\"none\" stroke=\"{LINE}\" stroke-width=\"2.25\" stroke-linejoin=\"round\" stroke-linecap=\"round\"/>",
            ends[0],
            line.join(" L"),
            ends[1],
            line.join(" L"),
        );
    }
}

/// The frames to draw, in stretches without a gap. Of many frames on one pixel the least and the greatest stand for all.
fn stretches(values: &[f64]) -> Vec<Vec<usize>> {
    let bundle = (values.len() / ((FIELD[2] - FIELD[0]) as usize * 2)).max(1);
    let mut all: Vec<Vec<usize>> = vec![Vec::new()];
    for start in (0..values.len()).step_by(bundle) {
        let frames = start..(start + bundle).min(values.len());
        let finite = || frames.clone().filter(|frame| values[*frame].is_finite());
        let extremes =
            [finite().min_by(|a, b| values[*a].total_cmp(&values[*b])), finite().max_by(|a, b| values[*a].total_cmp(&values[*b]))];
        let [Some(low), Some(high)] = extremes else {
            all.push(Vec::new());
            continue;
        };
        if let Some(last) = all.last_mut() {
            last.push(low.min(high));
            if low != high {
                last.push(low.max(high));
            }
        }
    }
    all.retain(|stretch| !stretch.is_empty());
    all
}

/// A ring at each key, and a dot at each frame where there are few.
fn dots(out: &mut String, values: &[f64], keys: &[f64], up: &Axis, along: &Axis) {
    if values.len() <= DOTTED {
        for (frame, value) in values.iter().enumerate().filter(|(_, value)| value.is_finite()) {
            let _ = writeln!(out, "<circle cx=\"{:.2}\" cy=\"{:.2}\" r=\"2.5\" fill=\"{LINE}\"/>", x(along, frame as f64), y(up, *value));
        }
    }
    for key in keys {
        let near = key.round();
        let Some(value) = values.get(near as usize).filter(|value| near >= 0.0 && value.is_finite()) else { continue };
        let _ = writeln!(
            out,
            "<circle cx=\"{:.2}\" cy=\"{:.2}\" r=\"5\" fill=\"#ffffff\" stroke=\"{LINE}\" stroke-width=\"2.25\"><title>frame {}: {}</title></circle>",
            x(along, near),
            y(up, *value),
            short(*key),
            short(*value)
        );
    }
}

fn texts(written: &str, spans: &[Span], length: u64, fps: f64) -> String {
    const ROW: f64 = 26.0;
    let mut distinct: Vec<&str> = Vec::new();
    for span in spans {
        if !distinct.contains(&span.text.as_str()) && distinct.len() < COLORS.len() * 8 {
            distinct.push(&span.text);
        }
    }
    let color = |text: &str| COLORS[distinct.iter().position(|known| *known == text).unwrap_or(0) % COLORS.len()];
    let (top, bottom) = (FIELD[1] + 4.0, FIELD[1] + 44.0);
    let listed = spans.len().min(LISTED);
    let height = bottom + 64.0 + ROW * (listed + usize::from(spans.len() > listed)) as f64;
    let along = Axis::frames(length.saturating_sub(1), 10);
    // Each frame is as wide as the next, the last one too.
    let wide = Axis { high: length as f64, ..along };
    let mut out = head(written, height, &format!("{length} frames at {} fps · {} texts", short(fps), distinct.len()));
    frames(&mut out, &Axis { high: length as f64, ..along }, fps, top, bottom);
    for span in spans {
        let (from, to) = (x(&wide, span.from as f64), x(&wide, span.to as f64));
        let _ = writeln!(
            out,
            "<rect x=\"{:.2}\" y=\"{top}\" width=\"{:.2}\" height=\"{}\" rx=\"4\" fill=\"{}\" fill-opacity=\"0.85\"><title>{}</title></rect>",
            from + 0.75,
            (to - from - 1.5).max(0.5),
            bottom - top,
            color(&span.text),
            escape(&span.text)
        );
    }
    for (index, span) in spans.iter().take(listed).enumerate() {
        let y = bottom + 66.0 + ROW * index as f64;
        let _ = writeln!(
            out,
            "<rect x=\"24\" y=\"{:.1}\" width=\"12\" height=\"12\" rx=\"3\" fill=\"{}\"/>\
             <text x=\"46\" y=\"{y:.1}\" font-size=\"12\" fill=\"#64748b\">{}..{}</text>\
             <text x=\"150\" y=\"{y:.1}\" font-size=\"13\" fill=\"#0f172a\">{}</text>",
            y - 10.5,
            color(&span.text),
            span.from,
            span.to,
            escape(&cut(&span.text, CHARACTERS))
        );
    }
    if spans.len() > listed {
        let y = bottom + 66.0 + ROW * listed as f64;
        let _ = writeln!(out, "<text x=\"46\" y=\"{y:.1}\" font-size=\"12\" fill=\"#64748b\">and {} more</text>", spans.len() - listed);
    }
    out + "</svg>\n"
}

fn cut(text: &str, characters: usize) -> String {
    let line = text.lines().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= characters { line } else { line.chars().take(characters - 1).chain(['…']).collect() }
}

fn escape(text: &str) -> String {
    // Control characters have no place in XML, whichever way they are written.
    let printed: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    printed.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_values_the_picture_is_well_formed() {
        let gaps = vec![f64::NAN, 1.0, 2.0, f64::INFINITY, 3.0];
        for values in [vec![4.0], gaps, vec![0.0; 7], (0..20_000).map(f64::from).collect(), vec![f64::NAN; 4]] {
            let picture = svg("0: (1 < 2 & \"x\")", &Series::Numbers(values, vec![0.0, -3.0, 1e9, 2.5]), 5, 25.0);
            assert!(picture.ends_with("</svg>\n") && !picture.contains("NaN") && !picture.contains("inf"), "{picture}");
            assert!(picture.contains("1 &lt; 2 &amp; &quot;x&quot;"));
        }
        let spans = (0..40).map(|n| Span { from: n, to: n + 1, text: format!("<{n}>\u{7}") }).collect();
        let picture = svg("x", &Series::Texts(spans), 40, 25.0);
        assert!(picture.contains("and 16 more") && picture.contains("&lt;3&gt;"));
    }

    #[test]
    fn a_gap_opens_the_line() {
        assert_eq!(stretches(&[1.0, 2.0, f64::NAN, 3.0]), [vec![0, 1], vec![3]]);
        assert!(stretches(&vec![1.0; 100_000]).concat().len() < 4000);
    }
}
