//! The roster: who is in the vault, as a serial chain of signed entries.
//!
//! It reads and writes entries, checks them by the rules of docs/format.md and says what they add up to. Signatures are
//! bytes here; a [`Judge`] checks them against the cards that this module names. The chain is never joined like a
//! document: two branches that both extended it end in one `merge` entry.

mod chain;
mod entry;
mod error;
mod fact;
mod merge;
mod past;
mod settle;
mod state;
mod sum;
mod weigh;

pub use chain::{Judge, Roster, Signed};
pub use entry::{
    Entry, Granted, Grantee, Operation, body, decode, decode_embedded, embeddable, entry_text, found_body,
    is_vault_name, vault_of,
};
pub use error::{Refusal, RosterError};
pub use state::{Holder, Holders, Known, Member, State, named_among};

use std::fmt;

/// The largest roster file, in bytes.
pub const MAX_ROSTER: usize = 4 << 20;

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads what is shared with them.
    Reader,
    /// Writes, too.
    Writer,
    /// Edits the roster, too.
    Admin,
}

impl Role {
    /// As written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Writer => "writer",
            Self::Admin => "admin",
        }
    }

    /// For a sentence, as in "bob is an admin".
    pub fn with_article(self) -> &'static str {
        match self {
            Self::Reader => "a reader",
            Self::Writer => "a writer",
            Self::Admin => "an admin",
        }
    }

    /// Reads what [`Role::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Reader, Self::Writer, Self::Admin].into_iter().find(|role| role.as_str() == text)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
