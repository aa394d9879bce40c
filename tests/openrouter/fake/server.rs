//! The server: a thread that accepts, a thread a connection, and a log. It ends with its owner.

use std::io::Write as _;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::account::Account;
use super::answer::Answer;
use super::call::{Call, Pattern};
use super::fault::{Cut, Fault};
use super::http::{self, Ask};
use super::routes;
use super::rule::{Rule, Rules, When};

/// A request that came, and what became of it.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Below the base and with its query: `/keys?offset=100`. A path outside of the API is whole.
    pub path: String,
    /// None while it is not answered, and where it never was.
    pub status: Option<u16>,
    pub body: String,
    /// The secret that came with it.
    pub bearer: Option<String>,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The rule that it met.
    pub rule: Option<String>,
    /// Whether it reached the account, which may have refused it.
    pub carried_out: bool,
}

impl Request {
    /// `POST /keys`, without the query.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.bare_path())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("a body of JSON")
    }

    fn bare_path(&self) -> &str {
        let path = self.path.split_once('?').map_or(self.path.as_str(), |(path, _)| path);
        path.strip_suffix('/').unwrap_or(path)
    }
}

/// The account, the rules and the log: what tests and callbacks work with while the server runs.
pub struct Handle {
    address: SocketAddr,
    account: Mutex<Account>,
    rules: Mutex<Rules>,
    log: Mutex<Vec<Request>>,
    watcher: Mutex<Option<Watcher>>,
    ending: Mutex<bool>,
    ends: Condvar,
    connections: Mutex<Vec<Connection>>,
    broken: AtomicBool,
}

/// Sees each request, as `POST /keys` and its body, before anything comes of it.
pub type Watcher = Arc<dyn Fn(&str, &str) + Send + Sync>;

struct Connection {
    stream: TcpStream,
    thread: JoinHandle<()>,
}

impl Handle {
    /// Looks into the account or changes it. Requests wait meanwhile: make none within.
    pub fn with<T>(&self, act: impl FnOnce(&mut Account) -> T) -> T {
        act(&mut self.account.lock().unwrap())
    }

    /// Gives a rule; the first one given that is due is the one that fires.
    pub fn inject(&self, rule: Rule) {
        self.rules.lock().unwrap().0.push(rule);
    }

    /// Has every request looked at before it meets a rule or the account. The client waits meanwhile.
    pub fn watch(&self, watcher: impl Fn(&str, &str) + Send + Sync + 'static) {
        *self.watcher.lock().unwrap() = Some(Arc::new(watcher));
    }

    /// Takes all rules back.
    pub fn clear_rules(&self) {
        self.rules.lock().unwrap().0.clear();
    }

    /// The rules that have never fired, by name: a test that injects should find none.
    pub fn idle_rules(&self) -> Vec<String> {
        self.rules.lock().unwrap().idle()
    }

    /// Every request, in the order in which they came.
    pub fn requests(&self) -> Vec<Request> {
        self.log.lock().unwrap().clone()
    }

    /// The requests that match `POST /keys` or the like.
    pub fn requests_to(&self, pattern: impl Into<Pattern>) -> Vec<Request> {
        let pattern = pattern.into();
        self.requests().into_iter().filter(|one| pattern.matches(&one.method, one.bare_path())).collect()
    }

    /// How many there are of them.
    pub fn count(&self, pattern: impl Into<Pattern>) -> usize {
        self.requests_to(pattern).len()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.log.lock().unwrap().clear();
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits, but not beyond the server's end; whether it has ended.
    fn pause(&self, time: Duration) -> bool {
        let ending = self.ending.lock().unwrap();
        *self.ends.wait_timeout_while(ending, time, |ending| !*ending).unwrap().0
    }

    fn is_ending(&self) -> bool {
        *self.ending.lock().unwrap()
    }

    /// Logs an arrival; answers its place in the log.
    fn arrived(&self, ask: &Ask, rule: Option<String>) -> Entry<'_> {
        let mut log = self.log.lock().unwrap();
        log.push(Request {
            method: ask.method.clone(),
            path: ask.place().to_owned(),
            status: None,
            body: String::from_utf8_lossy(&ask.body).into_owned(),
            bearer: ask.bearer().map(str::to_owned),
            headers: ask.headers.clone(),
            rule,
            carried_out: false,
        });
        Entry { handle: self, at: log.len() - 1 }
    }
}

/// A place in the log. A log that was cleared meanwhile has none any more.
struct Entry<'a> {
    handle: &'a Handle,
    at: usize,
}

impl Entry<'_> {
    fn note(&self, change: impl FnOnce(&mut Request)) {
        if let Some(entry) = self.handle.log.lock().unwrap().get_mut(self.at) {
            change(entry);
        }
    }
}

