//! `rekey`: new file keys, what waits, and versions that a reader vouches for.

use std::ffi::OsStr;

use covault::model::roster::Role;

use super::{all_of, head, json, same};
use crate::team::{admit, pull};
use crate::verifier::second_opinion;
use crate::world::{Person, Said, World, have};

fn changed(person: &Person, since: &str) -> Vec<String> {
    let text = person.git(["diff", "--name-only", since, "HEAD"]).ok().text();
    text.lines().map(|line| line.trim_start_matches(".covault/secrets/").to_owned()).collect()
}

fn last_bytes(person: &Person, name: &str) -> Vec<u8> {
    let bytes = std::fs::read(person.file(name)).unwrap();
    bytes[bytes.len() - 1000..].to_vec()
}

#[track_caller]
fn verifies(person: &Person) {
    let opinion = second_opinion(&person.repo, &["--history"]);
    assert!(opinion.is_null() || opinion["verdict"] == "good", "{opinion:#}");
}

#[test]
fn named_secrets_and_folders_get_new_file_keys_and_keep_their_values() {
    let world = World::new();
    let alice = world.founder("alice");
    let bob = admit(&world, &alice, "bob", Role::Writer);
    for name in ["prod/db", "prod/key", "app"] {
        alice.set(name, &format!("value of {name}"));
    }
    alice.covault(["rm", "prod/key"]).ok();
    alice.set("prod/key", "value of prod/key");
    let (at, before, other) = (head(&alice), last_bytes(&alice, "prod/db"), last_bytes(&alice, "app"));
    let said = alice.covault(["rekey", "prod/"]).ok();
    assert!(said.err.contains("new file keys for 2 secrets: prod/db, prod/key"), "{}", said.err);
    assert!(said.err.contains("2 secrets sealed again (commit ") && said.out.is_empty(), "{}", said.err);
    assert_eq!(changed(&alice, &at), ["prod/db.age", "prod/key.age"]);
    assert_eq!(alice.git(["rev-list", "--count", &format!("{at}..HEAD")]).ok().text().trim(), "1");
    assert!(last_bytes(&alice, "prod/db") != before, "the payload is another");
    assert_eq!(last_bytes(&alice, "app"), other);
    pull(&bob, &alice);
    assert_eq!(bob.get("prod/db"), "value of prod/db");
    let said = json(&bob.covault(["rekey", "app", "--json"]).ok());
    assert_eq!((&said["sealed"], &said["files"][0]), (&1.into(), &".covault/secrets/app.age".into()));
    pull(&alice, &bob);
    assert_eq!(alice.get("app"), "value of app");
    let said = alice.covault(["rekey", "--all"]).ok();
    assert!(said.err.contains("3 secrets sealed again"), "{}", said.err);
    verifies(&alice);
    let said = json(&alice.covault(["rekey", "--json"]).ok());
    assert_eq!((&said["unchanged"], &said["files"]), (&true.into(), &serde_json::json!([])));
    let before = all_of(&alice);
    for (args, code, text) in [
        (&["rekey", "prodd/db"][..], 3, "no secret 'prodd/db'"),
        (&["rekey", "prod/db", "--all"], 2, "--all"),
        (&["rekey", "prod/db", "--pending"], 2, "--pending"),
        (&["rekey", "--accept"], 2, "NAME"),
        (&["rekey", "prod", "--dry-run"], 0, "would rekey 2 secrets"),
        (&["rekey"], 0, "nothing to change"),
        (&["rekey", "--pending"], 0, "nothing to change"),
    ] {
        let said = alice.covault(args).exits(code);
        assert!(said.err.contains(text), "{args:?}: {}", said.err);
    }
    same(&before, &all_of(&alice));
}

#[test]
fn what_one_cannot_open_is_left_and_said() {
    let world = World::new();
    let alice = world.founder("alice");
    let bob = admit(&world, &alice, "bob", Role::Writer);
    let rita = admit(&world, &alice, "rita", Role::Reader);
    alice.covault(["grant", "prod", "alice", "--yes"]).ok();
    alice.set("prod/db", "value of prod/db");
    alice.set("app", "value of app");
    pull(&bob, &alice);
    pull(&rita, &alice);
    bob.covault(["ls"]).ok();
    let said = json(&bob.covault(["rekey", "--all", "--json"]).exits(8));
    assert_eq!((&said["sealed"], &said["left"][0]["secret"]), (&1.into(), &"prod/db".into()));
    assert_eq!(said["left"][0]["by"], serde_json::json!(["alice"]));
    let before = all_of(&bob);
    let said = bob.covault(["rekey", "prod/db"]).exits(4);
    assert!(said.err.contains("prod/db is not sealed to you") && said.err.contains("alice"), "{}", said.err);
    same(&before, &all_of(&bob));
    rita.covault(["rekey", "app"]).exits(4);
    rita.covault(["rekey"]).exits(4);
}

