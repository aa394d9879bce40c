//! Commits on branches that nobody has checked out.

use std::process::Command;

use covault::repo::{Change, ObjectId, Repo, RepoError, Result};

use super::{DB, NOW, Place, run};

const BRANCH: &str = "covault/join/alice";
const CARD: &str = ".covault/requests/alice.toml";

fn ask(repo: &Repo, base: Option<ObjectId>, text: &str) -> Result<ObjectId> {
    repo.commit_on_branch(BRANCH, base, &[Change::write(CARD, text)], "ask to join\n\nplease", NOW)
}

/// Everything that must stay as it is.
fn state(place: &Place) -> (String, String, String, Vec<u8>) {
    let head = place.git(&["rev-parse", "--symbolic-full-name", "HEAD"]);
    let index = std::fs::read(place.top.join(".git/index")).unwrap_or_default();
    (head, place.git(&["status", "--porcelain=v2", "-uall"]), place.git(&["for-each-ref", "refs/heads/main"]), index)
}

#[test]
fn a_commit_on_a_branch_leaves_head_index_and_work_tree_alone() {
    for format in [[].as_slice(), &["--object-format=sha256"], &["--ref-format=reftable"]] {
        let place = Place::with_vault_in(format);
        place.put("staged.txt", "staged");
        place.git(&["add", "staged.txt"]);
        place.put("notes.txt", "edited");
        place.git(&["status"]);
        let repo = place.repo();
        let main = repo.head().unwrap().commit.unwrap();
        let before = state(&place);
        let first = ask(&repo, Some(main), "one\n").unwrap();
        assert_eq!(state(&place), before);
        assert!(!place.top.join(CARD).exists());
        assert_eq!(place.git(&["rev-parse", BRANCH]).trim(), first.to_string());
        assert_eq!(place.git(&["show", &format!("{BRANCH}:{CARD}")]), "one\n");
        assert_eq!(place.git(&["diff-tree", "-r", "--name-only", "main", BRANCH]), format!("{CARD}\n"));
        let said = place.git(&["log", "-1", "--format=%P|%an|%ae|%at|%B", BRANCH]);
        assert_eq!(said, format!("{main}|Alice|alice@example.com|{NOW}|ask to join\n\nplease\n\n"));
        assert_eq!(place.git(&["reflog", "-1", "--format=%gs", BRANCH]), "commit: ask to join\n");
        // The same again is no commit; the branch's tip counts before any base.
        assert_eq!(ask(&repo, Some(main), "one\n").unwrap(), first);
        let second = ask(&repo, None, "two\n").unwrap();
        assert_eq!(repo.parents(second).unwrap(), [first]);
        let gone = repo.commit_on_branch(BRANCH, None, &[Change::delete(CARD)], "withdraw", NOW).unwrap();
        assert_eq!(repo.tree_at(gone, "").unwrap(), repo.tree_at(main, "").unwrap());
        assert_eq!(state(&place), before);
        place.git(&["fsck", "--strict"]);
    }
}

#[test]
fn a_new_branch_begins_at_its_base_or_at_nothing() {
    let place = Place::with_vault();
    let repo = place.repo();
    let main = repo.head().unwrap().commit.unwrap();
    assert_eq!(repo.commit_on_branch("same", Some(main), &[], "nothing", NOW).unwrap(), main);
    assert_eq!(repo.resolve("same").unwrap(), main);
    let root = ask(&repo, None, "one\n").unwrap();
    assert!(repo.parents(root).unwrap().is_empty());
    assert_eq!(place.git(&["ls-tree", "-r", "--name-only", BRANCH]), format!("{CARD}\n"));
    // Beside an unborn branch, too.
    let unborn = Place::empty(&[]);
    ask(&unborn.repo(), None, "one\n").unwrap();
    assert_eq!(unborn.repo().head().unwrap().commit, None);
}

