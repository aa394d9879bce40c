//! A `sync` that dies while git writes the work tree: the next one takes back what git left, and nothing else.

use super::rig::Team;
use crate::cli::head;

/// What git has done when it dies, and covault with it: `$was` is where the branch stood.
const IN_THE_INDEX: &str = "\"$git\" reset -q --soft \"$was\"";
const ON_DISK: &str = "\"$git\" reset -q --mixed \"$was\"";
const ONE_IS_EMPTY: &str = "\"$git\" reset -q --mixed \"$was\"; : > .covault/secrets/dev/db.age";

/// Both changed the same secret, bob added one and took one away; alice's `sync` dies as it is said, and is repeated.
fn interrupted(dies: &str, meanwhile: impl FnOnce(&Team)) -> Team {
    let mut team = Team::new();
    team.alice.set("dev/gone", "deleted by bob");
    team.alice.covault(["sync"]).ok();
    team.bob.covault(["sync"]).ok();
    std::fs::write(team.bob.repo.join("notes.txt"), "written by bob\n").unwrap();
    team.bob.git(["add", "notes.txt"]).ok();
    team.bob.git(["commit", "-qm", "notes"]).ok();
    team.bob.covault(["set", "dev/db", "user=bob"]).ok();
    team.bob.set("fresh/one", "new by bob");
    team.bob.covault(["rm", "dev/gone", "--yes"]).ok();
    team.bob.covault(["sync"]).ok();
    team.alice.set("dev/db", "written by alice");
    let script = format!(
        "case \" $* \" in *' merge '*) was=$(\"$git\" rev-parse HEAD); \"$git\" \"$@\" || exit; {dies}; kill -KILL $PPID; exit 1 ;; esac\n"
    );
    team.alice.puts_before_git(&script);
    assert!(![0, 101].contains(&team.alice.covault(["sync"]).code));
    team.alice.has_git_back();
    assert_ne!(team.alice.git(["status", "--porcelain"]).ok().text(), "", "git left something");
    meanwhile(&team);
    team
}

#[track_caller]
fn has_both(team: &Team) {
    let (alice, bob) = (&team.alice, &team.bob);
    assert_eq!(alice.get("dev/db/user"), "bob");
    assert_eq!(alice.get("dev/db/value"), "written by alice");
    assert_eq!(alice.get("fresh/one"), "new by bob");
    assert!(!alice.file("dev/gone").exists() || alice.covault(["get", "dev/gone"]).code == 3);
    assert_eq!(std::fs::read_to_string(alice.repo.join("notes.txt")).unwrap(), "written by bob\n");
    assert_eq!(alice.git(["status", "--porcelain"]).ok().text(), "");
    bob.covault(["sync"]).ok();
    assert_eq!(head(alice), head(bob));
    super::rig::verifies(bob);
    assert!(!alice.repo.join(".git/covault.bringing").exists());
}

#[test]
fn a_sync_that_died_before_the_branch_moved_is_done_again() {
    for dies in [IN_THE_INDEX, ON_DISK, ONE_IS_EMPTY] {
        let team = interrupted(dies, |_| ());
        let said = team.alice.covault(["sync"]).ok();
        assert!(said.err.contains("an interrupted merge was taken back first"), "{}", said.err);
        has_both(&team);
    }
}

#[test]
fn commits_that_were_made_since_then_stay() {
    let team = interrupted(ON_DISK, |team| team.alice.set("alice/own", "set since then"));
    let said = team.alice.covault(["sync"]).ok();
    assert!(said.err.contains("an interrupted merge was taken back first"), "{}", said.err);
    assert_eq!(team.alice.get("alice/own"), "set since then");
    has_both(&team);
}

#[test]
fn what_somebody_wrote_since_then_is_not_taken_back() {
    let team = interrupted(ON_DISK, |team| {
        std::fs::write(team.alice.repo.join("notes.txt"), "alice's own\n").unwrap();
    });
    let said = team.alice.covault(["sync"]);
    assert!(said.code != 0 && said.err.contains("notes.txt"), "{}: {}", said.code, said.err);
    assert_eq!(std::fs::read_to_string(team.alice.repo.join("notes.txt")).unwrap(), "alice's own\n");
    std::fs::remove_file(team.alice.repo.join("notes.txt")).unwrap();
    team.alice.covault(["sync"]).ok();
    has_both(&team);
}

#[test]
fn a_secret_that_was_set_since_then_and_not_committed_is_not_taken_back() {
    let team = interrupted(ON_DISK, |team| {
        team.alice.covault_fed(b"alice's own", ["set", "fresh/one", "--no-commit"]).ok();
    });
    let said = team.alice.covault(["sync"]);
    assert!(said.code != 0 && said.err.contains("fresh/one.age"), "{}: {}", said.code, said.err);
    assert_eq!(team.alice.get("fresh/one"), "alice's own");
}

#[test]
fn a_sync_that_git_refuses_takes_nothing_back() {
    let team = Team::new();
    team.bob.set("fresh/one", "new by bob");
    team.bob.covault(["sync"]).ok();
    let file = team.alice.file("fresh/one");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "alice's own").unwrap();
    for _ in 0..2 {
        let said = team.alice.covault(["sync"]);
        assert!(said.code != 0 && said.err.contains("fresh/one.age"), "{}: {}", said.code, said.err);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "alice's own");
    }
}

#[test]
fn a_sync_beside_another_takes_nothing_of_its_merge_back() {
    let team = Team::new();
    let (alice, bob) = (&team.alice, &team.bob);
    for name in ["a-new.txt", "b-new.txt", "z-slow.bin"] {
        std::fs::write(bob.repo.join(name), format!("{name} by bob\n")).unwrap();
        bob.git(["add", name]).ok();
    }
    bob.git(["commit", "-qm", "files"]).ok();
    bob.covault(["sync"]).ok();
    // A file that takes long to check out, as with git-lfs.
    let attributes = alice.repo.join(".git/info/attributes");
    let known = std::fs::read_to_string(&attributes).unwrap_or_default();
    std::fs::write(&attributes, format!("{known}z-slow.bin filter=slow\n")).unwrap();
    alice.git(["config", "filter.slow.smudge", "sleep 1; cat"]).ok();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| alice.covault(["sync"]));
        while !first.is_finished() && !alice.repo.join("b-new.txt").exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert!(!first.is_finished(), "the first is not done yet");
        let second = alice.covault(["sync"]).ok();
        assert!(!second.err.contains("taken back"), "{}", second.err);
        first.join().unwrap().ok();
    });
    for name in ["a-new.txt", "b-new.txt", "z-slow.bin"] {
        assert_eq!(std::fs::read_to_string(alice.repo.join(name)).unwrap(), format!("{name} by bob\n"));
    }
    assert_eq!(alice.git(["status", "--porcelain"]).ok().text(), "");
    assert_eq!(head(alice), head(bob));
}
