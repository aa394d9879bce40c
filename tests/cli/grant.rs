//! `grant` and `group`: who reads what is below a path, and names for several of them.

use covault::model::roster::Role;

use super::{all_of, head, json, same};
use crate::team::{admit, admit_machine, pull};
use crate::world::{Person, World};

struct Team {
    alice: Person,
    bob: Person,
    carol: Person,
    ci: Person,
}

/// alice is the admin, bob and carol write, ci is a machine; four secrets.
fn team(world: &World) -> Team {
    let alice = world.founder("alice");
    for (name, value) in [("app", "v app"), ("prod/db", "v prod db"), ("prod/key", "v prod key"), ("test/db", "v test")]
    {
        alice.set(name, value);
    }
    let bob = admit(world, &alice, "bob", Role::Writer);
    let carol = admit(world, &alice, "carol", Role::Writer);
    let ci = admit_machine(world, &alice, "ci", Role::Reader);
    let team = Team { alice, bob, carol, ci };
    team.pull();
    team
}

impl Team {
    fn pull(&self) {
        for person in [&self.bob, &self.carol, &self.ci] {
            pull(person, &self.alice);
        }
    }
}

#[track_caller]
fn reads(person: &Person, names: &[&str], not: &[&str]) {
    for name in names {
        person.covault(["get", name]).ok();
    }
    for name in not {
        person.covault(["get", name]).exits(4);
    }
}

fn changed(person: &Person, since: &str) -> Vec<String> {
    let text = person.git(["diff", "--name-only", since, "HEAD"]).ok().text();
    text.lines().map(|line| line.trim_start_matches(".covault/").to_owned()).collect()
}

#[test]
fn a_grant_decides_about_everything_below_it_and_touches_nothing_else() {
    let world = World::new();
    let t = team(&world);
    let at = head(&t.alice);
    let said = t.alice.covault(["grant", "prod", "alice", "bob", "--yes"]).ok();
    assert!(said.err.contains("carol loses 2 secrets: prod/db, prod/key"), "{}", said.err);
    assert!(said.err.contains("2 secrets sealed again (commit "), "{}", said.err);
    assert_eq!(changed(&t.alice, &at), ["roster.toml", "secrets/prod/db.age", "secrets/prod/key.age"]);
    assert_eq!(t.alice.git(["rev-list", "--count", &format!("{at}..HEAD")]).ok().text().trim(), "1");
    t.pull();
    reads(&t.carol, &["app", "test/db"], &["prod/db", "prod/key"]);
    reads(&t.bob, &["app", "prod/db", "prod/key"], &[]);
    // What comes into the folder later follows the grant.
    t.bob.set("prod/new", "a new value");
    pull(&t.carol, &t.bob);
    reads(&t.carol, &[], &["prod/new"]);
    t.carol.covault_fed(b"x", ["set", "prod/other"]).exits(4);
}

#[test]
fn adding_copies_the_inherited_readers_and_removing_takes_one_out() {
    let world = World::new();
    let t = team(&world);
    let at = head(&t.alice);
    let said = t.alice.covault(["grant", "test", "--add", "ci", "--yes"]).ok();
    assert!(said.err.contains("ci gains 1 secret: test/db") && !said.err.contains("loses"), "{}", said.err);
    assert_eq!(changed(&t.alice, &at), ["roster.toml", "secrets/test/db.age"]);
    t.pull();
    reads(&t.ci, &["test/db"], &["app"]);
    reads(&t.carol, &["test/db"], &[]);
    let grants = json(&t.alice.covault(["grant", "test", "--json"]).ok());
    assert_eq!(grants[0]["readers"], serde_json::json!(["@people", "ci"]));
    t.alice.covault(["grant", "test/", "--remove", "ci", "--yes"]).ok();
    t.pull();
    reads(&t.ci, &[], &["test/db"]);
    let said = t.alice.covault(["grant", "test", "--remove", "carol", "--yes"]).exits(2);
    assert!(said.err.contains("carol is in it as one of @people"), "{}", said.err);
    t.alice.covault(["grant", "test", "--remove", "ci", "--yes"]).exits(2);
    let at = head(&t.alice);
    let said = t.alice.covault(["grant", "test", "--inherit", "--yes"]).ok();
    assert!(!said.err.contains("gains"), "{}", said.err);
    assert_eq!(changed(&t.alice, &at), ["roster.toml"]);
}

