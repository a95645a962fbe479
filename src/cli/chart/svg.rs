//! Panels as SVG.

use std::fmt::Write;

use super::{Anchor, Canvas, Color, Point};

const FONT: &str = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif";

/// An SVG on its way.
pub struct Svg(String);

impl Svg {
    /// Empty, of `size`.
    pub fn new((width, height): Point, title: &str) -> Self {
        Self(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" \
             font-family=\"{FONT}\">\n<title>{}</title>\n",
            escape(title)
        ))
    }

    /// The whole text.
    pub fn finish(self) -> String {
        self.0 + "</svg>\n"
    }
}

fn hex([r, g, b]: Color) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn escape(text: &str) -> String {
    // Control characters have no place in XML, whichever way they are written.
    let printed: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    printed.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

impl Canvas for Svg {
    fn fill(&mut self, (x, y): Point, (width, height): Point, color: Color) {
        let _ = writeln!(self.0, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"12\" fill=\"{}\"/>", hex(color));
    }

    fn line(&mut self, points: &[Point], width: f64, color: Color, dashed: bool) {
        let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
        let dash = if dashed { " stroke-dasharray=\"6 4\"" } else { "" };
        let _ = writeln!(
            self.0,
            "<path d=\"M{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{width}\" stroke-linejoin=\"round\"{dash}/>",
            path.join(" L"),
            hex(color)
        );
    }

    fn dot(&mut self, (x, y): Point, radius: f64, color: Color) {
        let _ = writeln!(self.0, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{}\"/>", hex(color));
    }

    fn text(&mut self, (x, y): Point, anchor: Anchor, size: f64, color: Color, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let _ = writeln!(
            self.0,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" text-anchor=\"{anchor}\" fill=\"{}\">{}</text>",
            hex(color),
            escape(text)
        );
    }
}
