//! Other people's words, made fit for an error of ours: no key in them, one line, not long.

use super::client::deepest;
use crate::model::escape::is_hidden;
use crate::plaintext::Plaintext;

/// How much of it is kept.
const LONGEST: usize = 200;
/// What stands for something that was left out.
const GONE: &str = "[…]";

/// What a provider says.
pub(super) fn words(text: &str, key: &Plaintext) -> String {
    let text = match key.expose_str() {
        Some(key) if !key.is_empty() => text.replace(key, GONE),
        _ => text.to_owned(),
    };
    let shown: String =
        without_tokens(&text).chars().map(|c| if is_hidden(c) || c.is_control() { ' ' } else { c }).collect();
    let mut short: String = shown.chars().take(LONGEST).collect();
    if short.len() < shown.len() {
        short.pop();
        short.push('…');
    }
    short
}

/// What the network, TLS or HTTP says.
pub(super) fn error(error: &reqwest::Error, key: &Plaintext) -> String {
    if error.is_timeout() {
        return if error.is_connect() { "not connected in time" } else { "not in time" }.to_owned();
    }
    words(&deepest(error), key)
}

/// Leaves out what looks like a key: long words without a pause, and shorter ones that say so.
fn without_tokens(text: &str) -> String {
    let of_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '/' | '=' | '.' | '%');
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars().chain(std::iter::once(' ')) {
        if of_token(c) {
            word.push(c);
            continue;
        }
        let looks_so = word.len() >= 40 || (word.len() >= 16 && word.contains("sk-"));
        out.push_str(if looks_so { GONE } else { &word });
        word.clear();
        out.push(c);
    }
    out.pop();
    out
}
