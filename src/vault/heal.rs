//! What a writing command does in passing: secrets that wait to be sealed for their readers are, where oneself can.
//!
//! A branch admitted or removed a member while another added secrets: after the next writing command everything is sealed
//! to exactly the merged roster. Looking costs little: only what changed since the last look is read.

use super::access::Plan;
use super::carry::By;
use super::draft::stays_apart;
use super::{Vault, VaultError, sealed};
use crate::home::Healed;
use crate::model::bytes::Hash;
use crate::model::manifest::{Manifest, State};
use crate::model::names::SecretPath;
use crate::model::time::Time;
use crate::repo::Change;
use crate::seal::{self, MAX_STORED};

/// How many files a look may find changed before it is worth remembering: those that were written often are opened, each time.
const WORTH_REMEMBERING: usize = 4;

/// What healing adds to a commit.
#[derive(Default)]
pub(super) struct Healing {
    pub(super) changes: Vec<Change>,
    pub(super) note: Option<String>,
    /// The look was long enough to be remembered.
    looked: bool,
}

impl Vault {
    /// Seals what waits, but for `written`, which the command writes itself.
    pub(super) fn heal(&self, written: &[&SecretPath], now: Time) -> Result<Healing, VaultError> {
        let mut changed = self.changed_since_last_look()?;
        let looked = changed.as_ref().is_none_or(|paths| paths.len() > WORTH_REMEMBERING);
        let (carried, came) = self.carry(changed.as_deref(), written, now)?;
        // What waits for the next write is looked at again then.
        let looked = looked && came;
        // Where nobody but the founder was ever in, only siblings can wait.
        if self.roster().seq == 0 {
            let names = changed.map_or_else(|| self.all_names(), Ok)?;
            changed = Some(names.into_iter().filter(|path| self.is_sibling_file(path)).collect());
        }
        let mut plan = match &changed {
            Some(paths) if paths.is_empty() => {
                let note = note(&Plan::default(), 0, carried.len());
                return Ok(Healing { looked: looked || !carried.is_empty(), changes: carried, note });
            }
            paths => self.plan(&self.under(), paths.as_deref(), &|_, shares| shares.clone())?,
        };
        let is_carried = |path: &SecretPath| carried.iter().any(|change| change.path() == self.file(path));
        plan.due.retain(|due| !written.contains(&&due.pending.path) && !is_carried(&due.pending.path));
        plan.due.retain(|due| {
            let versions = due.version().members().map(|member| (member.hash(), member.manifest()));
            !self.under().is_by_who_lost_it(&due.pending.path, versions)
        });
        let mut changes = self.reseal(&mut plan, &self.under(), now, &|| {})?;
        let said = plan.notes.iter().cloned().chain(note(&plan, changes.len(), carried.len()));
        let note = said.reduce(|all, one| format!("{all}; {one}"));
        changes.extend(carried);
        Ok(Healing { looked: looked || !changes.is_empty(), changes, note })
    }

    /// Seals what was left behind where a secret moved. Only what was joined once can be such: a version that follows several,
    /// or one that somebody wrote or sealed again on top of that. Only those that changed are looked at. Also whether nothing
    /// was in the way of any.
    fn carry(
        &self,
        changed: Option<&[SecretPath]>,
        written: &[&SecretPath],
        now: Time,
    ) -> Result<(Vec<Change>, bool), VaultError> {
        let names = match changed {
            Some(paths) => paths.to_vec(),
            None => self.all_names()?,
        };
        // Born, moved here and changed there, joined: what comes after is the fourth at least.
        let may_wait = |one: &Manifest| one.parents.len() > 1 || (one.state != State::Deleted && one.revision > 3);
        let is_joined = |path: &SecretPath| {
            let bytes = self.repo().read_work(&self.file(path), MAX_STORED as u64).ok().flatten().unwrap_or_default();
            seal::peek_manifests(&bytes).is_ok_and(|all| all.len() > 1 || all.iter().any(may_wait))
        };
        let joined: Vec<SecretPath> = names.into_iter().filter(is_joined).collect();
        let (mut changes, mut came) = (Vec::new(), true);
        for together in self.carried(&joined, By::Passing, now)?.by_home() {
            if together.iter().any(|draft| written.contains(&&draft.document.path)) {
                came = false;
                continue;
            }
            match together.iter().map(|draft| self.sealed_change(draft, now)).collect::<Result<Vec<_>, _>>() {
                // Whoever writes something else is not held up by what two people made that is too much for one version.
                Err(error) if stays_apart(&error) => came = false,
                sealed => changes.extend(sealed?),
            }
        }
        Ok((changes, came))
    }

