//! The end of old keys: what they spent is written down, they are switched off, deleted, and asked for once more.

use super::KeyError;
use super::desk::{Desk, value_writes};
use super::journal::{Text, nothing_else};
use super::mint::{abilities, delete_and_see};
use super::settle::records_of;
use crate::model::keys::intent::KeyName;
use crate::model::keys::operation::Operation;
use crate::model::keys::record::{KeyRecord, RemoteId, Standing};
use crate::model::time::Time;
use crate::plaintext::Plaintext;
use crate::providers::{Probed, Provider, RemoteKey};
use crate::vault::VaultError;

/// Whether the old keys are gone.
pub(super) enum Retirement {
    /// They are, or wait for a person who does it by hand.
    Done,
    /// The new key was deleted by somebody, or is not what the secret gives out: there has to be another first.
    AskAgain,
    /// It is not time yet.
    Waits {
        /// What for.
        why: String,
        /// Until when.
        until: Option<Time>,
    },
}

impl Desk<'_> {
    /// Takes the old keys away, where the new one has taken their place.
    pub(super) fn retire(&self, provider: &dyn Provider, op: &mut Operation) -> Result<Retirement, VaultError> {
        if op.is_retired() && op.retire.iter().all(|old| old.guardrail.is_none()) {
            return Ok(Retirement::Done);
        }
        if let Some(waits) = self.must_wait(op)? {
            return Ok(waits);
        }
        if op.mint.is_some() {
            // What the secret gives out is never taken away by what gives it another.
            let given_out = self.given_out(&op.path)?;
            op.retire.retain(|old| !given_out.contains(&old.intent));
        }
        // Nothing dies before the new one was seen to work where everybody gets it.
        if let Some(write) = op.mint.as_ref().and_then(|mint| mint.write.clone()) {
            let Some(text) = self.published_text(op, &write)? else {
                // Whose key that is nobody knows: the secret gets one that is known, and then all others go.
                (self.say)(&format!("the value of {} was written anew since: another key", op.path));
                self.back_to_asking(op)?;
                return Ok(Retirement::AskAgain);
            };
            if !self.is_off_on_purpose(provider, op)? && !self.works(provider, &text)? {
                return self.not_working(provider, op);
            }
            self.is_the_account(provider, op)?;
        }
        for place in 0..op.retire.len() {
            self.retire_one(provider, op, place)?;
        }
        if op.mint.is_none() {
            self.check_refused(provider, op)?;
        }
        Ok(Retirement::Done)
    }

    /// Whether the management key is of the account that the new key was made in: another one knows none of the old keys,
    /// and would call all of them gone.
    fn is_the_account(&self, provider: &dyn Provider, op: &Operation) -> Result<(), VaultError> {
        let Some(id) = op.mint.as_ref().and_then(|mint| mint.id.as_ref()) else { return Ok(()) };
        match abilities(provider)?.0.get(id).map_err(KeyError::Provider)? {
            Some(_) => Ok(()),
            None => Err(KeyError::OtherAccount { path: op.path.to_string(), provider: op.provider.clone() }.into()),
        }
    }

    /// Whether the secret still gives out what the operation began with: pushing its journal may have brought in the end of
    /// another one, whose new key is none of the old ones.
    pub(super) fn check_not_replaced(&self, op: &Operation) -> Result<(), VaultError> {
        let secret = match self.vault()?.secret(&op.path) {
            Err(VaultError::Deleted { .. } | VaultError::NoSuchSecret { .. } | VaultError::Moved { .. }) => {
                return Ok(());
            }
            secret => secret?,
        };
        // What the provider has no name for is none that an operation takes away.
        let is_other = |record: &KeyRecord| {
            let can_go = record.standing.may_work() && record.id.is_some();
            can_go && op.retire.iter().all(|old| old.intent != record.intent)
        };
        if op.retire.is_empty() || !records_of(&secret).iter().any(is_other) {
            return Ok(());
        }
        let what = "its key was replaced meanwhile".to_owned();
        Err(KeyError::Overtaken { path: op.path.to_string(), what }.into())
    }

    /// Whether the old keys are those of the secret, before anything is done to them: by their names, and where the provider
    /// has no such id, by the key's being refused.
    pub(super) fn check_old(&self, provider: &dyn Provider, op: &Operation) -> Result<(), VaultError> {
        if op.retire.is_empty() {
            return Ok(());
        }
        let (vault, (inspect, _)) = (self.vault()?, abilities(provider)?);
        for old in op.retire.iter().filter(|old| old.standing.may_work()) {
            let Some(id) = &old.id else { continue };
            match inspect.get(id).map_err(KeyError::Provider)? {
                Some(key) => vault.check_claim(&op.path, &old.intent, &key)?,
                None => self.check_refused(provider, op)?,
            }
        }
        Ok(())
    }

    /// Whether the provider refuses all keys that the secret gives out, as one does that has none of them.
    pub(super) fn check_refused(&self, provider: &dyn Provider, op: &Operation) -> Result<(), VaultError> {
        let secret = match self.vault()?.secret(&op.path) {
            Ok(secret) => secret,
            Err(VaultError::Deleted { .. } | VaultError::NoSuchSecret { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut given_out = value_writes(&secret)?.into_iter().filter_map(|write| write.value.present());
        given_out.try_for_each(|text| self.check_refuses(provider, op, text))
    }

    /// A provider that does not know a key's id and takes the key is another account, or the id is another key's.
    pub(super) fn check_refuses(
        &self,
        provider: &dyn Provider,
        op: &Operation,
        text: &Plaintext,
    ) -> Result<(), VaultError> {
        let Some(probing) = provider.probing() else { return Ok(()) };
        match probing.probe(text).map_err(KeyError::Provider)? {
            Probed::Refused => Ok(()),
            Probed::Works(_) => {
                Err(KeyError::OtherAccount { path: op.path.to_string(), provider: op.provider.clone() }.into())
            }
        }
    }

    /// Whether the new key is refused since somebody switched it off with covault, or a machine did, as its limit is spent.
    /// It worked before anybody got it, and no old one is kept for that.
    fn is_off_on_purpose(&self, provider: &dyn Provider, op: &Operation) -> Result<bool, VaultError> {
        let Some((mint, id)) = op.mint.as_ref().and_then(|mint| Some((mint, mint.id.as_ref()?))) else {
            return Ok(false);
        };
        let vault = self.vault()?;
        let secret = vault.secret(&op.path)?;
        let noted = records_of(&secret)
            .iter()
            .any(|record| record.intent == mint.intent && record.standing == Standing::Disabled);
        let key = abilities(provider)?.0.get(id).map_err(KeyError::Provider)?;
        let is_meant = |key: &RemoteKey| noted || self.is_off_for_limit(&vault, &secret, &mint.intent, key);
        Ok(key.is_some_and(|key| key.disabled && is_meant(&key)))
    }

    /// The new key was published and is refused. Where the provider has none any more, another is asked for.
    fn not_working(&self, provider: &dyn Provider, op: &mut Operation) -> Result<Retirement, VaultError> {
        let (inspect, _) = abilities(provider)?;
        let path = op.path.to_string();
        let mut what = "the new key does not work, and the old one stays as it is".to_owned();
        if let Some(id) = op.mint.as_ref().and_then(|mint| mint.id.clone()) {
            match inspect.get(&id).map_err(KeyError::Provider)? {
                None => {
                    self.back_to_asking(op)?;
                    return Ok(Retirement::AskAgain);
                }
                Some(key) if key.disabled => {
                    what = format!(
                        "the new key is switched off at the provider, and the old one stays as it is until covault key \
                         enable {path}, or covault key disable {path} where it is to be off"
                    );
                }
                Some(_) => {}
            }
        }
        Err(KeyError::Unfinished { path, what }.into())
    }

    /// Why the old keys have to stay for now.
    pub(super) fn must_wait(&self, op: &Operation) -> Result<Option<Retirement>, VaultError> {
        let Some(mint) = &op.mint else { return Ok(None) };
        let write = mint.write.clone().unwrap_or_default();
        if !self.is_on_trunk(&op.path, &write)? {
            let why = "the new key is not on the trunk yet, and what deploys from there has the old one".to_owned();
            return Ok(Some(Retirement::Waits { why, until: None }));
        }
        let until = op.may_retire_from().filter(|until| *until > self.now());
        let why = |until: Time| {
            format!("the old key is kept until {until} (covault key resume {} --now lets it go at once)", op.path)
        };
        Ok(until.map(|until| Retirement::Waits { why: why(until), until: Some(until) }))
    }

    /// The text of the key that was published, where the secret still has it.
    fn published_text(&self, op: &Operation, write: &str) -> Result<Option<Plaintext>, VaultError> {
        let vault = self.vault()?;
        let secret = vault.secret(&op.path)?;
        let found = value_writes(&secret)?
            .into_iter()
            .filter(|one| one.name().to_string() == write)
            .find_map(|one| one.value.present());
        Ok(found.map(|text| Plaintext::new(text.expose().to_vec())))
    }

    /// Switches the old keys off before anything else, since somebody has them.
    pub(super) fn switch_off(&self, provider: &dyn Provider, op: &mut Operation) -> Result<(), VaultError> {
        let Some(switching) = provider.switching() else { return Ok(()) };
        let (vault, (inspect, _)) = (self.vault()?, abilities(provider)?);
        let mut changed = false;
        for old in &mut op.retire {
            let Some(id) = old.id.clone().filter(|_| old.standing == Standing::Active) else { continue };
            if let Some(key) = inspect.get(&id).map_err(KeyError::Provider)? {
                vault.check_claim(&op.path, &old.intent, &key)?;
            }
            // That there is none is written down where it is taken away, and asked for afterwards.
            if let Some(key) = switching.set_enabled(&id, false).map_err(KeyError::Provider)? {
                (old.standing, old.usage) = (Standing::Disabled, Some(key.usage));
                changed = true;
            }
        }
        if !changed {
            return Ok(());
        }
        self.save(op, &Text::Keep, &nothing_else, &format!("covault: switch the old key of {} off", op.path))
    }

    fn retire_one(&self, provider: &dyn Provider, op: &mut Operation, place: usize) -> Result<(), VaultError> {
        let (path, published) = (op.path.to_string(), op.mint.as_ref().and_then(|mint| mint.published));
        let Some(old) = op.retire.get_mut(place) else { return Ok(()) };
        if old.standing.may_work() && old.standing != Standing::ByHand {
            let Some(id) = old.id.clone() else {
                old.standing = Standing::ByHand;
                return Ok(());
            };
            let (inspect, _) = abilities(provider)?;
            if let Some(key) = inspect.get(&id).map_err(KeyError::Provider)? {
                // A key that was taken in was compared before its value went.
                if published.is_none() || KeyName::parse(&key.name).is_some() {
                    self.vault()?.check_claim(&op.path, &old.intent, &key)?;
                }
                old.usage = Some(key.usage);
                if key.last_used.zip(published).is_some_and(|(used, published)| used > published) {
                    (self.say)(&format!(
                        "{path}: the old key was used after the new one was there: somebody still has it"
                    ));
                }
                if !key.disabled
                    && let Some(switching) = provider.switching()
                {
                    switching.set_enabled(&id, false).map_err(KeyError::Provider)?;
                }
                if old.standing != Standing::Disabled {
                    old.standing = Standing::Disabled;
                    // What it spent is gone with it.
                    let message = format!("covault: switch the old key of {path} off");
                    self.save(op, &Text::Keep, &nothing_else, &message)?;
                }
            }
            // Also where it was not there just now: gone is what is not there after its deletion.
            self.delete(provider, op, place, &id)?;
            let now = self.now();
            if let Some(old) = op.retire.get_mut(place) {
                (old.standing, old.gone) = (Standing::Gone, Some(now));
            }
        }
        self.drop_guardrail(provider, op, place)
    }

    fn delete(
        &self,
        provider: &dyn Provider,
        op: &mut Operation,
        place: usize,
        id: &RemoteId,
    ) -> Result<(), VaultError> {
        let Err(error) = delete_and_see(provider, id) else { return Ok(()) };
        if let Some(old) = op.retire.get_mut(place) {
            old.standing = Standing::Unknown;
        }
        let message = format!("covault: whether the old key of {} is gone is not known", op.path);
        self.save(op, &Text::Keep, &nothing_else, &message)?;
        self.share_or_say(&op.path);
        Err(self.unfinished(op, "whether the old key is gone is not known", &error.into()))
    }

    fn drop_guardrail(&self, provider: &dyn Provider, op: &mut Operation, place: usize) -> Result<(), VaultError> {
        let Some(old) = op.retire.get_mut(place) else { return Ok(()) };
        let Some(guardrail) = old.guardrail.clone() else { return Ok(()) };
        let intent = old.intent.clone();
        if self.delete_guardrail_of(provider, &guardrail, &intent)?
            && let Some(old) = op.retire.get_mut(place)
        {
            old.guardrail = None;
        }
        Ok(())
    }
}
