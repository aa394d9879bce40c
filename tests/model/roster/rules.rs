//! What an entry must satisfy, who reads, and which versions stay good: each rule of docs/format.md, both ways.

use covault::model::bytes::Hash;
use covault::model::card::{Card, Kind};
use covault::model::manifest::MemberRef;
use covault::model::names::Subject;
use covault::model::roster::{Holder, Member, Operation, Refusal, Role, named_among};

use super::super::world::{hash, path};
use super::chain::{Chain, device, group, named};

fn role_of(chain: &Chain, name: &str, role: Role) -> Operation {
    Operation::Role { member: chain.who(name), role, live: vec![] }
}

fn admitting(chain: &Chain, role: Role, name: &str, devices: &[&str]) -> Operation {
    Operation::Admit { role, card: chain.card(name, devices) }
}

/// Tried on a copy.
fn tried(chain: &Chain, operation: Operation) -> Result<(), Refusal> {
    chain.clone().attempt("alice", operation)
}

// --- rule 1

#[test]
fn only_a_living_admin_by_the_present_card_changes_the_roster() {
    let mut chain = Chain::team();
    let every = |chain: &Chain| {
        [
            admitting(chain, Role::Reader, "dave", &["dave.1"]),
            chain.removing("bot"),
            role_of(chain, "bot", Role::Reader),
            chain.renewing("bot", &["bot.2"]),
            chain.grouping("dev", &["bot"]),
            chain.granting("prod", &["bot"]),
            Operation::Minimum { minimum: 1 },
            chain.merging(&{
                let mut other = chain.clone();
                other.role("alice", "rita", Role::Writer);
                other
            }),
        ]
    };
    for operation in every(&chain) {
        for by in ["walt", "rita", "bot"] {
            assert_eq!(chain.clone().attempt(by, operation.clone()), Err(Refusal::NotAnAdmin));
        }
        assert_eq!(chain.clone().try_by(hash("nobody"), operation.clone()), Err(Refusal::NotAnAdmin));
        if !matches!(operation, Operation::Minimum { .. }) {
            assert_eq!(chain.clone().attempt("ann", operation), Ok(()));
        }
    }
    // Not by an earlier card, though it stands; not after having been taken down, or out.
    let early = chain.who("ann").card;
    chain.renew("alice", "ann", &["ann.1", "ann.2"]);
    let present = chain.who("ann").card;
    for operation in every(&chain) {
        assert_eq!(chain.clone().try_by(early, operation), Err(Refusal::NotAnAdmin));
    }
    let mut down = chain.clone();
    down.role("alice", "ann", Role::Writer);
    chain.remove("alice", "ann");
    for operation in every(&chain) {
        assert_eq!(chain.clone().try_by(present, operation.clone()), Err(Refusal::NotAnAdmin));
        assert_eq!(down.clone().try_by(present, operation), Err(Refusal::NotAnAdmin));
    }
}

// --- rule 2

#[test]
fn a_name_is_used_once() {
    let mut chain = Chain::team();
    chain.remove("alice", "walt");
    for name in ["alice", "rita", "walt"] {
        let used = Err(Refusal::NameUsed(named(name)));
        assert_eq!(tried(&chain, admitting(&chain, Role::Reader, name, &["fresh"])), used);
    }
    assert_eq!(tried(&chain, admitting(&chain, Role::Reader, "walter", &["fresh"])), Ok(()));
}

#[test]
fn a_key_is_one_members_for_ever() {
    let mut chain = Chain::team();
    chain.renew("alice", "rita", &["rita.2"]);
    chain.remove("alice", "walt");
    // Past and present, of the living and of those who left.
    for (key, owner) in [("alice.1", "alice"), ("rita.1", "rita"), ("rita.2", "rita"), ("walt.1", "walt")] {
        let used = Err(Refusal::KeyUsed(named(owner)));
        assert_eq!(tried(&chain, admitting(&chain, Role::Reader, "dave", &["dave.1", key])), used, "{key}");
        assert_eq!(tried(&chain, chain.renewing("ann", &["ann.1", key])), used, "{key}");
        // The recipient alone, and the signing key alone.
        let mut recipient = device("dave.1");
        recipient.recipient = device(key).recipient;
        let mut signing = device("dave.1");
        signing.signing = device(key).signing;
        for device in [recipient, signing] {
            let card = Card { devices: vec![device], ..chain.card("dave", &["dave.1"]) };
            assert_eq!(tried(&chain, Operation::Admit { role: Role::Reader, card }), used, "{key}");
        }
    }
    assert_eq!(tried(&chain, admitting(&chain, Role::Reader, "dave", &["dave.1", "dave.2"])), Ok(()));
    // One's own earlier key is one's own still.
    assert_eq!(tried(&chain, chain.renewing("rita", &["rita.1", "rita.3"])), Ok(()));
}

