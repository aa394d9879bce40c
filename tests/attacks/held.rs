//! What is wrong with one file of the trunk stays wrong until it is put right, and says nothing of the others, whatever is
//! committed on top and whoever commits it.

use super::rig::{Case, file, harmless};
use crate::world::Person;

const NOT_FOLLOWED: &str = "it does not follow the version that was there at";
const TAKEN_AWAY: &str = "was taken away";

/// The attacker puts these secrets back to what they were at `commit`.
fn put_back(case: &Case, commit: &str, names: &[&str]) {
    case.git(&["pull", "-q", "--ff-only"]);
    for name in names {
        case.write(&file(name), case.at_commit(commit, &file(name)));
    }
    case.deliver();
}

#[track_caller]
fn refused(person: &Person, name: &str, because: &str) {
    let said = person.covault(["get", name]).exits(6);
    harmless(&["get"], &said);
    assert!(said.out.is_empty() && said.err.contains(because), "{}{}", said.text(), said.err);
}

/// Somebody of the team writes a secret and pushes it, from a clone that has what is on the trunk.
fn writes(person: &Person, name: &str, value: &str) {
    person.git(["pull", "-q", "--no-rebase", "--no-edit"]).ok();
    person.set(name, value);
    person.git(["push", "-q"]).ok();
}

#[test]
fn it_stays_refused_under_one_s_own_next_commit() {
    let case = Case::new();
    put_back(&case, "begun", &["dev/db"]);
    refused(&case.alice, "dev/db", NOT_FOLLOWED);
    writes(&case.alice, "dev/api", "another secret");
    refused(&case.alice, "dev/db", NOT_FOLLOWED);
    case.alice.covault(["sync"]);
    refused(&case.alice, "dev/db", NOT_FOLLOWED);
    assert_eq!(case.alice.get("dev/api"), "another secret");
}

#[test]
fn it_stays_refused_where_the_first_look_is_at_one_s_own_commit_on_top() {
    let case = Case::new();
    put_back(&case, "begun", &["dev/db"]);
    writes(&case.alice, "dev/api", "another secret");
    refused(&case.alice, "dev/db", NOT_FOLLOWED);
    case.alice.git(["rm", "-q", &file("dev/db")]).ok();
    case.alice.git(["commit", "-qm", "gone"]).ok();
    refused(&case.alice, "dev/db", TAKEN_AWAY);
}

#[test]
fn of_two_that_were_put_back_each_is_refused_until_it_is_put_right() {
    let case = Case::new();
    put_back(&case, "begun", &["dev/db", "prod/db"]);
    refused(&case.alice, "dev/db", NOT_FOLLOWED);
    refused(&case.alice, "prod/db", NOT_FOLLOWED);
    writes(&case.alice, "dev/db", "put right");
    assert_eq!(case.alice.get("dev/db"), "put right");
    refused(&case.alice, "prod/db", NOT_FOLLOWED);
    // What puts it right is what the refusal names, and nothing is remembered of it afterwards.
    writes(&case.alice, "prod/db", "put right, too");
    assert_eq!(case.alice.get("prod/db"), "put right, too");
    assert!(!records(&case.alice).contains("held"), "{}", records(&case.alice));
}

/// What alice's clones remember of the trunk.
fn records(person: &Person) -> String {
    let vaults = std::fs::read_dir(person.home.join(".local/state/covault")).unwrap();
    let files = vaults.flat_map(|vault| std::fs::read_dir(vault.unwrap().path()).unwrap());
    let seen = files.map(|file| file.unwrap().path()).filter(|file| file.display().to_string().contains("/seen-"));
    seen.map(|file| String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned()).collect()
}

#[test]
fn one_that_nobody_puts_right_leaves_the_others_guarded() {
    let case = Case::new();
    let rita = case.clone_of("rita");
    assert_eq!(rita.get("dev/db"), "the third value of dev db");
    case.remove(&file("dev/api"));
    case.deliver();
    let pulled = || {
        rita.git(["fetch", "-q"]).ok();
        rita.git(["reset", "-q", "--hard", "origin/main"]).ok();
    };
    pulled();
    refused(&rita, "dev/api", TAKEN_AWAY);
    let said = rita.covault(["status", "--check"]).exits(8).text();
    assert!(said.contains("dev/api: ") && said.contains(TAKEN_AWAY), "{said}");
    let before = case.git(&["rev-parse", "HEAD"]);
    let adam = case.clone_of("adam");
    adam.covault(["member", "remove", "wanda", "--yes"]).ok();
    writes(&adam, "dev/db", "the newest value");
    pulled();
    assert_eq!(rita.get("dev/db"), "the newest value");
    put_back(&case, &before, &["dev/db"]);
    pulled();
    refused(&rita, "dev/db", NOT_FOLLOWED);
    refused(&rita, "dev/api", TAKEN_AWAY);
    // Nor is the whole repository put back, by force.
    case.git(&["reset", "-q", "--hard", &before]);
    case.deliver();
    pulled();
    for args in [&["get", "dev/db"][..], &["member", "ls"], &["get", "staging/db"]] {
        let said = rita.covault(args).exits(6);
        assert!(said.out.is_empty() && said.err.contains("rolled back"), "{}", said.err);
    }
}

