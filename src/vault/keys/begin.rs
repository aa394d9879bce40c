//! The beginning of an operation: what is wanted, whether it can be, and the journal, before a provider is asked.

use std::collections::{BTreeMap, BTreeSet};

use super::desk::{Desk, record_of};
use super::drive::Outcome;
use super::journal::{Text, nothing_else};
use super::settle::records_of;
use super::{KeyError, desk, hold, is_for_management};
use crate::model::keys::alert::Threshold;
use crate::model::keys::intent::{Intent, KeyName};
use crate::model::keys::limit::{Layer, Limits, Window};
use crate::model::keys::operation::{Begun, Kind, Mint, Operation, Stage};
use crate::model::keys::record::{KeyRecord, Retired, Standing};
use crate::model::manifest::State;
use crate::model::names::SecretPath;
use crate::model::time::Time;
use crate::providers::{Capabilities, RemoteKey};
use crate::vault::read::Secret;
use crate::vault::write::random;
use crate::vault::{Vault, VaultError};

/// A first key for a new secret.
#[derive(Debug, Clone)]
pub struct Issuing {
    /// The secret, which there must not be yet.
    pub path: SecretPath,
    /// Who issues it.
    pub provider: String,
    /// What it may spend.
    pub limits: Limits,
    /// When it ends by itself.
    pub expires: Option<Time>,
    /// When somebody wants to be told.
    pub alerts: BTreeSet<Threshold>,
    /// Whom it is shared with: members and groups.
    pub share: Vec<String>,
    /// The variable that `run` gives it.
    pub env: Option<String>,
}

/// A new key for an old one.
#[derive(Debug, Clone)]
pub struct Rotating {
    /// The secret.
    pub path: SecretPath,
    /// For how many seconds the old key is to work beside the new one.
    pub keep_old: i64,
    /// The old key is in wrong hands.
    pub compromised: bool,
    /// Why.
    pub reason: String,
}

/// What a new key is to have otherwise than the one before it; what is not said stays.
#[derive(Debug, Clone, Default)]
pub(super) struct Terms {
    /// What it may spend.
    pub(super) limits: Option<Limits>,
    /// When it ends by itself; else after the same span again.
    pub(super) expires: Option<Time>,
    /// When somebody wants to be told.
    pub(super) alerts: Option<BTreeSet<Threshold>>,
}

/// An end.
#[derive(Debug, Clone)]
pub struct Revoking {
    /// The secret.
    pub path: SecretPath,
    /// Why.
    pub reason: String,
}

/// Who is to hold which limit at a provider: the shortest window is the key's own (one over its whole life before all),
/// the next a guardrail's, and what is left is Covault's.
pub fn layers(limits: &Limits, provider: &Capabilities) -> BTreeMap<Window, Layer> {
    let mut layers = BTreeMap::new();
    let own = |window: &Window| provider.key_windows.contains(window);
    let total = limits.get(Window::Total).map(|_| Window::Total).filter(own);
    let on_key = total.or_else(|| limits.iter().map(|limit| limit.window).find(own));
    let mut guardrail = false;
    for limit in limits.iter() {
        let layer = match limit.window {
            window if Some(window) == on_key => Layer::Key,
            window if !guardrail && provider.guardrail_windows.contains(&window) => {
                guardrail = true;
                Layer::Guardrail
            }
            _ => Layer::Client,
        };
        layers.insert(limit.window, layer);
    }
    layers
}

