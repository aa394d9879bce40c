//! What stands inside the seal, and in a manifest's lists: writes that were copied, dropped or stuffed, numbers at their
//! limits, and documents that disagree with the manifest around them. wanda, who may write, made all of these.

use covault::model::bytes::{Hash, SecretId, Short};
use covault::model::codec;
use covault::model::manifest::State;
use covault::model::names::SecretPath;
use covault::model::register::{Key, Value, Write};
use covault::plaintext::Plaintext;
use covault::seal::sshsig::Namespace;

use super::forge::{Forgery, member, now};
use super::rig::{Case, pushed};

#[track_caller]
fn refused(deed: impl FnOnce(Forgery<'_>) -> Forgery<'_>, because: &str) {
    pushed(|case| deed(case.next("dev/db", "wanda")).put())
        .spoils(&["dev/db"])
        .only_with_a_key_or_a_memory()
        .refuses(&["get", "dev/db"], because)
        .refuses(&["set", "dev/db"], because);
}

/// The document's text is changed as such; everything around it is as it should be.
#[track_caller]
fn text_refused(change: impl FnOnce(String) -> String, because: &str) {
    let deed = |case: &Case| {
        let forged = case.next("dev/db", "wanda");
        let plaintext = codec::encode(&forged.document).unwrap();
        let text = String::from_utf8(plaintext.expose().to_vec()).unwrap();
        let forged = forged.with(|_| {});
        let bytes = forged.sealing(&Plaintext::from_text(&change(text)));
        case.write(&super::rig::file("dev/db"), bytes);
    };
    pushed(deed).spoils(&["dev/db"]).only_with_a_key_or_a_memory().refuses(&["get", "dev/db"], because);
}

#[test]
fn a_document_of_another_secret() {
    fn other(forged: Forgery<'_>) -> Forgery<'_> {
        forged.saying(|document| *document = document.at(SecretPath::parse("prod/db").unwrap()))
    }
    refused(other, "its document belongs to another name");
}

#[test]
fn a_document_of_another_vault() {
    refused(|forged| forged.saying(|document| document.vault = Hash([4; 32])), "its document belongs to another vault");
}

#[test]
fn a_document_with_another_id() {
    refused(|forged| forged.saying(|document| document.id = SecretId([4; 16])), "its document has another id");
}

#[test]
fn a_manifest_that_hides_a_value() {
    fn hidden(forged: Forgery<'_>) -> Forgery<'_> {
        forged.with(|manifest| manifest.values.clear()).with_values_as_they_are()
    }
    refused(hidden, "disagree on the values");
}

#[test]
fn a_manifest_stuffed_with_values_that_are_not_there() {
    fn stuffed(forged: Forgery<'_>) -> Forgery<'_> {
        forged.with(|manifest| manifest.values = vec![Short([1; 8]), Short([2; 8])]).with_values_as_they_are()
    }
    refused(stuffed, "disagree on the values");
}

#[test]
fn a_manifest_that_says_deleted_around_a_living_document() {
    fn buried(forged: Forgery<'_>) -> Forgery<'_> {
        forged.with(|manifest| manifest.state = State::Deleted)
    }
    let attacked = pushed(|case| buried(case.next("dev/db", "wanda")).put());
    // Nobody but who opens it can tell; its author may delete it, and history has what was there.
    attacked.ends_without_looking(&["get", "dev/db"], 3, "'dev/db' was deleted").ends(&["get", "prod/db"], 0, "");
}

#[test]
fn a_living_manifest_around_a_tombstone() {
    fn buried(forged: Forgery<'_>) -> Forgery<'_> {
        forged.saying(|document| {
            let state = Key::parse("state").unwrap();
            let value = document.tombstone_value(None);
            document.bury(Write::new(&state, value, true, member("wanda"), now(), [4; 16]));
        })
    }
    refused(buried, "disagree on whether it lives");
}

#[test]
fn the_name_of_a_live_write_among_the_replaced() {
    let copied = |text: String| {
        let body = text.trim_end_matches(['\n', ' ']).to_owned();
        format!("{body}\n\n[replaced]\nfield.value = [\"{}\"]\n", "0".repeat(31) + "g")
    };
    text_refused(copied, "the document is not canonical");
}

#[test]
fn a_write_twice() {
    let twice = |text: String| {
        let at = text.find("[[field.value]]").unwrap();
        let (head, write) = text.split_at(at);
        let write = write.trim_end();
        format!("{head}{write}\n\n{write}\n")
    };
    text_refused(twice, "the document is not canonical");
}

#[test]
fn a_register_that_there_is_not() {
    text_refused(|text| text.replace("[[field.value]]", "[[shell.value]]"), "the document is not canonical");
}

#[test]
fn a_document_of_another_format() {
    text_refused(|text| text.replacen("format = 1", "format = 2", 1), "the document is not canonical");
}

#[test]
fn a_document_without_its_padding() {
    text_refused(|text| text.trim_end().to_owned() + "\n", "the document is not canonical");
}

#[test]
fn words_hidden_in_the_padding() {
    text_refused(|text| text.replacen("      ", "hidden", 1), "the document is not canonical");
}

#[test]
fn a_value_copied_from_another_secret_is_this_secrets_value_by_its_author() {
    // wanda reads both. What she writes is hers, whatever name and nonce stand in the write.
    let attacked = pushed(|case| {
        let key = Key::parse("field.value").unwrap();
        let copied = Write::new(&key, Value::text("copied"), false, member("alice"), now(), [9; 16]);
        case.next("dev/db", "wanda").saying(|document| document.put(&key, copied)).put();
    });
    let attacked = attacked.ends_without_looking(&["get", "dev/db"], 0, "copied");
    let listed = attacked.case.alice.covault(["ls", "--long"]).ok().text();
    let line = listed.lines().find(|line| line.starts_with("dev/db")).unwrap();
    assert!(line.contains("wanda"), "the author is who signed: {listed}");
}

#[test]
fn a_revision_at_the_end_of_all_numbers_stops_nobody() {
    let attacked = pushed(|case| {
        case.next("dev/db", "wanda").with(|manifest| manifest.revision = i64::MAX as u64).put();
    });
    let attacked = attacked.ends_without_looking(&["set", "dev/db"], 0, "");
    attacked.reads("dev/db", "written by alice").ends(&["set", "dev/db", "user=alice"], 0, "");
}

#[test]
fn a_time_at_the_end_of_all_times_stops_nobody() {
    let attacked = pushed(|case| {
        let last = covault::model::time::Time::parse("9999-12-30T22:00:00Z").unwrap();
        let key = Key::parse("field.value").unwrap();
        let late = Write::new(&key, Value::text("late"), false, member("wanda"), last, [3; 16]);
        case.next("dev/db", "wanda").with(|m| m.at = last).saying(|document| document.put(&key, late)).put();
    });
    attacked.ends_without_looking(&["set", "dev/db"], 0, "").reads("dev/db", "written by alice");
}

#[test]
fn parents_that_never_were() {
    let attacked = pushed(|case| {
        let forged = case.next("dev/db", "wanda").with(|manifest| {
            manifest.parents = vec![Hash([1; 32])];
            manifest.ancestors = vec![Hash([1; 32]).short()];
        });
        forged.put();
    });
    attacked.spoils(&["dev/db"]).refuses(&["get", "dev/db"], "it does not follow the version that was there at");
}

/// The manifest's lists are written as text: the writer would not write them so.
#[track_caller]
fn lists_refused(lists: &[(&str, &str)], because: &str) {
    let deed = |case: &Case| {
        case.next("dev/db", "wanda").put();
        case.carve("dev/db", |parts| {
            lists.iter().for_each(|(key, value)| parts.set(key, value));
            parts.sign(&case.key("wanda"), Namespace::Secret);
        });
    };
    pushed(deed).spoils(&["dev/db"]).refuses(&["get", "dev/db"], because);
}

#[test]
fn ancestors_without_parents() {
    // A birth that claims to descend from what was there.
    lists_refused(&[("revision", "1"), ("parents", "[]")], "the ancestors that it names do not begin with a parent");
}

#[test]
fn ancestors_that_are_not_the_parents() {
    let other = format!("[\"{}\"]", Hash([1; 32]));
    lists_refused(&[("parents", &other)], "the ancestors that it names do not begin with a parent");
}

#[test]
fn parents_without_ancestors() {
    lists_refused(&[("ancestors", "[]")], "the ancestors that it names do not begin with a parent");
}

#[test]
fn sixty_four_parents() {
    let attacked = pushed(|case| {
        let forged = case.next("dev/db", "wanda").with(|manifest| {
            let own = manifest.parents[0];
            manifest.parents = (1..64).map(|n| Hash([n; 32])).chain([own]).collect();
            manifest.parents.sort_unstable();
        });
        forged.put();
    });
    attacked.ends_without_looking(&["set", "dev/db"], 0, "").reads("dev/db", "written by alice");
}
