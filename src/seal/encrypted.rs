//! Identity files that a passphrase encrypts, as `age -p` writes them, binary or armored.
//!
//! It asks once at most, and only after the work factor was found bearable.

use std::io::{Read as _, Write as _};

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::secrecy::SecretString;
use age::{DecryptError, Decryptor, Encryptor, scrypt};
use zeroize::{Zeroize as _, Zeroizing};

use super::error::SealError;
use super::header::Header;

/// The highest base-2 logarithm of scrypt's work that is done for a file: about a second. age's own default too.
pub const MAX_WORK_FACTOR: u8 = 18;
/// Far more than any identity file has.
const LIMIT: usize = 1 << 20;
const BINARY: &[u8] = b"age-encryption.org/";
const ARMOR: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";

/// Whether the bytes are an age file, rather than identities in the clear.
pub fn is_encrypted(bytes: &[u8]) -> bool {
    bytes.starts_with(BINARY) || bytes.trim_ascii_start().starts_with(ARMOR)
}

/// The text of an encrypted identity file, and nothing said about what is in it. `ask` is called once at most.
pub fn decrypt_identity_file(
    bytes: &[u8],
    ask: impl FnOnce() -> Option<Zeroizing<String>>,
) -> Result<Zeroizing<String>, SealError> {
    if bytes.len() > LIMIT {
        return Err(SealError::FileTooLarge { size: bytes.len(), limit: LIMIT });
    }
    if !is_encrypted(bytes) {
        return Err(SealError::NotPassphrase);
    }
    let binary = dearmor(bytes)?;
    check_work_factor(&binary)?;
    let passphrase = ask().ok_or(SealError::PassphraseNeeded)?;
    let mut identity = scrypt::Identity::new(SecretString::from(passphrase.as_str()));
    identity.set_max_work_factor(MAX_WORK_FACTOR);
    let decryptor = Decryptor::new_buffered(binary.as_slice()).map_err(|_| SealError::NotPassphrase)?;
    let mut reader = decryptor.decrypt(std::iter::once(&identity as _)).map_err(|error| match error {
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed | DecryptError::NoMatchingKeys => {
            SealError::WrongPassphrase
        }
        DecryptError::InvalidMac => SealError::HeaderMac,
        _ => SealError::NotPassphrase,
    })?;
    // The plaintext is shorter than the file, so the buffer never moves.
    let mut text = Zeroizing::new(Vec::with_capacity(binary.len()));
    reader.read_to_end(&mut text).map_err(|_| SealError::Payload)?;
    let text = String::from_utf8(std::mem::take(&mut *text)).map_err(|error| {
        error.into_bytes().zeroize();
        SealError::IdentityNotText
    })?;
    Ok(Zeroizing::new(text))
}

/// Encrypts the text of an identity file, armored. `work_factor` is [`MAX_WORK_FACTOR`] but in tests.
pub fn encrypt_identity_file(
    text: &str,
    passphrase: &Zeroizing<String>,
    work_factor: u8,
) -> Result<Vec<u8>, SealError> {
    if !(1..=MAX_WORK_FACTOR).contains(&work_factor) {
        return Err(SealError::WorkFactor { factor: work_factor.into(), limit: MAX_WORK_FACTOR });
    }
    let mut recipient = scrypt::Recipient::new(SecretString::from(passphrase.as_str()));
    recipient.set_work_factor(work_factor);
    let encryptor = Encryptor::with_recipients(std::iter::once(&recipient as _)).map_err(|_| SealError::Sealing)?;
    let write = || {
        let armor = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?;
        let mut writer = encryptor.wrap_output(armor)?;
        writer.write_all(text.as_bytes())?;
        writer.finish()?.finish()
    };
    write().map_err(|_| SealError::Sealing)
}

fn dearmor(bytes: &[u8]) -> Result<Vec<u8>, SealError> {
    let mut binary = Vec::with_capacity(bytes.len());
    ArmoredReader::new(bytes).read_to_end(&mut binary).map_err(|_| SealError::NotPassphrase)?;
    Ok(binary)
}

/// Refuses a file of another kind, and one that would keep the machine busy, before anybody is asked.
fn check_work_factor(binary: &[u8]) -> Result<(), SealError> {
    let header = Header::parse(binary, |_| LIMIT)?;
    let [stanza] = header.stanzas.as_slice() else { return Err(SealError::NotPassphrase) };
    let mut words = stanza.words(binary);
    if words.next() != Some("scrypt") {
        return Err(SealError::NotPassphrase);
    }
    let factor: u64 = words.nth(1).and_then(|text| text.parse().ok()).ok_or(SealError::NotPassphrase)?;
    if factor > MAX_WORK_FACTOR.into() {
        return Err(SealError::WorkFactor { factor, limit: MAX_WORK_FACTOR });
    }
    Ok(())
}
