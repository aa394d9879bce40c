//! What the other commands do about issued keys: rotate, rm, set, edit, mv, show, member remove, expose, status.

use super::rig::{Rig, issue_overdue};
use crate::openrouter::fake::{Fault, Rule};
use crate::world::{Person, Said};

fn issue(person: &Person, name: &str) -> String {
    person.covault(["key", "issue", name, "--limit", "10/day"]).ok();
    person.get(name)
}

fn json(said: &Said) -> serde_json::Value {
    serde_json::from_slice(&said.out).unwrap()
}

/// When the vault says that a key ends.
fn ends(person: &Person, name: &str) -> String {
    let shown = json(&person.covault(["show", name, "--json"]).ok());
    shown["meta"]["expires"].as_str().unwrap_or_else(|| panic!("no end in {shown}")).to_owned()
}

#[test]
fn rotate_has_the_provider_make_the_new_key() {
    let rig = Rig::new();
    let (fake, alice) = (&rig.fake, &rig.alice);
    let old = issue(alice, "prod/openrouter");
    alice.set("prod/db", "of a person");
    let said = alice.covault(["rotate", "prod/openrouter", "--dry-run"]).ok();
    assert!(said.err.contains("prod/openrouter: a new key from its provider"), "{}", said.err);
    assert_eq!(alice.get("prod/openrouter"), old);
    alice.covault(["rotate", "prod/openrouter"]).exits(7);
    let said = json(&alice.covault(["rotate", "prod/openrouter", "--yes", "--json"]).ok());
    assert_eq!(said["keys"], serde_json::json!(["prod/openrouter"]));
    let new = alice.get("prod/openrouter");
    assert_ne!(new, old);
    let live: Vec<String> = fake.live_keys().into_iter().map(|key| key.secret).collect();
    assert_eq!(live, [new]);
}

#[test]
fn what_is_due_at_a_provider_is_rotated_with_the_rest() {
    let rig = Rig::new();
    let (fake, alice) = (&rig.fake, &rig.alice);
    let fresh = issue(alice, "prod/fresh");
    let said = alice.covault(["key", "rotate", "--due"]).ok();
    assert_eq!((said.err.as_str(), alice.get("prod/fresh")), ("no key is due\n", fresh.clone()));
    assert_eq!(json(&alice.covault(["key", "rotate", "--due", "--json"]).ok()), serde_json::json!([]));
    let names = ["prod/openrouter", "prod/another"];
    issue_overdue(&rig, &names);
    let (old, end) = (names.map(|name| alice.get(name)), names.map(|name| ends(alice, name)));
    // However many there are, one document.
    let said = json(&alice.covault(["key", "rotate", "--due", "--json"]).ok());
    let done: Vec<_> =
        said.as_array().unwrap().iter().map(|one| (one["secret"].clone(), one["done"].clone())).collect();
    assert_eq!(done, [("prod/another".into(), true.into()), ("prod/openrouter".into(), true.into())]);
    for (name, (old, end)) in names.iter().zip(old.iter().zip(&end)) {
        assert_ne!(alice.get(name), *old, "{name}");
        assert!(ends(alice, name) > *end, "{name}: the new key lives as long again");
    }
    assert_eq!(alice.get("prod/fresh"), fresh);
    assert_eq!(fake.live_keys().len(), 3);
}

#[test]
fn rm_takes_the_key_away_first_and_keeps_the_secret_where_that_fails() {
    let rig = Rig::new();
    let (fake, alice) = (&rig.fake, &rig.alice);
    issue(alice, "prod/openrouter");
    alice.covault(["rm", "prod/openrouter"]).exits(7);
    fake.inject(Rule::on("DELETE /keys/*", Fault::Status(500)).always());
    alice.covault(["rm", "prod/openrouter", "--yes"]).exits(9);
    assert_eq!(fake.live_keys().len(), 1);
    let status = alice.covault(["status"]).ok().text();
    assert!(status.contains("prod/openrouter: revoke by alice"), "{status}");
    // Nor is it moved away from what is open.
    alice.covault(["mv", "prod/openrouter", "prod/other"]).exits(5);
    alice.covault(["rm", "prod/openrouter", "--local-only"]).exits(5);
    fake.clear_rules();
    alice.covault(["key", "resume"]).ok();
    assert!(fake.live_keys().is_empty());
    alice.covault(["rm", "prod/openrouter"]).ok();
    alice.covault(["get", "prod/openrouter"]).exits(3);
}

