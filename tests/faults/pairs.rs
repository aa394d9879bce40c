//! Two commands started at the same time in one clone: each that succeeded is one commit, its value is in the history, and
//! nothing is left behind. Which of them comes first is left to the machine; `COVAULT_SEED` says which starts first, and by
//! how many milliseconds.
//!
//! Short: 10 rounds of each pair. Long: `COVAULT_LONG=1 cargo test --locked faults::pairs -- --nocapture --test-threads 1`,
//! 1,000 rounds of each; `COVAULT_ROUNDS` says how many otherwise.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Child, Stdio};
use std::time::Duration;

use covault::model::names::SecretPath;
use covault::model::roster::Role;
use covault::repo::ObjectId;
use covault::vault::Vault;

use super::rig::{leftovers, long, open, template, value};
use crate::simulation::dice::Dice;
use crate::team::admit;
use crate::world::{Person, Said, World, said};

/// How many rounds a name is used for: a secret's document remembers each write that was replaced.
const ROUNDS_A_NAME: usize = 25;

fn rounds() -> usize {
    let wished = std::env::var("COVAULT_ROUNDS").ok().and_then(|text| text.parse().ok());
    wished.unwrap_or(if long() { 1_000 } else { 10 })
}

/// One command, what it is fed, and the value that it writes where it succeeds.
struct Act {
    args: Vec<String>,
    input: String,
    writes: Option<String>,
}

fn act(args: &[&str]) -> Act {
    Act { args: args.iter().map(ToString::to_string).collect(), input: String::new(), writes: None }
}

fn set(name: &str, text: &str) -> Act {
    Act { input: text.to_owned(), writes: Some(text.to_owned()), ..act(&["set", name]) }
}

/// An editor that puts `text` in the place of whatever stands between the first two quotes.
fn edit(name: &str, text: &str) -> Act {
    Act { writes: Some(text.to_owned()), ..act(&["edit", name]) }
}