// --- rule 3

#[test]
fn a_renewal_follows_the_present_card_and_brings_one_that_was_never_there() {
    let mut chain = Chain::team();
    let first = chain.who("walt");
    let one = chain.renewing("walt", &["walt.1"]);
    assert_eq!(tried(&chain, one.clone()), Err(Refusal::NothingChanged));
    chain.renew("alice", "walt", &["walt.2"]);
    // The first card does not come back.
    let Operation::Renew { card, .. } = one else { panic!() };
    let back = Operation::Renew { member: chain.who("walt"), card, live: vec![] };
    assert_eq!(tried(&chain, back), Err(Refusal::NothingChanged));
    let stale = Operation::Renew { member: first, card: chain.card("walt", &["walt.3"]), live: vec![] };
    assert_eq!(tried(&chain, stale), Err(Refusal::OldCard(named("walt"))));
    assert_eq!(tried(&chain, chain.renewing("walt", &["walt.3"])), Ok(()));
}

#[test]
fn a_renewal_keeps_name_and_kind() {
    let chain = Chain::team();
    let card = chain.card("walter", &["walt.2"]);
    let other = Operation::Renew { member: chain.who("walt"), card, live: vec![] };
    assert_eq!(tried(&chain, other), Err(Refusal::AnotherPerson));
    let card = Card { kind: Kind::Machine, ..chain.card("walt", &["walt.2"]) };
    let other = Operation::Renew { member: chain.who("walt"), card, live: vec![] };
    assert_eq!(tried(&chain, other), Err(Refusal::AnotherPerson));
    let card = chain.card("nobody", &["nobody.1"]);
    let nobody = MemberRef { name: named("nobody"), card: card.hash() };
    let other = Operation::Renew { member: nobody, card, live: vec![] };
    assert_eq!(tried(&chain, other), Err(Refusal::NoSuchMember(named("nobody"))));
}

// --- rule 4

#[test]
fn who_writes_has_a_signing_key() {
    let mut chain = Chain::team();
    let mute = |role| admitting(&chain, role, "mute", &["mute.1-"]);
    assert_eq!(tried(&chain, mute(Role::Writer)), Err(Refusal::NoSigningKey));
    assert_eq!(tried(&chain, mute(Role::Admin)), Err(Refusal::NoSigningKey));
    let reader = mute(Role::Reader);
    chain.add("alice", reader);
    assert_eq!(tried(&chain, role_of(&chain, "mute", Role::Writer)), Err(Refusal::NoSigningKey));
    assert_eq!(tried(&chain, chain.renewing("walt", &["walt.2-"])), Err(Refusal::NoSigningKey));
    assert_eq!(tried(&chain, chain.renewing("rita", &["rita.2-"])), Ok(()));
    // One key of several is enough.
    assert_eq!(tried(&chain, chain.renewing("walt", &["walt.1", "walt.2-"])), Ok(()));
}

#[test]
fn a_machine_is_no_admin() {
    let chain = Chain::team();
    let card = Card { kind: Kind::Machine, ..chain.card("robot", &["robot.1"]) };
    let admit = |role| Operation::Admit { role, card: card.clone() };
    assert_eq!(tried(&chain, admit(Role::Admin)), Err(Refusal::MachineAdmin));
    assert_eq!(tried(&chain, admit(Role::Writer)), Ok(()));
    assert_eq!(tried(&chain, role_of(&chain, "bot", Role::Admin)), Err(Refusal::MachineAdmin));
}

#[test]
fn a_role_is_another_one() {
    let chain = Chain::team();
    assert_eq!(tried(&chain, role_of(&chain, "walt", Role::Writer)), Err(Refusal::NothingChanged));
    assert_eq!(tried(&chain, role_of(&chain, "walt", Role::Reader)), Ok(()));
    let stale = Operation::Role {
        member: MemberRef { name: named("walt"), card: hash("another") },
        role: Role::Reader,
        live: vec![],
    };
    assert_eq!(tried(&chain, stale), Err(Refusal::OldCard(named("walt"))));
}

// --- rule 5

