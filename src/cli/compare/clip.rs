//! A clip, whatever it is stored as: a video, pictures in a folder, a numbered pattern, or one picture.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use crate::frame::{Frame, Size};
use crate::media::{DecodeOptions, Decoder, ImageFiles, MediaError, read_image};
use crate::nodes::placing::{Fit, place};

/// Frames read ahead of the one that is measured.
const AHEAD: usize = 2;
/// What counts as a picture by the ending of its name. GIF and WebP may move, but only GIFs usually do.
const PICTURES: [&str; 8] = ["png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff", "exr"];

/// A clip that is read frame by frame.
pub struct Clip {
    /// As the user named it.
    pub name: String,
    /// As it is shown.
    pub size: Size,
    /// Frames, as far as is known before reading.
    pub frames: Option<u64>,
    /// Frames per second; pictures have none.
    pub fps: Option<f64>,
    source: Source,
}

enum Source {
    Video(Box<Decoder>),
    Pictures(std::vec::IntoIter<PathBuf>),
}

fn is_picture(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| PICTURES.contains(&ending.as_str()))
}

impl Clip {
    /// Opens what `path` names, at frame `from`.
    pub fn open(path: &Path, from: u64) -> Result<Self, MediaError> {
        let name = path.display().to_string();
        let pattern = path.file_name().is_some_and(|name| name.to_string_lossy().contains('%')) && !path.exists();
        if !(path.is_dir() || pattern || is_picture(path)) {
            let mut decoder = Decoder::open(path, DecodeOptions::default())?;
            decoder.seek(from)?;
            let info = decoder.info();
            let (size, frames, fps) = (info.size, info.frames, Some(info.fps.as_f64()));
            return Ok(Self { name, size, frames: frames.map(|n| n.saturating_sub(from)), fps, source: Source::Video(Box::new(decoder)) });
        }
        let paths = if path.is_dir() { pictures_in(path)? } else { numbered(path)? };
        let skipped = usize::try_from(from).unwrap_or(usize::MAX).min(paths.len());
        let Some(first) = paths.get(skipped) else {
            return Err(MediaError::Other(format!("`{name}` has {} pictures, none at {from}; begin earlier", paths.len())));
        };
        let size = ImageFiles::find(first)?.size_of(0)?;
        let paths = paths[skipped..].to_vec();
        Ok(Self { name, size, frames: Some(paths.len() as u64), fps: None, source: Source::Pictures(paths.into_iter()) })
    }

    fn next(&mut self) -> Result<Option<Frame>, MediaError> {
        match &mut self.source {
            Source::Video(decoder) => Ok(decoder.next()?.map(|picture| picture.frame)),
            Source::Pictures(paths) => paths.next().map(|path| read_image(&path)).transpose(),
        }
    }

    /// Reads the clip in a thread of its own, a little ahead; frames come in `size`, stretched if need be. Dropping the receiver ends it.
    pub fn read(mut self, size: Size) -> Receiver<Result<Frame, MediaError>> {
        let (send, receive) = sync_channel(AHEAD);
        thread::spawn(move || {
            loop {
                let frame = match self.next() {
                    Ok(None) => return,
                    Ok(Some(frame)) => {
                        let shown = if matches!(self.source, Source::Video(_)) { self.size } else { frame.size() };
                        Ok(place(frame, shown, size, Fit::Stretch))
                    }
                    Err(error) => Err(error),
                };
                let failed = frame.is_err();
                if send.send(frame).is_err() || failed {
                    return;
                }
            }
        });
        receive
    }
}

/// The pictures of a folder in the order of their names, numbers in them by value.
fn pictures_in(folder: &Path) -> Result<Vec<PathBuf>, MediaError> {
    let entries = std::fs::read_dir(folder).map_err(|_| MediaError::Missing { path: folder.into() })?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| is_picture(path)).collect();
    if paths.is_empty() {
        return Err(MediaError::Other(format!("`{}` holds no pictures; name a folder of PNG or JPEG files", folder.display())));
    }
    paths.sort_by_key(|path| natural(&path.file_name().unwrap_or_default().to_string_lossy()));
    Ok(paths)
}

fn numbered(path: &Path) -> Result<Vec<PathBuf>, MediaError> {
    let files = ImageFiles::find(path)?;
    Ok((0..files.len()).map(|index| files.path(index)).collect())
}

/// A key that sorts `frame10` after `frame9`: text and numbers in turn.
fn natural(name: &str) -> Vec<(String, u64)> {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (text, tail) = rest.split_at(digits);
        let end = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
        parts.push((text.to_owned(), tail[..end].parse().unwrap_or(0)));
        rest = &tail[end..];
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_their_numbers() {
        let mut names = ["f10.png", "f9.png", "a2", "f9b.png", "f09.png", "f1.png"];
        names.sort_by_key(|name| natural(name));
        assert_eq!(names, ["a2", "f1.png", "f9.png", "f09.png", "f9b.png", "f10.png"]);
    }

    #[test]
    fn folders_patterns_pictures_and_videos_open() {
        let folder = tempfile::tempdir().unwrap();
        for index in [2, 10, 1] {
            image::RgbImage::from_pixel(8, 6, image::Rgb([index * 10, 0, 0])).save(folder.path().join(format!("f{index}.png"))).unwrap();
        }
        let reds = |path: &Path, from| -> Vec<u8> {
            let clip = Clip::open(path, from).unwrap();
            let size = clip.size;
            clip.read(size).into_iter().map(|frame| (frame.unwrap().raster.plane(0)[0] * 25.5).round() as u8).collect()
        };
        assert_eq!(reds(folder.path(), 0), [1, 2, 10]);
        assert_eq!(reds(&folder.path().join("f%d.png"), 1), [2, 10]);
        assert_eq!(reds(&folder.path().join("f2.png"), 0), [2]);
        assert!(Clip::open(folder.path(), 3).is_err());
        assert!(Clip::open(&folder.path().join("none.mp4"), 0).is_err());
        let video = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/media/count.mp4");
        let clip = Clip::open(&video, 38).unwrap();
        assert_eq!((clip.size, clip.read(Size::new(16, 16)).into_iter().count()), (Size::new(64, 48), 2));
    }
}
