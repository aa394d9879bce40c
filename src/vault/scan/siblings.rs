//! Secrets of which several versions wait to be joined: nothing is lost, but what is deployed should know its values.
//!
//! They are findings on the branches that `covault.deploy` names (the trunk, where it names none), and notes elsewhere.

use super::{Scan, Sort};
use crate::repo::{ObjectId, Repo};
use crate::vault::VaultError;

/// The branches from which something is deployed, with spaces between.
const DEPLOY: &str = "covault.deploy";

/// Takes those out that are history, and makes notes of them where nothing is deployed from here. `tip`: the newest
/// commit that was looked at; without one it was the work tree.
pub(super) fn judge(repo: &Repo, tip: Option<ObjectId>, found: &mut Scan) -> Result<(), VaultError> {
    let mut waiting = Vec::new();
    found.findings.retain(|leak| {
        let is_one = leak.what == Sort::Siblings;
        if is_one {
            waiting.push(leak.clone());
        }
        !is_one
    });
    if waiting.is_empty() {
        return Ok(());
    }
    if let Some(tip) = tip {
        // What was joined since waits no more.
        let newest: std::collections::BTreeMap<String, Option<String>> =
            waiting.iter().map(|leak| (leak.file.clone().unwrap_or_default(), leak.commit.clone())).collect();
        let mut here = Vec::with_capacity(waiting.len());
        for leak in waiting {
            let file = leak.file.clone().unwrap_or_default();
            let is_last = newest.get(&file) == Some(&leak.commit);
            let brought = leak.commit.as_deref().map_or(Ok(tip), |commit| repo.resolve(commit))?;
            if is_last && repo.blob_at(tip, &file)? == repo.blob_at(brought, &file)? {
                here.push(leak);
            }
        }
        waiting = here;
    }
    if is_deployed(repo)? {
        found.findings.extend(waiting);
    } else {
        let files = waiting.into_iter().filter_map(|leak| leak.file);
        found.notes.extend(files.map(|file| format!("{file} has several versions, which wait to be joined")));
    }
    Ok(())
}

/// Whether the branch that is checked out is one from which something is deployed. In CI no branch is: then it is the
/// commit of one.
fn is_deployed(repo: &Repo) -> Result<bool, VaultError> {
    let settings = repo.config_all(DEPLOY);
    let named: Vec<&str> = settings.iter().flat_map(|setting| setting.split_whitespace()).collect();
    let head = repo.head()?;
    if named.is_empty() {
        let Some(trunk) = repo.trunk()? else { return Ok(false) };
        return Ok(repo.is_trunk_branch(&trunk, &head) || (head.detached && head.commit == Some(trunk.commit)));
    }
    if let Some(branch) = &head.branch {
        return Ok(named.iter().any(|name| name.strip_prefix("refs/heads/").unwrap_or(name) == branch));
    }
    let mut refs = named.iter().flat_map(|name| [format!("refs/heads/{name}"), format!("refs/remotes/origin/{name}")]);
    Ok(refs.any(|name| head.commit.is_some() && repo.resolve(&name).ok() == head.commit))
}
