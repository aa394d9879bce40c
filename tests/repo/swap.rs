//! Moving a ref in this process and by git's `update-ref`: the same refs, the same reflogs, the same errors.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use covault::repo::{Change, Repo};

use super::{DB, NOW, Place, how, run};

/// Everything that a swap may change: `HEAD`, refs, reflogs, and what is left of locks.
fn refs(git: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![git.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(git).unwrap().to_owned();
            let parts: Vec<_> = name.iter().map(|part| part.to_str().unwrap()).collect();
            let is_ours = parts.iter().any(|part| {
                ["refs", "logs", "HEAD", "packed-refs"].contains(part)
                    || Path::new(part).extension().is_some_and(|ext| ext == "lock")
            });
            if path.is_dir() {
                folders.push(path);
            } else if is_ours && parts != ["covault.lock"] {
                found.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

/// Sets twice in each way, from the same beginning; once where that fails. What came of it, and what was said.
fn both_ways(place: &Place, top: &Path, message: &str) -> BTreeMap<PathBuf, String> {
    let (git, kept) = (place.top.join(".git"), place.beside("kept"));
    run(&place.top, &["config", "core.fsync", "none"]);
    copy(&place.top, &kept);
    let one = |unset: bool| {
        if unset {
            run(&place.top, &["config", "--unset", "core.fsync"]);
        }
        let set = |text: &str| {
            let repo = Repo::discover(top).unwrap();
            let lock = repo.lock().unwrap();
            let outcome = repo.commit(&lock, &[Change::write(DB, text)], &how(message));
            outcome.map_err(|error| {
                use std::error::Error as _;
                format!("{error}: {}", error.source().map(ToString::to_string).unwrap_or_default())
            })
        };
        let first = set("one\n");
        let said = (first.is_ok().then(|| set("two\n")), first);
        (refs(&git), format!("{said:?}"))
    };
    let by_git = one(false);
    std::fs::remove_dir_all(&place.top).unwrap();
    copy(&kept, &place.top);
    let here = one(true);
    assert_eq!(here, by_git);
    here.0
}

fn copy(from: &Path, to: &Path) {
    assert!(std::process::Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
}

#[test]
fn a_swap_in_this_process_leaves_what_gits_own_leaves() {
    type Scene = fn(&Place);
    let scenes: &[(&str, Scene)] = &[
        ("branch", |_| {}),
        ("detached", |place| drop(place.git(&["checkout", "-q", "--detach"]))),
        ("packed", |place| drop(place.git(&["pack-refs", "--all", "--prune"]))),
        ("deep", |place| drop(place.git(&["switch", "-qc", "team/a/b"]))),
        ("unborn", |place| drop(place.git(&["checkout", "-q", "--orphan", "new"]))),
        ("no logs", |place| std::fs::remove_dir_all(place.top.join(".git/logs")).unwrap()),
        ("logs off, yet there", |place| drop(place.git(&["config", "core.logAllRefUpdates", "false"]))),
        ("logs off", |place| {
            place.git(&["config", "core.logAllRefUpdates", "false"]);
            std::fs::remove_dir_all(place.top.join(".git/logs")).unwrap();
        }),
        ("logs of everything", |place| drop(place.git(&["config", "core.logAllRefUpdates", "always"]))),
        ("a branch that stands for another", |place| {
            place.git(&["symbolic-ref", "refs/heads/alias", "refs/heads/main"]);
            place.git(&["symbolic-ref", "HEAD", "refs/heads/alias"]);
        }),
        ("a namesake of the branch", |place| drop(place.git(&["tag", "main"]))),
    ];
    for (name, scene) in scenes {
        let place = Place::with_vault();
        scene(&place);
        let found = both_ways(&place, &place.top.clone(), "set:\t prod/db  again \r\n\nand why");
        assert!(!found.keys().any(|path| path.to_string_lossy().ends_with(".lock")), "{name}: {found:?}");
        if let Some(log) = found.get(Path::new("logs/HEAD")).filter(|_| *name == "branch") {
            assert!(
                log.ends_with(&format!("Alice <alice@example.com> {NOW} +0000\tcommit: set: prod/db again\n")),
                "{log}"
            );
            assert_eq!(Some(log), found.get(Path::new("logs/refs/heads/main")));
        }
        place.git(&["fsck", "--strict"]);
    }
}

#[test]
fn a_swap_in_a_linked_work_tree_writes_its_own_log_and_the_branchs() {
    for args in [&["worktree", "add", "-q", "-b", "side"][..], &["worktree", "add", "-q", "--detach"]] {
        let place = Place::with_vault();
        let side = place.beside("side");
        place.git(&[args, &[side.to_str().unwrap()]].concat());
        let before = refs(&place.top.join(".git"));
        // The work tree lies beside, and is as the first way left it: other contents would be other commits.
        run(&side, &["config", "core.fsync", "none"]);
        let repo = Repo::discover(&side).unwrap();
        let lock = repo.lock().unwrap();
        repo.commit(&lock, &[Change::write(DB, "by git\n")], &how("set it")).unwrap();
        drop((lock, repo));
        let by_git = refs(&place.top.join(".git"));
        run(&side, &["config", "--unset", "core.fsync"]);
        let repo = Repo::discover(&side).unwrap();
        let lock = repo.lock().unwrap();
        repo.commit(&lock, &[Change::write(DB, "here\n")], &how("set it")).unwrap();
        let here = refs(&place.top.join(".git"));
        let changed = |old: &BTreeMap<PathBuf, String>, new: &BTreeMap<PathBuf, String>| {
            let all = new.iter().filter(|(path, text)| old.get(*path) != Some(*text));
            all.map(|(path, text)| (path.clone(), text.lines().count())).collect::<Vec<_>>()
        };
        let more = |count: usize| {
            move |(path, lines): (PathBuf, usize)| {
                (path.clone(), lines + usize::from(path.iter().any(|part| part == "logs")) * count)
            }
        };
        let first: Vec<_> = changed(&before, &by_git).into_iter().map(more(1)).collect();
        assert_eq!(first, changed(&by_git, &here));
        assert_eq!(run(&side, &["fsck", "--strict"]), "");
        assert_eq!(run(&side, &["reflog", "show", "--format=%gs", "-1"]), "commit: set it\n");
        assert_eq!(run(&place.top, &["status", "--porcelain"]), "");
    }
}

#[test]
fn a_lock_that_somebody_holds_is_said_by_git_and_nothing_is_moved() {
    let place = Place::with_vault();
    let (lock, head) = ("refs/heads/main.lock", place.head());
    std::fs::write(place.top.join(".git").join(lock), "").unwrap();
    let found = both_ways(&place, &place.top.clone(), "set it");
    assert_eq!(place.head(), head);
    assert_eq!(found.get(Path::new(lock)).map(String::as_str), Some(""), "somebody else's lock is gone");
    assert_eq!(found.keys().filter(|path| path.to_string_lossy().ends_with(".lock")).count(), 1);
}

#[test]
fn the_locks_of_a_covault_that_was_killed_are_cleared_up_and_those_of_a_git_are_not() {
    use std::os::unix::fs::MetadataExt as _;
    let place = Place::with_vault();
    let git = place.top.join(".git");
    let set = |text: &str| {
        let repo = Repo::discover(&place.top).unwrap();
        let lock = repo.lock().unwrap();
        repo.commit(&lock, &[Change::write(DB, text)], &how("set it")).map(drop)
    };
    let locks = || refs(&git).into_keys().filter(|path| path.extension().is_some_and(|ext| ext == "lock")).count();
    let killed = |inode: u64| std::fs::write(git.join("HEAD.lock"), format!("covault {inode}\n")).unwrap();
    // Between the two locks; with both; after the rename, when the branch is the file that was prepared.
    killed(1);
    set("after the first lock\n").unwrap();
    std::fs::write(git.join("covault.next"), place.head() + "\n").unwrap();
    std::fs::hard_link(git.join("covault.next"), git.join("refs/heads/main.lock")).unwrap();
    killed(std::fs::metadata(git.join("covault.next")).unwrap().ino());
    set("after both\n").unwrap();
    std::fs::hard_link(git.join("refs/heads/main"), git.join("covault.next")).unwrap();
    killed(std::fs::metadata(git.join("covault.next")).unwrap().ino());
    set("after the rename\n").unwrap();
    assert_eq!(locks(), 0);
    assert_eq!(place.git(&["rev-list", "--count", "HEAD"]).trim(), "4");
    // A git's, beside what is ours.
    std::fs::write(git.join("refs/heads/main.lock"), "").unwrap();
    killed(1);
    set("not written\n").unwrap_err();
    assert_eq!((locks(), git.join("refs/heads/main.lock").exists()), (1, true));
    std::fs::remove_file(git.join("refs/heads/main.lock")).unwrap();
    std::fs::write(git.join("HEAD.lock"), "").unwrap();
    set("not written\n").unwrap_err();
    assert!(git.join("HEAD.lock").exists());
}
