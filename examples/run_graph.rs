//! Plans and runs a graph with a progress callback: `cargo run --release --example run_graph -- graphs/tunnel.yaml`.

use std::env;
use std::error::Error;
use std::path::PathBuf;

use frameloom::Loom;
use frameloom::exec::Event;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let graph = PathBuf::from(args.next().unwrap_or_else(|| "graphs/tunnel.yaml".into()));
    let set: Vec<String> = args.collect();

    let loom = Loom::new();
    let plan = loom.plan(&graph, &set)?;
    let report = loom.run(&plan, &|event: &Event| {
        if let Event::Frames { done, length } = event {
            eprintln!("{done} of {} frames", length.map_or("?".into(), |length| length.to_string()));
        }
    })?;
    for note in &report.notes {
        println!("{note}");
    }
    println!("{} frames in {:.1} s", report.frames, report.took.as_secs_f64());
    Ok(())
}
