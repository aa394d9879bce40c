//! Every call, every fault, on either side of the effect: what is answered, and how many requests that took.
//!
//! The cases are made, not written; what each must come to is worked out in [`expected`] from what the fault is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::Duration;

use covault::providers::{Pace, Problem};

use super::ops::{Came, Op, Scene};
use super::{PACE, reach};
use crate::openrouter::fake::{Call, Fault, RetryAfter, Rule, When};

/// All the time that there is for a fault that stays.
const SHORT: Duration = Duration::from_millis(1600);

/// What must come of a call, without the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Good,
    Absent,
    NotTaken,
    Refused(u16),
    Unreadable(u16),
    Redirected(u16),
    NoAnswer,
    NotSent,
    Settings,
}

impl From<&Came> for Class {
    fn from(came: &Came) -> Self {
        match came {
            Came::Good => Self::Good,
            Came::Absent => Self::Absent,
            Came::NotTaken => Self::NotTaken,
            Came::Failed(error) => match &error.problem {
                Problem::Settings(_) => Self::Settings,
                Problem::NotSent(_) => Self::NotSent,
                Problem::NoAnswer(_) => Self::NoAnswer,
                Problem::Unreadable { status, .. } => Self::Unreadable(*status),
                Problem::Redirected { status } => Self::Redirected(*status),
                Problem::Refused { status, .. } => Self::Refused(*status),
                Problem::StillThere => panic!("the client looks at nothing afterwards"),
            },
        }
    }
}

/// What a single try comes to, and whether it may pass.
fn of_one_try(call: Call, fault: &Fault) -> (Class, bool) {
    match fault {
        Fault::Status(status) => (Class::Refused(*status), matches!(status, 408 | 429 | 500 | 502 | 503 | 504 | 520)),
        Fault::TooMany(_) => (Class::Refused(429), true),
        Fault::Unavailable(_) => (Class::Refused(503), true),
        Fault::Html(status) | Fault::Empty(status) => (Class::Unreadable(*status), true),
        Fault::Cut(_) => (Class::NoAnswer, true),
        Fault::Redirect(status, _) => (Class::Redirected(*status), false),
        Fault::OtherShape | Fault::HalfJson => (Class::Unreadable(call.ok()), true),
        Fault::Huge(_) => (Class::Unreadable(call.ok()), false),
        Fault::Slow(_) | Fault::Dribble(..) => (Class::Good, false),
        Fault::Field(..) | Fault::Run(_) | Fault::Kill(_) => panic!("not in the matrix"),
    }
}

/// What a call comes to with a fault that happens once, or always, and after how many requests of the faulty kind;
/// `None` where only the deadline ends it.
fn expected(op: Op, call: Call, fault: &Fault, always: bool) -> (Class, Option<usize>) {
    let (class, mut passing) = of_one_try(call, fault);
    let turned_away = matches!(class, Class::Refused(429) | Class::Unreadable(429));
    let conflict = class == Class::Refused(409) && matches!(call, Call::UpdateKey | Call::UpdateGuardrail);
    passing |= conflict;
    if op.makes() {
        passing = turned_away;
    }
    let mut result = match class {
        Class::Refused(404) if op.may_be_absent() => {
            if matches!(op, Op::Get | Op::Enable) {
                Class::Absent
            } else {
                Class::Good
            }
        }
        Class::Refused(401) if op == Op::Probe => Class::NotTaken,
        class => class,
    };
    let few = conflict || matches!(class, Class::Unreadable(status) if status < 500 && status != 429);
    let requests = match (passing, always) {
        (false, _) => Some(1),
        (true, false) => {
            result = Class::Good;
            Some(2)
        }
        (true, true) if few || call == Call::Credits => Some(4),
        (true, true) => None,
    };
    // Nice to have, and no more.
    let optional = match call {
        Call::Credits => true,
        Call::ListWorkspaces => matches!(class, Class::Refused(402 | 403 | 404 | 405 | 501) | Class::Unreadable(404)),
        _ => false,
    };
    let result = if optional { Class::Good } else { result };
    // A page more says that there is none.
    let pages = usize::from(call == Call::ListKeys && result == Class::Good);
    (result, requests.map(|requests| requests + pages))
}

/// Faults of every kind, and those that only a client of HTTP minds.
fn faults() -> Vec<Fault> {
    let mut all = Fault::all();
    // 64 MiB take their time to make; a little too much will do.
    all.retain(|fault| !matches!(fault, Fault::Huge(_)));
    all.push(Fault::Huge(9));
    all.extend([408, 405, 501, 504, 520].map(Fault::Status));
    all.extend([Fault::Html(404), Fault::Html(401), Fault::Html(429), Fault::Empty(404), Fault::Empty(204)]);
    all
}