#[test]
fn without_a_name_it_finishes_what_waits() {
    let world = World::new();
    let alice = world.founder("alice");
    let bob = admit(&world, &alice, "bob", Role::Writer);
    let carol = admit(&world, &alice, "carol", Role::Writer);
    for name in ["prod/db", "prod/key", "app"] {
        alice.set(name, &format!("value of {name}"));
    }
    // alice gives the folder away: who reads it from now on has to seal it.
    alice.covault(["grant", "prod", "alice", "bob", "--yes"]).ok();
    alice.covault(["grant", "prod", "bob", "--yes"]).exits(8);
    pull(&bob, &alice);
    pull(&carol, &alice);
    let at = head(&carol);
    let said = carol.covault(["rekey"]).exits(8);
    assert!(said.err.contains("you cannot seal 2 secrets: prod/db, prod/key: bob can"), "{}", said.err);
    assert_eq!((head(&carol), carol.git(["status", "--porcelain"]).ok().text()), (at, String::new()));
    let at = head(&bob);
    let said = bob.covault(["rekey", "--dry-run"]).ok();
    assert!(said.err.contains("alice loses 2 secrets") && head(&bob) == at, "{}", said.err);
    let said = bob.covault(["rekey"]).ok();
    assert!(said.err.contains("alice loses 2 secrets: prod/db, prod/key"), "{}", said.err);
    assert_eq!(changed(&bob, &at), ["prod/db.age", "prod/key.age"]);
    pull(&alice, &bob);
    alice.covault(["get", "prod/db"]).exits(4);
    assert_eq!(bob.get("prod/db"), "value of prod/db");
    verifies(&bob);
}

#[test]
fn files_that_differ_are_joined_by_name() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("prod/db", "the first value");
    alice.covault_fed(b"the second value", ["set", "prod/db", "--stdin", "other"]).ok();
    alice.git(["checkout", "-q", "HEAD~1", "--", ".covault/secrets/prod/db.age"]).ok();
    let said = alice.covault(["rekey", "prod/db"]).ok();
    assert!(said.err.contains("both are joined"), "{}", said.err);
    assert_eq!(alice.covault(["get", "prod/db/other"]).ok().text(), "the second value");
    assert_eq!(alice.git(["status", "--porcelain"]).ok().text(), "");
    verifies(&alice);
}

struct Team {
    alice: Person,
    bob: Person,
    carol: Person,
}

/// carol has left, and has a branch `carols-work` open, with a change of dev/api that was made before.
fn team(world: &World) -> Team {
    let alice = world.team("alice");
    let bob = world.joins(&alice, "bob");
    let carol = world.joins(&alice, "carol");
    alice.git(["pull", "-q", "--ff-only"]).ok();
    alice.set("dev/api", "key of dev");
    alice.covault_fed(b"token of dev", ["set", "dev/api", "--stdin", "token"]).ok();
    alice.git(["push", "-q"]).ok();
    carol.git(["pull", "-q", "--ff-only"]).ok();
    carol.git(["switch", "-q", "-c", "carols-work"]).ok();
    carol.covault_fed(b"carols key of dev", ["set", "dev/api", "--stdin", "token"]).ok();
    carol.set("dev/new", "a new secret of carols");
    carol.push("carols-work");
    alice.covault(["member", "remove", "carol", "--yes"]).ok();
    alice.git(["push", "-q"]).ok();
    bob.git(["pull", "-q", "--ff-only"]).ok();
    bob.git(["fetch", "-q"]).ok();
    bob.covault(["ls"]).ok();
    Team { alice, bob, carol }
}

const API: &str = ".covault/secrets/dev/api.age";

impl Team {
    /// carol's version in bob's work tree.
    fn take(&self, file: &str) {
        self.bob.git(["checkout", "-q", "origin/carols-work", "--", file]).ok();
    }

