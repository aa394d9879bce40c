//! Keys: passphrases, literals for machines, permissions.

use base64::Engine as _;

use super::{json, on_terminal};
use crate::world::{Person, Said, World, said};

#[test]
fn a_passphrase_is_asked_for_once_a_command_however_many_secrets_are_opened() {
    let world = World::new();
    let mut alice = world.person("alice");
    let said =
        on_terminal(&alice, &["a b c", "a b c"], &["init", "--name", "alice", "--vault-name", "x", "--passphrase"])
            .ok();
    assert_eq!(said.err, "2", "{}", said.text());
    let file = std::fs::read(alice.identity()).unwrap();
    assert!(!String::from_utf8_lossy(&file).contains("AGE-SECRET-KEY"));
    // What is tried against it costs 2^18 each time.
    let armor = String::from_utf8_lossy(&file).into_owned();
    let inside: String = armor.lines().filter(|line| !line.starts_with("-----")).collect();
    let header = base64::engine::general_purpose::STANDARD.decode(inside).unwrap();
    let stanza = String::from_utf8_lossy(&header).lines().nth(1).unwrap().to_owned();
    assert!(stanza.starts_with("-> scrypt ") && stanza.ends_with(" 18"), "{stanza}");
    let env: String = (0..300).map(|n| format!("V{n}={n}\n")).collect();
    std::fs::write(alice.repo.join("v.env"), env).unwrap();
    let once = |args: &[&str]| {
        let said = on_terminal(&alice, &["a b c"], args);
        assert_eq!((said.code, said.err.as_str()), (0, "1"), "{args:?}: {}", said.text());
        said.text()
    };
    once(&["import", "v.env"]);
    assert!(once(&["run", "--", "printenv", "V299"]).ends_with("299\r\n"));
    assert!(once(&["status"]).contains("300 secrets"));
    once(&["get", "default/v7"]);
    once(&["ls", "--due"]);
    once(&["set", "default/v7", "user=x"]);
    once(&["mv", "default/v7", "default/w7"]);
    // As it says, so that `doctor` finds no line that leads nowhere.
    let env = alice.repo.join(".covault/env/default.env");
    let moved = std::fs::read_to_string(&env).unwrap().replace("covault://default/v7\n", "covault://default/w7\n");
    std::fs::write(&env, moved).unwrap();
    once(&["log", "-n", "3", "--fields"]);
    once(&["doctor"]);
    once(&["whoami"]);
    for args in [&["ls"][..], &["log"], &["setup"]] {
        let said = on_terminal(&alice, &[], args).ok();
        assert_eq!(said.err, "0", "{args:?}");
    }
    // age opens the file with the passphrase, too; a wrong one is no access, and the answer names no secret.
    let said = on_terminal(&alice, &["swordfish"], &["get", "default/v1"]).exits(4);
    assert!(said.text().contains("the passphrase is wrong") && !said.text().contains("swordfish"), "{}", said.text());
    // Nobody there: 7, and what to do.
    let said = alice.covault(["get", "default/v1"]).exits(7);
    assert!(said.err.contains("needs its passphrase") && said.err.contains("COVAULT_IDENTITY_FILE"), "{}", said.err);
    alice.vars.push(("COVAULT_NO_INPUT".to_owned(), "1".to_owned()));
    on_terminal(&alice, &[], &["get", "default/v1"]).exits(7);
}

#[test]
fn an_empty_passphrase_is_asked_for_once_more() {
    let world = World::new();
    let alice = world.person("alice");
    let init = ["init", "--name", "alice", "--vault-name", "x", "--passphrase"];
    let said = on_terminal(&alice, &["", "", "pw", "pw"], &init).ok();
    assert_eq!(said.err, "4", "{}", said.text());
    assert!(said.text().contains("an empty passphrase protects nothing; once more"), "{}", said.text());
    on_terminal(&alice, &["pw", "", ""], &["set", "a", "x=1"]).ok();
}

/// What a command says where nobody reads its stdout.
fn unread(person: &Person, args: &[&str]) -> Said {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    said(person.command(env!("CARGO_BIN_EXE_covault")).args(args).stdout(writer).output().unwrap())
}

#[test]
fn keys_that_are_shown_once_and_reach_nobody_are_an_error() {
    let world = World::new();
    let alice = world.person("alice");
    let init = ["init", "--name", "alice", "--vault-name", "x", "--device", "laptop", "--recovery"];
    let before = super::photo(&alice.repo);
    let said = unread(&alice, &init).exits(1);
    assert!(said.err.contains("no vault was started") && said.err.contains("\nhint: "), "{}", said.err);
    super::same(&before, &super::photo(&alice.repo));
    assert_eq!(alice.covault(init).ok().text().lines().count(), 2);
    alice.set("prod/db", "1");
    for args in [
        &["member", "add", "ci", "--machine", "--grant", "prod"][..],
        &["member", "renew", "ci"],
        &["member", "renew", "ci", "--json"],
    ] {
        let said = unread(&alice, args).exits(1);
        assert!(said.err.contains("the identity of ci is kept nowhere"), "{}", said.err);
        assert!(said.err.contains("then make another: covault member renew ci"), "{}", said.err);
    }
    // What the hint says. Everything else may be cut off.
    assert!(alice.covault(["member", "renew", "ci"]).ok().text().starts_with("AGE-SECRET-KEY-1"));
    unread(&alice, &["member", "ls"]).ok();
    unread(&alice, &["member", "ls", "--json"]).ok();
}

