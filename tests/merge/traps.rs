//! What a second look, another command in between or a half-done state must not undo.

use covault::model::roster::{Operation, Role};

use super::git::{field, forked, is_good, on, values};
use super::rig::{self, Team};
use crate::cli::{all_of, json, same};
use crate::team;
use crate::world::{Person, World};

/// Git stops at every secret that both sides changed, as in a clone that is not set up.
const NO_DRIVER: [&str; 2] = ["-c", "merge.covault.driver=exit 1 #"];

pub fn git_without_driver(person: &Person, args: &[&str]) {
    person.git(NO_DRIVER.iter().chain(args)).exits(1);
}

/// alice is in the middle of a cherry-pick of `side`, which has more than the change that is picked.
fn picking(world: &World) -> Person {
    let alice = forked(world);
    on(&alice, "side");
    alice.covault(["set", "db", "user=unfinished"]).ok();
    field(&alice, "password", "picked");
    on(&alice, "main");
    field(&alice, "value", "changed on main");
    git_without_driver(&alice, &["cherry-pick", "side"]);
    alice
}

/// alice has removed bob, and is in the middle of pulling what he wrote before he heard of it.
pub fn pulling_what_a_leaver_wrote(world: &World) -> Person {
    let alice = forked(world);
    let bob = team::admit(world, &alice, "bob", Role::Writer);
    field(&bob, "password", "written by bob");
    field(&alice, "value", "written by alice");
    let member = team::vault(&alice).roster().named(&rig::member("bob")).unwrap().reference();
    team::amend(&alice, vec![Operation::Remove { member, live: Vec::new() }.into()], "covault: remove bob");
    let path = bob.repo.to_str().unwrap().to_owned();
    git_without_driver(&alice, &["pull", "-q", "--no-rebase", &path, "main"]);
    alice
}

#[test]
fn resolving_twice_keeps_what_was_written_in_between() {
    let world = World::new();
    let alice = picking(&world);
    alice.covault(["resolve"]).ok();
    field(&alice, "password", "written in the stop");
    let staged = std::fs::read(alice.file("db")).unwrap();
    let again = json(&alice.covault(["resolve", "--json"]).ok());
    assert_eq!(again["settled"], serde_json::json!([]), "{again}");
    assert_eq!(std::fs::read(alice.file("db")).unwrap(), staged);
    alice.git(["-c", "core.editor=true", "cherry-pick", "--continue"]).ok();
    assert_eq!(values(&alice, "db", "password"), ["written in the stop"]);
    assert_eq!(alice.get("db/user"), "app", "no more than the change came");
    field(&alice, "password", "written after it");
    alice.covault(["resolve"]).ok();
    assert_eq!(values(&alice, "db", "password"), ["written after it"]);
    is_good(&alice);
}

#[test]
fn writing_after_one_side_was_added_too_early_loses_neither() {
    for added in ["--ours", "--theirs"] {
        let world = World::new();
        let alice = forked(&world);
        on(&alice, "side");
        field(&alice, "password", "from the side");
        on(&alice, "main");
        field(&alice, "value", "from main");
        git_without_driver(&alice, &["merge", "-q", "side"]);
        alice.git(["checkout", "-q", added, "--", ".covault/secrets/db.age"]).ok();
        alice.git(["add", "-A"]).ok();
        field(&alice, "user", "written in the stop");
        let settled = json(&alice.covault(["resolve", "--json"]).ok());
        assert_eq!(settled["settled"].as_array().unwrap().len(), usize::from(added == "--ours"), "{settled}");
        alice.git(["commit", "-q", "--no-edit"]).ok();
        assert_eq!(values(&alice, "db", "user"), ["written in the stop"]);
        assert_eq!(values(&alice, "db", "password"), ["from the side"]);
        assert_eq!(values(&alice, "db", "value"), ["from main"]);
        is_good(&alice);
    }
}

#[test]
fn what_was_left_out_does_not_come_back_with_the_next_resolve() {
    let world = World::new();
    let alice = pulling_what_a_leaver_wrote(&world);
    alice.covault(["resolve"]).exits(5);
    alice.covault(["resolve", "db", "--discard"]).ok();
    let staged = std::fs::read(alice.file("db")).unwrap();
    let again = json(&alice.covault(["resolve", "--json"]).ok());
    assert_eq!(again["settled"], serde_json::json!([]), "{again}");
    assert_eq!(std::fs::read(alice.file("db")).unwrap(), staged);
    alice.git(["commit", "-q", "--no-edit"]).ok();
    assert_eq!(values(&alice, "db", "password"), ["the first password"]);
    alice.covault(["verify"]).ok();
}