    /// Whether the file at a name says that it holds siblings.
    pub(super) fn is_sibling_file(&self, path: &SecretPath) -> bool {
        let bytes = self.repo().read_work(&self.file(path), MAX_STORED as u64);
        bytes.is_ok_and(|bytes| bytes.is_some_and(|bytes| seal::is_siblings(&bytes)))
    }

    /// Remembers that everything in HEAD was looked at.
    pub(super) fn remember_healed(&self, healing: &Healing) {
        if healing.looked {
            self.remember_looked_at(self.roster().head);
        }
    }

    /// The same after a look at every secret, under the roster that ends with this entry.
    pub(super) fn remember_looked_at(&self, head: Hash) {
        // A cache: what is not remembered is looked at again.
        if let Ok(Some(commit)) = self.repo().head().map(|head| head.commit) {
            let healed = Healed { head, commit: commit.to_string() };
            self.home().remember_healed(self.roster().vault, self.repo().common_dir(), &healed);
        }
    }

    /// Secrets that changed since everything was looked at under this roster; `None`: all may have.
    fn changed_since_last_look(&self) -> Result<Option<Vec<SecretPath>>, VaultError> {
        let healed = self.home().healed(self.roster().vault, self.repo().common_dir());
        let Some(healed) = healed.filter(|healed| healed.head == self.roster().head) else { return Ok(None) };
        let Ok(from) = self.repo().resolve(&healed.commit) else { return Ok(None) };
        let Some(head) = self.repo().head()?.commit else { return Ok(None) };
        let changes = sealed::changed_between(self.repo(), Some(from), head, self.root())?.into_iter();
        Ok(Some(changes.filter(|(_, change)| change.after.is_some()).map(|(path, _)| path).collect()))
    }
}

fn note(plan: &Plan, sealed: usize, carried: usize) -> Option<String> {
    let carried =
        (carried > 0).then(|| "also brought what was written at an old name to where the secret moved".to_owned());
    if sealed == 0 {
        return carried;
    }
    let names = |pick: fn(&super::access::Pending) -> &Vec<String>| {
        let mine = plan.due.iter().filter(|due| due.is_sealed());
        let names: std::collections::BTreeSet<&str> =
            mine.flat_map(|due| pick(&due.pending).iter().map(String::as_str)).collect();
        names.into_iter().collect::<Vec<_>>().join(", ")
    };
    let joined = plan.due.iter().filter(|due| due.pending.mine && due.pending.siblings > 0).count();
    let (gains, losses) = (names(|p| &p.gains), names(|p| &p.losses));
    let whom = match (gains.as_str(), losses.as_str()) {
        ("", "") => String::new(),
        (gains, "") => format!(", for {gains}"),
        ("", losses) => format!(", without {losses}"),
        (gains, losses) => format!(", for {gains} and without {losses}"),
    };
    let joined = match joined {
        0 => String::new(),
        1 => "; 1 of them was joined from siblings".to_owned(),
        joined => format!("; {joined} of them were joined from siblings"),
    };
    let parts: Vec<&str> =
        plan.due.iter().filter(|due| due.pending.in_part).map(|due| due.pending.path.as_str()).collect();
    let parts = match parts.as_slice() {
        [] => String::new(),
        parts => format!("; of {} a part, and who opens the rest joins it", parts.join(", ")),
    };
    let sealed = format!("also sealed {sealed} that waited for it{whom}{joined}{parts}");
    Some(carried.map_or(sealed.clone(), |carried| format!("{sealed}; {carried}")))
}
