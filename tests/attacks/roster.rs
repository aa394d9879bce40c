//! Other readers through the roster: by those who are no admins, and by keys and chains that do not fit (an admin against
//! the rules: `roster_rules`). A roster with one bad entry is refused as a whole, and nothing is read or sealed by it.

use covault::model::bytes::Hash;
use covault::model::names::{GroupName, SecretPath};
use covault::model::roster::{Granted, Grantee, MAX_ROSTER, Operation, Role};
use covault::seal::SigningKey;
use covault::seal::sshsig::{self, Namespace};

use super::forge::{Chain, Stranger};
use super::rig::{ALL, Case, ROSTER, pushed};
use crate::cli::{photo, same};

/// Refused to read, to write and to list.
#[track_caller]
pub fn refused(deed: impl FnOnce(&Case), because: &str) {
    pushed(deed)
        .spoils(&ALL)
        .refuses(&["get", "dev/db"], because)
        .refuses(&["set", "dev/new"], because)
        .refuses(&["ls"], because);
}

/// The same for an entry by somebody who is no admin.
#[track_caller]
fn no_admin(by: &str, operation: impl FnOnce(&Case) -> Operation) {
    let deed = |case: &Case| {
        let operation = operation(case);
        case.chain().then(by, operation).put();
    };
    refused(deed, "its signer is no admin");
}

pub fn admits(stranger: &Stranger) -> Operation {
    Operation::Admit { role: Role::Writer, card: stranger.card.clone() }
}

fn raises(case: &Case, name: &str) -> Operation {
    Operation::Role { member: case.reference(name), role: Role::Admin, live: Vec::new() }
}

pub fn grants(case: &Case, path: &str, name: &str) -> Operation {
    let readers = ["adam", "alice", name].map(|name| Grantee::Member(case.reference(name)));
    Operation::Grant { path: SecretPath::parse(path).ok(), readers: Granted::To(readers.into()), live: Vec::new() }
}

pub fn removes(case: &Case, name: &str) -> Operation {
    Operation::Remove { member: case.reference(name), live: Vec::new() }
}

pub fn group(case: &Case, name: &str, members: &[&str]) -> Operation {
    let members = members.iter().map(|name| case.reference(name)).collect();
    Operation::Group { group: GroupName::parse(name).unwrap(), members, live: Vec::new() }
}

#[test]
fn a_chain_that_was_read_and_written_again_is_the_same() {
    pushed(|case| {
        assert_eq!(case.chain().text().into_bytes(), case.read(ROSTER));
        case.chain().put();
    })
    .comes_to_nothing();
}

// --- by those who are no admins

#[test]
fn mallory_admits_herself_in_alices_name() {
    let deed = |case: &Case| {
        let eve = case.stranger("eve");
        let alice = case.reference("alice").card;
        case.chain().signed(Some(alice), admits(&eve), &eve.key, Some(eve.signature.clone())).put();
    };
    refused(deed, "is signed with a key that is not its author's");
}

#[test]
fn mallory_admits_herself_in_her_own_name() {
    let deed = |case: &Case| {
        let eve = case.stranger("eve");
        case.chain().signed(Some(eve.card.hash()), admits(&eve), &eve.key, Some(eve.signature.clone())).put();
    };
    refused(deed, "its signer is no admin");
}

#[test]
fn mallory_admits_herself_in_nobodys_name() {
    let deed = |case: &Case| {
        let eve = case.stranger("eve");
        case.chain().signed(None, admits(&eve), &eve.key, Some(eve.signature.clone())).put();
    };
    refused(deed, "by is not empty, as prev, in the first entry and in no other");
}

#[track_caller]
fn admitted_by(by: &str) {
    let deed = |case: &Case| {
        let eve = case.stranger("eve");
        case.chain().admits(by, admits(&eve), &eve.signature).put();
    };
    refused(deed, "its signer is no admin");
}

