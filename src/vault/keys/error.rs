//! Refusals about keys at providers, with what sort each is and the next step.

use thiserror::Error;

use crate::providers::ProviderError;
use crate::vault::Kind;

/// Why something about a key is not done, or not known to be done.
#[derive(Debug, Error)]
pub enum KeyError {
    /// A provider said no, or nothing that can be understood.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// A name of no provider.
    #[error("there is no provider '{0}'")]
    UnknownProvider(String),
    /// Nobody has stored a management key.
    #[error("there is no management key for {0} in this vault")]
    NoManagementKey(String),
    /// It is not one that may manage keys.
    #[error("{0} takes the key, but it is an ordinary one that cannot manage others")]
    NotAManagementKey(String),
    /// No provider issued this secret.
    #[error("{0} was not issued by a provider")]
    NotIssued(String),
    /// A value that a provider issued is not written by hand.
    #[error("the value of {0} was issued by a provider, and is not written by hand")]
    Issued(String),
    /// When a key ends is between its maker and its provider.
    #[error("when the key of {0} ends was said to its provider as it was made")]
    EndsThere(String),
    /// A name that is kept for management keys.
    #[error("{0} is kept for a provider's management key, which is handed to no program")]
    ForManagement(String),
    /// The management key is of an account that does not have the key.
    #[error("the management key for {provider} is of an account that has not got the key of {path}")]
    OtherAccount {
        /// The secret.
        path: String,
        /// The provider.
        provider: String,
    },
    /// Its record speaks of a key that is another one's.
    #[error("the record of {path} names the key {id}, which is called '{name}' at the provider and is another one")]
    OtherKey {
        /// The secret.
        path: String,
        /// What the record says.
        id: String,
        /// Its name there.
        name: String,
    },
    /// Its record cannot be read.
    #[error("what {0} says about its key cannot be read")]
    BadRecord(String),
    /// Somebody began something that is not finished.
    #[error("{by} began to {what} {path}, and it is not finished ({stage})")]
    Open {
        /// The secret.
        path: String,
        /// Who.
        by: String,
        /// What.
        what: &'static str,
        /// How far.
        stage: String,
        /// It only waits for the time that the old key is kept.
        keeps_old: bool,
    },
    /// Nothing is under way.
    #[error("nothing is under way for {0}")]
    NothingOpen(String),
    /// Journals are for those who manage keys.
    #[error("what may be open is in journals that are not sealed to you")]
    NotAManager,
    /// The provider has no such ability.
    #[error("{provider} cannot {what}")]
    Cannot {
        /// Which.
        provider: String,
        /// What.
        what: &'static str,
    },
    /// The journal has to be a commit before a provider is asked.
    #[error("the journal was only staged ({0}), and a provider is asked for nothing before it is committed")]
    NotCommitted(String),
    /// The journal could not be pushed.
    #[error("the journal could not be pushed, and {0} was asked for nothing")]
    NotPushed(String, #[source] Box<crate::vault::VaultError>),
    /// It stopped on the way, and may be repeated.
    #[error("{path}: {what}")]
    Unfinished {
        /// The secret.
        path: String,
        /// What is not done.
        what: String,
    },
    /// It is not known what came of it, and the same command finds out and mends it.
    #[error("{path}: {what}")]
    Repeat {
        /// The secret.
        path: String,
        /// What is not known, or not done.
        what: String,
        /// The command.
        again: String,
    },
    /// Somebody else was faster.
    #[error("{path}: {what}")]
    Overtaken {
        /// The secret.
        path: String,
        /// By what.
        what: String,
    },
    /// There is something at the name by now.
    #[error("{path} came to be meanwhile, and the key that was asked for it is taken back")]
    Taken {
        /// The secret.
        path: String,
    },
    /// A new key that does not work, and was taken back: nothing is open for it.
    #[error("{path}: the new key does not work, and was taken back{}", old_stays(*replaces))]
    NewKeyRefused {
        /// The secret.
        path: String,
        /// There is an old one.
        replaces: bool,
    },
    /// A key that is switched off has no other one made in its place, but by somebody who says so.
    #[error("the key of {path} is switched off, and a new one would work")]
    SwitchedOff {
        /// The secret.
        path: String,
    },
    /// A key that is switched off is no living one, and only a person says that it is to work again.
    #[error("the key of {0} is switched off")]
    IsOff(String),
    /// A new key that would have ended before it is made.
    #[error("a key that ends at {0} would have ended already")]
    Ended(String),
    /// A name that is kept for management keys.
    #[error("{0} is kept for the management keys of providers")]
    Reserved(String),
    /// No key has this id.
    #[error("{provider} has no key {id}")]
    NoSuchKey {
        /// The id.
        id: String,
        /// Where it would be.
        provider: String,
    },
    /// A key whose name says that it is another vault's.
    #[error("the key {id} is called '{name}', by which it is another vault's")]
    OtherVault {
        /// The id.
        id: String,
        /// Its name there.
        name: String,
    },
    /// A text that is not that key's.
    #[error("what was given is not the key {id}: {why}")]
    NotThatKey {
        /// The id.
        id: String,
        /// By what that is seen.
        why: String,
    },
    /// A key that has a record already.
    #[error("the key {id} is {path} already")]
    Managed {
        /// The id.
        id: String,
        /// The secret.
        path: String,
    },
    /// Several clones published keys of one secret, or changed what is said of its key, and which of that stays is not a
    /// person's choice of a value.
    #[error("several clones made keys for {path}, or changed its key's record, at the same time")]
    Several {
        /// The secret.
        path: String,
    },
    /// Somebody gave a key up here, without asking its provider.
    #[error("the key of {0} was given up, and may still work at its provider")]
    GivenUp(String),
    /// What is to be given up does not work any more.
    #[error("the key of {0} is gone already")]
    GoneAlready(String),
    /// Keys of a secret that is to be deleted are not known to be gone, and nothing would list them any more.
    #[error("{path} has keys that may still work: {}", .keys.join(", "))]
    Outlived {
        /// The secret.
        path: String,
        /// Which.
        keys: Vec<String>,
    },
    /// The key does not exist at the provider.
    #[error("{provider} has no key for {path} any more")]
    Missing {
        /// The secret.
        path: String,
        /// Where it was.
        provider: String,
    },
    /// A person has to say so.
    #[error("{0}")]
    NeedsPerson(String),
}

fn old_stays(replaces: bool) -> &'static str {
    if replaces { "; the old one stays as it is" } else { "" }
}

