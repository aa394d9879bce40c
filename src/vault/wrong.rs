//! What a sealed file says that its place, the roster, its document or its history contradicts.
//!
//! Each has a code, which the second verifier gives too (docs/format.md, "Checking a secret").

use thiserror::Error;

use super::VaultError;
use super::misplaced::Stray;
use crate::model::names::SecretPath;
use crate::seal::SealError;

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Wrong {
    /// Sealed for another vault.
    #[error("it was sealed for another vault")]
    Vault,
    /// Sealed for another name.
    #[error("it was sealed for another name ({says})")]
    Path {
        /// That name, as the file says of itself.
        says: SecretPath,
        /// How it came here, if somebody looked and could tell.
        stray: Option<Stray>,
    },
    /// It names a roster entry that is not in the chain.
    #[error("it was sealed under another roster")]
    Point,
    /// Its ancestors are not those of a parent.
    #[error("the ancestors that it names do not begin with a parent")]
    Ancestors,
    /// Its author was never a member.
    #[error("its author is no member")]
    UnknownAuthor,
    /// Its author is not among its readers.
    #[error("its author does not read it")]
    AuthorIsNoReader,
    /// A reader was never a member.
    #[error("a reader is no member")]
    UnknownReader,
    /// The key is not on the author's card.
    #[error("it is signed with a key that is not its author's")]
    Signer,
    /// The author may not write it, and nobody said that it stays good.
    #[error(
        "its author {author} may not write {path} (any more), and no entry of the roster says that this version stays good"
    )]
    NoStanding {
        /// The author.
        author: String,
        /// The secret.
        path: String,
    },
    /// A reader whom no grant and no share names.
    #[error("it is sealed to {reader}, who may not read it")]
    NotEntitled {
        /// The reader.
        reader: String,
    },
    /// Document and manifest disagree.
    #[error("{0}")]
    Document(&'static str),
    /// It does not descend from what was seen on the trunk, or came to be on it by a merge.
    #[error(
        "it does not follow the version that was there at {commit} (revision {seen}, here {found}): an older or another version was put back"
    )]
    RolledBack {
        /// Where the newer one was seen, on the trunk or on a branch that it has, abbreviated.
        commit: String,
        /// Its revision.
        seen: u64,
        /// The revision that is here.
        found: u64,
        /// The secret's name.
        path: SecretPath,
        /// What is here counts, too, and oneself can join both.
        joins: bool,
    },
}

impl Wrong {
    /// The code of the step that failed.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Vault => "vault",
            Self::Ancestors => "form",
            Self::Path { .. } => "path",
            Self::Point => "point",
            Self::UnknownAuthor | Self::AuthorIsNoReader => "author",
            Self::UnknownReader => "reader",
            Self::Signer => "signature",
            Self::NoStanding { .. } => "standing",
            Self::NotEntitled { .. } => "entitled",
            Self::Document(_) => "document",
            Self::RolledBack { .. } => "rollback",
        }
    }
}

impl VaultError {
    /// Whether a file is refused for who wrote it or whom it is sealed to, and may be for a person to decide about.
    pub(super) fn is_about_standing(&self) -> bool {
        matches!(self, Self::Inconsistent { what: Wrong::NoStanding { .. } | Wrong::NotEntitled { .. }, .. })
    }

    /// Whether a file names what the roster here does not know.
    pub(super) fn is_of_another_roster(&self) -> bool {
        matches!(self, Self::Inconsistent { what: Wrong::Point | Wrong::UnknownAuthor | Wrong::UnknownReader, .. })
    }

    /// The code of the step that refused, for `verify`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Sealed { source, .. } => seal_code(source),
            Self::Inconsistent { what, .. } => what.code(),
            Self::Document { .. } => "document",
            Self::Repo(_) => "file",
            _ => "roster",
        }
    }
}

fn seal_code(error: &SealError) -> &'static str {
    match error {
        SealError::ReaderCount { .. } | SealError::DeviceCount { .. } | SealError::DeviceMismatch { .. } => "stanza",
        SealError::NotSshsig
        | SealError::SshsigVersion { .. }
        | SealError::SshsigKeyType
        | SealError::SshsigNamespace { .. }
        | SealError::SshsigReserved
        | SealError::SshsigHash
        | SealError::PublicKey
        | SealError::WeakKey
        | SealError::BadSignature => "signature",
        _ => "form",
    }
}
