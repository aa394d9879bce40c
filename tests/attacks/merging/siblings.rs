//! Versions put beside a secret, taken away from there, or put back.

use std::fmt::Write as _;

use covault::model::bytes::SecretId;
use covault::model::manifest::State;
use covault::model::names::SecretPath;
use covault::model::register::{Key, Value, Write};
use covault::model::time::Time;
use covault::seal::{SealedFile, SigningKey, bundle, members};

use super::super::forge::{NOW, member};
use super::super::rig::{Attacked, Case, ROSTER, file, pushed};
use super::{DB, FILE, THIRD, by_hand, old, put, stuff};

const GET: &[&str] = &["get", DB];

/// What lies beside dev/db counts for nothing; alice reads and writes, and leaves it out.
#[track_caller]
fn counts_for_nothing(attacked: Attacked, code: &str) {
    let attacked = attacked.both_find(&[(code, FILE)]).ends(GET, 0, THIRD);
    let attacked = attacked.ends(&["set", DB], 0, "").reads(DB, "written by alice");
    let attacked = attacked.ends(&["resolve", DB, "--discard"], 0, "").reads(DB, "written by alice");
    let bytes = std::fs::read(attacked.case.alice.file(DB)).unwrap();
    assert_eq!(members(&bytes).unwrap().len(), 1);
}

/// The whole file is refused.
#[track_caller]
fn refused(attacked: Attacked, why: &str) {
    let attacked = attacked.spoils(&[DB]).refuses(GET, why).refuses(&["show", DB], why);
    attacked.refuses(&["set", DB], why).ends(&["get", "dev/api"], 0, "the key that wanda wrote");
}

/// It does not follow what was seen; alice's next value follows both.
#[track_caller]
fn rolled_back(attacked: Attacked) {
    let why = "it does not follow the version that was there at";
    attacked.spoils(&[DB]).refuses(GET, why).ends(&["set", DB], 0, "").reads(DB, "written by alice");
}

#[test]
fn an_older_version_beside_the_newest() {
    pushed(|case| stuff(case, DB, vec![old(case, "begun", DB)])).both_find(&[]).comes_to_nothing();
}

#[test]
fn all_older_versions_beside_the_newest() {
    pushed(|case| {
        let log = case.git(&["log", "--format=%H", "--", &file(DB)]);
        let olds = log.lines().map(|commit| old(case, commit, DB)).collect::<Vec<_>>();
        assert!(olds.len() > 2);
        put(case, DB, olds);
    })
    .both_find(&[])
    .comes_to_nothing();
}

#[test]
fn the_one_that_is_shown_first_lives_or_else_moved_or_else_is_the_newest_that_is_gone() {
    let case = Case::new();
    let path = SecretPath::parse(DB).unwrap();
    let version = |state: State, revision: u64, seconds: i64| {
        let at = Time::from_unix(NOW + seconds);
        case.next(DB, "wanda").with(|it| (it.state, it.revision, it.at) = (state, revision, at)).bytes()
    };
    let moved = |to: &str, revision: u64| version(State::Moved(SecretPath::parse(to).unwrap()), revision, 0);
    let hash = |bytes: &Vec<u8>| SealedFile::parse(bytes.clone()).unwrap().hash();
    let mut of_one_revision = [0, 1, 2, 3].map(|seconds| version(State::Live, 50, seconds));
    of_one_revision.sort_by_key(|bytes| std::cmp::Reverse(hash(bytes)));
    let gone = |revision: u64| version(State::Deleted, revision, 0);
    let in_order: Vec<Vec<u8>> = [version(State::Live, 51, 0)]
        .into_iter()
        .chain(of_one_revision)
        .chain([moved("dev/a", 60), moved("dev/b", 90), gone(99), gone(98)])
        .collect();
    let vault = case.vault().unwrap();
    for (place, expected) in in_order.iter().enumerate() {
        std::fs::write(case.alice.file(DB), bundle(in_order[place..].to_vec()).unwrap()).unwrap();
        let first = vault.current(&path).unwrap().unwrap();
        assert_eq!(first.manifest().hash(), hash(expected), "{place}");
    }
}

#[test]
fn older_versions_alone_as_siblings() {
    rolled_back(pushed(|case| {
        let log = case.git(&["log", "--format=%H", "--", &file(DB)]);
        put(case, DB, log.lines().skip(1).map(|commit| old(case, commit, DB)).collect());
    }));
}

