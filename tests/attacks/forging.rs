//! With public keys alone: what mallory, who can push and has no key, makes of a secret's file.

use covault::model::bytes::Hash;
use covault::model::manifest::MemberRef;
use covault::plaintext::Plaintext;
use covault::seal::sshsig::Namespace;
use covault::seal::{Identity, SigningKey};

use super::forge::{Parts, wrapped};
use super::rig::{Attacked, Case, file, on_disk, pushed};

const GET: &[&str] = &["get", "dev/db"];

fn stranger() -> SigningKey {
    SigningKey::generate().unwrap()
}

/// dev/db is refused because of what was done to it, to read and to write.
#[track_caller]
fn refused(deed: impl FnOnce(&Case), because: &str) -> Attacked {
    let attacked = pushed(deed).spoils(&["dev/db"]).refuses(GET, because);
    attacked.refuses(&["set", "dev/db"], ".covault/secrets/dev/db.age is refused")
}

/// The same for what only shows when it is opened.
#[track_caller]
fn opened(deed: impl FnOnce(&Case), because: &str) {
    let attacked = pushed(deed).spoils(&["dev/db"]).only_with_a_key_or_a_memory().refuses(GET, because);
    let _ = attacked.refuses(&["set", "dev/db"], ".covault/secrets/dev/db.age is refused");
}

/// The same for a file whose parts were changed.
#[track_caller]
fn carved(knife: impl FnOnce(&mut Parts), because: &str) {
    refused(|case| case.carve("dev/db", knife), because);
}

/// The same for other bytes where the file was.
#[track_caller]
fn replaced(change: impl FnOnce(Vec<u8>) -> Vec<u8>, because: &str) {
    refused(|case| case.write(&file("dev/db"), change(case.read(&file("dev/db")))), because);
}

/// The same for other stanzas between the readers' and the MAC.
#[track_caller]
fn between(middle: impl FnOnce(&Parts) -> Vec<u8>, because: &str) {
    replaced(
        |bytes| {
            let parts = Parts::of(&bytes);
            parts.around(&middle(&parts))
        },
        because,
    );
}

/// A new readers' stanza list, with a manifest that has its hash, signed by a key of mallory's.
fn with_stanza(stanza: &str) -> impl FnOnce(&mut Parts) {
    let stanza = stanza.to_owned();
    move |parts| parts.stanzas.extend_from_slice(stanza.as_bytes())
}

#[test]
fn a_file_taken_apart_and_put_together_again_is_the_same_file() {
    on_disk(|case| {
        let bytes = case.read(&file("dev/db"));
        assert_eq!(Parts::of(&bytes).bytes(), bytes);
    })
    .comes_to_nothing();
}

// --- forged

#[test]
fn a_value_sealed_to_the_public_recipients_in_alices_name() {
    refused(
        |case| case.next("dev/db", "alice").signed_by(stranger()).put(),
        "signed with a key that is not its author's",
    );
}

#[test]
fn a_new_secret_in_alices_name() {
    pushed(|case| case.birth("dev/new", "alice").signed_by(stranger()).put())
        // What lists checks no signature, and hides nothing.
        .ends(&["ls", "--long"], 0, "dev/new")
        .refuses(&["get", "dev/new"], "signed with a key that is not its author's")
        .refuses(&["set", "dev/new"], "dev/new.age")
        .refuses(&["run", "--from", "dev", "--", "true"], "dev/new.age");
}

#[test]
fn a_value_by_somebody_who_never_was_a_member() {
    refused(
        |case| {
            let eve = case.stranger("eve");
            let author = MemberRef { name: eve.card.name.clone(), card: eve.card.hash() };
            let forged = case.next("dev/db", "alice").and_to(&eve.card);
            forged.with(|m| m.author = author).signed_by(eve.key).put();
        },
        "its author is no member",
    );
}

#[test]
fn a_value_by_alice_on_a_card_that_nobody_admitted() {
    refused(
        |case| {
            let alice = case.stranger("alice");
            let author = MemberRef { name: alice.card.name.clone(), card: alice.card.hash() };
            let forged = case.next("dev/db", "alice").with(|m| m.readers.retain(|r| r.name.as_str() != "alice"));
            forged.and_to(&alice.card).with(|m| m.author = author).signed_by(alice.key).put();
        },
        "its author is no member",
    );
}

#[test]
fn a_card_of_one_member_under_the_name_of_another() {
    refused(
        |case| {
            let card = case.reference("wanda").card;
            let knife = |parts: &mut Parts| {
                parts.set("author", &format!("\"alice {card}\""));
                parts.sign(&case.key("wanda"), Namespace::Secret);
            };
            case.carve("dev/db", knife);
        },
        "its author is no member",
    );
}

