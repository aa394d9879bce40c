//! Lists in pages: each thing once, and none passed over while others come and go.

use std::collections::BTreeSet;

use covault::providers::{Guard as _, Inspect as _, Problem};

use super::script::{Script, json_answer};
use super::{PACE, client, id, reach};
use crate::openrouter::fake::{Call, Fake, Fault, Rule};
use crate::openrouter::wire::Caller;

/// So many keys; their hashes, oldest first.
fn with_keys(fake: &Fake, count: usize) -> Vec<String> {
    (0..count).map(|n| fake.add_key(&format!("key {n}")).hash).collect()
}

/// The listed hashes, which must all be different.
fn listed(fake: &Fake) -> BTreeSet<String> {
    let all = client(fake).list().unwrap();
    let hashes: BTreeSet<String> = all.iter().map(|key| key.id.to_string()).collect();
    assert_eq!(hashes.len(), all.len(), "something is listed twice");
    hashes
}

#[test]
fn all_pages_are_listed_each_key_once() {
    for count in [0, 1, 2, 99, 100, 101, 199, 200, 250] {
        let fake = Fake::start();
        let hashes: BTreeSet<String> = with_keys(&fake, count).into_iter().collect();
        assert_eq!(listed(&fake), hashes, "{count} keys");
    }
}

#[test]
fn keys_that_are_switched_off_or_expired_are_listed_too() {
    let fake = Fake::start();
    let hashes = with_keys(&fake, 4);
    let past = fake.now() - jiff::SignedDuration::from_secs(60);
    fake.change(&hashes[0], |key| key.disabled = true);
    fake.change(&hashes[1], |key| key.expires_at = Some(past));
    fake.delete(&hashes[2]);
    let expected: BTreeSet<String> = [0, 1, 3].map(|n: usize| hashes[n].clone()).into();
    assert_eq!(listed(&fake), expected);
    for request in fake.requests_to(Call::ListKeys) {
        assert!(request.path.contains("include_disabled=true") && request.path.contains("include_expired=true"));
    }
}

#[test]
fn a_key_that_slips_by_between_two_pages_is_listed_all_the_same() {
    // Whichever page it happens before, and however many go.
    for (page, gone) in [(2, 1), (2, 5), (3, 1), (3, 60), (4, 1), (2, 150)] {
        let fake = Fake::start();
        let mut hashes = with_keys(&fake, 250);
        let newest: Vec<String> = hashes.split_off(250 - gone);
        let (handle, doomed) = (fake.handle(), newest.clone());
        let meanwhile = Fault::run(move || doomed.iter().for_each(|hash| handle.delete(hash)));
        fake.inject(Rule::on(Call::ListKeys, meanwhile).nth(page));
        let seen = listed(&fake);
        assert!(fake.idle_rules().is_empty());
        assert_eq!(seen, hashes.into_iter().collect(), "{gone} deleted before page {page}");
    }
}

#[test]
fn keys_that_come_between_two_pages_hide_none() {
    for (page, more) in [(2, 1), (3, 40), (2, 130)] {
        let fake = Fake::start();
        let hashes = with_keys(&fake, 250);
        let handle = fake.handle();
        let meanwhile = Fault::run(move || (0..more).for_each(|_| drop(handle.add_key("meanwhile"))));
        fake.inject(Rule::on(Call::ListKeys, meanwhile).nth(page));
        assert!(listed(&fake).is_superset(&hashes.into_iter().collect()), "{more} made before page {page}");
    }
}

#[test]
fn a_list_that_never_stands_still_is_looked_through_key_by_key() {
    let fake = Fake::start();
    let hashes = with_keys(&fake, 120);
    // Before every page the newest key goes: no pass can be whole.
    let handle = fake.handle();
    let meanwhile = Fault::run(move || {
        let newest = handle.live_keys().pop().unwrap().hash;
        handle.delete(&newest);
    });
    fake.inject(Rule::on(Call::ListKeys, meanwhile).always());
    let seen = listed(&fake);
    let live: BTreeSet<String> = fake.live_keys().into_iter().map(|key| key.hash).collect();
    assert!(seen.is_superset(&live), "a key was missed");
    assert!(seen.is_subset(&hashes.into_iter().collect()));
}