#[test]
fn an_admin_is_left() {
    let mut chain = Chain::team();
    chain.remove("ann", "alice");
    for operation in [chain.removing("ann"), role_of(&chain, "ann", Role::Writer)] {
        assert_eq!(chain.clone().attempt("ann", operation), Err(Refusal::LastAdmin));
    }
    chain.role("ann", "walt", Role::Admin);
    let remove = chain.removing("ann");
    assert_eq!(chain.attempt("ann", remove), Ok(()));
}

#[test]
fn who_is_removed_is_a_member_by_the_present_card() {
    let mut chain = Chain::team();
    let walt = chain.removing("walt");
    let mut renewed = chain.clone();
    renewed.renew("alice", "walt", &["walt.2"]);
    assert_eq!(tried(&renewed, walt.clone()), Err(Refusal::OldCard(named("walt"))));
    chain.add("alice", walt.clone());
    assert_eq!(tried(&chain, walt), Err(Refusal::NoSuchMember(named("walt"))));
}

// --- rule 6

#[test]
fn a_grant_changes_something_and_names_the_living() {
    let mut chain = Chain::team();
    assert_eq!(tried(&chain, chain.granting("", &["@people"])), Err(Refusal::NothingChanged));
    assert_eq!(tried(&chain, chain.granting("", &["@inherit"])), Err(Refusal::RootInherits));
    assert_eq!(tried(&chain, chain.granting("prod", &["@inherit"])), Err(Refusal::NothingChanged));
    assert_eq!(tried(&chain, chain.granting("prod", &["@dev"])), Err(Refusal::NoSuchGroup(group("dev"))));
    // The same as above is something: it stays when the one above changes.
    assert_eq!(tried(&chain, chain.granting("prod", &["@people"])), Ok(()));
    let walt = chain.granting("prod", &["walt"]);
    let mut renewed = chain.clone();
    renewed.renew("alice", "walt", &["walt.2"]);
    assert_eq!(tried(&renewed, walt.clone()), Err(Refusal::OldCard(named("walt"))));
    chain.add("alice", walt.clone());
    assert_eq!(tried(&chain, walt.clone()), Err(Refusal::NothingChanged));
    // By name: another card is the same reader.
    chain.renew("alice", "walt", &["walt.2"]);
    assert_eq!(tried(&chain, chain.granting("prod", &["walt"])), Err(Refusal::NothingChanged));
    chain.remove("alice", "walt");
    assert_eq!(tried(&chain, walt), Err(Refusal::NoSuchMember(named("walt"))));
}

#[test]
fn a_group_changes_something_and_its_name_ends_with_it() {
    let mut chain = Chain::team();
    assert_eq!(tried(&chain, chain.grouping("dev", &[])), Err(Refusal::NoSuchGroup(group("dev"))));
    chain.group("alice", "dev", &["rita", "walt"]);
    assert_eq!(tried(&chain, chain.grouping("dev", &["rita", "walt"])), Err(Refusal::NothingChanged));
    chain.grant("alice", "prod", &["@dev"]);
    assert_eq!(tried(&chain, chain.grouping("dev", &[])), Err(Refusal::GroupGranted(group("dev"))));
    let stale = chain.grouping("dev", &["walt"]);
    chain.remove("alice", "walt");
    assert_eq!(tried(&chain, stale), Err(Refusal::NoSuchMember(named("walt"))));
    // Without the one who left it is another set.
    assert_eq!(tried(&chain, chain.grouping("dev", &["rita"])), Ok(()));
    chain.grant("alice", "prod", &["@inherit"]);
    chain.group("alice", "dev", &[]);
    for members in [&["rita"][..], &[]] {
        assert_eq!(tried(&chain, chain.grouping("dev", members)), Err(Refusal::GroupEnded(group("dev"))));
    }
    assert_eq!(tried(&chain, chain.granting("prod", &["@dev"])), Err(Refusal::NoSuchGroup(group("dev"))));
    assert_eq!(chain.state().groups().count(), 0);
}

#[test]
fn the_minimum_rises() {
    let chain = Chain::team();
    let alice = chain.who("alice").card;
    let minimum = |minimum| chain.roster().after(&Operation::Minimum { minimum }, alice);
    assert_eq!(minimum(0), Err(Refusal::MinimumFalls));
    assert_eq!(minimum(1), Err(Refusal::MinimumFalls));
    let raised = minimum(3).unwrap();
    assert_eq!(raised.minimum(), 3);
    for (next, expected) in [(2, false), (3, false), (4, true)] {
        assert_eq!(raised.apply(&Operation::Minimum { minimum: next }, alice).is_ok(), expected);
    }
}

