//! What a machine's vault holds, in words that can be compared: whatever happens, each of them is as before or as after.
//!
//! Times and what a provider makes up are left out: they differ each time a command is run.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::path::PathBuf;

use covault::model::keys::record::{KeyRecord, is_record};
use covault::model::names::SecretPath;
use covault::model::read::{self, FieldView};
use covault::model::register::Write;
use covault::model::request::Request;
use covault::vault::read::Secret;
use covault::vault::{Vault, VaultError};

use super::rig::open;
use crate::keys::place::KEY;
use crate::world::Person;

/// Values, readers, tags and metadata of each secret; members, groups and grants; env files. Nothing where there is no vault.
pub type State = BTreeMap<String, String>;

/// Stands between the values of a field that has several.
pub const BESIDE: &str = ", beside it ";

/// What a member's machine holds.
pub fn state(person: &Person) -> Result<State, VaultError> {
    let vault = match open(person) {
        Err(VaultError::NoVault) => return Ok(State::new()),
        vault => vault?,
    };
    let mut state = people(&vault);
    for path in vault.live_names()? {
        match vault.secret(&path) {
            Err(VaultError::Deleted { .. } | VaultError::Moved { .. } | VaultError::NoSuchSecret { .. }) => {}
            secret => state.extend(described(&path, &secret?)),
        }
    }
    for file in env_files(person) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        state.insert(format!("env/{name}"), String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned());
    }
    Ok(state)
}

/// What somebody has who is no member yet: the request that they make.
pub fn request(person: &Person) -> State {
    let (name, branch) = (&person.name, format!("covault/join/{}", person.name));
    let said = person.git(["cat-file", "blob", &format!("refs/heads/{branch}:.covault/requests/{name}.toml")]);
    let asks = if said.code == 0 { Request::decode(&said.out).unwrap().card.name.to_string() } else { "nobody".into() };
    State::from([("who asks to be let in".to_owned(), asks)])
}

fn people(vault: &Vault) -> State {
    let roster = vault.roster().state();
    let members = roster.members().map(|one| format!("{} {}", one.card.name, one.role));
    let mut state = State::from([("members".to_owned(), list(members))]);
    state.extend(roster.groups().map(|(group, members)| (format!("group {group}"), list(members))));
    state.extend(roster.grants().map(|(place, holders)| (format!("grant of /{place}"), list(holders))));
    state
}

fn list(all: impl IntoIterator<Item = impl Display>) -> String {
    all.into_iter().map(|one| one.to_string()).collect::<Vec<_>>().join(", ")
}

fn described(path: &SecretPath, secret: &Secret) -> State {
    let mut state = State::new();
    let readers: BTreeSet<&str> = secret.manifest.readers.iter().map(|one| one.name.as_str()).collect();
    state.insert(format!("readers of {path}"), list(readers));
    for field in secret.fields() {
        state.insert(format!("{path}/{}", field.name), values(&field));
    }
    state.insert(format!("tags of {path}"), list(read::tags(&secret.document)));
    for (name, text) in read::metadata(&secret.document, secret.manifest.at) {
        if !is_record(name.as_str()) {
            let text = if name.as_str() == "created" { "a time" } else { text };
            state.insert(format!("{name} of {path}"), text.to_owned());
        }
    }
    let records = KeyRecord::all_of(&secret.document, secret.manifest.at);
    if !records.is_empty() {
        state.insert(format!("limits of {path}"), list(records.iter().map(|record| &record.limits)));
    }
    state
}

/// Everything that was written and not replaced, the newest first.
fn values(field: &FieldView<'_>) -> String {
    let text = |write: &Write| {
        let Some(value) = write.value.present() else { return "nothing".to_owned() };
        let text = String::from_utf8_lossy(value.expose()).into_owned();
        if text.starts_with(KEY) { "a key".to_owned() } else { text }
    };
    field.writes.iter().map(|write| text(write)).collect::<Vec<_>>().join(BESIDE)
}

fn env_files(person: &Person) -> Vec<PathBuf> {
    let folder = std::fs::read_dir(person.repo.join(".covault/env"));
    let files = folder.into_iter().flatten().map(|entry| entry.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|end| end == "env")).collect()
}
