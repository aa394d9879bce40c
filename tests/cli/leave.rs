//! `member remove` and `member renew` of machines: who has left opens nothing that comes after.

use covault::model::roster::Role;

use super::{all_of, head, json, old_header_opens, same};
use crate::team::{admit, admit_machine, pull};
use crate::verifier::second_opinion;
use crate::world::{Person, World, have};

struct Team {
    alice: Person,
    bob: Person,
    carol: Person,
}

/// alice is the admin, bob and carol write; prod is for alice and bob, but one secret is shared with carol.
fn team(world: &World) -> Team {
    let alice = world.founder("alice");
    let bob = admit(world, &alice, "bob", Role::Writer);
    let carol = admit(world, &alice, "carol", Role::Writer);
    alice.covault(["grant", "prod", "alice", "bob", "--yes"]).ok();
    for (name, value) in [("prod/db", "value of prod/db"), ("prod/key", "value of prod/key"), ("app", "value of app")] {
        alice.set(name, value);
    }
    alice.covault(["share", "prod/db", "carol", "--yes"]).ok();
    let team = Team { alice, bob, carol };
    team.pull();
    team.carol.set("dev/api", "written by carol");
    pull(&team.alice, &team.carol);
    pull(&team.bob, &team.carol);
    team
}

impl Team {
    fn pull(&self) {
        pull(&self.bob, &self.alice);
        pull(&self.carol, &self.alice);
    }
}

const ALL: [&str; 4] = ["prod/db", "prod/key", "app", "dev/api"];

fn changed(person: &Person, since: &str) -> Vec<String> {
    let text = person.git(["diff", "--name-only", since, "HEAD"]).ok().text();
    text.lines().map(|line| line.trim_start_matches(".covault/").to_owned()).collect()
}

fn commits(person: &Person, since: &str) -> String {
    person.git(["rev-list", "--count", &format!("{since}..HEAD")]).ok().text().trim().to_owned()
}

/// Whether the program `age` opens a file of `at` with the identity of `who`.
fn age_opens(at: &Person, who: &Person, name: &str) -> bool {
    let output = at.command("age").arg("-d").arg("-i").arg(who.identity()).arg(at.file(name)).output().unwrap();
    output.status.success()
}

#[track_caller]
fn age_opens_none(at: &Person, who: &Person, names: &[&str]) {
    if have("age") {
        for name in names {
            assert!(!age_opens(at, who, name), "{} still opens {name}", who.name);
        }
    }
}

#[test]
fn one_command_takes_her_out_of_everything_that_she_could_read() {
    let world = World::new();
    let t = team(&world);
    if have("age") {
        assert!(age_opens(&t.alice, &t.carol, "prod/db"), "the control: she could before");
    }
    let hers = ["app", "dev/api", "prod/db"];
    let before = hers.map(|name| std::fs::read(t.alice.file(name)).unwrap());
    let (at, untouched) = (head(&t.alice), std::fs::read(t.alice.file("prod/key")).unwrap());
    let said = t.alice.covault(["member", "remove", "carol", "--yes"]).ok();
    for text in [
        "carol is a writer (person)",
        "carol loses 3 secrets: app, dev/api, prod/db",
        "versions of theirs that stay good: 1",
        "carol is out; 3 secrets sealed again (commit ",
        "see what to rotate with: covault expose carol",
    ] {
        assert!(said.err.contains(text), "{text}: {}", said.err);
    }
    assert!(said.out.is_empty());
    assert_eq!(commits(&t.alice, &at), "1");
    assert_eq!(
        changed(&t.alice, &at),
        ["roster.toml", "secrets/app.age", "secrets/dev/api.age", "secrets/prod/db.age"]
    );
    assert_eq!(t.alice.git(["log", "--format=%s", "-1"]).ok().text(), "covault: remove carol\n");
    assert_eq!(t.alice.git(["status", "--porcelain"]).ok().text(), "");
    assert_eq!(std::fs::read(t.alice.file("prod/key")).unwrap(), untouched, "she never read it");
    t.pull();
    for name in ALL {
        t.carol.covault(["get", name]).exits(4);
    }
    age_opens_none(&t.alice, &t.carol, &ALL);
    if have("age") {
        for (name, old) in hers.iter().zip(&before) {
            assert!(old_header_opens(&t.carol, old, old), "{name}: the control");
            let now = std::fs::read(t.alice.file(name)).unwrap();
            assert!(!old_header_opens(&t.carol, old, &now), "{name}: the file key that she knows opens it still");
        }
    }
    t.carol.covault_fed(b"x", ["set", "app"]).exits(4);
    // Everybody else reads on, and what she wrote before stays good: now, and at the commit before.
    for person in [&t.alice, &t.bob] {
        assert_eq!(person.get("dev/api"), "written by carol");
        assert_eq!(person.get("prod/db"), "value of prod/db");
    }
    let before = t.bob.covault(["show", "dev/api", "--at", &at, "--reveal"]).ok().text();
    assert!(before.contains("written by carol"), "{before}");
    let opinion = second_opinion(&t.alice.repo, &["--history"]);
    assert!(opinion.is_null() || opinion["verdict"] == "good", "{opinion:#}");
    t.bob.covault(["who", "--can", "carol", "--json"]).ok();
    let again = t.alice.covault(["member", "remove", "carol", "--yes"]).ok();
    assert!(
        again.err.contains("carol was taken out already") && again.err.contains("nothing is sealed to carol any more"),
        "{}",
        again.err
    );
    assert_eq!(commits(&t.alice, &at), "1");
}

