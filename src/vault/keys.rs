//! API keys at providers: issued, rotated and revoked so that a crash anywhere leaves no key that is not listed.
//!
//! **The rules.** An operation is written into a sealed journal, committed, and pushed where there is a remote, before the
//! provider is asked for anything; each step is written down before the next one. A request for a key is sent once: what
//! an unanswered one may have made is looked for by its intent, which is part of the key's name, and deleted. A key that was
//! made is given out after a push of the journal that nobody was faster than. The old key
//! dies when the new one works, its value is on the trunk and the time to keep it has passed; it counts as gone when the
//! provider, asked for it afterwards, does not know it. Every command that goes on reads the journal and nothing else, so
//! that any machine that may read it can.
//!
//! No clock, no terminal and no HTTP here: time, patience and words are handed in.

mod account;
mod adopt;
mod begin;
mod beside;
mod claim;
mod close;
pub mod desk;
mod drift;
mod drive;
mod ensure;
pub mod error;
mod guardrail;
mod hold;
mod journal;
mod keep;
mod limits;
mod listing;
mod login;
mod manual;
mod meanwhile;
mod mint;
mod publish;
mod resume;
mod retire;
mod settle;
mod switch;
mod usage;

pub use adopt::Adopting;
pub use begin::{Issuing, Revoking, Rotating, check_place};
pub(super) use claim::Intents;
pub use desk::{Desk, Written};
pub use drift::{Drift, mends};
pub use drive::Outcome;
pub use ensure::Ensured;
pub use error::KeyError;
pub use limits::{Limited, Limiting};
pub use listing::{Found, KeyListing, ListedKey};
pub(super) use login::is_for_management;
pub use login::{LoggedIn, Managers, Regranted};
pub(super) use manual::{check_not_issued, ends_at_provider, replace_by_hand};
pub use resume::{Resumed, Way};
pub(super) use settle::{is_for_resume, is_several};
pub use switch::Switched;
pub use usage::{Alert, KeyStatus, KeyUsage, LimitUse, Watch};

pub use crate::home::Watched;
pub use crate::providers::{Capabilities, Pace, Settings};

/// The folder of the management keys; a grant there says who may manage keys.
pub const PROVIDERS: &str = "providers";
/// The folder of the journals; who may manage keys reads it.
pub const JOURNAL: &str = "journal";
