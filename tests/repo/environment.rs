//! What the environment says: each case runs this test binary again with variables of its own.

use std::process::{Command, Output};

use covault::repo::{Change, CommitMode, Outcome, Repo, RepoError, Step};

use super::{DB, Place, command, how, in_mode, run};

/// Runs `as_a_process` in `dir` with these variables.
fn in_a_process(dir: &std::path::Path, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", dir).env("TZ", "UTC");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("RUST_BACKTRACE", "0");
    command.envs(variables.iter().copied()).current_dir(dir);
    command.args(["--exact", "repo::environment::as_a_process", "--ignored", "--nocapture"]).output().unwrap()
}

#[track_caller]
fn is_ok(output: &Output) {
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
#[ignore = "run by the other tests of this file, in a process of its own"]
fn as_a_process() {
    let repo = Repo::discover(std::path::Path::new(".")).unwrap();
    let lock = repo.lock().unwrap();
    let die_at = std::env::var("COVAULT_TEST_DIE").unwrap_or_default();
    let die = |step: Step| {
        if format!("{step:?}") == die_at {
            std::process::abort();
        }
    };
    let mode = if std::env::var_os("COVAULT_TEST_HOOKS").is_some() { CommitMode::Git } else { CommitMode::Commit };
    let mut how = in_mode(mode);
    how.progress = Some(&die);
    repo.commit(&lock, &[Change::write(DB, "new\n")], &how).unwrap();
    println!("TOP={}", repo.work_dir().unwrap().display());
}

#[test]
fn names_and_dates_of_the_environment_win() {
    let place = Place::with_vault();
    is_ok(&in_a_process(
        &place.top,
        &[
            ("GIT_AUTHOR_NAME", " Bob, <Builder>. "),
            ("GIT_AUTHOR_EMAIL", "bob@example.com"),
            ("GIT_AUTHOR_DATE", "2020-02-03T04:05:06+0200"),
            ("GIT_COMMITTER_DATE", "@1234567890 -0130"),
        ],
    ));
    let said = place.git(&["log", "-1", "--format=%an|%ae|%ad|%cn|%cd", "--date=raw"]);
    assert_eq!(said, "Bob, Builder|bob@example.com|1580695506 +0200|Alice|1234567890 -0130\n");
}

#[test]
fn git_dir_and_git_work_tree_are_honoured() {
    let place = Place::with_vault();
    let linked = place.beside("linked");
    place.git(&["worktree", "add", "-q", "-b", "side", linked.to_str().unwrap()]);
    // As git sets it for hooks and merge drivers in a linked work tree.
    let git_dir = place.top.join(".git/worktrees/linked");
    let output = in_a_process(&linked, &[("GIT_DIR", git_dir.to_str().unwrap())]);
    is_ok(&output);
    assert!(text(&output.stdout).contains(&format!("TOP={}", linked.display())));
    assert_eq!(run(&linked, &["status", "--porcelain"]), "");
    assert_eq!(place.git(&["show", &format!("side:{DB}")]), "new\n");
    assert_eq!(place.git(&["status", "--porcelain"]), "");

    let elsewhere = place.beside("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let (git_dir, top) = (place.top.join(".git"), place.top.to_str().unwrap());
    let output = in_a_process(&elsewhere, &[("GIT_DIR", git_dir.to_str().unwrap()), ("GIT_WORK_TREE", top)]);
    is_ok(&output);
    assert_eq!(place.text(DB), "new\n");
    assert_eq!(place.git(&["status", "--porcelain"]), "");
}

#[test]
fn hooks_see_nothing_of_ours_and_all_of_the_persons_environment() {
    let place = Place::with_vault();
    let hook = place.top.join(".git/hooks/pre-commit");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\nenv >seen.txt\ngit diff --cached --name-only >>seen.txt\n").unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let variables = [("COVAULT_TEST_HOOKS", "1"), ("COVAULT_IDENTITY", "AGE-SECRET-KEY-1"), ("VIRTUAL_ENV", "/venv")];
    is_ok(&in_a_process(&place.top, &variables));
    let seen = place.text("seen.txt");
    assert!(!seen.contains("COVAULT_") && seen.contains("VIRTUAL_ENV=/venv"), "{seen}");
    assert!(seen.lines().any(|line| line == DB), "{seen}");
}

#[test]
fn a_repository_of_another_user_is_opened_once_it_is_named_safe() {
    let place = Place::with_vault();
    if std::os::unix::fs::chown(&place.top, Some(12345), Some(12345)).is_err() {
        return; // Only root can set this up.
    }
    for entry in [".git", ".git/config", ".git/HEAD", ".git/index"] {
        std::os::unix::fs::chown(place.top.join(entry), Some(12345), Some(12345)).unwrap();
    }
    let output = in_a_process(&place.top, &[]);
    assert!(!output.status.success() && text(&output.stderr).contains("DubiousOwnership"), "{}", text(&output.stderr));
    // git itself agrees with us.
    assert!(!command(&place.top, &["status"]).status().unwrap().success());
    let global = place.beside("global");
    std::fs::write(&global, format!("[safe]\n\tdirectory = {}\n", place.top.display())).unwrap();
    is_ok(&in_a_process(&place.top, &[("GIT_CONFIG_GLOBAL", global.to_str().unwrap())]));
    assert_eq!(place.text(DB), "new\n");
}

#[test]
fn a_git_that_is_not_there_is_said_so_after_the_file_is_written() {
    let place = Place::with_vault();
    let output = in_a_process(&place.top, &[("PATH", "/nowhere")]);
    assert!(text(&output.stderr).contains("NoGit"), "{}", text(&output.stderr));
    let repo = place.repo();
    let lock = repo.lock().unwrap();
    repo.commit(&lock, &[Change::write(DB, "new\n")], &how("again")).unwrap();
    assert_eq!(place.git(&["status", "--porcelain"]), "");
    assert!(!matches!(repo.operation(), Err(RepoError::NoGit { .. })));
}

#[test]
fn killed_at_any_step_the_old_value_never_comes_back_and_the_next_run_works() {
    for step in ["Files", "Index", "Objects", "Ref"] {
        let place = Place::with_vault();
        assert!(!in_a_process(&place.top, &[("COVAULT_TEST_DIE", step)]).status.success());
        assert_eq!(place.text(DB), "new\n", "{step}");
        assert!(!place.top.join(".git/index.lock").exists());
        // The person commits something else, and everything that is staged with it.
        place.put("notes.txt", "two\n");
        place.git(&["add", "notes.txt"]);
        place.git(&["commit", "-qm", "the person's"]);
        let committed = place.git(&["show", &format!("HEAD:{DB}")]);
        assert_eq!(committed, if step == "Files" { "old\n" } else { "new\n" }, "{step}");
        let repo = place.repo();
        let lock = repo.lock().unwrap();
        let outcome = repo.commit(&lock, &[Change::write(DB, "new\n")], &how("again")).unwrap();
        assert_eq!(matches!(outcome, Outcome::Committed { .. }), step == "Files", "{step}");
        assert_eq!(place.git(&["status", "--porcelain"]), "");
        place.git(&["fsck", "--strict"]);
    }
}
