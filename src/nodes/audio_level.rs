//! The kind `audio_level`.

use crate::choice;
use crate::frame::Track;
use crate::kernel::beats::Onsets;
use crate::kernel::loudness::{Band as Filter, Meter, follow, smooth};
use crate::media::{MediaError, Sound};
use crate::node::{Audio, Ending, Fault, Halt, Node, Open, Outlook, Problem, Prospect, Tick};
use crate::param::Curve;

/// Samples a second that are listened to: sound up to 11 kHz.
const RATE: u32 = 22_050;
/// Samples that are decoded at once.
const PIECE: usize = 1 << 14;

choice! {
    /// A part of what can be heard.
    pub enum Band {
        /// All of it.
        Full = "full",
        /// Up to 250 Hz: kick drums, bass.
        Bass = "bass",
        /// 250 to 4000 Hz: voices, most instruments.
        Mid = "mid",
        /// From 4000 Hz up: cymbals, hiss.
        Treble = "treble",
    }
}

impl Band {
    /// Its edges in hertz, where it has them.
    fn edges(self) -> (Option<f64>, Option<f64>) {
        match self {
            Self::Full => (None, None),
            Self::Bass => (None, Some(250.0)),
            Self::Mid => (Some(250.0), Some(4000.0)),
            Self::Treble => (Some(4000.0), None),
        }
    }
}

node! {
    /// Listens to a clip's sound and gives its level and beats as numbers that curves can use.
    ///
    /// A curve of another node names them: `zoom: 1 + 0.05*drums.pulse` for a node `drums` of this kind. The whole sound is heard
    /// through once, before the first frame, without keeping its samples; so the same frame has the same numbers wherever a run
    /// begins. A silent clip gives zeros.
    "audio_level" => AudioLevel
    inputs {
        /// The sound, such as `clip.audio`; trimmed as its clip is.
        audio: Audio,
    }
    outputs {
        /// How loud it is during the frame: its root mean square, 0 for silence; 1 for the loudest frame of the clip, if `normalize`.
        level: f64,
        /// 1 on the frame of a beat, otherwise 0. Beats are as steady as the music: they go on through a short break.
        beat: f64,
        /// 1 on a beat, and from there down again with `release`.
        pulse: f64,
        /// 1 on a frame where any sound begins, otherwise 0.
        onset: f64,
        /// Beats a minute, the same on every frame; 0 where there is no beat.
        tempo: f64,
    }
    params {
        /// Which part of the sound is listened to.
        band: Band = "full";
        /// Where the band begins, in hertz, in place of its own edge.
        low: Option<f64>, in 0.0..=20_000.0;
        /// Where the band ends, in hertz.
        high: Option<f64>, in 1.0..=100_000.0;
        /// Seconds in which the level rises after a sound.
        attack: f64 = 0.01, in 0.0..=60.0;
        /// Seconds in which level and pulse fall.
        release: f64 = 0.2, in 0.0..=60.0;
        /// Seconds around each frame over which the level is averaged first, without delay.
        smoothing: f64 = 0.0, in 0.0..=60.0;
        /// Whether the loudest frame has level 1, however loud the clip is.
        normalize: bool = true;
        /// What the level is multiplied by.
        gain: Curve = 1.0, in 0.0..=1000.0;
        /// Beats a minute, if known; otherwise they are found.
        bpm: Option<f64>, in 20.0..=400.0;
    }
}

/// The kind `audio_level`.
pub struct AudioLevel {
    listening: Listening,
    fps: f64,
    period: u64,
}

/// What of the parameters is the same throughout.
#[derive(Debug, Clone, Copy)]
struct Listening {
    low: Option<f64>,
    high: Option<f64>,
    attack: f64,
    release: f64,
    smoothing: f64,
    normalize: bool,
    bpm: Option<f64>,
}

/// What a sound is like, frame by frame.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Heard {
    track: Option<Track>,
    level: Vec<f32>,
    beat: Vec<bool>,
    onset: Vec<bool>,
    pulse: Vec<f32>,
    tempo: f64,
}

impl Params {
    fn edges(&self) -> (Option<f64>, Option<f64>) {
        let (low, high) = self.band.edges();
        (self.low.or(low), self.high.or(high))
    }
}

impl Listening {
    fn hear(&self, track: &Track, fps: f64) -> Result<Heard, MediaError> {
        let rate = f64::from(RATE);
        let mut sound = Sound::open(track, RATE)?;
        let mut filter = Filter::new(self.low, self.high, rate);
        let mut meter = Meter::new(rate / fps);
        let mut onsets = Onsets::new(rate, self.low.unwrap_or(20.0), self.high.unwrap_or(rate / 2.0));
        loop {
            let mut samples = sound.read(PIECE)?;
            if samples.is_empty() {
                break;
            }
            onsets.take(&samples);
            filter.pass(&mut samples);
            meter.take(&samples);
        }
        let tick = 1.0 / fps;
        let mut level = smooth(&meter.levels(), tick, self.smoothing);
        follow(&mut level, tick, self.attack, self.release);
        let loudest = level.iter().copied().fold(0.0, f32::max);
        if self.normalize && loudest > 0.0 {
            for level in &mut level {
                *level /= loudest;
            }
        }
        let flux = onsets.finish();
        let tempo = flux.tempo().map(|found| self.bpm.unwrap_or(found));
        let beat = marks(&tempo.map_or_else(Vec::new, |tempo| flux.beats(tempo)), fps, level.len());
        let mut pulse: Vec<f32> = beat.iter().map(|beat| f32::from(u8::from(*beat))).collect();
        follow(&mut pulse, tick, 0.0, self.release);
        let onset = marks(&flux.onsets(), fps, level.len());
        Ok(Heard { track: Some(track.clone()), level, beat, onset, pulse, tempo: tempo.unwrap_or(0.0) })
    }
}

