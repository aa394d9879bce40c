//! Every state that a small team can reach in a few entries, and every pair of short branches: what has to hold, holds.
//!
//! Two admins, a writer, a reader and a machine; every operation with few arguments, by everybody. States that differ
//! only in who took a member in count as one.
//!
//! In every state: there is an admin, admins are people who sign; no key is two members'; a card of somebody who left
//! does not stand and writes nothing; who reads does so by a grant; who writes reads, and is a writer. From one state to
//! the next: no card is forgotten, none that fell stands again, nobody comes back; a version is good afterwards if it was
//! and the entry only gives, or if an entry names it; nobody but an admin signs. Where two branches meet:
//! [`merge_laws::check`] and, of one entry each, [`merge_laws::check_given`]; who may merge can; and the same comes out
//! whichever side embeds the other.
//!
//! The long form goes deeper:
//! `COVAULT_LONG=1 cargo test --locked --release model::roster::check -- --nocapture`

use std::collections::{BTreeMap, HashSet};

use covault::model::bytes::Hash;
use covault::model::card::{Card, Kind};
use covault::model::manifest::MemberRef;
use covault::model::names::SecretPath;
use covault::model::roster::{Granted, Grantee, Operation, Refusal, Role, State};

use super::super::world::{hash, path};
use super::chain::{Chain, device, group, named};
use super::merge_laws;

fn long() -> bool {
    std::env::var_os("COVAULT_LONG").is_some_and(|value| value == "1")
}

const NAMES: [&str; 6] = ["alice", "ann", "bot", "dave", "rita", "walt"];

/// What does not change from state to state.
struct World {
    vault: Hash,
    paths: [SecretPath; 2],
    /// A version that entries may name, and one that none does.
    kept: Hash,
    other: Hash,
    /// Cards by a short text.
    cards: BTreeMap<&'static str, Card>,
    wide: bool,
}

impl World {
    fn new(wide: bool) -> Self {
        let chain = Chain::team();
        let card = |name: &str, devices: &[&str]| Card {
            devices: devices.iter().map(|text| device(text)).collect(),
            kind: if name == "bot" { Kind::Machine } else { Kind::Person },
            ..chain.card(name, &["x"])
        };
        let cards = BTreeMap::from([
            ("alice more", card("alice", &["alice.1", "alice.2"])),
            ("alice other", card("alice", &["alice.2"])),
            ("walt more", card("walt", &["walt.1", "walt.2"])),
            ("walt other", card("walt", &["walt.2"])),
            ("bot other", card("bot", &["bot.2"])),
            ("dave", card("dave", &["dave.1"])),
            ("walt again", card("walt", &["fresh.1"])),
            ("thief", card("thief", &["walt.1"])),
        ]);
        let paths = [path("prod/db"), path("test/db")];
        Self { vault: chain.roster().vault, paths, kept: hash("kept"), other: hash("other"), cards, wide }
    }

