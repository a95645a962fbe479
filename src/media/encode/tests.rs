//! Files written, then read back with libav.

use std::fs;
use std::path::Path;

use ffmpeg_next::{Packet, Rational, codec, decoder, format, frame, media};

use super::*;
use crate::frame::{ColorTags, Track};
use crate::media::pixels;
use crate::media::reader::seconds;

/// A stream as the file describes it.
#[derive(Debug)]
struct Stream {
    codec: codec::Id,
    /// Each packet's start and duration in seconds, in order of presentation.
    packets: Vec<(f64, f64)>,
}

impl Stream {
    fn end(&self) -> f64 {
        self.packets.iter().map(|(start, lasts)| start + lasts).fold(0.0, f64::max)
    }
}

fn streams(path: &Path) -> Vec<Stream> {
    let mut input = format::input(path).unwrap();
    let mut found: Vec<Stream> = input.streams().map(|s| Stream { codec: s.parameters().id(), packets: Vec::new() }).collect();
    let units: Vec<_> = input.streams().map(|s| s.time_base()).collect();
    let mut packet = Packet::empty();
    while packet.read(&mut input).is_ok() {
        let unit = units[packet.stream()];
        let start = packet.pts().or(packet.dts()).unwrap();
        found[packet.stream()].packets.push((seconds(start, unit), seconds(packet.duration(), unit)));
    }
    for stream in &mut found {
        stream.packets.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    found
}

/// Feeds every packet of the best stream of `kind` to a decoder, and lets `drain` take what comes out.
fn decode<D: std::ops::DerefMut<Target = decoder::Opened>>(
    path: &Path,
    kind: media::Type,
    open: impl FnOnce(decoder::Decoder) -> D,
    mut drain: impl FnMut(&mut D, Rational),
) {
    let mut input = format::input(path).unwrap();
    let (index, unit, parameters) = input.streams().best(kind).map(|s| (s.index(), s.time_base(), s.parameters())).unwrap();
    let mut context = codec::Context::from_parameters(parameters).unwrap().decoder();
    context.set_packet_time_base(unit);
    let mut decoder = open(context);
    let mut packet = Packet::empty();
    while packet.read(&mut input).is_ok() {
        if packet.stream() == index {
            decoder.send_packet(&packet).unwrap();
            drain(&mut decoder, unit);
        }
    }
    decoder.send_eof().unwrap();
    drain(&mut decoder, unit);
}

/// All pictures, each with its time.
fn pictures(path: &Path) -> Vec<(Frame, f64)> {
    let mut out = Vec::new();
    let drain = |decoder: &mut decoder::Video, unit| {
        let mut picture = frame::Video::empty();
        while decoder.receive_frame(&mut picture).is_ok() {
            let frame = pixels::unpack(&picture, pixels::tags_of(&picture).unwrap()).unwrap();
            out.push((frame, seconds(picture.timestamp().unwrap(), unit)));
        }
    };
    decode(path, media::Type::Video, |d| d.video().unwrap(), drain);
    out
}

/// Two seconds of the first channel, on a clock of `rate` that starts at zero.
fn sound(path: &Path, rate: usize) -> Vec<f32> {
    let mut out = vec![0.0; rate * 2];
    let drain = |decoder: &mut decoder::Audio, unit| {
        let mut decoded = frame::Audio::empty();
        while decoder.receive_frame(&mut decoded).is_ok() {
            let start = (seconds(decoded.timestamp().unwrap(), unit) * rate as f64).round() as i64;
            for (i, sample) in decoded.plane::<f32>(0).iter().enumerate() {
                if let Some(slot) = usize::try_from(start + i as i64).ok().and_then(|at| out.get_mut(at)) {
                    *slot = *sample;
                }
            }
        }
    };
    decode(path, media::Type::Audio, |d| d.audio().unwrap(), drain);
    out
}

const RATE: usize = 48_000;

/// A mono file of `seconds` with a click at every time of `clicks`.
fn wav(path: &Path, seconds: f64, clicks: &[f64]) {
    let mut samples = vec![0_i16; (seconds * RATE as f64) as usize];
    for click in clicks {
        let at = (click * RATE as f64) as usize;
        samples[at..at + 8].copy_from_slice(&[20_000, -20_000, 25_000, -25_000, 25_000, -25_000, 20_000, -20_000]);
    }
    let bytes = samples.len() as u32 * 2;
    let mut out = b"RIFF".to_vec();
    out.extend((36 + bytes).to_le_bytes());
    out.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    out.extend((RATE as u32).to_le_bytes());
    out.extend((RATE as u32 * 2).to_le_bytes());
    out.extend(b"\x02\0\x10\0data");
    out.extend(bytes.to_le_bytes());
    out.extend(samples.iter().flat_map(|s| s.to_le_bytes()));
    fs::write(path, out).unwrap();
}

/// Where the loudest sample within 0.1 s of `near` lies.
fn click(sound: &[f32], near: f64) -> f64 {
    let range = ((near - 0.1) * RATE as f64) as usize..((near + 0.1) * RATE as f64) as usize;
    let loudest = range.max_by(|a, b| sound[*a].abs().total_cmp(&sound[*b].abs())).unwrap();
    assert!(sound[loudest].abs() > 0.1, "no click near {near}");
    loudest as f64 / RATE as f64
}

/// A picture of soft colours that changes with `tick`, on 8-bit values.
fn scene(size: Size, tick: usize) -> Frame {
    let mut frame = Frame::filled(size, [0.0; 3]);
    for (c, plane) in frame.raster.planes_mut().enumerate() {
        for (i, value) in plane.iter_mut().enumerate() {
            let (x, y) = (i % size.width, i / size.width);
            *value = ((x * (3 + c) + y * (5 - c) + tick * 7) % 256) as f32 / 255.0;
        }
    }
    frame
}

fn write(options: EncodeOptions, frames: usize, size: Size) -> Summary {
    let mut encoder = Encoder::open(options).unwrap();
    for tick in 0..frames {
        encoder.push(&scene(size, tick), None).unwrap();
    }
    encoder.finish().unwrap()
}

fn eight_bit(frame: &Frame) -> Vec<u8> {
    frame.raster.data().iter().map(|v| (v * 255.0).round() as u8).collect()
}

/// Options for a small fast file.
fn fast(path: &Path) -> EncodeOptions {
    EncodeOptions { preset: Some("ultrafast".into()), ..EncodeOptions::new(path, (25, 1)) }
}

#[test]
fn ffv1_gives_every_eight_bit_colour_back() {
    let dir = tempfile::tempdir().unwrap();
    let size = Size::new(67, 35);
    for pix_fmt in [None, Some("gbrp10le"), Some("bgr0")] {
        let path = dir.path().join("lossless.mkv");
        let options = EncodeOptions { codec: Some("ffv1".into()), pix_fmt: pix_fmt.map(Into::into), ..EncodeOptions::new(&path, (25, 1)) };
        let summary = write(options, 3, size);
        assert_eq!((summary.frames, summary.size, summary.notes.len()), (3, size, 0));
        let back = pictures(&path);
        assert_eq!(back.len(), 3);
        for (tick, (frame, _)) in back.iter().enumerate() {
            assert!(eight_bit(frame) == eight_bit(&scene(size, tick)), "{pix_fmt:?}");
        }
    }
}

#[test]
fn ten_generations_show_no_drift() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("again.mkv");
    let options = || EncodeOptions { codec: Some("ffv1".into()), pix_fmt: Some("yuv420p".into()), ..EncodeOptions::new(&path, (25, 1)) };
    let size = Size::new(64, 48);
    write(options(), 2, size);
    let first: Vec<_> = pictures(&path).into_iter().map(|(frame, _)| frame).collect();
    let mut now = first.clone();
    for _ in 0..10 {
        let mut encoder = Encoder::open(options()).unwrap();
        for frame in &now {
            encoder.push(frame, None).unwrap();
        }
        encoder.finish().unwrap();
        now = pictures(&path).into_iter().map(|(frame, _)| frame).collect();
    }
    for (a, b) in first.iter().zip(&now) {
        assert!(a.raster.data() == b.raster.data() && a.tags == b.tags);
    }
}

