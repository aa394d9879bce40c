//! Whether a field that somebody means to keep in the open looks like a secret's.
//!
//! A person is warned, and nothing is refused: it may be wrong either way.

use super::formats::formats;
use super::plain::{is_host, is_mail_address, is_web_address, looks_random};

/// The ends of names that are given to secrets.
const SECRET: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pass",
    "pwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "access_key",
    "secret_key",
    "private_key",
    "privkey",
    "signing_key",
    "encryption_key",
    "credential",
    "credentials",
];

/// The ends of names that are given to what looks like a secret and is none.
const OPEN: &[&str] =
    &["id", "public_key", "pubkey", "fingerprint", "digest", "hash", "checksum", "commit", "recipient", "version"];

/// What stands where a secret is switched on or off.
const SWITCHES: &[&str] = &["", "true", "false", "yes", "no", "on", "off", "none", "0", "1"];

/// Whether the name or the value of a field is such as secrets have.
pub fn looks_secret(name: &str, value: &str) -> bool {
    let value = value.trim();
    if SWITCHES.iter().any(|switch| value.eq_ignore_ascii_case(switch)) {
        return false;
    }
    let name = words(name);
    // The field that is asked for where no other is named.
    name == "value"
        || ends_in(&name, SECRET)
        || !formats(value.as_bytes()).is_empty()
        || has_password(value)
        || (!ends_in(&name, OPEN) && is_random(value))
}

/// A name in one form: `dbPassword2`, `DB-PASSWORD` and `db_password` are the same.
fn words(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    let mut after_lower = false;
    for letter in name.trim_end_matches(|c: char| c.is_ascii_digit()).chars() {
        if letter.is_ascii_uppercase() && after_lower {
            words.push('_');
        }
        after_lower = letter.is_ascii_lowercase();
        words.push(if letter == '-' { '_' } else { letter.to_ascii_lowercase() });
    }
    words.trim_end_matches('_').to_owned()
}

fn ends_in(name: &str, ends: &[&str]) -> bool {
    ends.iter().any(|end| name.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('_')))
}

/// An address with a user's password in it.
fn has_password(value: &str) -> bool {
    let Some((_, rest)) = value.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    user.and_then(|user| user.split_once(':')).is_some_and(|(_, password)| !password.is_empty())
}

/// One run of characters as a generator makes them, and no name that machines give each other.
fn is_random(value: &str) -> bool {
    !value.contains(char::is_whitespace)
        && !is_uuid(value)
        && !is_host(value)
        && !is_web_address(value)
        && !is_mail_address(value)
        && looks_random(value.as_bytes())
}

fn is_uuid(value: &str) -> bool {
    let parts: Vec<&str> = value.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
