//! What a branch brings when alice merges it.

use covault::model::card::Kind;
use covault::model::manifest::Manifest;
use covault::model::roster::{Operation, Role};
use covault::seal::{SealedFile, SigningKey, members};

use super::super::forge::{Stranger, member};
use super::super::rig::{Attacked, Case, ROSTER, file};
use super::{DB, FILE, THIRD, branch, head, hers, merged, old, stuff, untouched};
use crate::cli::json;
use crate::team;

const GET: &[&str] = &["get", DB];

/// Who the versions in alice's file are sealed to.
fn sealed_to(attacked: &Attacked, name: &str) -> Vec<Vec<String>> {
    let bytes = std::fs::read(attacked.case.alice.file(name)).unwrap();
    let readers = |bytes: &[u8]| {
        let sealed = SealedFile::parse(bytes).unwrap();
        sealed.manifest().readers.iter().map(|reader| reader.name.to_string()).collect()
    };
    members(&bytes).unwrap().into_iter().map(readers).collect()
}

/// The driver refuses what comes in: git stops with nothing touched.
#[track_caller]
fn driver_refuses(case: Case, why: &str) {
    case.alice.set(DB, "what alice wrote meanwhile");
    let before = head(&case);
    let said = case.alice.git(["merge", "-q", "--no-ff", "-m", "merge", "origin/evil"]);
    assert!(said.code != 0 && said.err.contains(why), "{}: {}", said.code, said.err);
    super::super::rig::harmless(&["merge"], &said);
    let attacked = Attacked::of(case);
    untouched(&attacked, &before);
    hers(attacked).both_find(&[]);
}

#[test]
fn an_old_file_on_a_branch() {
    let case = Case::new();
    branch(&case, "main", |case| case.write(&file(DB), old(case, "begun", DB)));
    let (attacked, said) = merged(case, true, 0);
    assert!(said.err.contains("older than what both sides had; ours stays"), "{}", said.err);
    hers(attacked);
}

#[test]
fn an_old_file_on_a_branch_where_nobody_asks_the_driver() {
    let case = Case::new();
    branch(&case, "main", |case| case.write(&file(DB), old(case, "begun", DB)));
    let (attacked, _) = merged(case, false, 0);
    let attacked = attacked.both_find(&[("rollback", FILE)]).spoils(&[DB]).refuses(GET, "it does not follow");
    attacked.ends(&["set", DB], 0, "both are joined").reads(DB, "written by alice");
}

#[test]
fn a_branch_that_went_back_twice_and_says_that_it_went_on() {
    let case = Case::new();
    branch(&case, "main", |case| {
        case.write(&file(DB), old(case, "begun", DB));
        case.git(&["commit", "-qam", "back"]);
        case.write(&file(DB), old(case, "origin/main", DB));
        case.git(&["commit", "-qam", "and on"]);
        case.write(&file(DB), old(case, "begun", DB));
    });
    let (attacked, said) = merged(case, true, 0);
    assert!(said.err.contains("ours stays"), "{}", said.err);
    hers(attacked);
}

#[test]
fn a_forged_side() {
    let case = Case::new();
    branch(&case, "main", |case| case.next(DB, "alice").signed_by(SigningKey::generate().unwrap()).put());
    driver_refuses(case, "signed with a key that is not");
}

#[test]
fn a_forged_side_where_nobody_asks_the_driver() {
    let case = Case::new();
    branch(&case, "main", |case| case.next(DB, "alice").signed_by(SigningKey::generate().unwrap()).put());
    let (attacked, _) = merged(case, false, 0);
    attacked
        .both_find(&[("rollback", FILE), ("signature", FILE)])
        .spoils(&[DB])
        .refuses(GET, "signed with a key that is not");
}

#[test]
fn a_side_of_another_secret() {
    let case = Case::new();
    branch(&case, "main", |case| case.write(&file(DB), case.read(&file("dev/api"))));
    driver_refuses(case, "another name");
}

