//! docs/github.md and the action beside it: what they say is run here, with git in the forge's place.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::json;
use crate::world::{Person, Said, World, said};

fn docs(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).unwrap()
}

fn action() -> Value {
    yaml_serde::from_str(&docs("github/action.yml")).unwrap()
}

fn head(person: &Person) -> String {
    person.git(["rev-parse", "HEAD"]).ok().text().trim().to_owned()
}

/// Runs the action's last step in a checkout, as the forge does, and gives what it said with the run's summary.
fn check(person: &Person, base: &str, more: &[(&str, &str)]) -> (Said, String) {
    let action = action();
    let step = action["runs"]["steps"].as_array().unwrap().last().unwrap();
    let temp = person.home.join("runner");
    let program = temp.join("covault/bin/covault");
    std::fs::create_dir_all(program.parent().unwrap()).unwrap();
    if !program.exists() {
        std::fs::copy(env!("CARGO_BIN_EXE_covault"), &program).unwrap();
    }
    let summary = temp.join("summary.md");
    let _ = std::fs::remove_file(&summary);
    let mut command = person.command("sh");
    for variable in step["env"].as_object().unwrap().keys() {
        command.env(variable, "");
    }
    command.env("DIRECTORY", ".").env("BASE", base).env("STRICT", "false");
    command.env("RUNNER_TEMP", &temp).env("GITHUB_STEP_SUMMARY", &summary);
    command.envs(more.iter().copied()).args(["-c", step["run"].as_str().unwrap()]);
    let said = said(command.output().unwrap());
    (said, std::fs::read_to_string(&summary).unwrap_or_default())
}

/// The names after `inputs.` in a text.
fn inputs_in(text: &str) -> BTreeSet<String> {
    let names = text.split("inputs.").skip(1);
    names.map(|rest| rest.chars().take_while(|c| c.is_alphanumeric()).collect()).collect()
}

