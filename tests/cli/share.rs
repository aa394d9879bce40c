//! `share` and `unshare`: one secret for one more, and taken back.

use covault::model::roster::Role;

use super::{all_of, head, json, old_header_opens, same};
use crate::team::{admit, admit_machine, pull};
use crate::world::{Person, World, have};

/// alice founds; only she reads `prod`, bob the rest.
fn two(world: &World) -> (Person, Person) {
    let alice = world.founder("alice");
    let bob = admit(world, &alice, "bob", Role::Writer);
    alice.covault(["grant", "prod", "alice", "--yes"]).ok();
    alice.set("prod/db", "postgres://the database");
    alice.set("prod/key", "another value");
    (alice, bob)
}

#[test]
fn a_shared_secret_is_read_by_one_more_and_nothing_else_is() {
    let world = World::new();
    let (alice, bob) = two(&world);
    pull(&bob, &alice);
    bob.covault(["get", "prod/db"]).exits(4);
    let (at, other) = (head(&alice), std::fs::read(alice.file("prod/key")).unwrap());
    let before = std::fs::read(alice.file("prod/db")).unwrap();
    let said = alice.covault(["share", "prod/db", "bob", "--yes"]).ok();
    assert!(said.err.contains("bob gains 1 secret: prod/db") && said.out.is_empty(), "{}", said.err);
    assert_eq!(alice.git(["rev-list", "--count", &format!("{at}..HEAD")]).ok().text().trim(), "1");
    let changed = alice.git(["diff", "--name-only", &at, "HEAD"]).ok().text();
    assert_eq!(changed, ".covault/secrets/prod/db.age\n");
    assert_eq!(std::fs::read(alice.file("prod/key")).unwrap(), other);
    // The payload is the same, byte for byte: only the header was written anew.
    let after = std::fs::read(alice.file("prod/db")).unwrap();
    assert_eq!(before[before.len() - 1000..], after[after.len() - 1000..]);
    pull(&bob, &alice);
    assert_eq!(bob.get("prod/db"), "postgres://the database");
    bob.covault(["get", "prod/key"]).exits(4);
    // Who reads it by the share alone does not write it, nor share it on: the share is said by its author.
    let before = head(&bob);
    for args in [&["set", "prod/db", "user=bob"][..], &["rm", "prod/db"], &["unshare", "prod/db", "bob", "--yes"]] {
        let said = bob.covault(args).exits(4);
        assert!(said.err.contains("you may not write prod/db: no grant lets you read it\nhint: "), "{}", said.err);
    }
    assert_eq!((head(&bob), bob.git(["status", "--porcelain"]).ok().text()), (before, String::new()));
    alice.covault(["grant", "prod/db", "alice", "bob", "--yes"]).ok();
    pull(&bob, &alice);
    bob.set("prod/db", "postgres://changed by bob");
    pull(&alice, &bob);
    assert_eq!(alice.get("prod/db"), "postgres://changed by bob");
}

#[test]
fn what_is_taken_back_gets_a_new_file_key() {
    let world = World::new();
    let (alice, bob) = two(&world);
    let bytes = || std::fs::read(alice.file("prod/db")).unwrap();
    let unshared = bytes();
    alice.covault(["share", "prod/db", "bob", "--yes"]).ok();
    let shared = bytes();
    let said = alice.covault(["unshare", "prod/db", "bob", "--yes"]).ok();
    assert!(said.err.contains("bob loses 1 secret: prod/db"), "{}", said.err);
    pull(&bob, &alice);
    bob.covault(["get", "prod/db"]).exits(4);
    assert_eq!(alice.get("prod/db"), "postgres://the database");
    // Not by an identity of his either, without covault; nor by the file key that he could have kept.
    if have("age") {
        let age = bob.command("age").args(["-d", "-i"]).arg(bob.identity()).arg(bob.file("prod/db")).output().unwrap();
        assert!(!age.status.success());
        assert!(old_header_opens(&alice, &unshared, &shared), "the control: to share keeps it");
        assert!(old_header_opens(&bob, &shared, &shared), "the control: he could");
        assert!(!old_header_opens(&bob, &shared, &bytes()), "the file key is the old one");
    }
    let said = alice.covault(["unshare", "prod/db", "bob", "--yes"]).ok();
    assert!(said.err.contains("prod/db is not shared with bob") && said.err.contains("nothing to change"));
    alice.covault(["share", "prod/db", "bob", "--yes"]).ok();
    pull(&bob, &alice);
    assert_eq!(bob.get("prod/db"), "postgres://the database");
}

