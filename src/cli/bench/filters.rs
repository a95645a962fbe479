//! Filters of one picture.

use super::{Bench, bench, picture, repeat};
use crate::kernel::color::Space;
use crate::kernel::noise::{self, Clouds, Noise};
use crate::kernel::palette::{Method, Palette};
use crate::kernel::pattern::{self, Pattern};
use crate::kernel::{blend, blur};

pub(super) fn list() -> Vec<Bench> {
    let mut list = Vec::new();
    let clouds = Clouds { cells: 8.0, octaves: 4, persistence: 0.5 };
    for (word, kind) in [("uniform", Noise::Uniform), ("gaussian", Noise::Gaussian), ("perlin", Noise::Perlin(clouds))] {
        list.push(bench(format!("noise {word}"), move |size| {
            let mut src = picture(size);
            repeat(move || noise::add(&mut src, None, kind, 0.05, 7))
        }));
    }
    for (word, space) in [("rgb", Space::Rgb), ("hsv", Space::Hsv), ("lab", Space::Lab), ("oklab", Space::Oklab)] {
        list.push(bench(format!("color_match {word}"), move |size| {
            let (src, reference) = (picture(size), pattern::draw(Pattern::MovingBars, size, 3, 2.0, 1));
            repeat(move || Palette::of(&reference, space, Method::Histogram).apply(&src, 1.0))
        }));
    }
    for sigma in [1.0, 5.0] {
        list.push(bench(format!("blur gaussian {sigma}"), move |size| {
            let src = picture(size);
            repeat(move || blur::gaussian(&src, sigma))
        }));
    }
    list.push(bench("blend mix", |size| {
        let (a, b) = (picture(size), pattern::draw(Pattern::MovingBars, size, 3, 2.0, 1));
        repeat(move || blend::mix(a.clone(), &b, 0.3))
    }));
    list
}
