//! Other readers through the roster: by those who are no admins, and by an admin against the rules. A roster with one bad
//! entry is refused as a whole, and nothing is read or sealed by it.

use covault::model::bytes::Hash;
use covault::model::card::Kind;
use covault::model::manifest::MemberRef;
use covault::model::names::{GroupName, SecretPath};
use covault::model::roster::{Granted, Grantee, MAX_ROSTER, Operation, Role, decode, embeddable};
use covault::seal::sshsig::{self, Namespace};
use covault::seal::{Identity, SigningKey};

use super::forge::{Chain, Stranger, member};
use super::rig::{ALL, Case, ROSTER, pushed};
use crate::cli::{photo, same};

/// Refused to read, to write and to list.
#[track_caller]
fn refused(deed: impl FnOnce(&Case), because: &str) {
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

/// The same for an entry that an admin signed and the rules refuse.
#[track_caller]
fn against_the_rules(operation: impl FnOnce(&Case) -> Operation, because: &str) {
    let deed = |case: &Case| {
        let operation = operation(case);
        case.chain().then("adam", operation).put();
    };
    refused(deed, because);
}

fn admits(stranger: &Stranger) -> Operation {
    Operation::Admit { role: Role::Writer, card: stranger.card.clone() }
}

fn raises(case: &Case, name: &str) -> Operation {
    Operation::Role { member: case.reference(name), role: Role::Admin, live: Vec::new() }
}

fn grants(case: &Case, path: &str, name: &str) -> Operation {
    let readers = ["adam", "alice", name].map(|name| Grantee::Member(case.reference(name)));
    Operation::Grant { path: SecretPath::parse(path).ok(), readers: Granted::To(readers.into()), live: Vec::new() }
}

fn removes(case: &Case, name: &str) -> Operation {
    Operation::Remove { member: case.reference(name), live: Vec::new() }
}

fn group(case: &Case, name: &str, members: &[&str]) -> Operation {
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

// --- by an admin, against the rules

#[track_caller]
fn card_against_the_rules(stranger: impl FnOnce(&Case) -> Stranger, because: &str) {
    let deed = |case: &Case| {
        let stranger = stranger(case);
        case.chain().admits("adam", admits(&stranger), &stranger.signature).put();
    };
    refused(deed, because);
}

#[test]
fn a_second_alice() {
    card_against_the_rules(|case| case.stranger("alice"), "the name alice was used before");
}

#[test]
fn a_second_gina() {
    card_against_the_rules(|case| case.stranger("gina"), "the name gina was used before");
}

#[test]
fn a_new_name_for_alices_recipient() {
    let stranger = |case: &Case| {
        let text = std::fs::read_to_string(case.alice.identity()).unwrap();
        let line = text.lines().find(|line| line.starts_with("AGE-")).unwrap();
        case.stranger_with("eve", Identity::parse(line).unwrap())
    };
    card_against_the_rules(stranger, "a key of the card is alice's");
}

#[test]
fn a_new_name_for_ginas_old_keys() {
    let stranger = |case: &Case| {
        let text = std::fs::read_to_string(case.world.stranger("gina").identity()).unwrap();
        let line = text.lines().find(|line| line.starts_with("AGE-")).unwrap();
        case.stranger_with("eve", Identity::parse(line).unwrap())
    };
    card_against_the_rules(stranger, "a key of the card is gina's");
}

#[test]
fn a_machine_that_is_an_admin() {
    let deed = |case: &Case| {
        let mut eve = case.stranger("eve");
        eve.card.kind = Kind::Machine;
        let signature = sshsig::sign(&eve.key, Namespace::Card, eve.card.encode().as_bytes()).unwrap();
        let admit = Operation::Admit { role: Role::Admin, card: eve.card };
        case.chain().admits("adam", admit, &signature).put();
    };
    refused(deed, "a machine is no admin");
}

#[test]
fn a_writer_who_cannot_sign() {
    let deed = |case: &Case| {
        let mut eve = case.stranger("eve");
        eve.card.devices[0].signing = None;
        let signature = sshsig::sign(&case.key("adam"), Namespace::Card, eve.card.encode().as_bytes()).unwrap();
        case.chain().admits("adam", admits(&eve), &signature).put();
    };
    refused(deed, "who writes has a signing key");
}

#[test]
fn a_card_that_comes_back() {
    let deed = |case: &Case| {
        let old = case.roster().named(&member("wanda")).unwrap().card.clone();
        let signature = sshsig::sign(&case.key("wanda"), Namespace::Card, old.encode().as_bytes()).unwrap();
        let new = case.stranger("wanda");
        let renew = |from: MemberRef, card| Operation::Renew { member: from, card, live: Vec::new() };
        let chain = case.chain().admits("adam", renew(case.reference("wanda"), new.card.clone()), &new.signature);
        let from = MemberRef { name: member("wanda"), card: new.card.hash() };
        chain.admits("adam", renew(from, old), &signature).put();
    };
    refused(deed, "it changes nothing");
}

#[test]
fn a_renewal_that_makes_a_machine_of_a_person() {
    let deed = |case: &Case| {
        let mut wanda = case.stranger("wanda");
        wanda.card.kind = Kind::Machine;
        let signature = sshsig::sign(&wanda.key, Namespace::Card, wanda.card.encode().as_bytes()).unwrap();
        let renew = Operation::Renew { member: case.reference("wanda"), card: wanda.card, live: Vec::new() };
        case.chain().admits("adam", renew, &signature).put();
    };
    refused(deed, "a renewed card keeps name and kind");
}

#[test]
fn a_renewal_that_takes_over_another_name() {
    let deed = |case: &Case| {
        let eve = case.stranger("eve");
        let renew = Operation::Renew { member: case.reference("wanda"), card: eve.card, live: Vec::new() };
        case.chain().admits("adam", renew, &eve.signature).put();
    };
    refused(deed, "a renewed card keeps name and kind");
}

#[test]
fn the_last_admins_removed() {
    let deed = |case: &Case| {
        let chain = case.chain().then("adam", removes(case, "alice"));
        chain.then("adam", removes(case, "adam")).put();
    };
    refused(deed, "the last admin stays");
}

#[test]
fn a_removed_member_removed_again() {
    against_the_rules(|case| removes(case, "gina"), "gina is no member");
}

#[test]
fn a_grant_to_one_who_was_removed() {
    against_the_rules(|case| grants(case, "prod", "gina"), "gina is no member");
}

#[test]
fn a_grant_to_a_card_that_nobody_has() {
    let operation = |case: &Case| {
        let mut operation = grants(case, "prod", "wanda");
        if let Operation::Grant { readers: Granted::To(readers), .. } = &mut operation {
            readers[2] = Grantee::Member(MemberRef { name: member("wanda"), card: Hash([2; 32]) });
        }
        operation
    };
    against_the_rules(operation, "the card of wanda is not the present one");
}

#[test]
fn a_grant_to_a_group_that_there_is_not() {
    let operation = |_: &Case| Operation::Grant {
        path: None,
        readers: Granted::To(vec![Grantee::Group(GroupName::parse("devs").unwrap())]),
        live: Vec::new(),
    };
    against_the_rules(operation, "there is no group devs");
}

#[test]
fn a_granted_group_that_ends() {
    against_the_rules(|case| group(case, "ops", &[]), "the group ops has a grant");
}

#[test]
fn a_root_that_inherits() {
    let operation = |_: &Case| Operation::Grant { path: None, readers: Granted::Inherit, live: Vec::new() };
    against_the_rules(operation, "the root inherits from nothing");
}

#[test]
fn a_later_format_that_nobody_here_knows() {
    against_the_rules(|_| Operation::Minimum { minimum: 2 }, "this vault needs format 2");
}

#[test]
fn a_second_founding() {
    let deed = |case: &Case| {
        let eve = case.stranger("eve");
        let found = Operation::Found { vault_name: "acme".to_owned(), nonce: [1; 16], founder: eve.card.clone() };
        case.chain().signed(None, found, &eve.key, Some(eve.signature)).put();
    };
    refused(deed, "founds a vault, which only the first does");
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

// --- merges

/// A branch of the roster as it was before gina left, on which `by` admitted eve.
fn branch(case: &Case, by: &str) -> Vec<covault::model::roster::Entry> {
    let eve = case.stranger("eve");
    let old = decode(&case.at_commit("branched", ROSTER)).unwrap().len();
    case.chain().first(old).admits(by, admits(&eve), &eve.signature).entries
}

#[test]
fn a_merge_by_one_who_is_no_admin() {
    let deed = |case: &Case| {
        let entries = embeddable(&case.roster(), &branch(case, "adam"));
        case.chain().then("wanda", Operation::Merge { entries }).put();
    };
    refused(deed, "its signer is no admin");
}

#[test]
fn a_merge_of_a_branch_that_a_writer_made() {
    let deed = |case: &Case| {
        let entries = embeddable(&case.roster(), &branch(case, "wanda"));
        case.chain().then("adam", Operation::Merge { entries }).put();
    };
    refused(deed, "its signer is no admin");
}

#[test]
fn a_merge_of_what_begins_elsewhere() {
    let deed = |case: &Case| {
        let entry = branch(case, "adam").pop().unwrap().text();
        let base = entry.lines().find(|line| line.starts_with("prev = ")).unwrap();
        let entries = vec![entry.replace(base, &format!("prev = \"{}\"", Hash([4; 32])))];
        case.chain().then("adam", Operation::Merge { entries }).put();
    };
    refused(deed, "what it embeds does not begin in this chain");
}

#[test]
fn a_merge_of_nothing_but_words() {
    let merge = |_: &Case| Operation::Merge { entries: vec!["[[entry]]\nformat = 1\n".to_owned()] };
    against_the_rules(merge, "what it embeds is no good chain");
}

#[test]
fn what_a_removed_admin_gave_on_a_branch_is_not_given_by_a_merge() {
    pushed(|case| {
        // adam goes, and has admitted eve on a branch of before.
        let eve = case.stranger("eve");
        let forked = case.chain().admits("adam", admits(&eve), &eve.signature);
        let trunk = case.chain().then("alice", removes(case, "adam"));
        trunk.put();
        let entries = embeddable(&case.roster(), &forked.entries);
        case.chain().then("alice", Operation::Merge { entries }).put();
        assert!(case.roster().named(&member("eve")).is_none() && case.roster().named(&member("adam")).is_none());
        // And who was taken in by nobody writes nothing.
        case.birth("dev/new", "wanda").and_to(&eve.card).put();
    })
    .refuses(&["get", "dev/new"], "it is sealed to eve, who may not read it")
    .comes_to_nothing();
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