#[test]
fn what_stays_good_is_said_once_and_by_no_grant_of_another_folder() {
    let world = World::new();
    let t = team(&world);
    let newest_keeps = || {
        let roster = std::fs::read_to_string(t.alice.repo.join(".covault/roster.toml")).unwrap();
        let live = roster.lines().rev().find_map(|line| line.strip_prefix("live = ")).unwrap();
        live.matches('"').count() / 2
    };
    t.alice.covault(["member", "role", "carol", "reader", "--yes"]).ok();
    assert_eq!(newest_keeps(), 1, "what carol wrote, who may not write any more");
    // Neither takes it away again, and one that named it each time would make the roster grow with every change.
    for change in [["grant", "elsewhere", "alice", "--yes"], ["grant", "dev", "@people", "--yes"]] {
        t.alice.covault(change).ok();
        assert_eq!(newest_keeps(), 0, "{change:?}");
    }
    t.pull();
    assert_eq!(t.bob.get("dev/api"), "written by carol");
    t.alice.covault(["verify", "--history"]).ok();
    let opinion = second_opinion(&t.alice.repo, &["--history"]);
    assert!(opinion.is_null() || opinion["verdict"] == "good", "{opinion:#}");
}

#[test]
fn what_she_signs_afterwards_is_refused_whatever_date_and_roster_it_names() {
    let world = World::new();
    let t = team(&world);
    t.alice.covault(["member", "remove", "carol", "--yes"]).ok();
    // Her clone is as it was before she left.
    t.carol.set("dev/api", "written by carol afterwards");
    t.alice.git([std::ffi::OsStr::new("fetch"), "-q".as_ref(), t.carol.repo.as_os_str(), "HEAD".as_ref()]).ok();
    t.alice.git(["checkout", "-q", "FETCH_HEAD", "--", ".covault/secrets/dev/api.age"]).ok();
    let said = t.alice.covault(["get", "dev/api"]).exits(6);
    assert!(said.out.is_empty() && said.err.contains("its author carol may not write dev/api"), "{}", said.err);
    assert!(said.err.contains("covault rekey dev/api --accept"), "{}", said.err);
    t.alice.covault(["run", "--from", "dev", "--", "true"]).exits(6);
    // On the trunk itself, too.
    t.alice.git(["commit", "-q", "-m", "somebody pushed it"]).ok();
    t.alice.covault(["get", "dev/api"]).exits(6);
    assert_eq!(t.alice.get("app"), "value of app");
}

