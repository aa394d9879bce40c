//! One test binary: it links once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::type_complexity,
    clippy::redundant_clone,
    clippy::needless_pass_by_value,
    clippy::single_match,
    missing_docs
)]

mod attacks;
mod cli;
mod faults;
mod formats;
mod fuzz;
mod house;
mod hygiene;
mod keys;
mod merge;
mod model;
mod openrouter;
mod providers;
mod repo;
mod seal;
mod simulation;
mod story;
mod team;
mod verifier;
mod world;
