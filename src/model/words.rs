//! A hash as words that people can read to each other.
//!
//! Never a secret and never a mnemonic with a checksum: only the first bits of a public hash, 11 to a word.

use bip39::Language;

/// Words for a vault id: 66 bits.
pub const DEFAULT_WORDS: usize = 6;
/// As many hex digits say about as much as the words for a vault id.
pub const MIN_DIGITS: usize = 16;
/// A 256-bit hash has no more whole words.
const MAX_WORDS: usize = 23;

/// The first `n * 11` bits of a hash as English words joined by `-`; `n` is brought between 1 and 23.
pub fn words(hash: &[u8; 32], n: usize) -> String {
    let list = Language::English.word_list();
    let wanted = n.clamp(1, MAX_WORDS);
    let mut out: Vec<&str> = Vec::with_capacity(wanted);
    let (mut held, mut bits) = (0_u32, 0_u32);
    for byte in hash {
        held = (held << 8) | u32::from(*byte);
        bits = bits.saturating_add(8);
        if bits >= 11 {
            bits = bits.saturating_sub(11);
            let index = usize::try_from((held >> bits) & 0x7ff).unwrap_or_default();
            out.extend(list.get(index).copied());
            held &= (1 << bits) - 1;
        }
        if out.len() == wanted {
            break;
        }
    }
    out.join("-")
}

/// Whether somebody's words are those of the hash: at least [`DEFAULT_WORDS`] of them, in any case, with any of blanks
/// and `-` between.
pub fn matches(given: &str, hash: &[u8; 32]) -> bool {
    let given: Vec<String> = given
        .split(|c: char| c.is_whitespace() || c == '-')
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    (DEFAULT_WORDS..=MAX_WORDS).contains(&given.len()) && given.join("-") == words(hash, given.len())
}

/// Whether a fingerprint that somebody typed is the hash's: its words as [`matches()`] takes them, or at least its first
/// [`MIN_DIGITS`] hex digits.
pub fn is_fingerprint(given: &str, hash: &[u8; 32]) -> bool {
    let digits = given.trim().to_ascii_lowercase();
    (digits.len() >= MIN_DIGITS && hex::encode(hash).starts_with(&digits)) || matches(given, hash)
}