#[test]
fn the_version_of_another_secret_beside_it() {
    refused(pushed(|case| stuff(case, DB, vec![case.read(&file("dev/api"))])), "sealed for another name");
}

#[test]
fn the_version_of_a_secret_that_wanda_may_not_read_beside_one_that_she_may() {
    refused(pushed(|case| stuff(case, DB, vec![case.read(&file("prod/db"))])), "sealed for another name");
}

#[test]
fn a_version_of_another_vault_beside_it() {
    refused(
        pushed(|case| {
            let other = case.world.founder("other");
            other.set(DB, "a value of another vault");
            stuff(case, DB, vec![std::fs::read(other.file(DB)).unwrap()]);
        }),
        "sealed for another vault",
    );
}

#[test]
fn a_version_in_alices_name_by_mallorys_key_beside_it() {
    refused(
        pushed(|case| {
            stuff(case, DB, vec![case.next(DB, "alice").signed_by(SigningKey::generate().unwrap()).bytes()]);
        }),
        "signed with a key that is not",
    );
}

#[test]
fn one_forged_among_many_good_ones() {
    refused(
        pushed(|case| {
            let forged = case.next(DB, "alice").signed_by(case.key("gina")).bytes();
            stuff(case, DB, vec![old(case, "begun", DB), old(case, "origin/feature", DB), forged]);
        }),
        "signed with a key that is not",
    );
}

#[test]
fn a_bit_of_a_sibling() {
    refused(
        pushed(|case| {
            let mut bytes = old(case, "begun", DB);
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            stuff(case, DB, vec![bytes]);
        }),
        "payload",
    );
}

#[test]
fn a_version_of_one_who_was_removed_beside_it() {
    counts_for_nothing(
        pushed(|case| {
            let to = ["adam", "alice", "gina", "rita", "wanda"];
            stuff(case, DB, vec![case.next(DB, "gina").to(&to).bytes()]);
        }),
        "standing",
    );
}

#[test]
fn a_version_of_one_who_was_removed_with_a_date_and_a_roster_from_when_she_was_in() {
    counts_for_nothing(
        pushed(|case| {
            let then = case.roster_at("branched");
            let point = covault::model::manifest::RosterPoint { seq: then.seq, head: then.head, blob: String::new() };
            let to = ["adam", "alice", "gina", "rita", "wanda"];
            let forged = case.next(DB, "gina").to(&to).with(|it| {
                it.roster = point;
                it.at = Time::from_unix(1_767_225_600);
            });
            stuff(case, DB, vec![forged.bytes()]);
        }),
        "standing",
    );
}

#[test]
fn a_version_of_a_reader_beside_it() {
    counts_for_nothing(pushed(|case| stuff(case, DB, vec![case.next(DB, "rita").bytes()])), "standing");
}

#[test]
fn a_version_of_a_machine_that_reads_beside_it() {
    let attacked = pushed(|case| stuff(case, "staging/db", vec![case.next("staging/db", "ci").bytes()]));
    let attacked = attacked.both_find(&[("standing", FILE)]);
    attacked.ends(&["get", "staging/db"], 0, "the value for the job").comes_to_nothing();
}

#[test]
fn a_writer_beside_what_she_may_not_read() {
    let attacked = pushed(|case| {
        let forged = case.next("prod/db", "wanda").to(&["adam", "alice", "wanda"]).bytes();
        stuff(case, "prod/db", vec![forged]);
    });
    attacked.both_find(&[("standing", FILE)]).comes_to_nothing();
}

#[test]
fn a_writers_version_for_somebody_who_may_not_read_beside_it() {
    counts_for_nothing(
        pushed(|case| {
            let to = ["adam", "alice", "ci", "rita", "wanda"];
            stuff(case, DB, vec![case.next(DB, "wanda").to(&to).bytes()]);
        }),
        "entitled",
    );
}

#[test]
fn versions_of_one_who_was_removed_in_the_place_of_the_newest() {
    let why = "may not write";
    let attacked = pushed(|case| {
        let forged = |n: i64| case.next(DB, "gina").to(&["alice", "gina"]).with(|it| it.at = Time::from_unix(NOW + n));
        put(case, DB, vec![forged(1).bytes(), forged(2).bytes()]);
    });
    attacked.spoils(&[DB]).refuses(GET, why).refuses(&["run", "--from", "dev", "--", "true"], why);
}

