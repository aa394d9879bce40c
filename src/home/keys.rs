//! One's own keys: where they are read from, and how new ones are made.
//!
//! It does not decide what a key may do.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::agent::AgentKey;
use super::{Home, HomeError, IDENTITY_POINTER, SIGNING_POINTER, files};
use crate::model::card::{Recipient, SigningPublic};
use crate::plaintext::Plaintext;
use crate::seal::sshsig::Namespace;
use crate::seal::{self, Identities, Identity, SealError, Signer, SigningKey, VerifyingPublic};

/// What this machine opens with. The signing key is apart: who only reads needs none, and no passphrase for it.
pub struct Keys {
    /// Opens.
    pub identities: Identities,
}

/// The key that one signs with, and who holds it.
pub enum OwnSigner {
    /// It is here.
    Key(SigningKey),
    /// An agent has it.
    Agent(AgentKey),
}

impl OwnSigner {
    /// Whether it can be asked to sign now: to know before anything is typed or written.
    pub fn check_ready(&self) -> Result<(), HomeError> {
        match self {
            Self::Key(_) => Ok(()),
            Self::Agent(key) => {
                key.check_held().map_err(|source| HomeError::Agent { file: key.file().to_path_buf(), source })
            }
        }
    }

    /// The agent's key, where an agent has it.
    pub fn agent(&self) -> Option<&AgentKey> {
        match self {
            Self::Key(_) => None,
            Self::Agent(key) => Some(key),
        }
    }
}

impl Signer for OwnSigner {
    fn public(&self) -> SigningPublic {
        match self {
            Self::Key(key) => key.public(),
            Self::Agent(key) => key.public(),
        }
    }

    fn sign(&self, namespace: Namespace, message: &[u8]) -> Result<Vec<u8>, SealError> {
        match self {
            Self::Key(key) => key.sign(namespace, message),
            Self::Agent(key) => key.sign(namespace, message),
        }
    }
}

/// How keys are made where there are none.
#[derive(Default)]
pub struct NewKeys {
    /// Protects the new identity file.
    pub passphrase: Option<Zeroizing<String>>,
    /// A comment for the new signing key.
    pub comment: String,
    /// An identity file that exists and is to be used from now on.
    pub identity: Option<PathBuf>,
    /// The same for the signing key.
    pub signing: Option<PathBuf>,
}

impl Home {
    /// Reads one's identities; a passphrase is asked for at most once a file.
    pub fn keys(&self) -> Result<Keys, HomeError> {
        match &self.sources.literal {
            Some(literal) => Ok(keys_from_literal(literal)?.0),
            None => match self.points_nowhere(self.sources.identity_file.as_ref(), IDENTITY_POINTER) {
                Some(error) => Err(error),
                None => Ok(Keys { identities: self.identities_in(&self.identity_file())? }),
            },
        }
    }

    /// Reads the signing key; `None` where this machine only reads.
    pub fn signer(&self) -> Result<Option<OwnSigner>, HomeError> {
        if let Some(literal) = &self.sources.literal
            && let Some(key) = keys_from_literal(literal)?.1
        {
            return Ok(Some(OwnSigner::Key(key)));
        }
        let Some(file) = self.signing_place() else { return Ok(None) };
        match self.points_nowhere(self.sources.signing_file.as_ref(), SIGNING_POINTER) {
            Some(error) => Err(error),
            None => self.signer_in(&file),
        }
    }

    /// Whether there is an identity at all, without reading it.
    pub fn has_identity(&self) -> bool {
        self.sources.literal.is_some() || self.identity_file().exists()
    }

    /// That there is none, where there is none.
    pub fn no_identity(&self) -> Option<HomeError> {
        (!self.has_identity()).then(|| HomeError::NoIdentity { looked: self.identity_file() })
    }

    /// Reads the identity and the signing key, and makes what is missing. What is there is read before anything is
    /// written.
    pub fn make_keys(&self, new: &NewKeys) -> Result<(Keys, Option<OwnSigner>), HomeError> {
        if self.sources.literal.is_some() {
            return Ok((self.keys()?, self.signer()?));
        }
        // What a file of the config folder names is somewhere else now, and is not made anew there.
        let nowhere = |given: &Option<PathBuf>, source: &Option<PathBuf>, pointer| match given {
            Some(_) => None,
            None => self.points_nowhere(source.as_ref(), pointer),
        };
        if let Some(error) = nowhere(&new.identity, &self.sources.identity_file, IDENTITY_POINTER)
            .or_else(|| nowhere(&new.signing, &self.sources.signing_file, SIGNING_POINTER))
        {
            return Err(error);
        }
        let identity_file = new.identity.clone().unwrap_or_else(|| self.identity_file());
        let found = if identity_file.exists() { Some(self.identities_in(&identity_file)?) } else { None };
        let signing_file = new.signing.clone().unwrap_or_else(|| self.signing_file());
        let signer = self.signer_in(&signing_file)?;
        match &signer {
            Some(signer) => signer.check_ready()?,
            None => check_unused(&signing_file)?,
        }
        self.name_existing(new.identity.as_deref(), new.signing.as_deref())?;
        let identities = match found {
            Some(identities) => identities,
            // Not read back: who has just chosen a passphrase is not asked for it.
            None => Identities::from(self.make_identity(new)?),
        };
        let signer = match signer {
            Some(signer) => signer,
            None => OwnSigner::Key(self.make_signing_key(new)?),
        };
        Ok((Keys { identities }, Some(signer)))
    }

