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
    let set = repo.config_str("covault.trunk").filter(|name| !name.is_empty());
    let Some(trunk) = repo.trunk()? else {
        let hint = hint(repo, set.as_deref(), None)?;
        let named = set.or_else(|| repo.config_str("covault.branch")).filter(|name| !name.is_empty());
        let seen = match named {
            _ if repo.remote_of_push().is_none() => return Ok(None),
            Some(name) => format!("{name} should count, and there is no such branch"),
            None => format!("nothing says which branch of {} counts", named_remotes(repo)),
        };
        return Ok(Some(Doubt { seen: format!("{seen}: what is put back there goes unnoticed"), hint }));
    };
    let Some((followed, tip)) = repo.followed()?.filter(|(name, _)| *name != trunk.name) else { return Ok(None) };
    if tip == trunk.commit || repo.is_ancestor(trunk.commit, tip)? != Ancestry::Yes {
        return Ok(None);
    }
    let (name, other) = (short_ref(&trunk.name), short_ref(&followed));
    let hint = hint(repo, set.as_deref(), Some(other))?;
    if !trunk.remote {
        let seen = format!(
            "{name}, which is on no remote, and {other} goes on from it: what is put back there goes unnoticed"
        );
        return Ok(Some(Doubt { seen, hint }));
    }
    // A fetch of all branches that brought this one and not the trunk's: it has another name there now.
    let remotes = repo.remotes();
    let is_of_both = |remote: &&String| [name, other].iter().all(|it| it.starts_with(&format!("{remote}/")));
    let fetched = remotes.iter().find(is_of_both).map(|remote| repo.fetched_last(remote)).unwrap_or_default();
    let has = |name: &str| repo.remote_branch(name).is_some_and(|branch| fetched.iter().any(|it| it == branch));
    if !has(&followed) || has(&trunk.name) {
        return Ok(None);
    }
    let seen =
        format!("{name}, which the last fetch did not bring, and {other} goes on from it: was it renamed there?");
    Ok(Some(Doubt { seen, hint }))
}

/// What settles it, with the names of remotes that there are. `followed` is the branch that what is checked out follows. Of
/// several remotes none is proposed that would take the place of one whose branch counted here before.
fn hint(repo: &Repo, set: Option<&str>, followed: Option<&str>) -> Result<String, VaultError> {
    if set.is_some() {
        return Ok("git config covault.trunk BRANCH, or git config --unset covault.trunk".to_owned());
    }
    let (remotes, main) = (repo.remotes(), repo.main_remote());
    let mut likely = Vec::new();
    for remote in remotes.iter().filter(|remote| **remote != main) {
        likely.extend(repo.remote_head(remote)?.map(|(name, _)| short_ref(&name).to_owned()));
    }
    let auto = format!("git remote set-head {main} --auto");
    if remotes.contains(&main) {
        return Ok(match likely.first() {
            Some(branch) => format!("git config covault.trunk {branch}, or, where a branch of {main} counts, {auto}"),
            None => format!("{auto}, or git config covault.trunk BRANCH"),
        });
    }
    likely.extend(followed.map(str::to_owned).filter(|followed| !likely.contains(followed)));
    let named: Vec<String> = likely.iter().map(|branch| format!("git config covault.trunk {branch}")).collect();
    Ok(match named.is_empty() {
        true => format!("git config covault.trunk REMOTE/BRANCH, where REMOTE is {}", named_remotes(repo)),
        false => named.join(", or "),
    })
}

/// All remotes that could be meant.
fn named_remotes(repo: &Repo) -> String {
    let remotes = repo.remotes();
    if remotes.is_empty() { repo.main_remote() } else { remotes.join(" or ") }
}
