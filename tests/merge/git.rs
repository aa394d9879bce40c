//! Every way in which git brings two branches together, with real git: what the driver makes of it, and what is left.
//!
//! The facts of git behind each are in docs/merging.md.

use crate::cli::json;
use crate::world::{Person, World};

/// alice with a vault, the secret `db` with three fields, and a branch `side` that begins there.
pub fn forked(world: &World) -> Person {
    let alice = world.founder("alice");
    alice.set("db", "the first value");
    field(&alice, "password", "the first password");
    alice.covault(["set", "db", "user=app"]).ok();
    alice.git(["branch", "side"]).ok();
    alice
}

/// The same after two fields were changed: `password` on the side, `value` on `main`, which is checked out.
pub fn parted(world: &World) -> Person {
    let alice = forked(world);
    on(&alice, "side");
    field(&alice, "password", "from the side");
    on(&alice, "main");
    field(&alice, "value", "from main");
    alice
}

pub fn field(person: &Person, field: &str, value: &str) {
    person.covault_fed(value.as_bytes(), ["set", "db", "--stdin", field]).ok();
}

pub fn on(person: &Person, branch: &str) {
    person.git(["checkout", "-q", branch]).ok();
}

/// The values of a field, as `show` has them.
pub fn values(person: &Person, name: &str, field: &str) -> Vec<String> {
    let shown = json(&person.covault(["show", name, "--reveal", "--json"]).ok());
    let writes = shown["fields"][field].as_array().cloned().unwrap_or_default();
    let mut values: Vec<String> = writes.iter().map(|write| write["value"].as_str().unwrap().to_owned()).collect();
    values.sort();
    values
}

/// Nothing is refused, nothing was dropped, and no path is left unmerged.
#[track_caller]
pub fn is_good(person: &Person) {
    person.covault(["verify", "--history"]).ok();
    assert_eq!(person.git(["status", "--porcelain"]).ok().text(), "");
    super::rig::second(person);
}

fn bytes(person: &Person) -> Vec<u8> {
    std::fs::read(person.file("db")).unwrap()
}

#[test]
fn different_fields_tags_and_metadata_are_merged_without_a_word() {
    let world = World::new();
    let alice = forked(&world);
    field(&alice, "password", "rotated on main");
    on(&alice, "side");
    alice.covault(["set", "db", "user=other", "--tag", "web", "--url", "https://db.example"]).ok();
    on(&alice, "main");
    let said = alice.git(["merge", "-q", "side"]).ok();
    assert_eq!(said.err.replace("Auto-merging .covault/secrets/db.age\n", ""), "");
    assert_eq!(alice.get("db/password"), "rotated on main");
    assert_eq!(alice.get("db/user"), "other");
    let shown = alice.covault(["show", "db"]).ok().text();
    assert!(shown.contains("tags: web") && shown.contains("url: https://db.example"), "{shown}");
    is_good(&alice);
}

/// Two branches that wrote different passwords, on main.
pub fn asked(world: &World) -> Person {
    let alice = forked(world);
    field(&alice, "password", "from main");
    on(&alice, "side");
    field(&alice, "password", "from the side");
    on(&alice, "main");
    alice
}

