//! What gives a secret away in text that should have none: keys in the forms that their issuers give them, and values
//! that somebody knows.
//!
//! It reads no file and prints nothing; a place in a text is all that it says of a secret.

mod formats;
mod known;
mod looks;
mod plain;

pub use formats::{Format, formats, names};
pub use known::{Known, Looked};
pub use looks::looks_secret;
pub use plain::Plain;

/// A person's word that a line is to be as it is.
pub const ALLOWED: &[u8] = b"covault:allow";

/// How much of a file is looked at to see that it is binary; as git does it.
const HEAD: usize = 8_000;

/// Whether a file is binary: patterns of text mean nothing in it.
pub fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().take(HEAD).any(|byte| *byte == 0)
}

/// A line of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Its number, from 1.
    pub number: usize,
    /// Where in it, in bytes, from 1.
    pub column: usize,
    /// Its bytes, without the line feed.
    pub text: &'a [u8],
}

impl Line<'_> {
    /// Whether somebody wrote beside it that it is meant to be there.
    pub fn is_allowed(&self) -> bool {
        self.text.windows(ALLOWED.len()).any(|window| window == ALLOWED)
    }
}

/// The lines of a text by offsets into it, which have to rise.
pub struct Lines<'a> {
    text: &'a [u8],
    number: usize,
    start: usize,
}

impl<'a> Lines<'a> {
    /// From the beginning.
    pub fn new(text: &'a [u8]) -> Self {
        Self { text, number: 1, start: 0 }
    }

    /// The line that has this offset.
    pub fn at(&mut self, offset: usize) -> Line<'a> {
        let before = self.text.get(self.start..offset).unwrap_or_default();
        self.number += before.iter().filter(|byte| **byte == b'\n').count();
        if let Some(last) = before.iter().rposition(|byte| *byte == b'\n') {
            self.start += last + 1;
        }
        let rest = self.text.get(self.start..).unwrap_or_default();
        let text = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
        Line { number: self.number, column: offset.saturating_sub(self.start) + 1, text }
    }
}
