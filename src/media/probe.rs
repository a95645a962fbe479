//! What a media file holds, without decoding it.

use std::path::{Path, PathBuf};

use ffmpeg_next::codec::packet::side_data;
use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Rational, Stream, media};

use super::{MediaError, Turn, open, pixels, raw, scan};
use crate::frame::{ColorTags, Size};
use crate::param::Fps;

/// So many pictures tell whether the rate varies.
const SAMPLE: usize = 240;
/// What a file without any rate is taken to have: FFmpeg's own default for loose pictures.
const USUAL_RATE: Fps = Fps { num: 25, den: 1 };

/// A sound or subtitle stream beside the pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamInfo {
    /// Its index in the file.
    pub index: usize,
    /// FFmpeg's short name of its codec.
    pub codec: String,
    /// The language, as the file has it.
    pub language: Option<String>,
}

/// What a media file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct MediaInfo {
    /// The file.
    pub path: PathBuf,
    /// The index of the video stream.
    pub video: usize,
    /// As shown: upright, with square pixels (the narrower side is widened, nothing shrinks).
    pub size: Size,
    /// As stored, before turning.
    pub stored: Size,
    /// Display width of a stored pixel over its height.
    pub pixel_aspect: (u32, u32),
    /// How the stored picture must be turned.
    pub turn: Turn,
    /// Frames per second: those of most frames if the rate varies.
    pub fps: Fps,
    /// Whether the frames' distances differ, as far as the first few hundred tell.
    pub variable: bool,
    /// How many pictures there are, by the file's index or by its length.
    pub frames: Option<u64>,
    /// From the first picture to the end of the last, in seconds.
    pub duration: Option<f64>,
    /// When the first picture is shown, in seconds on the file's own clock, which its sound shares.
    pub start: f64,
    /// FFmpeg's short name of the codec: `h264`.
    pub codec: String,
    /// FFmpeg's name of the pixel format: `yuv420p10le`.
    pub pixel: String,
    /// Bits per sample.
    pub depth: u32,
    /// Whether there is an alpha channel.
    pub alpha: bool,
    /// What its colours mean, gaps filled as players do.
    pub tags: ColorTags,
    /// Sound, in the order of the file.
    pub audio: Vec<StreamInfo>,
    /// Subtitles, in the order of the file.
    pub subtitles: Vec<StreamInfo>,
    /// The sound stream that a player would choose.
    pub best_audio: Option<usize>,
    /// The subtitle stream that a player would choose.
    pub best_subtitles: Option<usize>,
}

impl MediaInfo {
    /// What one frame lasts at the file's rate, in seconds.
    #[must_use]
    pub fn frame_time(&self) -> f64 {
        1.0 / self.fps.as_f64()
    }
}

/// Says what the file at `path` holds. Reads its head and, to judge the rate, some hundred packets; all of a file that does not know its
/// length.
///
/// # Errors
/// When there is no such file, when it cannot be opened, holds no pictures, or holds some that this FFmpeg cannot decode.
pub fn probe(path: &Path) -> Result<MediaInfo, MediaError> {
    let (mut input, index) = open::open(path)?;
    let times = scan::times(path, f64::NEG_INFINITY, SAMPLE)?.unwrap_or_default();
    let pixel_aspect = raw::sample_aspect(&mut input, index);
    let stream = input.stream(index).ok_or_else(|| MediaError::NoVideo { path: path.into() })?;
    let decoder = open::open_decoder(&stream, false)?;
    let stored = Size::new(decoder.width() as usize, decoder.height() as usize);
    if stored.area() == 0 || decoder.format() == ffmpeg_next::format::Pixel::None {
        let why = "its first picture cannot be found; the file is cut off or damaged".into();
        return Err(MediaError::Open { path: path.into(), why });
    }
    let turn = turn(&stream);
    let (fps, variable) = rate(&stream, &times);
    let duration = duration(&input, &stream);
    let by_length = duration.map(|d| (d * fps.as_f64()).round().max(1.0) as u64);
    // Some containers count empty slots, too.
    let plausible = |&n: &u64| n > 0 && (variable || by_length.is_none_or(|by_length| n.abs_diff(by_length) <= 2 + by_length / 50));
    let counted = u64::try_from(stream.frames()).ok().filter(plausible);
    // Raw streams and loose pictures have no head to ask.
    let frames = match counted.or(by_length) {
        None => Some(scan::count(path)?),
        known => known,
    };
    let (best_audio, best_subtitles) = (best(&input, &stream, media::Type::Audio), best(&input, &stream, media::Type::Subtitle));
    Ok(MediaInfo {
        path: path.into(),
        video: index,
        size: turn.size(squared(stored, pixel_aspect)),
        stored,
        pixel_aspect,
        turn,
        fps,
        variable,
        frames,
        duration,
        start: start(&stream, &times),
        codec: stream.parameters().id().name().to_owned(),
        pixel: pixels::name(decoder.format()),
        depth: pixels::depth(decoder.format()),
        alpha: pixels::has_alpha(decoder.format()),
        tags: pixels::tags_of_decoder(&decoder)?,
        audio: streams(&input, media::Type::Audio),
        subtitles: streams(&input, media::Type::Subtitle),
        best_audio,
        best_subtitles,
    })
}

