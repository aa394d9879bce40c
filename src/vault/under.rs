//! The roster that something is sealed under, and what is known of the trunk beside it: who reads, and who may not any more.
//!
//! It judges no file; `check` does.

use std::collections::BTreeSet;

use super::trunk::Ahead;
use crate::model::bytes::Hash;
use crate::model::card::Device;
use crate::model::manifest::{Manifest, MemberRef};
use crate::model::names::{MemberName, SecretPath};
use crate::model::roster::{Member, Roster};
use crate::model::shares::Shares;

/// The roster that something is sealed under.
pub(super) struct Under<'a> {
    pub(super) roster: &'a Roster,
    /// Git's name of its blob.
    pub(super) blob: &'a str,
    /// Members whose removal was seen on the trunk or in another clone.
    pub(super) gone: &'a BTreeSet<MemberName>,
    /// What the trunk knows and this branch does not.
    pub(super) ahead: Option<&'a Ahead>,
    /// Rosters by which a reader has to read, too: those of the other side while git merges.
    pub(super) beside: &'a [Roster],
}

impl<'a> Under<'a> {
    /// Who reads a secret, sorted by name; nobody whose removal was seen anywhere, or from whom the trunk took it.
    pub(super) fn readers(&self, path: &SecretPath, shares: &Shares) -> Vec<&'a Member> {
        let mut readers = self.roster.readers(path, &shares.holders());
        let taken = |name| self.ahead.is_some_and(|ahead| ahead.took_reading(name, path, &shares.holders()));
        readers.retain(|member| !self.gone.contains(&member.card.name) && !taken(&member.card.name));
        for roster in self.beside {
            let also: BTreeSet<Hash> =
                roster.readers(path, &shares.holders()).iter().map(|member| member.hash).collect();
            readers.retain(|member| also.contains(&member.hash));
        }
        readers
    }

    /// Whether one of these versions of a secret is by somebody who may not write it any more by what is known of the trunk,
    /// whatever the roster here says: sealed anew by another, it would count again. What the roster keeps good counts as it is.
    pub(super) fn is_by_who_lost_it<'m>(
        &self,
        path: &SecretPath,
        mut versions: impl Iterator<Item = (Hash, &'m Manifest)>,
    ) -> bool {
        versions.any(|(hash, version)| {
            let name = &version.author.name;
            let is_taken = |ahead: &Ahead| ahead.took_writing(name) || ahead.took_reading(name, path, &[]);
            let is_lost = self.gone.contains(name) || self.ahead.is_some_and(is_taken);
            is_lost && !self.roster.state().keeps(hash)
        })
    }

    /// The devices of each reader, in their order.
    pub(super) fn devices(&self, readers: &[MemberRef]) -> Vec<&'a [Device]> {
        readers.iter().filter_map(|reader| self.roster.devices(reader)).collect()
    }
}
