//! `init`, `setup`, `status`, `doctor`, `whoami`, `completions` and `man`.

use super::{all_of, head, json, same};
use crate::world::World;

#[test]
fn setup_and_undo_leave_the_clone_as_it_was() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "1");
    let words = json(&alice.covault(["whoami", "--json"]).ok())["words"].as_str().unwrap().to_owned();
    let bob = alice.clone_for(world.stranger("bob"));
    // Somebody with an identity, whose machine has not seen the vault.
    bob.take_keys_of(&alice);
    let config = || std::fs::read_to_string(bob.repo.join(".git/config")).unwrap();
    let attributes = || std::fs::read_to_string(bob.repo.join(".git/info/attributes")).unwrap_or_default();
    let before = (config(), attributes());
    let said = bob.covault(["setup"]).exits(6);
    assert!(
        said.err.contains(&format!("hint: compare the words with a teammate, then: covault setup --vault {words}")),
        "{}",
        said.err
    );
    bob.covault(["setup", "--vault", "zoo zoo zoo"]).exits(6);
    assert_eq!((config(), attributes()), before);
    let said = json(&bob.covault(["setup", "--vault", &words, "--json"]).ok());
    assert!(said["words"] == words && said["changed"] == true && said["name"] == "acme", "{said}");
    assert!(config().contains("cachetextconv = false") && attributes().contains("diff=covault"));
    assert_eq!(json(&bob.covault(["setup", "--json"]).ok())["changed"], false);
    bob.covault(["setup", "--undo"]).ok();
    assert_eq!((config().trim_end(), attributes().trim_end()), (before.0.trim_end(), before.1.trim_end()));
    bob.covault(["setup", "--undo"]).ok();
    // The person's own lines stay.
    std::fs::create_dir_all(bob.repo.join(".git/info")).unwrap();
    std::fs::write(bob.repo.join(".git/info/attributes"), "*.png binary\n").unwrap();
    bob.git(["config", "diff.mine.textconv", "cat"]).ok();
    bob.covault(["setup"]).ok();
    bob.covault(["setup", "--undo"]).ok();
    assert_eq!(attributes(), "*.png binary\n");
    assert!(config().contains("[diff \"mine\"]"));
}

#[test]
fn what_git_checked_out_with_other_line_ends_is_put_back_by_setup() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "1");
    let words = json(&alice.covault(["whoami", "--json"]).ok())["words"].as_str().unwrap().to_owned();
    // Below our lines, and so above them.
    let mut attributes = std::fs::read_to_string(alice.repo.join(".gitattributes")).unwrap();
    attributes.push_str("* text eol=crlf\n");
    std::fs::write(alice.repo.join(".gitattributes"), attributes).unwrap();
    alice.git(["commit", "-q", "-a", "-m", "line ends"]).ok();
    let bob = alice.clone_for(world.stranger("bob"));
    bob.take_keys_of(&alice);
    let roster = bob.repo.join(".covault/roster.toml");
    let crlf = std::fs::read(&roster).unwrap();
    assert!(crlf.windows(2).any(|two| two == b"\r\n"), "git left it alone");
    let said = bob.covault(["get", "a"]).exits(6);
    assert!(
        said.err.contains(".covault/roster.toml is refused: git changed it") && said.err.contains("covault setup"),
        "{}",
        said.err
    );
    assert_eq!(json(&bob.covault(["setup", "--vault", &words, "--json"]).ok())["put_back"], 2);
    assert_eq!(bob.get("a"), "1");
    assert_eq!(bob.git(["status", "--porcelain"]).ok().out, b"");
    assert_eq!(json(&bob.covault(["setup", "--json"]).ok())["put_back"], 0);
    // What differs in more than that is nobody's to put back unasked.
    let changed = [&crlf[..], b"\r\n"].concat();
    std::fs::write(&roster, &changed).unwrap();
    bob.covault(["get", "a"]).exits(6);
    bob.covault(["setup"]).exits(6);
    assert_eq!(std::fs::read(&roster).unwrap(), changed);
}

#[test]
fn a_writing_command_sets_a_bare_clone_up_and_says_so_once() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.covault(["setup", "--undo"]).ok();
    assert!(alice.covault(["status"]).ok().text().contains("this clone is not set up: covault setup"));
    let said = alice.covault_fed(b"1", ["set", "a"]).ok();
    assert!(said.err.contains("set this clone up") && said.err.contains("covault setup --undo"), "{}", said.err);
    assert!(!alice.covault_fed(b"2", ["set", "a"]).ok().err.contains("set this clone up"));
}

