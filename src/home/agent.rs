//! A client of ssh-agent (draft-ietf-sshm-ssh-agent): which keys it holds, and a signature by one of them.
//!
//! It adds and removes no keys and never sees a private one. What the agent answers is believed only as far as it was
//! checked: sizes, form, and each signature with the public key.

use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use crate::model::card::SigningPublic;
use crate::seal::sshsig::{self, Namespace};
use crate::seal::wire::{ED25519, public_blob, put, take, take_number};
use crate::seal::{SealError, Signer, VerifyingPublic};

/// Numbers of messages, as the protocol gives them. 30 and 102 are what older agents say for "failure".
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;
const FAILURES: [u8; 3] = [5, 30, 102];

/// The largest message, as OpenSSH has it.
#[cfg(unix)]
const MAX_MESSAGE: u32 = 256 * 1024;
/// How long an agent may take to list its keys.
const LIST_WITHIN: Duration = Duration::from_secs(5);
/// How long it may take to sign: it may have to ask a person first.
const SIGN_WITHIN: Duration = Duration::from_secs(120);

/// Why the agent did not help.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AgentError {
    /// Nobody said where one is.
    #[error("it is a public key, so ssh-agent has to sign, and SSH_AUTH_SOCK names none")]
    NoSocket,
    /// Nobody listens at the socket.
    #[error("no ssh-agent answers at {} ({reason})", .socket.display())]
    Unreachable {
        /// The socket.
        socket: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// It holds other keys, or shows none because it is locked.
    #[error("ssh-agent does not have this key")]
    NotHeld,
    /// It said no.
    #[error("ssh-agent refused")]
    Refused,
    /// It went away in the middle.
    #[error("ssh-agent hung up before it answered")]
    HungUp,
    /// It said nothing in time.
    #[error("ssh-agent did not answer within {} seconds", .0.as_secs())]
    Silent(Duration),
    /// What it said is not what the protocol asks for.
    #[error("ssh-agent's answer is not one of its protocol: {0}")]
    Malformed(&'static str),
    /// A signature that is not by this key over this text.
    #[error("the signature that ssh-agent gave is not good")]
    BadSignature,
    /// No unix sockets here.
    #[error("it is a public key, so ssh-agent has to sign, which this system's Covault cannot ask")]
    Unsupported,
}

impl AgentError {
    /// The next step, where the public key is in `file`.
    pub fn hint(&self, file: &Path) -> String {
        let file =
            if file.extension().is_some_and(|e| e == "pub") { file.with_extension("") } else { file.to_path_buf() };
        let add = if file.exists() { format!("ssh-add '{}'", file.display()) } else { "ssh-add FILE".to_owned() };
        match self {
            Self::NoSocket | Self::Unreachable { .. } | Self::HungUp => {
                format!("start one and add the private half: eval \"$(ssh-agent)\"; {add}")
            }
            Self::NotHeld => format!("add the private half with: {add} (if the agent is locked, first: ssh-add -X)"),
            Self::Refused => {
                format!("unlock it (ssh-add -X), confirm when it asks, or add the key without limits on its use: {add}")
            }
            Self::Silent(_) => "see whether it waits for you to confirm, and try it with: ssh-add -l".to_owned(),
            Self::Malformed(_) | Self::BadSignature => {
                "set SSH_AUTH_SOCK to the socket of an agent that you trust".to_owned()
            }
            Self::Unsupported => "name the private key with COVAULT_SIGNING_KEY_FILE".to_owned(),
        }
    }
}

/// A signing key whose private half an agent holds.
pub struct AgentKey {
    public: VerifyingPublic,
    file: PathBuf,
    socket: Option<PathBuf>,
}

impl AgentKey {
    /// The key whose public half is in `file`, in the agent behind `socket`. The agent is not asked yet.
    pub(super) fn new(public: VerifyingPublic, file: PathBuf, socket: Option<PathBuf>) -> Self {
        Self { public, file, socket }
    }

    /// Where the public half is.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Whether the agent has the key now. It may still refuse to sign.
    pub fn check_held(&self) -> Result<(), AgentError> {
        let answer = self.ask(&[REQUEST_IDENTITIES], IDENTITIES_ANSWER, LIST_WITHIN)?;
        let cut_off = || AgentError::Malformed("a list of keys that is cut off");
        let own = public_blob(&self.public.to_bytes());
        let mut rest = answer.as_slice();
        let mut held = false;
        for _ in 0..take_number(&mut rest).ok_or_else(cut_off)? {
            let key = take(&mut rest).ok_or_else(cut_off)?;
            let _comment = take(&mut rest).ok_or_else(cut_off)?;
            held |= key == own;
        }
        match rest {
            [] if held => Ok(()),
            [] => Err(AgentError::NotHeld),
            _ => Err(AgentError::Malformed("a list of keys with something after it")),
        }
    }

    fn signature(&self, data: &[u8]) -> Result<[u8; 64], AgentError> {
        let mut request = vec![SIGN_REQUEST];
        put(&mut request, &public_blob(&self.public.to_bytes()));
        put(&mut request, data);
        // No flags: those that there are concern RSA.
        request.extend_from_slice(&[0; 4]);
        let answer = self.ask(&request, SIGN_RESPONSE, SIGN_WITHIN)?;
        let signature = parse_signature(&answer).ok_or(AgentError::Malformed("not an ssh-ed25519 signature"))?;
        self.public.verify(data, &signature).map_err(|_| AgentError::BadSignature)?;
        Ok(signature)
    }

    /// The body of the answer, which must be of the `expected` type.
    fn ask(&self, request: &[u8], expected: u8, within: Duration) -> Result<Vec<u8>, AgentError> {
        let socket = self.socket.as_ref().ok_or(AgentError::NoSocket)?;
        let answer = exchange(socket, request, within)?;
        match answer.split_first() {
            Some((kind, body)) if *kind == expected => Ok(body.to_vec()),
            Some((kind, _)) if FAILURES.contains(kind) => Err(AgentError::Refused),
            _ => Err(AgentError::Malformed("a message of another type")),
        }
    }
}

impl Signer for AgentKey {
    fn public(&self) -> SigningPublic {
        self.public.to_public()
    }

    fn sign(&self, namespace: Namespace, message: &[u8]) -> Result<Vec<u8>, SealError> {
        let signature = self.signature(&sshsig::signed_data(namespace, message)).map_err(|error| {
            let hint = error.hint(&self.file);
            SealError::NotSigned { key: self.file.display().to_string(), reason: error.to_string(), hint }
        })?;
        Ok(sshsig::assemble(&self.public.to_bytes(), namespace, &signature))
    }
}

/// What an answer to a request for a signature holds: one string, in it the type and the 64 bytes.
fn parse_signature(mut answer: &[u8]) -> Option<[u8; 64]> {
    let mut blob = take(&mut answer)?;
    let (kind, signature) = (take(&mut blob)?, take(&mut blob)?);
    (kind == ED25519 && answer.is_empty() && blob.is_empty()).then(|| signature.try_into().ok())?
}

/// One question and one answer. It runs beside us, so that nothing an agent does or leaves out keeps us longer than
/// `within`: not connecting, not reading, not an answer that comes a byte at a time.
#[cfg(unix)]
fn exchange(socket: &Path, request: &[u8], within: Duration) -> Result<Vec<u8>, AgentError> {
    let (path, mut message) = (socket.to_path_buf(), Vec::with_capacity(request.len() + 4));
    put(&mut message, request);
    let (send, receive) = std::sync::mpsc::channel();
    let beside = move || {
        // Nobody listens any more where it took too long.
        let _ = send.send(talk(&path, &message, within));
    };
    let spawned = std::thread::Builder::new().spawn(beside);
    spawned.map_err(|error| AgentError::Unreachable { socket: socket.to_path_buf(), reason: error.to_string() })?;
    receive.recv_timeout(within).unwrap_or(Err(AgentError::Silent(within)))
}

#[cfg(unix)]
fn talk(socket: &Path, message: &[u8], within: Duration) -> Result<Vec<u8>, AgentError> {
    use std::io::{ErrorKind, Read as _, Write as _};
    let unreachable =
        |error: std::io::Error| AgentError::Unreachable { socket: socket.to_path_buf(), reason: error.to_string() };
    let broken = |error: std::io::Error| match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => AgentError::Silent(within),
        _ => AgentError::HungUp,
    };
    let mut stream = std::os::unix::net::UnixStream::connect(socket).map_err(unreachable)?;
    stream.set_read_timeout(Some(within)).and_then(|()| stream.set_write_timeout(Some(within))).map_err(unreachable)?;
    stream.write_all(message).map_err(broken)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length).map_err(broken)?;
    let length = match u32::from_be_bytes(length) {
        0 => return Err(AgentError::Malformed("an empty message")),
        length if length > MAX_MESSAGE => return Err(AgentError::Malformed("a message above 256 KiB")),
        length => u64::from(length),
    };
    let mut answer = Vec::new();
    stream.take(length).read_to_end(&mut answer).map_err(broken)?;
    if answer.len() as u64 == length { Ok(answer) } else { Err(AgentError::HungUp) }
}

#[cfg(not(unix))]
fn exchange(_socket: &Path, _request: &[u8], _within: Duration) -> Result<Vec<u8>, AgentError> {
    Err(AgentError::Unsupported)
}