// --- who reads

#[test]
fn the_nearest_grant_decides() {
    let mut chain = Chain::team();
    let people = ["alice", "ann", "rita", "walt"];
    assert_eq!(chain.readers("prod/db"), people);
    chain.grant("alice", "prod", &["walt"]);
    chain.grant("alice", "prod/eu/db", &["rita"]);
    for (secret, readers) in [
        ("prod", &["walt"][..]),
        ("prod/db", &["walt"]),
        ("prod/eu", &["walt"]),
        ("prod/eu/db", &["rita"]),
        ("prod/eu/db/one", &["rita"]),
        ("prod/eu/db2", &["walt"]),
        ("production", &people),
        ("prod-eu/db", &people),
        ("test/prod/db", &people),
    ] {
        assert_eq!(chain.readers(secret), readers, "{secret}");
    }
    chain.grant("alice", "prod/eu/db", &["@inherit"]);
    assert_eq!(chain.readers("prod/eu/db"), ["walt"]);
    chain.grant("alice", "prod", &["@inherit"]);
    assert_eq!(chain.readers("prod/eu/db"), people);
    // Who left reads nothing, named or not.
    chain.grant("alice", "prod", &["walt"]);
    chain.remove("alice", "walt");
    assert_eq!(chain.readers("prod/db"), [""; 0]);
}

#[test]
fn one_place_is_within_another_where_its_grant_names_nobody_else() {
    let mut chain = Chain::team();
    chain.group("alice", "ops", &["alice", "ann"]);
    chain.group("alice", "jobs", &["bot", "ann"]);
    for (at, readers) in [("ops", "@ops"), ("jobs", "@jobs"), ("walt", "walt"), ("bot", "bot"), ("people", "@people")] {
        chain.grant("alice", at, &[readers]);
    }
    chain.grant("alice", "both", &["@ops", "walt"]);
    let within = |chain: &Chain, place: &str, home: &str| chain.state().is_granted_within(&path(place), &path(home));
    for (place, home, expected) in [
        ("db", "other/db", true),
        ("db", "people/db", true),
        ("ops/db", "ops/other", true),
        ("ops/db", "both/db", true),
        ("both/db", "ops/db", false),
        // Everybody in the group is a person.
        ("ops/db", "db", true),
        ("walt/db", "db", true),
        ("both/db", "db", true),
        ("jobs/db", "db", false),
        ("bot/db", "db", false),
        ("db", "ops/db", false),
        ("walt/db", "ops/db", false),
    ] {
        assert_eq!(within(&chain, place, home), expected, "{place} within {home}");
    }
    // That nobody else is left says nothing about who wrote there before.
    chain.remove("alice", "walt");
    chain.remove("alice", "rita");
    assert_eq!(chain.readers("db"), chain.readers("ops/db"));
    assert!(!within(&chain, "db", "ops/db") && !within(&chain, "walt/db", "ops/db"));
}

#[test]
fn machines_are_no_people_and_groups_are_their_living_members() {
    let mut chain = Chain::team();
    assert!(!chain.readers("prod/db").contains(&"bot"));
    chain.group("alice", "dev", &["bot", "walt"]);
    chain.grant("alice", "prod", &["@dev"]);
    assert_eq!(chain.readers("prod/db"), ["bot", "walt"]);
    chain.remove("alice", "walt");
    assert_eq!(chain.readers("prod/db"), ["bot"]);
    assert_eq!(chain.state().group(&group("dev")), Some([named("bot")].into()));
    chain.grant("alice", "prod", &["@people"]);
    assert_eq!(chain.readers("prod/db"), ["alice", "ann", "rita"]);
}

#[test]
fn shares_add_readers_who_live() {
    let mut chain = Chain::team();
    chain.grant("alice", "prod", &["alice"]);
    chain.group("alice", "dev", &["rita"]);
    let readers = |chain: &Chain, shares: &[Holder]| -> Vec<String> {
        let readers = chain.state().readers(&path("prod/db"), shares);
        readers.into_iter().map(|member| member.card.name.to_string()).collect()
    };
    let shares = [Holder::Group(group("dev")), Holder::Member(named("bot")), Holder::Member(named("nobody"))];
    assert_eq!(readers(&chain, &shares), ["alice", "bot", "rita"]);
    chain.remove("alice", "bot");
    assert_eq!(readers(&chain, &shares), ["alice", "rita"]);
    chain.group("alice", "dev", &[]);
    assert_eq!(readers(&chain, &shares), ["alice"]);
    assert!(Subject::parse("@people").is_err(), "nothing is shared with all");
}

