//! `who`: who reads a secret and why, what somebody reads, now or at any commit. No key is needed.
//!
//! Two things are told apart: who may read by the roster and the shares, and who a file is sealed to by its author's
//! signed word. Where they differ, something waits for the next who can seal it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use rayon::prelude::*;

use super::access::RefusedFiles;
use super::open::{Verified, Version, check};
use super::share::{no_such_member, shown};
use super::{Vault, VaultError, sealed, trust};
use crate::model::bytes::Hash;
use crate::model::card::Kind;
use crate::model::manifest::{MemberRef, State as Life};
use crate::model::names::{MemberName, SecretPath};
use crate::model::roster::{Holder, Member, Role, Roster};
use crate::repo::ObjectId;

/// How somebody comes to read a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// By the grant at a place (`/` is the root), which names them, a group of theirs or `@people`.
    Grant {
        /// Where it is.
        place: String,
        /// Whom of them it names.
        to: String,
    },
    /// It is shared with them, or with a group of theirs.
    Share {
        /// With whom.
        with: String,
    },
}

/// Somebody who may read a secret.
#[derive(Debug, Clone)]
pub struct Reader {
    /// Their name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Person or machine.
    pub kind: Kind,
    /// How they come to read it.
    pub ways: Vec<Way>,
    /// Whether it is sealed to them, by their present card.
    pub sealed: bool,
}

/// Who reads a secret.
#[derive(Debug, Clone)]
pub struct Readers {
    /// The secret.
    pub path: SecretPath,
    /// Its revision.
    pub revision: u64,
    /// Who sealed it.
    pub author: String,
    /// Who may read it.
    pub readers: Vec<Reader>,
    /// Who may not (any more), and it is still sealed to them.
    pub still: Vec<String>,
}

/// What somebody reads.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Their name.
    pub name: String,
    /// Role and kind; `None` for somebody who has left.
    pub member: Option<(Role, Kind)>,
    /// Secrets that they may read, with how.
    pub secrets: Vec<(SecretPath, Vec<Way>)>,
    /// Those of them that are not sealed to them yet.
    pub not_yet: Vec<SecretPath>,
    /// Those that they may not read (any more) and that are still sealed to them.
    pub still: Vec<SecretPath>,
}

/// A roster and the files under it: those in the work tree, or those of a commit.
pub struct View<'a> {
    vault: &'a Vault,
    roster: Cow<'a, Roster>,
    commit: Option<ObjectId>,
}

/// Secrets that live, and files that are refused, with why.
struct Looked {
    versions: Vec<(SecretPath, Version)>,
    /// For each version the cards of those who may read it.
    entitled: Vec<BTreeSet<Hash>>,
    refused: RefusedFiles,
}

impl Vault {
    /// What the work tree holds, or what a commit held, with the roster of that commit.
    pub fn view(&self, rev: Option<&str>) -> Result<View<'_>, VaultError> {
        let Some(rev) = rev else {
            return Ok(View { vault: self, roster: Cow::Borrowed(self.roster()), commit: None });
        };
        let commit = self.repo().resolve(rev)?;
        let file = format!("{}/roster.toml", self.root());
        let blob = self.repo().blob_at(commit, &file)?.ok_or_else(|| VaultError::NoVaultAt(rev.to_owned()))?;
        let roster = trust::verified(&file, &trust::roster_bytes(self.repo(), blob, &file)?)?;
        if roster.vault != self.roster().vault {
            let (found, expected) = (super::words(roster.vault), self.words());
            return Err(VaultError::OtherVault { file, found, expected });
        }
        Ok(View { vault: self, roster: Cow::Owned(roster), commit: Some(commit) })
    }
}

