//! Killed at every request, at every push and in the midst of writing: whoever goes on, on this machine or on another,
//! ends it, and when the dead machine comes back nothing is there twice.
//!
//! Long: `COVAULT_LONG=1 cargo test --test covault keys::kills -- --nocapture`

use std::sync::Arc;

use super::place::{NEW, OLD, Place, Template, hook, unlock};
use crate::faults::rig::{each, long, spread};
use crate::openrouter::fake::{Call, Fault, Rule, Victim, When};
use crate::world::{Said, have, said};

const ISSUE: &[&str] = &["key", "issue", NEW, "--limit", "100/month", "--limit", "10/day"];
const ROTATE: &[&str] = &["key", "rotate", OLD];
const COMPROMISED: &[&str] = &["key", "rotate", OLD, "--compromised"];
const REVOKE: &[&str] = &["key", "revoke", OLD, "--yes"];

/// Who goes on.
#[derive(Clone, Copy, Debug)]
enum Heir {
    Same,
    Another,
}

/// A request of a clean run: its call, and which of that call's it is.
fn requests(template: &Template, args: &[&str]) -> Vec<(Call, usize)> {
    let place = template.copy();
    place.alice().covault(args).ok();
    let mut found: Vec<(Call, usize)> = Vec::new();
    for request in place.fake.requests() {
        let line = request.line();
        let (method, path) = line.split_once(' ').unwrap();
        let call = Call::of(method, path).unwrap();
        let nth = found.iter().filter(|(known, _)| *known == call).count() + 1;
        found.push((call, nth));
    }
    found
}

/// Goes on after a crash, on the machine or on another; then the dead machine comes back.
fn healed(place: &Place, heir: Heir, at: &str) {
    place.holds(at);
    place.records_are_true(place.alice(), at);
    if matches!(heir, Heir::Another) {
        place.resume(place.bob(), at);
        place.settled(&format!("{at}: gone on elsewhere"));
    }
    unlock(place.alice());
    place.resume(place.alice(), at);
    place.settled(&format!("{at}: gone on"));
}

fn wait(place: &Place, victim: &Victim, args: &[&str]) -> Said {
    let child = place.begin(place.alice(), args);
    victim.is(child.id());
    said(child.wait_with_output().unwrap())
}

fn killed_at_each_request(args: &[&str], short: usize) {
    let template = Template::new();
    let mut all = Vec::new();
    for (call, nth) in requests(&template, args) {
        let reads = call.pattern().starts_with("GET");
        for when in When::all().into_iter().filter(|when| !reads || *when == When::Before) {
            all.extend([Heir::Same, Heir::Another].map(|heir| (call, nth, when, heir)));
        }
    }
    let chosen = spread(&all, short);
    each(&chosen, |(call, nth, when, heir)| {
        let at = format!("{} killed at {call} number {nth}, {when}; {heir:?} machine goes on", args.join(" "));
        let place = template.copy();
        let victim = Victim::new();
        place.fake.inject(Rule::on(*call, Fault::Kill(Arc::clone(&victim))).nth(*nth).when(*when));
        let said = wait(&place, &victim, args);
        assert_eq!(said.code, -1, "{at}: {}", said.err);
        place.fake.clear_rules();
        healed(&place, *heir, &at);
        if long() {
            place.sound(&at);
        }
    });
    eprintln!("{}: killed at {} of {} requests tried, 0 violations", args.join(" "), chosen.len(), all.len());
}

#[test]
fn an_issue_killed_at_any_request_is_ended_by_anybody() {
    killed_at_each_request(ISSUE, 14);
}

#[test]
fn a_rotation_killed_at_any_request_is_ended_by_anybody() {
    killed_at_each_request(ROTATE, 16);
}

#[test]
fn a_rotation_of_a_compromised_key_killed_at_any_request_is_ended_by_anybody() {
    killed_at_each_request(COMPROMISED, 8);
}

#[test]
fn a_revocation_killed_at_any_request_is_ended_by_anybody() {
    killed_at_each_request(REVOKE, 8);
}

/// Which hook of the remote kills the pusher, and what becomes of the push.
const HOOKS: &[(&str, &str, i32)] =
    &[("pre-receive", "arrives not", 1), ("pre-receive", "arrives", 0), ("post-receive", "arrived", 0)];

#[test]
fn a_covault_killed_at_any_push_leaves_nothing_that_is_not_ended_by_anybody() {
    let template = Template::new();
    let mut all = Vec::new();
    for (args, pushes) in [(ISSUE, 3), (ROTATE, 4), (COMPROMISED, 4), (REVOKE, 2)] {
        for nth in 1..=pushes {
            for hook in HOOKS {
                all.extend([Heir::Same, Heir::Another].map(|heir| (args, nth, hook, heir)));
            }
        }
    }
    let chosen = spread(&all, 20);
    each(&chosen, |(args, nth, (name, becomes, code), heir)| {
        let at = format!("{} killed at push {nth}, which {becomes}; {heir:?} machine goes on", args.join(" "));
        let place = template.copy();
        let dir = place.world.path().to_string_lossy().into_owned();
        let script = format!(
            "#!/bin/sh\ncd '{dir}'\necho x >> pushes\n[ $(wc -l < pushes) = {nth} ] || exit 0\n\
             while [ ! -s victim ]; do sleep 0.02; done\nkill -9 $(cat victim)\nexit {code}\n"
        );
        hook(place.world.path(), name, &script);
        let child = place.begin(place.alice(), args);
        std::fs::write(place.world.path().join("naming"), child.id().to_string()).unwrap();
        std::fs::rename(place.world.path().join("naming"), place.world.path().join("victim")).unwrap();
        let said = said(child.wait_with_output().unwrap());
        assert_eq!(said.code, -1, "{at}: {}", said.err);
        std::fs::remove_file(place.world.path().join("shared répo.git/hooks").join(name)).unwrap();
        healed(&place, *heir, &at);
    });
    eprintln!("killed at {} of {} pushes tried, 0 violations", chosen.len(), all.len());
}

#[test]
fn a_covault_killed_while_it_writes_leaves_nothing_that_is_not_ended_by_anybody() {
    if !have("strace") {
        return;
    }
    let template = Template::new();
    let mut all = Vec::new();
    for args in [ISSUE, ROTATE, REVOKE] {
        for (call, most) in [("rename", 9), ("fsync", 12), ("unlink", 4)] {
            for nth in 1..=most {
                all.extend([Heir::Same, Heir::Another].map(|heir| (args, call, nth, heir)));
            }
        }
    }
    let chosen = spread(&all, 16);
    let mut killed = 0;
    each(&chosen, |(args, call, nth, heir)| {
        let at = format!("{} killed at {call} number {nth}; {heir:?} machine goes on", args.join(" "));
        let place = template.copy();
        let alice = place.alice();
        let inject = format!("--inject={call}:signal=KILL:when={nth}");
        let program = env!("CARGO_BIN_EXE_covault");
        let mut words = vec!["-qq", "-o", "/dev/null", &inject, "--", program];
        words.extend(args.iter().copied());
        let said = alice.fed("strace", b"", words);
        killed += usize::from(said.code != 0);
        unlock(alice);
        healed(&place, *heir, &at);
    });
    eprintln!("killed at {} of {} writes tried, {killed} disturbed, 0 violations", chosen.len(), all.len());
    assert!(killed * 4 > chosen.len(), "{killed} of {}", chosen.len());
}
