//! One's own keys on a machine: what is missing, open to others or on no card is said, with what mends it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::json;
use crate::team;
use crate::world::{Person, World};
use covault::model::roster::Role;

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn signing_key(person: &Person) -> std::path::PathBuf {
    person.home.join(".config/covault/signing_ed25519")
}

/// `doctor` finds something wrong, and says this.
#[track_caller]
fn doctor_says(person: &Person, line: &str) {
    let said = person.covault(["doctor"]).exits(8).text();
    assert!(said.contains(line), "{line:?} is not in:\n{said}");
}

#[test]
fn who_copies_the_identity_alone_is_told_before_and_after() {
    let world = World::new();
    let alice = world.person("alice");
    let said = alice.covault(["init", "--name", "alice", "--vault-name", "acme"]).ok();
    for file in [alice.identity(), signing_key(&alice)] {
        assert!(said.err.contains(file.to_str().unwrap()), "{} is not in: {}", file.display(), said.err);
    }
    assert!(alice.covault(["status"]).ok().text().contains("keep a copy of both keys"));
    alice.set("a", "1");
    let words = json(&alice.covault(["whoami", "--json"]).ok())["words"].as_str().unwrap().to_owned();
    let other = alice.clone_for(world.stranger("another machine"));
    std::fs::create_dir_all(other.identity().parent().unwrap()).unwrap();
    std::fs::copy(alice.identity(), other.identity()).unwrap();
    other.covault(["setup", "--vault", &words]).ok();
    assert_eq!(other.get("a"), "1");
    let said = other.covault_fed(b"2", ["set", "a"]).exits(4);
    assert!(said.err.contains("hint: copy it here from where your identity came from"), "{}", said.err);
    doctor_says(&other, "BAD  signing key: there is no signing key on this machine");
    assert!(other.covault(["whoami"]).ok().text().ends_with("signing key: none\n"));
    // A new one is on no card until an admin says so.
    other.covault(["join"]).ok();
    let said = other.covault_fed(b"2", ["set", "a"]).exits(4);
    assert!(said.err.contains("if it is lost: covault join, and an admin approves it"), "{}", said.err);
    doctor_says(&other, "is not on your card in the roster");
    let who = other.covault(["whoami"]).ok().text();
    assert!(who.ends_with(" (not on your card: it signs nothing here)\n"), "{who}");
    assert_eq!(json(&other.covault(["whoami", "--json"]).ok())["on_card"], false);
    std::fs::copy(signing_key(&alice), signing_key(&other)).unwrap();
    other.set("a", "2");
    assert_eq!(json(&other.covault(["whoami", "--json"]).ok())["on_card"], true);
    other.covault(["doctor"]).ok();
}

#[test]
fn doctor_looks_at_the_signing_key_and_at_who_may_write_beside_it() {
    let world = World::new();
    let mut alice = world.founder("alice");
    let ci = team::admit_machine(&world, &alice, "ci", Role::Reader);
    let said = alice.covault(["doctor"]).ok().text();
    assert!(said.contains("ok   signing key: on your card\n"), "{said}");
    assert!(said.contains("ok   folders of yours: nobody else may write to them\n"), "{said}");
    chmod(&signing_key(&alice), 0o644);
    doctor_says(&alice, "signing_ed25519 can be read by others (mode 644)\n       mend: chmod 600 '");
    chmod(&signing_key(&alice), 0o600);
    for folder in [".config/covault", ".local/state/covault"] {
        let folder = alice.home.join(folder);
        for (mode, code) in [(0o777, 8), (0o702, 8), (0o755, 0)] {
            chmod(&folder, mode);
            let said = alice.covault(["doctor"]).exits(code).text();
            let mend = format!(
                "BAD  folders of yours: others may write to '{0}'\n       mend: chmod 700 '{0}'",
                folder.display()
            );
            assert_eq!(said.contains(&mend), code == 8, "{said}");
        }
    }
    // Who only reads needs none.
    std::fs::remove_file(signing_key(&ci)).unwrap();
    ci.covault(["setup"]).ok();
    let said = ci.covault(["doctor"]).ok().text();
    assert!(said.contains("ok   signing key: not needed"), "{said}");
    // It names what counts.
    let text = std::fs::read_to_string(alice.identity()).unwrap();
    alice.vars.push(("COVAULT_IDENTITY".to_owned(), text.lines().last().unwrap().to_owned()));
    doctor_says(&alice, "ok   identity: alice (COVAULT_IDENTITY)\n");
}