/// The threads.
pub struct Server {
    handle: Arc<Handle>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let handle = Arc::new(Handle {
            address: listener.local_addr().unwrap(),
            account: Mutex::new(Account::new()),
            rules: Mutex::default(),
            log: Mutex::default(),
            watcher: Mutex::default(),
            ending: Mutex::new(false),
            ends: Condvar::new(),
            connections: Mutex::default(),
            broken: AtomicBool::new(false),
        });
        let shared = Arc::clone(&handle);
        let accepting = thread::spawn(move || accept(&shared, &listener));
        Self { handle, accepting: Some(accepting) }
    }

    pub fn shared(&self) -> &Handle {
        &self.handle
    }

    pub fn handle(&self) -> Arc<Handle> {
        Arc::clone(&self.handle)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        *self.handle.ending.lock().unwrap() = true;
        self.handle.ends.notify_all();
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.handle.address);
        let mut fine = self.accepting.take().is_none_or(|thread| thread.join().is_ok());
        let connections = std::mem::take(&mut *self.handle.connections.lock().unwrap());
        for connection in &connections {
            let _ = connection.stream.shutdown(Shutdown::Both);
        }
        for connection in connections {
            fine &= connection.thread.join().is_ok();
        }
        // Callbacks may hold the handle, which holds them.
        self.handle.rules.lock().unwrap().0.clear();
        *self.handle.watcher.lock().unwrap() = None;
        fine &= !self.handle.broken.load(Ordering::SeqCst);
        assert!(fine || thread::panicking(), "a thread of the fake panicked: see above");
    }
}

fn accept(handle: &Arc<Handle>, listener: &TcpListener) {
    for stream in listener.incoming() {
        if handle.is_ending() {
            return;
        }
        let Ok(stream) = stream else { continue };
        let Ok(kept) = stream.try_clone() else { continue };
        let shared = Arc::clone(handle);
        let thread = thread::spawn(move || serve(&shared, stream));
        let mut connections = handle.connections.lock().unwrap();
        connections.push(Connection { stream: kept, thread });
        let (done, open): (Vec<_>, Vec<_>) = connections.drain(..).partition(|one| one.thread.is_finished());
        *connections = open;
        if done.into_iter().any(|one| one.thread.join().is_err()) {
            handle.broken.store(true, Ordering::SeqCst);
        }
    }
}

/// One connection, request after request.
fn serve(handle: &Handle, mut stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut kept = Vec::new();
    // What does not speak HTTP, or goes away, is left alone: that is its own test's business.
    while let Ok(Some(ask)) = http::read(&mut stream, &mut kept) {
        let last = ask.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        if !turn(handle, &mut stream, &ask) || last {
            break;
        }
    }
    let _ = stream.shutdown(Shutdown::Both);
}

/// One request: its fault, its effect, its answer. Whether the connection stays open.
fn turn(handle: &Handle, stream: &mut TcpStream, ask: &Ask) -> bool {
    let watcher = handle.watcher.lock().unwrap().clone();
    if let Some(watch) = watcher {
        watch(&format!("{} {}", ask.method, ask.path()), &String::from_utf8_lossy(&ask.body));
    }
    let rule = handle.rules.lock().unwrap().hit(&ask.method, ask.path());
    let entry = handle.arrived(ask, rule.as_ref().map(Rule::to_string));
    let carry_out = || {
        entry.note(|request| request.carried_out = true);
        handle.with(|account| routes::answer(account, ask))
    };
    let Some((when, fault)) = rule.map(Rule::parts) else {
        let truth = carry_out();
        entry.note(|request| request.status = Some(truth.status));
        return whole(stream, &truth);
    };

    let ok = Call::of(&ask.method, ask.path()).map_or(200, Call::ok);
    let truth = if when == When::After { Some(carry_out()) } else { None };
    match &fault {
        Fault::Slow(time) if handle.pause(*time) => return false,
        Fault::Run(callback) => callback(),
        Fault::Kill(victim) => assert!(victim.kill(), "nobody was there to kill"),
        _ => {}
    }
    let truth = match truth {
        Some(truth) => truth,
        None if fault.is_harmless() => carry_out(),
        // What it would have looked like: the client cannot tell.
        None => Answer::data(ok, "this never happened"),
    };
    let answer = fault.instead(ok, truth);
    let said = match fault {
        Fault::Cut(Cut::BeforeAnswer) | Fault::Kill(_) => None,
        _ => Some(answer.status),
    };
    entry.note(|request| request.status = said);
    match fault {
        Fault::Kill(_) | Fault::Cut(Cut::BeforeAnswer) => false,
        Fault::Cut(Cut::AfterHead) => part(stream, &answer, 0),
        Fault::Cut(Cut::HalfBody) => part(stream, &answer, answer.body.len() / 2),
        Fault::Dribble(size, pause) => dribble(handle, stream, &answer, size, pause),
        _ => whole(stream, &answer),
    }
}

fn whole(stream: &mut TcpStream, answer: &Answer) -> bool {
    let mut bytes = http::head_of(answer);
    bytes.extend_from_slice(&answer.body);
    stream.write_all(&bytes).is_ok()
}

/// The head and the first bytes of the body, and then the end.
fn part(stream: &mut TcpStream, answer: &Answer, bytes: usize) -> bool {
    let _ = stream.write_all(&http::head_of(answer));
    let _ = stream.write_all(&answer.body[..bytes]);
    false
}

fn dribble(handle: &Handle, stream: &mut TcpStream, answer: &Answer, size: usize, pause: Duration) -> bool {
    let mut bytes = http::head_of(answer);
    bytes.extend_from_slice(&answer.body);
    bytes.chunks(size.max(1)).all(|piece| !handle.pause(pause) && stream.write_all(piece).is_ok())
}
