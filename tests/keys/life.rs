//! A key's life without accidents: issued, rotated, revoked.

use super::rig::Rig;

#[test]
fn a_key_is_issued_with_two_limits_rotated_and_revoked() {
    let rig = Rig::new();
    let (fake, alice) = (&rig.fake, &rig.alice);
    let limits = ["--limit", "100/month", "--limit", "10/day", "--expires", "30d", "--alert", "80%"];
    let said = alice.covault([["key", "issue", "prod/openrouter"].as_slice(), &limits].concat()).ok();
    assert!(said.err.contains("10.00 dollars a day: held by the key"), "{}", said.err);
    assert!(said.err.contains("100.00 dollars a month: held by a guardrail"), "{}", said.err);
    let first = fake.key_of(&alice.get("prod/openrouter")).expect("the key in the vault is one of the provider's");
    assert_eq!(first.limit.map(|limit| limit.to_string()).as_deref(), Some("10"));
    assert!(first.expires_at.is_some());
    let guardrail = fake.guardrail_of(&first.hash).expect("it is assigned before anybody has the key");
    assert_eq!(guardrail.limit_usd.map(|limit| limit.to_string()).as_deref(), Some("100"));

    fake.spend(&first.hash, "2.50");
    alice.covault(["key", "rotate", "prod/openrouter"]).ok();
    let second = fake.key_of(&alice.get("prod/openrouter")).expect("the key in the vault is one of the provider's");
    assert_ne!(second.hash, first.hash);
    assert_eq!(fake.live_keys().len(), 1, "the old one is gone");
    assert_eq!(fake.guardrails().len(), 1, "and its guardrail");
    // What is left of both windows, and the same span of life again.
    assert_eq!(second.limit.map(|limit| limit.to_string()).as_deref(), Some("7.5"));
    let guardrail = fake.guardrail_of(&second.hash).unwrap();
    assert_eq!(guardrail.limit_usd.map(|limit| limit.to_string()).as_deref(), Some("97.5"));
    assert!(second.expires_at >= first.expires_at);

    alice.covault(["key", "revoke", "prod/openrouter"]).exits(7);
    alice.covault(["key", "revoke", "prod/openrouter", "--dry-run"]).ok();
    assert_eq!(fake.live_keys().len(), 1);
    alice.covault(["key", "revoke", "prod/openrouter", "--yes", "--reason", "the project ended"]).ok();
    assert!(fake.live_keys().is_empty());
    assert!(fake.guardrails().is_empty());
    alice.covault(["get", "prod/openrouter"]).exits(3);
    let shown = alice.covault(["show", "prod/openrouter"]).ok().text();
    assert!(shown.contains("key 2 of openrouter") && shown.contains("gone"), "{shown}");
    assert!(shown.contains("the project ended") && shown.contains("key 1"), "{shown}");
    assert!(shown.contains("spent 2.50"), "{shown}");
    let log = alice.covault(["log", "prod/openrouter"]).ok().text();
    for step in ["issue prod/openrouter", "rotate prod/openrouter (key 2)", "is gone", "revoke prod/openrouter"] {
        assert!(log.contains(step), "{step}: {log}");
    }
    // Gone already is success.
    alice.covault(["key", "revoke", "prod/openrouter", "--yes"]).ok();
    alice.covault(["verify"]).ok();
}

#[test]
fn nothing_needs_a_remote() {
    let rig = Rig::alone();
    let (fake, alice) = (&rig.fake, &rig.alice);
    alice.covault(["key", "issue", "openrouter", "--limit", "50/total"]).ok();
    let old = alice.get("openrouter");
    alice.covault(["key", "rotate", "openrouter", "--reason", "a new year"]).ok();
    assert_ne!(alice.get("openrouter"), old);
    assert_eq!(fake.live_keys().len(), 1);
    alice.covault(["key", "resume"]).ok();
    alice.covault(["status", "--check"]).ok();
}

