//! Which texts are no secret by their looks: examples in the place of a key, and values that a program's text is full of.
//!
//! It errs to the side of silence where people would learn not to look: a check before each commit that cries over
//! `localhost` is switched off. What it passes over is said, by name.

use std::collections::BTreeSet;

/// Words that people put in the place of a key.
const STAND_INS: &[&str] = &[
    "example",
    "placeholder",
    "changeme",
    "change-me",
    "change_me",
    "redacted",
    "dummy",
    "sample",
    "your-",
    "your_",
    "yourkey",
    "yourtoken",
    "yoursecret",
    "xxxx",
    "abcdef",
    "insert",
    "replace",
    "notreal",
    "not-real",
    "not_real",
    "fake",
    "foobar",
    "deadbeef",
    "123456",
    "qwerty",
    "....",
    "****",
];

/// The shortest run of a key's characters that says anything.
const RUN: usize = 16;

/// Why a value is not looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plain {
    /// It has fewer bytes than anything that could be told from other text.
    Short,
    /// A word, a name, a number or an address, which says nothing where it stands.
    Common,
}

/// Whether a text in a key's form stands for a key and is none.
pub(super) fn is_stand_in(key: &[u8], surprise: f64, is_one_piece: bool) -> bool {
    let text = String::from_utf8_lossy(key).to_ascii_lowercase();
    let is_drawn_out = is_one_piece && (has_long_run(key) || repeats(key));
    STAND_INS.iter().any(|word| text.contains(word)) || is_drawn_out || entropy(key) < surprise
}

/// Whether a value is one that would be found in texts where it gives nothing away.
pub(super) fn of_value(value: &[u8]) -> Option<Plain> {
    if value.len() < super::known::SHORTEST {
        return Some(Plain::Short);
    }
    let Ok(text) = std::str::from_utf8(value) else { return None };
    let is_common = (text.len() < RUN && (is_number(text) || is_name(text)))
        || is_host(text)
        || is_web_address(text)
        || is_mail_address(text)
        || distinct(value) < 4;
    (is_common && !looks_random(value)).then_some(Plain::Common)
}

/// Whether a line of a longer value is one that only this value has: not a heading, not the words of a file's format.
pub(super) fn is_telling_line(line: &[u8]) -> bool {
    line.len() >= RUN && !line.starts_with(b"-----") && looks_random(line)
}

/// Whether somewhere in it is a run of characters as a generator makes them: of several classes, in no order.
pub(super) fn looks_random(text: &[u8]) -> bool {
    let is_of_key = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/_=-".contains(byte);
    text.split(|byte| !is_of_key(byte)).filter(|run| run.len() >= RUN).any(|run| {
        let classes: Vec<u8> = run.iter().filter_map(class).collect();
        let changes = classes.windows(2).filter(|pair| matches!(pair, [a, b] if a != b)).count();
        changes * 5 >= run.len()
    })
}

fn class(byte: &u8) -> Option<u8> {
    match byte {
        b'a'..=b'z' => Some(0),
        b'A'..=b'Z' => Some(1),
        b'0'..=b'9' => Some(2),
        _ => None,
    }
}

/// Digits with what stands between them in dates, versions, addresses and ports.
fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || b".:-/, ".contains(&byte))
}

/// A word, or up to three with marks between: `production`, `app_user`, `us-east-1`.
fn is_name(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['-', '_', '.', '/']).collect();
    let is_word = |part: &&str| part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_part = |part: &&str| !part.is_empty() && (is_word(part) || (part.len() <= 2 && is_number(part)));
    parts.len() <= 3
        && parts.first().is_some_and(|first| !first.is_empty() && is_word(first))
        && parts.iter().all(is_part)
}

/// A host's name, perhaps with a port.
pub(super) fn is_host(text: &str) -> bool {
    let host = text.split_once(':').map_or(text, |(host, port)| if is_number(port) { host } else { "" });
    let labels: Vec<&str> = host.split('.').collect();
    let is_label = |label: &&str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let ends_in_word =
        labels.last().is_some_and(|last| last.len() >= 2 && last.bytes().all(|b| b.is_ascii_lowercase()));
    host == "localhost" || (labels.len() >= 2 && ends_in_word && labels.iter().all(is_label))
}

/// An address without a user, a password or a query.
pub(super) fn is_web_address(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let is_scheme = !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_lowercase() || b == b'+');
    is_scheme && !rest.contains(['@', '?', '#', ' ', '=', '\n'])
}

pub(super) fn is_mail_address(text: &str) -> bool {
    let Some((user, host)) = text.split_once('@') else { return false };
    let is_user = !user.is_empty() && user.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-".contains(&b));
    is_user && !host.contains(':') && is_host(host)
}

/// Whether the same byte, or one that follows the last, comes many times in a row.
fn has_long_run(key: &[u8]) -> bool {
    let (mut same, mut rising) = (1, 1);
    for pair in key.windows(2) {
        let [a, b] = pair else { continue };
        same = if a == b { same + 1 } else { 1 };
        rising = if a.checked_add(1) == Some(*b) { rising + 1 } else { 1 };
        if same >= 6 || rising >= 6 {
            return true;
        }
    }
    false
}

/// Whether eight bytes of it come twice.
fn repeats(key: &[u8]) -> bool {
    let mut met = BTreeSet::new();
    key.windows(8).any(|window| !met.insert(window))
}

fn distinct(text: &[u8]) -> usize {
    counts(text).iter().filter(|count| **count > 0).count()
}

/// Bits a byte, by how often each occurs.
fn entropy(text: &[u8]) -> f64 {
    let all = text.len() as f64;
    let of = |count: u32| {
        let share = f64::from(count) / all;
        -share * share.log2()
    };
    counts(text).into_iter().filter(|count| *count > 0).map(of).sum()
}

fn counts(text: &[u8]) -> [u32; 256] {
    let mut counts = [0_u32; 256];
    for byte in text {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    counts
}
