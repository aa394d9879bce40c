//! Money at the fake: spends, windows, limits and the books.

use serde_json::{Value, json};

use super::fake::{Fake, Key, Reset};
use super::life::manager;
use super::wire::{Caller, Reply};

fn limited(fake: &Fake, limit: &str, reset: Option<Reset>) -> Key {
    let key = fake.add_key("ci");
    fake.change(&key.hash, |key| {
        key.limit = Some(limit.parse().unwrap());
        key.limit_reset = reset;
    });
    key
}

fn usages(fake: &Fake, key: &Key) -> [Value; 5] {
    let row = manager(fake).get(&format!("/keys/{}", key.hash)).is(200).data();
    ["usage", "usage_daily", "usage_weekly", "usage_monthly", "limit_remaining"].map(|name| row[name].clone())
}

fn chat(fake: &Fake, key: &Key, usd: f64) -> Reply {
    let body = json!({ "model": "m", "messages": [], "spend": usd });
    Caller::new(fake.url(), &key.secret).post("/chat/completions", body)
}

#[test]
fn spends_count_in_the_utc_day_the_week_from_monday_and_the_month() {
    let fake = Fake::start();
    // A Sunday, the last second of its day, its week; and the month's last but one.
    fake.set_now("2026-11-29T23:59:59Z");
    let key = limited(&fake, "10", Some(Reset::Daily));
    fake.spend(&key.hash, "2.50");
    assert_eq!(usages(&fake, &key), [2.5, 2.5, 2.5, 2.5, 7.5].map(|usd| json!(usd)));
    fake.advance(std::time::Duration::from_secs(1));
    assert_eq!(usages(&fake, &key), [json!(2.5), json!(0), json!(0), json!(2.5), json!(10)]);
    fake.spend(&key.hash, "1");
    fake.set_now("2026-12-01T00:00:00Z");
    assert_eq!(usages(&fake, &key), [json!(3.5), json!(0), json!(1), json!(0), json!(10)]);
}

#[test]
fn a_limit_counts_its_own_window() {
    let fake = Fake::start();
    for (reset, remaining) in [
        (Some(Reset::Daily), json!(9)),
        (Some(Reset::Weekly), json!(7)),
        (Some(Reset::Monthly), json!(3)),
        (None, json!(-5)),
    ] {
        let key = limited(&fake, "10", reset);
        for (instant, usd) in [
            ("2026-10-31T23:59:59Z", "8"),
            ("2026-11-15T23:59:59Z", "4"),
            ("2026-11-16T00:00:00Z", "2"),
            ("2026-11-21T00:00:00Z", "1"),
        ] {
            fake.set_now(instant);
            fake.spend(&key.hash, usd);
        }
        assert_eq!(usages(&fake, &key)[4], remaining, "{reset:?}");
    }
}

#[test]
fn amounts_keep_every_digit() {
    let fake = Fake::start();
    let key = limited(&fake, "1", None);
    let row = || manager(&fake).get(&format!("/keys/{}", key.hash)).is(200).text().to_owned();
    assert!(row().contains(r#""limit":1,"limit_remaining":1,"#));
    (0..3).for_each(|_| fake.spend(&key.hash, "0.10"));
    assert!(row().contains(r#""limit_remaining":0.7,"#), "{}", row());
    fake.spend(&key.hash, "0.699999999999999999");
    assert!(row().contains(r#""limit_remaining":1e-18,"#), "{}", row());
    assert!(row().contains(r#""usage":0.999999999999999999,"#), "{}", row());
    fake.spend(&key.hash, "0.0000150");
    assert!(row().contains(r#""limit_remaining":-0.000014999999999999,"#), "{}", row());
    let sent = manager(&fake).post("/keys", r#"{"name":"n","limit":1.25e-7}"#).is(201);
    assert!(sent.text().contains(r#""limit":1.25e-7,"#), "{}", sent.text());
}

#[test]
fn inference_spends_until_a_limit_is_reached() {
    let fake = Fake::start();
    fake.set_now("2026-11-21T10:00:00Z");
    let key = limited(&fake, "1", Some(Reset::Daily));
    assert_eq!(chat(&fake, &key, 0.6).is(200).json()["usage"]["cost"], 0.6);
    chat(&fake, &key, 0.6).is(200);
    assert_eq!(usages(&fake, &key)[4], json!(-0.2), "the last one overshoots");
    let refusal = chat(&fake, &key, 0.01).is(403).json()["error"].clone();
    assert!(refusal["message"].as_str().unwrap().starts_with("Key limit exceeded"));
    assert_eq!(refusal["metadata"]["limit_source"], "openrouter_key_limit");
    assert_eq!(refusal["metadata"]["resets_at"], "2026-11-22T00:00:00.000Z");
    fake.limits_answer(402);
    chat(&fake, &key, 0.01).refuses(402);
    fake.set_now("2026-11-22T00:00:00Z");
    chat(&fake, &key, 0.01).is(200);
    fake.set_credits("1.21");
    assert_eq!(chat(&fake, &key, 0.01).refuses(402), "Insufficient credits");
}

#[test]
fn somebody_s_own_provider_keys_count_only_where_that_was_asked() {
    let fake = Fake::start();
    let key = limited(&fake, "10", None);
    fake.spend_byok(&key.hash, "4");
    fake.spend(&key.hash, "1");
    assert_eq!(usages(&fake, &key)[4], json!(9));
    fake.change(&key.hash, |key| key.include_byok_in_limit = true);
    assert_eq!(usages(&fake, &key)[4], json!(5));
    let credits = manager(&fake).get("/credits").is(200).data();
    assert_eq!(credits, json!({ "total_credits": 1000, "total_usage": 1 }));
}

#[test]
fn activity_tells_of_completed_days_even_for_a_key_that_is_gone() {
    let fake = Fake::start();
    let (one, two) = (fake.add_key("one"), fake.add_key("two"));
    for (instant, hash) in [
        ("2026-10-20T12:00:00Z", &one.hash),
        ("2026-11-19T12:00:00Z", &one.hash),
        ("2026-11-19T13:00:00Z", &two.hash),
        ("2026-11-20T12:00:00Z", &one.hash),
        ("2026-11-21T12:00:00Z", &one.hash),
    ] {
        fake.set_now(instant);
        fake.spend(hash, "0.5");
    }
    fake.delete(&one.hash);
    let rows = |query: &str| {
        let rows = manager(&fake).get(&format!("/activity{query}")).is(200).data();
        let rows = rows.as_array().unwrap().clone();
        rows.iter().map(|row| (row["date"].as_str().unwrap().to_owned(), row["usage"].clone())).collect::<Vec<_>>()
    };
    let row = |date: &str, usd: Value| (date.to_owned(), usd);
    assert_eq!(rows(""), [row("2026-11-20", json!(0.5)), row("2026-11-19", json!(1))]);
    assert_eq!(rows("?date=2026-11-19"), [row("2026-11-19", json!(1))]);
    let of = |key: &Key, more: &str| rows(&format!("?api_key_hash={}{more}", key.hash));
    assert_eq!(of(&one, ""), [row("2026-11-20", json!(0.5)), row("2026-11-19", json!(0.5))]);
    assert_eq!(of(&two, "&date=2026-11-20"), []);
    assert_eq!(rows("?group_by=workspace").len(), 2);
}
