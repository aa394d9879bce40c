//! Where git does not call the driver, stops, or somebody took a wrong turn: nothing is lost, and one command mends it.

use std::io::Write as _;

use super::git::{field, forked, is_good, on, parted, values};
use crate::cli::json;
use crate::world::{Person, World};

#[track_caller]
fn has_both(person: &Person) {
    assert_eq!(values(person, "db", "value"), ["from main"]);
    assert_eq!(values(person, "db", "password"), ["from the side"]);
}

#[test]
fn a_clone_without_the_driver_stops_and_resolve_settles_it() {
    let world = World::new();
    let alice = parted(&world);
    alice.covault(["setup", "--undo"]).ok();
    assert!(!alice.git(["config", "--get-regexp", "^merge[.]covault"]).text().contains("driver"));
    alice.git(["merge", "-q", "side"]).exits(1);
    let said = alice.covault(["resolve", "--json"]).ok();
    assert_eq!(json(&said)["settled"], serde_json::json!(["db"]));
    alice.git(["commit", "-q", "--no-edit"]).ok();
    has_both(&alice);
    is_good(&alice);
}

#[test]
fn a_side_that_was_added_too_early_is_not_lost() {
    let world = World::new();
    let alice = parted(&world);
    alice.git(["-c", "merge.covault.driver=exit 1 #", "merge", "-q", "side"]).exits(1);
    alice.git(["add", "-A"]).ok();
    let dropped = alice.covault(["resolve", "--json"]).ok();
    assert_eq!(json(&dropped)["settled"], serde_json::json!(["db"]));
    // Once settled, there is nothing more to do.
    assert_eq!(json(&alice.covault(["resolve", "--json"]).ok())["settled"], serde_json::json!([]));
    alice.git(["commit", "-q", "--no-edit"]).ok();
    has_both(&alice);
    is_good(&alice);
}

#[test]
fn a_side_that_was_committed_away_is_found_and_brought_back() {
    let world = World::new();
    let alice = parted(&world);
    alice.git(["-c", "merge.covault.driver=exit 1 #", "merge", "-q", "side"]).exits(1);
    alice.git(["add", "-A"]).ok();
    alice.git(["commit", "-qm", "kept ours by accident"]).ok();
    let found = json(&alice.covault(["verify", "--history", "--json"]).exits(6));
    assert_eq!(found["findings"][0]["code"], "rollback");
    let hint = found["findings"][0]["hint"].as_str().unwrap();
    assert!(hint.contains("covault resolve db --from"), "{hint}");
    alice.covault(["resolve", "db", "--from", "side"]).ok();
    has_both(&alice);
    alice.covault(["verify"]).ok();
    // Nothing of it is left to bring.
    assert_eq!(json(&alice.covault(["resolve", "--from", "side", "--json"]).ok())["unchanged"], true);
}

#[test]
fn strategies_that_write_markers_into_ciphertext_are_healed() {
    let world = World::new();
    let alice = parted(&world);
    alice.git(["merge", "-q", "-s", "resolve", "side"]).exits(1);
    alice.covault(["resolve"]).ok();
    alice.git(["commit", "-q", "--no-edit"]).ok();
    has_both(&alice);
    is_good(&alice);
}

#[test]
fn an_octopus_is_done_one_by_one_or_settled() {
    let world = World::new();
    let alice = parted(&world);
    alice.git(["checkout", "-q", "-b", "third", "side~1"]).ok();
    alice.set("third", "of the third branch");
    on(&alice, "main");
    // Only one branch changed what we changed: git begins, writes markers, and leaves it to us.
    let said = alice.git(["merge", "-q", "third", "side"]);
    if said.code == 1 {
        alice.covault(["resolve"]).ok();
        alice.git(["commit", "-q", "--no-edit"]).ok();
    } else {
        assert_eq!(alice.git(["status", "--porcelain"]).ok().text(), "", "git gave up and left everything as it was");
        alice.git(["merge", "-q", "third"]).ok();
        alice.git(["merge", "-q", "side"]).ok();
    }
    has_both(&alice);
    assert_eq!(alice.get("third"), "of the third branch");
    is_good(&alice);
}

