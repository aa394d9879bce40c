//! What a roster adds up to, as text for this machine to remember: so that the next start need not read every entry.
//!
//! It says nothing about whether anything was verified; who keeps it does, and names it by the hash of the roster's file.
//! A text that was written by other rules than these is read as none.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

use super::super::bytes::Hash;
use super::super::canon::{Reader, Writer};
use super::super::card::Card;
use super::super::names::{GroupName, MemberName};
use super::Role;
use super::chain::Roster;
use super::past::Past;
use super::state::{Holder, Known, Member, State};

/// Tells the rules apart by which entries are read and added up: a hash of the very lines that say them. A program with
/// other rules has another one, and does not believe what this one wrote.
const RULES: u64 = rules(&[
    include_bytes!("chain.rs"),
    include_bytes!("entry.rs"),
    include_bytes!("fact.rs"),
    include_bytes!("merge.rs"),
    include_bytes!("past.rs"),
    include_bytes!("settle.rs"),
    include_bytes!("state.rs"),
    include_bytes!("sum.rs"),
    include_bytes!("weigh.rs"),
    include_bytes!("../roster.rs"),
    include_bytes!("../canon.rs"),
    include_bytes!("../card.rs"),
    include_bytes!("../manifest.rs"),
    include_bytes!("../names.rs"),
]);

/// FNV-1a, which a compiler can work out; nobody is to be kept out by it.
const fn rules(files: &[&[u8]]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut files = files;
    while let Some((file, more)) = files.split_first() {
        let mut bytes: &[u8] = file;
        while let Some((byte, rest)) = bytes.split_first() {
            hash = (hash ^ *byte as u64).wrapping_mul(0x0100_0000_01b3);
            bytes = rest;
        }
        files = more;
    }
    hash
}

impl Roster {
    /// What it adds up to; `None` where that would not be read as the same.
    pub fn sum(&self) -> Option<String> {
        let text = self.encode();
        let read = Self::from_sum(&text, Arc::default())?;
        (self.is_summed(&read)).then_some(text)
    }

    /// The roster whose sum this is; `file` is the file that was added up. `None` for what this program does not write.
    pub fn from_sum(text: &str, file: Arc<Vec<u8>>) -> Option<Self> {
        let mut r = Reader::new(text);
        if r.string("rules").ok()? != rules_text() {
            return None;
        }
        let roster = read(&mut r, file)?;
        r.end().ok().map(|()| roster)
    }

    /// Whether everything that a sum says is the same.
    fn is_summed(&self, other: &Self) -> bool {
        let head = |it: &Self| (it.vault, it.seq, it.head, it.past.embedded(&it.chain));
        head(self) == head(other)
            && self.name == other.name
            && self.chain == other.chain
            && self.left_out == other.left_out
            && self.state == other.state
    }

    fn encode(&self) -> String {
        let state = &self.state;
        let mut w = Writer::with_capacity(4096 + 64 * self.chain.len() + 512 * state.cards.size());
        let embedded = self.past.embedded(&self.chain);
        w.string("rules", &rules_text())
            .string("vault", &self.vault.to_string())
            .string("name", &self.name)
            .string("chain", &hexes(&self.chain))
            .strings("embedded", embedded.iter().map(|(hash, seq)| format!("{hash} {seq}")))
            .integer("minimum", state.minimum)
            .string("kept", &hexes(&sorted(state.kept.iter().copied())))
            .strings("persons", state.persons.iter().map(|(name, card)| format!("{name} {card}")))
            .strings("members", state.members().map(member_text))
            .strings("groups", state.groups.iter().map(|(group, names)| format!("{group} {}", listed(names))))
            .strings("grants", state.grants().map(|(path, holders)| format!("{path} {}", listed(holders))))
            .strings("made", sorted(state.made.iter().map(|(key, by)| format!("{} {key}", listed(by)))));
        let known = state.cards.iter().map(|(hash, known)| (*hash, known, "[[card]]"));
        let left_out = self.left_out.iter().map(|(hash, known)| (*hash, known, "[[left_out]]"));
        let mut cards: Vec<_> = known.chain(left_out).collect();
        cards.sort_unstable_by_key(|(hash, _, header)| (*header, *hash));
        for (hash, known, header) in cards {
            w.header(header)
                .string("hash", &hash.to_string())
                .integer("stands", u64::from(known.stands))
                .string("by", &name_text(known.admitted_by.as_ref()));
            known.card.write_fields(&mut w);
        }
        w.finish()
    }
}

fn rules_text() -> String {
    format!("{RULES:016x}")
}

