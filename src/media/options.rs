use std::fs;
use std::path::{Path, PathBuf};

use ffmpeg_next::format::Pixel;

use super::codec::Choice;
use super::container::Container;
use super::partial::folder_of;
use super::{MediaError, OutputError, init};
use crate::frame::{ColorTags, Size, Track};

/// What to write and how. [`EncodeOptions::new`] fills in sensible values.
#[derive(Debug, Clone, PartialEq)]
pub struct EncodeOptions {
    /// The file; its ending chooses the container: mp4, mov, mkv, webm, avi or gif.
    pub path: PathBuf,
    /// `h264`, `hevc`, `av1`, `vp9`, `prores`, `ffv1`, `gif`, or the name of an FFmpeg encoder. Default: what suits the container.
    pub codec: Option<String>,
    /// Constant quality, smaller is better; the range is the encoder's. Default: visually lossless or nearly so.
    pub crf: Option<f64>,
    /// Speed against size: one of x264's words, or the encoder's own number. For ProRes the profile.
    pub preset: Option<String>,
    /// Whether speed matters more than size; a `preset` overrules it.
    pub draft: bool,
    /// FFmpeg's name of the pixel format, such as `yuv420p10le`. Default: what plays everywhere with this codec.
    pub pix_fmt: Option<String>,
    /// Frames per second as an exact fraction.
    pub fps: (u32, u32),
    /// The size that every frame must have. Default: the first frame's.
    pub size: Option<Size>,
    /// How colours are coded and tagged. Default: as the first frame is tagged; stills (RGB) become BT.709 in limited range.
    pub tags: Option<ColorTags>,
    /// Sound to put beside the pictures.
    pub audio: Option<Track>,
    /// Subtitles to put beside the pictures.
    pub subtitles: Option<Track>,
    /// Tags of the file, such as title, artist or comment.
    pub metadata: Vec<(String, String)>,
    /// Puts the index of mp4 and mov files in front, so that they play while they load.
    pub faststart: bool,
    /// Files that are being read and must not be overwritten; those of the tracks need not be named.
    pub inputs: Vec<PathBuf>,
}

impl EncodeOptions {
    /// Defaults for `path` at `fps` (numerator, denominator).
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, fps: (u32, u32)) -> Self {
        Self {
            path: path.into(),
            codec: None,
            crf: None,
            preset: None,
            draft: false,
            pix_fmt: None,
            fps: (fps.0.max(1), fps.1.max(1)),
            size: None,
            tags: None,
            audio: None,
            subtitles: None,
            metadata: Vec::new(),
            faststart: true,
            inputs: Vec::new(),
        }
    }
}

/// What the options come to with this FFmpeg.
pub(super) struct Settings {
    pub container: &'static Container,
    pub choice: Choice,
    pub pixel: Pixel,
}

impl Settings {
    /// Resolves the options for pictures of `size` from a source that stores them as `source`, if these are known.
    pub(super) fn new(options: &EncodeOptions, size: Option<Size>, source: Option<&'static str>) -> Result<Self, MediaError> {
        init();
        let container = Container::of(&options.path)?;
        let choice = Choice::new(options.codec.as_deref(), container)?;
        let choice = if let Some(size) = size { choice.fit(size) } else { choice };
        let pixel = choice.pixel(options.pix_fmt.as_deref(), source)?;
        choice.options(options, pixel)?;
        Ok(Self { container, choice, pixel })
    }
}

/// Whether `options` can work, as far as can be told without writing anything: the encoder exists and takes the settings, the
/// container holds the codec, the folder can be written, and no input would be overwritten.
///
/// # Errors
/// The first thing that is wrong, with what to do.
pub fn check(options: &EncodeOptions) -> Result<(), MediaError> {
    Settings::new(options, options.size, None)?;
    let tracks = [&options.audio, &options.subtitles].into_iter().flatten().map(|t| t.path.as_path());
    check_target(&options.path, options.inputs.iter().map(PathBuf::as_path).chain(tracks))?;
    Ok(())
}

/// Whether `path` can be written: not a folder, not one of `inputs`, and in a folder that takes files or can be made.
pub(super) fn check_target<'a>(path: &Path, inputs: impl Iterator<Item = &'a Path>) -> Result<(), OutputError> {
    if path.is_dir() {
        return Err(OutputError::IsFolder { path: path.to_path_buf() });
    }
    let real = |p: &Path| fs::canonicalize(p).ok();
    if let Some(target) = real(path)
        && inputs.filter_map(real).any(|input| input == target)
    {
        return Err(OutputError::SameFile { path: path.to_path_buf() });
    }
    let mut folder = folder_of(path);
    while !folder.exists() {
        folder = folder_of(folder);
    }
    tempfile::tempfile_in(folder).map_err(OutputError::file("write into", folder))?;
    Ok(())
}
