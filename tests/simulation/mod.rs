//! Many clones, many branches, real git: whatever order people merge, rebase, pick, squash, stash and reset in, no write
//! is lost that nobody replaced, and none comes back that somebody did.
//!
//! The judge is a recorded history ([`oracle`]), not that clones agree: broken merges agree, too. In a second campaign some
//! of the clones belong to liars ([`liars`]): what they forge is refused or held apart, and the honest agree all the same.
//!
//! The long form: `COVAULT_LONG=1 cargo test --locked --release simulation:: -- --nocapture`, a part of it with
//! `COVAULT_SIM="CLONES OPERATIONS SEEDS FIRST"`; operations are counted over all clones of a seed. What fails is made
//! smaller for a minute (`COVAULT_SHRINK`, seconds). `COVAULT_SCRIPT=NAME` replays the scripts of that name alone,
//! `COVAULT_TRACE=1` says what everybody has after each step, `COVAULT_KEEP=DIR` keeps everybody's clones and homes
//! of what failed.
//!
//! Names of writes and keys are random in every run, so that the same seed gives the same operations, not the same bytes.

mod acts;
pub mod dice;
mod exchange;
mod forging;
mod generate;
mod honest;
mod judge;
mod liars;
mod lies;
mod oracle;
mod people;
mod reading;
mod run;
mod script;
mod secrets;
mod sim;
mod stops;
mod traces;

use std::path::Path;
use std::time::{Duration, Instant};

use crate::faults::rig::long;
use run::{Size, Tally};
use script::Script;

#[test]
fn nothing_is_lost_and_nothing_stale_returns_whatever_clones_do_with_real_git() {
    campaign("simulation", if long() { "50 200 20 1" } else { "4 16 1 1" }, 0);
}

#[test]
fn liars_among_them_lose_nothing_and_bring_nothing_in() {
    campaign("simulation with liars", if long() { "50 200 20 1" } else { "6 8 1 1" }, if long() { 5 } else { 2 });
}

/// Worlds from one seed after the other.
fn campaign(name: &str, default: &str, liars: usize) {
    let wanted = std::env::var("COVAULT_SIM").unwrap_or_default();
    let number = |n: usize| {
        let of = |text: &str| text.split_whitespace().nth(n).map(|word| word.parse::<usize>().unwrap());
        of(&wanted).or_else(|| of(default)).unwrap()
    };
    let (clones, operations, seeds, first) = (number(0), number(1), number(2), number(3) as u64);
    assert!(seeds > 0 && operations > 0 && clones > liars, "nothing would be tried");
    println!("{name}: {seeds} seeds from {first}, {clones} clones ({liars} of liars), {operations} operations each");
    let size = Size { clones, liars, often: if long() { 5 } else { 2 }, operations };
    let mut tally = Tally::default();
    let mut violations = Vec::new();
    for seed in first..first + seeds as u64 {
        let begun = Instant::now();
        if let Err((script, violation)) = run::random(seed, size, &mut tally) {
            println!("seed {seed}: {violation}");
            let time = std::env::var("COVAULT_SHRINK").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(60);
            let time = Duration::from_secs(time);
            let (script, violation) = run::shrink(&script, &violation, time);
            println!("{}", kept(&script, &violation));
            violations.push(format!("seed {seed}: {violation}"));
        }
        println!("seed {seed} done after {} s", begun.elapsed().as_secs());
    }
    tally.print();
    println!("{name}: {seeds} tried, {} violations", violations.len());
    assert!(tally.work.0.contains_key("checks") || !violations.is_empty(), "nothing was judged");
    let met = liars == 0 || tally.work.0.contains_key("lies that verify saw");
    assert!(met || !violations.is_empty(), "nobody met a lie");
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn what_once_failed_holds_and_so_do_the_hard_cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/merge/simulated");
    let only = std::env::var("COVAULT_SCRIPT").unwrap_or_default();
    let mut cases: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    let mut failed = Vec::new();
    let mut tally = Tally::default();
    for case in cases.iter().filter(|case| case.to_string_lossy().contains(&only)) {
        let script = Script::parse(&std::fs::read_to_string(case).unwrap()).unwrap();
        if let Err(violation) = run::replay(&script, long(), &mut tally) {
            failed.push(format!("{}: {violation}", case.display()));
        }
    }
    tally.print();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn the_judge_sees_a_lost_write_and_one_that_is_back() {
    let rule = |steps: &str| {
        let script = format!("seed 1\ncast alice:admin bob:writer\nalice set a value\nall exchange\n{steps}");
        run::replay(&Script::parse(&script).unwrap(), false, &mut Tally::default())
            .err()
            .map(|violation| violation.rule)
    };
    let careless = "alice set a value\nalice push\nbob set a value\nbob careless\nall exchange\n";
    assert_eq!(rule(careless), Some("lost update"));
    let putback = "alice set a value\nalice putback a 1\nall exchange\n";
    assert_eq!(rule(putback), Some("stale value"));
}

/// How a failure is kept.
fn kept(script: &Script, violation: &sim::Violation) -> String {
    format!(
        "--- keep it as fixtures/merge/simulated/NAME.txt; run it: COVAULT_SCRIPT=NAME cargo test --locked what_once_failed\n\
         # {violation}\n{script}---"
    )
}
