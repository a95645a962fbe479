//! The unrest of cameras: smooth noise and swinging, by who or what carries them.

use std::f64::consts::TAU;

use super::random;

/// What carries the camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// Somebody who stands and looks.
    Handheld,
    /// Somebody who holds a long lens as still as possible.
    Closeup,
    /// Somebody who walks.
    Walk,
    /// Somebody who runs.
    Run,
    /// A bicycle on gravel.
    Bike,
    /// A car, looking out of its window.
    Vehicle,
    /// A ship in space: engines that hum, and now and then a slow lurch.
    Spaceship,
}

/// Where the camera is and how it is turned, relative to rest.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Pose {
    /// Right, up, forwards, in the units of translation of a camera in depth.
    pub translation: [f64; 3],
    /// Up, right, counter-clockwise, in degrees.
    pub rotation: [f64; 3],
}

/// A part of a motion.
#[derive(Clone, Copy)]
enum Part {
    /// Smooth noise: size, changes of direction a second.
    Noise(f64, f64),
    /// A swing: size, times a second, where in the swing it begins (0 to 1).
    Swing(f64, f64, f64),
}
use Part::{Noise, Swing};

/// The parts along x, y, z and around x, y, z.
type Parts = [&'static [Part]; 6];

const HANDHELD: Parts = [
    &[Noise(1.6, 0.5), Noise(0.35, 2.1)],
    &[Noise(1.2, 0.45), Noise(0.3, 2.4)],
    &[Noise(0.8, 0.3)],
    &[Noise(0.35, 0.6), Noise(0.07, 3.1)],
    &[Noise(0.45, 0.5), Noise(0.08, 2.7)],
    &[Noise(0.4, 0.4), Noise(0.05, 2.2)],
];
const CLOSEUP: Parts = [
    &[Noise(0.5, 0.7), Noise(0.15, 4.0)],
    &[Noise(0.5, 0.8), Noise(0.15, 4.4)],
    &[Noise(0.2, 0.4)],
    &[Noise(0.25, 0.9), Noise(0.08, 5.0)],
    &[Noise(0.25, 0.8), Noise(0.08, 4.6)],
    &[Noise(0.12, 0.5)],
];
/// Two steps are one sway: the body bobs twice while it swings from side to side once.
const WALK: Parts = [
    &[Swing(1.8, 0.95, 0.0), Noise(1.2, 0.6)],
    &[Swing(1.4, 1.9, 0.2), Noise(0.5, 2.2)],
    &[Swing(0.8, 1.9, 0.45), Noise(0.6, 0.5)],
    &[Swing(0.25, 1.9, 0.3), Noise(0.35, 0.8)],
    &[Swing(0.2, 0.95, 0.1), Noise(0.5, 0.6)],
    &[Swing(0.45, 0.95, 0.05), Noise(0.3, 0.7)],
];
const RUN: Parts = [
    &[Swing(3.5, 1.4, 0.0), Noise(2.5, 1.2)],
    &[Swing(3.8, 2.8, 0.2), Noise(1.4, 3.6)],
    &[Swing(1.6, 2.8, 0.45), Noise(1.2, 0.9)],
    &[Swing(0.8, 2.8, 0.3), Noise(0.8, 1.6)],
    &[Swing(0.6, 1.4, 0.1), Noise(0.9, 1.1)],
    &[Swing(1.1, 1.4, 0.05), Noise(0.7, 1.3)],
];
const BIKE: Parts = [
    &[Noise(0.8, 0.8), Noise(0.35, 8.0)],
    &[Noise(1.0, 1.4), Noise(0.75, 9.0)],
    &[Noise(0.4, 0.9)],
    &[Noise(0.25, 1.6), Noise(0.22, 8.5)],
    &[Noise(0.35, 0.7), Noise(0.12, 7.0)],
    &[Noise(0.9, 0.45), Noise(0.15, 7.5)],
];
const VEHICLE: Parts = [
    &[Noise(0.5, 0.5), Noise(0.1, 6.0)],
    &[Noise(1.1, 1.1), Noise(0.22, 6.5)],
    &[Noise(0.5, 0.3)],
    &[Noise(0.18, 1.2), Noise(0.05, 6.0)],
    &[Noise(0.25, 0.4)],
    &[Noise(0.3, 0.8), Noise(0.03, 5.0)],
];
const SPACESHIP: Parts = [
    &[Noise(2.2, 0.14), Noise(0.12, 10.0)],
    &[Noise(2.2, 0.16), Noise(0.12, 11.0)],
    &[Noise(1.5, 0.1)],
    &[Noise(0.5, 0.15), Noise(0.03, 10.0)],
    &[Noise(0.6, 0.12), Noise(0.03, 10.5)],
    &[Noise(1.6, 0.1), Noise(0.04, 9.5)],
];

impl Carrier {
    fn parts(self) -> Parts {
        match self {
            Self::Handheld => HANDHELD,
            Self::Closeup => CLOSEUP,
            Self::Walk => WALK,
            Self::Run => RUN,
            Self::Bike => BIKE,
            Self::Vehicle => VEHICLE,
            Self::Spaceship => SPACESHIP,
        }
    }

    /// The pose at a time in seconds; another `key` is another take.
    #[must_use]
    pub fn pose(self, seconds: f64, key: u64) -> Pose {
        let parts = self.parts();
        let along = |axis: usize| -> f64 {
            let key = random::bits(key, axis as u64);
            parts[axis].iter().enumerate().map(|(index, part)| part.at(seconds, random::bits(key, index as u64))).sum()
        };
        Pose { translation: [along(0), along(1), along(2)], rotation: [along(3), along(4), along(5)] }
    }
}

impl Part {
    fn at(self, seconds: f64, key: u64) -> f64 {
        match self {
            Noise(size, rate) => size * smooth(seconds * rate, key),
            // Nobody swings like a clock: the beat wanders by a tenth of a swing, and its size by a fifth.
            Swing(size, rate, phase) => {
                let beat = seconds * rate + phase + 0.1 * smooth(seconds * rate / 3.0, key);
                size * (1.0 + 0.2 * smooth(seconds * rate / 2.0, key ^ 1)) * (TAU * beat).sin()
            }
        }
    }
}

/// Smooth noise between −1 and 1: random slopes at whole numbers (Perlin 2002), its fifth-degree fade between them.
fn smooth(x: f64, key: u64) -> f64 {
    let whole = x.floor();
    let f = x - whole;
    let slope = |step: i64| f64::from(random::unit((random::bits(key, (whole as i64 + step) as u64) >> 32) as u32)) * 2.0 - 1.0;
    let fade = f * f * f * (f * (f * 6.0 - 15.0) + 10.0);
    let (a, b) = (slope(0) * f, slope(1) * (f - 1.0));
    // Slopes of 1 reach half way up.
    2.0 * (a + fade * (b - a))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Carrier; 7] =
        [Carrier::Handheld, Carrier::Closeup, Carrier::Walk, Carrier::Run, Carrier::Bike, Carrier::Vehicle, Carrier::Spaceship];

    fn values(pose: Pose) -> [f64; 6] {
        let ([a, b, c], [d, e, f]) = (pose.translation, pose.rotation);
        [a, b, c, d, e, f]
    }

    #[test]
    fn takes_differ_stay_around_rest_and_move_without_jumps() {
        for carrier in ALL {
            assert_ne!(carrier.pose(3.3, 1), carrier.pose(3.3, 2));
            let (mut sum, mut most) = ([0.0; 6], [0.0_f64; 6]);
            for i in 0..6000 {
                let (now, next) = (values(carrier.pose(f64::from(i) / 100.0, 5)), values(carrier.pose(f64::from(i + 1) / 100.0, 5)));
                for axis in 0..6 {
                    sum[axis] += now[axis] / 6000.0;
                    most[axis] = most[axis].max(now[axis].abs());
                    assert!((next[axis] - now[axis]).abs() < 1.2, "{carrier:?} jumps");
                }
            }
            for axis in 0..6 {
                assert!(most[axis] > 0.05 && sum[axis].abs() < 0.35 * most[axis], "{carrier:?} axis {axis}: {sum:?} {most:?}");
            }
        }
    }
}
