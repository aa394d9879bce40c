//! All kinds of repositories.

use covault::repo::{Change, Outcome, Repo, VaultPlace, WorkState};

use super::{DB, Place, committed, how, run, set};

#[test]
fn sha256_repositories_work() {
    let place = Place::with_vault_in(&["--object-format=sha256"]);
    let repo = place.repo();
    let commit = committed(set(&repo, DB, "new\n"));
    assert_eq!(commit.to_string().len(), 64);
    assert_eq!(repo.read_at(commit, DB).unwrap().unwrap(), b"new\n");
    assert_eq!(repo.history("HEAD", &[DB], None).unwrap().len(), 2);
    assert_eq!(place.git(&["status", "--porcelain"]), "");
    place.git(&["fsck", "--strict"]);
}

#[test]
fn reftable_repositories_work() {
    let place = Place::with_vault_in(&["--ref-format=reftable"]);
    let repo = place.repo();
    assert_eq!(repo.head().unwrap().branch.as_deref(), Some("main"));
    let commit = committed(set(&repo, DB, "new\n"));
    assert_eq!(place.head(), commit.to_string());
    assert_eq!(repo.resolve("HEAD~1").unwrap().to_string(), place.git(&["rev-parse", "HEAD~1"]).trim());
    assert!(repo.resolve("nothing").is_err());
    assert_eq!(place.git(&["status", "--porcelain"]), "");
    assert_eq!(place.git(&["reflog", "-1", "--format=%gs"]), "commit: set it\n");
    place.git(&["checkout", "-q", "--detach"]);
    let commit = committed(set(&repo, DB, "newer\n"));
    assert_eq!(place.head(), commit.to_string());
    assert_ne!(place.git(&["rev-parse", "main"]).trim(), commit.to_string());

    let unborn = Place::empty(&["--ref-format=reftable"]);
    assert_eq!(unborn.repo().head().unwrap().commit, None);
    committed(set(&unborn.repo(), DB, "new\n"));
    assert_eq!(unborn.git(&["ls-tree", "-r", "--name-only", "HEAD"]), format!("{DB}\n"));
}

#[test]
fn a_linked_work_tree_has_its_own_head_and_index_and_shares_the_rest() {
    let place = Place::with_vault();
    let linked = place.beside("linked tree");
    place.git(&["worktree", "add", "-q", "-b", "side", linked.to_str().unwrap()]);
    let repo = Repo::discover(&linked).unwrap();
    assert_eq!(repo.head().unwrap().branch.as_deref(), Some("side"));
    assert_eq!(repo.work_dir().unwrap(), linked);
    let main = place.head();
    committed(set(&repo, DB, "new\n"));
    assert_eq!(place.head(), main);
    assert_eq!(place.text(DB), "old\n");
    assert_eq!(run(&linked, &["status", "--porcelain"]), "");
    assert_eq!(place.git(&["status", "--porcelain"]), "");
    assert_eq!(place.git(&["show", &format!("side:{DB}")]), "new\n");
    assert!(repo.edit_info_attributes("x diff=y").unwrap());
    assert!(place.text(".git/info/attributes").contains("x diff=y"));
    repo.set_config(&[("covault", None, "trunk", "main")]).unwrap();
    assert_eq!(place.git(&["config", "covault.trunk"]), "main\n");
}

#[test]
fn a_submodule_is_a_repository_of_its_own() {
    let inner = Place::with_vault();
    let outer = Place::empty(&[]);
    let url = inner.beside("link");
    std::os::unix::fs::symlink(&inner.top, &url).unwrap();
    outer.git(&["submodule", "add", "-q", url.to_str().unwrap(), "sub mod"]);
    let top = outer.top.join("sub mod");
    run(&top, &["config", "user.name", "Bob"]);
    run(&top, &["config", "user.email", "b@example.com"]);
    let repo = Repo::discover(&top).unwrap();
    assert_eq!(repo.work_dir().unwrap(), top);
    assert_eq!(repo.find_vault(&top).unwrap(), VaultPlace::Found(String::new()));
    committed(set(&repo, DB, "new\n"));
    assert_eq!(run(&top, &["status", "--porcelain"]), "");
}