    /// Every operation that means something here, and some that must not.
    fn operations(&self, state: &State) -> Vec<Operation> {
        let who = |name: &str| state.named(&named(name)).map(|member| member.reference());
        let mut all = Vec::new();
        let narrow = ["ann", "walt", "bot"];
        for name in NAMES.into_iter().filter(|name| self.wide || narrow.contains(name) || *name == "alice") {
            let Some(member) = who(name) else { continue };
            all.push(Operation::Remove { member: member.clone(), live: vec![] });
            for role in [Role::Reader, Role::Writer, Role::Admin] {
                if self.wide || (role != Role::Writer && name != "bot") {
                    all.push(Operation::Role { member: member.clone(), role, live: vec![] });
                }
            }
        }
        for (text, card) in &self.cards {
            let member = who(card.name.as_str());
            if *text == "dave" || *text == "walt again" || *text == "thief" {
                all.push(Operation::Admit { role: Role::Writer, card: card.clone() });
            } else if let Some(member) = member
                && (self.wide || card.name.as_str() == "walt")
            {
                all.push(Operation::Renew { member, card: card.clone(), live: vec![] });
            }
        }
        let list = |names: &[&str]| names.iter().filter_map(|name| who(name)).collect::<Vec<_>>();
        let groups: &[&[&str]] = if self.wide {
            &[&[], &["walt"], &["bot", "walt"], &["rita"]]
        } else {
            &[&[], &["bot", "walt"], &["rita"]]
        };
        for members in groups {
            let members = list(members);
            all.push(Operation::Group { group: group("dev"), members, live: vec![] });
        }
        let dev = Grantee::Group(group("dev"));
        let one = |name: &str| who(name).map(Grantee::Member).into_iter().collect::<Vec<_>>();
        for at in [None, Some(path("prod"))] {
            let mut sets = vec![vec![Grantee::People], vec![dev.clone()], one("walt")];
            if self.wide {
                sets.push([one("alice"), one("bot")].concat());
                sets.push([vec![dev.clone(), Grantee::People], one("rita")].concat());
            }
            sets.retain(|set| !set.is_empty());
            for set in sets {
                all.push(Operation::Grant { path: at.clone(), readers: Granted::To(set), live: vec![] });
            }
            all.push(Operation::Grant { path: at, readers: Granted::Inherit, live: vec![] });
        }
        all.push(Operation::Minimum { minimum: 2 });
        // Those that take walt's authority away, or give it, with a version that stays good.
        let naming: Vec<_> = all
            .iter()
            .filter(|operation| match operation {
                Operation::Remove { member, .. } | Operation::Role { member, .. } | Operation::Renew { member, .. } => {
                    member.name.as_str() == "walt"
                }
                Operation::Grant { path, readers, .. } => path.is_some() && *readers == Granted::To(vec![dev.clone()]),
                _ => false,
            })
            .map(|operation| operation.clone().keeping(vec![self.kept]))
            .collect();
        all.extend(naming);
        all
    }

    fn authors(&self, state: &State) -> Vec<MemberRef> {
        let cards = state.cards().map(|(card, known)| MemberRef { name: known.card.name.clone(), card });
        cards.collect()
    }

    fn good(&self, state: &State, author: &MemberRef, at: &SecretPath, version: Hash) -> bool {
        state.may_write(author, at) || state.keeps(version)
    }

    /// What holds in every state.
    fn check_state(&self, state: &State) {
        assert!(state.admins().next().is_some(), "no admin");
        assert!(
            state
                .admins()
                .all(|member| member.card.kind == Kind::Person && member.card.signing_keys().next().is_some())
        );
        let mut owners = BTreeMap::new();
        for (card, known) in state.cards() {
            assert_eq!(card, known.card.hash());
            for device in &known.card.devices {
                let keys = device.signing.iter().map(ToString::to_string).chain([device.recipient.to_string()]);
                for key in keys {
                    let owner = owners.entry(key).or_insert_with(|| known.card.name.clone());
                    assert_eq!(*owner, known.card.name, "a key of two members");
                }
            }
            if state.named(&known.card.name).is_none() {
                let gone = MemberRef { name: known.card.name.clone(), card };
                assert!(!known.stands && state.member(card).is_none());
                assert!(self.paths.iter().all(|at| !state.may_write(&gone, at)), "one who left may write");
            }
        }
        for at in &self.paths {
            let (_, holders) = state.grant_for(at.as_str());
            for reader in state.readers(at, &[]) {
                assert!(state.named(&reader.card.name).is_some());
                let by_name = holders.contains(&covault::model::roster::Holder::Member(reader.card.name.clone()));
                let by_group = holders.contains(&covault::model::roster::Holder::Group(group("dev")))
                    && state.group(&group("dev")).is_some_and(|names| names.contains(&reader.card.name));
                let as_people =
                    holders.contains(&covault::model::roster::Holder::People) && reader.card.kind == Kind::Person;
                assert!(by_name || by_group || as_people, "{} reads {at} by nothing", reader.card.name);
            }
            for author in self.authors(state) {
                if state.may_write(&author, at) {
                    let member = state.named(&author.name).unwrap();
                    assert!(member.role >= Role::Writer && state.reads(member, at, []));
                }
            }
        }
        assert!(!state.keeps(self.other));
    }