    fn make_identity(&self, new: &NewKeys) -> Result<Identity, HomeError> {
        let identity = Identity::generate().map_err(HomeError::Making)?;
        let secret = identity.to_text().ok_or(HomeError::Making(SealError::NoIdentity))?;
        let text = Zeroizing::new(format!("# public key: {}\n{}\n", identity.recipient(), *secret));
        let file = self.identity_file();
        match &new.passphrase {
            None => files::create_private(&file, text.as_bytes())?,
            Some(passphrase) => {
                let sealed = seal::encrypt_identity_file(&text, passphrase, seal::MAX_WORK_FACTOR);
                files::create_private(&file, &sealed.map_err(HomeError::Making)?)?;
            }
        }
        Ok(identity)
    }

    fn make_signing_key(&self, new: &NewKeys) -> Result<SigningKey, HomeError> {
        let signer = SigningKey::generate().map_err(HomeError::Making)?;
        let text = signer.to_openssh(&new.comment).map_err(HomeError::Making)?;
        let file = self.signing_file();
        let public = format!("{} {}\n", signer.public(), new.comment);
        // In this order: a public half that stands alone is one whose private half somebody else has.
        files::create_private(&file, text.as_bytes())?;
        files::create_private(&with_pub(&file), public.as_bytes())?;
        Ok(signer)
    }

    fn identities_in(&self, file: &Path) -> Result<Identities, HomeError> {
        let bytes = files::read_optional(file)?.ok_or_else(|| HomeError::NoIdentity { looked: file.to_path_buf() })?;
        let bytes = Zeroizing::new(bytes);
        private_key(file, || identities_of(file, &bytes, || None))?;
        identities_of(file, &bytes, || (self.ask)(&format!("the identity {}", file.display())))
    }

    fn signer_in(&self, file: &Path) -> Result<Option<OwnSigner>, HomeError> {
        let Some(bytes) = files::read_optional(file)? else { return Ok(None) };
        let bytes = Zeroizing::new(bytes);
        let refused = |source| unusable(file, source);
        let text = std::str::from_utf8(&bytes).map_err(|_| refused(SealError::IdentityNotText))?;
        let called_public = file.extension().is_some_and(|e| e == "pub") && !text.starts_with("-----BEGIN ");
        if called_public || seal::is_public_key(text) {
            let public = VerifyingPublic::parse_line(text).map_err(refused)?;
            let socket = self.sources.agent_socket.clone();
            return Ok(Some(OwnSigner::Agent(AgentKey::new(public, file.to_path_buf(), socket))));
        }
        private_key(file, || SigningKey::from_openssh(text, || None).map_err(refused))?;
        let ask = || (self.ask)(&format!("the signing key {}", file.display()));
        SigningKey::from_openssh(text, ask).map(|key| Some(OwnSigner::Key(key))).map_err(refused)
    }
}

impl Keys {
    /// The recipients of the identities.
    pub fn recipients(&self) -> Vec<Recipient> {
        self.identities.iter().map(|identity| identity.recipient().clone()).collect()
    }
}

fn keys_from_literal(literal: &Plaintext) -> Result<(Keys, Option<SigningKey>), HomeError> {
    let parsed = seal::parse_literal(literal.expose_str().unwrap_or_default());
    let (identity, signer) = parsed.map_err(|source| HomeError::BadLiteral { variable: "COVAULT_IDENTITY", source })?;
    Ok((Keys { identities: Identities::from(identity) }, signer))
}

/// The identities that a file holds. `ask` is called where a passphrase protects them.
fn identities_of(
    file: &Path,
    bytes: &[u8],
    ask: impl FnOnce() -> Option<Zeroizing<String>>,
) -> Result<Identities, HomeError> {
    let refused = |source| unusable(file, source);
    if seal::is_encrypted(bytes) {
        let text = seal::decrypt_identity_file(bytes, ask).map_err(refused)?;
        return Identities::parse(&text, || None).map_err(refused);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| refused(SealError::IdentityNotText))?;
    Identities::parse(text, ask).map_err(refused)
}

/// Refuses a key's file that others can read. Of a file that holds no key, which `read` tells without asking anybody, it
/// says that: to close it to others would mend nothing, and it may be none of the person's own.
fn private_key<T>(file: &Path, read: impl FnOnce() -> Result<T, HomeError>) -> Result<(), HomeError> {
    files::check_private(file).map_err(|open| match read() {
        Err(error @ HomeError::BadKey { .. }) => error,
        _ => open,
    })
}

fn unusable(file: &Path, source: SealError) -> HomeError {
    match source {
        SealError::PassphraseNeeded => HomeError::PassphraseNeeded { file: file.to_path_buf() },
        source => HomeError::BadKey { file: file.to_path_buf(), source },
    }
}

/// Refuses to make a signing key in the place of one that an agent has: its public half alone is here, or is named.
fn check_unused(file: &Path) -> Result<(), HomeError> {
    let public = if file.extension().is_some_and(|e| e == "pub") { file.to_path_buf() } else { with_pub(file) };
    if public == file || public.symlink_metadata().is_ok() {
        return Err(HomeError::NoPrivateHalf { file: file.to_path_buf(), public });
    }
    Ok(())
}

fn with_pub(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".pub");
    PathBuf::from(name)
}
