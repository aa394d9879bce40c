//! Somebody loses a right while their last push is on its way: whoever saw it reads on, writes on, and decides about it.

use covault::seal::{SealedFile, members};

use super::rig::{Team, verifies};
use crate::cli::json;
use crate::verifier::{can_judge, second_opinion};
use crate::world::{Person, Said};

const DB: &str = "dev/db";
const USER: &str = "dev/db/user";
const VALUE: &str = "dev/db/value";
const FILE: &str = ".covault/secrets/dev/db.age";
const FIRST: &str = "the first value of dev db";
const APART: &str = "what bob wrote is kept beside it and counts for nothing";

/// Takes bob out of the team, or of what DB is in: with either DB is sealed anew without him.
const TAKES: [&[&str]; 2] =
    [&["member", "remove", "bob", "--yes"], &["grant", "dev", "alice", "carol", "rita", "--yes"]];

/// bob wrote and pushed; alice took the right from him before she had seen that, and syncs. carol and rita had seen it.
fn torn(takes: &[&str]) -> (Team, Said) {
    let team = Team::new();
    team.bob.set(DB, "written by bob");
    team.bob.push("main");
    for person in [&team.carol, &team.rita] {
        person.covault(["sync"]).ok();
        assert_eq!(person.get(DB), "written by bob");
    }
    team.alice.covault(takes).ok();
    let said = team.alice.covault(["sync"]);
    (team, said)
}

/// The same where bob only reads on, so that nothing is sealed anew: git takes his side as it is.
fn demoted() -> (Team, Said) {
    let team = Team::new();
    team.bob.set(DB, "written by bob");
    team.bob.set("dev/new", "begun by bob");
    team.bob.push("main");
    team.alice.covault(["member", "role", "bob", "reader", "--yes"]).ok();
    let said = team.alice.covault(["sync"]);
    (team, said)
}

/// The versions in somebody's file, each with its author.
fn versions(person: &Person) -> Vec<(String, Vec<u8>)> {
    let bytes = std::fs::read(person.file(DB)).unwrap();
    let author = |one: &[u8]| SealedFile::parse(one).unwrap().manifest().author.name.to_string();
    members(&bytes).unwrap().into_iter().map(|one| (author(one), one.to_vec())).collect()
}

fn authors(person: &Person) -> Vec<String> {
    let mut authors: Vec<String> = versions(person).into_iter().map(|(author, _)| author).collect();
    authors.sort();
    authors
}

/// Somebody with push rights and no key leaves out what bob wrote, before anybody decided.
fn drops(person: &Person) {
    let (_, kept) = versions(person).into_iter().find(|(author, _)| author != "bob").unwrap();
    puts(person, &kept);
    person.git(["push", "-q"]).ok();
}

/// The same with these bytes, which are not pushed yet.
fn puts(person: &Person, bytes: &[u8]) {
    std::fs::write(person.file(DB), bytes).unwrap();
    person.git(["commit", "-q", "--no-verify", "-am", "tidy up"]).ok();
}

#[test]
fn whoever_saw_it_reads_on_until_a_person_decides() {
    for takes in TAKES {
        let (team, said) = torn(takes);
        let (alice, carol, rita) = (&team.alice, &team.carol, &team.rita);
        let said = said.exits(5);
        assert!(said.err.contains(APART) && said.err.contains("out; 1 secret changed"), "{}", said.err);
        // That is told once.
        alice.covault(["sync"]).ok();
        for person in [carol, rita] {
            assert!(person.covault(["sync"]).exits(5).err.contains(APART));
        }
        for person in [alice, carol, rita] {
            let said = person.covault(["get", DB]).ok();
            assert_eq!(said.text(), FIRST);
            assert!(said.err.contains("covault resolve dev/db"), "{}", said.err);
            person.covault(["resolve"]).exits(5);
            let status = json(&person.covault(["status", "--json"]).ok());
            assert_eq!((&status["refused"], &status["apart"][0]["author"]), (&serde_json::json!([]), &"bob".into()));
        }
        // Who writes on keeps it, and everybody reads what came of that.
        carol.covault(["set", DB, "user=carol"]).ok();
        carol.covault(["sync"]).ok();
        alice.covault(["sync"]).ok();
        rita.covault(["sync"]).ok();
        for person in [alice, carol, rita] {
            assert_eq!((person.get(USER), authors(person)), ("carol".to_owned(), vec!["bob".into(), "carol".into()]));
        }
        alice.covault(["resolve", DB, "--discard"]).ok();
        for person in [alice, carol, rita] {
            person.covault(["sync"]).ok();
            assert_eq!((person.get(VALUE), authors(person)), (FIRST.to_owned(), vec!["alice".into()]));
            verifies(person);
        }
    }
}

