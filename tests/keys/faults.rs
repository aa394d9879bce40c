//! Every call of every operation, answered wrongly in every way: what is left of it, once `covault key resume` has been
//! run with the provider well again, is what was wanted, or what was there before.
//!
//! Short: a spread of the matrix, at least 200 cases. Long: all of it:
//! `COVAULT_LONG=1 cargo test --test covault keys::faults -- --nocapture`

use std::time::{Duration, Instant};

use super::place::{NEW, OLD, Place, Template};
use crate::faults::rig::{each, long};
use crate::openrouter::fake::{Call, Cut, Fault, RetryAfter, Rule, When};
use crate::world::Said;

/// Something that people do at a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Issue,
    Rotate,
    Compromised,
    Revoke,
    /// Going on with a rotation that was killed when its key had just been made.
    Resume,
}

impl Act {
    fn args(self) -> &'static [&'static str] {
        match self {
            Self::Issue => &["key", "issue", NEW, "--limit", "100/month", "--limit", "10/day"],
            Self::Rotate => &["key", "rotate", OLD],
            Self::Compromised => &["key", "rotate", OLD, "--compromised"],
            Self::Revoke => &["key", "revoke", OLD, "--yes"],
            Self::Resume => &["key", "resume"],
        }
    }
}

/// One cell of the matrix.
struct Case {
    act: Act,
    call: Call,
    fault: Fault,
    when: When,
    lasting: bool,
}

impl Case {
    fn rule(&self) -> Rule {
        let rule = Rule::on(self.call, self.fault.clone()).when(self.when);
        if self.lasting { rule.always() } else { rule }
    }

    fn name(&self) -> String {
        format!("{:?}: {}", self.act, self.rule())
    }
}

fn faults() -> Vec<Fault> {
    let mut all: Vec<Fault> = [400, 401, 402, 403, 404, 409, 429, 500, 503].into_iter().map(Fault::Status).collect();
    all.extend([
        Fault::TooMany(RetryAfter::Seconds(1)),
        Fault::TooMany(RetryAfter::Date(2)),
        Fault::Html(403),
        Fault::Html(502),
        Fault::Empty(200),
        Fault::Empty(500),
        Fault::Cut(Cut::BeforeAnswer),
        Fault::Cut(Cut::AfterHead),
        Fault::Cut(Cut::HalfBody),
        Fault::Slow(Duration::from_millis(20)),
        Fault::Redirect(307, "/elsewhere".to_owned()),
        Fault::OtherShape,
        Fault::HalfJson,
    ]);
    all
}

/// The calls that an operation makes when nothing is wrong, each once, in their order.
fn calls(template: &Template, act: Act) -> Vec<Call> {
    let place = template.copy();
    place.alice().covault(act.args()).ok();
    place.settled(&format!("{act:?}"));
    place.sound(&format!("{act:?}"));
    let mut calls: Vec<Call> = Vec::new();
    for request in place.fake.requests() {
        let line = request.line();
        let (method, path) = line.split_once(' ').unwrap();
        let call = Call::of(method, path).unwrap();
        if !calls.contains(&call) {
            calls.push(call);
        }
    }
    assert!(calls.len() > 3, "{act:?}: {calls:?}");
    calls
}

fn matrix(template: &Template, act: Act) -> Vec<Case> {
    let mut all = Vec::new();
    for call in calls(template, act) {
        for fault in faults() {
            for when in When::all() {
                // 429 says that nothing was done; a provider that lies about that is not to be had.
                let turned_away = matches!(fault, Fault::Status(429) | Fault::TooMany(_));
                if turned_away && when == When::After && [Call::CreateKey, Call::CreateGuardrail].contains(&call) {
                    continue;
                }
                for lasting in [false, true] {
                    all.push(Case { act, call, fault: fault.clone(), when, lasting });
                }
            }
        }
    }
    all
}

/// Some of them, which between them have every call, every fault, both sides of the effect, and both durations.
fn spread(all: Vec<Case>, count: usize) -> Vec<Case> {
    if long() {
        return all;
    }
    // A stride that has no factor in common with the sides of the matrix.
    let (length, stride) = (all.len(), (all.len() / count).max(1) | 1);
    let stride = if stride.is_multiple_of(11) { stride + 2 } else { stride };
    all.into_iter().enumerate().filter(|(n, _)| n % stride == 0 || length <= count).map(|(_, case)| case).collect()
}

