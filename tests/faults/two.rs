//! Two at once: nothing is lost, and everything that succeeded is in the history.
//!
//! Short: 30 rounds each. Long: 1,000: `COVAULT_LONG=1 cargo test --test covault faults::two -- --nocapture`

use std::collections::BTreeSet;
use std::process::Stdio;

use super::rig::{long, template, value};
use crate::world::Person;

fn rounds() -> usize {
    if long() { 1_000 } else { 30 }
}

fn set(person: &Person, name: &str, value: &str) -> std::process::Child {
    use std::io::Write as _;
    let mut command = person.command(env!("CARGO_BIN_EXE_covault"));
    command.args(["set", name]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(value.as_bytes()).unwrap();
    child
}

fn race(first: &str, second: &str) {
    let (_world, alice) = template();
    let count =
        |person: &Person| -> usize { person.git(["rev-list", "--count", "HEAD"]).ok().text().trim().parse().unwrap() };
    let before = count(&alice);
    let mut written: Vec<(String, String)> = Vec::new();
    for n in 0..rounds() {
        let (one, two) = (value(&format!("{n}a")), value(&format!("{n}b")));
        let children =
            [(first, one.clone(), set(&alice, first, &one)), (second, two.clone(), set(&alice, second, &two))];
        for (name, value, child) in children {
            let said = child.wait_with_output().unwrap();
            let err = String::from_utf8_lossy(&said.stderr);
            match said.status.code() {
                Some(0) => written.push((name.to_owned(), value)),
                Some(1) => assert!(err.contains("is writing") || err.contains("moved"), "{err}"),
                code => panic!("{code:?}: {err}"),
            }
        }
        let last = alice.get(first);
        assert!(written.iter().any(|(name, value)| name == first && *value == last), "{last}");
    }
    assert_eq!(count(&alice) - before, written.len(), "each success is a commit");
    for name in BTreeSet::from([first, second]) {
        let wanted: BTreeSet<&String> = written.iter().filter(|(n, _)| n == name).map(|(_, value)| value).collect();
        let log = alice.covault(["log", name, "--json"]).ok().text();
        let log: serde_json::Value = serde_json::from_str(&log).unwrap();
        let versions = log.as_array().or_else(|| log["versions"].as_array()).or_else(|| log["entries"].as_array());
        let versions = versions.unwrap_or_else(|| panic!("{log}")).len();
        assert!(versions >= wanted.len(), "{versions} versions of {name}, {} successes", wanted.len());
        // Each is in the history under a number of its own: none was lost between two others.
        let mut seen = BTreeSet::new();
        if !long() {
            for revision in 1..=versions {
                seen.insert(alice.get(&format!("{name}@{revision}")));
            }
            assert!(wanted.iter().all(|value| seen.contains(*value)), "{name}: {seen:?}");
        }
    }
    assert_eq!(alice.git(["status", "--porcelain", ".covault"]).ok().text(), "");
    alice.git(["fsck", "--strict"]).ok();
    eprintln!("{first} and {second}: {} of {} writes succeeded, all in history", written.len(), 2 * rounds());
}

#[test]
fn two_at_once_on_one_secret_lose_no_update() {
    race("prod/db", "prod/db");
}

#[test]
fn two_at_once_on_two_secrets_lose_no_update() {
    race("prod/db", "prod/other");
}

#[test]
fn who_finds_the_lock_held_waits_and_is_told_by_whom() {
    let (_world, alice) = template();
    let lock = std::fs::File::options().read(true).write(true).open(alice.repo.join(".git/covault.lock")).unwrap();
    lock.lock().unwrap();
    let child = set(&alice, "prod/db", &value("waited"));
    std::thread::sleep(std::time::Duration::from_millis(400));
    assert_eq!(alice.get("prod/db"), value("old"), "readers do not wait");
    lock.unlock().unwrap();
    let said = child.wait_with_output().unwrap();
    assert!(said.status.success());
    assert_eq!(alice.get("prod/db"), value("waited"));
}