#[test]
fn a_departure_is_asked_about_and_a_dry_run_changes_nothing() {
    let world = World::new();
    let t = team(&world);
    t.alice.covault(["group", "set", "dev", "alice", "carol", "--yes"]).ok();
    t.alice.covault(["ls"]).ok();
    let before = all_of(&t.alice);
    let said = t.alice.covault(["member", "remove", "carol"]).exits(7);
    assert!(said.err.contains("hint: repeat it with: --yes"), "{}", said.err);
    let said = t.alice.covault(["member", "remove", "carol", "--dry-run"]).ok();
    assert!(said.err.contains("would take carol out") && said.err.contains("in the groups: @dev"), "{}", said.err);
    let said = json(&t.alice.covault(["member", "remove", "carol", "--dry-run", "--json"]).ok());
    assert_eq!((&said["name"], &said["role"], &said["kind"]), (&"carol".into(), &"writer".into(), &"person".into()));
    assert_eq!(said["groups"], serde_json::json!(["dev"]));
    assert_eq!(said["stay_good"], 1);
    let lost: Vec<_> = said["plan"].as_array().unwrap().iter().map(|p| p["secret"].as_str().unwrap()).collect();
    assert_eq!(lost, ["app", "dev/api", "prod/db"]);
    for (args, code, text) in [
        (&["member", "remove", "carl", "--yes"][..], 3, "did you mean carol?"),
        (&["member", "remove", "zacharias", "--yes"], 3, "no member 'zacharias'"),
        (&["member", "remove", "Carol", "--yes"], 2, "Carol"),
        (&["member", "remove", "alice", "--yes"], 7, "covault member role NAME admin"),
        (&["member", "remove", "carol", "--keep", "bob", "--yes"], 2, "carol has not made the identity of bob"),
        (&["member", "remove", "carol", "--keep", "bobb", "--yes"], 3, "did you mean bob?"),
    ] {
        let said = t.alice.covault(args).exits(code);
        assert!(said.err.contains(text), "{args:?}: {}", said.err);
    }
    same(&before, &all_of(&t.alice));
    t.bob.covault(["ls"]).ok();
    let before = all_of(&t.bob);
    let said = t.bob.covault(["member", "remove", "carol", "--yes"]).exits(4);
    assert!(said.err.contains("only an admin can do that"), "{}", said.err);
    same(&before, &all_of(&t.bob));
    let said = json(&t.alice.covault(["member", "remove", "carol", "--yes", "--json"]).ok());
    assert!(said["commit"].is_string() && said["sealed"] == 3 && said["left"].as_array().unwrap().is_empty(), "{said}");
}

#[test]
fn the_last_admin_stays_and_with_another_one_leaves_like_everybody() {
    let world = World::new();
    let t = team(&world);
    let before = all_of(&t.alice);
    let said = t.alice.covault(["member", "remove", "alice", "--yes"]).exits(7);
    assert!(said.err.contains("the last admin stays"), "{}", said.err);
    same(&before, &all_of(&t.alice));
    t.alice.covault(["member", "role", "bob", "admin", "--yes"]).ok();
    t.pull();
    let said = t.bob.covault(["member", "remove", "alice", "--yes"]).ok();
    assert!(said.err.contains("alice let in: bob, carol; they stay"), "{}", said.err);
    pull(&t.alice, &t.bob);
    for name in ALL {
        t.alice.covault(["get", name]).exits(4);
    }
    age_opens_none(&t.bob, &t.alice, &ALL);
    assert_eq!(t.bob.get("prod/key"), "value of prod/key");
    t.bob.covault(["member", "remove", "bob", "--yes"]).exits(7);
}

