use std::path::PathBuf;

/// Why a video or picture could not be written. Every message names the thing and says what to do.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OutputError {
    /// The name's ending names no container that we write.
    #[error("`{}` does not say which kind of file to write; end its name in one of {known}", .path.display())]
    Extension {
        /// The file asked for.
        path: PathBuf,
        /// The endings we write.
        known: String,
    },
    /// Neither one of our codec names nor an encoder of this FFmpeg.
    #[error("there is no codec `{codec}`; write one of {known}")]
    UnknownCodec {
        /// What was asked for.
        codec: String,
        /// The names we know.
        known: String,
    },
    /// The codec is known, but this FFmpeg was built without an encoder for it.
    #[error(
        "this FFmpeg has no encoder for `{codec}` (looked for {wanted}); it can write {available}, or install an FFmpeg with one of them"
    )]
    NoEncoder {
        /// What was asked for.
        codec: String,
        /// The encoders that would do.
        wanted: String,
        /// Codecs with an encoder.
        available: String,
    },
    /// Container and codec do not go together.
    #[error("`.{extension}` files cannot hold {codec}; choose one of {fitting}, or another ending")]
    Container {
        /// The container's ending.
        extension: String,
        /// The codec.
        codec: String,
        /// Codecs that fit and are available.
        fitting: String,
    },
    /// The encoder does not take this pixel format.
    #[error("{encoder} cannot encode `{pix_fmt}`; write one of {supported}")]
    PixelFormat {
        /// The FFmpeg encoder.
        encoder: String,
        /// What was asked for.
        pix_fmt: String,
        /// What would do.
        supported: String,
    },
    /// `crf` outside the encoder's range, or for an encoder without one.
    #[error("`crf: {crf}` does not fit {encoder}; {help}")]
    Quality {
        /// The FFmpeg encoder.
        encoder: String,
        /// What was asked for.
        crf: f64,
        /// The range, or that there is none.
        help: String,
    },
    /// A preset the encoder does not know.
    #[error("{encoder} has no preset `{preset}`; {help}")]
    Preset {
        /// The FFmpeg encoder.
        encoder: String,
        /// What was asked for.
        preset: String,
        /// The presets that exist.
        help: String,
    },
    /// The output would overwrite a file that is being read.
    #[error("`{}` is also an input; give the output another name", .path.display())]
    SameFile {
        /// The file.
        path: PathBuf,
    },
    /// The output's name is a folder's.
    #[error("`{}` is a folder; add a file name", .path.display())]
    IsFolder {
        /// The folder.
        path: PathBuf,
    },
    /// FFmpeg takes file names as UTF-8 without NUL.
    #[error("`{}` is not valid Unicode; rename it", .path.display())]
    Name {
        /// The file.
        path: PathBuf,
    },
    /// Writing to the folder failed.
    #[error("cannot {doing} `{}`: {why}", .path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        why: String,
    },
    /// A sink takes frames of one size.
    #[error("`{}` holds frames of {expected}, this one is {got}; put a `resize` before it", .path.display())]
    SizeChanged {
        /// The file.
        path: PathBuf,
        /// The size so far.
        expected: crate::frame::Size,
        /// The size of this frame.
        got: crate::frame::Size,
    },
    /// The image codec said no.
    #[error("cannot write `{}`: {why}", .path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// The codec's reason.
        why: String,
    },
    /// The pattern of an image sequence.
    #[error("`{}` cannot name pictures: {help}", .path.display())]
    Pattern {
        /// What was given.
        path: PathBuf,
        /// What to write.
        help: String,
    },
}

impl OutputError {
    /// The option that the error is about, by its name in [`super::EncodeOptions`].
    #[must_use]
    pub fn option(&self) -> &'static str {
        match self {
            Self::UnknownCodec { .. } | Self::NoEncoder { .. } | Self::Container { .. } => "codec",
            Self::PixelFormat { .. } => "pix_fmt",
            Self::Quality { .. } => "crf",
            Self::Preset { .. } => "preset",
            _ => "path",
        }
    }

    /// For `map_err`: what the system was asked to do with `path`.
    pub(super) fn file(doing: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |why| Self::File { doing, path, why: why.to_string() }
    }
}
