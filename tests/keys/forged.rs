//! Who writes a secret writes its record, and may not manage keys: what they write there makes nobody who does touch
//! another key of the account.

use covault::home::{Home, KeySources};
use covault::model::keys::limit::Limits;
use covault::model::keys::record::{KeyRecord, RemoteId};
use covault::model::names::{MetaName, SecretPath};
use covault::model::register::{Key, Value};
use covault::model::time::Time;
use covault::vault::Vault;
use covault::vault::draft::Draft;
use covault::vault::write::How;

use super::rig::{Rig, limit_of};
use crate::world::Person;

fn vault(person: &Person) -> Vault {
    let sources = KeySources { literal: None, identity_file: None, signing_file: None, agent_socket: None };
    let nobody = Box::new(|_: &str| None);
    let home =
        Home::new(person.home.join(".config/covault"), person.home.join(".local/state/covault"), sources, nobody);
    Vault::open(&person.repo, home, None).unwrap()
}

fn record(vault: &Vault, name: &str) -> KeyRecord {
    let secret = vault.secret(&SecretPath::parse(name).unwrap()).unwrap();
    KeyRecord::of(&secret.document, secret.manifest.at).unwrap()
}

/// Writes a record as it is, without the command that would refuse to.
fn forge(person: &Person, name: &str, record: &KeyRecord) {
    person.git(["config", "user.name", &person.name]).ok();
    person.git(["config", "user.email", "x@example.org"]).ok();
    let vault = vault(person);
    let now = Time::from_unix(record.updated.unix() + 5);
    let how = How { now, dry_run: false, no_commit: false, program: env!("CARGO_BIN_EXE_covault").to_owned() };
    let writing = vault.writing(&how).unwrap();
    let mut draft = Draft::after(vault.secret(&SecretPath::parse(name).unwrap()).unwrap());
    let key = Key::Meta(MetaName::parse("key").unwrap());
    let write = vault.write_of(&key, Value::text(&record.to_text()), true, now).unwrap();
    draft.document.put(&key, write);
    writing.finish(&[draft], Vec::new(), "nothing to see here").unwrap();
}

#[test]
fn a_record_that_hides_the_key_makes_nobody_believe_that_it_is_gone() {
    let rig = Rig::new();
    let (fake, alice) = (&rig.fake, &rig.alice);
    alice.covault(["key", "issue", "prod/a"]).ok();
    alice.push("main");
    let bob = rig.joins("bob");
    let hidden = KeyRecord { id: RemoteId::parse("aaaa"), ..record(&vault(&bob), "prod/a") };
    forge(&bob, "prod/a", &hidden);
    bob.push("main");
    alice.git(["pull", "-q"]).ok();
    for command in [
        ["key", "rotate", "prod/a"].as_slice(),
        &["key", "rotate", "prod/a", "--compromised"],
        &["key", "revoke", "prod/a", "--yes"],
    ] {
        let said = alice.covault(command).exits(4);
        assert!(said.err.contains("has not got the key"), "{}", said.err);
        assert_eq!(fake.live_keys().len(), 1);
        alice.covault(["key", "resume", "prod/a"]).exits(3);
    }
    // The account's own list shows it.
    assert!(alice.covault(["key", "ls"]).text().contains("orphan"));
}

#[test]
fn a_record_that_names_another_secrets_key_makes_nobody_touch_it() {
    let rig = Rig::new();
    let (fake, alice) = (&rig.fake, &rig.alice);
    for name in ["prod/a", "prod/b"] {
        alice.covault(["key", "issue", name, "--limit", "10/day", "--limit", "100/month"]).ok();
    }
    let stranger = fake.add_key("of another team");
    alice.push("main");
    let bob = rig.joins("bob");
    bob.covault(["set", "prod/a", "--meta", "key={}"]).exits(2);
    let of_b = record(&vault(&bob), "prod/b");
    let of_a = record(&vault(&bob), "prod/a");
    let foreign = KeyRecord { id: RemoteId::parse(&stranger.hash), ..of_a.clone() };
    for (forged, id) in [(of_b.clone(), of_b.id.clone().unwrap().to_string()), (foreign, stranger.hash.clone())] {
        forge(&bob, "prod/a", &forged);
        bob.push("main");
        alice.git(["pull", "-q"]).ok();
        let before: Vec<_> = fake.live_keys().into_iter().map(|key| (key.hash, key.disabled, key.limit)).collect();
        for command in [
            ["key", "rotate", "prod/a"].as_slice(),
            &["key", "rotate", "prod/a", "--compromised"],
            &["key", "revoke", "prod/a", "--yes"],
            &["key", "disable", "prod/a"],
            &["key", "limits", "prod/a", "--limit", "1/day"],
        ] {
            fake.clear_requests();
            let said = alice.covault(command);
            assert_eq!(said.code, 6, "{command:?} {}", said.err);
            let touched =
                fake.requests().into_iter().find(|request| request.method != "GET" && request.path.contains(&id));
            assert!(touched.is_none(), "{command:?} {:?}", touched.map(|request| request.line()));
            alice.covault(["key", "resume", "prod/a"]).exits(3);
        }
        alice.covault(["key", "usage"]);
        let after: Vec<_> = fake.live_keys().into_iter().map(|key| (key.hash, key.disabled, key.limit)).collect();
        assert_eq!(after, before);
        bob.git(["pull", "-q"]).ok();
    }
}

