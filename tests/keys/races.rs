//! Several people at one key: who is slower yields, or both go through and `resume` settles what came of it.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use super::place::{KEY, NEW, OLD, PROTECTED, Place, Template, hook};
use crate::openrouter::fake::{Call, Fault, Rule};
use crate::world::{Person, Said, World, said};

/// While the remote takes no pushes: what is begun stays where it was begun.
pub fn unpushed<T>(world: &World, act: impl FnOnce() -> T) -> T {
    hook(world.path(), "pre-receive", "#!/bin/sh\nexit 1\n");
    let done = act();
    std::fs::remove_file(world.path().join("shared répo.git/hooks/pre-receive")).unwrap();
    done
}

/// Runs `act` while alice's request for a new key waits for its answer.
fn while_it_is_asked_for(place: &Place, args: &[&str], act: impl Fn() -> Said + Send + Sync + 'static) -> (Said, Said) {
    let meanwhile = Arc::new(Mutex::new(None));
    let kept = Arc::clone(&meanwhile);
    place.fake.inject(Rule::on(Call::CreateKey, Fault::run(move || *kept.lock().unwrap() = Some(act()))));
    let said = place.alice().covault(args);
    let other = meanwhile.lock().unwrap().take().expect("nothing was asked for");
    (said, other)
}

/// A person that a callback may keep.
pub fn again(person: &Person) -> Person {
    let Person { name, home, repo, vars } = person;
    Person { name: name.clone(), home: home.clone(), repo: repo.clone(), vars: vars.clone() }
}

pub fn all_resume(place: &Place, at: &str) {
    for person in [place.alice(), place.bob(), place.alice()] {
        place.resume(person, at);
    }
    place.settled(at);
    for person in [place.alice(), place.bob()] {
        person.git(["pull", "-q", "--ff-only"]).ok();
        for name in [OLD, NEW] {
            let got = person.covault(["get", name]);
            let value = place.remote.value(name);
            assert_eq!(got.code == 0, value.is_some(), "{at}: {}: {}", person.name, got.err);
            assert!(value.is_none_or(|value| value == got.text()), "{at}: {}", person.name);
        }
    }
    place.sound(at);
}

#[test]
fn of_two_who_rotate_at_once_one_yields() {
    let place = Template::new().copy();
    let bob = again(place.bob());
    let (alice, bob) =
        while_it_is_asked_for(&place, &["key", "rotate", OLD], move || bob.covault(["key", "rotate", OLD]));
    place.check(&bob, "bob");
    bob.exits(5);
    place.check(&alice, "alice");
    alice.ok();
    all_resume(&place, "both");
    assert_eq!(place.fake.count(Call::CreateKey), 1);
}

#[test]
fn two_who_start_at_the_same_moment_end_with_one_key() {
    let template = Template::new();
    for round in 0..4 {
        let place = template.copy();
        let both =
            [place.begin(place.alice(), &["key", "rotate", OLD]), place.begin(place.bob(), &["key", "rotate", OLD])];
        let mut codes = Vec::new();
        for child in both {
            let said = said(child.wait_with_output().unwrap());
            place.check(&said, "both at once");
            assert!([0, 5, 9].contains(&said.code), "{}: {}", said.code, said.err);
            codes.push(said.code);
        }
        all_resume(&place, &format!("both at once, {round}: {codes:?}"));
    }
}

#[test]
fn what_was_begun_and_not_pushed_is_settled_with_what_others_did() {
    let template = Template::new();
    let others: [&[&str]; 3] = [&["key", "rotate", OLD], &["key", "revoke", OLD, "--yes"], &["mv", OLD, NEW]];
    let mine: [&[&str]; 3] =
        [&["key", "rotate", OLD], &["key", "rotate", OLD, "--compromised"], &["key", "revoke", OLD, "--yes"]];
    for args in mine {
        for other in others {
            let at = format!("bob begins to {} without a push, alice {}", args.join(" "), other.join(" "));
            let place = template.copy();
            let said = unpushed(&place.world, || place.bob().covault(args));
            place.check(&said, &at);
            assert_eq!(said.code, 9, "{at}: {}", said.err);
            assert!(said.err.contains("was asked for nothing"), "{at}: {}", said.err);
            place.alice().covault(other).ok();
            place.alice().git(["push", "-q"]).ok();
            for person in [place.bob(), place.alice(), place.bob()] {
                let mut last = String::new();
                let ended = (0..3).any(|_| {
                    let said = person.covault(["key", "resume"]);
                    place.check(&said, &at);
                    last.clone_from(&said.err);
                    said.code == 0
                });
                assert!(ended, "{at}: {}: {last}", person.name);
            }
            place.settled(&at);
            if other.contains(&"revoke") || args.contains(&"revoke") {
                assert_eq!(place.ours().len(), 0, "{at}");
            }
        }
    }
}

