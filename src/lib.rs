//! Covault keeps encrypted team secrets in git, next to the code: one age file for each secret, signed by who sealed it.
//!
//! The layers, in reading order; each imports only from those above it, and a test reads the `use` lines:
//!
//! - [`plaintext`]: a secret in the clear. Wiped on drop; no `Clone`, `Display` or `Serialize`.
//! - [`model`]: the rules. Documents and their join, manifests, cards, the roster, names, formats. No I/O, no clock, no
//!   randomness.
//! - [`seal`]: keys and sealed bytes. age files with our two stanzas, signatures, identities. Bytes in, bytes out.
//! - [`repo`]: git. Commits, trees, files and the index, never what is in them.
//! - [`home`]: this person's machine. Identity, signing key, pins and caches.
//! - [`providers`]: other people's APIs. Keys that are issued, limited, watched and revoked by calls.
//! - [`vault`]: the use-cases, one verb a file. Plain values in, plain values out.
//! - [`cli`]: people. The only layer that prints, asks, reads the environment or the clock.
//!
//! What always holds: a file is checked against the roster before a key is touched; plaintext is never written to the
//! repository; a version that is written was read back first; reading never writes to the repository; and a join never
//! drops a write that nobody replaced.
//!
//! ```
//! use covault::model::names::{Reference, SecretPath};
//!
//! let reference = Reference::parse("covault://prod/db/password")?;
//! let (path, field) = reference.readings().last().expect("a field of a secret");
//! assert_eq!(path, SecretPath::parse("prod/db")?);
//! assert_eq!(field.map(|field| field.to_string()).as_deref(), Some("password"));
//! # Ok::<(), covault::model::names::NameError>(())
//! ```

pub mod cli;
pub mod home;
pub mod model;
pub mod plaintext;
pub mod providers;
pub mod repo;
pub mod seal;
pub mod vault;
