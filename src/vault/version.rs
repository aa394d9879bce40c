//! What a file of a secret holds once it was checked: the version that counts, and the siblings beside it.
//!
//! It checks nothing by itself; [`check()`](super::check::check) does.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};

use super::wrong::Wrong;
use crate::model::bytes::{Hash, Short};
use crate::model::manifest::{self, Manifest};
use crate::model::shares::Shares;
use crate::seal::SealedFile;

/// A sealed version that was checked: by a member who may write, for members, at this place. Where a merge without a key
/// left siblings, it is the one to show, and the others are beside it.
pub struct Version {
    pub(super) file: String,
    pub(super) sealed: SealedFile,
    pub(super) siblings: Vec<SealedFile>,
    pub(super) refused: Vec<RefusedSibling>,
    /// The whole file, where it is a sibling file.
    pub(super) stored: Option<Vec<u8>>,
}

/// A sibling that is kept and counts for nothing: its author may not write it (any more), or it is sealed to somebody who
/// may not read it.
pub struct RefusedSibling {
    pub(super) sealed: SealedFile,
    /// Why.
    pub why: Wrong,
}

impl Version {
    /// What its author signed.
    pub fn manifest(&self) -> &Manifest {
        self.sealed.manifest()
    }

    /// The manifest's hash: the version's name.
    pub fn hash(&self) -> Hash {
        self.sealed.hash()
    }

    /// The sealed file itself; of siblings, the one to show.
    pub(super) fn sealed(&self) -> &SealedFile {
        &self.sealed
    }

    /// What lies in the repository.
    pub(super) fn stored(&self) -> &[u8] {
        self.stored.as_deref().unwrap_or_else(|| self.sealed.bytes())
    }

    /// Its file, from the repository's top.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// All versions in the file that count, the one to show first.
    pub(super) fn members(&self) -> impl Iterator<Item = &SealedFile> {
        std::iter::once(&self.sealed).chain(&self.siblings)
    }

    /// Whether several versions wait to be joined.
    pub fn has_siblings(&self) -> bool {
        !self.siblings.is_empty()
    }

    /// Siblings that are kept and count for nothing.
    pub fn refused(&self) -> &[RefusedSibling] {
        &self.refused
    }

    /// The same, for who needs nothing else of it.
    pub(super) fn into_refused(self) -> Vec<RefusedSibling> {
        self.refused
    }

    /// Whom it is shared with besides those who read by a grant, all siblings taken together.
    pub(super) fn shares(&self) -> Shares {
        let all = self.siblings.iter().map(|sibling| &sibling.manifest().shares);
        all.fold(self.manifest().shares.clone(), |shares, more| shares.join(more))
    }
}

impl RefusedSibling {
    /// What its author signed.
    pub fn manifest(&self) -> &Manifest {
        self.sealed.manifest()
    }

    /// The version's name.
    pub(super) fn hash(&self) -> Hash {
        self.sealed.hash()
    }

    /// The file that it would be on its own.
    pub(super) fn bytes(&self) -> &[u8] {
        self.sealed.bytes()
    }
}

/// Who wrote what counts for nothing, each once.
pub(super) fn authors(refused: &[RefusedSibling]) -> BTreeSet<String> {
    refused.iter().map(|sibling| sibling.manifest().author.name.to_string()).collect()
}

/// Puts the one to show first and takes out what another one follows, which is handed over beside them: first is one that
/// lives, else one that says where the secret moved, else the newest.
pub(super) fn in_order(mut members: Vec<SealedFile>) -> (Vec<SealedFile>, Vec<SealedFile>) {
    let named = Named::by(members.iter().map(SealedFile::manifest));
    let followed = members.extract_if(.., |member| named.has(member.hash())).collect();
    members.sort_by_key(|member| {
        let manifest = member.manifest();
        let (life, to) = match &manifest.state {
            manifest::State::Live => (0, None),
            manifest::State::Moved(to) => (1, Some(to.clone())),
            manifest::State::Deleted => (2, None),
        };
        (life, to, Reverse((manifest.revision, member.hash())))
    });
    (members, followed)
}

/// What versions name as what they follow, near or far: to ask about many at once. A version never names itself.
pub(super) struct Named {
    parents: HashSet<Hash>,
    ancestors: HashSet<Short>,
}

impl Named {
    /// What these manifests name.
    pub(super) fn by<'m>(manifests: impl Iterator<Item = &'m Manifest>) -> Self {
        let mut named = Self { parents: HashSet::new(), ancestors: HashSet::new() };
        for manifest in manifests {
            named.parents.extend(&manifest.parents);
            named.ancestors.extend(&manifest.ancestors);
        }
        named
    }

    /// Whether one of them names this version.
    pub(super) fn has(&self, version: Hash) -> bool {
        self.parents.contains(&version) || self.ancestors.contains(&version.short())
    }
}
