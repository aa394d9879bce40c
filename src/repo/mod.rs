//! GIT: commits, trees and files; never what is in them.
//!
//! Bytes come in and go out unread. Nothing here prints, asks, or decides who may do what.
//!
//! The rules of this place:
//!
//! 1. Reading happens in this process (gix). The `git` program is started for what gix cannot do (see
//!    `program.rs`), never through a shell, and nothing tracked can make it run a command.
//! 2. No symbolic link below the top of the work tree is followed, neither to read nor to write.
//! 3. Writing goes file, objects, index entry, then one compare-and-swap of the ref. Killed anywhere in
//!    between, the person's next `git commit` can only bring the new value in, never the old one back.
//! 4. Only our own paths change: staged, unstaged and untracked work of the person stays as it is.
//!
//! Paths are relative to the top of the work tree, UTF-8, with `/` between their parts and none at the ends.

mod ancestry;
mod apart;
mod attributes;
mod bringing;
mod commit;
mod config;
mod converted;
mod dir;
mod discover;
mod entries;
mod error;
mod files;
mod head;
mod history;
mod hooks;
mod index;
mod known;
mod links;
mod listed;
mod lock;
mod objects;
mod operation;
mod path;
mod place;
mod program;
mod promised;
mod refs;
mod remote;
mod room;
mod staged;
mod status;
mod swap;
mod three;
mod trunk;
mod walk;
mod work;

pub use ancestry::Ancestry;
pub use attributes::AttributeValue;
pub use commit::{Change, CommitHow, CommitMode, Found, Outcome, Step};
pub use config::ConfigEntry;
pub use discover::Repo;
pub use entries::{TreeChange, TreeEntry, TreeKind};
pub use error::{RepoError, Result};
pub use head::Head;
pub use history::{HistoryChange, HistoryEntry, HistoryWalk};
pub use hooks::Hook;
pub use index::Stages;
pub use listed::{Globs, Listed};
pub use lock::{BringLock, WriteLock};
pub use objects::names;
pub use operation::Operation;
pub use path::from_top;
pub use place::VaultPlace;
pub use program::Said;
pub use remote::{Brought, Pushed, Upstream, Way};
pub use staged::Staged;
pub use status::WorkState;
pub use trunk::Trunk;
pub use walk::WalkedCommit;
pub use work::{Listing, Odd, OddKind, WorkFile, WorkReader};

/// The name of a git object: SHA-1 or SHA-256, as the repository has it.
pub type ObjectId = gix::ObjectId;
