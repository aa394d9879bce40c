//! Branches: listing them, finding the trunk, where a push goes.

use covault::repo::{ObjectId, Repo};

use super::{Place, run};

fn trunk(place: &Place) -> Option<(String, ObjectId, bool)> {
    place.repo().trunk().unwrap().map(|trunk| (trunk.name, trunk.commit, trunk.remote))
}

#[track_caller]
fn assert_trunk(place: &Place, name: &str) {
    let commit = ObjectId::from_hex(place.git(&["rev-parse", name]).trim().as_bytes()).unwrap();
    assert_eq!(trunk(place), Some((name.to_owned(), commit, name.starts_with("refs/remotes/"))));
}

fn is_trunk_branch(place: &Place) -> bool {
    let repo = place.repo();
    repo.is_trunk_branch(&repo.trunk().unwrap().unwrap(), &repo.head().unwrap())
}

const FORMATS: [&[&str]; 3] = [&[], &["--object-format=sha256"], &["--ref-format=reftable"]];

#[test]
fn branches_are_listed_by_their_beginning_here_and_on_remotes() {
    for format in FORMATS {
        let place = Place::with_vault_in(format);
        for name in ["covault/join/alice", "covault/join/bob", "covault/joint", "covault/other"] {
            place.git(&["branch", name]);
            place.git(&["commit", "-q", "--allow-empty", "-m", name]);
        }
        place.git(&["update-ref", "refs/remotes/origin/covault/join/carol", "HEAD"]);
        place.git(&["update-ref", "refs/remotes/a/b/covault/join/dave", "HEAD~1"]);
        place.git(&["config", "remote.a/b.url", "/nowhere"]);
        place.git(&["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/covault/join/carol"]);
        place.git(&["tag", "covault/join/tag"]);
        place.git(&["symbolic-ref", "refs/heads/covault/join/dangling", "refs/heads/nothing"]);
        place.git(&["symbolic-ref", "refs/heads/covault/join/alias", "refs/heads/covault/join/bob"]);
        let judged = |patterns: &[&str]| -> Vec<(String, ObjectId)> {
            let listed = place.git(&[&["for-each-ref", "--format=%(refname) %(objectname)"], patterns].concat());
            let parse = |line: &str| line.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
            listed.lines().map(parse).map(|(name, id)| (name, ObjectId::from_hex(id.as_bytes()).unwrap())).collect()
        };
        for packed in [false, true] {
            if packed {
                place.git(&["pack-refs", "--all"]);
            }
            let found = place.repo().branches("covault/join/").unwrap();
            let patterns =
                ["refs/heads/covault/join/", "refs/remotes/origin/covault/join", "refs/remotes/a/b/covault/join"];
            assert_eq!(found, judged(&patterns));
            assert_eq!(found.len(), 5);
            let all = judged(&["refs/heads", "refs/remotes"]);
            let all: Vec<_> = all.into_iter().filter(|(name, _)| name != "refs/remotes/origin/HEAD").collect();
            assert_eq!(place.repo().branches("").unwrap(), all);
            assert_eq!(place.repo().branches("covault/join/ali").unwrap().len(), 2);
            assert_eq!(place.repo().branches("nothing/").unwrap(), []);
        }
    }
}

#[test]
fn a_broken_ref_is_skipped() {
    let place = Place::with_vault();
    place.git(&["branch", "covault/join/alice"]);
    let heads = place.top.join(".git/refs/heads/covault/join");
    std::fs::write(heads.join("torn"), "0123\n").unwrap();
    std::fs::write(heads.join("gone"), format!("{}\n", "1".repeat(40))).unwrap();
    let found = place.repo().branches("covault/").unwrap();
    assert_eq!(found.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["refs/heads/covault/join/alice"]);
    std::fs::write(place.top.join(".git/refs/heads/main"), "0123\n").unwrap();
    place.git(&["config", "covault.trunk", "main"]);
    assert_eq!(trunk(&place), None);
}

