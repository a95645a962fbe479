//! Phase four: lanes, the final net, and what it costs in memory.

use std::fs;
use std::path::{Path, PathBuf};

use super::analysis::Analysis;
use super::net::{self, LaneId, Net, PortRef, Tap};
use super::topology::Wired;
use super::{Plan, PlanNode, PlanOptions};
use crate::node::{Lane, Length, Timeline};

/// Waves that run at once when memory allows: enough for every thread to find work behind a slow sequential node.
const SPARE_WAVES: usize = 2;
/// The program itself with FFmpeg's and ONNX Runtime's libraries.
const PROCESS: usize = 96 << 20;
/// A model's weights in memory against their file: they are kept as stored, and once more as the runtime lays them out.
const WEIGHTS: usize = 2;
/// What a model's activations take for each pixel of its picture. Small networks at full size and Stable Diffusion at an eighth
/// both lie below.
const ACTIVATIONS: usize = 800;
/// More waves than this only cost memory.
const MAX_DEPTH: usize = 16;

/// What a plan holds at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    /// For each stream: node, output, values at once, bytes of one value.
    pub streams: Vec<StreamMemory>,
    /// All streams together with what is being made and edited, in bytes: a bound that a run keeps.
    pub frames: usize,
    /// What decoders, encoders and other nodes hold for themselves.
    pub scratch: usize,
    /// Weights and activations of models, estimated.
    pub models: usize,
    /// All together with the program itself.
    pub total: usize,
}

/// What one stream holds at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamMemory {
    /// The stream.
    pub port: PortRef,
    /// How many values at most.
    pub values: u64,
    /// Bytes of one value.
    pub bytes: usize,
}

impl Plan {
    /// The most that lives at once with `depth` waves under way.
    #[must_use]
    pub fn memory(&self, depth: usize) -> Memory {
        let streams: Vec<_> = self
            .analysis
            .ports()
            .map(|port| StreamMemory { port, values: self.analysis.capacity(port, depth), bytes: self.value_bytes(port) })
            .collect();
        let held: usize =
            streams.iter().map(|stream| usize::try_from(stream.values).unwrap_or(usize::MAX).saturating_mul(stream.bytes)).sum();
        let frames = held.saturating_add(self.in_flight());
        let scratch = self.nodes.iter().map(|node| node.outlook.scratch).sum();
        let models = self.model_bytes();
        Memory { streams, frames, scratch, models, total: frames.saturating_add(scratch).saturating_add(models).saturating_add(PROCESS) }
    }

    /// The model files and folders that the nodes load, each once.
    #[must_use]
    pub fn models(&self) -> Vec<&Path> {
        let mut models: Vec<_> = self.nodes.iter().flat_map(|node| &node.outlook.models).map(PathBuf::as_path).collect();
        models.sort_unstable();
        models.dedup();
        models
    }

    fn model_bytes(&self) -> usize {
        let weights: usize = self.models().into_iter().map(size_on_disk).sum();
        let area = |node: &PlanNode| node.outlook.outputs.first().map_or(0, |format| format.size.area());
        let pixels: usize = self.nodes.iter().filter(|node| !node.outlook.models.is_empty()).map(area).sum();
        weights.saturating_mul(WEIGHTS).saturating_add(pixels.saturating_mul(ACTIVATIONS))
    }

    /// The depth to run with: `wanted`, or as many waves as keep the threads busy; less when `limit` bytes would be passed.
    /// `None` when not even one wave fits.
    #[must_use]
    pub fn depth(&self, wanted: Option<usize>, limit: Option<usize>) -> Option<usize> {
        let most = wanted.unwrap_or(self.engine.threads + SPARE_WAVES).clamp(1, MAX_DEPTH);
        (1..=most).rev().find(|&depth| limit.is_none_or(|limit| self.memory(depth).total <= limit))
    }

    /// Bytes of one value of `port`.
    #[must_use]
    pub fn value_bytes(&self, port: PortRef) -> usize {
        self.nodes[port.node].outlook.outputs.get(port.port).map_or(0, |format| format.bytes())
    }

    /// Outputs being made and inputs being edited while every thread is in a firing.
    fn in_flight(&self) -> usize {
        let mut largest: Vec<usize> = self
            .nodes
            .iter()
            .map(|node| node.outlook.outputs.iter().chain(node.inputs.iter().flatten()).map(|format| format.bytes()).sum())
            .collect();
        largest.sort_unstable_by(|a, b| b.cmp(a));
        largest.iter().cycle().take(if largest.is_empty() { 0 } else { self.engine.threads }).sum()
    }
}

/// Bytes of a file, or of all files in a folder.
#[must_use]
pub fn size_on_disk(path: &Path) -> usize {
    match fs::read_dir(path) {
        Ok(entries) => entries.flatten().map(|entry| size_on_disk(&entry.path())).sum(),
        Err(_) => fs::metadata(path).map_or(0, |data| usize::try_from(data.len()).unwrap_or(usize::MAX)),
    }
}

/// Keeps the nodes that are used, gives each its lane, and marks the sources that say where they end.
pub(super) fn complete(
    nodes: Vec<PlanNode>,
    wired: Wired,
    timeline: Timeline,
    (limit, certain): (Option<u64>, bool),
    options: &PlanOptions,
) -> Option<Plan> {
    let mut lanes = vec![Lane::Cpu];
    for node in &nodes {
        if !lanes.contains(&node.outlook.lane) {
            lanes.push(node.outlook.lane.clone());
        }
    }
    let rate = wired.rates.iter().map(|rate| rate.stride * rate.frames).max().unwrap_or(1);
    let places: Vec<usize> = (0..wired.used.len()).map(|index| wired.used[..index].iter().filter(|used| **used).count()).collect();
    let moved = |port: PortRef| PortRef::new(places[port.node], port.port);
    let kept = wired.net.nodes.into_iter().zip(&wired.used).zip(&wired.lasting).filter(|((_, used), _)| **used);
    let net_nodes = kept.zip(&nodes).map(|(((node, _), lasting), planned)| {
        let taps = node.taps.iter().map(|tap| Tap { from: moved(tap.from), initial: tap.initial.map(moved), ..*tap }).collect();
        let lane = LaneId(lanes.iter().position(|lane| *lane == planned.outlook.lane).unwrap_or(0));
        net::NetNode { taps, lane, source_ends: *lasting && matches!(planned.outlook.length, Length::About(_)), ..node }
    });
    let net_nodes = net_nodes.collect();
    let slots = |lane: &Lane| if *lane == Lane::Cpu { options.engine.threads.max(1) } else { 1 };
    let net = Net { nodes: net_nodes, lanes: lanes.iter().map(|lane| net::Lane { slots: slots(lane) }).collect() };
    let analysis = Analysis::new(&net).ok()?;
    Some(Plan { nodes, net, analysis, timeline, limit, rate, certain, lanes, engine: options.engine.clone() })
}
