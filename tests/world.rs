//! People with machines of their own, real git and real clones: nothing of the machine that runs the tests leaks in.

use std::ffi::OsStr;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

pub mod judges;

pub use judges::{can, has, have, is_there, must_have};

/// Somebody at a machine: a home of their own and a work tree to stand in.
pub struct Person {
    pub name: String,
    pub home: PathBuf,
    pub repo: PathBuf,
    /// Variables beside the hermetic ones.
    pub vars: Vec<(String, String)>,
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: Vec<u8>,
    pub err: String,
}

impl Said {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }

    /// Fails the test unless the command ended so.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.text(), self.err);
        self
    }

    #[track_caller]
    pub fn ok(self) -> Self {
        self.exits(0)
    }
}

/// What all worlds of a run may need at once, far above what they do.
const ROOM: u64 = 4 << 30;

/// Where worlds are made: in memory where there is room and nobody asked for another place, since half of their time on a
/// disk goes into making and removing small files.
pub fn playground() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let room = rustix::fs::statvfs(memory).map_or(0, |stat| stat.f_bavail * stat.f_frsize);
    match std::env::var_os("TMPDIR") {
        None if room >= ROOM => memory.to_owned(),
        _ => std::env::temp_dir(),
    }
}

/// A folder that goes with the test.
pub struct World {
    pub dir: TempDir,
    /// A folder in memory, where the system has that: for the editor's files.
    pub memory: Option<TempDir>,
}

impl World {
    pub fn new() -> Self {
        let folder = |prefix| tempfile::Builder::new().prefix(prefix).to_owned();
        Self {
            dir: folder("covault world ").tempdir_in(playground()).unwrap(),
            memory: folder("covault memory ").tempdir_in("/dev/shm").ok(),
        }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Somebody with an empty home and an empty repository on the branch main, with one commit.
    pub fn person(&self, name: &str) -> Person {
        let person = self.stranger(name);
        std::fs::create_dir_all(&person.repo).unwrap();
        person.git(["init", "-q", "-b", "main"]).ok();
        std::fs::write(person.repo.join("README"), "a project\n").unwrap();
        person.git(["add", "README"]).ok();
        person.git(["commit", "-q", "-m", "begin"]).ok();
        person
    }

    /// Somebody with an empty home; their work tree is not made yet.
    pub fn stranger(&self, name: &str) -> Person {
        let home = self.path().join(format!("{name} home"));
        std::fs::create_dir_all(&home).unwrap();
        Person { name: name.to_owned(), home, repo: self.path().join(format!("{name} répo")), vars: Vec::new() }
    }

    /// Somebody with a vault that is pushed to a bare repository, which all teammates share.
    pub fn team(&self, founder: &str) -> Person {
        let person = self.founder(founder);
        let shared = self.shared();
        person
            .git([
                OsStr::new("init"),
                OsStr::new("-q"),
                OsStr::new("--bare"),
                OsStr::new("-b"),
                OsStr::new("main"),
                shared.as_os_str(),
            ])
            .ok();
        person.git([OsStr::new("remote"), OsStr::new("add"), OsStr::new("origin"), shared.as_os_str()]).ok();
        person.git(["push", "-q", "-u", "origin", "main"]).ok();
        person
    }

    /// The bare repository of a team.
    pub fn shared(&self) -> PathBuf {
        self.path().join("shared répo.git")
    }

    /// Somebody with an empty home and a fresh clone of the team's repository; no keys yet.
    pub fn newcomer(&self, name: &str) -> Person {
        let person = self.stranger(name);
        person.git([OsStr::new("clone"), OsStr::new("-q"), self.shared().as_os_str(), person.repo.as_os_str()]).ok();
        person
    }

    /// Somebody new who asks to be let in by an admin's invite, which that admin has fetched.
    #[track_caller]
    pub fn asks(&self, admin: &Person, name: &str) -> Person {
        let person = self.newcomer(name);
        let line = admin.covault(["member", "invite", name]).ok().text();
        person.covault(["join", "--invite", line.trim(), "--device", "laptop"]).ok();
        person.push(&format!("covault/join/{name}"));
        admin.git(["fetch", "-q"]).ok();
        person
    }

    /// Somebody new, let in by an admin of the team: they ask, approve, push, pull.
    #[track_caller]
    pub fn joins(&self, admin: &Person, name: &str) -> Person {
        let person = self.asks(admin, name);
        admin.covault(["member", "approve", name, "--yes"]).ok();
        admin.git(["push", "-q"]).ok();
        person.git(["pull", "-q", "--ff-only"]).ok();
        person
    }

    /// Another machine of a member of the team, with their keys and a clone of its own.
    pub fn machine_of(&self, person: &Person, name: &str) -> Person {
        let machine = self.newcomer(name);
        machine.take_keys_of(person);
        let id = person.git(["config", "covault.vault"]).ok().text();
        machine.git(["config", "covault.vault", id.trim()]).ok();
        machine
    }

    /// Somebody with a vault.
    pub fn founder(&self, name: &str) -> Person {
        let person = self.person(name);
        person.covault(["init", "--name", name, "--vault-name", "acme", "--device", "laptop"]).ok();
        person
    }
}

/// Where a program is. One that the standard library has to look for itself, in a search path that is not ours, costs a copy
/// of this whole process.
pub fn found(program: &OsStr, path: &OsStr) -> PathBuf {
    let all = std::env::split_paths(path).map(|folder| folder.join(program));
    all.into_iter().find(|place| place.is_file()).unwrap_or_else(|| program.into())
}

impl Person {
    /// A command in this person's hermetic environment.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let path = self.vars.iter().rev().find(|(name, _)| name == "PATH").map(|(_, path)| path.into());
        let path = path.or_else(|| std::env::var_os("PATH")).unwrap_or_default();
        let mut command = Command::new(found(program.as_ref(), &path));
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", &self.home)
            .env("TMPDIR", self.home.parent().unwrap())
            .env("LC_ALL", "C.UTF-8")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", &self.name)
            .env("GIT_AUTHOR_EMAIL", format!("{}@example.org", self.name))
            .env("GIT_COMMITTER_NAME", &self.name)
            .env("GIT_COMMITTER_EMAIL", format!("{}@example.org", self.name))
            .env("GIT_EDITOR", "true")
            .env("GIT_MERGE_AUTOEDIT", "no")
            .envs(self.vars.iter().map(|(name, value)| (name, value)))
            .current_dir(if self.repo.is_dir() { &self.repo } else { &self.home })
            .stdin(Stdio::null());
        command
    }