#[test]
fn the_action_uses_the_inputs_that_it_declares_and_builds_from_its_own_sources() {
    let action = action();
    let declared: BTreeSet<String> = action["inputs"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(inputs_in(&docs("github/action.yml")), declared);
    assert_eq!(action["runs"]["using"], "composite");
    let steps = action["runs"]["steps"].as_array().unwrap();
    for step in steps {
        assert_eq!(step["shell"], "bash");
        // What somebody typed is never part of a script.
        assert!(!step["run"].as_str().unwrap().contains("${{"), "{step}");
    }
    let build = steps[0]["run"].as_str().unwrap();
    let sources = build.strip_prefix("cargo install --locked --path \"$GITHUB_ACTION_PATH/").unwrap();
    let sources = sources.split('"').next().unwrap();
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/github").join(sources).join("Cargo.toml");
    assert!(here.is_file(), "{}", here.display());
    // The workflow of the page gives it what it takes.
    let page = docs("github.md");
    let workflow = page.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let workflow: Value = yaml_serde::from_str(workflow).unwrap();
    let given = workflow["jobs"]["verify"]["steps"][1]["with"].as_object().unwrap();
    assert!(!given.is_empty() && given.keys().all(|name| declared.contains(name)), "{given:?}");
    assert_eq!(workflow["jobs"]["verify"]["steps"][0]["with"]["fetch-depth"], 0);
}

#[test]
fn the_action_judges_pull_requests_pushes_and_new_branches() {
    let world = World::new();
    let alice = world.team("alice");
    alice.set("prod/db", "for the database");
    alice.push("main");
    let ci = world.newcomer("ci");
    let base = head(&ci);
    let words = json(&alice.covault(["whoami", "--json"]).ok())["words"].as_str().unwrap().to_owned();
    alice.set("prod/db", "for the next database");
    alice.push("main");
    ci.git(["pull", "-q"]).ok();

    let (said, summary) = check(&ci, &base, &[("STRICT", "true")]);
    let said = said.ok();
    assert_eq!(said.text(), summary);
    assert!(summary.contains("prod/db&#58; changed, revision 1 to 2, by alice"), "{summary}");
    assert!(summary.contains("1 commit,"), "{summary}");
    // All of the history, where there is nothing to begin from; nobody says then which vault it should be.
    for base in ["", &"0".repeat(40), &"1".repeat(40)] {
        let (said, summary) = check(&ci, base, &[]);
        said.ok();
        assert!(summary.contains("4 commits,"), "{summary}");
        check(&ci, base, &[("STRICT", "true")]).0.exits(8);
        check(&ci, base, &[("STRICT", "true"), ("COVAULT_VAULT", &words)]).0.ok();
    }
    let (said, summary) = check(&ci, "", &[("RANGE", "HEAD~2..HEAD~1")]);
    said.ok();
    assert!(summary.contains("prod/db&#58; new, revision 1, by alice"), "{summary}");
    // A value put back by git.
    ci.git(["revert", "--no-edit", "HEAD"]).ok();
    let (said, summary) = check(&ci, "HEAD~1", &[]);
    said.exits(6);
    assert!(summary.contains("**not good**") && summary.contains("rollback"), "{summary}");
}

#[test]
fn the_action_finds_what_a_forced_push_took_away() {
    let world = World::new();
    let alice = world.team("alice");
    alice.set("prod/db", "for the database");
    alice.push("main");
    let old = head(&alice);
    alice.set("prod/db", "for the next database");
    alice.push("main");
    let before = head(&alice);
    let ci = world.newcomer("ci");
    let pushed = |before: &str| check(&ci, "", &[("BEFORE", before)]);
    // A push as it should be, and the first one of a branch.
    pushed(&old).0.ok();
    let (said, summary) = pushed(&"0".repeat(40));
    said.ok();
    assert!(summary.contains("4 commits,"), "{summary}");
    // Commits that are written anew and lose nothing.
    alice.git(["commit", "-q", "--amend", "-m", "with other words"]).ok();
    alice.git(["push", "-q", "-f"]).ok();
    let fresh = world.stranger("fresh");
    let from = format!("file://{}", world.shared().display());
    fresh.git(["clone", "-q", &from, fresh.repo.to_str().unwrap()]).ok();
    let (said, summary) = check(&fresh, "", &[("BEFORE", &before), ("STRICT", "true")]);
    said.ok();
    assert!(summary.contains("was held against it as if it came right after it"), "{summary}");
    // Back to the old value, whether what was there is at hand or has to be asked for.
    let rewritten = head(&alice);
    alice.git(["reset", "-q", "--hard", &old]).ok();
    alice.git(["push", "-q", "-f"]).ok();
    for person in [&ci, &fresh] {
        person.git(["fetch", "-q"]).ok();
        person.git(["reset", "-q", "--hard", "origin/main"]).ok();
        let (said, summary) = check(person, "", &[("BEFORE", &rewritten)]);
        said.exits(6);
        assert!(summary.contains("rollback") && summary.contains("prod/db.age"), "{summary}");
    }
    // A pull request may be behind.
    check(&ci, &before, &[]).0.ok();
    // What nobody has any more is not passed over.
    let (said, summary) = pushed(&"1".repeat(40));
    said.exits(8);
    assert!(summary.contains("Not judged") && summary.contains(&"1".repeat(40)), "{summary}");
}

#[test]
fn a_checkout_without_the_beginning_of_the_range_fails_the_action() {
    let world = World::new();
    let alice = world.team("alice");
    alice.set("prod/db", "for the database");
    alice.set("prod/db", "for the next database");
    alice.push("main");
    let base = head(&alice);
    // An older secret, put back: in its own commit alone it is as good as any.
    alice.git(["checkout", "-q", "HEAD~1", "--", ".covault"]).ok();
    alice.git(["commit", "-q", "-m", "tidy up"]).ok();
    alice.push("main");
    let ci = world.stranger("ci");
    let from = format!("file://{}", world.shared().display());
    ci.git(["clone", "-q", "--depth=1", &from, ci.repo.to_str().unwrap()]).ok();
    let said = check(&ci, &base, &[]).0.exits(3);
    assert!(said.err.contains("hint: git fetch --unshallow"), "{}", said.err);
    // A new branch has nothing to be compared with.
    check(&ci, "", &[("BEFORE", &"0".repeat(40))]).0.ok();
    ci.git(["fetch", "-q", "--unshallow"]).ok();
    let (said, summary) = check(&ci, &base, &[]);
    said.exits(6);
    assert!(summary.contains("rollback"), "{summary}");
}

/// The action fetches what the branch had before: what lies between is not there, and what was there is followed all the same.
#[test]
fn several_commits_at_once_are_held_against_what_was_there_in_a_shallow_checkout_too() {
    let world = World::new();
    let alice = world.team("alice");
    alice.set("prod/db", "for the database");
    alice.set("prod/db", "for the next database");
    alice.push("main");
    let before = head(&alice);
    let from = format!("file://{}", world.shared().display());
    // As actions/checkout does it, and what the pull request is for as shallow.
    let checkout = |name: &str| {
        alice.git(["commit", "-q", "--allow-empty", "-m", "and something else"]).ok();
        alice.git(["push", "-q", "-f", "origin", "main"]).ok();
        let ci = world.stranger(name);
        ci.git(["clone", "-q", "--depth=1", &from, ci.repo.to_str().unwrap()]).ok();
        let offered = Person { repo: world.path().join(format!("{name} offered")), ..world.stranger(name) };
        ci.git(["clone", "-q", "--depth=1", &from, offered.repo.to_str().unwrap()]).ok();
        offered.git(["fetch", "-q", "--depth=1", "origin", &before]).ok();
        (ci, offered)
    };
    alice.set("prod/db", "for another database");
    alice.set("prod/db", "for the last database");
    let (ci, offered) = checkout("honest");
    check(&ci, "", &[("BEFORE", &before)]).0.ok();
    check(&offered, &before, &[]).0.ok();
    // What lay between was not looked at.
    check(&ci, "", &[("BEFORE", &before), ("STRICT", "true")]).0.exits(8);
    alice.git(["reset", "-q", "--hard", &before]).ok();
    alice.git(["checkout", "-q", "HEAD~1", "--", ".covault"]).ok();
    alice.git(["commit", "-q", "-m", "tidy up"]).ok();
    let (ci, offered) = checkout("put back");
    let (said, summary) = check(&ci, "", &[("BEFORE", &before)]);
    said.exits(6);
    assert!(summary.contains("rollback") && summary.contains("git fetch --unshallow"), "{summary}");
    // A branch that is offered may be behind, and nobody can tell here.
    let said = check(&offered, &before, &[]).0.exits(3);
    assert!(said.err.contains("cannot tell") && said.err.contains("hint: get the rest with"), "{}", said.err);
}

#[test]
fn a_server_of_ones_own_judges_what_is_pushed_before_it_lets_it_in() {
    let world = World::new();
    let alice = world.team("alice");
    alice.set("prod/db", "for the database");
    alice.push("main");
    let page = docs("github.md");
    let hook = page.split("```sh\n#!/bin/sh\n").nth(1).unwrap().split("```").next().unwrap();
    let words = json(&alice.covault(["whoami", "--json"]).ok())["words"].as_str().unwrap().to_owned();
    let program = Path::new(env!("CARGO_BIN_EXE_covault")).parent().unwrap();
    let hook = hook.replace("wing-doctor-solar-fox-casual-glue", &words);
    let hook = format!("#!/bin/sh\nPATH='{}':$PATH\n{hook}", program.display());
    let place = world.shared().join("hooks/pre-receive");
    std::fs::write(&place, hook).unwrap();
    std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o755)).unwrap();
    // Git keeps what comes in apart as files, and as a pack.
    for (limit, value) in [("100", "in files of their own"), ("1", "in a pack")] {
        alice.git(["--git-dir", world.shared().to_str().unwrap(), "config", "receive.unpackLimit", limit]).ok();
        let before = head(&alice);
        alice.set("prod/db", value);
        alice.set("prod/other", value);
        alice.push("main");
        let good = head(&alice);
        alice.git(["checkout", "-q", &before, "--", ".covault/secrets/prod/db.age"]).ok();
        alice.git(["commit", "-q", "-m", "tidy up"]).ok();
        let said = alice.git(["push", "-q", "origin", "main"]);
        assert_ne!(said.code, 0);
        assert!(said.err.contains("[rollback] .covault/secrets/prod/db.age"), "{}", said.err);
        alice.git(["reset", "-q", "--hard", &good]).ok();
    }
}

