//! Sound decoded, resampled and encoded anew, cut to the sample.

use ffmpeg_next::format::Sample;
use ffmpeg_next::software::resampling;
use ffmpeg_next::{ChannelLayout, Codec, Error, Packet, Rational, codec, decoder, encoder, frame};

use super::audio::SoundDone;
use super::container::Container;
use super::mux::Muxer;
use super::reader::TrackReader;
use super::{MediaError, OutputError, sys};

/// Samples per frame for encoders that take any number.
const FREE_FRAME: usize = 1024;

/// Seconds of silence that one gap may be filled with; more than this is a broken clock, and would be held in memory.
const LONGEST_SILENCE: i64 = 120;

/// Decoder, resampler, encoder.
pub(super) struct Transcoder {
    reader: TrackReader,
    decoder: decoder::Audio,
    /// With what it was made for: format, channels, rate. (FFmpeg 7's `ChannelLayout` holds a pointer, and could not change threads.)
    resampler: Option<(resampling::Context, (Sample, u64, u32))>,
    encoder: encoder::Audio,
    queue: Queue,
    stream: usize,
    /// Samples left out at the start, so that those which the encoder puts there take their place.
    head_start: i64,
    /// Samples handed to the encoder so far.
    sent: i64,
    source_ended: bool,
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
        let queue = Queue::new(encoder.format(), encoder.channel_layout());
        Ok(Self { reader, decoder, resampler: None, encoder, queue, stream, head_start, sent: 0, source_ended: false })
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
        while self.sent + size as i64 <= limit && self.fill(size)? {
            self.encode(size, muxer)?;
        }
        Ok(())
    }

    /// Encodes the rest, up to `seconds`, and empties the encoder.
    pub(super) fn finish(mut self, seconds: f64, muxer: &mut Muxer) -> Result<SoundDone, MediaError> {
        self.until(seconds, muxer)?;
        let limit = self.samples(seconds);
        loop {
            let size = self.frame_size().min((limit - self.sent).max(0) as usize);
            self.fill(size)?;
            let size = size.min(self.queue.samples());
            if size == 0 {
                break;
            }
            self.encode(size, muxer)?;
        }
        self.encoder.send_eof().map_err(MediaError::ffmpeg("cannot encode sound"))?;
        self.drain(muxer)?;
        let name = |id: codec::Id| id.name().to_owned();
        Ok(SoundDone::Reencoded(name(self.reader.parameters.id()), name(self.encoder.id())))
    }

    fn samples(&self, seconds: f64) -> i64 {
        (seconds.min(self.reader.length) * self.rate() as f64).round() as i64 - self.head_start
    }

    /// Decodes until `samples` wait in the queue; whether they do.
    fn fill(&mut self, samples: usize) -> Result<bool, MediaError> {
        while self.queue.samples() < samples && !self.source_ended {
            if let Some(packet) = self.reader.next()? {
                // A damaged packet costs its own sound only.
                let _ = self.decoder.send_packet(&packet);
            } else {
                let _ = self.decoder.send_eof();
                self.source_ended = true;
            }
            let mut decoded = frame::Audio::empty();
            while self.decoder.receive_frame(&mut decoded).is_ok() {
                self.take(&mut decoded).map_err(MediaError::ffmpeg("cannot resample sound"))?;
            }
        }
        Ok(self.queue.samples() >= samples)
    }

    /// Resamples one decoded frame to the queue, in its place on the output's clock.
    fn take(&mut self, decoded: &mut frame::Audio) -> Result<(), Error> {
        if decoded.channel_layout().is_empty() {
            decoded.set_channel_layout(ChannelLayout::default(i32::from(decoded.channels()).max(1)));
        }
        let out_rate = self.encoder.rate();
        let skip = self.align(decoded);
        let (format, layout, rate) = (decoded.format(), decoded.channel_layout(), decoded.rate());
        let from = (format, layout.bits(), rate);
        if !self.resampler.as_ref().is_some_and(|(_, was)| *was == from) {
            let encoder = &self.encoder;
            let context = resampling::Context::get(format, layout, rate, encoder.format(), encoder.channel_layout(), out_rate)?;
            self.resampler = Some((context, from));
        }
        let Some((resampler, _)) = &mut self.resampler else { return Ok(()) };
        let room = decoded.samples() * out_rate as usize / rate.max(1) as usize + 64;
        let waiting = resampler.delay().map_or(0, |d| d.output.max(0) as usize);
        let mut out = frame::Audio::new(self.encoder.format(), room + waiting, self.encoder.channel_layout());
        out.set_rate(out_rate);
        resampler.run(decoded, &mut out)?;
        self.queue.push(&out, skip);
        Ok(())
    }

    /// Compares the frame's time with where the queue ends: fills a gap with silence; or the number of samples to skip.
    fn align(&mut self, decoded: &frame::Audio) -> usize {
        let Some(pts) = decoded.timestamp() else { return 0 };
        let rate = self.rate();
        let unit = self.reader.time_base;
        let at = (pts as f64 * f64::from(unit.0) / f64::from(unit.1) * rate as f64).round() as i64 - self.head_start;
        let have = self.sent + self.queue.samples() as i64;
        // Within the run only real gaps count; at its start every sample does.
        let slack = if have == 0 { 0 } else { rate / 25 };
        match at - have {
            gap if gap > slack => {
                self.queue.silence(gap.min(rate * LONGEST_SILENCE) as usize);
                0
            }
            gap if gap < -slack => -gap as usize,
            _ => 0,
        }
    }

    fn encode(&mut self, samples: usize, muxer: &mut Muxer) -> Result<(), MediaError> {
        let mut frame = self.queue.pop(samples, self.encoder.channel_layout());
        frame.set_rate(self.encoder.rate());
        frame.set_pts(Some(self.sent + self.head_start));
        self.sent += samples as i64;
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

fn open_decoder(reader: &TrackReader) -> Result<decoder::Audio, MediaError> {
    let doing = || format!("cannot decode the sound of `{}`", reader.path.display());
    let context = codec::Context::from_parameters(reader.parameters.clone()).map_err(MediaError::ffmpeg(doing()))?;
    let mut decoder = context.decoder();
    decoder.set_packet_time_base(reader.time_base);
    decoder.audio().map_err(MediaError::ffmpeg(doing()))
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

/// Samples between the resampler and the encoder, plane by plane in the encoder's format.
struct Queue {
    planes: Vec<Vec<u8>>,
    format: Sample,
    /// Bytes of one sample in a plane.
    step: usize,
}

impl Queue {
    fn new(format: Sample, layout: ChannelLayout) -> Self {
        let channels = layout.channels().max(1) as usize;
        let (planes, step) = if format.is_planar() { (channels, format.bytes()) } else { (1, format.bytes() * channels) };
        Self { planes: vec![Vec::new(); planes], format, step }
    }

    fn samples(&self) -> usize {
        self.planes[0].len() / self.step
    }

    fn push(&mut self, frame: &frame::Audio, skip: usize) {
        for (index, plane) in self.planes.iter_mut().enumerate() {
            let data = &frame.data(index)[..frame.samples() * self.step];
            plane.extend_from_slice(&data[(skip * self.step).min(data.len())..]);
        }
    }

    fn silence(&mut self, samples: usize) {
        for plane in &mut self.planes {
            plane.resize(plane.len() + samples * self.step, 0);
        }
    }

    fn pop(&mut self, samples: usize, layout: ChannelLayout) -> frame::Audio {
        let mut frame = frame::Audio::new(self.format, samples, layout);
        for (index, plane) in self.planes.iter_mut().enumerate() {
            let bytes = samples * self.step;
            frame.data_mut(index)[..bytes].copy_from_slice(&plane[..bytes]);
            plane.drain(..bytes);
        }
        frame
    }
}
