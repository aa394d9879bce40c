//! Lists at the fake: their order, their pages, what they hide, and how they shift.

use serde_json::{Value, json};

use super::fake::{Call, Fake, Fault, Rule};
use super::life::manager;
use super::wire::Reply;

fn names(reply: Reply) -> Vec<String> {
    let names = reply.is(200).data();
    names.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

fn numbered(range: impl Iterator<Item = u32>) -> Vec<String> {
    range.map(|n| format!("key {n}")).collect()
}

#[test]
fn keys_come_newest_first_and_a_hundred_at_a_time() {
    let fake = Fake::start();
    for name in numbered(0..205) {
        fake.add_key(&name);
    }
    let admin = manager(&fake);
    assert_eq!(names(admin.get("/keys")), numbered((105..205).rev()));
    assert_eq!(names(admin.get("/keys?offset=100")), numbered((5..105).rev()));
    assert_eq!(names(admin.get("/keys/?offset=200")), numbered((0..5).rev()));
    assert_eq!(admin.get("/keys?offset=300").is(200).json(), json!({ "data": [] }));
}

#[test]
fn disabled_and_expired_keys_are_hidden_unless_asked_for() {
    let fake = Fake::start();
    let past = fake.now() - jiff::SignedDuration::from_secs(1);
    for name in ["plain", "disabled", "expired", "both", "deleted"] {
        let key = fake.add_key(name);
        fake.change(&key.hash, |key| {
            key.disabled = matches!(name, "disabled" | "both");
            key.expires_at = matches!(name, "expired" | "both").then_some(past);
        });
        if name == "deleted" {
            fake.delete(&key.hash);
        }
    }
    let admin = manager(&fake);
    let list = |query: &str| names(admin.get(&format!("/keys{query}")));
    assert_eq!(list(""), ["plain"]);
    assert_eq!(list("?include_disabled=false&include_expired=false"), ["plain"]);
    assert_eq!(list("?include_disabled=true"), ["disabled", "plain"]);
    assert_eq!(list("?include_expired=true"), ["expired", "plain"]);
    assert_eq!(list("?include_disabled=true&include_expired=true"), ["both", "expired", "disabled", "plain"]);
}

#[test]
fn a_workspace_has_a_list_of_its_own() {
    let fake = Fake::start();
    let admin = manager(&fake);
    let other = fake.add_workspace("other");
    fake.add_key("here");
    let body = json!({ "name": "there", "workspace_id": other });
    let hash = admin.post("/keys", body).is(201).data()["hash"].as_str().unwrap().to_owned();
    assert_eq!(names(admin.get("/keys")), ["here"]);
    assert_eq!(names(admin.get(&format!("/keys?workspace_id={other}"))), ["there"]);
    let spaces = admin.get("/workspaces").is(200).json();
    assert_eq!((&spaces["total_count"], &spaces["data"][1]["id"]), (&json!(2), &json!(other)));
    let home = json!({ "workspace_id": spaces["data"][0]["id"] });
    admin.patch(&format!("/keys/{hash}"), home).is(200);
    assert_eq!(names(admin.get("/keys")), ["there", "here"]);
    assert_eq!(admin.get("/keys?workspace_id=00000000-0000-4000-8000-000000000000").refuses(404), "Resource not found");
}

#[test]
fn a_key_that_is_made_between_two_pages_shifts_them() {
    let fake = Fake::start();
    for name in numbered(0..150) {
        fake.add_key(&name);
    }
    let handle = fake.handle();
    let meanwhile = Fault::run(move || drop(handle.add_key("meanwhile")));
    fake.inject(Rule::on(Call::ListKeys, meanwhile).nth(2));
    let admin = manager(&fake);
    assert_eq!(names(admin.get("/keys")).last().unwrap(), "key 50");
    assert_eq!(names(admin.get("/keys?offset=100")).first().unwrap(), "key 50", "it came twice");
}

#[test]
fn a_key_that_is_deleted_between_two_pages_hides_another() {
    let fake = Fake::start();
    let keys: Vec<_> = numbered(0..150).iter().map(|name| fake.add_key(name)).collect();
    let (handle, hash) = (fake.handle(), keys[149].hash.clone());
    fake.inject(Rule::on(Call::ListKeys, Fault::run(move || handle.delete(&hash))).nth(2));
    let admin = manager(&fake);
    assert_eq!(names(admin.get("/keys")).last().unwrap(), "key 50");
    assert_eq!(names(admin.get("/keys?offset=100")).first().unwrap(), "key 48", "key 49 was never shown");
}

#[test]
fn guardrails_and_assignments_are_counted_and_paged() {
    let fake = Fake::start();
    let admin = manager(&fake);
    let mut hashes = Vec::new();
    let mut id = Value::Null;
    for n in 0..60 {
        id = admin.post("/guardrails", json!({ "name": format!("g{n}") })).is(201).data()["id"].clone();
        hashes.push(fake.add_key("k").hash);
    }
    let id = id.as_str().unwrap();
    let path = format!("/guardrails/{id}/assignments/keys");
    assert_eq!(admin.post(&path, json!({ "key_hashes": hashes })).is(200).json(), json!({ "assigned_count": 60 }));
    for list in ["/guardrails", "/guardrails/assignments/keys", &path] {
        let rows = |query: &str| {
            let page = admin.get(&format!("{list}?{query}")).is(200).json();
            assert_eq!(page["total_count"], 60);
            page["data"].as_array().unwrap().len()
        };
        assert_eq!((rows("offset=0"), rows("offset=50"), rows("offset=60"), rows("limit=100")), (50, 10, 0, 60));
        assert_eq!(admin.get(&format!("{list}?limit=101")).refuses(400), "Invalid request parameters");
    }
}