#[test]
fn a_shallow_clone_reads_and_commits_and_says_that_it_is_shallow() {
    let origin = Place::with_vault();
    committed(set(&origin.repo(), DB, "two\n"));
    let clone = origin.clone_as("shallow", &["--depth=1"]);
    let repo = clone.repo();
    assert!(repo.is_shallow() && !origin.repo().is_shallow());
    committed(set(&repo, DB, "three\n"));
    assert_eq!(repo.history("HEAD", &[DB], None).unwrap().len(), 2);
    assert_eq!(clone.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_partial_clone_fetches_what_it_lacks() {
    let origin = Place::with_vault();
    origin.git(&["config", "uploadpack.allowFilter", "true"]);
    origin.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    committed(set(&origin.repo(), DB, "two\n"));
    for filter in ["--filter=blob:none", "--filter=tree:0"] {
        let clone = origin.clone_as("partial", &[filter, "--no-checkout"]);
        let repo = clone.repo();
        assert!(repo.is_partial());
        let head = repo.head().unwrap().commit.unwrap();
        let parent = repo.resolve("HEAD~1").unwrap();
        assert_eq!(repo.changed_between(Some(parent), head, ".covault").unwrap().len(), 1);
        assert_eq!(repo.read_at(parent, DB).unwrap().unwrap(), b"old\n");
        let blobs: Vec<_> = repo.list_at(head, ".covault").unwrap().files.into_iter().map(|(_, id)| id).collect();
        assert!(blobs.iter().any(|id| !repo.has_object(*id)));
        repo.fetch_promised(&blobs).unwrap();
        assert!(blobs.iter().all(|id| repo.has_object(*id)));
        clone.git(&["checkout", "-q", "main"]);
        committed(set(&repo, DB, "three\n"));
        assert_eq!(clone.git(&["status", "--porcelain"]), "");
    }
}

#[test]
fn a_missing_object_is_named() {
    let place = Place::with_vault();
    let repo = place.repo();
    let id = repo.blob_id(b"never written").unwrap();
    let error = repo.blob(id).unwrap_err();
    assert!(error.to_string().contains(&id.to_string()));
    assert!(!repo.has_object(id));
}

#[test]
fn in_a_sparse_checkout_left_out_files_are_read_listed_and_changed_without_being_checked_out() {
    for sparse_index in ["--no-sparse-index", "--sparse-index"] {
        let place = Place::with_vault();
        place.put("team/.covault/roster.toml", "r");
        place.put("team/.covault/secrets/a/x.age", "x");
        place.put("team/.covault/secrets/b/y.age", "y");
        place.git(&["add", "-A"]);
        place.git(&["commit", "-qm", "team"]);
        place.git(&["sparse-checkout", "set", "--cone", sparse_index, "src"]);
        assert!(!place.top.join("team").exists());
        let repo = place.repo();
        assert_eq!(repo.vaults_below().unwrap(), ["", "team"].map(str::to_owned));
        let path = "team/.covault/secrets/a/x.age";
        assert_eq!(repo.read_work(path, 9).unwrap().unwrap(), b"x");
        assert_eq!(repo.read_work("team/nothing", 9).unwrap(), None);
        let files = repo.list_work("team/.covault/secrets").unwrap().files;
        assert_eq!(files, [path, "team/.covault/secrets/b/y.age"]);
        assert_eq!(repo.list_work("").unwrap().files.len(), 7);
        committed(set(&repo, path, "changed"));
        assert!(!place.top.join(path).exists());
        assert_eq!(place.git(&["status", "--porcelain"]), "");
        assert_eq!(repo.read_work(path, 9).unwrap().unwrap(), b"changed");
        let states = repo.status_of("team").unwrap();
        assert!(states.iter().all(|(_, state)| *state == WorkState::Clean), "{states:?}");
        // A new file outside the cone is on disk, and git is content with it.
        committed(set(&repo, "team/.covault/secrets/new.age", "n"));
        assert_eq!(place.text("team/.covault/secrets/new.age"), "n");
        assert_eq!(place.git(&["status", "--porcelain"]), "");
        let lock = repo.lock().unwrap();
        committed(repo.commit(&lock, &[Change::delete(path)], &how("rm")));
        assert_eq!(repo.read_work(path, 9).unwrap(), None);
        assert_eq!(place.git(&["status", "--porcelain"]), "");
        place.git(&["sparse-checkout", "disable"]);
        assert_eq!(place.git(&["status", "--porcelain"]), "");
    }
}

#[test]
fn index_extensions_survive() {
    for setting in ["split", "untracked", "version4"] {
        let place = Place::with_vault();
        match setting {
            "split" => place.git(&["update-index", "--split-index"]),
            "untracked" => place.git(&["update-index", "--force-untracked-cache"]),
            _ => place.git(&["update-index", "--index-version=4"]),
        };
        place.put("staged.txt", "staged");
        place.git(&["add", "staged.txt"]);
        place.git(&["status"]);
        committed(set(&place.repo(), DB, "new\n"));
        assert_eq!(place.git(&["status", "--porcelain"]), "A  staged.txt\n");
        let index = std::fs::read(place.top.join(".git/index")).unwrap();
        let has = |name: &[u8]| index.windows(4).any(|window| window == name);
        match setting {
            "split" => assert!(has(b"link")),
            "untracked" => assert!(has(b"UNTR")),
            _ => assert_eq!(index[7], 4),
        }
    }
}

#[test]
fn packed_refs_and_packed_objects_are_no_hindrance() {
    let place = Place::with_vault();
    place.git(&["gc", "-q"]);
    place.git(&["pack-refs", "--all"]);
    let repo = place.repo();
    let commit = committed(set(&repo, DB, "new\n"));
    assert_eq!(repo.resolve("main").unwrap(), commit);
    assert_eq!(set(&repo, DB, "new\n").unwrap(), Outcome::Unchanged);
}

#[test]
fn a_shared_repository_stays_shared() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::with_vault_in(&["--shared=0660"]);
    committed(set(&place.repo(), DB, "new\n"));
    committed(set(&place.repo(), ".covault/secrets/a/b.age", "new\n"));
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode();
    let git = place.top.join(".git");
    for path in ["refs/heads/main", "logs/HEAD", "index", "covault.lock"] {
        assert_eq!(mode(&git.join(path)) & 0o066, 0o060, "{path}");
    }
    for folder in std::fs::read_dir(git.join("objects")).unwrap() {
        let folder = folder.unwrap().path();
        assert_eq!(mode(&folder) & 0o2077, 0o2070, "{folder:?}");
        for file in std::fs::read_dir(&folder).unwrap() {
            let file = file.unwrap().path();
            assert_eq!(mode(&file) & 0o077, 0o040, "{file:?}");
        }
    }
}
