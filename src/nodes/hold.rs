//! The kind `hold`.

use crate::frame::Frame;
use crate::node::{Fault, Halt, Node, Open, Tick};

node! {
    /// Keeps the first picture it gets.
    ///
    /// A reference that does not drift: the first painted frame of a loop, for the colours of all that follow, is
    /// `first: { kind: hold, image: { from: painted@-1, initial: none } }`.
    "hold" => Hold
    inputs {
        /// The pictures, of which the first is kept.
        image: Frame,
    }
    outputs {
        /// The picture that is kept.
        image: Frame,
    }
    params {
        /// After how many frames a new picture is taken; 0 for never.
        renew: i64 = 0, in 0.0..=1_000_000.0;
    }
}

/// The kind `hold`.
pub struct Hold;

impl Node for Hold {
    /// The picture kept, and the tick it is from.
    type State = Option<(Frame, u64)>;

    fn open(_params: &Params, _cx: &Open<'_>) -> Result<(Self, Self::State), Fault> {
        Ok((Self, None))
    }

    fn fire(&self, state: &mut Self::State, cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let renew = u64::try_from(now.renew).unwrap_or(0);
        let stale = |since: u64| renew > 0 && cx.tick() - since >= renew;
        match state {
            Some((image, since)) if !stale(*since) => Ok(Outputs { image: image.clone() }),
            _ => {
                *state = Some((inputs.image.clone(), cx.tick()));
                Ok(Outputs { image: inputs.image })
            }
        }
    }
}