#[test]
fn a_paper_key_that_reached_nobody_comes_off_the_card_again() {
    let world = World::new();
    let alice = world.person("alice");
    let init = ["init", "--name", "alice", "--vault-name", "x", "--device", "laptop", "--recovery", "--json"];
    let said = unread(&alice, &init).exits(1);
    assert!(said.err.contains("the vault is there") && said.err.contains("nobody has its paper key"), "{}", said.err);
    let devices = || {
        let said = json(&alice.covault(["member", "ls", "--json"]).ok());
        said[0]["devices"].as_array().unwrap().len()
    };
    assert_eq!(devices(), 2);
    alice.covault(["join", "--renew", "--device", "laptop"]).ok();
    let asked = json(&alice.covault(["member", "ls", "--requests", "--json"]).ok());
    let words = asked["requests"][0]["words"].as_str().unwrap();
    alice.covault(["member", "approve", "alice", "--card", words, "--yes"]).ok();
    assert_eq!(devices(), 1);
    alice.set("a", "1");
    assert_eq!(alice.get("a"), "1");
}

#[test]
fn a_protected_signing_key_is_asked_for_where_something_is_signed_and_nowhere_else() {
    let world = World::new();
    let alice = world.person("alice");
    let key = world.path().join("sign key");
    alice.command("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "sesame", "-f"]).arg(&key).status().unwrap();
    let init =
        ["init", "--name", "alice", "--vault-name", "x", "--no-passphrase", "--signing-key", key.to_str().unwrap()];
    let before = super::all_of(&alice);
    let said = alice.covault(init).exits(7);
    assert!(said.err.contains("needs its passphrase") && said.err.contains("COVAULT_SIGNING_KEY_FILE"), "{}", said.err);
    super::same(&before, &super::all_of(&alice));
    assert_eq!(on_terminal(&alice, &["sesame"], &init).ok().err, "1");
    // Once, and twice for a value.
    assert_eq!(on_terminal(&alice, &["sesame", "", ""], &["set", "a", "x=1"]).ok().err, "3");
    assert_eq!(on_terminal(&alice, &[], &["get", "a"]).ok().err, "0");
    assert_eq!(alice.get("a"), "1");
    alice.covault(["status"]).ok();
    assert!(alice.git(["show"]).ok().text().contains("+x: 1"));
    alice.covault(["set", "a", "x=2"]).exits(7);
}

/// alice with a paper device; the two lines.
fn with_paper(world: &World) -> (Person, String) {
    let alice = world.person("alice");
    let said = alice.covault(["init", "--name", "alice", "--vault-name", "x", "--recovery"]).ok();
    let paper = said.text();
    assert!(paper.lines().count() == 2 && paper.starts_with("AGE-SECRET-KEY-1"), "{paper}");
    (alice, paper)
}

#[test]
fn the_paper_key_opens_and_signs_on_a_machine_with_an_empty_home() {
    let world = World::new();
    let (alice, paper) = with_paper(&world);
    alice.set("a", "1");
    let who = json(&alice.covault(["whoami", "--json"]).ok());
    let words = who["words"].as_str().unwrap().to_owned();
    let mut ci = alice.clone_for(world.stranger("ci"));
    ci.vars.push(("COVAULT_IDENTITY".to_owned(), paper.clone()));
    let said = ci.covault(["get", "a"]).exits(6);
    assert!(said.err.contains("does not know the vault"), "{}", said.err);
    ci.vars.push(("COVAULT_VAULT".to_owned(), words));
    assert_eq!(ci.get("a"), "1");
    ci.set("a", "2");
    assert_eq!(ci.get("a"), "2");
    assert_eq!(json(&ci.covault(["whoami", "--json"]).ok())["device"], "paper");
    // The identity alone reads and does not write.
    ci.vars[0].1 = paper.lines().next().unwrap().to_owned();
    assert_eq!(ci.get("a"), "2");
    let said = ci.covault_fed(b"3", ["set", "a"]).exits(4);
    assert!(said.err.contains("no signing key"), "{}", said.err);
    for wrong in ["nonsense", "AGE-SECRET-KEY-1QQQQ", "AGE-PLUGIN-YUBIKEY-1QQQ", "age1qqqq", "\n"] {
        ci.vars[0].1 = wrong.to_owned();
        let said = ci.covault(["get", "a"]).exits(4);
        assert!(said.err.contains("COVAULT_IDENTITY") && said.err.contains("\nhint: "), "{wrong:?}: {}", said.err);
        assert!(!said.err.contains("QQQQ"), "{}", said.err);
    }
}

#[test]
fn covault_vault_insists_on_words_id_or_head() {
    let world = World::new();
    let (mut alice, _) = with_paper(&world);
    alice.set("a", "1");
    let words = json(&alice.covault(["whoami", "--json"]).ok())["words"].as_str().unwrap().to_owned();
    let id = alice.git(["config", "covault.vault"]).ok().text().trim().to_owned();
    let spaced = words.replace('-', " ");
    let (upper, head) = (id.to_uppercase(), format!("{id}@{id}"));
    let (wrong_head, wrong_id) = (format!("{id}@{}", "0".repeat(64)), "0".repeat(64));
    for (text, code) in [
        (words.as_str(), 0),
        (&spaced, 0),
        (&id, 0),
        (&upper, 0),
        (&head, 0),
        (&wrong_head, 6),
        (&wrong_id, 6),
        ("zoo", 6),
        ("zoo-zoo-zoo-zoo-zoo-zoo", 6),
        (&id[..32], 6),
        ("@", 6),
        (&words[..words.len() - 1], 6),
    ] {
        alice.vars = vec![("COVAULT_VAULT".to_owned(), text.to_owned())];
        let said = alice.covault(["get", "a"]).exits(code);
        assert!(code == 0 || said.err.contains("\nhint: "), "{text}: {}", said.err);
    }
}

#[test]
fn keys_that_others_can_read_are_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "1");
    for file in [alice.identity(), alice.home.join(".config/covault/signing_ed25519")] {
        for mode in [0o644, 0o640, 0o604] {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            let said = alice.covault_fed(b"2", ["set", "a"]).exits(4);
            assert!(
                said.err.contains("can be read by others") && said.err.contains("hint: chmod 600 '"),
                "{}",
                said.err
            );
        }
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o400)).unwrap();
        alice.set("a", "2");
    }
}

