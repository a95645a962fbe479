//! How fast the kernels are: the list of `frameloom bench`, by `cargo bench` (with `-- WORDS` for those with these words only).

use std::process::ExitCode;

fn main() -> ExitCode {
    // `cargo bench` adds a flag for the usual harness.
    let words = std::env::args().skip(1).filter(|word| word != "--bench");
    frameloom::cli::run(["frameloom".to_owned(), "bench".to_owned()].into_iter().chain(words)).into()
}