    /// bob's work tree as it is in HEAD.
    fn back(&self) {
        self.bob.git(["reset", "-q", "--hard"]).ok();
    }

    #[track_caller]
    fn refuses(&self, name: &str, because: &str) -> Said {
        let before = all_of(&self.bob);
        let said = self.bob.covault(["rekey", name, "--accept", "--yes"]).exits(6);
        assert!(said.err.contains(because), "{}", said.err);
        same(&before, &all_of(&self.bob));
        said
    }
}

#[test]
fn a_reader_vouches_for_what_somebody_wrote_who_has_left() {
    let world = World::new();
    let t = team(&world);
    t.take(API);
    let said = t.bob.covault(["get", "dev/api/token"]).exits(6);
    assert!(said.err.contains("covault rekey dev/api --accept"), "{}", said.err);
    let before = all_of(&t.bob);
    let said = t.bob.covault(["rekey", "dev/api", "--accept"]).exits(7);
    assert!(said.err.contains("hint: covault rekey dev/api --accept --yes"), "{}", said.err);
    assert!(said.err.contains("by carol, who has left") && said.err.contains("changed field.token"), "{}", said.err);
    assert!(!said.err.contains("carols key"), "no value is shown: {}", said.err);
    t.bob.covault(["rekey", "dev/api", "--accept", "--dry-run"]).ok();
    same(&before, &all_of(&t.bob));
    let at = head(&t.bob);
    let said = t.bob.covault(["rekey", "dev/api", "--accept", "--yes"]).ok();
    assert!(said.err.contains("sealed in your name: dev/api (commit "), "{}", said.err);
    assert_eq!(changed(&t.bob, &at), ["dev/api.age"]);
    let message = t.bob.git(["log", "--format=%s", "-1"]).ok().text();
    assert_eq!(message, "covault: accept dev/api as written by carol\n");
    assert_eq!(t.bob.git(["status", "--porcelain"]).ok().text(), "");
    assert_eq!(t.bob.covault(["get", "dev/api/token"]).ok().text(), "carols key of dev");
    assert_eq!(t.bob.covault(["get", "dev/api/value"]).ok().text(), "key of dev");
    verifies(&t.bob);
    t.bob.git(["push", "-q"]).ok();
    t.alice.git(["pull", "-q", "--ff-only"]).ok();
    assert_eq!(t.alice.covault(["get", "dev/api/token"]).ok().text(), "carols key of dev");
    let log = t.alice.covault(["log", "dev/api"]).ok().text();
    assert!(log.contains("bob"), "{log}");
    // It is sealed to nobody who has left.
    if have("age") {
        let mut age = t.alice.command("age");
        age.args(["-d", "-i"]).arg(t.carol.identity()).arg(t.alice.file("dev/api"));
        assert!(!age.output().unwrap().status.success());
    }
    t.bob.covault(["ls"]).ok();
    let before = all_of(&t.bob);
    let said = t.bob.covault(["rekey", "dev/api", "--accept", "--yes"]).ok();
    assert!(said.err.contains("dev/api is not refused: there is nothing to accept"), "{}", said.err);
    same(&before, &all_of(&t.bob));
}

#[test]
fn what_was_written_here_meanwhile_gives_way_and_can_be_restored() {
    let world = World::new();
    let t = team(&world);
    t.bob.covault_fed(b"a newer token", ["set", "dev/api", "--stdin", "token"]).ok();
    t.bob.covault_fed(b"value of another field", ["set", "dev/api", "--stdin", "other"]).ok();
    t.take(API);
    let said = json(&t.bob.covault(["rekey", "dev/api", "--accept", "--yes", "--json"]).ok());
    let one = &said["accepted"][0];
    assert_eq!(
        (&one["author"], &one["has_left"], &one["replaced"][0]),
        (&"carol".into(), &true.into(), &"field.token".into())
    );
    assert!(!said.to_string().contains("carols key"), "{said}");
    assert_eq!(t.bob.covault(["get", "dev/api/token", "--strict"]).ok().text(), "carols key of dev");
    assert_eq!(t.bob.covault(["get", "dev/api/other", "--strict"]).ok().text(), "value of another field");
    t.bob.covault(["restore", "dev/api"]).ok();
    assert_eq!(t.bob.covault(["get", "dev/api/token", "--strict"]).ok().text(), "a newer token");
    verifies(&t.bob);
}