    /// What holds from one state to the next.
    fn check_step(&self, before: &State, operation: &Operation, after: &State) {
        assert!(after.minimum() >= before.minimum());
        for (card, known) in before.cards() {
            let now = after.known(&MemberRef { name: known.card.name.clone(), card }).expect("a card is forgotten");
            assert!(known.stands || !now.stands, "a card that fell stands again");
            if before.named(&known.card.name).is_none() {
                assert!(after.named(&known.card.name).is_none(), "{} was gone", known.card.name);
            }
        }
        if let Operation::Admit { card, .. } = operation {
            assert!(before.cards().all(|(_, known)| known.card.name != card.name), "a name was used again");
        }
        let live = operation.live();
        assert_eq!(after.keeps(self.kept), before.keeps(self.kept) || live.contains(&self.kept));
        let wider = self.widens(before, operation, after);
        for author in self.authors(before) {
            for at in &self.paths {
                let lost = before.may_write(&author, at) && !after.may_write(&author, at);
                for version in [self.kept, self.other] {
                    let (was, is) = (self.good(before, &author, at, version), self.good(after, &author, at, version));
                    assert!(!(wider && was && !is), "{} took a version away", operation.name());
                    if lost {
                        assert_eq!(is, after.keeps(version), "{}", operation.name());
                    }
                    assert!(is || !live.contains(&version), "what it names is not good");
                }
            }
        }
    }

    /// Whether the operation only gives.
    fn widens(&self, before: &State, operation: &Operation, after: &State) -> bool {
        match operation {
            Operation::Admit { .. } | Operation::Minimum { .. } => true,
            Operation::Role { member, role, .. } => {
                before.named(&member.name).is_some_and(|member| member.role < *role)
            }
            Operation::Renew { member, card, .. } => before
                .named(&member.name)
                .is_some_and(|member| member.card.devices.iter().all(|device| card.devices.contains(device))),
            Operation::Group { group, .. } => {
                let names = |state: &State| state.group(group).unwrap_or_default();
                names(before).is_subset(&names(after))
            }
            Operation::Grant { path, .. } => {
                let at = path.as_ref().map_or("", SecretPath::as_str);
                before.grant_for(at).1.is_subset(after.grant_for(at).1)
            }
            _ => false,
        }
    }

    /// Two states with the same print are the same, whoever took the members in.
    fn print(&self, state: &State, ended: bool) -> Hash {
        use std::fmt::Write as _;
        let mut text = format!("{ended} {} {}\n", state.keeps(self.kept), state.minimum());
        for member in state.members() {
            let _ = writeln!(text, "{} {}", member.hash, member.role);
        }
        let mut cards: Vec<_> = state.cards().map(|(card, known)| (card, known.stands)).collect();
        cards.sort_unstable();
        let _ = writeln!(text, "{cards:?} {:?}", state.groups().collect::<Vec<_>>());
        let _ = writeln!(text, "{:?}", state.grants().collect::<Vec<_>>());
        Hash::of(text.as_bytes())
    }
}

fn every_state(wide: bool, depth: usize) -> (usize, usize, usize) {
    let world = World::new(wide);
    let start = Chain::team().state().clone();
    assert_eq!(world.vault, Chain::team().roster().vault);
    let mut seen = HashSet::from([world.print(&start, false)]);
    let mut level = vec![(start, false)];
    let (mut transitions, mut refused) = (0, 0);
    for n in 0..=depth {
        let mut next = Vec::new();
        for (state, ended) in &level {
            world.check_state(state);
            if n == depth {
                continue;
            }
            let signers: Vec<_> = state.members().map(|member| (member.hash, member.role)).collect();
            for operation in world.operations(state) {
                let mut first = None;
                for (by, role) in &signers {
                    let after = state.apply(&operation, *by);
                    if *role != Role::Admin {
                        assert_eq!(after, Err(Refusal::NotAnAdmin));
                        refused += 1;
                        continue;
                    }
                    assert_eq!(after.is_ok(), *first.get_or_insert(after.is_ok()));
                    let Ok(after) = after else {
                        refused += 1;
                        continue;
                    };
                    transitions += 1;
                    world.check_step(state, &operation, &after);
                    let ends = matches!(&operation, Operation::Group { members, .. } if members.is_empty());
                    if seen.insert(world.print(&after, *ended || ends)) {
                        next.push((after, *ended || ends));
                    }
                }
            }
        }
        level = next;
    }
    (seen.len(), transitions, refused)
}