#[test]
fn one_who_was_removed_vouches_for_an_old_version() {
    // Hers names the newest as its parent, and the old one is the only one that counts.
    rolled_back(pushed(|case| {
        let forged = case.next(DB, "gina").to(&["alice", "gina"]).bytes();
        put(case, DB, vec![forged, old(case, "begun", DB)]);
    }));
}

#[test]
fn one_who_was_removed_says_that_hers_comes_after_all_that_is_there() {
    counts_for_nothing(
        pushed(|case| {
            let forged = case.next(DB, "gina").to(&["alice", "gina"]).with(|it| it.revision = 1 << 50);
            stuff(case, DB, vec![forged.bytes()]);
        }),
        "standing",
    );
}

#[test]
fn five_hundred_versions_of_one_who_was_removed_stop_nobody() {
    counts_for_nothing(
        pushed(|case| {
            let forged =
                |n: i64| case.next(DB, "gina").to(&["alice", "gina"]).with(|it| it.at = Time::from_unix(NOW + n));
            stuff(case, DB, (0..500).map(|n| forged(n).bytes()).collect());
        }),
        "standing",
    );
}

/// A version that wanda may write, beside whatever lies there.
fn of_wanda(case: &Case, n: u8) -> Vec<u8> {
    let key = Key::parse("field.value").unwrap();
    let at = Time::from_unix(NOW + i64::from(n));
    let author = member("wanda");
    let value = Value::text(&format!("number {n} that wanda wrote"));
    let write = Write::new(&key, value, false, author, at, [n; 16]);
    let sealed = case.next(DB, "wanda").saying(|document| document.put(&key, write)).with(|it| it.at = at);
    sealed.bytes()
}

#[test]
fn more_siblings_than_a_version_may_name_are_joined_in_two_steps() {
    for count in [63, 65] {
        let attacked = pushed(|case| stuff(case, DB, (1..=count).map(|n| of_wanda(case, n)).collect()));
        let attacked = attacked.both_find(&[]);
        let alice = &attacked.case.alice;
        assert_eq!(alice.get(DB), format!("number {count} that wanda wrote"));
        for n in 0..3 {
            alice.set(DB, &format!("one value again, {n}"));
            assert_eq!(alice.get(DB), format!("one value again, {n}"), "{count}");
        }
        assert_eq!(members(&std::fs::read(alice.file(DB)).unwrap()).unwrap().len(), 1, "{count}");
        attacked.both_find(&[]);
    }
}

#[test]
fn more_siblings_than_a_version_may_name_on_a_branch() {
    let case = Case::new();
    super::branch(&case, "main", |case| stuff(case, DB, (1..=130).map(|n| of_wanda(case, n)).collect()));
    let (attacked, said) = super::merged(case, true, 0);
    assert!(!said.err.contains("error"), "{}", said.err);
    let alice = &attacked.case.alice;
    alice.covault(["get", DB]).ok();
    for n in 0..4 {
        alice.set(DB, &format!("one value again, {n}"));
        assert_eq!(alice.get(DB), format!("one value again, {n}"));
    }
    assert_eq!(members(&std::fs::read(alice.file(DB)).unwrap()).unwrap().len(), 1);
    attacked.both_find(&[]);
}

#[test]
fn a_version_with_another_id_beside_it() {
    let attacked = pushed(|case| {
        let key = Key::parse("field.other").unwrap();
        let write =
            Write::new(&key, Value::text("of another birth"), false, member("wanda"), Time::from_unix(NOW), [3; 16]);
        let mut forged = case.birth(DB, "wanda").with(|it| it.id = SecretId([1; 16]));
        let empty = covault::model::document::Document::new(
            forged.manifest.vault,
            SecretId([1; 16]),
            forged.manifest.path.clone(),
        );
        forged = forged.saying(|document| {
            *document = empty;
            document.put(&key, write);
        });
        stuff(case, DB, vec![forged.bytes()]);
    });
    let attacked = attacked.both_find(&[]);
    let alice = &attacked.case.alice;
    assert_eq!(alice.get("dev/db/value"), THIRD);
    assert_eq!(alice.get("dev/db/other"), "of another birth");
    alice.covault(["set", DB, "user=app"]).ok();
    assert_eq!(alice.get("dev/db/value"), THIRD);
    attacked.both_find(&[]);
}