/// The frames nearest to some seconds.
fn marks(seconds: &[f64], fps: f64, frames: usize) -> Vec<bool> {
    let mut marks = vec![false; frames];
    for at in seconds {
        if let Some(mark) = marks.get_mut((at * fps).round() as usize) {
            *mark = true;
        }
    }
    marks
}

impl Heard {
    /// What is to be told of the frames `from..to`: the most of each.
    fn during(&self, from: u64, to: u64) -> Outputs {
        let range = |length: usize| (from as usize).min(length)..(to as usize).min(length);
        let most = |values: &[f32]| f64::from(values[range(values.len())].iter().copied().fold(0.0, f32::max));
        let any = |marks: &[bool]| f64::from(marks[range(marks.len())].contains(&true));
        Outputs { level: most(&self.level), beat: any(&self.beat), pulse: most(&self.pulse), onset: any(&self.onset), tempo: self.tempo }
    }
}

impl Node for AudioLevel {
    /// What was heard, once a first frame has said where the sound is.
    type State = Option<Heard>;

    fn outlook(params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        let (low, high) = params.edges();
        if let (Some(low), Some(high)) = (low, high)
            && low >= high
        {
            let about = if params.low.is_some() { "low" } else { "high" };
            let problem = Problem::error(about, format!("the band from {low} to {high} Hz is empty"));
            return Err(vec![problem.help("give `low` a smaller number than `high`")]);
        }
        Ok(cx.all_outputs(cx.timeline.size.unwrap_or(crate::frame::Size::new(0, 0))))
    }

    fn open(params: &Params, cx: &Open<'_>) -> Result<(Self, Option<Heard>), Fault> {
        let (low, high) = params.edges();
        let listening = Listening {
            low,
            high,
            attack: params.attack,
            release: params.release,
            smoothing: params.smoothing,
            normalize: params.normalize,
            bpm: params.bpm,
        };
        Ok((Self { listening, fps: cx.timeline.moment(0).fps.as_f64(), period: cx.period.max(1) }, None))
    }

    fn fire(&self, state: &mut Option<Heard>, cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let heard = match state {
            Some(heard) if heard.track == inputs.audio.0 => heard,
            _ => state.insert(match &inputs.audio.0 {
                Some(track) => self.listening.hear(track, self.fps)?,
                None => Heard::default(),
            }),
        };
        let outputs = heard.during(cx.tick(), cx.tick() + self.period);
        Ok(Outputs { level: outputs.level * now.gain, ..outputs })
    }

    fn finish(&self, state: &mut Option<Heard>, _ending: Ending) -> Result<Vec<String>, Fault> {
        let Some(heard) = state else { return Ok(Vec::new()) };
        Ok(vec![match (&heard.track, heard.beat.iter().filter(|beat| **beat).count()) {
            (None, _) => "there is no sound to listen to".to_owned(),
            (Some(track), 0) => format!("heard no beat in `{}`", track.path.display()),
            (Some(track), beats) => format!("heard {beats} beats at {:.1} a minute in `{}`", heard.tempo, track.path.display()),
        }])
    }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;
    use std::path::Path;

    use super::*;

    /// A WAV file of one channel at 44.1 kHz.
    fn wav(path: &Path, sample: impl Fn(f64) -> f32, seconds: f64) -> Track {
        let rate = 44_100_u32;
        let data: Vec<u8> = (0..(f64::from(rate) * seconds) as u32)
            .flat_map(|n| ((sample(f64::from(n) / f64::from(rate)) * 32767.0) as i16).to_le_bytes())
            .collect();
        let mut file = Vec::new();
        file.extend(b"RIFF");
        file.extend((36 + data.len() as u32).to_le_bytes());
        file.extend(b"WAVEfmt ");
        for number in [16_u32, 1 | 1 << 16, rate, rate * 2, 2 | 16 << 16] {
            file.extend(number.to_le_bytes());
        }
        file.extend(b"data");
        file.extend((data.len() as u32).to_le_bytes());
        file.extend(data);
        std::fs::write(path, file).unwrap();
        Track { path: path.to_owned(), stream: 0, from: 0.0, to: None, stretch: 1.0 }
    }

    const PLAIN: Listening = Listening { low: None, high: None, attack: 0.0, release: 0.0, smoothing: 0.0, normalize: false, bpm: None };

