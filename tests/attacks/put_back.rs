//! The roster spoiled on the trunk: what is said leads nowhere but back, and the commands that are told work to the letter.

use std::os::unix::fs::PermissionsExt as _;

use covault::vault::Kind;

use super::rig::{ALL, Case, ROSTER, fetched, harmless, pushed, value_of};
use crate::cli::{head, json};
use crate::world::{Person, Said};

const GET: &[&str] = &["get", "dev/db"];
const VALUE: &str = "the third value of dev db";

/// What somebody who may push does to the trunk's roster, and what is said of it.
const DEEDS: [(fn(&Case), &str); 3] = [
    (|case| case.remove(ROSTER), "was taken away"),
    (|case| case.write(ROSTER, [case.read(ROSTER), b"# hi\n".to_vec()].concat()), "is refused"),
    (|case| case.write(ROSTER, case.at_commit("branched", ROSTER)), "the roster was rolled back or replaced"),
];

/// Follows to the letter what is told after `back with: `.
#[track_caller]
pub fn follow(person: &Person, said: &Said) {
    let told = said.err.split("back with: ").nth(1).unwrap_or_else(|| panic!("{}", said.err));
    let line = told.split(['\n', ';']).next().unwrap();
    let done = person.fed("sh", b"", ["-ec", line]);
    assert_eq!(done.code, 0, "{line}\n{}{}", done.text(), done.err);
}

/// The trunk has a good roster again: alice, and a clone that was made just now, read and write.
#[track_caller]
fn is_put_back(case: &Case) {
    let alice = &case.alice;
    assert_eq!(alice.get("dev/db"), VALUE);
    alice.covault(["sync"]).ok();
    alice.set("dev/db", "written by alice");
    alice.covault(["sync"]).ok();
    let wanda = case.clone_of("wanda");
    assert_eq!(wanda.get("dev/db"), "written by alice");
    assert_eq!(alice.git(["status", "--porcelain"]).ok().text(), "");
}

#[test]
fn who_pulled_a_spoiled_roster_puts_it_back_as_told() {
    for (deed, why) in DEEDS {
        for hooks in [false, true] {
            let attacked = pushed(deed).spoils(&ALL).refuses(GET, why);
            let alice = &attacked.case.alice;
            let said = alice.covault(["verify"]).exits(6);
            assert!(said.text().contains("back with: git checkout "), "{}", said.text());
            let said = alice.covault(GET).exits(6);
            if hooks {
                let main = head(alice);
                alice.git(["reset", "-q", "--hard", "HEAD~1"]).ok();
                alice.git(["update-ref", "refs/remotes/origin/main", "HEAD"]).ok();
                alice.covault(["setup", "--hooks"]).ok();
                alice.git(["fetch", "-q"]).ok();
                alice.git(["reset", "-q", "--hard", &main]).ok();
            }
            follow(alice, &said);
            is_put_back(&attacked.case);
        }
    }
}

#[test]
fn who_only_fetched_it_puts_it_back_on_the_trunk_and_brings_in_nothing_of_it() {
    for (deed, why) in DEEDS {
        for ahead in [false, true] {
            let attacked = fetched(deed);
            let alice = &attacked.case.alice;
            if ahead {
                // A commit of her own beside the trunk's.
                alice.git(["commit", "-q", "--allow-empty", "-m", "mine"]).ok();
            }
            let before = head(alice);
            let said = alice.covault(["sync"]).exits(6);
            harmless(&["sync"], &said);
            assert!(said.err.contains(why) && said.err.contains("git log "), "{}", said.err);
            assert!(said.err.contains(" origin/main -- :/.covault/roster.toml; put "), "{}", said.err);
            assert_eq!(head(alice), before, "{}", said.err);
            // What is checked out is good, and that it is of no use is said all the same.
            let judged = json(&alice.covault(["verify", "--json"]).ok());
            assert!(judged["unjudged"][0].as_str().unwrap().contains(why), "{judged:#}");
            alice.covault(["verify", "--strict"]).exits(8);
            follow(alice, &said);
            assert_eq!(head(alice), before);
            is_put_back(&attacked.case);
        }
    }
}

