//! What is to be sealed: the next version of a document, what it follows and whom it is shared with.
//!
//! It does not decide what is written, nor put it in place; the verbs and `write` do.

use std::collections::BTreeSet;

use super::read::Secret;
use super::under::Under;
use super::write::random;
use super::{Me, VaultError};
use crate::model::bytes::{Hash, SecretId};
use crate::model::codec;
use crate::model::document::Document;
use crate::model::manifest::{MAX_PARENTS, Manifest, RosterPoint};
use crate::model::names::SecretPath;
use crate::model::read;
use crate::model::roster::Member;
use crate::model::shares::Shares;
use crate::model::time::Time;
use crate::repo::Found;
use crate::seal::{self, SealError, Sealed, SealedFile, Signer};

/// A document to be sealed at its path.
pub struct Draft {
    /// What to seal.
    pub document: Document,
    /// The versions that it follows.
    pub parents: Vec<(Hash, Manifest)>,
    /// Whom it is shared with besides those who read by a grant.
    pub shares: Shares,
    /// Siblings that count for nothing, or are too many to be named, and stay beside it, as they lie in the file.
    pub(super) kept_apart: Vec<Vec<u8>>,
    /// Versions that count for nothing and that a person lets go of: they are named among the parents, and give nothing else.
    pub(super) let_go: Vec<Hash>,
    /// What lay at its path when it was begun.
    pub(super) over: Found,
}

impl Draft {
    /// The next version of an opened secret.
    pub fn after(secret: Secret) -> Self {
        let shares = secret.manifest.shares;
        let (document, parents) = (secret.document, secret.versions);
        let kept_apart = [secret.kept_apart, secret.left_over].concat();
        Self { document, parents, shares, kept_apart, let_go: Vec::new(), over: Found::Unknown }
    }

    /// Whether it follows a version that is none of these, which somebody was shown.
    pub(super) fn follows_more_than(&self, shown: &[Hash]) -> bool {
        self.parents.iter().any(|(hash, _)| !shown.contains(hash))
    }

    /// A new secret, where there is no file.
    pub fn birth(vault: Hash, path: SecretPath) -> Self {
        let document = Document::new(vault, SecretId(random()), path);
        let (parents, shares, kept_apart) = (Vec::new(), Shares::default(), Vec::new());
        Self { document, parents, shares, kept_apart, let_go: Vec::new(), over: Found::Nothing }
    }

    /// Joins another version of the same secret in, which this one follows, too.
    pub fn join(&mut self, secret: Secret) {
        self.document = self.document.join(&secret.document);
        self.shares = self.shares.join(&secret.manifest.shares);
        for (hash, manifest) in secret.versions {
            if !self.parents.iter().any(|(known, _)| *known == hash) {
                self.parents.push((hash, manifest));
            }
        }
        self.kept_apart.extend(secret.kept_apart.into_iter().chain(secret.left_over));
    }

    /// Whether it is news by itself: it follows several versions, which are one then.
    pub(super) fn joins(&self) -> bool {
        self.parents.len() > 1
    }

    /// Of `members`, from which it was joined, those that are more than one version can name stay beside it, for the
    /// next time.
    pub(super) fn keep_what_it_cannot_name<'a>(&mut self, members: impl Iterator<Item = &'a SealedFile>) {
        if self.parents.len() <= MAX_PARENTS {
            return;
        }
        let unnamed: BTreeSet<Hash> = self.parents.drain(MAX_PARENTS..).map(|(hash, _)| hash).collect();
        self.kept_apart.extend(members.filter(|it| unnamed.contains(&it.hash())).map(|it| it.bytes().to_vec()));
    }
}

