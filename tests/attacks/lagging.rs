//! What the trunk had and lost while a clone did not look: it is refused as if the clone had looked each time.

use super::put_back::follow;
use super::rig::{ALL, Attacked, Case, ROSTER, file};
use crate::cli::json;
use crate::team;
use crate::world::{Person, World};

const GET: &[&str] = &["get", "dev/db"];
const ROLLED_BACK: &str = "the roster was rolled back or replaced";
const NOT_FOLLOWED: &str = "it does not follow the version that was there at";

/// wanda changes dev/db on the trunk, and alice does not look; the attacker has it.
fn with_a_newer_value() -> Case {
    let case = Case::new();
    let wanda = case.clone_of("wanda");
    wanda.set("dev/db", "a value that alice did not see");
    wanda.git(["push", "-q"]).ok();
    case.git(&["pull", "-q", "--ff-only"]);
    case
}

/// adam removes wanda on the trunk, and alice does not look; the attacker has it.
fn with_a_removal() -> Case {
    let case = Case::new();
    let adam = case.clone_of("adam");
    adam.covault(["member", "remove", "wanda", "--yes"]).ok();
    adam.git(["push", "-q"]).ok();
    case.git(&["pull", "-q", "--ff-only"]);
    case
}

/// The attacker makes what was the trunk the second parent of a merge that is as it was before.
fn exchange_parents(case: &Case, before: &str) {
    case.git(&["checkout", "-q", "-b", "side", before]);
    case.git(&["commit", "-q", "--allow-empty", "-m", "work"]);
    case.git(&["merge", "-q", "-s", "ours", "-m", "merge main", "main"]);
    case.deliver();
}

#[test]
fn a_removal_that_a_merge_with_exchanged_parents_leaves_out() {
    let case = with_a_removal();
    exchange_parents(&case, "main~1");
    let attacked = Attacked::of(case).spoils(&ALL).refuses(GET, ROLLED_BACK).refuses(&["set", "dev/new"], ROLLED_BACK);
    // What is told puts the removal back, for everybody.
    let alice = &attacked.case.alice;
    let said = alice.covault(GET).exits(6);
    let told = said.err.split("put the newer one back with: ").nth(1).unwrap_or_else(|| panic!("{}", said.err));
    alice.fed("sh", b"", ["-ec", told.split("; only if").next().unwrap()]).ok();
    let who = alice.covault(["member", "ls"]).ok().text();
    assert!(!who.contains("wanda") && who.contains("adam"), "{who}");
}

#[test]
fn a_removal_that_is_put_back_before_anybody_looks() {
    let case = with_a_removal();
    case.git(&["checkout", "-q", "main~1", "--", ".covault"]);
    case.deliver();
    Attacked::of(case).spoils(&ALL).refuses(GET, ROLLED_BACK).refuses(&["set", "dev/new"], ROLLED_BACK);
}

#[test]
fn a_removal_that_was_put_back_and_is_there_again() {
    let case = with_a_removal();
    exchange_parents(&case, "main~1");
    case.git(&["checkout", "-q", "main", "--", ".covault"]);
    case.deliver();
    let attacked = Attacked::of(case).ends_without_looking(GET, 0, "the third value of dev db");
    attacked.ends(&["set", "dev/new"], 0, "").ends(&["who", "dev/new"], 0, "adam");
}

#[test]
fn one_secret_put_back_before_anybody_looks() {
    let case = with_a_newer_value();
    case.write(&file("dev/db"), case.at_commit("begun", &file("dev/db")));
    refused(case);
}

#[test]
fn one_secret_that_a_merge_with_exchanged_parents_leaves_out() {
    let case = with_a_newer_value();
    exchange_parents(&case, "main~1");
    refused(case);
}

#[test]
fn one_secret_taken_away_after_it_was_written() {
    let case = with_a_newer_value();
    case.remove(&file("dev/db"));
    case.deliver();
    let attacked = Attacked::of(case).spoils(&["dev/db"]).refuses(GET, "was taken away");
    // What brings it back brings back what was there last.
    let alice = &attacked.case.alice;
    let said = alice.covault(GET).exits(6);
    let hint = said.err.split("bring it back with: git ").nth(1).unwrap_or_else(|| panic!("{}", said.err));
    alice.git(hint.trim().split(' ')).ok();
    attacked.reads("dev/db", "a value that alice did not see");
}

