//! How fast the kernels are at 720p, each beside the plain way to write it: `cargo bench --bench kernels`.
//! The benches named `plain_…` are that way, so the ratio of the two is what the care is worth, on any machine.

use divan::{Bencher, black_box};
use frameloom::frame::{Depth, Motion, Raster, Size};
use frameloom::kernel::color::Space;
use frameloom::kernel::noise::{self, Clouds, Noise};
use frameloom::kernel::palette::{Method, Palette};
use frameloom::kernel::pattern::{self, Pattern};
use frameloom::kernel::resample::{self, Filter};
use frameloom::kernel::sample::{self, Border, Sampling};
use frameloom::kernel::warp2d::{self, Move};
use frameloom::kernel::warp3d::{self, Camera, DepthMapping};
use frameloom::kernel::{blur, carry};

const SIZE: Size = Size::new(1280, 720);

fn main() {
    divan::main();
}

fn picture() -> Raster {
    pattern::draw(Pattern::ZoomPlate, SIZE, 3, 2.0, 1)
}

fn turn() -> Motion {
    warp2d::motion(&Move { angle: 1.5, zoom: 1.02, ..Move::default() }.matrix(SIZE), SIZE)
}

fn depth() -> Depth {
    Depth::new(Raster::from_vec(SIZE, 1, picture().plane(1).to_vec()))
}

/// One pixel at a time, every tap placed on its own, one plane after the other.
fn plain_warp(src: &Raster, motion: &Motion, sampling: Sampling) -> Raster {
    let mut out = Raster::zeroed(SIZE, src.planes());
    for plane in 0..src.planes() {
        for y in 0..SIZE.height {
            for x in 0..SIZE.width {
                let i = y * SIZE.width + x;
                let at = (x as f32 + motion.0.plane(0)[i], y as f32 + motion.0.plane(1)[i]);
                out.plane_mut(plane)[i] = sample::at(src.plane(plane), SIZE, at, sampling, Border::Replicate);
            }
        }
    }
    out
}

#[divan::bench(args = [Sampling::Nearest, Sampling::Bilinear, Sampling::Bicubic, Sampling::Lanczos])]
fn warp(bencher: Bencher, sampling: Sampling) {
    let (src, motion) = (picture(), turn());
    bencher.bench(|| sample::warp(black_box(&src), &motion, sampling, Border::Replicate));
}

#[divan::bench(args = [Sampling::Bilinear, Sampling::Bicubic], sample_count = 10)]
fn plain_warp_of_pixels(bencher: Bencher, sampling: Sampling) {
    let (src, motion) = (picture(), turn());
    bencher.bench(|| plain_warp(black_box(&src), &motion, sampling));
}

#[divan::bench]
fn motion_2d() -> Motion {
    turn()
}

#[divan::bench(args = [DepthMapping::Linear, DepthMapping::Equalized])]
fn motion_3d(bencher: Bencher, mapping: DepthMapping) {
    let depth = depth();
    let camera = Camera { translation: [3.0, 0.0, 8.0], rotation: [0.0, 1.0, 0.5], ..Camera::default() };
    bencher.bench(|| warp3d::motion(&warp3d::distance(black_box(&depth), mapping), &camera));
}

#[divan::bench]
fn revealed(bencher: Bencher) {
    let motion = turn();
    bencher.bench(|| warp3d::revealed(black_box(&motion)));
}

#[divan::bench]
fn compose(bencher: Bencher) {
    let motion = turn();
    bencher.bench(|| carry::compose(black_box(&motion), &motion));
}

#[divan::bench(args = [Noise::Uniform, Noise::Gaussian, Noise::Perlin(Clouds { cells: 8.0, octaves: 4, persistence: 0.5 })])]
fn add_noise(bencher: Bencher, kind: Noise) {
    let mut src = picture();
    bencher.bench_local(|| noise::add(black_box(&mut src), None, kind, 0.05, 7));
}

#[divan::bench(args = [Space::Rgb, Space::Hsv, Space::Lab, Space::Oklab])]
fn palette_and_match(bencher: Bencher, space: Space) {
    let (src, reference) = (picture(), pattern::draw(Pattern::MovingBars, SIZE, 3, 2.0, 1));
    bencher.bench(|| Palette::of(black_box(&reference), space, Method::Histogram).apply(black_box(&src), 1.0));
}

/// Ranks of sorted values, as the definition says.
#[divan::bench(sample_count = 10)]
fn plain_match_by_sorting(bencher: Bencher) {
    let (src, reference) = (picture(), pattern::draw(Pattern::MovingBars, SIZE, 3, 2.0, 1));
    bencher.bench(|| {
        let mut out = src.clone();
        for plane in 0..3 {
            let mut target = reference.plane(plane).to_vec();
            target.sort_by(f32::total_cmp);
            let mut order: Vec<usize> = (0..SIZE.area()).collect();
            order.sort_by(|a, b| src.plane(plane)[*a].total_cmp(&src.plane(plane)[*b]));
            let values = out.plane_mut(plane);
            order.iter().zip(target).for_each(|(i, v)| values[*i] = v);
        }
        out
    });
}

#[divan::bench(args = [Filter::Nearest, Filter::Bilinear, Filter::Bicubic, Filter::Lanczos, Filter::Area])]
fn resize_to_768x432(bencher: Bencher, filter: Filter) {
    let src = picture();
    bencher.bench(|| resample::resize(black_box(&src), Size::new(768, 432), filter));
}

#[divan::bench(args = [1.0, 5.0])]
fn gaussian_blur(bencher: Bencher, sigma: f32) {
    let src = picture();
    bencher.bench(|| blur::gaussian(black_box(&src), sigma));
}
