//! The video stream of a file: pixels, codec, packets.

use std::path::PathBuf;

use ffmpeg_next::{Dictionary, Packet, Rational, codec, encoder, frame};

use super::clock::Clock;
use super::gif::{Indexed, Quantizer};
use super::mux::{Muxer, writing};
use super::options::{EncodeOptions, Settings};
use super::reader::seconds;
use super::{MediaError, pixels, sys};
use crate::frame::{ColorTags, Frame, Raster, Size};

/// The size to code: even where the chroma is subsampled and the encoder cannot cut.
pub(super) fn coded_size(size: Size, settings: &Settings) -> Size {
    let Some(descriptor) = settings.pixel.descriptor().filter(|_| !settings.choice.takes_odd()) else { return size };
    let up = |length: usize, halvings: u8| length.next_multiple_of(1 << halvings);
    Size::new(up(size.width, descriptor.log2_chroma_w()), up(size.height, descriptor.log2_chroma_h()))
}

/// An open encoder and its stream.
pub(super) struct Video {
    encoder: encoder::Video,
    /// The FFmpeg encoder.
    pub name: String,
    /// The picture that frames are packed into.
    picture: frame::Video,
    quantizer: Option<Quantizer>,
    tags: ColorTags,
    stream: usize,
    unit: Rational,
    step: i64,
    /// The size of the pictures in the file.
    pub size: Size,
    /// How many went in.
    pub frames: u64,
    /// Decoding time of the newest packet, in seconds.
    pub written: f64,
    target: PathBuf,
}

impl Video {
    /// Opens the encoder and adds its stream to `muxer`; `tags` are the frames' or the author's.
    pub(super) fn open(
        options: &EncodeOptions,
        settings: &Settings,
        size: Size,
        tags: ColorTags,
        clock: &Clock,
        variable: bool,
        muxer: &mut Muxer,
    ) -> Result<Self, MediaError> {
        let gif = settings.container.muxer == "gif";
        let tags = if gif { ColorTags::SRGB } else { coded_tags(tags, options.tags.is_some(), settings, size)? };
        let rate = Rational(options.fps.0 as i32, options.fps.1 as i32);
        let (width, height) = (size.width as u32, size.height as u32);
        let doing = || format!("{} cannot encode {size} as {}", settings.choice.encoder, super::codec::name(settings.pixel));
        let mut video = codec::Context::new_with_codec(settings.choice.codec()?).encoder().video().map_err(MediaError::ffmpeg(doing()))?;
        video.set_width(width);
        video.set_height(height);
        video.set_format(settings.pixel);
        video.set_time_base(clock.unit);
        video.set_frame_rate(Some(rate));
        video.set_aspect_ratio(Rational(1, 1));
        if settings.container.muxer == "avi" {
            // AVI has no presentation times to put reordered frames right.
            video.set_max_b_frames(0);
        }
        if muxer.wants_global_header() {
            video.set_flags(codec::Flags::GLOBAL_HEADER);
        }
        let mut private = settings.choice.options(options, settings.pixel)?;
        if !gif {
            tag(&mut private, tags);
        }
        let encoder = video.open_with(private).map_err(MediaError::ffmpeg(doing()))?;
        let stream = muxer.add(&(&encoder).into(), clock.unit, (!variable).then_some(rate))?;
        let mut picture = frame::Video::new(settings.pixel, width, height);
        sys::set_tags(&mut picture, tags);
        Ok(Self {
            encoder,
            name: settings.choice.encoder.clone(),
            picture,
            quantizer: gif.then(|| Quantizer::new(size)),
            tags,
            stream,
            unit: clock.unit,
            step: clock.step(),
            size,
            frames: 0,
            written: 0.0,
            target: options.path.clone(),
        })
    }