#[test]
fn a_revert_stops_and_restore_does_what_was_meant() {
    let world = World::new();
    let alice = forked(&world);
    field(&alice, "password", "a mistake");
    let mistake = crate::cli::head(&alice);
    field(&alice, "value", "changed since");
    let said = alice.git(["revert", "--no-edit", &mistake]).exits(1);
    assert!(said.err.contains("covault restore --commit"), "{}", said.err);
    alice.git(["revert", "--abort"]).ok();
    assert_eq!(alice.get("db/password"), "a mistake");
    alice.covault(["restore", "--commit", &mistake]).ok();
    assert_eq!(alice.get("db/password"), "the first password");
    assert_eq!(alice.get("db/value"), "changed since");
    is_good(&alice);
}

#[test]
fn an_old_file_in_a_pull_request_changes_nothing_and_is_reported() {
    let world = World::new();
    let alice = forked(&world);
    let old = crate::cli::head(&alice);
    field(&alice, "password", "rotated");
    alice.git(["branch", "-f", "side"]).ok();
    on(&alice, "side");
    alice.git(["checkout", "-q", &old, "--", ".covault/secrets/db.age"]).ok();
    alice.git(["commit", "-qm", "an innocent change"]).ok();
    on(&alice, "main");
    field(&alice, "value", "changed on main");
    let said = alice.git(["merge", "side", "-m", "merged"]).ok();
    assert!(said.err.contains("older than what both sides had"), "{}", said.err);
    assert_eq!(alice.get("db/password"), "rotated");
    assert_eq!(alice.get("db/value"), "changed on main");
    let found = json(&alice.covault(["verify", "--range", "main~1..side", "--json"]).exits(6));
    assert_eq!(found["findings"][0]["code"], "rollback");
}

#[test]
fn bad_input_stops_the_merge_with_nothing_touched() {
    let world = World::new();
    let alice = parted(&world);
    on(&alice, "side");
    let good = std::fs::read(alice.file("db")).unwrap();
    let mut forged = good.clone();
    *forged.last_mut().unwrap() ^= 1;
    for bad in [b"no sealed file".to_vec(), forged, good[..good.len() / 2].to_vec(), Vec::new()] {
        std::fs::write(alice.file("db"), &bad).unwrap();
        alice.git(["commit", "-qam", "damage"]).ok();
        on(&alice, "main");
        let (before, head) = (std::fs::read(alice.file("db")).unwrap(), crate::cli::head(&alice));
        let said = alice.git(["merge", "-q", "side"]).exits(2);
        assert!(said.err.contains(".covault/secrets/db.age"), "{}", said.err);
        assert_eq!(std::fs::read(alice.file("db")).unwrap(), before);
        assert_eq!(crate::cli::head(&alice), head);
        assert_eq!(alice.git(["status", "--porcelain"]).ok().text(), "");
        on(&alice, "side");
    }
}

