//! A gate as a parameter.

use crate::kernel::metrics::gate::{Gate, GateError};
use crate::param::{Data, Diagnostic, Moment, Param, ReadCx, Shape, Value, split_advice};

/// Bounds written as text: `warp_error<0.004, psnr>30`.
#[derive(Debug, Clone, PartialEq)]
pub struct GateParam(pub Gate);

/// What is wrong with a gate, without a place yet.
#[must_use]
pub fn fault(error: &GateError) -> Diagnostic {
    let (fact, help) = split_advice(&error.message);
    let fault = Diagnostic::error("gate", fact);
    help.into_iter().fold(fault, Diagnostic::help)
}

impl Param for GateParam {
    type Now = Self;

    fn shape() -> Shape {
        Shape::Text
    }

    fn read(data: &Data, _cx: &ReadCx) -> Result<Self, Diagnostic> {
        let Value::Text(text) = &data.value else {
            let fault = Diagnostic::error("wrong-type", format!("expected bounds, found {}", data.what()));
            return Err(fault.at(data.span, "not a text").help("write bounds in quotes: `\"warp_error<0.004, psnr>30\"`"));
        };
        Gate::read(text, &[]).map(Self).map_err(|error| fault(&error).at(data.part(error.place.clone()), "here"))
    }

    fn now(&self, _at: &Moment<'_>) -> Self {
        self.clone()
    }
}