#[test]
fn init_refuses_twice_and_takes_keys_that_exist() {
    let world = World::new();
    let alice = world.founder("alice");
    let before = all_of(&alice);
    let said = alice.covault(["init", "--name", "alice"]).exits(2);
    assert!(said.err.contains("there is a vault already: .covault\nhint: "), "{}", said.err);
    let nowhere = world.path().join("no identity");
    alice.covault(["init", "--name", "alice", "--identity", nowhere.to_str().unwrap()]).exits(3);
    same(&before, &all_of(&alice));
    let bob = world.person("bob");
    let before = all_of(&bob);
    let said = bob.covault(["init", "--name", "bob", "--identity", nowhere.to_str().unwrap()]).exits(3);
    assert!(said.err.contains("no identity: ") && !nowhere.exists(), "{}", said.err);
    let said = bob.covault(["init", "--name", "bob", "--signing-key", nowhere.to_str().unwrap()]).exits(3);
    assert!(!nowhere.exists(), "{}", said.err);
    bob.covault(["init", "--name", "Bob!"]).exits(2);
    bob.covault(["init", "--name", "bob", "--vault-name", ""]).exits(2);
    bob.covault(["init", "--name", "bob", "--device", "a b"]).exits(2);
    same(&before, &all_of(&bob));
    // Existing keys: an age identity as age-keygen writes it, and an OpenSSH key.
    let (identity, signing) = (world.path().join("id.txt"), world.path().join("sign"));
    bob.command("age-keygen").arg("-o").arg(&identity).output().unwrap();
    bob.command("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&signing).output().unwrap();
    bob.covault([
        "init",
        "--name",
        "bob",
        "--identity",
        identity.to_str().unwrap(),
        "--signing-key",
        signing.to_str().unwrap(),
    ])
    .ok();
    bob.set("a", "1");
    assert_eq!(bob.get("a"), "1");
    let public = std::fs::read_to_string(world.path().join("sign.pub")).unwrap();
    let who = json(&bob.covault(["whoami", "--json"]).ok());
    assert!(public.starts_with(who["signing_key"].as_str().unwrap()), "{who}");
    assert!(!bob.home.join(".config/covault/identity.txt").exists());
    assert_eq!(
        bob.git(["log", "-1", "--format=%s", "--", ".covault/roster.toml"]).ok().text(),
        "covault: start the vault bob répo\n"
    );
}

#[test]
fn init_without_a_git_identity_leaves_nothing_behind() {
    let world = World::new();
    let bob = world.person("bob");
    let before = all_of(&bob);
    let mut command = bob.command(env!("CARGO_BIN_EXE_covault"));
    for name in ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"] {
        command.env_remove(name);
    }
    let said = command.args(["init", "--name", "bob"]).output().unwrap();
    let err = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.code() == Some(1) && err.contains("hint: git config user.name"), "{err}");
    same(&before, &all_of(&bob));
}

#[test]
fn private_files_are_private() {
    use std::os::unix::fs::MetadataExt as _;
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "1");
    for (path, _) in super::photo(&alice.home) {
        let meta = path.symlink_metadata().unwrap();
        let ours = path.to_string_lossy().contains("covault");
        if ours && !meta.is_dir() {
            assert_eq!(meta.mode() & 0o777, 0o600, "{}", path.display());
        } else if ours {
            assert_eq!(meta.mode() & 0o777, 0o700, "{}", path.display());
        }
    }
}

#[test]
fn doctor_finds_what_could_betray_a_secret_and_mends_it() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "1");
    let said = json(&alice.covault(["doctor", "--json"]).ok());
    assert_eq!(said["healthy"], true, "{said}");
    let bad = |what: &str| {
        let said = alice.covault(["doctor"]).exits(8).text();
        assert!(said.lines().any(|line| line.starts_with(&format!("BAD  {what}: "))), "{what}: {said}");
        assert!(said.contains("mend: "), "{said}");
    };
    alice.git(["config", "diff.covault.cachetextconv", "true"]).ok();
    bad("textconv cache");
    alice.covault(["doctor", "--fix"]).ok();
    let at = head(&alice);
    alice.git(["update-ref", "refs/notes/textconv/covault", &at]).ok();
    bad("textconv cache");
    alice.covault(["doctor", "--fix"]).exits(8);
    alice.git(["update-ref", "-d", "refs/notes/textconv/covault"]).ok();
    alice.covault(["doctor"]).ok();
    alice.covault(["setup", "--undo"]).ok();
    bad("git diff");
    alice.covault(["doctor", "--fix"]).ok();
    alice.git(["config", "diff.covault.textconv", "cat"]).ok();
    assert!(alice.covault(["doctor"]).ok().text().contains("look git diff: "));
    alice.covault(["setup"]).ok();
    std::fs::write(alice.repo.join(".git/info/attributes"), "").unwrap();
    std::fs::write(alice.repo.join(".covault/.gitattributes"), "secrets/** filter=evil text\n").unwrap();
    bad("attributes");
    alice.covault(["doctor", "--fix"]).ok();
    std::fs::remove_file(alice.repo.join(".covault/.gitattributes")).unwrap();
    std::fs::write(alice.repo.join(".covault/secrets/note to self.txt"), "x").unwrap();
    let said = alice.covault(["doctor"]).ok().text();
    assert!(said.contains("look left-overs: ") && said.contains("note to self.txt"), "{said}");
    std::fs::remove_file(alice.repo.join(".covault/secrets/note to self.txt")).unwrap();
    std::fs::remove_file(alice.identity()).unwrap();
    bad("identity");
}