#[test]
fn what_he_wrote_counts_for_everybody_once_one_vouches_for_it() {
    let (team, _) = torn(TAKES[0]);
    team.carol.covault(["sync"]).exits(5);
    team.carol.covault(["rekey", DB, "--accept", "--yes"]).ok();
    for person in [&team.carol, &team.alice, &team.rita] {
        person.covault(["sync"]).ok();
        assert_eq!((person.get(DB), authors(person)), ("written by bob".to_owned(), vec!["carol".into()]));
    }
    verifies(&team.rita);
}

#[test]
fn who_saw_an_earlier_one_of_several_reads_on_too() {
    let team = Team::new();
    let (alice, bob, rita) = (&team.alice, &team.bob, &team.rita);
    for (n, value) in ["the first of bob", "the second of bob", "the third of bob"].into_iter().enumerate() {
        bob.set(DB, value);
        bob.push("main");
        if n == 0 {
            rita.covault(["sync"]).ok();
        }
    }
    alice.covault(TAKES[0]).ok();
    alice.covault(["sync"]).exits(5);
    rita.covault(["sync"]).exits(5);
    assert_eq!(rita.get(DB), FIRST);
    // Its number is below that of what is let go of.
    alice.covault(["resolve", DB, "--discard"]).ok();
    alice.covault(["sync"]).ok();
    rita.covault(["sync"]).ok();
    assert_eq!(rita.get(DB), FIRST);
    verifies(rita);
}

#[test]
fn nobody_drops_it_unseen_before_that_whoever_saw_it_alone_or_beside_the_good_one() {
    let (team, _) = torn(TAKES[0]);
    let (alice, carol, rita) = (&team.alice, &team.carol, &team.rita);
    carol.covault(["sync"]).exits(5);
    drops(carol);
    // rita saw bob's version as the trunk had it, and never the merge; alice saw both.
    for person in [rita, alice] {
        let said = person.covault(["sync"]).exits(6);
        assert!(said.err.contains("does not follow") && said.err.contains("1 secret changed"), "{}", said.err);
        let said = person.covault(["get", DB]).exits(6);
        assert!(said.err.contains("covault restore dev/db"), "{}", said.err);
    }
    let refused = json(&rita.covault(["status", "--json"]).ok())["refused"].clone();
    assert!(refused.to_string().contains("does not follow"), "{refused:#}");
    // The command that is named brings it back, as does whoever writes on.
    let said = alice.covault(["get", DB]).exits(6);
    let hint = said.err.split("join the newer one in with: covault ").nth(1).unwrap_or_else(|| panic!("{}", said.err));
    let brought = alice.covault(hint.split(';').next().unwrap().split(' ')).ok();
    assert!(brought.err.contains("is again what counts for nothing"), "{}", brought.err);
    assert_eq!((alice.get(DB), authors(alice)), (FIRST.to_owned(), vec!["alice".into(), "bob".into()]));
    alice.git(["reset", "-q", "--hard", "HEAD~1"]).ok();
    alice.covault(["get", DB]).exits(6);
    let said = alice.covault(["set", DB, "user=alice"]).ok();
    assert!(said.err.contains("is again what counts for nothing"), "{}", said.err);
    assert_eq!((alice.get(VALUE), authors(alice)), (FIRST.to_owned(), vec!["alice".into(), "bob".into()]));
    alice.covault(["resolve", DB, "--discard"]).ok();
    alice.covault(["sync"]).ok();
    rita.covault(["sync"]).ok();
    assert_eq!(rita.get(USER), "alice");
}

/// Whoever brings his version once more does that where he has no right. It counted where he brought it.
#[test]
fn nobody_drops_it_by_way_of_a_commit_that_has_his_alone() {
    let (team, _) = torn(TAKES[0]);
    let (alice, carol) = (&team.alice, &team.carol);
    carol.covault(["sync"]).exits(5);
    let beside = std::fs::read(carol.file(DB)).unwrap();
    let (_, his) = versions(carol).into_iter().find(|(author, _)| author == "bob").unwrap();
    for bytes in [his, beside] {
        puts(carol, &bytes);
    }
    drops(carol);
    assert!(alice.covault(["sync"]).exits(6).err.contains("does not follow"));
    assert!(alice.covault(["get", DB]).exits(6).err.contains("covault resolve dev/db --from"));
}

