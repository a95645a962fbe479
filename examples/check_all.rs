//! Checks every graph of a folder and prints what is wrong: `cargo run --example check_all -- graphs`.

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use frameloom::Loom;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let folder = PathBuf::from(env::args().nth(1).unwrap_or_else(|| "graphs".into()));
    let loom = Loom::new();
    let mut good = true;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        match loom.plan(&path, &[]) {
            Ok(plan) => {
                let size = plan.timeline.moment(0).size;
                println!("{}: {} nodes, {size}, {} frames", path.display(), plan.nodes.len(), plan.timeline.length.unwrap_or(0));
            }
            Err(rejected) => {
                good = false;
                println!("{rejected}");
            }
        }
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
