//! What this machine remembers of a vault: its pin, and which roster and manifests were verified already.
//!
//! Losing all of it is survivable; nothing here is secret, and nothing here grants anything that a signature would not.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::{Home, HomeError, checked, files};
use crate::model::bytes::Hash;

/// How many digests are worth keeping (a few MiB); beyond, it starts anew.
const MAX_VERIFIED: usize = 100_000;

/// Two seconds: the coarsest clock of a file system in use.
const RACY_NS: u128 = 2_000_000_000;

/// What was accepted as this vault: its id and the newest entry of its roster that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The vault's id.
    pub vault: Hash,
    /// Number of the newest entry.
    pub seq: u64,
    /// Hash of the newest entry.
    pub head: Hash,
}

/// What one clone saw of the trunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The ref.
    pub trunk: String,
    /// The commit that it named, in hex.
    pub commit: String,
    /// Number of the newest roster entry there.
    pub seq: u64,
    /// Hash of that entry.
    pub head: Hash,
    /// Files that did not follow, at that commit, what the trunk had of them before.
    pub held: Vec<Held>,
}

/// A file of the vault that is held against an older commit than the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// A commit that has what counts of it, in hex.
    pub commit: String,
    /// The file, from the repository's top.
    pub file: String,
}

/// Up to where one clone has sealed what it could.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Healed {
    /// The newest entry of the roster then.
    pub head: Hash,
    /// The commit, in hex.
    pub commit: String,
}

#[derive(Serialize, Deserialize)]
struct SeenFile {
    trunk: String,
    commit: String,
    seq: u64,
    head: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    held: Vec<Held>,
}

#[derive(Serialize, Deserialize)]
struct PinFile {
    vault: String,
    seq: u64,
    head: String,
}

impl Home {
    /// The pin of a vault, where this machine has one.
    pub fn pin(&self, vault: Hash) -> Result<Option<Pin>, HomeError> {
        let file = self.pin_file(vault);
        let Some(text) = checked::read_text(&file)? else { return Ok(None) };
        let damaged = || HomeError::DamagedState { file: file.clone() };
        let parsed: PinFile = toml::from_str(&text).map_err(|_| damaged())?;
        let pin = Pin {
            vault: Hash::from_hex(&parsed.vault).ok_or_else(damaged)?,
            seq: parsed.seq,
            head: Hash::from_hex(&parsed.head).ok_or_else(damaged)?,
        };
        if pin.vault == vault { Ok(Some(pin)) } else { Err(damaged()) }
    }

    /// Remembers a pin.
    pub fn set_pin(&self, pin: &Pin) -> Result<(), HomeError> {
        let text = format!("vault = \"{}\"\nseq = {}\nhead = \"{}\"\n", pin.vault, pin.seq, pin.head);
        checked::write(&self.pin_file(pin.vault), text.as_bytes())
    }

    /// What this clone saw of the trunk last; `place` is its git folder.
    ///
    /// # Errors
    /// A damaged record is no reason to forget what was seen: `DamagedState`, and `Io`.
    pub fn seen(&self, vault: Hash, place: &Path) -> Result<Option<Seen>, HomeError> {
        let file = self.seen_file(vault, place);
        let Some(text) = checked::read_text(&file)? else { return Ok(None) };
        let damaged = || HomeError::DamagedState { file: file.clone() };
        let parsed: SeenFile = toml::from_str(&text).map_err(|_| damaged())?;
        let SeenFile { trunk, commit, seq, head, held } = parsed;
        let head = Hash::from_hex(&head).ok_or_else(damaged)?;
        Ok(Some(Seen { trunk, commit, seq, head, held }))
    }

    /// What the clone at `place` saw of the trunk of each vault that this machine knows; damaged records are left out.
    pub fn seen_at(&self, place: &Path) -> Vec<(Hash, Seen)> {
        let vaults = self.vaults().into_iter();
        vaults.filter_map(|vault| Some((vault, self.seen(vault, place).ok()??))).collect()
    }

