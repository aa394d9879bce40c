//! Sealed files that git or the shell moved or copied to another name: refused there, with what mends it.

use covault::model::roster::Role;

use crate::team::admit;
use crate::world::{Person, World, have};

/// What `get` of the secret r says.
fn hint(person: &Person) -> String {
    let said = person.covault(["get", "r"]).exits(6);
    let (error, hint) = said.err.trim_end().split_once("\nhint: ").unwrap();
    assert_eq!(error, "error: .covault/secrets/r.age is refused: it was sealed for another name (q)");
    assert!(said.out.is_empty());
    hint.to_owned()
}

const MOVED: &str =
    "it is q's file: put it back with: mv .covault/secrets/r.age .covault/secrets/q.age; then: covault mv q r";
const COPIED: &str = "it is a copy of q's file, which is in its place: remove the copy with: rm .covault/secrets/r.age";

fn with_q(world: &World) -> Person {
    let alice = world.founder("alice");
    alice.set("q", "the value of q");
    alice
}

#[test]
fn a_file_that_git_moved_is_put_back_and_moved_by_covault() {
    for is_committed in [false, true] {
        let world = World::new();
        let alice = with_q(&world);
        alice.git(["mv", ".covault/secrets/q.age", ".covault/secrets/r.age"]).ok();
        if is_committed {
            alice.git(["commit", "-qm", "move"]).ok();
        }
        assert_eq!(hint(&alice), MOVED);
        std::fs::create_dir_all(alice.repo.join(".covault/env")).unwrap();
        std::fs::write(alice.repo.join(".covault/env/default.env"), "R=covault://r\n").unwrap();
        for args in [&["who", "r"][..], &["run", "--", "true"]] {
            let said = alice.covault(args).exits(6);
            assert!(said.err.contains(MOVED), "{args:?}: {}", said.err);
        }
        // As it says.
        std::fs::rename(alice.file("r"), alice.file("q")).unwrap();
        alice.covault(["mv", "q", "r"]).ok();
        assert_eq!(alice.get("r"), "the value of q");
        assert_eq!(alice.git(["status", "--porcelain", "--untracked-files=no"]).ok().text(), "");
        alice.covault(["verify"]).ok();
    }
}

/// What is said of a file is the whole hint, and it is a command that mends it: nobody is sent to open it to others.
#[test]
fn what_others_would_read_or_anybody_took_from_the_trunk_is_only_put_back() {
    if !have("sh") {
        return;
    }
    for (by_push, from, to) in [(false, "prod/db", "dev/db"), (true, "prod/db", "dev/db"), (true, "dev/api", "dev/key")]
    {
        let world = World::new();
        let alice = world.team("alice");
        admit(&world, &alice, "bob", Role::Writer);
        alice.covault(["grant", "prod", "alice", "--yes"]).ok();
        alice.set(from, "the value");
        alice.git(["push", "-q"]).ok();
        assert_eq!(alice.get(from), "the value");
        let mallory = if by_push { &world.newcomer("mallory") } else { &alice };
        let file = |name: &str| format!(".covault/secrets/{name}.age");
        std::fs::create_dir_all(mallory.file(to).parent().unwrap()).unwrap();
        mallory.git(["mv", &file(from), &file(to)]).ok();
        if by_push {
            mallory.git(["commit", "-qm", "tidy up"]).ok();
            mallory.git(["push", "-q"]).ok();
            alice.git(["pull", "-q", "--ff-only"]).ok();
        }
        let said = alice.covault(["get", to]).exits(6);
        let why = format!("hint: it is {from}'s file: put it back with: ");
        let command = said.err.trim_end().split_once(&why).unwrap_or_else(|| panic!("{}", said.err)).1;
        assert!(!command.contains("covault mv"), "{command}");
        alice.fed("sh", b"", ["-c", command]).ok();
        assert_eq!(alice.get(from), "the value");
        alice.covault(["get", to]).exits(3);
    }
}

#[test]
fn a_copy_of_a_file_is_to_be_removed() {
    for is_committed in [false, true] {
        let world = World::new();
        let alice = with_q(&world);
        std::fs::copy(alice.file("q"), alice.file("r")).unwrap();
        if is_committed {
            alice.git(["add", ".covault"]).ok();
            alice.git(["commit", "-qm", "copy"]).ok();
        }
        assert_eq!(hint(&alice), COPIED);
        std::fs::remove_file(alice.file("r")).unwrap();
        assert_eq!(alice.get("q"), "the value of q");
        // A tombstone is in its place, too: an old version beside it brings nothing back.
        std::fs::copy(alice.file("q"), alice.file("r")).unwrap();
        alice.covault(["rm", "q"]).ok();
        assert_eq!(hint(&alice), COPIED);
    }
}

#[test]
fn where_a_good_version_was_there_that_one_is_put_back() {
    let world = World::new();
    let alice = with_q(&world);
    alice.set("r", "the value of r");
    let good = "see its history with: git log -- :/.covault/secrets/r.age; put a good version back with: git checkout \
                REV -- :/.covault/secrets/r.age";
    std::fs::copy(alice.file("q"), alice.file("r")).unwrap();
    assert_eq!(hint(&alice), good);
    alice.git(["commit", "-qam", "over it"]).ok();
    assert_eq!(hint(&alice), good);
    std::fs::remove_file(alice.file("q")).unwrap();
    assert_eq!(hint(&alice), good);
}
