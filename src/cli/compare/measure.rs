//! Clips in lockstep, measured frame by frame.

use std::sync::mpsc::Receiver;

use super::clip::Clip;
use crate::frame::{Frame, Raster, Size};
use crate::kernel::flow::{self, Preset};
use crate::kernel::metrics::{ClipMeter, Metric, MetricSet, Picture, Seen, Values, pair};
use crate::media::MediaError;
use crate::nodes::metrics::report::Report;

/// The clips of one comparison.
pub struct Clips {
    /// The clip under test.
    pub a: Clip,
    /// What it is compared with.
    pub b: Option<Clip>,
    /// What it was made from, if that is neither of them.
    pub source: Option<Clip>,
}

/// How to measure.
#[derive(Debug, Clone, Copy)]
pub struct How {
    /// What to measure.
    pub wanted: MetricSet,
    /// How the source's motion is estimated.
    pub flow: Preset,
    /// The number of the first frame.
    pub from: u64,
    /// No more than so many frames.
    pub most: Option<u64>,
}

/// The clip that gives the motion, and that edits are measured from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    A,
    B,
    Source,
}

/// What can be measured with these clips.
pub fn possible(b: bool, source: bool) -> MetricSet {
    let against_source = |metric| matches!(metric, Metric::Edit | Metric::WarpRatio);
    MetricSet::all().filter(|metric| !metric.compares() || b || (source && against_source(metric)))
}

/// What can be measured of the clip that a gate calls `subject`.
pub fn possible_of(subject: &str, b: bool, source: bool) -> MetricSet {
    let with_source = |metric| matches!(metric, Metric::Edit | Metric::WarpRatio);
    match subject {
        "" => possible(b, source),
        "b" if b => MetricSet::all().filter(|metric| !metric.compares() || (source && with_source(metric))),
        "source" if source => MetricSet::all().filter(|metric| !metric.compares()),
        _ => MetricSet::default(),
    }
}

/// A clip on its own: what is measured of it, and the frame that was read.
struct Reader {
    name: String,
    frames: Receiver<Result<Frame, MediaError>>,
}

impl Reader {
    fn new(clip: Clip, size: Size) -> Self {
        Self { name: clip.name.clone(), frames: clip.read(size) }
    }

    fn next(&self) -> Result<Option<Raster>, MediaError> {
        self.frames.recv().ok().transpose().map(|frame| frame.map(|frame| frame.raster))
    }
}

/// Measures `clips` to the end of the shortest. `seen` is called after every frame. Returns what was measured and what the user should
/// know of it.
pub fn measure(clips: Clips, how: &How, mut seen: impl FnMut(u64)) -> Result<(Report, Vec<String>), MediaError> {
    let mut notes = notes(&clips);
    let size = clips.a.size;
    let mut names = vec!["", "b", "source"];
    let clips = [Some(clips.a), clips.b, clips.source];
    let present: Vec<bool> = clips.iter().map(Option::is_some).collect();
    let origin = match present[..] {
        [_, _, true] => Origin::Source,
        [_, true, _] => Origin::B,
        _ => Origin::A,
    };
    let readers: Vec<Reader> = clips.into_iter().flatten().map(|clip| Reader::new(clip, size)).collect();
    let mut keep = present.into_iter();
    names.retain(|_| keep.next() == Some(true));
    let mut meters = Meters::new(names, origin, how);
    let mut report = Report::default();
    for index in 0..how.most.unwrap_or(u64::MAX) {
        let frames: Vec<Option<Raster>> = readers.iter().map(Reader::next).collect::<Result<_, _>>()?;
        if frames.iter().any(Option::is_none) {
            notes.extend(ends(&readers, &frames, index));
            break;
        }
        report.push(how.from + index, &meters.next(frames.into_iter().flatten().collect()));
        seen(index + 1);
    }
    Ok((report, notes))
}

/// What differs between the clips before anything is read.
fn notes(clips: &Clips) -> Vec<String> {
    let a = &clips.a;
    let others = clips.b.iter().chain(&clips.source);
    let mut notes = Vec::new();
    for other in others {
        if other.size != a.size {
            notes.push(format!("`{}` is {}: compared at the {} of `{}`", other.name, other.size, a.size, a.name));
        }
        if let (Some(one), Some(two)) = (a.fps, other.fps)
            && (one / two - 1.0).abs() > 1e-3
        {
            notes.push(format!(
                "`{}` has {two:.3} frames a second and `{}` {one:.3}: frames are paired by number, not by time",
                other.name, a.name
            ));
        }
    }
    notes
}

/// Which of the clips goes on after `index` frames, when another has ended.
fn ends(readers: &[Reader], frames: &[Option<Raster>], index: u64) -> Option<String> {
    let name = |there: bool| readers.iter().zip(frames).find(|(_, frame)| frame.is_some() == there).map(|(reader, _)| &reader.name);
    let (longer, shorter) = (name(true)?, name(false)?);
    Some(format!("`{shorter}` ends after {index} frames and `{longer}` goes on: only so many were compared"))
}

/// What is kept from frame to frame.
struct Meters {
    names: Vec<&'static str>,
    clips: Vec<ClipMeter>,
    /// The index of the clip that gives the motion.
    origin: usize,
    how: How,
    /// What was asked for; more may be measured on the way.
    asked: MetricSet,
    /// The frame before, of that clip.
    before: Option<Raster>,
}

impl Meters {
    fn new(names: Vec<&'static str>, origin: Origin, how: &How) -> Self {
        let wanted = how.wanted.with_ratio();
        let origin = match origin {
            Origin::A => 0,
            Origin::B => 1,
            Origin::Source => names.len() - 1,
        };
        Self {
            clips: vec![ClipMeter::new(wanted); names.len()],
            names,
            origin,
            how: How { wanted, ..*how },
            asked: how.wanted,
            before: None,
        }
    }

    fn next(&mut self, frames: Vec<Raster>) -> Vec<(&'static str, Values)> {
        let seen = self.motion(&frames[self.origin]);
        let wanted = self.how.wanted;
        let pictures: Vec<Picture> = frames.into_iter().map(|frame| Picture::new(frame, wanted)).collect();
        let measured = self.clips.iter_mut().zip(&pictures).map(|(meter, picture)| meter.next(picture, seen.as_ref()));
        let mut values: Vec<Values> = measured.collect();
        let of_origin = values[self.origin];
        for (index, values) in values.iter_mut().enumerate().filter(|(index, _)| *index != self.origin) {
            // The distance from the source is asked of every clip, likeness only of the first two.
            let edits = pair(&pictures[index], &pictures[self.origin], wanted.filter(|metric| metric == Metric::Edit));
            *values = values.or(edits).over(&of_origin);
        }
        if self.names.get(1) == Some(&"b") {
            values[0] = values[0].or(pair(&pictures[0], &pictures[1], wanted.filter(|metric| metric != Metric::Edit)));
        }
        self.names.iter().copied().zip(values.into_iter().map(|values| values.only(self.asked))).collect()
    }

    /// How the source moved, where that is asked for.
    fn motion(&mut self, frame: &Raster) -> Option<Seen> {
        if !self.how.wanted.contains(Metric::WarpError) {
            return None;
        }
        let before = self.before.replace(frame.clone())?;
        let estimate = |from: &Raster, to: &Raster| flow::dis(from, to, self.how.flow, None);
        let (forward, backward) = rayon::join(|| estimate(&before, frame), || estimate(frame, &before));
        Some(Seen::between(forward, &backward))
    }
}
