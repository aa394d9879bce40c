//! What lies beside a secret and counts for nothing is let go of by a person: the history says so, and nothing else is lost.

use covault::model::manifest::State;
use covault::seal::{SealedFile, members};

use super::rig::{Team, verifies};
use crate::cli::{head, json};
use crate::team;
use crate::verifier::{can_judge, second_opinion};
use crate::world::{Person, World};

const DB: &str = "dev/db";
const FIRST: &str = "the first value of dev db";

/// A team from which alice took bob out while he wrote something, as branch `bobs`; `start` is before anybody merges it.
fn torn() -> Team {
    torn_after(|_, bob| bob.set(DB, "written by bob"), &["member", "remove", "bob", "--yes"])
}

/// The same where bob's branch came about in another way, or alice took less from him.
fn torn_after(writes: impl FnOnce(&Person, &Person), takes: &[&str]) -> Team {
    let team = Team::new();
    let (alice, bob) = (&team.alice, &team.bob);
    writes(alice, bob);
    alice.covault(takes).ok();
    alice.covault(["sync"]).ok();
    bob.git(["push", "-q", "origin", "HEAD:bobs"]).ok();
    alice.git(["fetch", "-q"]).ok();
    alice.git(["branch", "start"]).ok();
    team
}

/// The versions in a file.
fn versions(person: &Person) -> Vec<SealedFile> {
    let bytes = std::fs::read(person.file(DB)).unwrap();
    members(&bytes).unwrap().into_iter().map(|member| SealedFile::parse(member).unwrap()).collect()
}

/// Both verifiers find nothing, here and in what came since `start`.
#[track_caller]
fn is_settled(person: &Person) {
    assert_eq!(versions(person).len(), 1);
    verifies(person);
    if person.git(["rev-parse", "-q", "--verify", "start"]).code == 0 {
        person.covault(["verify", "--range", "start..HEAD"]).ok();
        if can_judge() {
            let said = second_opinion(&person.repo, &["--range", "start..HEAD"]);
            assert_eq!(said["verdict"], "good", "{said:#}");
        }
    }
}

#[test]
fn after_the_decision_the_history_is_good_however_the_merge_was_made() {
    for way in ["merged", "not committed", "stopped by a hook"] {
        let team = torn();
        let alice = &team.alice;
        match way {
            "merged" => drop(alice.git(["merge", "-q", "--no-edit", "origin/bobs"]).ok()),
            "not committed" => drop(alice.git(["merge", "-q", "--no-commit", "origin/bobs"]).ok()),
            _ => {
                alice.covault(["setup", "--hooks"]).ok();
                let said = alice.git(["merge", "-q", "--no-edit", "origin/bobs"]);
                assert!(said.code != 0 && said.err.contains("[standing]"), "{}: {}", said.code, said.err);
            }
        }
        alice.covault(["resolve", DB, "--discard"]).ok();
        if way != "merged" {
            alice.git(["commit", "-q", "--no-edit"]).ok();
        }
        assert_eq!(alice.get(DB), FIRST, "{way}");
        is_settled(alice);
        // Who goes on from there follows it, too.
        alice.set(DB, "written by alice");
        alice.covault(["sync"]).ok();
        is_settled(alice);
    }
}

#[test]
fn what_waits_for_the_decision_is_listed_with_both_ways_out() {
    let team = torn();
    let alice = &team.alice;
    assert_eq!(json(&alice.covault(["status", "--json"]).ok())["apart"], serde_json::json!([]));
    alice.git(["merge", "-q", "--no-edit", "origin/bobs"]).ok();
    let (accept, discard) = ("covault rekey dev/db --accept", "covault resolve dev/db --discard");
    let status = alice.covault(["status", "--check"]).exits(8).text();
    assert!(status.contains("what bob wrote") && status.contains(accept) && status.contains(discard), "{status}");
    // Somebody without a key sees it, too.
    let bot = alice.clone_for(team.world.stranger("bot"));
    bot.git(["config", "covault.vault", &team::vault(alice).roster().vault.to_string()]).ok();
    for person in [alice, &bot] {
        let status = json(&person.covault(["status", "--json"]).ok());
        assert_eq!(status["apart"], serde_json::json!([{ "name": DB, "author": "bob" }]), "{status:#}");
    }
    for args in [&["verify", "--json"][..], &["verify", "--at", "HEAD", "--json"]] {
        let found = json(&alice.covault(args).exits(6));
        let hint = found["findings"][0]["hint"].as_str().unwrap_or_default();
        assert!(hint.contains(accept) && hint.contains(discard), "{found:#}");
    }
    alice.covault(["resolve", DB, "--discard"]).ok();
    assert_eq!(json(&alice.covault(["status", "--json"]).ok())["apart"], serde_json::json!([]));
}