fn start(person: &Person, act: &Act) -> Child {
    let mut command = person.command(env!("CARGO_BIN_EXE_covault"));
    if let Some(text) = &act.writes {
        command.env("EDITOR", format!("sed -i 's/{}-[^\"]*/{text}/'", super::rig::CANARY));
    }
    command.args(&act.args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// One is started a little before the other, or at once; then both are heard to the end.
fn both(person: &Person, acts: &[Act; 2], dice: &mut Dice) -> [Said; 2] {
    let (pause, turned) = (if dice.once_in(2) { 0 } else { dice.below(60) }, dice.once_in(2));
    let first = start(person, &acts[usize::from(turned)]);
    std::thread::sleep(Duration::from_millis(pause as u64));
    let second = start(person, &acts[usize::from(!turned)]);
    let mut children = if turned { [second, first] } else { [first, second] };
    for (child, act) in children.iter_mut().zip(acts) {
        // Who reads nothing closes it; that is its right.
        let _ = child.stdin.take().unwrap().write_all(act.input.as_bytes());
    }
    children.map(|child| said(child.wait_with_output().unwrap()))
}

/// A clone under observation.
struct Watch {
    person: Person,
    _world: World,
    head: String,
}

impl Watch {
    /// Something in between, which is not judged.
    fn prepare(&mut self, act: &Act) {
        self.person.covault_fed(act.input.as_bytes(), &act.args).ok();
        self.new_commits();
    }

    /// The commits since the last look, the newest first.
    fn new_commits(&mut self) -> Vec<ObjectId> {
        let list = self.person.git(["rev-list", "HEAD", "--not", &self.head]).ok().text();
        if let Some(newest) = list.lines().next() {
            self.head = newest.to_owned();
        }
        list.lines().map(|line| ObjectId::from_hex(line.as_bytes()).unwrap()).collect()
    }

    /// No lock, and nothing in the index or on disk that is not in HEAD.
    fn assert_tidy(&self, at: &str) {
        assert_eq!(self.person.git(["status", "--porcelain", ".covault"]).ok().text(), "", "{at}");
        assert_eq!(leftovers(&self.person), Vec::<std::path::PathBuf>::new(), "{at}");
    }
}

/// Without the numbers.
fn worded(why: &str) -> String {
    why.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// Every value that a commit has at these names.
fn values_at(vault: &Vault, commit: ObjectId, names: &[String]) -> Vec<String> {
    let mut values = Vec::new();
    for name in names {
        let path = SecretPath::parse(name).unwrap();
        let Some(version) = vault.version_at(commit, &path).unwrap() else { continue };
        let secret = vault.open_version(&version).unwrap();
        let writes = secret.fields().into_iter().flat_map(|field| field.writes);
        values
            .extend(writes.filter_map(|write| write.value.present()).map(|text| text.expose_str().unwrap().to_owned()));
    }
    values
}

/// Rounds of two commands. `before` prepares a round, `acts` says what is done in it, `names` where values may be.
fn race(
    what: &str,
    before: impl Fn(usize, &str) -> Vec<Act>,
    acts: impl Fn(usize, &str) -> [Act; 2],
    names: impl Fn(&str) -> Vec<String>,
) {
    let (world, alice) = template();
    admit(&world, &alice, "carol", Role::Writer);
    alice.covault(["group", "set", "ops", "alice", "--yes"]).ok();
    alice.covault(["grant", "prod", "@ops", "--yes"]).ok();
    let head = alice.git(["rev-parse", "HEAD"]).ok().text().trim().to_owned();
    let mut watch = Watch { person: alice, _world: world, head };
    let seed = std::env::var("COVAULT_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(6);
    let mut dice = Dice::new(seed);
    let (mut succeeded, mut refused) = (0, BTreeMap::<String, usize>::new());
    for round in 0..rounds() {
        let name = format!("prod/name-{}", round / ROUNDS_A_NAME);
        for act in before(round, &name) {
            watch.prepare(&act);
        }
        let acts = acts(round, &name);
        let ended = both(&watch.person, &acts, &mut dice);
        let at = format!("{what}, round {round}: {:?}", ended.each_ref().map(|it| (it.code, &it.err)));
        let commits = watch.new_commits();
        let vault = open(&watch.person).unwrap();
        let history: Vec<Vec<String>> = commits.iter().map(|id| values_at(&vault, *id, &names(&name))).collect();
        // Who finds nothing left to do has succeeded, too.
        let done = ended.iter().filter(|said| said.code == 0 && !said.err.contains("nothing to change")).count();
        assert_eq!(commits.len(), done, "each success is a commit: {at}");
        for (act, said) in acts.iter().zip(&ended) {
            match (said.code, &act.writes) {
                (0, Some(text)) => {
                    assert!(history.iter().any(|values| values.contains(text)), "{text} is not in the history: {at}");
                }
                (0, None) => {}
                (1 | 3 | 5, _) => {
                    let why = said.err.lines().find(|line| line.starts_with("error: "));
                    let why = why.unwrap_or_else(|| panic!("no error: {at}"));
                    *refused.entry(worded(why)).or_default() += 1;
                }
                _ => panic!("{at}"),
            }
        }
        succeeded += done;
        if round % 10 == 9 {
            watch.assert_tidy(&at);
        }
        if round % 100 == 99 {
            eprintln!("{what}: {} rounds, {succeeded} successes", round + 1);
        }
    }
    watch.assert_tidy(what);
    let alice = &watch.person;
    alice.git(["fsck", "--strict", "--no-dangling"]).ok();
    alice.covault(["verify", "--history"]).ok();
    alice.set("prod/afterwards", &value("afterwards"));
    for (why, count) in &refused {
        eprintln!("{what}: {count} times {why}");
    }
    let tried = 2 * rounds();
    eprintln!("{what}: {tried} commands, {succeeded} succeeded and are in the history");
    eprintln!("pairs, {what}, seed {seed}: {} tried, 0 violations", rounds());
}

fn texts(round: usize) -> (String, String) {
    (value(&format!("{round}a")), value(&format!("{round}b")))
}

#[test]
fn two_that_set_different_secrets() {
    let acts = |round, name: &str| {
        let (one, two) = texts(round);
        [set(name, &one), set(&format!("{name}-too"), &two)]
    };
    race("set and set of different secrets", |_, _| vec![], acts, |name| vec![name.to_owned(), format!("{name}-too")]);
}

#[test]
fn two_that_set_the_same_secret() {
    let acts = |round, name: &str| {
        let (one, two) = texts(round);
        [set(name, &one), set(name, &two)]
    };
    race("set and set of one secret", |_, _| vec![], acts, |name| vec![name.to_owned()]);
}

#[test]
fn one_that_sets_and_one_that_deletes() {
    let before = |round, name: &str| vec![set(name, &texts(round).0)];
    let acts = |round, name: &str| [set(name, &texts(round).1), act(&["rm", name])];
    race("set and rm", before, acts, |name| vec![name.to_owned()]);
}

#[test]
fn one_that_moves_and_one_that_edits() {
    let moved = |round: usize, name: &str| format!("{name}-moved-{round}");
    let before = |round, name: &str| vec![set(&format!("{name}-{round}"), &texts(round).0)];
    let acts = |round, name: &str| {
        let from = format!("{name}-{round}");
        [act(&["mv", &from, &moved(round, name)]), edit(&from, &texts(round).1)]
    };
    let round = std::cell::Cell::new(0);
    let acts = |at, name: &str| {
        round.set(at);
        acts(at, name)
    };
    race("mv and edit", before, acts, |name| vec![format!("{name}-{}", round.get()), moved(round.get(), name)]);
}

#[test]
fn one_that_shares_and_one_that_sets() {
    let before = |round, name: &str| if round % ROUNDS_A_NAME == 0 { vec![set(name, &value("first"))] } else { vec![] };
    let acts = |round: usize, name: &str| {
        let verb = if (round % ROUNDS_A_NAME).is_multiple_of(2) { "share" } else { "unshare" };
        [act(&[verb, name, "carol", "--yes"]), set(name, &texts(round).1)]
    };
    race("share or unshare, and set", before, acts, |name| vec![name.to_owned()]);
}
