//! The official Python SDK as judge of the fake: it takes what the fake says, and not what the fake must not say.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;

use super::fake::{Call, Fake, Fault, Rule};
use crate::world::{Said, World, has, said};

const STEPS: &str = "created got listed updated told disabled_and_enabled spent active guarded housed refused deleted";

/// A Python with the SDK: `.ci/run` makes one.
fn python() -> Option<PathBuf> {
    let venv = std::env::var_os("COVAULT_TOOLS").map(|tools| PathBuf::from(tools).join("venv/bin/python"));
    let found = venv.into_iter().chain([PathBuf::from("python3")]).find(|python| {
        let mut command = Command::new(python);
        command.args(["-c", "import openrouter"]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    });
    has(found.is_some(), "openrouter");
    found
}

/// Runs the script against a fake.
fn visit(python: &Path, args: &[String]) -> Said {
    let world = World::new();
    let mut command = Command::new(python);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", world.path())
        .env("NO_PROXY", "127.0.0.1")
        .arg("-B")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/openrouter/sdk.py"))
        .args(args)
        .stdin(Stdio::null());
    said(command.output().unwrap())
}

#[test]
fn the_official_sdk_lives_through_a_key_s_life_with_the_fake() {
    let Some(python) = python() else { return };
    let fake = Fake::start();
    fake.set_now("2026-11-20T12:00:00Z");
    let other = fake.add_key("spender");
    fake.spend(&other.hash, "1.5");
    fake.delete(&other.hash);
    fake.set_now("2026-11-21T12:00:00Z");
    for (pattern, status) in [("GET /keys/too-many", 429), ("PATCH /keys/busy", 409), ("GET /keys/broken", 500)] {
        fake.inject(Rule::on(pattern, Fault::Status(status)));
    }
    assert_eq!(
        visit(&python, &[fake.url(), fake.management_key()])
            .ok()
            .text()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" "),
        STEPS
    );
    assert!(fake.live_keys().is_empty() && fake.guardrails().is_empty());
    assert_eq!(fake.idle_rules(), [""; 0]);
    for call in Call::all() {
        assert!(fake.requests_to(call).iter().any(|one| one.status == Some(call.ok())), "{call} was not judged");
    }
    let first = &fake.requests_to("POST /keys")[0].json();
    assert_eq!((&first["limit"], &first["expires_at"]), (&json!(10.5), &json!("2099-12-31T23:59:59Z")));
}

#[test]
fn the_official_sdk_refuses_what_is_not_of_its_shape() {
    let Some(python) = python() else { return };
    let fault = |call, fault: Fault| Some(Rule::on(call, fault).always());
    let lacks = |call, name| fault(call, Fault::Field(name, None));
    let is = |call, name, value| fault(call, Fault::Field(name, Some(value)));
    let cases = [
        ("got", None),
        ("got", lacks(Call::GetKey, "last_used_at")),
        ("got", is(Call::GetKey, "disabled", json!(null))),
        ("listed", lacks(Call::ListKeys, "external_user")),
        ("created", lacks(Call::CreateKey, "key")),
        ("updated", lacks(Call::UpdateKey, "workspace_id")),
        ("deleted", is(Call::DeleteKey, "deleted", json!(false))),
        ("told", lacks(Call::CurrentKey, "effective_budget")),
        ("told", is(Call::CurrentKey, "budgets", json!([{ "scope": "key_limit" }]))),
        ("spent", lacks(Call::Credits, "total_credits")),
        ("active", is(Call::Activity, "data", json!([{ "date": "2026-11-20" }]))),
        ("guarded", lacks(Call::CreateGuardrail, "include_byok_in_budgets")),
        ("guarded", lacks(Call::ListAssignments, "total_count")),
        ("housed", fault(Call::ListWorkspaces, Fault::OtherShape)),
    ];
    let fakes: Vec<Fake> = cases.iter().map(|_| Fake::start()).collect();
    let mut args = Vec::new();
    for (fake, (step, rule)) in fakes.iter().zip(&cases) {
        rule.iter().for_each(|rule| fake.inject(rule.clone()));
        args.extend([fake.url(), fake.management_key(), (*step).to_owned()]);
    }
    let said = visit(&python, &args).ok().text();
    assert_eq!(said.lines().count(), cases.len());
    for (said, (_, rule)) in said.lines().zip(&cases) {
        let (name, verdict) = match rule {
            None => ("nothing wrong".to_owned(), "fine"),
            Some(rule) => (rule.to_string(), "ResponseValidationError"),
        };
        assert_eq!(said, verdict, "{name}");
    }
}
