//! Damaged files of every kind: each bit of each byte flipped, cut anywhere, longer, blocks exchanged, and blocks of another
//! file of the same kind put in. Never a panic, never a wrong value: the right one, or an error that names the file.
//!
//! Short: a spread sample. Long: `COVAULT_LONG=1 cargo test --locked faults::damage -- --nocapture`. `COVAULT_SEED` says
//! which blocks and tails; each kind prints what it tried, and the last line has the sum.

mod keys;
mod program;
mod requests;
mod rosters;
mod secrets;
mod state;

use std::cell::Cell;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use covault::vault::VaultError;

use super::rig::{CANARY, long};
use crate::simulation::dice::Dice;

/// Of all kinds in this process.
static TRIED: AtomicUsize = AtomicUsize::new(0);

fn seed() -> u64 {
    std::env::var("COVAULT_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(6)
}

/// How many of each way; `None` is all of them.
struct Plan {
    flips: Option<usize>,
    cuts: Option<usize>,
    tails: usize,
    swaps: usize,
    splices: usize,
}

impl Plan {
    /// Everything in the long form.
    fn usual() -> Self {
        if long() { Self { flips: None, cuts: None, tails: 256, swaps: 256, splices: 256 } } else { Self::few(40) }
    }

    /// So many of each way, for what is slow.
    fn few(count: usize) -> Self {
        Self { flips: Some(count), cuts: Some(count / 3), tails: count / 10, swaps: count / 4, splices: count / 4 }
    }
}

/// The n-th of `count` that are spread over `all`; all of them in their order where no count is given.
fn spread(all: usize, count: Option<usize>) -> impl Iterator<Item = usize> {
    let count = count.unwrap_or(all).min(all);
    // An odd step off the even spread, so that not the same bit of each byte is met.
    (0..count).map(move |n| if count == all { n } else { (n * all / count + n * 7) % all })
}

/// A file's bytes, damaged in many ways; `other` is another file of its kind.
fn damaged(whole: &[u8], other: &[u8], plan: &Plan, dice: &mut Dice) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for at in spread(whole.len() * 8, plan.flips) {
        let (at, bit) = (at / 8, at % 8);
        let mut bytes = whole.to_vec();
        bytes[at] ^= 1 << bit;
        all.push((format!("bit {bit} of byte {at} flipped"), bytes));
    }
    for len in spread(whole.len(), plan.cuts) {
        all.push((format!("cut to {len} bytes"), whole[..len].to_vec()));
    }
    for n in 0..plan.tails {
        let mut tail = vec![u8::try_from(n % 256).unwrap()];
        let more = if n % 2 == 0 { 0 } else { dice.below(64) };
        tail.extend((0..more).map(|_| u8::try_from(dice.below(256)).unwrap()));
        all.push((format!("{} bytes from {n} on appended", tail.len()), [whole, &tail].concat()));
    }
    all.push(("itself appended".to_owned(), [whole, whole].concat()));
    for _ in 0..plan.swaps {
        // Short files have short blocks.
        let size = (16 + dice.below(49)).min(whole.len() / 2);
        if size == 0 {
            break;
        }
        let one = dice.below(whole.len() - 2 * size + 1);
        let two = one + size + dice.below(whole.len() - one - 2 * size + 1);
        let mut bytes = whole.to_vec();
        bytes[one..one + size].copy_from_slice(&whole[two..two + size]);
        bytes[two..two + size].copy_from_slice(&whole[one..one + size]);
        all.push((format!("{size} bytes at {one} and at {two} exchanged"), bytes));
    }
    for n in 0..plan.splices {
        let size = (16 + dice.below(49)).min(whole.len()).min(other.len());
        if size == 0 {
            break;
        }
        let to = dice.below(whole.len() - size + 1);
        // At its own place, as a file system does that mixes blocks up, or from anywhere.
        let from = if n % 2 == 0 { to.min(other.len() - size) } else { dice.below(other.len() - size + 1) };
        let mut bytes = whole.to_vec();
        bytes[to..to + size].copy_from_slice(&other[from..from + size]);
        all.push((format!("{size} bytes at {to} are those at {from} of another one"), bytes));
    }
    all.retain(|(_, bytes)| bytes != whole);
    all
}

/// Damages `file` in all these ways, lets each be judged, and puts it right again. `put` writes the damaged bytes.
fn damage(
    kind: &str,
    file: &Path,
    other: &[u8],
    plan: &Plan,
    put: impl Fn(&Path, &[u8]),
    judge: impl Fn(&[u8]) -> Result<(), String>,
) {
    let whole = std::fs::read(file).unwrap();
    let mut dice = Dice::new(seed());
    let all = damaged(&whole, other, plan, &mut dice);
    let mut violations = Vec::new();
    for (how, bytes) in &all {
        put(file, bytes);
        let outcome = catch_unwind(AssertUnwindSafe(|| judge(bytes))).unwrap_or_else(|_| Err("a panic".to_owned()));
        if let Err(why) = outcome {
            violations.push(format!("{how}: {why}"));
        }
    }
    put(file, &whole);
    let sum = TRIED.fetch_add(all.len(), Ordering::Relaxed) + all.len();
    eprintln!("{kind}, {} bytes, seed {}: {} tried, {} violations", whole.len(), seed(), all.len(), violations.len());
    let shown = violations.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
    assert!(violations.is_empty(), "{kind}: {} of {}\n{shown}", violations.len(), all.len());
    eprintln!("damage: {sum} tried, 0 violations");
}

fn overwrite(file: &Path, bytes: &[u8]) {
    std::fs::write(file, bytes).unwrap();
}

/// Every sixteenth time: for what costs more than all the rest, and asks the same once more by another way.
fn now_and_then(tried: &Cell<usize>) -> bool {
    tried.set(tried.get() + 1);
    tried.get() % 16 == 1
}

/// What a person sees of an error: what, why, and what to do.
fn told(error: &VaultError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(one) = cause {
        text.push_str(&format!(": {one}"));
        cause = one.source();
    }
    format!("{text}\nhint: {}", error.hint().unwrap_or_default())
}

/// The error names the file and shows no value.
fn names(error: &VaultError, file: &str) -> Result<(), String> {
    let text = told(error);
    match text.contains(file) && !text.contains(CANARY) {
        true => Ok(()),
        false => Err(format!("{file} is not named, or a value is shown: {text}")),
    }
}

/// The right value, or an error that names the file.
fn right<T: PartialEq + std::fmt::Debug>(got: Result<T, VaultError>, wanted: &T, file: &str) -> Result<(), String> {
    match got {
        Ok(got) if got == *wanted => Ok(()),
        Ok(got) => Err(format!("a wrong value: {got:?}")),
        Err(error) => names(&error, file),
    }
}

/// An error that names the file, and no value at all.
fn refused<T: std::fmt::Debug>(got: Result<T, VaultError>, file: &str) -> Result<(), String> {
    match got {
        Ok(got) => Err(format!("accepted: {got:?}")),
        Err(error) => names(&error, file),
    }
}
