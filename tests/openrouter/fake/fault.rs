//! What can go wrong between a client and the API, each with a name that can be printed.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, SystemTime};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::answer::{Answer, message};

/// Something that happens to one request.
#[derive(Clone)]
pub enum Fault {
    /// An error of the API with this status, in its JSON.
    Status(u16),
    /// 429 that says when to come back.
    TooMany(RetryAfter),
    /// The same with 503.
    Unavailable(RetryAfter),
    /// An HTML page with this status, as a proxy in between makes it.
    Html(u16),
    /// This status and nothing more.
    Empty(u16),
    /// The connection ends.
    Cut(Cut),
    /// The true answer, later.
    Slow(Duration),
    /// The true answer, so many bytes at a time with a pause before each.
    Dribble(usize, Duration),
    /// This status and Location.
    Redirect(u16, String),
    /// The status of success with JSON of another shape.
    OtherShape,
    /// The status of success with half of the JSON, and a length that fits it.
    HalfJson,
    /// The status of success with so many MiB of JSON.
    Huge(usize),
    /// The true answer with a field of this name changed, wherever it stands; taken out, where there is no value.
    Field(&'static str, Option<Value>),
    /// The true answer, after a function has run: something else happens meanwhile.
    Run(Arc<dyn Fn() + Send + Sync>),
    /// SIGKILL to the client; it is answered nothing.
    Kill(Arc<Victim>),
}

/// Where a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Before a byte of the answer.
    BeforeAnswer,
    /// After its head.
    AfterHead,
    /// After its head and half of its body.
    HalfBody,
}

/// How an answer says when to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    Seconds(u32),
    /// As an HTTP date, so many seconds from now.
    Date(u32),
}

impl Fault {
    /// A fault of every kind that any call can meet, short enough for a matrix. [`Self::Field`], [`Self::Run`] and
    /// [`Self::Kill`] need something of the test.
    pub fn all() -> Vec<Self> {
        let statuses = [400, 401, 402, 403, 404, 409, 429, 500, 502, 503];
        let mut all: Vec<Self> = statuses.into_iter().map(Self::Status).collect();
        all.extend([
            Self::TooMany(RetryAfter::Seconds(1)),
            Self::TooMany(RetryAfter::Date(1)),
            Self::Unavailable(RetryAfter::Seconds(1)),
            Self::Html(200),
            Self::Html(403),
            Self::Html(502),
            Self::Empty(200),
            Self::Empty(500),
            Self::Cut(Cut::BeforeAnswer),
            Self::Cut(Cut::AfterHead),
            Self::Cut(Cut::HalfBody),
            Self::Slow(Duration::from_millis(200)),
            Self::Dribble(64, Duration::from_millis(2)),
            Self::Redirect(302, "/elsewhere".to_owned()),
            Self::Redirect(307, "/elsewhere".to_owned()),
            Self::OtherShape,
            Self::HalfJson,
            Self::Huge(64),
        ]);
        all
    }

    /// A function that runs before the answer.
    pub fn run(callback: impl Fn() + Send + Sync + 'static) -> Self {
        Self::Run(Arc::new(callback))
    }

    /// Whether the call is answered truly all the same, with the effect that it has.
    pub fn is_harmless(&self) -> bool {
        matches!(self, Self::Slow(_) | Self::Dribble(..) | Self::Field(..) | Self::Run(_))
    }