#[test]
fn an_approval_on_a_branch_is_merged_in_any_of_the_ways_that_forges_have() {
    let world = World::new();
    let alice = world.team("alice");
    alice.set("prod/db", "for the database");
    alice.push("main");
    let bob = world.newcomer("bob");
    let line = alice.covault(["member", "invite", "bob"]).ok().text();
    bob.covault(["join", "--invite", line.trim(), "--device", "laptop"]).ok();
    bob.push("covault/join/bob");
    // As it is offered: a request changes nothing for anybody.
    alice.git(["fetch", "-q"]).ok();
    let range = "main..origin/covault/join/bob";
    let text = alice.covault(["verify", "--strict", "--range", range, "--format", "markdown"]).ok().text();
    assert!(text.contains("bob asks to be let in") && !text.contains("gains"), "{text}");

    alice.git(["switch", "-q", "-c", "approve-bob", "origin/main"]).ok();
    alice.covault(["member", "approve", "bob", "--yes"]).ok();
    let text = alice.covault(["verify", "--strict", "--range", "main..HEAD"]).ok().text();
    assert!(text.contains("alice admits bob") && text.contains("bob gains prod/db"), "{text}");
    let before = head_of(&alice, "main");
    for merge in [
        &["merge", "-q", "--no-ff", "--no-edit", "approve-bob"][..],
        &["merge", "-q", "--squash", "approve-bob"],
        &["rebase", "-q", "approve-bob"],
    ] {
        alice.git(["switch", "-q", "main"]).ok();
        alice.git(["reset", "-q", "--hard", &before]).ok();
        alice.git(merge.iter()).ok();
        if merge.contains(&"--squash") {
            alice.git(["commit", "-q", "-m", "Approve bob (#1)"]).ok();
        }
        alice.covault(["verify", "--strict", "--history"]).ok();
        alice.covault(["verify", "--strict", "--range", &format!("{before}..HEAD")]).ok();
    }
    alice.push("main");
    bob.git(["switch", "-q", "main"]).ok();
    bob.git(["pull", "-q"]).ok();
    assert_eq!(bob.get("prod/db"), "for the database");
}

