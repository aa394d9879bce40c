//! What `import` makes of a file's keys, and of the env file that others read.

use super::{all_of, json, same};
use crate::world::{Person, Said, World};

const ENV: &str = ".covault/env/default.env";

fn import(alice: &Person, format: &str, text: &str, more: &[&str]) -> Said {
    alice.covault_fed(text.as_bytes(), [&["import", "-", "--format", format], more].concat())
}

fn exported(alice: &Person, env: &str) -> serde_json::Value {
    json(&alice.covault(["export", "-e", env, "--json"]).ok())
}

#[test]
fn two_keys_of_one_variable_are_refused_before_anything_is_written() {
    let world = World::new();
    let alice = world.founder("alice");
    let before = all_of(&alice);
    for text in [r#"{"a":{"b":"one"},"A_B":"two"}"#, r#"{"a":{"b":"one"},"a-b":"two"}"#] {
        let said = import(&alice, "json", text, &[]).exits(2);
        assert!(said.err.contains("the keys a.b and ") && said.err.contains(" variable A_B\nhint: "), "{}", said.err);
        same(&before, &all_of(&alice));
    }
}

#[test]
fn a_key_that_programs_load_by_does_not_keep_the_others_out() {
    let world = World::new();
    let alice = world.founder("alice");
    for (env, format, text, variable) in [
        ("one", "json", r#"{"git":{"token":"x"},"fine":"y"}"#, "GIT_TOKEN"),
        ("two", "json", r#"{"env":"production","fine":"y"}"#, "env"),
        ("three", "dotenv", "path=/x\nfine=y\n", "path"),
        ("four", "yaml", "node:\n  options: a\nfine: y\n", "NODE_OPTIONS"),
    ] {
        let said = import(&alice, format, text, &["--to", env]).ok();
        let warning =
            format!("warning: kept and not mapped, because they change how programs are loaded: {variable}\n");
        assert!(said.err.contains(&warning), "{}", said.err);
        assert_eq!(exported(&alice, env), serde_json::json!({"fine": "y"}));
    }
    assert_eq!(alice.get("one/git/token"), "x", "it is kept");
}

#[test]
fn every_key_becomes_a_variable_or_is_named() {
    let world = World::new();
    let alice = world.founder("alice");
    let long = "n".repeat(300);
    let text =
        serde_json::json!({"db-url": "x1", "api.key": "x2", "8080": "x3", "plain": "x4", &long: "x5"}).to_string();
    let said = import(&alice, "json", &text, &["--dry-run", "--json"]).ok();
    assert!(said.err.contains("kept and not mapped, because no variable can be called so: 'nnn"), "{}", said.err);
    assert_eq!(json(&said)["unmapped"], serde_json::json!([long]));
    import(&alice, "json", &text, &[]).ok();
    let mapped = serde_json::json!({"DB_URL": "x1", "API_KEY": "x2", "_8080": "x3", "plain": "x4"});
    assert_eq!(exported(&alice, "default"), mapped);
    assert_eq!(alice.get(&format!("default/{}", &long[..64])), "x5");
}

#[test]
fn a_variable_that_named_another_secret_is_told_of_and_peoples_own_lines_stay_theirs() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.covault_fed(b"theirs", ["set", "prod/db", "--stdin", "url"]).ok();
    std::fs::create_dir_all(alice.repo.join(".covault/env")).unwrap();
    let mut text = "# for all\nDATABASE_URL=covault://prod/db/url\r\n".to_owned();
    let mut write = |line: &str| {
        text.push_str(line);
        std::fs::write(alice.repo.join(ENV), &text).unwrap();
    };
    write("");
    alice.git(["add", ENV]).ok();
    alice.git(["commit", "-qm", "for all"]).ok();
    write("STAGED=covault://prod/db/url\n");
    alice.git(["add", ENV]).ok();
    write("WIP=covault://prod/db/url");
    let dotenv = "DATABASE_URL=local\nNEW=1\n";
    let repointed = serde_json::json!([{"variable": "DATABASE_URL", "before": "prod/db/url"}]);
    for more in [&["--dry-run", "--json"], &["--quiet", "--json"]] {
        let said = import(&alice, "dotenv", dotenv, more).ok();
        assert!(said.err.contains("warning: DATABASE_URL named prod/db/url until now\n"), "{}", said.err);
        assert_eq!(json(&said)["repointed"], repointed);
    }
    let (head, new) = ("# for all\nDATABASE_URL=covault://default/database-url\n", "NEW=covault://default/new\n");
    let shown = |place: &str| alice.git(["cat-file", "blob", &format!("{place}:{ENV}")]).ok().text();
    let staged = "STAGED=covault://prod/db/url\n";
    assert_eq!(shown("HEAD"), format!("{head}{new}"));
    assert_eq!(shown(""), format!("{head}{staged}{new}"));
    let on_disk = std::fs::read_to_string(alice.repo.join(ENV)).unwrap();
    assert_eq!(on_disk, format!("{head}{staged}WIP=covault://prod/db/url\n{new}"));
    // What names the same secret in other words is left as it stands.
    let in_other_words = on_disk.replace("default/new", "default/new/value");
    std::fs::write(alice.repo.join(ENV), &in_other_words).unwrap();
    let said = import(&alice, "dotenv", dotenv, &[]).ok();
    assert!(said.err.contains("nothing to change") && !said.err.contains("warning"), "{}", said.err);
    assert_eq!(std::fs::read_to_string(alice.repo.join(ENV)).unwrap(), in_other_words);
}

#[test]
fn what_gets_another_value_is_named_before_and_after() {
    let world = World::new();
    let alice = world.founder("alice");
    let said = import(&alice, "dotenv", "K9=old\n", &["--to", "im"]).ok();
    assert!(
        said.err.contains("imported 1 of 1 secret into im (commit ") && !said.err.contains("warning"),
        "{}",
        said.err
    );
    import(&alice, "dotenv", "SAME=same\n", &["--to", "im"]).ok();
    let text = "K9=new\nK8=x\nSAME=same\n";
    let told = serde_json::json!([
        {"variable": "K9", "name": "im/k9", "existed": true, "overwritten": true},
        {"variable": "K8", "name": "im/k8", "existed": false, "overwritten": false},
        {"variable": "SAME", "name": "im/same", "existed": true, "overwritten": false},
    ]);
    for (more, get) in [(&["--to", "im", "--dry-run", "--json"][..], "would get"), (&["--to", "im", "--json"], "get")] {
        let said = import(&alice, "dotenv", text, more).ok();
        let warning = format!("warning: these have another value now, and {get} the file's: im/k9\n");
        assert!(said.err.contains(&warning), "{}", said.err);
        assert_eq!(json(&said)["secrets"], told);
    }
    assert_eq!(alice.get("im/k9"), "new");
    let subject = alice.git(["log", "-1", "--format=%s"]).ok().text();
    assert_eq!(subject, "covault: import 2 secrets into im\n");
}

#[test]
fn an_unmerged_env_file_is_the_persons_to_settle() {
    let world = World::new();
    let alice = world.founder("alice");
    import(&alice, "dotenv", "A=1\n", &[]).ok();
    let line = |text: &str| std::fs::write(alice.repo.join(ENV), format!("A=covault://{text}\n")).unwrap();
    alice.git(["checkout", "-qb", "side"]).ok();
    line("side");
    alice.git(["commit", "-qam", "side"]).ok();
    alice.git(["checkout", "-q", "main"]).ok();
    line("main");
    alice.git(["commit", "-qam", "main"]).ok();
    alice.git(["merge", "-q", "side"]).exits(1);
    line("settled");
    let said = import(&alice, "dotenv", "B=2\n", &[]);
    assert!(said.code != 0 && said.err.contains("default.env` is unmerged"), "{}", said.err);
    assert!(!alice.file("default/b").exists());
    assert_eq!(alice.git(["ls-files", "--unmerged", ENV]).ok().text().lines().count(), 3);
}

#[test]
fn what_is_refused_is_named_with_its_file_or_its_secret() {
    let world = World::new();
    let alice = world.founder("alice");
    let bad = "A=1\nB='hunter2\n";
    std::fs::write(alice.repo.join("b.env"), bad).unwrap();
    let said = alice.covault(["import", "b.env"]).exits(2);
    assert!(said.err.contains("b.env: line 2"), "{}", said.err);
    let said = import(&alice, "dotenv", bad, &[]).exits(2);
    assert!(said.err.contains("stdin: line 2"), "{}", said.err);
    let large = serde_json::json!({"a": "1", "large": "x".repeat((1 << 20) + 1), "z": "1"}).to_string();
    let said = import(&alice, "json", &large, &[]).exits(2);
    assert!(said.err.contains("the field 'value' of 'default/large' has more than 1 MiB\nhint: "), "{}", said.err);
}

#[test]
fn what_another_tool_has_encrypted_is_refused_with_the_command_that_opens_it() {
    const SOPS: &str = "ENC[AES256_GCM,data:Zm9v,iv:AAAA,tag:BBBB,type:str]";
    let world = World::new();
    let alice = world.founder("alice");
    let sealed = format!("encrypted:{}", "BDqDBibm4wsYqMpCjTQ6BsDHmMadg9K3".repeat(4));
    let files = [
        (
            "our app.yaml",
            format!("db:\n  url: {SOPS}\nsops:\n  mac: {SOPS}\n"),
            "db.url is encrypted by sops\nhint: sops -d 'our app.yaml' | covault import - --format yaml\n",
        ),
        (
            "s.env",
            format!("A={SOPS}\n"),
            "A is encrypted by sops\nhint: sops -d s.env | covault import - --format dotenv\n",
        ),
        (
            ".env",
            format!("A={sealed}\n"),
            "A is encrypted by dotenvx\nhint: dotenvx decrypt -f .env --stdout | covault import - --format dotenv\n",
        ),
        (
            "list.json",
            r#"{"apiVersion": "v1", "kind": "List", "items": [], "metadata": {"a": ""}}"#.to_owned(),
            "the file is a list of Kubernetes objects\nhint: kubectl get secret NAME -o yaml | covault import - --format yaml\n",
        ),
        (
            "two.yaml",
            "a: 1\n---\nb: 2\n".to_owned(),
            "the file holds more than one YAML document\nhint: import each from a file of its own\n",
        ),
    ];
    for (file, text, _) in &files {
        std::fs::write(alice.repo.join(file), text).unwrap();
    }
    alice.git(["add", "-A"]).ok();
    alice.git(["commit", "-qm", "as is the custom with sops"]).ok();
    let before = all_of(&alice);
    for (file, _, says) in files {
        let said = alice.covault(["import", file]).exits(2);
        assert!(said.err.ends_with(says) && said.err.lines().count() == 2, "{file}: {}", said.err);
    }
    same(&before, &all_of(&alice));
}

#[test]
fn a_kubernetes_secret_is_its_data() {
    let world = World::new();
    let alice = world.founder("alice");
    let yaml =
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\ndata:\n  tls.crt: /wD+\n  password: aHVudGVyMg==\n";
    import(&alice, "yaml", yaml, &[]).ok();
    assert_eq!(alice.covault(["ls"]).ok().text(), "default/password\ndefault/tls-crt\n");
    assert_eq!(alice.get("default/password"), "hunter2");
    assert_eq!(alice.covault(["get", "default/tls-crt"]).ok().out, b"\xff\x00\xfe");
}

#[test]
fn an_env_file_that_is_mapped_again_on_disk_alone_is_told_of() {
    let world = World::new();
    let alice = world.founder("alice");
    import(&alice, "dotenv", "B=2\n", &[]).ok();
    let (env, at) = (alice.repo.join(ENV), super::head(&alice));
    std::fs::write(&env, "B=covault://default/a\n").unwrap();
    let said = import(&alice, "dotenv", "B=2\n", &["--dry-run"]).ok();
    assert!(said.err.ends_with(&format!("would map default in {ENV}\n")), "{}", said.err);
    let said = import(&alice, "dotenv", "B=2\n", &[]).ok();
    let told = format!("warning: B named default/a until now\nmapped default in {ENV}\n");
    assert!(said.err.ends_with(&told), "{}", said.err);
    assert_eq!(std::fs::read_to_string(&env).unwrap(), "B=covault://default/b\n");
    assert_eq!(super::head(&alice), at, "the commit had it already");
    std::fs::write(&env, "B=covault://default/a\n").unwrap();
    let said = json(&import(&alice, "dotenv", "B=2\n", &["--json"]).ok());
    assert_eq!((&said["unchanged"], &said["files"]), (&false.into(), &serde_json::json!([ENV])));
    // Committed by somebody: then it takes a commit.
    std::fs::write(&env, "B=covault://default/a\n").unwrap();
    alice.git(["commit", "-qam", "another"]).ok();
    let said = import(&alice, "dotenv", "B=2\n", &[]).ok();
    assert!(said.err.contains(&format!("mapped default in {ENV} (commit ")), "{}", said.err);
    assert_eq!(alice.git(["log", "-1", "--format=%s"]).ok().text(), "covault: map default in env/default.env\n");
    assert!(import(&alice, "dotenv", "B=2\n", &[]).ok().err.contains("nothing to change"));
}

#[test]
fn the_note_on_a_file_that_is_to_stay_out_of_git_is_for_files_that_git_would_take() {
    let world = World::new();
    let alice = world.founder("alice");
    let file = "our 'own'.env";
    std::fs::write(alice.repo.join(file), "A=1\n").unwrap();
    let said = alice.covault(["import", file]).ok();
    assert!(said.err.contains(r#"keep it out of git (echo "our 'own'.env" >> .gitignore)"#), "{}", said.err);
    std::fs::write(alice.repo.join(".gitignore"), "*.env\n").unwrap();
    let said = alice.covault(["import", file]).ok();
    assert!(!said.err.contains(".gitignore"), "{}", said.err);
}
