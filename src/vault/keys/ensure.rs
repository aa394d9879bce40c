//! `ensure`: a living key at a name, whoever makes it. Repeating it changes nothing; of two machines that want one at the
//! same time one makes it, and the other waits for it.

use core::time::Duration;

use super::begin::Terms;
use super::desk::{Desk, record_of};
use super::drive::Outcome;
use super::{Issuing, KeyError, Limiting, Rotating};
use crate::model::keys::record::{KeyRecord, RemoteId, Standing};
use crate::vault::{Vault, VaultError};

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Ensured {
    /// A first key was made.
    pub created: bool,
    /// The key that was there did not work any more, and was replaced.
    pub replaced: bool,
    /// What was set of the limits of one that was there, or is otherwise with the one that replaced it.
    pub changed: Vec<String>,
    /// Which key it is of the secret.
    pub generation: Option<u64>,
    /// What the provider calls it.
    pub id: Option<RemoteId>,
    /// What was made, or would be.
    pub outcome: Option<Outcome>,
}

/// What there is.
enum There {
    Nothing,
    Living(Box<KeyRecord>),
    Dead(&'static str, Box<KeyRecord>),
}

impl Desk<'_> {
    /// Finds a living key, or makes one.
    ///
    /// # Errors
    /// `NeedsPerson` for a key that is switched off or another provider's; `Open` where somebody else does not come to an
    /// end; those of issuing, rotating and limiting.
    pub fn ensure(&self, wanted: &Issuing) -> Result<Ensured, VaultError> {
        wanted.check()?;
        let (mut brought, mut waited) = (false, Duration::ZERO);
        let mut wait = Duration::from_millis(250).min(self.patience / 4);
        loop {
            let there = self.there(&self.vault()?, wanted)?;
            let made = match there {
                There::Living(record) => return self.as_wanted(wanted, &record),
                // What others have made may not be here yet.
                _ if !brought => {
                    self.bring_all()?;
                    brought = true;
                    continue;
                }
                There::Nothing => {
                    self.issue(wanted).map(|outcome| ensured(outcome, Ensured { created: true, ..Ensured::default() }))
                }
                There::Dead(why, record) => {
                    (self.say)(&format!("the key of {} {why}: another one", wanted.path));
                    let rotating = Rotating {
                        path: wanted.path.clone(),
                        keep_old: 0,
                        compromised: false,
                        reason: format!("the one before {why}"),
                    };
                    let terms = differing(wanted, &record);
                    let changed = in_words(&terms, &record);
                    self.replace(&rotating, &terms)
                        .map(|outcome| ensured(outcome, Ensured { replaced: true, changed, ..Ensured::default() }))
                }
            };
            match made {
                // Somebody was faster, or is about to be.
                Err(VaultError::Exists(_) | VaultError::Key(KeyError::Open { .. })) if waited < self.patience => {
                    (self.sleep)(wait);
                    waited = waited.saturating_add(wait.max(Duration::from_millis(1)));
                    wait = wait.saturating_mul(2).min(Duration::from_secs(5));
                    self.bring_all()?;
                }
                made => return made,
            }
        }
    }

    /// What there is at the name, here and at the provider.
    fn there(&self, vault: &Vault, wanted: &Issuing) -> Result<There, VaultError> {
        let secret = match vault.secret(&wanted.path) {
            Ok(secret) => secret,
            Err(VaultError::NoSuchSecret { .. } | VaultError::Deleted { .. }) => return Ok(There::Nothing),
            Err(error) => return Err(error),
        };
        let (known, record) = match record_of(&secret) {
            Err(VaultError::Key(KeyError::NotIssued(path))) => {
                return Err(KeyError::NeedsPerson(format!("{path} is there, and no provider issued it")).into());
            }
            other => other?,
        };
        if known.name != wanted.provider {
            let what = format!("{} has a key of {}, not of {}", wanted.path, known.name, wanted.provider);
            return Err(KeyError::NeedsPerson(what).into());
        }
        let off = || KeyError::IsOff(wanted.path.to_string());
        match record.standing {
            Standing::Gone => return Ok(There::Dead("is gone", Box::new(record))),
            Standing::ByHand => return Err(KeyError::GivenUp(wanted.path.to_string()).into()),
            Standing::Unknown => {
                let path = &wanted.path;
                let what = format!("what came of the key of {path} is not known: covault key resume {path}");
                return Err(KeyError::NeedsPerson(what).into());
            }
            Standing::Active | Standing::Disabled => {}
        }
        match self.remote_of(vault, known, &record)? {
            None => Ok(There::Dead("is gone", Box::new(record))),
            Some(_) if record.standing == Standing::Disabled => Err(off().into()),
            Some(key) if key.expires.is_some_and(|end| end <= self.now()) => {
                Ok(There::Dead("has ended", Box::new(record)))
            }
            // Where Covault switched it off itself, its limit is spent, and it is the right one all the same.
            Some(key) if key.disabled && !self.is_off_for_limit(vault, &secret, &record.intent, &key) => {
                Err(off().into())
            }
            Some(_) => Ok(There::Living(Box::new(record))),
        }
    }

    /// A key that is there gets the limits that are asked for.
    fn as_wanted(&self, wanted: &Issuing, record: &KeyRecord) -> Result<Ensured, VaultError> {
        let mut done = Ensured { generation: Some(record.generation), id: record.id.clone(), ..Ensured::default() };
        let Terms { limits, alerts, .. } = differing(wanted, record);
        if limits.is_some() || alerts.is_some() {
            let limiting = Limiting { path: wanted.path.clone(), limits, alerts, reason: String::new() };
            done.changed = self.limit(&limiting)?.done;
            if done.changed.is_empty() {
                done.changed.push("its alerts".to_owned());
            }
        }
        Ok(done)
    }
}

/// What is asked for and is otherwise; the end of a key that is there cannot be changed, and counts for another one only.
fn differing(wanted: &Issuing, record: &KeyRecord) -> Terms {
    Terms {
        limits: Some(wanted.limits.clone()).filter(|limits| !limits.is_empty() && *limits != record.limits),
        alerts: Some(wanted.alerts.clone()).filter(|alerts| !alerts.is_empty() && *alerts != record.alerts),
        expires: wanted.expires,
    }
}

/// What a key that takes the place of another has otherwise.
fn in_words(terms: &Terms, record: &KeyRecord) -> Vec<String> {
    let limits = terms.limits.as_ref().map(|limits| format!("its limits: {limits}, after {}", record.limits));
    limits.into_iter().chain(terms.alerts.as_ref().map(|_| "its alerts".to_owned())).collect()
}

fn ensured(outcome: Outcome, done: Ensured) -> Ensured {
    let mint = outcome.op.mint.as_ref();
    Ensured {
        generation: mint.map(|mint| mint.generation),
        id: mint.and_then(|mint| mint.id.clone()),
        outcome: Some(outcome),
        ..done
    }
}
