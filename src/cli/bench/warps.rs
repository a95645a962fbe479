//! Warps, and changes of size.

use super::{Bench, bench, picture, plane, repeat};
use crate::frame::{Depth, Motion, Size};
use crate::kernel::resample::{self, Filter, Resampling};
use crate::kernel::sample::{self, Border, Sampling};
use crate::kernel::warp2d::{self, Flip, Move};
use crate::kernel::warp3d::{self, Camera, DepthMapping};
use crate::kernel::{carry, surface};

const SAMPLINGS: [(&str, Sampling); 4] =
    [("nearest", Sampling::Nearest), ("bilinear", Sampling::Bilinear), ("bicubic", Sampling::Bicubic), ("lanczos", Sampling::Lanczos)];

/// A turn and a zoom, as the usual step of an animation.
const TURN: Move = Move { angle: 1.5, zoom: 1.02, translation: [2.5, -1.5], center: [0.5; 2], flip: None };

fn tilt() -> Move {
    Move { flip: Some(Flip { theta: 1.0, phi: 3.0, gamma: -2.0, fv: 53.0 }), ..TURN }
}

fn motion(step: Move, size: Size) -> Motion {
    warp2d::motion(&step.matrix(size), size)
}

fn camera() -> Camera {
    Camera { translation: [3.0, 0.0, 8.0], rotation: [0.0, 1.0, 0.5], ..Camera::default() }
}

pub(super) fn list() -> Vec<Bench> {
    let mut list = Vec::new();
    for (word, sampling) in SAMPLINGS {
        list.push(bench(format!("warp affine {word}"), move |size| {
            let src = picture(size);
            repeat(move || warp2d::warp(&src, &TURN.matrix(size), sampling, Border::Replicate))
        }));
        list.push(bench(format!("warp perspective {word}"), move |size| {
            let src = picture(size);
            repeat(move || warp2d::warp(&src, &tilt().matrix(size), sampling, Border::Replicate))
        }));
        list.push(bench(format!("warp motion {word}"), move |size| {
            let (src, motion) = (picture(size), motion(TURN, size));
            repeat(move || sample::warp(&src, &motion, sampling, Border::Replicate))
        }));
    }
    for (word, mapping) in [("linear", DepthMapping::Linear), ("equalized", DepthMapping::Equalized)] {
        list.push(bench(format!("motion 3d {word}"), move |size| {
            let depth = Depth::new(plane(size));
            repeat(move || warp3d::motion(&warp3d::distance(&depth, mapping), &camera()))
        }));
    }
    list.push(bench("motion 2d", |size| repeat(move || motion(tilt(), size))));
    list.push(bench("motion revealed", |size| {
        let motion = warp3d::motion(&warp3d::distance(&Depth::new(plane(size)), DepthMapping::Linear), &camera());
        repeat(move || warp3d::revealed(&motion))
    }));
    list.push(bench("motion surface", |size| {
        let distance = warp3d::distance(&Depth::new(plane(size)), DepthMapping::Linear);
        repeat(move || surface::view(&distance, &camera()))
    }));
    list.push(bench("motion compose", |size| {
        let motion = motion(TURN, size);
        repeat(move || carry::compose(&motion, &motion))
    }));
    list.extend(sizes());
    list
}

/// To three fifths: 1280x720 to 768x432.
fn sizes() -> Vec<Bench> {
    let filters = [("bilinear", Filter::Bilinear), ("bicubic", Filter::Bicubic), ("lanczos", Filter::Lanczos)];
    let mut list = vec![smaller("resize nearest".into(), Filter::Nearest.into()), smaller("resize area".into(), Filter::Area.into())];
    for (word, filter) in filters {
        // The first as OpenCV's, the second as nodes do it unless told otherwise.
        list.push(smaller(format!("resize {word}"), Resampling { filter, antialias: false }));
        list.push(smaller(format!("resize {word} antialias"), Resampling { filter, antialias: true }));
    }
    list
}

fn smaller(name: String, how: Resampling) -> Bench {
    bench(name, move |size| {
        let (src, to) = (picture(size), Size::new((size.width * 3 / 5).max(1), (size.height * 3 / 5).max(1)));
        repeat(move || resample::resize(&src, to, how))
    })
}
