//! Optical flow against Deforum's (that is, `OpenCV`'s): estimates no worse than theirs on each pair, the same warps and masks.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support {
    pub mod golden;
}

use frameloom::frame::{Flow, Mask, Raster, Size};
use frameloom::kernel::flow::{self, Form, Preset};
use frameloom::kernel::sample::{self, Border, Sampling};
use serde_json::Value;
use support::golden::{Golden, Npy, number, psnr};

/// Pixels at the edge that the reference's own errors leave out.
const MARGIN: usize = 12;

fn golden(name: &'static str) -> Option<Golden> {
    Golden::open(name, "deforum/flow/params.json")
}

/// An array of (height, width, 2) as a flow.
fn flow_of(npy: &Npy) -> Flow {
    let size = Size::new(npy.shape[1], npy.shape[0]);
    let plane = |c: usize| npy.values.iter().skip(c).step_by(2).copied();
    Flow::new(Raster::from_vec(size, 2, plane(0).chain(plane(1)).collect()))
}

fn estimate(method: &str, from: &Raster, to: &Raster) -> Option<Flow> {
    match method {
        "DIS Medium" => Some(flow::dis(from, to, Preset::Medium, None)),
        "DIS Fine" => Some(flow::dis(from, to, Preset::Fine, None)),
        "Farneback" => Some(flow::farneback(from, to, None)),
        other => {
            println!("golden flow: skipped {other}, which is a trained network");
            None
        }
    }
}

/// The mean distance of two flows, away from the edge.
fn end_point_error(a: &Flow, b: &Flow) -> f64 {
    let Size { width, height } = a.size();
    let inner = |i: &usize| (MARGIN..width - MARGIN).contains(&(i % width)) && (MARGIN..height - MARGIN).contains(&(i / width));
    let gap = |i: usize| f64::from((a.0.plane(0)[i] - b.0.plane(0)[i]).hypot(a.0.plane(1)[i] - b.0.plane(1)[i]));
    let gaps: Vec<f64> = (0..width * height).filter(inner).map(gap).collect();
    gaps.iter().sum::<f64>() / gaps.len() as f64
}

#[test]
fn golden_estimates_are_no_worse() {
    let Some(golden) = golden("flow estimates") else { return };
    let (mut count, mut worse) = (0, Vec::new());
    for pair in golden.params["pairs"].as_array().unwrap() {
        let name = format!("{} {}", pair["pair"].as_str().unwrap(), pair["method"].as_str().unwrap());
        let file = |key: &str| pair[key].as_str().unwrap();
        let (Some(from), Some(to)) = (golden.picture(file("frame1")), golden.picture(file("frame2"))) else { continue };
        let Some(truth) = golden.npy(file("gt")) else { continue };
        let Some(ours) = estimate(file("method"), &from, &to) else { continue };
        let ours = end_point_error(&ours, &flow_of(&truth));
        let theirs = number(&pair["epe_interior12"]["mean"]).unwrap();
        println!("{name}: {ours:.4} px, theirs {theirs:.4} px");
        count += 1;
        if ours > theirs {
            worse.push(name);
        }
    }
    println!("golden flow estimates: {count} cases");
    assert!(worse.is_empty(), "worse than the reference: {worse:?}");
}

/// Every warp by a flow that is described: (flow file, factor, result).
fn warps(params: &Value) -> Vec<(String, f32, String)> {
    let text = |v: &Value| v.as_str().map(str::to_owned);
    let mut all = Vec::new();
    for pair in params["pairs"].as_array().unwrap() {
        for (key, value) in pair.as_object().unwrap() {
            let factor = key.strip_prefix("warp_factor_").and_then(|f| f.parse().ok());
            all.extend(factor.zip(text(value)).map(|(factor, out)| (text(&pair["flow"]).unwrap(), factor, out)));
        }
    }
    let exact = params["exact_flow_warps"].as_array().into_iter().flatten();
    all.extend(exact.map(|case| (text(&case["flow"]).unwrap(), 1.0, text(&case["out"]).unwrap())));
    all
}