#[test]
fn sound_is_encoded_where_needed_and_copied_where_possible_and_stays_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let [wave, first, second, third] = ["a.wav", "a.mp4", "b.mp4", "c.mkv"].map(|name| dir.path().join(name));
    wav(&wave, 3.0, &[0.5, 1.0]);
    let track = |path: &Path, stream, from| Some(Track { path: path.to_path_buf(), stream, from, to: None, stretch: 1.0 });
    let size = Size::new(64, 48);

    let summary = write(EncodeOptions { audio: track(&wave, 0, 0.0), ..fast(&first) }, 50, size);
    assert_eq!(summary.sound, SoundDone::Reencoded("pcm_s16le".into(), "aac".into()));
    let found = streams(&first);
    assert_eq!((found[0].codec, found[1].codec), (codec::Id::H264, codec::Id::AAC));
    assert!((found[0].end() - 2.0).abs() < 1e-6 && (found[1].end() - 2.0).abs() < 0.022, "{found:?}");
    let heard = sound(&first, RATE);
    for at in [0.5, 1.0] {
        assert!((click(&heard, at) - at).abs() < 0.001);
    }

    // From 0.2137 s on, for 0.8 s: the cut falls inside a packet.
    for (path, tolerance) in [(&second, 0.001), (&third, 0.002)] {
        let summary = write(EncodeOptions { audio: track(&first, 1, 0.2137), ..fast(path) }, 20, size);
        assert_eq!(summary.sound, SoundDone::Copied("aac".into()));
        let found = streams(path);
        assert!((found[0].end() - 0.8).abs() < 0.002 && (found[1].end() - 0.8).abs() < 0.022, "{found:?}");
        let heard = sound(path, RATE);
        for at in [0.5, 1.0] {
            let at = at - 0.2137;
            assert!((click(&heard, at) - at).abs() < tolerance, "{path:?}: {} for {at}", click(&heard, at));
        }
    }
}

