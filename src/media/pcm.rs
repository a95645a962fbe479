//! Sound decoded, resampled, and stretched where the pictures are, in its place on the track's clock.

use ffmpeg_next::format::Sample;
use ffmpeg_next::software::resampling;
use ffmpeg_next::{ChannelLayout, Error, codec, decoder, frame};

use super::MediaError;
use super::reader::TrackReader;
use super::stretch::{Planes, Stretcher};

/// Seconds of silence that one gap may be filled with; more than this is a broken clock, and would be held in memory.
const LONGEST_SILENCE: i64 = 120;

/// The samples of a track from its start on, without holes: decoder, resampler, queue.
///
/// The layout of channels comes with every call: FFmpeg 7's `ChannelLayout` holds a pointer, and could not change threads.
pub(super) struct Pcm {
    /// Where the packets come from.
    pub reader: TrackReader,
    decoder: decoder::Audio,
    /// With what it was made for: format, channels, rate.
    resampler: Option<(resampling::Context, (Sample, u64, u32))>,
    /// For sound that lasts longer than in the file, and what turns its samples into those of the queue.
    stretcher: Option<(Stretcher, Option<resampling::Context>)>,
    /// Samples that went through the stretcher so far, in the file's time.
    stretched: i64,
    queue: Queue,
    format: Sample,
    rate: u32,
    /// Samples left out at the start.
    head_start: i64,
    /// Samples handed out so far.
    pub given: i64,
    ended: bool,
}

impl Pcm {
    /// The sound of `reader` in `format`, `layout` and `rate`, without its first `head_start` samples.
    pub(super) fn new(
        reader: TrackReader,
        decoder: decoder::Audio,
        (format, layout, rate): (Sample, ChannelLayout, u32),
        head_start: i64,
    ) -> Self {
        let queue = Queue::new(format, layout);
        let channels = layout.channels().max(1) as usize;
        let stretcher = (reader.stretch != 1.0).then(|| (Stretcher::new(channels, rate, reader.stretch), None));
        Self { reader, decoder, resampler: None, stretcher, stretched: 0, queue, format, rate, head_start, given: 0, ended: false }
    }

    /// Samples that wait.
    pub(super) fn waiting(&self) -> usize {
        self.queue.samples()
    }

    /// Decodes until `samples` wait; whether they do.
    pub(super) fn fill(&mut self, samples: usize, layout: ChannelLayout) -> Result<bool, MediaError> {
        while self.queue.samples() < samples && !self.ended {
            if let Some(packet) = self.reader.next()? {
                // A damaged packet costs its own sound only.
                let _ = self.decoder.send_packet(&packet);
            } else {
                let _ = self.decoder.send_eof();
                self.ended = true;
            }
            let mut decoded = frame::Audio::empty();
            while self.decoder.receive_frame(&mut decoded).is_ok() {
                self.take(&mut decoded, layout).map_err(MediaError::ffmpeg("cannot resample sound"))?;
            }
            if let Some((stretcher, _)) = self.stretcher.as_mut().filter(|_| self.ended) {
                let rest = stretcher.finish();
                self.lengthened(&rest, layout).map_err(MediaError::ffmpeg("cannot resample sound"))?;
            }
        }
        Ok(self.queue.samples() >= samples)
    }

    /// Takes `samples` of those that wait.
    pub(super) fn pop(&mut self, samples: usize, layout: ChannelLayout) -> frame::Audio {
        let mut frame = self.queue.pop(samples, layout);
        frame.set_rate(self.rate);
        self.given += samples as i64;
        frame
    }