#[test]
fn what_is_begun_anew_at_an_old_name_stays_there_and_takes_nothing_from_the_new_one() {
    let team = Team::new();
    let (alice, bob) = (&team.alice, &team.bob);
    alice.set("dev/old", "first");
    alice.covault(["sync"]).ok();
    bob.covault(["sync"]).ok();
    alice.covault(["mv", "dev/old", "dev/new"]).ok();
    alice.git(["push", "-q"]).ok();
    // bob had not heard of the move; his edit follows it, and the old name gets another tombstone.
    bob.covault(["set", "dev/old", "user=bob"]).ok();
    bob.covault(["sync"]).ok();
    bob.covault(["set", "dev/other", "kind=note"]).ok();
    bob.covault(["sync"]).ok();
    assert_eq!(bob.get("dev/new/user"), "bob");
    // alice had not heard of that.
    alice.covault_fed(b"second", ["set", "dev/old", "--new"]).ok();
    assert!(alice.covault(["sync"]).exits(5).err.contains("dev/old (covault resolve)"));
    alice.covault(["set", "dev/other", "user=app"]).ok();
    alice.covault(["resolve", "dev/old", "--keep"]).ok();
    alice.covault(["sync"]).ok();
    bob.covault(["sync"]).ok();
    for person in [alice, bob] {
        assert_eq!(person.get("dev/old"), "second");
        assert_eq!(person.get("dev/new"), "first");
        assert_eq!(person.get("dev/new/user"), "bob");
    }
    super::rig::verifies(alice);
}

#[test]
fn an_edit_that_one_may_not_carry_stops_no_command() {
    let team = Team::new();
    let (alice, bob) = (&team.alice, &team.bob);
    alice.set("live/db", "only for the admins");
    rig::grants(alice, "live", &["alice", "carol"]);
    alice.set("prod/db", "the first value");
    alice.git(["push", "-q"]).ok();
    bob.git(["pull", "-q", "--ff-only"]).ok();
    alice.covault(["mv", "prod/db", "live/database"]).ok();
    alice.covault(["share", "live/database", "bob", "--yes"]).ok();
    alice.git(["push", "-q"]).ok();
    bob.set("prod/db", "edited meanwhile");
    bob.git(["pull", "-q", "--no-rebase"]).ok();
    // bob reads where it belongs now, and may not write there.
    assert_eq!(bob.get("live/database"), "the first value");
    bob.set("dev/other", "something else");
    bob.git(["push", "-q"]).ok();
    alice.git(["pull", "-q", "--ff-only"]).ok();
    // Nor does it get there in passing: that takes a person's word.
    alice.covault(["resolve"]).exits(5);
    assert_eq!(alice.get("live/database"), "the first value");
    alice.covault(["resolve", "prod/db", "--bring"]).ok();
    assert_eq!(values(alice, "live/database", "value"), ["edited meanwhile"]);
    rig::verifies(alice);
}

#[test]
fn nothing_is_carried_to_a_place_that_git_has_unmerged() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("prod/db", "the first value");
    alice.git(["branch", "late"]).ok();
    alice.covault(["mv", "prod/db", "live/database"]).ok();
    alice.git(["branch", "side"]).ok();
    on(&alice, "late");
    alice.set("prod/db", "edited meanwhile");
    on(&alice, "side");
    alice.covault(["set", "live/database", "user=of-the-side"]).ok();
    on(&alice, "main");
    alice.covault(["set", "live/database", "port=1234"]).ok();
    alice.git(["merge", "-q", "late"]).ok();
    git_without_driver(&alice, &["merge", "-q", "side"]);
    alice.set("other", "something else");
    // Nor by a person's word.
    alice.covault(["resolve", "prod/db", "--bring"]).exits(5);
    alice.covault(["resolve"]).ok();
    alice.git(["commit", "-q", "--no-edit"]).ok();
    alice.covault(["resolve"]).ok();
    assert_eq!(values(&alice, "live/database", "value"), ["edited meanwhile"]);
    assert_eq!(values(&alice, "live/database", "user"), ["of-the-side"]);
    assert_eq!(values(&alice, "live/database", "port"), ["1234"]);
    is_good(&alice);
}