#[test]
fn the_signature_of_an_older_version_over_a_new_one() {
    refused(
        |case| {
            let old = Parts::of(&case.at_commit("begun", &file("dev/db")));
            case.carve("dev/db", |parts| parts.signature = old.signature);
        },
        "the signature does not fit",
    );
}

#[test]
fn the_signature_of_another_secret() {
    refused(
        |case| {
            let other = Parts::of(&case.read(&file("prod/db")));
            case.carve("dev/db", |parts| parts.signature = other.signature);
        },
        "the signature does not fit",
    );
}

#[test]
fn the_manifest_and_signature_of_an_older_version_before_a_new_payload() {
    refused(
        |case| {
            let old = Parts::of(&case.at_commit("begun", &file("dev/db")));
            case.carve("dev/db", |parts| (parts.manifest, parts.signature) = (old.manifest, old.signature));
        },
        "the readers' stanzas are not those of the manifest",
    );
}

#[test]
fn an_old_payload_behind_a_new_header() {
    refused(
        |case| {
            let old = Parts::of(&case.at_commit("begun", &file("dev/db")));
            case.carve("dev/db", |parts| parts.payload = old.payload);
        },
        "the payload is not that of the manifest",
    );
}

// --- stripped and downgraded

#[test]
fn the_signature_stripped() {
    between(Parts::manifest_stanza, "the file has no signature");
}

#[test]
fn the_manifest_stripped() {
    between(Parts::signature_stanza, "the header's stanzas are not in their order");
}

#[test]
fn manifest_and_signature_stripped() {
    between(|_| Vec::new(), "the file has no manifest");
}

#[test]
fn an_ordinary_age_file_for_the_public_recipients() {
    if !crate::world::have("age") {
        return;
    }
    let forge = |case: &Case| {
        let mut args = vec!["-o".to_owned(), file("dev/db")];
        let recipients = case.roster().members().map(|m| m.card.devices[0].recipient.to_string()).collect::<Vec<_>>();
        args.extend(recipients.into_iter().flat_map(|recipient| ["-r".to_owned(), recipient]));
        case.at.fed("age", super::rig::PLANTED.as_bytes(), args).ok();
    };
    refused(forge, "the file has no manifest");
}

#[test]
fn an_empty_signature() {
    carved(|parts| parts.signature.clear(), "not an SSH signature");
}

#[test]
fn a_signature_of_noughts() {
    carved(|parts| parts.signature = vec![0; parts.signature.len()], "not an SSH signature");
}

#[test]
fn a_signature_with_a_byte_behind_it() {
    carved(|parts| parts.signature.push(0), "not an SSH signature");
}

#[test]
fn a_signature_that_says_sha256() {
    let knife = |parts: &mut Parts| {
        let at = parts.signature.windows(6).position(|bytes| bytes == b"sha512").unwrap();
        parts.signature[at..at + 6].copy_from_slice(b"sha256");
    };
    carved(knife, "the signature's hash is not sha512");
}

#[test]
fn a_signature_for_a_card() {
    refused(
        |case| case.carve("dev/db", |parts| parts.sign(&case.key("alice"), Namespace::Card)),
        "for another purpose",
    );
}

#[test]
fn a_signature_for_the_roster() {
    refused(
        |case| case.carve("dev/db", |parts| parts.sign(&case.key("alice"), Namespace::Roster)),
        "for another purpose",
    );
}

#[test]
fn an_older_version_of_age() {
    replaced(|bytes| String::from_utf8_lossy(&bytes).replacen("/v1", "/v0", 1).into_bytes(), "not v1");
}

#[test]
fn armor() {
    let armor = |bytes: Vec<u8>| {
        let body = wrapped(&bytes);
        [b"-----BEGIN AGE ENCRYPTED FILE-----\n".as_slice(), &body, b"-----END AGE ENCRYPTED FILE-----\n"].concat()
    };
    replaced(armor, "an armored age file");
}

#[test]
fn a_manifest_of_another_format() {
    carved(|parts| parts.set("format", "2"), "a format that this version knows");
}

// --- flipped

#[test]
fn the_mac_flipped() {
    let knife = |parts: &mut Parts| {
        let at = parts.mac.len() - 5;
        parts.mac[at] = if parts.mac[at] == b'A' { b'B' } else { b'A' };
    };
    opened(|case| case.carve("dev/db", knife), "the header was changed after it was sealed");
}

