//! One HTTP API with a bearer key: what is sent, when it is sent again, and what is known afterwards.
//!
//! It knows methods, statuses and JSON errors, not what any call means. A key is sent to the base URL and nowhere else.

mod answer;
mod base;
mod client;
mod earlier;
mod pause;
mod redact;

use std::time::Duration;

pub(super) use answer::Body;
use base::Base;
use client::Clients;
use earlier::Earlier;
use pause::{Deadline, Pauses};
pub(super) use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use tokio::runtime::Runtime;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::error::{Problem, ProviderError};
use super::{Pace, Result, Settings};
use crate::model::time::Time;
use crate::plaintext::Plaintext;

/// How often something is tried that may be passing, but will not pass by waiting for long: an error page, a conflict.
const FEW: u32 = 4;
/// How often a connection is tried.
const CONNECTS: u32 = 6;

/// Whether a call may be made twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Doing it twice is as doing it once.
    Safely,
    /// The same, but it is not worth waiting for.
    Briefly,
    /// Each one that arrives makes something: it is sent again only where it was turned away or never connected.
    Once,
}

/// One call.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// What it is called in errors: no ids, and never a key.
    pub(super) name: &'static str,
    /// Its method.
    pub(super) method: Method,
    /// What comes after the base URL, from the slash on.
    pub(super) path: String,
    /// JSON to send.
    pub(super) body: Option<String>,
    /// The key that it is made with.
    pub(super) key: &'a Plaintext,
    /// Whether it may be made twice.
    pub(super) repeat: Repeat,
}

/// An API at one base URL.
pub(super) struct Http {
    provider: &'static str,
    base: Base,
    pace: Pace,
    clients: Clients,
    /// What time it was, and when that was.
    started: (Time, Instant),
    /// Taken only when this is dropped.
    runtime: Option<Runtime>,
}

/// What came of one try.
enum Tried<T> {
    Done(T),
    Failed(Failure),
}

/// Why one try failed.
struct Failure {
    problem: Problem,
    again: Again,
    /// How long we are asked to wait.
    after: Option<Duration>,
}

/// Whether to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Again {
    Never,
    /// So many tries in all.
    Upto(u32),
    /// Until the deadline.
    Always,
}