fn case(op: Op, call: Call, fault: &Fault, when: When, always: bool) -> (String, impl Fn() + use<>) {
    let rule = Rule::on(call, fault.clone()).when(when);
    let rule = if always { rule.always() } else { rule };
    let name = format!("{op:?}: {rule}");
    let fault = fault.clone();
    (name, move || {
        let scene = Scene::new();
        scene.fake.inject(rule.clone());
        let pace = match fault {
            _ if !always || matches!(fault, Fault::Huge(_)) => PACE,
            Fault::Slow(_) => Pace { request: SHORT / 2, overall: SHORT, ..PACE },
            // Nobody waits for a fault that stays.
            _ if op.makes() => Pace { request: SHORT / 2, overall: SHORT, longest_wait: SHORT / 8, ..PACE },
            _ => Pace { request: SHORT, overall: SHORT, longest_wait: SHORT / 8, ..PACE },
        };
        let key = scene.fake.management_key();
        let (came, shown) = op.run(&reach(&scene.fake.url(), &key, pace), &scene);
        let asked = scene.fake.count(call);
        assert!(scene.fake.idle_rules().is_empty(), "it was never asked");

        let (mut class, mut requests) = expected(op, call, &fault, always);
        let waits = matches!(fault, Fault::TooMany(_) | Fault::Unavailable(_));
        if always && waits && requests != Some(1) {
            // It asks for more time than there is.
            requests = Some(1);
        }
        if always && matches!(fault, Fault::Slow(_)) {
            // No word in time, however often it is asked.
            let optional = call == Call::Credits;
            class = if optional { Class::Good } else { Class::NoAnswer };
            requests = if op.makes() { Some(1) } else { None };
        }
        assert_eq!(Class::from(&came), class, "{shown}");
        match requests {
            Some(exactly) => assert_eq!(asked, exactly, "requests; {shown}"),
            None => assert!(
                asked >= if matches!(fault, Fault::Slow(_)) { 1 } else { 2 },
                "it was tried {asked} times; {shown}"
            ),
        }
        let said = scene.fake.requests().iter().all(|one| {
            one.bearer.as_deref().is_some_and(|with| if op == Op::Probe { with == scene.secret } else { with == key })
        });
        assert!(said, "another key was sent");
        for key in scene.fake.keys().iter().map(|one| &one.secret).chain([&key]) {
            assert!(!shown.contains(key.as_str()), "it shows a key: {shown}");
        }
    })
}

/// Runs cases side by side: most of them wait. Fails with the names of all that failed.
fn run(of: &str, cases: Vec<(String, impl Fn() + Send)>) {
    let (count, failed) = (cases.len(), Mutex::new(Vec::new()));
    let waiting = Mutex::new(cases);
    std::thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| {
                loop {
                    let Some((name, case)) = waiting.lock().unwrap().pop() else { return };
                    if catch_unwind(AssertUnwindSafe(case)).is_err() {
                        failed.lock().unwrap().push(name);
                    }
                }
            });
        }
    });
    println!("{of}: {count} cases");
    let mut failed = failed.into_inner().unwrap();
    failed.sort();
    assert!(failed.is_empty(), "{} of {count} cases failed:\n{}", failed.len(), failed.join("\n"));
}

fn matrix(of: &str, ops: &[Op], least: usize) {
    let mut cases = Vec::new();
    for &op in ops {
        for &call in op.calls() {
            for fault in faults() {
                cases.extend(When::all().map(|when| case(op, call, &fault, when, false)));
                // What answers truly for ever is no fault.
                let ends = !matches!(fault, Fault::Dribble(..));
                // Nor what asks for a second, and then for another one.
                let fault = match fault {
                    Fault::TooMany(RetryAfter::Seconds(_)) => Fault::TooMany(RetryAfter::Seconds(600)),
                    Fault::TooMany(RetryAfter::Date(_)) => Fault::TooMany(RetryAfter::Date(600)),
                    Fault::Unavailable(_) => Fault::Unavailable(RetryAfter::Seconds(600)),
                    Fault::Slow(_) => Fault::Slow(Duration::from_secs(3600)),
                    fault => fault,
                };
                cases.extend(ends.then(|| case(op, call, &fault, When::Before, true)));
            }
        }
    }
    assert!(cases.len() >= least, "there are {} cases", cases.len());
    run(of, cases);
}

#[test]
fn checking_an_account_meets_every_fault() {
    matrix("Account", &[Op::Check], 200);
}

#[test]
fn making_a_key_meets_every_fault() {
    matrix("Issue", &[Op::Create], 100);
}

#[test]
fn looking_at_keys_meets_every_fault() {
    matrix("Inspect", &[Op::List, Op::Get], 300);
}

#[test]
fn limiting_a_key_meets_every_fault() {
    matrix("SetLimit", &[Op::SetLimit], 100);
}

#[test]
fn guarding_keys_meets_every_fault() {
    let ops = [Op::Guardrails, Op::ChangeGuardrail, Op::GuardrailOf, Op::Assign, Op::DeleteGuardrail];
    matrix("Guard", &ops, 500);
    matrix("Guard, making", &[Op::CreateGuardrail], 100);
}

#[test]
fn switching_a_key_meets_every_fault() {
    matrix("Switch", &[Op::Enable], 100);
}

#[test]
fn deleting_a_key_meets_every_fault() {
    matrix("Revoke", &[Op::Delete], 100);
}

#[test]
fn trying_a_key_out_meets_every_fault() {
    matrix("Probe", &[Op::Probe], 100);
}

#[test]
fn a_key_is_asked_for_once_unless_it_was_turned_away() {
    let turned_away = |fault: &Fault| matches!(fault, Fault::Status(429) | Fault::TooMany(_) | Fault::Html(429));
    assert_eq!(faults().iter().filter(|fault| turned_away(fault)).count(), 4);
    let mut cases = Vec::new();
    for fault in faults() {
        for when in When::all() {
            let (fault, asked) = (fault.clone(), if turned_away(&fault) { 2 } else { 1 });
            let rule = Rule::on(Call::CreateKey, fault).when(when);
            let name = format!("Issue, {asked}: {rule}");
            cases.push((name, move || {
                let scene = Scene::new();
                scene.fake.inject(rule.clone());
                let _ = Op::Create.run(&reach(&scene.fake.url(), &scene.fake.management_key(), PACE), &scene);
                assert_eq!(scene.fake.count(Call::CreateKey), asked);
            }));
        }
    }
    run("Issue, asked once", cases);
}
