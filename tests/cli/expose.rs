//! `expose`: what somebody could read, may not read any more, and has not been changed since.

use covault::model::names::MemberName;
use covault::model::roster::{Operation, Role};
use serde_json::Value;

use super::{head, json, same};
use crate::team::{admit, admit_machine, amend, pull, vault};
use crate::world::{Person, World};

/// alice, with bob and carol, and three secrets that all of them read.
fn three(world: &World) -> (Person, Person, Person) {
    let alice = world.founder("alice");
    let bob = admit(world, &alice, "bob", Role::Writer);
    let carol = admit(world, &alice, "carol", Role::Writer);
    alice.covault_fed(b"password-of-db", ["set", "prod/db", "user=app", "--stdin", "password"]).ok();
    alice.covault_fed(b"postgres://db.example", ["set", "prod/db", "--stdin", "url"]).ok();
    alice.set("api", "key-of-the-api");
    (alice, bob, carol)
}

/// Takes somebody out, as an admin.
fn remove(admin: &Person, name: &str) {
    let member = vault(admin).roster().named(&MemberName::parse(name).unwrap()).unwrap().reference();
    amend(admin, vec![Operation::Remove { member, live: Vec::new() }.into()], &format!("covault: remove {name}"));
}

/// The list, as `MEMBER SECRET FIELD FIELD…`.
#[track_caller]
fn exposed(person: &Person, args: &[&str]) -> Vec<String> {
    let said = json(&person.covault([&["expose", "--json"], args].concat()).ok());
    let line = |one: &Value| {
        let fields: Vec<&str> = one["fields"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        assert_eq!(one["known"], fields.len());
        format!("{} {} {}", one["member"].as_str().unwrap(), one["secret"].as_str().unwrap(), fields.join(" "))
    };
    said["exposed"].as_array().unwrap().iter().map(line).collect()
}

#[test]
fn what_somebody_who_left_could_read_stays_on_the_list_until_it_was_changed() {
    let world = World::new();
    let (alice, _, _) = three(&world);
    assert_eq!(exposed(&alice, &[]), Vec::<String>::new());
    let said = alice.covault(["expose", "carol", "--check"]).ok();
    assert!(said.out.is_empty() && said.err == "nothing in use could be read by carol\n", "{}", said.err);
    remove(&alice, "carol");
    assert_eq!(exposed(&alice, &["carol"]), ["carol api value", "carol prod/db password url"]);
    assert_eq!(exposed(&alice, &[]), exposed(&alice, &["carol"]));
    assert_eq!(exposed(&alice, &["bob"]), Vec::<String>::new());
    alice.covault(["expose", "carol"]).ok();
    alice.covault(["expose", "carol", "--check"]).exits(8);
    alice.covault(["expose", "--check"]).exits(8);
    alice.covault(["expose", "bob", "--check"]).ok();
    let status = json(&alice.covault(["status", "--json"]).ok());
    assert_eq!(status["exposed"], serde_json::json!([{"member": "carol", "secrets": 2}]));
    assert!(alice.covault(["status", "--check"]).exits(8).text().contains("  carol: 2 secrets\n"));
    // What is no secret is not on it, and neither is one of two fields once it was changed.
    alice.covault_fed(b"another-password", ["set", "prod/db", "user=root", "--stdin", "password"]).ok();
    assert_eq!(exposed(&alice, &["carol"]), ["carol api value", "carol prod/db url"]);
    alice.covault_fed(b"postgres://new.example", ["set", "prod/db", "--stdin", "url"]).ok();
    assert_eq!(exposed(&alice, &["carol"]), ["carol api value"]);
    // A new name is no new value.
    alice.covault(["mv", "api", "prod/api"]).ok();
    assert_eq!(exposed(&alice, &["carol"]), ["carol prod/api value"]);
    alice.set("prod/api", "another key of the api");
    alice.covault(["expose", "carol", "--check"]).ok();
    alice.covault(["expose", "zacharias"]).exits(3);
}

#[test]
fn the_list_says_which_version_since_when_and_until_when() {
    let world = World::new();
    let (alice, _, _) = three(&world);
    let commit = head(&alice);
    remove(&alice, "carol");
    let said = json(&alice.covault(["expose", "carol", "--json"]).ok());
    let api = &said["exposed"][0];
    assert_eq!((&api["secret"], &api["revision"], &api["commit"]), (&"api".into(), &1.into(), &commit.as_str().into()));
    assert!(api["own"] == true && api["is_member"] == false && api["through"] == Value::Array(vec![]), "{api}");
    let time = |name: &str| api[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    // The removal was signed at the time that the library was handed.
    assert_eq!(time("until").as_second(), 1_790_000_000);
    assert_ne!(time("since"), time("until"));
    assert_eq!(said["exposed"][1]["revision"], 2);
    for what in ["incomplete", "shallow"] {
        assert_eq!(said[what], false);
    }
    assert!(said["missing"] == 0 && said["unseen"] == 0 && said["deleted"] == Value::Array(vec![]), "{said}");
    let text = alice.covault(["expose"]).ok().text();
    let row = text.lines().nth(2).unwrap();
    assert!(row.starts_with("carol") && row.contains("prod/db") && row.contains("password, url"), "{text}");
}

#[test]
fn no_key_is_needed_and_then_values_are_counted() {
    let world = World::new();
    let (alice, _, _) = three(&world);
    remove(&alice, "carol");
    alice.covault_fed(b"another-password", ["set", "prod/db", "--stdin", "password"]).ok();
    let id = vault(&alice).roster().vault.to_string();
    let mut ci = alice.clone_for(world.stranger("ci"));
    ci.vars.push(("COVAULT_VAULT".to_owned(), id));
    let said = json(&ci.covault(["expose", "carol", "--json"]).ok());
    let db = &said["exposed"][1];
    assert!(db["fields"].is_null() && db["known"] == 1 && db["total"] == 2, "{db}");
    let said = ci.covault(["expose", "--check"]).exits(8);
    assert!(said.text().contains("1 of 2 values"), "{}", said.text());
}

#[test]
fn what_was_restored_is_the_old_value_to_who_has_a_key_and_a_new_one_to_who_has_none() {
    let world = World::new();
    let (alice, _, _) = three(&world);
    remove(&alice, "carol");
    alice.set("api", "another key of the api");
    assert_eq!(exposed(&alice, &["carol"]), ["carol prod/db password url"]);
    // Typed in again it is what she knows, whichever command wrote it.
    alice.set("api", "key-of-the-api");
    assert_eq!(exposed(&alice, &["carol"]), ["carol api value", "carol prod/db password url"]);
    alice.set("api", "another key of the api");
    assert_eq!(exposed(&alice, &["carol"]), ["carol prod/db password url"]);
    alice.covault(["restore", "api"]).ok();
    assert_eq!(alice.get("api"), "key-of-the-api");
    assert_eq!(exposed(&alice, &["carol"]), ["carol api value", "carol prod/db password url"]);
    let mut ci = alice.clone_for(world.stranger("ci"));
    ci.vars.push(("COVAULT_VAULT".to_owned(), vault(&alice).roster().vault.to_string()));
    let said = json(&ci.covault(["expose", "carol", "--json"]).ok());
    let names: Vec<_> = said["exposed"].as_array().unwrap().iter().map(|one| one["secret"].as_str().unwrap()).collect();
    assert_eq!(names, ["prod/db"]);
}

#[test]
fn a_share_that_was_taken_back_and_a_narrower_grant_are_on_the_list_too() {
    let world = World::new();
    let (alice, bob, _) = three(&world);
    alice.covault(["grant", "prod", "alice", "--yes"]).ok();
    assert_eq!(exposed(&alice, &[]), ["bob prod/db password url", "carol prod/db password url"]);
    // Who reads it again knows nothing that they should not.
    alice.covault(["share", "prod/db", "bob", "--yes"]).ok();
    assert_eq!(exposed(&alice, &[]), ["carol prod/db password url"]);
    alice.covault_fed(b"another-password", ["set", "prod/db", "--stdin", "password"]).ok();
    alice.covault(["unshare", "prod/db", "bob", "--yes"]).ok();
    assert_eq!(exposed(&alice, &[]), ["bob prod/db password url", "carol prod/db url"]);
    let said = json(&alice.covault(["expose", "bob", "--json"]).ok());
    assert_eq!(said["exposed"][0]["is_member"], true);
    // Sealed anew for the same readers it is the same value.
    alice.covault(["share", "prod/db", "carol", "--yes"]).ok();
    alice.covault(["unshare", "prod/db", "carol", "--yes"]).ok();
    assert_eq!(exposed(&alice, &["bob"]), ["bob prod/db password url"]);
    // Bob sees it as well as alice does, but for the names of fields that are not sealed to him.
    pull(&bob, &alice);
    let said = json(&bob.covault(["expose", "bob", "--json"]).ok());
    assert!(said["exposed"][0]["known"] == 2 && said["exposed"][0]["fields"].is_null(), "{said}");
}

#[test]
fn what_is_still_sealed_to_somebody_who_left_is_said_to_be() {
    let world = World::new();
    let (alice, bob, _) = three(&world);
    // Only bob reads it beside carol: alice cannot seal it anew.
    pull(&bob, &alice);
    alice.covault(["grant", "bobs", "bob", "carol", "--yes"]).ok();
    pull(&bob, &alice);
    bob.set("bobs/own", "known to bob and carol");
    pull(&alice, &bob);
    remove(&alice, "carol");
    let said = json(&alice.covault(["expose", "carol", "--json"]).ok());
    let own = said["exposed"].as_array().unwrap().iter().find(|one| one["secret"] == "bobs/own").unwrap();
    assert!(own["until"].is_null() && own["known"] == 1, "{own}");
    assert!(alice.covault(["expose", "carol"]).ok().text().contains("still sealed"));
}

#[test]
fn machines_count_for_whoever_made_their_identities() {
    let world = World::new();
    let (alice, bob, _) = three(&world);
    let member = |name: &str| vault(&alice).roster().named(&MemberName::parse(name).unwrap()).unwrap().reference();
    amend(&alice, vec![Operation::Role { member: member("bob"), role: Role::Admin, live: vec![] }.into()], "role");
    alice.covault(["grant", "api", "alice", "carol", "--yes"]).ok();
    pull(&bob, &alice);
    admit_machine(&world, &bob, "ci", Role::Reader);
    pull(&alice, &bob);
    alice.covault(["grant", "deploy", "alice", "carol", "ci", "--yes"]).ok();
    alice.set("deploy/key", "key of the deployment");
    // An admin is trusted with the machines that he makes.
    assert_eq!(exposed(&alice, &[]), ["bob api value"]);
    alice.covault_fed(b"another-key", ["set", "api"]).ok();
    remove(&alice, "bob");
    let said = json(&alice.covault(["expose", "bob", "--json"]).ok());
    let all = said["exposed"].as_array().unwrap();
    let key = all.iter().find(|one| one["secret"] == "deploy/key").unwrap();
    assert!(key["own"] == false && key["through"][0] == "ci" && key["until"].is_null(), "{key}");
    let said = alice.covault(["expose", "bob"]).ok();
    assert!(said.text().contains("value (through ci)"), "{}", said.text());
    assert!(said.err.contains("covault member renew ci"), "{}", said.err);
    // A value that ci reads is one that bob can read.
    alice.set("deploy/key", "another key of the deployment");
    assert!(exposed(&alice, &["bob"]).contains(&"bob deploy/key value".to_owned()));
    // Without the machine, a new value is all that it takes.
    remove(&alice, "ci");
    assert!(exposed(&alice, &["ci"]) == ["ci deploy/key value"]);
    alice.set("deploy/key", "a third key of the deployment");
    assert_eq!(exposed(&alice, &["ci"]), Vec::<String>::new());
    assert!(!exposed(&alice, &["bob"]).iter().any(|line| line.contains("deploy")));
}

#[test]
fn a_branch_counts_once_it_is_merged_and_before_that_if_asked_for() {
    let world = World::new();
    let (alice, _, _) = three(&world);
    alice.covault(["grant", "prod", "alice", "--yes"]).ok();
    for field in ["password", "url"] {
        alice.covault_fed(b"a new value of it", ["set", "prod/db", "--stdin", field]).ok();
    }
    assert_eq!(exposed(&alice, &[]), Vec::<String>::new());
    alice.git(["switch", "-q", "-c", "side"]).ok();
    alice.covault(["share", "prod/db", "carol", "--yes"]).ok();
    alice.git(["switch", "-q", "main"]).ok();
    alice.set("other", "something else entirely");
    assert_eq!(exposed(&alice, &[]), Vec::<String>::new());
    assert_eq!(exposed(&alice, &["--all"]), ["carol prod/db password url"]);
    // Whatever the merge takes of it.
    alice.git(["merge", "-q", "-s", "ours", "--no-edit", "side"]).ok();
    assert_eq!(exposed(&alice, &[]), ["carol prod/db password url"]);
}

/// A clone of alice's repository with her keys, made by `git clone ARGS`.
fn clone_of(world: &World, alice: &Person, name: &str, args: &[&str]) -> Person {
    let mut clone = world.stranger(name);
    clone.home = alice.home.clone();
    let url = format!("file://{}", alice.repo.display());
    clone.git([&["clone", "-q"], args, &[&url, clone.repo.to_str().unwrap()]].concat()).ok();
    clone
}

#[test]
fn a_clone_with_a_part_of_the_history_says_so() {
    let world = World::new();
    let (alice, _, _) = three(&world);
    remove(&alice, "carol");
    for option in ["uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"] {
        alice.git(["config", option, "true"]).ok();
    }
    let shallow = clone_of(&world, &alice, "shallow", &["--depth=1"]);
    let said = shallow.covault(["expose", "carol"]).ok();
    assert!(said.out.is_empty() && said.err.contains("git fetch --unshallow"), "{}", said.err);
    let said = json(&shallow.covault(["expose", "carol", "--json"]).ok());
    assert!(said["incomplete"] == true && said["shallow"] == true, "{said}");
    // What was remembered of a part does not stand for the whole.
    shallow.git(["fetch", "-q", "--unshallow"]).ok();
    assert_eq!(exposed(&shallow, &["carol"]), ["carol api value", "carol prod/db password url"]);
    assert_eq!(json(&shallow.covault(["expose", "--json"]).ok())["incomplete"], false);
    // A partial clone fetches what it lacks, and says what it could not fetch.
    for (n, filter) in ["--filter=blob:none", "--filter=tree:0"].iter().enumerate() {
        let partial = clone_of(&world, &alice, &format!("partial{n}"), &[filter]);
        let url = partial.git(["config", "remote.origin.url"]).ok().text();
        partial.git(["config", "remote.origin.url", "file:///nowhere at all"]).ok();
        let said = json(&partial.covault(["expose", "carol", "--json"]).ok());
        assert!(said["incomplete"] == true && said["missing"].as_u64() > Some(0), "{filter}: {said}");
        let said = partial.covault(["expose", "carol"]).ok();
        assert!(said.err.contains("could not be fetched: more may have been read"), "{}", said.err);
        partial.git(["config", "remote.origin.url", url.trim()]).ok();
        assert_eq!(exposed(&partial, &["carol"]), ["carol api value", "carol prod/db password url"], "{filter}");
    }
}

#[test]
fn who_has_no_key_puts_nobody_on_the_list_and_takes_nobody_off() {
    let world = World::new();
    let (alice, bob, carol) = three(&world);
    let old = std::fs::read(alice.file("api")).unwrap();
    alice.covault(["grant", "prod", "alice", "bob", "--yes"]).ok();
    remove(&alice, "carol");
    let list = exposed(&alice, &[]);
    assert_eq!(list, ["carol api value", "carol prod/db password url"]);
    let good = std::fs::read(alice.file("api")).unwrap();
    let commit = |what: &str| {
        alice.git(["add", "-A"]).ok();
        alice.git(["commit", "-q", "-m", what]).ok()
    };
    // A version with other readers, by nobody: one byte of a name.
    let mut forged = good.clone();
    forged[300] ^= 1;
    std::fs::write(alice.file("api"), &forged).unwrap();
    commit("forged");
    assert_eq!(exposed(&alice, &[]), list);
    // An old version put back, a file taken away.
    std::fs::write(alice.file("api"), &old).unwrap();
    commit("rolled back");
    assert_eq!(exposed(&alice, &[]), list);
    std::fs::remove_file(alice.file("api")).unwrap();
    commit("taken away");
    assert_eq!(exposed(&alice, &[]), list);
    std::fs::write(alice.file("api"), &good).unwrap();
    commit("back");
    // What carol signs after she left, on a branch where she is still in: it takes no other version's place.
    carol.git(["config", "covault.trunk", "refs/heads/main"]).ok();
    pull(&carol, &bob);
    carol.git(["reset", "-q", "--hard", "origin/HEAD"]).ok();
    carol.git([std::ffi::OsStr::new("fetch"), "-q".as_ref(), alice.repo.as_os_str(), "HEAD".as_ref()]).ok();
    let before = alice.git(["rev-list", "--max-count=1", "HEAD", "--", ".covault/roster.toml"]).ok().text();
    carol.git(["reset", "-q", "--hard", &format!("{}^", before.trim())]).ok();
    carol.set("api", "a value of carols own");
    std::fs::copy(carol.file("api"), alice.file("api")).unwrap();
    commit("what carol wrote");
    alice.covault(["get", "api"]).exits(6);
    assert_eq!(exposed(&alice, &[]), list);
}

#[test]
fn what_was_deleted_is_noted_and_off_the_list() {
    let world = World::new();
    let (alice, _, _) = three(&world);
    remove(&alice, "carol");
    alice.covault(["rm", "prod/db"]).ok();
    assert_eq!(exposed(&alice, &[]), ["carol api value"]);
    let said = alice.covault(["expose", "carol"]).ok();
    assert!(said.err.contains("deleted, and perhaps still in use somewhere: 1 secret: prod/db"), "{}", said.err);
    let said = json(&alice.covault(["expose", "--json"]).ok());
    assert_eq!(said["deleted"], serde_json::json!([{"member": "carol", "secret": "prod/db"}]));
    alice.set("api", "another key of the api");
    alice.covault(["expose", "--check"]).ok();
    // It comes back with values that are written anew: whose key opens both knows that they are the old ones.
    let said = alice.covault(["restore", "prod/db"]).ok();
    assert!(said.err.contains("carol could read the old values of prod/db: covault rotate prod/db"), "{}", said.err);
    assert_eq!(exposed(&alice, &[]), ["carol prod/db password url"]);
    let help = alice.covault(["expose", "--help"]).ok().text();
    assert!(help.contains("restore nothing that somebody who left could read"), "{help}");
    assert!(help.contains("on the list where your key opens both"), "{help}");
}

#[test]
fn a_second_look_reads_only_what_is_new_and_finds_the_same() {
    let world = World::new();
    let (alice, _, _) = three(&world);
    remove(&alice, "carol");
    let first = exposed(&alice, &[]);
    let id = vault(&alice).roster().vault.to_string();
    let folder = alice.home.join(".local/state/covault").join(id);
    let cache = || {
        let files = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path());
        files.filter(|file| file.file_name().unwrap().to_string_lossy().starts_with("past-")).collect::<Vec<_>>()
    };
    let [file] = &cache()[..] else { panic!("no cache: {:?}", cache()) };
    let known = std::fs::read(file).unwrap();
    let written = || std::fs::metadata(file).unwrap().modified().unwrap();
    let (before, at) = (super::all_of(&alice), written());
    assert_eq!(exposed(&alice, &[]), first);
    same(&before, &super::all_of(&alice));
    assert_eq!(written(), at, "nothing was new, and it was written again");
    // On top of what is known.
    alice.covault_fed(b"another-password", ["set", "prod/db", "--stdin", "password"]).ok();
    let second = exposed(&alice, &[]);
    assert_eq!(second, ["carol api value", "carol prod/db url"]);
    assert!(std::fs::read(file).unwrap().len() > known.len());
    // Another line of history is another list, whatever was remembered.
    alice.git(["switch", "-q", "-c", "side", "HEAD~1"]).ok();
    assert_eq!(exposed(&alice, &[]), first);
    alice.git(["switch", "-q", "main"]).ok();
    assert_eq!(exposed(&alice, &[]), second);
    // A damaged cache is none.
    for bad in [&b""[..], b"covault past 1\ntip \nv nonsense\n", &known[..known.len() - 7], b"\xff\xfe"] {
        std::fs::write(file, bad).unwrap();
        assert_eq!(exposed(&alice, &[]), second);
    }
    std::fs::remove_file(file).unwrap();
    assert_eq!(exposed(&alice, &[]), second);
}

#[test]
fn a_squashed_branch_is_counted_as_not_seen() {
    let world = World::new();
    let (alice, _, _) = three(&world);
    alice.git(["switch", "-q", "-c", "side"]).ok();
    alice.set("api", "the first of two");
    alice.set("api", "the second of two");
    alice.git(["switch", "-q", "main"]).ok();
    alice.git(["merge", "-q", "--squash", "side"]).ok();
    alice.git(["commit", "-q", "-m", "squashed"]).ok();
    remove(&alice, "carol");
    assert_eq!(json(&alice.covault(["expose", "--json"]).ok())["unseen"], 1);
    assert_eq!(json(&alice.covault(["expose", "--all", "--json"]).ok())["unseen"], 0);
    let said = alice.covault(["expose"]).ok();
    assert!(said.err.contains("1 earlier version") && said.text().contains("carol"), "{}", said.err);
    // The version before the squashed ones was replaced all the same.
    assert_eq!(exposed(&alice, &[]), ["carol api value", "carol prod/db password url"]);
}

#[test]
fn what_a_lost_device_could_read_is_listed_where_it_is_asked_for() {
    let world = World::new();
    let (alice, bob, _) = three(&world);
    assert_eq!(exposed(&alice, &["bob", "--devices"]), Vec::<String>::new());
    // His keys are on the lost machine; he makes new ones.
    let anew = world.stranger("bob anew");
    let vault = vault(&alice);
    let (card, signature) = crate::team::card(&vault, &anew, "bob", covault::model::card::Kind::Person);
    let member = vault.roster().named(&MemberName::parse("bob").unwrap()).unwrap().reference();
    let operation = Operation::Renew { member, card, live: Vec::new() };
    let step = covault::vault::amend::Step { operation, card_signature: Some(signature) };
    amend(&alice, vec![step], "covault: renew bob");
    assert_eq!(exposed(&alice, &["bob"]), Vec::<String>::new(), "he knows them all the same");
    assert_eq!(exposed(&alice, &["bob", "--devices"]), ["bob api value", "bob prod/db password url"]);
    let said = json(&alice.covault(["rotate", "--exposed-to", "bob", "--devices", "--yes", "--json"]).exits(8));
    assert_eq!(said["left"].as_array().unwrap().len(), 3);
    alice.set("api", "another key of the api");
    assert_eq!(exposed(&alice, &["--devices"]), ["bob prod/db password url"]);
    pull(&bob, &alice);
    bob.covault(["get", "api"]).exits(4);
}