#[test]
fn the_mac_of_another_file() {
    opened(
        |case| {
            let other = Parts::of(&case.read(&file("prod/db")));
            case.carve("dev/db", |parts| parts.mac = other.mac);
        },
        "the header was changed after it was sealed",
    );
}

#[test]
fn the_mac_cut_short() {
    carved(|parts| parts.mac.truncate(20), "the header's last line is malformed");
}

#[test]
fn no_mac_at_all() {
    carved(|parts| parts.mac = b"---".to_vec(), "the header's last line is malformed");
}

#[test]
fn one_bit_of_the_payload() {
    carved(|parts| *parts.payload.last_mut().unwrap() ^= 1, "the payload is not that of the manifest");
}

#[test]
fn the_payload_cut_short() {
    carved(|parts| parts.payload.truncate(600), "the payload is not that of the manifest");
}

#[test]
fn no_payload() {
    carved(|parts| parts.payload.clear(), "the payload is cut off");
}

#[test]
fn a_byte_behind_the_payload() {
    carved(|parts| parts.payload.push(b'\n'), "the payload is not that of the manifest");
}

#[test]
fn an_empty_file() {
    replaced(|_| Vec::new(), "the header is cut off");
}

#[test]
fn a_file_in_the_clear() {
    replaced(|_| super::rig::PLANTED.into(), "not an age file");
}

#[test]
fn a_file_with_the_marks_of_a_merge() {
    replaced(
        |bytes| [b"<<<<<<< HEAD\n", bytes.as_slice(), b"=======\n", &bytes, b">>>>>>> theirs\n"].concat(),
        "not an age file",
    );
}

// --- stanzas

#[test]
fn a_stanza_for_mallory_beside_the_readers() {
    let identity = Identity::generate().unwrap();
    let case = Case::new();
    let own = case.birth("dev/x", "alice").stanzas_of("alice", &case.stranger_with("eve", identity).card).bytes();
    let stanza = Parts::of(&own).reader_stanzas().remove(1);
    carved(with_stanza(&String::from_utf8(stanza).unwrap()), "the readers' stanzas are not those of the manifest");
}

#[test]
fn a_readers_stanza_dropped() {
    carved(
        |parts| {
            let stanzas = parts.reader_stanzas();
            parts.set_reader_stanzas(&stanzas[1..]);
        },
        "the readers' stanzas are not those of the manifest",
    );
}

#[test]
fn a_readers_stanza_twice() {
    carved(
        |parts| {
            let mut stanzas = parts.reader_stanzas();
            stanzas.push(stanzas[0].clone());
            parts.set_reader_stanzas(&stanzas);
        },
        "the readers' stanzas are not those of the manifest",
    );
}

#[test]
fn two_readers_stanzas_exchanged() {
    carved(
        |parts| {
            let mut stanzas = parts.reader_stanzas();
            stanzas.swap(0, 1);
            parts.set_reader_stanzas(&stanzas);
        },
        "the readers' stanzas are not those of the manifest",
    );
}

#[test]
fn the_stanzas_of_another_secret() {
    refused(
        |case| {
            let other = Parts::of(&case.read(&file("dev/api")));
            case.carve("dev/db", |parts| parts.stanzas = other.stanzas);
        },
        "the readers' stanzas are not those of the manifest",
    );
}

#[test]
fn no_readers_stanza() {
    carved(|parts| parts.set_reader_stanzas(&[]), "the header has no reader's stanza");
}