#[test]
fn a_reader_admits_somebody() {
    admitted_by("rita");
}

#[test]
fn a_writer_admits_somebody() {
    admitted_by("wanda");
}

#[test]
fn a_machine_admits_somebody() {
    admitted_by("ci");
}

#[test]
fn one_who_was_removed_admits_somebody() {
    admitted_by("gina");
}

#[test]
fn one_who_was_removed_comes_back() {
    let deed = |case: &Case| {
        let gina = case.stranger("gina");
        case.chain().admits("gina", admits(&gina), &gina.signature).put();
    };
    refused(deed, "its signer is no admin");
}

#[test]
fn a_writer_makes_herself_an_admin() {
    no_admin("wanda", |case| raises(case, "wanda"));
}

#[test]
fn a_reader_makes_herself_an_admin() {
    no_admin("rita", |case| raises(case, "rita"));
}

#[test]
fn a_writer_grants_herself_production() {
    no_admin("wanda", |case| grants(case, "prod", "wanda"));
}

#[test]
fn a_writer_grants_herself_one_secret() {
    no_admin("wanda", |case| grants(case, "prod/db", "wanda"));
}

#[test]
fn a_writer_puts_herself_into_the_group_of_admins() {
    no_admin("wanda", |case| group(case, "ops", &["adam", "alice", "wanda"]));
}

#[test]
fn a_writer_removes_an_admin() {
    no_admin("wanda", |case| removes(case, "alice"));
}

#[test]
fn a_writer_takes_a_grant_away_so_that_everybody_reads() {
    let deed = |_: &Case| Operation::Grant {
        path: SecretPath::parse("prod").ok(),
        readers: Granted::Inherit,
        live: Vec::new(),
    };
    no_admin("wanda", deed);
}

#[test]
fn a_writer_locks_everybody_out_with_a_later_format() {
    no_admin("wanda", |_| Operation::Minimum { minimum: 9 });
}

#[test]
fn a_writer_says_which_versions_stay_good() {
    no_admin("wanda", |case| Operation::Remove { member: case.reference("rita"), live: vec![Hash([1; 32])] });
}

#[test]
fn a_writer_gives_alice_another_card() {
    let deed = |case: &Case| {
        let alice = case.stranger("alice");
        let renew = Operation::Renew { member: case.reference("alice"), card: alice.card.clone(), live: Vec::new() };
        case.chain().admits("wanda", renew, &alice.signature).put();
    };
    refused(deed, "its signer is no admin");
}

#[test]
fn a_writer_gives_herself_another_card_and_skips_the_admin() {
    let deed = |case: &Case| {
        let wanda = case.stranger("wanda");
        let renew = Operation::Renew { member: case.reference("wanda"), card: wanda.card.clone(), live: Vec::new() };
        case.chain().admits("wanda", renew, &wanda.signature).put();
    };
    refused(deed, "its signer is no admin");
}

#[test]
fn a_device_slipped_onto_an_old_card() {
    let deed = |case: &Case| {
        let text = String::from_utf8(case.read(ROSTER)).unwrap();
        let device = case.stranger("eve").card.devices[0].to_text().replace("laptop", "tablet");
        let line = text.lines().find(|line| line.starts_with("devices = ")).unwrap();
        let more = format!("{}, \"{device}\"]", line.strip_suffix(']').unwrap());
        case.write(ROSTER, text.replacen(line, &more, 1));
    };
    // The founding entry is another one now.
    refused(deed, "entry 1 of the roster does not follow");
}

// --- keys and signatures

#[test]
fn an_entry_signed_as_a_card() {
    let deed = |case: &Case| {
        let (seq, head, by) = (case.roster().seq + 1, case.roster().head, case.reference("adam").card);
        let raise = raises(case, "wanda");
        case.chain().entry(seq, Some(head), Some(by), raise, &case.key("adam"), Namespace::Card, None).put();
    };
    refused(deed, "a signature for another purpose than covault-roster");
}

