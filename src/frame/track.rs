use std::path::PathBuf;

/// A span of a media file's sound or subtitles: not the samples, but where to find them. Encoders read the packets from the
/// file themselves, so that sound is copied and not re-encoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// The media file.
    pub path: PathBuf,
    /// The index of the stream in that file.
    pub stream: usize,
    /// Where tick 0 lies in the file, in seconds on the file's presentation clock.
    pub from: f64,
    /// Where the last tick ends, in seconds, if the clip stops before the file does.
    pub to: Option<f64>,
    /// How many times longer it lasts than in the file: more than 1 beside slow motion. Sound keeps its pitch.
    pub stretch: f64,
}
