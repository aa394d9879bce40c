//! Files that are more than names and values: what another tool has encrypted, and Kubernetes Secrets.
//!
//! Decrypts nothing. What it takes for ciphertext has the whole form that the tool gives it, not only its beginning.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use zeroize::Zeroizing;

use super::{Collector, Entry, Format, ParseError, Parsed, Warning};
use crate::model::names::clip;

/// A tool that puts ciphertext in the place of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealer {
    /// `ENC[AES256_GCM,data:…]`, and a mapping `sops`.
    Sops,
    /// `encrypted:` and base64.
    Dotenvx,
    /// `ENC[PKCS7,…]`.
    Eyaml,
    /// `$ANSIBLE_VAULT;1.1;AES256`.
    AnsibleVault,
    /// A Kubernetes object of kind `SealedSecret`.
    SealedSecrets,
}

impl fmt::Display for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sops => "sops",
            Self::Dotenvx => "dotenvx",
            Self::Eyaml => "eyaml",
            Self::AnsibleVault => "Ansible Vault",
            Self::SealedSecrets => "Sealed Secrets",
        })
    }
}

/// How a file begins that Ansible Vault has encrypted as a whole.
const ANSIBLE_VAULT: &str = "$ANSIBLE_VAULT;";

/// Refuses a text that is ciphertext from its beginning.
pub(super) fn refuse_sealed_whole(text: &str) -> Result<(), ParseError> {
    if text.starts_with(ANSIBLE_VAULT) {
        return Err(ParseError::Sealed { key: "the file".to_owned(), by: Sealer::AnsibleVault });
    }
    Ok(())
}

/// What a file's entries mean: the data of a Kubernetes Secret, else what they are. Refused where another tool has
/// encrypted a value.
pub(super) fn understand(format: Format, parsed: Parsed) -> Result<Parsed, ParseError> {
    refuse_sealed(&parsed)?;
    if !matches!(format, Format::Json | Format::Yaml) || !is_kubernetes_object(&parsed) {
        return Ok(parsed);
    }
    match top(&parsed, "kind") {
        Some(b"Secret") => {
            let data = data_of_secret(parsed)?;
            refuse_sealed(&data)?;
            Ok(data)
        }
        Some(b"SealedSecret") => Err(ParseError::Sealed { key: "encryptedData".to_owned(), by: Sealer::SealedSecrets }),
        Some(b"List" | b"SecretList") => Err(ParseError::ObjectList),
        _ => Ok(parsed),
    }
}

fn refuse_sealed(parsed: &Parsed) -> Result<(), ParseError> {
    let sealed = parsed.entries.iter().find_map(|entry| Some((entry, sealer(&entry.value)?)));
    sealed.map_or(Ok(()), |(entry, by)| Err(ParseError::Sealed { key: clip(&entry.name()), by }))
}

/// Values that somebody happens to have given such names are flat: what is in an object is in maps.
fn is_kubernetes_object(parsed: &Parsed) -> bool {
    let parts = ["metadata", "data", "stringData", "spec"];
    let is_in_part = |entry: &Entry| matches!(entry.key.as_slice(), [first, _, ..] if parts.contains(&first.as_str()));
    top(parsed, "apiVersion").is_some() && parsed.entries.iter().any(is_in_part)
}

/// The value of an outermost key.
fn top<'a>(parsed: &'a Parsed, key: &str) -> Option<&'a [u8]> {
    let entry = parsed.entries.iter().find(|entry| matches!(entry.key.as_slice(), [one] if one == key))?;
    Some(&entry.value)
}

/// Whose ciphertext a value is.
fn sealer(value: &[u8]) -> Option<Sealer> {
    // The shortest is a compressed public key, a nonce and a tag: 65 bytes.
    const SHORTEST: usize = 86;
    let text = std::str::from_utf8(value).ok()?.trim();
    let within = |before: &str| text.strip_prefix(before)?.strip_suffix(']');
    if within("ENC[AES256_GCM,data:").is_some_and(|inside| inside.contains(",iv:") && inside.contains(",tag:")) {
        return Some(Sealer::Sops);
    }
    if within("ENC[PKCS7,").is_some_and(is_base64) {
        return Some(Sealer::Eyaml);
    }
    if text.strip_prefix("encrypted:").is_some_and(|inside| inside.len() >= SHORTEST && is_base64(inside)) {
        return Some(Sealer::Dotenvx);
    }
    text.starts_with(ANSIBLE_VAULT).then_some(Sealer::AnsibleVault)
}

fn is_base64(text: &str) -> bool {
    let letters = text.trim_end_matches('=');
    !letters.is_empty() && letters.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

/// The entries below `data`, decoded, and those below `stringData`, which win as they do in Kubernetes.
fn data_of_secret(parsed: Parsed) -> Result<Parsed, ParseError> {
    let mut found = Collector::default();
    for (part, is_encoded) in [("data", true), ("stringData", false)] {
        for entry in &parsed.entries {
            let Some((first, key)) = entry.key.split_first() else { continue };
            if first != part || key.is_empty() {
                continue;
            }
            let value = if is_encoded { decoded(entry)? } else { entry.value.clone() };
            found.push(Entry { key: key.to_vec(), value, line: entry.line, expands: false })?;
        }
    }
    // What was left out of the rest of the object is no value.
    let is_about_data = |warning: &Warning| {
        let (Warning::Duplicate { key, .. }
        | Warning::NullSkipped { key, .. }
        | Warning::EmptyMapSkipped { key, .. }
        | Warning::HashInValue { key, .. }) = warning;
        matches!(key.split('.').next(), Some("data" | "stringData"))
    };
    parsed.warnings.into_iter().filter(is_about_data).for_each(|warning| found.warn(warning));
    Ok(found.finish())
}

/// Line breaks, which YAML leaves in some long values, are no part of base64.
fn decoded(entry: &Entry) -> Result<Zeroizing<Vec<u8>>, ParseError> {
    let packed = entry.value.iter().copied().filter(|byte| !byte.is_ascii_whitespace());
    let packed = Zeroizing::new(packed.collect::<Vec<u8>>());
    let bytes = BASE64.decode(&packed).map_err(|_| ParseError::NotBase64 { key: clip(&entry.name()) })?;
    Ok(Zeroizing::new(bytes))
}
