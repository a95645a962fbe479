//! The few questions about a stream that FFmpeg answers through raw pointers only.
#![allow(unsafe_code)] // `ffmpeg-next` has no safe way to these.

use ffmpeg_next::Packet;
use ffmpeg_next::ffi;
use ffmpeg_next::format::context::Input;
use ffmpeg_next::packet::Ref;

/// Display width of a stored pixel over its height, as container and codec agree; 1/1 if they do not say.
pub(super) fn sample_aspect(input: &mut Input, stream: usize) -> (u32, u32) {
    if stream >= input.nb_streams() as usize {
        return (1, 1);
    }
    // SAFETY: the context is alive and borrowed mutably, `stream` is one of its streams, and the frame may be null.
    let ratio = unsafe {
        let context = input.as_mut_ptr();
        ffi::av_guess_sample_aspect_ratio(context, *(*context).streams.add(stream), std::ptr::null_mut())
    };
    match (u32::try_from(ratio.num), u32::try_from(ratio.den)) {
        (Ok(num @ 1..), Ok(den @ 1..)) => (num, den),
        _ => (1, 1),
    }
}

/// Makes the demuxer pass over every stream but `keep`, so that nothing else is read from the file.
pub(super) fn discard_others(input: &mut Input, keep: usize) {
    // SAFETY: the context is alive and borrowed mutably, and has `nb_streams` streams.
    unsafe {
        let context = input.as_mut_ptr();
        for index in (0..(*context).nb_streams as usize).filter(|&index| index != keep) {
            (**(*context).streams.add(index)).discard = ffi::AVDiscard::AVDISCARD_ALL;
        }
    }
}

/// All flags of a packet; the safe accessor drops those that it has no name for.
pub(super) fn packet_flags(packet: &Packet) -> i32 {
    // SAFETY: a packet's pointer is valid while it lives.
    unsafe { (*packet.as_ptr()).flags }
}
