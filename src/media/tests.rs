use std::path::{Path, PathBuf};

use super::*;
use crate::frame::{ColorTags, Frame, Size};
use crate::param::Fps;

fn clip(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/media").join(name)
}

/// Which picture of `count.mp4` it is: its luma, limited range, is 20 + 5 N.
fn number(frame: &Frame) -> u64 {
    ((frame.raster.plane(0)[0] * 219.0 + 16.0 - 20.0) / 5.0).round() as u64
}

fn numbers(decoder: &mut Decoder) -> Vec<u64> {
    std::iter::from_fn(|| decoder.next().unwrap()).map(|picture| number(&picture.frame)).collect()
}

fn decode(name: &str, options: DecodeOptions) -> Vec<u64> {
    numbers(&mut Decoder::open(&clip(name), options).unwrap())
}

fn constant(num: u32, den: u32) -> DecodeOptions {
    DecodeOptions { timing: Timing::Constant(Fps::new(num, den)), ..DecodeOptions::default() }
}

#[test]
fn the_probe_knows_a_plain_clip() {
    let info = probe(&clip("count.mp4")).unwrap();
    assert_eq!((info.size, info.stored, info.fps, info.frames), (Size::new(64, 48), Size::new(64, 48), Fps::new(25, 1), Some(40)));
    assert_eq!((info.codec.as_str(), info.pixel.as_str(), info.depth, info.alpha), ("h264", "yuv420p", 8, false));
    assert_eq!((info.variable, info.start, info.tags.matrix), (false, 0.0, 6));
    assert!((info.duration.unwrap() - 1.6).abs() < 1e-3);
    assert_eq!(info.audio, [StreamInfo { index: 1, codec: "aac".into(), language: Some("eng".into()) }]);
    assert_eq!((info.best_audio, info.best_subtitles), (Some(1), None));
}

#[test]
fn the_probe_knows_colour_depth_and_odd_sizes() {
    let info = probe(&clip("odd10.mkv")).unwrap();
    assert_eq!((info.size, info.fps, info.depth), (Size::new(17, 11), Fps::new(30000, 1001), 10));
    assert_eq!(info.tags, ColorTags { primaries: 9, transfer: 16, matrix: 9, full_range: false, pixel: None });
    let picture = Decoder::open(&clip("odd10.mkv"), DecodeOptions::default()).unwrap().next().unwrap().unwrap();
    assert_eq!(picture.frame.tags, ColorTags { pixel: Some("yuv420p10le"), ..info.tags });
}

#[test]
fn square_pixels_and_upright_pictures() {
    assert_eq!(probe(&clip("anamorphic.mp4")).unwrap().size, Size::new(85, 48));
    let mut decoder = Decoder::open(&clip("rotated.mp4"), DecodeOptions::default()).unwrap();
    assert_eq!(decoder.info().size, Size::new(48, 64));
    let frame = decoder.next().unwrap().unwrap().frame;
    assert_eq!(frame.size(), Size::new(48, 64));
    // A quarter turn to the left: the left half, red, ends up at the bottom.
    let (red, blue) = (frame.raster.plane(0), frame.raster.plane(2));
    assert!(red[48 * 60 + 24] > 0.95 && blue[48 * 60 + 24] < 0.05, "{} {}", red[48 * 60 + 24], blue[48 * 60 + 24]);
    assert!(red[48 * 4 + 24] < 0.05 && blue[48 * 4 + 24] > 0.95);
}

#[test]
fn every_picture_comes_once_and_in_order() {
    assert_eq!(decode("count.mp4", DecodeOptions::default()), (0..40).collect::<Vec<_>>());
    assert_eq!(decode("count.mp4", constant(25, 1)), (0..40).collect::<Vec<_>>());
}

#[test]
fn stretches_are_exact_by_frame_and_by_time() {
    for timing in [Timing::Source, Timing::Constant(Fps::new(25, 1))] {
        for from in [0, 1, 5, 11, 12, 13, 23, 24, 30, 39] {
            for to in [from + 1, from + 7, 40, 99] {
                let wanted: Vec<_> = (from..to.min(40)).collect();
                let by_frame = DecodeOptions { from: Point::Frame(from), to: Some(Point::Frame(to)), timing, ..Default::default() };
                assert_eq!(decode("count.mp4", by_frame), wanted, "{by_frame:?}");
                let seconds = |n: u64| Point::Seconds(n as f64 / 25.0);
                let by_time = DecodeOptions { from: seconds(from), to: Some(seconds(to)), ..by_frame };
                assert_eq!(decode("count.mp4", by_time), wanted, "{by_time:?}");
            }
        }
    }
}

#[test]
fn every_nth_picture() {
    let nth = |options| DecodeOptions { every_nth: 3, ..options };
    let thirds: Vec<_> = (0..40).step_by(3).collect();
    assert_eq!(decode("count.mp4", nth(DecodeOptions::default())), thirds);
    assert_eq!(decode("count.mp4", nth(constant(25, 3))), thirds);
    // At the full rate each is held for three frames, so that the clip keeps its speed.
    assert_eq!(decode("count.mp4", nth(constant(25, 1))), (0..40).map(|n| n / 3 * 3).collect::<Vec<_>>());
}

#[test]
fn other_rates_repeat_and_drop_as_a_player_does() {
    assert_eq!(decode("count.mp4", constant(50, 1)), (0..80).map(|n| n / 2).collect::<Vec<_>>());
    assert_eq!(decode("count.mp4", constant(25, 2)), (0..40).step_by(2).collect::<Vec<_>>());
    let thirty = decode("count.mp4", constant(30, 1));
    assert_eq!((thirty.len(), &thirty[..8]), (48, &[0, 1, 2, 2, 3, 4, 5, 6][..]));
}

