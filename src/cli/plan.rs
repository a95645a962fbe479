//! `frameloom plan`: how a graph will run, in tables.

use std::fmt::Write;

use crate::node::{Lane, PortType};
use crate::param::Fps;
use crate::plan::clock::Clock;
use crate::plan::{Plan, size_on_disk};

/// The plan for people.
#[must_use]
pub fn text(plan: &Plan, depth: usize) -> String {
    let mut out = headline(plan);
    order(&mut out, plan);
    let memory = plan.memory(depth);
    let _ = writeln!(out, "\nstreams             values   each      held");
    for stream in memory.streams.iter().filter(|stream| stream.bytes > 0) {
        let node = &plan.nodes[stream.port.node];
        let name = format!("{}.{}", node.name, node.kind.spec().outputs[stream.port.port].name);
        let _ = writeln!(
            out,
            "  {name:17} {:>6} {:>9} {:>9}",
            stream.values,
            bytes(stream.bytes),
            bytes(stream.bytes * stream.values as usize)
        );
    }
    let _ = writeln!(
        out,
        "\nmemory: at most {} of frames, with {depth} under way at once on {}",
        bytes(memory.frames),
        threads(plan.engine.threads)
    );
    let (scratch, models) = (bytes(memory.scratch), bytes(memory.models));
    let _ = writeln!(
        out,
        "        about {} in all: {scratch} in decoders and encoders, {models} in models, and the program",
        bytes(memory.total)
    );
    list_models(&mut out, plan);
    out
}

fn threads(count: usize) -> String {
    if count == 1 { "1 thread".into() } else { format!("{count} threads") }
}

fn headline(plan: &Plan) -> String {
    let moment = plan.timeline.moment(0);
    let length = plan.frames().map_or("as many frames as the sources have".into(), |frames| {
        format!("{}{frames} frames, {}", if plan.certain { "" } else { "about " }, duration(frames, moment.fps))
    });
    let finer = if plan.rate > 1 { format!(", {} ticks each", plan.rate) } else { String::new() };
    format!("output: {} at {} fps, {length}{finer}\n", moment.size, moment.fps)
}

fn order(out: &mut String, plan: &Plan) {
    let _ = writeln!(out, "\norder  node              kind          clock     ahead  lane    makes");
    for (place, &index) in plan.analysis.order.iter().enumerate() {
        let (node, facts) = (&plan.nodes[index], &plan.analysis.nodes[index]);
        let clock = if facts.until < u64::MAX { format!("first {}", facts.until) } else { clock(&facts.clock) };
        let spec = node.kind.spec();
        let makes = spec.outputs.iter().zip(&node.wanted).zip(&node.outlook.outputs).filter(|((_, wanted), _)| **wanted).map(
            |((output, _), format)| {
                if output.ty.planes() > 0 { format!("{} {}", output.name, format.size) } else { output.name.to_owned() }
            },
        );
        let makes: Vec<_> = makes.collect();
        let makes = if plan.net.nodes[index].sink { ["the output".to_owned()].into_iter().chain(makes).collect::<Vec<_>>() } else { makes };
        let makes = makes.join(", ");
        let _ = writeln!(
            out,
            "{:>5}  {:17} {:13} {clock:9} {:>5}  {:7} {makes}{}",
            place + 1,
            node.name,
            spec.name,
            facts.lead,
            lane(&node.outlook.lane),
            if spec.sequential { " (in order)" } else { "" }
        );
    }
}

/// `every` tick, `every 3`, or `uneven`.
fn clock(clock: &Clock) -> String {
    match clock.period() {
        Some(1) => "every".into(),
        Some(period) => format!("every {period}"),
        None => "uneven".into(),
    }
}

fn lane(lane: &Lane) -> String {
    match lane {
        Lane::Cpu => "cpu".into(),
        Lane::Device(name) => name.clone(),
    }
}

fn list_models(out: &mut String, plan: &Plan) {
    for model in plan.models() {
        let _ = writeln!(out, "model: {} ({})", model.display(), bytes(size_on_disk(model)));
    }
}

/// The plan for programs.
#[must_use]
pub fn json(plan: &Plan, depth: usize) -> serde_json::Value {
    let moment = plan.timeline.moment(0);
    let memory = plan.memory(depth);
    let nodes = plan.analysis.order.iter().map(|&index| {
        let (node, facts) = (&plan.nodes[index], &plan.analysis.nodes[index]);
        serde_json::json!({
            "name": node.name, "kind": node.kind.spec().name, "every": facts.clock.period(), "ticks_per_frame": node.stride, "lead": facts.lead,
            "lane": lane(&node.outlook.lane), "sequential": node.kind.spec().sequential,
            "models": node.outlook.models, "writes": node.outlook.writes,
        })
    });
    let streams = memory.streams.iter().map(|stream| {
        let node = &plan.nodes[stream.port.node];
        let output = &node.kind.spec().outputs[stream.port.port];
        let ty: PortType = output.ty;
        serde_json::json!({ "stream": format!("{}.{}", node.name, output.name), "type": ty.word(), "values": stream.values, "bytes_each": stream.bytes })
    });
    let nodes: Vec<_> = nodes.collect();
    let streams: Vec<_> = streams.collect();
    serde_json::json!({
        "size": [moment.size.width, moment.size.height], "fps": [moment.fps.num, moment.fps.den],
        "frames": plan.frames(), "certain": plan.certain, "depth": depth, "frame_bytes": memory.frames, "memory_bytes": memory.total,
        "nodes": nodes, "streams": streams,
    })
}

/// Bytes as people read them.
#[must_use]
pub fn bytes(count: usize) -> String {
    let count = count as f64;
    for (unit, size) in [("GiB", 1024.0 * 1024.0 * 1024.0), ("MiB", 1024.0 * 1024.0), ("KiB", 1024.0)] {
        if count >= size {
            return format!("{:.1} {unit}", count / size);
        }
    }
    format!("{count:.0} B")
}

/// Frames as a length of time.
#[must_use]
pub fn duration(frames: u64, fps: Fps) -> String {
    let seconds = frames as f64 / fps.as_f64();
    if seconds < 60.0 { format!("{seconds:.2} s") } else { format!("{}:{:05.2} min", (seconds / 60.0) as u64, seconds % 60.0) }
}