#[test]
fn a_share_is_undone_with_the_commit_that_made_it() {
    let world = World::new();
    let (alice, bob) = two(&world);
    alice.covault(["share", "prod/db", "bob", "--yes"]).ok();
    let share = head(&alice);
    alice.set("prod/db", "postgres://changed since");
    // git revert says so, too.
    let said = alice.git(["revert", "--no-edit", &share]).exits(1);
    assert!(said.err.contains("covault restore --commit COMMIT"), "{}", said.err);
    alice.git(["revert", "--abort"]).ok();
    let said = alice.covault(["restore", "--commit", &share]).ok();
    assert!(said.err.contains("prod/db is not shared with bob any more"), "{}", said.err);
    let unshare = head(&alice);
    pull(&bob, &alice);
    bob.covault(["get", "prod/db"]).exits(4);
    assert_eq!(alice.get("prod/db"), "postgres://changed since");
    // Nobody reads more by it, and what was said since stays.
    for (commit, why) in [(&unshare, "covault share prod/db bob"), (&share, "was changed again since and stays")] {
        let said = alice.covault(["restore", "--commit", commit]).ok();
        assert!(said.err.contains(why) && said.err.contains("nothing to change"), "{}", said.err);
        assert_eq!(head(&alice), unshare);
    }
    // What the roster says is not undone, and that is said.
    alice.covault(["grant", "prod", "alice", "bob", "--yes"]).ok();
    let grant = head(&alice);
    let said = alice.covault(["restore", "--commit", &grant]).ok();
    assert!(said.err.contains(".covault/roster.toml stays as it is") && head(&alice) == grant, "{}", said.err);
    let said = alice.covault(["restore", "--commit", &share]).ok();
    assert!(!said.err.contains("roster.toml"), "{}", said.err);
}

#[test]
fn sharing_what_somebody_reads_already_says_so_and_changes_nothing() {
    let world = World::new();
    let (alice, bob) = two(&world);
    bob.covault(["ls"]).ok();
    alice.set("app", "everybody reads this");
    let before = all_of(&alice);
    let said = alice.covault(["share", "app", "bob", "--yes"]).ok();
    assert!(said.err.contains("bob reads app already, by the grant to @people at /"), "{}", said.err);
    same(&before, &all_of(&alice));
    let said = alice.covault(["share", "prod/db", "alice"]).ok();
    assert!(said.err.contains("alice reads prod/db already, by the grant at prod"), "{}", said.err);
    same(&before, &all_of(&alice));
    alice.covault(["share", "prod/db", "bob", "--yes"]).ok();
    let before = all_of(&alice);
    let said = json(&alice.covault(["share", "prod/db", "bob", "--json"]).ok());
    assert_eq!((&said["unchanged"], &said["settled"][0]), (&true.into(), &"prod/db is shared with bob already".into()));
    same(&before, &all_of(&alice));
}

#[test]
fn who_reads_by_a_grant_is_not_unshared_and_the_grant_is_named() {
    let world = World::new();
    let (alice, bob) = two(&world);
    alice.covault(["group", "set", "dev", "bob", "--yes"]).ok();
    alice.covault(["grant", "staging", "alice", "bob", "--yes"]).ok();
    alice.covault(["grant", "test", "alice", "@dev", "--yes"]).ok();
    for name in ["app", "staging/key", "test/key"] {
        alice.set(name, "a value that is read");
    }
    let before = all_of(&alice);
    for (name, hint) in [
        ("app", "covault grant / READER..."),
        ("staging/key", "covault grant staging --remove bob"),
        ("test/key", "covault group remove dev bob"),
    ] {
        let said = alice.covault(["unshare", name, "bob", "--yes"]).exits(7);
        assert!(said.err.contains("by the grant to") && said.err.contains(hint), "{name}: {}", said.err);
    }
    same(&before, &all_of(&alice));
    alice.covault(["share", "prod/db", "@dev", "--yes"]).ok();
    let said = alice.covault(["unshare", "prod/db", "bob", "--yes"]).exits(7);
    assert!(said.err.contains("hint: covault unshare prod/db @dev"), "{}", said.err);
    alice.covault(["unshare", "prod/db", "@dev", "--yes"]).ok();
    pull(&bob, &alice);
    bob.covault(["get", "prod/db"]).exits(4);
}

#[test]
fn a_group_that_a_secret_is_shared_with_brings_its_new_members() {
    let world = World::new();
    let (alice, bob) = two(&world);
    alice.covault(["group", "set", "dev", "alice", "--yes"]).ok();
    alice.covault(["share", "prod/db", "@dev", "--yes"]).ok();
    let said = alice.covault(["group", "add", "dev", "bob", "--yes"]).ok();
    assert!(said.err.contains("bob gains 1 secret: prod/db"), "{}", said.err);
    pull(&bob, &alice);
    assert_eq!(bob.get("prod/db"), "postgres://the database");
    alice.covault(["group", "remove", "dev", "bob", "--yes"]).ok();
    pull(&bob, &alice);
    bob.covault(["get", "prod/db"]).exits(4);
}

