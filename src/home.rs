//! This person's machine: the config folder with identity and signing key, and the state folder with pins.
//!
//! It does not read the environment (the command line hands it over) and knows no repository.

mod agent;
mod checked;
mod config;
mod files;
mod invites;
mod keys;
mod state;
mod sums;
mod watched;

use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;
use zeroize::Zeroizing;

pub use agent::{AgentError, AgentKey};
pub use config::{Alerts, Calls, Config, Reach, Span};
pub use invites::KeptInvite;
pub use keys::{Keys, NewKeys, OwnSigner};
pub use state::{Healed, Held, ListedFile, Pin, Seen};
pub use sums::RosterSum;
pub use watched::{Watched, WatchedKey};

use crate::model::bytes::Hash;
use crate::plaintext::Plaintext;
use crate::seal::SealError;

/// Asks a person for the passphrase of the thing named; `None` where nobody can be asked.
pub type AskPassphrase = Box<dyn Fn(&str) -> Option<Zeroizing<String>> + Send + Sync>;

/// Why this machine cannot serve.
#[derive(Debug, Error)]
pub enum HomeError {
    /// No identity anywhere.
    #[error("no identity on this machine: {looked} does not exist")]
    NoIdentity {
        /// Where it would be.
        looked: PathBuf,
    },
    /// A file that names the file of a key, where there is none.
    #[error("{file} names {}, which is no file", .target.display())]
    PointsNowhere {
        /// The file that names it.
        file: PathBuf,
        /// What it names.
        target: PathBuf,
    },
    /// A signing key that is not there, of whose place a public half says that it is another's.
    #[error("{file} does not exist, and no new key is made beside the public half of another")]
    NoPrivateHalf {
        /// The file.
        file: PathBuf,
        /// Where the public half is, or would be.
        public: PathBuf,
    },
    /// A passphrase is needed and nobody can be asked.
    #[error("{file} needs its passphrase and nobody can be asked")]
    PassphraseNeeded {
        /// The file.
        file: PathBuf,
    },
    /// A key file that does not hold what it should.
    #[error("{file} cannot be used")]
    BadKey {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        source: SealError,
    },
    /// An identity or signing key in the environment that does not hold what it should.
    #[error("the value of {variable} cannot be used")]
    BadLiteral {
        /// The variable.
        variable: &'static str,
        /// What is wrong.
        source: SealError,
    },
    /// The agent that holds the signing key.
    #[error("cannot sign with {file}")]
    Agent {
        /// The public half's file.
        file: PathBuf,
        /// What the agent did.
        source: AgentError,
    },
    /// Others may read a key file.
    #[error("{file} can be read by others (mode {mode:o})")]
    Permissions {
        /// The file.
        file: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A file that cannot be read or written.
    #[error("cannot {action} {file}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        file: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A state file that is damaged.
    #[error("{file} is damaged")]
    DamagedState {
        /// The file.
        file: PathBuf,
    },
    /// A configuration that cannot be read.
    #[error("{file} is refused: {why}")]
    BadConfig {
        /// The file.
        file: PathBuf,
        /// What is wrong, and where.
        why: String,
    },
    /// New keys cannot be made.
    #[error("cannot make keys")]
    Making(#[source] SealError),
    /// Where to keep things is not known.
    #[error("neither HOME nor XDG_CONFIG_HOME and XDG_STATE_HOME are set")]
    NoHome,
}

impl HomeError {
    /// The next step.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoIdentity { .. } => Some(
                "if you are a member, copy your identity here, name it with COVAULT_IDENTITY_FILE, or hand it over in \
                 COVAULT_IDENTITY (a paper key, too: both lines); else ask to be let in with: covault join"
                    .to_owned(),
            ),
            Self::PointsNowhere { file, .. } => {
                Some(format!("bring it back, write another path into '{0}', or remove '{0}'", file.display()))
            }
            Self::NoPrivateHalf { file, public } if file == public => {
                Some(format!("bring '{}' back (ssh-add -L prints what ssh-agent has): ssh-agent signs", file.display()))
            }
            Self::NoPrivateHalf { public, .. } => {
                let public = public.display();
                Some(format!(
                    "name '{public}' with COVAULT_SIGNING_KEY_FILE: ssh-agent signs; or move it away, and a new key is made"
                ))
            }
            Self::PassphraseNeeded { .. } => {
                let text = "run it on a terminal, or name unprotected keys with COVAULT_IDENTITY_FILE and \
                    COVAULT_SIGNING_KEY_FILE (with a .pub there, ssh-agent signs)";
                Some(text.to_owned())
            }
            Self::BadKey { source: SealError::WrongPassphrase, .. } => {
                Some("repeat the command and type it again".to_owned())
            }
            Self::BadLiteral { .. } => {
                let text = "it holds AGE-SECRET-KEY-1…, and after a space COVAULT-SIGNING-KEY-1… where it signs; files are \
                    named with COVAULT_IDENTITY_FILE and COVAULT_SIGNING_KEY_FILE";
                Some(text.to_owned())
            }
            Self::BadKey { .. } => {
                let text = "an identity is AGE-SECRET-KEY-1… or an ssh-ed25519 private key; a signing key is \
                    ssh-ed25519, private, or public and in ssh-agent";
                Some(text.to_owned())
            }
            Self::Agent { file, source } => Some(source.hint(file)),
            Self::Permissions { file, .. } => Some(format!("chmod 600 '{}'", file.display())),
            Self::Io { .. } | Self::Making(_) => None,
            Self::BadConfig { .. } => Some("docs/provider-keys.md has an example".to_owned()),
            Self::DamagedState { file } => {
                let file = file.display();
                Some(format!(
                    "compare the vault's words and its newest commit with a teammate, then remove '{file}': this machine \
                     remembers anew from there"
                ))
            }
            Self::NoHome => Some("set HOME".to_owned()),
        }
    }
}

