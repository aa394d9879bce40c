//! The life of a key at the fake: every call, every field, and what each change leaves alone.

use serde_json::{Value, json};

use super::fake::{Call, Fake};
use super::wire::Caller;

pub fn manager(fake: &Fake) -> Caller {
    Caller::new(fake.url(), fake.management_key())
}

fn names(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

const OBJECT: [&str; 23] = [
    "byok_usage",
    "byok_usage_daily",
    "byok_usage_monthly",
    "byok_usage_weekly",
    "created_at",
    "creator_user_id",
    "disabled",
    "expires_at",
    "external_user",
    "hash",
    "include_byok_in_limit",
    "label",
    "last_used_at",
    "limit",
    "limit_remaining",
    "limit_reset",
    "name",
    "updated_at",
    "usage",
    "usage_daily",
    "usage_monthly",
    "usage_weekly",
    "workspace_id",
];

#[test]
fn a_key_is_made_used_changed_and_deleted() {
    let fake = Fake::start();
    let admin = manager(&fake);
    let wanted = json!({
        "name": "ci", "limit": 10.5, "limit_reset": "daily", "include_byok_in_limit": true,
        "expires_at": "2099-12-31T23:59:59Z", "something_else": [1],
    });
    let made = admin.post("/keys", &wanted).is(201).json();
    assert_eq!(names(&made), ["data", "key"]);
    assert_eq!(names(&made["data"]), OBJECT);
    let (secret, hash) = (made["key"].as_str().unwrap(), made["data"]["hash"].as_str().unwrap());
    assert_eq!((secret.len(), hash.len()), (9 + 64, 64));
    assert!(secret.starts_with("sk-or-v1-"));
    for (name, value) in [("name", json!("ci")), ("limit", json!(10.5)), ("limit_reset", json!("daily"))] {
        assert_eq!(made["data"][name], value);
    }
    assert_eq!(made["data"]["expires_at"], "2099-12-31T23:59:59Z");
    assert_eq!(made["data"]["label"], format!("{}...{}", &secret[..12], &secret[70..]));

    let path = format!("/keys/{hash}");
    assert_eq!(admin.get(&path).is(200).data(), made["data"]);
    assert_eq!(admin.get("/keys/").is(200).data(), json!([made["data"]]));
    assert!(!admin.get("/keys").text().contains(secret), "the secret is told once");
    Caller::new(fake.url(), secret).get("/key").is(200);

    let changed = admin.patch(&path, r#"{"name":"ci2","limit":null,"expires_at":null,"unknown":1}"#).is(200).data();
    assert_eq!(names(&changed), OBJECT);
    assert_eq!((&changed["name"], &changed["limit"]), (&json!("ci2"), &Value::Null));
    assert_eq!(changed["limit_remaining"], Value::Null);
    assert_eq!(changed["limit_reset"], "daily", "what is absent stays");
    assert_eq!(changed["expires_at"], "2099-12-31T23:59:59Z", "an expiry cannot be changed");
    assert!(changed["updated_at"].is_string());

    assert_eq!(admin.delete(&path).is(200).json(), json!({ "deleted": true }));
    assert_eq!(admin.get(&path).refuses(404), "Resource not found");
    assert_eq!(admin.patch(&path, r#"{"disabled":true}"#).refuses(404), "Resource not found");
    assert_eq!(admin.delete(&path).refuses(404), "Resource not found");
    assert_eq!(Caller::new(fake.url(), secret).get("/key").refuses(401), "User not found.");
    assert!(fake.live_keys().is_empty());
    assert!(fake.key_of(secret).unwrap().deleted_at.is_some(), "the fake remembers");
}

#[test]
fn a_disabled_key_works_again_once_it_is_enabled() {
    let fake = Fake::start();
    let key = fake.add_key("ci");
    let (admin, user) = (manager(&fake), Caller::new(fake.url(), &key.secret));
    let path = format!("/keys/{}", key.hash);
    user.get("/key").is(200);
    assert_eq!(admin.patch(&path, r#"{"disabled":true}"#).is(200).data()["disabled"], true);
    assert_eq!(user.get("/key").refuses(401), "User not found.");
    assert!(fake.working_keys().is_empty());
    admin.patch(&path, r#"{"disabled":false}"#).is(200);
    user.get("/key").is(200);
}

#[test]
fn an_expired_key_is_unknown_from_that_second_on() {
    let fake = Fake::start();
    fake.set_now("2026-11-21T10:00:00Z");
    let body = json!({ "name": "short", "expires_at": "2026-11-21T11:00:00Z" });
    let secret = manager(&fake).post("/keys", body).is(201).json()["key"].as_str().unwrap().to_owned();
    let user = Caller::new(fake.url(), secret);
    fake.set_now("2026-11-21T10:59:59Z");
    user.get("/key").is(200);
    fake.advance(std::time::Duration::from_secs(1));
    assert_eq!(user.get("/key").refuses(401), "User not found.");
}

#[test]
fn two_keys_may_have_one_name() {
    let fake = Fake::start();
    let admin = manager(&fake);
    let make = || admin.post("/keys", r#"{"name":"same"}"#).is(201).data()["hash"].clone();
    assert_ne!(make(), make());
    assert_eq!(fake.live_keys().len(), 2);
}

#[test]
fn a_secret_is_told_what_it_is_good_for_but_not_its_hash() {
    let fake = Fake::start();
    let key = fake.add_key("ci");
    fake.spend(&key.hash, "0.25");
    let told = Caller::new(fake.url(), &key.secret).get("/key").is(200).data();
    for absent in ["hash", "name", "disabled", "created_at"] {
        assert_eq!(told.get(absent), None);
    }
    assert_eq!((&told["label"], &told["usage_daily"]), (&json!(key.label()), &json!(0.25)));
    assert_eq!((&told["is_management_key"], &told["is_provisioning_key"]), (&json!(false), &json!(false)));
    assert_eq!(told["budgets"], json!([]));
    assert_eq!(told["effective_budget"], Value::Null);
    let told = manager(&fake).get("/key").is(200).data();
    assert_eq!((&told["is_management_key"], &told["limit"]), (&json!(true), &Value::Null));
}

#[test]
fn every_call_has_an_answer_and_a_line_in_the_log() {
    let fake = Fake::start();
    let key = fake.add_key("ci");
    let admin = manager(&fake);
    let guardrail = admin.post("/guardrails", r#"{"name":"g"}"#).is(201).data()["id"].as_str().unwrap().to_owned();
    let body = json!({ "name": "n", "key_hashes": [key.hash] }).to_string();
    for call in Call::all().into_iter().filter(|call| *call != Call::DeleteKey && *call != Call::DeleteGuardrail) {
        let (method, path) = call.pattern().split_once(' ').unwrap();
        let path = path.replace("/keys/*", &format!("/keys/{}", key.hash)).replace('*', &guardrail);
        let caller = if call == Call::Chat { Caller::new(fake.url(), &key.secret) } else { manager(&fake) };
        let reply = caller.send(method, &path, (method != "GET").then(|| body.clone())).unwrap();
        assert_eq!(reply.status, call.ok(), "{call}: {}", reply.text());
        assert_eq!(reply.header("content-type"), Some("application/json"));
        let logged = fake.requests_to(call).pop().unwrap();
        assert_eq!((logged.status, logged.carried_out), (Some(call.ok()), true));
        assert_eq!(logged.bearer, caller.secret);
    }
    for path in [format!("/keys/{}", key.hash), format!("/guardrails/{guardrail}")] {
        assert_eq!(admin.delete(&path).is(200).json(), json!({ "deleted": true }));
    }
    let created = &fake.requests_to("POST /keys")[0];
    assert_eq!((created.json(), created.line()), (serde_json::from_str(&body).unwrap(), "POST /keys".to_owned()));
}
