//! What a sealed file holds, for the judge: the live writes of each register, by name, as they stand there.
//!
//! It opens with one key and asks nothing else: whether somebody may have written it is not its business, and neither
//! is what was replaced. A pending file with several versions is taken apart, not joined.

use std::collections::{BTreeMap, BTreeSet};

use covault::model::codec;
use covault::model::manifest::{MemberRef, State};
use covault::model::register::{Key, Write};
use covault::seal::{Identities, SealedFile};

/// What a write does, by its value and its register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    Put,
    /// A share: who reads a secret beside the grants.
    Share,
    /// A tombstone.
    Delete,
    /// A tombstone that names another place.
    Move,
    /// It says that the secret lives.
    Revive,
}

/// One live write of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    pub register: String,
    pub does: Does,
    /// What it says.
    pub text: String,
}

/// One version of a secret.
#[derive(Debug, Clone)]
pub struct Sealed {
    pub path: String,
    pub version: String,
    pub parents: Vec<String>,
    pub author: MemberRef,
    pub state: State,
    /// Live writes by their names.
    pub live: BTreeMap<String, Live>,
}

const SIBLINGS: &[u8] = b"covault-siblings 1\n\0";

/// The versions in a file: one, or those that wait to be joined. What is `false`, be it all or one of several, is left out.
/// The error is `None` where the key opens none of it.
pub fn read(
    identities: &Identities,
    bytes: &[u8],
    is_false: &dyn Fn(&[u8]) -> bool,
) -> Result<Vec<Sealed>, Option<String>> {
    if is_false(bytes) {
        return Ok(Vec::new());
    }
    members(bytes)
        .ok_or_else(|| Some("a broken sibling file".to_owned()))?
        .into_iter()
        .filter(|member| !is_false(member))
        .map(|m| one(identities, m))
        .collect()
}

/// The sealed files in a file.
pub fn members(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let Some(rest) = bytes.strip_prefix(SIBLINGS) else { return Some(vec![bytes]) };
    let number = |at: &mut &[u8]| {
        let (head, tail) = at.split_at_checked(4)?;
        *at = tail;
        Some(u32::from_be_bytes(head.try_into().ok()?) as usize)
    };
    let mut at = rest;
    let count = number(&mut at)?;
    let mut members = Vec::new();
    for _ in 0..count {
        let length = number(&mut at)?;
        let (member, tail) = at.split_at_checked(length)?;
        members.push(member);
        at = tail;
    }
    (at.is_empty() && count >= 2).then_some(members)
}

fn one(identities: &Identities, bytes: &[u8]) -> Result<Sealed, Option<String>> {
    let sealed = SealedFile::parse(bytes).map_err(|e| Some(e.to_string()))?;
    let opened = sealed.open(identities, &[]).map_err(|e| match e {
        covault::seal::SealError::NotAReader => None,
        other => Some(other.to_string()),
    })?;
    let document = codec::decode(&opened.plaintext).map_err(|e| Some(e.to_string()))?;
    let manifest = sealed.manifest();
    let mut live = BTreeMap::new();
    for (key, register) in document.registers() {
        for write in register.live() {
            let text = write.value.as_text().unwrap_or("(absent)").to_owned();
            // All paths call their state the same.
            let register = match key {
                Key::State => format!("state of {}", manifest.path),
                other => other.to_text(),
            };
            live.insert(write.name().to_string(), Live { register, does: does(key, write), text });
        }
    }
    // A share belongs to its path, and its line in the manifest is its name: it holds 128 random bits.
    for line in manifest.shares.encode() {
        let mut words = line.split(' ');
        if let (Some(subject), Some(text @ ("yes" | "no"))) = (words.next(), words.next()) {
            let register = format!("share.{subject} of {}", manifest.path);
            live.insert(
                format!("{line} of {}", manifest.path),
                Live { register, does: Does::Share, text: text.to_owned() },
            );
        }
    }
    Ok(Sealed {
        path: manifest.path.to_string(),
        version: sealed.hash().to_string(),
        parents: manifest.parents.iter().map(ToString::to_string).collect(),
        author: manifest.author.clone(),
        state: manifest.state.clone(),
        live,
    })
}

fn does(key: &Key, write: &Write) -> Does {
    let first = write.value.as_text().and_then(|text| text.split(' ').next());
    match (key, first) {
        (Key::State, Some("deleted")) => Does::Delete,
        (Key::State, Some("moved")) => Does::Move,
        (Key::State, _) => Does::Revive,
        _ => Does::Put,
    }
}

/// Names of the live writes of several versions together.
pub fn names<'a>(versions: impl IntoIterator<Item = &'a Sealed>) -> BTreeSet<&'a str> {
    versions.into_iter().flat_map(|version| version.live.keys().map(String::as_str)).collect()
}
