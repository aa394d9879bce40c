//! What the account holds, and what may happen to it by any road.

use jiff::Timestamp;
use rand_core::{OsRng, RngCore as _};
use rust_decimal::Decimal;

use super::clock::{Clock, Reset};
use super::key::{Key, Spend};

/// The person whose account it is.
pub const USER: &str = "user_2dHFtVWx2n56w6HkM0000000000";

/// Everything that the server knows.
pub struct Account {
    pub management: String,
    /// Oldest first; deleted ones stay.
    pub keys: Vec<Key>,
    pub guardrails: Vec<Guardrail>,
    pub assignments: Vec<Assignment>,
    /// The first is the default one.
    pub workspaces: Vec<Workspace>,
    pub total_credits: Decimal,
    pub guardrails_allowed: bool,
    /// What inference with a spent limit answers.
    pub limit_status: u16,
    /// New keys are unknown for so many uses.
    pub refuse_new: u32,
    /// So many reads do not see that a key was disabled.
    pub disable_late: u32,
    pub clock: Clock,
}

/// A budget that keys can be assigned to.
#[derive(Clone, Debug)]
pub struct Guardrail {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub limit_usd: Option<Decimal>,
    pub reset_interval: Option<Reset>,
    pub include_byok: bool,
    pub workspace_id: String,
    pub created_at: Timestamp,
    pub updated_at: Option<Timestamp>,
}

/// A key under a guardrail.
#[derive(Clone, Debug)]
pub struct Assignment {
    pub id: String,
    pub key_hash: String,
    pub guardrail_id: String,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct Workspace {
    pub id: String,
    pub name: String,
    pub created_at: Timestamp,
}

impl Account {
    pub fn new() -> Self {
        let mut account = Self {
            management: secret(),
            keys: Vec::new(),
            guardrails: Vec::new(),
            assignments: Vec::new(),
            workspaces: Vec::new(),
            total_credits: Decimal::from(1000),
            guardrails_allowed: true,
            limit_status: 403,
            refuse_new: 0,
            disable_late: 0,
            clock: Clock::new(),
        };
        account.add_workspace("Default");
        account
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn replace_management(&mut self) -> String {
        self.management = secret();
        self.management.clone()
    }

    pub fn add_workspace(&mut self, name: &str) -> String {
        let id = uuid();
        self.workspaces.push(Workspace { id: id.clone(), name: name.to_owned(), created_at: self.now() });
        id
    }

    pub fn default_workspace(&self) -> String {
        self.workspaces[0].id.clone()
    }

    pub fn has_workspace(&self, id: &str) -> bool {
        self.workspaces.iter().any(|workspace| workspace.id == id)
    }

    pub fn add_key(&mut self, name: &str) -> Key {
        let key = Key {
            hash: hex::encode(bytes::<32>()),
            secret: secret(),
            name: name.to_owned(),
            disabled: false,
            limit: None,
            limit_reset: None,
            include_byok_in_limit: false,
            created_at: self.now(),
            updated_at: None,
            expires_at: None,
            deleted_at: None,
            workspace_id: self.default_workspace(),
            creator_user_id: Some(USER.to_owned()),
            spends: Vec::new(),
            refusals_left: self.refuse_new,
            late_reads_left: 0,
        };
        self.keys.push(key.clone());
        key
    }

    /// A key that is not deleted.
    pub fn live(&mut self, hash: &str) -> Option<&mut Key> {
        self.keys.iter_mut().find(|key| key.hash == hash && key.deleted_at.is_none())
    }

    /// Deletes a key and its assignment; whether there was one.
    pub fn delete_key(&mut self, hash: &str) -> bool {
        let now = self.now();
        let Some(key) = self.live(hash) else { return false };
        key.deleted_at = Some(now);
        self.assignments.retain(|assignment| assignment.key_hash != hash);
        true
    }

    /// Books an amount; whether there is such a key, deleted or not.
    pub fn spend(&mut self, hash: &str, usd: Decimal, byok: bool) -> bool {
        let at = self.now();
        let Some(key) = self.keys.iter_mut().find(|key| key.hash == hash) else { return false };
        key.spends.push(Spend { at, usd, byok });
        true
    }

    pub fn guardrail_of(&self, hash: &str) -> Option<&Guardrail> {
        let assignment = self.assignments.iter().find(|assignment| assignment.key_hash == hash)?;
        self.guardrails.iter().find(|guardrail| guardrail.id == assignment.guardrail_id)
    }

    /// All that was ever spent of the account's credits.
    pub fn total_usage(&self) -> Decimal {
        self.keys.iter().flat_map(|key| &key.spends).filter(|spend| !spend.byok).map(|spend| spend.usd).sum()
    }
}

fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    OsRng.fill_bytes(&mut out);
    out
}

fn secret() -> String {
    format!("sk-or-v1-{}", hex::encode(bytes::<32>()))
}

pub fn uuid() -> String {
    let mut id = bytes::<16>();
    id[6] = id[6] & 0x0f | 0x40;
    id[8] = id[8] & 0x3f | 0x80;
    let hex = hex::encode(id);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
