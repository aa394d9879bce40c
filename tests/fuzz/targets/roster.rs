//! A roster is read only as it would be written; a chain adds up to the same whether it is read at once or grown; and two
//! branches merge to the same from either side.
//!
//! No mutation finds a hash, so that an input may leave them out: `{s}` is an entry's number, `{p}` the hash of the body
//! before it, `{c0}`, `{c1}`, … the cards in the order in which entries brought them. Two lines of `%%` part a common
//! beginning from two branches.

use covault::model::bytes::Hash;
use covault::model::card::Card;
use covault::model::roster::{Entry, Operation, Roster, decode, decode_embedded, embeddable};

pub fn run(data: &[u8]) {
    if let Ok(entries) = read(data) {
        let texts: Vec<String> = entries.iter().map(Entry::text).collect();
        assert_eq!(texts.join("\n").as_bytes(), data, "one spelling");
        add_up(&entries);
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut parts = text.split("%%\n");
    let base = Chain::default().with(parts.next().unwrap_or_default());
    let Some(base) = base else { return };
    let Some(base_roster) = add_up(&base.entries) else { return };
    let (Some(ours), Some(theirs)) = (parts.next(), parts.next()) else { return };
    let (Some(ours), Some(theirs)) = (base.clone().with(ours), base.clone().with(theirs)) else { return };
    let (Some(one), Some(other)) = (add_up(&ours.entries), add_up(&theirs.entries)) else { return };
    merge(&base_roster, (&one, &ours.entries), (&other, &theirs.entries));
}

fn read(bytes: &[u8]) -> Result<Vec<Entry>, ()> {
    decode(bytes).map_err(|error| super::check_length(&error))
}

/// The roster, read at once and grown.
fn add_up(entries: &[Entry]) -> Option<Roster> {
    let roster = match Roster::from_entries(entries) {
        Ok(roster) => roster,
        Err(error) => {
            super::check_length(&error);
            return None;
        }
    };
    assert_eq!(roster.chain.len(), entries.len());
    assert!(roster.state().admins().next().is_some(), "a vault without an admin");
    assert!(entries.iter().all(|entry| roster.has(entry.hash()) && roster.contains(roster.head, entry.hash())));
    for member in roster.members() {
        assert!(roster.admitted(&member.reference()).is_some(), "a member whom nobody admitted");
    }
    let file = entries.iter().map(Entry::text).collect::<Vec<_>>().join("\n").into_bytes();
    let read = roster.sum().and_then(|sum| Roster::from_sum(&sum, std::sync::Arc::new(file)));
    assert!(read.as_ref() == Some(&roster), "what is remembered of it is another one");
    if let Some((last, before)) = entries.split_last().filter(|(_, before)| !before.is_empty()) {
        let before = Roster::from_entries(before);
        if let (Ok(before), Some(by)) = (before, last.by) {
            assert_eq!(before.after(&last.operation, by).as_ref(), Ok(roster.state()), "tried and done differ");
        }
    }
    Some(roster)
}

/// What each admin of both makes of both, from either side.
fn merge(base: &Roster, ours: (&Roster, &[Entry]), theirs: (&Roster, &[Entry])) {
    let by: Vec<Hash> = ours.0.admins_with(theirs.0).map(|admin| admin.hash).collect();
    for by in by.into_iter().filter(|by| theirs.0.member(*by).is_some()) {
        let one = merged(ours.0, theirs.1, by);
        let other = merged(theirs.0, ours.1, by);
        let (Some(one), Some(other)) = (one, other) else { continue };
        assert!(one == other, "the two ways to merge differ: {one:#?} {other:#?}");
        assert!(one.admins().next().is_some(), "no admin is left");
        for member in one.members() {
            let name = &member.card.name;
            let sides = [ours.0.named(name), theirs.0.named(name)];
            let role = sides.into_iter().flatten().map(|side| side.role).max();
            assert!(role >= Some(member.role), "{name} has a role that neither side gave");
            let gone = base.member(member.hash).is_some() && sides.contains(&None);
            assert!(!gone, "{name} was removed on one side and lives by the same card");
        }
    }
}

fn merged(ours: &Roster, theirs: &[Entry], by: Hash) -> Option<covault::model::roster::State> {
    let entries = embeddable(ours, theirs);
    if entries.is_empty() {
        return None;
    }
    let embedded = decode_embedded(&entries, ours.vault).expect("what stood in a file is read again");
    assert_eq!(embedded.iter().map(Entry::text).collect::<Vec<_>>(), entries);
    ours.after(&Operation::Merge { entries }, by).map_err(|why| super::check_length(&why)).ok()
}

/// Entries, with what the places for hashes stand for.
#[derive(Clone, Default)]
struct Chain {
    text: String,
    entries: Vec<Entry>,
    cards: Vec<Hash>,
}

impl Chain {
    /// With more of them; `None` where they are none.
    fn with(mut self, text: &str) -> Option<Self> {
        const HEADER: &str = "[[entry]]\n";
        for entry in text.split(HEADER).skip(1) {
            let mut entry = entry.trim_end_matches('\n').replace("{s}", &self.entries.len().to_string());
            let before = self.entries.last().map(|entry| entry.hash().to_string());
            entry = entry.replace("{p}", &before.unwrap_or_default());
            for (number, card) in self.cards.iter().enumerate() {
                entry = entry.replace(&format!("{{c{number}}}"), &card.to_string());
            }
            if !self.text.is_empty() {
                self.text.push('\n');
            }
            self.text.push_str(&format!("{HEADER}{entry}\n"));
            self.entries = read(self.text.as_bytes()).ok()?;
            self.cards.extend(self.entries.last().and_then(Entry::card).map(Card::hash));
        }
        (!self.entries.is_empty()).then_some(self)
    }
}