/// What alice has is what she had, and what came in on the way she may not step behind.
#[test]
fn what_was_there_on_the_way_alone_is_named_by_who_brings_it_in() {
    for is_taken_away in [false, true] {
        let case = with_a_newer_value();
        match is_taken_away {
            true => case.remove(&file("dev/db")),
            false => case.write(&file("dev/db"), case.at_commit("main~1", &file("dev/db"))),
        }
        case.commit_all();
        case.git(&["push", "-q", "origin", "HEAD:refs/heads/main"]);
        let said = case.alice.covault(["sync"]).exits(6);
        let why = if is_taken_away { "was taken away" } else { "it does not follow the version" };
        assert!(said.err.contains(&file("dev/db")) && said.err.contains(why), "{}", said.err);
        // What stays refused is no news.
        let attacked = Attacked::of(case).spoils(&["dev/db"]).refuses(GET, why);
        attacked.ends_without_looking(&["sync"], 0, "0 commits in");
    }
}

/// dev/db is refused until alice writes it: hers follows what she has not seen, too.
#[track_caller]
fn refused(case: Case) {
    case.deliver();
    let attacked = Attacked::of(case).spoils(&["dev/db"]).refuses(GET, NOT_FOLLOWED).refuses(GET, NOT_FOLLOWED);
    // The record does not move on as the trunk does.
    attacked.case.write("README", "later");
    attacked.case.deliver();
    let attacked = attacked.refuses(&["show", "dev/db"], NOT_FOLLOWED);
    let attacked = attacked.ends(&["set", "dev/db"], 0, "both are joined").reads("dev/db", "written by alice");
    let alice = &attacked.case.alice;
    alice.git(["push", "-q"]).ok();
    assert_eq!(alice.get("dev/db"), "written by alice");
    alice.covault(["verify"]).ok();
}

#[test]
fn one_secret_that_was_put_back_and_is_there_again() {
    let case = with_a_newer_value();
    exchange_parents(&case, "main~1");
    case.git(&["checkout", "-q", "main", "--", ".covault"]);
    case.deliver();
    let attacked = Attacked::of(case).ends_without_looking(GET, 0, "a value that alice did not see");
    attacked.ends(&["set", "dev/db"], 0, "").reads("dev/db", "written by alice");
}

/// alice removes adam, who goes on where he stood; the attacker merges that in, and leaves the trunk as it was.
fn with_what_a_removed_admin_signed(adam_is_first: bool) -> Case {
    let case = Case::new();
    let (alice, adam) = (&case.alice, case.clone_of("adam"));
    alice.covault(["member", "remove", "adam", "--yes"]).ok();
    alice.git(["push", "-q"]).ok();
    adam.covault(["grant", "prod", "adam", "wanda", "--yes"]).ok();
    adam.git(["push", "-q", "origin", "HEAD:refs/heads/side"]).ok();
    case.git(&["fetch", "-q"]);
    let mut parents = ["origin/main", "origin/side"];
    if adam_is_first {
        parents.reverse();
    }
    let [first, second] = parents;
    let merge = case.git(&["commit-tree", "-p", first, "-p", second, "-m", "merge", "origin/main^{tree}"]);
    case.git(&["reset", "-q", "--hard", &merge]);
    case
}

