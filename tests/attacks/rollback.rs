//! Good old things put back: one secret, the roster, the whole repository, a branch's version, and mixtures.

use covault::seal::peek_manifest;

use super::rig::{ALL, Attacked, Case, ROSTER, file, on_disk, pushed};
use crate::cli::old_header_opens;
use crate::world::have;

const GET: &[&str] = &["get", "dev/db"];

fn put_back(case: &Case, commit: &str, name: &str) {
    case.write(&file(name), case.at_commit(commit, &file(name)));
}

/// dev/db is refused as one that does not follow what was seen; alice's next value follows both.
#[track_caller]
fn refused(attacked: Attacked) {
    let why = "it does not follow the version that was there at";
    let attacked = attacked.spoils(&["dev/db"]).refuses(GET, why).refuses(&["show", "dev/db"], why);
    let attacked = attacked.refuses(&["run", "--from", "dev", "--", "true"], why);
    attacked.ends(&["set", "dev/db"], 0, "both are joined").reads("dev/db", "written by alice");
}

#[test]
fn one_secret_put_back() {
    refused(pushed(|case| put_back(case, "begun", "dev/db")));
}

#[test]
fn one_secret_put_back_on_disk_alone() {
    refused(on_disk(|case| put_back(case, "begun", "dev/db")).only_with_a_key_or_a_memory());
}

/// What is refused may be honest work: the command that is named joins it with what was seen.
#[test]
fn the_hint_beside_a_refusal_loses_nothing_of_what_is_here() {
    let case = Case::new();
    let alice = &case.alice;
    alice.git(["checkout", "-q", "feature", "--", &file("dev/db")]).ok();
    let said = alice.covault(["get", "dev/db"]).exits(6);
    assert!(said.err.contains("what is here stays with: covault restore dev/db@3\n"), "{}", said.err);
    let hint = said.err.split("join the newer one in with: covault ").nth(1).unwrap_or_else(|| panic!("{}", said.err));
    alice.covault(hint.split(';').next().unwrap().split(' ')).ok();
    alice.covault(["get", "dev/db", "--strict"]).exits(5);
    let both = alice.covault(["show", "dev/db", "--reveal"]).ok().text();
    for value in ["the value of the feature branch", "the third value of dev db"] {
        assert!(both.contains(value), "{both}");
    }
}

/// A branch whose change was taken back on it is merged: nobody can tell that from a step back, and who may write says which it is.
#[test]
fn a_revert_that_was_meant_stays_by_the_command_that_is_told() {
    let case = Case::new();
    let wanda = case.clone_of("wanda");
    wanda.git(["switch", "-q", "-c", "tried"]).ok();
    wanda.set("dev/db", "tried and taken back");
    let tried = wanda.git(["rev-parse", "--short=10", "HEAD"]).ok().text();
    wanda.git(["revert", "--no-edit", "HEAD"]).ok();
    wanda.git(["switch", "-q", "main"]).ok();
    wanda.git(["merge", "-q", "--no-ff", "--no-edit", "tried"]).ok();
    wanda.git(["push", "-q"]).ok();
    let rita = case.clone_of("rita");
    let alice = &case.alice;
    alice.git(["pull", "-q", "--ff-only"]).ok();
    let said = alice.covault(["get", "dev/db"]).exits(6);
    assert!(said.err.contains(&format!("that was there at {} (", tried.trim())), "{}", said.err);
    let hint = said.err.split("what is here stays with: covault ").nth(1).unwrap_or_else(|| panic!("{}", said.err));
    alice.covault(hint.trim().split(' ')).ok();
    alice.git(["push", "-q"]).ok();
    for person in [&case.alice, &wanda, &rita] {
        person.git(["pull", "-q", "--ff-only"]).ok();
        assert_eq!(person.get("dev/db"), "the third value of dev db");
    }
}

/// Who may not write joins nothing: the newer one is put back.
#[test]
fn what_a_reader_is_hinted_to_is_for_a_reader_to_do() {
    let case = Case::new();
    for (name, secret) in [("rita", "dev/db"), ("ci", "staging/db")] {
        case.alice.set(secret, "the newest value");
        case.alice.git(["push", "-q"]).ok();
        let reader = case.clone_of(name);
        assert_eq!(reader.get(secret), "the newest value");
        case.git(&["pull", "-q", "--ff-only"]);
        put_back(&case, "HEAD~1", secret);
        case.deliver();
        reader.git(["pull", "-q", "--ff-only"]).ok();
        let said = reader.covault(["get", secret]).exits(6);
        let hint = said.err.split("put the newer one back with: git ").nth(1).unwrap_or_else(|| panic!("{}", said.err));
        reader.git(hint.split(';').next().unwrap().split(' ')).ok();
        assert_eq!(reader.get(secret), "the newest value", "{name}");
    }
}

