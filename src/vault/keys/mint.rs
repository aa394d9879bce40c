//! A new key: asked for once per intent, written down at once, limited, and tried out before anybody gets it.

use core::time::Duration;

use super::begin::{eight, is_open};
use super::desk::Desk;
use super::journal::{Text, nothing_else};
use super::{KeyError, desk, guardrail, hold};
use crate::model::keys::intent::{Intent, KeyName};
use crate::model::keys::limit::{Layer, Limit};
use crate::model::keys::operation::{Kind, Mint, Operation, Stage, Sweep};
use crate::model::keys::record::{KeyRecord, RemoteId, Retired, Standing};
use crate::model::keys::usage::Usage;
use crate::model::names::SecretPath;
use crate::model::time::Time;
use crate::plaintext::Plaintext;
use crate::providers::{Inspect, KeySpec, Probed, Provider, ProviderError, Revoke};
use crate::vault::VaultError;
use crate::vault::read::Secret;

/// How often a key is asked for before a person has to look.
const TRIES: usize = 3;

impl Desk<'_> {
    /// Asks for the key. Afterwards it exists and its text is in the journal, or nothing of it exists.
    pub(super) fn ask(&self, provider: &dyn Provider, op: &mut Operation, fresh: bool) -> Result<(), VaultError> {
        let cannot = || KeyError::Cannot { provider: op.provider.clone(), what: "issue keys" };
        let issue = provider.issuing().ok_or_else(cannot)?;
        let mut last = None;
        for attempt in 0..TRIES {
            if attempt > 0 || !fresh {
                self.ask_anew(provider, op)?;
            }
            self.look_at_old(provider, op)?;
            let Some(mint) = &mut op.mint else { return Ok(()) };
            match issue.create(&spec_of(mint, self.now())) {
                Ok(minted) => {
                    mint.id = Some(minted.key.id.clone());
                    mint.stage = Stage::Minted;
                    let intent = mint.intent.clone();
                    let message = format!("covault: keep the new key of {}", op.path);
                    let kept = self.save(op, &Text::Put(&intent, &minted.secret), &nothing_else, &message);
                    if kept.is_err() {
                        // Its text goes with us. Where this fails too, the journal knows its intent.
                        let _ = provider.revoking().map(|revoke| revoke.delete(&minted.key.id));
                    }
                    return kept;
                }
                Err(error) if error.was_not_sent() => return self.not_asked(op, error),
                Err(error) if is_final(&error) => {
                    let intent = mint.intent.clone();
                    // It said no; what it did is seen by looking.
                    self.clear(provider, &[intent])?;
                    return self.not_asked(op, error);
                }
                Err(error) => last = Some(error),
            }
            (self.say)("the answer was lost; looking for what it made");
        }
        let why = last.map_or_else(|| "no answer".to_owned(), |error| error.to_string());
        let what = format!("{why}; asked {TRIES} times, and nothing that came of it is left but perhaps the last");
        Err(KeyError::Unfinished { path: op.path.to_string(), what }.into())
    }

    /// The provider has nothing of it: the operation ends, unless there is more to it than the new key.
    fn not_asked(&self, op: &Operation, error: ProviderError) -> Result<(), VaultError> {
        if !op.compromised && op.sweep.is_empty() {
            self.abandon(op)?;
        }
        Err(KeyError::Provider(error).into())
    }

    /// Takes a new intent, deletes what earlier requests may have made, waits, and looks again.
    ///
    /// The new intent comes first, and is pushed: who made a key for an earlier one is told so by their own push of it, and
    /// gives it to nobody. Whose push was faster has gone on, and nothing is deleted here.
    fn ask_anew(&self, provider: &dyn Provider, op: &mut Operation) -> Result<(), VaultError> {
        let (vault, now) = (self.vault()?, self.now());
        let path = op.path.clone();
        if let Some(mint) = &mut op.mint {
            op.sweep.push(Sweep { intent: mint.intent.clone(), since: now });
            mint.intent = Intent::new(eight());
            mint.asked = now;
            mint.name = KeyName::new(vault.roster().vault, path, mint.generation, mint.intent.clone()).to_string();
        }
        self.save(op, &Text::Keep, &nothing_else, &format!("covault: ask again for a key for {}", op.path))?;
        if let Err(error) = self.share(&op.path) {
            return Err(KeyError::NotPushed(op.provider.clone(), Box::new(error)).into());
        }
        self.still_ours(op)?;
        self.clear_swept(provider, op)?;
        // By this machine's clock: when another one asked, its own says.
        if !self.settle.is_zero() {
            (self.sleep)(self.settle);
            self.bring_all()?;
            self.still_ours(op)?;
            self.clear_swept(provider, op)?;
        }
        Ok(())
    }

    /// Deletes what requests may have made that nobody has an answer to; never what the secret gives out.
    fn clear_swept(&self, provider: &dyn Provider, op: &Operation) -> Result<(), VaultError> {
        let given_out = self.given_out(&op.path)?;
        let intents = op.sweep.iter().map(|sweep| sweep.intent.clone()).filter(|intent| !given_out.contains(intent));
        self.clear(provider, &intents.collect::<Vec<_>>())
    }

    /// Whether the journal, with what a push may have brought in, has this operation and nothing else for its secret.
    pub(super) fn still_ours(&self, op: &Operation) -> Result<(), VaultError> {
        let all = self.open_operations(&self.vault()?, Some(&op.path))?;
        match all.iter().find(|other| other.to_text() != op.to_text()) {
            Some(other) => Err(is_open(other)),
            None if all.is_empty() => {
                let what = "somebody else brought it to its end meanwhile".to_owned();
                Err(KeyError::Overtaken { path: op.path.to_string(), what }.into())
            }
            None => {
                self.written.note(op);
                Ok(())
            }
        }
    }

    /// Deletes every key that has one of these intents in its name, and sees that it is gone.
    pub(super) fn clear(&self, provider: &dyn Provider, intents: &[Intent]) -> Result<(), VaultError> {
        let (inspect, _) = abilities(provider)?;
        if intents.is_empty() {
            return Ok(());
        }
        let keys = inspect.list().map_err(KeyError::Provider)?;
        let is_ours = |name: &str| KeyName::parse(name).is_some_and(|name| intents.contains(&name.intent));
        for key in keys.iter().filter(|key| is_ours(&key.name)) {
            delete_and_see(provider, &key.id)?;
        }
        self.clear_guardrails(provider, intents)
    }

    /// What the old keys have spent, and so what is left for the new one.
    fn look_at_old(&self, provider: &dyn Provider, op: &mut Operation) -> Result<(), VaultError> {
        let Some(inspect) = provider.inspecting() else { return Ok(()) };
        let now = self.now();
        let vault = self.vault()?;
        let given_out = self.given_out(&op.path)?;
        let secret = match vault.secret(&op.path) {
            Err(VaultError::NoSuchSecret { .. } | VaultError::Deleted { .. } | VaultError::Moved { .. }) => None,
            secret => Some(secret?),
        };
        let (mut off, mut unknown) = (false, false);
        for old in &mut op.retire {
            let Some(id) = old.id.as_ref().filter(|_| old.standing.may_work()) else { continue };
            // That there is none is written down where it is taken away, and asked for afterwards.
            match inspect.get(id).map_err(KeyError::Provider)? {
                Some(key) => {
                    vault.check_claim(&op.path, &old.intent, &key)?;
                    // Where its limit is spent the new one has nothing left of that either.
                    let spent = |secret| self.is_off_for_limit(&vault, secret, &old.intent, &key);
                    off |= key.disabled && old.standing == Standing::Active && !secret.as_ref().is_some_and(spent);
                    old.usage = Some(key.usage);
                }
                None => unknown |= given_out.contains(&old.intent),
            }
        }
        if unknown {
            // Somebody may have logged in to another account since it was begun.
            self.check_refused(provider, op)?;
        }
        if off && !op.compromised {
            // Somebody switched it off at the provider, and a new one would work again.
            if op.sweep.is_empty() {
                self.abandon(op)?;
            }
            return Err(KeyError::SwitchedOff { path: op.path.to_string() }.into());
        }
        if op.kind != Kind::Rotate {
            return Ok(());
        }
        let secret = self.vault()?.secret(&op.path)?;
        let (_, record) = desk::record_of(&secret)?;
        if record.standing == Standing::Gone && record.updated >= op.started && !op.retire.is_empty() {
            let what = "it was revoked meanwhile, and gets no new key".to_owned();
            self.take_back(provider, op)?;
            return Err(KeyError::Overtaken { path: op.path.to_string(), what }.into());
        }
        leave_to(op, &secret, record, now);
        Ok(())
    }

    /// Puts the limits in place, sees that they hold, and tries the key out.
    pub(super) fn make_ready(&self, provider: &dyn Provider, op: &mut Operation) -> Result<(), VaultError> {
        let Some(mint) = &op.mint else { return Ok(()) };
        let (intent, id) = (mint.intent.clone(), mint.id.clone());
        let text = self.text_of(&op.path, &intent)?;
        let (inspect, _) = abilities(provider)?;
        let found = match &id {
            Some(id) => inspect.get(id).map_err(KeyError::Provider)?,
            None => None,
        };
        if let (Some(text), None) = (&text, &found) {
            self.check_refuses(provider, op, text)?;
        }
        let (Some(id), Some(text), Some(found)) = (id, text, found) else {
            // Somebody deleted it at the provider, or its text is lost: another one.
            return self.back_to_asking(op);
        };
        self.guard(provider, op, &id)?;
        let wanted = op.mint.as_ref().and_then(|mint| own_limit(mint, self.now()));
        if found.limit != wanted
            && let Some(limiting) = provider.limiting()
        {
            limiting.set_limit(&id, wanted).map_err(KeyError::Provider)?;
        }
        if let Some((limit, mint)) = wanted.zip(op.mint.as_mut()) {
            // On every machine it is known for ours by this, and given back when a window has ended.
            mint.first.set(limit.window, Some(limit.amount));
        }
        if found.disabled
            && let Some(switching) = provider.switching()
        {
            switching.set_enabled(&id, true).map_err(KeyError::Provider)?;
        }
        if !self.works(provider, &text)? {
            if op.compromised {
                // The old one is switched off already: there is no way but on.
                self.back_to_asking(op)?;
                self.share_ours(op, "its new key does not work, and the journal is not pushed")?;
                delete_and_see(provider, &id)?;
                let what = "the new key does not work, and the old one is switched off already".to_owned();
                return Err(KeyError::Unfinished { path: op.path.to_string(), what }.into());
            }
            self.withdraw(provider, op)?;
            let replaces = op.kind == Kind::Rotate;
            return Err(KeyError::NewKeyRefused { path: op.path.to_string(), replaces }.into());
        }
        if let Some(mint) = &mut op.mint {
            mint.stage = Stage::Ready;
        }
        // What is ready is published by the next commit; if that never comes, this step is done again.
        Ok(())
    }

    pub(super) fn back_to_asking(&self, op: &mut Operation) -> Result<(), VaultError> {
        if op.mint.as_ref().is_some_and(|mint| mint.stage == Stage::Published) {
            *op = self.as_recorded(op)?;
        }
        let Some(mint) = &mut op.mint else { return Ok(()) };
        mint.stage = Stage::Asked;
        (mint.id, mint.published, mint.write) = (None, None, None);
        let intent = mint.intent.clone();
        self.save(op, &Text::Drop(&intent), &nothing_else, &format!("covault: ask again for a key for {}", op.path))
    }

    /// Makes the guardrail, assigns it, and sees that it is assigned; where the account has none, Covault holds that limit, and
    /// where the old key has somebody's own, the new one gets that.
    fn guard(&self, provider: &dyn Provider, op: &mut Operation, key: &RemoteId) -> Result<(), VaultError> {
        if self.keep_guardrail(provider, op, key)? {
            return Ok(());
        }
        let Some(mint) = &mut op.mint else { return Ok(()) };
        let guarded = guardrail::window_of(&mint.layers);
        let Some((window, guard)) = guarded.zip(provider.guarding()) else { return Ok(()) };
        let Some(amount) = mint.first.get(window) else { return Ok(()) };
        let limit = Limit { amount, window };
        let made = (|| {
            let there = guard.guardrails()?.into_iter().find(|one| one.name == mint.name);
            let guardrail = guardrail::put(guard, there, &mint.name, limit)?;
            guard.assign(&guardrail.id, key)?;
            let assigned = guard.guardrail_of(key)?;
            Ok((guardrail.id.clone(), assigned == Some(guardrail.id)))
        })();
        match made {
            Ok((id, true)) => mint.guardrail = Some(id),
            Ok((_, false)) => {
                let what = "the guardrail is not assigned to the new key".to_owned();
                return Err(KeyError::Unfinished { path: op.path.to_string(), what }.into());
            }
            Err(error) if ProviderError::is_unavailable(&error) => {
                (self.say)(&format!(
                    "{error}: no guardrail holds {limit}; covault key usage does, as of each time that it is run"
                ));
                mint.layers.insert(window, Layer::Client);
                let intent = mint.intent.clone();
                self.clear_guardrails(provider, &[intent])?;
            }
            Err(error) => return Err(KeyError::Provider(error).into()),
        }
        Ok(())
    }

    /// Whether the provider takes a key; a new one is given some time.
    pub(super) fn works(&self, provider: &dyn Provider, text: &Plaintext) -> Result<bool, VaultError> {
        let Some(probing) = provider.probing() else { return Ok(true) };
        let mut wait = Duration::from_millis(250).min(self.patience);
        let mut waited = Duration::ZERO;
        loop {
            match probing.probe(text).map_err(KeyError::Provider)? {
                Probed::Works(_) => return Ok(true),
                Probed::Refused if waited >= self.patience => return Ok(false),
                Probed::Refused => {
                    (self.sleep)(wait);
                    waited = waited.saturating_add(wait.max(Duration::from_millis(1)));
                    wait = wait.saturating_mul(2).min(Duration::from_secs(10));
                }
            }
        }
    }

    /// Says that the key is to be taken back, and takes it back where nobody else has gone on to give it out.
    pub(super) fn withdraw(&self, provider: &dyn Provider, op: &mut Operation) -> Result<(), VaultError> {
        op.aborting = true;
        self.save(op, &Text::Keep, &nothing_else, &format!("covault: take back a key of {}", op.path))?;
        self.share_ours(op, "its new key is to be taken back, and the journal is not pushed")?;
        self.take_back(provider, op)
    }

    /// Takes a key back that nobody has got.
    pub(super) fn take_back(&self, provider: &dyn Provider, op: &mut Operation) -> Result<(), VaultError> {
        let given_out = self.given_out(&op.path)?;
        if let Some(mint) = op.mint.clone().filter(|mint| !given_out.contains(&mint.intent)) {
            if let Some(id) = &mint.id {
                delete_and_see(provider, id)?;
            }
            self.clear(provider, &[mint.intent])?;
        }
        self.sweep(provider, op)?;
        self.abandon(op)
    }

    /// The intents of the keys that the secret gives out: one, or several where they were published at the same time.
    pub(super) fn given_out(&self, path: &SecretPath) -> Result<Vec<Intent>, VaultError> {
        let secret = match self.vault()?.secret(path) {
            Ok(secret) => secret,
            Err(VaultError::NoSuchSecret { .. } | VaultError::Deleted { .. } | VaultError::Moved { .. }) => {
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        };
        let records = KeyRecord::all_of(&secret.document, secret.manifest.at).into_iter();
        Ok(records.filter(|record| record.standing.may_work()).map(|record| record.intent).collect())
    }

    /// Looks once more for what unanswered requests may have made.
    pub(super) fn sweep(&self, provider: &dyn Provider, op: &mut Operation) -> Result<(), VaultError> {
        self.clear_swept(provider, op)?;
        op.sweep.clear();
        Ok(())
    }
}