#[test]
fn rm_of_several_takes_no_key_away_where_one_of_them_cannot_be_deleted() {
    let rig = Rig::new();
    let (fake, alice) = (&rig.fake, &rig.alice);
    let key = issue(alice, "prod/a");
    alice.covault_fed(b"sk_one", ["key", "issue", "prod/stripe", "--provider", "manual"]).ok();
    alice.covault_fed(b"sk_two", ["key", "rotate", "prod/stripe"]).ok();
    for (other, code) in [("prod/typo", 3), ("prod/stripe", 7)] {
        let said = alice.covault(["rm", "prod/a", other, "--yes"]).exits(code);
        assert!(said.err.contains(other), "{}", said.err);
        assert_eq!(fake.working_keys().len(), 1, "{other}: {}", said.err);
        assert_eq!(alice.get("prod/a"), key);
    }
    // What is gone when the provider stops to answer is said in the one document that there is.
    let stays = fake.key_of(&issue(alice, "prod/b")).unwrap().hash;
    fake.inject(Rule::on(&*format!("DELETE /keys/{stays}"), Fault::Status(500)).always());
    let said = alice.covault(["rm", "prod/a", "prod/b", "--yes", "--json"]).exits(9);
    let error: serde_json::Value = serde_json::from_str(said.err.lines().last().unwrap()).unwrap();
    let text = error["error"].as_str().unwrap();
    assert!(text.contains("prod/b") && text.contains("the key of prod/a went before that"), "{error}");
    fake.clear_rules();
    alice.covault(["key", "resume"]).ok();
    alice.covault(["rm", "prod/a", "prod/b", "--yes"]).ok();
    assert_eq!(fake.live_keys().len(), 0);
}

#[test]
fn what_is_open_goes_on_where_the_secret_moved_unless_others_write_there() {
    for closed in [false, true] {
        let rig = Rig::new();
        let (fake, alice) = (&rig.fake, &rig.alice);
        issue(alice, "prod/openrouter");
        if closed {
            alice.covault(["grant", "kept", "alice", "--yes"]).ok();
        }
        alice.git(["branch", "side"]).ok();
        fake.inject(Rule::on("DELETE /keys/*", Fault::Status(500)).always());
        alice.covault(["rm", "prod/openrouter", "--yes"]).exits(9);
        fake.clear_rules();
        // Somebody who has not heard of it moves the secret.
        alice.git(["checkout", "-q", "side"]).ok();
        alice.covault(["mv", "prod/openrouter", "kept/openrouter"]).ok();
        alice.git(["checkout", "-q", "main"]).ok();
        alice.git(["merge", "-q", "--no-edit", "side"]).ok();
        let said = alice.covault(["key", "resume"]);
        if closed {
            assert_eq!(said.code, 3, "{}", said.err);
            assert!(said.err.contains("'prod/openrouter' was moved to 'kept/openrouter'"), "{}", said.err);
            assert_eq!(fake.live_keys().len(), 1);
        } else {
            assert!(said.code == 0 && said.err.contains("moved to kept/openrouter: going on there"), "{}", said.err);
            assert!(fake.live_keys().is_empty());
        }
    }
}

