//! Merging without opening anything: three-way algebra on the sets of sealed versions.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::super::VaultError;
use super::super::version::Named;
use super::super::wrong::Wrong;
use super::chains::Chains;
use super::side::{Side, said_after};
use crate::model::bytes::Hash;
use crate::model::manifest::FORMAT;
use crate::seal::{self, SealedFile};

/// The versions that stay, as they lie in the files: those that both sides have, and those that either side brought; all
/// where that would be none. What another one follows goes, and of two that say the same and have the same parents the one
/// with the smaller SHA-256 stays.
pub(super) fn unite(base: &[SealedFile], ours: &Side, theirs: &Side) -> Vec<Vec<u8>> {
    let names = |files: &mut dyn Iterator<Item = &SealedFile>| -> BTreeSet<Hash> {
        files.map(|file| Hash::of(file.bytes())).collect()
    };
    let (a, b, o) = (names(&mut ours.all()), names(&mut theirs.all()), names(&mut base.iter()));
    let stays = |name: &Hash| (a.contains(name) && b.contains(name)) || !o.contains(name);
    let mut kept: Vec<&SealedFile> = ours.all().chain(theirs.all()).collect();
    kept.sort_by_cached_key(|file| Hash::of(file.bytes()));
    kept.dedup_by(|one, other| one.bytes() == other.bytes());
    if kept.iter().any(|file| stays(&Hash::of(file.bytes()))) {
        kept.retain(|file| stays(&Hash::of(file.bytes())));
    }
    let refused: HashSet<Hash> = ours.refused.iter().chain(&theirs.refused).map(SealedFile::hash).collect();
    let is_refused = |file: &SealedFile| refused.contains(&file.hash());
    // A version that counts for nothing replaces none.
    let counting = || kept.iter().filter(|file| !is_refused(file));
    let named = Named::by(counting().map(|file| file.manifest()));
    // They are in the order of their SHA-256: of those that nobody follows, the first one that says something stays. (One that
    // is followed speaks for nobody: who follows it may say the same.)
    let mut first: HashMap<(Hash, &[Hash]), Hash> = HashMap::new();
    for file in counting().filter(|file| !named.has(file.hash())) {
        first.entry(said_after(file)).or_insert_with(|| file.hash());
    }
    let is_needless = |file: &SealedFile| {
        named.has(file.hash()) || first.get(&said_after(file)).is_some_and(|first| *first != file.hash())
    };
    let remaining = kept.iter().filter(|file| is_refused(file) || !is_needless(file));
    remaining.map(|file| file.bytes().to_vec()).collect()
}

/// The same where one of the versions was written by a later covault: its bytes are kept, and nothing is guessed about what
/// follows what. `None` where all are of this version's format.
///
/// # Errors
/// What is not well made, and what says that it is of a later format and bears no signature of a key that is on a card: anybody
/// could have written it, and no covault of today reads the secret beside it.
pub(super) fn unite_unknown(
    file: &str,
    chains: &Chains<'_>,
    base: &[u8],
    ours: &[u8],
    theirs: &[u8],
) -> Result<Option<Vec<Vec<u8>>>, VaultError> {
    let refused = |source| VaultError::Sealed { file: file.to_owned(), source };
    let members = |bytes| seal::members(bytes).map_err(refused);
    let (o, a, b) = (seal::members(base).unwrap_or_default(), members(ours)?, members(theirs)?);
    let is_later = |member: &&[u8]| seal::peek_format(member).is_some_and(|format| format > FORMAT);
    if !a.iter().chain(&b).any(is_later) {
        return Ok(None);
    }
    for member in a.iter().chain(&b) {
        if !is_later(member) {
            // What is of this version's format has to be well made all the same.
            SealedFile::parse(*member).map_err(refused)?;
            continue;
        }
        let signer = seal::peek_signer(member).map_err(refused)?;
        if !chains.all().any(|roster| roster.cards().any(|card| card.signing_keys().any(|key| *key == signer))) {
            return Err(VaultError::Inconsistent { file: file.to_owned(), what: Wrong::Signer });
        }
    }
    let stays = |member: &&&[u8]| (a.contains(member) && b.contains(member)) || !o.contains(member);
    let mut kept: Vec<Vec<u8>> = a.iter().chain(&b).filter(stays).map(|member| member.to_vec()).collect();
    if kept.is_empty() {
        kept = a.iter().chain(&b).map(|member| member.to_vec()).collect();
    }
    Ok(Some(kept))
}
