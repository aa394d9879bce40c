//! KEYS AND SEALED BYTES: age files, their headers, signatures. Bytes in, bytes out.
//!
//! Nothing here opens a file, asks a person or knows who may do what: it says who signed, and opens what was
//! sealed to a key that it is given. The rules of this place:
//!
//! 1. Only `header` knows the bytes of an age header, and only `layout` knows which stanzas ours may hold.
//! 2. What is checked without a key is checked before a key is touched, and the sizes before anything is allocated.
//! 3. There is one spelling of everything: what the writer would not have written is refused, by name.
//! 4. Taking a reader away makes a new file key; only adding readers keeps the payload.

mod encrypted;
mod error;
mod foreign;
mod header;
mod identity;
pub mod invite;
mod keytext;
mod layout;
mod open;
mod openssh;
mod payload;
mod peek;
mod recipient;
mod sealed;
mod sealer;
mod siblings;
mod signing;
mod splice;
pub mod sshsig;
mod stanza;
pub mod wire;

pub use encrypted::{MAX_WORK_FACTOR, decrypt_identity_file, encrypt_identity_file, is_encrypted};
pub use error::SealError;
pub use foreign::open_foreign;
pub use identity::{Identities, Identity};
pub use keytext::parse_literal;
pub use layout::{MAX_FILE, MAX_PAYLOAD, header_limit};
pub use open::Opened;
pub use peek::{peek_format, peek_manifest, peek_manifests, peek_signer};
pub use recipient::check_recipient;
pub use sealed::{Outline, SealedFile};
pub use sealer::{Sealed, seal};
pub use siblings::{MAX_STORED, bundle, is_siblings, members};
pub use signing::{Signer, SigningKey, VerifyingPublic, is_public_key};
pub use splice::{only_adds, reseal_header};
