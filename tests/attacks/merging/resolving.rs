//! `covault resolve` on what git left unmerged, and on a commit of mallory's.

use covault::seal::SigningKey;

use super::super::rig::{Attacked, Case, SECRETS, file, harmless};
use super::{DB, THIRD, branch, by_hand, old};
use crate::cli::json;

/// Puts sides into alice's index as if git had left them unmerged.
fn stages(case: &Case, path: &str, sides: [Option<&[u8]>; 3]) {
    let alice = &case.alice;
    let mut lines = format!("0 {} 0\t{path}\n", "0".repeat(40));
    for (stage, bytes) in sides.iter().enumerate() {
        if let Some(bytes) = bytes {
            let blob = alice.fed("git", bytes, ["hash-object", "-w", "--stdin"]).ok().text();
            lines.push_str(&format!("100644 {} {}\t{path}\n", blob.trim(), stage + 1));
        }
    }
    alice.fed("git", lines.as_bytes(), ["update-index", "--index-info"]).ok();
}

fn newest(case: &Case) -> Vec<u8> {
    std::fs::read(case.alice.file(DB)).unwrap()
}

/// `resolve` leaves it unmerged, and touches nothing; the value is as it was.
#[track_caller]
fn stays_unmerged(case: &Case, path: &str) {
    let before = newest(case);
    let index = case.alice.git(["ls-files", "-s"]).ok().text();
    let said = case.alice.covault(["resolve", "--json"]).exits(5);
    harmless(&["resolve"], &said);
    let shown = json(&said);
    assert_eq!(shown["settled"], serde_json::json!([]), "{shown:#}");
    let [left] = &shown["unmerged"].as_array().unwrap()[..] else { panic!("{shown:#}") };
    assert!(left["file"].as_str().unwrap().contains(path), "{shown:#}");
    assert!(left["why"].as_str().is_some_and(|why| !why.trim().is_empty()), "it does not say why: {shown:#}");
    assert_eq!(newest(case), before);
    assert_eq!(case.alice.git(["ls-files", "-s"]).ok().text(), index);
    case.alice.git(["reset", "-q", "--hard"]).ok();
    for (name, value) in SECRETS {
        assert_eq!(case.alice.get(name), value);
    }
}

/// What mallory could have on a side, each of which is no version of dev/db.
fn bad_sides(case: &Case) -> Vec<Vec<u8>> {
    let huge = vec![b'x'; (32 << 20) + 1];
    let siblings = by_hand(2, &[newest(case), old(case, "begun", "dev/api")]);
    vec![
        b"".to_vec(),
        b"garbage".to_vec(),
        b"age-encryption.org/v1\n".to_vec(),
        huge,
        siblings,
        old(case, "main", "prod/db"),
        case.next(DB, "alice").signed_by(SigningKey::generate().unwrap()).bytes(),
        case.next(DB, "wanda").and_to(&case.stranger("mallory").card).bytes(),
    ]
}

#[test]
fn a_side_that_is_no_version_of_it() {
    let case = Case::new();
    let base = old(&case, "begun", DB);
    for bad in bad_sides(&case) {
        let ours = newest(&case);
        stages(&case, &file(DB), [Some(&base), Some(&ours), Some(&bad)]);
        stays_unmerged(&case, DB);
        stages(&case, &file(DB), [Some(&base), Some(&bad), Some(&ours)]);
        stays_unmerged(&case, DB);
    }
}

#[test]
fn the_only_side_that_is_left_is_no_version_of_it() {
    let case = Case::new();
    let base = old(&case, "begun", DB);
    for bad in bad_sides(&case) {
        stages(&case, &file(DB), [Some(&base), None, Some(&bad)]);
        stays_unmerged(&case, DB);
        stages(&case, &file(DB), [Some(&base), Some(&bad), None]);
        stays_unmerged(&case, DB);
        stages(&case, &file(DB), [None, None, Some(&bad)]);
        stays_unmerged(&case, DB);
        stages(&case, &file(DB), [Some(&bad), None, None]);
        stays_unmerged(&case, DB);
    }
}

#[test]
fn a_base_that_is_none_of_it_changes_nothing() {
    let case = Case::new();
    for bad in bad_sides(&case).into_iter().filter(|bad| bad.len() < 32 << 20) {
        let (ours, theirs) = (newest(&case), old(&case, "origin/feature", DB));
        stages(&case, &file(DB), [Some(&bad), Some(&ours), Some(&theirs)]);
        let said = case.alice.covault(["resolve", "--json"]);
        harmless(&["resolve"], &said);
        assert_eq!(json(&said)["settled"], serde_json::json!([DB]), "{}", said.text());
        let shown = case.alice.covault(["show", DB, "--reveal"]).ok().text();
        assert!(shown.contains(THIRD) && shown.contains("the value of the feature branch"), "{shown}");
        case.alice.git(["reset", "-q", "--hard"]).ok();
    }
}

#[test]
fn an_older_version_as_a_side() {
    let case = Case::new();
    let (base, ours) = (old(&case, "begun", DB), newest(&case));
    for sides in
        [[Some(&base), Some(&ours), Some(&base)], [None, Some(&base), Some(&ours)], [None, Some(&ours), Some(&base)]]
    {
        stages(&case, &file(DB), sides.map(|side| side.map(Vec::as_slice)));
        case.alice.covault(["resolve"]).ok();
        assert_eq!(case.alice.get(DB), THIRD);
        case.alice.git(["reset", "-q", "--hard"]).ok();
    }
}