#[test]
fn a_file_that_holds_no_key_is_called_so_and_not_to_be_closed_to_others() {
    let world = World::new();
    let mut alice = world.founder("alice");
    alice.set("a", "1");
    let file = world.path().join("passwd");
    std::fs::write(&file, "root:x:0:0:root:/root:/bin/sh\n").unwrap();
    chmod(&file, 0o644);
    for (variable, args) in
        [("COVAULT_IDENTITY_FILE", &["get", "a"][..]), ("COVAULT_SIGNING_KEY_FILE", &["set", "a", "x=1"])]
    {
        alice.vars.push((variable.to_owned(), file.display().to_string()));
        let said = alice.covault(args).exits(4);
        let says = format!("error: {} cannot be used: ", file.display());
        assert!(said.err.starts_with(&says) && !said.err.contains("root:x"), "{}", said.err);
        assert!(said.err.contains("\nhint: an identity is AGE-SECRET-KEY-1…"), "{}", said.err);
        alice.vars.pop();
    }
    // One that holds a key, or that only a passphrase tells of, is closed first.
    let key = std::fs::read_to_string(alice.identity()).unwrap();
    let encrypted = covault::seal::encrypt_identity_file(&key, &"a passphrase".to_owned().into(), 1).unwrap();
    for bytes in [key.into_bytes(), encrypted] {
        std::fs::write(&file, bytes).unwrap();
        alice.vars.push(("COVAULT_IDENTITY_FILE".to_owned(), file.display().to_string()));
        let said = alice.covault(["get", "a"]).exits(4);
        assert!(said.err.contains(&format!("\nhint: chmod 600 '{}'", file.display())), "{}", said.err);
        alice.vars.pop();
    }
}

#[test]
fn a_signing_key_may_be_a_file_beside_an_identity_in_the_environment() {
    let world = World::new();
    let mut alice = world.founder("alice");
    alice.set("dev/a", "1");
    let text = std::fs::read_to_string(alice.identity()).unwrap();
    let identity = text.lines().last().unwrap().to_owned();
    alice.vars.push(("COVAULT_IDENTITY".to_owned(), identity.clone()));
    // The one in the config folder goes with the identity there.
    let said = alice.covault_fed(b"2", ["set", "dev/a"]).exits(4);
    assert!(said.err.contains("no signing key after the identity in COVAULT_IDENTITY"), "{}", said.err);
    assert!(said.err.contains("name its file with COVAULT_SIGNING_KEY_FILE"), "{}", said.err);
    alice.vars.push(("COVAULT_SIGNING_KEY_FILE".to_owned(), signing_key(&alice).display().to_string()));
    alice.set("dev/a", "2");
    assert_eq!(alice.get("dev/a"), "2");
    alice.covault(["doctor"]).ok();
    alice.vars.pop();
    // An ssh key is none of the two.
    alice.vars[0].1 = std::fs::read_to_string(signing_key(&alice)).unwrap();
    let said = alice.covault(["get", "dev/a"]).exits(4);
    assert!(said.err.contains("COVAULT-SIGNING-KEY-1") && !said.err.contains("ssh-ed25519"), "{}", said.err);
    alice.vars.clear();
    // A machine that was made to read is told that, and how one is made that writes.
    let said = json(&alice.covault(["member", "add", "ci", "--machine", "--grant", "dev", "--json"]).ok());
    let mut ci = alice.clone_for(world.stranger("ci"));
    for (name, key) in [("COVAULT_VAULT", "vault"), ("COVAULT_IDENTITY", "identity")] {
        ci.vars.push((name.to_owned(), said[key].as_str().unwrap().to_owned()));
    }
    assert_eq!(ci.get("dev/a"), "2");
    let said = ci.covault_fed(b"3", ["set", "dev/a"]).exits(4);
    assert!(said.err.contains("you may read in this vault, not write"), "{}", said.err);
    assert!(said.err.contains("covault member add NAME --machine --writes"), "{}", said.err);
}