#[test]
fn a_side_that_is_no_sealed_file() {
    for bytes in [&b""[..], b"\n", b"<<<<<<< ours\n=======\n>>>>>>> theirs\n", b"covault-siblings 1\n\0\0\0\0\x09"] {
        let case = Case::new();
        branch(&case, "main", |case| case.write(&file(DB), bytes));
        driver_refuses(case, "error: ");
    }
}

#[test]
fn a_side_larger_than_any() {
    let case = Case::new();
    branch(&case, "main", |case| case.write(&file(DB), vec![b'a'; (32 << 20) + 1]));
    driver_refuses(case, "bytes");
}

#[test]
fn a_side_that_is_sealed_to_mallory() {
    let case = Case::new();
    branch(&case, "main", |case| case.next(DB, "wanda").and_to(&case.stranger("mallory").card).put());
    driver_refuses(case, "db.age is refused: a reader is no member");
}

#[test]
fn a_side_with_mallorys_stanza_in_ritas_place() {
    let case = Case::new();
    branch(&case, "main", |case| case.next(DB, "wanda").stanzas_of("rita", &case.stranger("rita").card).put());
    // The stanzas are as many and of the right kind: who they are for shows to nobody. What alice seals is for rita.
    case.alice.set(DB, "what alice wrote meanwhile");
    let said = case.alice.git(["merge", "-q", "--no-ff", "-m", "merge", "origin/evil"]).ok();
    super::super::rig::harmless(&["merge"], &said);
    case.alice.set(DB, "what alice wrote in the end");
    case.alice.git(["push", "-q"]).ok();
    assert_eq!(case.clone_of("rita").get(DB), "what alice wrote in the end");
}

#[test]
fn a_branch_from_before_somebody_left_is_sealed_to_her_no_more() {
    let case = Case::new();
    branch(&case, "origin/feature", |_| {});
    let (attacked, _) = merged(case, true, 0);
    let readers = sealed_to(&attacked, DB);
    assert!(readers.len() == 1 && !readers[0].contains(&"gina".to_owned()), "{readers:?}");
    attacked.both_find(&[]);
}

#[test]
fn a_side_of_one_who_was_removed() {
    let case = Case::new();
    branch(&case, "origin/feature", |case| case.next(DB, "gina").put());
    let (attacked, said) = merged(case, true, 0);
    assert!(said.err.contains("what gina wrote is kept beside it and counts for nothing"), "{}", said.err);
    hers(attacked).both_find(&[("standing", FILE)]);
}

#[test]
fn a_side_of_a_reader() {
    let case = Case::new();
    branch(&case, "main", |case| case.next(DB, "rita").put());
    let (attacked, said) = merged(case, true, 0);
    assert!(said.err.contains("what rita wrote is kept beside it and counts for nothing"), "{}", said.err);
    hers(attacked).both_find(&[("standing", FILE)]);
}

#[test]
fn a_side_of_a_writer_for_a_machine_that_may_not_read() {
    let case = Case::new();
    branch(&case, "main", |case| case.next(DB, "wanda").to(&["adam", "alice", "ci", "rita", "wanda"]).put());
    let (attacked, _) = merged(case, true, 0);
    let hers_alone = hers(attacked);
    let own = sealed_to(&hers_alone, DB).into_iter().filter(|readers| !readers.contains(&"ci".to_owned()));
    assert_eq!(own.count(), 1);
    hers_alone.both_find(&[("entitled", FILE)]);
}

#[test]
fn many_of_one_who_was_removed_on_both_sides() {
    let case = Case::new();
    let forged = |case: &Case, n: i64| {
        let to = ["alice", "gina"];
        let at = covault::model::time::Time::from_unix(super::super::forge::NOW + n);
        case.next(DB, "gina").to(&to).with(|it| it.at = at).bytes()
    };
    stuff(&case, DB, (0..20).map(|n| forged(&case, n)).collect());
    case.deliver();
    branch(&case, "origin/main~1", |case| stuff(case, DB, (10..30).map(|n| forged(case, n)).collect()));
    let (attacked, _) = merged(case, true, 0);
    hers(attacked).both_find(&[("standing", FILE)]);
}

