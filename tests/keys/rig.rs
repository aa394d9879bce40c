#![allow(dead_code)]
//! A team with a provider: the fake, an admin whose covault speaks to it, and short waits.

use std::time::Duration;

use covault::home::{Home, KeySources};
use covault::model::time::Time;
use covault::vault::Vault;
use covault::vault::keys::{Desk, Pace, Settings, Written};
use covault::vault::write::How;

use crate::openrouter::fake::Fake;
use crate::world::{Person, Said, World};

/// A team and its provider.
pub struct Rig {
    pub world: World,
    pub fake: Fake,
    pub alice: Person,
}

impl Rig {
    /// Alice with a vault that is pushed, logged in to the provider.
    pub fn new() -> Self {
        let (world, fake) = (World::new(), Fake::start());
        let mut alice = world.team("alice");
        reaches(&mut alice, &fake);
        log_in(&alice, &fake);
        alice.push("main");
        Self { world, fake, alice }
    }

    /// The same without a remote.
    pub fn alone() -> Self {
        let (world, fake) = (World::new(), Fake::start());
        let mut alice = world.founder("alice");
        reaches(&mut alice, &fake);
        log_in(&alice, &fake);
        Self { world, fake, alice }
    }

    /// Somebody else who joins, and reaches the provider, too.
    pub fn joins(&self, name: &str) -> Person {
        let mut person = self.world.joins(&self.alice, name);
        reaches(&mut person, &self.fake);
        person
    }
}

/// Lets somebody's covault speak to the fake, without long waits.
pub fn reaches(person: &mut Person, fake: &Fake) {
    person.vars.push(("COVAULT_OPENROUTER_URL".to_owned(), fake.url()));
    let config = person.home.join(".config/covault");
    std::fs::create_dir_all(&config).unwrap();
    let calls = "[calls]\nrequest = \"5s\"\noverall = \"3s\"\nfirst-wait = \"1ms\"\nlongest-wait = \"5ms\"\nsettle = \"0s\"\npatience = \"50ms\"\n";
    std::fs::write(config.join("config.toml"), calls).unwrap();
}

/// Stores the management key.
#[track_caller]
pub fn log_in(person: &Person, fake: &Fake) {
    person.covault_fed(fake.management_key().as_bytes(), ["key", "login"]).ok();
}

/// The library's desk at another time than now, for the vault and for the fake: nothing may be committed with it.
pub fn desk_at<T>(person: &Person, fake: &Fake, now: &str, work: impl FnOnce(&Desk<'_>) -> T) -> T {
    fake.set_now(now);
    let now = Time::parse(now).expect("a time");
    let home = || {
        let sources = KeySources { literal: None, identity_file: None, signing_file: None, agent_socket: None };
        let nobody = Box::new(|_: &str| None);
        Home::new(person.home.join(".config/covault"), person.home.join(".local/state/covault"), sources, nobody)
    };
    let open = || Vault::open(&person.repo, home(), None);
    let pace = Pace {
        request: Duration::from_secs(5),
        overall: Duration::from_secs(3),
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(5),
    };
    let machine = home();
    work(&Desk {
        open: &open,
        start: &person.repo,
        expected: None,
        home: &machine,
        how: How { now, dry_run: false, no_commit: false, program: "covault".to_owned() },
        settings: Settings { url: Some(fake.url()), agent: "covault/test".to_owned(), pace, now },
        settle: Duration::ZERO,
        patience: Duration::from_millis(50),
        clock: &move || now,
        sleep: &|_| (),
        say: &|_| (),
        written: Written::default(),
    })
}

/// So many days from now, as the vault spells it: far enough, and every window has ended.
pub fn days_on(days: i64) -> String {
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days);
    Time::from_unix(later.as_second()).to_string()
}

/// Another machine of somebody, with their keys and a clone of its own.
pub fn machine_of(rig: &Rig, name: &str) -> Person {
    let mut machine = rig.world.newcomer(name);
    machine.take_keys_of(&rig.alice);
    reaches(&mut machine, &rig.fake);
    let words = json_of(&rig.alice.covault(["status", "--json"]))["words"].as_str().unwrap().to_owned();
    machine.covault(["setup", "--vault", &words]).ok();
    machine
}

/// Issues keys that have expired by the time that this is through. The provider's clock stands still meanwhile: they work
/// there, however long that takes.
pub fn issue_overdue(rig: &Rig, names: &[&str]) {
    let now = jiff::Timestamp::now().as_second();
    rig.fake.set_now(&Time::from_unix(now).to_string());
    let end = now + 8;
    for name in names {
        rig.alice.covault(["key", "issue", name, "--expires", &Time::from_unix(end).to_string()]).ok();
    }
    while jiff::Timestamp::now().as_second() <= end {
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The limit of a key at the fake, as text: `10 Daily`.
pub fn limit_of(fake: &Fake, hash: &str) -> String {
    let key = fake.key(hash);
    match key.limit {
        Some(limit) => {
            format!("{} {}", limit.normalize(), key.limit_reset.map_or_else(String::new, |it| format!("{it:?}")))
        }
        None => "none".to_owned(),
    }
}

/// The same of its guardrail.
pub fn guard_of(fake: &Fake, hash: &str) -> String {
    match fake.guardrail_of(hash) {
        Some(guardrail) => {
            let limit = guardrail.limit_usd.map(|limit| limit.normalize().to_string()).unwrap_or_default();
            format!("{limit} {}", guardrail.reset_interval.map_or_else(String::new, |it| format!("{it:?}")))
        }
        None => "none".to_owned(),
    }
}

/// What `--json` says.
#[track_caller]
pub fn json_of(said: &Said) -> serde_json::Value {
    serde_json::from_str(&said.text()).unwrap_or_else(|error| panic!("{error}: {} {}", said.text(), said.err))
}
