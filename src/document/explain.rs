//! Where a node's value comes from: what each layer says, and who wins.

use super::graph::{Arg, Candidate, Graph};

/// What each layer says of `NODE.PARAM`, the weakest first: the last one wins. Empty when the graph says nothing of it, so that the
/// kind's default holds; `None` when there is no such node.
#[must_use]
pub fn explain(graph: &Graph, node: &str, param: &str) -> Option<Vec<Candidate>> {
    let node = graph.node(node)?;
    Some(node.arg(param).map(candidates).unwrap_or_default())
}

fn candidates(arg: &Arg) -> Vec<Candidate> {
    let winner = Candidate { layer: arg.layer.clone(), value: arg.value.clone(), via: arg.via.clone() };
    arg.overridden.iter().cloned().chain([winner]).collect()
}