fn remove_adam(case: &Case) {
    let adam = team::vault(&case.alice).roster().named(&member("adam")).unwrap().reference();
    let leaves = Operation::Remove { member: adam, live: Vec::new() };
    team::amend(&case.alice, vec![leaves.into()], "covault: adam leaves");
    case.alice.git(["push", "-q"]).ok();
}

/// Both changed dev/db, and gina, whose keys mallory has, was an admin until alice took her out.
fn forked_roster(also: impl FnOnce(&Case)) -> Case {
    let case = Case::new();
    remove_adam(&case);
    branch(&case, "main", |case| {
        let mallory = case.stranger("mallory");
        let admits = Operation::Admit { role: Role::Writer, card: mallory.card.clone() };
        assert_eq!(mallory.card.kind, Kind::Person);
        case.chain().admits("adam", admits, &mallory.signature).put();
        let home = case.world.path().join("mallory home/.config/covault");
        std::fs::create_dir_all(&home).unwrap();
        std::fs::write(home.join("signing_ed25519"), mallory.key.to_openssh("mallory").unwrap().as_bytes()).unwrap();
        also(case);
    });
    case
}

#[test]
fn a_side_under_a_roster_that_a_removed_admin_extended() {
    let case = forked_roster(|case| case.next(DB, "mallory").put());
    case.alice.set(DB, "what alice wrote meanwhile");
    let said = case.alice.git(["merge", "-q", "--no-ff", "-m", "merge", "origin/evil"]);
    assert_ne!(said.code, 0);
    assert!(said.err.contains("adam extended, who is no admin"), "{}", said.err);
    let said = case.alice.covault(["resolve"]);
    assert!([5, 7].contains(&said.code), "{}: {}", said.code, said.err);
    super::super::rig::harmless(&["resolve"], &said);
    case.alice.git(["merge", "--abort"]).ok();
    hers(Attacked::of(case)).both_find(&[]);
}

#[test]
fn a_forged_side_beside_a_roster_that_a_removed_admin_extended() {
    let case = forked_roster(|case| {
        let before = case.roster_at("main");
        let known = |it: &mut Manifest| (it.roster.seq, it.roster.head) = (before.seq, before.head);
        case.next(DB, "alice").with(known).signed_by(SigningKey::generate().unwrap()).put();
    });
    case.alice.set(DB, "what alice wrote meanwhile");
    let said = case.alice.git(["merge", "-q", "--no-ff", "-m", "merge", "origin/evil"]);
    assert_ne!(said.code, 0);
    // No look at the roster makes this one good.
    assert!(said.err.contains("signed with a key that is not"), "{}", said.err);
    assert_eq!(case.alice.git(["status", "--porcelain"]).ok().text(), "");
    hers(Attacked::of(case)).both_find(&[]);
}

#[test]
fn a_roster_that_a_removed_admin_extended_alone() {
    let case = forked_roster(|_| {});
    let said = case.alice.git(["merge", "-q", "--no-ff", "-m", "merge", "origin/evil"]);
    assert!(said.code != 0 && said.err.contains("adam"), "{}: {}", said.code, said.err);
    case.alice.git(["merge", "--abort"]).ok();
    let readers = |name: &str| case.alice.covault(["who", name]).ok().text().contains("mallory");
    assert!(!readers(DB));
    Attacked::of(case).comes_to_nothing();
}

#[test]
fn a_removed_admins_roster_taken_by_hand() {
    let case = forked_roster(|case| case.next(DB, "mallory").put());
    case.alice.git(["merge", "-q", "-X", "theirs", "--no-commit", "origin/evil"]);
    case.alice.git(["checkout", "origin/evil", "--", ".covault"]).ok();
    case.alice.git(["commit", "-q", "--no-verify", "-m", "taken by hand"]).ok();
    let attacked = Attacked::of(case).spoils(&super::super::rig::ALL);
    attacked.refuses(GET, "").refuses(&["set", DB], "");
}

