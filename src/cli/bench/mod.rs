//! `frameloom bench`: how fast the kernels are on this machine. `cargo bench` runs the same list.
//!
//! A benchmark is a name and a closure that prepares what it needs and returns the work to repeat; the files beside this one hold
//! a list each. To add one, add a few lines to a list; to add a list, add a file and a word in [`all`].

mod diffusion;
mod filters;
mod flows;
mod masks;
mod metrics;
mod time;
mod warps;

use std::hint::black_box;

use serde_json::json;

use super::Exit;
use super::args::{BenchArgs, Format};
use super::load::Style;
use crate::frame::{Raster, Size};
use crate::kernel::pattern::{self, Pattern};
use time::Time;

/// What is repeated.
type Work = Box<dyn FnMut() + Send>;

/// A named piece of work.
struct Bench {
    /// Words from the general to the particular: `warp affine bilinear`.
    name: String,
    /// Prepares the work for pictures of a size.
    prepare: Box<dyn Fn(Size) -> Work>,
}

/// A benchmark from its name and what prepares it.
fn bench(name: impl Into<String>, prepare: impl Fn(Size) -> Work + 'static) -> Bench {
    Bench { name: name.into(), prepare: Box::new(prepare) }
}

/// The work `work`, whose result is made although nobody looks at it.
fn repeat<R>(mut work: impl FnMut() -> R + Send + 'static) -> Work {
    Box::new(move || {
        black_box(work());
    })
}

/// A colour picture with detail of every scale.
fn picture(size: Size) -> Raster {
    pattern::draw(Pattern::ZoomPlate, size, 3, 2.0, 1)
}

/// A smooth plane: what depth and masks look like.
fn plane(size: Size) -> Raster {
    let middle = [size.width as f32 / 2.0, size.height as f32 / 2.0];
    let value = |x: usize, y: usize| 1.0 - f32::midpoint((x as f32 / middle[0] - 1.0).powi(2), (y as f32 / middle[1] - 1.0).powi(2));
    Raster::from_vec(size, 1, (0..size.area()).map(|i| value(i % size.width, i / size.width)).collect())
}

/// Every benchmark.
fn all() -> Vec<Bench> {
    [warps::list(), filters::list(), flows::list(), masks::list(), metrics::list(), diffusion::list()].into_iter().flatten().collect()
}

/// One line of the result.
struct Line {
    name: String,
    size: Size,
    threads: usize,
    time: Time,
}

/// Runs the benchmarks that are asked for and prints the table.
pub fn run(args: &BenchArgs, style: Style) -> Exit {
    if cfg!(debug_assertions) {
        eprintln!("warning: this is a development build; only `--release` tells how fast the kernels are");
    }
    let wanted: Vec<Bench> = all().into_iter().filter(|bench| args.filter.iter().all(|word| bench.name.contains(word))).collect();
    if wanted.is_empty() {
        eprintln!("error: no benchmark has `{}` in its name; `frameloom bench --list` shows all", args.filter.join(" "));
        return Exit::Usage;
    }
    if args.list {
        for bench in &wanted {
            println!("{}", bench.name);
        }
        return Exit::Done;
    }
    let widest = wanted.iter().map(|bench| bench.name.len()).max().unwrap_or(0);
    if style.format == Format::Text {
        println!("{:widest$}  {:>9}  threads  median ms     min ms", "name", "size");
    }
    let mut lines = Vec::new();
    for bench in wanted {
        for threads in thread_counts(args) {
            let Ok(pool) = rayon::ThreadPoolBuilder::new().num_threads(threads).build() else {
                eprintln!("error: cannot start {threads} threads; ask for fewer with `--threads`");
                return Exit::Failed;
            };
            let mut work = (bench.prepare)(args.size);
            let time = pool.install(|| time::measure(&mut work));
            let line = Line { name: bench.name.clone(), size: args.size, threads, time };
            if style.format == Format::Text {
                println!("{}", row(&line, widest));
            }
            lines.push(line);
        }
    }
    if style.format == Format::Json {
        println!("{:#}", lines.iter().map(object).collect::<serde_json::Value>());
    }
    Exit::Done
}

/// One thread, and all there are.
fn thread_counts(args: &BenchArgs) -> Vec<usize> {
    if !args.threads.is_empty() {
        return args.threads.iter().map(|threads| usize::from(*threads)).collect();
    }
    let all = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if all > 1 { vec![1, all] } else { vec![1] }
}

fn row(line: &Line, widest: usize) -> String {
    let Line { name, size, threads, time } = line;
    format!("{name:widest$}  {:>9}  {threads:>7}  {:>9.3}  {:>9.3}", size.to_string(), time.median, time.least)
}

fn object(line: &Line) -> serde_json::Value {
    json!({
        "name": line.name,
        "size": line.size.to_string(),
        "threads": line.threads,
        "median_ms": line.time.median,
        "min_ms": line.time.least,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_benchmark_has_a_name_of_its_own_and_runs() {
        let mut names = std::collections::HashSet::new();
        for bench in all() {
            assert!(names.insert(bench.name.clone()), "{} is there twice", bench.name);
            (bench.prepare)(Size::new(64, 48))();
        }
    }

    #[test]
    fn json_has_the_promised_fields() {
        let line = Line { name: "warp".into(), size: Size::new(4, 3), threads: 2, time: Time { median: 1.5, least: 1.25 } };
        let expected = json!({ "name": "warp", "size": "4x3", "threads": 2, "median_ms": 1.5, "min_ms": 1.25 });
        assert_eq!(object(&line), expected);
    }
}
