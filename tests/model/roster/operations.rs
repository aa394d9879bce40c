//! How operations are spelled: each in one way, and whatever is not spelled so is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use covault::model::roster::{self, Operation, Role, Roster, RosterError};
use proptest::prelude::*;

use super::super::edits::{self, any_edits};
use super::super::world::{cases, hash};
use super::chain::Chain;

/// A chain with every operation in it.
fn every_operation() -> Chain {
    let mut chain = Chain::team();
    let mut other = chain.clone();
    other.role("ann", "rita", Role::Writer);
    chain.renew("ann", "walt", &["walt.1", "walt.2"]);
    chain.group("alice", "dev", &["bot", "walt"]);
    let grant = chain.granting("prod/eu", &["@dev", "@people", "rita"]);
    chain.add("alice", grant.keeping(vec![hash("b"), hash("a"), hash("b")]));
    chain.grant("alice", "prod/eu", &["@inherit"]);
    chain.group("alice", "dev", &[]);
    chain.merge("alice", &other);
    let remove = chain.removing("walt").keeping(vec![hash("c")]);
    chain.add("ann", remove);
    chain
}

fn recode(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out: Vec<String> = Vec::new();
    for entry in roster::decode(bytes).ok()? {
        // Both from what it means and from what was kept.
        assert_eq!(roster::body(entry.seq, entry.prev, entry.by, entry.at, &entry.operation), entry.body);
        out.push(entry.text());
    }
    Some(out.join("\n").into_bytes())
}

/// An entry alone, as a merge embeds it.
fn recode_one(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = String::from_utf8(bytes.to_vec()).ok()?;
    let entries = roster::decode_embedded(&[text], hash("vault")).ok()?;
    let entry = &entries[0];
    assert_eq!(roster::body(entry.seq, entry.prev, entry.by, entry.at, &entry.operation), entry.body);
    Some(entry.text().into_bytes())
}

#[test]
fn every_operation_comes_back_as_it_was() {
    let chain = every_operation();
    let entries = roster::decode(chain.text().as_bytes()).unwrap();
    assert_eq!(entries, chain.entries);
    assert_eq!(&Roster::from_entries(&entries).unwrap(), chain.roster());
    let mut names: Vec<&str> = entries.iter().map(|entry| entry.operation.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names, ["admit", "found", "grant", "group", "merge", "remove", "renew"]);
    // Those that a chain of this version cannot end in, or were embedded.
    let minimum = chain.signed(chain.who("alice").card, Operation::Minimum { minimum: 9 });
    let role = Operation::Role { member: chain.who("ann"), role: Role::Writer, live: vec![hash("x")] };
    for entry in [minimum, chain.signed(chain.who("alice").card, role)] {
        assert_eq!(recode_one(entry.text().as_bytes()).unwrap(), entry.text().into_bytes());
    }
}

#[test]
fn every_changed_byte_of_an_entry_is_refused_or_means_something_else() {
    let chain = every_operation();
    let role = Operation::Role { member: chain.who("ann"), role: Role::Writer, live: vec![hash("x")] };
    let mut entries = chain.entries[1..].to_vec();
    entries.push(chain.signed(chain.who("alice").card, role));
    entries.push(chain.signed(chain.who("alice").card, Operation::Minimum { minimum: 9 }));
    let mut seen = std::collections::BTreeSet::new();
    for entry in entries {
        if seen.insert(entry.operation.name()) {
            assert!(edits::every_single_byte(entry.text().as_bytes(), recode_one) > 100, "{}", entry.operation.name());
        }
    }
    assert_eq!(seen.len(), 8);
}