#[test]
fn a_dry_run_of_sync_sets_nothing_up() {
    let team = Team::new();
    let (alice, bob) = (&team.alice, &team.bob);
    alice.set("dev/db", "written by alice");
    alice.git(["push", "-q"]).ok();
    bob.covault(["setup", "--undo"]).ok();
    let id = team::vault(alice).roster().vault.to_string();
    bob.git(["config", "covault.vault", &id]).ok();
    bob.git(["fetch", "-q"]).ok();
    let config = |what: &str| std::fs::read(bob.repo.join(".git").join(what)).unwrap_or_default();
    let before = (config("config"), config("info/attributes"));
    let answer = json(&bob.covault(["sync", "--dry-run", "--json"]).ok());
    assert_eq!(answer["received"], 1, "{answer}");
    assert_eq!((config("config"), config("info/attributes")), before);
}

#[test]
fn an_answer_that_one_cannot_give_is_refused_aloud() {
    let team = Team::new();
    let (alice, bob, rita) = (&team.alice, &team.bob, &team.rita);
    alice.set("dev/db", "written by alice");
    bob.set("dev/db", "written by bob");
    alice.git(["push", "-q"]).ok();
    bob.git(["pull", "-q", "--no-rebase"]).ok();
    bob.git(["push", "-q"]).ok();
    rita.git(["pull", "-q", "--ff-only"]).ok();
    rita.covault(["status"]).ok();
    let bot = team.world.newcomer("bot");
    for person in [rita, &bot] {
        let before = all_of(person);
        for args in [
            &["resolve", "dev/db", "--newest"][..],
            &["resolve", "dev/db/value", "--pick", "aa"],
            &["resolve", "dev/db", "--keep"],
            &["resolve", "--from", "HEAD~1"],
            &["resolve", "dev/db", "--discard"],
        ] {
            let said = person.covault(args);
            assert!(
                said.code != 0 && said.err.contains("error: "),
                "{} {args:?}: {} {}",
                person.name,
                said.code,
                said.err
            );
        }
        // To ask is no fault; a reader sees what is open.
        let said = person.covault(["resolve"]);
        assert_eq!(said.code, if person.name == "rita" { 5 } else { 0 }, "{}", said.err);
        same(&before, &all_of(person));
    }
}

/// What the driver makes of a base, ours and theirs lies at db; `label` is git's word for the base.
fn driven(person: &Person, sides: [&[u8]; 3], label: &str) {
    let [base, ours, theirs] = ["base", "ours", "theirs"].map(|name| person.home.join(name));
    for (path, bytes) in [&base, &ours, &theirs].into_iter().zip(sides) {
        std::fs::write(path, bytes).unwrap();
    }
    let [o, a, b] = [&base, &ours, &theirs].map(|path| path.to_str().unwrap());
    person.covault(["merge-driver", o, a, b, "7", ".covault/secrets/db.age", label, "HEAD", "side"]).ok();
    std::fs::copy(&ours, person.file("db")).unwrap();
}

#[test]
fn a_base_that_nobody_vouches_for_hides_no_change() {
    let world = World::new();
    let alice = forked(&world);
    on(&alice, "side");
    field(&alice, "password", "from the side");
    let theirs = std::fs::read(alice.file("db")).unwrap();
    // Somebody without a key writes down that everything there is older than this.
    field(&alice, "password", "later on the side");
    let mut forged = std::fs::read(alice.file("db")).unwrap();
    let place = forged.len() - 1;
    forged[place] ^= 1;
    on(&alice, "main");
    field(&alice, "value", "from main");
    let ours = std::fs::read(alice.file("db")).unwrap();
    for label in ["1234abc", "parent of 1234abc (a change)"] {
        driven(&alice, [&forged, &ours, &theirs], label);
        assert_eq!(values(&alice, "db", "password"), ["from the side"], "{label}");
        assert_eq!(values(&alice, "db", "value"), ["from main"], "{label}");
    }
}

#[test]
fn what_git_made_of_several_bases_makes_no_side_older_that_the_other_has_not() {
    let world = World::new();
    let alice = forked(&world);
    on(&alice, "side");
    field(&alice, "password", "from the side");
    let theirs = std::fs::read(alice.file("db")).unwrap();
    on(&alice, "main");
    field(&alice, "value", "from main");
    let ours = std::fs::read(alice.file("db")).unwrap();
    alice.git(["merge", "-q", "--no-edit", "side"]).ok();
    // No history has it: it follows both sides.
    let base = std::fs::read(alice.file("db")).unwrap();
    driven(&alice, [&base, &ours, &theirs], "merged common ancestors");
    assert_eq!(values(&alice, "db", "password"), ["from the side"]);
    assert_eq!(values(&alice, "db", "value"), ["from main"]);
}

