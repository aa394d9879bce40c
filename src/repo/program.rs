//! Starting the `git` program: which arguments and which environment it gets.
//!
//! No shell, no hooks, no pager, no prompt on stdin; nothing of `COVAULT_*` reaches it.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::thread::JoinHandle;

use crate::repo::Repo;
use crate::repo::error::{RepoError, Result};

/// Variables that git, ssh and gpg need; everything else is taken out.
const KEPT: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "TZ",
    "TERM",
    "EMAIL",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "DBUS_SESSION_BUS_ADDRESS",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
    "XDG_DATA_HOME",
    "XDG_CACHE_HOME",
    "XAUTHORITY",
    "SSH_AUTH_SOCK",
    "SSH_AGENT_PID",
    "SSH_ASKPASS",
    "SSH_ASKPASS_REQUIRE",
    "GNUPGHOME",
    "GPG_TTY",
    "GPG_AGENT_INFO",
    "PINENTRY_USER_DATA",
    "GIT_EXEC_PATH",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_ASKPASS",
    "GIT_TERMINAL_PROMPT",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    // Whose repositories git takes for root's own where root is somebody's sudo.
    "SUDO_UID",
    "GIT_ALLOW_PROTOCOL",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    // Windows cannot start a program without these.
    "SYSTEMROOT",
    "SystemRoot",
    "WINDIR",
    "COMSPEC",
    "PATHEXT",
    "TEMP",
    "TMP",
    "USERPROFILE",
    "HOMEDRIVE",
    "HOMEPATH",
    "APPDATA",
    "LOCALAPPDATA",
    "PROGRAMDATA",
    "ProgramData",
];
/// The same, by how their names begin.
const KEPT_PREFIXES: &[&str] = &["GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_CONFIG", "GIT_SSL_", "GIT_PROXY_SSL_", "LC_"];

/// What a git program said.
#[derive(Debug, Clone)]
pub struct Said {
    /// Its exit code; -1 where a signal ended it.
    pub code: i32,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error, made UTF-8.
    pub stderr: String,
}

impl Repo {
    /// Runs `git ARGS` in this repository and hands back what it said, whatever the exit code: for `fetch`, `push`,
    /// `merge` and `rebase`. Hooks run; stdin is empty; the environment is cleared but for what git, ssh and gpg
    /// need, and `extra`.
    ///
    /// Git finds the repository by itself, from the top of the work tree, where that is how we found it: what it is told
    /// in the environment it hands on, and a hook's `git init` or `git add` in a folder of its own would then be in here.
    ///
    /// # Errors
    /// `NoGit`.
    pub fn git(&self, args: &[&str], extra: &[(&str, &OsStr)]) -> Result<Said> {
        let mut command = self.cleared();
        let is_found = self.is_found_from_top();
        let is_told = |name: &str| !is_found || std::env::var_os(name).is_some();
        self.point_to(&mut command, is_told);
        command.args(args).envs(extra.iter().copied()).stdin(Stdio::null());
        let output = command.output().map_err(|source| RepoError::NoGit { source })?;
        Ok(said(output))
    }

    /// `git` with hooks off and a cleared environment, in exactly this repository.
    pub(super) fn command(&self) -> Command {
        let mut command = self.cleared();
        self.point_to(&mut command, |_| true);
        command.args(["-c", "core.hooksPath=/dev/null"]);
        command.env("GIT_LITERAL_PATHSPECS", "1").env("LC_ALL", "C");
        command
    }

    fn cleared(&self) -> Command {
        let mut command = Command::new("git");
        command.env_clear().envs(std::env::vars_os().filter(|(name, _)| is_kept(name)));
        self.at(&mut command);
        command
    }

    /// Tells git where the repository and its work tree are, by those variables that `is_told` picks.
    fn point_to(&self, command: &mut Command, is_told: impl Fn(&str) -> bool) {
        let places = [("GIT_DIR", Some(self.git_dir())), ("GIT_WORK_TREE", self.work_dir())];
        for (name, place) in places {
            if let Some(place) = place.filter(|_| is_told(name)) {
                command.env(name, place);
            }
        }
    }

    /// Whether the top of the work tree is where git looks for this very repository, without being told. It is not in a
    /// bare one, nor where a setting has the work tree elsewhere.
    fn is_found_from_top(&self) -> bool {
        let found = self.work_dir().and_then(|top| gix::discover::upwards(top).ok());
        let found = found.map(|(place, _)| place.into_repository_and_work_tree_directories());
        let is_same = |one: &Path, other: &Path| {
            one.canonicalize().ok().zip(other.canonicalize().ok()).is_some_and(|(one, other)| one == other)
        };
        found.is_some_and(|(git_dir, top)| {
            is_same(&git_dir, self.git_dir()) && top.as_deref().zip(self.work_dir()).is_some_and(|(a, b)| is_same(a, b))
        })
    }