#[test]
fn two_who_issue_at_one_name_end_with_one_key() {
    let place = Template::new().copy();
    let issue = ["key", "issue", NEW, "--limit", "10/day"];
    let said = unpushed(&place.world, || place.bob().covault(issue));
    place.check(&said, "bob");
    assert_eq!(said.code, 9, "{}", said.err);
    assert_eq!(place.fake.count(Call::CreateKey), 0, "asked before the journal was pushed");
    place.alice().covault(issue).ok();
    all_resume(&place, "issued twice");
    assert!(place.remote.value(NEW).is_some());
}

#[test]
fn a_rotation_does_not_mind_other_fields_moves_and_deletions() {
    let template = Template::new();
    for what in ["set", "mv", "rm"] {
        let place = template.copy();
        let bob = again(place.bob());
        let (alice, bob) = while_it_is_asked_for(&place, &["key", "rotate", OLD], move || {
            bob.git(["pull", "-q", "--ff-only"]).ok();
            let said = match what {
                "set" => bob.covault_fed(b"a note of some length", ["set", OLD, "--stdin", "note"]),
                "mv" => bob.covault(["mv", OLD, NEW]),
                _ => bob.covault(["rm", OLD]),
            };
            bob.git(["push", "-q"]).ok();
            said
        });
        place.check(&alice, what);
        eprintln!("{what}: bob {} {}; alice {} {}", bob.code, bob.err, alice.code, alice.err);
        place.resume(place.alice(), what);
        all_resume(&place, what);
        match what {
            "set" => assert_eq!(place.alice().get(&format!("{OLD}/note")), "a note of some length"),
            "mv" if bob.code == 0 => assert!(place.remote.value(NEW).is_some()),
            _ => {}
        }
    }
}

/// Rotates [`OLD`] on the trunk and on a branch of bob's, and merges that into the trunk.
pub fn rotated_on_two_branches(place: &Place) {
    let (alice, bob) = (place.alice(), place.bob());
    bob.git(["checkout", "-q", "-b", "work"]).ok();
    bob.git(["push", "-q", "-u", "origin", "work"]).ok();
    let said = bob.covault(["key", "rotate", OLD]).ok();
    assert!(said.err.contains("trunk"), "{}", said.err);
    assert_eq!(place.ours().len(), 2);
    alice.covault(["key", "rotate", OLD]).ok();
    place.holds("before the merge");
    bob.git(["checkout", "-q", "main"]).ok();
    bob.git(["pull", "-q", "--ff-only"]).ok();
    let merged = bob.git(["merge", "-q", "--no-edit", "work"]);
    assert_eq!(merged.code, 0, "{} {}", merged.text(), merged.err);
    bob.push("main");
    bob.git(["push", "-q", "origin", ":work"]).ok();
}

#[test]
fn on_two_branches_both_go_through_and_the_merge_is_settled() {
    let place = Template::new().copy();
    rotated_on_two_branches(&place);
    all_resume(&place, "two branches");
    assert_eq!(place.ours().len(), 1);
}

fn merged_from_beside(squashed: bool) {
    let place = Template::new().copy();
    let (alice, bob) = (place.alice(), place.bob());
    let first = place.remote.value(OLD).unwrap();
    hook(place.world.path(), "pre-receive", PROTECTED);
    let said = alice.covault(["key", "rotate", OLD]);
    place.check(&said, "protected");
    assert!([0, 8].contains(&said.code), "{}", said.err);
    assert!(said.err.contains("covault/rotation/") && said.err.contains("trunk"), "{}", said.err);
    assert_eq!(place.remote.value(OLD), Some(first.clone()));
    assert!(place.fake.key_of(&first).unwrap().works(place.fake.now()));
    // Going on changes nothing while it waits.
    let said = alice.covault(["key", "resume"]);
    place.check(&said, "waits");
    assert_eq!(said.code, 8, "{}", said.err);
    assert_eq!(place.ours().len(), 2);
    // A person brings it to the trunk.
    std::fs::remove_file(place.world.path().join("shared répo.git/hooks/pre-receive")).unwrap();
    bob.git(["fetch", "-q"]).ok();
    let branch = format!("origin/covault/rotation/{OLD}");
    if squashed {
        bob.git(["merge", "-q", "--squash", &branch]).ok();
        bob.git(["commit", "-q", "-m", "rotated"]).ok();
    } else {
        bob.git(["merge", "-q", "--no-edit", &branch]).ok();
    }
    bob.push("main");
    bob.git(["push", "-q", "origin", &format!(":covault/rotation/{OLD}")]).ok();
    all_resume(&place, "merged");
    assert_eq!(place.ours().len(), 1);
    assert_ne!(place.remote.value(OLD), Some(first));
}

