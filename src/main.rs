//! The program: calls the library's command line and turns its answer into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    covault::cli::harden();
    covault::cli::run(std::env::args_os())
}