#[test]
fn the_alias_says_the_same() {
    let rig = Rig::alone();
    rig.alice.covault(["openrouter", "issue", "a"]).ok();
    assert_eq!(rig.fake.live_keys().len(), 1);
    rig.alice.covault(["openrouter", "ls"]).ok();
}

#[test]
fn an_ordinary_key_is_no_management_key_and_who_may_not_manage_cannot() {
    let rig = Rig::new();
    let (fake, alice) = (&rig.fake, &rig.alice);
    let ordinary = fake.add_key("somebody's").secret;
    let said = alice.covault_fed(ordinary.as_bytes(), ["key", "login"]).exits(4);
    assert!(said.err.contains("ordinary one") && !said.err.contains(&ordinary), "{}", said.err);
    alice.covault_fed(b"sk-or-v1-wrong", ["key", "login"]).exits(4);
    let bob = rig.joins("bob");
    bob.covault(["key", "issue", "dev/openrouter"]).exits(4);
    bob.covault(["get", "providers/openrouter"]).exits(4);
    assert_eq!(fake.live_keys().len(), 1, "nothing was asked for");
    // A new management key takes the place of the old one.
    let next = fake.replace_management_key();
    alice.covault(["key", "issue", "prod/openrouter"]).exits(4);
    alice.covault_fed(next.as_bytes(), ["key", "login"]).ok();
    alice.covault(["key", "resume"]);
    alice.covault(["key", "issue", "prod/other"]).ok();
}

#[test]
fn a_name_or_an_end_that_no_key_can_have_is_refused_before_anybody_is_asked() {
    let rig = Rig::new();
    rig.fake.clear_requests();
    let head = rig.alice.git(["rev-parse", "HEAD"]).text();
    let refused = |args: &[&str], why: &str| {
        for verb in ["issue", "ensure"] {
            for more in [[].as_slice(), &["--dry-run"]] {
                let said = rig.alice.covault(["key", verb].iter().chain(args).chain(more)).exits(2);
                assert!(said.err.contains(why), "{verb} {args:?}: {}", said.err);
            }
        }
    };
    refused(&["journal/x"], "journal");
    refused(&["providers/another"], "kept for the management keys");
    refused(&["ci/x", "--expires", "2020-01-01"], "would have ended already");
    for args in [["providers/another", "--env=X"], ["ci/x", "--expires=2020-01-01"]] {
        let by_hand = ["key", "issue", "--provider", "manual"];
        rig.alice.covault_fed(b"sk_live_first", by_hand.iter().chain(&args)).exits(2);
    }
    assert_eq!(rig.alice.git(["rev-parse", "HEAD"]).text(), head);
    assert!(rig.fake.keys().is_empty());
    rig.alice.covault(["status", "--check"]).ok();
}

#[test]
fn a_new_key_that_does_not_work_leaves_nothing_open_and_the_hint_says_so() {
    let rig = Rig::new();
    rig.alice.covault(["key", "issue", "prod/kept"]).ok();
    rig.fake.refuse_new_keys(u32::MAX);
    for (args, old_stays) in [(["key", "issue", "prod/new"], false), (["key", "rotate", "prod/kept"], true)] {
        let said = rig.alice.covault(args).exits(9);
        assert!(said.err.contains("nothing is open") && !said.err.contains("key resume"), "{}", said.err);
        assert_eq!(said.err.contains("the old one stays"), old_stays, "{}", said.err);
        rig.alice.covault(["key", "resume", args[2]]).exits(3);
    }
    assert_eq!(rig.fake.live_keys().len(), 1);
    // Where the old one is switched off already there is no way but on.
    let said = rig.alice.covault(["key", "rotate", "prod/kept", "--compromised"]).exits(9);
    assert!(said.err.contains("switched off already") && said.err.contains("key resume prod/kept"), "{}", said.err);
    rig.fake.refuse_new_keys(0);
    rig.alice.covault(["key", "resume", "prod/kept"]).ok();
    assert_eq!(rig.fake.working_keys()[0].secret, rig.alice.get("prod/kept"));
}