#[test]
fn a_key_that_has_expired_gets_other_fields_all_the_same() {
    let rig = Rig::new();
    issue_overdue(&rig, &["prod/over"]);
    let end = ends(&rig.alice, "prod/over");
    rig.alice.covault_fed(b"hook", ["set", "prod/over", "--stdin", "webhook"]).ok();
    assert_eq!(rig.alice.get("prod/over/webhook"), "hook");
    assert_eq!(ends(&rig.alice, "prod/over"), end);
    rig.alice.covault(["set", "prod/over", "--expires", "2030-01-01"]).exits(2);
}

#[test]
fn what_a_provider_issued_is_not_written_by_hand() {
    let rig = Rig::new();
    let alice = &rig.alice;
    let key = issue(alice, "prod/openrouter");
    let said = alice.covault_fed(b"another", ["set", "prod/openrouter"]).exits(2);
    assert!(said.err.contains("covault key rotate prod/openrouter"), "{}", said.err);
    alice.covault(["set", "prod/openrouter", "owner=payments", "--tag", "llm"]).ok();
    assert_eq!(alice.get("prod/openrouter"), key);
    let shown = alice.covault(["show", "prod/openrouter"]).ok().text();
    assert!(shown.contains("key 1 of openrouter") && shown.contains("10/day"), "{shown}");
    assert!(!shown.contains("generation"), "records are told in words: {shown}");
    assert!(!shown.contains(&key), "{shown}");
}

#[test]
fn a_leavers_keys_die_with_the_departure_and_count_until_they_do() {
    let rig = Rig::new();
    let (fake, alice) = (&rig.fake, &rig.alice);
    let old = issue(alice, "prod/openrouter");
    alice.push("main");
    let carol = rig.joins("carol");
    assert_eq!(carol.get("prod/openrouter"), old);
    // The old key cannot be deleted at first.
    fake.inject(Rule::on("DELETE /keys/*", Fault::Status(500)).always());
    let said = alice.covault(["member", "remove", "carol", "--yes"]).exits(9);
    assert!(said.err.contains("carol still knows a key"), "{}", said.err);
    let new = alice.get("prod/openrouter");
    assert_ne!(new, old, "the secret has its new key already");
    let ledger = json(&alice.covault(["expose", "carol", "--check", "--json"]).exits(8));
    assert_eq!(ledger["exposed"][0]["secret"], "prod/openrouter");
    assert_eq!(ledger["exposed"][0]["outlived"], 1);
    let said = alice.covault(["expose", "carol"]).ok().text();
    assert!(said.contains("may still work (covault status)"), "{said}");
    fake.clear_rules();
    alice.covault(["key", "resume"]).ok();
    alice.covault(["expose", "carol", "--check"]).ok();
    let live: Vec<String> = fake.live_keys().into_iter().map(|key| key.secret).collect();
    assert_eq!(live, [new]);
}

#[test]
fn keys_that_are_kept_at_a_departure_are_listed() {
    let rig = Rig::new();
    let (fake, alice) = (&rig.fake, &rig.alice);
    let old = issue(alice, "prod/openrouter");
    alice.push("main");
    rig.joins("carol");
    let said = alice.covault(["member", "remove", "carol", "--yes", "--keep-keys"]).exits(8);
    assert!(said.err.contains("1 secret: prod/openrouter"), "{}", said.err);
    assert_eq!(alice.get("prod/openrouter"), old);
    alice.covault(["expose", "carol", "--check"]).exits(8);
    alice.covault(["rotate", "--exposed-to", "carol", "--yes"]).ok();
    alice.covault(["expose", "carol", "--check"]).ok();
    assert_eq!(fake.live_keys().len(), 1);
}