#[test]
fn a_secret_that_was_born_on_her_branch_and_a_merge_of_the_branch_are_accepted() {
    let world = World::new();
    let t = team(&world);
    t.bob.covault_fed(b"https://dev", ["set", "dev/api", "--stdin", "address"]).ok();
    let merge = t.bob.git(["merge", "-q", "origin/carols-work"]).ok();
    assert!(merge.err.contains("what carol wrote is kept beside it"), "{}", merge.err);
    t.bob.covault(["get", "dev/new"]).exits(6);
    t.bob.covault(["rekey", "dev/api", "dev/new", "--accept", "--yes"]).ok();
    assert_eq!(t.bob.git(["status", "--porcelain"]).ok().text(), "");
    assert_eq!(t.bob.get("dev/new"), "a new secret of carols");
    assert_eq!(t.bob.covault(["get", "dev/api/token"]).ok().text(), "carols key of dev");
    assert_eq!(t.bob.covault(["get", "dev/api/address"]).ok().text(), "https://dev");
    verifies(&t.bob);
}

#[test]
fn what_she_pushed_onto_the_trunk_is_accepted_and_follows_the_last_good_version() {
    let world = World::new();
    let t = team(&world);
    // Mallory with her push rights: carol's file becomes the trunk's.
    t.alice.git(["fetch", "-q"]).ok();
    t.alice.git(["checkout", "-q", "origin/carols-work", "--", API]).ok();
    t.alice.git(["commit", "-q", "-m", "carol pushes"]).ok();
    t.alice.git(["push", "-q"]).ok();
    t.bob.git(["pull", "-q", "--ff-only"]).ok();
    t.bob.covault(["get", "dev/api/token"]).exits(6);
    t.bob.covault(["rekey", "dev/api", "--accept", "--yes"]).ok();
    assert_eq!(t.bob.covault(["get", "dev/api/token"]).ok().text(), "carols key of dev");
    t.bob.git(["push", "-q"]).ok();
    let fresh = t.bob.clone_for(world.stranger("bobs desktop"));
    fresh.take_keys_of(&t.bob);
    fresh.git(["config", "covault.vault", t.bob.git(["config", "covault.vault"]).ok().text().trim()]).ok();
    assert_eq!(fresh.covault(["get", "dev/api/token"]).ok().text(), "carols key of dev");
    let opinion = second_opinion(&t.bob.repo, &[]);
    assert!(opinion.is_null() || opinion["verdict"] == "good", "{opinion:#}");
}

#[test]
fn nothing_else_that_is_wrong_with_a_file_is_accepted() {
    let world = World::new();
    let t = team(&world);
    let path = t.bob.file("dev/api");
    // A broken signature and a cut header.
    t.take(API);
    let good = std::fs::read(&path).unwrap();
    let place = good.windows(4).position(|window| window == b"U1NI").unwrap();
    let mut broken = good.clone();
    broken[place + 190] ^= 1;
    std::fs::write(&path, &broken).unwrap();
    t.refuses("dev/api", "is refused");
    t.back();
    // Another name.
    t.take(".covault/secrets/dev/new.age");
    std::fs::copy(t.bob.file("dev/new"), &path).unwrap();
    t.refuses("dev/api", "sealed for another name");
    t.back();
    // Another vault.
    let mallory = world.founder("mallory");
    mallory.set("dev/api", "mallory's");
    std::fs::copy(mallory.file("dev/api"), &path).unwrap();
    t.refuses("dev/api", "sealed for another vault");
    t.back();
    // Somebody whom this roster does not know: admitted on a branch of alice's.
    t.alice.git(["switch", "-q", "-c", "side"]).ok();
    let dave = admit(&world, &t.alice, "dave", Role::Writer);
    dave.covault_fed(b"of dave", ["set", "dev/api", "--stdin", "token"]).ok();
    std::fs::copy(dave.file("dev/api"), &path).unwrap();
    t.refuses("dev/api", "sealed under another roster");
    t.back();
    // A file that is not there, and one that one cannot open.
    t.bob.covault(["rekey", "dev/nothing", "--accept", "--yes"]).exits(3);
    t.alice.git(["switch", "-q", "main"]).ok();
    t.alice.covault(["grant", "dev", "alice", "--yes"]).ok();
    t.alice.git(["push", "-q"]).ok();
    t.bob.git(["pull", "-q", "--ff-only"]).ok();
    t.take(API);
    t.bob.covault(["ls"]).ok();
    let before = all_of(&t.bob);
    t.bob.covault(["rekey", "dev/api", "--accept", "--yes"]).exits(4);
    same(&before, &all_of(&t.bob));
}

