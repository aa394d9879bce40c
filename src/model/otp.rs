//! One-time codes by time (RFC 6238), from what a provider shows beside its QR code.
//!
//! Knows no clock, and no counters: HOTP is refused. Short secrets are taken, since many providers hand out 80 bits.

use totp_rs::{Builder, Secret, Totp, TotpError};
use zeroize::Zeroizing;

const SCHEME: &str = "otpauth://";
const MAX_PERIOD: u64 = 24 * 60 * 60;
const MAX_INPUT: usize = 4096;
/// The longest address that we make of one, and read.
const MAX_URI: usize = 2 * MAX_INPUT;

/// A code and how long it stays good.
#[derive(Clone, PartialEq, Eq)]
pub struct Code {
    /// The digits, leading zeros kept.
    pub digits: String,
    /// Seconds until the next code.
    pub valid_for: u64,
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Code").field("valid_for", &self.valid_for).finish_non_exhaustive()
    }
}

/// Why there is no code. The library's own messages repeat parts of the address, so none is passed on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OtpError {
    /// Nothing was given, or far too much.
    #[error("the secret of a one-time code is 1 to {MAX_INPUT} characters")]
    Size,
    /// Neither base32 nor an `otpauth://` address.
    #[error("the secret is not base32 (letters and the digits 2 to 7)")]
    NotBase32,
    /// Codes by counter, which cannot be kept in a repository.
    #[error("codes by counter (hotp) are not supported, only codes by time (totp)")]
    Hotp,
    /// Another kind of `otpauth://` address.
    #[error("only otpauth://totp/ addresses are supported")]
    UnknownKind,
    /// An address without a secret.
    #[error("the otpauth address has no secret")]
    NoSecret,
    /// Other than SHA1, SHA256 and SHA512.
    #[error("the otpauth address names an unknown algorithm (SHA1, SHA256 and SHA512 are known)")]
    Algorithm,
    /// Other than 6 to 8.
    #[error("a code has 6 to 8 digits")]
    Digits,
    /// Zero, or longer than a day.
    #[error("the period of a code is 1 to {MAX_PERIOD} seconds")]
    Period,
    /// An address that is broken otherwise.
    #[error("the otpauth address is malformed")]
    Malformed,
}

/// Brings a base32 secret (blanks, dashes and lower case allowed) or an `otpauth://` address into one form, the
/// address. The account is used where the input names none.
///
/// # Errors
/// Says what is wrong with the input, without repeating it.
pub fn normalize(input: &str, account: &str) -> Result<Zeroizing<String>, OtpError> {
    let input = input.trim();
    if input.is_empty() || input.len() > MAX_INPUT {
        return Err(OtpError::Size);
    }
    let totp = match after_scheme(input) {
        Some(_) => read(input)?,
        None => Builder::new().with_secret(secret(input)?).build_noncompliant(),
    };
    let account = if totp.account_name().is_empty() { account } else { totp.account_name() };
    // A colon divides issuer and account, and cannot be escaped.
    let account = if account.is_empty() { "covault".to_owned() } else { account.replace(':', "-") };
    let issuer = totp.issuer().map(|issuer| issuer.replace(':', "-")).filter(|issuer| !issuer.is_empty());
    let named = Builder::new()
        .with_algorithm(totp.algorithm())
        .with_digits(totp.digits())
        .with_step_duration(totp.step())
        .with_secret(totp.secret().clone())
        .with_account_name(account)
        .with_issuer(issuer)
        .build_noncompliant();
    let uri = named.to_url().map(Zeroizing::new).map_err(|error| named_refusal(&error))?;
    // A letter of three bytes takes nine there.
    if uri.len() > MAX_URI {
        return Err(OtpError::Size);
    }
    // What is kept gives codes.
    read(&uri)?;
    Ok(uri)
}