#[test]
fn what_the_admin_cannot_open_stays_sealed_to_her_until_somebody_can() {
    let world = World::new();
    let t = team(&world);
    // alice gives a folder to bob and carol, who seal what is in it.
    t.alice.set("ops/key", "value of ops/key");
    t.alice.set("ops/db", "value of ops/db");
    t.alice.covault(["group", "set", "ops", "bob", "carol", "--yes"]).ok();
    t.alice.covault(["grant", "ops", "@ops", "--yes"]).exits(8);
    t.pull();
    t.bob.covault(["rekey"]).ok();
    pull(&t.alice, &t.bob);
    pull(&t.carol, &t.bob);
    t.alice.covault(["get", "ops/key"]).exits(4);
    assert_eq!(t.carol.get("ops/key"), "value of ops/key");
    let said = t.alice.covault(["member", "remove", "carol", "--yes"]).exits(8);
    assert!(said.err.contains("you cannot seal 2 secrets: ops/db, ops/key: bob can"), "{}", said.err);
    assert!(said.err.contains("still sealed to carol: 2 secrets: ops/db, ops/key"), "{}", said.err);
    age_opens_none(&t.alice, &t.carol, &ALL);
    let at = head(&t.alice);
    let said = json(&t.alice.covault(["member", "remove", "carol", "--yes", "--json"]).exits(8));
    let left: Vec<_> = said["left"].as_array().unwrap().iter().map(|p| p["secret"].as_str().unwrap()).collect();
    assert_eq!((left, &said["unchanged"]), (vec!["ops/db", "ops/key"], &true.into()));
    assert_eq!(head(&t.alice), at);
    if have("age") {
        assert!(age_opens(&t.alice, &t.carol, "ops/key"), "what the command said is so");
    }
    // bob's next writing command heals it in passing.
    pull(&t.bob, &t.alice);
    t.bob.set("prod/other", "something else");
    pull(&t.alice, &t.bob);
    age_opens_none(&t.alice, &t.carol, &["ops/db", "ops/key", "prod/other"]);
    let said = t.alice.covault(["member", "remove", "carol", "--yes"]).ok();
    assert!(said.err.contains("nothing is sealed to carol any more"), "{}", said.err);
    assert_eq!(t.bob.get("ops/key"), "value of ops/key");
}

/// ops is for bob and carol alone; both know of it.
fn with_ops(world: &World) -> Team {
    let t = team(world);
    t.alice.covault(["grant", "ops", "bob", "carol", "--yes"]).ok();
    t.pull();
    t.bob.set("ops/db", "value of ops/db");
    pull(&t.alice, &t.bob);
    t.pull();
    t
}

#[test]
fn what_she_wrote_last_is_sealed_anew_in_passing_by_who_reads_it() {
    let world = World::new();
    let t = with_ops(&world);
    t.carol.set("ops/db", "written by carol");
    pull(&t.alice, &t.carol);
    t.alice.covault(["member", "remove", "carol", "--yes"]).exits(8);
    // Also where it is known from the trunk that she is gone.
    pull(&t.bob, &t.alice);
    t.bob.git(["fetch", "-q"]).ok();
    t.bob.set("prod/other", "something else");
    age_opens_none(&t.bob, &t.carol, &["ops/db"]);
    assert_eq!(t.bob.get("ops/db"), "written by carol");
    t.bob.covault(["verify", "--history"]).ok();
    second_opinion(&t.bob.repo, &["--history"]);
}

#[test]
fn every_version_of_hers_that_waits_to_be_joined_stays_good() {
    let world = World::new();
    let t = with_ops(&world);
    t.carol.set("ops/db", "written by carol");
    // Of two versions the one that was written over more often is shown first, and the other is hers.
    t.bob.covault(["set", "ops/db", "user=bob"]).ok();
    t.bob.covault(["set", "ops/db", "user=bob", "place=here"]).ok();
    pull(&t.alice, &t.bob);
    t.alice.covault(["setup"]).ok();
    t.alice.git(["fetch", "-q", t.carol.repo.to_str().unwrap(), "main"]).ok();
    t.alice.git(["merge", "-q", "--no-edit", "FETCH_HEAD"]).ok();
    assert!(covault::seal::is_siblings(&std::fs::read(t.alice.file("ops/db")).unwrap()));
    t.alice.covault(["member", "remove", "carol", "--yes"]).exits(8);
    pull(&t.bob, &t.alice);
    t.bob.covault(["resolve"]).ok();
    assert_eq!((t.bob.get("ops/db/value"), t.bob.get("ops/db/user")), ("written by carol".into(), "bob".into()));
    t.bob.covault(["verify", "--history"]).ok();
}

