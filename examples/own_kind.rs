//! A kind of one's own: declared, registered, used from a graph. `cargo run --example own_kind`.

use std::error::Error;
use std::path::Path;

use frameloom::Loom;
use frameloom::frame::Frame;
use frameloom::node::{Fault, Halt, Node, Open, Tick, node};
use frameloom::param::Curve;

node! {
    /// Splits the colours sideways, as a cheap lens does.
    "fringe" => Fringe
    inputs {
        /// The picture.
        image: Frame,
    }
    outputs {
        /// The picture with red and blue shifted apart.
        image: Frame,
    }
    params {
        /// Pixels by which red and blue are shifted, in opposite directions.
        amount: Curve = 4.0, in 0.0..=64.0;
    }
}

/// The kind `fringe`.
pub struct Fringe;

impl Node for Fringe {
    type State = ();

    fn open(_params: &Params, _cx: &Open<'_>) -> Result<(Self, ()), Fault> {
        Ok((Self, ()))
    }

    fn fire(&self, _state: &mut (), _cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let mut image = inputs.image;
        let width = image.size().width;
        let shift = (now.amount.round() as usize).min(width - 1);
        let (red, blue) = (0, 2);
        for row in image.raster.plane_mut(red).chunks_exact_mut(width) {
            row.copy_within(..width - shift, shift);
        }
        for row in image.raster.plane_mut(blue).chunks_exact_mut(width) {
            row.copy_within(shift.., 0);
        }
        Ok(Outputs { image })
    }
}

const GRAPH: &str = "
frameloom: 1
timeline: { size: [320, 180], fps: 25, length: 25 }
nodes:
  bars:   { kind: pattern, pattern: moving_bars }
  fringe: { kind: fringe, image: bars, amount: \"0: (0), 24: (24)\" }
  file:   { kind: encoder, image: fringe, path: out/fringe.mp4 }
";

fn main() -> Result<(), Box<dyn Error>> {
    let mut loom = Loom::new();
    loom.add::<Fringe>()?;
    let plan = loom.plan_text(GRAPH, Path::new(""), &[])?;
    let report = loom.run(&plan, &|_: &frameloom::exec::Event| {})?;
    for note in &report.notes {
        println!("{note}");
    }
    Ok(())
}