/// A file that a bot left when it merged `feature`: both versions, sealed side by side. alice has seen it.
fn with_siblings() -> Case {
    let case = Case::new();
    stuff(&case, DB, vec![old(&case, "origin/feature", DB)]);
    case.deliver();
    case.alice.covault(["get", DB]).ok();
    case
}

/// What mallory makes of such a file.
fn after(case: Case, deed: impl FnOnce(&Case)) -> Attacked {
    deed(&case);
    case.deliver();
    Attacked::of(case)
}

#[test]
fn either_of_two_siblings_dropped() {
    for from in ["begun^{commit}", "origin/feature"] {
        let case = with_siblings();
        let kept = if from == "origin/feature" { old(&case, from, DB) } else { old(&case, "HEAD~1", DB) };
        rolled_back(after(case, |case| case.write(&file(DB), kept)));
    }
}

#[test]
fn a_sibling_replaced_by_an_older_one() {
    let case = with_siblings();
    rolled_back(after(case, |case| {
        put(case, DB, vec![old(case, "begun", DB), old(case, "origin/feature", DB)]);
    }));
}

#[test]
fn siblings_that_were_joined_put_back() {
    let case = with_siblings();
    let before = case.read(&file(DB));
    case.alice.set(DB, "one value again");
    case.alice.git(["push", "-q"]).ok();
    case.alice.get(DB);
    case.git(&["pull", "-q", "--ff-only"]);
    rolled_back(after(case, |case| case.write(&file(DB), before)));
}

#[test]
fn siblings_that_were_joined_put_back_beside_what_they_came_to() {
    let case = with_siblings();
    let before = case.read(&file(DB));
    case.alice.set(DB, THIRD);
    case.alice.git(["push", "-q"]).ok();
    case.alice.get(DB);
    case.git(&["pull", "-q", "--ff-only"]);
    let olds = members(&before).unwrap().into_iter().map(<[u8]>::to_vec).collect();
    after(case, |case| stuff(case, DB, olds)).both_find(&[]).comes_to_nothing();
}

#[test]
fn siblings_where_a_secret_was_deleted() {
    let case = Case::new();
    case.alice.covault(["rm", "dev/api"]).ok();
    case.alice.git(["push", "-q"]).ok();
    case.alice.covault(["get", "dev/api"]).exits(3);
    case.git(&["pull", "-q", "--ff-only"]);
    let attacked = after(case, |case| stuff(case, "dev/api", vec![old(case, "begun", "dev/api")]));
    let attacked = attacked.both_find(&[]);
    let said = attacked.case.alice.covault(["get", "dev/api"]).exits(3);
    assert!(said.err.contains("was deleted"), "{}", said.err);
    assert!(!attacked.case.alice.covault(["ls", "--flat"]).ok().text().contains("dev/api"));
}

#[test]
fn siblings_where_a_secret_moved_away() {
    let case = Case::new();
    case.alice.covault(["mv", "dev/api", "dev/key"]).ok();
    case.alice.git(["push", "-q"]).ok();
    case.alice.covault(["get", "dev/api"]).exits(3);
    case.git(&["pull", "-q", "--ff-only"]);
    let attacked = after(case, |case| stuff(case, "dev/api", vec![old(case, "begun", "dev/api")]));
    let attacked = attacked.both_find(&[]);
    let said = attacked.case.alice.covault(["get", "dev/api"]).exits(3);
    assert!(said.err.contains("dev/key"), "{}", said.err);
    assert_eq!(attacked.case.alice.get("dev/key"), "the key that wanda wrote");
}

#[test]
fn a_tombstone_of_one_who_was_removed_beside_it() {
    counts_for_nothing(
        pushed(|case| {
            let grave = case.next(DB, "gina").to(&["alice", "gina"]);
            let grave = grave.with(|it| it.state = covault::model::manifest::State::Deleted).with_values_as_they_are();
            stuff(case, DB, vec![grave.bytes()]);
        }),
        "standing",
    );
}