#[test]
fn what_only_she_read_is_said_to_be_lost_to_the_others() {
    let world = World::new();
    let t = team(&world);
    t.alice.covault(["grant", "carols", "carol", "--yes"]).ok();
    pull(&t.carol, &t.alice);
    t.carol.set("carols/own", "value of carols/own");
    pull(&t.alice, &t.carol);
    let said = t.alice.covault(["member", "remove", "carol", "--yes"]).exits(8);
    assert!(said.err.contains("you cannot seal 1 secret: carols/own: nobody else can, either"), "{}", said.err);
    age_opens_none(&t.alice, &t.carol, &ALL);
}

#[test]
fn a_machine_whose_identity_she_made_is_renewed_or_kept_expressly() {
    let world = World::new();
    let t = team(&world);
    t.alice.covault(["member", "role", "carol", "admin", "--yes"]).ok();
    t.alice.set("staging/db", "value of staging/db");
    t.pull();
    let said = t.carol.covault(["member", "add", "ci", "--machine", "--grant", "staging"]).ok();
    let old = said.text().trim().to_owned();
    t.carol.covault(["member", "add", "cd", "--machine", "--grant", "staging", "--writes"]).ok();
    let dave = admit(&world, &t.carol, "dave", Role::Writer);
    pull(&t.alice, &t.carol);
    t.alice.covault(["ls"]).ok();
    let before = all_of(&t.alice);
    let said = t.alice.covault(["member", "remove", "carol", "--yes"]).exits(7);
    assert!(said.err.contains("carol made the identities of cd, ci, and may have kept them"), "{}", said.err);
    assert!(said.err.contains("covault member renew cd") && said.err.contains("--keep cd --keep ci"), "{}", said.err);
    t.alice.covault(["member", "remove", "carol", "--keep", "cd", "--yes"]).exits(7);
    same(&before, &all_of(&t.alice));
    // One is renewed: its old identity opens nothing at the new head, its new one does.
    let said = t.alice.covault(["member", "renew", "ci"]).ok();
    let new = said.text().trim().to_owned();
    assert!(new.starts_with("AGE-SECRET-KEY-1") && new != old && new.lines().count() == 1, "{}", said.err);
    assert!(said.err.contains("ci has a new identity, and the old one ends"), "{}", said.err);
    assert_eq!(t.alice.git(["log", "--format=%s", "-1"]).ok().text(), "covault: renew the machine ci\n");
    let mut ci = t.alice.clone_for(world.stranger("ci"));
    ci.vars.push(("COVAULT_VAULT".to_owned(), t.alice.git(["config", "covault.vault"]).ok().text().trim().to_owned()));
    let as_ci = |ci: &mut Person, identity: &str, code| {
        ci.vars.retain(|(name, _)| name != "COVAULT_IDENTITY");
        ci.vars.push(("COVAULT_IDENTITY".to_owned(), identity.to_owned()));
        ci.covault(["get", "staging/db"]).exits(code).text()
    };
    as_ci(&mut ci, &old, 4);
    assert_eq!(as_ci(&mut ci, &new, 0), "value of staging/db");
    // The other is kept, and that is said.
    let said = t.alice.covault(["member", "remove", "carol", "--keep", "cd", "--yes"]).ok();
    assert!(said.err.contains("carol let in: cd, ci, dave; they stay"), "{}", said.err);
    assert!(said.err.contains("carol made the identities of: cd; they are kept as they are"), "{}", said.err);
    pull(&ci, &t.alice);
    assert_eq!(as_ci(&mut ci, &new, 0), "value of staging/db");
    pull(&dave, &t.alice);
    assert_eq!(dave.get("staging/db"), "value of staging/db");
    let opinion = second_opinion(&t.alice.repo, &["--history"]);
    assert!(opinion.is_null() || opinion["verdict"] == "good", "{opinion:#}");
}