/// Where things are on this machine, and the keys that the environment brings.
pub struct Home {
    config: PathBuf,
    state: PathBuf,
    sources: KeySources,
    ask: AskPassphrase,
}

/// Keys that the environment names instead of those in the config folder.
#[derive(Default)]
pub struct KeySources {
    /// `COVAULT_IDENTITY`: an age identity, and a signing key after it where the machine writes.
    pub literal: Option<Plaintext>,
    /// `COVAULT_IDENTITY_FILE`.
    pub identity_file: Option<PathBuf>,
    /// `COVAULT_SIGNING_KEY_FILE`.
    pub signing_file: Option<PathBuf>,
    /// `SSH_AUTH_SOCK`: asked to sign where the signing key's file is a public key.
    pub agent_socket: Option<PathBuf>,
}

impl Home {
    /// `config` and `state` are Covault's own folders, such as `~/.config/covault` and `~/.local/state/covault`.
    pub fn new(config: PathBuf, state: PathBuf, sources: KeySources, ask: AskPassphrase) -> Self {
        Self { config, state, sources, ask }
    }

    /// The state folder of one vault.
    pub fn state_dir(&self, vault: Hash) -> PathBuf {
        self.state.join(vault.to_string())
    }

    /// The vaults that this machine remembers anything of.
    fn vaults(&self) -> Vec<Hash> {
        let folders = std::fs::read_dir(&self.state).into_iter().flatten().flatten();
        let mut vaults: Vec<Hash> = folders.filter_map(|it| Hash::from_hex(it.file_name().to_str()?)).collect();
        vaults.sort_unstable();
        vaults
    }

    /// The identity file that counts: the one that the environment names, else the one in the config folder.
    pub fn identity_file(&self) -> PathBuf {
        self.sources.identity_file.clone().unwrap_or_else(|| self.named(IDENTITY_POINTER, "identity.txt"))
    }

    /// Where the identity comes from, for errors.
    pub fn identity_name(&self) -> String {
        match self.sources.literal {
            Some(_) => "COVAULT_IDENTITY".to_owned(),
            None => self.identity_file().display().to_string(),
        }
    }

    /// The signing key that counts.
    pub fn signing_file(&self) -> PathBuf {
        self.sources.signing_file.clone().unwrap_or_else(|| self.named(SIGNING_POINTER, "signing_ed25519"))
    }

    /// Where a signing key is looked for that does not stand in the environment itself; `None` where an identity does,
    /// which no key of this machine's goes with unless it is named.
    pub fn signing_place(&self) -> Option<PathBuf> {
        let is_named = self.sources.literal.is_none() || self.sources.signing_file.is_some();
        is_named.then(|| self.signing_file())
    }

    /// Our folders that others may write to: they could put keys there, or take away what this machine remembers.
    pub fn open_folders(&self) -> Vec<&Path> {
        let folders = [&self.config, &self.state].into_iter().map(PathBuf::as_path);
        folders.filter(|folder| files::others_may_write(folder)).collect()
    }

    /// Remembers that an existing key file is to be used: `identity-file` and `signing-key-file` hold a path.
    fn name_existing(&self, identity: Option<&Path>, signing: Option<&Path>) -> Result<(), HomeError> {
        for (pointer, target) in [(IDENTITY_POINTER, identity), (SIGNING_POINTER, signing)] {
            if let Some(target) = target {
                files::write_private(&self.config.join(pointer), target.to_string_lossy().as_bytes())?;
            }
        }
        Ok(())
    }

    /// Removes what a killed run left beside keys and state; how many files there were. A left-over identity is a key.
    pub fn sweep(&self, vault: Hash) -> usize {
        const DAY: Duration = Duration::from_secs(86_400);
        let state = self.state_dir(vault);
        let below = ["rosters", "sums", "invites"].map(|folder| state.join(folder));
        let folders = [&self.config, &state].into_iter().chain(&below);
        let here: usize = folders.map(|folder| files::sweep(folder, Duration::ZERO)).sum();
        // An `init` that was killed leaves a folder for a vault that was never founded; another covault may be at work
        // on a vault of its own, and takes no day for a file.
        let others = std::fs::read_dir(&self.state).into_iter().flatten().flatten();
        here + others.map(|folder| files::sweep(&folder.path(), DAY)).sum::<usize>()
    }

    fn named(&self, pointer: &str, default: &str) -> PathBuf {
        self.pointed(pointer).unwrap_or_else(|| self.config.join(default))
    }

    /// What a file of the config folder names, wherever that is. An empty one names nothing that exists.
    fn pointed(&self, pointer: &str) -> Option<PathBuf> {
        let bytes = std::fs::read(self.config.join(pointer)).ok()?;
        Some(PathBuf::from(String::from_utf8_lossy(&bytes).trim()))
    }

    /// Why there is no key, where a file of the config folder names one that is not there, or a folder.
    fn points_nowhere(&self, source: Option<&PathBuf>, pointer: &str) -> Option<HomeError> {
        let target =
            self.pointed(pointer).filter(|target| source.is_none() && (target.is_dir() || !target.exists()))?;
        Some(HomeError::PointsNowhere { file: self.config.join(pointer), target })
    }
}

/// Files of the config folder that hold the path of a key's file.
const IDENTITY_POINTER: &str = "identity-file";
const SIGNING_POINTER: &str = "signing-key-file";
