use std::str::FromStr;

use ffmpeg_next::color;
use ffmpeg_next::format::Pixel;
use ffmpeg_next::frame::Video;

use super::layout::{self, Layout, Planes};
use super::{pack, resolve, samples, supported, tags_of, unpack};
use crate::frame::{ColorTags, Frame, Raster, Size};

const FORMATS: &str = "yuv420p yuv422p yuv444p yuv440p yuv411p yuv410p yuvj420p yuvj422p yuvj444p yuva420p yuva422p yuva444p \
    yuv420p9le yuv420p10le yuv422p10le yuv444p10le yuv440p10le yuv420p12le yuv422p12le yuv444p12le yuv420p14le yuv444p14le \
    yuv420p16le yuv422p16le yuv444p16le yuva420p10le yuva422p10le yuva444p10le yuva444p16le yuv420p10be yuv444p16be \
    gray gray9le gray10le gray12le gray14le gray16le gray16be ya8 ya16le gbrp gbrp9le gbrp10le gbrp12le gbrp14le gbrp16le gbrap \
    gbrap10le gbrap12le gbrap16le gbrp16be nv12 nv21 nv16 nv24 nv42 p010le p016le yuyv422 uyvy422 yvyu422 y210le rgb24 bgr24 \
    rgba bgra argb abgr rgb0 bgr0 0rgb 0bgr rgb48le rgb48be bgr48le rgba64le rgba64be bgra64le rgb565le rgb565be bgr555le rgb444le x2rgb10le \
    x2bgr10le rgb8 bgr8 rgb4_byte rgb4 monow monob gbrpf32le gbrapf32le grayf32le ayuv64le";
const SIZES: [(u32, u32); 7] = [(16, 12), (17, 11), (1, 1), (2, 3), (3, 2), (33, 5), (5, 34)];

fn formats() -> Vec<Pixel> {
    FORMATS.split_whitespace().map(|name| Pixel::from_str(name).unwrap_or_else(|_| panic!("{name}"))).collect()
}

fn random(state: &mut u64) -> u32 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as u32
}

/// A picture of random code values: every bit pattern that the format can hold.
fn picture(format: Pixel, (width, height): (u32, u32)) -> Video {
    let layout = Layout::of(format).unwrap();
    let mut video = Video::new(format, width, height);
    let mut state = u64::from(width * 131 + height) + format as u64;
    for plane in 0..layout.planes() {
        let (data, stride, bytes) = layout::plane_mut(&mut video, &layout, plane).unwrap();
        for row in data.chunks_mut(stride) {
            row[..bytes].fill(0);
            for (index, c) in layout.components.iter().enumerate().filter(|(_, c)| c.plane == plane) {
                let columns = width.div_ceil(1 << layout.halvings_of(index)[0]) as usize;
                let top = if layout.float { 1 } else { (1 << c.depth) - 1 };
                let codes: Vec<_> = (0..columns).map(|_| (random(&mut state) % (top + 1)) as f32).collect();
                samples::write(&layout, c, &codes, &mut row[..bytes]);
            }
        }
    }
    video
}

fn bytes(video: &Video) -> Vec<u8> {
    let layout = Layout::of(video.format()).unwrap();
    let planes = Planes::of(video, &layout).unwrap();
    let rows = |plane: usize| layout::plane_rows(&layout, plane, video);
    (0..layout.planes()).flat_map(|p| (0..rows(p)).flat_map(|y| planes.row(p, y).to_vec()).collect::<Vec<_>>()).collect()
}

#[test]
fn every_format_and_size_survives_unchanged() {
    for format in formats() {
        for (matrix, full_range) in [(1, false), (5, false), (9, true), (7, false), (4, true), (8, false), (0, true), (0, false)] {
            let tags = ColorTags { matrix, full_range, ..ColorTags::default() };
            for size in SIZES {
                let original = picture(format, size);
                let frame = unpack(&original, tags).unwrap();
                let mut copy = Video::new(format, size.0, size.1);
                pack(&frame, &mut copy, tags).unwrap();
                if Layout::of(format).unwrap().float && !super::is_rgb(format) {
                    continue; // One float rounding lies between; a known answer covers it.
                }
                assert_eq!(bytes(&original), bytes(&copy), "{format:?} {size:?} {tags:?}");
            }
        }
    }
}

/// A picture of one colour.
fn flat(format: Pixel, codes: &[f32], tags: ColorTags) -> Frame {
    let layout = Layout::of(format).unwrap();
    let mut video = Video::new(format, 8, 6);
    for plane in 0..layout.planes() {
        let (data, stride, bytes) = layout::plane_mut(&mut video, &layout, plane).unwrap();
        for row in data.chunks_mut(stride) {
            row[..bytes].fill(0);
            for (index, c) in layout.components.iter().enumerate().filter(|(_, c)| c.plane == plane) {
                let columns = 8_usize.div_ceil(1 << layout.halvings_of(index)[0]);
                samples::write(&layout, c, &vec![codes[index]; columns], &mut row[..bytes]);
            }
        }
    }
    unpack(&video, tags).unwrap()
}

#[track_caller]
fn assert_rgb(frame: &Frame, rgb: [f32; 3], within: f32) {
    for (c, want) in rgb.into_iter().enumerate() {
        for &got in frame.raster.plane(c) {
            assert!((got - want).abs() <= within, "plane {c}: {got} and not {want}");
        }
    }
}

const fn tags(matrix: u8, full_range: bool) -> ColorTags {
    ColorTags { primaries: 1, transfer: 1, matrix, full_range, pixel: None }
}

