//! Giving an opened file more readers: one X25519 wrap for each new device, the payload and all old stanzas untouched.
//!
//! Never for taking a reader away: they would keep a file key that still opens the payload.

use super::error::SealError;
use super::header::Writer;
use super::open::Opened;
use super::recipient::RecipientKey;
use super::sealed::SealedFile;
use super::sealer::{Sealed, check_readers, finish};
use super::signing::Signer;
use crate::model::card::Device;
use crate::model::manifest::{Manifest, MemberRef};

/// Writes a new header for `file`, which was opened as `opened`. `devices` are those of each reader of the draft.
///
/// The draft names all the old readers, with the same cards, and what the plaintext repeats as it was.
pub fn reseal_header(
    file: &SealedFile,
    opened: &Opened,
    draft: Manifest,
    devices: &[&[Device]],
    signer: &dyn Signer,
) -> Result<Sealed, SealError> {
    let old = file.manifest();
    if opened.version != file.hash() {
        return Err(SealError::OtherFile);
    }
    check_readers(&draft, devices)?;
    check_same_document(old, &draft)?;
    check_superset(old, &draft)?;
    let stays = |reader: &MemberRef| is_among(&old.readers, reader);
    let old_devices: Vec<&[Device]> =
        draft.readers.iter().zip(devices).filter(|(r, _)| stays(r)).map(|(_, d)| *d).collect();
    file.check_devices(&old_devices)?;

    let mut spans = file.layout.spans.iter();
    let mut out = Writer::new(file.bytes().len() - file.payload().len() + 1024);
    for (reader, devices) in draft.readers.iter().zip(devices) {
        for device in *devices {
            if stays(reader) {
                let span = spans.next().and_then(|span| file.bytes().get(span.clone()));
                out.raw(span.ok_or(SealError::OtherFile)?);
            } else {
                let key = RecipientKey::parse(&device.recipient)?;
                key.wrap(&device.recipient, &opened.file_key, &mut out)?;
            }
        }
    }
    let manifest = Manifest { document: old.document, payload: old.payload, ..draft };
    let count = devices.iter().map(|d| d.len()).sum();
    finish(out, manifest, count, &opened.file_key, file.payload(), signer)
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

fn check_superset(old: &Manifest, new: &Manifest) -> Result<(), SealError> {
    match old.readers.iter().find(|reader| !is_among(&new.readers, reader)) {
        Some(reader) => Err(SealError::ReaderTakenAway { name: reader.name.to_string() }),
        None => Ok(()),
    }
}

/// Readers are sorted in every manifest; in a draft that is not, some are missed here, and it is refused either way.
fn is_among(readers: &[MemberRef], reader: &MemberRef) -> bool {
    readers.binary_search(reader).is_ok()
}
