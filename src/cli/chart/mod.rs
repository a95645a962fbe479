//! Values over time as a picture: a panel for each line, below one another, as SVG or as pixels.

pub mod axis;
mod font;
mod pixels;
mod svg;
pub mod terminal;

use axis::{Axis, short};
use pixels::Pixels;
use svg::Svg;

/// The picture's width; all measures are in these units.
const WIDTH: f64 = 960.0;
/// Where lines are drawn, from the left.
const FIELD: [f64; 2] = [84.0, 936.0];
/// Room for the title, for a panel, and within it above and below the field.
const HEAD: f64 = 44.0;
const PANEL: f64 = 132.0;
const ABOVE: f64 = 28.0;
const BELOW: f64 = 22.0;

const INK: Color = [15, 23, 42];
const GRAY: Color = [100, 116, 139];
const RULE: Color = [226, 232, 240];
const PAPER: Color = [248, 250, 252];
const LINE: Color = [37, 99, 235];
const BOUND: Color = [220, 38, 38];

/// Red, green, blue.
type Color = [u8; 3];
/// A place, from the upper left.
type Point = (f64, f64);

/// One line over time.
#[derive(Debug, Clone)]
pub struct Panel<'a> {
    /// What it shows.
    pub title: String,
    /// Figures beside the title.
    pub note: String,
    /// A value for each frame, where there is one.
    pub values: &'a [Option<f64>],
    /// The point to mark: index and value.
    pub marked: Option<(usize, f64)>,
    /// Bounds to draw across.
    pub bounds: Vec<f64>,
}

/// What a text's place is: its beginning, its middle or its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Anchor {
    Start,
    Middle,
    End,
}

/// What panels are drawn on.
trait Canvas {
    fn fill(&mut self, at: Point, size: Point, color: Color);
    fn line(&mut self, points: &[Point], width: f64, color: Color, dashed: bool);
    fn dot(&mut self, at: Point, radius: f64, color: Color);
    fn text(&mut self, at: Point, anchor: Anchor, size: f64, color: Color, text: &str);
}

