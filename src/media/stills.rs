//! Pictures in files of their own: one, or a numbered sequence.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use image::{ColorType, DynamicImage, ImageDecoder, ImageReader};

use super::MediaError;
use crate::frame::{ColorTags, Frame, Raster, Size};

/// The files behind a path: one, or those that fit a pattern such as `frames/%05d.png`, by number.
#[derive(Debug, Clone)]
pub struct ImageFiles {
    paths: Vec<PathBuf>,
    still: bool,
    gap: Option<u64>,
}

impl ImageFiles {
    /// Looks for them.
    ///
    /// # Errors
    /// When there is none, or the pattern is not understood.
    pub fn find(path: &Path) -> Result<Self, MediaError> {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let Some((before, rest)) = name.split_once('%') else {
            let found = path.is_file();
            return if found {
                Ok(Self { paths: vec![path.to_path_buf()], still: true, gap: None })
            } else {
                Err(MediaError::Missing { path: path.to_path_buf() })
            };
        };
        let Some((digits, after)) = rest.split_once('d').filter(|(digits, _)| digits.bytes().all(|byte| byte.is_ascii_digit())) else {
            return Err(MediaError::Other(format!("`{name}` is no pattern of files; write one number in it, such as `%05d`")));
        };
        let width: usize = digits.parse().unwrap_or(1);
        let mut numbered = numbered(path.parent().unwrap_or(Path::new("")), before, after, width);
        numbered.sort();
        if numbered.is_empty() {
            return Err(MediaError::Other(format!("no file fits `{}`; check the folder and the number of digits", path.display())));
        }
        let gap = numbered.windows(2).find(|pair| pair[1].0 > pair[0].0 + 1).map(|pair| pair[0].0 + 1);
        Ok(Self { paths: numbered.into_iter().map(|(_, path)| path).collect(), still: false, gap })
    }

    /// How many there are; at least one.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Whether it is one file and no sequence.
    #[must_use]
    pub fn is_still(&self) -> bool {
        self.still
    }

    /// The first number that a sequence leaves out.
    #[must_use]
    pub fn gap(&self) -> Option<u64> {
        self.gap
    }

    /// The file at `index`, counted from 0 whatever its number.
    #[must_use]
    pub fn path(&self, index: usize) -> PathBuf {
        self.paths[index].clone()
    }

    /// The size of the picture at `index`, upright, by its head alone.
    ///
    /// # Errors
    /// When it is no picture that can be read.
    pub fn size_of(&self, index: usize) -> Result<Size, MediaError> {
        let path = &self.paths[index];
        let mut decoder = open(path)?;
        let (width, height) = decoder.dimensions();
        let turned = decoder.orientation().is_ok_and(|turn| turn.to_exif() >= 5);
        let (width, height) = (width as usize, height as usize);
        Ok(if turned { Size::new(height, width) } else { Size::new(width, height) })
    }
}

fn numbered(folder: &Path, before: &str, after: &str, width: usize) -> Vec<(u64, PathBuf)> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let number = |name: &str| {
        let digits = name.strip_prefix(before)?.strip_suffix(after)?;
        let fits = digits.len() >= width && (digits.len() == width || !digits.starts_with('0'));
        if fits && digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse::<u64>().ok() } else { None }
    };
    entries.flatten().filter_map(|entry| Some((number(&entry.file_name().to_string_lossy())?, entry.path()))).collect()
}

fn refuse(path: &Path, why: &dyn std::fmt::Display) -> MediaError {
    MediaError::Open { path: path.to_path_buf(), why: why.to_string() }
}

fn open(path: &Path) -> Result<impl ImageDecoder + use<>, MediaError> {
    let reader = ImageReader::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => MediaError::Missing { path: path.to_path_buf() },
        _ => refuse(path, &error),
    })?;
    let reader = reader.with_guessed_format().map_err(|error| refuse(path, &error))?;
    reader.into_decoder().map_err(|error| refuse(path, &error))
}

/// Reads a picture of 8, 16 or 32 bits a sample, upright. Floating-point formats hold light itself and are brought to display
/// values with sRGB's curve.
///
/// # Errors
/// When there is no such file, or it is no picture that can be read.
pub fn read_image(path: &Path) -> Result<Frame, MediaError> {
    let mut decoder = open(path)?;
    let turn = decoder.orientation().ok();
    let linear = matches!(decoder.color_type(), ColorType::Rgb32F | ColorType::Rgba32F);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| refuse(path, &error))?;
    if let Some(turn) = turn {
        picture.apply_orientation(turn);
    }
    let size = Size::new(picture.width() as usize, picture.height() as usize);
    let planes = if picture.color().has_alpha() { 4 } else { 3 };
    let samples = picture.into_rgba32f().into_raw();
    let mut raster = Raster::uninit(size, planes);
    for (channel, plane) in raster.planes_mut().enumerate() {
        for (value, pixel) in plane.iter_mut().zip(samples.chunks_exact(4)) {
            *value = if linear && channel < 3 { display(pixel[channel]) } else { pixel[channel] };
        }
    }
    Ok(Frame::new(raster, ColorTags::SRGB))
}

/// Light to display value by sRGB's curve (IEC 61966-2-1).
fn display(light: f32) -> f32 {
    if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_finds_its_files_by_number() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["f_2.png", "f_10.png", "f_1.png", "f_x.png", "g_3.png"] {
            image::RgbImage::from_pixel(4, 2, image::Rgb([255, 0, 128])).save(folder.path().join(name)).unwrap();
        }
        let files = ImageFiles::find(&folder.path().join("f_%d.png")).unwrap();
        let names: Vec<_> = (0..files.len()).map(|index| files.path(index).file_name().unwrap().to_string_lossy().into_owned()).collect();
        assert_eq!(names, ["f_1.png", "f_2.png", "f_10.png"]);
        assert_eq!(files.gap(), Some(3));
        assert_eq!(files.size_of(0).unwrap(), Size::new(4, 2));
        let frame = read_image(&files.path(0)).unwrap();
        assert_eq!((frame.raster.plane(0)[0], frame.raster.plane(1)[0]), (1.0, 0.0));
        assert!((frame.raster.plane(2)[7] - 128.0 / 255.0).abs() < 1e-6);
        assert!(matches!(ImageFiles::find(&folder.path().join("none.png")), Err(MediaError::Missing { .. })));
        assert!(ImageFiles::find(&folder.path().join("none_%d.png")).is_err());
    }
}
