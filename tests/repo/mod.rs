//! The git layer against real, hermetic git.

mod ancestry;
mod beside;
mod branches;
mod committing;
mod config;
mod environment;
mod finding;
mod history;
mod kinds;
mod operations;
mod packs;
mod races;
mod reading;
mod signing;
mod staged;
mod swap;
mod versions;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use covault::repo::{Change, CommitHow, CommitMode, ObjectId, Outcome, Repo, Result};

/// A repository in a temporary folder whose name has a space and is not ASCII.
pub struct Place {
    keep: tempfile::TempDir,
    pub top: PathBuf,
}

impl Place {
    /// An empty repository made by `git init ARGS`.
    pub fn empty(args: &[&str]) -> Self {
        let keep = tempfile::tempdir_in(crate::world::playground()).unwrap();
        let top = keep.path().canonicalize().unwrap().join("a répo");
        std::fs::create_dir(&top).unwrap();
        let place = Self { keep, top };
        place.git(&[&["init", "-q", "-b", "main"], args].concat());
        place.identify();
        place
    }

    /// A repository with a vault and one commit.
    pub fn with_vault() -> Self {
        Self::with_vault_in(&[])
    }

    pub fn with_vault_in(args: &[&str]) -> Self {
        let place = Self::empty(args);
        place.put(".covault/roster.toml", "roster\n");
        place.put(".covault/secrets/prod/db.age", "old\n");
        place.put("src/main.rs", "fn main() {}\n");
        place.put("notes.txt", "one\n");
        place.git(&["add", "-A"]);
        place.git(&["commit", "-qm", "first"]);
        place
    }

    /// The same helpers for another folder, such as a linked work tree or a clone.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.keep.path().canonicalize().unwrap().join(name)
    }

    pub fn clone_as(&self, name: &str, args: &[&str]) -> Self {
        let keep = tempfile::tempdir_in(crate::world::playground()).unwrap();
        let top = keep.path().canonicalize().unwrap().join(name);
        let url = format!("file://{}", self.top.display().to_string().replace(' ', "%20"));
        // git does not decode file URLs; a link without a space does.
        drop(url);
        let link = self.beside("origin-link");
        if !link.exists() {
            std::os::unix::fs::symlink(&self.top, &link).unwrap();
        }
        let url = format!("file://{}", link.display());
        run(keep.path(), &[&["clone", "-q"], args, &[&url, top.to_str().unwrap()]].concat());
        let place = Self { keep, top };
        place.identify();
        place
    }

    fn identify(&self) {
        let settings = [
            ("user.name", "Alice"),
            ("user.email", "alice@example.com"),
            ("commit.gpgsign", "false"),
            ("core.fsmonitor", "false"),
        ];
        for (key, value) in settings {
            self.git(&["config", key, value]);
        }
    }

    pub fn git(&self, args: &[&str]) -> String {
        run(&self.top, args)
    }

    pub fn try_git(&self, args: &[&str]) -> Output {
        command(&self.top, args).output().unwrap()
    }

    /// Commits made by `git fast-import`.
    pub fn import(&self, stream: &str) {
        let mut command = command(&self.top, &["fast-import", "--quiet", "--force"]);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), stream.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    }

    pub fn put(&self, path: &str, text: &str) {
        let path = self.top.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.top.join(path)).unwrap()
    }

    pub fn repo(&self) -> Repo {
        Repo::discover(&self.top).unwrap()
    }

    /// What `git status` says but for the paths below `.covault`.
    pub fn persons_work(&self) -> [String; 4] {
        let exclude = ":(exclude,top,glob)**/.covault/**";
        [
            self.git(&["status", "--porcelain=v2", "-uall", "--", ".", exclude]),
            self.git(&["diff", "--cached", "--", ".", exclude]),
            self.git(&["diff", "--", ".", exclude]),
            self.git(&["ls-files", "-s", "--", ".", exclude]),
        ]
    }

    pub fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }
}

pub fn run(dir: &Path, args: &[&str]) -> String {
    let output = command(dir, args).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn command(dir: &Path, args: &[&str]) -> Command {
    let path = std::env::var_os("PATH").unwrap();
    let mut command = Command::new(crate::world::found("git".as_ref(), &path));
    command.env_clear().env("PATH", path).env("HOME", dir);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_EDITOR", "true");
    command.env("GIT_MERGE_AUTOEDIT", "no").env("LC_ALL", "C");
    command.args(["-c", "protocol.file.allow=always", "-c", "core.quotePath=false"]);
    command.current_dir(dir).args(args).stdin(Stdio::null());
    command
}

pub const NOW: i64 = 1_800_000_000;

pub fn how(message: &str) -> CommitHow<'_> {
    CommitHow { message, mode: CommitMode::Commit, now: NOW, since: None, progress: None }
}

pub fn in_mode(mode: CommitMode) -> CommitHow<'static> {
    CommitHow { message: "set prod/db", mode, now: NOW, since: None, progress: None }
}

pub fn set(repo: &Repo, path: &str, text: &str) -> Result<Outcome> {
    let lock = repo.lock()?;
    repo.commit(&lock, &[Change::write(path, text)], &how("set it"))
}

#[track_caller]
pub fn committed(outcome: Result<Outcome>) -> ObjectId {
    match outcome {
        Ok(Outcome::Committed { commit }) => commit,
        other => panic!("not committed: {other:?}"),
    }
}

pub const DB: &str = ".covault/secrets/prod/db.age";
