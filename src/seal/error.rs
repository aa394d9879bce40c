//! Every refusal of this layer, by name. No text here ever holds a secret.

use thiserror::Error;

use crate::model::canon::CanonError;

/// Why bytes, keys or a draft are refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SealError {
    // --- sizes
    /// The file is larger than any sealed file may be.
    #[error("the file has {size} bytes, more than the limit of {limit}")]
    FileTooLarge {
        /// Its size.
        size: usize,
        /// [`MAX_FILE`](super::MAX_FILE).
        limit: usize,
    },
    /// The header is larger than one for so many devices may be.
    #[error("the header is longer than {limit} bytes, the limit for its number of devices")]
    HeaderTooLarge {
        /// [`header_limit`](super::header_limit).
        limit: usize,
    },
    /// What follows the header is larger than any payload may be.
    #[error("the payload has {size} bytes, more than the limit of {limit}")]
    PayloadTooLarge {
        /// Its size.
        size: usize,
        /// [`MAX_PAYLOAD`](super::MAX_PAYLOAD).
        limit: usize,
    },
    /// What follows the header is too short for a nonce and one chunk.
    #[error("the payload is cut off")]
    PayloadTooShort,

    // --- siblings
    /// A sibling file of a version that is not 1.
    #[error("siblings in a form that this version does not know")]
    SiblingsVersion,
    /// A sibling file that the writer would not have written.
    #[error("siblings that are cut off, out of order, or fewer than two")]
    SiblingsForm,

    // --- the header's grammar
    /// The first line is not that of an age file.
    #[error("not an age file")]
    NotAge,
    /// An age file in ASCII armor; sealed files are binary.
    #[error("an armored age file, where a binary one should be")]
    Armored,
    /// An age file of another version.
    #[error("an age file of a version that is not v1")]
    UnknownAgeVersion,
    /// The file ends inside the header.
    #[error("the header is cut off")]
    HeaderCutOff,
    /// A line that should begin a stanza or end the header does neither.
    #[error("the header has a line that is neither a stanza nor its end")]
    HeaderLine,
    /// A stanza's first line is not words of visible ASCII with one space between them.
    #[error("the header has a stanza with a malformed first line")]
    StanzaLine,
    /// A stanza's body is not canonical base64, wrapped at 64 columns and ended by a short line.
    #[error("the header has a stanza whose body is not canonical base64")]
    StanzaBody,
    /// There is no stanza at all.
    #[error("the header has no stanza")]
    NoStanza,
    /// The line that ends the header is malformed.
    #[error("the header's last line is malformed")]
    MacLine,

    // --- which stanzas a sealed file may hold
    /// Sealed to a passphrase.
    #[error("sealed to a passphrase (scrypt), which a secret never is")]
    Scrypt,
    /// Sealed to an RSA key.
    #[error("sealed to an RSA key, which a secret never is")]
    SshRsa,
    /// A stanza that age implementations write to keep others tolerant.
    #[error("the header has a grease stanza, which a secret never has")]
    Grease,
    /// A stanza of a plugin or of another unknown type.
    #[error("the header has a stanza of the unknown type '{kind}'")]
    UnknownStanza {
        /// Its type, cut to 32 characters.
        kind: String,
    },
    /// No reader has a stanza.
    #[error("the header has no reader's stanza")]
    NoReaders,
    /// A reader's stanza has other arguments or another body than its type asks for.
    #[error("the header has a malformed {kind} stanza")]
    ReaderStanza {
        /// `X25519` or `ssh-ed25519`.
        kind: &'static str,
    },
    /// There is no `covault-manifest` stanza.
    #[error("the file has no manifest")]
    NoManifest,
    /// There is no `covault-signature` stanza.
    #[error("the file has no signature")]
    NoSignature,
    /// A stanza of ours has arguments.
    #[error("the {kind} stanza has arguments")]
    Arguments {
        /// Which one.
        kind: &'static str,
    },
    /// Our two stanzas are not the last, or not each there once, manifest first.
    #[error("the header's stanzas are not in their order")]
    StanzaOrder,

    // --- the manifest
    /// The manifest is not UTF-8.
    #[error("the manifest is not text")]
    ManifestNotText,
    /// The manifest is not what the encoder would have written.
    #[error("the manifest is not canonical")]
    Manifest(#[source] CanonError),
    /// The readers' stanzas are not those that the manifest names.
    #[error("the readers' stanzas are not those of the manifest")]
    StanzasHash,
    /// The payload is not the one that the manifest names.
    #[error("the payload is not that of the manifest")]
    PayloadHash,
    /// The plaintext is not the one that the manifest names.
    #[error("the plaintext is not that of the manifest")]
    DocumentHash,

    // --- readers and devices
    /// Devices are given for another number of readers than the manifest names.
    #[error("the manifest names {readers} readers, but devices of {given} are given")]
    ReaderCount {
        /// In the manifest.
        readers: usize,
        /// By the caller.
        given: usize,
    },
    /// The file holds another number of stanzas than its readers have devices.
    #[error("the file has {stanzas} stanzas for readers' devices, and its readers have {devices} devices")]
    DeviceCount {
        /// In the header.
        stanzas: usize,
        /// On the cards.
        devices: usize,
    },
    /// A stanza is of another type, or for another SSH key, than the device at its place.
    #[error("stanza {index} is not for the device at its place")]
    DeviceMismatch {
        /// From 0.
        index: usize,
    },
    /// A reader has no device.
    #[error("the reader '{name}' has no device")]
    NoDevice {
        /// Who.
        name: String,
    },
    /// Splicing a header can only add readers.
    #[error("'{name}' reads the file and is missing from the new readers: seal with a new key instead")]
    ReaderTakenAway {
        /// Who.
        name: String,
    },
    /// Splicing a header cannot change what the plaintext repeats.
    #[error("the new header differs in {what}, which the sealed document repeats")]
    DocumentChanged {
        /// The manifest's key.
        what: &'static str,
    },
    /// The opened file is not the one whose header is spliced.
    #[error("the opened file is another one")]
    OtherFile,

    // --- opening
    /// A stanza's share is a point of small order, with which no secret can be agreed on.
    #[error("the header has a stanza whose share has a small order")]
    LowOrderShare,
    /// None of the identities opens any stanza.
    #[error("not sealed to any of these identities")]
    NotAReader,
    /// The header was changed after it was sealed.
    #[error("the header was changed after it was sealed")]
    HeaderMac,
    /// The payload was changed after it was sealed.
    #[error("the payload was changed after it was sealed")]
    Payload,
    /// Age could not encrypt.
    #[error("sealing failed")]
    Sealing,

    // --- recipients and identities
    /// Not a recipient in its canonical spelling.
    #[error("not a recipient: {text}")]
    Recipient {
        /// What was given (public).
        text: String,
    },
    /// A recipient that is no safe point of its curve, or not in its canonical form.
    #[error("not a safe key to seal to: {text}")]
    WeakRecipient {
        /// What was given (public).
        text: String,
    },
    /// A line of an identity file is no identity.
    #[error("line {line} is not an age identity")]
    IdentityLine {
        /// From 1.
        line: usize,
    },
    /// An identity of a plugin.
    #[error("line {line} is an identity of the plugin '{plugin}', which is not supported")]
    PluginIdentity {
        /// From 1.
        line: usize,
        /// The plugin's name.
        plugin: String,
    },
    /// A public key where the private one should be.
    #[error("a public key, and only the private half opens (ssh-agent cannot)")]
    IdentityPublic,
    /// There is no identity in the text.
    #[error("no identity in the file")]
    NoIdentity,
    /// The identity file is encrypted.
    #[error("the identity file is encrypted with a passphrase")]
    IdentityEncrypted,
    /// Not an age file that a passphrase encrypts.
    #[error("not an identity file that is encrypted with a passphrase")]
    NotPassphrase,
    /// The passphrase's work factor would take too long.
    #[error("the work factor {factor} is above the limit of {limit}")]
    WorkFactor {
        /// Base-2 logarithm.
        factor: u64,
        /// What is allowed.
        limit: u8,
    },
    /// A passphrase is needed and none was given.
    #[error("a passphrase is needed")]
    PassphraseNeeded,
    /// The passphrase does not open the key.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// A decrypted identity file is no text.
    #[error("the identity file is not text")]
    IdentityNotText,

    // --- signing keys
    /// Not an OpenSSH private key.
    #[error("not an OpenSSH private key")]
    OpensshKey,
    /// An OpenSSH private key in a form that is not read (old PEM, unknown cipher).
    #[error("an OpenSSH private key in a form that is not supported: {form}")]
    OpensshForm {
        /// Which.
        form: String,
    },
    /// An OpenSSH key of another type.
    #[error("a key of type {kind}, where ssh-ed25519 is needed")]
    KeyType {
        /// `ssh-rsa` and others.
        kind: String,
    },
    /// An OpenSSH private key cannot be written.
    #[error("the comment of a private key is not text that OpenSSH keeps")]
    KeyComment,
    /// Not a literal signing key.
    #[error("not a signing key as Covault writes it")]
    SigningLiteral,
    /// More words than an identity and a signing key.
    #[error("more than an identity and a signing key")]
    LiteralWords,
    /// Not an ssh-ed25519 public key.
    #[error("not an ssh-ed25519 public key")]
    PublicKey,
    /// A public key that is no safe point of the curve, or not in its canonical form.
    #[error("a weak ssh-ed25519 public key")]
    WeakKey,
    /// Who holds the private half did not sign.
    #[error("cannot sign with {key}: {reason}")]
    NotSigned {
        /// The public half's file.
        key: String,
        /// What the holder said.
        reason: String,
        /// The next step, which the holder knows.
        hint: String,
    },
    /// The system gives no randomness.
    #[error("the system gives no randomness")]
    Randomness,

    // --- signatures
    /// The bytes do not begin as an SSH signature does, or end too early or too late.
    #[error("not an SSH signature")]
    NotSshsig,
    /// An SSH signature of another version than 1.
    #[error("an SSH signature of version {version}, where 1 is needed")]
    SshsigVersion {
        /// Which.
        version: u32,
    },
    /// A signature by a key of another type.
    #[error("a signature by a key that is not ssh-ed25519")]
    SshsigKeyType,
    /// A signature that was made for something else.
    #[error("a signature for another purpose than {expected}")]
    SshsigNamespace {
        /// What was needed.
        expected: &'static str,
    },
    /// The reserved field holds something.
    #[error("the signature's reserved field is not empty")]
    SshsigReserved,
    /// Another hash than SHA-512.
    #[error("the signature's hash is not sha512")]
    SshsigHash,
    /// Armor that ssh-keygen would not have written.
    #[error("not the armor of an SSH signature")]
    SshsigArmor,
    /// The signature does not fit key and message, or is not strict Ed25519.
    #[error("the signature does not fit the signed text")]
    BadSignature,
}

impl SealError {
    /// Whether a later version may well read it.
    pub fn is_from_later(&self) -> bool {
        match self {
            Self::SiblingsVersion => true,
            Self::Manifest(source) => source.is_other_format(),
            _ => false,
        }
    }
}