#[test]
fn keys_made_by_hand_are_taken_in_and_what_is_to_be_taken_away_is_remembered() {
    let rig = Rig::alone();
    let (fake, alice) = (&rig.fake, &rig.alice);
    fake.clear_requests();
    alice.covault(["key", "issue", "prod/stripe", "--provider", "manual", "--limit", "10/day"]).exits(2);
    alice.covault_fed(b"sk_live_first", ["key", "issue", "prod/stripe", "--provider", "manual"]).ok();
    assert_eq!(alice.get("prod/stripe"), "sk_live_first");
    alice.covault_fed(b"sk_live_first", ["key", "rotate", "prod/stripe"]).exits(2);
    let said = alice.covault_fed(b"sk_live_second", ["key", "rotate", "prod/stripe"]).ok();
    assert!(said.err.contains("covault key revoke prod/stripe --done"), "{}", said.err);
    assert_eq!(alice.get("prod/stripe"), "sk_live_second");
    let status = alice.covault(["status", "--check"]).exits(8).text();
    assert!(status.contains("prod/stripe: key 1 is to be taken away by hand"), "{status}");
    // At the top level, too.
    alice.covault_fed(b"sk_live_third", ["rotate", "prod/stripe", "--stdin"]).ok();
    let status = alice.covault(["status", "--check"]).exits(8).text();
    assert!(status.contains("prod/stripe: key 2 is to be taken away by hand"), "{status}");
    alice.covault(["key", "revoke", "prod/stripe", "--done"]).ok();
    assert!(!alice.covault(["status"]).ok().text().contains("by hand"));
    alice.covault(["key", "revoke", "prod/stripe", "--done"]).exits(3);
    // The last one goes the same way.
    alice.covault(["key", "revoke", "prod/stripe", "--yes"]).ok();
    alice.covault(["get", "prod/stripe"]).exits(3);
    assert!(alice.covault(["status"]).ok().text().contains("key 3 is to be taken away by hand"));
    assert!(fake.requests().is_empty(), "nobody was asked for any of it");
}

#[test]
fn a_dry_run_asks_for_no_key_and_a_provider_that_is_none_is_said_before_one_is_given() {
    let rig = Rig::alone();
    let (fake, alice) = (&rig.fake, &rig.alice);
    fake.clear_requests();
    alice.covault_fed(b"sk_live_first", ["key", "issue", "prod/stripe", "--provider", "manual"]).ok();
    let before = alice.git(["rev-parse", "HEAD"]).text();
    for (args, would) in [
        (&["key", "issue", "prod/x", "--provider", "manual", "--dry-run"][..], "would keep prod/x\n"),
        (&["key", "rotate", "prod/stripe", "--dry-run"], "would give prod/stripe a new key\n"),
        (&["key", "login", "--dry-run"], "would keep it as providers/openrouter, read by alice\n"),
    ] {
        let said = alice.covault(args).ok();
        assert_eq!(said.err, would, "{args:?}");
    }
    for (args, error) in [
        (&["key", "login", "nope"][..], "error: there is no provider 'nope'"),
        (&["key", "login", "manual"], "error: by hand cannot be logged in to"),
        (&["key", "login", "--group", "nobody"], "error: "),
    ] {
        let said = alice.covault(args);
        assert!(said.code != 0 && said.err.starts_with(error), "{args:?}: {}", said.err);
        assert!(!said.err.contains("no management key was given"), "{args:?}: {}", said.err);
    }
    for args in [&["key", "login"][..], &["key", "rotate", "prod/stripe"]] {
        let said = alice.covault(args).exits(2);
        assert!(said.err.contains(" key was given\nhint: ") && !said.err.contains("warning"), "{}", said.err);
    }
    assert_eq!(alice.git(["rev-parse", "HEAD"]).text(), before);
    assert!(fake.requests().is_empty(), "nobody was asked for any of it");
}

