//! What is fuzzed: one function for each kind of bytes that come from others, and the law that it holds.
//!
//! `fuzz.rs` hands them what libFuzzer thinks of, `cargo test` the files of `corpus/`. Each panics where its law is broken;
//! none of them writes a file.

mod document;
mod envfile;
mod import;
mod manifest;
mod names;
mod records;
mod requests;
mod roster;
mod sealed;
mod siblings;
mod sshsig;
mod terminal;

/// A target: its name, what it does with an input, and the longest input that is tried.
pub type Target = (&'static str, fn(&[u8]), usize);

/// All of them but `answers`, which is the only one that needs a network's client.
pub const TARGETS: &[Target] = &[
    ("document", document::run, 4096),
    ("dotenv", import::dotenv, 2048),
    ("envfile", envfile::run, 2048),
    ("json", import::json, 2048),
    ("manifest", manifest::run, 4096),
    ("names", names::run, 512),
    ("records", records::run, 2048),
    ("requests", requests::run, 2048),
    ("roster", roster::run, 8192),
    ("sealed", sealed::run, 4096),
    ("siblings", siblings::run, 4096),
    ("sshsig", sshsig::run, 1024),
    ("terminal", terminal::run, 1024),
    ("toml", import::toml, 2048),
    ("yaml", import::yaml, 2048),
];

/// A value that no error may show. Its braces stand in no name that is ever accepted.
const NEEDLE: &str = "{{hunter2-hunter2}}";

/// The most that a refusal may say. What is refused may be megabytes long.
const LONGEST_WORDS: usize = 2048;

/// What an error says stays short, and shows no value.
pub fn check_words(error: &(impl std::fmt::Display + std::fmt::Debug)) {
    check_length(error);
    let (shown, debugged) = (error.to_string(), format!("{error:?}"));
    assert!(!shown.contains(NEEDLE) && !debugged.contains(NEEDLE), "an error shows a value: {shown}");
}

/// What an error says stays short.
pub fn check_length(error: &impl std::fmt::Display) {
    let shown = error.to_string();
    assert!(shown.len() <= LONGEST_WORDS, "an error of {} bytes: {shown}", shown.len());
}
