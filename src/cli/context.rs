//! What a command finds around it: the folder, the environment, the clock, the terminal.
//!
//! It decides nothing; commands do.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::args::{Global, WriteFlags};
use super::ask;
use crate::home::{Home, HomeError, KeySources};
use crate::model::time::Time;
use crate::plaintext::Plaintext;
use crate::vault::write::How;
use crate::vault::{Vault, VaultError};

/// Variables that tools for programs which write programs set; their output goes into logs that we cannot see.
const AGENTS: &[&str] = &[
    "CLAUDECODE",
    "CURSOR_AGENT",
    "CURSOR_TRACE_ID",
    "GEMINI_CLI",
    "CODEX_SANDBOX",
    "CODEX_CI",
    "OPENCODE",
    "AIDER_MODEL",
    "AI_AGENT",
    "AGENT",
    "REPL_ID",
    "COPILOT_AGENT",
    "WINDSURF_AGENT",
    "AMP_CURRENT_THREAD_ID",
];

/// What a command finds around it.
pub struct Context {
    dir: PathBuf,
    json: bool,
    quiet: bool,
    asks: bool,
    now: Time,
}

impl Context {
    /// Looks around.
    pub fn new(global: &Global) -> Self {
        Self {
            dir: global.dir.clone().unwrap_or_else(|| PathBuf::from(".")),
            json: global.json,
            quiet: global.quiet,
            asks: true,
            now: clock(),
        }
    }

    /// The same, but nobody is asked for anything, not even for a passphrase.
    pub fn silent(global: &Global) -> Self {
        Self { asks: false, ..Self::new(global) }
    }

    /// The folder to act in.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether data is to be JSON.
    pub fn json(&self) -> bool {
        self.json
    }

    /// Whether only errors are to be said.
    pub fn quiet(&self) -> bool {
        self.quiet
    }

    /// Now.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Now, where much time may have passed since the command began.
    pub fn later(&self) -> Time {
        clock()
    }

    /// This person's machine.
    pub fn home(&self) -> Result<Home, VaultError> {
        let home = path_variable("HOME");
        let folder = |variable: &str, below: &str| {
            path_variable(variable)
                .or_else(|| home.as_ref().map(|home| home.join(below)))
                .map(|dir| dir.join("covault"))
        };
        let config = folder("XDG_CONFIG_HOME", ".config");
        let state = folder("XDG_STATE_HOME", ".local/state");
        let (config, state) = config.zip(state).ok_or(VaultError::Home(HomeError::NoHome))?;
        let sources = KeySources {
            literal: variable("COVAULT_IDENTITY").map(|text| Plaintext::new(text.into_bytes())),
            identity_file: path_variable("COVAULT_IDENTITY_FILE"),
            signing_file: path_variable("COVAULT_SIGNING_KEY_FILE"),
            agent_socket: path_variable("SSH_AUTH_SOCK"),
        };
        Ok(Home::new(config, state, sources, if self.asks { ask::passphrase() } else { ask::nobody() }))
    }

    /// The vault around the folder.
    pub fn vault(&self) -> Result<Vault, VaultError> {
        Vault::open(&self.dir, self.home()?, self.expected_vault().as_deref())
    }

    /// The same for a command that needs no key: on a machine without one, too, it is said how to accept the vault.
    pub fn vault_without_key(&self) -> Result<Vault, VaultError> {
        Vault::open_without_key(&self.dir, self.home()?, self.expected_vault().as_deref())
    }

    /// The vault that `COVAULT_VAULT` insists on.
    pub fn expected_vault(&self) -> Option<String> {
        variable("COVAULT_VAULT")
    }

    /// How a writing command goes about it.
    pub fn how(&self, flags: &WriteFlags) -> How {
        How { now: clock(), dry_run: flags.dry_run, no_commit: flags.no_commit, program: program() }
    }

    /// Whether a person sits at the terminal and may be asked.
    pub fn can_ask(&self) -> bool {
        ask::possible()
    }

    /// Whether this is an unattended run, where the first of two values is no answer.
    pub fn in_ci(&self) -> bool {
        variable("CI").is_some_and(|ci| ci != "false" && ci != "0")
    }

    /// Whether output goes to a program that keeps it: values are masked then.
    pub fn is_watched(&self) -> bool {
        self.in_ci() || AGENTS.iter().any(|name| variable(name).is_some())
    }

    /// Says something that is not data.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            super::out::to_stderr(text);
        }
    }

    /// Warns, even when quiet.
    pub fn warn(&self, text: &str) {
        super::out::to_stderr(&format!("warning: {text}"));
    }

    /// Whether stdout is a terminal.
    pub fn stdout_is_terminal(&self) -> bool {
        std::io::stdout().is_terminal()
    }
}

/// A variable that is set and not empty.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn path_variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn clock() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Time::from_unix(i64::try_from(since).unwrap_or(i64::MAX))
}

/// This program, as git is to call it.
pub fn program() -> String {
    std::env::current_exe().map_or_else(|_| "covault".to_owned(), |path| path.to_string_lossy().into_owned())
}