/// What there is to stop and to change a key with; the last one takes it away.
const STOPS: [&[&str]; 4] = [
    &["key", "limits", "NAME", "--limit", "1/day"],
    &["key", "disable", "NAME"],
    &["key", "rotate", "NAME", "--compromised"],
    &["key", "revoke", "NAME", "--yes"],
];

fn stops(name: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    STOPS.into_iter().map(move |command| command.iter().map(|word| if *word == "NAME" { name } else { word }).collect())
}

#[test]
fn what_lives_at_a_keys_old_name_keeps_nobody_from_stopping_it() {
    for reads_all in [true, false] {
        let rig = Rig::new();
        let (fake, alice) = (&rig.fake, &rig.alice);
        alice.covault(["key", "issue", "prod/a"]).ok();
        alice.covault(["mv", "prod/a", "legacy/a"]).ok();
        alice.covault_fed(b"another secret", ["set", "prod/a", "--new"]).ok();
        alice.push("main");
        if !reads_all {
            let bob = rig.joins("bob");
            alice.covault(["grant", "private", "bob", "--yes"]).ok();
            alice.push("main");
            bob.git(["pull", "-q", "--ff-only"]).ok();
            bob.set("private/b", "not for alice");
            bob.push("main");
            alice.git(["pull", "-q", "--ff-only"]).ok();
            alice.covault(["get", "private/b"]).exits(4);
        }
        for command in stops("legacy/a") {
            let said = alice.covault(&command);
            assert_eq!(said.code, 0, "{command:?} {}", said.err);
        }
        assert!(fake.live_keys().is_empty());
        assert_eq!(alice.get("prod/a"), "another secret");
    }
}

#[test]
fn a_record_that_names_the_key_of_a_secret_that_moved_makes_nobody_touch_it() {
    let rig = Rig::new();
    let (fake, alice) = (&rig.fake, &rig.alice);
    for name in ["prod/a", "prod/b"] {
        alice.covault(["key", "issue", name]).ok();
    }
    alice.covault(["mv", "prod/b", "prod/c"]).ok();
    alice.push("main");
    let bob = rig.joins("bob");
    let of_c = record(&vault(&bob), "prod/c");
    let id = of_c.id.clone().unwrap().to_string();
    forge(&bob, "prod/a", &of_c);
    bob.push("main");
    alice.git(["pull", "-q"]).ok();
    for command in stops("prod/a") {
        fake.clear_requests();
        let said = alice.covault(&command);
        assert_eq!(said.code, 6, "{command:?} {}", said.err);
        let touched = fake.requests().into_iter().find(|request| request.method != "GET" && request.path.contains(&id));
        assert!(touched.is_none(), "{command:?} {:?}", touched.map(|request| request.line()));
    }
    // Nor does it keep anybody from stopping it where it is.
    for command in stops("prod/c") {
        let said = alice.covault(&command);
        assert_eq!(said.code, 0, "{command:?} {}", said.err);
    }
    assert!(fake.live_keys().iter().all(|key| key.hash != id));
}

#[test]
fn a_limit_that_a_writer_raises_in_a_record_is_set_by_whoever_manages_keys_next() {
    for command in [["key", "usage"].as_slice(), &["key", "rotate", "prod/a"]] {
        let rig = Rig::new();
        let (fake, alice) = (&rig.fake, &rig.alice);
        alice.covault(["key", "issue", "prod/a", "--limit", "10/day"]).ok();
        alice.push("main");
        let bob = rig.joins("bob");
        let before = record(&vault(&bob), "prod/a");
        let limits = Limits::of(["1000/day".parse().unwrap()]).unwrap();
        forge(&bob, "prod/a", &KeyRecord { limits, ..before });
        bob.push("main");
        alice.git(["pull", "-q"]).ok();
        let limit = || limit_of(fake, &fake.key_of(&alice.get("prod/a")).unwrap().hash);
        assert_eq!(limit(), "10 Daily");
        alice.covault(command).ok();
        assert_eq!(limit(), "1000 Daily", "{command:?}");
    }
}
