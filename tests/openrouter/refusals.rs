//! What the fake refuses, with the status and the words of the API.

use serde_json::json;

use super::fake::{Call, Fake};
use super::life::manager;
use super::wire::Caller;

#[test]
fn only_the_management_key_manages_and_it_does_nothing_else() {
    let fake = Fake::start();
    let key = fake.add_key("ci");
    for call in Call::all() {
        let (method, path) = call.pattern().split_once(' ').unwrap();
        let path = path.replace('*', "x");
        let ask = |secret: Option<&str>| {
            let caller = Caller { url: fake.url(), secret: secret.map(str::to_owned) };
            caller.send(method, &path, (method != "GET").then(|| "{}".to_owned())).unwrap()
        };
        assert_eq!(ask(None).refuses(401), "Missing Authentication header", "{call}");
        assert_eq!(ask(Some("sk-or-v1-unknown")).refuses(401), "User not found.", "{call}");
        match call {
            Call::CurrentKey => {}
            Call::Chat => assert!(ask(Some(&fake.management_key())).refuses(403).contains("inference")),
            _ => {
                let refusal = ask(Some(&key.secret)).refuses(403);
                assert_eq!(refusal, "Only management keys can perform this operation", "{call}");
            }
        }
    }
    let old = manager(&fake);
    fake.replace_management_key();
    assert_eq!(old.get("/keys").refuses(401), "User not found.");
    manager(&fake).get("/keys").is(200);
}

#[test]
fn a_key_is_not_made_from_fields_that_are_wrong() {
    let fake = Fake::start();
    let admin = manager(&fake);
    for body in [
        r#""#,
        r#"[]"#,
        r#"{}"#,
        r#"{"name":""}"#,
        r#"{"name":null}"#,
        r#"{"name":7}"#,
        r#"{"name":"n","limit":"10"}"#,
        r#"{"name":"n","limit":-1}"#,
        r#"{"name":"n","limit_reset":"yearly"}"#,
        r#"{"name":"n","limit_reset":"Daily"}"#,
        r#"{"name":"n","include_byok_in_limit":"false"}"#,
        r#"{"name":"n","include_byok_in_limit":null}"#,
        r#"{"name":"n","expires_at":"2099-12-31T23:59Z"}"#,
        r#"{"name":"n","expires_at":"2099-12-31T23:59:59+01:00"}"#,
        r#"{"name":"n","expires_at":"2099-12-31T23:59:59+00:00"}"#,
        r#"{"name":"n","expires_at":"2099-12-31T23:59:59"}"#,
        r#"{"name":"n","expires_at":"2099-02-31T23:59:59Z"}"#,
        r#"{"name":"n","expires_at":4102444799}"#,
        r#"{"name":"n","workspace_id":"default"}"#,
        r#"{"name":"n","workspace_id":"00000000-0000-4000-8000-000000000000"}"#,
    ] {
        let refusal = admin.send("POST", "/keys", Some(body.to_owned())).unwrap().refuses(400);
        assert_eq!(refusal, "Invalid request parameters", "{body}");
    }
    let external = json!({ "name": "n", "external": { "user": "u" } });
    assert!(admin.post("/keys", external).refuses(403).contains("External"));
    let bearer = format!("Authorization: Bearer {}\r\nContent-Length: 12\r\n", fake.management_key());
    admin.raw("POST", "/keys", &bearer, br#"{"name":"n"}"#).unwrap().refuses(400);
    assert!(fake.keys().is_empty());
    for body in [r#"{"name":"n","limit":null,"limit_reset":null,"expires_at":null}"#, r#"{"name":"n","limit":0}"#] {
        admin.post("/keys", body).is(201);
    }
}

#[test]
fn a_key_is_not_changed_by_fields_that_are_wrong() {
    let fake = Fake::start();
    let (admin, key) = (manager(&fake), fake.add_key("ci"));
    let path = format!("/keys/{}", key.hash);
    for body in ["{}", r#"{"expires_at":null}"#, r#"{"Disabled":true}"#] {
        assert_eq!(admin.patch(&path, body).refuses(400), "No update fields provided", "{body}");
    }
    for body in [
        r#"{"disabled":null}"#,
        r#"{"disabled":"true"}"#,
        r#"{"name":""}"#,
        r#"{"limit":[]}"#,
        r#"{"limit_reset":"never"}"#,
        r#"{"disabled":true,"limit":-1}"#,
    ] {
        assert_eq!(admin.patch(&path, body).refuses(400), "Invalid request parameters", "{body}");
    }
    let now = fake.key(&key.hash);
    assert_eq!((now.disabled, now.name.as_str(), now.updated_at), (false, "ci", None));
}

#[test]
fn questions_that_make_no_sense_are_refused() {
    let fake = Fake::start();
    fake.set_now("2026-11-21T10:00:00Z");
    let admin = manager(&fake);
    for path in [
        "/keys?offset=-1",
        "/keys?offset=x",
        "/keys?include_disabled=1",
        "/keys?include_expired=yes",
        "/keys?workspace_id=default",
        "/activity?date=2026-11-21",
        "/activity?date=2026-10-21",
        "/activity?date=20261120",
        "/activity?api_key_hash=12",
        "/activity?group_by=model",
        "/guardrails?limit=0",
    ] {
        admin.get(path).refuses(400);
    }
    admin.get("/activity?date=2026-11-20").is(200);
    admin.get("/activity?date=2026-10-22").is(200);
    admin.get(&format!("/activity?api_key_hash={}", "0".repeat(64))).refuses(404);
    assert_eq!(admin.send("PUT", "/keys", None).unwrap().refuses(405), "Method Not Allowed");
    assert!(admin.get("/nowhere").is(404).text().starts_with("<!DOCTYPE html>"));
}
