//! Pictures between two others: how far each is moved along the flow at a moment between them.

use super::band;
use super::flow::{self, Form};
use super::sample::{self, Border, Sampling};
use crate::frame::{Flow, Mask, Motion, Raster};

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

/// What moves between two pictures, and where that is known.
#[derive(Debug, Clone)]
pub struct Pair {
    forward: Flow,
    backward: Flow,
    /// Where the earlier picture is found again in the later one, and the other way round.
    found: [Mask; 2],
}

impl Pair {
    /// Judges the flows between two pictures, each on the grid of the picture in which it starts.
    #[must_use]
    pub fn new(forward: Flow, backward: Flow) -> Self {
        let found = [flow::consistent(&forward, &backward, Form::Squared), flow::consistent(&backward, &forward, Form::Squared)];
        Self { forward, backward, found }
    }

    /// The picture at the moment `t` (0..1) between `before` and `after`: both are moved there and faded into each other, each with
    /// the more weight where its content is found again in the other one, so that what is covered or uncovered on the way comes
    /// from the picture that knows it.
    #[must_use]
    pub fn picture(&self, before: &Raster, after: &Raster, t: f32, sampling: Sampling) -> Raster {
        let (there, back) = ways(&self.forward, Some(&self.backward), t, 1.0);
        let moved = |raster: &Raster, way: &Motion, sampling| sample::warp(raster, way, sampling, Border::Replicate);
        let (mut out, other) = (moved(before, &there, sampling), moved(after, &back, sampling));
        let [a, b] = [(&self.found[0], &there), (&self.found[1], &back)].map(|(mask, way)| moved(&mask.0, way, Sampling::Bilinear));
        band::each(&mut out, |mut band| {
            let first = band.top * other.size().width;
            let (a, b) = (&a.plane(0)[first..], &b.plane(0)[first..]);
            for (index, rows) in band.planes.iter_mut().enumerate().take(other.planes()) {
                let other = &other.plane(index)[first..];
                for (i, v) in rows.iter_mut().enumerate() {
                    let (one, two) = ((1.0 - t) * (a[i] + TRUST), t * (b[i] + TRUST));
                    *v += two / (one + two) * (other[i] - *v);
                }
            }
        });
        out
    }
}

/// What a picture counts where it is not found again in the other: little, unless the other is not either.
const TRUST: f32 = 0.02;

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
    fn what_moves_evenly_is_halfway_in_the_middle() {
        let size = Size::new(64, 48);
        let ramp = |shift: f32| {
            let value = |i: usize| 0.5 + 0.4 * ((i % 64) as f32 - shift).mul_add(0.2, (i / 64) as f32 * 0.15).sin();
            Raster::from_vec(size, 1, (0..size.area()).map(value).collect())
        };
        let flow = |dx: f32| Flow::new(Raster::from_vec(size, 2, [vec![dx; size.area()], vec![0.0; size.area()]].concat()));
        let pair = Pair::new(flow(6.0), flow(-6.0));
        let made = pair.picture(&ramp(0.0), &ramp(6.0), 0.5, Sampling::Lanczos);
        let expected = ramp(3.0);
        for (i, (a, b)) in made.data().iter().zip(expected.data()).enumerate().filter(|(i, _)| (8..56).contains(&(i % 64))) {
            assert!((a - b).abs() < 2e-3, "{i}: {a} {b}");
        }
        assert_eq!(pair.picture(&ramp(0.0), &ramp(6.0), 0.0, Sampling::Bilinear).data()[70..90], ramp(0.0).data()[70..90]);
    }
}
