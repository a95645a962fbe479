//! `params:`: what a user may set from outside, and how `$name` is replaced.

mod decl;
mod scope;
mod settings;

pub use decl::{ParamDecl, ParamType, Setting};
pub(super) use decl::{check, declare};
pub(super) use scope::{Budget, Fault, Scope, written};
pub(super) use settings::{Override, settings};
