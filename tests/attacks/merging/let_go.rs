//! What somebody put beside a secret who may not write it, and that a person lets go of: it decides nothing any more.

use covault::model::bytes::Short;
use covault::model::manifest::{MAX_PARENTS, MAX_REVISION, Manifest};
use covault::seal::{SealedFile, bundle, members, peek_manifest};

use super::super::rig::{Attacked, Case, file};
use super::{DB, branch, merged, put, stuff};
use crate::cli::json;

/// The versions in alice's file.
fn versions(attacked: &Attacked) -> Vec<SealedFile> {
    let bytes = std::fs::read(attacked.case.alice.file(DB)).unwrap();
    members(&bytes).unwrap().into_iter().map(|member| SealedFile::parse(member).unwrap()).collect()
}

#[test]
fn its_number_its_id_and_what_it_says_that_it_follows_are_not_taken_over() {
    let case = Case::new();
    let feature: Short = peek_manifest(&case.at_commit("origin/feature", &file(DB))).unwrap().hash().short();
    branch(&case, "branched", |case| {
        let lies = |manifest: &mut Manifest| {
            manifest.revision = MAX_REVISION;
            manifest.ancestors.truncate(8);
            manifest.ancestors.push(feature);
        };
        case.next(DB, "gina").with(lies).put();
    });
    let (attacked, _) = merged(case, true, 0);
    let alice = &attacked.case.alice;
    let before = versions(&attacked).into_iter().find(|one| one.manifest().author.name.as_str() == "alice").unwrap();
    alice.covault(["resolve", DB, "--discard"]).ok();
    let now = versions(&attacked);
    let [now] = now.as_slice() else { panic!("{} versions", now.len()) };
    let (now, before) = (now.manifest(), before.manifest());
    assert_eq!((now.revision, now.id, &now.aliases), (before.revision + 1, before.id, &before.aliases));
    assert_eq!(now.parents.len(), 2);
    assert!(!now.ancestors.contains(&feature), "{:?}", now.ancestors);
    // What she said that hers follows is not lost when it comes.
    let attacked = attacked.both_find(&[]);
    let alice = &attacked.case.alice;
    alice.git(["merge", "-q", "--no-ff", "-m", "merge", "origin/feature"]).ok();
    let open = json(&alice.covault(["resolve", DB, "--reveal", "--json"]).exits(5));
    let values: Vec<&str> =
        open["fields"][0]["values"].as_array().unwrap().iter().map(|it| it["value"].as_str().unwrap()).collect();
    assert_eq!(values.len(), 2, "{open:#}");
    assert!(values.contains(&"the value of the feature branch"), "{open:#}");
    attacked.both_find(&[]);
}

#[test]
fn more_than_one_version_can_name_go_in_steps() {
    let case = Case::new();
    branch(&case, "branched", |case| {
        let many = (0..MAX_PARENTS + 5).map(|_| case.next(DB, "gina").bytes()).collect();
        case.write(&file(DB), bundle(many).unwrap());
    });
    let (attacked, _) = merged(case, true, 0);
    let alice = &attacked.case.alice;
    assert_eq!(versions(&attacked).len(), MAX_PARENTS + 6);
    let said = alice.covault(["resolve", DB, "--discard"]).exits(5);
    assert!(said.err.contains("6 more than one version can name"), "{}", said.err);
    assert_eq!(versions(&attacked).len(), 7);
    alice.covault(["resolve", DB, "--discard"]).ok();
    assert_eq!(versions(&attacked).len(), 1);
    assert_eq!(alice.get(DB), "what alice wrote meanwhile");
    attacked.both_find(&[]);
}

#[test]
fn where_nothing_of_the_secret_counts_what_one_version_cannot_name_stays_for_the_next_step() {
    const NEW: &str = "dev/new";
    let case = Case::new();
    branch(&case, "branched", |case| {
        put(case, NEW, (0..MAX_PARENTS + 2).map(|_| case.birth(NEW, "gina").bytes()).collect());
    });
    let alice = &case.alice;
    alice.git(["merge", "-q", "--no-ff", "-m", "merge", "origin/evil"]).ok();
    let said = alice.covault(["resolve", NEW, "--discard"]).exits(5);
    assert!(said.err.contains("2 more than one version can name"), "{}", said.err);
    let left = members(&std::fs::read(alice.file(NEW)).unwrap()).unwrap().len();
    assert_eq!(left, 3, "the tombstone, and what it could not name");
    alice.covault(["resolve", NEW, "--discard"]).ok();
    alice.covault(["get", NEW]).exits(3);
    Attacked::of(case).both_find(&[]);
}

#[test]
fn what_counted_nowhere_is_cleared_away_by_hand_and_nobody_is_stopped() {
    let case = Case::new();
    let good = case.read(&file(DB));
    stuff(&case, DB, vec![case.next(DB, "gina").to(&["alice", "gina"]).bytes()]);
    case.deliver();
    case.alice.covault(["get", DB]).ok();
    case.write(&file(DB), good);
    case.deliver();
    Attacked::of(case).comes_to_nothing();
}