#[test]
fn golden_warps_by_flow() {
    let Some(golden) = golden("flow warps") else { return };
    let photo = golden.picture("photo.png").unwrap();
    let mut count = 0;
    for (file, factor, out) in warps(&golden.params) {
        let (Some(field), Some(expected)) = (golden.npy(&file), golden.picture(&out)) else { continue };
        let motion = flow::follow(&flow_of(&field), factor);
        let ours = sample::warp(&photo, &motion, Sampling::Bilinear, Border::Reflect);
        let quality = psnr(&ours, &expected);
        assert!(quality > 44.0, "{out}: {quality:.1} dB");
        count += 1;
    }
    println!("golden flow warps: {count} cases");
}

/// The pairs with a consistency mask: the file names' common beginning.
fn checked(params: &Value) -> Vec<String> {
    let pairs = params["pairs"].as_array().unwrap().iter().filter(|pair| pair["consistency"].is_object());
    pairs.map(|pair| pair["flow"].as_str().unwrap().trim_end_matches(".npy").to_owned()).collect()
}

#[test]
fn golden_consistency() {
    let Some(golden) = golden("flow consistency") else { return };
    let mut count = 0;
    for start in checked(&golden.params) {
        let name = |part: &str| format!("{start}_{part}.npy");
        let Some(map) = golden.npy(&name("consistency")) else { continue };
        let size = Size::new(map.shape[1], map.shape[0]);
        let channel = |c: usize| map.values.iter().skip(c).step_by(map.shape[2]).copied();
        let reliable: Vec<f32> = channel(0).map(|v| f32::from(u8::from(v > 0.0))).collect();
        let field = flow_of(&golden.npy(&format!("{start}.npy")).unwrap());
        if let Some(back) = golden.npy(&name("backward")) {
            // The reference's own flows: the same mask, but for roundings of the flow to 16 bits.
            let ours = flow::consistent(&field, &flow_of(&back), Form::Squared);
            let off = ours.0.data().iter().zip(&reliable).filter(|(a, b)| a != b).count();
            assert!(off <= 2, "{start}: {off} pixels differ");
        }
        // The third channel is the edges of motion; the last row and column always count as one there.
        let edges = flow::within_a_motion(&field);
        let inner = |i: usize| i % size.width + 1 < size.width && i / size.width + 1 < size.height;
        let off = channel(2).enumerate().filter(|(i, v)| inner(*i) && *v != edges.0.data()[*i]).count();
        assert!(off <= size.area() / 1000, "{start}: {off} edge pixels differ");
        let (Some(weights), Some(masked)) = (golden.npy(&name("reliable_blur2")), golden.npy(&name("flow_masked_blur2"))) else { continue };
        let ours = flow::deforum_weights(&Mask::new(Raster::from_vec(size, 1, reliable)), 2.0);
        let gap = |a: f32, b: f32| (a - b).abs();
        let worst = ours.data().iter().zip(&weights.values).map(|(a, b)| gap(*a, *b)).fold(0.0, f32::max);
        assert!(worst < 1e-3, "{start}: weights differ by {worst}");
        let masked = flow_of(&masked);
        for plane in 0..2 {
            let ours = field.0.plane(plane).iter().zip(ours.data()).map(|(f, w)| f * w);
            let worst = ours.zip(masked.0.plane(plane)).map(|(a, b)| gap(a, *b)).fold(0.0, f32::max);
            assert!(worst < 1e-2, "{start}: the flow differs by {worst}");
        }
        count += 1;
    }
    println!("golden flow consistency: {count} cases");
}

/// Where Deforum trusts the reference's flows and we trust ours is mostly the same.
#[test]
fn golden_trust_in_our_own_flows() {
    let Some(golden) = golden("flow trust") else { return };
    let mut count = 0;
    for pair in golden.params["pairs"].as_array().unwrap() {
        let file = |key: &str| pair[key].as_str().unwrap();
        let Some(expected) = number(&pair["consistency"]["frac_reliable"]) else { continue };
        let (Some(from), Some(to)) = (golden.picture(file("frame1")), golden.picture(file("frame2"))) else { continue };
        let (Some(there), Some(back)) = (estimate(file("method"), &from, &to), estimate(file("method"), &to, &from)) else { continue };
        let mask = flow::consistent(&there, &back, Form::Squared);
        let share = f64::from(mask.0.data().iter().sum::<f32>()) / mask.size().area() as f64;
        println!("{} {}: {share:.3} trusted, theirs {expected:.3}", file("pair"), file("method"));
        assert!(share > expected - 0.03, "{} {}: {share} trusted, theirs {expected}", file("pair"), file("method"));
        count += 1;
    }
    println!("golden flow trust: {count} cases");
}
