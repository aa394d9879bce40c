//! A second, independent writer of headers: takes a sealed file apart and puts it together as somebody hostile would.

use age::Identity as _;
use age_core::format::{FileKey, Stanza};
use age_core::primitives::hkdf;
use age_core::secrecy::ExposeSecret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use covault::model::manifest::Manifest;
use covault::seal::sshsig::{self, Namespace};
use covault::seal::{Sealed, SigningKey};
use hmac::{Hmac, Mac};
use sha2::Sha256;

pub const MAGIC: &[u8] = b"age-encryption.org/v1\n";

/// A sealed file in parts.
pub struct Parts {
    /// The readers' stanzas, each as text.
    pub readers: Vec<Vec<u8>>,
    pub manifest: Vec<u8>,
    pub signature: Vec<u8>,
    pub payload: Vec<u8>,
    /// Computes the MAC; without it, it is noise.
    pub key: Option<FileKey>,
}

impl Parts {
    pub fn of(sealed: &Sealed) -> Self {
        let header_end = find(&sealed.bytes, b"\n--- ") + 1 + 48;
        let (header, payload) = sealed.bytes.split_at(header_end);
        let mut readers = Vec::new();
        let mut rest = &header[MAGIC.len()..];
        while !rest.starts_with(b"-> covault-manifest\n") {
            let length = 1 + find(&rest[1..], b"\n-> ") + 1;
            readers.push(rest[..length].to_vec());
            rest = &rest[length..];
        }
        let (manifest, rest) = body(rest);
        let (signature, _) = body(rest);
        Self { readers, manifest, signature, payload: payload.to_vec(), key: None }
    }

    /// Signs another manifest.
    pub fn sign(&mut self, manifest: &Manifest, key: &SigningKey) {
        self.sign_bytes(manifest.encode().into_bytes(), key);
    }

    pub fn sign_bytes(&mut self, manifest: Vec<u8>, key: &SigningKey) {
        self.signature = sshsig::sign(key, Namespace::Secret, &manifest).unwrap();
        self.manifest = manifest;
    }

    /// The bytes that `stanzas` covers.
    pub fn readers_part(&self) -> Vec<u8> {
        [MAGIC.to_vec(), self.readers.concat()].concat()
    }

    pub fn join(&self) -> Vec<u8> {
        let own = [stanza("covault-manifest", &self.manifest), stanza("covault-signature", &self.signature)].concat();
        self.join_with(&own)
    }

    /// With `own` instead of our two stanzas.
    pub fn join_with(&self, own: &[u8]) -> Vec<u8> {
        let mut out = self.readers_part();
        out.extend_from_slice(own);
        out.extend_from_slice(b"---");
        let mac = self.key.as_ref().map_or([0x55; 32], |key| mac(key, &out));
        out.push(b' ');
        out.extend_from_slice(BASE64.encode(mac).as_bytes());
        out.push(b'\n');
        out.extend_from_slice(&self.payload);
        out
    }

    /// The file key, as the `age` crate finds it.
    pub fn learn_key(&mut self, identity: &str) {
        let identity: age::x25519::Identity = identity.parse().unwrap();
        let text = String::from_utf8(self.readers[0].clone()).unwrap();
        let (words, body) = text.trim_end().split_once('\n').unwrap();
        let args = words.split(' ').skip(2).map(str::to_owned).collect();
        let stanza = Stanza { tag: "X25519".to_owned(), args, body: BASE64.decode(body).unwrap() };
        self.key = Some(identity.unwrap_stanza(&stanza).unwrap().unwrap());
    }
}

pub fn mac(key: &FileKey, covered: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(&hkdf(&[], b"header", key.expose_secret())).unwrap();
    mac.update(covered);
    mac.finalize().into_bytes().into()
}

/// One stanza as text.
pub fn stanza(words: &str, body: &[u8]) -> Vec<u8> {
    let text = BASE64.encode(body);
    let mut out = format!("-> {words}\n");
    for line in text.as_bytes().chunks(64) {
        out.push_str(std::str::from_utf8(line).unwrap());
        out.push('\n');
    }
    if text.len().is_multiple_of(64) {
        out.push('\n');
    }
    out.into_bytes()
}

pub fn find(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).position(|w| w == what).unwrap()
}

/// The body of the stanza at the front, and what follows.
fn body(stanza: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut at = find(stanza, b"\n") + 1;
    let mut text = Vec::new();
    loop {
        let length = find(&stanza[at..], b"\n");
        text.extend_from_slice(&stanza[at..at + length]);
        at += length + 1;
        if length < 64 {
            return (BASE64.decode(text).unwrap(), &stanza[at..]);
        }
    }
}
