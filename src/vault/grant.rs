//! Grants: who reads what is below a path.
//!
//! An admin changes them; the secrets that somebody gains or loses by it are sealed again in the same commit.

use std::collections::HashMap;

use super::amend::{Amendment, Step};
use super::share::shown;
use super::write::How;
use super::{Vault, VaultError};
use crate::model::names::SecretPath;
use crate::model::roster::{Granted, Grantee, Holder, Holders, Operation};

/// One grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Where it is; `/` is the root.
    pub place: String,
    /// Whom it names: `@people`, `@GROUP`, members.
    pub readers: Vec<String>,
    /// How many living secrets it decides about.
    pub secrets: usize,
}

/// What is to become of a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantChange {
    /// It names exactly these.
    Set(Vec<Holder>),
    /// It names these too, and those not any more.
    Edit {
        /// Who comes in.
        add: Vec<Holder>,
        /// Who goes out.
        remove: Vec<Holder>,
    },
    /// It goes away, so that the one above decides.
    Inherit,
}

impl Vault {
    /// All grants, by path. No key is needed.
    pub fn grants(&self) -> Result<Vec<Grant>, VaultError> {
        let state = self.roster().state();
        let mut decides: HashMap<&str, usize> = HashMap::new();
        for name in self.live_names()? {
            *decides.entry(state.grant_for(name.as_str()).0).or_default() += 1;
        }
        let grant = |(place, holders): (&str, &Holders)| Grant {
            place: shown(place),
            readers: self.living_holders(holders).iter().map(ToString::to_string).collect(),
            secrets: decides.get(place).copied().unwrap_or_default(),
        };
        Ok(state.grants().map(grant).collect())
    }

    /// Where the grant that decides about a path is.
    pub fn grant_over(&self, path: Option<&SecretPath>) -> String {
        shown(self.roster().state().grant_for(path.map_or("", SecretPath::as_str)).0)
    }

    /// Works out a change of the grant at `path` (`None` is the root). Where it is so already, what still waits to be
    /// sealed is all that remains. Nothing is written.
    pub fn grant(&self, path: Option<&SecretPath>, change: &GrantChange, how: &How) -> Result<Amendment, VaultError> {
        let state = self.roster().state();
        let place = path.map_or("", SecretPath::as_str);
        let here = state.grants().find(|(at, _)| *at == place).map(|(_, holders)| holders);
        let readers = match change {
            GrantChange::Inherit => here.map(|_| Granted::Inherit),
            GrantChange::Set(holders) => {
                self.named_by(place, here, &holders.iter().cloned().collect())?.map(Granted::To)
            }
            GrantChange::Edit { add, remove } => {
                let mut holders = self.living_holders(state.grant_for(place).1);
                for reader in remove {
                    self.take_out(place, &mut holders, reader)?;
                }
                holders.extend(add.iter().cloned());
                self.named_by(place, here, &holders)?.map(Granted::To)
            }
        };
        let Some(readers) = readers else { return self.amendment(Vec::new(), how) };
        let operation = Operation::Grant { path: path.cloned(), readers, live: Vec::new() };
        let amendment = self.amendment(vec![Step::from(operation)], how)?;
        self.check_sealable(&amendment)?;
        Ok(amendment)
    }

    /// Refuses what would leave a secret with readers who can never be given it.
    pub(super) fn check_sealable(&self, amendment: &Amendment) -> Result<(), VaultError> {
        let stuck: Vec<_> = amendment.plan.due.iter().filter(|due| due.pending.by.is_empty()).collect();
        if stuck.is_empty() {
            return Ok(());
        }
        // What is so already is no reason to refuse something else.
        let before = self.pending()?.0;
        let is_news = |path: &SecretPath| !before.iter().any(|pending| pending.path == *path && pending.by.is_empty());
        match stuck.into_iter().find(|due| due.pending.lives && is_news(&due.pending.path)) {
            None => Ok(()),
            Some(due) => {
                let readers: Vec<_> = due.version().manifest().readers.iter().map(|r| r.name.to_string()).collect();
                Err(VaultError::NobodyCouldSeal { name: due.pending.path.to_string(), readers: readers.join(", ") })
            }
        }
    }

    /// Whom the entry has to name; `None` where the grant names exactly them already.
    pub(super) fn named_by(
        &self,
        place: &str,
        here: Option<&Holders>,
        wanted: &Holders,
    ) -> Result<Option<Vec<Grantee>>, VaultError> {
        if wanted.is_empty() {
            return Err(VaultError::GrantToNobody(shown(place)));
        }
        // The canonical order is that of their texts.
        let mut named: Vec<_> = wanted.iter().map(|holder| (holder.to_string(), holder)).collect();
        named.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let grantees = named.into_iter().map(|(_, holder)| self.grantee(holder)).collect::<Result<Vec<_>, _>>()?;
        Ok((here != Some(wanted)).then_some(grantees))
    }

    fn grantee(&self, holder: &Holder) -> Result<Grantee, VaultError> {
        match holder {
            Holder::People => Ok(Grantee::People),
            Holder::Group(group) => self.living_group(group).map(|_| Grantee::Group(group.clone())),
            Holder::Member(name) => self.living_member(name).map(|member| Grantee::Member(member.reference())),
        }
    }

    /// Without those who have left: an entry names living ones only.
    pub(super) fn living_holders(&self, holders: &Holders) -> Holders {
        let lives = |holder: &&Holder| match holder {
            Holder::Member(name) => self.roster().named(name).is_some(),
            Holder::People | Holder::Group(_) => true,
        };
        holders.iter().filter(lives).cloned().collect()
    }

    fn take_out(&self, place: &str, holders: &mut Holders, reader: &Holder) -> Result<(), VaultError> {
        if holders.remove(reader) {
            return Ok(());
        }
        let state = self.roster().state();
        let member = match reader {
            Holder::Member(name) => Some(self.living_member(name)?),
            Holder::Group(group) => self.living_group(group).map(|_| None)?,
            Holder::People => None,
        };
        let stands_for = |holder: &&Holder| member.is_some_and(|member| state.holds(holder, member));
        let through = holders.iter().filter(stands_for).map(ToString::to_string).collect();
        Err(VaultError::NotInGrant { place: shown(place), reader: reader.to_string(), through })
    }
}
