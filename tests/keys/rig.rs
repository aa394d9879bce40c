#![allow(dead_code)]
//! A team with a provider: the fake, an admin whose covault speaks to it, and short waits.

use crate::openrouter::fake::Fake;
use crate::world::{Person, World};

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