impl View<'_> {
    /// Who reads a secret.
    pub fn secret(&self, path: &SecretPath) -> Result<Readers, VaultError> {
        let file = self.vault.file(path);
        let bytes = match self.commit {
            None => self.vault.repo().read_work(&file, crate::seal::MAX_STORED as u64)?,
            Some(commit) => self.vault.repo().read_at(commit, &file)?,
        };
        let version = check(&self.roster, &file, path, bytes.ok_or_else(|| self.vault.unknown(path))?, None)?;
        let manifest = version.manifest();
        match &manifest.state {
            Life::Live => {}
            Life::Deleted => return Err(VaultError::Deleted { name: path.to_string() }),
            Life::Moved(to) => return Err(VaultError::Moved { name: path.to_string(), to: to.to_string() }),
        }
        let readers = self.entitled(path, &version);
        let wanted: BTreeSet<MemberRef> = readers.iter().map(|member| member.reference()).collect();
        let still = manifest.readers.iter().filter(|reader| !wanted.contains(*reader));
        Ok(Readers {
            path: path.clone(),
            revision: manifest.revision,
            author: manifest.author.name.to_string(),
            still: still.map(|reader| reader.name.to_string()).collect(),
            readers: readers
                .into_iter()
                .map(|member| Reader {
                    name: member.card.name.to_string(),
                    role: member.role,
                    kind: member.card.kind,
                    ways: self.ways(member, path, &version),
                    sealed: manifest.readers.contains(&member.reference()),
                })
                .collect(),
        })
    }

    /// What a member reads, and what is still sealed to somebody who has left; with the files that are refused.
    pub fn member(&self, name: &MemberName) -> Result<(Reading, RefusedFiles), VaultError> {
        if !self.roster.has_known(name) {
            return Err(no_such_member(name, &self.roster));
        }
        let looked = self.look()?;
        Ok((self.reading(name, &looked), looked.refused))
    }

    /// What each living member reads, and each who has left and to whom something is still sealed; with the files that
    /// are refused.
    pub fn everybody(&self) -> Result<(Vec<Reading>, RefusedFiles), VaultError> {
        let looked = self.look()?;
        let mut names: BTreeSet<MemberName> = self.roster.members().map(|member| member.card.name.clone()).collect();
        names.extend(looked.versions.iter().flat_map(|(_, v)| v.manifest().readers.iter().map(|r| r.name.clone())));
        Ok((names.iter().map(|name| self.reading(name, &looked)).collect(), looked.refused))
    }

    fn reading(&self, name: &MemberName, looked: &Looked) -> Reading {
        let member = self.roster.named(name);
        let mut reading = Reading {
            name: name.to_string(),
            member: member.map(|member| (member.role, member.card.kind)),
            secrets: Vec::new(),
            not_yet: Vec::new(),
            still: Vec::new(),
        };
        for ((path, version), entitled) in looked.versions.iter().zip(&looked.entitled) {
            let readers = &version.manifest().readers;
            let may = member.filter(|member| entitled.contains(&member.hash));
            if let Some(member) = may {
                reading.secrets.push((path.clone(), self.ways(member, path, version)));
                if !readers.contains(&member.reference()) {
                    reading.not_yet.push(path.clone());
                }
            }
            let present = may.map(|member| member.hash);
            if readers.iter().any(|reader| reader.name == *name && Some(reader.card) != present) {
                reading.still.push(path.clone());
            }
        }
        reading
    }

    /// Who may read it; in the work tree nobody whose removal was seen elsewhere.
    fn entitled(&self, path: &SecretPath, version: &Version) -> Vec<&Member> {
        let shares = version.shares();
        match self.commit {
            None => self.vault.under().readers(path, &shares),
            Some(_) => self.roster.readers(path, &shares.holders()),
        }
    }

    fn ways(&self, member: &Member, path: &SecretPath, version: &Version) -> Vec<Way> {
        let state = self.roster.state();
        let (place, holders) = state.grant_for(path.as_str());
        let holds = |holder: &&Holder| state.holds(holder, member);
        let granted = holders.iter().filter(holds).map(|to| Way::Grant { place: shown(place), to: to.to_string() });
        let shares = version.shares().holders();
        let shared = shares.iter().filter(holds).map(|with| Way::Share { with: with.to_string() });
        granted.chain(shared).collect()
    }

    /// Every secret that lives, checked on all cores. Of journals only what is refused is told.
    fn look(&self) -> Result<Looked, VaultError> {
        let vault = self.vault;
        let files = match self.commit {
            None => vault.read_files(&vault.all_names()?)?,
            Some(commit) => {
                let listed = sealed::list_at(vault.repo(), commit, vault.root())?.into_iter();
                listed
                    .map(|(path, file, blob)| {
                        let bytes = sealed::bytes(vault.repo(), blob, &file);
                        (path, file, bytes)
                    })
                    .collect()
            }
        };
        let verified = Verified::new(vault.home().verified_manifests(vault.roster().vault));
        let roster: &Roster = &self.roster;
        let checked: Vec<_> = files
            .into_par_iter()
            .map(|(path, file, bytes)| {
                let version = bytes.and_then(|bytes| check(roster, &file, &path, bytes, Some(&verified)));
                (path, file, version)
            })
            .collect();
        if let Some(verified) = verified.grown() {
            vault.home().remember_manifests(vault.roster().vault, &verified);
        }
        let mut looked =
            Looked { versions: Vec::with_capacity(checked.len()), entitled: Vec::new(), refused: Vec::new() };
        for (path, file, version) in checked {
            match version {
                Ok(version) if version.manifest().state == Life::Live && !path.is_journal() => {
                    looked.versions.push((path, version));
                }
                Ok(_) => {}
                Err(error) => looked.refused.push((file, error)),
            }
        }
        looked.versions.sort_by(|a, b| a.0.cmp(&b.0));
        let cards = |(path, version): &(SecretPath, Version)| -> BTreeSet<Hash> {
            self.entitled(path, version).iter().map(|member| member.hash).collect()
        };
        looked.entitled = looked.versions.iter().map(cards).collect();
        Ok(looked)
    }
}
