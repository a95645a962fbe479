//! Pictures one by one: `out/%05d.png`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::options::check_target;
use super::partial::Partial;
use super::{MediaError, OutputError};
use crate::frame::Frame;

/// How a picture is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageFormat {
    /// PNG with 8 bits a channel.
    Png8,
    /// PNG with 16 bits a channel.
    Png16,
    /// TIFF with 8 bits a channel.
    Tiff8,
    /// TIFF with 16 bits a channel.
    Tiff16,
    /// JPEG of this quality, 1 to 100, without alpha.
    Jpeg(u8),
    /// WebP, lossless, 8 bits a channel.
    WebP,
    /// OpenEXR with 32-bit floats: nothing is rounded or clipped, and colours become linear light.
    Exr,
}

impl ImageFormat {
    /// The format that the ending of `path` asks for: png, jpg, webp, exr or tif; `bits` (8 or 16) is for PNG and TIFF, `quality` for
    /// JPEG.
    ///
    /// # Errors
    /// When the ending is none of these.
    pub fn of(path: &Path, bits: u8, quality: u8) -> Result<Self, OutputError> {
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
        Ok(match (extension.as_str(), bits > 8) {
            ("png", false) => Self::Png8,
            ("png", true) => Self::Png16,
            ("tif" | "tiff", false) => Self::Tiff8,
            ("tif" | "tiff", true) => Self::Tiff16,
            ("jpg" | "jpeg", _) => Self::Jpeg(quality.clamp(1, 100)),
            ("webp", _) => Self::WebP,
            ("exr", _) => Self::Exr,
            _ => {
                let known = "`.png`, `.jpg`, `.webp`, `.exr`, `.tif`".to_owned();
                return Err(OutputError::Extension { path: path.to_path_buf(), known });
            }
        })
    }
}

/// Writes numbered pictures. Each appears under its name only when it is whole.
#[derive(Debug, Clone)]
pub struct ImageWriter {
    before: String,
    digits: usize,
    after: String,
    format: ImageFormat,
}

impl ImageWriter {
    /// For names made from `pattern`, which holds `%05d` (a number with at least five digits), `%d`, or neither: then the writer makes
    /// that one file, again and again.
    ///
    /// # Errors
    /// When the pattern is not understood, or its folder cannot be written.
    pub fn new(pattern: &Path, format: ImageFormat) -> Result<Self, MediaError> {
        let refuse = |help: &str| OutputError::Pattern { path: pattern.to_path_buf(), help: help.to_owned() };
        let text = pattern.to_str().ok_or_else(|| OutputError::Name { path: pattern.to_path_buf() })?;
        let (before, digits, after) = parse(text).ok_or_else(|| refuse("write one number such as `%05d`, and `%%` for a percent sign"))?;
        let writer = Self { before, digits, after, format };
        check_target(&writer.path(0), std::iter::empty())?;
        Ok(writer)
    }

    /// The file for `number`.
    #[must_use]
    pub fn path(&self, number: u64) -> PathBuf {
        if self.digits == 0 {
            return PathBuf::from(&self.before);
        }
        format!("{}{number:0digits$}{}", self.before, self.after, digits = self.digits).into()
    }

    /// Whether every frame gets a file of its own.
    #[must_use]
    pub fn is_numbered(&self) -> bool {
        self.digits > 0
    }

    /// Writes `frame` as picture `number`. Returns the file.
    ///
    /// # Errors
    /// When the disk or the format refuses; nothing is left behind then.
    pub fn write(&self, frame: &Frame, number: u64) -> Result<PathBuf, MediaError> {
        let path = self.path(number);
        let partial = Partial::new(&path)?;
        let file = File::create(partial.path()).map_err(OutputError::file("write", &path))?;
        let mut out = BufWriter::new(file);
        encode(frame, self.format, &mut out).map_err(|why| OutputError::Picture { path: path.clone(), why: why.to_string() })?;
        out.flush().map_err(OutputError::file("write", &path))?;
        drop(out);
        partial.commit()?;
        Ok(path)
    }
}

