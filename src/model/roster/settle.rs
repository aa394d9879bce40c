//! The state where two branches meet: of all facts those that hold, and a choice where they do not fit together.
//!
//! The same comes out whichever side is which. Only the admin who signs the merge is treated in a way of their own: who
//! is one at both ends stays one.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use rpds::RedBlackTreeMapSync;

use super::super::bytes::Hash;
use super::super::names::{GroupName, MemberName};
use super::fact::{self, Changes, Fact, Who};
use super::state::{Holder, Holders, Known, Member, State, check_role, has_device};
use super::weigh::{Did, Weighed};
use super::{Refusal, Role};

/// The state where two ends meet, and what it gives and takes beyond what the histories say.
pub(super) fn settle(weighed: &Weighed<'_>, ends: [&State; 2], signer: &MemberName) -> Result<(State, Did), Refusal> {
    let there = ends.iter().flat_map(|end| fact::all(end, &weighed.paths)).collect();
    let signer = ends.first().and_then(|end| end.person(signer)).ok_or(Refusal::NotAnAdmin)?;
    let mut settling = Settling { weighed, ends, there, signer, state: State::default(), names: BTreeMap::new() };
    settling.cards();
    settling.members();
    settling.groups();
    settling.grants();
    let kept = ends.iter().flat_map(|end| end.kept.iter().copied());
    settling.state.kept = kept.filter(|version| weighed.was_given(&Fact::Kept(*version))).collect();
    let minimum = weighed.facts().filter_map(|fact| match fact {
        Fact::Minimum(minimum) if weighed.was_given(fact) => Some(*minimum),
        _ => None,
    });
    settling.state.minimum = minimum.max().unwrap_or_default();
    settling.state.check_admins()?;
    let changes = settling.changes();
    Ok((settling.state, Did { changes, paths: weighed.paths.clone() }))
}

struct Settling<'a> {
    weighed: &'a Weighed<'a>,
    ends: [&'a State; 2],
    /// What holds at one end or both.
    there: HashSet<Fact>,
    signer: Hash,
    state: State,
    /// Who is called what in the state.
    names: BTreeMap<Hash, MemberName>,
}

