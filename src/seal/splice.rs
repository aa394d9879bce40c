//! Giving an opened file more readers: one X25519 wrap for each new device, the payload and all old stanzas untouched.
//!
//! Never for taking a reader away: they would keep a file key that still opens the payload.

use std::collections::{HashMap, HashSet};

use super::error::SealError;
use super::header::Writer;
use super::open::Opened;
use super::recipient::RecipientKey;
use super::sealed::SealedFile;
use super::sealer::{Sealed, check_readers, finish};
use super::signing::Signer;
use crate::model::card::{Device, Recipient};
use crate::model::manifest::Manifest;

/// Writes a new header for `file`, which was opened as `opened`. `old` are the devices of each of its readers, `devices`
/// those of each reader of the draft.
///
/// Every recipient that the file was sealed to stays, and what the plaintext repeats is as it was.
pub fn reseal_header(
    file: &SealedFile,
    opened: &Opened,
    old: &[&[Device]],
    draft: Manifest,
    devices: &[&[Device]],
    signer: &dyn Signer,
) -> Result<Sealed, SealError> {
    let before = file.manifest();
    if opened.version != file.hash() {
        return Err(SealError::OtherFile);
    }
    check_readers(&draft, devices)?;
    check_same_document(before, &draft)?;
    file.check_devices(old)?;
    check_superset(before, old, devices)?;

    let places = old.iter().copied().flatten().zip(&file.layout.spans);
    let stanzas: HashMap<&Recipient, _> = places.map(|(device, span)| (&device.recipient, span.clone())).collect();
    let mut out = Writer::new(file.bytes().len() - file.payload().len() + 1024);
    for device in devices.iter().copied().flatten() {
        match stanzas.get(&device.recipient) {
            Some(span) => out.raw(file.bytes().get(span.clone()).ok_or(SealError::OtherFile)?),
            None => {
                RecipientKey::parse(&device.recipient)?.wrap(&device.recipient, &opened.file_key, &mut out)?;
            }
        }
    }
    let manifest = Manifest { document: before.document, payload: before.payload, ..draft };
    let count = devices.iter().map(|d| d.len()).sum();
    finish(out, manifest, count, &opened.file_key, file.payload(), signer)
}

/// Whether a file that is sealed to `old` can be given to `new` by a splice: no recipient goes.
pub fn only_adds(old: &[&[Device]], new: &[&[Device]]) -> bool {
    let stays: HashSet<&Recipient> = new.iter().copied().flatten().map(|device| &device.recipient).collect();
    old.iter().copied().flatten().all(|device| stays.contains(&device.recipient))
}

/// What the plaintext repeats cannot change while the plaintext does not.
fn check_same_document(old: &Manifest, new: &Manifest) -> Result<(), SealError> {
    let same = [
        ("vault", old.vault == new.vault),
        ("id", old.id == new.id),
        ("path", old.path == new.path),
        ("state", old.state == new.state),
        ("values", old.values == new.values),
    ];
    match same.into_iter().find(|(_, same)| !same) {
        Some((what, _)) => Err(SealError::DocumentChanged { what }),
        None => Ok(()),
    }
}

fn check_superset(before: &Manifest, old: &[&[Device]], new: &[&[Device]]) -> Result<(), SealError> {
    let gone = before.readers.iter().zip(old).find(|(_, devices)| !only_adds(&[devices], new));
    match gone {
        Some((reader, _)) => Err(SealError::ReaderTakenAway { name: reader.name.to_string() }),
        None => Ok(()),
    }
}
