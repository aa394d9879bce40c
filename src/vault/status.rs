//! `status` and `whoami`: where the vault stands, as far as this machine can see.

use std::collections::{BTreeMap, BTreeSet};

use super::access::Pending;
use super::expose::Scope;
use super::gone::gone;
use super::init::PAPER;
use super::keys::{Capabilities, is_for_resume, is_several};
use super::read::{BATCH, Secret};
use super::requests::Requests;
use super::trunk::Doubt;
use super::{Vault, VaultError, textconv};
use crate::home::{AgentError, AgentKey, HomeError, OwnSigner};
use crate::model::keys::record::{KeyRecord, PROVIDER, Retired, Standing};
use crate::model::names::SecretPath;
use crate::model::roster::Member;
use crate::model::time::Time;
use crate::repo::WorkState;
use crate::seal::Signer as _;

/// Where the vault stands.
pub struct Status {
    /// What people call the vault.
    pub name: String,
    /// Its id as words.
    pub words: String,
    /// Oneself by name; `None` without a key or a place in the roster.
    pub me: Option<String>,
    /// Why the identity that is on this machine could not be opened: nothing was looked into, then.
    pub unopened: Option<VaultError>,
    /// Number of living secrets.
    pub secrets: usize,
    /// Number of members.
    pub members: usize,
    /// Whether the clone is set up.
    pub set_up: bool,
    /// What git is in the middle of.
    pub operation: Option<String>,
    /// Our files that are not committed, each with how it stands.
    pub uncommitted: Vec<(String, &'static str)>,
    /// Fields that several people wrote at once, as `name/field`.
    pub conflicts: Vec<String>,
    /// Secrets that somebody deleted or moved while somebody else changed them.
    pub contested: Vec<String>,
    /// Those of them that lack something which went with the deletion, with what.
    pub gone: Vec<(String, Vec<String>)>,
    /// Expired, or due for a new value, with why.
    pub due: Vec<(String, String)>,
    /// Names that are a secret and a folder at once.
    pub both: Vec<String>,
    /// Files that are refused, with why.
    pub refused: Vec<(String, String)>,
    /// Files below `secrets/` and `journal/` that are neither a secret's nor a journal's.
    pub strangers: Vec<String>,
    /// One admin and no paper device: who loses their machines loses everything.
    pub one_key: bool,
    /// Secrets that are sealed to others than those who should read them.
    pub pending: Vec<Pending>,
    /// Secrets beside which something lies that counts for nothing until a person decides, each with an author of that.
    pub apart: Vec<(String, String)>,
    /// Operations at providers that are not finished: the secret, and how far it came.
    pub operations: Vec<(String, String)>,
    /// Keys at providers that are to go and are not known to be gone: the secret, and how it stands.
    pub outlived: Vec<(String, String)>,
    /// Who asks to be let in, or for another card.
    pub requests: Requests,
    /// How many secrets each could read who may not any more, and that have not been changed since.
    pub exposed: Vec<(String, usize)>,
    /// The commit that is checked out without a branch.
    pub detached: Option<String>,
    /// Which branch counts, as `origin/main`.
    pub trunk: Option<String>,
    /// Why that may be the wrong one.
    pub trunk_doubt: Option<Doubt>,
}

impl Status {
    /// Whether something waits for somebody.
    pub fn has_findings(&self) -> bool {
        !(self.conflicts.is_empty()
            && self.contested.is_empty()
            && self.due.is_empty()
            && self.both.is_empty()
            && self.refused.is_empty()
            && self.strangers.is_empty()
            && self.pending.is_empty()
            && self.apart.is_empty()
            && self.unopened.is_none()
            && self.operations.is_empty()
            && self.outlived.is_empty()
            && self.requests.asked.is_empty()
            && self.exposed.is_empty())
    }
}

/// Oneself, for `whoami`.
pub struct Who {
    /// Name in the roster; `None` for a stranger.
    pub name: Option<String>,
    /// Role.
    pub role: Option<&'static str>,
    /// This device's label.
    pub device: Option<String>,
    /// Recipients of the identities on this machine.
    pub recipients: Vec<String>,
    /// The signing key's public half.
    pub signing: Option<String>,
    /// Whether that one is on one's card; `None` for a stranger, or without one.
    pub on_card: Option<bool>,
    /// Where an agent has it: whether it does now, and why not.
    pub agent: Option<Result<(), AgentError>>,
    /// Where the identity is.
    pub identity_file: String,
    /// SHA-256 of one's card.
    pub card: Option<String>,
}

impl Vault {
    /// Looks at everything that can be seen without changing it. `progress` is told after each secret.
    pub fn status(&self, now: Time, progress: &(dyn Fn() + Sync)) -> Result<Status, VaultError> {
        let names = self.live_names()?;
        let plan = self.plan(&self.under(), None, &|_, shares| shares.clone())?;
        let (pending, refused) = (plan.pending(), plan.refused);
        let apart = plan.apart.into_iter().map(|(path, author)| (path.to_string(), author)).collect();
        let (me, unopened) = match self.me() {
            Ok(me) => (Some(me.reference.name.to_string()), None),
            Err(VaultError::NotAMember(_) | VaultError::Home(HomeError::NoIdentity { .. })) => (None, None),
            Err(error) => (None, Some(error)),
        };
        let mut status = Status {
            name: self.roster().name.clone(),
            words: self.words(),
            secrets: names.len(),
            members: self.roster().members().len(),
            set_up: self.is_set_up(),
            operation: self.repo().operation()?.map(|operation| operation.to_string()),
            uncommitted: self.uncommitted()?,
            conflicts: Vec::new(),
            contested: Vec::new(),
            gone: Vec::new(),
            due: Vec::new(),
            both: both(&names),
            refused: Vec::new(),
            strangers: self.strangers()?,
            one_key: self.has_one_key(),
            requests: self.requests()?,
            exposed: self.exposed_to()?,
            detached: self.detached_at()?,
            trunk: self.trunk_name()?,
            trunk_doubt: self.trunk_doubt()?,
            pending,
            apart,
            operations: Vec::new(),
            outlived: Vec::new(),
            me,
            unopened,
        };
        if status.me.is_some() {
            self.look_inside(&names, now, progress, &mut status)?;
            for op in self.readable_operations()?.0 {
                let how = format!("{} by {} since {}: {}", op.kind.as_str(), op.by, op.started, op.stage());
                status.operations.push((op.path.to_string(), how));
            }
            let open: BTreeSet<String> = status.operations.iter().map(|(path, _)| path.clone()).collect();
            status.outlived.retain(|(path, _)| !open.contains(path));
        } else {
            for path in &names {
                if let Err(error) = self.current(path) {
                    status.refused.push((path.to_string(), crate::vault::error::chain(&error)));
                }
            }
        }
        for (path, error) in self.taken_away_files()? {
            status.refused.push((path.to_string(), crate::vault::error::chain(&error)));
        }
        // Journals are no secrets to list, and one that is refused is somebody's to mend.
        for (file, error) in refused {
            let journal = self.path_of(&file).filter(SecretPath::is_journal);
            status.refused.extend(journal.map(|path| (path.to_string(), crate::vault::error::chain(&error))));
        }
        Ok(status)
    }