#[test]
fn what_a_removed_admin_signed_beside_it_binds_nobody() {
    for adam_is_first in [true, false] {
        let case = with_what_a_removed_admin_signed(adam_is_first);
        let [rita, wanda] = ["rita", "wanda"].map(|name| {
            let person = case.clone_of(name);
            person.git(["reset", "-q", "--hard", "begun"]).ok();
            person.git(["update-ref", "refs/remotes/origin/main", "begun^{commit}"]).ok();
            person.covault(["status"]).ok();
            person
        });
        case.deliver();
        rita.git(["pull", "-q", "--ff-only"]).ok();
        assert_eq!(rita.get("dev/db"), "the third value of dev db");
        assert_eq!(json(&rita.covault(["verify", "--json"]).ok())["unjudged"], serde_json::json!([]));
        assert!(!rita.covault(["member", "ls"]).ok().text().contains("adam"));
        // Nor is it what is put back where the trunk's is taken away, by who has not looked in between.
        case.remove(ROSTER);
        case.deliver();
        wanda.git(["fetch", "-q"]).ok();
        let said = wanda.covault(["sync"]).exits(6);
        follow(&wanda, &said);
        rita.git(["pull", "-q", "--ff-only"]).ok();
        assert!(!rita.covault(["member", "ls"]).ok().text().contains("adam"));
    }
}

/// adam and alice extended the roster apart; the attacker merges both, and keeps what adam wrote.
#[test]
fn one_of_two_rosters_that_a_merge_left_out() {
    let case = Case::new();
    let (adam, rita) = (case.clone_of("adam"), case.clone_of("rita"));
    rita.covault(["status"]).ok();
    adam.covault(["group", "set", "web", "wanda", "--yes"]).ok();
    adam.git(["push", "-q"]).ok();
    case.alice.covault(["group", "set", "dbs", "wanda", "--yes"]).ok();
    case.alice.git(["push", "-q", "origin", "HEAD:refs/heads/side"]).ok();
    case.git(&["pull", "-q", "--ff-only"]);
    case.git(&["merge", "-q", "-s", "ours", "-m", "merge", "origin/side"]);
    case.git(&["push", "-q"]);
    rita.git(["pull", "-q", "--ff-only"]).ok();
    let said = rita.covault(GET).exits(6);
    assert!(said.err.contains(ROLLED_BACK) && said.err.contains(" in its history has: "), "{}", said.err);
    assert!(!said.err.contains("newer") && !said.err.contains("/pin"), "{}", said.err);
    assert!(rita.covault(["verify"]).text().contains(ROLLED_BACK));
    // Both are brought together by who is told to.
    let told = said.err.split("it takes one of ").nth(1).unwrap_or_else(|| panic!("{}", said.err));
    let (who, command) = told.trim().split_once(", who brings both together with: covault ").unwrap();
    assert_eq!(who, "adam, alice");
    adam.git(["pull", "-q", "--ff-only"]).ok();
    adam.covault(command.split(' '));
    adam.git(["push", "-q"]).ok();
    for person in [&adam, &rita, &case.alice] {
        person.git(["pull", "-q"]).ok();
        assert_eq!(person.get("dev/db"), "the third value of dev db");
        let groups = person.covault(["group", "ls"]).ok().text();
        assert!(groups.contains("web") && groups.contains("dbs"), "{groups}");
    }
}

/// What anybody could have put there on the way binds nobody.
#[test]
fn a_forgery_that_was_there_while_alice_did_not_look() {
    let case = with_a_newer_value();
    let good = case.read(&file("dev/db"));
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    case.write(&file("dev/db"), bad);
    case.commit_all();
    case.write(&file("dev/db"), case.read(&file("prod/db")));
    case.commit_all();
    case.write(&file("dev/db"), good);
    case.deliver();
    Attacked::of(case).ends_without_looking(GET, 0, "a value that alice did not see");
}

/// What was pushed first was on no remote's trunk when it was written.
#[test]
fn what_the_founder_wrote_put_back_after_the_first_push() {
    for way in ["put back", "taken away"] {
        let world = World::new();
        let alice = world.founder("alice");
        alice.set("dev/db", "old");
        alice.set("dev/db", "new");
        assert_eq!(alice.get("dev/db"), "new");
        let shared = world.shared();
        alice.git(["init", "-q", "--bare", "-b", "main", shared.to_str().unwrap()]).ok();
        alice.git(["remote", "add", "origin", shared.to_str().unwrap()]).ok();
        alice.git(["push", "-q", "-u", "origin", "main"]).ok();
        let mallory = world.newcomer("mallory");
        if way == "put back" {
            mallory.git(["checkout", "-q", "HEAD~1", "--", &file("dev/db")]).ok();
        } else {
            mallory.git(["rm", "-q", &file("dev/db")]).ok();
        }
        mallory.git(["commit", "-qm", "an innocent change"]).ok();
        mallory.git(["push", "-q"]).ok();
        alice.git(["pull", "-q", "--ff-only"]).ok();
        let said = alice.covault(GET).exits(6);
        assert!(said.err.contains(NOT_FOLLOWED) || said.err.contains("was taken away"), "{}", said.err);
    }
}