#[test]
fn a_renewed_machine_that_writes_gets_a_new_signing_key_and_what_it_wrote_stays_good() {
    let world = World::new();
    let t = team(&world);
    let said =
        json(&t.alice.covault(["member", "add", "ci", "--machine", "--grant", "dev", "--writes", "--json"]).ok());
    let old = said["identity"].as_str().unwrap().to_owned();
    let mut ci = t.alice.clone_for(world.stranger("ci"));
    ci.vars.push(("COVAULT_VAULT".to_owned(), said["vault"].as_str().unwrap().to_owned()));
    ci.vars.push(("COVAULT_IDENTITY".to_owned(), old.clone()));
    ci.set("dev/token", "written by the machine");
    pull(&t.alice, &ci);
    t.alice.covault(["ls"]).ok();
    let before = all_of(&t.alice);
    assert!(t.alice.covault(["member", "renew", "ci", "--dry-run"]).ok().out.is_empty());
    same(&before, &all_of(&t.alice));
    let said = json(&t.alice.covault(["member", "renew", "ci", "--json"]).ok());
    let new = said["identity"].as_str().unwrap().to_owned();
    assert_eq!(new.split_whitespace().count(), 2, "{said}");
    assert_eq!(t.alice.get("dev/token"), "written by the machine");
    let at = t.alice.covault(["show", "dev/token", "--at", "HEAD~1", "--reveal"]).ok().text();
    assert!(at.contains("written by the machine"), "{at}");
    pull(&ci, &t.alice);
    ci.covault_fed(b"x", ["set", "dev/token"]).exits(4);
    ci.vars.retain(|(name, _)| name != "COVAULT_IDENTITY");
    ci.vars.push(("COVAULT_IDENTITY".to_owned(), new));
    ci.set("dev/token", "written by the machine, renewed");
    pull(&t.alice, &ci);
    assert_eq!(t.alice.get("dev/token"), "written by the machine, renewed");
    // A person's keys are made by the person.
    let before = head(&t.alice);
    let said = t.alice.covault(["member", "renew", "bob", "--yes"]).exits(7);
    assert!(said.err.contains("hint: there: covault join --renew; then here"), "{}", said.err);
    assert!(said.out.is_empty() && head(&t.alice) == before);
    pull(&t.bob, &t.alice);
    t.bob.covault(["member", "renew", "ci"]).exits(4);
}

#[test]
fn a_machine_leaves_by_the_same_command() {
    let world = World::new();
    let t = team(&world);
    let ci = admit_machine(&world, &t.alice, "ci", Role::Reader);
    t.alice.covault(["grant", "dev", "--add", "ci", "--yes"]).ok();
    pull(&ci, &t.alice);
    assert_eq!(ci.get("dev/api"), "written by carol");
    let said = t.alice.covault(["member", "remove", "ci", "--yes"]).ok();
    assert!(said.err.contains("ci is a reader (machine)") && said.err.contains("ci loses 1 secret"), "{}", said.err);
    pull(&ci, &t.alice);
    ci.covault(["get", "dev/api"]).exits(4);
    age_opens_none(&t.alice, &ci, &["dev/api"]);
    // The grant that names nobody else but the living goes on.
    t.bob.covault(["ls"]).ok();
    pull(&t.bob, &t.alice);
    assert_eq!(t.bob.get("dev/api"), "written by carol");
}

