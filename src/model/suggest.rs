//! "Did you mean": known names that resemble a mistyped one.
//!
//! Never guesses on anybody's behalf: the answer is for a hint.

use std::cmp::Reverse;

const MOST: usize = 3;
/// Names longer than this are not compared, so that a long argument costs nothing.
const MAX_LENGTH: usize = 256;

/// At most three known names, the likeliest first: the same but for case, the same last segment (`db` for
/// `prod/db`), or few letters away.
pub fn suggest<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    if wanted.is_empty() || wanted.len() > MAX_LENGTH {
        return Vec::new();
    }
    let wanted = wanted.to_lowercase();
    let mut found: Vec<(Reverse<usize>, &str)> = known
        .filter(|name| name.len() <= MAX_LENGTH)
        .filter_map(|name| likeness(&wanted, &name.to_lowercase()).map(|score| (Reverse(score), name)))
        .collect();
    found.sort_unstable();
    found.dedup();
    found.into_iter().map(|(_, name)| name).take(MOST).collect()
}

/// Higher is more alike.
fn likeness(wanted: &str, name: &str) -> Option<usize> {
    if wanted == name {
        return Some(1000);
    }
    let distance = strsim::damerau_levenshtein(wanted, name);
    let longer = wanted.chars().count().max(name.chars().count());
    let allowed = (longer / 3).max(1);
    let by_letters = (distance <= allowed).then(|| 900_usize.saturating_sub(distance.saturating_mul(100)));
    let by_segment = (last_segment(wanted) == last_segment(name)).then_some(750);
    let by_end = close(last_segment(wanted), last_segment(name)).then_some(300);
    [by_letters, by_segment, by_end].into_iter().flatten().max()
}

fn close(a: &str, b: &str) -> bool {
    a.chars().count() >= 4 && strsim::damerau_levenshtein(a, b) <= 1
}

fn last_segment(name: &str) -> &str {
    name.trim_end_matches('/').rsplit('/').next().unwrap_or(name)
}
