//! Why a roster, or one entry of it, is refused.

use thiserror::Error;

use super::super::canon::CanonError;
use super::super::names::{GroupName, MemberName};
use super::MAX_ROSTER;

/// Why a roster is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RosterError {
    /// It is not UTF-8.
    #[error("the roster is not text")]
    NotText,
    /// It has no entry.
    #[error("the roster has no entry")]
    Empty,
    /// Larger than [`MAX_ROSTER`].
    #[error("the roster has {size} bytes and the limit is {MAX_ROSTER}")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
    },
    /// It is not what the encoder would have written.
    #[error("the roster is not canonical")]
    Canon(#[from] CanonError),
    /// An entry does not follow the one before it.
    #[error("entry {seq} of the roster does not follow the one before it")]
    BrokenChain {
        /// Its place in the file, from 0.
        seq: u64,
    },
    /// An operation that this version does not know.
    #[error("entry {seq} of the roster has the operation '{operation}', which this version does not know")]
    UnknownOperation {
        /// Its number.
        seq: u64,
        /// The operation.
        operation: String,
    },
    /// The first entry is not `found`, or a later one is.
    #[error("entry {seq} of the roster founds a vault, which only the first does")]
    Founding {
        /// Its number.
        seq: u64,
    },
    /// An entry breaks a rule.
    #[error("entry {seq} of the roster breaks a rule: {why}")]
    Refused {
        /// Its number.
        seq: u64,
        /// Which rule.
        why: Refusal,
    },
    /// A format that this version does not know is required.
    #[error("this vault needs format {minimum}, which this version of covault does not know")]
    TooNew {
        /// The required format.
        minimum: u64,
    },
}

impl RosterError {
    /// Whether a later version may well read it.
    pub fn is_from_later(&self) -> bool {
        match self {
            Self::TooNew { .. } | Self::UnknownOperation { .. } => true,
            Self::Canon(source) => source.is_other_format(),
            _ => false,
        }
    }
}

/// Which rule an entry breaks (docs/format.md, "What an entry must satisfy").
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Rule 1.
    #[error("its signer is no admin")]
    NotAnAdmin,
    /// Rule 2.
    #[error("the name {0} was used before")]
    NameUsed(MemberName),
    /// Rules 2 and 3.
    #[error("a key of the card is {0}'s")]
    KeyUsed(MemberName),
    /// A member is named who does not live.
    #[error("{0} is no member")]
    NoSuchMember(MemberName),
    /// A member is named by a card that is not the present one.
    #[error("the card of {0} is not the present one")]
    OldCard(MemberName),
    /// Rule 3: a renewal gives another name or kind.
    #[error("a renewed card keeps name and kind")]
    AnotherPerson,
    /// Rules 3 and 6.
    #[error("it changes nothing")]
    NothingChanged,
    /// Rule 4.
    #[error("who writes has a signing key")]
    NoSigningKey,
    /// Rule 4.
    #[error("a machine is no admin")]
    MachineAdmin,
    /// Rule 5.
    #[error("the last admin stays")]
    LastAdmin,
    /// A group is named that there is not.
    #[error("there is no group {0}")]
    NoSuchGroup(GroupName),
    /// The name of a group that ended.
    #[error("the group {0} has ended, and names are not used again")]
    GroupEnded(GroupName),
    /// A group that a grant names cannot end.
    #[error("the group {0} has a grant")]
    GroupGranted(GroupName),
    /// The root always has a grant.
    #[error("the root inherits from nothing")]
    RootInherits,
    /// Rule 6.
    #[error("the minimum only rises")]
    MinimumFalls,
    /// The embedded entries begin at no entry of this chain.
    #[error("what it embeds does not begin in this chain")]
    UnknownBase,
    /// The embedded entries are no chain, or one breaks a rule of its own.
    #[error("what it embeds is no good chain: {0}")]
    Embedded(Box<RosterError>),
}
