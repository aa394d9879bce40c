//! An admin against the rules of the roster, and merges of it that nobody may make: refused as a whole, too.

use covault::model::bytes::Hash;
use covault::model::card::Kind;
use covault::model::manifest::MemberRef;
use covault::model::names::GroupName;
use covault::model::roster::{Granted, Grantee, Operation, Role, decode, embeddable};
use covault::seal::Identity;
use covault::seal::sshsig::{self, Namespace};

use super::forge::{Stranger, member};
use super::rig::{Case, ROSTER, pushed};
use super::roster::{admits, grants, group, refused, removes};

/// The same for an entry that an admin signed and the rules refuse.
#[track_caller]
fn against_the_rules(operation: impl FnOnce(&Case) -> Operation, because: &str) {
    let deed = |case: &Case| {
        let operation = operation(case);
        case.chain().then("adam", operation).put();
    };
    refused(deed, because);
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