/// A file that is not what [`bundle`] writes.
#[track_caller]
fn ill_formed(make: impl FnOnce(&Case, Vec<Vec<u8>>) -> Vec<u8>) {
    let attacked = pushed(|case| {
        let two = bundle(vec![case.read(&file(DB)), old(case, "begun", DB)]).unwrap();
        let sorted = members(&two).unwrap().into_iter().map(<[u8]>::to_vec).collect();
        let bytes = make(case, sorted);
        case.write(&file(DB), bytes);
    });
    let attacked = attacked.spoils(&[DB]).refuses(GET, "").refuses(&["set", DB], "").refuses(&["show", DB], "");
    let mut text = String::new();
    write!(text, "{:?}", attacked.case.alice.covault(["status"]).code).unwrap();
    assert_eq!(text, "0");
    let said = attacked.case.alice.covault(["verify", "--json"]).exits(6);
    assert!(said.text().contains("\"form\""), "{}", said.text());
    crate::verifier::second_opinion(&attacked.case.alice.repo, &["--history"]);
}

#[test]
fn the_same_version_many_times() {
    ill_formed(|_, two| by_hand(500, &vec![two[0].clone(); 500]));
}

#[test]
fn siblings_in_the_wrong_order() {
    ill_formed(|_, two| by_hand(2, &[two[1].clone(), two[0].clone()]));
}

#[test]
fn siblings_among_siblings() {
    ill_formed(|_, two| {
        let inner = by_hand(2, &two);
        let mut all = vec![inner, two[0].clone()];
        all.sort_by_key(|member| covault::model::bytes::Hash::of(member));
        by_hand(2, &all)
    });
}

#[test]
fn a_count_that_is_too_high() {
    ill_formed(|_, two| by_hand(3, &two));
}

#[test]
fn a_count_that_is_too_low() {
    ill_formed(|_, two| by_hand(1, &two));
}

#[test]
fn a_count_of_nothing() {
    ill_formed(|_, _| by_hand(0, &[]));
}

#[test]
fn a_count_that_no_machine_has_memory_for() {
    ill_formed(|_, two| by_hand(u32::MAX, &two));
}

#[test]
fn a_length_that_no_machine_has_memory_for() {
    ill_formed(|_, _| [b"covault-siblings 1\n\0\x00\x00\x00\x02\xff\xff\xff\xff".as_slice(), &[7; 64]].concat());
}

#[test]
fn something_behind_the_last_sibling() {
    ill_formed(|_, two| [by_hand(2, &two), b"more".to_vec()].concat());
}

#[test]
fn siblings_that_are_cut_short() {
    ill_formed(|_, two| {
        let whole = by_hand(2, &two);
        whole[..whole.len() - 7].to_vec()
    });
}

#[test]
fn siblings_that_end_after_their_first_words() {
    ill_formed(|_, _| b"covault-siblings ".to_vec());
}

#[test]
fn siblings_of_a_form_that_nobody_knows() {
    ill_formed(|_, two| {
        let text = by_hand(2, &two);
        [b"covault-siblings 2\n\0".as_slice(), &text[20..]].concat()
    });
}

#[test]
fn more_siblings_than_a_file_may_hold() {
    let attacked = pushed(|case| {
        let noise = vec![0x55; (3 << 20) - 1];
        let members: Vec<Vec<u8>> = (0..12u8).map(|n| [&[n], noise.as_slice()].concat()).collect();
        case.write(&file(DB), by_hand(12, &members));
    });
    attacked.spoils(&[DB]).refuses(GET, "bytes").refuses(&["set", DB], "bytes");
}

#[test]
fn siblings_in_the_place_of_the_roster() {
    pushed(|case| case.write(ROSTER, by_hand(2, &[case.read(&file(DB)), old(case, "begun", DB)])))
        .spoils(&super::super::rig::ALL)
        .refuses(GET, "roster.toml is refused");
}

#[test]
fn siblings_at_a_name_that_nobody_had() {
    pushed(put_at_new)
        .refuses(&["get", "dev/new"], "sealed for another name")
        .refuses(&["set", "dev/new"], "sealed for another name")
        .comes_to_nothing();
}

fn put_at_new(case: &Case) {
    let both = vec![case.read(&file(DB)), old(case, "begun", DB)];
    case.write(&file("dev/new"), bundle(both).unwrap());
}
