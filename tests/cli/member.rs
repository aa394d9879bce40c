//! Coming aboard: invite, join, approve; other devices, machines, roles.

use covault::model::roster::Role;

use super::{head, json, photo, same};
use crate::world::{Person, World};

/// The line of an invite.
fn invite(admin: &Person, args: &[&str]) -> String {
    admin.covault([&["member", "invite"], args].concat()).ok().text().trim().to_owned()
}

fn status(person: &Person) -> serde_json::Value {
    json(&person.covault(["status", "--json"]).ok())
}

#[test]
fn bob_comes_aboard_by_an_invite() {
    let world = World::new();
    let alice = world.team("alice");
    alice.set("prod/db", "a password for the database");
    alice.git(["push", "-q"]).ok();
    let line = invite(&alice, &["bob"]);
    assert!(line.starts_with("covault-invite1-") && line.lines().count() == 1);
    let bob = world.newcomer("bob");
    let (at, index) = (head(&bob), bob.git(["status", "--porcelain"]).ok().text());
    let said = bob.covault(["join", "--invite", &line, "--device", "laptop"]).ok();
    assert_eq!(said.text(), "git push origin covault/join/bob\n");
    assert_eq!((head(&bob), bob.git(["status", "--porcelain"]).ok().text()), (at.clone(), index));
    assert!(!bob.repo.join(".covault/requests").exists());
    let changed = bob.git(["diff", "--name-status", "main", "covault/join/bob"]).ok().text();
    assert_eq!(changed, "A\t.covault/requests/bob.toml\n");
    bob.covault(["get", "prod/db"]).exits(4);
    bob.push("covault/join/bob");
    alice.git(["fetch", "-q"]).ok();
    let asked = status(&alice)["requests"].clone();
    assert!(asked[0]["name"] == "bob" && asked[0]["asks"] == "new member" && asked[0]["invited"] == true, "{asked}");
    assert_eq!(asked[0]["seen"], serde_json::json!(["origin/covault/join/bob"]));
    let said = alice.covault(["member", "approve", "bob", "--yes"]).ok();
    assert!(said.err.contains("bob will be able to read 1 secret: prod/db"), "{}", said.err);
    assert_eq!(alice.git(["log", "--format=%s", "-1"]).ok().text(), "covault: admit bob\n");
    assert_eq!(alice.git(["status", "--porcelain"]).ok().text(), "");
    alice.git(["push", "-q"]).ok();
    bob.git(["pull", "-q", "--ff-only"]).ok();
    assert_eq!(bob.get("prod/db"), "a password for the database");
    bob.set("prod/api", "written by bob");
    bob.git(["push", "-q"]).ok();
    alice.git(["pull", "-q", "--ff-only"]).ok();
    assert_eq!(alice.get("prod/api"), "written by bob");
    assert!(status(&alice)["requests"].as_array().unwrap().is_empty(), "what was answered is not asked");
    let said = bob.covault(["join"]).ok();
    assert!(said.err.contains("you are a member already: bob") && said.out.is_empty(), "{}", said.err);
}

#[test]
fn a_ci_job_needs_two_variables_and_a_checkout_that_nobody_can_write_to() {
    let world = World::new();
    let alice = world.team("alice");
    alice.set("staging/db", "the value for the job");
    alice.set("prod/db", "nothing for the job");
    std::fs::create_dir_all(alice.repo.join(".covault/env")).unwrap();
    std::fs::write(alice.repo.join(".covault/env/default.env"), "DB=covault://staging/db\n").unwrap();
    alice.git(["add", ".covault/env"]).ok();
    alice.git(["commit", "-qm", "env"]).ok();
    let said = alice.covault(["member", "add", "ci", "--machine", "--grant", "staging/"]).ok();
    let identity = said.text();
    assert!(identity.starts_with("AGE-SECRET-KEY-1") && identity.split_whitespace().count() == 1, "{}", said.err);
    assert!(said.err.contains("ci will be able to read 1 secret: staging/db"), "{}", said.err);
    let pin = said.err.lines().find_map(|line| line.split("COVAULT_VAULT=").nth(1)).unwrap();
    let pin = pin.split(' ').next().unwrap().to_owned();
    alice.git(["push", "-q"]).ok();
    let mut ci = world.newcomer("ci");
    std::fs::remove_dir_all(&ci.home).unwrap();
    ci.vars.push(("COVAULT_IDENTITY".to_owned(), identity.trim().to_owned()));
    ci.vars.push(("COVAULT_VAULT".to_owned(), pin));
    ci.vars.push(("CI".to_owned(), "true".to_owned()));
    ci.command("chmod").args(["-R", "a-w", "."]).status().unwrap();
    let before = photo(&ci.repo);
    assert_eq!(ci.get("staging/db"), "the value for the job");
    assert_eq!(ci.covault(["run", "--", "sh", "-c", "printf %s \"$DB\""]).ok().text(), "the value for the job");
    assert!(ci.covault(["export", "--from", "staging"]).ok().text().contains("the value for the job"));
    let said = ci.covault(["get", "prod/db"]).exits(4);
    assert!(said.err.contains("is not sealed to you"), "{}", said.err);
    ci.covault(["set", "staging/db", "x=1"]).exits(4);
    same(&before, &photo(&ci.repo));
    ci.command("chmod").args(["-R", "u+w", "."]).status().unwrap();
}

