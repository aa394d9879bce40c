//! What a later version may have written: nothing is broken, and a newer covault is what helps.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use covault::model::codec;
use covault::model::roster::{self, Entry, Operation};
use covault::plaintext::Plaintext;
use covault::seal::sshsig::{self, Namespace};
use covault::vault::VaultError;

use crate::team;
use crate::world::{Person, World};

const LATER: &str = "hint: install a newer covault; if yours is the newest, see who changed it with: git log -p -- :/";
const BROKEN: &str = "put a good version back with: git checkout REV -- :/";

/// Reading is refused, with this hint for this file.
#[track_caller]
fn refused(alice: &Person, hint: &str, file: &str) {
    let said = alice.covault(["get", "a"]).exits(6);
    assert!(said.err.contains(&format!("{hint}{file}\n")), "{hint}{file} is not in:\n{}", said.err);
}

#[test]
fn a_roster_of_a_later_format_asks_for_a_newer_program() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "1");
    let (vault, how) = (team::vault(&alice), team::how());
    let file = alice.repo.join(".covault/roster.toml");
    let good = std::fs::read_to_string(&file).unwrap();
    let write = |text: &str| {
        std::fs::write(&file, text).unwrap();
        refused(&alice, if text.contains("\"remove\"") { BROKEN } else { LATER }, ".covault/roster.toml");
    };
    write(&good.replacen("format = 1", "format = 2", 1));
    // Signed by an admin.
    let (operation, head) = (Operation::Minimum { minimum: 2 }, vault.roster().head);
    let by = vault.me().unwrap().reference.card;
    let body = roster::body(1, Some(head), Some(by), how.now, &operation);
    let signer = team::home(&alice).signer().unwrap().unwrap();
    let signature = sshsig::sign(&signer, Namespace::Roster, body.as_bytes()).unwrap();
    let (prev, by, at) = (Some(head), Some(by), how.now);
    let entry = Entry { seq: 1, prev, by, at, operation, body, signature, card_signature: None };
    write(&format!("{good}\n{}", entry.text()));
    write(&format!("{good}\n{}", entry.text().replace("\"minimum\"", "\"quorum\"")));
    // What this version knows and refuses is no matter of versions.
    write(&format!("{good}\n{}", entry.text().replace("\"minimum\"", "\"remove\"")));
    std::fs::write(&file, good).unwrap();
    assert_eq!(alice.get("a"), "1");
}

/// The file with other text in its manifest, and nothing else changed.
fn with_manifest(sealed: &[u8], from: &str, to: &str) -> Vec<u8> {
    let begin = b"-> covault-manifest\n";
    let at = sealed.windows(begin.len()).position(|window| window == begin).unwrap() + begin.len();
    let end = at + sealed[at..].windows(2).position(|window| window == b"\n-").unwrap();
    let body: String = std::str::from_utf8(&sealed[at..end]).unwrap().split('\n').collect();
    let text = String::from_utf8(STANDARD_NO_PAD.decode(body).unwrap()).unwrap();
    assert!(text.contains(from), "{text}");
    let encoded = STANDARD_NO_PAD.encode(text.replacen(from, to, 1));
    let lines: Vec<_> = encoded.as_bytes().chunks(64).collect();
    [&sealed[..at], &lines.join(&b'\n'), &sealed[end..]].concat()
}

#[test]
fn a_sealed_file_of_a_later_format_asks_for_a_newer_program() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "1");
    let good = std::fs::read(alice.file("a")).unwrap();
    for (bytes, hint) in [
        (with_manifest(&good, "format = 1", "format = 2"), LATER),
        ([b"covault-siblings 2\n\0", good.as_slice()].concat(), LATER),
        (with_manifest(&good, "state = \"live\"", "state = \"lost\""), BROKEN),
        (good[..good.len() / 2].to_vec(), BROKEN),
    ] {
        std::fs::write(alice.file("a"), bytes).unwrap();
        refused(&alice, hint, ".covault/secrets/a.age");
    }
    std::fs::write(alice.file("a"), good).unwrap();
    assert_eq!(alice.get("a"), "1");
}

#[test]
fn a_document_of_a_later_format_asks_for_a_newer_program() {
    for (text, is_later) in [("format = 2\n", true), ("format = 1\nvault = 1\n", false)] {
        let source = codec::decode(&Plaintext::new(text.as_bytes().to_vec())).unwrap_err();
        let error = VaultError::Document { file: "a.age".to_owned(), source };
        let hint = error.hint().unwrap();
        assert_eq!(hint.contains("install a newer covault"), is_later, "{hint}");
    }
}
