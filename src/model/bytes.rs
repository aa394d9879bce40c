//! Fixed-size byte strings with names: hashes, ids and the names of writes. Shown and read as lower-case hex.
//!
//! Not a place for key material.

use std::fmt;

use sha2::{Digest, Sha256};

macro_rules! hex_bytes {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Reads exactly the lower-case hex that [`Display`](fmt::Display) writes; anything else is `None`.
            pub fn from_hex(text: &str) -> Option<Self> {
                if text.bytes().any(|b| b.is_ascii_uppercase()) {
                    return None;
                }
                let mut out = [0; $len];
                hex::decode_to_slice(text, &mut out).ok().map(|()| Self(out))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut text = [0_u8; $len * 2];
                // The buffer has exactly twice the length, so encoding cannot fail.
                let _ = hex::encode_to_slice(self.0, &mut text);
                f.write_str(std::str::from_utf8(&text).unwrap_or_default())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

hex_bytes!(
    /// A SHA-256.
    Hash,
    32
);
hex_bytes!(
    /// What stays the same when a secret moves: 16 random bytes given at its birth.
    SecretId,
    16
);
hex_bytes!(
    /// The name of a write: the first 16 bytes of a SHA-256 over all of it.
    WriteName,
    16
);
hex_bytes!(
    /// The first 8 bytes of a longer name, where a hint is enough.
    Short,
    8
);

impl Hash {
    /// SHA-256 of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The first eight bytes.
    pub fn short(&self) -> Short {
        Short(first_eight(&self.0))
    }
}

impl WriteName {
    /// The first eight bytes.
    pub fn short(&self) -> Short {
        Short(first_eight(&self.0))
    }
}

fn first_eight(bytes: &[u8]) -> [u8; 8] {
    let mut out = [0; 8];
    out.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    out
}