#[test]
fn a_track_that_ends_early_ends_the_sound_early() {
    let dir = tempfile::tempdir().unwrap();
    let [wave, path] = ["a.wav", "a.mkv"].map(|name| dir.path().join(name));
    wav(&wave, 3.0, &[0.5]);
    let track = Track { path: wave, stream: 0, from: 0.25, to: Some(0.75), stretch: 1.0 };
    let summary = write(EncodeOptions { audio: Some(track), ..fast(&path) }, 25, Size::new(64, 48));
    assert_eq!(summary.sound, SoundDone::Copied("pcm_s16le".into()));
    let found = streams(&path);
    assert!((found[0].end() - 1.0).abs() < 0.002 && (found[1].end() - 0.5).abs() < 0.05, "{found:?}");
}

#[test]
fn subtitles_are_cut_shifted_and_turned_into_what_the_container_shows() {
    let dir = tempfile::tempdir().unwrap();
    let words = dir.path().join("words.srt");
    let text = "1\n00:00:00,100 --> 00:00:00,700\n<i>one</i>\n\n2\n00:00:01,000 --> 00:00:01,300\ntwo\n\n3\n00:00:01,400 --> 00:00:09,000\nthree\n\n";
    fs::write(&words, text).unwrap();
    for (name, id) in [("a.mp4", codec::Id::MOV_TEXT), ("a.mkv", codec::Id::SUBRIP), ("a.webm", codec::Id::WEBVTT)] {
        let path = dir.path().join(name);
        let subtitles = Some(Track { path: words.clone(), stream: 0, from: 0.5, to: None, stretch: 1.0 });
        let summary = write(EncodeOptions { subtitles, ..fast(&path) }, 25, Size::new(64, 48));
        assert!(summary.notes.is_empty(), "{:?}", summary.notes);
        let found = streams(&path);
        assert_eq!(found[1].codec, id);
        let spoken: Vec<_> = found[1].packets.iter().filter(|p| p.1 > 0.0).map(|p| (p.0 * 1000.0).round() as i64).collect();
        // MP4 fills the pauses with empty samples.
        assert!([0, 500, 900].iter().all(|t| spoken.contains(t)), "{name}: {spoken:?}");
        assert!(found[1].end() < 1.01, "{name}: {:?}", found[1].packets);
    }
    let subtitles = Some(Track { path: words, stream: 0, from: 0.0, to: None, stretch: 1.0 });
    let summary = write(EncodeOptions { subtitles, ..fast(&dir.path().join("a.avi")) }, 5, Size::new(64, 48));
    assert!(summary.notes[0].contains("`.avi` files cannot hold subrip"), "{:?}", summary.notes);
}

#[test]
fn nothing_is_left_of_an_abandoned_file_and_an_interrupted_one_plays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/out.mp4");
    let mut encoder = Encoder::open(fast(&path)).unwrap();
    encoder.push(&scene(Size::new(64, 48), 0), None).unwrap();
    assert!(!path.exists() && path.with_file_name("out.partial.mp4").exists());
    drop(encoder);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 0);

    let summary = write(fast(&path), 7, Size::new(64, 48));
    assert_eq!((summary.frames, summary.bytes), (7, fs::metadata(&path).unwrap().len()));
    assert_eq!(pictures(&path).len(), 7);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);

    let empty = Encoder::open(fast(&dir.path().join("none.mp4"))).unwrap().finish().unwrap();
    assert!(empty.bytes == 0 && empty.notes[0].contains("no frame came") && !empty.path.exists());
}