#[test]
fn status_says_why_an_identity_was_not_opened() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let alice = world.founder("alice");
    std::fs::set_permissions(alice.identity(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let bob = world.person("bob");
    let init = ["init", "--name", "bob", "--vault-name", "x", "--passphrase"];
    on_terminal(&bob, &["a b c", "a b c"], &init).ok();
    for (person, why, next) in
        [(&alice, "can be read by others", "chmod 600 '"), (&bob, "needs its passphrase", "COVAULT_IDENTITY_FILE")]
    {
        let text = person.covault(["status", "--check"]).exits(8).text();
        assert!(text.contains("could not be opened") && text.contains(why) && text.contains(next), "{text}");
        assert!(!text.contains("belongs to no member"), "{text}");
        let status = json(&person.covault(["status", "--json"]).ok());
        assert!(status["me"].is_null() && status["unopened"].as_str().unwrap().contains(why), "{status:#}");
    }
}

#[test]
fn a_strangers_identity_and_a_missing_one_are_no_access() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "1");
    let mut eve = world.founder("eve");
    eve.repo = alice.repo.clone();
    for args in
        [&["get", "a"][..], &["show", "a"], &["set", "a", "x=1"], &["rm", "a"], &["run", "--from", "", "--", "true"]]
    {
        let said = eve.covault(args).exits(4);
        assert!(said.err.contains("belongs to no member") && said.err.contains("\nhint: "), "{args:?}: {}", said.err);
    }
    assert!(eve.covault(["whoami"]).ok().text().starts_with("nobody in this vault"));
    assert!(eve.covault(["status"]).ok().text().contains("your identity belongs to no member"));
    // A member's identity with a stranger's signing key reads and cannot write.
    let mut odd = world.stranger("odd");
    odd.repo = alice.repo.clone();
    odd.home = alice.home.clone();
    odd.vars.push((
        "COVAULT_SIGNING_KEY_FILE".to_owned(),
        eve.home.join(".config/covault/signing_ed25519").display().to_string(),
    ));
    assert_eq!(odd.get("a"), "1");
    let said = odd.covault_fed(b"2", ["set", "a"]).exits(4);
    assert!(said.err.contains("is not on your card"), "{}", said.err);
    odd.vars = vec![("COVAULT_IDENTITY_FILE".to_owned(), "/nonexistent/id".to_owned())];
    let said = odd.covault(["get", "a"]).exits(4);
    assert!(said.err.contains("/nonexistent/id does not exist"), "{}", said.err);
    odd.vars = vec![("COVAULT_IDENTITY_FILE".to_owned(), "/etc/hostname".to_owned())];
    odd.covault(["get", "a"]).exits(4);
}