#[test]
fn the_trunk_is_what_the_setting_says_else_what_the_remote_says_else_the_branch_of_the_beginning() {
    for format in FORMATS {
        let place = Place::with_vault_in(format);
        assert_eq!(trunk(&place), None);
        place.git(&["config", "covault.branch", "main"]);
        assert_trunk(&place, "refs/heads/main");
        place.git(&["commit", "-q", "--allow-empty", "-m", "not published"]);
        // What is published counts.
        place.git(&["update-ref", "refs/remotes/origin/main", "HEAD~1"]);
        assert_trunk(&place, "refs/remotes/origin/main");
        assert!(is_trunk_branch(&place));
        // The upstream before the branch of the same name.
        place.git(&["update-ref", "refs/remotes/fork/stable", "HEAD"]);
        place.git(&["config", "branch.main.remote", "fork"]);
        place.git(&["config", "branch.main.merge", "refs/heads/stable"]);
        assert_trunk(&place, "refs/remotes/fork/stable");
        assert!(is_trunk_branch(&place));
        // Through the refspec where there is one.
        place.git(&["config", "remote.fork.url", "/nowhere"]);
        place.git(&["config", "remote.fork.fetch", "+refs/heads/*:refs/remotes/spoon/*"]);
        assert_trunk(&place, "refs/remotes/origin/main");
        place.git(&["update-ref", "refs/remotes/spoon/stable", "HEAD"]);
        assert_trunk(&place, "refs/remotes/spoon/stable");
        // What the remote says.
        place.git(&["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/dangling"]);
        assert_trunk(&place, "refs/remotes/spoon/stable");
        place.git(&["update-ref", "refs/remotes/origin/develop", "HEAD"]);
        place.git(&["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/develop"]);
        assert_trunk(&place, "refs/remotes/origin/develop");
        assert!(!is_trunk_branch(&place));
        // What the person says.
        for (said, meant) in [
            ("main", "refs/remotes/spoon/stable"),
            ("refs/heads/main", "refs/remotes/spoon/stable"),
            ("origin/main", "refs/remotes/origin/main"),
            ("refs/remotes/origin/develop", "refs/remotes/origin/develop"),
            ("develop", "refs/remotes/origin/develop"),
        ] {
            place.git(&["config", "covault.trunk", said]);
            assert_trunk(&place, meant);
        }
        for nothing in ["nowhere", "refs/heads/nowhere", "refs/tags", "a b", "../x", "-x", "refs/heads/..", "HEAD"] {
            place.git(&["config", "covault.trunk", nothing]);
            assert_eq!(place.repo().trunk().unwrap(), None, "{nothing}");
        }
    }
}

#[test]
fn a_feature_branch_that_follows_the_trunk_is_not_it() {
    let origin = Place::with_vault();
    let clone = origin.clone_as("clone", &[]);
    assert_trunk(&clone, "refs/remotes/origin/main");
    assert!(is_trunk_branch(&clone));
    clone.git(&["checkout", "-q", "-b", "feature", "origin/main"]);
    assert_eq!(clone.git(&["config", "branch.feature.merge"]), "refs/heads/main\n");
    assert!(!is_trunk_branch(&clone));
    clone.git(&["checkout", "-q", "--detach"]);
    assert!(!is_trunk_branch(&clone));
    // A linked work tree has a HEAD of its own and shares the trunk.
    let linked = clone.beside("linked");
    clone.git(&["worktree", "add", "-q", linked.to_str().unwrap(), "main"]);
    let repo = Repo::discover(&linked).unwrap();
    let trunk = repo.trunk().unwrap().unwrap();
    assert_eq!(trunk.name, "refs/remotes/origin/main");
    assert!(repo.is_trunk_branch(&trunk, &repo.head().unwrap()));
    assert_eq!(run(&linked, &["rev-parse", "origin/main"]).trim(), trunk.commit.to_string());
}

#[test]
fn an_empty_repository_has_no_trunk() {
    for format in FORMATS {
        let place = Place::empty(format);
        place.git(&["config", "covault.branch", "main"]);
        assert_eq!(trunk(&place), None);
    }
}

#[test]
fn a_push_goes_where_git_would_push() {
    let place = Place::with_vault();
    let goes = || place.repo().remote_of_push();
    assert_eq!(goes(), None);
    for (key, value, remote) in [
        ("remote.hub.url", "/hub", Some("hub")),
        ("remote.fork.url", "/fork", None),
        ("remote.origin.url", "/origin", Some("origin")),
        ("branch.main.remote", "hub", Some("hub")),
        ("remote.pushDefault", "fork", Some("fork")),
        ("branch.main.pushRemote", "origin", Some("origin")),
    ] {
        place.git(&["config", key, value]);
        assert_eq!(goes().as_deref(), remote, "{key}");
        if let Some(remote) = remote {
            let pushed = place.git(&["for-each-ref", "--format=%(push:remotename)", "refs/heads/main"]);
            assert!(pushed.trim().is_empty() || pushed.trim() == remote, "{key}: {pushed}");
        }
    }
}