#[test]
fn a_branch_that_is_in_use_is_not_moved() {
    for format in [[].as_slice(), &["--ref-format=reftable"]] {
        let place = Place::with_vault_in(format);
        let repo = place.repo();
        let main = repo.head().unwrap().commit;
        let refused = |repo: &Repo, branch: &str| {
            let error = repo.commit_on_branch(branch, main, &[Change::write(CARD, "x")], "x", NOW).unwrap_err();
            assert!(matches!(error, RepoError::BranchInUse { .. }), "{error:?}");
        };
        refused(&repo, "main");
        let linked = place.beside("linked tree");
        place.git(&["worktree", "add", "-q", "-b", BRANCH, linked.to_str().unwrap()]);
        refused(&repo, BRANCH);
        refused(&Repo::discover(&linked).unwrap(), "main");
        // A rebase has its branch in its pocket.
        run(&linked, &["config", "core.editor", "true"]);
        run(&linked, &["commit", "-q", "--allow-empty", "-m", "aside"]);
        let begun = ["-c", "sequence.editor=echo break >", "rebase", "-q", "-i", "--root"];
        let _ = super::command(&linked, &begun).output().unwrap();
        assert!(run(&linked, &["status"]).contains("rebas"));
        refused(&repo, BRANCH);
        run(&linked, &["rebase", "--abort"]);
        run(&linked, &["checkout", "-q", "--detach"]);
        ask(&repo, main, "free\n").unwrap();
        // An unborn branch is somebody's, too, and an alias is what it points to.
        run(&linked, &["checkout", "-q", "--orphan", "unborn"]);
        refused(&repo, "unborn");
        place.git(&["symbolic-ref", "refs/heads/alias", "refs/heads/main"]);
        refused(&repo, "alias");
    }
}

#[test]
fn names_that_no_branch_can_have_are_refused() {
    let place = Place::with_vault();
    for name in ["", "a b", "../x", "HEAD", "-x", "a..b", "x.lock", "a//b", "a\nb"] {
        let error = place.repo().commit_on_branch(name, None, &[], "x", NOW).unwrap_err();
        assert!(matches!(error, RepoError::BadBranch { .. }), "{name}: {error:?}");
    }
    let path = [Change::write("../x", "x")];
    assert!(matches!(place.repo().commit_on_branch("b", None, &path, "x", NOW), Err(RepoError::BadPath { .. })));
    assert_eq!(place.git(&["for-each-ref", "--format=%(refname)"]), "refs/heads/main\n");
}

#[test]
fn many_at_once_all_get_their_commit_onto_the_branch() {
    let place = Place::with_vault();
    let base = place.repo().head().unwrap().commit;
    std::thread::scope(|scope| {
        for n in 0..4 {
            let top = &place.top;
            scope.spawn(move || {
                let change = [Change::write(format!(".covault/requests/{n}"), "x")];
                Repo::discover(top).unwrap().commit_on_branch(BRANCH, base, &change, "ask", NOW).unwrap();
            });
        }
    });
    assert_eq!(place.git(&["ls-tree", "-r", "--name-only", BRANCH, ".covault/requests/"]).lines().count(), 4);
    assert_eq!(place.git(&["rev-list", "--count", &format!("main..{BRANCH}")]), "4\n");
}

#[test]
fn a_branch_where_a_folder_of_branches_is_says_so_and_nothing_is_staged() {
    let place = Place::with_vault();
    place.git(&["branch", &format!("{BRANCH}/below")]);
    let error = ask(&place.repo(), None, "x").unwrap_err();
    assert!(matches!(error, RepoError::RefUpdate { staged: false, .. }), "{error:?}");
    assert!(!error.to_string().contains("staged"), "{error}");
    assert_eq!(place.git(&["status", "--porcelain"]), "");
}

#[test]
fn the_commit_is_signed_where_git_says_so() {
    let place = Place::with_vault();
    let key = place.beside("key");
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status().unwrap();
    assert!(made.success());
    let allowed = place.beside("allowed");
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    std::fs::write(&allowed, format!("alice@example.com {public}")).unwrap();
    place.git(&["config", "gpg.format", "ssh"]);
    place.git(&["config", "user.signingkey", key.to_str().unwrap()]);
    place.git(&["config", "gpg.ssh.allowedSignersFile", allowed.to_str().unwrap()]);
    place.git(&["config", "commit.gpgsign", "true"]);
    let commit = ask(&place.repo(), None, "one\n").unwrap();
    place.git(&["verify-commit", &commit.to_string()]);
    place.git(&["config", "user.signingkey", "/nowhere/key"]);
    let error = ask(&place.repo(), None, "two\n").unwrap_err();
    assert!(matches!(error, RepoError::Signing { staged: false, .. }), "{error:?}");
    assert_eq!(place.repo().resolve(BRANCH).unwrap(), commit);
}

#[test]
fn a_partial_clone_without_trees_commits_beside_them() {
    let origin = Place::with_vault();
    origin.git(&["config", "uploadpack.allowFilter", "true"]);
    origin.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    for args in [["--filter=tree:0", "--no-checkout"], ["--depth=1", "--no-checkout"]] {
        let clone = origin.clone_as("clone", &args);
        let repo = clone.repo();
        let base = repo.head().unwrap().commit;
        ask(&repo, base, "one\n").unwrap();
        assert_eq!(clone.git(&["show", &format!("{BRANCH}:{DB}")]), "old\n");
        assert_eq!(clone.git(&["diff-tree", "-r", "--name-only", "HEAD", BRANCH]), format!("{CARD}\n"));
    }
}