/// Splits a pattern at its number: what stands before, its digits (0 for none), what stands after.
fn parse(text: &str) -> Option<(String, usize, String)> {
    let mut parts = [String::new(), String::new()];
    let (mut at, mut digits) = (0, 0);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        parts[at].push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            parts[at].push('%');
            rest = after;
            continue;
        }
        let end = after.find('d')?;
        if at == 1 || !after[..end].bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        digits = after[..end].parse().unwrap_or(1).clamp(1, 18);
        at = 1;
        rest = &after[end + 1..];
    }
    parts[at].push_str(rest);
    let [before, after] = parts;
    Some((before, digits, after))
}

fn encode(frame: &Frame, format: ImageFormat, out: &mut BufWriter<File>) -> image::ImageResult<()> {
    let size = frame.size();
    let (width, height) = (size.width as u32, size.height as u32);
    let channels = if frame.has_alpha() && !matches!(format, ImageFormat::Jpeg(_)) { 4 } else { 3 };
    let alpha = channels == 4;
    let eight = if alpha { ExtendedColorType::Rgba8 } else { ExtendedColorType::Rgb8 };
    let sixteen = if alpha { ExtendedColorType::Rgba16 } else { ExtendedColorType::Rgb16 };
    match format {
        ImageFormat::Png8 | ImageFormat::Png16 => {
            let png = PngEncoder::new_with_quality(out, CompressionType::Fast, FilterType::Adaptive);
            if format == ImageFormat::Png8 {
                return png.write_image(&bytes(frame, channels), width, height, eight);
            }
            // The trait takes 16-bit samples in native order and writes them as PNG wants them.
            png.write_image(&words(frame, channels), width, height, sixteen)
        }
        ImageFormat::Tiff8 => image::codecs::tiff::TiffEncoder::new(out).write_image(&bytes(frame, channels), width, height, eight),
        ImageFormat::Tiff16 => image::codecs::tiff::TiffEncoder::new(out).write_image(&words(frame, channels), width, height, sixteen),
        ImageFormat::Jpeg(quality) => {
            JpegEncoder::new_with_quality(out, quality).write_image(&bytes(frame, channels), width, height, eight)
        }
        ImageFormat::WebP => WebPEncoder::new_lossless(out).write_image(&bytes(frame, channels), width, height, eight),
        ImageFormat::Exr => {
            let kind = if alpha { ExtendedColorType::Rgba32F } else { ExtendedColorType::Rgb32F };
            let samples = interleave(frame, channels, |v, c| (if c < 3 { linear(v) } else { v }).to_ne_bytes());
            image::codecs::openexr::OpenExrEncoder::new(out).write_image(&samples, width, height, kind)
        }
    }
}

/// Interleaved samples, each converted by `sample` from its value and channel.
fn interleave<const N: usize>(frame: &Frame, channels: usize, sample: impl Fn(f32, usize) -> [u8; N]) -> Vec<u8> {
    let mut out = vec![0; frame.size().area() * channels * N];
    for channel in 0..channels {
        let cells = out.as_chunks_mut::<N>().0.iter_mut().skip(channel).step_by(channels);
        for (cell, value) in cells.zip(frame.raster.plane(channel)) {
            *cell = sample(*value, channel);
        }
    }
    out
}

fn bytes(frame: &Frame, channels: usize) -> Vec<u8> {
    // The cast clips, and takes what is not a number for 0.
    interleave(frame, channels, |v, _| [(v * 255.0).round() as u8])
}

fn words(frame: &Frame, channels: usize) -> Vec<u8> {
    interleave(frame, channels, |v, _| ((v * 65535.0).round() as u16).to_ne_bytes())
}