/// adam takes peter in, whose keys mallory has, as one more admin on the branch `evil`.
fn admits_peter(case: &Case) -> Stranger {
    let peter = case.stranger("peter");
    branch(case, "main", |case| {
        let admits = Operation::Admit { role: Role::Admin, card: peter.card.clone() };
        case.chain().admits("adam", admits, &peter.signature).put();
    });
    peter
}

/// peter extends the roster of a branch that has him, and alice, to whom adam is no admin any more, stands there.
fn extended_by(case: &Case, peter: &Stranger, from: &str) {
    branch(case, from, |case| {
        let mallory = case.stranger("mallory");
        let admits = Operation::Admit { role: Role::Writer, card: mallory.card.clone() };
        let (by, signature) = (Some(peter.card.hash()), Some(mallory.signature.clone()));
        case.chain().signed(by, admits, &peter.key, signature).put();
    });
    case.alice.git(["checkout", "-q", "-b", "looked-at", "origin/evil"]).ok();
}

/// On the branch nothing is sealed, and no merge is signed without alice's word.
#[track_caller]
fn is_looked_at(case: &Case, by: &str) {
    let said = case.alice.covault_fed(b"written by alice", ["set", "prod/new"]).exits(6);
    assert!(said.err.contains(&format!("of this branch was extended by {by}, who is no admin")), "{}", said.err);
    case.alice.git(["checkout", "-q", "main"]).ok();
    let said = case.alice.git(["merge", "-q", "--no-ff", "-m", "merge", "origin/evil"]);
    assert!(said.code != 0 && said.err.contains(&format!("by {by}, who is no admin on the other")), "{}", said.err);
    case.alice.git(["merge", "--abort"]).ok();
}

#[test]
fn one_whom_a_merge_left_out_goes_on_with_the_branch_that_has_them() {
    let case = Case::new();
    let peter = admits_peter(&case);
    remove_adam(&case);
    assert_ne!(case.alice.git(["merge", "-q", "--no-ff", "-m", "merge", "origin/evil"]).code, 0);
    let said = case.alice.covault(["resolve"]).ok();
    assert!((said.text() + &said.err).contains("peter, whom one branch admitted, is not in"), "{}", said.err);
    case.alice.git(["commit", "-q", "-m", "merge"]).ok();
    case.alice.git(["push", "-q", "origin", "main"]).ok();
    extended_by(&case, &peter, "origin/evil");
    is_looked_at(&case, "peter");
    // What was sealed to him while he was in can be asked about.
    case.alice.covault(["expose", "peter"]).ok();
    case.alice.covault(["who", "--can", "peter"]).ok();
}

#[test]
fn what_a_removed_admin_signed_is_looked_at_where_a_merge_embeds_it() {
    let case = Case::new();
    let peter = admits_peter(&case);
    // alice takes it into a branch of hers while adam is an admin.
    case.alice.git(["checkout", "-q", "-b", "work"]).ok();
    case.alice.covault(["group", "set", "late", "alice", "--yes"]).ok();
    case.alice.git(["merge", "-q", "--no-ff", "-m", "merge", "origin/evil"]).ok();
    case.alice.git(["push", "-q", "origin", "work"]).ok();
    case.alice.git(["checkout", "-q", "main"]).ok();
    remove_adam(&case);
    case.git(&["fetch", "-q"]);
    extended_by(&case, &peter, "origin/work");
    is_looked_at(&case, "adam");
}

#[test]
fn a_roster_cut_back_on_a_branch() {
    let case = Case::new();
    branch(&case, "main", |case| case.write(ROSTER, case.at_commit("branched", ROSTER)));
    case.alice.covault(["group", "set", "late", "alice", "--yes"]).ok();
    let (attacked, said) = merged(case, true, 0);
    assert!(said.err.contains("older than what both sides had; ours stays"), "{}", said.err);
    assert!(attacked.case.alice.covault(["group", "ls"]).ok().text().contains("late"));
    hers(attacked);
}