#[test]
fn groups_are_sets_of_members_and_change_what_they_read() {
    let world = World::new();
    let t = team(&world);
    t.alice.covault(["group", "set", "ops", "alice", "bob", "--yes"]).ok();
    t.alice.covault(["grant", "prod", "@ops", "--yes"]).ok();
    t.pull();
    reads(&t.carol, &[], &["prod/db"]);
    let said = t.alice.covault(["group", "add", "ops", "carol", "ci", "--yes"]).ok();
    assert!(said.err.contains("carol gains 2 secrets") && said.err.contains("ci gains 2 secrets"), "{}", said.err);
    t.pull();
    reads(&t.carol, &["prod/db"], &[]);
    reads(&t.ci, &["prod/db"], &["app"]);
    let said = t.alice.covault(["group", "set", "@ops", "alice", "ci", "--yes"]).ok();
    assert!(said.err.contains("bob loses 2 secrets") && said.err.contains("carol loses 2 secrets"), "{}", said.err);
    t.pull();
    reads(&t.bob, &["app"], &["prod/db"]);
    let groups = json(&t.bob.covault(["group", "--json"]).ok());
    assert_eq!(groups, serde_json::json!([{ "name": "ops", "members": ["alice", "ci"], "grants": ["prod"] }]));
    assert!(t.bob.covault(["group", "ls"]).ok().text().contains("@ops   alice ci  prod"));
    let said = t.alice.covault(["group", "rm", "ops", "--yes"]).exits(7);
    assert!(said.err.contains("the group ops has a grant") && said.err.contains("--remove @ops"), "{}", said.err);
    let said = t.alice.covault(["group", "remove", "ops", "alice", "ci", "--yes"]).exits(2);
    assert!(said.err.contains("hint: end it with: covault group rm ops"), "{}", said.err);
    t.alice.covault(["grant", "prod", "--add", "alice", "--remove", "@ops", "--yes"]).ok();
    t.alice.covault(["group", "rm", "ops", "--yes"]).ok();
    let said = t.alice.covault(["group", "set", "ops", "bob", "--yes"]).exits(7);
    assert!(said.err.contains("names are not used again"), "{}", said.err);
    assert!(t.alice.covault(["group"]).ok().err.contains("there is no group"));
}

#[test]
fn only_an_admin_changes_grants_and_groups_and_everybody_sees_them() {
    let world = World::new();
    let t = team(&world);
    t.bob.covault(["ls"]).ok();
    let before = all_of(&t.bob);
    t.bob.covault(["grant", "prod", "bob", "--yes"]).exits(4);
    t.bob.covault(["group", "set", "dev", "bob", "--yes"]).exits(4);
    same(&before, &all_of(&t.bob));
    let text = t.bob.covault(["grant"]).ok().text();
    assert_eq!(text, "PATH  SECRETS  READERS\n/     4        @people\n");
    // Without any key.
    let mut dave = t.alice.clone_for(world.stranger("dave"));
    let id = t.alice.git(["config", "covault.vault"]).ok().text().trim().to_owned();
    dave.vars.push(("COVAULT_VAULT".to_owned(), id));
    assert_eq!(dave.covault(["grant"]).ok().text(), text);
    dave.covault(["group", "ls"]).ok();
    dave.covault(["grant", "/", "alice", "--yes"]).exits(4);
}