/// What an operation does not concern is read and written by the same people afterwards, whatever it is.
#[test]
fn a_grant_concerns_what_is_below_it_and_nothing_else() {
    let chain = Chain::team();
    let grant = chain.granting("prod", &["rita"]);
    for (name, is_concerned) in [
        ("prod", true),
        ("prod/db", true),
        ("prod/eu/db", true),
        ("production", false),
        ("pro", false),
        ("dev/prod", false),
    ] {
        assert_eq!(grant.concerns(&path(name)), is_concerned, "{name}");
        let mut after = chain.clone();
        after.add("alice", grant.clone());
        let read = |chain: &Chain| -> Vec<String> {
            let readers = chain.state().readers(&path(name), &[]);
            readers.iter().map(|member| member.card.name.to_string()).collect()
        };
        assert_eq!(read(&chain) != read(&after), is_concerned, "{name}");
    }
    for all in [chain.granting("", &["rita"]), chain.removing("walt"), role_of(&chain, "walt", Role::Reader)] {
        assert!(all.concerns(&path("dev/api")));
    }
}

// --- what stays good

/// Whether a version by `author` at `prod/db` is good.
fn good(chain: &Chain, author: &MemberRef, version: Hash) -> bool {
    chain.state().may_write(author, &path("prod/db")) || chain.state().keeps(version)
}

/// After `operation`, walt's versions are good where it names them.
fn keeps_what_it_names(mut chain: Chain, author: &MemberRef, operation: Operation) {
    let (named, other) = (hash("named"), hash("other"));
    assert!(good(&chain, author, named) && good(&chain, author, other));
    chain.add("alice", operation.keeping(vec![named]));
    assert!(good(&chain, author, named) && !good(&chain, author, other));
    // And so for ever.
    chain.admit("alice", "dave", Role::Reader);
    chain.grant("alice", "other", &["alice"]);
    assert!(good(&chain, author, named) && !good(&chain, author, other));
}

#[test]
fn what_takes_authority_away_leaves_the_versions_that_it_names() {
    let chain = Chain::team();
    let walt = chain.who("walt");
    keeps_what_it_names(chain.clone(), &walt, chain.removing("walt"));
    keeps_what_it_names(chain.clone(), &walt, role_of(&chain, "walt", Role::Reader));
    keeps_what_it_names(chain.clone(), &walt, chain.renewing("walt", &["walt.2"]));
    keeps_what_it_names(chain.clone(), &walt, chain.granting("prod", &["rita"]));
    keeps_what_it_names(chain.clone(), &walt, chain.granting("", &["rita"]));
    let mut chain = chain;
    chain.group("alice", "dev", &["rita", "walt"]);
    chain.grant("alice", "prod", &["@dev"]);
    keeps_what_it_names(chain.clone(), &walt, chain.grouping("dev", &["rita"]));
    chain.grant("alice", "", &["rita"]);
    keeps_what_it_names(chain.clone(), &walt, chain.granting("prod", &["@inherit"]));
}

#[test]
fn a_role_that_is_given_back_makes_versions_good_again_and_a_removal_is_final() {
    let mut chain = Chain::team();
    let walt = chain.who("walt");
    chain.role("alice", "walt", Role::Reader);
    assert!(!good(&chain, &walt, hash("x")));
    chain.role("alice", "walt", Role::Writer);
    assert!(good(&chain, &walt, hash("x")));
    chain.role("alice", "walt", Role::Admin);
    assert!(good(&chain, &walt, hash("x")));
    chain.remove("alice", "walt");
    assert!(!good(&chain, &walt, hash("x")));
}