#[test]
fn a_roster_cut_back_on_a_branch_where_nobody_asks_the_driver() {
    let case = Case::new();
    branch(&case, "main", |case| case.write(ROSTER, case.at_commit("branched", ROSTER)));
    let (attacked, _) = merged(case, false, 0);
    attacked
        .spoils(&super::super::rig::ALL)
        .refuses(GET, "the roster was rolled back or replaced")
        .refuses(&["set", DB], "the roster was rolled back or replaced");
}

#[test]
fn a_secret_taken_away_on_a_branch() {
    let case = Case::new();
    branch(&case, "main", |case| case.remove(&file(DB)));
    let (attacked, _) = merged(case, false, 0);
    let attacked = attacked.both_find(&[("removed", FILE)]).spoils(&[DB]).refuses(GET, "was taken away");
    attacked.ends(&["set", DB], 0, "was taken away").reads(DB, "written by alice");
}

#[test]
fn a_secret_taken_away_on_a_branch_that_alice_changed() {
    let case = Case::new();
    branch(&case, "main", |case| case.remove(&file(DB)));
    let (attacked, _) = merged(case, true, 1);
    let alice = &attacked.case.alice;
    let settled = json(&alice.covault(["resolve", "--json"]).ok());
    assert_eq!(settled["settled"], serde_json::json!([DB]));
    alice.git(["commit", "-q", "--no-edit"]).ok();
    hers(attacked);
}

#[test]
fn an_edit_that_mallory_merged_away() {
    let case = Case::new();
    branch(&case, "main", |case| drop(case.git(&["merge", "-q", "-s", "ours", "-m", "merge", "origin/feature"])));
    let (attacked, _) = merged(case, false, 0);
    let attacked = attacked.both_find(&[("rollback", FILE)]);
    let alice = &attacked.case.alice;
    assert_eq!(alice.get(DB), THIRD);
    alice.covault(["resolve", "--from", "origin/feature"]).ok();
    let shown = alice.covault(["show", DB, "--reveal"]).ok().text();
    assert!(shown.contains(THIRD) && shown.contains("the value of the feature branch"), "{shown}");
}

#[test]
fn a_merge_commit_that_takes_one_side() {
    let case = Case::new();
    case.alice.set(DB, "what alice wrote meanwhile");
    case.alice.git(["push", "-q"]).ok();
    case.alice.get(DB);
    case.git(&["checkout", "-q", "-B", "side", "origin/feature"]);
    case.git(&["fetch", "-q"]);
    case.git(&["merge", "-q", "-s", "ours", "-m", "merge", "origin/main"]);
    case.write(ROSTER, case.at_commit("origin/main", ROSTER));
    case.deliver();
    let attacked = Attacked::of(case).spoils(&super::super::rig::ALL);
    let said = attacked.case.alice.covault(GET).exits(6);
    assert!(said.err.contains("does not follow"), "{}", said.err);
}

#[test]
fn a_merge_commit_that_invents_a_file() {
    let case = Case::new();
    case.git(&["merge", "-q", "-s", "ours", "--no-commit", "origin/feature"]);
    case.next(DB, "alice").signed_by(SigningKey::generate().unwrap()).put();
    case.birth("dev/invented", "gina").to(&["alice", "gina"]).put();
    case.deliver();
    let attacked = Attacked::of(case).spoils(&[DB]).refuses(GET, "signed with a key that is not");
    attacked.refuses(&["get", "dev/invented"], "may not write").refuses(&["set", "dev/invented"], "");
}

#[test]
fn an_octopus_that_drops_two_of_three() {
    let case = Case::new();
    branch(&case, "main", |case| {
        case.git(&["branch", "-f", "one", "origin/feature"]);
        case.git(&["branch", "-f", "two", "begun^{commit}"]);
        let tree = case.git(&["rev-parse", "main^{tree}"]);
        let commit = case.git(&["commit-tree", &tree, "-p", "main", "-p", "one", "-p", "two", "-m", "octopus"]);
        case.git(&["reset", "-q", "--hard", &commit]);
    });
    let (attacked, _) = merged(case, true, 0);
    hers(attacked).both_find(&[("rollback", FILE)]);
}

