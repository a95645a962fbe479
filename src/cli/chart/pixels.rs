//! Panels as pixels, with smooth lines and small letters.

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};

use super::font::{COLUMNS, ROWS, glyph};
use super::{Anchor, Canvas, Color, Point};

/// Pixels for each unit of length.
const SCALE: f64 = 2.0;

/// A picture on its way.
pub struct Pixels(RgbImage);

impl Pixels {
    /// Black, of `size`.
    pub fn new((width, height): Point) -> Self {
        Self(RgbImage::new((width * SCALE) as u32, (height * SCALE) as u32))
    }

    /// The picture as PNG.
    pub fn finish(self) -> Result<Vec<u8>, image::ImageError> {
        let mut bytes = Cursor::new(Vec::new());
        self.0.write_to(&mut bytes, ImageFormat::Png)?;
        Ok(bytes.into_inner())
    }

    /// Blends `color` in by how much `cover` says of each pixel of a box.
    fn blend(&mut self, (left, top): Point, (right, bottom): Point, color: Color, cover: impl Fn(Point) -> f64) {
        let (width, height) = (f64::from(self.0.width()), f64::from(self.0.height()));
        let range = |from: f64, to: f64, length: f64| (from.floor().clamp(0.0, length) as u32)..(to.ceil().clamp(0.0, length) as u32);
        for y in range(top, bottom, height) {
            for x in range(left, right, width) {
                let part = cover((f64::from(x) + 0.5, f64::from(y) + 0.5)).clamp(0.0, 1.0);
                if part > 0.0 {
                    let Rgb(old) = *self.0.get_pixel(x, y);
                    let mixed =
                        std::array::from_fn(|c| (f64::from(old[c]) + part * (f64::from(color[c]) - f64::from(old[c]))).round() as u8);
                    self.0.put_pixel(x, y, Rgb(mixed));
                }
            }
        }
    }

    /// A straight line between two places, in pixels.
    fn segment(&mut self, a: Point, b: Point, width: f64, color: Color) {
        let reach = width / 2.0 + 1.0;
        let (low, high) = ((a.0.min(b.0) - reach, a.1.min(b.1) - reach), (a.0.max(b.0) + reach, a.1.max(b.1) + reach));
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let length = (dx * dx + dy * dy).max(1e-12);
        self.blend(low, high, color, |(x, y)| {
            let along = (((x - a.0) * dx + (y - a.1) * dy) / length).clamp(0.0, 1.0);
            width / 2.0 + 0.5 - (x - a.0 - along * dx).hypot(y - a.1 - along * dy)
        });
    }
}

fn scaled((x, y): Point) -> Point {
    (x * SCALE, y * SCALE)
}

impl Canvas for Pixels {
    fn fill(&mut self, at: Point, size: Point, color: Color) {
        let end = (at.0 + size.0, at.1 + size.1);
        self.blend(scaled(at), scaled(end), color, |_| 1.0);
    }

    fn line(&mut self, points: &[Point], width: f64, color: Color, dashed: bool) {
        for pair in points.windows(2) {
            let (a, b) = (scaled(pair[0]), scaled(pair[1]));
            let pieces = if dashed { ((b.0 - a.0).hypot(b.1 - a.1) / 20.0).ceil().max(1.0) as usize } else { 1 };
            let at = |part: f64| (a.0 + (b.0 - a.0) * part, a.1 + (b.1 - a.1) * part);
            for piece in 0..pieces {
                let (from, drawn) = (piece as f64 / pieces as f64, if dashed { 0.6 } else { 1.0 });
                self.segment(at(from), at(from + drawn / pieces as f64), width * SCALE, color);
            }
        }
    }

    fn dot(&mut self, at: Point, radius: f64, color: Color) {
        let (x, y) = scaled(at);
        self.segment((x, y), (x, y), 2.0 * radius * SCALE, color);
    }

    fn text(&mut self, at: Point, anchor: Anchor, size: f64, color: Color, text: &str) {
        // Letters are made of whole squares.
        let dot = (size * SCALE / 11.0).round().max(1.0);
        let (x, y) = scaled(at);
        let width = text.chars().count() as f64 * (COLUMNS + 1) as f64 * dot;
        let left = match anchor {
            Anchor::Start => x,
            Anchor::Middle => x - width / 2.0,
            Anchor::End => x - width,
        };
        let top = (y - ROWS as f64 * dot).round();
        for (index, letter) in text.chars().enumerate() {
            let left = (left + index as f64 * (COLUMNS + 1) as f64 * dot).round();
            for (row, bits) in glyph(letter).into_iter().enumerate() {
                for column in (0..COLUMNS).filter(|column| bits >> (COLUMNS - 1 - column) & 1 == 1) {
                    let corner = (left + column as f64 * dot, top + row as f64 * dot);
                    self.blend(corner, (corner.0 + dot, corner.1 + dot), color, |_| 1.0);
                }
            }
        }
    }
}
