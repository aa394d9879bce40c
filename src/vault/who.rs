//! `who`: who reads a secret and why, what somebody reads, now or at any commit. No key is needed.
//!
//! Two things are told apart: who may read by the roster and the shares, and who a file is sealed to by its author's
//! signed word. Where they differ, something waits for the next who can seal it.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

use rayon::prelude::*;

use super::access::RefusedFiles;
use super::check::check;
use super::read::BATCH;
use super::share::{no_such_member, shown};
use super::under::Under;
use super::version::Version;
use super::{Vault, VaultError, sealed, trust};
use crate::model::bytes::Hash;
use crate::model::card::Kind;
use crate::model::manifest::{MemberRef, State as Life};
use crate::model::names::{MemberName, SecretPath};
use crate::model::roster::{Holder, Member, Role, Roster};
use crate::model::shares::Shares;
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

/// Secrets that live, sorted by name, and files that are refused, with why.
struct Looked {
    secrets: Vec<Living>,
    refused: RefusedFiles,
}

/// A secret that lives.
struct Living {
    path: SecretPath,
    shares: Vec<Holder>,
    /// Whom all of its versions are sealed to.
    sealed: HashSet<MemberRef>,
    /// Whom any of them is sealed to.
    any: Vec<MemberRef>,
    /// The cards of those who may read it.
    entitled: HashSet<Hash>,
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
        let version = check(&self.roster, &file, path, bytes.ok_or_else(|| self.vault.unknown(path))?, None);
        let version =
            version.map_err(|error| if self.commit.is_none() { self.vault.misplaced(error) } else { error })?;
        let manifest = version.manifest();
        match &manifest.state {
            Life::Live => {}
            Life::Deleted => return Err(VaultError::Deleted { name: path.to_string(), bare: false }),
            Life::Moved(to) => return Err(VaultError::Moved { name: path.to_string(), to: to.to_string() }),
        }
        let shares = version.shares();
        let readers = entitled(&self.roster, self.under().as_ref(), path, &shares);
        let shares = shares.holders();
        let wanted: BTreeSet<MemberRef> = readers.iter().map(|member| member.reference()).collect();
        let sealed = version.sealed_to();
        let still = sealed.any.iter().filter(|reader| !wanted.contains(**reader));
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
                    ways: ways(&self.roster, member, path, &shares),
                    sealed: sealed.all.contains(&member.reference()),
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
        Ok((reading(&self.roster, name, &looked), looked.refused))
    }

    /// What each living member reads, and each who has left and to whom something is still sealed; with the files that
    /// are refused.
    pub fn everybody(&self) -> Result<(Vec<Reading>, RefusedFiles), VaultError> {
        let looked = self.look()?;
        let mut names: BTreeSet<&MemberName> = self.roster.members().map(|member| &member.card.name).collect();
        names.extend(looked.secrets.iter().flat_map(|secret| secret.any.iter().map(|reader| &reader.name)));
        let names: Vec<&MemberName> = names.into_iter().collect();
        let roster: &Roster = &self.roster;
        Ok((names.par_iter().map(|name| reading(roster, name, &looked)).collect(), looked.refused))
    }

    /// What decides in the work tree beside the roster; nothing at a commit.
    fn under(&self) -> Option<Under<'_>> {
        self.commit.is_none().then(|| self.vault.under())
    }

    /// Every secret that lives, checked on all cores. Of journals only what is refused is told.
    fn look(&self) -> Result<Looked, VaultError> {
        let (vault, roster): (_, &Roster) = (self.vault, &self.roster);
        let under = self.under();
        let look = |path: SecretPath, file: String, version: Result<Version, VaultError>| match version {
            Ok(version) if version.manifest().state == Life::Live && !path.is_journal() => {
                let shares = version.shares();
                let entitled = entitled(roster, under.as_ref(), &path, &shares);
                let entitled = entitled.iter().map(|member| member.hash).collect();
                let to = version.sealed_to();
                let (sealed, any) = (to.all.into_iter().cloned().collect(), to.any.into_iter().cloned().collect());
                Ok(Some(Living { path, shares: shares.holders(), sealed, any, entitled }))
            }
            Ok(_) => Ok(None),
            Err(error) => Err(Box::new((file, error))),
        };
        let looked = match self.commit {
            None => vault.look_at_files(roster, &vault.all_names()?, look)?,
            Some(commit) => {
                let listed = sealed::list_at(vault.repo(), commit, vault.root())?;
                let read = |(path, file, blob): &(SecretPath, String, ObjectId)| {
                    (path.clone(), file.clone(), sealed::bytes(vault.repo(), *blob, file))
                };
                let batches = listed.chunks(BATCH).map(|some| Ok(some.iter().map(read).collect()));
                vault.look_at_batches(roster, batches, look)?
            }
        };
        let (mut secrets, mut refused) = (Vec::with_capacity(looked.len()), Vec::new());
        for looked in looked {
            match looked {
                Ok(secret) => secrets.extend(secret),
                Err(file) => refused.push(*file),
            }
        }
        secrets.sort_by(|a: &Living, b| a.path.cmp(&b.path));
        Ok(Looked { secrets, refused })
    }
}

/// Who may read it; in the work tree nobody whose removal was seen elsewhere.
fn entitled<'r>(roster: &'r Roster, under: Option<&Under<'r>>, path: &SecretPath, shares: &Shares) -> Vec<&'r Member> {
    match under {
        Some(under) => under.readers(path, shares),
        None => roster.readers(path, &shares.holders()),
    }
}

fn reading(roster: &Roster, name: &MemberName, looked: &Looked) -> Reading {
    let member = roster.named(name);
    let mut reading = Reading {
        name: name.to_string(),
        member: member.map(|member| (member.role, member.card.kind)),
        secrets: Vec::new(),
        not_yet: Vec::new(),
        still: Vec::new(),
    };
    for Living { path, shares, sealed, any, entitled } in &looked.secrets {
        let may = member.filter(|member| entitled.contains(&member.hash));
        if let Some(member) = may {
            reading.secrets.push((path.clone(), ways(roster, member, path, shares)));
            if !sealed.contains(&member.reference()) {
                reading.not_yet.push(path.clone());
            }
        }
        let first = any.partition_point(|reader| reader.name < *name);
        let mut cards = any.iter().skip(first).take_while(|reader| reader.name == *name).map(|reader| reader.card);
        if cards.any(|card| may.is_none_or(|member| member.hash != card)) {
            reading.still.push(path.clone());
        }
    }
    reading
}

fn ways(roster: &Roster, member: &Member, path: &SecretPath, shares: &[Holder]) -> Vec<Way> {
    let state = roster.state();
    let (place, holders) = state.grant_for(path.as_str());
    let holds = |holder: &&Holder| state.holds(holder, member);
    let granted = holders.iter().filter(holds).map(|to| Way::Grant { place: shown(place), to: to.to_string() });
    let shared = shares.iter().filter(holds).map(|with| Way::Share { with: with.to_string() });
    granted.chain(shared).collect()
}
