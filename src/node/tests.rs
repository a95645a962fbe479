//! The declaration macro, tried on a kind of every shape.
#![allow(dead_code, missing_docs, reason = "the kinds below are for reading their declaration")]

use std::sync::Arc;

use super::*;
use crate::diag::{SourceId, Sources};
use crate::frame::{Frame, Mask, Motion, Size};
use crate::param::Shape;

#[derive(Clone)]
pub struct Amount(f64);

impl Param for Amount {
    type Now = f64;
    fn shape() -> Shape {
        Shape::Number
    }
    fn read(data: &Data, _cx: &ReadCx) -> Result<Self, Diagnostic> {
        data.number().map(Amount).ok_or_else(|| Diagnostic::error("wrong-type", "not a number").at(data.span, ""))
    }
    fn now(&self, _at: &Moment<'_>) -> f64 {
        self.0
    }
    fn check(&self, range: &std::ops::RangeInclusive<f64>, _at: &Moment<'_>) -> Result<(), String> {
        if range.contains(&self.0) { Ok(()) } else { Err(format!("{} is outside", self.0)) }
    }
}

node! {
    /// Adds the inputs.
    ///
    /// And counts.
    "sum" => Sum
    inputs {
        /// The first.
        a: Frame,
        mask: Option<Mask>,
        more: Vec<Frame>,
        held: Latest<f64>,
    }
    outputs {
        /// The sum.
        image: Frame,
        motion: Option<Motion>,
    }
    params {
        /// Times.
        amount: Amount = 1, in 0.0..=2.0;
        r#type: Amount;
    }
}

pub struct Sum;

impl Node for Sum {
    type State = u64;
    fn open(_params: &Params, _cx: &Open<'_>) -> Result<(Self, u64), Fault> {
        Ok((Sum, 0))
    }
    fn fire(&self, state: &mut u64, cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        *state += 1;
        let mut image = inputs.a;
        for other in &inputs.more {
            for (into, from) in image.raster.data_mut().iter_mut().zip(other.raster.data()) {
                *into += from * now.amount as f32;
            }
        }
        assert!(inputs.mask.is_none() && inputs.held.age == 2);
        let motion = cx.wants("motion").then(|| Motion::new(crate::frame::Raster::zeroed(image.size(), 2)));
        Ok(Outputs { image, motion })
    }
}

mod sink {
    use super::super::*;
    node! {
        /// Takes one.
        "sink" => Sink
        inputs { scalar: f64 }
    }
    pub struct Sink;
    impl Node for Sink {
        type State = ();
        fn open(_params: &Params, _cx: &Open<'_>) -> Result<(Self, ()), Fault> {
            Ok((Sink, ()))
        }
        fn fire(&self, _state: &mut (), _cx: &Tick<'_>, _inputs: Inputs, _now: Now) -> Result<Outputs, Halt> {
            Ok(Outputs {})
        }
    }
}

fn span() -> Span {
    let id: SourceId = Sources::default().add("x", "");
    Span::new(id, 0, 0)
}

#[test]
fn one_declaration_yields_spec_inputs_outputs_and_parameters() {
    let mut registry = Registry::default();
    registry.add::<Sum>().unwrap().add::<sink::Sink>().unwrap();
    assert!(registry.add::<Sum>().is_err());
    let kind = Arc::clone(registry.get("sum").unwrap());
    let spec = kind.spec();
    assert_eq!((spec.about, spec.details.as_str(), spec.sequential), ("Adds the inputs.", "And counts.", true));
    assert_eq!(
        spec.inputs.iter().map(|i| (i.name, i.shape.optional, i.shape.many)).collect::<Vec<_>>(),
        [("a", false, false), ("mask", true, false), ("more", false, true), ("held", false, false)]
    );
    assert_eq!(spec.params[1].name, "type");
    assert!(spec.params[1].required() && !spec.params[0].required());
    assert!(registry.get("sink").unwrap().spec().is_sink());

    let data = Data::new(span(), param::Value::Integer(3));
    let given = Given { values: vec![("type", &data, ReadCx::default())], kind: "sum", place: span() };
    let settings = kind.read(&given).unwrap_or_else(|_| panic!("reads"));
    let engine = Engine::default();
    let open = Open { node: "n", timeline: Timeline::default(), inputs: &[], period: 1, engine: &engine };
    let running = settings.open(&open).unwrap();
    let frame = |value| Sample { value: Frame::filled(Size::new(2, 1), [value; 3]).into_value(), tick: 5, period: 1 };
    let held = Sample { value: Value::Scalar(1.0), tick: 3, period: 3 };
    let feeds = vec![vec![vec![frame(1.0)]], vec![], vec![vec![frame(2.0)], vec![frame(4.0)]], vec![vec![held]]];
    let cx = Tick { node: "n", spec, moment: Moment { tick: 5, ..Moment::default() }, wanted: &[true, false], count: 0, period: 1 };
    let outputs = running.fire(&cx, feeds).unwrap();
    let [Some(Value::Frame(image)), None] = &outputs[..] else { panic!("one frame, no motion") };
    assert_eq!(image.raster.data(), [7.0; 6]);
}

#[test]
fn missing_parameters_are_named() {
    let mut registry = Registry::default();
    registry.add::<Sum>().unwrap();
    let given = Given { values: vec![], kind: "sum", place: span() };
    let Err(faults) = registry.get("sum").unwrap().read(&given) else { panic!("`type` is missing") };
    assert_eq!(faults.0[0].message, "`sum` needs `type`");
}