#[test]
fn a_card_stands_while_all_its_devices_are_on_every_card_since() {
    let mut chain = Chain::team();
    let one = chain.who("walt");
    chain.renew("alice", "walt", &["walt.1", "walt.2"]);
    let two = chain.who("walt");
    assert!(good(&chain, &one, hash("x")) && good(&chain, &two, hash("x")));
    chain.renew("alice", "walt", &["walt.1", "walt.3"]);
    let three = chain.who("walt");
    assert!(good(&chain, &one, hash("x")) && !good(&chain, &two, hash("x")) && good(&chain, &three, hash("x")));
    // What fell does not rise: the device comes back, and a thief had it meanwhile.
    chain.renew("alice", "walt", &["walt.1", "walt.2", "walt.3"]);
    assert!(good(&chain, &one, hash("x")) && !good(&chain, &two, hash("x")) && good(&chain, &three, hash("x")));
    chain.renew("alice", "walt", &["walt.4"]);
    assert!([&one, &two, &three].into_iter().all(|card| !good(&chain, card, hash("x"))));
    // Another label is the same device; another key of either sort is not.
    for (change, stands) in [(0, true), (1, false), (2, false)] {
        let mut chain = Chain::team();
        let one = chain.who("walt");
        let mut device = device("walt.1");
        match change {
            0 => device.label = covault::model::names::DeviceLabel::parse("desk").unwrap(),
            1 => device.recipient = super::chain::device("walt.9").recipient,
            _ => device.signing = super::chain::device("walt.9").signing,
        }
        let card = Card { devices: vec![device], ..chain.card("walt", &["walt.1"]) };
        chain.add("alice", Operation::Renew { member: one.clone(), card, live: vec![] });
        assert_eq!(good(&chain, &one, hash("x")), stands, "{change}");
    }
}

#[test]
fn wider_grants_and_groups_take_no_version_away() {
    let mut chain = Chain::team();
    chain.grant("alice", "prod", &["walt"]);
    let walt = chain.who("walt");
    assert!(good(&chain, &walt, hash("x")));
    chain.grant("alice", "prod", &["rita", "walt"]);
    chain.group("alice", "dev", &["walt"]);
    chain.grant("alice", "prod", &["@dev"]);
    assert!(good(&chain, &walt, hash("x")));
    chain.group("alice", "dev", &["rita", "walt"]);
    chain.grant("alice", "prod", &["@people"]);
    assert!(good(&chain, &walt, hash("x")));
}

#[test]
fn a_card_counts_under_its_own_name_only() {
    let chain = Chain::team();
    let liar = MemberRef { name: named("walt"), card: chain.who("ann").card };
    assert!(!good(&chain, &liar, hash("x")));
    assert!(chain.roster().devices(&liar).is_none() && chain.roster().devices(&chain.who("walt")).is_some());
    // Readers do not write, and who does not read does not write.
    assert!(!good(&chain, &chain.who("rita"), hash("x")) && !good(&chain, &chain.who("bot"), hash("x")));
}

// --- who may have had a machine's identity

#[test]
fn who_brought_a_machines_recipient_made_its_identity_and_nobody_made_a_persons() {
    let mut chain = Chain::team();
    let makers = |chain: &Chain, name: &str| -> Vec<String> {
        chain.roster().makers(&chain.who(name)).into_iter().map(ToString::to_string).collect()
    };
    assert_eq!((makers(&chain, "bot"), makers(&chain, "walt")), (vec!["alice".to_owned()], vec![]));
    // Another device beside it leaves the first one to who made it; a card without it does not.
    let first = chain.who("bot");
    chain.renew("ann", "bot", &["bot.1", "bot.2"]);
    assert_eq!(makers(&chain, "bot"), ["alice", "ann"]);
    chain.renew("ann", "bot", &["bot.2"]);
    assert_eq!(makers(&chain, "bot"), ["ann"]);
    let of_first: Vec<_> = chain.roster().makers(&first).into_iter().map(ToString::to_string).collect();
    assert_eq!(of_first, ["alice"]);
    // The same by a merge.
    let (mut ours, mut theirs) = (chain.clone(), chain.clone());
    ours.role("alice", "rita", Role::Writer);
    theirs.renew("alice", "bot", &["bot.3"]);
    ours.merge("ann", &theirs);
    assert_eq!(makers(&ours, "bot"), ["alice"]);
    // Where both sides brought it, either one may have made it.
    let (mut ours, mut theirs) = (chain.clone(), chain.clone());
    ours.renew("ann", "bot", &["bot.4"]);
    theirs.renew("alice", "bot", &["bot.4"]);
    for (mut here, there) in [(ours.clone(), &theirs), (theirs.clone(), &ours)] {
        here.merge("alice", there);
        assert_eq!(makers(&here, "bot"), ["alice", "ann"]);
    }
}

#[test]
fn a_member_is_found_by_name_among_those_that_are_sorted() {
    let chain = Chain::team();
    let mut members: Vec<&Member> = chain.roster().members().collect();
    members.sort_by(|one, other| one.card.name.cmp(&other.card.name));
    assert!(members.len() > 2);
    for member in &members {
        assert_eq!(named_among(&members, &member.card.name), Some(*member));
    }
    assert_eq!(named_among(&members, &named("nobody")), None);
}
