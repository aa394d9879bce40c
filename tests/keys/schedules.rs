//! Chance: three machines of two admins do what comes to their minds, are cut off, answered wrongly and killed; then the
//! provider is well again, everybody resumes, and everything must hold.
//!
//! A failure prints its seed: `COVAULT_SEED=n cargo test --test covault keys::schedules -- --nocapture`. Long, 500 of them:
//! `COVAULT_LONG=1 cargo test --test covault keys::schedules -- --nocapture`

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::place::{NEW, OLD, Template, hook, unlock};
use crate::faults::rig::long;
use crate::openrouter::fake::{Call, Cut, Fault, Rule, Victim, When};
use crate::world::said;

const SHORT: usize = 24;
const LONG: usize = 500;

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(n).unwrap()).unwrap()
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }
}

/// What goes wrong with a command.
enum Mishap {
    Nothing,
    Answer(Rule),
    Death(Rule, Arc<Victim>),
    NoNetwork,
    /// Fetches work.
    NoPush,
}

fn mishap(chance: &mut Chance) -> Mishap {
    let calls = [
        Call::CreateKey,
        Call::ListKeys,
        Call::GetKey,
        Call::UpdateKey,
        Call::DeleteKey,
        Call::CurrentKey,
        Call::CreateGuardrail,
        Call::ListGuardrails,
        Call::DeleteGuardrail,
        Call::AssignKeys,
        Call::ListAssignments,
        Call::ListWorkspaces,
    ];
    let faults = [
        Fault::Status(401),
        Fault::Status(403),
        Fault::Status(404),
        Fault::Status(409),
        Fault::Status(500),
        Fault::Html(502),
        Fault::Empty(200),
        Fault::OtherShape,
        Fault::HalfJson,
        Fault::Cut(Cut::BeforeAnswer),
        Fault::Cut(Cut::HalfBody),
        Fault::Slow(Duration::from_millis(20)),
    ];
    let when = chance.of(&When::all());
    let call = chance.of(&calls);
    match chance.below(11) {
        0..=3 => Mishap::Nothing,
        4..=6 => {
            let rule = Rule::on(call, chance.of(&faults)).when(when);
            Mishap::Answer(if chance.below(3) == 0 { rule.always() } else { rule })
        }
        7 | 8 => {
            let victim = Victim::new();
            Mishap::Death(Rule::on(call, Fault::Kill(Arc::clone(&victim))).when(when), victim)
        }
        9 => Mishap::NoNetwork,
        _ => Mishap::NoPush,
    }
}

fn act(chance: &mut Chance) -> Vec<&'static str> {
    let name = chance.of(&[OLD, OLD, NEW]);
    match chance.below(12) {
        0 | 1 => vec!["key", "issue", NEW, "--limit", "10/day", "--limit", "100/month"],
        2..=5 => vec!["key", "rotate", name],
        6 => vec!["key", "rotate", name, "--compromised"],
        7 => vec!["key", "revoke", name, "--yes"],
        8 | 9 => vec!["key", "resume"],
        _ => vec!["sync"],
    }
}

fn schedule(template: &Template, seed: u64) {
    let mut chance = Chance(seed);
    let place = template.copy();
    let mut story = Vec::new();
    let steps = 4 + chance.below(5);
    for _ in 0..steps {
        let person = &place.people[chance.below(place.people.len())];
        let (args, mishap) = (act(&mut chance), mishap(&mut chance));
        story.push(format!("{}: {}", person.name, args.join(" ")));
        let victim = Victim::new();
        let (rule, victim) = match &mishap {
            Mishap::Nothing | Mishap::NoNetwork | Mishap::NoPush => (None, victim),
            Mishap::Answer(rule) => (Some(rule.clone()), victim),
            Mishap::Death(rule, victim) => (Some(rule.clone()), Arc::clone(victim)),
        };
        if let Some(rule) = rule {
            story.push(format!("    {rule}"));
            place.fake.inject(rule);
            place.hasty();
        }
        let away = person.repo.join(".git/config.away");
        if matches!(mishap, Mishap::NoNetwork) {
            story.push("    without a network".to_owned());
            std::fs::copy(person.repo.join(".git/config"), &away).unwrap();
            person.git(["remote", "set-url", "origin", "/nowhere/at/all"]).ok();
        }
        if matches!(mishap, Mishap::NoPush) {
            story.push("    without a push".to_owned());
            hook(place.world.path(), "pre-receive", "#!/bin/sh\nexit 1\n");
        }
        let child = place.begin(person, &args);
        victim.is(child.id());
        let said = said(child.wait_with_output().unwrap());
        if away.exists() {
            std::fs::rename(&away, person.repo.join(".git/config")).unwrap();
        }
        if matches!(mishap, Mishap::NoPush) {
            std::fs::remove_file(place.world.path().join("shared répo.git/hooks/pre-receive")).unwrap();
        }
        place.fake.clear_rules();
        place.patient();
        story.push(format!("    -> {} {}", said.code, said.err.trim().replace('\n', "\n       ")));
        unlock(person);
        place.check(&said, &format!("seed {seed}:\n{}", story.join("\n")));
    }
    let at = format!("seed {seed}:\n{}", story.join("\n"));
    for _ in 0..2 {
        for person in &place.people {
            place.resume(person, &at);
        }
    }
    place.settled(&at);
    if seed.is_multiple_of(8) {
        place.sound(&at);
    }
}

#[test]
fn whatever_happens_resuming_leaves_one_key_for_each_secret() {
    let template = Template::new();
    let given = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (first, count) = match given("COVAULT_SEED") {
        Some(seed) => (seed, 1),
        None if long() => (given("COVAULT_FIRST").unwrap_or(1), LONG),
        None => (1, SHORT),
    };
    let (next, begun) = (AtomicUsize::new(0), Instant::now());
    let failed = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::SeqCst);
                    if n >= count {
                        return;
                    }
                    let seed = first + u64::try_from(n).unwrap();
                    let run = std::panic::AssertUnwindSafe(|| schedule(&template, seed));
                    if std::panic::catch_unwind(run).is_err() {
                        failed.lock().unwrap().push(seed);
                    }
                    if n % 50 == 49 {
                        eprintln!("{} tried, {} violations", n + 1, failed.lock().unwrap().len());
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    eprintln!("{count} schedules from seed {first} tried, {} violations, {:?}", failed.len(), begun.elapsed());
    assert!(failed.is_empty(), "seeds {failed:?}");
}