#[test]
fn status_and_whoami_know_where_things_stand() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "1");
    alice.covault_fed(b"2", ["set", "b", "--stdin", "value", "--expires", "2020-01-01", "--no-commit"]).ok();
    let status = json(&alice.covault(["status", "--json"]).ok());
    assert!(
        status["secrets"] == 2 && status["members"] == 1 && status["me"] == "alice" && status["one_key"] == true,
        "{status}"
    );
    assert_eq!(status["due"][0]["name"], "b");
    assert_eq!(status["uncommitted"], serde_json::json!([{"file": ".covault/secrets/b.age", "state": "staged"}]));
    alice.covault(["status"]).ok();
    alice.covault(["status", "--check"]).exits(8);
    std::fs::write(alice.file("a"), "damaged").unwrap();
    let status = json(&alice.covault(["status", "--json"]).ok());
    assert!(status["refused"][0]["name"] == "a", "{status}");
    let who = json(&alice.covault(["whoami", "--json"]).ok());
    assert!(who["name"] == "alice" && who["role"] == "admin" && who["device"] == "laptop", "{who}");
    assert!(who["recipients"][0].as_str().unwrap().starts_with("age1"), "{who}");
}

#[test]
fn completion_knows_commands_and_names() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("prod/db", "1");
    alice.set("staging/db", "1");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(alice.covault(["completions", shell]).ok().text().contains("covault"), "{shell}");
    }
    let script = alice.covault(["completions", "bash"]).ok().text();
    alice.fed("bash", script.as_bytes(), ["-n"]).ok();
    let complete = |words: &[&str]| {
        let mut command = alice.command(env!("CARGO_BIN_EXE_covault"));
        command.env("COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string());
        command.env("_CLAP_IFS", "\n").env("_CLAP_COMPLETE_COMP_TYPE", "9").env("_CLAP_COMPLETE_SPACE", "true");
        String::from_utf8(command.arg("--").args(words).output().unwrap().stdout).unwrap()
    };
    assert_eq!(complete(&["covault", "get", "pr"]), "prod/db");
    assert!(complete(&["covault", "get", ""]).contains("staging/db"));
    assert!(complete(&["covault", "st"]).contains("status"));
    assert!(complete(&["covault", "mv", "st"]).contains("staging/db"));
    // Bash itself.
    let dir = std::path::Path::new(env!("CARGO_BIN_EXE_covault")).parent().unwrap();
    let script = format!(
        "PATH='{}':$PATH; source <(covault completions bash); COMP_WORDS=(covault get pr); COMP_CWORD=2; COMP_TYPE=9; _clap_complete_covault covault pr get; echo \"${{COMPREPLY[@]}}\"",
        dir.display()
    );
    assert_eq!(alice.fed("bash", b"", ["-c", &script]).text().trim(), "prod/db");
    // Outside of a vault there is nothing to offer, and no complaint.
    let bob = world.person("bob");
    let mut command = bob.command(env!("CARGO_BIN_EXE_covault"));
    command.env("COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", "2").env("_CLAP_IFS", "\n");
    let said = command.args(["--", "covault", "get", "pr"]).output().unwrap();
    assert!(said.stderr.is_empty() && said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}

#[test]
fn completion_looks_where_the_line_says() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("prod/db", "1");
    let complete = |words: &[&str]| {
        let mut command = alice.command(env!("CARGO_BIN_EXE_covault"));
        command.current_dir(world.path()).env("COMPLETE", "bash").env("_CLAP_IFS", "\n");
        command.env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string()).arg("--").args(words);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let there = alice.repo.to_str().unwrap();
    assert_eq!(complete(&["covault", "get", "pr"]), "");
    assert_eq!(complete(&["covault", "-C", there, "get", "pr"]), "prod/db");
    assert_eq!(complete(&["covault", "show", "-C", there, "pr"]), "prod/db");
    assert_eq!(complete(&["covault", &format!("-qC{there}"), "get", "pr"]), "prod/db");
    std::os::unix::fs::symlink(there, alice.home.join("work")).unwrap();
    assert_eq!(complete(&["covault", "-C", "~/work", "get", "pr"]), "prod/db");
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let world = World::new();
    let alice = world.person("alice");
    assert!(alice.covault(["man"]).ok().text().contains(".TH covault 1"));
    let dir = world.path().join("man pages");
    alice.covault(["man", dir.to_str().unwrap()]).ok();
    for command in ["covault", "covault-set", "covault-run", "covault-export"] {
        assert!(dir.join(format!("{command}.1")).exists(), "{command}");
    }
    alice.covault(["-C", dir.to_str().unwrap(), "man", "here"]).ok();
    assert!(dir.join("here/covault.1").exists());
}