    fn look_inside(
        &self,
        names: &[SecretPath],
        now: Time,
        progress: &(dyn Fn() + Sync),
        status: &mut Status,
    ) -> Result<(), VaultError> {
        // Not all of them are in memory at once.
        for names in names.chunks(BATCH) {
            self.look_inside_some(names, now, progress, status)?;
        }
        Ok(())
    }

    fn look_inside_some(
        &self,
        names: &[SecretPath],
        now: Time,
        progress: &(dyn Fn() + Sync),
        status: &mut Status,
    ) -> Result<(), VaultError> {
        for (path, secret) in names.iter().zip(self.open_many(names, progress)?) {
            match secret {
                Err(VaultError::NotAReader { .. }) => {}
                Err(error) => status.refused.push((path.to_string(), crate::vault::error::chain(&error))),
                Ok(secret) => {
                    let fields = secret.fields();
                    let conflicted = fields.iter().filter(|field| field.is_conflicted());
                    let (issued, conflicted): (Vec<_>, Vec<_>) =
                        conflicted.partition(|field| is_for_resume(&secret.document, field.name, secret.manifest.at));
                    status.conflicts.extend(conflicted.into_iter().map(|field| format!("{path}/{}", field.name)));
                    let what = "several clones made keys for it at the same time";
                    let in_record = "several clones changed what is said of its key at the same time";
                    if !issued.is_empty() {
                        status.operations.push((path.to_string(), what.to_owned()));
                    } else if is_several(&secret.document, secret.manifest.at) {
                        status.operations.push((path.to_string(), in_record.to_owned()));
                    }
                    if secret.document.is_contested() {
                        status.contested.push(path.to_string());
                        let gone = gone(&secret.document);
                        status.gone.extend((!gone.is_empty()).then(|| (path.to_string(), gone)));
                    }
                    let outlived = outlived(&secret).into_iter().map(|how| (path.to_string(), how));
                    status.outlived.extend(outlived);
                    status.due.extend(textconv::due(&secret, now).map(|why| (path.to_string(), why)));
                }
            }
        }
        Ok(())
    }