/// sRGB's curve (IEC 61966-2-1) undone, mirrored for negative values.
fn linear(v: f32) -> f32 {
    let a = v.abs();
    let light = if a <= 0.040_45 { a / 12.92 } else { ((a + 0.055) / 1.055).powf(2.4) };
    light.copysign(v)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{ColorTags, Raster, Size};

    fn frame(planes: usize) -> Frame {
        let size = Size::new(5, 3);
        let values = (0..size.area() * planes).map(|i| i as f32 / 40.0 - 0.1).collect();
        Frame::new(Raster::from_vec(size, planes, values), ColorTags::SRGB)
    }

    #[test]
    fn patterns_name_the_files() {
        let named = |pattern: &str, number| {
            let (before, digits, after) = parse(pattern).unwrap();
            ImageWriter { before, digits, after, format: ImageFormat::Png8 }.path(number).display().to_string()
        };
        assert_eq!(named("out/%05d.png", 42), "out/00042.png");
        assert_eq!(named("%d-of-100%%.png", 7), "7-of-100%.png");
        assert_eq!(named("%3d.png", 12345), "12345.png");
        assert_eq!(named("last.png", 9), "last.png");
        assert!(parse("%d_%d.png").is_none() && parse("%x.png").is_none() && parse("50%").is_none());
    }

    #[test]
    fn values_are_rounded_to_nearest_and_clipped() {
        let dir = tempfile::tempdir().unwrap();
        for (name, bits, top) in [("a%d.png", 8, 255.0), ("b%d.png", 16, 65535.0), ("c%d.tif", 16, 65535.0), ("d%d.webp", 8, 255.0)] {
            for planes in [3, 4] {
                let pattern = dir.path().join("deep").join(name);
                let format = ImageFormat::of(&pattern, bits, 90).unwrap();
                let frame = frame(planes);
                let path = ImageWriter::new(&pattern, format).unwrap().write(&frame, 1).unwrap();
                let back = image::open(path).unwrap();
                assert_eq!(back.color().has_alpha(), planes == 4);
                let wide = back.into_rgba16();
                for (i, pixel) in wide.pixels().enumerate() {
                    for c in 0..planes {
                        let value = frame.raster.plane(c)[i].clamp(0.0, 1.0);
                        let want = (value * top).round() * (65535.0 / top);
                        assert!((f32::from(pixel[c]) - want).abs() < 0.5, "{name} {i} {c}: {} for {want}", pixel[c]);
                    }
                }
            }
        }
        assert!(std::fs::read_dir(dir.path().join("deep")).unwrap().all(|f| !f.unwrap().file_name().to_string_lossy().contains("partial")));
    }

    #[test]
    fn exr_keeps_what_lies_outside() {
        let dir = tempfile::tempdir().unwrap();
        let mut frame = frame(3);
        frame.raster.plane_mut(0)[0] = 1.5;
        let writer = ImageWriter::new(&dir.path().join("x.exr"), ImageFormat::Exr).unwrap();
        let path = writer.write(&frame, 0).unwrap();
        let back = image::open(path).unwrap().into_rgb32f();
        assert!((back.get_pixel(0, 0)[0] - linear(1.5)).abs() < 1e-6 && linear(1.5) > 2.0);
        assert!((back.get_pixel(1, 0)[0] - linear(-0.075)).abs() < 1e-6 && linear(-0.075) < 0.0);
        assert!((linear(0.5) - 0.214_041_14).abs() < 1e-6);
    }

    #[test]
    fn jpegs_have_no_alpha_and_endings_are_checked() {
        let dir = tempfile::tempdir().unwrap();
        let pattern = dir.path().join("%02d.jpg");
        let writer = ImageWriter::new(&pattern, ImageFormat::of(&pattern, 8, 95).unwrap()).unwrap();
        let back = image::open(writer.write(&frame(4), 3).unwrap()).unwrap();
        assert_eq!((back.width(), back.height(), back.color().has_alpha()), (5, 3, false));
        let said = ImageFormat::of(Path::new("a.bmpx"), 8, 90).unwrap_err().to_string();
        assert!(said.contains("a.bmpx") && said.contains("`.exr`"), "{said}");
    }
}