#[test]
fn lists_are_sorted_and_name_each_item_once() {
    let chain = every_operation();
    let (a, b) = (hash("a"), hash("b"));
    let (low, high) = (a.min(b), a.max(b));
    let text = |operation: Operation| chain.signed(chain.who("alice").card, operation).text();
    let grant = text(chain.granting("prod", &["@dev", "@people", "rita"]).keeping(vec![a, b]));
    let group = text(chain.grouping("ops", &["bot", "rita"]));
    assert!(recode_one(grant.as_bytes()).is_some() && recode_one(group.as_bytes()).is_some());
    let live = format!("live = [\"{low}\", \"{high}\"]");
    let (bot, rita) = (chain.who("bot").to_text(), chain.who("rita").to_text());
    let members = format!("members = [\"{bot}\", \"{rita}\"]");
    let readers = format!("readers = [\"@dev\", \"@people\", \"{rita}\"]");
    let wrong = [
        (&grant, &live, format!("live = [\"{high}\", \"{low}\"]")),
        (&grant, &live, format!("live = [\"{low}\", \"{low}\"]")),
        (&grant, &live, format!("live = [\"{}\"]", low.to_string().to_uppercase())),
        (&grant, &live, format!("live = [\"{}\"]", &low.to_string()[1..])),
        (&grant, &live, "live = [\"\"]".to_owned()),
        (&grant, &readers, format!("readers = [\"@people\", \"@dev\", \"{rita}\"]")),
        (&grant, &readers, format!("readers = [\"{rita}\", \"@dev\", \"@people\"]")),
        (&grant, &readers, "readers = [\"@dev\", \"@dev\"]".to_owned()),
        (&grant, &readers, "readers = []".to_owned()),
        (&grant, &readers, "readers = [\"@inherit\", \"@people\"]".to_owned()),
        (&grant, &readers, "readers = [\"@inherit\", \"@inherit\"]".to_owned()),
        (&grant, &readers, "readers = [\"@\"]".to_owned()),
        (&grant, &readers, "readers = [\"@@dev\"]".to_owned()),
        (&grant, &readers, "readers = [\"rita\"]".to_owned()),
        (&group, &members, format!("members = [\"{rita}\", \"{bot}\"]")),
        (&group, &members, format!("members = [\"{rita}\", \"{rita}\"]")),
        (&group, &members, "members = [\"@people\"]".to_owned()),
        (&group, &members, "members = \"\"".to_owned()),
        (&group, &"group = \"ops\"".to_owned(), "group = \"people\"".to_owned()),
        (&group, &"group = \"ops\"".to_owned(), "group = \"inherit\"".to_owned()),
        (&group, &"group = \"ops\"".to_owned(), "group = \"Ops\"".to_owned()),
        (&group, &"group = \"ops\"".to_owned(), "group = \"\"".to_owned()),
        (&grant, &"path = \"prod\"".to_owned(), "path = \"prod/\"".to_owned()),
        (&grant, &"path = \"prod\"".to_owned(), "path = \"/\"".to_owned()),
        (&grant, &"path = \"prod\"".to_owned(), "path = \"../prod\"".to_owned()),
    ];
    for (good, from, to) in wrong {
        assert!(good.contains(from.as_str()), "{from}");
        assert_eq!(recode_one(good.replace(from.as_str(), &to).as_bytes()), None, "{to}");
    }
    assert!(recode_one(group.replace(&members, "members = []").as_bytes()).is_some(), "none ends the group");
    // `@inherit` at the root is spelled well, and refused by its meaning: see the rules.
    let root = grant.replace("path = \"prod\"", "path = \"\"").replace(&readers, "readers = [\"@inherit\"]");
    assert!(recode_one(root.as_bytes()).is_some());
}

#[test]
fn what_no_operation_says_is_refused() {
    let chain = every_operation();
    let text = chain.signed(chain.who("alice").card, chain.removing("rita")).text();
    let decode = |text: String| roster::decode_embedded(&[text], chain.roster().vault);
    assert!(decode(text.clone()).is_ok());
    let unknown =
        |name: &str| RosterError::UnknownOperation { seq: chain.roster().seq + 1, operation: name.to_owned() };
    for name in ["", "Remove", "remove ", "delete"] {
        assert_eq!(decode(text.replace("op = \"remove\"", &format!("op = \"{name}\""))), Err(unknown(name)));
    }
    let long = decode(text.replace("op = \"remove\"", &format!("op = \"{}\"", "x".repeat(1 << 20))));
    assert_eq!(long, Err(unknown(&"x".repeat(40))), "what is refused may be long, its refusal not");
    let found = chain.entries[0].text();
    assert_eq!(decode(found), Err(RosterError::Founding { seq: 0 }));
    let by = format!("by = \"{}\"", chain.who("alice").card);
    for (from, to) in [
        ("op = \"remove\"", "op = \"role\""),
        ("op = \"remove\"", "op = \"admit\""),
        ("format = 1", "format = 0"),
        ("format = 1", "format = 2"),
        ("live = []", "live = []\ncard_signature = \"\""),
        ("live = []", "live = []\nlive = []"),
        ("live = []\n", ""),
        (by.as_str(), "by = \"\""),
    ] {
        assert!(text.contains(from));
        assert!(matches!(decode(text.replace(from, to)), Err(RosterError::Canon(_))), "{to}");
    }
    for seq in ["0", "-1", "01", "9223372036854775808", "18446744073709551616", "1.0"] {
        let from = format!("seq = {}", chain.roster().seq + 1);
        assert!(matches!(decode(text.replace(&from, &format!("seq = {seq}"))), Err(RosterError::Canon(_))), "{seq}");
    }
    assert!(matches!(decode(format!("\n{text}")), Err(RosterError::Canon(_))));
    assert!(matches!(decode(format!("{text}\n{text}")), Err(RosterError::Canon(_))));
    // A role that there is not.
    let role = Operation::Role { member: chain.who("ann"), role: Role::Writer, live: vec![] };
    let text = chain.signed(chain.who("alice").card, role).text();
    for role in ["owner", "", "Writer", "writer "] {
        let wrong = text.replace("role = \"writer\"", &format!("role = \"{role}\""));
        assert!(matches!(decode(wrong), Err(RosterError::Canon(_))), "{role}");
    }
}