    /// The same person in a folder of the work tree, which is made.
    pub fn at(&self, folder: &str) -> Self {
        let repo = self.repo.join(folder);
        std::fs::create_dir_all(&repo).unwrap();
        Self { name: self.name.clone(), home: self.home.clone(), repo, vars: self.vars.clone() }
    }

    pub fn covault<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Said {
        said(self.command(env!("CARGO_BIN_EXE_covault")).args(args).output().unwrap())
    }

    /// Runs covault with `input` on stdin.
    pub fn covault_fed<S: AsRef<OsStr>>(&self, input: &[u8], args: impl IntoIterator<Item = S>) -> Said {
        self.fed(env!("CARGO_BIN_EXE_covault"), input, args)
    }

    pub fn git<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Said {
        said(self.command("git").args(args).output().unwrap())
    }

    pub fn fed<S: AsRef<OsStr>>(&self, program: &str, input: &[u8], args: impl IntoIterator<Item = S>) -> Said {
        let mut command = self.command(program);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut its_input = child.stdin.take().unwrap();
        // Beside what reads its output: a program that answers while it reads waits for us where we wait for it.
        std::thread::scope(|scope| {
            // A program that reads nothing closes its end; that is its right.
            scope.spawn(move || drop(its_input.write_all(input)));
            said(child.wait_with_output().unwrap())
        })
    }

    /// Puts a shell script before git on this machine: `$git` is the real one, which is started at its end.
    pub fn puts_before_git(&mut self, script: &str) {
        let search = std::env::var_os("PATH").unwrap();
        let real = std::env::split_paths(&search).map(|dir| dir.join("git")).find(|path| path.is_file()).unwrap();
        let bin = self.repo.with_file_name(format!("{} bin", self.name));
        std::fs::create_dir_all(&bin).unwrap();
        let text = format!("#!/bin/sh\ngit='{}'\n{script}exec \"$git\" \"$@\"\n", real.display());
        std::fs::write(bin.join("git"), text).unwrap();
        std::fs::set_permissions(bin.join("git"), std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = std::env::join_paths([bin].into_iter().chain(std::env::split_paths(&search)));
        self.vars.push(("PATH".to_owned(), path.unwrap().into_string().unwrap()));
    }

    /// Takes it away again.
    pub fn has_git_back(&mut self) {
        self.vars.retain(|(name, _)| name != "PATH");
    }

    /// Sets one value and insists that it worked.
    #[track_caller]
    pub fn set(&self, name: &str, value: &str) {
        self.covault_fed(value.as_bytes(), ["set", name]).ok();
    }

    /// The value of a name.
    #[track_caller]
    pub fn get(&self, name: &str) -> String {
        self.covault(["get", name]).ok().text()
    }

    /// Pushes one branch to the team's repository.
    #[track_caller]
    pub fn push(&self, branch: &str) {
        self.git(["push", "-q", "origin", branch]).ok();
    }

    /// Where a secret's file is.
    pub fn file(&self, name: &str) -> PathBuf {
        self.repo.join(format!(".covault/secrets/{name}.age"))
    }

    pub fn identity(&self) -> PathBuf {
        self.home.join(".config/covault/identity.txt")
    }

    /// Brings another person's keys to this machine, and nothing that theirs remembers.
    pub fn take_keys_of(&self, other: &Person) {
        let (from, to) = (other.home.join(".config/covault"), self.home.join(".config/covault"));
        std::fs::create_dir_all(&to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }

    /// A clone of this person's repository on another machine.
    pub fn clone_for(&self, other: Person) -> Person {
        other.git([OsStr::new("clone"), OsStr::new("-q"), self.repo.as_os_str(), other.repo.as_os_str()]).ok();
        other
    }
}

pub fn said(output: Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        out: output.stdout,
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
