//! Values that somebody knows, looked for in any bytes, all at once.
//!
//! Not an automaton of a library: that would copy the values to memory that is neither locked nor wiped. Every place of
//! a text is asked whether its next eight bytes begin a value, which a table of bits nearly always denies.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::plain::{self, Plain};
use crate::plaintext::Plaintext;

/// The fewest bytes of a value that is looked for: those that the table is asked for.
pub(super) const SHORTEST: usize = 8;
/// The most lines of a value that are looked for by themselves.
const LINES: usize = 1_000;
/// Bits of the table, as a power of two.
const BITS: u32 = 16;

/// What came of taking a value in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    /// It will be found.
    For,
    /// It is not looked for.
    Not(Plain),
}

/// Values, each with the number of whoever it belongs to.
#[derive(Default)]
pub struct Known {
    values: Vec<(Plaintext, usize)>,
    /// The first eight bytes of each value, sorted, with its place.
    begins: Zeroizing<Vec<(u64, usize)>>,
    /// Which hashes of eight bytes begin a value.
    table: Zeroizing<Vec<u64>>,
}

impl Known {
    /// Takes a value in: the whole, and of several lines each that tells it apart. Line ends at its end do not count.
    pub fn add(&mut self, value: &Plaintext, owner: usize) -> Looked {
        let bytes = value.expose().trim_ascii_end();
        if let Some(plain) = plain::of_value(bytes) {
            return Looked::Not(plain);
        }
        self.push(bytes, owner);
        if bytes.contains(&b'\n') {
            let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
            for line in lines.filter(|line| plain::is_telling_line(line)).take(LINES) {
                self.push(line, owner);
            }
        }
        Looked::For
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Makes it ready to look, after the last `add`.
    pub fn ready(&mut self) {
        let begins = self.values.iter().enumerate();
        let begins = begins.filter_map(|(n, (value, _))| Some((first_eight(value.expose())?, n)));
        self.begins = Zeroizing::new(begins.collect());
        self.begins.sort_unstable();
        self.table = Zeroizing::new(vec![0; 1 << (BITS - 6)]);
        for (begin, _) in self.begins.iter() {
            let (word, bit) = place(*begin);
            if let Some(word) = self.table.get_mut(word) {
                *word |= bit;
            }
        }
    }

    /// Where the values stand in a text, from its beginning: the offset, and whose it is. Of one owner's values that
    /// begin in one line the first is enough.
    pub fn find(&self, text: &[u8]) -> Vec<(usize, usize)> {
        if self.begins.is_empty() {
            return Vec::new();
        }
        let mut found = Vec::new();
        // Until where what was found for an owner is one finding.
        let mut told: BTreeMap<usize, usize> = BTreeMap::new();
        for (at, window) in text.windows(SHORTEST).enumerate() {
            let Some(begin) = first_eight(window) else { continue };
            let (word, bit) = place(begin);
            if self.table.get(word).is_none_or(|word| word & bit == 0) {
                continue;
            }
            let rest = text.get(at..).unwrap_or_default();
            let from = self.begins.partition_point(|(have, _)| *have < begin);
            let same = self.begins.get(from..).unwrap_or_default().iter().take_while(|(have, _)| *have == begin);
            for (_, n) in same {
                let Some((value, owner)) = self.values.get(*n) else { continue };
                let value = value.expose();
                if told.get(owner).is_some_and(|end| at < *end) || !rest.starts_with(value) {
                    continue;
                }
                found.push((at, *owner));
                let line = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                told.insert(*owner, at + value.len().max(line));
            }
        }
        found
    }

    fn push(&mut self, bytes: &[u8], owner: usize) {
        if !self.values.iter().any(|(have, whose)| *whose == owner && have.expose() == bytes) {
            self.values.push((Plaintext::new(bytes.to_vec()), owner));
        }
    }
}

fn first_eight(bytes: &[u8]) -> Option<u64> {
    bytes.first_chunk::<SHORTEST>().map(|bytes| u64::from_le_bytes(*bytes))
}

/// The word and the bit of the table for eight bytes.
fn place(begin: u64) -> (usize, u64) {
    let hash = begin.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - BITS);
    (usize::try_from(hash >> 6).unwrap_or_default(), 1 << (hash & 63))
}
