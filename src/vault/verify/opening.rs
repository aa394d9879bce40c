//! Finding a vault to judge, and whether it is the one that somebody said it should be.
//!
//! Unlike `Vault::open` this refuses no vault that nobody accepted: CI and strangers judge, too. What was taken on
//! trust is said.

use std::path::Path;

use super::{Finding, Judged, Verification};
use crate::home::Home;
use crate::model::bytes::Hash;
use crate::model::roster::Roster;
use crate::repo::{Ancestry, ObjectId, Repo, TreeChange};
use crate::vault::{VaultError, branch, root_if_any, root_in, sealed, trust, words};

/// A repository with a vault.
pub(super) struct Opening<'a> {
    pub(super) repo: Repo,
    /// This machine's folders, where it has any.
    pub(super) home: Option<&'a Home>,
    /// Path of the vault's folder from the top.
    pub(super) root: String,
    /// `COVAULT_VAULT`.
    pub(super) expected: Option<&'a str>,
}

impl<'a> Opening<'a> {
    /// Finds the vault above `start`: in the work tree, else in the first of `commits` (of none: in `HEAD`) that has its
    /// folder, where the roster may be gone.
    pub(super) fn new(
        start: &Path,
        home: Option<&'a Home>,
        expected: Option<&'a str>,
        commits: &[&str],
    ) -> Result<Self, VaultError> {
        let repo = Repo::discover(start)?;
        let root = match root_if_any(&repo, start)? {
            Some(root) => root,
            None => {
                let mut looked = commits.iter().map(|rev| repo.resolve(rev)).collect::<Result<Vec<_>, _>>()?;
                if commits.is_empty() {
                    looked.extend(repo.head()?.commit);
                }
                root_in(&repo, start, &looked)?.ok_or_else(|| branch::no_vault(&repo, home, start))?
            }
        };
        Ok(Self { repo, home, root, expected })
    }

    /// One for who knows where the vaults are, and sets `root` and `expected` for each.
    pub(super) fn at(repo: Repo, home: Option<&'a Home>) -> Self {
        Self { repo, home, root: String::new(), expected: None }
    }

    /// The roster's file.
    pub(super) fn roster_file(&self) -> String {
        format!("{}/roster.toml", self.root)
    }

    /// The folders of secrets and of journals.
    pub(super) fn sealed(&self) -> [String; 2] {
        sealed::folders(&self.root)
    }

    /// What differs in them between two commits; all that a commit has there, without the first.
    pub(super) fn sealed_between(&self, from: Option<ObjectId>, to: ObjectId) -> Result<Vec<TreeChange>, VaultError> {
        Ok(sealed::entries_between(&self.repo, from, to, &self.root)?)
    }

    /// The requests' folder.
    pub(super) fn requests(&self) -> String {
        format!("{}/requests", self.root)
    }

    /// The env files' folder.
    pub(super) fn env(&self) -> String {
        format!("{}/env", self.root)
    }

    /// Whether the vault with this roster is the one to expect here: what is said against it becomes a finding.
    /// `is_here`: it is in the work tree, so that the entry that this machine saw last has to be in it.
    pub(super) fn judge(&self, roster: &Roster, is_here: bool, found: &mut Verification) -> Result<Judged, VaultError> {
        let file = self.roster_file();
        let mut refuse = |text: String| found.findings.push(Finding::new("roster", &file, None, text));
        let setting = self.repo.config_str(&trust::setting(&self.root));
        for text in self.expected.into_iter().chain(setting.as_deref()) {
            if !trust::names_vault(text, roster.vault) {
                refuse(format!("it is another vault ({}) than the one expected ({text})", words(roster.vault)));
            }
        }
        if let Some((_, head)) = self.expected.and_then(|text| text.split_once('@')) {
            let head = head.trim().to_lowercase();
            if !Hash::from_hex(&head).is_some_and(|head| roster.has(head)) {
                refuse(format!("it does not have the entry {head} that COVAULT_VAULT asks for"));
            }
        }
        let pin = self.home.map(|home| home.pin(roster.vault)).transpose()?.flatten();
        if let Some(pin) = pin.as_ref().filter(|pin| is_here && !roster.has(pin.head)) {
            // An old branch has an old roster; what has the trunk's newest commit has no excuse.
            if self.is_behind_trunk()? {
                found
                    .notes
                    .push(format!("the roster here is older than the one that this machine saw (entry {})", pin.seq));
            } else {
                refuse(format!("it lacks entry {}, which this machine saw: it was rolled back or replaced", pin.seq));
            }
        }
        Ok(Judged {
            vault: roster.vault,
            name: roster.name.clone(),
            words: words(roster.vault),
            seq: roster.seq,
            head: roster.head,
            assumed: self.expected.is_none() && setting.is_none() && pin.is_none(),
        })
    }

    fn is_behind_trunk(&self) -> Result<bool, VaultError> {
        let Some((trunk, head)) = self.repo.trunk()?.zip(self.repo.head()?.commit) else { return Ok(false) };
        Ok(self.repo.is_ancestor(trunk.commit, head)? != Ancestry::Yes)
    }
}