#[test]
fn odd_sizes_are_kept_or_made_even_with_a_note() {
    let dir = tempfile::tempdir().unwrap();
    let size = Size::new(65, 47);
    let summary = write(fast(&dir.path().join("odd.mp4")), 2, size);
    assert_eq!(summary.size, Size::new(66, 48));
    assert!(summary.notes[0].contains("66x48 of 65x47"), "{:?}", summary.notes);
    for (name, pix_fmt) in [("odd.webm", None), ("odd444.mp4", Some("yuv444p"))] {
        let path = dir.path().join(name);
        let summary = write(EncodeOptions { pix_fmt: pix_fmt.map(Into::into), ..fast(&path) }, 2, size);
        assert!(summary.size == size && summary.notes.is_empty() && pictures(&path)[1].0.size() == size, "{summary:?}");
    }
}

#[test]
fn ten_bits_and_colour_tags_reach_the_stream() {
    let dir = tempfile::tempdir().unwrap();
    let tags = ColorTags { primaries: 9, transfer: 16, matrix: 9, full_range: false, pixel: None };
    for (name, codec) in [("hdr.mp4", "h264"), ("hdr.mov", "prores"), ("hdr.mkv", "hevc")] {
        let path = dir.path().join(name);
        let pix_fmt = (codec != "prores").then(|| "yuv420p10le".to_owned());
        let preset = (codec != "prores").then(|| "ultrafast".to_owned());
        let options =
            EncodeOptions { codec: Some(codec.into()), pix_fmt, preset, tags: Some(tags), ..EncodeOptions::new(&path, (30_000, 1001)) };
        write(options, 3, Size::new(128, 96));
        let (frame, at) = &pictures(&path)[2];
        assert_eq!(ColorTags { pixel: None, ..frame.tags }, tags, "{name}");
        assert!((at - 2.0 * 1001.0 / 30_000.0).abs() < 0.001, "{name}: {at}");
    }
}

#[test]
fn stills_become_ordinary_video() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("still.mp4");
    let mut encoder = Encoder::open(EncodeOptions { crf: Some(1.0), ..fast(&path) }).unwrap();
    let still = Frame::new(Frame::filled(Size::new(64, 48), [1.0, 0.5, 0.0]).raster, ColorTags::SRGB);
    encoder.push(&still, None).unwrap();
    encoder.finish().unwrap();
    let (frame, _) = &pictures(&path)[0];
    assert_eq!(frame.tags, ColorTags { primaries: 1, transfer: 13, matrix: 1, full_range: false, pixel: None });
    for (plane, want) in [1.0, 0.5, 0.0].into_iter().enumerate() {
        assert!((frame.raster.plane(plane)[1000] - want).abs() < 0.02);
    }
}

#[test]
fn given_times_make_a_variable_rate() {
    let dir = tempfile::tempdir().unwrap();
    let times = [3.0, 3.04, 3.2, 3.21, 3.9];
    for name in ["vfr.mp4", "vfr.mkv", "vfr.webm", "vfr.gif"] {
        let path = dir.path().join(name);
        let preset = (name != "vfr.gif").then(|| "ultrafast".to_owned());
        let mut encoder = Encoder::open(EncodeOptions { preset, ..fast(&path) }).unwrap();
        for (tick, time) in times.iter().enumerate() {
            encoder.push(&scene(Size::new(64, 48), tick), Some(*time)).unwrap();
        }
        let summary = encoder.finish().unwrap();
        assert!((summary.seconds - 0.94).abs() < 1e-6);
        let got: Vec<_> = pictures(&path).iter().map(|(_, at)| *at).collect();
        // A GIF cannot show a frame for one hundredth only: that one is left out.
        let want: Vec<_> = times.iter().map(|t| t - 3.0).filter(|t| name != "vfr.gif" || (*t - 0.21).abs() > 1e-6).collect();
        assert!(got.len() == want.len() && got.iter().zip(&want).all(|(a, b)| (a - b).abs() < 0.0011), "{name}: {got:?}");
    }
}

