use std::path::PathBuf;

use crate::frame::Size;

/// What can go wrong with a media file. Messages name the file and the way out.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MediaError {
    /// No such file.
    #[error("there is no file `{}`; check its spelling and folder", .path.display())]
    Missing {
        /// As asked for.
        path: PathBuf,
    },
    /// The system, or the demuxer, refuses to open the file.
    #[error("`{}` cannot be opened: {why}", .path.display())]
    Open {
        /// As asked for.
        path: PathBuf,
        /// The reason, with the way out where one is known.
        why: String,
    },
    /// The file holds sound or text only.
    #[error("`{}` has no video stream; name a file with pictures", .path.display())]
    NoVideo {
        /// As asked for.
        path: PathBuf,
    },
    /// This build of FFmpeg cannot decode, or encode, that.
    #[error("this FFmpeg has no {what} for `{codec}`; convert the file, choose another codec, or install a fuller FFmpeg")]
    NoCodec {
        /// `decoder` or `encoder`.
        what: &'static str,
        /// The codec's short name.
        codec: String,
    },
    /// The file breaks off or its data are damaged: frames before `at` were delivered.
    #[error("`{}` is damaged or cut short {at}: {why}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where, such as `after frame 41 (1.64 s)`.
        at: String,
        /// What FFmpeg says.
        why: String,
    },
    /// A stretch of a file that it does not have.
    #[error("{point} lies beyond the end of `{}`, {length}", .path.display())]
    Beyond {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        point: String,
        /// How long the file is.
        length: String,
    },
    /// A pixel format whose samples cannot be read as numbers.
    #[error("pixel format `{format}` is not supported; convert to a YUV, RGB or gray format")]
    Pixels {
        /// FFmpeg's name of it.
        format: String,
    },
    /// A frame is packed into a picture of another size.
    #[error("a frame of {frame} does not fit a picture of {picture}; put a `resize` before the encoder")]
    Mismatch {
        /// The frame's size.
        frame: Size,
        /// The picture's size.
        picture: Size,
    },
    /// A video or picture cannot be written.
    #[error(transparent)]
    Output(#[from] super::OutputError),
    /// Anything else that FFmpeg refuses.
    #[error("{doing}: {why}")]
    Ffmpeg {
        /// What was being done, such as ``write `out.mp4` ``.
        doing: String,
        /// What FFmpeg says.
        why: ffmpeg_next::Error,
    },
    /// What no other variant covers: a whole sentence with the fix.
    #[error("{0}")]
    Other(String),
}

impl MediaError {
    /// For `map_err`: an FFmpeg error with what was being done.
    pub fn ffmpeg(doing: impl Into<String>) -> impl FnOnce(ffmpeg_next::Error) -> Self {
        let doing = doing.into();
        move |why| Self::Ffmpeg { doing, why }
    }
}