/// Every branch of up to `depth` entries by both admins, after the team's chain.
fn branches(world: &World, start: &Chain, depth: usize) -> Vec<Chain> {
    let mut all = Vec::new();
    let mut level = vec![start.clone()];
    for _ in 0..depth {
        let mut next = Vec::new();
        for chain in &level {
            for operation in world.operations(chain.state()) {
                if matches!(operation, Operation::Minimum { .. }) {
                    continue;
                }
                for by in ["alice", "ann"] {
                    if chain.role_of(by) == Some(Role::Admin) {
                        let mut chain = chain.clone();
                        if chain.attempt(by, operation.clone()).is_ok() {
                            next.push(chain);
                        }
                    }
                }
            }
        }
        all.extend(next.iter().cloned());
        level = next;
    }
    all
}

/// Merges two branches, either way, by everybody who can; how many merges that were.
fn pair(ours: &Chain, theirs: &Chain) -> usize {
    let (base, parted) = merge_laws::base(ours, theirs);
    let ways = [(ours, theirs), (theirs, ours)].map(|(here, there)| (here, there, here.merging(there)));
    let mut done = 0;
    for name in ["alice", "ann"] {
        let common = |a: &State, b: &State| {
            a.cards().any(|(card, known)| {
                let stands = |state: &State| state.cards().any(|(other, known)| other == card && known.stands);
                known.card.name.as_str() == name && known.stands && stands(b)
            })
        };
        let admin = |chain: &Chain| chain.role_of(name) == Some(Role::Admin);
        let may = admin(ours) && admin(theirs) && common(ours.state(), theirs.state());
        let mut both = Vec::new();
        for (here, there, merge) in &ways {
            let Some(signer) = here.state().named(&named(name)) else {
                assert!(!may);
                continue;
            };
            match here.roster().after(merge, signer.hash) {
                Ok(merged) => {
                    assert!(may, "{name} merged and may not");
                    merge_laws::check(&base, here.state(), there.state(), &merged);
                    both.push(merged);
                    done += 1;
                }
                Err(why) => {
                    assert!(!may, "{name} may merge and cannot: {why}");
                    assert_eq!(why, Refusal::NotAnAdmin);
                }
            }
        }
        if let [one, other] = &both[..] {
            assert!(one == other, "which side is ours matters");
            let single = |chain: &Chain| chain.entries.len() == parted + 1;
            if single(ours) && single(theirs) {
                merge_laws::check_given(&base, ours.state(), theirs.state(), one);
            }
        }
    }
    done
}

#[test]
fn in_every_state_that_a_team_can_reach_the_rules_hold() {
    let (wide, depth) = if long() { (true, 5) } else { (false, 4) };
    let (states, transitions, refused) = every_state(wide, depth);
    println!("depth {depth}: {states} states, {transitions} entries taken, {refused} refused; 0 violations");
    assert!(states > 1_000 && transitions > states && refused > states);
}

#[test]
fn every_two_short_branches_merge_and_neither_gives_back_what_the_other_took() {
    let world = World::new(false);
    let mut base = Chain::team();
    base.group("alice", "dev", &["bot", "walt"]);
    base.grant("alice", "prod", &["@dev", "rita", "walt"]);
    let all = branches(&world, &base, 2);
    let short = all.iter().filter(|chain| chain.entries.len() == base.entries.len() + 1).count();
    // The long form takes all pairs of one entry each and many of the others, the short one some. Nothing merges with
    // itself. The strides are primes, so that they go through the operations in no step.
    let (of_one, of_all) = if long() { (1, 19) } else { (3, 6_301) };
    let (mut pairs, mut merges) = (0, 0);
    let indices = (0..all.len()).flat_map(|right| (0..right).map(move |left| (left, right)));
    for (n, (left, right)) in indices.enumerate() {
        if n % if left < short && right < short { of_one } else { of_all } == 0 {
            let (left, right) = (&all[left], &all[right]);
            let (_, parted) = merge_laws::base(left, right);
            if parted < left.entries.len().min(right.entries.len()) {
                pairs += 1;
                merges += pair(left, right);
            }
        }
    }
    println!("{} branches, {pairs} pairs, {merges} merges; 0 violations", all.len());
    assert!(pairs > 500 && merges > pairs / 2);
}
