//! Opening a file and finding its pictures, shared by the probe and the decoder.

use std::path::Path;

use ffmpeg_next::format::context::Input;
use ffmpeg_next::format::stream::Disposition;
use ffmpeg_next::{Error, Stream, codec, decoder, format, media};

use super::MediaError;

/// Opens `path` for reading; the stream's index is that of its pictures.
pub(super) fn open(path: &Path) -> Result<(Input, usize), MediaError> {
    super::init();
    match path.metadata() {
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Err(MediaError::Missing { path: path.into() }),
        Err(why) => return Err(refused(path, why.to_string())),
        Ok(data) if data.is_dir() => return Err(refused(path, "it is a folder; name one file in it".into())),
        Ok(data) if data.len() == 0 => return Err(refused(path, "it is empty".into())),
        Ok(_) => std::fs::File::open(path).map(drop).map_err(|why| refused(path, why.to_string()))?,
    }
    let Some(text) = path.to_str().filter(|text| !text.contains('\0')) else {
        return Err(refused(path, "FFmpeg takes UTF-8 names only; rename it".into()));
    };
    // The prefix keeps FFmpeg from taking a colon in the name for a protocol.
    let input = format::input(&format!("file:{text}")).map_err(|why| refused(path, explain(why)))?;
    let stream = video_stream(&input).ok_or_else(|| MediaError::NoVideo { path: path.into() })?.index();
    Ok((input, stream))
}

fn refused(path: &Path, why: String) -> MediaError {
    MediaError::Open { path: path.into(), why }
}

fn explain(why: Error) -> String {
    match why {
        Error::InvalidData | Error::DemuxerNotFound => {
            format!("{why}; it is no media file that FFmpeg knows, or it was cut off before its index was written").to_lowercase()
        }
        other => other.to_string().to_lowercase(),
    }
}

/// The stream that a player would show; an album's cover is none.
fn video_stream(input: &Input) -> Option<Stream<'_>> {
    let pictures = |stream: &Stream<'_>| !stream.disposition().contains(Disposition::ATTACHED_PIC);
    let best = input.streams().best(media::Type::Video).filter(pictures);
    best.or_else(|| input.streams().find(|s| s.parameters().medium() == media::Type::Video && pictures(s)))
}

/// A decoder for `stream`, with one thread a core if `threaded`.
pub(super) fn open_decoder(stream: &Stream<'_>, threaded: bool) -> Result<decoder::Video, MediaError> {
    let parameters = stream.parameters();
    let name = parameters.id().name().to_owned();
    let mut context = codec::Context::from_parameters(parameters).map_err(MediaError::ffmpeg(format!("set up the {name} decoder")))?;
    if threaded {
        // Without the kind FFmpeg takes a count of 0 for "no threads".
        context.set_threading(codec::threading::Config { kind: codec::threading::Type::Frame, ..Default::default() });
    }
    let mut decoder = context.decoder();
    decoder.set_packet_time_base(stream.time_base());
    decoder.video().map_err(|why| match why {
        Error::DecoderNotFound => MediaError::NoCodec { what: "decoder", codec: name },
        why => MediaError::Ffmpeg { doing: format!("open the {name} decoder"), why },
    })
}