/// The 100 % colour bars as the standards print them (ITU-R BT.709 and BT.601, 8 bit; BT.2020, 10 bit).
#[test]
fn primaries_have_their_published_codes() {
    let half = 1.3 / 255.0; // The published codes are rounded.
    assert_rgb(&flat(Pixel::YUV420P, &[63., 102., 240.], tags(1, false)), [1., 0., 0.], half);
    assert_rgb(&flat(Pixel::YUV420P, &[173., 42., 26.], tags(1, false)), [0., 1., 0.], half);
    assert_rgb(&flat(Pixel::YUV420P, &[32., 240., 118.], tags(1, false)), [0., 0., 1.], half);
    assert_rgb(&flat(Pixel::YUV422P, &[81., 90., 240.], tags(6, false)), [1., 0., 0.], half);
    assert_rgb(&flat(Pixel::YUV422P, &[145., 54., 34.], tags(5, false)), [0., 1., 0.], half);
    assert_rgb(&flat(Pixel::YUV422P, &[41., 240., 110.], tags(5, false)), [0., 0., 1.], half);
    assert_rgb(&flat(Pixel::YUV420P10LE, &[294., 387., 960.], tags(9, false)), [1., 0., 0.], half);
    assert_rgb(&flat(Pixel::YUVJ420P, &[76., 85., 255.], tags(5, true)), [1., 0., 0.], 2.0 * half); // JFIF
}

#[test]
fn black_and_white_are_exact() {
    for (format, black, white, mid) in [
        (Pixel::YUV420P, 16., 235., 128.),
        (Pixel::YUV444P10LE, 64., 940., 512.),
        (Pixel::YUV422P16LE, 4096., 60160., 32768.),
        (Pixel::P010LE, 64., 940., 512.),
    ] {
        assert_rgb(&flat(format, &[black, mid, mid], tags(1, false)), [0.; 3], 0.0);
        assert_rgb(&flat(format, &[white, mid, mid], tags(9, false)), [1.; 3], 0.0);
    }
    assert_rgb(&flat(Pixel::YUV420P, &[255., 128., 128.], tags(1, true)), [1.; 3], 0.0);
    assert_rgb(&flat(Pixel::GRAY8, &[51.], tags(1, true)), [0.2; 3], 1e-7);
    assert_rgb(&flat(Pixel::BGRA, &[255., 0., 51., 0.], tags(1, false)), [1., 0., 0.2], 1e-7);
    assert_rgb(&flat(Pixel::YUV420P, &[255., 128., 128.], tags(1, false)), [239. / 219.; 3], 1e-6);
}

#[test]
fn packing_rounds_to_nearest_and_clips() {
    let mut raster = Raster::zeroed(Size::new(4, 1), 3);
    let values = [-0.5, 1.7, 100.4 / 255.0, 100.6 / 255.0];
    raster.planes_mut().for_each(|plane| plane.copy_from_slice(&values));
    let mut video = Video::new(Pixel::RGB24, 4, 1);
    pack(&Frame::new(raster, ColorTags::SRGB), &mut video, ColorTags::SRGB).unwrap();
    assert_eq!(video.data(0)[..12], [0, 0, 0, 255, 255, 255, 100, 100, 100, 101, 101, 101]);
}

#[test]
fn alpha_is_opaque_unless_the_frame_has_it() {
    let frame = Frame::filled(Size::new(2, 2), [0.0, 1.0, 0.0]);
    let mut video = Video::new(Pixel::RGBA, 2, 2);
    pack(&frame, &mut video, frame.tags).unwrap();
    assert_eq!(video.data(0)[..8], [0, 255, 0, 255, 0, 255, 0, 255]);
    let wrong = pack(&frame, &mut Video::new(Pixel::RGBA, 4, 2), frame.tags).unwrap_err();
    assert!(wrong.to_string().contains("2x2"), "{wrong}");
}

#[test]
fn a_palette_is_looked_up() {
    let mut video = Video::new(Pixel::PAL8, 2, 1);
    layout::set_palette(&mut video, 7, 0x80FF_0033);
    video.data_mut(0)[..2].copy_from_slice(&[7, 7]);
    let frame = unpack(&video, tags(0, true)).unwrap();
    assert_rgb(&frame, [1.0, 0.0, 0.2], 1e-7);
    assert!((frame.raster.plane(3)[1] - 128.0 / 255.0).abs() < 1e-7);
}

#[test]
fn gaps_in_the_tags_are_filled_as_players_do() {
    let matrix = |w, h| tags_of(&Video::new(Pixel::YUV420P, w, h)).unwrap().matrix;
    assert_eq!([matrix(1280, 544), matrix(768, 576), matrix(640, 480), matrix(960, 720)], [1, 5, 6, 1]);
    let mut hdr = Video::new(Pixel::YUV420P10LE, 64, 64);
    hdr.set_color_primaries(color::Primaries::BT2020);
    assert_eq!(tags_of(&hdr).unwrap(), ColorTags { primaries: 9, transfer: 14, matrix: 9, full_range: false, pixel: None });
    assert_eq!(tags_of(&Video::new(Pixel::RGB24, 64, 64)).unwrap(), ColorTags::SRGB);
    assert!(tags_of(&Video::new(Pixel::YUVJ420P, 64, 64)).unwrap().full_range);
    // A still picture's tags cannot be kept in 4:2:0.
    assert_eq!(resolve(ColorTags::SRGB, Pixel::YUV420P, Size::new(1920, 1080)).unwrap().matrix, 1);
}

#[test]
fn what_cannot_be_read_is_refused_by_name() {
    for name in ["vaapi", "bayer_bggr8", "xyz12le"] {
        let format = Pixel::from_str(name).unwrap();
        assert!(!supported(format), "{name}");
    }
    assert!(formats().into_iter().all(supported));
}