/// A clone that asks no remote which branch counts, as one that was not made by `git clone`.
fn without_remote_head() -> Case {
    let case = Case::new();
    case.alice.git(["remote", "set-head", "origin", "-d"]).ok();
    case.alice.git(["config", "covault.branch", "main"]).ok();
    case.alice.get("dev/db");
    case
}

/// alice writes, the attacker puts the old file back, and alice sees what she wrote, not that.
#[track_caller]
fn put_back_is_refused(case: Case) {
    let alice = &case.alice;
    alice.set("dev/db", "the newest");
    alice.git(["push", "-q"]).ok();
    assert_eq!(alice.get("dev/db"), "the newest");
    case.git(&["pull", "-q", "--ff-only"]);
    case.write(&file("dev/db"), case.at_commit("begun", &file("dev/db")));
    case.commit_all();
    case.git(&["push", "-q", "origin", "HEAD:refs/heads/main"]);
    alice.git(["pull", "-q", "--ff-only"]).ok();
    Attacked::of(case).spoils(&["dev/db"]).refuses(GET, NOT_FOLLOWED);
}

#[test]
fn a_branch_called_head_is_not_the_trunk() {
    let case = without_remote_head();
    case.git(&["push", "-q", "origin", "begun^{commit}:refs/heads/HEAD"]);
    case.alice.git(["fetch", "-q"]).ok();
    put_back_is_refused(case);
}

#[test]
fn a_remote_of_another_name() {
    let case = Case::new();
    case.alice.git(["config", "--unset-all", "covault.branch"]);
    case.alice.git(["remote", "rename", "origin", "upstream"]).ok();
    assert_eq!(case.alice.get("dev/db"), "the third value of dev db");
    put_back_is_refused(case);
}

/// What somebody looks at in a clone that knows no trunk is not what counts.
#[test]
fn a_removal_on_a_branch_that_was_only_looked_at() {
    let case = Case::new();
    let adam = case.clone_of("adam");
    adam.git(["checkout", "-q", "-b", "asked-for"]).ok();
    adam.covault(["member", "remove", "wanda", "--yes"]).ok();
    adam.git(["push", "-q", "origin", "asked-for"]).ok();
    let id = case.vault().unwrap().roster().vault.to_string();
    let review = Person { repo: case.world.path().join("review"), ..case.world.stranger("alice") };
    std::fs::create_dir(&review.repo).unwrap();
    review.git(["init", "-q"]).ok();
    review.git(["remote", "add", "origin", case.world.shared().to_str().unwrap()]).ok();
    review.git(["fetch", "-q"]).ok();
    review.git(["checkout", "-q", "--detach", "origin/asked-for"]).ok();
    review.git(["config", "covault.vault", &id]).ok();
    review.covault(["status"]).ok();
    assert!(!review.covault(["who", "dev/db"]).ok().text().contains("wanda"));
    // Her own clone goes on as before.
    let alice = &case.alice;
    alice.set("dev/new", "for all");
    assert!(alice.covault(["who", "dev/new"]).ok().text().contains("wanda"));
    assert!(team::home(alice).removed(case.vault().unwrap().roster().vault).unwrap().iter().all(|it| it != "wanda"));
    let at = |rev: &str| alice.git(["rev-parse", &format!("{rev}:{ROSTER}")]).ok().text();
    assert_ne!(at("HEAD"), review.git(["rev-parse", &format!("HEAD:{ROSTER}")]).ok().text());
}
