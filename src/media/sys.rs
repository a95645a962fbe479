//! The few FFmpeg fields and calls that `ffmpeg-next` has no safe name for, each wrapped so that callers need no `unsafe`.
//!
//! Every function here takes a live wrapper by reference, so the pointers behind it are valid for the call.
#![allow(unsafe_code)]

use std::ptr;

use ffmpeg_next::codec::{Id, Parameters};
use ffmpeg_next::ffi;
use ffmpeg_next::{Codec, frame};

use crate::frame::ColorTags;

/// What of a stream's parameters decides how its packets are timed.
pub(super) struct AudioShape {
    /// Samples per second.
    pub rate: i32,
    /// Samples per packet, 0 when it varies.
    pub frame_size: i32,
    /// Samples at the start that a decoder throws away.
    pub padding: i32,
}

/// Reads the timing of an audio stream's parameters.
pub(super) fn audio_shape(parameters: &Parameters) -> AudioShape {
    // SAFETY: `Parameters` owns or keeps alive a whole AVCodecParameters.
    let p = unsafe { &*parameters.as_ptr() };
    AudioShape { rate: p.sample_rate, frame_size: p.frame_size, padding: p.initial_padding }
}

/// Sets the four-character code under which a container stores the codec; 0 lets the muxer choose.
pub(super) fn set_codec_tag(parameters: &mut Parameters, tag: u32) {
    // SAFETY: as above, and we hold it exclusively.
    unsafe { (*parameters.as_mut_ptr()).codec_tag = tag };
}

/// Replaces the codec's private header. Leaves none behind when memory is short.
pub(super) fn set_extradata(parameters: &mut Parameters, bytes: &[u8]) {
    // SAFETY: the old block was allocated by libav; the new one has the padding that libav asks for and is owned by `parameters`.
    unsafe {
        let p = &mut *parameters.as_mut_ptr();
        ffi::av_freep((&raw mut p.extradata).cast());
        p.extradata_size = 0;
        let block = ffi::av_mallocz(bytes.len() + ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize).cast::<u8>();
        if !block.is_null() {
            ptr::copy_nonoverlapping(bytes.as_ptr(), block, bytes.len());
            p.extradata = block;
            p.extradata_size = bytes.len() as i32;
        }
    }
}

/// Whether FFmpeg's muxer `format` stores `codec`.
pub(super) fn muxer_takes(format: &str, codec: Id) -> bool {
    let Ok(name) = std::ffi::CString::new(format) else { return false };
    // SAFETY: both calls only read static tables; a null format is caught.
    unsafe {
        let output = ffi::av_guess_format(name.as_ptr(), ptr::null(), ptr::null());
        !output.is_null() && ffi::avformat_query_codec(output, codec.into(), ffi::FF_COMPLIANCE_NORMAL) == 1
    }
}

/// The names of all video encoders of this FFmpeg.
pub(super) fn video_encoders() -> Vec<String> {
    let mut found = Vec::new();
    let mut at = ptr::null_mut();
    // SAFETY: av_codec_iterate walks a static list with `at` as its cursor and returns null at the end.
    unsafe {
        loop {
            let codec = ffi::av_codec_iterate(&raw mut at);
            if codec.is_null() {
                return found;
            }
            let codec = Codec::wrap(codec);
            if codec.is_encoder() && codec.is_video() {
                found.push(codec.name().to_owned());
            }
        }
    }
}

/// Makes sure nobody else (an encoder that still looks ahead) reads the frame's planes while they are rewritten.
pub(super) fn make_writable(frame: &mut frame::Video) -> Result<(), ffmpeg_next::Error> {
    // SAFETY: a frame with buffers of its own; libav copies them when they are shared.
    match unsafe { ffi::av_frame_make_writable(frame.as_mut_ptr()) } {
        0 => Ok(()),
        e => Err(e.into()),
    }
}

/// Writes the palette (0xAARRGGBB) of a PAL8 frame.
pub(super) fn set_palette(frame: &mut frame::Video, palette: &[u32; 256]) {
    // SAFETY: av_frame_get_buffer gives PAL8 frames a second plane of 256 words; any other frame is left alone.
    unsafe {
        let f = &mut *frame.as_mut_ptr();
        if f.format == ffi::AVPixelFormat::AV_PIX_FMT_PAL8 as i32 && !f.data[1].is_null() {
            ptr::copy_nonoverlapping(palette.as_ptr().cast::<u8>(), f.data[1], size_of_val(palette));
        }
    }
}

/// Tags a picture itself: some encoders write what the picture says and not what they were told at the start.
pub(super) fn set_tags(frame: &mut frame::Video, tags: ColorTags) {
    let known = |code: u8, top: u8| if code <= top { u32::from(code) } else { 2 };
    // SAFETY: the fields are C enums of H.273's code points, contiguous up to the bounds given in every FFmpeg since 4; greater codes
    // become 2, unspecified.
    unsafe {
        let f = frame.as_mut_ptr();
        (&raw mut (*f).color_primaries).cast::<u32>().write(known(tags.primaries, 12));
        (&raw mut (*f).color_trc).cast::<u32>().write(known(tags.transfer, 18));
        (&raw mut (*f).colorspace).cast::<u32>().write(known(tags.matrix, 14));
        (*f).color_range = if tags.full_range { ffi::AVColorRange::AVCOL_RANGE_JPEG } else { ffi::AVColorRange::AVCOL_RANGE_MPEG };
    }
}