    /// `git` as the person would run it, hooks and all, only without `COVAULT_*`.
    pub(super) fn command_of_person(&self) -> Command {
        let mut command = Command::new("git");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("COVAULT_") {
                command.env_remove(name);
            }
        }
        self.at(&mut command);
        command
    }

    /// Runs a command built by `command`, as [`feed`] does.
    pub(super) fn run(&self, command: Command, input: Option<&[u8]>) -> Result<Said> {
        feed(command, input)
    }

    /// Starts a command built by `command` whose output is read while it runs.
    pub(super) fn stream(&self, mut command: Command) -> Result<Stream> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|source| RepoError::NoGit { source })?;
        let out = child.stdout.take().map(BufReader::new);
        let errors = child.stderr.take();
        // A thread of its own: what nobody reads would make git wait.
        let errors = std::thread::spawn(move || {
            let mut said = Vec::new();
            errors.map(|mut errors| errors.read_to_end(&mut said));
            String::from_utf8_lossy(&said).into_owned()
        });
        Ok(Stream { child, out, errors: Some(errors) })
    }

    /// Runs `git ARGS` and gives its output, or `None` where it ends with exit code 1.
    pub(super) fn ask(&self, args: &[&str]) -> Result<Option<Vec<u8>>> {
        let mut command = self.command();
        command.args(args);
        let said = self.run(command, None)?;
        match said.code {
            0 => Ok(Some(said.stdout)),
            1 => Ok(None),
            _ => Err(said.failed(args.first().copied().unwrap_or_default())),
        }
    }

    fn at(&self, command: &mut Command) {
        let dir = self.work_dir().unwrap_or_else(|| self.git_dir());
        command.arg("--no-pager").current_dir(dir);
        if std::env::var_os("GIT_INDEX_FILE").is_some() {
            command.env("GIT_INDEX_FILE", self.git.index_path());
        }
    }
}

/// Runs a command built by [`Repo::command`], feeding it `input`, on any thread. One that says it is done and was not
/// given all of it is an error: to git, less input is less to do.
pub(super) fn feed(mut command: Command, input: Option<&[u8]>) -> Result<Said> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let missing = |source| RepoError::NoGit { source };
    let Some(input) = input else {
        return command.stdin(Stdio::null()).output().map(said).map_err(missing);
    };
    let mut child = command.stdin(Stdio::piped()).spawn().map_err(missing)?;
    let pipe = child.stdin.take();
    // A thread of its own: git may answer before it has read everything.
    let (output, fed) = std::thread::scope(|scope| {
        let feeding = scope.spawn(move || pipe.map_or(Ok(()), |mut pipe| pipe.write_all(input)));
        (child.wait_with_output(), feeding.join())
    });
    let said = said(output.map_err(missing)?);
    match fed {
        Ok(Err(source)) if said.code == 0 => Err(RepoError::io("write to", "git", source)),
        _ => Ok(said),
    }
}

/// A git program that is still at work; one that nobody reads from any more is ended.
pub(super) struct Stream {
    child: Child,
    out: Option<BufReader<ChildStdout>>,
    errors: Option<JoinHandle<String>>,
}

impl Stream {
    /// What comes before the next NUL; `None` at the end.
    pub(super) fn field(&mut self) -> Option<Vec<u8>> {
        let mut field = Vec::new();
        // Output that breaks off shows in the exit code.
        self.out.as_mut()?.read_until(0, &mut field).ok()?;
        if field.last() == Some(&0) {
            field.pop();
            return Some(field);
        }
        Some(field).filter(|field| !field.is_empty())
    }

    /// Waits until it has ended: its exit code, and what it said on standard error.
    pub(super) fn end(&mut self) -> Said {
        self.out = None;
        let code = self.child.wait().ok().and_then(|status| status.code()).unwrap_or(-1);
        let stderr = self.errors.take().and_then(|errors| errors.join().ok()).unwrap_or_default();
        Said { code, stdout: Vec::new(), stderr }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // Both fail where it has been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Said {
    /// The error for a subcommand that failed.
    pub(super) fn failed(&self, what: &str) -> RepoError {
        let what = what.to_owned();
        // A signal leaves no exit code, and nothing is said on the way.
        if self.code < 0 && self.stderr.trim().is_empty() {
            return RepoError::GitEnded { what };
        }
        RepoError::Git { what, said: self.last_words() }
    }

    /// The lines of standard error that say what is wrong.
    pub(super) fn last_words(&self) -> String {
        let lines: Vec<&str> = self.stderr.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let said = lines.join("\n");
        if said.is_empty() { format!("exit code {}", self.code) } else { said }
    }
}

fn said(output: Output) -> Said {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Said { code: output.status.code().unwrap_or(-1), stdout: output.stdout, stderr }
}

fn is_kept(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    KEPT.contains(&name.as_ref()) || KEPT_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}