fn height(panels: &[Panel<'_>]) -> f64 {
    HEAD + PANEL * panels.len() as f64 + 8.0
}

/// The panels as SVG; `first` is the number of the first frame.
pub fn svg(title: &str, first: u64, panels: &[Panel<'_>]) -> String {
    let mut canvas = Svg::new((WIDTH, height(panels)), title);
    draw(&mut canvas, title, first, panels);
    canvas.finish()
}

/// The panels as PNG.
pub fn png(title: &str, first: u64, panels: &[Panel<'_>]) -> Result<Vec<u8>, image::ImageError> {
    let mut canvas = Pixels::new((WIDTH, height(panels)));
    draw(&mut canvas, title, first, panels);
    canvas.finish()
}

fn draw(canvas: &mut dyn Canvas, title: &str, first: u64, panels: &[Panel<'_>]) {
    canvas.fill((0.0, 0.0), (WIDTH, height(panels)), PAPER);
    canvas.text((24.0, 28.0), Anchor::Start, 16.0, INK, title);
    for (index, panel) in panels.iter().enumerate() {
        one(canvas, HEAD + PANEL * index as f64, first, panel);
    }
}

fn one(canvas: &mut dyn Canvas, top: f64, first: u64, panel: &Panel<'_>) {
    let (from, to) = (top + ABOVE, top + PANEL - BELOW);
    let numbers = panel.values.iter().flatten().chain(&panel.bounds).copied();
    let up = Axis::of(numbers, 3);
    let along = Axis {
        low: first as f64,
        high: (first + panel.values.len().saturating_sub(1) as u64) as f64,
        ..Axis::frames(panel.values.len() as u64, 12)
    };
    let x = |frame: f64| FIELD[0] + along.place(frame) * (FIELD[1] - FIELD[0]);
    let y = |value: f64| to - up.place(value) * (to - from);
    canvas.text((FIELD[0], top + 18.0), Anchor::Start, 13.0, INK, &panel.title);
    canvas.text((FIELD[1], top + 18.0), Anchor::End, 11.0, GRAY, &panel.note);
    for mark in up.marks() {
        canvas.line(&[(FIELD[0], y(mark)), (FIELD[1], y(mark))], 1.0, RULE, false);
        canvas.text((FIELD[0] - 8.0, y(mark) + 4.0), Anchor::End, 11.0, GRAY, &up.label(mark));
    }
    for mark in along.marks() {
        canvas.text((x(mark), to + 15.0), Anchor::Middle, 11.0, GRAY, &short(mark));
    }
    for bound in &panel.bounds {
        canvas.line(&[(FIELD[0], y(*bound)), (FIELD[1], y(*bound))], 1.5, BOUND, true);
    }
    for stretch in stretches(panel.values) {
        let points: Vec<Point> = stretch.iter().map(|(index, value)| (x((first + *index as u64) as f64), y(*value))).collect();
        match points[..] {
            [alone] => canvas.dot(alone, 2.0, LINE),
            _ => canvas.line(&points, 2.0, LINE, false),
        }
    }
    if let Some((index, value)) = panel.marked.filter(|(_, value)| value.is_finite()) {
        canvas.dot((x((first + index as u64) as f64), y(value)), 4.0, BOUND);
    }
}

/// The points to draw, in stretches without a gap. Of many frames on one pixel the least and the greatest stand for all.
fn stretches(values: &[Option<f64>]) -> Vec<Vec<(usize, f64)>> {
    let bundle = (values.len() / (2 * WIDTH as usize)).max(1);
    let mut all: Vec<Vec<(usize, f64)>> = vec![Vec::new()];
    for (part, chunk) in values.chunks(bundle).enumerate() {
        let finite = || chunk.iter().enumerate().filter_map(|(i, v)| v.filter(|v| v.is_finite()).map(|v| (part * bundle + i, v)));
        let low = finite().min_by(|a, b| a.1.total_cmp(&b.1));
        let high = finite().max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((low, high)) = low.zip(high) else {
            all.push(Vec::new());
            continue;
        };
        let mut ends = vec![low, high];
        ends.sort_by_key(|(index, _)| *index);
        ends.dedup();
        if let Some(last) = all.last_mut() {
            last.extend(ends);
        }
    }
    all.retain(|stretch| !stretch.is_empty());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(values: &[Option<f64>]) -> Panel<'_> {
        let marked = values.first().copied().flatten().map(|value| (0, value));
        Panel { title: "warp_error".into(), note: "mean 0.001 <&>".into(), values, marked, bounds: vec![0.5] }
    }

    #[test]
    fn whatever_the_values_the_pictures_are_well_formed() {
        let many: Vec<Option<f64>> = (0..20_000).map(|i| (i % 100 != 7).then(|| f64::from(i).sin())).collect();
        for values in [&[][..], &[None], &[Some(1.0)], &[Some(f64::NAN), Some(1.0), None, Some(f64::INFINITY), Some(2.0)], &many] {
            let picture = svg("a & b", 10, &[panel(values), panel(values)]);
            assert!(picture.ends_with("</svg>\n") && !picture.contains("NaN") && !picture.contains("inf"), "{picture}");
            assert!(picture.contains("a &amp; b") && picture.len() < 400_000);
            let pixels = image::load_from_memory(&png("a & b", 10, &[panel(values)]).unwrap()).unwrap();
            assert_eq!(pixels.width(), 2 * WIDTH as u32);
        }
    }

    #[test]
    fn a_gap_opens_the_line() {
        assert_eq!(stretches(&[Some(1.0), Some(2.0), None, Some(3.0)]), [vec![(0, 1.0), (1, 2.0)], vec![(3, 3.0)]]);
    }
}
