//! The world that a script runs in: people with clones of one bare repository, their clocks, and what was counted.
//!
//! It says nothing about right and wrong: that is [`super::judge`]'s.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use covault::home::Keys;
use covault::model::roster::Role as Rank;
use covault::model::time::Time;
use covault::vault::write::How;
use sha2::{Digest as _, Sha256};

use super::dice::Dice;
use super::lies::Lies;
use super::oracle::{Oracle, View};
use super::reading::{self, Sealed};
use super::script::{Part, Role, Script};
use crate::faults::rig::CANARY;
use crate::team;
use crate::world::{Person, Said, World};

/// Something that must never happen.
#[derive(Debug, Clone)]
pub struct Violation {
    /// Which rule was broken, in two or three words: shrinking keeps to it.
    pub rule: &'static str,
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.text)
    }
}

pub fn violation<T>(rule: &'static str, text: impl Into<String>) -> Result<T, Violation> {
    Err(Violation { rule, text: text.into() })
}

/// Whether a step did anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// It makes no sense here: nothing happened.
    Passed,
}

/// Somebody in the cast.
pub struct Actor {
    pub person: Person,
    pub role: Role,
    /// The same person in a linked work tree.
    pub linked: Option<Person>,
    /// How far their clock is from the right time, in seconds.
    pub skew: i64,
    /// They have left.
    pub gone: bool,
}

impl Actor {
    pub fn new(person: Person, role: Role, skew: i64) -> Self {
        Self { person, role, linked: None, skew, gone: false }
    }
}

/// Somebody in one of their work trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat {
    pub who: usize,
    pub linked: bool,
}

/// What happened how often.
#[derive(Debug, Clone, Default)]
pub struct Counts(pub BTreeMap<String, usize>);

impl Counts {
    pub fn add(&mut self, what: impl Into<String>) {
        *self.0.entry(what.into()).or_default() += 1;
    }

    pub fn take(&mut self, other: &Self) {
        other.0.iter().for_each(|(what, count)| *self.0.entry(what.clone()).or_default() += count);
    }
}

pub struct Sim {
    pub world: World,
    pub actors: Vec<Actor>,
    pub oracle: Oracle,
    pub steps: Counts,
    pub stops: Counts,
    pub refusals: Counts,
    /// Exchanges, checks, merges that the driver made.
    pub work: Counts,
    pub now: i64,
    pub number: usize,
    seed: u64,
    values: usize,
    /// Writes that were forged.
    pub number_of_writes: usize,
    pub keys: Keys,
    read: HashMap<[u8; 32], Result<Vec<Arc<Sealed>>, Option<String>>>,
    pub judged: super::judge::Judged,
    pub lies: Lies,
    pub thorough: bool,
}

/// A world in memory, where the system has that: it holds many small files, and nobody asks whether they are on disk.
fn in_memory() -> World {
    let folder = tempfile::Builder::new().prefix("covault world ").tempdir_in("/dev/shm");
    folder.map_or_else(|_| World::new(), |dir| World { dir, memory: None })
}

/// What a member of this part may do by the roster; a bot is no member.
pub fn rank(part: Part) -> Option<Rank> {
    match part {
        Part::Bot => None,
        Part::Reader => Some(Rank::Reader),
        Part::Writer => Some(Rank::Writer),
        Part::Admin => Some(Rank::Admin),
    }
}

/// The right time when a script begins.
const BEGINNING: i64 = 1_790_000_000;

impl Sim {
    /// Copies the world to a folder below `COVAULT_KEEP`, to be looked at.
    pub fn keep(&self) {
        let Some(folder) = std::env::var_os("COVAULT_KEEP") else { return };
        let place = Path::new(&folder).join(format!("seed {} of process {}", self.seed, std::process::id()));
        std::fs::create_dir_all(&place).unwrap();
        let copied = std::process::Command::new("cp").arg("-a").arg(self.world.path()).arg(&place).status();
        println!("kept in {}: {copied:?}", place.display());
    }

    /// A fixed script has fewer people look at the end than a campaign, which is `thorough`.
    pub fn new(script: &Script, thorough: bool) -> Self {
        let world = in_memory();
        let mut dice = Dice::new(script.seed);
        let (founder, others) = script.cast.split_first().unwrap();
        let alice = world.team(&founder.name);
        alice.git(["config", "maintenance.auto", "false"]).ok();
        let shared = world.shared();
        alice
            .git([OsStr::new("-C"), shared.as_os_str(), "config".as_ref(), "receive.autogc".as_ref(), "0".as_ref()])
            .ok();
        let first = Actor::new(alice, founder.clone(), 0);
        let mut actors = vec![first];
        for role in others {
            let skew = dice.below(4 * 3600) as i64 - 2 * 3600;
            actors.push(Actor::new(world.stranger(&role.name), role.clone(), skew));
        }
        super::people::admit(&actors);
        actors[0].person.push("main");
        super::people::give_clones(&world, &actors);
        let keys = team::home(&actors[0].person).keys().unwrap();
        Self {
            world,
            actors,
            oracle: Oracle::default(),
            steps: Counts::default(),
            stops: Counts::default(),
            refusals: Counts::default(),
            work: Counts::default(),
            now: BEGINNING,
            number: 0,
            seed: script.seed,
            values: 0,
            number_of_writes: 0,
            keys,
            read: HashMap::new(),
            judged: super::judge::Judged::default(),
            lies: Lies::default(),
            thorough,
        }
    }

