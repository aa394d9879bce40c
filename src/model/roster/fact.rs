//! What a state says, taken apart into single facts; and what changed from one state to the next.
//!
//! Merging weighs facts (docs/format.md, "Merge"). A person is named by the card that they were admitted with: of two
//! people whom two branches admitted under one name, facts tell which one is meant.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::super::bytes::Hash;
use super::super::card::Device;
use super::super::names::{GroupName, MemberName};
use super::Role;
use super::state::{Holder, State};

/// Whom a grant names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Who {
    /// Every living person.
    People,
    /// A group's living members.
    Group(GroupName),
    /// One member.
    Person(Hash),
}

/// Something that holds or does not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Fact {
    /// A card of a person was admitted.
    Card(Hash, Hash),
    /// It stands.
    Stands(Hash, Hash),
    /// It is the present one.
    Present(Hash, Hash),
    /// A device is on the present card.
    Device(Hash, String),
    /// A person is a member.
    Lives(Hash),
    /// A member has at least this role.
    Role(Hash, Role),
    /// A group lives.
    Group(GroupName),
    /// A person is in a group.
    In(GroupName, Hash),
    /// There is a grant at a path.
    Grant(String),
    /// The grant that decides about a path names somebody.
    Names(String, Who),
    /// A member reads what is at a path, by whatever the grant names.
    Reads(String, Hash),
    /// A version stays good.
    Kept(Hash),
    /// The format that readers must know is at least this one.
    Minimum(u64),
}

/// What an entry did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) gave: Vec<Fact>,
    pub(super) took: Vec<Fact>,
}

/// A device as facts name it: both its keys, and no label.
pub(super) fn device(device: &Device) -> String {
    device.signing.as_ref().map_or_else(|| device.recipient.to_string(), |key| format!("{} {key}", device.recipient))
}

/// The person whom a holder names in this state; `None` where it is nobody's name.
pub(super) fn who(state: &State, holder: &Holder) -> Option<Who> {
    Some(match holder {
        Holder::People => Who::People,
        Holder::Group(group) => Who::Group(group.clone()),
        Holder::Member(name) => Who::Person(state.person(name)?),
    })
}

/// What changed from one state to the next one of its branch, asked about these paths.
pub(super) fn changes(before: &State, after: &State, paths: &BTreeSet<String>) -> Changes {
    let mut done = Changes::default();
    // Most entries change one of these; comparing takes less time than spelling all facts out.
    let same_people = before.members == after.members && before.cards == after.cards;
    let same_groups = before.groups == after.groups;
    let same_grants = before.grants == after.grants;
    let mut compare = |facts: &dyn Fn(&State) -> HashSet<Fact>| {
        let (old, new) = (facts(before), facts(after));
        done.gave.extend(new.difference(&old).cloned());
        done.took.extend(old.difference(&new).cloned());
    };
    if !same_people {
        compare(&people);
    }
    if !same_groups {
        compare(&groups);
    }
    if !same_grants {
        compare(&|state| grants(state, paths));
    }
    if !(same_people && same_groups && same_grants) {
        compare(&|state| readers(state, paths));
    }
    let kept = after.kept.iter().filter(|version| !before.kept.contains(*version));
    done.gave.extend(kept.copied().map(Fact::Kept));
    if after.minimum > before.minimum {
        done.gave.push(Fact::Minimum(after.minimum));
    }
    done
}

/// Every fact of a state but which versions it keeps and the minimum, asked about these paths.
pub(super) fn all(state: &State, paths: &BTreeSet<String>) -> HashSet<Fact> {
    let mut facts = people(state);
    facts.extend(groups(state));
    facts.extend(grants(state, paths));
    facts.extend(readers(state, paths));
    facts
}

fn people(state: &State) -> HashSet<Fact> {
    let mut facts = HashSet::new();
    for (hash, known) in state.cards() {
        let Some(person) = state.person(&known.card.name) else { continue };
        facts.insert(Fact::Card(person, hash));
        if known.stands {
            facts.insert(Fact::Stands(person, hash));
        }
    }
    for member in state.members() {
        let Some(person) = state.person(&member.card.name) else { continue };
        facts.extend([Fact::Lives(person), Fact::Present(person, member.hash)]);
        facts.extend(member.card.devices.iter().map(|it| Fact::Device(person, device(it))));
        let roles = [Role::Writer, Role::Admin].into_iter().filter(|role| *role <= member.role);
        facts.extend(roles.map(|role| Fact::Role(person, role)));
    }
    facts
}

fn groups(state: &State) -> HashSet<Fact> {
    let mut facts = HashSet::new();
    for (group, names) in state.groups() {
        facts.insert(Fact::Group(group.clone()));
        let people = names.iter().filter_map(|name| state.person(name));
        facts.extend(people.map(|person| Fact::In(group.clone(), person)));
    }
    facts
}

fn grants(state: &State, paths: &BTreeSet<String>) -> HashSet<Fact> {
    let mut facts: HashSet<Fact> = state.grants().map(|(path, _)| Fact::Grant(path.to_owned())).collect();
    for path in paths {
        let holders = state.grant_for(path).1.iter().filter_map(|holder| who(state, holder));
        facts.extend(holders.map(|who| Fact::Names(path.clone(), who)));
    }
    facts
}

fn readers(state: &State, paths: &BTreeSet<String>) -> HashSet<Fact> {
    let mut facts = HashSet::new();
    let people: BTreeMap<&MemberName, Hash> =
        state.members().filter_map(|it| Some((&it.card.name, state.person(&it.card.name)?))).collect();
    for path in paths {
        let holders = state.grant_for(path).1;
        let reads = state.members().filter(|member| holders.iter().any(|holder| state.holds(holder, member)));
        let reads = reads.filter_map(|member| people.get(&member.card.name));
        facts.extend(reads.map(|person| Fact::Reads(path.clone(), *person)));
    }
    facts
}
