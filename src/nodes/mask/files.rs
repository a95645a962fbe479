//! Masks from files: stills, numbered pictures, videos.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::super::placing::{Fit, place};
use super::eval::brightness;
use crate::frame::{Raster, Size};
use crate::media::{self, DecodeOptions, Decoder, ImageFiles, MediaError, MediaInfo, Timing, read_image};
use crate::param::Fps;

/// Masks of a video that are kept because firings may overlap, and so ask for them a little out of order.
const KEPT: usize = 8;

/// What stands behind a path.
enum Kind {
    Pictures(ImageFiles),
    Video(Box<MediaInfo>),
}

fn kind(path: &Path) -> Result<Kind, MediaError> {
    let moves = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gif"));
    let files = ImageFiles::find(path)?;
    if !moves && (!files.is_still() || files.size_of(0).is_ok()) {
        return Ok(Kind::Pictures(files));
    }
    media::probe(path).map(|info| Kind::Video(Box::new(info)))
}

/// The files behind `path`.
///
/// # Errors
/// When there are none, or they are neither pictures nor a video.
pub fn look(path: &Path) -> Result<Vec<PathBuf>, MediaError> {
    Ok(match kind(path)? {
        Kind::Pictures(files) => (0..files.len()).map(|index| files.path(index)).collect(),
        Kind::Video(info) => vec![info.path],
    })
}

/// Opened files, and the masks read last.
pub struct Files {
    fit: Fit,
    fps: Fps,
    open: Mutex<HashMap<PathBuf, File>>,
}

struct File {
    source: Source,
    /// By place in the sequence, the newest last.
    recent: VecDeque<(u64, Raster)>,
}

enum Source {
    Pictures(ImageFiles),
    Video { decoder: Box<Decoder>, next: u64 },
}

impl Files {
    /// Files shown at `fps` and brought to the mask's size as `fit` says.
    pub fn new(fit: Fit, fps: Fps) -> Self {
        Self { fit, fps, open: Mutex::default() }
    }

    /// The mask of the file `path` at `tick`, in `size`. After its last picture a sequence or a video keeps showing that.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn at(&self, path: &Path, tick: u64, size: Size) -> Result<Raster, MediaError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if !open.contains_key(path) {
            open.insert(path.to_path_buf(), self.open(path)?);
        }
        let Some(file) = open.get_mut(path) else { return Err(MediaError::Missing { path: path.to_path_buf() }) };
        match &file.source {
            Source::Pictures(files) => {
                let index = tick.min(files.len() as u64 - 1);
                file.picture(index, size, self.fit)
            }
            Source::Video { .. } => file.video(tick, size, self.fit),
        }
    }

    fn open(&self, path: &Path) -> Result<File, MediaError> {
        let source = match kind(path)? {
            Kind::Pictures(files) => Source::Pictures(files),
            Kind::Video(info) => {
                let options = DecodeOptions { timing: Timing::Constant(self.fps), ..DecodeOptions::default() };
                Source::Video { decoder: Box::new(Decoder::with_info(*info, options)?), next: 0 }
            }
        };
        Ok(File { source, recent: VecDeque::new() })
    }
}

impl File {
    fn kept(&self, index: u64, size: Size) -> Option<Raster> {
        let is_it = |(kept, raster): &&(u64, Raster)| *kept == index && raster.size() == size;
        self.recent.iter().find(is_it).map(|(_, raster)| raster.clone())
    }

    fn keep(&mut self, index: u64, raster: Raster) {
        if self.recent.len() == KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back((index, raster));
    }

    fn picture(&mut self, index: u64, size: Size, fit: Fit) -> Result<Raster, MediaError> {
        if let Some(kept) = self.kept(index, size) {
            return Ok(kept);
        }
        let Source::Pictures(files) = &self.source else { return Ok(Raster::zeroed(size, 1)) };
        let frame = read_image(&files.path(usize::try_from(index).unwrap_or(0)))?;
        let shown = frame.size();
        let raster = brightness(&place(frame, shown, size, fit).raster);
        self.keep(index, raster.clone());
        Ok(raster)
    }

    fn video(&mut self, index: u64, size: Size, fit: Fit) -> Result<Raster, MediaError> {
        if let Some(kept) = self.kept(index, size) {
            return Ok(kept);
        }
        let Source::Video { decoder, next } = &mut self.source else { return Ok(Raster::zeroed(size, 1)) };
        // What lies a little ahead is read up to there, as what is passed over will be asked for soon.
        let from = if (*next..*next + KEPT as u64).contains(&index) { *next } else { index };
        decoder.seek(from)?;
        let mut made = Vec::new();
        for at in from..=index {
            let Some(picture) = decoder.next()? else { break };
            made.push((at, brightness(&place(picture.frame, decoder.info().size, size, fit).raster)));
        }
        *next = index + 1;
        let ended = made.last().is_none_or(|(at, _)| *at < index);
        for (at, raster) in made {
            self.keep(at, raster);
        }
        if ended {
            // The video is over: its last picture stays.
            let last = match self.recent.iter().max_by_key(|(at, _)| *at) {
                Some((_, raster)) if raster.size() == size => raster.clone(),
                _ => self.last(size, fit)?,
            };
            self.keep(index, last);
        }
        Ok(self.kept(index, size).unwrap_or_else(|| Raster::zeroed(size, 1)))
    }

    /// The last mask of a video, wherever it stands.
    fn last(&mut self, size: Size, fit: Fit) -> Result<Raster, MediaError> {
        let Source::Video { decoder, .. } = &mut self.source else { return Ok(Raster::zeroed(size, 1)) };
        decoder.seek(0)?;
        let mut last = None;
        while let Some(picture) = decoder.next()? {
            last = Some(picture.frame);
        }
        let shown = decoder.info().size;
        Ok(last.map_or_else(|| Raster::zeroed(size, 1), |frame| brightness(&place(frame, shown, size, fit).raster)))
    }
}
