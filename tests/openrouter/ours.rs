//! Our own client and the fake understand each other; what the client does in bad weather is tested elsewhere.

use covault::model::keys::amount::Amount;
use covault::model::keys::limit::{Limit, Window};
use covault::model::time::Time;
use covault::plaintext::Plaintext;
use covault::providers::openrouter::OpenRouter;
use covault::providers::{KeySpec, Pace, Probed, Provider as _, Settings};

use super::fake::{Call, Fake, Fault, Rule};

fn client(fake: &Fake) -> OpenRouter {
    let now = Time::from_unix(fake.now().as_second());
    let settings = Settings { url: Some(fake.url()), agent: "covault/test".to_owned(), pace: Pace::default(), now };
    OpenRouter::new(&settings, Plaintext::from_text(&fake.management_key())).unwrap()
}

#[test]
fn our_client_gives_a_key_two_limits_and_deletes_it() {
    let fake = Fake::start();
    let ours = client(&fake);
    assert!(ours.account().unwrap().check().unwrap().manages);
    let limit = |text: &str, window| Limit { amount: Amount::parse_limit(text).unwrap(), window };
    let (daily, monthly) = (limit("10", Window::Day), limit("100", Window::Month));
    let spec = KeySpec { name: "ci".to_owned(), limit: Some(daily), expires: None };
    let minted = ours.issuing().unwrap().create(&spec).unwrap();
    let id = minted.key.id.clone();
    let guarding = ours.guarding().unwrap();
    let guardrail = guarding.create_guardrail("monthly", monthly).unwrap();
    guarding.assign(&guardrail.id, &id).unwrap();
    assert_eq!(guarding.guardrail_of(&id).unwrap(), Some(guardrail.id));
    fake.spend(id.as_str(), "2.5");
    let seen = ours.inspecting().unwrap().get(&id).unwrap().unwrap();
    assert_eq!(seen.remaining, Some(Amount::parse_number("7.5").unwrap()));
    let Probed::Works(mut limits) = ours.probing().unwrap().probe(&minted.secret).unwrap() else { panic!("refused") };
    limits.sort_by_key(|limit| limit.window);
    assert_eq!(limits, [daily, monthly]);
    ours.switching().unwrap().set_enabled(&id, false).unwrap();
    assert_eq!(ours.probing().unwrap().probe(&minted.secret).unwrap(), Probed::Refused);
    ours.revoking().unwrap().delete(&id).unwrap();
    assert_eq!(ours.inspecting().unwrap().get(&id).unwrap(), None);
    assert!(fake.live_keys().is_empty());
}

#[test]
fn our_client_lists_all_keys_and_makes_one_when_the_answer_is_lost() {
    let fake = Fake::start();
    let ours = client(&fake);
    (0..250).for_each(|n| drop(fake.add_key(&format!("k{n}"))));
    assert_eq!(ours.inspecting().unwrap().list().unwrap().len(), 250);
    fake.inject(Rule::on(Call::CreateKey, Fault::Status(500)).after());
    let spec = KeySpec { name: "lost".to_owned(), limit: None, expires: None };
    ours.issuing().unwrap().create(&spec).unwrap_err();
    assert_eq!((fake.count(Call::CreateKey), fake.live_keys().len()), (1, 251));
}