    /// Remembers what this clone saw of the trunk.
    pub fn set_seen(&self, vault: Hash, place: &Path, seen: &Seen) -> Result<(), HomeError> {
        let Seen { trunk, commit, seq, head, held } = seen.clone();
        let text = toml::to_string(&SeenFile { trunk, commit, seq, head: head.to_string(), held }).unwrap_or_default();
        checked::write(&self.seen_file(vault, place), text.as_bytes())
    }

    /// The commit up to which one clone has sealed what it could, under which roster. A damaged record is none.
    pub fn healed(&self, vault: Hash, place: &Path) -> Option<Healed> {
        let text = checked::read_text(&self.clone_file("healed", vault, place)).ok().flatten()?;
        let (head, commit) = text.trim_end().split_once(' ')?;
        Some(Healed { head: Hash::from_hex(head)?, commit: commit.to_owned() })
    }

    /// Remembers it. A cache: failing to write it is no error.
    pub fn remember_healed(&self, vault: Hash, place: &Path, healed: &Healed) {
        let text = format!("{} {}\n", healed.head, healed.commit);
        let _ = checked::write(&self.clone_file("healed", vault, place), text.as_bytes());
    }

    /// The commit that one clone wrote last by itself.
    ///
    /// # Errors
    /// As for [`Self::seen`].
    pub fn written(&self, vault: Hash, place: &Path) -> Result<Option<String>, HomeError> {
        let text = checked::read_text(&self.clone_file("written", vault, place))?;
        Ok(text.map(|text| text.trim_end().to_owned()))
    }

    /// Remembers it. Failing to is no error: somebody who cannot remember still may write.
    pub fn remember_written(&self, vault: Hash, place: &Path, commit: &str) {
        let _ = checked::write(&self.clone_file("written", vault, place), format!("{commit}\n").as_bytes());
    }