#[test]
fn a_key_that_is_given_up_here_alone_is_listed_until_somebody_took_it_away() {
    let rig = Rig::new();
    let (fake, alice) = (&rig.fake, &rig.alice);
    issue(alice, "prod/openrouter");
    fake.clear_requests();
    alice.covault(["key", "revoke", "prod/openrouter", "--local-only", "--yes"]).ok();
    assert!(fake.requests().is_empty());
    assert_eq!(fake.live_keys().len(), 1);
    alice.covault(["get", "prod/openrouter"]).exits(3);
    let status = alice.covault(["status", "--check"]).exits(8).text();
    assert!(status.contains("is to be taken away by hand"), "{status}");
    // A provider that can be asked is asked.
    let said = alice.covault(["key", "revoke", "prod/openrouter", "--done"]).exits(7);
    assert!(said.err.contains("is still there"), "{}", said.err);
    alice.covault(["status", "--check"]).exits(8);
    alice.covault(["key", "revoke", "prod/openrouter", "--yes"]).ok();
    assert!(fake.live_keys().is_empty(), "what was given up is taken away all the same");
    alice.covault(["status", "--check"]).ok();
}

#[test]
fn what_a_person_took_away_at_the_provider_is_believed_when_it_does_not_know_it() {
    let rig = Rig::new();
    let (fake, alice) = (&rig.fake, &rig.alice);
    let key = issue(alice, "prod/openrouter");
    alice.covault(["key", "revoke", "prod/openrouter", "--local-only", "--yes"]).ok();
    fake.delete(&fake.key_of(&key).unwrap().hash);
    alice.covault(["key", "revoke", "prod/openrouter", "--done"]).ok();
    alice.covault(["status", "--check"]).ok();
    assert!(alice.covault(["show", "prod/openrouter"]).ok().text().contains("gone"));
}

#[test]
fn an_import_writes_over_no_key_that_a_provider_issued() {
    let rig = Rig::new();
    let alice = &rig.alice;
    let key = issue(alice, "prod/openrouter");
    let import = |text: &[u8]| alice.covault_fed(text, ["import", "-", "--format", "dotenv", "--to", "prod"]);
    let said = import(b"OPENROUTER=typed\nOTHER=x\n").exits(2);
    assert!(said.err.contains("the value of prod/openrouter was issued by a provider"), "{}", said.err);
    assert_eq!(alice.get("prod/openrouter/value"), key);
    assert!(!alice.file("prod/other").exists(), "nothing of it is written");
    import(b"OTHER=x\n").ok();
}

#[test]
fn an_old_key_does_not_come_back_with_an_old_version() {
    let rig = Rig::new();
    let alice = &rig.alice;
    let old = issue(alice, "prod/openrouter");
    alice.covault(["set", "prod/openrouter", "owner=payments"]).ok();
    alice.covault(["key", "rotate", "prod/openrouter"]).ok();
    let new = alice.get("prod/openrouter");
    alice.covault(["set", "prod/openrouter", "owner=search"]).ok();
    alice.covault(["restore", "prod/openrouter@2"]).ok();
    assert_eq!(alice.get("prod/openrouter/owner"), "payments");
    assert_eq!(alice.get("prod/openrouter/value"), new);
    assert_ne!(new, old);
    alice.covault(["key", "rotate", "prod/openrouter"]).ok();
    assert_eq!(rig.fake.live_keys().len(), 1);
}

#[test]
fn where_nothing_could_be_pushed_from_no_provider_is_asked() {
    let rig = Rig::new();
    let (fake, alice) = (&rig.fake, &rig.alice);
    issue(alice, "prod/openrouter");
    fake.clear_requests();
    // On no branch, and on one that git would push nowhere.
    for place in [&["checkout", "-q", "--detach"][..], &["checkout", "-q", "-b", "fix", "origin/main"]] {
        alice.git(place).ok();
        let main = alice.git(["ls-remote", "origin"]).ok().text();
        alice.covault(["key", "rotate", "prod/openrouter"]).exits(9);
        alice.covault(["key", "issue", "prod/other"]).exits(9);
        assert_eq!(alice.git(["ls-remote", "origin"]).ok().text(), main);
    }
    let changing = fake.requests().into_iter().find(|request| request.method != "GET");
    assert!(changing.is_none(), "{:?}", changing.map(|request| request.line()));
    assert_eq!(fake.live_keys().len(), 1);
}