    /// The ledger in numbers. A partial clone would have to fetch the whole past for it: `expose` does, where it is asked.
    fn exposed_to(&self) -> Result<Vec<(String, usize)>, VaultError> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        if !self.repo().is_partial() {
            for one in self.exposures(None, Scope::default())?.list {
                *counts.entry(one.member.to_string()).or_default() += 1;
            }
        }
        Ok(counts.into_iter().collect())
    }

    fn uncommitted(&self) -> Result<Vec<(String, &'static str)>, VaultError> {
        let state = |state| match state {
            WorkState::Clean => None,
            WorkState::Modified => Some("changed, not staged"),
            WorkState::Staged => Some("staged"),
            WorkState::Untracked => Some("new, not staged"),
            WorkState::Missing => Some("missing on disk"),
            WorkState::Removed => Some("removed"),
            WorkState::Unmerged => Some("unmerged"),
        };
        if self.work_dir().is_none() {
            return Ok(Vec::new());
        }
        let files = self.repo().status_of(self.root())?;
        Ok(files.into_iter().filter_map(|(file, how)| Some((file, state(how)?))).collect())
    }

    fn has_one_key(&self) -> bool {
        let mut admins = self.roster().state().admins();
        let on_paper = |admin: &Member| admin.card.devices.iter().any(|device| device.label.as_str() == PAPER);
        admins.next().is_some_and(|admin| !on_paper(admin)) && admins.next().is_none()
    }

    /// Who this machine is to the vault.
    pub fn whoami(&self) -> Result<Who, VaultError> {
        let keys = self.keys()?;
        let signer = self.signer()?;
        let me = self.me().ok();
        let member = me.and_then(|me| self.roster().member(me.reference.card));
        let device = me.zip(member).and_then(|(me, member)| member.card.devices.get(me.device));
        Ok(Who {
            name: member.map(|member| member.card.name.to_string()),
            role: member.map(|member| member.role.as_str()),
            device: device.map(|device| device.label.to_string()),
            recipients: keys.recipients().iter().map(ToString::to_string).collect(),
            signing: signer.map(|key| key.public().to_string()),
            on_card: member.zip(signer).map(|(member, key)| member.card.signing_keys().any(|one| *one == key.public())),
            agent: signer.and_then(OwnSigner::agent).map(AgentKey::check_held),
            identity_file: self.home().identity_name(),
            card: me.map(|me| me.reference.card.to_string()),
        })
    }
}

/// Keys of a secret that are to go and are not known to be gone.
fn outlived(secret: &Secret) -> Vec<String> {
    let (at, path) = (secret.manifest.at, &secret.document.path);
    let retired = Retired::all_of(&secret.document, at);
    let revokes = secret.meta(PROVIDER).and_then(Capabilities::named).is_some_and(|known| known.revokes);
    let then = match revokes {
        true => format!("covault key revoke {path}"),
        false => format!("then: covault key revoke {path} --done"),
    };
    let old = retired.iter().filter(|old| old.standing.may_work());
    let mut all: Vec<String> = old
        .map(|old| {
            let id = old.id.as_ref().map(|id| format!(" ({id})")).unwrap_or_default();
            match old.standing {
                Standing::ByHand if revokes => {
                    format!("key {}{id} is to be taken away by hand, or by: {then}", old.generation)
                }
                Standing::ByHand => format!("key {}{id} is to be taken away by hand, {then}", old.generation),
                _ => format!("whether key {}{id} is gone is not known: {then}", old.generation),
            }
        })
        .collect();
    let record = KeyRecord::of(&secret.document, at).filter(|record| record.standing == Standing::Unknown);
    all.extend(record.map(|record| format!("how key {} stands is not known: {then}", record.generation)));
    all
}

/// Names that are a folder and a secret: a merge may bring both; both stay readable.
fn both(names: &[SecretPath]) -> Vec<String> {
    let folders: std::collections::BTreeSet<&str> = names.iter().flat_map(SecretPath::folders).collect();
    names.iter().filter(|name| folders.contains(name.as_str())).map(ToString::to_string).collect()
}
