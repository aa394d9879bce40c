//! The rosters in sight of a merge: git merges secrets before the roster, so that what the other side was sealed under may
//! not be ours yet.
//!
//! A roster that only ours' former admins extended is not in sight: it says nothing about who is a member.

use std::collections::BTreeSet;

use super::super::{VaultError, trust};
use super::Labels;
use crate::home::Home;
use crate::model::bytes::Hash;
use crate::model::names::MemberName;
use crate::model::roster::Roster;
use crate::repo::{ObjectId, Repo};
use crate::seal::SealedFile;

/// How many rosters are looked at: a sibling file that somebody stuffed names as many as it has members.
const MOST: usize = 64;

/// Our roster, and others of the same vault that it does not contain.
pub(super) struct Chains<'a> {
    ours: &'a Roster,
    pub(super) others: Vec<Roster>,
    /// Somebody who extended a roster that is therefore not in sight.
    pub(super) suspect: Option<MemberName>,
}

/// Where rosters are looked for.
pub(super) struct Looking<'a> {
    pub(super) repo: &'a Repo,
    pub(super) home: Option<&'a Home>,
    /// The roster's file, from the top.
    pub(super) file: String,
    pub(super) ours: &'a Roster,
    /// Git's name of our roster's blob.
    pub(super) blob: &'a str,
}

impl<'a> Chains<'a> {
    /// Collects the rosters that the versions name, and that of the commit which comes in.
    pub(super) fn collect<'s>(
        look: &Looking<'a>,
        labels: &Labels<'_>,
        versions: impl Iterator<Item = &'s SealedFile>,
    ) -> Result<Self, VaultError> {
        let mut blobs = BTreeSet::new();
        for version in versions {
            let point = &version.manifest().roster;
            if !look.ours.has(point.head) {
                blobs.extend(ObjectId::from_hex(point.blob.as_bytes()).ok());
            }
        }
        for label in [labels.ours, labels.theirs] {
            // `feature`, or `3427962 (the subject)`.
            let name = label.split(' ').next().unwrap_or_default();
            // What gix does not know, git is asked about: a program started for nothing.
            if let Some(commit) = Some(name).filter(|name| is_plain(name)).and_then(|name| look.repo.resolve(name).ok())
            {
                blobs.extend(look.repo.blob_at(commit, &look.file).ok().flatten());
            }
        }
        let (mut others, mut suspect): (Vec<Roster>, Option<MemberName>) = (Vec::new(), None);
        let own = ObjectId::from_hex(look.blob.as_bytes()).ok();
        for blob in blobs.into_iter().filter(|blob| Some(*blob) != own).take(MOST) {
            // What is not here, too large or refused is not in sight.
            let good = trust::good_in_blob(look.repo, look.home, &look.file, look.ours.vault, blob);
            let Some(roster) = good.ok().flatten() else { continue };
            match roster.extended_without_right(look.ours).cloned() {
                Some(by) => suspect = Some(by),
                None => others.push(roster),
            }
        }
        let heads: Vec<Hash> = others.iter().map(|roster| roster.head).collect();
        let is_last = |roster: &Roster| {
            !look.ours.has(roster.head)
                && !heads.iter().any(|head| *head != roster.head && roster_has(&others, *head, roster))
        };
        let last: BTreeSet<Hash> = others.iter().filter(|roster| is_last(roster)).map(|roster| roster.head).collect();
        others.retain(|roster| last.contains(&roster.head));
        others.dedup_by_key(|roster| roster.head);
        Ok(Self { ours: look.ours, others, suspect })
    }

    /// All of them, ours first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Roster> {
        std::iter::once(self.ours).chain(&self.others)
    }
}

/// Whether the roster that ends with `head` contains another one.
fn roster_has(all: &[Roster], head: Hash, other: &Roster) -> bool {
    all.iter().any(|roster| roster.head == head && roster.has(other.head))
}

/// Whether git could mean one ref or commit by it, and nothing else.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('-') && !name.contains(['@', '^', '~', ':', '%', '\\', '?', '*', '['])
}