impl Http {
    /// # Errors
    /// `Settings`.
    pub(super) fn new(provider: &'static str, default_url: &str, settings: &Settings) -> Result<Self> {
        let failed = |why: String| ProviderError { provider, call: "settings", problem: Problem::Settings(why) };
        let base = Base::parse(settings.url.as_deref().unwrap_or(default_url)).map_err(failed)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| failed(format!("cannot wait for a network here ({error})")))?;
        Ok(Self {
            provider,
            clients: Clients::new(settings.agent.clone(), base.is_loopback(), base.is_plain(), settings.pace),
            base,
            pace: settings.pace,
            started: (settings.now, Instant::now()),
            runtime: Some(runtime),
        })
    }

    /// When what is answered now was true.
    pub(super) fn now(&self) -> Time {
        let (time, at) = self.started;
        Time::from_unix(time.unix().saturating_add(i64::try_from(at.elapsed().as_secs()).unwrap_or(i64::MAX)))
    }

    /// Makes a call, again where that is safe and helps. `read` gets the body of a good answer, and says what is wrong with
    /// it where it is not what it should be.
    ///
    /// # Errors
    /// What was known last; never that nothing was sent where an earlier try was.
    pub(super) fn ask<T>(&self, call: &Call<'_>, read: impl Fn(&Body) -> std::result::Result<T, String>) -> Result<T> {
        let failed = |problem| ProviderError { provider: self.provider, call: call.name, problem };
        let key = bearer(call.key).map_err(failed)?;
        let runtime = self.runtime.as_ref();
        let runtime = runtime.ok_or_else(|| failed(Problem::Settings("it is closed".to_owned())))?;
        let client = {
            let _inside = runtime.enter();
            self.clients.get(call.repeat).map_err(failed)?
        };
        runtime.block_on(self.ask_until_done(client, call, &key, &read)).map_err(failed)
    }

    async fn ask_until_done<T>(
        &self,
        client: &reqwest::Client,
        call: &Call<'_>,
        key: &HeaderValue,
        read: &impl Fn(&Body) -> std::result::Result<T, String>,
    ) -> std::result::Result<T, Problem> {
        let deadline = Deadline::after(self.pace.overall);
        let mut pauses = Pauses::new(self.pace);
        let mut tries = 0;
        let mut earlier = Earlier::default();
        loop {
            tries += 1;
            let limit = deadline.left().min(self.pace.request);
            let failure = match self.try_once(client, call, key, limit, read).await {
                Tried::Done(done) => return Ok(done),
                Tried::Failed(failure) => failure,
            };
            let another = match failure.again {
                Again::Never => false,
                Again::Upto(most) => tries < most,
                Again::Always => true,
            };
            let pause = pauses.next(failure.after);
            // What is sent once is not sent without time for its answer.
            let needed = if call.repeat == Repeat::Once { self.pace.request } else { Duration::ZERO };
            if !another || !deadline.allows(pause.saturating_add(needed)) {
                let cut_short = limit < self.pace.request && call.repeat != Repeat::Once;
                return Err(match failure.problem {
                    problem @ Problem::NotSent(_) => earlier.or_not_sent(problem),
                    problem @ Problem::NoAnswer(_) if cut_short => earlier.or_cut_short(problem),
                    problem => problem,
                });
            }
            earlier.note(failure.problem);
            tokio::time::sleep(pause).await;
        }
    }

    async fn try_once<T>(
        &self,
        client: &reqwest::Client,
        call: &Call<'_>,
        key: &HeaderValue,
        limit: Duration,
        read: &impl Fn(&Body) -> std::result::Result<T, String>,
    ) -> Tried<T> {
        let (safely, always) = call.repeat.patience();
        let mut request = client.request(call.method.clone(), self.base.join(&call.path)).timeout(limit);
        request = request.header(AUTHORIZATION, key.clone());
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) if error.is_connect() => {
                return failed(Problem::NotSent(redact::error(&error, call.key)), Again::Upto(CONNECTS));
            }
            Err(error) => return failed(Problem::NoAnswer(redact::error(&error, call.key)), always),
        };
        let status = response.status().as_u16();
        if response.status().is_redirection() {
            return failed(Problem::Redirected { status }, Again::Never);
        }
        let after = pause::asked_for(&response, self.now());
        let body = match answer::read(&mut response).await {
            Ok(body) => body,
            Err(answer::Cut::TooLong) => {
                let why = format!("more than {} MiB", answer::MOST >> 20);
                return failed(Problem::Unreadable { status, why }, Again::Never);
            }
            Err(answer::Cut::Broken(error)) => {
                return failed(Problem::NoAnswer(redact::error(&error, call.key)), always);
            }
        };
        if response.status().is_success() {
            return match read(&body) {
                Ok(done) => Tried::Done(done),
                Err(why) => {
                    failed(Problem::Unreadable { status, why }, if safely { Again::Upto(FEW) } else { Again::Never })
                }
            };
        }
        let words = answer::words(&body);
        let again = match status {
            429 if call.repeat == Repeat::Briefly => always,
            429 => Again::Always,
            _ if !safely => Again::Never,
            408 | 500 | 502..=599 => always,
            409 if call.method == Method::PATCH => Again::Upto(FEW),
            _ if words.is_none() => Again::Upto(FEW),
            _ => Again::Never,
        };
        let problem = match words {
            Some(words) => Problem::Refused { status, message: redact::words(&words, call.key) },
            None => Problem::Unreadable { status, why: "no error as JSON".to_owned() },
        };
        Tried::Failed(Failure { problem, again, after })
    }
}

impl Repeat {
    /// Whether it may be made twice, and how often it is tried where that may help.
    fn patience(self) -> (bool, Again) {
        match self {
            Self::Safely => (true, Again::Always),
            Self::Briefly => (true, Again::Upto(FEW)),
            Self::Once => (false, Again::Never),
        }
    }
}

/// Does not wait for names that are still being looked up.
impl Drop for Http {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn failed<T>(problem: Problem, again: Again) -> Tried<T> {
    Tried::Failed(Failure { problem, again, after: None })
}

/// Whether a key can be sent at all.
pub(super) fn check_key(key: &Plaintext) -> std::result::Result<(), Problem> {
    bearer(key).map(drop)
}

fn bearer(key: &Plaintext) -> std::result::Result<HeaderValue, Problem> {
    let wrong = || Problem::Settings("this is no API key: it is empty, or has spaces or other characters".to_owned());
    let printable = !key.is_empty() && key.expose().iter().all(u8::is_ascii_graphic);
    let mut text = Zeroizing::new(Vec::with_capacity(key.len().saturating_add(7)));
    text.extend_from_slice(b"Bearer ");
    text.extend_from_slice(key.expose());
    let mut value = HeaderValue::from_bytes(&text).ok().filter(|_| printable).ok_or_else(wrong)?;
    value.set_sensitive(true);
    Ok(value)
}