#[test]
fn a_request_of_hers_goes_with_her() {
    let world = World::new();
    let alice = world.team("alice");
    let carol = world.joins(&alice, "carol");
    alice.set("app", "value of app");
    let mut laptop = world.newcomer("carols laptop");
    laptop.name = "carol".to_owned();
    let line = alice.covault(["member", "invite", "carol"]).ok().text();
    laptop.covault(["join", "--invite", line.trim(), "--device", "second"]).ok();
    laptop.git(["push", "-q", "-f", "origin", "covault/join/carol"]).ok();
    alice.git(["fetch", "-q"]).ok();
    alice.git(["checkout", "-q", "origin/covault/join/carol", "--", ".covault/requests/carol.toml"]).ok();
    alice.git(["commit", "-qm", "a request by pull request"]).ok();
    assert!(alice.repo.join(".covault/requests/carol.toml").exists());
    alice.covault(["member", "remove", "carol", "--yes"]).ok();
    let changed = alice.git(["diff", "--name-status", "HEAD~1", "HEAD"]).ok().text();
    assert!(changed.contains("D\t.covault/requests/carol.toml"), "{changed}");
    assert_eq!(alice.git(["status", "--porcelain"]).ok().text(), "");
    // Neither that one nor the invite lets her in again.
    alice.covault(["member", "approve", "carol", "--yes"]).exits(6);
    let asked = json(&alice.covault(["member", "ls", "--requests", "--json"]).ok());
    assert!(asked["requests"].as_array().unwrap().is_empty(), "{asked}");
    assert!(asked["invites"].as_array().unwrap().is_empty(), "{asked}");
    alice.git(["push", "-q"]).ok();
    carol.git(["pull", "-q", "--ff-only"]).ok();
    carol.covault(["get", "app"]).exits(4);
}

/// What a killed run leaves: the roster and a part of the secrets on disk, nothing in the index.
fn half_done(t: &Team) {
    t.alice.covault(["member", "remove", "carol", "--yes", "--no-commit"]).ok();
    t.alice.git(["reset", "-q"]).ok();
    t.alice.git(["checkout", "-q", "HEAD", "--", ".covault/secrets/prod/db.age"]).ok();
    let dirty = t.alice.git(["status", "--porcelain"]).ok().text();
    assert!(dirty.contains("roster.toml") && dirty.contains("app.age") && !dirty.contains("db.age"), "{dirty}");
}

#[track_caller]
fn is_whole(t: &Team, since: &str, commits_made: &str) {
    assert_eq!(commits(&t.alice, since), commits_made);
    assert_eq!(t.alice.git(["status", "--porcelain"]).ok().text(), "");
    age_opens_none(&t.alice, &t.carol, &ALL);
    pull(&t.bob, &t.alice);
    for name in ["app", "prod/db", "prod/key", "dev/api"] {
        t.bob.covault(["get", name]).ok();
    }
    let opinion = second_opinion(&t.alice.repo, &["--history"]);
    assert!(opinion.is_null() || opinion["verdict"] == "good", "{opinion:#}");
}

#[test]
fn repeating_a_killed_departure_ends_in_the_whole_one() {
    let world = World::new();
    let t = team(&world);
    let at = head(&t.alice);
    half_done(&t);
    let said = t.alice.covault(["member", "remove", "carol", "--yes"]).ok();
    assert!(said.err.contains("carol was taken out already"), "{}", said.err);
    is_whole(&t, &at, "1");
}

#[test]
fn after_a_killed_departure_any_writing_command_commits_the_roster_that_it_seals_under() {
    let world = World::new();
    let t = team(&world);
    let at = head(&t.alice);
    half_done(&t);
    t.alice.set("prod/other", "something else");
    let changed = changed(&t.alice, &at);
    assert!(changed.contains(&"roster.toml".to_owned()), "{changed:?}");
    assert!(changed.contains(&"secrets/prod/db.age".to_owned()), "healed in passing: {changed:?}");
    t.alice.covault(["rekey"]).ok();
    is_whole(&t, &at, "2");
}

#[test]
fn who_left_on_the_trunk_is_not_sealed_to_on_a_branch_that_does_not_know_it() {
    let world = World::new();
    let alice = world.team("alice");
    let carol = world.joins(&alice, "carol");
    alice.set("app", "value of app");
    alice.git(["switch", "-q", "-c", "feature"]).ok();
    alice.git(["switch", "-q", "main"]).ok();
    alice.covault(["member", "remove", "carol", "--yes"]).ok();
    alice.git(["push", "-q"]).ok();
    alice.git(["switch", "-q", "feature"]).ok();
    alice.set("new", "a secret made on a branch");
    age_opens_none(&alice, &carol, &["new"]);
    let said = alice.covault(["member", "remove", "carol", "--dry-run"]).ok();
    assert!(said.err.contains("bring that here first with: git pull"), "{}", said.err);
}