impl KeyError {
    /// What sort of refusal it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Provider(error) => match error.status() {
                Some(401 | 403) => Kind::NoAccess,
                Some(404) => Kind::NotFound,
                Some(402) => Kind::NeedsPerson,
                Some(400) => Kind::Usage,
                _ if matches!(error.problem, crate::providers::Problem::Settings(_)) => Kind::Usage,
                _ => Kind::Remote,
            },
            Self::UnknownProvider(_)
            | Self::NotIssued(_)
            | Self::Issued(_)
            | Self::EndsThere(_)
            | Self::ForManagement(_)
            | Self::Cannot { .. }
            | Self::NotThatKey { .. }
            | Self::Managed { .. }
            | Self::OtherVault { .. }
            | Self::Ended(_)
            | Self::Reserved(_)
            | Self::NotCommitted(_) => Kind::Usage,
            Self::NoManagementKey(_) | Self::NotAManagementKey(_) => Kind::NoAccess,
            Self::OtherAccount { .. } | Self::NotAManager => Kind::NoAccess,
            Self::BadRecord(_) | Self::OtherKey { .. } => Kind::Verification,
            Self::Open { .. } | Self::Several { .. } | Self::Overtaken { .. } | Self::Taken { .. } => Kind::Conflict,
            Self::NothingOpen(_) | Self::Missing { .. } | Self::NoSuchKey { .. } => Kind::NotFound,
            Self::GivenUp(_) | Self::GoneAlready(_) => Kind::NotFound,
            Self::NotPushed(..) | Self::Unfinished { .. } | Self::Repeat { .. } | Self::NewKeyRefused { .. } => {
                Kind::Remote
            }
            Self::NeedsPerson(_) | Self::Outlived { .. } | Self::SwitchedOff { .. } | Self::IsOff(_) => {
                Kind::NeedsPerson
            }
        }
    }

    /// The next step.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Provider(error) => match error.status() {
                Some(401 | 403) => Some("check the management key: covault key login".to_owned()),
                Some(402) => {
                    Some("see to the account's credits; then, if anything is open: covault key resume".to_owned())
                }
                Some(400 | 404) => {
                    Some("covault status says whether something is open; covault key resume goes on".to_owned())
                }
                _ => Some("see what is open with: covault status; go on with: covault key resume".to_owned()),
            },
            Self::UnknownProvider(_) => {
                let names: Vec<&str> = crate::providers::KNOWN.iter().map(|known| known.name).collect();
                Some(format!("there are: {}", names.join(", ")))
            }
            Self::NoManagementKey(provider) => Some(format!("covault key login {provider}")),
            Self::NotAManagementKey(_) => {
                Some("make one in the provider's web console; an ordinary key cannot make keys".to_owned())
            }
            Self::NotIssued(path) => Some(format!("covault key issue {path}, or covault set {path}")),
            Self::Issued(path) => Some(format!("covault key rotate {path}, or covault key revoke {path} first")),
            Self::EndsThere(path) => Some(format!(
                "covault key rotate {path} has one made that lives as long again; for another time issue one at another name"
            )),
            Self::ForManagement(path) => Some(format!(
                "have a key issued that a program may have: covault key issue NAME; what is no management key belongs \
                 elsewhere: covault mv {path} NAME"
            )),
            Self::OtherAccount { path, provider } => {
                Some(format!("covault key login {provider}, with that account's; then: covault key resume {path}"))
            }
            Self::OtherKey { path, .. } => {
                Some(format!("nothing was done to it; see who wrote that with: covault log {path}"))
            }
            Self::BadRecord(path) => Some(format!("see who wrote it with: covault log {path}")),
            Self::Open { path, keeps_old: true, .. } => {
                Some(format!("covault key resume {path} --now lets the old key go without waiting any longer"))
            }
            Self::Open { path, .. } | Self::Several { path } | Self::Unfinished { path, .. } => {
                Some(format!("covault key resume {path}"))
            }
            Self::NewKeyRefused { .. } => {
                Some("nothing is open: repeat the command when the provider's new keys work".to_owned())
            }
            Self::SwitchedOff { path } => Some(format!(
                "covault key rotate {path} --compromised has another one made and takes this one away, and covault key \
                 revoke {path} only takes it away"
            )),
            Self::IsOff(path) => Some(format!("covault key enable {path} switches it on again")),
            Self::Ended(_) => Some("say a time that is to come, such as --expires 30d".to_owned()),
            Self::Reserved(_) => Some("choose a name that does not begin with providers/".to_owned()),
            Self::OtherVault { .. } => Some(
                "adopt it there; where that vault is no more, give the key another name in the console first"
                    .to_owned(),
            ),
            Self::Repeat { again, .. } => Some(format!("repeat it: {again}")),
            Self::Overtaken { .. } => Some("covault key resume settles what is left".to_owned()),
            Self::Taken { path } => Some(format!("covault show {path}, or issue a key at another name")),
            Self::NotAManager => Some("who manages keys says: covault grant journal".to_owned()),
            Self::NothingOpen(_) => Some("covault status lists what is open".to_owned()),
            Self::NoSuchKey { .. } => Some("covault key ls shows the ids".to_owned()),
            Self::NotThatKey { .. } => {
                Some("give the text of that very key; it is shown once, when it is made".to_owned())
            }
            Self::Managed { path, .. } => Some(format!("covault show {path}")),
            Self::Cannot { .. } => Some("covault key --help".to_owned()),
            Self::NotCommitted(_) => Some("finish what git is in the middle of, and leave --no-commit out".to_owned()),
            Self::NotPushed(..) => Some("see to the remote, then: covault key resume".to_owned()),
            Self::Missing { path, .. } => Some(format!("covault key rotate {path}, or covault key revoke {path}")),
            Self::GivenUp(path) => Some(format!(
                "covault key revoke {path} takes it away there; covault key rotate {path} has another one made"
            )),
            Self::GoneAlready(path) => Some(format!("covault key rotate {path} for another one; covault rm {path}")),
            Self::Outlived { path, .. } => Some(format!(
                "take them away where they were made, then: covault key revoke {path} --done; \
                 covault rm {path} --local-only leaves them as they are, and nothing lists them any more"
            )),
            Self::NeedsPerson(_) => Some("covault status lists what is open".to_owned()),
        }
    }
}
