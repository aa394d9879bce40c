//! Golden bytes in `fixtures/model/`: formats and joins as they are on disk, for ever.
//!
//! `UPDATE_FIXTURES=1` writes them again; a changed line in a fixture is a changed format.

use std::fs;
use std::path::{Path, PathBuf};

use covault::model::codec;
use covault::model::document::Document;
use covault::model::invite::Invite;
use covault::model::manifest::{Manifest, State};
use covault::model::register::{Key, Value, Write};
use covault::model::request::Request;
use covault::model::shares::Shares;
use covault::model::{roster, roster::Roster};
use covault::plaintext::Plaintext;

use super::manifest::full;
use super::world::{NEW_YEAR, Pen, bytes, empty, field, manifest, meta, path, tag};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/model")
}

fn encoded(document: &Document) -> Vec<u8> {
    codec::encode(document).unwrap().expose().to_vec()
}

fn decoded(bytes: &[u8]) -> Document {
    codec::decode(&Plaintext::new(bytes.to_vec())).unwrap()
}

/// Compares with the file, or writes it.
fn golden(file: &Path, bytes: &[u8]) {
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }
    let found = fs::read(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let (found, bytes) = (String::from_utf8_lossy(&found), String::from_utf8_lossy(bytes));
    assert!(found == bytes, "{} is not what is written today:\n{bytes}", file.display());
}

/// Files in `folder` whose name begins with `prefix`.
fn files(prefix: &str) -> Vec<PathBuf> {
    let all = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> =
        all.filter(|file| file.file_name().unwrap().to_str().unwrap().starts_with(prefix)).collect();
    found.sort();
    assert!(!found.is_empty(), "{prefix}");
    found
}

fn login() -> Document {
    let mut document = empty();
    let mut alice = Pen::of("alice", 0);
    alice.put(&mut document, &meta("kind"), "login");
    alice.put(&mut document, &tag("web"), "1");
    alice.put(&mut document, &field("user"), "app");
    alice.put(&mut document, &field("password"), "correct horse");
    document
}

fn documents() -> Vec<(&'static str, Document)> {
    let mut values = login();
    let mut bob = Pen::of("bob", 20);
    bob.put(&mut values, &field("escapes"), "\"quotes\" and \\ back\r\n\tslash, äöü \u{80}\u{202e}");
    bob.put(&mut values, &field("empty"), "");
    for (name, content) in [("bytes", [0, 1, 0xfe, 0xff].as_slice()), ("control", b"\x1b[31m")] {
        let write = bob.write(&field(name), bytes(content));
        values.put(&field(name), write);
    }
    bob.remove(&mut values, &field("user"));
    bob.put(&mut values, &field("password"), "battery");
    let plain = Write::new(
        &field("port"),
        Value::text("5432"),
        true,
        super::world::member("ci-1"),
        covault::model::time::Time::from_unix(i64::MAX),
        [0xab; 16],
    );
    values.put(&field("port"), plain);

    let (mut ours, mut theirs) = (login(), login());
    Pen::of("alice", 40).put(&mut ours, &field("password"), "alice's");
    Pen::of("bob", 50).put(&mut theirs, &field("password"), "bob's");

    let mut deleted = login();
    Pen::of("bob", 60).bury(&mut deleted, None);
    let mut moved = login();
    Pen::of("bob", 60).bury(&mut moved, Some("prod/postgres"));

    let length = |length| {
        let mut document = empty();
        Pen::of("alice", 0).put(&mut document, &field("value"), &"x".repeat(length));
        document
    };
    let overhead = String::from_utf8(encoded(&length(0))).unwrap().trim_end().len() + 1;
    vec![
        ("empty", empty()),
        ("login", login()),
        ("values", values),
        ("conflict", ours.join(&theirs)),
        ("deleted", deleted),
        ("moved", moved),
        ("full-bucket", length(1024 - overhead)),
        ("one-more", length(1025 - overhead)),
        ("above-8k", length(8192)),
    ]
}