#[test]
fn with_a_protected_trunk_the_old_key_works_until_the_rotation_is_merged() {
    merged_from_beside(false);
}

#[test]
fn with_a_protected_trunk_a_squash_merge_counts_too() {
    merged_from_beside(true);
}

#[test]
fn on_a_branch_the_old_key_works_until_the_new_one_is_on_the_trunk() {
    let place = Template::new().copy();
    let alice = place.alice();
    let first = place.remote.value(OLD).unwrap();
    alice.git(["checkout", "-q", "-b", "work"]).ok();
    alice.git(["push", "-q", "-u", "origin", "work"]).ok();
    let said = alice.covault(["key", "rotate", OLD]);
    place.check(&said, "branch");
    assert!(said.err.contains("not on the trunk"), "{}", said.err);
    assert!(place.fake.key_of(&first).unwrap().works(place.fake.now()));
    alice.covault(["key", "resume"]).exits(8);
    alice.git(["checkout", "-q", "main"]).ok();
    alice.git(["merge", "-q", "--ff-only", "work"]).ok();
    alice.push("main");
    alice.git(["push", "-q", "origin", ":work"]).ok();
    all_resume(&place, "merged");
    assert_eq!(place.ours().len(), 1);
}

#[test]
fn a_deletion_on_a_branch_takes_no_key_away_that_the_trunk_gives_out() {
    let place = Template::new().copy();
    let (alice, bob) = (place.alice(), place.bob());
    let given_out = place.remote.value(OLD).unwrap();
    bob.git(["checkout", "-q", "-b", "work"]).ok();
    bob.git(["push", "-q", "-u", "origin", "work"]).ok();
    bob.covault(["rm", OLD, "--local-only"]).ok();
    place.fake.inject(Rule::on(Call::CreateKey, Fault::Status(500)).before().always());
    alice.covault(["key", "rotate", OLD]).exits(9);
    place.fake.clear_rules();
    bob.git(["fetch", "-q"]).ok();
    bob.git(["merge", "-q", "--no-edit", "origin/main"]).ok();
    let said = bob.covault(["key", "resume"]);
    place.check(&said, "deleted on a branch");
    assert_eq!(said.code, 8, "{}", said.err);
    assert!(said.err.contains("deleted here"), "{}", said.err);
    assert!(place.fake.key_of(&given_out).unwrap().works(place.fake.now()));
    assert_eq!(place.ours().len(), 1);
    // On the trunk it counts.
    bob.git(["checkout", "-q", "main"]).ok();
    bob.git(["merge", "-q", "--ff-only", "work"]).ok();
    bob.push("main");
    bob.git(["push", "-q", "origin", ":work"]).ok();
    all_resume(&place, "deleted on the trunk");
    assert_eq!(place.ours().len(), 0);
}

#[test]
fn an_old_key_is_kept_for_as_long_as_was_said() {
    let place = Template::new().copy();
    let alice = place.alice();
    let first = place.remote.value(OLD).unwrap();
    let said = alice.covault(["key", "rotate", OLD, "--keep-old", "1m"]);
    place.check(&said, "kept");
    assert!([0, 8].contains(&said.code) && said.err.contains("kept until"), "{}", said.err);
    let said = place.bob().covault(["key", "resume"]);
    assert_eq!(said.code, 8, "{}", said.err);
    assert!(place.fake.key_of(&first).unwrap().works(place.fake.now()));
    assert_ne!(place.remote.value(OLD), Some(first.clone()));
    alice.covault(["key", "rotate", OLD]).exits(5);
    alice.covault(["key", "rotate", OLD, "--keep-old", "never"]).exits(2);
    // A revocation does not wait for it.
    let place = Template::new().copy();
    let alice = place.alice();
    let soon = jiff::Timestamp::now() + Duration::from_secs(4);
    let until = jiff::Timestamp::from_second(soon.as_second()).unwrap().to_string();
    alice.covault(["key", "rotate", OLD, "--keep-old", &until]).ok();
    std::thread::sleep(Duration::from_secs(5));
    all_resume(&place, "later");
    assert_eq!(place.ours().len(), 1);
}

#[test]
fn a_new_key_that_somebody_deletes_before_the_old_one_went_is_made_again() {
    let place = Template::new().copy();
    let alice = place.alice();
    alice.covault(["key", "rotate", OLD, "--keep-old", "1m"]).ok();
    let value = place.remote.value(OLD).unwrap();
    assert!(value.starts_with(KEY));
    let handle = place.fake.handle();
    handle.delete(&place.fake.key_of(&value).unwrap().hash);
    // Time passes: the operation is one of long ago.
    let _ = alice.covault(["key", "resume"]);
    assert_eq!(place.ours().len(), 1, "the old one stays while it is kept");
}
