//! Pictures between two others: how far each is moved along the flow at a moment between them.

use super::band;
use crate::frame::{Flow, Motion, Raster};

/// Where the earlier and the later picture are read to show the moment `t` (0..1) between them: `out(p) = picture(p + way(p))`.
///
/// With the flow forth alone the earlier one goes forward by `t` of it and the later one back by the rest. With the flow back as
/// well both are mixed as in Jiang et al., Super `SloMo` (2018), equation 4, which assumes that flow varies little along the way.
/// `factor` multiplies the flow.
#[must_use]
pub fn ways(forward: &Flow, backward: Option<&Flow>, t: f32, factor: f32) -> (Motion, Motion) {
    let mix = |from: f32, back: f32| {
        let mut out = forward.0.clone();
        band::each(&mut out, |mut band| {
            for (index, rows) in band.planes.iter_mut().enumerate() {
                let first = band.top * forward.0.size().width;
                match backward {
                    None => rows.iter_mut().for_each(|v| *v *= from),
                    Some(flow) => rows.iter_mut().zip(&flow.0.plane(index)[first..]).for_each(|(v, b)| *v = *v * from + b * back),
                }
            }
        });
        Motion::new(out)
    };
    match backward {
        None => (mix(-t * factor, 0.0), mix((1.0 - t) * factor, 0.0)),
        Some(_) => {
            let s = 1.0 - t;
            (mix(-s * t * factor, t * t * factor), mix(s * s * factor, -t * s * factor))
        }
    }
}

/// `flow` times `mask`, a plane of the same size.
#[must_use]
pub fn masked(flow: &Flow, mask: &Raster) -> Flow {
    let mut out = flow.0.clone();
    band::each(&mut out, |mut band| {
        let first = band.top * mask.size().width;
        for rows in &mut band.planes {
            rows.iter_mut().zip(&mask.plane(0)[first..]).for_each(|(v, m)| *v *= m);
        }
    });
    Flow::new(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;

    fn steady(dx: f32, dy: f32) -> Flow {
        let size = Size::new(8, 6);
        Flow::new(Raster::from_vec(size, 2, [vec![dx; size.area()], vec![dy; size.area()]].concat()))
    }

    #[test]
    fn both_pictures_meet_on_the_way() {
        for backward in [None, Some(steady(-4.0, 2.0))] {
            for t in [0.0, 0.25, 0.5, 1.0_f32] {
                let (there, back) = ways(&steady(4.0, -2.0), backward.as_ref(), t, 1.0);
                let at = |motion: &Motion| [motion.0.plane(0)[9], motion.0.plane(1)[9]];
                let near = |a: [f32; 2], b: [f32; 2]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
                assert!(near(at(&there), [-4.0 * t, 2.0 * t]), "{t}: {:?}", at(&there));
                assert!(near(at(&back), [4.0 * (1.0 - t), -2.0 * (1.0 - t)]), "{t}: {:?}", at(&back));
            }
        }
    }

    #[test]
    fn a_mask_stops_the_flow() {
        let size = Size::new(8, 6);
        let mask = Raster::from_vec(size, 1, (0..size.area()).map(|i| if i % 8 < 4 { 0.0 } else { 1.0 }).collect());
        let flow = masked(&steady(4.0, -2.0), &mask);
        assert_eq!((flow.0.plane(0)[3], flow.0.plane(0)[4], flow.0.plane(1)[12]), (0.0, 4.0, -2.0));
    }
}