#[test]
fn an_entry_signed_as_a_secret() {
    let deed = |case: &Case| {
        let (seq, head, by) = (case.roster().seq + 1, case.roster().head, case.reference("adam").card);
        let raise = raises(case, "wanda");
        case.chain().entry(seq, Some(head), Some(by), raise, &case.key("adam"), Namespace::Secret, None).put();
    };
    refused(deed, "a signature for another purpose than covault-roster");
}

#[test]
fn a_member_whose_card_nobody_signed() {
    let deed = |case: &Case| case.chain().admits("adam", admits(&case.stranger("eve")), b"").put();
    refused(deed, "not an SSH signature");
}

#[test]
fn a_member_whose_card_the_admin_signed_instead() {
    let deed = |case: &Case| {
        let eve = case.stranger("eve");
        let signature = sshsig::sign(&case.key("adam"), Namespace::Card, eve.card.encode().as_bytes()).unwrap();
        case.chain().admits("adam", admits(&eve), &signature).put();
    };
    refused(deed, "is signed with a key that is not its author's");
}

#[test]
fn a_card_that_was_signed_for_another_vault() {
    let deed = |case: &Case| {
        let eve = case.stranger("eve");
        let mut elsewhere = eve.card.clone();
        elsewhere.vault = Hash([3; 32]);
        let signature = sshsig::sign(&eve.key, Namespace::Card, elsewhere.encode().as_bytes()).unwrap();
        case.chain().admits("adam", admits(&eve), &signature).put();
    };
    refused(deed, "the signature does not fit");
}

#[test]
fn a_card_signature_that_signs_the_entry() {
    let deed = |case: &Case| {
        let eve = case.stranger("eve");
        let mut chain = case.chain().admits("adam", admits(&eve), &eve.signature);
        chain.entries.last_mut().unwrap().signature = eve.signature;
        chain.put();
    };
    refused(deed, "a signature for another purpose than covault-roster");
}

#[test]
fn the_signature_of_another_entry() {
    let deed = |case: &Case| {
        let mut chain = case.chain().then("adam", raises(case, "wanda"));
        let old = chain.entries[chain.entries.len() - 2].signature.clone();
        chain.entries.last_mut().unwrap().signature = old;
        chain.put();
    };
    refused(deed, "the signature does not fit");
}

#[test]
fn a_key_that_opens_every_door_is_nobodys() {
    let deed = |case: &Case| {
        // The neutral point of the curve: signatures by it fit anything.
        let eve = case.stranger("eve");
        let mut card = eve.card.clone();
        let mut blob = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20\x01".to_vec();
        blob.resize(51, 0);
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(blob);
        card.devices[0].signing = Some(covault::model::card::SigningPublic(text));
        let signature = sshsig::sign(&SigningKey::generate().unwrap(), Namespace::Card, b"").unwrap();
        let admit = Operation::Admit { role: Role::Admin, card };
        case.chain().admits("adam", admit, &signature).put();
    };
    refused(deed, "a weak ssh-ed25519 public key");
}

// --- the chain

#[track_caller]
fn chained(change: impl FnOnce(&Case, Chain<'_>) -> String, because: &str) {
    refused(|case| case.write(ROSTER, change(case, case.chain())), because);
}

#[test]
fn an_entry_dropped_from_the_middle() {
    let change = |_: &Case, mut chain: Chain<'_>| {
        chain.entries.remove(3);
        chain.text()
    };
    chained(change, "entry 3 of the roster does not follow the one before it");
}

#[test]
fn two_entries_exchanged() {
    let change = |_: &Case, mut chain: Chain<'_>| {
        chain.entries.swap(3, 4);
        chain.text()
    };
    chained(change, "entry 3 of the roster does not follow the one before it");
}

#[test]
fn an_entry_twice() {
    let change = |_: &Case, mut chain: Chain<'_>| {
        chain.entries.push(chain.entries.last().unwrap().clone());
        chain.text()
    };
    chained(change, "does not follow the one before it");
}