impl Settling<'_> {
    fn holds(&self, fact: &Fact) -> bool {
        self.there.contains(fact) && self.weighed.holds(fact)
    }

    /// Whether the card stands at both ends and is that of the admin who merges.
    fn is_signers(&self, person: Hash, card: Hash) -> bool {
        let stands = |end: &&State| end.cards.get(&card).is_some_and(|known| known.stands);
        person == self.signer && self.ends.iter().all(stands)
    }

    /// People whom both know come first, so that what the branches had in common stays; of one person the first card, without
    /// which no other counts.
    fn cards(&mut self) {
        let mut all: BTreeMap<(Hash, Hash), Arc<Known>> = BTreeMap::new();
        let mut ends: HashMap<Hash, usize> = HashMap::new();
        for end in self.ends {
            for person in end.persons.values() {
                *ends.entry(*person).or_default() += 1;
            }
            for (card, known) in end.cards.iter() {
                let Some(person) = end.person(&known.card.name) else { continue };
                let first = all.entry((person, *card)).or_insert_with(|| Arc::clone(known));
                if known.admitted_by < first.admitted_by {
                    *first = Arc::clone(known);
                }
            }
        }
        let mut all: Vec<_> = all.into_iter().collect();
        all.sort_by_key(|((person, card), _)| {
            let common = ends.get(person).copied().unwrap_or_default();
            (*person != self.signer, Reverse(common), *person, card != person, *card)
        });
        for ((person, card), known) in all {
            if !self.holds(&Fact::Card(person, card)) && !self.is_signers(person, card) {
                continue;
            }
            let name = &known.card.name;
            let another = self.state.person(name).is_some_and(|other| other != person);
            // A later card counts only for somebody who was taken in.
            let unknown = card != person && person != self.signer && self.state.person(name).is_none();
            if !another && !unknown && self.state.take_keys(&known.card, None).is_ok() {
                self.state.persons.insert_mut(name.clone(), person);
                self.names.insert(person, name.clone());
                self.state.cards.insert_mut(card, known);
            }
        }
        // Who is left out could open what was sealed to them all the same.
        for (recipient, makers) in self.ends.iter().flat_map(|end| end.made.iter()) {
            self.state.take_makers(recipient, makers);
        }
    }

    fn members(&mut self) {
        let mut members = RedBlackTreeMapSync::new_sync();
        for (person, name) in &self.names {
            let lives = *person == self.signer || self.holds(&Fact::Lives(*person));
            if let Some(member) = self.member(*person, name).filter(|_| lives) {
                members.insert_mut(name.clone(), Arc::new(member));
            }
        }
        let stands = |card: Hash, known: &Known| {
            let member: Option<&Arc<Member>> = members.get(&known.card.name);
            let person = self.state.person(&known.card.name);
            let holds =
                person.is_some_and(|person| self.is_signers(person, card) || self.holds(&Fact::Stands(person, card)));
            holds && member.is_some_and(|member| known.card.devices.iter().all(|it| has_device(&member.card, it)))
        };
        let cards = self
            .state
            .cards
            .iter()
            .map(|(card, known)| (*card, Arc::new(Known { stands: stands(*card, known), ..Known::clone(known) })));
        self.state.cards = cards.collect();
        self.state.members = members;
    }

    /// A member with a card none of whose devices was taken; `None` where there is none.
    fn member(&self, person: Hash, name: &MemberName) -> Option<Member> {
        let is_signer = person == self.signer;
        let good = |card: Hash, known: &Known| {
            let holds = |it| self.holds(&Fact::Device(person, fact::device(it)));
            known.card.devices.iter().all(holds) || self.is_signers(person, card)
        };
        let cards = self.state.cards.iter().filter(|(card, known)| known.card.name == *name && good(**card, known));
        let (card, known) = cards
            .filter(|(_, known)| !is_signer || check_role(&known.card, Role::Admin).is_ok())
            .min_by_key(|(card, known)| {
                (!self.holds(&Fact::Present(person, **card)), Reverse(known.card.devices.len()), **card)
            })?;
        let has = |role: Role| is_signer || self.holds(&Fact::Role(person, role));
        let role = match (has(Role::Writer), has(Role::Admin)) {
            (true, true) => Role::Admin,
            (true, false) => Role::Writer,
            _ => Role::Reader,
        };
        let fits = |role: &Role| check_role(&known.card, *role).is_ok();
        let role = [Role::Admin, Role::Writer].into_iter().filter(|it| *it <= role).find(fits);
        let role = role.unwrap_or(Role::Reader);
        Some(Member { card: known.card.clone(), hash: *card, role, admitted_by: known.admitted_by.clone() })
    }

    fn groups(&mut self) {
        let mut groups: BTreeMap<GroupName, BTreeSet<MemberName>> = BTreeMap::new();
        for end in self.ends {
            for (group, names) in end.groups.iter() {
                if !self.weighed.was_given(&Fact::Group(group.clone())) {
                    continue;
                }
                let set = groups.entry(group.clone()).or_default();
                if self.holds(&Fact::Group(group.clone())) {
                    let people = names.iter().filter_map(|name| end.person(name));
                    let people = people.filter(|person| self.holds(&Fact::In(group.clone(), *person)));
                    set.extend(people.filter_map(|person| self.names.get(&person).cloned()));
                }
            }
        }
        self.state.groups = groups.into_iter().collect();
    }

    fn grants(&mut self) {
        // What is above comes before what is below it. A path whose grant both sides took away is asked about, too:
        // what one of them took there may be what the other gave above.
        for path in self.weighed.paths.clone() {
            let holders = self.holders(&path);
            let written = path.is_empty() || self.holds(&Fact::Grant(path.clone()));
            if written || self.state.grant_for(&path).1 != &holders {
                self.state.put_grant(&path, Some(holders));
            }
        }
    }

    /// Whom a grant at this path names. Where that would bring somebody back, those who are left, one by one.
    fn holders(&self, path: &str) -> Holders {
        let mut all = Holders::new();
        let wanted = self
            .ends
            .iter()
            .flat_map(|end| end.grant_for(path).1.iter().filter_map(|holder| Some((holder, fact::who(end, holder)?))));
        for (holder, who) in wanted {
            let named = match who {
                Who::Person(person) => self.names.contains_key(&person),
                Who::People | Who::Group(_) => true,
            };
            if !named || !self.holds(&Fact::Names(path.to_owned(), who)) {
                continue;
            }
            let members = self.state.members().filter(|member| self.state.holds(holder, member));
            let names: Vec<&MemberName> = members.map(|member| &member.card.name).collect();
            let is_back = |name: &&MemberName| {
                let person = self.state.person(name);
                person.is_some_and(|person| self.weighed.was_taken(&Fact::Reads(path.to_owned(), person)))
            };
            if names.iter().any(is_back) {
                let left = names.into_iter().filter(|name| !is_back(name));
                all.extend(left.map(|name| Holder::Member(name.clone())));
            } else {
                all.insert(holder.clone());
            }
        }
        all
    }

    /// What the state says beyond what the histories do, and what they say and it does not.
    fn changes(&self) -> Changes {
        let facts = fact::all(&self.state, &self.weighed.paths);
        let mut changes = Changes::default();
        for fact in self.weighed.facts() {
            if !matches!(fact, Fact::Kept(_) | Fact::Minimum(_)) && !facts.contains(fact) && self.weighed.holds(fact) {
                changes.took.push(fact.clone());
            }
        }
        changes.gave.extend(facts.into_iter().filter(|fact| !self.weighed.holds(fact)));
        changes.gave.sort_unstable();
        changes.took.sort_unstable();
        changes
    }
}