#[test]
fn what_is_told_below_the_top_works_there() {
    for (deed, why) in DEEDS {
        let attacked = pushed(deed);
        let below = attacked.case.alice.at("src");
        let said = below.covault(GET).exits(6);
        assert!(said.err.contains(why), "{}", said.err);
        follow(&below, &said);
        std::fs::remove_dir(&below.repo).unwrap();
        is_put_back(&attacked.case);
    }
}

#[test]
fn who_stands_on_no_branch_stands_there_afterwards() {
    for (deed, why) in &DEEDS[1..] {
        let attacked = fetched(deed);
        let alice = &attacked.case.alice;
        alice.git(["switch", "-q", "--detach"]).ok();
        let before = head(alice);
        let said = alice.covault(GET).exits(6);
        assert!(said.err.contains(why), "{}", said.err);
        follow(alice, &said);
        assert_eq!((head(alice), alice.git(["symbolic-ref", "-q", "HEAD"]).code), (before, 1));
        alice.git(["switch", "-q", "main"]).ok();
        is_put_back(&attacked.case);
    }
}

#[test]
fn what_a_protected_trunk_does_not_take_is_offered_as_a_branch() {
    let attacked = fetched(DEEDS[1].0);
    let alice = &attacked.case.alice;
    let hooks = attacked.case.world.shared().join("hooks");
    std::fs::create_dir_all(&hooks).unwrap();
    let hook = "#!/bin/sh\nwhile read -r _ _ ref; do [ \"$ref\" != refs/heads/main ] || exit 1; done\n";
    std::fs::write(hooks.join("pre-receive"), hook).unwrap();
    std::fs::set_permissions(hooks.join("pre-receive"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let before = head(alice);
    let said = alice.covault(GET).exits(6);
    let told = said.err.split("back with: ").nth(1).unwrap().split(';').next().unwrap();
    assert_ne!(alice.fed("sh", b"", ["-ec", told]).code, 0, "{told}");
    let offer = said.err.split("offer it as a branch of its own: ").nth(1).unwrap_or_else(|| panic!("{}", said.err));
    alice.fed("sh", b"", ["-ec", offer]).ok();
    let branch = alice.git(["symbolic-ref", "HEAD"]).ok().text();
    assert_eq!((head(alice), branch.trim()), (before, "refs/heads/main"));
    alice.git(["fetch", "-q"]).ok();
    let roster = |rev: &str| alice.git(["rev-parse", &format!("{rev}:{ROSTER}")]).ok().text();
    assert_eq!(roster("origin/put-the-roster-back"), roster("HEAD"));
}

#[test]
fn a_good_roster_that_waits_to_be_pushed_is_said_to_be() {
    for (deed, why) in &DEEDS[1..] {
        let attacked = pushed(deed);
        let alice = &attacked.case.alice;
        alice.git(["checkout", "-q", "HEAD~1", "--", ROSTER]).ok();
        alice.git(["commit", "-q", "-m", "put back by hand"]).ok();
        let said = alice.covault(GET).exits(6);
        let told = "back with: git push origin HEAD:refs/heads/main";
        assert!(said.err.contains(why) && said.err.contains(told), "{}", said.err);
        follow(alice, &said);
        is_put_back(&attacked.case);
    }
}

/// Old secrets under a roster as good as the trunk's, on a branch whose name comes before others.
fn plant(case: &Case) {
    // It lacks what alice saw, so that nothing there is held against that.
    case.git(&["push", "-q", "origin", "begun^{commit}:refs/heads/a/main"]);
}

#[test]
fn a_branch_that_was_planted_for_the_hint_is_not_named() {
    let attacked = pushed(|case| {
        plant(case);
        case.remove(ROSTER);
    });
    let alice = &attacked.case.alice;
    for args in [GET, &["status"], &["doctor"], &["ls"], &["set", "dev/new", "user=x"], &["join", "--name", "bob"]] {
        let said = alice.covault(args).exits(6);
        assert!(said.err.contains("was taken away") && !said.err.contains("a/main"), "{args:?}: {}", said.err);
    }
    // Nor on a branch that never had a vault.
    alice.git(["checkout", "-q", "--orphan", "pages"]).ok();
    alice.git(["rm", "-rfq", "."]).ok();
    alice.git(["commit", "-q", "--allow-empty", "-m", "pages"]).ok();
    let switches = || {
        let said = alice.covault(GET).exits(3);
        assert!(!said.err.contains("a/main"), "{}", said.err);
        said.err.split("go there with: git ").nth(1).unwrap().trim_end().to_owned()
    };
    assert!(switches().starts_with("switch --detach "), "{}", switches());
    alice.git(switches().split(' ')).ok();
    assert_eq!(alice.get("dev/db"), VALUE);
}

#[test]
fn a_fresh_clone_of_a_trunk_without_its_roster_is_told_that_it_was_taken_away() {
    let case = Case::new();
    let id = case.vault().unwrap().roster().vault.to_string();
    plant(&case);
    case.remove(ROSTER);
    case.deliver();
    let wanda = case.world.newcomer("wanda");
    wanda.git(["config", "covault.vault", &id]).ok();
    let said = wanda.covault(GET).exits(6);
    assert!(said.err.contains("was taken away") && !said.err.contains("a/main"), "{}", said.err);
    follow(&wanda, &said);
    assert_eq!(wanda.get("dev/db"), VALUE);
}

#[test]
fn who_pulled_a_trunk_without_it_takes_the_one_that_was_put_back_there() {
    let attacked = pushed(|case| case.remove(ROSTER));
    let case = attacked.case;
    case.git(&["revert", "--no-edit", "HEAD"]);
    case.git(&["push", "-q", "origin", "main"]);
    case.alice.covault(["sync"]).ok();
    is_put_back(&case);
    let attacked = pushed(|case| case.remove(ROSTER));
    attacked.case.git(&["revert", "--no-edit", "HEAD"]);
    attacked.case.git(&["push", "-q", "origin", "main"]);
    attacked.case.alice.git(["fetch", "-q"]).ok();
    let said = attacked.case.alice.covault(GET).exits(6);
    follow(&attacked.case.alice, &said);
    is_put_back(&attacked.case);
}

#[test]
fn what_is_missing_on_the_disk_alone_is_brought_back_from_the_commit() {
    let case = Case::new();
    for gone in [".covault", ROSTER] {
        let path = case.alice.repo.join(gone);
        if path.is_dir() {
            std::fs::remove_dir_all(path).unwrap();
        } else {
            std::fs::remove_file(path).unwrap();
        }
        let said = case.alice.covault(GET).exits(3);
        assert!(said.err.contains("the work tree has none, and HEAD has one"), "{}", said.err);
        assert!(
            said.err.ends_with(&format!("hint: bring it back with: git checkout HEAD -- :/{gone}\n")),
            "{}",
            said.err
        );
        follow(&case.alice, &said);
        assert_eq!(case.alice.get("dev/db"), VALUE);
    }
}

#[test]
fn a_roster_that_was_put_back_is_judged_as_ever() {
    // Between what alice saw and what spoiled it, an older one lay there: it is not what she is told to take.
    let attacked = pushed(|case| {
        case.write(ROSTER, case.at_commit("branched", ROSTER));
        case.commit_all();
        case.remove(ROSTER);
    });
    assert!(matches!(attacked.case.vault(), Err(error) if error.kind() == Kind::Verification));
    let said = attacked.case.alice.covault(GET).exits(6);
    follow(&attacked.case.alice, &said);
    assert_eq!(value_of(&attacked.case.vault().unwrap(), "dev/db").unwrap(), VALUE);
    is_put_back(&attacked.case);
}