#[test]
fn an_entry_with_a_later_number() {
    let change = |case: &Case, chain: Chain<'_>| {
        let (head, by, key) = (case.roster().head, case.reference("adam").card, case.key("adam"));
        chain.entry(99, Some(head), Some(by), raises(case, "wanda"), &key, Namespace::Roster, None).text()
    };
    chained(change, "does not follow the one before it");
}

#[test]
fn an_entry_after_one_that_is_not_the_newest() {
    let change = |case: &Case, chain: Chain<'_>| {
        let (roster, by, key) = (case.roster(), case.reference("adam").card, case.key("adam"));
        let before = Some(roster.chain[2]);
        chain.entry(roster.seq + 1, before, Some(by), raises(case, "wanda"), &key, Namespace::Roster, None).text()
    };
    chained(change, "does not follow the one before it");
}

#[test]
fn the_time_of_an_old_entry() {
    let change = |_: &Case, chain: Chain<'_>| {
        let old = format!("at = \"{}\"", chain.entries[2].at);
        chain.text().replace(&old, "at = \"2020-01-01T00:00:00Z\"")
    };
    chained(change, "does not follow the one before it");
}

#[test]
fn the_time_of_the_newest_entry() {
    let change = |_: &Case, chain: Chain<'_>| {
        let mut newest = chain.entries.last().unwrap().clone();
        newest.body = newest.body.replace(&newest.at.to_string(), "2020-01-01T00:00:00Z");
        let rest = &chain.entries[..chain.entries.len() - 1];
        rest.iter().chain([&newest]).map(|entry| entry.text()).collect::<Vec<_>>().join("\n")
    };
    chained(change, "the signature does not fit");
}

#[test]
fn an_operation_that_nobody_knows() {
    let change = |_: &Case, chain: Chain<'_>| chain.text().replace("op = \"group\"", "op = \"trust\"");
    chained(change, "has the operation 'trust', which this version does not know");
}

#[test]
fn a_comment_in_the_roster() {
    chained(|_, chain| format!("# hello\n{}", chain.text()), "the roster is not canonical");
}

#[test]
fn a_roster_with_windows_line_ends() {
    chained(|_, chain| chain.text().replace('\n', "\r\n"), "the roster is not canonical");
}

#[test]
fn an_empty_roster() {
    chained(|_, _| String::new(), "the roster has no entry");
}

#[test]
fn a_roster_with_the_marks_of_a_merge() {
    chained(|_, chain| format!("<<<<<<< HEAD\n{}", chain.text()), "the roster is not canonical");
}

#[test]
fn a_roster_that_is_larger_than_any() {
    chained(|_, chain| chain.text().repeat(800), "larger than 4194304 bytes");
}

#[test]
fn an_entry_that_makes_the_roster_larger_than_anybody_reads_is_not_written() {
    let case = Case::new();
    // As large as it may be: an entry lists what somebody wrote who loses the right to.
    let filled = |count: usize| {
        let live = (0..count).map(|n| Hash::of(&n.to_le_bytes())).collect();
        case.chain().then("adam", group(&case, "many", &["rita"]).keeping(live))
    };
    let (some, more) = (filled(100).text().len(), filled(200).text().len());
    filled(100 + (MAX_ROSTER - some) / (more - some).div_ceil(100) - 1).put();
    case.deliver();
    assert_eq!(case.alice.get("dev/db"), "the third value of dev db");
    let before = photo(&case.alice.repo);
    let said = case.alice.covault(["group", "set", "more", "rita", "--yes"]).exits(2);
    assert!(said.err.contains("the limit is 4194304") && said.err.contains("covault rekey FOLDER"), "{}", said.err);
    same(&before, &photo(&case.alice.repo));
    assert_eq!(case.alice.get("dev/db"), "the third value of dev db");
}
