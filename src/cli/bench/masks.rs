//! Masks, cut-outs and the camera's motion.

use super::{Bench, bench, picture, plane, repeat};
use crate::frame::Mask;
use crate::kernel::blend::Mode;
use crate::kernel::camera::{self, Model};
use crate::kernel::mask::{self, Join};
use crate::kernel::paste::{self, Placement};
use crate::kernel::sample::{self, Border, Sampling};
use crate::kernel::warp2d::{self, Move};

pub(super) fn list() -> Vec<Bench> {
    let mut list = vec![
        bench("mask join and", |size| {
            let (mut a, b) = (Some(plane(size)), mask::area(size, true, [0.5, 0.5, 0.4, 0.6, 0.1]));
            // In place, as in a graph whose later nodes don't read the first mask.
            repeat(move || a = a.take().map(|a| mask::join(a, &b, Join::And)))
        }),
        bench("mask color", |size| {
            let src = picture(size);
            repeat(move || mask::color_key(&src, [0.0, 1.0, 0.0], 0.1, 0.05))
        }),
        bench("mask refine 8", |size| {
            let (src, rough) = (picture(size), plane(size));
            repeat(move || mask::refine(&rough, &src, 8.0))
        }),
        bench("paste lanczos", |size| {
            let (src, layer, shown) = (picture(size), picture(size), Mask::new(mask::area(size, true, [0.5, 0.5, 0.4, 0.6, 0.1])));
            let (w, h) = (size.width as f64, size.height as f64);
            let place = Placement { at: [0.6 * w, 0.5 * h], anchor: [0.5 * w, 0.5 * h], scale: 1.1, angle: 8.0 };
            repeat(move || {
                let landed = paste::land(&layer, Some(&shown), size, &place, Sampling::Lanczos);
                landed.map(|landed| landed.over(src.clone(), 1.0, Mode::Normal))
            })
        }),
    ];
    for pixels in [2.0, 20.0] {
        list.push(bench(format!("mask grow {pixels}"), move |size| {
            let src = plane(size);
            repeat(move || mask::grow(&src, pixels))
        }));
    }
    for (word, model) in [("similarity", Model::Similarity), ("perspective", Model::Perspective)] {
        list.push(bench(format!("camera_motion {word}"), move |size| {
            let from = picture(size);
            let step = Move { angle: 1.5, zoom: 1.02, translation: [2.5, -1.5], ..Move::default() }.matrix(size);
            let to = sample::warp(&from, &warp2d::motion(&step, size), Sampling::Bilinear, Border::Replicate);
            repeat(move || camera::estimate(&from, &to, model, 3.0))
        }));
    }
    list
}