fn head_of(person: &Person, rev: &str) -> String {
    person.git(["rev-parse", rev]).ok().text().trim().to_owned()
}

#[test]
fn pull_requests_that_conflict_are_joined_by_a_member_and_a_side_that_was_dropped_is_found() {
    let world = World::new();
    let alice = world.team("alice");
    alice.covault(["set", "prod/db", "user=app", "host=one"]).ok();
    alice.push("main");
    alice.git(["switch", "-q", "-c", "theirs"]).ok();
    alice.covault(["set", "prod/db", "user=web"]).ok();
    alice.git(["switch", "-q", "main"]).ok();
    alice.covault(["set", "prod/db", "host=two"]).ok();
    alice.push("main");
    alice.git(["switch", "-q", "theirs"]).ok();
    let theirs = head(&alice);
    // One side taken, as a forge's editor does it: a forge runs no driver.
    assert_ne!(alice.git(["-c", "merge.covault.driver=exit 1 #", "merge", "-q", "origin/main"]).code, 0);
    alice.git(["checkout", "-q", "--ours", "--", ".covault/secrets/prod/db.age"]).ok();
    alice.git(["add", ".covault"]).ok();
    alice.git(["commit", "-q", "--no-edit"]).ok();
    let text = alice.covault(["verify", "--range", "origin/main..HEAD"]).exits(6).text();
    assert!(text.contains("[rollback] .covault/secrets/prod/db.age: this merge dropped revision 2 by alice"), "{text}");
    alice.git(["reset", "-q", "--hard", &theirs]).ok();
    // As the page has it.
    alice.git(["merge", "-q", "origin/main"]).ok();
    alice.git(["push", "-q", "origin", "theirs"]).ok();
    alice.covault(["verify", "--range", "origin/main..HEAD", "--strict"]).ok();
    assert_eq!((alice.get("prod/db/user"), alice.get("prod/db/host")), ("web".to_owned(), "two".to_owned()));
}

#[test]
fn two_approvals_at_once_are_merged() {
    let world = World::new();
    let alice = world.team("alice");
    alice.set("prod/db", "for the database");
    alice.push("main");
    for name in ["bob", "carol"] {
        let person = world.newcomer(name);
        let line = alice.covault(["member", "invite", name]).ok().text();
        person.covault(["join", "--invite", line.trim(), "--device", "laptop"]).ok();
        person.push(&format!("covault/join/{name}"));
    }
    alice.git(["fetch", "-q"]).ok();
    for name in ["bob", "carol"] {
        alice.git(["switch", "-q", "-c", &format!("approve-{name}"), "origin/main"]).ok();
        alice.covault(["member", "approve", name, "--yes"]).ok();
    }
    alice.git(["switch", "-q", "main"]).ok();
    alice.git(["merge", "-q", "approve-bob"]).ok();
    alice.push("main");
    alice.git(["switch", "-q", "approve-carol"]).ok();
    alice.git(["merge", "-q", "origin/main"]).ok();
    alice.covault(["resolve"]).ok();
    alice.git(["push", "-q", "origin", "approve-carol"]).ok();
    let text = alice.covault(["verify", "--range", "origin/main..HEAD", "--strict"]).ok().text();
    assert!(text.contains("carol gains prod/db"), "{text}");
}