/// One rule each: two sides, to be joined.
fn joins() -> Vec<(&'static str, Document, Document)> {
    let pair = |left: &dyn Fn(&mut Pen, &mut Document), right: &dyn Fn(&mut Pen, &mut Document)| {
        let (mut alices, mut bobs) = (login(), login());
        left(&mut Pen::of("alice", 100), &mut alices);
        right(&mut Pen::of("bob", 200), &mut bobs);
        (alices, bobs)
    };
    let password = |text: &'static str| move |pen: &mut Pen, d: &mut Document| pen.put(d, &field("password"), text);
    let bury = |to: Option<&'static str>| move |pen: &mut Pen, d: &mut Document| pen.bury(d, to);
    let nothing = |_: &mut Pen, _: &mut Document| {};
    let born = |n: u8, name: &str| {
        let mut document = empty();
        document.id.0 = [n; 16];
        Pen::of("alice", u64::from(n)).put(&mut document, &field(name), "born");
        document
    };
    let mut cases = vec![
        ("different-fields", pair(&password("new"), &|pen, d| pen.put(d, &field("user"), "admin"))),
        ("same-field", pair(&password("alice's"), &password("bob's"))),
        ("same-field-same-value", pair(&password("same"), &password("same"))),
        ("edit-of-an-edit", {
            let (mut alices, _) = pair(&password("first"), &nothing);
            let old = alices.clone();
            Pen::of("bob", 300).put(&mut alices, &field("password"), "second");
            (old, alices)
        }),
        ("field-removed-and-edited", pair(&password("new"), &|pen, d| pen.remove(d, &field("password")))),
        ("nothing-new", pair(&nothing, &nothing)),
        ("delete-and-edit", pair(&password("unseen"), &bury(None))),
        ("delete-and-old-version", pair(&nothing, &bury(None))),
        ("delete-and-delete", pair(&bury(None), &bury(None))),
        (
            "deleted-twice-and-old-version",
            pair(&nothing, &|pen, d| {
                pen.bury(d, None);
                pen.bury(d, None);
            }),
        ),
        (
            "undelete-and-old-version",
            pair(&nothing, &|pen, d| {
                pen.bury(d, None);
                pen.unbury(d);
                pen.put(d, &field("token"), "fresh");
            }),
        ),
        (
            "undelete-and-edit",
            pair(&password("unseen"), &|pen, d| {
                pen.bury(d, None);
                pen.unbury(d);
                pen.put(d, &field("token"), "fresh");
            }),
        ),
        ("undelete-and-delete", {
            let (mut back, _) = pair(&bury(None), &nothing);
            let mut again = back.clone();
            Pen::of("alice", 300).unbury(&mut back);
            Pen::of("bob", 400).bury(&mut again, None);
            (back, again)
        }),
        (
            "written-on-a-tombstone-and-old-version",
            pair(&nothing, &|pen, d| {
                pen.bury(d, None);
                pen.put(d, &field("password"), "new");
            }),
        ),
        ("confirmed-and-old-version", {
            let (alices, bobs) = pair(&password("unseen"), &bury(None));
            let mut settled = alices.join(&bobs);
            Pen::of("carol", 300).unbury(&mut settled);
            (settled, login())
        }),
        ("move-and-edit", pair(&password("unseen"), &bury(Some("prod/postgres")))),
        ("move-and-move", pair(&bury(Some("prod/b")), &bury(Some("prod/a")))),
        ("move-and-delete", pair(&bury(Some("prod/b")), &bury(None))),
        ("moved-back-and-old-version", {
            let (_, mut here) = pair(&nothing, &bury(Some("prod/b")));
            let there = login().at(path("prod/b"));
            let live = Pen::of("bob", 300).write(&Key::State, Value::text("live"));
            here.put(&Key::State, live);
            (here.join(&there.at(path("prod/db"))), login())
        }),
        (
            "tags",
            pair(&|pen, d| pen.put(d, &tag("web"), "2"), &|pen, d| {
                pen.remove(d, &tag("web"));
                pen.put(d, &tag("paid"), "1");
            }),
        ),
        (
            "expiry",
            pair(&|pen, d| pen.put(d, &meta("expires"), "2027-01-01T00:00:00Z"), &|pen, d| {
                pen.put(d, &meta("expires"), "2026-06-01T00:00:00Z");
            }),
        ),
        ("two-births", (born(2, "user"), born(1, "password"))),
    ];
    cases.sort_by_key(|(name, _)| *name);
    cases.into_iter().map(|(name, (left, right))| (name, left, right)).collect()
}

