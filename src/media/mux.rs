//! The container: streams in, one file out.

use std::path::Path;

use ffmpeg_next::codec::{Id, Parameters};
use ffmpeg_next::format::context::Output;
use ffmpeg_next::{Dictionary, Packet, Rational, encoder, format};

use super::container::Container;
use super::partial::Partial;
use super::reader::ticks;
use super::{MediaError, OutputError, sys};

/// A media file being written. Dropping it removes what there is; only [`Muxer::finish`] gives the file its name.
pub(super) struct Muxer {
    // Declared, and so closed, before the file is removed or renamed.
    output: Output,
    partial: Partial,
    container: &'static Container,
    /// What is added to each stream's times, in seconds.
    offsets: Vec<f64>,
}

impl Muxer {
    /// Opens the file beside `path`.
    pub(super) fn open(path: &Path, container: &'static Container) -> Result<Self, MediaError> {
        let partial = Partial::new(path)?;
        let output = format::output_as(&url(partial.path())?, container.muxer).map_err(MediaError::ffmpeg(writing(path)))?;
        Ok(Self { output, partial, container, offsets: Vec::new() })
    }

    /// Whether encoders shall keep their headers out of the packets.
    pub(super) fn wants_global_header(&self) -> bool {
        self.output.format().flags().contains(format::Flags::GLOBAL_HEADER)
    }

    /// Adds a stream; its index.
    pub(super) fn add(&mut self, parameters: &Parameters, time_base: Rational, rate: Option<Rational>) -> Result<usize, MediaError> {
        let mut parameters = parameters.clone();
        match parameters.id() {
            // The encoder names the profile by it.
            Id::PRORES => {}
            // QuickTime's players know HEVC under this name only.
            Id::HEVC if self.container.has_edit_lists() => sys::set_codec_tag(&mut parameters, u32::from_le_bytes(*b"hvc1")),
            // Another container's code may mean nothing here.
            _ => sys::set_codec_tag(&mut parameters, 0),
        }
        let by_hand = if muxer_adds_delay() { 0.0 } else { self.told_delay(&parameters) };
        self.offsets.push(by_hand);
        let doing = writing(self.partial.target());
        let mut stream = self.output.add_stream(encoder::find(Id::None)).map_err(MediaError::ffmpeg(doing))?;
        stream.set_parameters(parameters);
        stream.set_time_base(time_base);
        if let Some(rate) = rate {
            stream.set_avg_frame_rate(rate);
        }
        Ok(stream.index())
    }

    /// How long before zero the sound in a stream of `parameters` may start, because its decoder throws that much away and the container
    /// says so; in seconds.
    pub(super) fn told_delay(&self, parameters: &Parameters) -> f64 {
        let shape = sys::audio_shape(parameters);
        let matroska = matches!(self.container.muxer, "matroska" | "webm");
        let told = matroska && (parameters.id() == Id::OPUS || muxer_adds_delay());
        if told { f64::from(shape.padding) / f64::from(shape.rate.max(1)) } else { 0.0 }
    }

    /// Copies a stream's language and title.
    pub(super) fn label(&mut self, stream: usize, labels: &[(String, String)]) {
        if let Some(mut stream) = self.output.stream_mut(stream) {
            stream.set_metadata(labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect());
        }
    }

    /// Writes the header; no stream can be added after it.
    pub(super) fn start(&mut self, metadata: &[(String, String)], faststart: bool) -> Result<(), MediaError> {
        let mut tags = Dictionary::new();
        for (key, value) in metadata.iter().filter(|(key, value)| !key.contains('\0') && !value.contains('\0')) {
            tags.set(key, value);
        }
        self.output.set_metadata(tags);
        // Without this Matroska draws random identifiers, and the same frames would not give the same bytes.
        let mut options: Dictionary = [("fflags", "+bitexact")].iter().collect();
        if faststart && self.container.has_edit_lists() {
            options.set("movflags", "+faststart");
        }
        if matches!(self.container.muxer, "matroska" | "webm") {
            // Opus starts before zero by what its decoder throws away. Matroska can say that, so nothing need be shifted.
            options.set("avoid_negative_ts", "disabled");
        }
        self.output.write_header_with(options).map_err(MediaError::ffmpeg(writing(self.partial.target())))?;
        Ok(())
    }

    /// Writes one packet of `stream`, timed in `time_base`; the muxer puts it in order among the other streams' packets.
    pub(super) fn write(&mut self, mut packet: Packet, stream: usize, time_base: Rational) -> Result<(), MediaError> {
        let doing = || writing(self.partial.target());
        let to = self.output.stream(stream).map_or(time_base, |s| s.time_base());
        packet.rescale_ts(time_base, to);
        let offset = self.offsets.get(stream).map_or(0, |seconds| ticks(*seconds, to));
        if offset > 0 {
            packet.set_pts(packet.pts().map(|t| (t + offset).max(0)));
            packet.set_dts(packet.dts().map(|t| (t + offset).max(0)));
        }
        packet.set_stream(stream);
        packet.set_position(-1);
        let doing = doing();
        packet.write_interleaved(&mut self.output).map_err(MediaError::ffmpeg(doing))
    }

    /// Completes the file and gives it its name. Returns its length in bytes.
    pub(super) fn finish(self) -> Result<u64, MediaError> {
        let Self { mut output, partial, .. } = self;
        output.write_trailer().map_err(MediaError::ffmpeg(writing(partial.target())))?;
        drop(output);
        Ok(partial.commit()?)
    }
}

/// Matroska stores times with the decoder's delay included; FFmpeg's muxer does that sum since libavformat 60 only.
fn muxer_adds_delay() -> bool {
    format::version() >> 16 >= 60
}

/// What was being done when FFmpeg complained.
pub(super) fn writing(path: &Path) -> String {
    format!("cannot write `{}`", path.display())
}

/// `path` for FFmpeg, which would else take `a:b.mp4` for a network address.
pub(super) fn url(path: &Path) -> Result<String, OutputError> {
    let name = path.to_str().filter(|p| !p.contains('\0')).ok_or_else(|| OutputError::Name { path: path.to_path_buf() })?;
    Ok(format!("file:{name}"))
}