#[test]
fn one_secret_put_back_to_its_very_first_version() {
    refused(pushed(|case| {
        let first = case.git(&["log", "--format=%H", "--reverse", "--", &file("dev/db")]);
        put_back(case, first.lines().next().unwrap(), "dev/db");
    }));
}

#[test]
fn one_secret_put_back_by_a_revert() {
    refused(pushed(|case| {
        let newest = case.git(&["log", "-1", "--format=%H", "--", &file("dev/db")]);
        case.git(&["revert", "--no-edit", &newest]);
    }));
}

#[test]
fn one_secret_put_back_in_a_merge_that_dropped_a_side() {
    refused(pushed(|case| {
        case.git(&["checkout", "-q", "-b", "side", "begun"]);
        case.write("README", "changed");
        case.git(&["commit", "-qam", "side"]);
        case.git(&["merge", "-q", "--no-commit", "main"]);
        put_back(case, "begun", "dev/db");
        case.git(&["add", "-A"]);
        case.git(&["commit", "-qm", "merge main"]);
    }));
}

#[test]
fn one_secret_put_back_and_other_commits_on_top() {
    refused(pushed(|case| {
        put_back(case, "begun", "dev/db");
        case.git(&["commit", "-qam", "hidden"]);
        for n in 0..3 {
            case.write("README", format!("change {n}"));
            case.git(&["commit", "-qam", "work"]);
        }
    }));
}

#[test]
fn one_secret_put_back_and_written_by_somebody_who_had_not_seen_the_newer_one() {
    refused(pushed(|case| {
        put_back(case, "begun", "dev/db");
        case.deliver();
        let wanda = case.clone_of("wanda");
        wanda.set("dev/db", "an honest value on an old one");
        wanda.git(["push", "-q"]).ok();
        case.git(&["pull", "-q", "--ff-only"]);
    }));
}

#[test]
fn the_version_of_a_feature_branch_over_the_trunks() {
    refused(pushed(|case| put_back(case, "origin/feature", "dev/db")));
}

#[test]
fn three_old_secrets_among_new_ones() {
    let why = "it does not follow";
    pushed(|case| ["dev/db", "prod/db"].iter().for_each(|name| put_back(case, "begun", name)))
        .spoils(&["dev/db", "prod/db"])
        .refuses(GET, why)
        .refuses(&["get", "prod/db"], why)
        .refuses(&["export", "--from", "prod"], why);
}

#[test]
fn an_old_secret_put_back_twice_is_refused_twice() {
    let attacked = pushed(|case| put_back(case, "begun", "dev/db")).spoils(&["dev/db"]).refuses(GET, "does not follow");
    let case = &attacked.case;
    case.write("README", "later");
    case.deliver();
    attacked.refuses(GET, "does not follow");
}

#[test]
fn a_rekey_undone() {
    let case = Case::new();
    let leaked = std::fs::read(case.alice.file("dev/db")).unwrap();
    case.alice.covault(["rekey", "dev/db", "--yes"]).ok();
    case.alice.git(["push", "-q"]).ok();
    // She has seen the new one on the trunk.
    case.vault().unwrap();
    case.git(&["pull", "-q", "--ff-only"]);
    let newer = case.read(&file("dev/db"));
    put_back(&case, "HEAD~1", "dev/db");
    assert_eq!(case.read(&file("dev/db")), leaked);
    case.deliver();
    // It says the same, and is taken for the same; whoever has its file key reads what they could read.
    let attacked = Attacked::of(case).both_find(&[]).reads("dev/db", "the third value of dev db");
    let attacked = attacked.ends(&["set", "dev/db"], 0, "").reads("dev/db", "written by alice");
    let alice = &attacked.case.alice;
    let written = std::fs::read(alice.file("dev/db")).unwrap();
    if have("age") {
        assert!(old_header_opens(alice, &leaked, &leaked), "the control");
        assert!(!old_header_opens(alice, &leaked, &newer), "the rekey kept the file key");
        assert!(!old_header_opens(alice, &leaked, &written), "the leaked file key opens what came later");
    }
}

#[test]
fn a_tombstone_taken_off() {
    let attacked = pushed(|case| {
        case.alice.covault(["rm", "dev/api"]).ok();
        case.alice.git(["push", "-q"]).ok();
        case.vault().unwrap();
        case.git(&["pull", "-q", "--ff-only"]);
        put_back(case, "begun", "dev/api");
    });
    attacked.spoils(&["dev/api"]).refuses(&["get", "dev/api"], "it does not follow");
}