impl Desk<'_> {
    /// Issues a first key: journal, provider, secret.
    ///
    /// # Errors
    /// `Exists`, `Open`, `Reserved`, `Ended`, and those of the provider and of writing.
    pub fn issue(&self, wanted: &Issuing) -> Result<Outcome, VaultError> {
        wanted.check()?;
        check_place(&wanted.path)?;
        self.check_expiry(wanted.expires)?;
        let vault = self.ready(&wanted.path)?;
        let provider =
            Capabilities::named(&wanted.provider).ok_or_else(|| KeyError::UnknownProvider(wanted.provider.clone()))?;
        if !provider.issues {
            return Err(KeyError::Cannot { provider: provider.title.to_owned(), what: "issue keys" }.into());
        }
        match vault.newest(&wanted.path)?.map(|version| version.manifest().state.clone()) {
            None | Some(State::Deleted) => vault.check_can_be_made(&wanted.path, false, self.now())?,
            Some(State::Live) => return Err(VaultError::Exists(wanted.path.to_string())),
            Some(State::Moved(to)) => {
                return Err(VaultError::Moved { name: wanted.path.to_string(), to: to.to_string() });
            }
        }
        for subject in &wanted.share {
            vault.known(&crate::model::names::Subject::parse(subject)?)?;
        }
        let generation = vault.generations_before(&wanted.path)?.saturating_add(1);
        let mint = Mint {
            expires: wanted.expires,
            alerts: wanted.alerts.clone(),
            share: wanted.share.clone(),
            env: wanted.env.clone(),
            ..self.wish(&vault, &wanted.path, generation, &wanted.limits, provider)
        };
        let op = Operation { mint: Some(mint), ..self.operation(&vault, Kind::Issue, &wanted.path, provider)? };
        self.begin(op)
    }

    /// Replaces a key by a new one.
    ///
    /// # Errors
    /// `NotIssued`, `Open`, `SwitchedOff`, and those of the provider and of writing.
    pub fn rotate(&self, wanted: &Rotating) -> Result<Outcome, VaultError> {
        self.replace(wanted, &Terms::default())
    }

    /// Replaces a key by a new one on other terms.
    pub(super) fn replace(&self, wanted: &Rotating, terms: &Terms) -> Result<Outcome, VaultError> {
        self.check_expiry(terms.expires)?;
        let vault = self.ready(&wanted.path)?;
        let secret = vault.secret(&wanted.path)?;
        let (provider, mut record) = record_of(&secret)?;
        if !provider.issues {
            return Err(KeyError::Cannot { provider: provider.title.to_owned(), what: "issue keys" }.into());
        }
        if record.standing == Standing::Disabled
            && !wanted.compromised
            && self.remote_of(&vault, provider, &record)?.is_some()
        {
            return Err(KeyError::SwitchedOff { path: wanted.path.to_string() }.into());
        }
        let begun = Some(Begun::of(&record));
        record.limits = terms.limits.clone().unwrap_or(record.limits);
        record.alerts = terms.alerts.clone().unwrap_or(record.alerts);
        let next = self.next(&vault, &wanted.path, &record, provider);
        let mint = Mint { expires: terms.expires.or(next.expires), begun, ..next };
        // What an earlier rotation left behind goes with this one.
        let retire = to_go(&secret, &record, self.now(), &wanted.reason);
        let op = Operation {
            mint: Some(mint),
            retire,
            reason: wanted.reason.clone(),
            compromised: wanted.compromised,
            keep_old: wanted.keep_old,
            ..self.operation(&vault, Kind::Rotate, &wanted.path, provider)?
        };
        self.begin(op)
    }

    /// Takes a key away for good; the secret keeps its record.
    ///
    /// # Errors
    /// `NotIssued`, `Open`, and those of the provider and of writing.
    pub fn revoke(&self, wanted: &Revoking) -> Result<Outcome, VaultError> {
        let vault = self.ready(&wanted.path)?;
        let secret = vault.secret(&wanted.path)?;
        let (provider, record) = record_of(&secret)?;
        if !provider.revokes {
            return Err(KeyError::Cannot { provider: provider.title.to_owned(), what: "revoke keys" }.into());
        }
        let retire = to_go(&secret, &record, self.now(), &wanted.reason);
        let op = Operation {
            retire,
            reason: wanted.reason.clone(),
            ..self.operation(&vault, Kind::Revoke, &wanted.path, provider)?
        };
        self.begin(op)
    }

    /// Refuses an end that is over: a provider would make the key, and nobody could use it.
    pub(super) fn check_expiry(&self, expires: Option<Time>) -> Result<(), KeyError> {
        match expires.filter(|end| *end <= self.now()) {
            Some(end) => Err(KeyError::Ended(end.to_string())),
            None => Ok(()),
        }
    }

    /// The key of a record at its provider, while there is one.
    pub(super) fn remote_of(
        &self,
        vault: &Vault,
        known: &Capabilities,
        record: &KeyRecord,
    ) -> Result<Option<RemoteKey>, VaultError> {
        let provider = self.provider(vault, known.name)?;
        let cannot = || KeyError::Cannot { provider: known.title.to_owned(), what: "say whether a key works" };
        let inspect = provider.inspecting().ok_or_else(cannot)?;
        let asked = record.id.as_ref().map(|id| inspect.get(id)).transpose().map_err(KeyError::Provider)?;
        Ok(asked.flatten())
    }

    /// Whether a key is switched off since a limit is spent that no provider holds: this machine did that itself, or what it
    /// has spent says that another one did.
    pub(super) fn is_off_for_limit(&self, vault: &Vault, secret: &Secret, intent: &Intent, key: &RemoteKey) -> bool {
        if self.home.watched(vault.roster().vault).get(intent).off {
            return true;
        }
        let (retired, now) = (Retired::all_of(&secret.document, secret.manifest.at), self.now());
        let mut records = records_of(secret).into_iter().filter(|record| record.intent == *intent);
        records.any(|record| hold::target(&record, &retired, &key.usage, now).off)
    }

    /// Whether an operation can begin here: one may write, the provider's key is at hand, and nobody else has begun.
    fn ready(&self, path: &SecretPath) -> Result<Vault, VaultError> {
        if self.how.no_commit {
            return Err(KeyError::NotCommitted("as asked for".to_owned()).into());
        }
        // In the midst of a merge nothing is brought in.
        self.unblocked(path, &|_| false)?;
        // What others did comes first: what is begun is begun with the newest key.
        self.fetch()?;
        if !self.how.dry_run
            && let Some(upstream) = self.vault()?.repo().exchanged_with()?
        {
            self.keep_what_was_left()?;
            self.bring(&upstream)?;
        }
        self.unblocked(path, &|_| true)
    }

    /// Whether one may write here, and nothing that `blocks` is open for the secret, as far as this clone has heard.
    pub(super) fn unblocked(
        &self,
        path: &SecretPath,
        blocks: &dyn Fn(&Operation) -> bool,
    ) -> Result<Vault, VaultError> {
        let vault = self.vault()?;
        vault.may_write()?;
        if let Some(operation) = vault.repo().operation()? {
            return Err(KeyError::NotCommitted(operation.to_string()).into());
        }
        let mut open = self.open_operations(&vault, Some(path))?;
        open.extend(vault.operations_elsewhere(path)?);
        match open.into_iter().find(|op| blocks(op)) {
            Some(op) => Err(is_open(&op)),
            None => Ok(vault),
        }
    }

    /// A wish for a key that takes the place of another.
    pub(super) fn next(&self, vault: &Vault, path: &SecretPath, record: &KeyRecord, provider: &Capabilities) -> Mint {
        Mint {
            // The same span again, from now.
            expires: record.expires.map(|end| {
                let span = end.unix().saturating_sub(record.issued.unix()).max(0);
                Time::from_unix(self.now().unix().saturating_add(span))
            }),
            alerts: record.alerts.clone(),
            begun: Some(Begun::of(record)),
            ..self.wish(vault, path, record.generation.saturating_add(1), &record.limits, provider)
        }
    }

    /// A wish for a key, before anybody was asked for it.
    fn wish(
        &self,
        vault: &Vault,
        path: &SecretPath,
        generation: u64,
        limits: &Limits,
        provider: &Capabilities,
    ) -> Mint {
        let intent = Intent::new(eight());
        Mint {
            generation,
            name: KeyName::new(vault.roster().vault, path.clone(), generation, intent.clone()).to_string(),
            intent,
            limits: limits.clone(),
            first: limits.clone(),
            layers: layers(limits, provider),
            expires: None,
            alerts: BTreeSet::new(),
            begun: None,
            share: Vec::new(),
            env: None,
            stage: Stage::Asked,
            asked: self.now(),
            id: None,
            guardrail: None,
            published: None,
            write: None,
        }
    }

    fn operation(
        &self,
        vault: &Vault,
        kind: Kind,
        path: &SecretPath,
        provider: &Capabilities,
    ) -> Result<Operation, VaultError> {
        Ok(Operation {
            id: Intent::new(eight()),
            kind,
            path: path.clone(),
            provider: provider.name.to_owned(),
            by: vault.me()?.reference.name.to_string(),
            started: self.now(),
            reason: String::new(),
            compromised: false,
            keep_old: 0,
            mint: None,
            retire: Vec::new(),
            sweep: Vec::new(),
            aborting: false,
        })
    }

    /// Writes the operation down, shows it to everybody, and goes on with it unless somebody was faster.
    fn begin(&self, op: Operation) -> Result<Outcome, VaultError> {
        // Before anything is written: without the management key nothing would come of it.
        self.provider(&self.vault()?, &op.provider)?;
        if self.how.dry_run {
            return Ok(Outcome::planned(op));
        }
        let message = format!("covault: begin to {} {}", op.kind.as_str(), op.path);
        self.save(&op, &Text::Keep, &nothing_else, &message)?;
        if let Err(error) = self.share(&op.path) {
            return Err(KeyError::NotPushed(op.provider.clone(), Box::new(error)).into());
        }
        // The push may have brought somebody else's in, who was faster: nothing has been asked for yet.
        if op.kind == Kind::Issue && self.vault()?.lives(&op.path)? {
            let message = format!("covault: leave {} as it is", op.path);
            self.close_all(&[(&op, false)], &nothing_else, &message)?;
            self.share_or_say(&op.path);
            return Err(VaultError::Exists(op.path.to_string()));
        }
        let others = self.open_operations(&self.vault()?, Some(&op.path))?;
        if let Some(other) = others.iter().find(|other| other.id != op.id) {
            let message = format!("covault: leave {} to {}", op.path, other.by);
            self.close_all(&[(&op, false)], &nothing_else, &message)?;
            self.share_or_say(&op.path);
            return Err(is_open(other));
        }
        self.drive(op, true)
    }
}