#[test]
fn carol_whom_an_admin_does_not_know_needs_her_words_compared() {
    let world = World::new();
    let alice = world.team("alice");
    world.joins(&alice, "bob");
    alice.covault(["member", "role", "bob", "admin"]).exits(7);
    alice.covault(["member", "role", "bob", "admin", "--yes"]).ok();
    alice.covault(["member", "role", "alice", "reader", "--yes"]).ok();
}

#[test]
fn a_role_for_nobody_is_not_found_and_roles_are_named_as_people_say_them() {
    let world = World::new();
    let alice = world.founder("alice");
    crate::team::admit(&world, &alice, "bob", Role::Writer);
    let said = alice.covault(["member", "role", "nope", "admin", "--yes"]).exits(3);
    assert_eq!(said.err, "error: there is no member 'nope'\nhint: see who is in with: covault who\n");
    let said = alice.covault(["member", "role", "bobb", "admin", "--yes"]).exits(3);
    assert!(said.err.ends_with("hint: did you mean bob?\n"), "{}", said.err);
    let said = alice.covault(["member", "role", "bob", "admin", "--dry-run"]).ok();
    assert!(said.err.starts_with("bob is a writer and would be an admin\n"), "{}", said.err);
    assert!(said.err.ends_with("would make bob an admin\n"), "{}", said.err);
    let said = alice.covault(["member", "role", "bob", "admin", "--yes"]).ok();
    assert!(said.err.contains("bob is an admin (commit "), "{}", said.err);
    assert_eq!(alice.git(["log", "-1", "--format=%s"]).ok().text(), "covault: make bob an admin\n");
}

#[test]
fn a_machine_that_is_in_is_renewed_and_not_let_in_again() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("staging/db", "1");
    let add = || alice.covault(["member", "add", "ci", "--machine", "--grant", "staging"]);
    add().ok();
    let said = add().exits(7);
    assert!(said.err.contains("the machine ci is in already"), "{}", said.err);
    assert!(said.err.contains("hint: ") && said.err.contains("covault member renew ci "), "{}", said.err);
    // Whoever was called so and left is another matter.
    alice.covault(["member", "remove", "ci", "--yes"]).ok();
    assert!(add().exits(7).err.contains("the name ci was used before"));
}

#[test]
fn a_machine_that_is_granted_what_is_not_there_is_let_in_and_that_is_said() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("staging/db", "1");
    let add = |name: &str, places: &[&str]| {
        let grants = places.iter().flat_map(|place| ["--grant", place]);
        alice.covault(["member", "add", name, "--machine"].into_iter().chain(grants)).ok().err
    };
    let note = "there is no secret below nosuch yet\n";
    assert!(add("ci", &["nosuch"]).contains(note), "{}", add("ci-two", &["nosuch/"]));
    let said = alice.covault(["who", "--can", "ci"]).ok();
    assert_eq!((said.text().as_str(), said.err.as_str()), ("", "ci reads nothing\n"));
    for (name, place) in [("all", "/"), ("folder", "staging"), ("one", "staging/db")] {
        let said = add(name, &[place]);
        assert!(!said.contains("there is no secret"), "{place}: {said}");
        let said = alice.covault(["who", "--can", name]).ok();
        assert_eq!((said.text().as_str(), said.err.as_str()), ("staging/db\n", ""), "{place}");
    }
}
