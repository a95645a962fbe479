//! Points and lengths of time as authors write them.

use std::fmt;
use std::ops::RangeInclusive;

use super::{Data, Fps, Moment, Param, ReadCx, Shape, Value, outside, wrong_type};
use crate::diag::Diagnostic;

/// A point in time or a length: `120` (frames), `4s`, `8b` (beats), `1:02.5` (minutes and seconds), `end`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Time {
    /// Frames from the start.
    Frame(u64),
    /// Seconds.
    Seconds(f64),
    /// Beats, by the timeline's beats per minute.
    Beats(f64),
    /// The end of what is spoken of.
    End,
}

impl Time {
    /// In frames at `fps` and `bpm`, or `None` for [`Time::End`]. May lie between two frames.
    #[must_use]
    pub fn frames(self, fps: Fps, bpm: f64) -> Option<f64> {
        match self {
            Self::Frame(frame) => Some(frame as f64),
            _ => self.seconds(fps, bpm).map(|seconds| seconds * fps.as_f64()),
        }
    }

    /// The frame that shows at this time, by rounding to nearest; `None` for [`Time::End`].
    #[must_use]
    pub fn frame(self, fps: Fps, bpm: f64) -> Option<u64> {
        self.frames(fps, bpm).map(|frames| frames.round() as u64)
    }

    /// In seconds at `fps` and `bpm`, or `None` for [`Time::End`].
    #[must_use]
    pub fn seconds(self, fps: Fps, bpm: f64) -> Option<f64> {
        match self {
            Self::Frame(frame) => Some(frame as f64 / fps.as_f64()),
            Self::Seconds(seconds) => Some(seconds),
            Self::Beats(beats) => Some(beats * 60.0 / bpm),
            Self::End => None,
        }
    }

    /// Reads `120`, `4s`, `8b`, `1:02.5`, `1:02:03` or `end`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text == "end" {
            return Some(Self::End);
        }
        if text.contains(':') {
            return clock(text).map(Self::Seconds);
        }
        match text.strip_suffix('s').map(|seconds| (seconds, Self::Seconds as fn(f64) -> Self)) {
            None => match text.strip_suffix('b') {
                Some(beats) => positive(beats).map(Self::Beats),
                None => text.parse().ok().map(Self::Frame),
            },
            Some((seconds, unit)) => positive(seconds).map(unit),
        }
    }
}

/// Digits with at most one point, as a number.
fn positive(text: &str) -> Option<f64> {
    let text = text.trim_end();
    text.bytes().all(|c| c.is_ascii_digit() || c == b'.').then(|| text.parse().ok()).flatten()
}

/// `1:02.5` or `1:02:03` in seconds.
fn clock(text: &str) -> Option<f64> {
    let parts: Vec<f64> = text.split(':').map(positive).collect::<Option<_>>()?;
    let below_sixty = parts[1..].iter().all(|part| *part < 60.0);
    let whole = parts[..parts.len() - 1].iter().all(|part| part.fract() == 0.0);
    (parts.len() <= 3 && below_sixty && whole).then(|| parts.iter().fold(0.0, |sum, part| sum * 60.0 + part))
}

impl From<u64> for Time {
    fn from(frame: u64) -> Self {
        Self::Frame(frame)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame(frame) => write!(f, "{frame}"),
            Self::Seconds(seconds) => write!(f, "{seconds}s"),
            Self::Beats(beats) => write!(f, "{beats}b"),
            Self::End => f.write_str("end"),
        }
    }
}

impl Param for Time {
    type Now = Self;

    fn shape() -> Shape {
        Shape::Time
    }

    fn read(data: &Data, _cx: &ReadCx) -> Result<Self, Diagnostic> {
        let wanted = || wrong_type(data, "a time").help("write frames as `120`, seconds as `4s` or `1:02.5`, beats as `8b`, or `end`");
        match &data.value {
            Value::Integer(-1) => Err(Diagnostic::error("wrong-time", "-1 is before the start")
                .at(data.span, "times count from the start")
                .help("write `end` for the end")),
            Value::Integer(frame) => u64::try_from(*frame).map(Self::Frame).map_err(|_| {
                Diagnostic::error("wrong-time", format!("{frame} is before the start")).at(data.span, "times count from the start")
            }),
            Value::Number(number) if *number >= 0.0 => Err(wanted().help(format!("for seconds write `{number}s`"))),
            Value::Text(text) => Self::parse(text).ok_or_else(wanted),
            _ => Err(wanted()),
        }
    }

    fn now(&self, _at: &Moment<'_>) -> Self {
        *self
    }

    /// The range is in frames.
    fn check(&self, range: &RangeInclusive<f64>, at: &Moment<'_>) -> Result<(), String> {
        self.frames(at.fps, at.bpm).map_or(Ok(()), |frames| outside(frames, range))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{read, read_text};
    use super::*;

    #[test]
    fn every_spelling_reads_and_nonsense_does_not() {
        let good = [
            ("120", Time::Frame(120)),
            ("4s", Time::Seconds(4.0)),
            ("0.5 s", Time::Seconds(0.5)),
            ("8b", Time::Beats(8.0)),
            ("1:02.5", Time::Seconds(62.5)),
            ("1:00:01", Time::Seconds(3601.0)),
            ("end", Time::End),
        ];
        for (text, time) in good {
            assert_eq!(Time::parse(text), Some(time), "{text}");
        }
        for text in ["", "s", ":", "1:", "1:75", "1:2:3:4", "-4s", "infs", "4m", "1.5", "1.5:02"] {
            assert_eq!(Time::parse(text), None, "{text}");
        }
    }

    #[test]
    fn units_become_frames() {
        let fps = Fps::new(24, 1);
        assert_eq!(Time::Seconds(2.0).frame(fps, 120.0), Some(48));
        assert_eq!(Time::Beats(4.0).frame(fps, 120.0), Some(48));
        assert_eq!(Time::Frame(48).seconds(fps, 120.0), Some(2.0));
        assert_eq!(Time::End.frame(fps, 120.0), None);
    }

    #[test]
    fn minus_one_is_told_about_end() {
        assert_eq!(read::<Time>(Value::Integer(-1)).unwrap_err().help, ["write `end` for the end"]);
        assert!(read::<Time>(Value::Number(2.5)).unwrap_err().help.contains(&"for seconds write `2.5s`".to_owned()));
        assert!(read_text::<Time>("soon").is_err());
    }

    proptest! {
        #[test]
        fn printed_times_read_back(seconds in 0.0..1e6f64, frame: u64) {
            for time in [Time::Seconds(seconds), Time::Beats(seconds), Time::Frame(frame)] {
                prop_assert_eq!(Time::parse(&time.to_string()), Some(time));
            }
        }

        #[test]
        fn any_text_is_read_without_panic(text in ".*") {
            let _ = Time::parse(&text);
        }
    }
}