/// Refuses a name that is kept for something else, for a secret that is to be there.
///
/// # Errors
/// `IsJournal`, `Reserved`.
pub fn check_place(path: &SecretPath) -> Result<(), VaultError> {
    if path.is_journal() {
        return Err(VaultError::IsJournal(path.to_string()));
    }
    if is_for_management(path) { Err(KeyError::Reserved(path.to_string()).into()) } else { Ok(()) }
}

/// What is to be taken away: what was left before, and the key in use.
fn to_go(secret: &Secret, record: &KeyRecord, now: Time, reason: &str) -> Vec<Retired> {
    let others =
        Retired::all_of(&secret.document, secret.manifest.at).into_iter().filter(|old| old.intent != record.intent);
    others.chain([Retired::from_record(record, None, now, reason)]).filter_map(Retired::to_go).collect()
}

pub(super) fn is_open(op: &Operation) -> VaultError {
    let (path, by) = (op.path.to_string(), op.by.clone());
    let is_out = op.mint.as_ref().is_some_and(|mint| mint.stage == Stage::Published);
    let keeps_old = is_out && op.keep_old > 0;
    KeyError::Open { path, by, what: op.kind.as_str(), stage: op.stage(), keeps_old }.into()
}

pub(super) fn eight() -> [u8; 8] {
    let mut eight = [0; 8];
    eight.iter_mut().zip(random()).for_each(|(to, from)| *to = from);
    eight
}

impl Vault {
    /// The generation of the newest key that a deleted secret had, so that a number is never used again.
    pub(super) fn generations_before(&self, path: &SecretPath) -> Result<u64, VaultError> {
        let Some(version) = self.newest(path)? else { return Ok(0) };
        // A tombstone has no metadata: what counts is that no two keys of one name are mixed up, and intents see to that.
        Ok(desk::record_of(&self.open_version(&version)?).map_or(0, |(_, record)| record.generation))
    }
}