#[test]
fn words_that_mean_nothing_are_refused_and_a_repetition_changes_nothing() {
    let world = World::new();
    let t = team(&world);
    t.alice.covault(["grant", "prod", "alice", "bob", "--yes"]).ok();
    t.alice.covault(["ls"]).ok();
    let before = all_of(&t.alice);
    for (args, code, said) in [
        (&["grant", "prod", "alice", "bobb", "--yes"][..], 3, "did you mean bob?"),
        (&["grant", "prod", "@devs", "--yes"], 3, "covault group set devs"),
        (&["grant", "@people"], 2, "hint: for everything: covault grant / @people"),
        (&["grant", "--add", "bob"], 2, "a path is needed"),
        (&["grant", "prod", "bob", "--add", "carol"], 2, "--add"),
        (&["grant", "/", "--inherit", "--yes"], 7, "the root inherits from nothing"),
        (
            &["grant", "prod", "--remove", "alice", "--remove", "bob", "--yes"],
            2,
            "nobody would read what is below prod",
        ),
        (&["grant", "prod", "alice"], 7, "--yes"),
        (&["group", "set", "dev", "bobb", "--yes"], 3, "did you mean bob?"),
        (&["group", "add", "dev", "bob", "--yes"], 3, "covault group set dev"),
        (&["group", "rm", "dev", "--yes"], 3, "no group '@dev'"),
        (&["group", "set", "people", "bob", "--yes"], 2, "people"),
        (&["grant", "prod", "alice", "bob", "--yes"], 0, "nothing to change"),
        (&["grant", "prod", "alice", "bob"], 0, "nothing to change"),
        (&["grant", "prod", "--add", "bob"], 0, "nothing to change"),
        (&["grant", "test", "--inherit"], 0, "nothing to change"),
    ] {
        let outcome = t.alice.covault(args).exits(code);
        assert!(outcome.err.contains(said), "{args:?}: {}", outcome.err);
    }
    same(&before, &all_of(&t.alice));
}

#[test]
fn a_grant_that_leaves_nobody_to_seal_for_its_readers_is_refused() {
    let world = World::new();
    let t = team(&world);
    t.alice.covault(["grant", "prod", "alice", "--yes"]).ok();
    t.alice.covault(["ls"]).ok();
    let before = all_of(&t.alice);
    let said = t.alice.covault(["grant", "prod", "bob", "--yes"]).exits(7);
    assert!(said.err.contains("nobody who can open prod/db now would read it afterwards"), "{}", said.err);
    same(&before, &all_of(&t.alice));
    // In two steps it is possible; the second is bob's to finish.
    t.alice.covault(["grant", "prod", "alice", "bob", "--yes"]).ok();
    let said = t.alice.covault(["grant", "prod", "bob", "--yes"]).exits(8);
    assert!(said.err.contains("you cannot seal 2 secrets: prod/db, prod/key: bob can"), "{}", said.err);
    pull(&t.bob, &t.alice);
    let can = json(&t.bob.covault(["who", "--can", "alice", "--json"]).ok());
    assert_eq!(can["still_sealed"], serde_json::json!(["prod/db", "prod/key"]));
}

#[test]
fn what_the_admin_cannot_open_is_left_to_the_next_who_can() {
    let world = World::new();
    let t = team(&world);
    t.alice.covault(["group", "set", "owners", "bob", "carol", "--yes"]).ok();
    // alice gives the folder away, and bob seals what is in it.
    t.alice.covault(["grant", "prod", "@owners", "--yes"]).exits(8);
    t.pull();
    t.bob.set("prod/db", "bob seals it anew");
    pull(&t.alice, &t.bob);
    t.alice.covault(["get", "prod/db"]).exits(4);
    let at = head(&t.alice);
    let said = json(&t.alice.covault(["grant", "prod", "bob", "carol", "ci", "--yes", "--json"]).ok());
    let left: Vec<_> = said["left"].as_array().unwrap().iter().map(|p| p["secret"].as_str().unwrap()).collect();
    assert_eq!(left, ["prod/db", "prod/key"]);
    assert_eq!(said["left"][0]["by"], serde_json::json!(["bob", "carol"]));
    assert_eq!(changed(&t.alice, &at), ["roster.toml"]);
    let said = json(&t.alice.covault(["who", "prod/db", "--json"]).ok());
    assert_eq!(said["readers"][2]["name"], "ci");
    assert_eq!(said["readers"][2]["sealed"], false);
    // carol repeats what is so already: that seals what waits.
    pull(&t.carol, &t.alice);
    let said = t.carol.covault(["grant", "prod", "bob", "carol", "ci", "--yes"]).ok();
    assert!(said.err.contains("ci gains 2 secrets"), "{}", said.err);
    pull(&t.ci, &t.carol);
    reads(&t.ci, &["prod/db", "prod/key"], &[]);
}