#[test]
fn two_values_of_one_field_are_both_kept_and_git_does_not_stop() {
    let world = World::new();
    let alice = asked(&world);
    alice.git(["merge", "-q", "side"]).ok();
    assert_eq!(values(&alice, "db", "password"), ["from main", "from the side"]);
    let said = alice.covault(["get", "db/password"]).ok();
    assert!(said.err.contains("several people at once"), "{}", said.err);
    alice.covault(["get", "db/password", "--strict"]).exits(5);
    let status = json(&alice.covault(["status", "--json"]).ok());
    assert_eq!(status["conflicts"], serde_json::json!(["db/password"]));
    is_good(&alice);

    // Asked without a terminal, it lists both and leaves the question open; values only where that is asked for.
    let asked = alice.covault(["resolve"]).exits(5);
    assert!(asked.text().contains("db/password") && !asked.text().contains("from the side"), "{}", asked.text());
    assert!(alice.covault(["resolve", "--reveal"]).exits(5).text().contains("from the side"));
    let open = json(&alice.covault(["resolve", "--json"]).exits(5));
    let ids: Vec<_> =
        open["fields"][0]["values"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
    alice.covault(["resolve", "db/password", "--pick", "zz"]).exits(3);
    alice.covault(["resolve", "db/password", "--pick", &ids[0][..8]]).ok();
    assert_eq!(values(&alice, "db", "password").len(), 1);
    alice.covault(["get", "db/password", "--strict"]).ok();
    alice.covault(["resolve"]).ok();
    is_good(&alice);
}

#[test]
fn two_births_at_one_path_are_one_secret() {
    let world = World::new();
    let alice = forked(&world);
    alice.set("new", "born on main");
    on(&alice, "side");
    alice.covault_fed(b"born on the side", ["set", "new", "--stdin", "other"]).ok();
    on(&alice, "main");
    alice.git(["merge", "-q", "side"]).ok();
    assert_eq!(alice.get("new/value"), "born on main");
    assert_eq!(alice.get("new/other"), "born on the side");
    is_good(&alice);
}

#[test]
fn a_cherry_pick_brings_its_change_and_a_later_merge_the_rest() {
    let world = World::new();
    let alice = forked(&world);
    on(&alice, "side");
    alice.covault(["set", "db", "user=unfinished"]).ok();
    field(&alice, "password", "picked");
    on(&alice, "main");
    field(&alice, "value", "changed on main");
    alice.git(["cherry-pick", "side"]).ok();
    assert_eq!(alice.get("db/password"), "picked");
    assert_eq!(alice.get("db/user"), "app", "no more than the change came");
    is_good(&alice);
    alice.git(["merge", "-q", "side"]).ok();
    assert_eq!(alice.get("db/user"), "unfinished");
    assert_eq!(alice.get("db/value"), "changed on main");
    is_good(&alice);
}

#[test]
fn rebase_replays_edits_of_a_secret() {
    for apply in [&["rebase", "-q", "main"][..], &["rebase", "-q", "--apply", "main"]] {
        let world = World::new();
        let alice = forked(&world);
        field(&alice, "value", "changed on main");
        on(&alice, "side");
        field(&alice, "password", "first of the side");
        alice.covault(["set", "db", "user=second"]).ok();
        alice.git(apply).ok();
        assert_eq!(alice.get("db/value"), "changed on main");
        assert_eq!(alice.get("db/password"), "first of the side");
        assert_eq!(alice.get("db/user"), "second");
        assert_eq!(alice.git(["rev-list", "--count", "main..side"]).ok().text(), "2\n");
        is_good(&alice);
        on(&alice, "main");
        alice.git(["merge", "-q", "--ff-only", "side"]).ok();
    }
}

#[test]
fn a_stash_comes_back_over_an_edit() {
    let world = World::new();
    let alice = forked(&world);
    alice.covault_fed(b"stashed", ["set", "db", "--stdin", "password", "--no-commit"]).ok();
    alice.git(["stash", "-q"]).ok();
    field(&alice, "value", "changed meanwhile");
    alice.git(["stash", "pop", "-q"]).ok();
    assert_eq!(alice.get("db/password"), "stashed");
    assert_eq!(alice.get("db/value"), "changed meanwhile");
    alice.git(["commit", "-qam", "what was stashed"]).ok();
    is_good(&alice);
}

#[test]
fn a_patch_by_mail_is_applied_three_way() {
    let world = World::new();
    let alice = forked(&world);
    on(&alice, "side");
    field(&alice, "password", "by mail");
    let patch = alice.git(["format-patch", "--stdout", "--binary", "--full-index", "-1"]).ok().out;
    on(&alice, "main");
    field(&alice, "value", "changed on main");
    alice.fed("git", &patch, ["am", "-q", "-3"]).ok();
    assert_eq!(alice.get("db/password"), "by mail");
    assert_eq!(alice.get("db/value"), "changed on main");
    is_good(&alice);
}

#[test]
fn a_squash_hides_no_descent() {
    let world = World::new();
    let alice = forked(&world);
    on(&alice, "side");
    field(&alice, "password", "first");
    field(&alice, "password", "second");
    on(&alice, "main");
    field(&alice, "value", "changed on main");
    alice.git(["merge", "-q", "--squash", "side"]).ok();
    alice.git(["commit", "-qm", "squashed"]).ok();
    is_good(&alice);
    on(&alice, "side");
    alice.covault(["set", "db", "user=later"]).ok();
    on(&alice, "main");
    alice.git(["merge", "-q", "side"]).ok();
    assert_eq!(values(&alice, "db", "password"), ["second"], "the first value does not come back");
    assert_eq!(alice.get("db/user"), "later");
    is_good(&alice);
}

/// Two ways to the same: branches `one`, `two` and `three` change a field each, `first` has one and two, then three, `second`
/// three and two, then one. A secret more is on `first-half` and `second-half`, begun half the way. `second` is checked out.
pub fn two_ways(alice: &Person) {
    for (branch, name) in [("one", "password"), ("two", "value"), ("three", "extra")] {
        alice.git(["checkout", "-q", "-b", branch, "side"]).ok();
        field(alice, name, branch);
    }
    for (left, ways) in [("first", ["one", "two", "three"]), ("second", ["three", "two", "one"])] {
        alice.git(["checkout", "-q", "-b", left, ways[0]]).ok();
        alice.git(["merge", "-q", "--no-edit", ways[1]]).ok();
        alice.git(["checkout", "-q", "-b", &format!("{left}-half")]).ok();
        alice.set(left, "another secret");
        on(alice, left);
        alice.git(["merge", "-q", "--no-edit", ways[2]]).ok();
    }
}

#[test]
fn of_two_that_say_the_same_by_other_ways_neither_way_is_lost() {
    let world = World::new();
    let alice = forked(&world);
    two_ways(&alice);
    for other in ["first", "first-half", "second-half"] {
        alice.git(["merge", "-q", "--no-edit", other]).ok();
    }
    for (name, value) in [("password", "one"), ("value", "two"), ("extra", "three")] {
        assert_eq!(values(&alice, "db", name), [value]);
    }
    is_good(&alice);
}

#[test]
fn a_criss_cross_takes_each_edit_once() {
    let world = World::new();
    let alice = forked(&world);
    field(&alice, "value", "first of main");
    on(&alice, "side");
    field(&alice, "password", "first of the side");
    alice.git(["tag", "S"]).ok();
    on(&alice, "main");
    alice.git(["tag", "M"]).ok();
    alice.git(["merge", "-q", "S"]).ok();
    on(&alice, "side");
    alice.git(["merge", "-q", "M"]).ok();
    field(&alice, "password", "second of the side");
    on(&alice, "main");
    field(&alice, "value", "second of main");
    alice.git(["merge", "-q", "side"]).ok();
    assert_eq!(values(&alice, "db", "value"), ["second of main"]);
    assert_eq!(values(&alice, "db", "password"), ["second of the side"]);
    is_good(&alice);
}

#[test]
fn clones_that_merge_the_same_come_to_the_same_bytes() {
    let world = World::new();
    let alice = forked(&world);
    field(&alice, "value", "from main");
    on(&alice, "side");
    field(&alice, "password", "from the side");
    on(&alice, "main");
    let other = alice.clone_for(world.stranger("other"));
    other.take_keys_of(&alice);
    let words = json(&alice.covault(["whoami", "--json"]).ok());
    other.covault(["setup", "--vault", words["words"].as_str().unwrap()]).ok();
    alice.git(["merge", "-q", "side"]).ok();
    other.git(["merge", "-q", "origin/side"]).ok();
    assert_ne!(bytes(&alice), bytes(&other));
    // One exchange: each takes the other's merge.
    let (path, others) = (alice.repo.to_str().unwrap().to_owned(), other.repo.to_str().unwrap().to_owned());
    alice.git(["fetch", "-q", &others, "main:refs/heads/theirs"]).ok();
    other.git(["fetch", "-q", &path, "main:refs/heads/theirs"]).ok();
    alice.git(["merge", "-q", "theirs"]).ok();
    other.git(["merge", "-q", "theirs"]).ok();
    assert_eq!(bytes(&alice), bytes(&other));
    is_good(&alice);
    is_good(&other);
}

#[test]
fn linked_worktrees_share_the_driver() {
    let world = World::new();
    let alice = forked(&world);
    field(&alice, "value", "from main");
    let tree = world.path().join("linked");
    alice.git(["worktree", "add", "-q", tree.to_str().unwrap(), "side"]).ok();
    let linked = Person { repo: tree, home: alice.home.clone(), name: "alice".to_owned(), vars: Vec::new() };
    field(&linked, "password", "from the linked one");
    linked.git(["merge", "-q", "main"]).ok();
    assert_eq!(linked.get("db/value"), "from main");
    assert_eq!(linked.get("db/password"), "from the linked one");
    is_good(&linked);
}

#[test]
fn unrelated_histories_of_one_vault_are_merged() {
    let world = World::new();
    let alice = forked(&world);
    alice.git(["checkout", "-q", "--orphan", "rewritten", "side"]).ok();
    alice.git(["commit", "-qm", "everything at once"]).ok();
    field(&alice, "password", "on the rewritten one");
    on(&alice, "main");
    field(&alice, "value", "on main");
    alice.git(["merge", "-q", "--allow-unrelated-histories", "rewritten"]).ok();
    assert_eq!(alice.get("db/value"), "on main");
    assert_eq!(alice.get("db/password"), "on the rewritten one");
    is_good(&alice);
}

#[test]
fn a_shallow_clone_merges() {
    let world = World::new();
    let alice = world.team("alice");
    alice.set("db", "the first value");
    alice.git(["push", "-q"]).ok();
    alice.git(["branch", "side"]).ok();
    let shallow = world.stranger("shallow");
    let url = format!("file://{}", world.shared().display());
    shallow.git(["clone", "-q", "--depth=1", "--no-single-branch", &url, shallow.repo.to_str().unwrap()]).ok();
    shallow.take_keys_of(&alice);
    let words = json(&alice.covault(["whoami", "--json"]).ok());
    shallow.covault(["setup", "--vault", words["words"].as_str().unwrap()]).ok();
    field(&shallow, "password", "from the shallow one");
    field(&alice, "user", "from the deep one");
    alice.git(["push", "-q"]).ok();
    shallow.git(["fetch", "-q", "--depth=2"]).ok();
    shallow.git(["merge", "-q", "origin/main"]).ok();
    assert_eq!(shallow.get("db/password"), "from the shallow one");
    assert_eq!(shallow.get("db/user"), "from the deep one");
    shallow.covault(["verify"]).ok();
}

#[test]
fn trees_are_merged_without_a_work_tree() {
    let world = World::new();
    let alice = forked(&world);
    field(&alice, "value", "from main");
    on(&alice, "side");
    field(&alice, "password", "from the side");
    on(&alice, "main");
    let tree = alice.git(["merge-tree", "--write-tree", "main", "side"]).ok().text().trim().to_owned();
    let commit = alice.git(["commit-tree", "-p", "main", "-p", "side", "-m", "by a server", &tree]).ok().text();
    alice.git(["merge", "-q", "--ff-only", commit.trim()]).ok();
    assert_eq!(alice.get("db/value"), "from main");
    assert_eq!(alice.get("db/password"), "from the side");
    is_good(&alice);
}
