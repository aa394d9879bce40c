//! A campaign: every command of the table, disturbed in many ways; counts as it goes, and what was violated at its end.
//!
//! `COVAULT_LONG=1` tries everything; `COVAULT_ONLY="set new,mv"` these commands only; `COVAULT_SEED=7` chooses
//! otherwise, as does each day in CI; `COVAULT_SLICE=2/3` takes the second of three slices of each command's cases.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{LazyLock, Mutex};
use std::time::SystemTime;

use super::commands::{COMMANDS, Command, IMPORT_MANY};
use super::rig::long;
use super::scene::Prepared;
use crate::world::Said;

/// Dice that fall the same way for the same seed.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1))
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % end as u64).unwrap()
    }

    /// So many of them, in their order.
    pub fn some<T>(&mut self, mut all: Vec<T>, count: usize) -> Vec<T> {
        while all.len() > count {
            let out = self.below(all.len());
            all.remove(out);
        }
        all
    }
}

fn wanted(name: &str) -> bool {
    let only = std::env::var("COVAULT_ONLY").unwrap_or_default();
    only.is_empty() || only.split(',').any(|one| one.trim() == name)
}

/// The cases of the slice that is asked for.
fn slice<T>(all: Vec<T>) -> Vec<T> {
    let Ok(text) = std::env::var("COVAULT_SLICE") else { return all };
    let (n, of) = text.split_once('/').expect("COVAULT_SLICE=2/3");
    let (n, of): (usize, usize) = (n.parse().unwrap(), of.parse().unwrap());
    assert!((1..=of).contains(&n), "COVAULT_SLICE={text}");
    all.into_iter().enumerate().filter(|(at, _)| at % of == n - 1).map(|(_, case)| case).collect()
}

/// What became of a command that was disturbed and could say so.
pub fn reported(said: &Said, advised: bool) -> &'static str {
    match (said.code, advised) {
        (0, _) => "done all the same",
        (_, true) => "reported, and a lock left",
        _ => "reported",
    }
}

/// Tries the cases of each command, in the short form of so many commands: `cases` says which, by dice; `act` disturbs,
/// judges (it panics where something is violated) and says what became of it, in a word.
pub fn run<C: Sync>(
    name: &str,
    short: usize,
    cases: impl FnMut(&Prepared, &mut Dice) -> Vec<C>,
    act: impl Fn(&Prepared, &C) -> &'static str + Sync,
) -> BTreeMap<&'static str, usize> {
    let mut all: Vec<&Command> = COMMANDS.iter().filter(|command| wanted(command.name)).collect();
    if !long() {
        all = Dice::new(seed()).some(all, short);
    }
    run_these(name, &all, cases, act)
}

/// The same of one command.
pub fn run_one<C: Sync>(
    name: &str,
    command: &str,
    cases: impl FnMut(&Prepared, &mut Dice) -> Vec<C>,
    act: impl Fn(&Prepared, &C) -> &'static str + Sync,
) -> BTreeMap<&'static str, usize> {
    let mut all = COMMANDS.iter().chain([&IMPORT_MANY]);
    let command = all.find(|one| one.name == command).unwrap();
    run_these(name, &[command], cases, act)
}

/// Printed with every campaign, so that what failed can be repeated. CI tries others each day: of what the short form passes
/// over, something is tried tomorrow.
fn seed() -> u64 {
    static SEED: LazyLock<u64> = LazyLock::new(|| match std::env::var("COVAULT_SEED") {
        Ok(text) => text.parse().expect("COVAULT_SEED is a number"),
        Err(_) if std::env::var("CI").as_deref() == Ok("true") => {
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() / 86_400
        }
        Err(_) => 1,
    });
    *SEED
}

fn run_these<C: Sync>(
    name: &str,
    commands: &[&'static Command],
    mut cases: impl FnMut(&Prepared, &mut Dice) -> Vec<C>,
    act: impl Fn(&Prepared, &C) -> &'static str + Sync,
) -> BTreeMap<&'static str, usize> {
    println!("{name}: seed {}, {} form", seed(), if long() { "long" } else { "short" });
    let (mut total, mut violations) = (BTreeMap::new(), Vec::new());
    for command in commands {
        let prepared = Prepared::new(command);
        // Each command has dice of its own, so that it falls the same alone.
        let place = command.name.bytes().fold(seed(), |all, byte| all.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let cases = slice(cases(&prepared, &mut Dice::new(place)));
        let (outcomes, violated) = try_all(&cases, |case| act(&prepared, case));
        let words: Vec<String> = outcomes.iter().map(|(word, count)| format!("{count} {word}")).collect();
        println!("{}: {} tried, {} violations ({})", command.name, cases.len(), violated.len(), words.join(", "));
        violations.extend(violated);
        outcomes.into_iter().for_each(|(word, count)| *total.entry(word).or_default() += count);
        *total.entry("tried").or_default() += cases.len();
    }
    let tried = total.get("tried").copied().unwrap_or_default();
    let words: Vec<String> = total.iter().map(|(word, count)| format!("{count} {word}")).collect();
    println!("{name}: {}", words.join(", "));
    println!("{name}: {tried} tried, {} violations", violations.len());
    assert!(tried > 0, "nothing was tried");
    assert!(violations.is_empty(), "{}", violations.join("\n"));
    total
}

/// Two at a time.
fn try_all<C: Sync>(
    cases: &[C],
    act: impl Fn(&C) -> &'static str + Sync,
) -> (BTreeMap<&'static str, usize>, Vec<String>) {
    let queue = Mutex::new(cases.iter());
    let results = Mutex::new((BTreeMap::new(), Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(case) = queue.lock().unwrap().next() else { break };
                    let outcome = catch_unwind(AssertUnwindSafe(|| act(case)));
                    let mut results = results.lock().unwrap();
                    match outcome {
                        Ok(word) => *results.0.entry(word).or_default() += 1,
                        Err(cause) => {
                            let text = cause.downcast_ref::<String>().cloned();
                            let text = text.or_else(|| cause.downcast_ref::<&str>().map(ToString::to_string));
                            let text = text.unwrap_or_default();
                            println!("VIOLATED: {text}");
                            results.1.push(text);
                        }
                    }
                }
            });
        }
    });
    results.into_inner().unwrap()
}
