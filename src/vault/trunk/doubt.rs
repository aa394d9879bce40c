//! Where this clone may look at the wrong branch, or at none: then what is put back on the right one goes unnoticed.

use super::short_ref;
use crate::repo::{Ancestry, Repo};
use crate::vault::{Vault, VaultError};

/// Why it is not sure that the trunk is the branch that counts, in words for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// What was seen.
    pub seen: String,
    /// The command that settles it.
    pub hint: String,
}

impl Vault {
    /// Which branch counts here, as `origin/main`; `None` where nothing of it exists.
    ///
    /// # Errors
    /// Those of reading refs.
    pub fn trunk_name(&self) -> Result<Option<String>, VaultError> {
        Ok(self.repo().trunk()?.map(|trunk| short_ref(&trunk.name).to_owned()))
    }

    /// Whether that may be the wrong one: none is known though there is a remote; it was renamed there; or it is a branch of
    /// this clone alone, and what is checked out follows another one that goes on from it.
    ///
    /// # Errors
    /// Those of reading refs and commits.
    pub fn trunk_doubt(&self) -> Result<Option<Doubt>, VaultError> {
        doubt(self.repo())
    }
}

fn doubt(repo: &Repo) -> Result<Option<Doubt>, VaultError> {
    let (remote, set) = (repo.main_remote(), repo.config_str("covault.trunk").filter(|name| !name.is_empty()));
    let hint = match &set {
        Some(_) => "git config covault.trunk BRANCH, or git config --unset covault.trunk".to_owned(),
        None => format!("git remote set-head {remote} --auto, or git config covault.trunk BRANCH"),
    };
    let Some(trunk) = repo.trunk()? else {
        let named = set.or_else(|| repo.config_str("covault.branch")).filter(|name| !name.is_empty());
        let seen = match named {
            _ if repo.remote_of_push().is_none() => return Ok(None),
            Some(name) => format!("{name} should count, and there is no such branch"),
            None => format!("nothing says which branch of {remote} counts"),
        };
        return Ok(Some(Doubt { seen: format!("{seen}: what is put back there goes unnoticed"), hint }));
    };
    let Some((followed, tip)) = repo.followed()?.filter(|(name, _)| *name != trunk.name) else { return Ok(None) };
    if tip == trunk.commit || repo.is_ancestor(trunk.commit, tip)? != Ancestry::Yes {
        return Ok(None);
    }
    let (name, other) = (short_ref(&trunk.name), short_ref(&followed));
    if !trunk.remote {
        let seen = format!(
            "{name}, which is on no remote, and {other} goes on from it: what is put back there goes unnoticed"
        );
        return Ok(Some(Doubt { seen, hint }));
    }
    // A fetch of all branches that brought this one and not the trunk's: it has another name there now.
    let fetched = repo.fetched_last();
    let has = |name: &str| repo.remote_branch(name).is_some_and(|branch| fetched.iter().any(|it| it == branch));
    if !has(&followed) || has(&trunk.name) {
        return Ok(None);
    }
    let seen =
        format!("{name}, which the last fetch did not bring, and {other} goes on from it: was it renamed there?");
    Ok(Some(Doubt { seen, hint }))
}
