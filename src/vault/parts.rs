//! Siblings of which nobody opens all: two branches each kept a secret for others, and by now all of those may read it.
//!
//! Who opens some of them seals those, as one version, for everybody who reads the secret. The others stay beside it as
//! they are, until who opens them joins all: so a value is lost to nobody, and nobody waits for ever.

use std::collections::BTreeSet;

use super::VaultError;
use super::open::Opener;
use super::read::Secret;
use super::version::Version;
use crate::model::manifest::{MAX_PARENTS, MemberRef};

/// Whom the versions in a file are sealed to, those that count.
pub(super) struct SealedTo<'v> {
    /// Of each, one after the other.
    each: Vec<BTreeSet<&'v MemberRef>>,
    /// Who reads all of them.
    pub(super) all: BTreeSet<&'v MemberRef>,
    /// Who reads any of them.
    pub(super) any: BTreeSet<&'v MemberRef>,
}

impl Version {
    /// Whom it is sealed to, by the signed word of its authors.
    pub(super) fn sealed_to(&self) -> SealedTo<'_> {
        let each: Vec<BTreeSet<&MemberRef>> =
            self.members().map(|member| member.manifest().readers.iter().collect()).collect();
        let any: BTreeSet<&MemberRef> = each.iter().flatten().copied().collect();
        let is_in_all = |reader: &&MemberRef| each.iter().all(|readers| readers.contains(reader));
        let all = any.iter().copied().filter(is_in_all).collect();
        SealedTo { each, all, any }
    }
}

impl SealedTo<'_> {
    /// Where nobody among `writers` opens all of the versions: those of them who open one that is not sealed to exactly
    /// those who are `wanted`. Nobody, where one of the versions opens for none of them: no way leads to all of it then.
    pub(super) fn who_has_a_part(
        &self,
        writers: &BTreeSet<&MemberRef>,
        wanted: &BTreeSet<&MemberRef>,
    ) -> BTreeSet<&MemberRef> {
        let has_writer = |readers: &BTreeSet<&MemberRef>| !readers.is_disjoint(writers);
        if self.each.len() < 2 || !self.all.is_disjoint(writers) || !self.each.iter().all(has_writer) {
            return BTreeSet::new();
        }
        let open = self.each.iter().filter(|readers| *readers != wanted);
        open.flatten().copied().filter(|reader| writers.contains(reader)).collect()
    }
}

impl Opener<'_> {
    /// Opens a checked version and checks that the document is the one that was signed. Siblings are joined.
    pub fn open(&self, version: &Version) -> Result<Secret, VaultError> {
        match self.open_part(version)? {
            (secret, None) => Ok(secret),
            (_, Some(closed)) => Err(closed),
        }
    }

    /// The same with those of the siblings that open; the others are beside it. Why the first of those does not open.
    pub(super) fn open_part(&self, version: &Version) -> Result<(Secret, Option<VaultError>), VaultError> {
        let (mut opened, mut closed): (Option<Secret>, Option<VaultError>) = (None, None);
        let (mut beside, mut left_over) = (Vec::new(), Vec::new());
        for member in version.members() {
            match self.open_one(version.file(), member) {
                Ok(one) => {
                    let mut secret = match opened {
                        None => one,
                        Some(secret) => secret.joined(one),
                    };
                    // More than one version can name as its parents: they stay for the next time.
                    if secret.versions.len() > MAX_PARENTS {
                        secret.versions.pop();
                        left_over.push(member.bytes().to_vec());
                    }
                    opened = Some(secret);
                }
                Err(error @ VaultError::NotAReader { .. }) => {
                    beside.push(member.bytes().to_vec());
                    closed.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        match (opened, closed) {
            (Some(mut secret), closed) => {
                secret.left_over = [left_over, beside].concat();
                secret.kept_apart = version.refused().iter().map(|refused| refused.bytes().to_vec()).collect();
                let closed = closed.map(|error| match error {
                    VaultError::NotAReader { name, readers, .. } => {
                        VaultError::NotAReader { name, readers, has_part: true }
                    }
                    other => other,
                });
                Ok((secret, closed))
            }
            (None, Some(closed)) => Err(closed),
            // A version has one member at least.
            (None, None) => Err(VaultError::NothingGood(version.manifest().path.to_string())),
        }
    }
}
