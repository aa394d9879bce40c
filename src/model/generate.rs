//! New values by recipe: what `--generate` and `rotate` make.
//!
//! Holds no source of randomness: bytes are asked for, and a choice that would be biased is thrown away and asked anew.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bip39::Language;
use zeroize::Zeroizing;

use super::names::clip;

const DIGITS: &[u8] = b"0123456789";
const HEX: &[u8] = b"0123456789abcdef";
const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const ASCII: &[u8] =
    b"!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";
const MAX_LENGTH: usize = 4096;
const MAX_TRIES: usize = 1000;

/// How a value is made; kept beside the secret, so that it can be made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Recipe {
    /// `alnum:32`: so many letters and digits.
    Alphanumeric(usize),
    /// `ascii:40`: so many printable ASCII characters without the blank.
    Ascii(usize),
    /// `words:6`: so many words of the bip39 English list, joined by `-`.
    Words(usize),
    /// `hex:64`: so many lower-case hexadecimal digits, 4 bits each.
    Hex(usize),
    /// `base64:32`: so many random bytes in base64 with padding, as `openssl rand -base64` counts.
    Base64(usize),
    /// `digits:6`: so many digits.
    Digits(usize),
    /// `uuid`: a random UUID (version 4).
    Uuid,
}

impl Default for Recipe {
    fn default() -> Self {
        Self::Alphanumeric(32)
    }
}

/// Why a recipe is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecipeError {
    /// No such kind.
    #[error("{given:?} is no recipe (alnum:32, ascii:40, words:6, hex:64, base64:32, digits:6 or uuid)")]
    Unknown {
        /// What was given.
        given: String,
    },
    /// Too short to be a secret, or longer than anybody needs.
    #[error("the length of {kind} must be {least} to {most}")]
    Length {
        /// The kind.
        kind: &'static str,
        /// The shortest.
        least: usize,
        /// The longest.
        most: usize,
    },
}

/// The source of randomness gave a thousand unusable answers in a row: it is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the source of randomness is broken")]
pub struct BrokenRandomness;

impl FromStr for Recipe {
    type Err = RecipeError;

    fn from_str(text: &str) -> Result<Self, RecipeError> {
        let unknown = || RecipeError::Unknown { given: clip(text) };
        if text.is_empty() {
            return Ok(Self::default());
        }
        if text == "uuid" {
            return Ok(Self::Uuid);
        }
        let (kind, count) = text.split_once(':').map_or_else(
            || if text.starts_with(|c: char| c.is_ascii_digit()) { ("alnum", Some(text)) } else { (text, None) },
            |(kind, count)| (kind, Some(count)),
        );
        let count = |default: usize| match count {
            None => Ok(default),
            // "+8" and "08" would not come back the same.
            Some(count) if count.starts_with('+') || (count.len() > 1 && count.starts_with('0')) => Err(unknown()),
            Some(count) => count.parse::<usize>().map_err(|_| unknown()),
        };
        let recipe = match kind {
            "alnum" => Self::Alphanumeric(count(32)?),
            "ascii" => Self::Ascii(count(40)?),
            "words" => Self::Words(count(6)?),
            "hex" => Self::Hex(count(64)?),
            "base64" => Self::Base64(count(32)?),
            "digits" => Self::Digits(count(6)?),
            _ => return Err(unknown()),
        };
        recipe.within_bounds()
    }
}

impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.size() {
            Some(size) => write!(f, "{}:{size}", self.kind()),
            None => f.write_str(self.kind()),
        }
    }
}

impl Recipe {
    /// Makes a value; `next` fills what it is handed with random bytes.
    ///
    /// # Errors
    /// Only where `next` cannot be random.
    pub fn generate(&self, next: &mut dyn FnMut(&mut [u8])) -> Result<Zeroizing<String>, BrokenRandomness> {
        match *self {
            Self::Alphanumeric(n) => characters(ALPHANUMERIC, n, next),
            Self::Ascii(n) => characters(ASCII, n, next),
            Self::Hex(n) => characters(HEX, n, next),
            Self::Digits(n) => characters(DIGITS, n, next),
            Self::Words(n) => words(n, next),
            Self::Base64(n) => {
                let mut bytes = Zeroizing::new(vec![0_u8; n.min(MAX_LENGTH)]);
                next(&mut bytes);
                Ok(Zeroizing::new(STANDARD.encode(&*bytes)))
            }
            Self::Uuid => Ok(uuid(next)),
        }
    }

    /// The entropy of a value, in bits.
    pub fn bits(&self) -> f64 {
        let each = |choices: u32| f64::from(choices).log2();
        let times = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
        match *self {
            Self::Alphanumeric(n) => times(n) * each(62),
            Self::Ascii(n) => times(n) * each(94),
            Self::Words(n) => times(n) * 11.0,
            Self::Hex(n) => times(n) * 4.0,
            Self::Base64(n) => times(n) * 8.0,
            Self::Digits(n) => times(n) * each(10),
            Self::Uuid => 122.0,
        }
    }