/// The code at a moment.
///
/// # Errors
/// Says what is wrong with the address, without repeating it.
pub fn code(uri: &str, unix_seconds: u64) -> Result<Code, OtpError> {
    if uri.is_empty() || uri.len() > MAX_URI {
        return Err(OtpError::Size);
    }
    let totp = read(uri.trim())?;
    let elapsed = unix_seconds.checked_rem(totp.step()).ok_or(OtpError::Period)?;
    Ok(Code { digits: totp.generate(unix_seconds).to_string(), valid_for: totp.step().saturating_sub(elapsed) })
}

fn after_scheme(input: &str) -> Option<&str> {
    let (scheme, rest) = input.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then_some(rest)
}

/// An address, with its kind and its secret in the spelling that the library wants.
fn read(uri: &str) -> Result<Totp, OtpError> {
    let rest = after_scheme(uri).ok_or(OtpError::Malformed)?;
    let (kind, rest) = rest.split_at(rest.find(['/', '?']).ok_or(OtpError::Malformed)?);
    match kind.to_ascii_lowercase().as_str() {
        "totp" => {}
        "hotp" => return Err(OtpError::Hotp),
        _ => return Err(OtpError::UnknownKind),
    }
    // There may be no label, and no stroke before it: otpauth://totp?secret=…
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    let (label, query) = rest.split_once('?').ok_or(OtpError::NoSecret)?;
    let mut tidy = Zeroizing::new(format!("{SCHEME}totp/{label}?"));
    let mut secrets = Vec::new();
    for (index, parameter) in query.split('&').enumerate() {
        if index > 0 {
            tidy.push('&');
        }
        match parameter.split_once('=') {
            Some(("secret", value)) => {
                let value =
                    Zeroizing::new(value.replace("%20", "").replace("%3D", "").replace("%3d", "").replace('+', ""));
                let secret = secret(&value)?;
                tidy.push_str("secret=");
                tidy.push_str(&secret.to_base32());
                secrets.push(secret);
            }
            Some(("algorithm", value)) => {
                // Some providers write HmacSHA1 or sha-256.
                let plain = value.to_ascii_uppercase().replace('-', "");
                tidy.push_str("algorithm=");
                tidy.push_str(plain.strip_prefix("HMAC").unwrap_or(&plain));
            }
            _ => tidy.push_str(parameter),
        }
    }
    let [secret] = secrets.as_slice() else {
        return Err(if secrets.is_empty() { OtpError::NoSecret } else { OtpError::Malformed });
    };
    let totp = Totp::from_url_unchecked(tidy.as_str()).map_err(|error| named_refusal(&error))?;
    // A name may be spelt in other ways (`s%65cret=`, or without a value), and the last one counts for the library.
    if totp.secret().as_bytes() != secret.as_bytes() {
        return Err(OtpError::Malformed);
    }
    // The library divides by the period, and panics at more digits than it can show.
    if !(6..=8).contains(&totp.digits()) {
        return Err(OtpError::Digits);
    }
    if !(1..=MAX_PERIOD).contains(&totp.step()) {
        return Err(OtpError::Period);
    }
    Ok(totp)
}

fn secret(text: &str) -> Result<Secret, OtpError> {
    let plain: Zeroizing<String> = Zeroizing::new(
        text.chars()
            .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '='))
            .map(|c| c.to_ascii_uppercase())
            .collect(),
    );
    let secret = Secret::try_from_base32(plain.as_str()).map_err(|_| OtpError::NotBase32)?;
    if secret.as_bytes().is_empty() {
        return Err(OtpError::NoSecret);
    }
    Ok(secret)
}

fn named_refusal(error: &TotpError) -> OtpError {
    match error {
        TotpError::InvalidAlgorithm { .. } => OtpError::Algorithm,
        TotpError::InvalidDigits { .. } | TotpError::DigitsParse { .. } => OtpError::Digits,
        TotpError::InvalidStepZero | TotpError::StepParse { .. } => OtpError::Period,
        TotpError::InvalidSecret => OtpError::NotBase32,
        TotpError::SecretNotSet => OtpError::NoSecret,
        _ => OtpError::Malformed,
    }
}