#[test]
fn a_criss_cross_with_an_old_side() {
    let case = Case::new();
    case.alice.set(DB, "what alice wrote first");
    case.alice.git(["push", "-q"]).ok();
    branch(&case, "begun^{commit}", |case| {
        case.write("README", "work");
        case.git(&["commit", "-qam", "work"]);
        case.git(&["fetch", "-q"]);
        case.git(&["merge", "-q", "-s", "ours", "-m", "merge", "origin/main"]);
        case.git(&["checkout", "-q", "origin/main", "--", ROSTER]);
    });
    case.alice.git(["merge", "-q", "--no-ff", "-m", "merge", "origin/evil~1"]).ok();
    let (attacked, said) = merged(case, true, 0);
    assert!(said.err.contains("ours stays"), "{}", said.err);
    assert_eq!(attacked.case.alice.get(DB), "what alice wrote meanwhile");
}

#[test]
fn an_old_commit_played_again() {
    let case = Case::new();
    branch(&case, "main", |case| {
        let log = case.git(&["log", "--format=%H", "--", &file(DB)]);
        let second = log.lines().nth(1).unwrap();
        case.git(&["cherry-pick", "--allow-empty", "-X", "theirs", "--keep-redundant-commits", second]);
    });
    let [evil, trunk] = ["evil", "main"].map(|branch| old(&case, branch, DB));
    assert_ne!(evil, trunk, "mallory's branch has what the trunk has");
    // Git's own answer to it is a conflict, of which mallory took the old side.
    let (attacked, _) = merged(case, true, 0);
    hers(attacked).both_find(&[("rollback", FILE)]);
}

#[test]
fn a_revert_that_mallory_pushed_before_alice_pulls() {
    for way in ["--no-rebase", "--rebase"] {
        let case = Case::new();
        case.alice.set(DB, "what alice wrote meanwhile");
        let newest = case.git(&["log", "-1", "--format=%H", "--", &file(DB)]);
        case.git(&["revert", "--no-edit", &newest]);
        case.git(&["push", "-q"]);
        let said = case.alice.git(["pull", "-q", way, "--no-edit"]);
        super::super::rig::harmless(&["pull"], &said);
        let alice = &case.alice;
        let got = alice.covault(GET);
        if got.code == 0 {
            assert_eq!(got.text(), "what alice wrote meanwhile", "{way}");
        } else {
            assert!(got.code == 6 && got.err.contains("does not follow"), "{way}: {}", got.err);
        }
        alice.set(DB, "what alice wrote in the end");
        assert_eq!(alice.get(DB), "what alice wrote in the end", "{way}");
    }
}

#[test]
fn an_old_version_of_one_field_under_a_rebase_of_another() {
    // What alice replays is the change of one field; the other one must not come back with an old value as if she said so.
    let case = Case::new();
    case.alice.covault(["set", DB, "user=first"]).ok();
    case.alice.git(["push", "-q"]).ok();
    let before = head(&case);
    case.alice.covault(["set", DB, "user=second"]).ok();
    case.alice.git(["push", "-q"]).ok();
    case.alice.get("dev/db/user");
    case.git(&["pull", "-q", "--ff-only"]);
    case.alice.covault_fed(b"changed beside it", ["set", DB, "--stdin", "value"]).ok();
    case.write(&file(DB), old(&case, &before, DB));
    case.git(&["commit", "-qam", "back"]);
    case.git(&["push", "-q"]);
    let said = case.alice.git(["pull", "-q", "--rebase"]);
    super::super::rig::harmless(&["pull"], &said);
    let got = case.alice.covault(["get", "dev/db/user"]);
    assert!(got.code == 6 || got.text() == "second", "{}: {}", got.code, got.text());
    case.alice.covault(["set", DB, "--tag", "web"]).ok();
    assert_eq!(case.alice.get("dev/db/user"), "second");
    assert_eq!(case.alice.get("dev/db/value"), "changed beside it");
}
