//! Whatever answers in a provider's place: every call ends, says so in few words, and never shows the key that it was made
//! with or the one that was asked for.
//!
//! The first byte says which call is made. Then come the answers, parted by `%%`: a status, a blank and perhaps a
//! `Retry-After` in one line, the body in the rest, in which `{KEY}` is the management key and `{NEW}` a new one. Nothing
//! leaves this machine: a thread answers on a port of its own.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use covault::model::keys::limit::{Limit, Window};
use covault::model::keys::record::RemoteId;
use covault::model::time::Time;
use covault::plaintext::Plaintext;
use covault::providers::openrouter::OpenRouter;
use covault::providers::{
    Account, Guard, Inspect, Issue, KeySpec, Pace, Probe, RemoteKey, Result, Revoke, SetLimit, Settings, Switch,
};

use super::targets::Target;

/// The target.
pub const TARGET: Target = ("answers", run, 2048);

const KEY: &str = "sk-or-v1-management-0f1e2d3c4b5a69788796a5b4c3d2e1f0";
const NEW: &str = "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";

type Queue = Arc<Mutex<VecDeque<Vec<u8>>>>;

thread_local! {
    static RIG: Rig = Rig::new();
}

struct Rig {
    answers: Queue,
    provider: OpenRouter,
}

fn run(data: &[u8]) {
    let Some((call, answers)) = data.split_first() else { return };
    RIG.with(|rig| {
        *rig.answers.lock().expect("a queue") = parts(answers).into_iter().map(|part| answer(&part)).collect();
        make(&rig.provider, *call);
    });
}

fn make(provider: &OpenRouter, call: u8) {
    let id = RemoteId::parse("0123abcd").expect("an id");
    let limit = Limit { amount: "25".parse::<Limit>().expect("a limit").amount, window: Window::Month };
    let secret = Plaintext::from_text(NEW);
    let spec = KeySpec { name: "covault".to_owned(), limit: Some(limit), expires: None };
    match call % 15 {
        0 => drop(check(provider.check())),
        1 => {
            let keys = check(provider.list()).unwrap_or_default();
            let ids: std::collections::BTreeSet<_> = keys.iter().map(|key| &key.id).collect();
            assert_eq!(ids.len(), keys.len(), "a key is listed twice");
        }
        2 => named(check(provider.get(&id)).flatten(), &id),
        3 => {
            if let Some(minted) = check(provider.create(&spec)) {
                let text = minted.secret.expose_str().expect("printable").to_owned();
                assert!(!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()));
                assert!(text.len() < 16 || !format!("{:?}", minted.secret).contains(&text));
            }
        }
        4 => named(check(provider.set_limit(&id, Some(limit))), &id),
        5 => named(check(provider.set_enabled(&id, false)).flatten(), &id),
        6 => drop(check(provider.delete(&id))),
        7 => drop(check(provider.guardrails())),
        8 => drop(check(provider.create_guardrail("covault", limit))),
        9 => drop(check(provider.change_guardrail(&id, limit))),
        10 => drop(check(provider.assignments())),
        11 => drop(check(provider.assign(&id, &id))),
        12 => drop(check(provider.delete_guardrail(&id))),
        13 => drop(check(provider.probe(&secret))),
        _ => drop(check(provider.label(&secret))),
    }
}

fn named(key: Option<RemoteKey>, id: &RemoteId) {
    assert!(key.is_none_or(|key| key.id == *id), "another key than the one that was asked for");
}

fn check<T>(result: Result<T>) -> Option<T> {
    let error = match result {
        Ok(done) => return Some(done),
        Err(error) => error,
    };
    super::targets::check_length(&error);
    let said = format!("{error} {error:?}");
    assert!(!said.contains(KEY) && !said.contains(NEW), "an error shows a key: {said}");
    assert!(!error.to_string().chars().any(char::is_control), "an error with control characters: {error:?}");
    None
}

fn parts(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = vec![Vec::new()];
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match line {
            b"%%\n" => parts.push(Vec::new()),
            line => parts.last_mut().expect("one at least").extend_from_slice(line),
        }
    }
    parts
}

/// The bytes of an answer, from a line and a body.
fn answer(part: &[u8]) -> Vec<u8> {
    let (head, body) = match part.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&part[..at], &part[at + 1..]),
        None => (&part[..0], part),
    };
    let head = String::from_utf8_lossy(head);
    let (status, after) = head.split_once(' ').unwrap_or((&head, ""));
    let status = status.parse().ok().filter(|status| (200..600).contains(status)).unwrap_or(200_u16);
    // No other bytes can stand in a header, and 0 would have us ask for ever.
    let after: String = after.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(40).collect();
    let after = if after.trim().is_empty() { String::new() } else { format!("Retry-After: 9{after}\r\n") };
    let mut body = body.to_vec();
    for (place, key) in [("{KEY}", KEY), ("{NEW}", NEW)] {
        while let Some(at) = body.windows(place.len()).position(|window| window == place.as_bytes()) {
            body.splice(at..at + place.len(), key.bytes());
        }
    }
    let length = if matches!(status, 204 | 304) { 0 } else { body.len() };
    let mut answer = format!("HTTP/1.1 {status} Said\r\n{after}Content-Length: {length}\r\n\r\n").into_bytes();
    answer.extend_from_slice(&body[..length]);
    answer
}

impl Rig {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/api/v1", listener.local_addr().expect("an address"));
        let answers = Queue::default();
        let queue = Arc::clone(&answers);
        // They end with the process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let queue = Arc::clone(&queue);
                std::thread::spawn(move || serve(stream, &queue));
            }
        });
        let minute = Duration::from_secs(60);
        let pace = Pace {
            request: Duration::from_secs(5),
            overall: Duration::from_secs(5),
            // Longer than there is time: each call is made once.
            first_wait: minute,
            longest_wait: minute,
        };
        let now = Time::from_unix(1_790_000_000);
        let settings = Settings { url: Some(url), agent: "covault-fuzz".to_owned(), pace, now };
        let provider = OpenRouter::new(&settings, Plaintext::from_text(KEY)).expect("a provider");
        Self { answers, provider }
    }
}

/// Answers one request after the other; when there is no answer left, that there is nothing.
fn serve(stream: TcpStream, answers: &Queue) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line == "\r\n" {
                break;
            }
        }
        reader.read_exact(&mut vec![0; length]).ok()?;
        let next = answers.lock().ok()?.pop_front();
        let next = next.unwrap_or_else(|| answer(b"404\n{\"error\":{\"message\":\"no more\"}}"));
        reader.get_mut().write_all(&next).ok()?;
    }
}