/// A secret that was begun on a branch and removed there was never on the trunk, and guards and hinders nothing.
#[test]
fn one_that_was_begun_and_dropped_on_a_branch_leaves_the_others_guarded() {
    let case = Case::new();
    let (wanda, rita) = (case.clone_of("wanda"), case.clone_of("rita"));
    assert_eq!(rita.get("dev/db"), "the third value of dev db");
    wanda.git(["switch", "-q", "-c", "try"]).ok();
    wanda.set("dev/tmp", "tried");
    wanda.git(["rm", "-q", &file("dev/tmp")]).ok();
    wanda.git(["commit", "-qm", "drop it"]).ok();
    wanda.git(["switch", "-q", "main"]).ok();
    wanda.git(["merge", "-q", "--no-ff", "--no-edit", "try"]).ok();
    wanda.git(["push", "-q"]).ok();
    rita.git(["pull", "-q", "--ff-only"]).ok();
    assert_eq!(rita.get("dev/db"), "the third value of dev db");
    writes(&wanda, "dev/db", "the newest value");
    rita.git(["pull", "-q", "--ff-only"]).ok();
    assert_eq!(rita.get("dev/db"), "the newest value");
    put_back(&case, "begun", &["dev/db"]);
    rita.git(["pull", "-q", "--ff-only"]).ok();
    refused(&rita, "dev/db", NOT_FOLLOWED);
}

/// wanda's commit branched off before what alice saw last: it is held against for its own secret, and for no other.
#[test]
fn what_came_in_by_a_merge_while_alice_did_not_look() {
    for taken_away in [false, true] {
        let case = Case::new();
        let wanda = case.clone_of("wanda");
        writes(&case.alice, "dev/api", "seen by alice");
        assert_eq!(case.alice.get("dev/api"), "seen by alice");
        wanda.set("dev/db", "not seen by alice");
        wanda.git(["pull", "-q", "--no-rebase", "--no-edit"]).ok();
        wanda.git(["push", "-q"]).ok();
        if taken_away {
            case.git(&["pull", "-q", "--ff-only"]);
            case.remove(&file("dev/db"));
            case.deliver();
            let said = case.alice.covault(["get", "dev/db"]).exits(6);
            let hint = said.err.split("bring it back with: git ").nth(1).unwrap_or_else(|| panic!("{}", said.err));
            case.alice.git(hint.trim().split(' ')).ok();
        } else {
            put_back(&case, "begun", &["dev/db"]);
            refused(&case.alice, "dev/db", NOT_FOLLOWED);
            case.alice.covault_fed(b"put right", ["set", "dev/db"]).ok();
        }
        let value = if taken_away { "not seen by alice" } else { "put right" };
        assert_eq!(case.alice.get("dev/db"), value);
        assert_eq!(case.alice.get("dev/api"), "seen by alice");
    }
}

/// alice has a commit that waits to be pushed, and merges what came meanwhile.
#[test]
fn what_was_put_back_beside_a_commit_that_waited() {
    let case = Case::new();
    case.alice.set("dev/api", "waits");
    let wanda = case.clone_of("wanda");
    writes(&wanda, "dev/db", "not seen by alice");
    case.git(&["pull", "-q", "--ff-only"]);
    case.write(&file("dev/db"), case.at_commit("begun", &file("dev/db")));
    case.commit_all();
    case.git(&["push", "-q", "origin", "HEAD:refs/heads/main"]);
    case.alice.git(["pull", "-q", "--no-rebase", "--no-edit"]).ok();
    case.alice.git(["push", "-q"]).ok();
    refused(&case.alice, "dev/db", NOT_FOLLOWED);
    assert_eq!(case.alice.get("dev/api"), "waits");
}

/// What anybody could have put in a place that was free binds nobody who saw it there.
#[test]
fn a_forged_secret_leaves_its_name_free() {
    let case = Case::new();
    case.write(&file("dev/new"), case.read(&file("dev/api")));
    case.deliver();
    case.alice.covault(["get", "dev/new"]).exits(6);
    let adam = case.clone_of("adam");
    adam.git(["rm", "-q", &file("dev/new")]).ok();
    adam.git(["commit", "-qm", "what is that?"]).ok();
    writes(&adam, "dev/new", "begun by adam");
    case.alice.git(["pull", "-q", "--ff-only"]).ok();
    assert_eq!(case.alice.get("dev/new"), "begun by adam");
}
