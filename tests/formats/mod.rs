//! What other tools' files mean, and the small rules around them.
//!
//! Judges where there are any: a shell, python's JSON, the libraries' own readers, the RFC's vectors.

mod dotenv;
mod duration;
mod envfile;
mod escape;
mod generate;
mod otp;
mod render;
mod structured;
mod suggest;
mod words;

use std::collections::BTreeMap;

use covault::model::formats::{Format, Parsed, parse};

/// Keys joined with dots, values as text, in the file's order.
fn read(format: Format, text: &str) -> Vec<(String, String)> {
    texts(&parse(format, text.as_bytes()).unwrap())
}

fn texts(parsed: &Parsed) -> Vec<(String, String)> {
    parsed.entries.iter().map(|e| (e.name(), String::from_utf8(e.value.to_vec()).unwrap())).collect()
}

fn expected() -> BTreeMap<String, String> {
    serde_json::from_str(include_str!("../../fixtures/import/expected.json")).unwrap()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}