#[test]
fn the_driver_itself_keeps_gits_contract() {
    let world = World::new();
    let alice = parted(&world);
    let side = |rev: &str| alice.git(["cat-file", "blob", &format!("{rev}:.covault/secrets/db.age")]).ok().out;
    let dir = world.path().join("sides");
    std::fs::create_dir(&dir).unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = dir.join(name);
        std::fs::File::create(&path).unwrap().write_all(bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (base, ours, theirs) = (side("side~1"), side("main"), side("side"));
    let run = |o: &str, a: &str, b: &str, path: &str| {
        alice.covault(["merge-driver", o, a, b, "7", path, "1234abc", "HEAD", "side"])
    };
    let secret = ".covault/secrets/db.age";
    let (o, a, b) = (put("o", &base), put("a", &ours), put("b", &theirs));
    run(&o, &a, &b, secret).ok();
    let merged = std::fs::read(&a).unwrap();
    assert!(merged != ours && merged != theirs);
    assert_eq!(std::fs::read(&b).unwrap(), theirs, "only %A is written");
    // What is there already is kept to the byte, whichever side it stands on.
    let (a, b) = (put("a", &merged), put("b", &ours));
    run(&o, &a, &b, secret).ok();
    assert_eq!(std::fs::read(&a).unwrap(), merged);
    let (a, b) = (put("a", &ours), put("b", &merged));
    run(&o, &a, &b, secret).ok();
    assert_eq!(std::fs::read(&a).unwrap(), merged);
    // Another place, another vault, a file that is gone, a name that is none: nothing is touched.
    for path in [".covault/secrets/other.age", "api/.covault/secrets/db.age", ".covault/secrets/UPPER.age"] {
        let (a, b) = (put("a", &ours), put("b", &theirs));
        let said = run(&o, &a, &b, path);
        assert!(said.code == 129 || said.code == 1, "{path}: {}", said.code);
        assert_eq!(std::fs::read(&a).unwrap(), ours, "{path}");
    }
    run(&o, &put("a", &ours), &dir.join("nothing").display().to_string(), secret).exits(129);
    // Without a base, and with labels of an older git, everything that both have is there.
    let empty = put("empty", b"");
    let (a, b) = (put("a", &ours), put("b", &theirs));
    alice.covault(["merge-driver", &empty, &a, &b, "7", secret, "%S", "%X", "%Y"]).ok();
    std::fs::copy(&a, alice.file("db")).unwrap();
    has_both(&alice);
}

#[test]
fn other_tools_hand_over_their_sides_byte_for_byte() {
    let world = World::new();
    let alice = parted(&world);
    let side = |rev: &str, name: &str| {
        let path = world.path().join(name);
        std::fs::write(&path, alice.git(["cat-file", "blob", &format!("{rev}:.covault/secrets/db.age")]).ok().out)
            .unwrap();
        path.to_str().unwrap().to_owned()
    };
    // As jj does: base, left, right, and another place for the result, which holds anything.
    let (base, left, right) = (side("side~1", "base"), side("main", "left"), side("side", "right"));
    let output = world.path().join("output");
    std::fs::write(&output, "<<<<<<< conflict 1 of 1\n").unwrap();
    let before = std::fs::read(&left).unwrap();
    let path = ".covault/secrets/db.age";
    let output_text = output.to_str().unwrap();
    alice.covault(["merge-driver", &base, &left, &right, "7", path, "--output", output_text]).ok();
    assert_eq!(std::fs::read(&left).unwrap(), before, "the sides stay as they are");
    std::fs::copy(&output, alice.file("db")).unwrap();
    has_both(&alice);

    std::fs::create_dir(alice.repo.join(".jj")).unwrap();
    let said = alice.covault(["setup"]).ok();
    assert!(said.err.contains("jj config set --repo merge-tools.covault.merge-args"), "{}", said.err);
}

#[test]
fn a_program_that_is_gone_stops_git_before_anything_is_touched() {
    let world = World::new();
    let alice = parted(&world);
    let line = alice.git(["config", "merge.covault.driver"]).ok().text();
    let gone = line.trim().replace(env!("CARGO_BIN_EXE_covault"), "/nowhere/covault");
    alice.git(["config", "merge.covault.driver", &gone]).ok();
    let head = crate::cli::head(&alice);
    let said = alice.git(["merge", "-q", "side"]).exits(2);
    assert!(said.err.contains("is not installed"), "{}", said.err);
    assert_eq!(crate::cli::head(&alice), head);
    assert_eq!(alice.git(["status", "--porcelain"]).ok().text(), "");
    // The next setup knows where it is.
    alice.covault(["setup"]).ok();
    alice.git(["merge", "-q", "side"]).ok();
    has_both(&alice);
}

#[test]
fn nothing_tracked_can_switch_the_driver_off_or_put_another_in_its_place() {
    let world = World::new();
    let alice = parted(&world);
    on(&alice, "side");
    std::fs::write(alice.repo.join(".gitattributes"), "*.age merge=union diff=x text eol=crlf\n").unwrap();
    std::fs::write(alice.repo.join(".covault/.gitattributes"), "* merge=binary\n").unwrap();
    alice.git(["add", "-A"]).ok();
    alice.git(["commit", "-qm", "attributes"]).ok();
    alice.git(["merge", "-q", "main"]).ok();
    has_both(&alice);
}