    /// Encodes `frame`, to be shown from `stamp` on.
    pub(super) fn push(&mut self, frame: &Frame, stamp: i64, muxer: &mut Muxer) -> Result<(), MediaError> {
        if let Some(quantizer) = &mut self.quantizer {
            let ready = quantizer.push(frame, stamp);
            return self.push_indexed(&ready, muxer);
        }
        sys::make_writable(&mut self.picture).map_err(MediaError::ffmpeg(writing(&self.target)))?;
        if frame.size() == self.size {
            pixels::pack(frame, &mut self.picture, self.tags)?;
        } else {
            pixels::pack(&extended(frame, self.size), &mut self.picture, self.tags)?;
        }
        self.send(stamp, muxer)
    }

    fn push_indexed(&mut self, ready: &[Indexed], muxer: &mut Muxer) -> Result<(), MediaError> {
        for image in ready {
            sys::make_writable(&mut self.picture).map_err(MediaError::ffmpeg(writing(&self.target)))?;
            sys::set_palette(&mut self.picture, &image.palette);
            let stride = self.picture.stride(0);
            for (to, from) in self.picture.data_mut(0).chunks_mut(stride).zip(image.indices.chunks(self.size.width)) {
                to[..from.len()].copy_from_slice(from);
            }
            self.send(image.stamp, muxer)?;
        }
        Ok(())
    }

    fn send(&mut self, stamp: i64, muxer: &mut Muxer) -> Result<(), MediaError> {
        self.picture.set_pts(Some(stamp));
        self.encoder.send_frame(&self.picture).map_err(MediaError::ffmpeg(writing(&self.target)))?;
        self.frames += 1;
        self.drain(muxer)
    }

    /// Empties what holds frames back.
    pub(super) fn end(&mut self, muxer: &mut Muxer) -> Result<(), MediaError> {
        if let Some(mut quantizer) = self.quantizer.take() {
            self.push_indexed(&quantizer.flush(), muxer)?;
        }
        self.encoder.send_eof().map_err(MediaError::ffmpeg(writing(&self.target)))?;
        self.drain(muxer)
    }

    fn drain(&mut self, muxer: &mut Muxer) -> Result<(), MediaError> {
        loop {
            let mut packet = Packet::empty();
            match self.encoder.receive_packet(&mut packet) {
                Ok(()) => {}
                Err(ffmpeg_next::Error::Eof | ffmpeg_next::Error::Other { errno: ffmpeg_next::error::EAGAIN }) => return Ok(()),
                Err(why) => return Err(MediaError::ffmpeg(writing(&self.target))(why)),
            }
            if packet.duration() == 0 {
                packet.set_duration(self.step);
            }
            self.written = packet.dts().map_or(self.written, |dts| seconds(dts, self.unit));
            muxer.write(packet, self.stream, self.unit)?;
        }
    }
}

/// The tags to code with: pictures that came as RGB are coded as video is, unless the author says otherwise.
fn coded_tags(tags: ColorTags, explicit: bool, settings: &Settings, size: Size) -> Result<ColorTags, MediaError> {
    let still = tags.matrix == 0 && !explicit && !pixels::is_rgb(settings.pixel);
    let tags = if still { ColorTags { matrix: 1, full_range: false, ..tags } } else { tags };
    pixels::resolve(tags, settings.pixel, size)
}

/// Tells the encoder, which writes it into the stream, what the numbers mean.
fn tag(options: &mut Dictionary, tags: ColorTags) {
    options.set("color_primaries", &tags.primaries.to_string());
    options.set("color_trc", &tags.transfer.to_string());
    options.set("colorspace", &tags.matrix.to_string());
    options.set("color_range", if tags.full_range { "2" } else { "1" });
}

/// `frame` with its last row and column repeated up to `size`.
fn extended(frame: &Frame, size: Size) -> Frame {
    let from = frame.size();
    let mut raster = Raster::uninit(size, frame.raster.planes());
    for (index, plane) in raster.planes_mut().enumerate() {
        let source = frame.raster.plane(index);
        for (y, row) in plane.chunks_exact_mut(size.width).enumerate() {
            let start = y.min(from.height - 1) * from.width;
            let (kept, repeated) = row.split_at_mut(from.width);
            kept.copy_from_slice(&source[start..start + from.width]);
            repeated.fill(kept[from.width - 1]);
        }
    }
    Frame::new(raster, frame.tags)
}