/// The codes that a command may end with, met by this fault.
fn allowed(case: &Case) -> Vec<i32> {
    let by_fault = match case.fault {
        Fault::Status(400) => 2,
        Fault::Status(401 | 403) => 4,
        Fault::Status(402) => 7,
        Fault::Status(404) => 3,
        _ => 9,
    };
    // A provider that has no such id and takes the key all the same is another account.
    let is_elsewhere = case.call == Call::GetKey && matches!(case.fault, Fault::Status(404));
    match case.fault.is_harmless() {
        true => vec![0],
        false => [0, 8, 9, by_fault].into_iter().chain(is_elsewhere.then_some(4)).collect(),
    }
}

/// Runs a case; whether its fault was met, which a busy machine may keep it from by being late before.
fn run(template: &Template, case: &Case, thorough: bool) -> bool {
    let at = case.name();
    let place = template.copy();
    let alice = place.alice();
    let first = place.remote.value(OLD).unwrap();
    if !case.fault.is_harmless() {
        place.hasty();
    }
    place.fake.inject(case.rule());
    let said = alice.covault(case.act.args());
    let met = place.fake.idle_rules().is_empty();
    assert!(!met || allowed(case).contains(&said.code), "{at}: code {}: {}\n{:#?}", said.code, said.err, place.lines());
    place.check(&said, &at);
    place.records_are_true(alice, &at);
    place.fake.clear_rules();
    place.patient();
    if said.code == 0 {
        place.settled(&format!("{at}: at once"));
        has_come(&place, case.act, &first, &said, &at);
    }
    place.resume(alice, &at);
    place.settled(&at);
    if thorough {
        place.sound(&at);
    }
    met
}

/// A command that says it is done has done it.
fn has_come(place: &Place, act: Act, first: &str, said: &Said, at: &str) {
    let now = place.remote.value(OLD);
    match act {
        Act::Issue => assert!(place.remote.value(NEW).is_some(), "{at}: {}", said.err),
        Act::Revoke => assert_eq!(now, None, "{at}: {}", said.err),
        _ => assert!(now.is_some_and(|now| now != first), "{at}: {}", said.err),
    }
}

fn survives(act: Act, template: &Template, short: usize) {
    let all = matrix(template, act);
    let (whole, begun) = (all.len(), Instant::now());
    let chosen: Vec<(usize, Case)> = spread(all, short).into_iter().enumerate().collect();
    let mut met = 0;
    each(&chosen, |(n, case)| met += usize::from(run(template, case, n.is_multiple_of(10) || long())));
    let spent = begun.elapsed();
    eprintln!("{act:?}: {} of {whole} tried, {met} met their fault, 0 violations, {spent:?}", chosen.len());
    assert!(met * 2 > chosen.len(), "{met} of {} met their fault", chosen.len());
    assert!(chosen.len() * 10 >= short * 8, "{}", chosen.len());
}

#[test]
fn an_issue_survives_every_wrong_answer_to_every_call() {
    survives(Act::Issue, &Template::new(), 50);
}

#[test]
fn a_rotation_survives_every_wrong_answer_to_every_call() {
    survives(Act::Rotate, &Template::new(), 60);
}

#[test]
fn a_rotation_of_a_compromised_key_survives_every_wrong_answer_to_every_call() {
    survives(Act::Compromised, &Template::new(), 40);
}

#[test]
fn a_revocation_survives_every_wrong_answer_to_every_call() {
    survives(Act::Revoke, &Template::new(), 30);
}

#[test]
fn going_on_survives_every_wrong_answer_to_every_call() {
    let place = Template::new().copy();
    let victim = crate::openrouter::fake::Victim::new();
    place.fake.inject(Rule::on(Call::CreateKey, Fault::Kill(std::sync::Arc::clone(&victim))).after());
    let mut child = place.begin(place.alice(), Act::Rotate.args());
    victim.is(child.id());
    child.wait().unwrap();
    assert_eq!(place.ours().len(), 2);
    survives(Act::Resume, &Template::after(place), 40);
}