#[test]
fn nobody_shares_what_they_do_not_read_and_a_reader_shares_nothing() {
    let world = World::new();
    let (alice, bob) = two(&world);
    let carol = admit(&world, &alice, "carol", Role::Reader);
    let ci = admit_machine(&world, &alice, "ci", Role::Writer);
    pull(&bob, &alice);
    alice.set("app", "everybody reads this");
    for person in [&bob, &carol, &ci] {
        pull(person, &alice);
    }
    bob.covault(["get", "app"]).ok();
    let before = all_of(&bob);
    bob.covault(["share", "prod/db", "carol", "--yes"]).exits(4);
    same(&before, &all_of(&bob));
    let said = carol.covault(["share", "app", "ci", "--yes"]).exits(4);
    assert!(said.err.contains("you may read in this vault, not write"), "{}", said.err);
    ci.covault(["share", "app", "ci", "--yes"]).exits(4);
    // No admin is needed: bob is a writer who reads it.
    bob.covault(["share", "app", "ci", "--yes"]).ok();
    pull(&ci, &bob);
    assert_eq!(ci.get("app"), "everybody reads this");
}

#[test]
fn unknown_words_are_said_with_what_was_meant() {
    let world = World::new();
    let (alice, _) = two(&world);
    alice.covault(["group", "set", "dev", "bob", "--yes"]).ok();
    alice.covault(["ls"]).ok();
    let before = all_of(&alice);
    for (args, code, said) in [
        (&["share", "prod/db", "bobb", "--yes"][..], 3, "hint: did you mean bob?"),
        (&["share", "prod/db", "@dve", "--yes"], 3, "hint: did you mean @dev?"),
        (&["share", "prod/db", "zacharias", "--yes"], 3, "hint: see who is in with: covault who"),
        (&["unshare", "prod/db", "zacharias", "--yes"], 3, "no member 'zacharias'"),
        (&["share", "prod/dbb", "bob", "--yes"], 3, "did you mean prod/db?"),
        (&["share", "prod", "bob", "--yes"], 2, "hint: say who reads all of it with: covault grant prod"),
        (&["share", "prod/", "bob", "--yes"], 2, "covault grant prod"),
        (&["share", "prod/db", "@people", "--yes"], 2, "people"),
        (&["share", "prod/db", "Bob", "--yes"], 2, "Bob"),
        (&["share", "prod/db"], 2, "SUBJECT"),
        (&["share", "prod/db", "bob"], 7, "hint: repeat it with: --yes"),
    ] {
        let outcome = alice.covault(args).exits(code);
        assert!(outcome.err.contains(said), "{args:?}: {}", outcome.err);
    }
    same(&before, &all_of(&alice));
    alice.covault(["rm", "prod/key"]).ok();
    alice.covault(["share", "prod/key", "bob", "--yes"]).exits(3);
}

#[test]
fn a_move_that_lets_others_read_is_agreed_to_as_sharing_is() {
    let world = World::new();
    let (alice, bob) = two(&world);
    let before = all_of(&alice);
    let said = alice.covault(["mv", "prod/db", "dev/db"]).exits(7);
    assert!(
        said.err.contains("whether to let bob read prod/db, as dev/db") && said.err.contains("--yes"),
        "{}",
        said.err
    );
    alice.covault(["mv", "prod/db", "dev/db", "--dry-run"]).ok();
    // What cannot be done is not asked about.
    alice.covault(["mv", "prod/none", "dev/db"]).exits(3);
    same(&before, &all_of(&alice));
    // Where nobody gains anything nobody is asked.
    alice.covault(["mv", "prod/db", "prod/database"]).ok();
    alice.covault(["mv", "prod/database", "dev/db", "--yes"]).ok();
    pull(&bob, &alice);
    assert_eq!(bob.get("dev/db"), "postgres://the database");
    alice.covault(["mv", "dev/db", "prod/db"]).ok();
}

#[test]
fn a_dry_run_shows_the_plan_and_stops() {
    let world = World::new();
    let (alice, _) = two(&world);
    let before = all_of(&alice);
    let said = alice.covault(["share", "prod/db", "bob", "--dry-run"]).ok();
    assert!(said.err.contains("bob gains 1 secret: prod/db\n"), "{}", said.err);
    assert!(said.err.contains("would share prod/db with bob"), "{}", said.err);
    let said = json(&alice.covault(["share", "prod/db", "bob", "--dry-run", "--json"]).ok());
    assert_eq!(said["plan"][0]["gains"][0], "bob");
    assert_eq!(said["files"][0], ".covault/secrets/prod/db.age");
    assert!(said["commit"].is_null() && said["sealed"] == 0, "{said}");
    same(&before, &all_of(&alice));
    let said = json(&alice.covault(["share", "prod/db", "bob", "--yes", "--json"]).ok());
    assert!(said["commit"].is_string() && said["sealed"] == 1 && said["left"].as_array().unwrap().is_empty());
}

#[test]
fn an_older_file_on_disk_is_not_shared_as_if_it_were_the_newest() {
    let world = World::new();
    let (alice, _) = two(&world);
    alice.set("prod/db", "postgres://the second value");
    alice.git(["checkout", "-q", "HEAD~1", "--", ".covault/secrets/prod/db.age"]).ok();
    alice.covault(["share", "prod/db", "bob", "--yes"]).exits(5);
    let said = alice.covault(["share", "prod/db", "bob", "--yes"]).exits(5);
    assert!(said.err.contains("hint: join them with: covault rekey prod/db"), "{}", said.err);
}