fn read(r: &mut Reader<'_>, file: Arc<Vec<u8>>) -> Option<Roster> {
    let vault = Hash::from_hex(&r.string("vault").ok()?)?;
    let name = r.string("name").ok()?;
    let chain = from_hexes(&r.string("chain").ok()?)?;
    let embedded = each(r, "embedded", |text| {
        let (hash, seq) = text.split_once(' ')?;
        Some((Hash::from_hex(hash)?, seq.parse().ok()?))
    })?;
    let minimum = r.integer("minimum").ok()?;
    let kept = from_hexes(&r.string("kept").ok()?)?;
    let persons = each(r, "persons", |text| {
        let (name, card) = text.split_once(' ')?;
        Some((MemberName::parse(name).ok()?, Hash::from_hex(card)?))
    })?;
    let members = r.strings("members").ok()?;
    let groups = each(r, "groups", |text| {
        let (group, names) = text.split_once(' ')?;
        Some((GroupName::parse(group).ok()?, from_listed(names, |name| MemberName::parse(name).ok())?))
    })?;
    let grants = each(r, "grants", |text| {
        let (path, holders) = text.split_once(' ')?;
        Some((path.to_owned(), from_listed(holders, holder)?))
    })?;
    let made: HashMap<String, BTreeSet<MemberName>> = each(r, "made", |text| {
        let (by, key) = text.split_once(' ')?;
        Some((key.to_owned(), from_listed(by, |name| MemberName::parse(name).ok())?))
    })?;
    let mut state = State { minimum, persons, groups, grants, ..State::default() };
    kept.into_iter().for_each(|version| state.kept.insert_mut(version));
    made.into_iter().for_each(|(key, by)| state.made.insert_mut(key, by));
    for (hash, known) in cards(r, "[[card]]", vault)? {
        state.take_keys(&known.card, None).ok()?;
        state.cards.insert_mut(hash, known);
    }
    let left_out = cards(r, "[[left_out]]", vault)?.into_iter().collect();
    for text in members {
        let member = member(&text, &state)?;
        state.members.insert_mut(member.card.name.clone(), Arc::new(member));
    }
    let (seq, head) = (chain.len().checked_sub(1)? as u64, *chain.last()?);
    let past = Past::unread(file, embedded);
    Some(Roster { vault, name, seq, head, chain, past, left_out, state })
}

/// The cards below one kind of header.
fn cards(r: &mut Reader<'_>, header: &str, vault: Hash) -> Option<Vec<(Hash, Arc<Known>)>> {
    let mut cards = Vec::new();
    while r.try_header(|found| found == header).is_some() {
        let hash = Hash::from_hex(&r.string("hash").ok()?)?;
        let stands = r.integer("stands").ok()? == 1;
        let admitted_by = name(&r.string("by").ok()?)?;
        let card = Card::read_fields(r, vault).ok()?;
        cards.push((hash, Arc::new(Known { card, stands, admitted_by })));
    }
    Some(cards)
}

/// Card, role and who took them in.
fn member_text(member: &Member) -> String {
    format!("{} {} {}", member.hash, member.role, name_text(member.admitted_by.as_ref()))
}

fn member(text: &str, state: &State) -> Option<Member> {
    let mut words = text.splitn(3, ' ');
    let hash = Hash::from_hex(words.next()?)?;
    let (role, admitted_by) = (Role::parse(words.next()?)?, name(words.next()?)?);
    let card = state.cards.get(&hash)?.card.clone();
    Some(Member { card, hash, role, admitted_by })
}

/// A name, or nothing.
fn name_text(name: Option<&MemberName>) -> String {
    name.map(ToString::to_string).unwrap_or_default()
}

fn name(text: &str) -> Option<Option<MemberName>> {
    if text.is_empty() { Some(None) } else { MemberName::parse(text).ok().map(Some) }
}

fn holder(text: &str) -> Option<Holder> {
    match text.strip_prefix('@') {
        Some("people") => Some(Holder::People),
        Some(group) => GroupName::parse(group).ok().map(Holder::Group),
        None => MemberName::parse(text).ok().map(Holder::Member),
    }
}

/// Words that have no comma, with commas between them.
fn listed<T: ToString>(items: &BTreeSet<T>) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn from_listed<T: Ord>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Option<BTreeSet<T>> {
    if text.is_empty() { Some(BTreeSet::new()) } else { text.split(',').map(parse).collect() }
}

fn each<T: FromIterator<U>, U>(r: &mut Reader<'_>, key: &str, parse: impl Fn(&str) -> Option<U>) -> Option<T> {
    r.strings(key).ok()?.iter().map(|text| parse(text)).collect()
}

fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.sort_unstable();
    items
}

/// Hashes one after the other: there may be thousands.
fn hexes(hashes: &[Hash]) -> String {
    let mut text = String::with_capacity(64 * hashes.len());
    // Writing to a String cannot fail.
    for hash in hashes {
        let _ = write!(text, "{hash}");
    }
    text
}

fn from_hexes(text: &str) -> Option<Vec<Hash>> {
    let bytes = hex::decode(text).ok()?;
    let whole = bytes.len().is_multiple_of(32);
    let hashes = bytes.chunks_exact(32).filter_map(|chunk| <[u8; 32]>::try_from(chunk).ok()).map(Hash);
    whole.then(|| hashes.collect())
}
