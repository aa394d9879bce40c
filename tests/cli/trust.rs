//! What somebody with push rights and no key can do to a vault: be found out.

use super::{all_of, same};
use crate::world::World;

#[test]
fn a_roster_with_any_changed_byte_is_refused() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "1");
    let file = alice.repo.join(".covault/roster.toml");
    let good = std::fs::read(&file).unwrap();
    // One byte of every line at its beginning, its middle and its end; and the line's end itself.
    let mut places = vec![];
    let mut start = 0;
    for line in good.split_inclusive(|b| *b == b'\n') {
        places.extend([start, start + line.len() / 2, (start + line.len()).saturating_sub(2), start + line.len() - 1]);
        start += line.len();
    }
    places.dedup();
    assert!(places.len() > 20);
    for place in places {
        for change in [|b: u8| b ^ 1, |_| b'\0', |_| b'\n'] {
            let mut bad = good.clone();
            bad[place] = change(bad[place]);
            if bad == good {
                continue;
            }
            std::fs::write(&file, &bad).unwrap();
            let said = alice.covault(["get", "a"]);
            assert!(said.code == 6, "byte {place}: {} {}", said.code, said.err);
            assert!(
                said.err.starts_with("error: ") && said.err.contains("\nhint: ") && said.out.is_empty(),
                "{}",
                said.err
            );
        }
    }
    for bad in [
        vec![],
        good[..good.len() - 1].to_vec(),
        [&good[..], b"\n"].concat(),
        [&good[..], &good[..]].concat(),
        good.repeat(200),
    ] {
        std::fs::write(&file, &bad).unwrap();
        alice.covault(["get", "a"]).exits(6);
        alice.covault_fed(b"2", ["set", "a"]).exits(6);
        alice.covault(["ls"]).exits(6);
    }
    std::fs::write(&file, &good).unwrap();
    assert_eq!(alice.get("a"), "1");
}

#[test]
fn another_vaults_roster_is_refused_even_if_it_is_good() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "1");
    let eve = world.founder("eve");
    std::fs::copy(eve.repo.join(".covault/roster.toml"), alice.repo.join(".covault/roster.toml")).unwrap();
    let said = alice.covault(["get", "a"]).exits(6);
    assert!(said.err.contains("is another vault") && said.err.contains("hint: do not go on"), "{}", said.err);
    alice.covault_fed(b"2", ["set", "a"]).exits(6);
    let said = alice.covault(["setup"]).exits(6);
    assert!(said.err.contains("another vault"), "{}", said.err);
}

#[test]
fn a_sealed_file_that_was_swapped_copied_damaged_or_linked_is_refused() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "1");
    alice.set("b", "2");
    let (good, other) = (std::fs::read(alice.file("a")).unwrap(), std::fs::read(alice.file("b")).unwrap());
    let mut cases =
        vec![other, vec![], good[..good.len() - 1].to_vec(), [&good[..], b"x"].concat(), b"plain text".to_vec()];
    for part in 1..40 {
        let mut bad = good.clone();
        let place = part * (bad.len() - 1) / 40;
        bad[place] ^= 1;
        cases.push(bad);
    }
    for bad in cases {
        std::fs::write(alice.file("a"), bad).unwrap();
        for args in [
            &["get", "a"][..],
            &["show", "a"],
            &["set", "a", "x=1"],
            &["rm", "a"],
            &["mv", "a", "c"],
            &["run", "--from", "", "--", "true"],
        ] {
            let said = alice.covault(args).exits(6);
            assert!(
                said.err.contains("a.age") && said.err.contains("\nhint: see its history with: git log"),
                "{}",
                said.err
            );
        }
        assert_eq!(alice.get("b"), "2");
    }
    std::fs::remove_file(alice.file("a")).unwrap();
    std::os::unix::fs::symlink("b.age", alice.file("a")).unwrap();
    let said = alice.covault(["get", "a"]).exits(6);
    assert!(said.err.contains("symbolic link"), "{}", said.err);
    let said = alice.covault_fed(b"3", ["set", "a"]).exits(6);
    assert!(said.err.contains("symbolic link") && alice.get("b") == "2", "{}", said.err);
    std::fs::remove_file(alice.file("a")).unwrap();
    // What was damaged and committed can be brought back.
    std::fs::write(alice.file("a"), "damaged").unwrap();
    alice.git(["commit", "-qam", "oops"]).ok();
    alice.git(["checkout", "-q", "HEAD~1", "--", ".covault/secrets/a.age"]).ok();
    assert_eq!(alice.get("a"), "1");
}

#[test]
fn a_linked_vault_folder_is_not_followed() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "1");
    let outside = world.path().join("outside");
    std::fs::rename(alice.repo.join(".covault"), &outside).unwrap();
    std::os::unix::fs::symlink(&outside, alice.repo.join(".covault")).unwrap();
    let before = all_of(&alice);
    for args in [&["get", "a"][..], &["ls"], &["set", "a", "x=1"], &["set", "b", "x=1"], &["status"]] {
        let said = alice.covault(args);
        assert!(
            said.code != 0 && said.out.is_empty() && said.err.contains("\nhint: "),
            "{args:?}: {} {}",
            said.code,
            said.err
        );
    }
    same(&before, &all_of(&alice));
    std::fs::remove_file(alice.repo.join(".covault")).unwrap();
    std::fs::rename(&outside, alice.repo.join(".covault")).unwrap();
    let prod = alice.repo.join(".covault/secrets/prod");
    std::os::unix::fs::symlink(world.path(), &prod).unwrap();
    let said = alice.covault_fed(b"x", ["set", "prod/db"]).exits(6);
    assert!(said.err.contains("symbolic link") && !world.path().join("db.age").exists(), "{}", said.err);
}

#[test]
fn a_damaged_pin_is_named_and_a_lost_one_survived() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "1");
    let id = alice.git(["config", "covault.vault"]).ok().text().trim().to_owned();
    let pin = alice.home.join(".local/state/covault").join(id).join("pin");
    for text in ["", "vault = 1", "\u{0}", "vault = \"x\"\nseq = 0\nhead = \"y\"\n"] {
        std::fs::write(&pin, text).unwrap();
        let said = alice.covault(["get", "a"]).exits(6);
        assert!(said.err.contains("is damaged\nhint: "), "{}", said.err);
    }
    std::fs::remove_dir_all(alice.home.join(".local")).unwrap();
    assert_eq!(alice.get("a"), "1");
}
