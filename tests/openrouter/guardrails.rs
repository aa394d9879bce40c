//! Guardrails at the fake: a second window for a key.

use serde_json::{Value, json};

use super::fake::Fake;
use super::life::manager;
use super::wire::Caller;

fn guardrail(fake: &Fake, limit: u32, interval: &str) -> String {
    let body = json!({ "name": "kr", "limit_usd": limit, "reset_interval": interval });
    manager(fake).post("/guardrails", body).is(201).data()["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_guardrail_needs_amount_and_interval_together() {
    let fake = Fake::start();
    let admin = manager(&fake);
    for body in [r#"{"name":"g","limit_usd":1}"#, r#"{"name":"g","reset_interval":"daily"}"#, r#"{"limit_usd":null}"#] {
        assert_eq!(admin.post("/guardrails", body).refuses(400), "Invalid request parameters", "{body}");
    }
    let path = format!("/guardrails/{}", guardrail(&fake, 100, "monthly"));
    admin.patch(&path, r#"{"limit_usd":null}"#).refuses(400);
    let changed = admin.patch(&path, r#"{"limit_usd":7.5,"name":"other"}"#).is(200).data();
    assert_eq!((&changed["limit_usd"], &changed["reset_interval"]), (&json!(7.5), &json!("monthly")));
    let changed = admin.patch(&path, r#"{"limit_usd":null,"reset_interval":null}"#).is(200).data();
    assert_eq!((&changed["limit_usd"], &changed["name"]), (&Value::Null, &json!("other")));
    assert_eq!(admin.delete(&path).is(200).json(), json!({ "deleted": true }));
    admin.get(&path).refuses(404);
}

#[test]
fn a_key_has_one_guardrail_and_the_next_replaces_it() {
    let fake = Fake::start();
    let admin = manager(&fake);
    let key = fake.add_key("ci");
    let (first, second) = (guardrail(&fake, 100, "monthly"), guardrail(&fake, 5, "weekly"));
    let hashes = json!({ "key_hashes": [key.hash] });
    for id in [&first, &second] {
        let path = format!("/guardrails/{id}/assignments/keys");
        assert_eq!(admin.post(&path, &hashes).is(200).json(), json!({ "assigned_count": 1 }));
        assert_eq!(fake.guardrail_of(&key.hash).unwrap().id, *id);
    }
    let rows = admin.get("/guardrails/assignments/keys").is(200).data();
    assert_eq!((rows.as_array().unwrap().len(), &rows[0]["guardrail_id"]), (1, &json!(second)));
    assert_eq!((&rows[0]["key_hash"], &rows[0]["key_name"]), (&json!(key.hash), &json!("ci")));
    let remove = |id: &str| admin.post(&format!("/guardrails/{id}/assignments/keys/remove"), &hashes).is(200).json();
    assert_eq!(remove(&first), json!({ "unassigned_count": 0 }));
    assert_eq!(remove(&second), json!({ "unassigned_count": 1 }));
    assert!(fake.guardrail_of(&key.hash).is_none());
    let path = format!("/guardrails/{first}/assignments/keys");
    admin.post(&path, r#"{"key_hashes":[]}"#).refuses(400);
    admin.post(&path, json!({ "key_hashes": ["0".repeat(64)] })).refuses(404);
    admin.post(&path, &hashes).is(200);
    admin.delete(&format!("/keys/{}", key.hash)).is(200);
    assert_eq!(admin.get(&path).is(200).json(), json!({ "data": [], "total_count": 0 }));
}

#[test]
fn a_guardrail_counts_each_key_for_itself_and_the_lower_limit_wins() {
    let fake = Fake::start();
    fake.set_now("2026-11-20T12:00:00Z");
    let admin = manager(&fake);
    let (one, two) = (fake.add_key("one"), fake.add_key("two"));
    for key in [&one, &two] {
        fake.change(&key.hash, |key| {
            key.limit = Some(10.into());
            key.limit_reset = Some(super::fake::Reset::Daily);
        });
    }
    let id = guardrail(&fake, 12, "monthly");
    fake.spend(&one.hash, "7.5");
    admin.post(&format!("/guardrails/{id}/assignments/keys"), json!({ "key_hashes": [one.hash, two.hash] })).is(200);
    fake.set_now("2026-11-21T12:00:00Z");
    fake.spend(&one.hash, "1.5");

    let user = Caller::new(fake.url(), &one.secret);
    let told = user.get("/key").is(200).data();
    let [monthly, daily] = [&told["budgets"][0], &told["budgets"][1]];
    let of = |budget: &Value| {
        ["scope", "reset_interval", "limit_usd", "spend_usd", "remaining_usd", "resets_at"]
            .map(|name| budget[name].clone())
    };
    let end = |text: &str| json!(text);
    let month = [json!("api_key"), json!("monthly"), json!(12), json!(9), json!(3), end("2026-12-01T00:00:00.000Z")];
    let today =
        [json!("key_limit"), json!("daily"), json!(10), json!(1.5), json!(8.5), end("2026-11-22T00:00:00.000Z")];
    assert_eq!((of(monthly), of(daily)), (month, today));
    assert_eq!((&monthly["guardrail_id"], &daily["guardrail_id"]), (&json!(id), &Value::Null));
    assert_eq!(told["effective_budget"], *monthly);

    user.post("/chat/completions", r#"{"spend":3}"#).is(200);
    let refusal = user.post("/chat/completions", r#"{"spend":3}"#).is(403).json()["error"].clone();
    assert_eq!(refusal["message"], "Budget limit exceeded");
    assert_eq!(refusal["metadata"]["limit_source"], "openrouter_budget_limit");
    Caller::new(fake.url(), &two.secret).post("/chat/completions", r#"{"spend":3}"#).is(200);
}

#[test]
fn an_account_without_guardrails_refuses_them_and_nothing_else() {
    let fake = Fake::start();
    fake.allow_guardrails(false);
    let admin = manager(&fake);
    assert!(admin.post("/guardrails", r#"{"name":"g"}"#).refuses(403).contains("not available"));
    admin.get("/guardrails/assignments/keys").refuses(403);
    admin.post("/keys", r#"{"name":"k"}"#).is(201);
    assert!(fake.guardrails().is_empty());
}