#[test]
fn a_file_that_was_taken_away_with_it_is_begun_anew_beside_it() {
    let (team, _) = demoted();
    let alice = &team.alice;
    let new = ".covault/secrets/dev/new.age";
    alice.git(["rm", "-q", new]).ok();
    alice.git(["commit", "-q", "--no-verify", "-m", "away with it"]).ok();
    alice.covault(["get", "dev/new"]).exits(6);
    let said = alice.covault_fed(b"begun by alice", ["set", "dev/new"]).ok();
    assert!(said.err.contains("is again what counts for nothing"), "{}", said.err);
    assert_eq!(alice.get("dev/new"), "begun by alice");
    alice.covault(["resolve", "dev/new", "--discard"]).ok();
    assert_eq!(alice.get("dev/new"), "begun by alice");
}

#[test]
fn what_git_took_as_it_is_and_is_refused_now_is_told_by_sync_and_listed_by_resolve() {
    let (team, said) = demoted();
    let (alice, carol) = (&team.alice, &team.carol);
    let said = said.exits(5);
    for name in [DB, "dev/new"] {
        let line = format!("{name}: what bob wrote is all that is there and counts for nothing (covault resolve)");
        assert!(said.err.contains(&line), "{}", said.err);
    }
    let told = json(&carol.covault(["sync", "--json"]).exits(5));
    let apart = serde_json::json!([{ "name": DB, "author": "bob" }, { "name": "dev/new", "author": "bob" }]);
    assert_eq!((&told["apart"], &told["refused"]), (&apart, &serde_json::json!([])), "{told:#}");
    let listed = json(&alice.covault(["resolve", "--json"]).exits(5));
    assert_eq!(listed["apart"], apart, "{listed:#}");
    // Both hints do what they say, also for a secret that nobody else ever wrote.
    for name in [DB, "dev/new"] {
        let said = alice.covault(["get", name]).exits(6);
        assert!(said.err.contains(&format!("covault resolve {name} --discard")), "{}", said.err);
        alice.covault(["resolve", name, "--discard"]).ok();
    }
    alice.covault(["sync"]).ok();
    carol.covault(["sync"]).ok();
    for person in [alice, carol] {
        assert_eq!(person.get(DB), FIRST);
        let said = person.covault(["get", "dev/new"]).exits(3);
        assert!(said.err.contains("'dev/new' was deleted"), "{}", said.err);
        verifies(person);
    }
    if can_judge() {
        let said = second_opinion(&carol.repo, &["--range", "HEAD~2..HEAD"]);
        assert_eq!(said["verdict"], "good", "{said:#}");
    }
    // It may be begun anew.
    alice.set("dev/new", "begun by alice");
    alice.covault(["sync"]).ok();
    carol.covault(["sync"]).ok();
    assert_eq!(carol.get("dev/new"), "begun by alice");
}

#[test]
fn of_a_refused_version_the_log_does_not_say_what_it_took_away() {
    let (team, _) = demoted();
    let text = team.alice.covault(["log", DB, "--fields"]).ok().text();
    assert!(text.contains("REFUSED") && !text.contains("removed field"), "{text}");
    let log = json(&team.alice.covault(["log", DB, "--fields", "--json"]).ok());
    let refused = log.as_array().unwrap().iter().find(|entry| !entry["problem"].is_null()).unwrap();
    assert!(refused["fields"].is_null(), "{refused:#}");
}

#[test]
fn in_a_part_of_the_history_nothing_is_called_new_that_may_have_been_there_before() {
    let (team, _) = demoted();
    let shallow = team.world.stranger("shallow");
    let url = format!("file://{}", team.world.shared().display());
    shallow.git(["clone", "-q", "--depth=1", &url, shallow.repo.to_str().unwrap()]).ok();
    shallow.take_keys_of(&team.carol);
    shallow.git(["config", "covault.vault", &crate::team::vault(&team.alice).roster().vault.to_string()]).ok();
    let before = std::fs::read(shallow.repo.join(FILE)).unwrap();
    let said = shallow.covault(["resolve", DB, "--discard"]).exits(6);
    assert!(said.err.contains("git fetch --unshallow"), "{}", said.err);
    assert_eq!(std::fs::read(shallow.repo.join(FILE)).unwrap(), before);
    shallow.git(["fetch", "-q", "--unshallow"]).ok();
    shallow.covault(["resolve", DB, "--discard"]).ok();
    assert_eq!(shallow.get(DB), FIRST);
}