#[test]
fn a_name_that_looks_like_an_option_is_a_name() {
    let world = World::new();
    let alice = forked(&world);
    let nothing = world.path().join("nothing").display().to_string();
    let said = alice.covault(["merge-driver", &nothing, &nothing, &nothing, "7", "-x/.covault/secrets/db.age"]);
    assert_eq!(said.code, 129, "below 129 git takes ours for the answer: {}", said.err);
}

#[test]
fn a_vault_that_is_not_on_disk_is_never_to_be_removed() {
    let world = World::new();
    let alice = forked(&world);
    let dir = world.path().join("sides");
    std::fs::create_dir(&dir).unwrap();
    let put = |name: &str, bytes: &[u8]| {
        std::fs::write(dir.join(name), bytes).unwrap();
        dir.join(name).to_str().unwrap().to_owned()
    };
    let bytes = std::fs::read(alice.file("db")).unwrap();
    let (o, a, b) = (put("o", b""), put("a", &bytes), put("b", b"another"));
    // A sparse checkout leaves the folder out.
    let said = alice.covault(["merge-driver", &o, &a, &b, "7", "api/.covault/secrets/db.age"]).exits(129);
    assert!(!said.err.contains("git rm"), "{}", said.err);
}

#[test]
fn a_forged_file_on_the_remote_leaves_a_rebase_where_it_began() {
    let team = Team::new();
    let (alice, bob) = (&team.alice, &team.bob);
    std::fs::write(alice.file("dev/db"), b"no sealed file").unwrap();
    alice.git(["commit", "-qam", "damage"]).ok();
    alice.git(["push", "-q"]).ok();
    bob.set("dev/db", "written by bob");
    let before = (crate::cli::head(bob), std::fs::read(bob.file("dev/db")).unwrap());
    for args in [&["sync", "--rebase"][..], &["sync"]] {
        let said = bob.covault(args);
        assert_ne!(said.code, 0, "{}", said.err);
        assert_eq!((crate::cli::head(bob), std::fs::read(bob.file("dev/db")).unwrap()), before, "{args:?}");
        assert_eq!(bob.git(["symbolic-ref", "--short", "HEAD"]).text(), "main\n", "{args:?}: {}", said.err);
        assert!(!bob.repo.join(".git/rebase-merge").exists(), "{args:?}: {}", said.err);
    }
}

#[test]
fn a_commit_that_cannot_be_replayed_names_the_way_out_of_the_rebase() {
    let team = Team::new();
    let (alice, bob) = (&team.alice, &team.bob);
    let good = std::fs::read(bob.file("dev/db")).unwrap();
    bob.covault(["setup"]).ok();
    for (bytes, message) in [(b"no sealed file".as_slice(), "damage"), (&good, "put back")] {
        std::fs::write(bob.file("dev/db"), bytes).unwrap();
        bob.git(["commit", "-qam", message]).ok();
    }
    let before = crate::cli::head(bob);
    alice.set("dev/db", "written by alice");
    alice.git(["push", "-q"]).ok();
    bob.git(["fetch", "-q"]).ok();
    let said = bob.git(["rebase", "origin/main"]).exits(1);
    assert!(said.err.contains("git rebase --edit-todo"), "{}", said.err);
    let again = bob.git(["rebase", "--skip"]).exits(1);
    assert!(again.err.contains("rescheduled"), "git has learnt to skip it, which is simpler: {}", again.err);
    bob.git(["rebase", "--abort"]).ok();
    assert_eq!(crate::cli::head(bob), before);
    bob.git(["rebase", "origin/main"]).exits(1);
    bob.git(["-c", "sequence.editor=sed -i 1d", "rebase", "--edit-todo"]).ok();
    bob.git(["rebase", "--continue"]).ok();
    assert_eq!(bob.get("dev/db"), "written by alice");
}

#[test]
fn a_side_that_git_deleted_takes_nothing_in_that_is_forged() {
    let world = World::new();
    let alice = forked(&world);
    on(&alice, "side");
    std::fs::write(alice.file("db"), b"no sealed file").unwrap();
    alice.git(["commit", "-qam", "damage"]).ok();
    on(&alice, "main");
    alice.git(["rm", "-q", ".covault/secrets/db.age"]).ok();
    alice.git(["commit", "-qm", "gone"]).ok();
    alice.git(["merge", "-q", "side"]).exits(1);
    let said = alice.covault(["resolve"]).exits(5);
    assert!(said.err.contains("stays unmerged"), "{}", said.err);
    assert_ne!(alice.git(["ls-files", "-u"]).ok().text(), "");
}