#[test]
fn what_a_merge_embeds_is_base64_of_text() {
    let chain = every_operation();
    let mut other = chain.clone();
    other.role("alice", "rita", Role::Reader);
    let text = chain.signed(chain.who("alice").card, chain.merging(&other)).text();
    let inner = BASE64.encode(other.entries.last().unwrap().text());
    assert!(text.contains(&inner));
    let decode = |text: String| roster::decode_embedded(&[text], chain.roster().vault);
    assert!(decode(text.clone()).is_ok());
    for wrong in [
        inner.trim_end_matches('=').to_owned() + "%",
        format!("{inner}="),
        format!(" {inner}"),
        format!("{}\\n{}", &inner[..40], &inner[40..]),
        inner.replace('+', "-").replace('/', "_") + "-",
        BASE64.encode(b"\xff\xfe"),
    ] {
        let wrong = text.replace(&inner, &wrong);
        assert!(matches!(decode(wrong), Err(RosterError::Canon(_))));
    }
    let none = text.replace(&format!("entries = [\"{inner}\"]"), "entries = []");
    assert!(matches!(decode(none), Err(RosterError::Canon(_))));
}

/// Merges in merges, as deep as fits; nobody signed the inner ones, and so it is refused, and soon.
#[test]
fn a_deep_nest_of_merges_is_refused_and_costs_no_stack() {
    let chain = Chain::team();
    let by = chain.who("alice").card;
    let mut other = chain.clone();
    other.role("alice", "rita", Role::Writer);
    let mut operation = chain.merging(&other);
    let mut depth = 0;
    loop {
        let text = chain.signed(by, operation.clone()).text();
        if text.len() * 4 / 3 > roster::MAX_ROSTER - 10_000 {
            break;
        }
        operation = Operation::Merge { entries: vec![text] };
        depth += 1;
    }
    assert!(depth > 15, "{depth}");
    let mut deep = chain.clone();
    deep.add("alice", operation);
    assert_eq!(deep.role_of("rita"), Some(Role::Writer));
    assert!(roster::decode(deep.text().as_bytes()).is_ok());
}

#[test]
fn huge_lists_are_read_and_a_file_that_is_too_large_is_not() {
    let mut chain = Chain::team();
    let live = (0..20_000).map(|n| hash(&n.to_string())).collect();
    let remove = chain.removing("walt").keeping(live);
    chain.add("alice", remove);
    assert_eq!(roster::decode(chain.text().as_bytes()).unwrap(), chain.entries);
    assert!(chain.state().keeps(hash("19999")));
    let mut text = chain.text();
    text.push_str(&" ".repeat(roster::MAX_ROSTER));
    assert_eq!(roster::decode(text.as_bytes()), Err(RosterError::TooLarge { size: text.len() }));
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn several_edits_are_refused_or_mean_something_else(edits in any_edits()) {
        edits::several(every_operation().text().as_bytes(), &edits, recode);
    }

    #[test]
    fn a_chain_that_was_changed_adds_up_to_something_or_is_refused_and_never_panics(
        place: prop::sample::Index,
        with in any::<[u8; 2]>(),
        drop: prop::sample::Index,
    ) {
        let chain = every_operation();
        // Bytes: mostly no chain any more.
        let mut bytes = chain.text().into_bytes();
        let at = place.index(bytes.len() - 1);
        bytes[at..at + 2].copy_from_slice(&with);
        if let Ok(entries) = roster::decode(&bytes) {
            let _ = Roster::from_entries(&entries);
        }
        // One entry left out, and the numbers and hashes of the others made to fit: rules are what is left to judge.
        let mut operations: Vec<_> = chain.entries.iter().map(|entry| entry.operation.clone()).collect();
        operations.remove(1 + drop.index(operations.len() - 1));
        let last = operations.len() - 1;
        operations.swap(1 + place.index(last), 1 + drop.index(last));
        let mut other = Chain::new();
        for operation in operations.into_iter().skip(1) {
            let _ = other.attempt("alice", operation);
        }
        prop_assert!(other.state().admins().next().is_some());
    }

    #[test]
    fn noise_never_makes_it_panic(bytes: Vec<u8>, text: String) {
        edits::noise(&bytes, &text, recode_one);
        for operation in ["admit", "remove", "role", "renew", "group", "grant", "merge", "minimum"] {
            let hash = hash("x");
            let head = format!(
                "[[entry]]\nformat = 1\nseq = 1\nprev = \"{hash}\"\nby = \"{hash}\"\nat = \"2026-01-01T00:00:00Z\"\nop = \"{operation}\"\n"
            );
            edits::noise(format!("{head}{text}").as_bytes(), &text, recode_one);
            edits::noise(format!("{head}entries = [\"{}\"]\n", BASE64.encode(&text)).as_bytes(), &text, recode_one);
        }
    }
}