/// The manifest of a draft, as far as it is known before sealing.
fn manifest_of(
    draft: &Draft,
    landmarks: &[Hash],
    me: &Me,
    under: &Under<'_>,
    now: Time,
) -> Result<Manifest, VaultError> {
    let path = &draft.document.path;
    let (document, aliases) = with_smallest_id(draft);
    let named = draft.parents.get(..MAX_PARENTS).unwrap_or(&draft.parents);
    let let_go = draft.let_go.get(..MAX_PARENTS.saturating_sub(named.len())).unwrap_or(&draft.let_go);
    let mut parents: Vec<Hash> = named.iter().map(|(hash, _)| *hash).chain(let_go.iter().copied()).collect();
    parents.sort_unstable();
    parents.dedup();
    // What is let go of has no say in the number: whoever made it chose its own.
    let newest = draft.parents.iter().max_by_key(|(hash, manifest)| (manifest.revision, *hash));
    let readers = under.readers(path, &draft.shares);
    // A share lets nobody write: neither here nor, where the trunk took the grant away, there.
    let taken = |name| under.ahead.is_some_and(|ahead| ahead.took_reading(name, path, &[]));
    if taken(&me.reference.name) {
        return Err(VaultError::TakenOnTrunk(path.to_string()));
    }
    let granted = |member: &&&Member| under.roster.state().is_granted(member, path);
    let author = readers.iter().find(|member| member.card.name == me.reference.name).filter(granted);
    let author = author.ok_or_else(|| VaultError::WouldNotRead(path.to_string()))?.reference();
    Ok(Manifest {
        vault: under.roster.vault,
        id: document.id,
        aliases,
        path: path.clone(),
        state: document.state(),
        // What follows only what is let go of is no birth, either.
        revision: newest.map_or(if parents.is_empty() { 1 } else { 2 }, |(_, manifest)| manifest.next_revision()),
        parents,
        ancestors: Manifest::ancestors_letting_go(named, let_go, landmarks),
        roster: RosterPoint { seq: under.roster.seq, head: under.roster.head, blob: under.blob.to_owned() },
        readers: readers.iter().map(|member| member.reference()).collect(),
        author,
        shares: draft.shares.clone(),
        values: read::secret_values(&document),
        at: now,
        document: Hash([0; 32]),
        payload: Hash([0; 32]),
        stanzas: Hash([0; 32]),
    })
}

/// Seals a draft at `file` for the readers of its path, by oneself; `landmarks` are [`Vault::landmarks`].
pub(super) fn seal_draft(
    draft: &Draft,
    file: &str,
    landmarks: &[Hash],
    me: &Me,
    signer: &dyn Signer,
    under: &Under<'_>,
    now: Time,
) -> Result<Sealed, VaultError> {
    let manifest = manifest_of(draft, landmarks, me, under, now)?;
    let devices = under.devices(&manifest.readers);
    let (document, _) = with_smallest_id(draft);
    let plaintext =
        codec::encode(&document).map_err(|source| VaultError::Document { file: file.to_owned(), source })?;
    seal::seal(manifest, &plaintext, &devices, signer).map_err(|source| sealing(file.to_owned(), source))
}

/// A sealed file with the siblings that stay beside it.
pub(super) fn beside(file: &str, sealed: Vec<u8>, kept_apart: &[Vec<u8>]) -> Result<Vec<u8>, VaultError> {
    let all = std::iter::once(sealed).chain(kept_apart.iter().cloned()).collect();
    seal::bundle(all).map_err(|source| VaultError::Sealed { file: file.to_owned(), source })
}

/// Whether a version cannot be sealed for what it holds or for who would seal it: what it was to join stays apart, then.
pub(super) fn stays_apart(error: &VaultError) -> bool {
    matches!(
        error,
        VaultError::WouldNotRead(_)
            | VaultError::TakenOnTrunk(_)
            | VaultError::Document { .. }
            | VaultError::Sealed { .. }
            | VaultError::Inconsistent { .. }
    )
}

/// Why sealing failed: an agent that does not sign is no fault of the file.
pub(super) fn sealing(file: String, source: SealError) -> VaultError {
    match source {
        SealError::NotSigned { .. } => VaultError::Signing { what: "the new version", source },
        source => VaultError::Sealed { file, source },
    }
}

/// Where two secrets were born at one path the smaller id wins and the others become aliases.
fn with_smallest_id(draft: &Draft) -> (Document, Vec<SecretId>) {
    let mut document = draft.document.clone();
    let mut ids: Vec<_> = std::iter::once(document.id)
        .chain(draft.parents.iter().flat_map(|(_, m)| std::iter::once(m.id).chain(m.aliases.iter().copied())))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let smallest = ids.remove(0);
    document.id = smallest;
    (document, ids)
}