#[test]
fn documents_are_spelled_as_ever() {
    for (name, document) in documents() {
        golden(&folder().join(format!("document-{name}.toml")), &encoded(&document));
    }
    for file in files("document-") {
        let bytes = fs::read(&file).unwrap();
        assert!(encoded(&decoded(&bytes)) == bytes, "{}", file.display());
        toml::from_str::<toml::Table>(std::str::from_utf8(&bytes).unwrap()).unwrap();
    }
}

#[test]
fn manifests_are_spelled_as_ever() {
    let mut deleted = manifest();
    deleted.state = State::Deleted;
    deleted.roster.blob = "0123456789abcdef".repeat(4);
    for (name, manifest) in [("birth", manifest()), ("full", full()), ("deleted", deleted)] {
        golden(&folder().join(format!("manifest-{name}.toml")), manifest.encode().as_bytes());
    }
    for file in files("manifest-") {
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(Manifest::decode(&text).unwrap().encode(), text);
    }
}

#[test]
fn requests_and_invites_are_spelled_as_ever() {
    let lines = [
        ("shares.txt", super::shares::some().encode().join("\n")),
        ("invite.txt", { super::invite::invite().to_line().unwrap().to_string() }),
    ];
    for (file, text) in lines {
        golden(&folder().join(file), format!("{text}\n").as_bytes());
    }
    let read = |file: &str| fs::read_to_string(folder().join(file)).unwrap();
    let shares: Vec<_> = read("shares.txt").lines().map(str::to_owned).collect();
    assert_eq!(Shares::decode(&shares).unwrap(), super::shares::some());
    assert_eq!(Invite::parse(&read("invite.txt")).unwrap(), super::invite::invite());

    let (answering, plain) = super::request::requests();
    for (name, request) in [("answering", answering), ("plain", plain)] {
        golden(&folder().join(format!("request-{name}.toml")), request.encode().as_bytes());
        let token = format!("request-token-{name}.txt");
        golden(&folder().join(&token), format!("{}\n", request.to_token()).as_bytes());
        assert_eq!(Request::from_token(&read(&token)).unwrap(), request);
    }
}

#[test]
fn rosters_are_spelled_as_ever() {
    for (name, vault) in [("found", "acme"), ("found-with-escapes", "\"Acme\" \\ Söhne")] {
        golden(&folder().join(format!("roster-{name}.toml")), &super::roster::found(vault));
    }
    for file in files("roster-") {
        let entries = roster::decode(&fs::read(&file).unwrap()).unwrap();
        Roster::from_entries(&entries).unwrap();
    }
}

#[test]
fn every_folder_of_joins_joins_as_ever() {
    let joins_folder = folder().join("joins");
    for (name, left, right) in joins() {
        golden(&joins_folder.join(name).join("left.toml"), &encoded(&left));
        golden(&joins_folder.join(name).join("right.toml"), &encoded(&right));
    }
    let mut walked = 0;
    for case in fs::read_dir(&joins_folder).unwrap() {
        let case = case.unwrap().path();
        let side = |name: &str| decoded(&fs::read(case.join(name)).unwrap());
        let (left, right) = (side("left.toml"), side("right.toml"));
        let joined = left.join(&right);
        golden(&case.join("joined.toml"), &encoded(&joined));
        assert_eq!(right.join(&left), joined, "{}", case.display());
        assert_eq!(joined.join(&left).join(&right), joined, "{}", case.display());
        walked += 1;
    }
    assert!(walked >= joins().len());
}

#[test]
fn the_clock_of_the_fixtures_stands_at_new_year() {
    assert_eq!(super::world::at(0).unix(), NEW_YEAR);
    assert_eq!(super::world::at(0).to_string(), "2026-01-01T00:00:00Z");
}