#[test]
fn a_file_taken_away() {
    let attacked = pushed(|case| case.remove(&file("dev/db")))
        .spoils(&["dev/db"])
        .refuses(GET, "dev/db.age was taken away")
        .refuses(&["show", "dev/db"], "was taken away");
    // What lists and what runs do not miss it.
    let (attacked, listed) = attacked.command(&["ls", "--flat"], 0);
    assert_eq!(
        listed.text().lines().collect::<Vec<_>>(),
        ALL.into_iter().filter(|n| *n != "dev/db").collect::<Vec<_>>()
    );
    let (attacked, ran) = attacked.command(&["run", "--from", "dev", "--", "env"], 0);
    let begins = |with: &str| ran.text().lines().any(|line| line.starts_with(with));
    assert!(begins("API=the key that wanda wrote") && !begins("DB="), "{}", ran.text());
    attacked.ends(&["set", "dev/db"], 0, "was taken away").reads("dev/db", "written by alice");
}

#[test]
fn a_file_taken_away_can_still_be_deleted_by_name() {
    let attacked = pushed(|case| case.remove(&file("dev/db"))).spoils(&["dev/db"]);
    attacked.ends(&["rm", "dev/db"], 0, "was taken away").ends(GET, 3, "'dev/db' was deleted");
}

#[test]
fn a_file_taken_away_can_still_be_moved() {
    let attacked = pushed(|case| case.remove(&file("dev/db"))).spoils(&["dev/db"]);
    attacked.ends(&["mv", "dev/db", "dev/other"], 0, "").reads("dev/other", "the third value of dev db");
}

#[test]
fn a_file_taken_away_on_disk_alone() {
    on_disk(|case| case.remove(&file("dev/db")))
        .spoils(&["dev/db"])
        .only_with_a_key_or_a_memory()
        .refuses(GET, "was taken away");
}

#[test]
fn every_secret_taken_away() {
    pushed(|case| std::fs::remove_dir_all(case.path(".covault/secrets")).unwrap())
        .spoils(&ALL)
        .refuses(GET, "was taken away")
        .refuses(&["get", "prod/web/key"], "was taken away");
}

#[test]
fn a_secret_taken_away_and_born_again_by_somebody_who_did_not_know() {
    let attacked = pushed(|case| {
        case.remove(&file("dev/db"));
        case.deliver();
        let wanda = case.clone_of("wanda");
        wanda.set("dev/db", "a new secret at an old name");
        wanda.git(["push", "-q"]).ok();
        case.git(&["pull", "-q", "--ff-only"]);
    });
    attacked.spoils(&["dev/db"]).refuses(GET, "it does not follow");
}

#[test]
fn the_roster_put_back_to_when_gina_was_in() {
    let why = "the roster was rolled back or replaced";
    pushed(|case| case.write(ROSTER, case.at_commit("branched", ROSTER)))
        .spoils(&ALL)
        .refuses(GET, why)
        .refuses(&["set", "dev/new"], why)
        .refuses(&["ls"], why)
        .refuses(&["run", "--from", "dev", "--", "true"], why)
        .refuses(&["status"], why)
        .refuses(&["share", "dev/db", "ci", "--yes"], why);
}

#[test]
fn the_roster_put_back_is_taken_after_a_person_accepted_it() {
    let attacked = pushed(|case| case.write(ROSTER, case.at_commit("branched", ROSTER)))
        .spoils(&ALL)
        .refuses(GET, "the roster was rolled back or replaced")
        // Who accepts it is told whom it brings back.
        .ends(&["setup", "--accept"], 0, "gina was removed, and is a member by what you accepted")
        // All of it was sealed again when she left, under an entry that is gone now.
        .ends(GET, 6, "sealed under another roster")
        .ends(&["set", "dev/new"], 0, "")
        .reads("dev/new", "written by alice");
    let manifest = peek_manifest(&std::fs::read(attacked.case.alice.file("dev/new")).unwrap()).unwrap();
    assert!(manifest.readers.iter().any(|reader| reader.name.as_str() == "gina"), "{:?}", manifest.readers);
}

#[test]
fn the_roster_put_back_to_its_founding() {
    pushed(|case| case.chain().first(1).put()).spoils(&ALL).refuses(GET, "the roster was rolled back or replaced");
}

#[test]
fn the_roster_put_back_on_disk_alone() {
    on_disk(|case| case.write(ROSTER, case.at_commit("branched", ROSTER)))
        .spoils(&ALL)
        .refuses(GET, "the roster was rolled back or replaced");
}

#[test]
fn the_roster_and_all_secrets_put_back_together() {
    pushed(|case| drop(case.git(&["checkout", "-q", "branched", "--", ".covault"])))
        .spoils(&ALL)
        .refuses(GET, "the roster was rolled back or replaced");
}