#[test]
fn unmerged_files_whose_names_a_shell_would_run() {
    let case = Case::new();
    let ours = newest(&case);
    let names = ["$(touch pwned).age", "a;touch pwned.age", "dev/DB.age", "dev/db", "-rf.age", "dev/\u{202e}.age"];
    for name in names {
        stages(&case, &format!(".covault/secrets/{name}"), [Some(&ours), Some(&ours), Some(&ours)]);
        let said = case.alice.covault(["resolve"]);
        harmless(&["resolve"], &said);
        assert!(!case.alice.repo.join("pwned").exists());
        case.alice.git(["reset", "-q", "--hard"]).ok();
    }
    Attacked::of(case).comes_to_nothing();
}

#[test]
fn a_thousand_unmerged_files() {
    let case = Case::new();
    let ours = newest(&case);
    let blob = case.alice.fed("git", &ours, ["hash-object", "-w", "--stdin"]).ok().text();
    let line = |n: usize| (1..4).map(move |stage| (n, stage));
    let lines: String = (0..1000)
        .flat_map(line)
        .map(|(n, stage)| format!("100644 {} {stage}\t.covault/secrets/x/n{n}.age\n", blob.trim()))
        .collect();
    case.alice.fed("git", lines.as_bytes(), ["update-index", "--index-info"]).ok();
    let said = case.alice.covault(["resolve"]);
    harmless(&["resolve"], &said);
    case.alice.git(["reset", "-q", "--hard"]).ok();
    Attacked::of(case).comes_to_nothing();
}

/// alice takes in what a commit of mallory's has: nothing of it.
#[track_caller]
fn from_brings_nothing(deed: impl FnOnce(&Case)) {
    let case = Case::new();
    branch(&case, "main", deed);
    let before = super::head(&case);
    let said = case.alice.covault(["resolve", "--from", "origin/evil"]);
    harmless(&["resolve"], &said);
    assert!(said.code == 0 || said.code == 6 || said.code == 5, "{}: {}", said.code, said.err);
    assert_eq!(super::head(&case), before, "{}", said.err);
    Attacked::of(case).both_find(&[]).comes_to_nothing();
}

#[test]
fn from_a_commit_with_old_files() {
    from_brings_nothing(|case| drop(case.git(&["checkout", "-q", "begun", "--", ".covault/secrets"])));
}

#[test]
fn from_a_commit_with_forged_files() {
    from_brings_nothing(|case| {
        case.next(DB, "alice").signed_by(SigningKey::generate().unwrap()).put();
        case.next("prod/db", "wanda").to(&["adam", "alice", "wanda"]).put();
        case.birth("dev/invented", "gina").to(&["alice", "gina"]).put();
        case.next("dev/api", "rita").put();
    });
}

#[test]
fn from_a_commit_with_files_in_each_others_places() {
    from_brings_nothing(|case| {
        let (one, other) = (case.read(&file(DB)), case.read(&file("prod/db")));
        case.write(&file(DB), other);
        case.write(&file("prod/db"), &one);
        case.write(&file("dev/new"), &one);
    });
}

#[test]
fn from_a_commit_with_huge_files() {
    from_brings_nothing(|case| case.write(&file(DB), vec![0; 40 << 20]));
}

#[test]
fn from_a_commit_with_ill_formed_siblings() {
    from_brings_nothing(|case| case.write(&file(DB), by_hand(u32::MAX, &[case.read(&file(DB))])));
}

#[test]
fn from_a_commit_with_versions_of_one_who_was_removed_beside_the_newest() {
    from_brings_nothing(|case| {
        let forged = case.next(DB, "gina").to(&["alice", "gina"]).bytes();
        super::stuff(case, DB, vec![forged]);
    });
}

#[test]
fn from_a_commit_with_another_roster() {
    let case = Case::new();
    branch(&case, "main", |case| {
        let mallory = case.stranger("mallory");
        let operation = covault::model::roster::Operation::Admit {
            role: covault::model::roster::Role::Admin,
            card: mallory.card.clone(),
        };
        case.chain().admits("gina", operation, &mallory.signature).put();
    });
    let before = super::head(&case);
    let said = case.alice.covault(["resolve", "--from", "origin/evil", "--json"]);
    harmless(&["resolve"], &said);
    assert_ne!(said.code, 0, "{}", said.text());
    assert_eq!(super::head(&case), before);
    Attacked::of(case).both_find(&[]).comes_to_nothing();
}

#[test]
fn from_words_that_git_could_take_for_options() {
    let case = Case::new();
    for rev in [
        "--upload-pack=touch pwned",
        "$(touch pwned)",
        "-x",
        "",
        "a\nb",
        "HEAD:README",
        "main..begun",
        "^main",
        "\u{1b}[2J",
    ] {
        let said =
            case.alice.covault([format!("--from={rev}")].iter().fold(vec!["resolve".to_owned()], |mut all, one| {
                all.push(one.clone());
                all
            }));
        harmless(&["resolve"], &said);
        assert!(said.code == 3 || said.code == 2 || said.code == 1, "{rev:?}: {} {}", said.code, said.err);
        assert!(!case.alice.repo.join("pwned").exists());
    }
    Attacked::of(case).comes_to_nothing();
}
