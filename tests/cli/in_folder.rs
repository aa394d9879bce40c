//! A vault in a folder of a repository: what is told works there, at the top, and in the hook of a server.

use crate::world::{Person, Said, World};

const FOLDER: &str = "svc one";
const DB: &str = "svc one/.covault/secrets/dev/db.age";
const ROSTER: &str = "svc one/.covault/roster.toml";

/// alice in the folder, and somebody who may push; dev/db has its second value on the trunk.
fn shared(world: &World) -> (Person, Person) {
    let top = world.person("alice");
    let alice = top.at(FOLDER);
    alice.covault(["init", "--here", "--name", "alice", "--vault-name", "acme", "--device", "laptop"]).ok();
    alice.set("dev/db", "1");
    alice.set("dev/db", "2");
    let bare = world.shared();
    let bare = bare.to_str().unwrap();
    top.git(["init", "-q", "--bare", "-b", "main", bare]).ok();
    top.git(["remote", "add", "origin", bare]).ok();
    top.git(["push", "-q", "-u", "origin", "main"]).ok();
    top.git(["remote", "set-head", "origin", "-a"]).ok();
    assert_eq!(alice.get("dev/db"), "2");
    let mallory = world.newcomer("mallory");
    (alice, mallory)
}

/// Pushes what somebody did, and alice takes it.
fn deliver(mallory: &Person, alice: &Person) {
    mallory.git(["commit", "-qam", "an innocent change"]).ok();
    mallory.git(["push", "-q"]).ok();
    alice.git(["pull", "-q", "--ff-only"]).ok();
}

/// Follows to the letter what is told.
#[track_caller]
fn follow(person: &Person, said: &Said) {
    let told = said.err.split("back with: ").nth(1).unwrap_or_else(|| panic!("{}", said.err));
    let line = told.split(['\n', ';']).next().unwrap();
    person.fed("sh", b"", ["-ec", line]).ok();
}

#[test]
fn what_is_told_of_a_vault_in_a_folder_works_where_it_is_told() {
    for gone in [DB, ROSTER] {
        let world = World::new();
        let (alice, mallory) = shared(&world);
        mallory.git(["rm", "-q", gone]).ok();
        deliver(&mallory, &alice);
        let said = alice.covault(["get", "dev/db"]).exits(6);
        assert!(said.err.contains(&format!("{gone} was taken away")), "{}", said.err);
        follow(&alice, &said);
        assert_eq!(alice.get("dev/db"), "2");
    }
}

#[test]
fn at_the_top_a_roster_that_was_taken_away_below_is_said_to_be() {
    let world = World::new();
    let (alice, mallory) = shared(&world);
    mallory.git(["rm", "-q", ROSTER]).ok();
    deliver(&mallory, &alice);
    let top = alice.at("..");
    let said = top.covault(["get", "dev/db"]).exits(6);
    assert!(said.err.contains("svc one/.covault/roster.toml was taken away"), "{}", said.err);
    follow(&top, &said);
    assert_eq!(alice.get("dev/db"), "2");
}

#[test]
fn a_moved_file_is_put_back_from_the_folder_too() {
    let world = World::new();
    let (alice, _) = shared(&world);
    std::fs::rename(alice.repo.join(".covault/secrets/dev"), alice.repo.join(".covault/secrets/qa")).unwrap();
    let said = alice.covault(["get", "qa/db"]).exits(6);
    follow(&alice, &said);
    assert_eq!(alice.get("dev/db"), "2");
}

/// A server's repository has no files: the folder is one of what was pushed.
#[test]
fn the_hook_of_a_server_names_the_folder() {
    let world = World::new();
    let (alice, mallory) = shared(&world);
    let server = Person { repo: world.shared(), ..world.stranger("server") };
    let judges = |range: &str| server.covault(["-C", FOLDER, "verify", "--range", range, "--pushed"]);
    assert!(judges("main~1..main").ok().text().contains("good: vault acme"));
    assert!(server.covault(["-C", FOLDER, "verify", "--at", "main", "--history"]).ok().text().contains("good: "));
    let said = server.covault(["verify", "--range", "main~1..main", "--pushed"]).exits(3);
    assert!(said.err.contains("name one with: covault -C 'svc one'"), "{}", said.err);
    mallory.git(["checkout", "-q", "HEAD~1", "--", DB]).ok();
    deliver(&mallory, &alice);
    assert!(judges("main~1..main").exits(6).text().contains("[rollback] "));
    // Only there: where there are files, a folder that is not there is none.
    alice.at("..").covault(["-C", "nowhere", "verify"]).exits(3);
    server.covault(["-C", "../nowhere", "verify"]).exits(3);
}