    /// Names of members whose removal this machine saw in any clone.
    ///
    /// # Errors
    /// As for [`Self::seen`].
    pub fn removed(&self, vault: Hash) -> Result<BTreeSet<String>, HomeError> {
        let text = checked::read_text(&self.removed_file(vault))?.unwrap_or_default();
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Remembers them.
    pub fn remember_removed(&self, vault: Hash, names: &BTreeSet<String>) -> Result<(), HomeError> {
        let text: String = names.iter().flat_map(|name| [name.as_str(), "\n"]).collect();
        checked::write(&self.removed_file(vault), text.as_bytes())
    }

    /// Whether the roster with these bytes was verified before.
    pub fn is_verified_roster(&self, vault: Hash, bytes: Hash) -> bool {
        self.rosters_dir(vault).join(bytes.to_string()).is_file()
    }

    /// Remembers that the roster with these bytes verified. A cache: failing to write it is no error.
    pub fn remember_roster(&self, vault: Hash, bytes: Hash) {
        let _ = files::write_private(&self.rosters_dir(vault).join(bytes.to_string()), b"");
    }

    /// Digests of manifests with their signatures that were verified before. A damaged digest is that of nothing.
    pub fn verified_manifests(&self, vault: Hash) -> HashSet<Hash> {
        let bytes = files::read_optional(&self.manifests_file(vault)).ok().flatten().unwrap_or_default();
        let chunks = bytes.chunks_exact(32).filter_map(|chunk| <[u8; 32]>::try_from(chunk).ok());
        chunks.map(Hash).collect()
    }

    /// Remembers them. A cache: failing to write it is no error.
    pub fn remember_manifests(&self, vault: Hash, verified: &HashSet<Hash>) {
        if verified.len() > MAX_VERIFIED {
            let _ = std::fs::remove_file(self.manifests_file(vault));
            return;
        }
        let bytes: Vec<u8> = verified.iter().flat_map(|hash| hash.0).collect();
        let _ = files::write_private(&self.manifests_file(vault), &bytes);
    }

    /// What the last listing saw of the vault at `place`, but for files that had changed just before it was written:
    /// such a file may have changed once more within the same tick of the file system's clock.
    pub fn listing(&self, vault: Hash, place: &Path) -> Listing {
        let file = self.listing_file(vault, place);
        // A damaged one is none: a line that is read wrong would hide a secret.
        let text = checked::read_text(&file).ok().flatten().unwrap_or_default();
        let written = std::fs::metadata(&file).and_then(|meta| meta.modified()).ok();
        let written = written.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map_or(0, |since| since.as_nanos());
        let settled = |mtime: i128| u128::try_from(mtime).is_ok_and(|mtime| mtime.saturating_add(RACY_NS) < written);
        let line = |line: &str| {
            let (mtime, line) = word(line)?;
            let (size, line) = word(line)?;
            let (inode, line) = word(line)?;
            let (lives, file) = word(line)?;
            let lives = match lives {
                "live" => true,
                "gone" => false,
                _ => return None,
            };
            // Half the width is enough until 2262, and read in half the time.
            let mtime = mtime.parse::<i64>().map(i128::from).or_else(|_| mtime.parse()).ok()?;
            Some((file.to_owned(), ((mtime, size.parse().ok()?, inode.parse().ok()?), lives)))
        };
        text.lines().filter_map(line).filter(|(_, ((mtime, ..), _))| settled(*mtime)).collect()
    }

    /// Remembers a listing. A cache: failing to write it is no error.
    pub fn remember_listing(&self, vault: Hash, place: &Path, listing: &[ListedFile]) {
        let mut text = String::new();
        for (file, ((mtime, size, inode), lives)) in listing {
            let state = if *lives { "live" } else { "gone" };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{mtime} {size} {inode} {state} {file}");
        }
        let _ = checked::write(&self.listing_file(vault, place), text.as_bytes());
    }

    /// Each clone of a vault has a listing of its own, named by where it is.
    fn listing_file(&self, vault: Hash, place: &Path) -> PathBuf {
        self.clone_file("listing", vault, place)
    }

    /// What one clone read of its history, in a form of its reader's own; a cache, and none where it is damaged.
    pub fn past(&self, vault: Hash, place: &Path) -> Option<Vec<u8>> {
        checked::read(&self.clone_file("past", vault, place)).ok().flatten()
    }

    /// Remembers it. A cache: failing to write it is no error.
    pub fn remember_past(&self, vault: Hash, place: &Path, bytes: &[u8]) {
        let _ = checked::write(&self.clone_file("past", vault, place), bytes);
    }

    /// Where the pin is.
    pub fn pin_file(&self, vault: Hash) -> PathBuf {
        self.state_dir(vault).join("pin")
    }

    fn seen_file(&self, vault: Hash, place: &Path) -> PathBuf {
        self.clone_file("seen", vault, place)
    }

    /// A file about one clone, which is named by where it is.
    fn clone_file(&self, what: &str, vault: Hash, place: &Path) -> PathBuf {
        let place = Hash::of(place.as_os_str().as_encoded_bytes()).short();
        self.state_dir(vault).join(format!("{what}-{place}"))
    }

    fn removed_file(&self, vault: Hash) -> PathBuf {
        self.state_dir(vault).join("removed")
    }

    fn rosters_dir(&self, vault: Hash) -> PathBuf {
        self.state_dir(vault).join("rosters")
    }

    fn manifests_file(&self, vault: Hash) -> PathBuf {
        self.state_dir(vault).join("manifests")
    }
}

/// What stands before the first space, and after it. Words are short: a search made for long texts takes longer.
fn word(text: &str) -> Option<(&str, &str)> {
    let at = text.bytes().position(|byte| byte == b' ')?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// A file's path, its stamp (time, size, inode) and whether the secret in it lives.
pub type ListedFile = (String, ((i128, u64, u64), bool));

/// What a listing remembers, in the order of the paths.
pub type Listing = Vec<ListedFile>;