#[test]
fn it_does_not_come_back_with_another_clone_that_merged_the_same_branch() {
    let team = torn();
    let (alice, carol) = (&team.alice, &team.carol);
    carol.git(["pull", "-q", "--ff-only"]).ok();
    carol.covault(["setup"]).ok();
    carol.git(["merge", "-q", "--no-edit", "origin/bobs"]).ok();
    carol.covault(["set", DB, "user=carol"]).ok();
    assert_eq!(versions(carol).len(), 2);
    alice.git(["merge", "-q", "--no-edit", "origin/bobs"]).ok();
    alice.covault(["resolve", DB, "--discard"]).ok();
    // The decision is known by what comes after it alone.
    alice.set(DB, "written by alice");
    alice.git(["push", "-q"]).ok();
    carol.git(["fetch", "-q"]).ok();
    carol.git(["merge", "-q", "--no-edit", "origin/main"]).ok();
    assert_eq!((carol.get(DB), carol.get("dev/db/user")), ("written by alice".to_owned(), "carol".to_owned()));
    is_settled(carol);
}

/// bob writes on top of what alice wrote on a branch of hers.
fn on_a_feature(alice: &Person, bob: &Person) {
    alice.git(["switch", "-q", "-c", "feature"]).ok();
    alice.covault(["set", DB, "user=from the feature"]).ok();
    alice.git(["push", "-q", "origin", "feature"]).ok();
    alice.git(["switch", "-q", "main"]).ok();
    bob.git(["fetch", "-q"]).ok();
    bob.git(["switch", "-q", "feature"]).ok();
    bob.set(DB, "written by bob");
}

#[test]
fn what_somebody_else_wrote_whom_it_was_written_on_is_not_let_go_of() {
    let team = torn_after(on_a_feature, &["member", "remove", "bob", "--yes"]);
    let alice = &team.alice;
    alice.git(["merge", "-q", "--no-edit", "origin/bobs"]).ok();
    let said = alice.covault(["resolve", DB, "--discard"]).ok();
    assert!(said.err.contains("by alice lay below it and is joined in"), "{}", said.err);
    assert_eq!((alice.get(DB), alice.get("dev/db/user")), (FIRST.to_owned(), "from the feature".to_owned()));
    is_settled(alice);
}

/// What a clone lacks may be what counts: whoever cannot see it takes nothing away and vouches for nothing in its place.
#[test]
fn where_the_history_is_cut_off_nobody_decides_about_what_may_lie_below() {
    let writes = |_: &Person, bob: &Person| bob.set(DB, "written by bob");
    let alone = torn_after(writes, &["member", "role", "bob", "reader", "--yes"]);
    let beside = torn_after(on_a_feature, &["member", "remove", "bob", "--yes"]);
    for (team, is_alone) in [(alone, true), (beside, false)] {
        let alice = &team.alice;
        alice.git(["merge", "-q", "--no-edit", "origin/bobs"]).ok();
        alice.git(["push", "-q"]).ok();
        let second = Person { repo: team.world.path().join("shallow"), ..team.world.stranger("alice") };
        let from = format!("file://{}", team.world.shared().display());
        second.git(["clone", "-q", "--depth=1", &from, second.repo.to_str().unwrap()]).ok();
        second.covault(["setup"]).ok();
        let before = head(&second);
        let (discard, accept) = (["resolve", DB, "--discard"], ["rekey", DB, "--accept", "--yes"]);
        let refuses = |args: &[&str]| {
            let said = second.covault(args).exits(6);
            assert!(said.err.contains("hint: get the rest with: git fetch --unshallow"), "{args:?}: {}", said.err);
            assert_eq!(head(&second), before);
        };
        refuses(&discard);
        if is_alone {
            refuses(&accept);
            // What it was written on is enough.
            second.git(["fetch", "-q", "--deepen=1"]).ok();
            assert_eq!(second.git(["rev-parse", "--is-shallow-repository"]).ok().text(), "true\n");
        } else {
            second.git(["fetch", "-q", "--unshallow"]).ok();
        }
        second.covault(discard).ok();
        assert_eq!(second.get(DB), FIRST);
        if !is_alone {
            assert_eq!(second.get("dev/db/user"), "from the feature");
        }
    }
}