    /// Resamples one decoded frame to the queue, in its place on the output's clock.
    fn take(&mut self, decoded: &mut frame::Audio, layout: ChannelLayout) -> Result<(), Error> {
        if decoded.channel_layout().is_empty() {
            decoded.set_channel_layout(ChannelLayout::default(i32::from(decoded.channels()).max(1)));
        }
        let skip = self.align(decoded, layout)?;
        let made = if self.stretcher.is_some() { STRETCHED } else { self.format };
        let (format, source, rate) = (decoded.format(), decoded.channel_layout(), decoded.rate());
        let from = (format, source.bits(), rate);
        if !self.resampler.as_ref().is_some_and(|(_, was)| *was == from) {
            let context = resampling::Context::get(format, source, rate, made, layout, self.rate)?;
            self.resampler = Some((context, from));
        }
        let Some((resampler, _)) = &mut self.resampler else { return Ok(()) };
        let room = decoded.samples() * self.rate as usize / rate.max(1) as usize + 64;
        let waiting = resampler.delay().map_or(0, |d| d.output.max(0) as usize);
        let mut out = frame::Audio::new(made, room + waiting, layout);
        out.set_rate(self.rate);
        resampler.run(decoded, &mut out)?;
        let Some((stretcher, _)) = &mut self.stretcher else {
            self.queue.push(&out, skip);
            return Ok(());
        };
        let sound: Planes = (0..out.planes()).map(|plane| out.plane::<f32>(plane).iter().skip(skip).copied().collect()).collect();
        self.stretched += sound.first().map_or(0, Vec::len) as i64;
        let longer = stretcher.push(&sound);
        self.lengthened(&longer, layout)
    }

    /// Puts stretched sound into the queue.
    fn lengthened(&mut self, sound: &Planes, layout: ChannelLayout) -> Result<(), Error> {
        let samples = sound.first().map_or(0, Vec::len);
        let Some((_, turn)) = self.stretcher.as_mut().filter(|_| samples > 0) else { return Ok(()) };
        let mut from = frame::Audio::new(STRETCHED, samples, layout);
        from.set_rate(self.rate);
        for (index, plane) in sound.iter().enumerate() {
            from.plane_mut::<f32>(index).copy_from_slice(plane);
        }
        if self.format == STRETCHED {
            self.queue.push(&from, 0);
            return Ok(());
        }
        let turn = match turn {
            Some(turn) => turn,
            None => turn.insert(resampling::Context::get(STRETCHED, layout, self.rate, self.format, layout, self.rate)?),
        };
        let mut out = frame::Audio::new(self.format, samples + 64, layout);
        out.set_rate(self.rate);
        turn.run(&from, &mut out)?;
        self.queue.push(&out, 0);
        Ok(())
    }

    /// Compares the frame's time with where the queue ends: fills a gap with silence; or the number of samples to skip.
    fn align(&mut self, decoded: &frame::Audio, layout: ChannelLayout) -> Result<usize, Error> {
        let Some(pts) = decoded.timestamp() else { return Ok(0) };
        let rate = i64::from(self.rate);
        let unit = self.reader.time_base;
        let at = (pts as f64 * f64::from(unit.0) / f64::from(unit.1) * rate as f64).round() as i64
            - (self.head_start as f64 / self.reader.stretch).round() as i64;
        let have = if self.stretcher.is_some() { self.stretched } else { self.given + self.queue.samples() as i64 };
        // Within the run only real gaps count; at its start every sample does.
        let slack = if have == 0 { 0 } else { rate / 25 };
        Ok(match at - have {
            gap if gap > slack => {
                self.silence(gap.min(rate * LONGEST_SILENCE) as usize, layout)?;
                0
            }
            gap if gap < -slack => -gap as usize,
            _ => 0,
        })
    }

    /// Adds silence before what comes next, in the file's time.
    fn silence(&mut self, samples: usize, layout: ChannelLayout) -> Result<(), Error> {
        let Some((stretcher, _)) = &mut self.stretcher else {
            self.queue.silence(samples);
            return Ok(());
        };
        self.stretched += samples as i64;
        let longer = stretcher.push(&vec![vec![0.0; samples]; layout.channels().max(1) as usize]);
        self.lengthened(&longer, layout)
    }
}

/// Samples as the stretcher has them.
const STRETCHED: Sample = Sample::F32(ffmpeg_next::format::sample::Type::Planar);

/// A decoder for the sound of `reader`.
pub(super) fn open_decoder(reader: &TrackReader) -> Result<decoder::Audio, MediaError> {
    let doing = || format!("cannot decode the sound of `{}`", reader.path.display());
    let context = codec::Context::from_parameters(reader.parameters.clone()).map_err(MediaError::ffmpeg(doing()))?;
    let mut decoder = context.decoder();
    decoder.set_packet_time_base(reader.time_base);
    decoder.audio().map_err(MediaError::ffmpeg(doing()))
}

/// Samples between the resampler and whoever takes them, plane by plane.
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
