//! What a roster adds up to, as a machine remembers it: read back it is the same roster, without reading an entry.

use std::sync::Arc;

use covault::model::manifest::RosterPoint;
use covault::model::roster::{Role, Roster, vault_of};

use super::super::world::hash;
use super::chain::Chain;

/// What is read back from the sum answers as the roster does: before its past was worked out, and after.
#[track_caller]
pub fn check(roster: &Roster, file: &str) {
    let file = Arc::new(file.as_bytes().to_vec());
    assert_eq!(vault_of(&file), Some(roster.vault));
    let sum = roster.sum().expect("a sum that is read back as the same");
    let read = || Roster::from_sum(&sum, Arc::clone(&file)).unwrap();
    let unread = read();
    let heads = |it: &Roster| (it.vault, it.name.clone(), it.seq, it.head, it.chain.clone());
    assert_eq!(heads(&unread), heads(roster));
    assert!(unread.state() == roster.state());
    assert!(!unread.has(hash("no entry")));
    for (seq, entry) in roster.chain.iter().enumerate() {
        let seq = seq as u64;
        assert_eq!(unread.seq_at(*entry), Some(seq));
        let point = |seq| RosterPoint { seq, head: *entry, blob: String::new() };
        assert!(unread.has_point(&point(seq)) && !unread.has_point(&point(seq + 1)));
    }
    assert_eq!(unread.state_at(roster.head), Some(roster.state()));
    assert_eq!(unread.sum().as_ref(), Some(&sum), "the sum of what was read back");
    // From here on the entries were read.
    for entry in &roster.chain {
        assert!(unread.state_at(*entry) == roster.state_at(*entry) && unread.contains(roster.head, *entry));
    }
    assert!(read() == *roster);
}

#[test]
fn every_operation_is_in_the_sum() {
    let mut chain = Chain::team();
    chain.group("alice", "dev", &["walt", "rita"]);
    chain.group("alice", "ops", &["ann"]);
    chain.grant("alice", "prod/db", &["@dev", "ann"]);
    chain.grant("ann", "test", &["@people"]);
    chain.group("ann", "ops", &[]);
    chain.renew("ann", "walt", &["walt.1", "walt.2"]);
    let rita = chain.who("rita");
    chain.remove("ann", "rita");
    check(chain.roster(), &chain.text());
    let read = Roster::from_sum(&chain.roster().sum().unwrap(), Arc::new(chain.text().into_bytes())).unwrap();
    assert!(read.admitted(&rita).is_some() && !read.state().known(&rita).unwrap().stands);
    assert!(read.state().has_ended(&super::chain::group("ops")));
}

#[test]
fn a_roster_that_was_read_back_goes_on_as_the_one_that_it_is_of() {
    let mut chain = Chain::team();
    let read = Roster::from_sum(&chain.roster().sum().unwrap(), Arc::new(chain.text().into_bytes())).unwrap();
    let mut other = chain.clone();
    other.admit("ann", "erin", Role::Writer);
    chain.admit("alice", "dave", Role::Reader);
    let merged = {
        let mut merged = chain.clone();
        merged.merge("alice", &other);
        merged
    };
    let mut grown = read;
    for entry in merged.entries.iter().skip(grown.chain.len()) {
        grown = grown.extended(entry, &mut super::chain::Believe).unwrap();
    }
    assert!(grown == *merged.roster());
    check(&grown, &merged.text());
}

#[test]
fn who_a_merge_left_out_is_known_by_their_card_still() {
    let (mut a, mut b) = (Chain::team(), Chain::team());
    // Two people by one name: one of them is left out.
    a.admit("alice", "dave", Role::Reader);
    let card = b.card("dave", &["another.1"]);
    b.add("ann", covault::model::roster::Operation::Admit { role: Role::Reader, card });
    let both = [a.who("dave"), b.who("dave")];
    a.merge("alice", &b);
    let left_out = both.iter().filter(|dave| a.state().known(dave).is_none()).count();
    assert_eq!(left_out, 1, "nobody was left out");
    check(a.roster(), &a.text());
    let read = Roster::from_sum(&a.roster().sum().unwrap(), Arc::new(a.text().into_bytes())).unwrap();
    for entry in &b.roster().chain {
        assert!(
            read.seq_at(*entry).is_some() && read.seq_at(*entry) == a.roster().seq_at(*entry),
            "an entry of a branch"
        );
    }
    assert!(both.iter().all(|dave| read.admitted(dave).is_some_and(|card| card.hash() == dave.card)));
}

#[test]
fn a_sum_by_other_rules_and_one_that_was_cut_is_none() {
    let chain = Chain::team();
    let (sum, file) = (chain.roster().sum().unwrap(), Arc::new(chain.text().into_bytes()));
    let reads = |text: &str| Roster::from_sum(text, Arc::clone(&file)).is_some();
    assert!(reads(&sum));
    let rules = sum.strip_prefix("rules = \"").and_then(|rest| rest.split('"').next()).unwrap();
    assert!(rules.len() == 16 && rules.bytes().all(|b| b.is_ascii_hexdigit()), "{rules}");
    let at = sum.find('"').unwrap() + 1;
    let other = if sum.as_bytes()[at] == b'0' { "1" } else { "0" };
    assert!(!reads(&[&sum[..at], other, &sum[at + 1..]].concat()), "of other rules");
    for cut in 0..sum.rfind("[[card]]").unwrap() {
        assert!(!reads(&sum[..cut]), "cut to {cut} bytes");
    }
    assert!(!reads(&format!("{sum}\n")));
}
