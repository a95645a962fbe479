//! Optical flow.

use super::{Bench, bench, picture, repeat};
use crate::frame::{Raster, Size};
use crate::kernel::flow::{self, Form, Preset};
use crate::kernel::sample::{self, Border, Sampling};
use crate::kernel::warp2d::{self, Move};

/// A picture and the same turned, zoomed and shifted a little.
fn pair(size: Size) -> (Raster, Raster) {
    let from = picture(size);
    let step = Move { angle: 1.0, zoom: 1.01, translation: [4.0, -2.0], ..Move::default() };
    let motion = warp2d::motion(&step.matrix(size), size);
    let to = sample::warp(&from, &motion, Sampling::Bilinear, Border::Reflect);
    (from, to)
}

pub(super) fn list() -> Vec<Bench> {
    let mut list = Vec::new();
    for (word, preset) in [("dis_medium", Preset::Medium), ("dis_fine", Preset::Fine)] {
        list.push(bench(format!("flow {word}"), move |size| {
            let (from, to) = pair(size);
            repeat(move || flow::dis(&from, &to, preset, None))
        }));
    }
    list.push(bench("flow farneback", |size| {
        let (from, to) = pair(size);
        repeat(move || flow::farneback(&from, &to, None))
    }));
    list.push(bench("flow_warp bilinear", |size| {
        let (from, to) = pair(size);
        let motion = flow::follow(&flow::dis(&from, &to, Preset::Medium, None), 1.0);
        repeat(move || sample::warp(&from, &motion, Sampling::Bilinear, Border::Reflect))
    }));
    list.push(bench("flow_consistency", |size| {
        let (from, to) = pair(size);
        let (there, back) = (flow::dis(&from, &to, Preset::Medium, None), flow::dis(&to, &from, Preset::Medium, None));
        repeat(move || flow::consistent(&there, &back, Form::Squared))
    }));
    list
}