    pub fn seat(&self, name: &str) -> Option<Seat> {
        let who = self.actors.iter().position(|actor| actor.person.name == name && !actor.gone)?;
        Some(Seat { who, linked: false })
    }

    /// Everybody who is still there and does not lie.
    pub fn seats(&self) -> Vec<Seat> {
        let all = self.actors.iter().enumerate().filter(|(_, actor)| !actor.gone && !actor.role.lies);
        all.map(|(who, _)| Seat { who, linked: false }).collect()
    }

    /// The same by their roles.
    pub fn cast(&self) -> Vec<Role> {
        self.seats().into_iter().map(|seat| self.actors[seat.who].role.clone()).collect()
    }

    /// Those who lie, and those who left with their keys.
    pub fn liars(&self) -> Vec<Role> {
        let all = self.actors.iter().filter(|actor| actor.role.lies);
        all.map(|actor| actor.role.clone()).collect()
    }

    pub fn person(&self, seat: Seat) -> &Person {
        let actor = &self.actors[seat.who];
        actor.linked.as_ref().filter(|_| seat.linked).unwrap_or(&actor.person)
    }

    pub fn part(&self, seat: Seat) -> Part {
        self.actors[seat.who].role.part
    }

    /// Begins a step: everybody's clock goes on, git's too.
    pub fn tick(&mut self) {
        self.number += 1;
        let mut dice = Dice::new(self.seed.wrapping_add(self.number as u64));
        self.now += 30 + dice.below(600) as i64;
        for actor in &mut self.actors {
            let date = format!("@{} +0000", self.now + actor.skew);
            for person in std::iter::once(&mut actor.person).chain(actor.linked.as_mut()) {
                person.vars.retain(|(name, _)| !name.ends_with("_DATE"));
                person.vars.push(("GIT_AUTHOR_DATE".to_owned(), date.clone()));
                person.vars.push(("GIT_COMMITTER_DATE".to_owned(), date.clone()));
            }
        }
    }

    pub fn how(&self, seat: Seat, no_commit: bool) -> How {
        let now = Time::from_unix(self.now + self.actors[seat.who].skew);
        How { now, dry_run: false, no_commit, program: env!("CARGO_BIN_EXE_covault").to_owned() }
    }

    /// A value that nobody wrote before.
    pub fn value(&mut self) -> String {
        self.values += 1;
        format!("{CANARY}-{}-{}", self.seed, self.values)
    }

    pub fn git(&self, seat: Seat, args: &[&str]) -> Said {
        self.person(seat).git(args)
    }

    /// The first line that git says; empty where it fails.
    pub fn ask(&self, seat: Seat, args: &[&str]) -> String {
        let said = self.git(seat, args);
        if said.code == 0 { said.text().lines().next().unwrap_or_default().to_owned() } else { String::new() }
    }

    pub fn branch(&self, seat: Seat) -> String {
        let head = std::fs::read_to_string(super::stops::git_dir(self.person(seat)).join("HEAD")).unwrap_or_default();
        head.trim().strip_prefix("ref: refs/heads/").unwrap_or_default().to_owned()
    }

    /// The versions in these bytes, by the eyes of who founded the vault and reads everything; lies count for nothing.
    pub fn open(&mut self, bytes: &[u8]) -> Result<Vec<Arc<Sealed>>, Option<String>> {
        let digest: [u8; 32] = Sha256::digest(bytes).into();
        if let Some(known) = self.read.get(&digest) {
            return known.clone();
        }
        let identities = &self.keys.identities;
        let read = reading::read(identities, bytes, &|one| self.lies.is_false(one));
        let read = read.map(|all| all.into_iter().map(Arc::new).collect());
        if let Ok(versions) = &read {
            let versions: &Vec<Arc<Sealed>> = versions;
            versions.iter().for_each(|version| self.oracle.remember(version));
        }
        self.read.insert(digest, read.clone());
        read
    }

    /// What lies in somebody's work tree, by path. While git has a path unmerged, what lies in its sides.
    pub fn view(&mut self, seat: Seat, stopped: bool) -> Result<BTreeMap<String, View>, Violation> {
        let repo = self.person(seat).repo.clone();
        let mut files: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
        let root = repo.join(".covault/secrets");
        for file in crate::faults::rig::files(&root) {
            let name = name_of(&root, &file);
            files.insert(name, vec![std::fs::read(&file).unwrap_or_default()]);
        }
        if stopped {
            for (name, sides) in super::stops::sides(self.person(seat)) {
                files.insert(name, sides);
            }
        }
        let mut all = BTreeMap::new();
        for (name, sides) in files {
            let mut view = View::default();
            for bytes in sides {
                if self.lies.is_swapped(&name, &bytes) {
                    continue;
                }
                match self.open(&bytes) {
                    Ok(versions) => view.0.extend(versions),
                    Err(why) => {
                        let why = why.unwrap_or_else(|| "it is not sealed to the founder".to_owned());
                        return violation("broken file", format!("{} has {name}: {why}", self.person(seat).name));
                    }
                }
            }
            if !view.0.is_empty() {
                all.insert(name, view);
            }
        }
        Ok(all)
    }
}

fn name_of(root: &Path, file: &Path) -> String {
    let name = file.strip_prefix(root).unwrap_or(file).to_string_lossy().into_owned();
    name.strip_suffix(".age").map(ToOwned::to_owned).unwrap_or(name)
}
