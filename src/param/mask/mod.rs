//! Mask expressions: `person and not luma(0.8)`, `(a or file("left.png")) minus b`.
//!
//! An expression combines *sources* (what is bright, what is near, a file, a linked mask…) with the words of logic. A mask is soft: 0
//! nowhere, 1 fully; on masks of 0 and 1 alone every word is the boolean one. See [`words`] for everything that may stand in an
//! expression, and [`parser`] for the grammar, which takes in that of Deforum's composable masks.

mod parser;
mod tree;
mod words;

pub use tree::{Filter, Join, Linked, MaskTree, Measure};

use super::expr::{Env, Expr};
use super::{Data, Moment, Param, ReadCx, Shape, wrong_type};
use crate::diag::Diagnostic;

/// A mask expression as written.
#[derive(Debug, Clone, PartialEq)]
pub struct MaskExpr(MaskTree<Expr>);

impl MaskExpr {
    /// What it is made of.
    #[must_use]
    pub fn parts(&self) -> Vec<MaskPart<'_>> {
        let mut found = Vec::new();
        self.0.visit(&mut |tree| {
            found.extend(match tree {
                MaskTree::Linked(linked) => Some(MaskPart::Linked(*linked)),
                MaskTree::Measure { of, .. } => Some(MaskPart::Measure(*of)),
                MaskTree::File(path) => Some(MaskPart::File(path)),
                MaskTree::Model { path, .. } => Some(MaskPart::Model(path.as_ref())),
                MaskTree::Color { .. } | MaskTree::Filter(Filter::Refine, ..) => Some(MaskPart::Measure(Measure::Luma)),
                _ => None,
            });
        });
        found
    }
}

/// Something that a mask expression needs from outside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaskPart<'a> {
    /// A linked input.
    Linked(Linked),
    /// Something that is measured on linked inputs.
    Measure(Measure),
    /// A file.
    File(&'a super::PathParam),
    /// A model: the one named, or that of the node.
    Model(Option<&'a super::PathParam>),
}

/// Every word of mask expressions as it is written, with what it is for.
pub fn mask_reference() -> impl Iterator<Item = (String, &'static str)> {
    words::all().map(|word| (word.signature(), word.about))
}

impl Param for MaskExpr {
    type Now = MaskTree<f64>;

    fn shape() -> Shape {
        Shape::Mask
    }

    fn read(data: &Data, cx: &ReadCx) -> Result<Self, Diagnostic> {
        let Some(text) = data.text() else {
            let help = "write it in quotes: `\"[mask.png] and not {video_mask}\"`";
            return Err(wrong_type(data, "a mask expression").help(help));
        };
        parser::parse(text, &cx.base).map(Self).map_err(|fault| fault.diagnose("wrong-mask", data))
    }

    fn now(&self, at: &Moment<'_>) -> MaskTree<f64> {
        let env = Env::new(at);
        self.0.map(&|number| number.eval(&env))
    }

    fn streams(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.0.visit(&mut |tree| found.extend(tree.numbers().iter().flat_map(|number| number.streams().iter().cloned())));
        found.sort();
        found.dedup();
        found
    }
}

#[cfg(test)]
mod tests;
