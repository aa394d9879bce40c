//! What holds after every merge of two branches, whatever they did: nothing is back that one of them took, and what one
//! gave is there. Branches here are random; `check` goes through the short ones.

use covault::model::card::Device;
use covault::model::names::{GroupName, MemberName};
use covault::model::roster::{Holder, Member, Operation, Role, State};
use proptest::prelude::*;

use super::super::world::{cases, hash};
use super::chain::{Chain, group};
use super::merge::{both, two};

#[derive(Debug, Clone)]
struct Act(usize, usize, usize, u8);

fn acts() -> impl Strategy<Value = Vec<Act>> {
    prop::collection::vec(
        (0..8_usize, 0..6_usize, 0..6_usize, any::<u8>()).prop_map(|(a, b, c, d)| Act(a, b, c, d)),
        0..7,
    )
}

const NAMES: [&str; 6] = ["ann", "walt", "rita", "bot", "dave", "alice"];
const PATHS: [&str; 3] = ["", "prod", "prod/eu"];

/// What the numbers mean, where it means anything; only entries that the rules take are appended.
pub fn act(chain: &mut Chain, side: &str, (what, who, other, bits): (usize, usize, usize, u8), keep_alice: bool) {
    let admins: Vec<String> = chain.state().admins().map(|member| member.card.name.to_string()).collect();
    let by = admins[other % admins.len()].clone();
    let name = NAMES[who];
    let some = |list: &[&'static str]| -> Vec<&'static str> {
        list.iter().enumerate().filter(|(n, _)| bits >> n & 1 == 1).map(|(_, name)| *name).collect()
    };
    let living: Vec<&str> = NAMES.into_iter().filter(|name| chain.lives(name)).collect();
    let operation = match what {
        0 if chain.lives("dave") => chain.removing("dave"),
        0 => {
            let own = format!("dave.{side}");
            let devices = if bits & 1 == 1 { "dave.1" } else { own.as_str() };
            let role = [Role::Reader, Role::Writer, Role::Admin][usize::from(bits) % 3];
            Operation::Admit { role, card: chain.card("dave", &[devices]) }
        }
        _ if !chain.lives(name) => return,
        1 if name == "alice" && keep_alice => return,
        1 => chain.removing(name),
        2 if name == "alice" && keep_alice => return,
        2 => {
            let role = [Role::Reader, Role::Writer, Role::Admin][usize::from(bits) % 3];
            Operation::Role { member: chain.who(name), role, live: vec![hash(&format!("{side} {bits}"))] }
        }
        3 if name == "alice" && keep_alice => return,
        3 => {
            let devices: Vec<String> = (1..4).filter(|n| bits >> n & 1 == 1).map(|n| format!("{name}.{n}")).collect();
            let devices: Vec<&str> = devices.iter().map(String::as_str).collect();
            if devices.is_empty() {
                return;
            }
            chain.renewing(name, &devices)
        }
        4 => chain.grouping(["dev", "ops"][other % 2], &some(&living)),
        _ => {
            let mut readers: Vec<&str> = vec![];
            if bits & 64 != 0 {
                readers.push("@people");
            }
            if bits & 128 != 0 && chain.state().group(&GroupName::parse("dev").unwrap()).is_some() {
                readers.push("@dev");
            }
            readers.extend(some(&living));
            readers.sort_unstable();
            let at = PATHS[other % 3];
            if readers.is_empty() && at.is_empty() {
                return;
            }
            if readers.is_empty() {
                readers.push("@inherit");
            }
            chain.granting(at, &readers)
        }
    };
    let _ = chain.attempt(&by, operation);
}

fn run(chain: &mut Chain, side: &str, acts: &[Act]) {
    for Act(what, who, other, bits) in acts {
        act(chain, side, (*what, *who, *other, *bits), true);
    }
}

/// The state where two chains parted, and how many entries they have in common: both may have begun with the same ones.
pub fn base(ours: &Chain, theirs: &Chain) -> (State, usize) {
    let same = ours.entries.iter().zip(&theirs.entries).take_while(|(a, b)| a.body == b.body);
    let (last, count) = same.fold((None, 0), |(_, count), (entry, _)| (Some(entry.hash()), count + 1));
    (ours.roster().state_at(last.unwrap()).unwrap().clone(), count)
}

/// The paths that are asked about.
const ASKED: [&str; 5] = ["", "prod", "prod/eu", "prod/eu/db", "test"];

/// Whether a name is somebody in both, and the same person.
fn same_person(a: &State, b: &State, name: &MemberName) -> bool {
    let mut cards = a.cards().filter(|(_, known)| known.card.name == *name);
    cards.any(|(card, _)| b.cards().any(|(other, _)| other == card))
}

fn reads(state: &State, name: &MemberName, at: &str) -> bool {
    let holders = state.grant_for(at).1;
    state.named(name).is_some_and(|member| holders.iter().any(|holder| state.holds(holder, member)))
}

/// What holds after every merge: of what there was at the base, nothing is back that either side took; and there is
/// nothing that neither side had.
pub fn check(base: &State, ours: &State, theirs: &State, merged: &State) {
    assert!(merged.admins().next().is_some(), "no admin is left");
    for side in [ours, theirs] {
        let names = side.cards().map(|(_, known)| &known.card.name);
        for name in names.filter(|name| side.named(name).is_none() && same_person(side, merged, name)) {
            assert!(merged.named(name).is_none(), "{name} was removed on one side and lives");
        }
        for member in merged.members() {
            check_member(base, side, member, merged);
        }
        check_taken(base, side, merged);
    }
    for member in merged.members() {
        let name = &member.card.name;
        let roles: Vec<_> = [ours, theirs].into_iter().filter_map(|side| side.named(name)).collect();
        assert!(!roles.is_empty(), "{name} lives and did on neither side");
        assert!(roles.iter().any(|side| side.role >= member.role), "{name} has a role that neither side gave");
        let known = [ours, theirs].iter().any(|side| side.known(&member.reference()).is_some());
        assert!(known, "{name} has a card of neither side");
    }
    for at in ASKED {
        for holder in merged.grant_for(at).1 {
            let named = |side: &State| side.grant_for(at).1.contains(holder);
            let by_name = |side: &State| matches!(holder, Holder::Member(name) if reads(side, name, at));
            let had = [ours, theirs].into_iter().any(|side| named(side) || by_name(side));
            // Somebody who came into a group on one side, which the other gave the path, and is written out.
            let by_both = matches!(holder, Holder::Member(name) if [ours, theirs].iter().any(|side| {
                merged.groups().any(|(group, names)| {
                    names.contains(name) && side.grant_for(at).1.contains(&Holder::Group(group.clone()))
                }) || side.grant_for(at).1.contains(&Holder::People)
            }));
            assert!(had || by_both, "{holder} got {at} from neither side");
        }
    }
    for name in ["dev", "ops"].map(group) {
        let set = |state: &State| state.group(&name).unwrap_or_default();
        for member in set(merged) {
            assert!(set(ours).contains(&member) || set(theirs).contains(&member));
        }
        let ended = ours.has_ended(&name) || theirs.has_ended(&name);
        assert!(!ended || merged.group(&name).is_none(), "{name} ended on one side and lives");
    }
    let mut keys = std::collections::BTreeMap::new();
    for (_, known) in merged.cards() {
        for device in &known.card.devices {
            let owner = keys.entry(device.recipient.to_string()).or_insert_with(|| known.card.name.clone());
            assert_eq!(*owner, known.card.name, "a key of two members");
        }
    }
    assert!(merged.minimum() <= ours.minimum().max(theirs.minimum()) && merged.minimum() >= base.minimum());
}

/// One member: role, devices and standing cards that one side took are not back.
fn check_member(base: &State, side: &State, member: &Member, merged: &State) {
    let name = &member.card.name;
    if let Some((was, is)) = base.named(name).zip(side.named(name))
        && same_person(base, merged, name)
        && same_person(side, merged, name)
    {
        assert!(is.role >= was.role || member.role <= is.role, "one side took a role from {name}, and there it is");
        for device in &member.card.devices {
            let had = |member: &Member| {
                let same = |it: &Device| it.recipient == device.recipient && it.signing == device.signing;
                member.card.devices.iter().any(same)
            };
            assert!(!had(was) || had(is), "one side took a device from {name}, and there it is");
        }
    }
    for (card, known) in base.cards().filter(|(_, known)| known.stands && known.card.name == *name) {
        let stands = |state: &State| state.cards().any(|(other, known)| other == card && known.stands);
        assert!(known.card.name != *name || stands(side) || !stands(merged), "a card of {name} that fell stands");
    }
}

/// Grants, groups and what people read, by whatever a grant names: what one side took is not back.
fn check_taken(base: &State, side: &State, merged: &State) {
    for at in ASKED {
        for holder in merged.grant_for(at).1 {
            let has = |state: &State| state.grant_for(at).1.contains(holder);
            // Who is written out by name is asked about as a reader.
            if !matches!(holder, Holder::Member(_)) {
                assert!(!has(base) || has(side), "one side took {at} from {holder}, and there it is");
            }
        }
        for member in merged.members() {
            let name = &member.card.name;
            if same_person(base, merged, name) && same_person(side, merged, name) && reads(base, name, at) {
                let back = reads(merged, name, at) && !reads(side, name, at);
                assert!(!back, "{name} lost {at} on one side, and reads it");
            }
        }
    }
    for name in ["dev", "ops"].map(group) {
        let set = |state: &State| state.group(&name).unwrap_or_default();
        for member in set(merged) {
            let taken = set(base).contains(&member) && !set(side).contains(&member);
            assert!(!taken, "one side took {member} out of {name}");
        }
    }
}

/// Whether every admin of the base is one still, by a card that stands: what was given counts then.
fn authority_stays(base: &State, side: &State) -> bool {
    base.admins().all(|admin| {
        let stands = side.known(&admin.reference()).is_some_and(|known| known.stands);
        stands && side.named(&admin.card.name).is_some_and(|member| member.role == Role::Admin)
    })
}

/// Between branches of one entry each: what one side gave is there, but for what the other took.
pub fn check_given(base: &State, ours: &State, theirs: &State, merged: &State) {
    if ![ours, theirs].into_iter().all(|side| authority_stays(base, side)) {
        return;
    }
    for (giver, other) in [(ours, theirs), (theirs, ours)] {
        for member in giver.members() {
            let name = &member.card.name;
            let taken = base.named(name).is_some() && other.named(name).is_none();
            let rival = base.named(name).is_none()
                && other.cards().any(|(_, known)| {
                    known.card.name == *name || known.card.devices.iter().any(|it| member.card.devices.contains(it))
                });
            if taken || rival {
                continue;
            }
            let Some(there) = merged.named(name) else {
                panic!("{name} lives on one side, the other took nobody out, and they are gone")
            };
            let raised = base.named(name).is_none_or(|was| was.role < member.role);
            let lowered = base.named(name).zip(other.named(name)).is_some_and(|(was, is)| is.role < was.role);
            assert!(!raised || lowered || there.role >= member.role, "{name} was given a role, which is lost");
        }
        for at in ASKED {
            for member in merged.members() {
                let name = &member.card.name;
                let reader = |state: &State| reads(state, name, at);
                let same_groups = base.groups().eq(other.groups());
                let same_grants = base.grants().eq(other.grants());
                if reader(giver) && !reader(base) && same_groups && same_grants {
                    assert!(reader(merged), "{name} was given {at}, and does not read it");
                }
            }
            let written = giver.grants().any(|(path, _)| path == at);
            for holder in giver.grant_for(at).1.difference(base.grant_for(at).1).filter(|_| written) {
                let members = merged.members().filter(|member| merged.holds(holder, member));
                let mut lost = members.filter(|member| !reads(merged, &member.card.name, at));
                let taken = |member: &Member| {
                    let name = &member.card.name;
                    [ours, theirs].iter().any(|side| reads(base, name, at) && !reads(side, name, at))
                };
                assert!(lost.all(taken), "{holder} was given {at}, and it is lost");
            }
        }
        for (group, names) in giver.groups().filter(|(group, _)| !other.has_ended(group)) {
            let old = base.group(group).unwrap_or_default();
            let there = merged.group(group).unwrap_or_default();
            let mut given = names.iter().filter(|name| !old.contains(*name) && merged.named(name).is_some());
            assert!(given.all(|name| there.contains(name)), "somebody came into {group}, and is not in it");
        }
    }
}

/// Two branches that began at `start`, merged by alice.
pub fn any_two(start: &Chain, ours: &Chain, theirs: &Chain) {
    let (base, parted) = base(ours, theirs);
    let went_on = |chain: &Chain| chain.entries.len() > parted;
    if went_on(ours) && went_on(theirs) {
        both(ours, theirs);
    }
    for (ours, theirs) in [(ours, theirs), (theirs, ours), (start, theirs)] {
        if !theirs.entries.iter().any(|entry| !ours.roster().has(entry.hash())) {
            continue;
        }
        let mut merged = ours.clone();
        merged.merge("alice", theirs);
        if std::ptr::eq(ours, start) {
            assert!(merged.state() == theirs.state());
        } else {
            check(&base, ours.state(), theirs.state(), merged.state());
        }
        assert!(!merged.state().keeps(hash("never")) && merged.roster().has(theirs.roster().head));
    }
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn any_two_branches_merge_and_neither_gives_back_what_the_other_took(before in acts(), a in acts(), b in acts()) {
        let mut base = Chain::team();
        run(&mut base, "base", &before);
        let (mut ours, mut theirs) = (base.clone(), base.clone());
        run(&mut ours, "ours", &a);
        run(&mut theirs, "theirs", &b);
        any_two(&base, &ours, &theirs);
    }

    #[test]
    fn branches_that_merge_each_other_again_and_again_always_can(
        rounds in prop::collection::vec((acts(), acts(), 0..4_u8), 1..5),
    ) {
        let (mut a, mut b) = two();
        for (left, right, which) in rounds {
            run(&mut a, "a", &left);
            run(&mut b, "b", &right);
            let (before_a, before_b) = (a.clone(), b.clone());
            let missing = |here: &Chain, there: &Chain| there.entries.iter().any(|e| !here.roster().has(e.hash()));
            if which & 1 == 1 && missing(&a, &before_b) {
                a.merge("alice", &before_b);
            }
            if which & 2 == 2 && missing(&b, &before_a) {
                b.merge("alice", &before_a);
            }
            // Every point is, embedded, what it was in its own branch.
            for (here, there) in [(&a, &before_b), (&b, &before_a)] {
                for entry in &there.entries {
                    let hash = entry.hash();
                    if here.roster().has(hash) {
                        prop_assert!(here.roster().state_at(hash) == there.roster().state_at(hash));
                    }
                }
            }
            prop_assert!(a.state().admins().next().is_some() && b.state().admins().next().is_some());
        }
    }
}
