//! A key's life without accidents: issued, rotated, revoked.

use super::rig::Rig;

#[test]
fn a_key_is_issued_with_two_limits_rotated_and_revoked() {
    let rig = Rig::new();
    let (fake, alice) = (&rig.fake, &rig.alice);
    let said = alice
        .covault(["key", "issue", "prod/openrouter", "--limit", "100/month", "--limit", "10/day", "--alert", "80%"])
        .ok();
    eprintln!("{}", said.err);
    let first = fake.key_of(&alice.get("prod/openrouter")).expect("the key in the vault is one of the provider's");
    eprintln!("{first:?} {:?}", fake.guardrail_of(&first.hash));
    fake.spend(&first.hash, "2.50");
    let said = alice.covault(["key", "rotate", "prod/openrouter"]).ok();
    eprintln!("{}", said.err);
    let second = fake.key_of(&alice.get("prod/openrouter")).expect("the key in the vault is one of the provider's");
    eprintln!("{second:?} {:?}", fake.guardrail_of(&second.hash));
    assert_eq!(fake.live_keys().len(), 1);
    let said = alice.covault(["key", "revoke", "prod/openrouter", "--yes"]).ok();
    eprintln!("{}", said.err);
    assert_eq!(fake.live_keys().len(), 0);
    eprintln!("{}", alice.covault(["log", "prod/openrouter"]).ok().text());
    eprintln!("{}", alice.covault(["show", "prod/openrouter"]).text());
    eprintln!("{}", alice.git(["log", "--oneline", "--stat"]).text());
    eprintln!("{}", alice.covault(["verify"]).ok().text());
}