#[test]
fn a_version_of_somebody_who_may_not_write_any_more_stays_good() {
    let world = World::new();
    let t = team(&world);
    t.carol.set("prod/db", "the value that carol set");
    pull(&t.alice, &t.carol);
    // alice does not seal it again: nobody who reads it changes but carol's right to write.
    t.alice.covault(["grant", "prod", "alice", "bob", "--yes"]).ok();
    pull(&t.bob, &t.alice);
    assert_eq!(t.bob.get("prod/db"), "the value that carol set");
    // At the commit before, too, by the roster of today.
    let at = t.bob.covault(["show", "prod/db", "--at", "HEAD~1", "--reveal"]).ok().text();
    assert!(at.contains("the value that carol set"), "{at}");
}

#[test]
fn a_long_plan_is_cut_on_the_terminal_and_whole_in_json() {
    let world = World::new();
    let alice = world.founder("alice");
    let names: Vec<String> = (10..23).map(|n| format!("many/s{n}")).collect();
    let mut env = String::new();
    names.iter().enumerate().for_each(|(n, _)| env.push_str(&format!("S{}=v\n", n + 10)));
    std::fs::write(alice.repo.join("many.env"), env).unwrap();
    alice.covault(["import", "many.env"]).ok();
    let folder = alice.covault(["ls"]).ok().text();
    let folder = folder.lines().next().unwrap().split('/').next().unwrap().to_owned();
    admit_machine(&world, &alice, "ci", Role::Reader);
    let said = alice.covault(["grant", &folder, "--add", "ci", "--dry-run"]).ok();
    assert!(said.err.contains("ci gains 13 secrets: ") && said.err.contains("…and 3 more"), "{}", said.err);
    let said = json(&alice.covault(["grant", &folder, "--add", "ci", "--dry-run", "--json"]).ok());
    assert_eq!(said["plan"].as_array().unwrap().len(), 13);
}

#[test]
fn an_older_file_on_disk_is_not_sealed_to_others_as_if_it_were_the_newest() {
    let world = World::new();
    let t = team(&world);
    t.alice.set("prod/db", "the newest");
    t.alice.covault(["set", "prod/key", "user=app"]).ok();
    // Somebody looked at what there was, and left it there.
    t.alice.git(["restore", "--source=HEAD~2", "--", ".covault/secrets/prod"]).ok();
    let said = t.alice.covault(["grant", "prod", "alice", "carol", "--yes"]).ok();
    assert!(said.err.contains("prod/db on disk does not follow the newest commit: both are joined"), "{}", said.err);
    assert_eq!(t.alice.get("prod/db"), "the newest");
    assert_eq!((t.alice.get("prod/key/value"), t.alice.get("prod/key/user")), ("v prod key".into(), "app".into()));
    t.alice.covault(["verify", "--history"]).ok();
    pull(&t.carol, &t.alice);
    reads(&t.carol, &["prod/db", "prod/key"], &[]);
    assert_eq!(t.carol.get("prod/db"), "the newest");
    pull(&t.bob, &t.alice);
    reads(&t.bob, &[], &["prod/db", "prod/key"]);
}
