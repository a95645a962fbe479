//! Filters of one picture.

use super::{Bench, bench, picture, plane, repeat};
use crate::kernel::color::{self, Space};
use crate::kernel::noise::{self, Clouds, Noise};
use crate::kernel::palette::{Method, Palette};
use crate::kernel::pattern::{self, Pattern};
use crate::kernel::sharpen::{self, Sharpen};
use crate::kernel::smear::{self, Smear};
use crate::kernel::tone::{self, Grey, Levels};
use crate::kernel::{blend, blur};

pub(super) fn list() -> Vec<Bench> {
    let mut list = Vec::new();
    let clouds = Clouds { cells: [8.0; 2], octaves: 4, persistence: 0.5 };
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
    for (word, space) in [("hsv", Space::Hsv), ("lab", Space::Lab), ("oklab", Space::Oklab)] {
        list.push(bench(format!("color from_rgb {word}"), move |size| {
            let src = picture(size);
            repeat(move || {
                let mut out = src.clone();
                color::from_rgb(&mut out, space);
                out
            })
        }));
        list.push(bench(format!("color to_rgb {word}"), move |size| {
            let mut src = picture(size);
            color::from_rgb(&mut src, space);
            repeat(move || {
                let mut out = src.clone();
                color::to_rgb(&mut out, space);
                out
            })
        }));
    }
    list.extend(tones());
    for sigma in [1.0, 2.0, 5.0, 10.0, 20.0] {
        list.push(bench(format!("blur gaussian {sigma}"), move |size| {
            let src = picture(size);
            repeat(move || blur::gaussian(&src, sigma))
        }));
    }
    list.push(bench("blend mix", |size| {
        let (mut a, b) = (Some(picture(size)), pattern::draw(Pattern::MovingBars, size, 3, 2.0, 1));
        // In place, as in a graph whose later nodes don't read the lower picture.
        repeat(move || a = a.take().map(|a| blend::mix(a, &b, 0.3)))
    }));
    list
}

/// Kernels of one pixel or of whole histograms, in place.
fn tones() -> Vec<Bench> {
    vec![
        bench("contrast", |size| {
            let mut src = picture(size);
            repeat(move || tone::contrast(&mut src, 0.999, 0.5, None))
        }),
        bench("levels gamma", |size| {
            let mut src = picture(size);
            repeat(move || tone::levels(&mut src, Levels { gamma: 1.01, ..Levels::default() }, None))
        }),
        bench("grayscale", |size| {
            let mut src = picture(size);
            repeat(move || tone::desaturate(&mut src, Grey::Bt601, 0.5, None))
        }),
        bench("equalize plane", |size| {
            let mut plane = plane(size);
            repeat(move || tone::equalize(plane.data_mut()))
        }),
        bench("percentiles plane", |size| {
            let plane = plane(size);
            repeat(move || tone::percentiles(plane.data(), [0.1, 0.9]))
        }),
        bench("sharpen", |size| {
            let src = picture(size);
            let how = Sharpen { amount: 0.1, taps: 5, sigma: 1.0, threshold: 0.0 };
            repeat(move || sharpen::sharpen(&src, how, None))
        }),
        bench("blur box 5", |size| {
            let src = picture(size);
            repeat(move || blur::mean(&src, 5.0))
        }),
        bench("blur line 20", |size| {
            let src = picture(size);
            repeat(move || smear::smear(&src, Smear::Line([20.0, 5.0])))
        }),
    ]
}
