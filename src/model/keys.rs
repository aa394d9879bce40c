//! API keys that a provider issues: amounts, limits, what is remembered of a key, and operations that are under way.
//!
//! Rules only: what a record says and what it comes to at a given time. Nothing here asks a provider.

pub mod alert;
pub mod amount;
pub mod intent;
pub mod limit;
pub mod operation;
pub mod record;
pub mod usage;