#[test]
fn a_variable_rate_is_seen_and_evened_out() {
    let info = probe(&clip("vfr.mkv")).unwrap();
    assert!(info.variable && !probe(&clip("count.mp4")).unwrap().variable);
    let stored: Vec<_> = (0..10).chain((12..40).step_by(3)).collect();
    assert_eq!(decode("vfr.mkv", DecodeOptions::default()), stored);
    let even = decode("vfr.mkv", constant(25, 1));
    let shown = |tick: u64| *stored.iter().rfind(|n| **n <= tick).unwrap();
    assert_eq!(even[..39], (0..39).map(shown).collect::<Vec<_>>());
    let late = DecodeOptions { from: Point::Frame(11), to: Some(Point::Frame(13)), ..Default::default() };
    assert_eq!(decode("vfr.mkv", late), [15, 18]);
}

#[test]
fn a_stretch_repeats() {
    let options = DecodeOptions { from: Point::Frame(10), to: Some(Point::Frame(13)), repeat: true, ..DecodeOptions::default() };
    for timing in [Timing::Source, Timing::Constant(Fps::new(25, 1))] {
        let mut decoder = Decoder::open(&clip("count.mp4"), DecodeOptions { timing, ..options }).unwrap();
        let got: Vec<_> = (0..8).map(|_| number(&decoder.next().unwrap().unwrap().frame)).collect();
        assert_eq!(got, [10, 11, 12, 10, 11, 12, 10, 11]);
        decoder.seek(301).unwrap();
        assert_eq!(number(&decoder.next().unwrap().unwrap().frame), 11);
    }
}

#[test]
fn any_picture_can_be_next() {
    for timing in [Timing::Source, Timing::Constant(Fps::new(25, 1))] {
        let options = DecodeOptions { from: Point::Frame(3), timing, ..Default::default() };
        let mut decoder = Decoder::open(&clip("count.mp4"), options).unwrap();
        for index in [5, 30, 2, 0, 36, 35] {
            decoder.seek(index).unwrap();
            assert_eq!(number(&decoder.next().unwrap().unwrap().frame), index + 3, "{timing:?}");
        }
        assert!(decoder.next().unwrap().is_some() && decoder.next().unwrap().is_none());
        // Looping begins anew after a seek behind the first end, too.
        let mut round = Decoder::open(&clip("count.mp4"), DecodeOptions { repeat: true, ..options }).unwrap();
        round.seek(37 * 2 + 4).unwrap();
        assert_eq!(number(&round.next().unwrap().unwrap().frame), 7);
    }
}

/// `count.mp4` has its index in front, so that what is left after a cut can be read.
#[test]
fn a_cut_file_gives_all_it_has_and_then_says_so() {
    let whole = std::fs::read(clip("count.mp4")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.mp4");
    for kept in [75, 90] {
        std::fs::write(&path, &whole[..whole.len() * kept / 100]).unwrap();
        let mut decoder = Decoder::open(&path, DecodeOptions { timing: Timing::Constant(Fps::new(25, 1)), ..Default::default() }).unwrap();
        let (mut got, mut error) = (Vec::new(), None);
        loop {
            match decoder.next() {
                Ok(Some(picture)) => got.push(number(&picture.frame)),
                Ok(None) => break,
                Err(why) => error = Some(why.to_string()),
            }
        }
        assert!(got.len() > 5 && got.len() < 40, "{got:?}");
        assert!(got.windows(2).all(|pair| pair[0] <= pair[1]));
        let message = error.expect("a cut file is no whole one");
        assert!(message.contains("cut.mp4") && message.contains(&format!("after frame {}", got.last().unwrap())), "{message}");
    }
}

#[test]
fn what_cannot_be_opened_says_why() {
    let error = |path: &Path| probe(path).unwrap_err().to_string();
    assert!(error(&clip("none.mp4")).starts_with("there is no file `"));
    assert!(error(&clip("sound.mka")).contains("no video stream"));
    assert!(error(&clip("README.md")).contains("README.md"));
    assert!(error(&clip("")).contains("folder"));
    let folder = tempfile::tempdir().unwrap();
    let (empty, headless) = (folder.path().join("empty.mp4"), folder.path().join("headless.mp4"));
    std::fs::write(&empty, []).unwrap();
    std::fs::write(&headless, &std::fs::read(clip("count.mp4")).unwrap()[1000..]).unwrap();
    assert!(error(&empty).contains("empty"));
    assert!(error(&headless).contains("cannot be opened"), "{}", error(&headless));
}

#[test]
fn a_stretch_must_lie_in_the_file() {
    let open =
        |from, to| Decoder::open(&clip("count.mp4"), DecodeOptions { from, to, ..DecodeOptions::default() }).err().unwrap().to_string();
    assert!(open(Point::Frame(40), None).contains("frame 40 lies beyond the end"));
    assert!(open(Point::Seconds(2.0), None).contains("which has 40 frames, 1.60 s"));
    assert!(open(Point::Frame(9), Some(Point::Frame(9))).contains("`to` (frame 9) is not after `from`"));
}

#[test]
fn decoders_move_between_threads() {
    fn send<T: Send>(_: &T) {}
    send(&Decoder::open(&clip("count.mp4"), DecodeOptions::default()).unwrap());
}
