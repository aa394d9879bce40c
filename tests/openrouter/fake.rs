//! A fake OpenRouter: an HTTP/1.1 server on a port of 127.0.0.1 that keeps keys, spends and guardrails as the real one
//! is documented to, and that breaks where a test says so.
//!
//! ```ignore
//! let fake = Fake::start();
//! fake.inject(Rule::on(Call::CreateKey, Fault::Status(500)).after());
//! // … run the client against fake.url() with fake.management_key() …
//! assert_eq!(fake.count("POST /keys"), 1);
//! assert_eq!(fake.live_keys().len(), 1);
//! ```
//!
//! # What it imitates, and where that is from
//!
//! Sources: **SDK** is the official Python package `openrouter` 1.3.84, generated from OpenRouter's OpenAPI; it judges
//! the shapes in `sdk.rs`. **SPEC** is the public repository OpenRouterTeam/docs (2026-08). **3RD** are other people's
//! reports. **?** is documented nowhere: what stands there is a choice, and a client must not depend on it.
//!
//! | what | source |
//! |---|---|
//! | paths, methods, statuses (201 on create), every field of keys, `GET /key`, guardrails, workspaces | SDK |
//! | `key` beside `data` on create, and never again | SDK |
//! | names are not unique; there is no idempotency: two `POST /keys` make two keys | SDK |
//! | `GET /keys`: newest first, 100 a page, `offset`; disabled and expired ones hidden unless asked for | SPEC |
//! | only the default workspace unless `workspace_id` says another | SPEC |
//! | `PATCH`: null clears, absent leaves, unknown fields (also `expires_at`) are ignored, none known is 400 | SDK |
//! | `expires_at` with seconds and `Z`, else 400 | SDK |
//! | windows: UTC day, week from Monday, month; `limit_remaining` counts the window and may go below zero | SDK |
//! | a limit is looked at before a request, so that the last one may overshoot | SPEC |
//! | 401 "User not found." for a key that is unknown, disabled, expired or deleted | 3RD |
//! | 403 "Only management keys can perform this operation" | SPEC |
//! | a spent limit is 403 or 402 ([`Fake::limits_answer`]); `metadata.limit_source` says which | SPEC, 3RD |
//! | a guardrail: amount and interval only together; one a key, assigning replaces; counts per key | SPEC |
//! | `budgets` and `effective_budget` of `GET /key`: guardrail first, then the key's own limit | SDK |
//! | guardrail lists: `offset`, `limit` up to 100, `total_count`; a page of 50 unless asked otherwise | SDK |
//! | `/activity`: 30 completed days, today not among them; a deleted key is still in it | SDK, the latter ? |
//! | error bodies `{"error":{"code","message"}}`; an unknown path answers HTML | SDK, the latter ? |
//! | numbers as JavaScript writes them: `10`, `2.5`, `1e-7` | ? |
//! | times in three spellings: `…+00:00` with microseconds, `…Z` with milliseconds and without | SDK |
//! | 400 for a body that is not sent as `application/json`; 404 when a guardrail is given an unknown hash | ? |
//!
//! # What it does not imitate
//!
//! - Models: `POST /chat/completions` spends the amount in its field `spend` and says "ok".
//! - `external` keys and `creator_user_id` (partners and organisations): the first is refused with 403.
//! - Workspace budgets, members, making or deleting workspaces ([`Fake::add_workspace`] makes one).
//! - Rate limits: a 429 comes from a [`Rule`] only. Nor delays: everything holds at once, unless
//!   [`Fake::disable_late`], [`Fake::refuse_new_keys`] or a rule say otherwise.
//! - The hash is random. The real one may be the SHA-256 of the secret; nobody should count on either.
//! - TLS: it speaks plain HTTP.

mod account;
mod answer;
mod books;
mod call;
mod clock;
mod current;
mod fault;
mod fields;
mod guardrails;
mod http;
mod key;
mod keys;
mod money;
mod routes;
mod rule;
mod server;

use std::ops::Deref;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;

#[allow(unused_imports, reason = "what tests may want to name")]
pub use self::{
    account::{Account, Assignment, Guardrail, Workspace},
    call::{Call, Pattern},
    clock::Reset,
    fault::{Cut, Fault, RetryAfter, Victim},
    key::{Key, Spend},
    rule::{Rule, When},
    server::{Handle, Request, Watcher},
};

use server::Server;

/// A running fake. It stops when it is dropped, whatever its clients are doing.
pub struct Fake {
    server: Server,
}

impl Fake {
    /// An empty account: one management key, one workspace, 1000 USD, guardrails allowed.
    pub fn start() -> Self {
        Self { server: Server::start() }
    }

    /// What a callback may keep: the account without the server, so that nothing holds the server up.
    pub fn handle(&self) -> Arc<Handle> {
        self.server.handle()
    }
}

impl Deref for Fake {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        self.server.shared()
    }
}