    /// Whether the recipe could have made this value. One that it could not has been written by hand since.
    pub fn fits(&self, value: &str) -> bool {
        let made_of =
            |alphabet: &[u8], count: usize| value.len() == count && value.bytes().all(|byte| alphabet.contains(&byte));
        match *self {
            Self::Alphanumeric(n) => made_of(ALPHANUMERIC, n),
            Self::Ascii(n) => made_of(ASCII, n),
            Self::Hex(n) => made_of(HEX, n),
            Self::Digits(n) => made_of(DIGITS, n),
            Self::Words(n) => {
                let list = Language::English.word_list();
                value.split('-').count() == n && value.split('-').all(|word| list.contains(&word))
            }
            Self::Base64(n) => STANDARD.decode(value).map(Zeroizing::new).is_ok_and(|bytes| bytes.len() == n),
            Self::Uuid => {
                let dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
                let fits = |(at, byte): (usize, u8)| if dash(at) { byte == b'-' } else { HEX.contains(&byte) };
                value.len() == 36 && value.bytes().enumerate().all(fits)
            }
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Alphanumeric(_) => "alnum",
            Self::Ascii(_) => "ascii",
            Self::Words(_) => "words",
            Self::Hex(_) => "hex",
            Self::Base64(_) => "base64",
            Self::Digits(_) => "digits",
            Self::Uuid => "uuid",
        }
    }

    fn size(&self) -> Option<usize> {
        match *self {
            Self::Alphanumeric(n)
            | Self::Ascii(n)
            | Self::Words(n)
            | Self::Hex(n)
            | Self::Base64(n)
            | Self::Digits(n) => Some(n),
            Self::Uuid => None,
        }
    }

    fn within_bounds(self) -> Result<Self, RecipeError> {
        let (least, most) = match self {
            Self::Words(_) => (3, 24),
            Self::Digits(_) => (4, MAX_LENGTH),
            _ => (8, MAX_LENGTH),
        };
        match self.size() {
            Some(size) if !(least..=most).contains(&size) => {
                Err(RecipeError::Length { kind: self.kind(), least, most })
            }
            _ => Ok(self),
        }
    }
}

fn characters(
    alphabet: &[u8],
    count: usize,
    next: &mut dyn FnMut(&mut [u8]),
) -> Result<Zeroizing<String>, BrokenRandomness> {
    let count = count.min(MAX_LENGTH);
    let mut out = Zeroizing::new(String::with_capacity(count));
    for _ in 0..count {
        out.push(char::from(pick(alphabet, next)?));
    }
    Ok(out)
}

/// One of the alphabet, each equally likely: bytes above the largest multiple of its size are thrown away.
fn pick(alphabet: &[u8], next: &mut dyn FnMut(&mut [u8])) -> Result<u8, BrokenRandomness> {
    let usable = 256_usize.checked_rem(alphabet.len()).map_or(0, |rest| 256 - rest);
    for _ in 0..MAX_TRIES {
        let mut byte = Zeroizing::new([0_u8; 1]);
        next(&mut *byte);
        let drawn = usize::from(u8::from_be_bytes(*byte));
        if drawn < usable {
            return drawn
                .checked_rem(alphabet.len())
                .and_then(|index| alphabet.get(index))
                .copied()
                .ok_or(BrokenRandomness);
        }
    }
    Err(BrokenRandomness)
}

fn words(count: usize, next: &mut dyn FnMut(&mut [u8])) -> Result<Zeroizing<String>, BrokenRandomness> {
    let list = Language::English.word_list();
    let count = count.min(24);
    let mut out = Zeroizing::new(String::with_capacity(count * 9));
    for index in 0..count {
        let mut bytes = Zeroizing::new([0_u8; 2]);
        next(&mut *bytes);
        // 65,536 is a multiple of 2,048: nothing to throw away.
        let word = list.get(usize::from(u16::from_be_bytes(*bytes) & 0x7ff)).ok_or(BrokenRandomness)?;
        if index > 0 {
            out.push('-');
        }
        out.push_str(word);
    }
    Ok(out)
}

fn uuid(next: &mut dyn FnMut(&mut [u8])) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0_u8; 16]);
    next(&mut *bytes);
    // The version (4) and the variant (binary 10) stand at fixed places.
    let number = u128::from_be_bytes(*bytes) & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let mut out = Zeroizing::new(String::with_capacity(36));
    for place in (0..32_u32).rev() {
        let digit = usize::try_from((number >> (4 * place)) & 0xf).unwrap_or_default();
        out.extend(HEX.get(digit).map(|digit| char::from(*digit)));
        if matches!(place, 24 | 20 | 16 | 12) {
            out.push('-');
        }
    }
    out
}
