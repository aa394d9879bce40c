//! Siblings of which nobody opens all: two branches each kept a secret for others, and by now all of those may read it.
//!
//! Who opens some of them seals those, as one version, for everybody who reads the secret. The others stay beside it as
//! they are, until who opens them joins all: so a value is lost to nobody, and nobody waits for ever.

use std::collections::BTreeSet;

use super::draft::Draft;
use super::error::Part;
use super::open::Opener;
use super::read::Secret;
use super::version::Version;
use super::{Vault, VaultError};
use crate::model::manifest::{MAX_PARENTS, MemberRef};
use crate::model::names::SecretPath;
use crate::model::roster::{Member, Role, named_among};
use crate::seal::SealedFile;

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

impl<'v> SealedTo<'v> {
    /// Those of whom it is sealed to who may write it: `readers` read it under some roster, and `granted` do by a
    /// grant.
    pub(super) fn writers(&self, readers: &[&Member], granted: &[&Member]) -> BTreeSet<&'v MemberRef> {
        let is_writer = |members: &[&Member], reader: &MemberRef| {
            named_among(members, &reader.name).is_some_and(|member| member.role >= Role::Writer)
        };
        let may_write = |reader: &&MemberRef| is_writer(readers, reader) && is_writer(granted, reader);
        self.any.iter().filter(|reader| may_write(reader)).copied().collect()
    }

    /// Whether one of several versions opens for nobody among `writers`, and another does: that one keeps the other
    /// back.
    fn has_lost(&self, writers: &BTreeSet<&MemberRef>) -> bool {
        let has_writer = |readers: &BTreeSet<&MemberRef>| !readers.is_disjoint(writers);
        self.each.iter().any(has_writer) && !self.each.iter().all(has_writer)
    }

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
            (_, Some(VaultError::NotAReader { name, .. })) => {
                let (part, readers) = self.way_on(version);
                Err(VaultError::NotAReader { name, readers: readers.join(", "), part })
            }
            (_, Some(closed)) => Err(closed),
        }
    }

    /// What oneself can do about a version of which one opens a part, and who else can do something.
    fn way_on(&self, version: &Version) -> (Part, Vec<String>) {
        let (path, sealed) = (&version.manifest().path, version.sealed_to());
        let readers = self.roster.readers(path, &version.shares().holders());
        let wanted: Vec<MemberRef> = readers.iter().map(|member| member.reference()).collect();
        let writers = sealed.writers(&readers, &self.roster.readers(path, &[]));
        if sealed.has_lost(&writers) {
            return (Part::Lost, Vec::new());
        }
        let mut able = sealed.who_has_a_part(&writers, &wanted.iter().collect());
        if able.is_empty() {
            able = sealed.all.intersection(&writers).copied().collect();
        }
        let is_me = |reader: &&&MemberRef| reader.name == self.me.reference.name;
        let part = if able.iter().any(|reader| is_me(&reader)) { Part::Unsealed } else { Part::Sealed };
        (part, able.iter().filter(|reader| !is_me(reader)).map(|reader| reader.name.to_string()).collect())
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
                Ok((secret, closed))
            }
            (None, Some(closed)) => Err(closed),
            // A version has one member at least.
            (None, None) => Err(VaultError::NothingGood(version.manifest().path.to_string())),
        }
    }
}

impl Vault {
    /// The versions in a file that count and open for nobody who may write there, where another one does.
    pub(super) fn lost_in<'v>(&self, version: &'v Version) -> Vec<&'v SealedFile> {
        let (path, sealed) = (&version.manifest().path, version.sealed_to());
        let readers = self.under().readers(path, &version.shares());
        let writers = sealed.writers(&readers, &self.roster().readers(path, &[]));
        if !sealed.has_lost(&writers) {
            return Vec::new();
        }
        version.members().filter(|one| !one.manifest().readers.iter().any(|reader| writers.contains(reader))).collect()
    }

    /// Begins a version of what oneself opens of a secret, which lets go of what opens for nobody who may write it: it
    /// is named among the parents, and stays in the history for who opens it. `None` where nothing is lost so.
    pub(super) fn without_lost(&self, path: &SecretPath) -> Result<Option<Draft>, VaultError> {
        let Some(version) = self.current(path)? else { return Ok(None) };
        let lost = self.lost_in(&version);
        if lost.is_empty() {
            return Ok(None);
        }
        // Beside a newer one nobody can tell what is lost.
        self.newest(path)?;
        let (secret, _) = self.opener()?.open_part(&version)?;
        let mut draft = Draft::after(secret);
        draft.kept_apart.retain(|file| lost.iter().all(|one| one.bytes() != file.as_slice()));
        draft.let_go = lost.iter().map(|one| one.hash()).collect();
        draft.over = self.found(Some(version.stored()))?;
        Ok(Some(draft))
    }
}