#[test]
fn a_passphrase() {
    let stanza = with_stanza("-> scrypt AAAAAAAAAAAAAAAAAAAAAA 10\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
    carved(stanza, "sealed to a passphrase");
}

#[test]
fn an_rsa_key() {
    carved(with_stanza("-> ssh-rsa AAAAAA\nAAAA\n"), "sealed to an RSA key");
}

#[test]
fn a_plugin() {
    carved(with_stanza("-> piv-p256 AAAAAA\nAAAA\n"), "the unknown type 'piv-p256'");
}

#[test]
fn a_grease_stanza() {
    carved(with_stanza("-> x-grease\nAAAA\n"), "a grease stanza");
}

#[test]
fn a_stanza_whose_type_writes_to_the_terminal() {
    carved(with_stanza("-> \u{1b}[31mred\nAAAA\n"), "malformed first line");
}

#[test]
fn the_manifest_twice() {
    let middle = |parts: &Parts| {
        let manifest = parts.manifest_stanza();
        [manifest.clone(), manifest, parts.signature_stanza()].concat()
    };
    between(middle, "not in their order");
}

#[test]
fn the_signature_before_the_manifest() {
    between(|parts| [parts.signature_stanza(), parts.manifest_stanza()].concat(), "not in their order");
}

#[test]
fn a_second_signature() {
    let middle = |parts: &Parts| {
        let signature = parts.signature_stanza();
        [parts.manifest_stanza(), signature.clone(), signature].concat()
    };
    between(middle, "not in their order");
}

#[test]
fn a_stanza_of_ours_with_arguments() {
    let middle = |parts: &Parts| {
        let text = String::from_utf8(parts.manifest_stanza()).unwrap();
        let manifest = text.replacen("covault-manifest", "covault-manifest 2", 1).into_bytes();
        [manifest, parts.signature_stanza()].concat()
    };
    between(middle, "the covault-manifest stanza has arguments");
}

// --- the manifest's text

/// The manifest is changed as text, and signed by alice herself: form alone is what it is refused for.
#[track_caller]
fn spelled(change: impl FnOnce(&mut Parts), because: &str) {
    refused(
        |case| {
            case.carve("dev/db", |parts| {
                change(parts);
                parts.sign(&case.key("alice"), Namespace::Secret);
            });
        },
        because,
    );
}

#[test]
fn a_manifest_with_windows_line_ends() {
    spelled(|parts| parts.manifest = parts.manifest.replace('\n', "\r\n"), "the manifest is not canonical");
}

#[test]
fn a_manifest_with_a_comment() {
    spelled(|parts| parts.manifest.push_str("# innocent\n"), "the manifest is not canonical");
}

#[test]
fn a_manifest_with_a_key_more() {
    spelled(|parts| parts.manifest.push_str("trusted = 1\n"), "the manifest is not canonical");
}

#[test]
fn a_manifest_with_a_key_twice() {
    spelled(
        |parts| parts.manifest = parts.manifest.replacen("format = 1\n", "format = 1\nformat = 1\n", 1),
        "canonical",
    );
}

#[test]
fn a_manifest_that_is_no_text() {
    refused(
        |case| {
            let middle = |parts: &Parts| {
                let manifest = [b"-> covault-manifest\n".as_slice(), &wrapped(b"\xff\xfe\x00")].concat();
                parts.around(&[manifest, parts.signature_stanza()].concat())
            };
            let bytes = middle(&Parts::of(&case.read(&file("dev/db"))));
            case.write(&file("dev/db"), bytes);
        },
        "the manifest is not text",
    );
}

#[test]
fn a_manifest_with_a_reader_twice() {
    let knife = |parts: &mut Parts| {
        let line = parts.manifest.lines().find(|line| line.starts_with("readers = ")).unwrap().to_owned();
        let first = line.split('"').nth(1).unwrap();
        parts.set("readers", &line.replacen("readers = [", &format!("[\"{first}\", "), 1));
    };
    spelled(knife, "sorted by name, each once");
}

#[test]
fn a_manifest_with_a_negative_revision() {
    spelled(|parts| parts.set("revision", "-1"), "the manifest is not canonical");
}

#[test]
fn a_manifest_with_a_revision_beyond_all_numbers() {
    spelled(|parts| parts.set("revision", "99999999999999999999999999"), "the manifest is not canonical");
}

#[test]
fn a_manifest_that_moves_out_of_the_vault() {
    let knife = |parts: &mut Parts| {
        let moved = "state = \"moved\"\nmoved_to = \"../../x\"\n";
        parts.manifest = parts.manifest.replacen("state = \"live\"\n", moved, 1);
    };
    spelled(knife, "moved_to is not a secret's name");
}

#[test]
fn a_manifest_with_another_hash_of_the_stanzas() {
    spelled(|parts| parts.set("stanzas", &format!("\"{}\"", Hash([0; 32]))), "not those of the manifest");
}

#[test]
fn a_manifest_that_hides_a_secret_without_a_signature() {
    refused(|case| case.carve("dev/db", |parts| parts.set("state", "\"deleted\"")), "the signature does not fit").ends(
        &["ls", "--flat"],
        0,
        "dev/db\n",
    );
}

#[test]
fn a_plaintext_that_is_no_document() {
    opened(
        |case| {
            let forged = case.next("dev/db", "wanda").with_values_as_they_are();
            let bytes = forged.sealing(&Plaintext::from_text(&" ".repeat(1024)));
            case.write(&file("dev/db"), bytes);
        },
        "the document is not canonical",
    );
}
