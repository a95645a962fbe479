//! Kinds without their types: what the planner and the executor handle.

use std::any::{Any, TypeId};
use std::sync::{Arc, Mutex, PoisonError};

use super::context::{Ending, Open, Outlook, Pace, Problem, Prospect, Tick};
use super::fault::{Fault, Halt};
use super::feed::Feed;
use super::value::Value;
use super::{Declared, Given, Node, Spec};
use crate::diag::Diagnostics;
use crate::param::Moment;

/// A kind.
pub trait Kind: Send + Sync {
    /// Its declaration.
    fn spec(&self) -> &Spec;

    /// Reads a node's parameters.
    ///
    /// # Errors
    /// Everything wrong with them, each with its place.
    fn read(&self, given: &Given<'_>) -> Result<Arc<dyn Settings>, Diagnostics>;
}

/// The parameters of one node, read.
pub trait Settings: Send + Sync {
    /// What the node will make.
    ///
    /// # Errors
    /// What keeps it from running, as far as can be told before.
    fn outlook(&self, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>>;

    /// The parameters that leave their range at `at`, with the sentence to show.
    fn out_of_range(&self, at: &Moment<'_>) -> Vec<(&'static str, String)>;

    /// The scalar streams that parameters read: (parameter, `node.port`).
    fn streams(&self) -> Vec<(&'static str, String)>;

    /// Whether the node is an output of the graph even when nobody reads it.
    fn is_output(&self) -> bool;

    /// How many frames the node makes for each that it reads.
    fn pace(&self) -> Pace;

    /// Makes the node ready to fire.
    ///
    /// # Errors
    /// Why it cannot.
    fn open(self: Arc<Self>, cx: &Open<'_>) -> Result<Box<dyn Running>, Fault>;
}

/// A node that is ready to fire. Non-sequential ones may fire at several ticks at once.
pub trait Running: Send + Sync {
    /// Fires once. The feeds are in the order of the declared inputs, as are the outputs.
    ///
    /// # Errors
    /// Why nothing was made.
    fn fire(&self, cx: &Tick<'_>, feeds: Vec<Feed>) -> Result<Vec<Option<Value>>, Halt>;

    /// Closes what the node holds; called once, after the last firing.
    ///
    /// # Errors
    /// What went wrong while closing.
    fn finish(&self, ending: Ending) -> Result<Vec<String>, Fault>;
}

pub(super) struct KindOf<N> {
    spec: Spec,
    node: std::marker::PhantomData<fn() -> N>,
}

impl<N: Node> KindOf<N> {
    pub(super) fn new() -> Self {
        let sequential = TypeId::of::<N::State>() != TypeId::of::<()>();
        Self { spec: Spec { sequential, ..N::spec() }, node: std::marker::PhantomData }
    }
}

impl<N: Node> Kind for KindOf<N> {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn read(&self, given: &Given<'_>) -> Result<Arc<dyn Settings>, Diagnostics> {
        Ok(Arc::new(SettingsOf::<N> { params: N::read(given)? }))
    }
}

struct SettingsOf<N: Node> {
    params: N::Params,
}

impl<N: Node> Settings for SettingsOf<N> {
    fn outlook(&self, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        N::outlook(&self.params, cx)
    }

    fn out_of_range(&self, at: &Moment<'_>) -> Vec<(&'static str, String)> {
        N::out_of_range(&self.params, at)
    }

    fn streams(&self) -> Vec<(&'static str, String)> {
        N::streams(&self.params)
    }

    fn is_output(&self) -> bool {
        N::is_output(&self.params)
    }

    fn pace(&self) -> Pace {
        N::pace(&self.params)
    }

    fn open(self: Arc<Self>, cx: &Open<'_>) -> Result<Box<dyn Running>, Fault> {
        let (node, state) = N::open(&self.params, cx)?;
        Ok(Box::new(RunningOf { node, state: Mutex::new(state), settings: self }))
    }
}

struct RunningOf<N: Node> {
    node: N,
    state: Mutex<N::State>,
    settings: Arc<SettingsOf<N>>,
}

impl<N: Node> Running for RunningOf<N> {
    fn fire(&self, cx: &Tick<'_>, feeds: Vec<Feed>) -> Result<Vec<Option<Value>>, Halt> {
        if let Some((param, sentence)) = N::out_of_range(&self.settings.params, &cx.moment).into_iter().next() {
            return Err(Halt::Fault(Fault::new(format!("`{param}`: {sentence}"))));
        }
        let inputs = <N as Declared>::take(feeds, cx.tick()).ok_or_else(|| Fault::new("an input is missing or of another type"))?;
        let now = N::now(&self.settings.params, &cx.moment);
        // Firings of a kind without state may overlap, so they must not queue at the lock.
        let outputs = match (&mut () as &mut dyn Any).downcast_mut::<N::State>() {
            Some(nothing) => self.node.fire(nothing, cx, inputs, now)?,
            None => self.node.fire(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner), cx, inputs, now)?,
        };
        Ok(N::give(outputs))
    }

    fn finish(&self, ending: Ending) -> Result<Vec<String>, Fault> {
        self.node.finish(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner), ending)
    }
}
