//! OpenSSH private key files: the seed of an ssh-ed25519 key, in and out.
//!
//! Other types of keys are refused by name; nothing here signs or opens.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{Cipher, LineEnding, PrivateKey};
use zeroize::Zeroizing;

use super::error::SealError;
use super::wire::{ED25519, take, take_number};

const FIRST_LINE: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const LAST_LINE: &str = "-----END OPENSSH PRIVATE KEY-----";

/// Whether the text is an OpenSSH private key file.
pub(super) fn is_private_key(text: &str) -> bool {
    text.trim_start().starts_with(FIRST_LINE)
}

/// The seed; `ask` is called where a passphrase encrypts the file, and once at most.
pub(super) fn read_seed(
    text: &str,
    ask: impl FnOnce() -> Option<Zeroizing<String>>,
) -> Result<Zeroizing<[u8; 32]>, SealError> {
    if !is_private_key(text) {
        return Err(match old_form(text) {
            Some(form) => SealError::OpensshForm { form },
            None => SealError::OpensshKey,
        });
    }
    let (cipher, kind) = outside(text).ok_or(SealError::OpensshKey)?;
    if kind.as_bytes() != ED25519 {
        return Err(SealError::KeyType { kind });
    }
    // Triple DES has a name and is not built in.
    if !Cipher::new(&cipher).is_ok_and(|known| known != Cipher::TDesCbc) {
        return Err(SealError::OpensshForm { form: format!("the cipher {cipher}") });
    }
    let key = PrivateKey::from_openssh(text.trim()).map_err(|_| SealError::OpensshKey)?;
    let public = *key.public_key().key_data().ed25519().ok_or(SealError::OpensshKey)?;
    let key = if key.is_encrypted() {
        let passphrase = ask().ok_or(SealError::PassphraseNeeded)?;
        key.decrypt(passphrase.as_bytes()).map_err(|_| SealError::WrongPassphrase)?
    } else {
        key
    };
    match key.key_data() {
        // The outer public key is what people compare; the inner pair was checked when it was parsed.
        KeypairData::Ed25519(pair) if pair.public == public => Ok(Zeroizing::new(pair.private.to_bytes())),
        _ => Err(SealError::OpensshKey),
    }
}

/// An unencrypted private key file with line ends as OpenSSH writes them.
pub(super) fn write_seed(seed: &[u8; 32], comment: &str) -> Result<Zeroizing<String>, SealError> {
    if comment.chars().any(char::is_control) {
        return Err(SealError::KeyComment);
    }
    let pair = KeypairData::Ed25519(Ed25519Keypair::from_seed(seed));
    PrivateKey::new(pair, comment).and_then(|key| key.to_openssh(LineEnding::LF)).map_err(|_| SealError::KeyComment)
}

/// What a private key file says in the clear: the cipher and the type of the key.
fn outside(text: &str) -> Option<(String, String)> {
    let body = text.trim().strip_prefix(FIRST_LINE)?.strip_suffix(LAST_LINE)?;
    let bytes =
        Zeroizing::new(STANDARD.decode(&*Zeroizing::new(body.split_ascii_whitespace().collect::<String>())).ok()?);
    let mut rest = bytes.strip_prefix(b"openssh-key-v1\0")?;
    let cipher = take(&mut rest)?;
    let (_kdf, _options) = (take(&mut rest)?, take(&mut rest)?);
    let _one = take_number(&mut rest)?;
    let mut public = take(&mut rest)?;
    let name = |bytes: &[u8]| {
        String::from_utf8_lossy(bytes.get(..bytes.len().min(64)).unwrap_or_default()).escape_debug().to_string()
    };
    Some((name(cipher), name(take(&mut public)?)))
}

/// The PEM label of private keys in older forms.
fn old_form(text: &str) -> Option<String> {
    let label = text.trim_start().lines().next()?.strip_prefix("-----BEGIN ")?.strip_suffix("-----")?;
    (label.ends_with("PRIVATE KEY") && label.len() <= 32).then(|| label.to_owned())
}
