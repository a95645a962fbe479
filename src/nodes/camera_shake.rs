//! The kind `camera_shake`.

use crate::choice;
use crate::kernel::shake::{self, Pose};
use crate::node::{Fault, Halt, Node, Open, Tick};
use crate::param::Curve;

choice! {
    /// What carries the camera.
    pub enum Carrier {
        /// Somebody who stands and looks.
        Handheld = "handheld",
        /// Somebody who holds a long lens as still as possible.
        Closeup = "closeup",
        /// Somebody who walks.
        Walk = "walk",
        /// Somebody who runs.
        Run = "run",
        /// A bicycle on gravel.
        Bike = "bike",
        /// A car, looking out of its window.
        Vehicle = "vehicle",
        /// A ship in space: engines that hum, and now and then a slow lurch.
        Spaceship = "spaceship",
    }
}

choice! {
    /// What the numbers tell.
    pub enum Tell {
        /// Where the camera is: for a warp of fresh pictures.
        Position = "position",
        /// How it moved since the frame before: for a warp that feeds back into itself, where steps add up.
        Step = "step",
    }
}

node! {
    /// The unrest of a camera that is carried, as numbers for the curves of a warp.
    ///
    /// Write `rotation_3d_x: shake.tilt`, `translation_x: "2 + shake.x"` and so on, with `shake` the name of this node. `x`, `y` and `z`
    /// are in the units of `depth_warp`; in the pixels of `warp` one unit is about a 280th of the width, and the sign of x is the
    /// other: `translation_x: "-shake.x*w/280"`. The presets `shake_2d` and `shake_3d` have all that written out.
    "camera_shake" => CameraShake
    outputs {
        /// To the right.
        x: f64,
        /// Upwards.
        y: f64,
        /// Forwards.
        z: f64,
        /// Degrees upwards.
        tilt: f64,
        /// Degrees to the right.
        pan: f64,
        /// Degrees around the line of sight; the picture turns counter-clockwise.
        roll: f64,
    }
    params {
        /// What carries the camera.
        carrier: Carrier = "handheld";
        /// How strong the unrest is; 1 is natural for a wide lens.
        intensity: Curve = 1.0, in 0.0..=100.0;
        /// How fast it goes: 2 is twice as fast.
        speed: f64 = 1.0, in 0.0..=100.0;
        /// Another seed is another take.
        seed: i64 = 0;
        /// What the numbers tell.
        tell: Tell = "position";
    }
}

/// The kind `camera_shake`.
pub struct CameraShake;

impl From<Carrier> for shake::Carrier {
    fn from(carrier: Carrier) -> Self {
        match carrier {
            Carrier::Handheld => Self::Handheld,
            Carrier::Closeup => Self::Closeup,
            Carrier::Walk => Self::Walk,
            Carrier::Run => Self::Run,
            Carrier::Bike => Self::Bike,
            Carrier::Vehicle => Self::Vehicle,
            Carrier::Spaceship => Self::Spaceship,
        }
    }
}

impl Now {
    /// The pose at `tick`, at full intensity.
    fn pose(&self, tick: u64, fps: f64) -> Pose {
        shake::Carrier::from(self.carrier).pose(tick as f64 / fps * self.speed, self.seed as u64)
    }
}

impl Node for CameraShake {
    type State = ();

    fn open(_params: &Params, _cx: &Open<'_>) -> Result<(Self, ()), Fault> {
        Ok((Self, ()))
    }

    fn fire(&self, _state: &mut (), cx: &Tick<'_>, _inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let (tick, fps) = (cx.tick(), cx.moment.fps.as_f64());
        let here = now.pose(tick, fps);
        // Steps begin at rest, so that they add up to the position.
        let before = match now.tell {
            Tell::Step if tick > 0 => now.pose(tick.saturating_sub(cx.period), fps),
            _ => Pose::default(),
        };
        let along = |axis: usize| now.intensity * (here.translation[axis] - before.translation[axis]);
        let around = |axis: usize| now.intensity * (here.rotation[axis] - before.rotation[axis]);
        Ok(Outputs { x: along(0), y: along(1), z: along(2), tilt: around(0), pan: around(1), roll: around(2) })
    }
}
