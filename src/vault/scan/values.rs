//! The values to look for: all secret ones that this person can open, of every vault in the repository.

use std::path::Path;

use super::{Scan, Sort};
use crate::home::{Home, HomeError};
use crate::model::leak::{Known, Looked, Plain};
use crate::repo::Repo;
use crate::vault::error::chain;
use crate::vault::{FOLDER, Vault, VaultError, root_if_any};

/// Opens what can be opened. Where nothing can, that is said, and only forms are looked for.
pub(super) fn gather(
    repo: &Repo,
    start: &Path,
    home: &dyn Fn() -> Result<Home, VaultError>,
    expected: Option<&str>,
    found: &mut Scan,
) -> Result<(Known, Vec<Sort>), VaultError> {
    let (mut known, mut values) = (Known::default(), Vec::new());
    let folders = repo.vaults_below()?;
    let above = root_if_any(repo, start).ok().flatten();
    for folder in &folders {
        let root = if folder.is_empty() { FOLDER.to_owned() } else { format!("{folder}/{FOLDER}") };
        // Whoever insists on a vault means the one that they stand in.
        let expected = expected.filter(|_| folders.len() == 1 || above.as_ref() == Some(&root));
        let top = repo.work_dir().unwrap_or_else(|| repo.git_dir());
        let vault = home().and_then(|home| Vault::open(&top.join(folder), home, expected));
        if let Err(error) = vault.and_then(|vault| take(&vault, &root, &mut known, &mut values, found)) {
            let why = match &error {
                VaultError::Home(HomeError::NoIdentity { .. }) => "there is no identity on this machine".to_owned(),
                error => chain(error),
            };
            let whose = if folders.len() == 1 { "the vault".to_owned() } else { root };
            found.skipped.push(format!("values of {whose}: {why}"));
        }
    }
    known.ready();
    Ok((known, values))
}

fn take(
    vault: &Vault,
    root: &str,
    known: &mut Known,
    values: &mut Vec<Sort>,
    found: &mut Scan,
) -> Result<(), VaultError> {
    let mut names = vault.live_names()?;
    names.extend(vault.journals()?);
    let mut closed = 0;
    for (name, secret) in names.iter().zip(vault.open_many(&names, &|| {})?) {
        let secret = match secret {
            Ok(secret) => secret,
            // Most people cannot open a journal, and need not be told each time.
            Err(_) if name.is_journal() => continue,
            // Not sealed to this person, or refused: `verify` says which.
            Err(_) => {
                closed += 1;
                continue;
            }
        };
        for field in secret.fields() {
            let name = format!("{}/{}", secret.document.path, field.name);
            let sort = Sort::Value {
                secret: secret.document.path.to_string(),
                field: field.name.to_string(),
                vault: root.to_owned(),
            };
            values.push(sort);
            let owner = values.len() - 1;
            for write in field.writes.iter().filter(|write| write.is_secret()) {
                match write.value.present().map(|value| known.add(value, owner)) {
                    Some(Looked::For) => found.values += 1,
                    Some(Looked::Not(Plain::Short | Plain::Common)) => found.plain.push(name.clone()),
                    None => {}
                }
            }
        }
    }
    if closed > 0 {
        let secrets = if closed == 1 { "1 secret" } else { &format!("{closed} secrets") };
        found.skipped.push(format!("values of {secrets} that you cannot open"));
    }
    Ok(())
}