#[test]
fn every_workspace_is_listed_each_key_once() {
    let fake = Fake::start();
    let other = fake.add_workspace("other");
    let third = fake.add_workspace("third");
    let hashes = with_keys(&fake, 3);
    fake.change(&hashes[1], |key| key.workspace_id.clone_from(&other));
    fake.change(&hashes[2], |key| key.workspace_id.clone_from(&third));
    assert_eq!(listed(&fake), hashes.into_iter().collect());
}

#[test]
fn where_there_are_no_workspaces_the_default_one_is_listed() {
    for status in [403, 404] {
        let fake = Fake::start();
        let hashes = with_keys(&fake, 3);
        fake.inject(Rule::on(Call::ListWorkspaces, Fault::Status(status)).always());
        assert_eq!(listed(&fake), hashes.into_iter().collect());
    }
}

#[test]
fn a_page_that_cannot_be_read_is_an_error_and_no_end() {
    let fake = Fake::start();
    with_keys(&fake, 150);
    fake.inject(Rule::on(Call::ListKeys, Fault::Status(400)).nth(2));
    assert_eq!(client(&fake).list().unwrap_err().status(), Some(400));
    fake.clear_rules();
    let other = fake.add_workspace("other");
    let there = fake.add_key("there").hash;
    fake.change(&there, |key| key.workspace_id.clone_from(&other));
    // The default one takes three pages.
    fake.inject(Rule::on(Call::ListKeys, Fault::Status(403)).nth(4));
    assert_eq!(client(&fake).list().unwrap_err().status(), Some(403));
}

#[test]
fn a_provider_that_counts_no_offset_ends_too() {
    let page = r#"{"data":[{"hash":"a1","name":"one","disabled":false},{"hash":"b2","name":"two","disabled":false}]}"#;
    let script = Script::new(move |request| {
        if request.contains("/workspaces") {
            json_answer(404, r#"{"error":{"message":"none"}}"#)
        } else {
            json_answer(200, page)
        }
    });
    let all = reach(&script.url(), "sk-test-management", PACE).list().unwrap();
    assert_eq!(all.iter().map(|key| key.id.as_str()).collect::<Vec<_>>(), ["a1", "b2"]);
    assert!(script.requests().len() < 10);
}

#[test]
fn pages_without_an_end_are_given_up() {
    // A hundred new keys on every page, for ever.
    let script = Script::new(|request| {
        let offset: usize = request.split("offset=").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        let key = |n: usize| format!("{{\"hash\":\"k{n}\",\"name\":\"n\",\"disabled\":false}}");
        let page: Vec<String> = (offset..offset + 2).map(key).collect();
        json_answer(200, &format!("{{\"data\":[{}]}}", page.join(",")))
    });
    let error = reach(&script.url(), "sk-test-management", PACE).list().unwrap_err();
    assert!(matches!(error.problem, Problem::Unreadable { status: 200, .. }), "{error}");
    assert_eq!(script.requests().len(), 10_000);
}

#[test]
fn guardrails_and_assignments_are_listed_over_all_pages() {
    let fake = Fake::start();
    let caller = Caller::new(fake.url(), fake.management_key());
    let mut last = String::new();
    for n in 0..130 {
        let body = format!("{{\"name\":\"g{n}\",\"limit_usd\":{n}.5,\"reset_interval\":\"weekly\"}}");
        last = caller.post("/guardrails", body).is(201).data()["id"].as_str().unwrap().to_owned();
    }
    let hashes = with_keys(&fake, 130);
    let body = serde_json::json!({ "key_hashes": &hashes[..129] });
    caller.post(&format!("/guardrails/{last}/assignments/keys"), body).is(200);
    let client = client(&fake);
    let all = client.guardrails().unwrap();
    let names: BTreeSet<&str> = all.iter().map(|guardrail| guardrail.name.as_str()).collect();
    assert_eq!((all.len(), names.len()), (130, 130));
    let found = |n: usize| client.guardrail_of(&id(&hashes[n])).unwrap();
    for n in [0, 50, 99, 100, 128] {
        assert_eq!(found(n), Some(id(&last)), "key {n}");
    }
    assert_eq!(found(129), None);
}
