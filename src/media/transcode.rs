//! Sound decoded, resampled and encoded anew, cut to the sample.

use ffmpeg_next::format::Sample;
use ffmpeg_next::{ChannelLayout, Codec, Error, Packet, Rational, codec, encoder};

use super::audio::SoundDone;
use super::container::Container;
use super::mux::Muxer;
use super::pcm::{Pcm, open_decoder};
use super::reader::TrackReader;
use super::{MediaError, OutputError, sys};

/// Samples per frame for encoders that take any number.
const FREE_FRAME: usize = 1024;

/// Decoder, resampler, encoder.
pub(super) struct Transcoder {
    pcm: Pcm,
    encoder: encoder::Audio,
    stream: usize,
    /// Samples left out at the start, so that those which the encoder puts there take their place.
    head_start: i64,
}

impl Transcoder {
    /// Adds a stream to `muxer` for the sound of `reader` in a codec that `container` takes.
    pub(super) fn open(reader: TrackReader, container: &Container, muxer: &mut Muxer) -> Result<Self, MediaError> {
        let decoder = open_decoder(&reader)?;
        let (channels, rate) = (i32::from(decoder.channels()).max(1), decoder.rate());
        let found = container.audio_encoders.iter().find_map(|name| encoder::find_by_name(name));
        let codec = found.ok_or_else(|| OutputError::NoEncoder {
            codec: format!("the sound of `.{}` files", container.extension()),
            wanted: container.audio_encoders.join(", "),
            available: "the video alone".to_owned(),
        })?;
        let source = Some(decoder.channel_layout()).filter(|l| !l.is_empty());
        let layouts = [source.unwrap_or_else(|| ChannelLayout::default(channels)), ChannelLayout::default(channels), ChannelLayout::STEREO];
        let header = muxer.wants_global_header();
        // Encoders do not say reliably which layouts they take: the first that opens is it.
        let mut opened = Err(Error::EncoderNotFound);
        for layout in layouts {
            opened = open_encoder(codec, layout, nearest_rate(codec, rate), header);
            if opened.is_ok() {
                break;
            }
        }
        let encoder = opened.map_err(MediaError::ffmpeg(format!("cannot encode sound with {}", codec.name())))?;
        let parameters = codec::Parameters::from(&encoder);
        let padding = i64::from(sys::audio_shape(&parameters).padding);
        let head_start = if container.hides_padding() { 0 } else { padding };
        let stream = muxer.add(&parameters, Rational(1, encoder.rate() as i32), None)?;
        muxer.label(stream, &reader.labels);
        let pcm = Pcm::new(reader, decoder, (encoder.format(), encoder.channel_layout(), encoder.rate()), head_start);
        Ok(Self { pcm, encoder, stream, head_start })
    }

    fn rate(&self) -> i64 {
        i64::from(self.encoder.rate())
    }

    fn frame_size(&self) -> usize {
        Some(self.encoder.frame_size() as usize).filter(|n| *n > 0).unwrap_or(FREE_FRAME)
    }

    /// Encodes all whole frames that end before `seconds`.
    pub(super) fn until(&mut self, seconds: f64, muxer: &mut Muxer) -> Result<(), MediaError> {
        let limit = self.samples(seconds);
        let size = self.frame_size();
        while self.pcm.given + size as i64 <= limit && self.pcm.fill(size, self.encoder.channel_layout())? {
            self.encode(size, muxer)?;
        }
        Ok(())
    }

    /// Encodes the rest, up to `seconds`, and empties the encoder.
    pub(super) fn finish(mut self, seconds: f64, muxer: &mut Muxer) -> Result<SoundDone, MediaError> {
        self.until(seconds, muxer)?;
        let limit = self.samples(seconds);
        loop {
            let size = self.frame_size().min((limit - self.pcm.given).max(0) as usize);
            self.pcm.fill(size, self.encoder.channel_layout())?;
            let size = size.min(self.pcm.waiting());
            if size == 0 {
                break;
            }
            self.encode(size, muxer)?;
        }
        self.encoder.send_eof().map_err(MediaError::ffmpeg("cannot encode sound"))?;
        self.drain(muxer)?;
        let name = |id: codec::Id| id.name().to_owned();
        Ok(SoundDone::Reencoded(name(self.pcm.reader.parameters.id()), name(self.encoder.id())))
    }

    fn samples(&self, seconds: f64) -> i64 {
        (seconds.min(self.pcm.reader.length) * self.rate() as f64).round() as i64 - self.head_start
    }

    fn encode(&mut self, samples: usize, muxer: &mut Muxer) -> Result<(), MediaError> {
        let at = self.pcm.given + self.head_start;
        let mut frame = self.pcm.pop(samples, self.encoder.channel_layout());
        frame.set_pts(Some(at));
        self.encoder.send_frame(&frame).map_err(MediaError::ffmpeg("cannot encode sound"))?;
        self.drain(muxer)
    }

    fn drain(&mut self, muxer: &mut Muxer) -> Result<(), MediaError> {
        let mut packet = Packet::empty();
        while self.encoder.receive_packet(&mut packet).is_ok() {
            let next = std::mem::replace(&mut packet, Packet::empty());
            muxer.write(next, self.stream, Rational(1, self.encoder.rate() as i32))?;
        }
        Ok(())
    }
}

fn open_encoder(codec: Codec, layout: ChannelLayout, rate: u32, header: bool) -> Result<encoder::Audio, Error> {
    let mut audio = codec::Context::new_with_codec(codec).encoder().audio()?;
    let format = codec.audio().ok().and_then(|a| a.formats()).and_then(|mut f| f.next());
    audio.set_format(format.unwrap_or(Sample::F32(ffmpeg_next::format::sample::Type::Planar)));
    audio.set_rate(rate as i32);
    audio.set_channel_layout(layout);
    audio.set_time_base(Rational(1, rate as i32));
    // 96 kbit/s a channel is transparent with every codec here; lossless ones ignore it.
    audio.set_bit_rate(96_000 * layout.channels().max(1) as usize);
    if header {
        audio.set_flags(codec::Flags::GLOBAL_HEADER);
    }
    audio.open()
}

/// The least rate of the encoder's that loses nothing, or its highest.
fn nearest_rate(codec: Codec, rate: u32) -> u32 {
    let Some(rates) = codec.audio().ok().and_then(|a| a.rates()) else { return rate };
    let all: Vec<u32> = rates.map(|r| r as u32).collect();
    all.iter().copied().filter(|r| *r >= rate).min().or_else(|| all.iter().copied().max()).unwrap_or(rate)
}