#[test]
fn the_roster_put_back_in_a_merge_that_dropped_a_side() {
    pushed(|case| {
        case.git(&["checkout", "-q", "-b", "side", "branched"]);
        case.git(&["merge", "-q", "-s", "ours", "-m", "merge main", "main"]);
    })
    .spoils(&ALL)
    .refuses(GET, "the roster was rolled back or replaced");
}

#[test]
fn the_whole_repository_put_back_by_force() {
    pushed(|case| drop(case.git(&["reset", "-q", "--hard", "begun"])))
        .spoils(&ALL)
        .only_with_a_key_or_a_memory()
        .refuses(GET, "the trunk origin/main was rewritten")
        .refuses(&["set", "dev/new"], "the trunk origin/main was rewritten")
        .refuses(&["ls"], "the trunk origin/main was rewritten");
}

#[test]
fn the_whole_repository_put_back_to_when_gina_was_in() {
    pushed(|case| drop(case.git(&["reset", "-q", "--hard", "branched"])))
        .spoils(&ALL)
        .only_with_a_key_or_a_memory()
        .refuses(GET, "the roster was rolled back or replaced");
}

#[test]
fn a_history_without_its_past() {
    pushed(|case| {
        case.git(&["checkout", "-q", "--orphan", "fresh"]);
        case.git(&["commit", "-qm", "one commit"]);
    })
    .spoils(&ALL)
    .only_with_a_key_or_a_memory()
    .refuses(GET, "the trunk origin/main was rewritten");
}

#[test]
fn a_rewritten_trunk_is_read_after_a_person_accepted_it() {
    pushed(|case| drop(case.git(&["commit", "-q", "--amend", "-m", "other words"])))
        .spoils(&ALL)
        .only_with_a_key_or_a_memory()
        .refuses(GET, "the trunk origin/main was rewritten")
        .ends(&["setup", "--accept"], 0, "")
        .reads("dev/db", "the third value of dev db");
}

#[test]
fn tags_and_branches_that_are_called_like_the_trunk() {
    pushed(|case| {
        for name in ["main", "origin/main", "HEAD", "refs/remotes/origin/main"] {
            case.git(&["push", "-q", "origin", &format!("branched^{{commit}}:refs/tags/{name}")]);
        }
        case.git(&["push", "-q", "origin", "branched^{commit}:refs/heads/origin/main"]);
        case.git(&["push", "-q", "origin", "branched^{commit}:refs/heads/origin/HEAD"]);
    })
    .comes_to_nothing();
}

#[test]
fn the_vault_taken_away() {
    pushed(|case| std::fs::remove_dir_all(case.path(".covault")).unwrap())
        .spoils(&ALL)
        .refuses(GET, "was taken away")
        .refuses(&["set", "dev/new"], "was taken away");
}

#[test]
fn the_roster_taken_away() {
    pushed(|case| case.remove(ROSTER)).spoils(&ALL).refuses(GET, "was taken away");
}

#[test]
fn the_roster_taken_away_and_an_old_secret_on_a_branch() {
    let case = Case::new();
    let (home, vault) = (crate::team::home(&case.alice), case.vault().unwrap().roster().vault);
    let pin = home.pin(vault).unwrap();
    case.git(&["checkout", "-q", "-b", "evil"]);
    put_back(&case, "begun", "prod/db");
    case.commit_all();
    case.git(&["push", "-q", "origin", "evil"]);
    case.git(&["checkout", "-q", "main"]);
    case.remove(ROSTER);
    case.deliver();
    case.alice.git(["checkout", "-q", "-b", "evil", "refs/remotes/origin/evil"]).ok();
    let why = "it does not follow the version that was there at";
    let attacked = Attacked::of(case).spoils(&["prod/db"]).refuses(&["get", "prod/db"], why);
    // What she has on a branch while the trunk has no vault is held against no other clone of hers.
    let attacked = attacked.ends(&["group", "set", "late", "alice", "--yes"], 0, "");
    assert_eq!((home.pin(vault).unwrap(), attacked.case.vault().is_ok()), (pin, true));
}

#[test]
fn the_roster_taken_away_after_an_old_secret_and_brought_back_by_a_revert() {
    let case = Case::new();
    // What she pushed herself counts, though no command of hers has looked at the trunk since.
    case.alice.set("dev/db", "the fourth value of dev db");
    case.alice.git(["push", "-q"]).ok();
    case.git(&["pull", "-q", "--ff-only"]);
    put_back(&case, "HEAD~1", "dev/db");
    case.commit_all();
    case.remove(ROSTER);
    case.deliver();
    case.alice.covault(["get", "dev/db"]).exits(6);
    case.alice.git(["revert", "--no-edit", "HEAD"]).ok();
    refused(Attacked::of(case));
}