/// carol wrote dev/api and has left, alice wrote it after her. Whether the trunk had alice's version when carol left
/// decides whether carol's is among those that stay good. The commit with carol's.
fn older(world: &World, is_published: bool) -> (Person, String) {
    let alice = world.team("alice");
    let carol = world.joins(&alice, "carol");
    carol.set("dev/api", "the older value");
    let old = head(&carol);
    carol.push("main");
    alice.git(["pull", "-q", "--ff-only"]).ok();
    alice.set("dev/api", "the newer value");
    if is_published {
        alice.git(["push", "-q"]).ok();
    }
    alice.covault(["member", "remove", "carol", "--yes"]).ok();
    alice.git(["push", "-q"]).ok();
    (alice, old)
}

#[test]
fn an_older_version_of_hers_is_not_accepted_as_if_it_were_new() {
    for is_published in [true, false] {
        let world = World::new();
        let (alice, old) = older(&world, is_published);
        // Whoever can push puts the old file back.
        alice.git(["checkout", "-q", &old, "--", API]).ok();
        let said = alice.covault(["get", "dev/api"]).exits(6);
        assert_eq!(said.err.contains("its author carol may not write"), is_published, "{}", said.err);
        let before = all_of(&alice);
        let said = alice.covault(["rekey", "dev/api", "--accept", "--yes"]).exits(6);
        assert!(said.err.contains("an older or another version was put back"), "{}", said.err);
        same(&before, &all_of(&alice));
        // In a commit, and on the trunk itself, it is the same.
        alice.git(["commit", "-q", "-m", "put back"]).ok();
        alice.covault(["rekey", "dev/api", "--accept", "--yes"]).exits(6);
        alice.git(["push", "-q"]).ok();
        alice.covault(["rekey", "dev/api", "--accept", "--yes"]).exits(6);
        alice.git(["checkout", "-q", "HEAD~1", "--", API]).ok();
        assert_eq!(alice.get("dev/api"), "the newer value");
    }
}

#[test]
fn repeating_what_was_killed_before_its_commit_makes_the_commit() {
    let world = World::new();
    let t = team(&world);
    t.take(API);
    let at = head(&t.bob);
    t.bob.covault(["rekey", "dev/api", "--accept", "--yes", "--no-commit"]).ok();
    t.bob.git(["reset", "-q"]).ok();
    assert_eq!(head(&t.bob), at);
    t.bob.covault(["rekey", "dev/api", "--accept", "--yes"]).ok();
    assert_eq!(changed(&t.bob, &at), ["dev/api.age"]);
    assert_eq!(t.bob.git(["status", "--porcelain"]).ok().text(), "");
    assert_eq!(t.bob.covault(["get", "dev/api/token"]).ok().text(), "carols key of dev");
    verifies(&t.bob);
}

#[test]
fn who_may_not_write_any_more_but_stays_is_vouched_for_in_the_same_way() {
    let world = World::new();
    let alice = world.founder("alice");
    let bob = admit(&world, &alice, "bob", Role::Writer);
    alice.set("dev/api", "key of dev");
    pull(&bob, &alice);
    bob.covault_fed(b"of bob", ["set", "dev/api", "--stdin", "token"]).ok();
    alice.covault(["member", "role", "bob", "reader", "--yes"]).ok();
    alice.git([OsStr::new("fetch"), "-q".as_ref(), bob.repo.as_os_str(), "HEAD".as_ref()]).ok();
    alice.git(["checkout", "-q", "FETCH_HEAD", "--", API]).ok();
    alice.covault(["get", "dev/api"]).exits(6);
    let said = alice.covault(["rekey", "dev/api", "--accept", "--yes"]).ok();
    assert!(said.err.contains("by bob, who may not write it now"), "{}", said.err);
    assert!(said.err.contains("added field.token"), "{}", said.err);
    assert_eq!(alice.covault(["get", "dev/api/token"]).ok().text(), "of bob");
    verifies(&alice);
}