#[test]
fn the_base_url_is_the_persons_own_and_never_unencrypted_over_a_network() {
    let rig = Rig::new();
    let mut alice = rig.alice;
    alice.vars.retain(|(name, _)| name != "COVAULT_OPENROUTER_URL");
    // What a repository says counts for nothing.
    std::fs::write(alice.repo.join(".covault/config.toml"), "[providers.openrouter]\nurl = \"http://127.0.0.1:9\"\n")
        .unwrap();
    std::fs::write(alice.repo.join("config.toml"), "[providers.openrouter]\nurl = \"http://127.0.0.1:9\"\n").unwrap();
    let config = alice.home.join(".config/covault/config.toml");
    let calls = std::fs::read_to_string(&config).unwrap();
    let own = format!("{calls}\n[providers.openrouter]\nurl = \"{}\"\n", rig.fake.url());
    std::fs::write(&config, own).unwrap();
    alice.covault(["key", "issue", "prod/openrouter"]).ok();
    assert_eq!(rig.fake.live_keys().len(), 1);
    rig.fake.clear_requests();
    for bad in ["http://openrouter.example/api/v1", "ftp://127.0.0.1/", "https://user:pass@127.0.0.1/"] {
        alice.vars.push(("COVAULT_OPENROUTER_URL".to_owned(), bad.to_owned()));
        let said = alice.covault(["key", "issue", "prod/other"]).exits(2);
        assert!(!said.err.contains(&rig.fake.management_key()), "{}", said.err);
        alice.vars.pop();
    }
    assert!(rig.fake.requests().is_empty());
    std::fs::write(&config, "[providers.openrouter]\nurls = \"x\"\n").unwrap();
    let said = alice.covault(["key", "issue", "prod/other"]);
    assert_ne!(said.code, 0);
    assert!(said.err.contains("config.toml"), "{}", said.err);
}

#[test]
fn a_leavers_key_that_is_switched_off_is_not_switched_on_for_its_replacement() {
    let rig = Rig::new();
    let (fake, alice) = (&rig.fake, &rig.alice);
    issue(alice, "prod/openrouter");
    alice.push("main");
    rig.joins("carol");
    alice.covault(["key", "disable", "prod/openrouter"]).ok();
    let said = alice.covault(["member", "remove", "carol", "--yes"]).exits(8);
    assert!(said.err.contains("carol still knows a key that is not gone, that of prod/openrouter"), "{}", said.err);
    assert!(said.err.contains("covault key rotate prod/openrouter --compromised"), "{}", said.err);
    assert!(!said.err.contains("key enable"), "{}", said.err);
    assert!(fake.working_keys().is_empty());
    alice.covault(["key", "rotate", "prod/openrouter", "--compromised"]).ok();
    alice.covault(["expose", "carol", "--check"]).ok();
    assert_eq!(fake.live_keys().len(), 1);
}

#[test]
fn what_several_clones_wrote_of_a_key_made_by_hand_is_nothing_for_resume() {
    let rig = Rig::new();
    let alice = &rig.alice;
    alice.covault_fed(b"sk_live_first", ["key", "issue", "prod/stripe", "--provider", "manual"]).ok();
    alice.push("main");
    let desktop = super::rig::machine_of(&rig, "desktop");
    alice.covault_fed(b"sk_live_second", ["key", "rotate", "prod/stripe"]).ok();
    desktop.covault_fed(b"sk_live_third", ["key", "rotate", "prod/stripe"]).ok();
    alice.push("main");
    desktop.covault(["sync"]);
    desktop.covault(["resolve", "prod/stripe", "--newest"]).ok();
    assert!(!desktop.covault(["status"]).ok().text().contains("several clones"), "nobody can be asked");
    desktop.covault(["key", "resume"]).ok();
}