#[test]
fn gifs_show_the_colours_for_the_right_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("moving.gif");
    let size = Size::new(48, 32);
    let mut encoder = Encoder::open(EncodeOptions::new(&path, (30, 1))).unwrap();
    let colors = [[1.0, 0.0, 0.0], [0.0, 0.6, 0.2], [0.2, 0.2, 1.0], [0.0, 0.0, 0.0]];
    for color in colors {
        encoder.push(&Frame::filled(size, color), None).unwrap();
    }
    encoder.finish().unwrap();
    let found = streams(&path);
    let starts: Vec<_> = found[0].packets.iter().map(|p| (p.0 * 100.0).round() as i64).collect();
    assert_eq!(starts, [0, 3, 7, 10]);
    for ((frame, _), color) in pictures(&path).iter().zip(colors) {
        for (plane, want) in color.iter().enumerate() {
            assert!(frame.raster.plane(plane).iter().all(|v| (v - want).abs() < 0.003), "{color:?}");
        }
    }
}

#[test]
fn the_same_frames_give_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a.mp4", "a.mkv", "a.webm", "a.gif"] {
        let bytes = |round: usize| {
            let path = dir.path().join(format!("{round}{name}"));
            let preset = (name != "a.gif").then(|| "ultrafast".to_owned());
            write(EncodeOptions { preset, ..fast(&path) }, 12, Size::new(96, 64));
            fs::read(path).unwrap()
        };
        assert!(bytes(0) == bytes(1), "{name}");
    }
}

#[test]
fn every_codec_that_is_available_writes_every_container_that_holds_it() {
    let dir = tempfile::tempdir().unwrap();
    for info in crate::media::available().into_iter().filter(|c| c.encoder.is_some()) {
        for ending in ["mp4", "mov", "mkv", "webm", "avi", "gif"] {
            let path = dir.path().join(format!("{}.{ending}", info.name));
            let options = EncodeOptions { codec: Some(info.name.into()), ..EncodeOptions::new(&path, (25, 1)) };
            if check(&options).is_ok() {
                write(options, 3, Size::new(128, 64));
                assert_eq!(pictures(&path).len(), 3, "{path:?}");
            }
        }
    }
}

#[test]
fn what_cannot_work_is_told_before_anything_runs() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clip.mp4");
    let said = |change: &dyn Fn(&mut EncodeOptions)| {
        let mut options = EncodeOptions::new(&path, (25, 1));
        change(&mut options);
        check(&options).unwrap_err().to_string()
    };
    let has = |text: String, parts: &[&str]| assert!(parts.iter().all(|p| text.contains(p)), "{text}");
    has(said(&|o| o.path = "clip.xyz".into()), &["clip.xyz", "`.mp4`"]);
    has(said(&|o| o.codec = Some("h246".into())), &["no codec `h246`", "h264", "prores"]);
    has(said(&|o| o.codec = Some("prores".into())), &["`.mp4`", "prores", "h264"]);
    has(said(&|o| o.pix_fmt = Some("yuv420p9le".into())), &["libx264", "yuv420p9le", "yuv420p10le"]);
    has(said(&|o| o.crf = Some(70.0)), &["crf: 70", "51"]);
    has(said(&|o| o.preset = Some("quick".into())), &["quick", "veryfast"]);
    has(said(&|o| (o.path, o.codec, o.crf) = ("a.mkv".into(), Some("ffv1".into()), Some(3.0))), &["crf: 3", "ffv1", "leave it out"]);
    for ending in ["mp4", "webm", "gif", "mov", "mkv"] {
        let codec = (ending == "mov").then(|| "prores".to_owned());
        check(&EncodeOptions { draft: true, codec, ..EncodeOptions::new(path.with_extension(ending), (25, 1)) }).unwrap();
    }
    has(said(&|o| o.path = dir.path().join("sub.mp4/../")), &["end its name"]);
    fs::write(&path, b"x").unwrap();
    has(said(&|o| o.inputs = vec![dir.path().join("./clip.mp4")]), &["is also an input"]);
    fs::create_dir(dir.path().join("folder.mp4")).unwrap();
    has(said(&|o| o.path = dir.path().join("folder.mp4")), &["is a folder"]);
    has(said(&|o| o.path = path.join("inside.mp4")), &["cannot write into", "clip.mp4"]);
    assert_eq!(fs::read(&path).unwrap(), b"x");
}

#[test]
fn a_frame_of_another_size_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut encoder = Encoder::open(fast(&dir.path().join("a.mp4"))).unwrap();
    encoder.push(&scene(Size::new(64, 48), 0), None).unwrap();
    let text = encoder.push(&scene(Size::new(32, 48), 0), None).unwrap_err().to_string();
    assert!(text.contains("64x48") && text.contains("32x48") && text.contains("resize"), "{text}");
}