impl Handle {
    /// `http://127.0.0.1:PORT/api/v1`
    pub fn url(&self) -> String {
        format!("http://{}/api/v1", self.address())
    }

    /// The secret that may do everything but inference.
    pub fn management_key(&self) -> String {
        self.with(|account| account.management.clone())
    }

    /// Takes the management key away and gives another: the old one is unknown from now on.
    pub fn replace_management_key(&self) -> String {
        self.with(Account::replace_management)
    }

    /// Every key that there ever was, oldest first, the deleted ones too.
    pub fn keys(&self) -> Vec<Key> {
        self.with(|account| account.keys.clone())
    }

    /// The keys that are not deleted, oldest first; disabled and expired ones among them.
    pub fn live_keys(&self) -> Vec<Key> {
        self.with(|account| account.keys.iter().filter(|key| key.deleted_at.is_none()).cloned().collect())
    }

    /// The keys whose secrets open something now.
    pub fn working_keys(&self) -> Vec<Key> {
        self.with(|account| {
            let now = account.now();
            account.keys.iter().filter(|key| key.works(now)).cloned().collect()
        })
    }

    /// The key, deleted or not, that has this secret.
    pub fn key_of(&self, secret: &str) -> Option<Key> {
        self.with(|account| account.keys.iter().find(|key| key.secret == secret).cloned())
    }

    /// The key, deleted or not, that has this hash.
    #[track_caller]
    pub fn key(&self, hash: &str) -> Key {
        self.with(|account| account.keys.iter().find(|key| key.hash == hash).cloned()).expect("no key has this hash")
    }

    /// A key that somebody made elsewhere, in the web console perhaps.
    pub fn add_key(&self, name: &str) -> Key {
        self.with(|account| account.add_key(name))
    }

    /// Changes a key behind the client's back.
    #[track_caller]
    pub fn change(&self, hash: &str, change: impl FnOnce(&mut Key)) {
        self.with(|account| {
            let key = account.keys.iter_mut().find(|key| key.hash == hash);
            change(key.expect("no key has this hash"));
        });
    }

    /// Deletes a key behind the client's back.
    pub fn delete(&self, hash: &str) {
        self.with(|account| account.delete_key(hash));
    }

    /// Another workspace; answers its id.
    pub fn add_workspace(&self, name: &str) -> String {
        self.with(|account| account.add_workspace(name))
    }

    /// The guardrails that are there.
    pub fn guardrails(&self) -> Vec<Guardrail> {
        self.with(|account| account.guardrails.clone())
    }

    /// The guardrail that a key is assigned to.
    pub fn guardrail_of(&self, hash: &str) -> Option<Guardrail> {
        self.with(|account| account.guardrail_of(hash).cloned())
    }

    /// Spends an amount such as "2.50" with a key, now.
    #[track_caller]
    pub fn spend(&self, hash: &str, usd: &str) {
        let usd = Decimal::from_str(usd).expect("an amount of USD");
        self.with(|account| assert!(account.spend(hash, usd, false), "no key has this hash"));
    }

    /// The same with somebody's own key at a model's provider.
    #[track_caller]
    pub fn spend_byok(&self, hash: &str, usd: &str) {
        let usd = Decimal::from_str(usd).expect("an amount of USD");
        self.with(|account| assert!(account.spend(hash, usd, true), "no key has this hash"));
    }

    /// What the account bought.
    pub fn set_credits(&self, usd: &str) {
        let usd = Decimal::from_str(usd).expect("an amount of USD");
        self.with(|account| account.total_credits = usd);
    }

    /// Whether this account may have guardrails; otherwise they answer 403.
    pub fn allow_guardrails(&self, allowed: bool) {
        self.with(|account| account.guardrails_allowed = allowed);
    }

    /// The status of inference with a spent limit: 403 (as at first) or 402.
    pub fn limits_answer(&self, status: u16) {
        self.with(|account| account.limit_status = status);
    }

    /// Every key that is made from now on is unknown for its first `probes` uses.
    pub fn refuse_new_keys(&self, probes: u32) {
        self.with(|account| account.refuse_new = probes);
    }

    /// Disabling a key is not seen by the first `reads` that look at it afterwards, with its secret or by its hash.
    pub fn disable_late(&self, reads: u32) {
        self.with(|account| account.disable_late = reads);
    }

    /// Stops the clock at an instant such as "2026-11-30T23:59:59Z".
    #[track_caller]
    pub fn set_now(&self, instant: &str) {
        let instant: Timestamp = instant.parse().expect("an instant in RFC 3339");
        self.with(|account| account.clock.stop_at(instant));
    }

    /// Moves the clock on, running or stopped.
    pub fn advance(&self, by: Duration) {
        self.with(|account| account.clock.advance(by));
    }

    /// What the clock shows.
    pub fn now(&self) -> Timestamp {
        self.with(|account| account.now())
    }
}