    fn sine(hertz: f32, t: f64) -> f32 {
        (TAU * hertz * t as f32).sin()
    }

    #[test]
    fn bursts_are_heard_in_their_frames_and_nowhere_else() {
        let dir = tempfile::tempdir().unwrap();
        // 1 kHz from 0.4 s to 0.8 s, half as loud from 1.2 s on.
        let loud = |t: f64| {
            if (0.4..0.8).contains(&t) {
                1.0
            } else if t >= 1.2 {
                0.5
            } else {
                0.0
            }
        };
        let track = wav(&dir.path().join("bursts.wav"), |t| loud(t) * sine(1000.0, t), 2.0);
        let heard = PLAIN.hear(&track, 25.0).unwrap();
        assert_eq!(heard.level.len(), 50);
        for (frame, level) in heard.level.iter().enumerate() {
            let wanted = loud(frame as f64 / 25.0 + 0.02) * 0.7071;
            // The resampler rings for a millisecond around the edges.
            assert!((level - wanted).abs() < 0.02, "frame {frame}: {level} instead of {wanted}");
        }
        let normal = Listening { normalize: true, ..PLAIN }.hear(&track, 25.0).unwrap();
        assert!((normal.level[15] - 1.0).abs() < 0.01 && (normal.level[40] - 0.5).abs() < 0.01);
        // A sine that is cut off cracks: what begins at its end is no mistake.
        let onsets: Vec<usize> = (0..50).filter(|frame| heard.onset[*frame] && ![20, 50].contains(frame)).collect();
        assert_eq!(onsets, [10, 30]);
        // Trimmed, the same sound begins later.
        let cut = Track { from: 0.5, to: Some(1.0), ..track };
        let heard = PLAIN.hear(&cut, 25.0).unwrap();
        assert_eq!(heard.level.len(), 13);
        assert!((heard.level[3] - 0.7071).abs() < 0.01 && heard.level[10] < 0.01, "{:?}", heard.level);
    }

    #[test]
    fn bands_hear_their_part() {
        let dir = tempfile::tempdir().unwrap();
        let track = wav(&dir.path().join("two.wav"), |t| if t < 1.0 { sine(80.0, t) } else { sine(6000.0, t) } * 0.8, 2.0);
        let level = |band: Band| {
            let (low, high) = band.edges();
            let heard = Listening { low, high, ..PLAIN }.hear(&track, 10.0).unwrap();
            [heard.level[5], heard.level[15]]
        };
        let full = 0.8 * 0.7071;
        let near = |found: [f32; 2], wanted: [f32; 2]| found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 0.02);
        assert!(near(level(Band::Full), [full, full]), "{:?}", level(Band::Full));
        assert!(near(level(Band::Bass), [full, 0.0]), "{:?}", level(Band::Bass));
        assert!(near(level(Band::Mid), [0.0, full * 0.2]) || level(Band::Mid)[0] < 0.02, "{:?}", level(Band::Mid));
        assert!(near(level(Band::Treble), [0.0, full]), "{:?}", level(Band::Treble));
    }

    #[test]
    fn clicks_at_120_bpm_are_beats_to_the_frame() {
        let dir = tempfile::tempdir().unwrap();
        let click = |t: f64| if (t + 0.25) % 0.5 < 0.008 { sine(2000.0, t) * 0.7 } else { 0.0 };
        let track = wav(&dir.path().join("clicks.wav"), click, 8.0);
        for fps in [24.0, 25.0, 60.0] {
            let heard = Listening { release: 0.2, ..PLAIN }.hear(&track, fps).unwrap();
            assert!((heard.tempo - 120.0).abs() < 0.3, "{}", heard.tempo);
            let beats: Vec<f64> = (0..heard.beat.len()).filter(|frame| heard.beat[*frame]).map(|frame| frame as f64).collect();
            assert_eq!(beats.len(), 16, "{beats:?}");
            for (n, beat) in beats.iter().enumerate() {
                assert!((beat - (0.25 + 0.5 * n as f64) * fps).abs() <= 1.0, "at {fps} fps: {beats:?}");
            }
            let first = beats[0] as usize;
            assert!(heard.pulse[first] == 1.0 && heard.pulse[first + 1] < 1.0 && heard.pulse[first + 2] < heard.pulse[first + 1]);
            // A node on a slow clock misses none.
            let told = (0..heard.beat.len() as u64).step_by(3).filter(|tick| heard.during(*tick, tick + 3).beat > 0.0).count();
            assert_eq!(told, 16);
        }
    }

    #[test]
    fn a_silent_clip_gives_zeros_and_an_absent_file_an_error() {
        let heard = Heard::default();
        let outputs = heard.during(7, 8);
        assert_eq!((outputs.level, outputs.beat, outputs.tempo), (0.0, 0.0, 0.0));
        let track = Track { path: "none.wav".into(), stream: 0, from: 0.0, to: None, stretch: 1.0 };
        let said = PLAIN.hear(&track, 25.0).unwrap_err().to_string();
        assert!(said.contains("none.wav"), "{said}");
    }
}