    /// What is sent instead of the true answer; `ok` is the status of success.
    pub fn instead(&self, ok: u16, truth: Answer) -> Answer {
        match self {
            Self::Status(status) => Answer::error(*status, message(*status)),
            Self::TooMany(when) => when.on(Answer::error(429, message(429))
                .with("X-RateLimit-Limit", "20")
                .with("X-RateLimit-Remaining", "0")
                .with("X-RateLimit-Reset", "1741305600000")),
            Self::Unavailable(when) => when.on(Answer::error(503, message(503))),
            Self::Html(status) => Answer::html(*status),
            Self::Empty(status) => Answer { status: *status, headers: Vec::new(), body: Vec::new() },
            Self::Redirect(status, to) => {
                Answer { status: *status, headers: vec![("Location", to.clone())], body: Vec::new() }
            }
            Self::OtherShape => {
                Answer::json(ok, &serde_json::json!({ "object": "list", "items": [[], { "data": 7 }] }))
            }
            Self::HalfJson => {
                let half = truth.body.len() / 2;
                Answer { status: ok, body: truth.body[..half].to_vec(), ..truth }
            }
            Self::Huge(mib) => {
                let mut body = b"{\"data\":\"".to_vec();
                body.resize(mib << 20, b'a');
                body.extend_from_slice(b"\"}");
                Answer { status: ok, body, ..truth }
            }
            Self::Field(name, value) => {
                let mut body = serde_json::from_slice(&truth.body).unwrap_or_default();
                change(&mut body, name, value.as_ref());
                Answer { body: body.to_string().into_bytes(), ..truth }
            }
            Self::Cut(_) | Self::Slow(_) | Self::Dribble(..) | Self::Run(_) | Self::Kill(_) => truth,
        }
    }
}

fn change(body: &mut Value, name: &str, to: Option<&Value>) {
    if let Value::Object(fields) = body {
        match (fields.contains_key(name), to) {
            (false, _) => {}
            (true, None) => drop(fields.remove(name)),
            (true, Some(value)) => drop(fields.insert(name.to_owned(), value.clone())),
        }
        fields.values_mut().for_each(|value| change(value, name, to));
    } else if let Value::Array(rows) = body {
        rows.iter_mut().for_each(|row| change(row, name, to));
    }
}

impl RetryAfter {
    fn on(self, answer: Answer) -> Answer {
        match self {
            Self::Seconds(seconds) => answer.with("Retry-After", seconds.to_string()),
            Self::Date(seconds) => {
                let then = SystemTime::now() + Duration::from_secs(seconds.into());
                answer.with("Retry-After", httpdate::fmt_http_date(then))
            }
        }
    }
}

impl fmt::Display for RetryAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seconds(seconds) => write!(f, "retry after {seconds} s"),
            Self::Date(seconds) => write!(f, "retry at a date in {seconds} s"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{status}"),
            Self::TooMany(when) => write!(f, "429, {when}"),
            Self::Unavailable(when) => write!(f, "503, {when}"),
            Self::Html(status) => write!(f, "HTML with {status}"),
            Self::Empty(status) => write!(f, "empty body with {status}"),
            Self::Cut(Cut::BeforeAnswer) => f.write_str("cut before the answer"),
            Self::Cut(Cut::AfterHead) => f.write_str("cut after the headers"),
            Self::Cut(Cut::HalfBody) => f.write_str("cut in the body"),
            Self::Slow(delay) => write!(f, "answered after {delay:?}"),
            Self::Dribble(bytes, pause) => write!(f, "{bytes} bytes every {pause:?}"),
            Self::Redirect(status, to) => write!(f, "{status} to {to}"),
            Self::OtherShape => f.write_str("JSON of another shape"),
            Self::HalfJson => f.write_str("half of the JSON"),
            Self::Huge(mib) => write!(f, "{mib} MiB of JSON"),
            Self::Field(name, None) => write!(f, "no field {name}"),
            Self::Field(name, Some(value)) => write!(f, "{name} is {value}"),
            Self::Run(_) => f.write_str("something else meanwhile"),
            Self::Kill(_) => f.write_str("SIGKILL to the client"),
        }
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A process that a fault is to kill. The test says which as soon as it has started it; until then the fault waits.
#[derive(Debug, Default)]
pub struct Victim {
    pid: Mutex<Option<u32>>,
    named: Condvar,
}

impl Victim {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Names it: `child.id()` of a child that has not been waited for.
    pub fn is(&self, pid: u32) {
        *self.pid.lock().unwrap() = Some(pid);
        self.named.notify_all();
    }

    /// Kills it; whether it was named in time.
    pub fn kill(&self) -> bool {
        let unnamed = |pid: &mut Option<u32>| pid.is_none();
        let pid = self.pid.lock().unwrap();
        let (pid, _) = self.named.wait_timeout_while(pid, Duration::from_secs(60), unnamed).unwrap();
        let pid = pid.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        pid.is_some_and(|pid| kill_process(pid, Signal::KILL).is_ok())
    }
}