/// Deletes a key and asks for it afterwards: what is still there is an error, whatever the deletion said.
pub(super) fn delete_and_see(provider: &dyn Provider, id: &RemoteId) -> Result<(), KeyError> {
    let (inspect, revoke) = abilities(provider)?;
    let deleted = revoke.delete(id);
    match (inspect.get(id)?, deleted) {
        (None, _) => Ok(()),
        (Some(_), Err(error)) => Err(error.into()),
        (Some(_), Ok(())) => Err(ProviderError::still_there(provider.capabilities().name).into()),
    }
}

/// Looking at keys and deleting them.
pub(super) fn abilities(provider: &dyn Provider) -> Result<(&dyn Inspect, &dyn Revoke), KeyError> {
    let title = provider.capabilities().title;
    let cannot = || KeyError::Cannot { provider: title.to_owned(), what: "list and revoke keys" };
    provider.inspecting().zip(provider.revoking()).ok_or_else(cannot)
}

/// What the keys before a new one have left it of its limits.
pub(super) fn leave_to(op: &mut Operation, secret: &Secret, record: KeyRecord, now: Time) {
    let mut spent = Retired::all_of(&secret.document, secret.manifest.at);
    spent.retain(|old| !op.retire.iter().any(|other| other.intent == old.intent));
    spent.extend(op.retire.iter().cloned());
    if let Some(mint) = &mut op.mint {
        mint.first = KeyRecord { limits: mint.limits.clone(), ..record }.held(&spent, now);
    }
}

fn spec_of(mint: &Mint, now: Time) -> KeySpec {
    KeySpec { name: mint.name.clone(), limit: own_limit(mint, now), expires: mint.expires }
}

/// The limit that the key itself is to have, no more than what is left of those that only Covault holds.
fn own_limit(mint: &Mint, now: Time) -> Option<Limit> {
    hold::of_held(&mint.first, &mint.layers, &Usage::none(now), now).own
}

/// Whether asking again would bring the same answer.
fn is_final(error: &ProviderError) -> bool {
    matches!(error.status(), Some(400..=407 | 409..=499))
}