/// `stored` with square pixels: the side that counts for more is widened.
fn squared(stored: Size, (num, den): (u32, u32)) -> Size {
    let widen = |side: usize, by: u32, over: u32| ((side as f64 * f64::from(by) / f64::from(over)).round() as usize).max(1);
    if num >= den {
        Size::new(widen(stored.width, num, den), stored.height)
    } else {
        Size::new(stored.width, widen(stored.height, den, num))
    }
}

fn turn(stream: &Stream<'_>) -> Turn {
    let matrix = stream.side_data().find(|data| data.kind() == side_data::Type::DisplayMatrix);
    matrix.map_or_else(Turn::default, |data| Turn::from_matrix(data.data()))
}

/// The rate, and whether it varies: whether the frames' distances differ by more than their timestamps' grain explains. A stated rate that
/// most distances contradict does not count.
fn rate(stream: &Stream<'_>, times: &[f64]) -> (Fps, bool) {
    let fraction = |r: Rational| match (u32::try_from(r.numerator()), u32::try_from(r.denominator())) {
        (Ok(num @ 1..), Ok(den @ 1..)) => Some(Fps::new(num, den)),
        _ => None,
    };
    let mut gaps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).filter(|gap| *gap > 0.0).collect();
    gaps.sort_unstable_by(f64::total_cmp);
    let average = fraction(stream.avg_frame_rate());
    let exact = fraction(stream.rate());
    let median = gaps.get(gaps.len() / 2).copied();
    let fits = |fps: &Fps| median.is_none_or(|median| (fps.as_f64() * median - 1.0).abs() < 0.02);
    let grain = 2.1 * f64::from(stream.time_base());
    let spread = gaps.last().zip(gaps.first()).map_or(0.0, |(high, low)| high - low);
    let variable = median.is_some_and(|median| spread > grain.max(0.1 * median));
    // Averages are taken over lengths that may be rounded; the exact rate is preferred where the two agree. A coarse clock's median is
    // rounded, too.
    let agrees = |exact: &Fps| variable || average.is_none_or(|average| (exact.as_f64() / average.as_f64() - 1.0).abs() < 0.005);
    let stated = exact.filter(agrees).or(average.filter(|_| !variable).map(|average| Fps::nearest(average.as_f64())));
    let rate = stated.filter(fits).or(median.map(|median| Fps::nearest(1.0 / median)));
    (rate.unwrap_or(USUAL_RATE), variable)
}

/// When the first picture is shown. Some files carry no timestamps at all.
fn start(stream: &Stream<'_>, times: &[f64]) -> f64 {
    let stamp = Some(stream.start_time()).filter(|&stamp| stamp != ffmpeg_next::ffi::AV_NOPTS_VALUE);
    stamp.map(|stamp| scan::seconds(stamp, stream.time_base())).or(times.first().copied()).unwrap_or(0.0)
}

/// The video stream's own length, or else the file's.
fn duration(input: &Input, stream: &Stream<'_>) -> Option<f64> {
    let own = (stream.duration() > 0).then(|| scan::seconds(stream.duration(), stream.time_base()));
    let whole = (input.duration() > 0).then(|| input.duration() as f64 / f64::from(ffmpeg_next::ffi::AV_TIME_BASE));
    own.or_else(|| clock(stream.metadata().get("DURATION")?)).or(whole)
}

/// Matroska's `00:00:05.280000000` in seconds.
fn clock(text: &str) -> Option<f64> {
    let total = text.split(':').try_fold(0.0, |sum, part| part.parse::<f64>().ok().map(|part| sum * 60.0 + part))?;
    (total > 0.0).then_some(total)
}

fn streams(input: &Input, kind: media::Type) -> Vec<StreamInfo> {
    let wanted = input.streams().filter(|stream| stream.parameters().medium() == kind);
    let info = |stream: Stream<'_>| StreamInfo {
        index: stream.index(),
        codec: stream.parameters().id().name().to_owned(),
        language: stream.metadata().get("language").filter(|text| *text != "und").map(str::to_owned),
    };
    wanted.map(info).collect()
}

fn best(input: &Input, video: &Stream<'_>, kind: media::Type) -> Option<usize> {
    input.streams().related(video).best(kind).map(|stream| stream.index())
}
