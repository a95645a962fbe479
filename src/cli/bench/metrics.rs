//! Metrics of pictures and clips.

use super::{Bench, bench, picture, plane, repeat};
use crate::frame::{Flow, Mask, Raster, Size};
use crate::kernel::metrics::{self, ClipMeter, Metric, MetricSet, Picture};
use crate::kernel::noise::{self, Noise};

fn noisy(size: Size) -> Raster {
    let mut picture = picture(size);
    noise::add(&mut picture, None, Noise::Gaussian, 0.05, 7);
    picture
}

pub(super) fn list() -> Vec<Bench> {
    let mut list = vec![
        bench("metrics psnr", |size| {
            let (a, b) = (picture(size), noisy(size));
            repeat(move || metrics::psnr(&a, &b))
        }),
        bench("metrics ssim", |size| {
            let (a, b) = (picture(size), noisy(size));
            repeat(move || metrics::ssim(a.plane(1), b.plane(1), size))
        }),
        bench("metrics ms_ssim", |size| {
            let (a, b) = (picture(size), noisy(size));
            repeat(move || metrics::ms_ssim(a.plane(1), b.plane(1), size))
        }),
        bench("metrics warp_error", |size| {
            let (a, b, weights) = (picture(size), noisy(size), plane(size));
            let flow = Flow::new(Raster::from_vec(size, 2, [weights.data(), weights.data()].concat()));
            repeat(move || metrics::warp_error(&a, &b, &flow, &Mask::new(weights.clone())))
        }),
    ];
    for (word, metric) in [("flicker", Metric::Flicker), ("drift", Metric::Drift), ("edit", Metric::Edit)] {
        list.push(bench(format!("metrics {word}"), move |size| {
            let wanted = MetricSet::from_iter([metric]);
            let (rgb, other) = (picture(size), Picture::new(noisy(size), wanted));
            let mut meter = ClipMeter::new(wanted);
            repeat(move || {
                let picture = Picture::new(rgb.clone(), wanted);
                (meter.next(&picture, None), metrics::pair(&picture, &other, wanted))
            })
        }));
    }
    list
}