#[test]
fn it_may_still_come_to_count_when_a_person_thinks_again() {
    let team = torn();
    let alice = &team.alice;
    alice.git(["merge", "-q", "--no-edit", "origin/bobs"]).ok();
    alice.covault(["resolve", DB, "--discard"]).ok();
    // Where everything there is refused, nothing is to be joined, and that is no success.
    let said = alice.covault(["resolve", DB, "--from", "origin/bobs"]).exits(6);
    assert!(said.err.contains("bob") && said.err.contains("covault rekey dev/db --accept"), "{}", said.err);
    alice.git(["checkout", "-q", "origin/bobs", "--", ".covault/secrets/dev/db.age"]).ok();
    alice.covault(["rekey", DB, "--accept", "--yes"]).ok();
    assert_eq!(alice.get(DB), "written by bob");
    is_settled(alice);
}

#[test]
fn beside_what_was_deleted_it_is_let_go_of_too() {
    let team = torn();
    let alice = &team.alice;
    alice.covault(["rm", DB]).ok();
    alice.git(["merge", "-q", "--no-edit", "origin/bobs"]).ok();
    alice.covault(["status", "--check"]).exits(8);
    alice.covault(["resolve", DB, "--discard"]).ok();
    alice.covault(["get", DB]).exits(3);
    is_settled(alice);
}

#[test]
fn where_git_took_it_as_it_is_what_was_there_before_goes_on() {
    let (new, other) = ("dev/new", "dev/other");
    let writes = |_: &Person, bob: &Person| {
        bob.set(DB, "written by bob");
        bob.set(new, "begun by bob");
        bob.set(other, "begun by bob, too");
    };
    // bob reads on, so that nothing is sealed anew: only his side has changed.
    let team = torn_after(writes, &["member", "role", "bob", "reader", "--yes"]);
    let alice = &team.alice;
    alice.git(["merge", "-q", "--no-edit", "origin/bobs"]).ok();
    assert_eq!(versions(alice).len(), 1);
    let said = alice.covault(["get", DB]).exits(6);
    assert!(said.err.contains("covault resolve dev/db --discard"), "{}", said.err);
    alice.covault(["resolve", DB]).exits(5);
    alice.covault(["resolve", DB, "--discard"]).ok();
    assert_eq!(alice.get(DB), FIRST);
    // Of what nobody else wrote there is nothing to go on from: what is left is a tombstone that follows it.
    let said = alice.covault(["get", new]).exits(6);
    assert!(said.err.contains("covault resolve dev/new --discard"), "{}", said.err);
    alice.covault(["resolve", new, "--discard"]).ok();
    let grave = SealedFile::parse(std::fs::read(alice.file(new)).unwrap()).unwrap();
    let [parent] = grave.manifest().parents.as_slice() else { panic!("{:?}", grave.manifest().parents) };
    let theirs = alice.git(["cat-file", "blob", "origin/bobs:.covault/secrets/dev/new.age"]).ok().out;
    assert_eq!(*parent, SealedFile::parse(theirs).unwrap().hash());
    assert_eq!((grave.manifest().revision, &grave.manifest().state), (2, &State::Deleted));
    assert_eq!(grave.manifest().author.name.as_str(), "alice");
    // Who vouches for it may delete it, too.
    alice.covault(["rekey", other, "--accept", "--yes"]).ok();
    alice.covault(["rm", other]).ok();
    for name in [new, other] {
        let said = alice.covault(["get", name]).exits(3);
        assert!(said.err.contains("was deleted"), "{}", said.err);
    }
    is_settled(alice);
}

#[test]
fn what_lies_below_it_on_a_branch_alone_goes_on_while_git_merges_too() {
    let new = "dev/new";
    let writes = |alice: &Person, bob: &Person| {
        alice.git(["switch", "-q", "-c", "feature"]).ok();
        alice.set(new, "begun by alice");
        alice.git(["push", "-q", "origin", "feature"]).ok();
        alice.git(["switch", "-q", "main"]).ok();
        bob.git(["fetch", "-q"]).ok();
        bob.git(["switch", "-q", "feature"]).ok();
        bob.set(new, "written by bob");
    };
    let team = torn_after(writes, &["member", "role", "bob", "reader", "--yes"]);
    let alice = &team.alice;
    alice.git(["merge", "-q", "--no-commit", "--no-ff", "origin/bobs"]).ok();
    alice.covault(["resolve", new, "--discard"]).ok();
    alice.git(["commit", "-q", "--no-edit"]).ok();
    assert_eq!(alice.get(new), "begun by alice");
    is_settled(alice);
}

#[test]
fn a_question_that_is_open_is_not_called_nothing_to_change() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("db", "the first");
    crate::cli::conflict(&alice, "db", "value", &["mine", "theirs"]);
    let before = head(&alice);
    let said = alice.covault(["resolve"]).exits(5);
    assert!(!said.err.contains("nothing to change") && said.err.contains("waits for an answer"), "{}", said.err);
    assert_eq!(head(&alice), before);
}
