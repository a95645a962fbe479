//! What each kind of file can hold, by the ending of its name.

use std::path::Path;

use ffmpeg_next::codec::Id;

use super::{OutputError, sys};

/// One kind of media file.
#[derive(Debug, PartialEq)]
pub(super) struct Container {
    /// The endings of its names, without the dot.
    pub extensions: &'static [&'static str],
    /// FFmpeg's muxer.
    pub muxer: &'static str,
    /// The codec families it holds, the default one first.
    pub codecs: &'static [&'static str],
    /// Sound that is copied as it is; `None` copies whatever the muxer takes.
    copied_audio: Option<&'static [Id]>,
    /// Encoders for sound that cannot be copied, the best first; empty when the container is silent.
    pub audio_encoders: &'static [&'static str],
    /// What becomes of subtitles.
    pub subtitles: Subtitles,
}

/// The form in which a container takes subtitles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subtitles {
    /// None at all.
    None,
    /// Timed text (`mov_text`) only.
    MovText,
    /// WebVTT only.
    WebVtt,
    /// Whatever the muxer knows; other text as SubRip.
    Any,
}

const CONTAINERS: &[Container] = &[
    Container {
        extensions: &["mp4", "m4v"],
        muxer: "mp4",
        codecs: &["h264", "hevc", "av1", "vp9"],
        copied_audio: Some(&[Id::AAC, Id::MP3, Id::AC3, Id::EAC3, Id::ALAC, Id::OPUS, Id::FLAC]),
        audio_encoders: &["aac"],
        subtitles: Subtitles::MovText,
    },
    Container {
        extensions: &["mov"],
        muxer: "mov",
        codecs: &["h264", "hevc", "prores"],
        copied_audio: Some(&[
            Id::AAC,
            Id::MP3,
            Id::AC3,
            Id::EAC3,
            Id::ALAC,
            Id::PCM_S16LE,
            Id::PCM_S16BE,
            Id::PCM_S24LE,
            Id::PCM_S24BE,
            Id::PCM_S32LE,
            Id::PCM_F32LE,
        ]),
        audio_encoders: &["aac"],
        subtitles: Subtitles::MovText,
    },
    Container {
        extensions: &["mkv"],
        muxer: "matroska",
        codecs: &["h264", "hevc", "av1", "vp9", "prores", "ffv1"],
        copied_audio: None,
        audio_encoders: &["libopus", "aac", "flac"],
        subtitles: Subtitles::Any,
    },
    Container {
        extensions: &["webm"],
        muxer: "webm",
        codecs: &["vp9", "av1"],
        copied_audio: Some(&[Id::OPUS, Id::VORBIS]),
        audio_encoders: &["libopus", "libvorbis"],
        subtitles: Subtitles::WebVtt,
    },
    Container {
        extensions: &["avi"],
        muxer: "avi",
        codecs: &["h264", "ffv1"],
        copied_audio: Some(&[Id::MP3, Id::MP2, Id::AC3, Id::PCM_S16LE, Id::PCM_U8]),
        audio_encoders: &["libmp3lame", "ac3", "pcm_s16le"],
        subtitles: Subtitles::None,
    },
    Container {
        extensions: &["gif"],
        muxer: "gif",
        codecs: &["gif"],
        copied_audio: Some(&[]),
        audio_encoders: &[],
        subtitles: Subtitles::None,
    },
];

impl Container {
    /// The container that the ending of `path` asks for.
    pub(super) fn of(path: &Path) -> Result<&'static Self, OutputError> {
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
        CONTAINERS.iter().find(|c| c.extensions.contains(&extension.as_str())).ok_or_else(|| OutputError::Extension {
            path: path.to_path_buf(),
            known: CONTAINERS.iter().map(|c| format!("`.{}`", c.extensions[0])).collect::<Vec<_>>().join(", "),
        })
    }

    /// The ending to name it by.
    pub(super) fn extension(&self) -> &'static str {
        self.extensions[0]
    }

    /// Whether it is one of QuickTime's children, whose edit lists can hide a packet's first samples.
    pub(super) fn has_edit_lists(&self) -> bool {
        matches!(self.muxer, "mp4" | "mov")
    }

    /// Whether a player can be told to throw away the first samples that a sound encoder makes up.
    pub(super) fn hides_padding(&self) -> bool {
        self.muxer != "avi"
    }

    /// Whether sound in `codec` goes in as it is.
    pub(super) fn copies_audio(&self, codec: Id) -> bool {
        self.copied_audio.is_none_or(|list| list.contains(&codec)) && sys::muxer_takes(self.muxer, codec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_choose_the_container_whatever_their_case() {
        assert_eq!(Container::of(Path::new("a/b.MP4")).unwrap().muxer, "mp4");
        assert_eq!(Container::of(Path::new("b.webm")).unwrap().codecs[0], "vp9");
        let error = Container::of(Path::new("out/clip.xyz")).unwrap_err().to_string();
        assert!(error.contains("out/clip.xyz") && error.contains("`.mkv`"), "{error}");
    }

    #[test]
    fn sound_that_a_player_would_not_find_is_not_copied() {
        let copies = |name: &str, id| Container::of(Path::new(name)).unwrap().copies_audio(id);
        assert!(copies("a.mp4", Id::AAC) && copies("a.mkv", Id::AAC) && copies("a.webm", Id::OPUS) && copies("a.mkv", Id::VORBIS));
        assert!(!copies("a.webm", Id::AAC) && !copies("a.mp4", Id::PCM_S16LE) && !copies("a.gif", Id::AAC));
    }
}
