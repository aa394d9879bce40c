//! What a command is run on, made once and copied for each disturbance, and what must hold afterwards.
//!
//! What a command changes is not written down: what the machine holds before it and after a run that nobody disturbed are
//! compared. Whatever happens, all that [`super::state`] sees is as before or as after.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;

use covault::vault::VaultError;
use covault::vault::verify::{self, Also, What};

use super::commands::{Again, Command, INPUT, Stage, editor};
use super::disk::{Mount, mount};
use super::rig::{CANARY, holding, leftovers, long, no_canary, template, trace_of, value};
use super::state::{self, BESIDE, State, state};
use crate::keys::place::{KEY, Place, Template, unlock};
use crate::verifier::second_opinion;
use crate::world::{Person, Said, World};

enum Master {
    Machine(World, Person),
    Account(Template),
}

/// A command with what it is run on.
pub struct Prepared {
    pub command: &'static Command,
    master: Master,
    pub before: State,
    pub after: State,
    /// Trees that both verifiers called good.
    good: Mutex<BTreeSet<String>>,
}

impl Prepared {
    pub fn new(command: &'static Command) -> Self {
        let master = match &command.stage {
            Stage::Nothing => {
                let world = World::new();
                let person = world.person("alice");
                Master::Machine(world, person)
            }
            Stage::Alice(add) => {
                let (world, alice) = template();
                add(&world, &alice);
                Master::Machine(world, alice)
            }
            Stage::Newcomer(comes) => {
                let (world, alice) = template();
                let person = comes(&world, &alice);
                Master::Machine(world, person)
            }
            Stage::Account => Master::Account(Template::new()),
        };
        let (before, after, good) = (State::new(), State::new(), Mutex::default());
        let mut prepared = Self { command, master, before, after, good };
        let scene = prepared.copy();
        let before = scene.state().unwrap();
        scene.run().ok();
        let after = scene.state().unwrap();
        drop(scene);
        assert!(before != after || ["rekey", "key rotate"].contains(&command.name), "{} does nothing", command.name);
        prepared.before = before;
        prepared.after = after;
        prepared
    }

    /// Everything once more, in a folder of its own.
    pub fn copy(&self) -> Scene<'_> {
        self.copy_into(World::new(), None)
    }

    /// The same on a disk of its own, which has so much room beside what lies there. Nothing where that is not permitted.
    pub fn copy_onto_disk(&self, room: u64) -> Option<Scene<'_>> {
        let world = World::new();
        let size = format!("size={}k", (self.used() + room).div_ceil(1024));
        let disk = mount(&["-t", "tmpfs", "-o", &size, "tmpfs"], world.path())?;
        Some(self.copy_into(world, Some(disk)))
    }

    fn used(&self) -> u64 {
        let path = match &self.master {
            Master::Machine(world, _) => world.path(),
            Master::Account(template) => template.path(),
        };
        let said = std::process::Command::new("du").args(["-s", "--block-size=1"]).arg(path).output().unwrap();
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        text.split_whitespace().next().unwrap().parse().unwrap()
    }

    fn copy_into(&self, world: World, disk: Option<Mount>) -> Scene<'_> {
        let machines = match &self.master {
            Master::Machine(master, alice) => {
                let mut copy = std::process::Command::new("cp");
                assert!(copy.arg("-a").arg(master.path().join(".")).arg(world.path()).status().unwrap().success());
                let place = |path: &Path| world.path().join(path.file_name().unwrap());
                let mut alice = Person {
                    name: alice.name.clone(),
                    home: place(&alice.home),
                    repo: place(&alice.repo),
                    vars: vec![("EDITOR".to_owned(), editor())],
                };
                if let Some(memory) = &world.memory {
                    alice.vars.push(("XDG_RUNTIME_DIR".to_owned(), memory.path().to_string_lossy().into_owned()));
                }
                Machines::Own(world, alice)
            }
            Master::Account(template) => Machines::Account(template.copy_into(world)),
        };
        Scene { prepared: self, disk, machines }
    }
}

enum Machines {
    Own(World, Person),
    Account(Place),
}

/// A copy.
pub struct Scene<'a> {
    pub prepared: &'a Prepared,
    /// Goes before the folder that it is mounted on.
    #[allow(dead_code)]
    disk: Option<Mount>,
    machines: Machines,
}

impl Scene<'_> {
    /// Whose command it is.
    pub fn alice(&self) -> &Person {
        match &self.machines {
            Machines::Own(_, alice) => alice,
            Machines::Account(place) => place.alice(),
        }
    }

    pub fn alice_mut(&mut self) -> &mut Person {
        match &mut self.machines {
            Machines::Own(_, alice) => alice,
            Machines::Account(place) => &mut place.people[0],
        }
    }

    pub fn world(&self) -> &World {
        match &self.machines {
            Machines::Own(world, _) => world,
            Machines::Account(place) => &place.world,
        }
    }

    pub fn path(&self) -> &Path {
        self.world().path()
    }

    /// The two admins' machines and their provider.
    pub fn place(&self) -> Option<&Place> {
        match &self.machines {
            Machines::Own(..) => None,
            Machines::Account(place) => Some(place),
        }
    }

    /// What the machine holds.
    pub fn state(&self) -> Result<State, VaultError> {
        match self.prepared.command.stage {
            Stage::Newcomer(_) => Ok(state::request(self.alice())),
            _ => state(self.alice()),
        }
    }

    /// The command, undisturbed.
    pub fn run(&self) -> Said {
        let (program, words) = self.words();
        self.alice().fed(program, self.input().as_bytes(), words)
    }

    /// What is fed to it: what the stage left for it, else its own words.
    fn input(&self) -> String {
        std::fs::read_to_string(self.path().join(INPUT)).unwrap_or_else(|_| self.prepared.command.input.to_owned())
    }

    fn words(&self) -> (&'static str, &'static [&'static str]) {
        let (program, words) = self.prepared.command.line.split_first().unwrap();
        (if *program == "covault" { env!("CARGO_BIN_EXE_covault") } else { program }, words)
    }

    /// The command under strace with extra options for it.
    pub fn traced(&self, options: &[String]) -> Said {
        let (program, words) = self.words();
        let mut all: Vec<String> = ["-f", "-qq", "-o", "/dev/null"].map(str::to_owned).to_vec();
        all.extend(options.iter().cloned());
        all.extend(["--", program].iter().chain(words).map(ToString::to_string));
        self.alice().fed("strace", self.input().as_bytes(), all)
    }

    /// Every call of the command that changes something, as its name and its number among those of its process.
    pub fn points(&self) -> Vec<(String, usize)> {
        let (program, words) = self.words();
        trace_of(self.alice(), program, words, &self.input())
    }

    /// Asserts that everything is as before or as after, whole, and in nobody's sight.
    #[track_caller]
    pub fn old_or_new(&self, at: &str) -> State {
        let alice = self.alice();
        self.git_is_sound(at);
        let now = self.state().unwrap_or_else(|error| panic!("{at}: {error}"));
        self.is_old_or_new(&now, at);
        if !now.is_empty() {
            self.is_called_good(at);
        }
        let hers = alice.repo.join("mine.txt");
        if matches!(self.prepared.command.stage, Stage::Alice(_)) {
            assert_eq!(std::fs::read_to_string(hers).unwrap(), "staged work of her own\n", "{at}");
        }
        no_canary(alice, at);
        if let Machines::Account(place) = &self.machines {
            place.holds(at);
            let found = holding(place.world.path(), KEY);
            assert!(found.is_empty(), "{at}: a key in {found:?}");
        }
        now
    }

    #[track_caller]
    fn is_old_or_new(&self, now: &State, at: &str) {
        let (before, after) = (&self.prepared.before, &self.prepared.after);
        let keys: BTreeSet<&String> = before.keys().chain(after.keys()).chain(now.keys()).collect();
        for key in keys.into_iter().filter(|key| !key.contains("next/one")) {
            let (was, is, will) = (before.get(key), now.get(key), after.get(key));
            assert!(is == was || is == will, "{at}: {key} is {is:?}, which is neither {was:?} nor {will:?}");
        }
        let values = |state: &State| -> BTreeSet<String> {
            let all = state.values().flat_map(|value| value.split(BESIDE));
            all.filter(|value| value.starts_with(CANARY)).map(str::to_owned).collect()
        };
        let (before, after, now) = (values(before), values(after), values(now));
        for value in before.intersection(&after) {
            assert!(now.contains(value), "{at}: {value} is nowhere");
        }
    }

    #[track_caller]
    fn git_is_sound(&self, at: &str) {
        let alice = self.alice();
        let shared = self.world().shared();
        for repo in [&alice.repo, &shared].into_iter().filter(|repo| repo.is_dir()) {
            let repo = repo.to_string_lossy().into_owned();
            let fsck = alice.git(["-C", &repo, "fsck", "--strict", "--no-dangling"]);
            assert!(fsck.code == 0 && !fsck.err.contains("error"), "{at}: {repo}: {} {}", fsck.text(), fsck.err);
        }
    }

    /// Both verifiers have nothing to say against what is committed, nor ours against what lies in the work tree.
    #[track_caller]
    fn is_called_good(&self, at: &str) {
        let alice = self.alice();
        let work = verify::verify(&alice.repo, None, None, What::Work, Also::default());
        let work = work.unwrap_or_else(|error| panic!("{at}: verify: {error}"));
        assert!(work.findings.is_empty(), "{at}: verify: {:?}", work.findings);
        let tree = alice.git(["rev-parse", "HEAD^{tree}"]).ok().text();
        let is_committed = alice.git(["cat-file", "-e", "HEAD:.covault/roster.toml"]).code == 0;
        if !is_committed || !self.prepared.good.lock().unwrap().insert(tree.clone()) {
            return;
        }
        let opinion = second_opinion(&alice.repo, &[]);
        if opinion["verdict"] == "bad" {
            self.prepared.good.lock().unwrap().remove(&tree);
            panic!("{at}: {opinion:#}");
        }
    }

    /// Whether whoever runs it may write secrets, once it is done.
    pub fn is_a_members(&self) -> bool {
        !matches!(self.prepared.command.stage, Stage::Newcomer(_))
    }

    /// Another secret can be written at once, or after what the error says is done; says whether that was needed. Who is no
    /// member yet repeats the command.
    #[track_caller]
    pub fn next_works(&self, at: &str) -> bool {
        let alice = self.alice();
        let mut advised = false;
        if !self.is_a_members() {
            return insist(&|| self.run(), at);
        }
        if let Machines::Account(place) = &self.machines {
            let locks = leftovers(alice).len();
            unlock(alice);
            advised |= locks > leftovers(alice).len();
            place.resume(alice, at);
            place.settled(at);
            if long() {
                place.sound(at);
            }
        }
        if self.prepared.before.is_empty() {
            advised |= insist(&|| if is_founded(alice) { alice.covault(["ls"]) } else { self.run() }, at);
        }
        advised |= insist(&|| alice.covault_fed(value("next").as_bytes(), ["set", "next/one"]), at);
        let now = state(alice).unwrap_or_else(|error| panic!("{at}: {error}"));
        assert_eq!(now.get("next/one/value"), Some(&value("next")), "{at}");
        if let Some(memory) = &self.world().memory {
            let found = holding(memory.path(), CANARY);
            assert!(found.is_empty(), "{at}: plaintext stays in {found:?}");
        }
        advised
    }

    /// Who repeats what was disturbed ends where it would have ended, with nothing uncommitted.
    #[track_caller]
    pub fn ends_new(&self, at: &str) {
        let (alice, command) = (self.alice(), self.prepared.command);
        if matches!(self.machines, Machines::Own(..)) {
            self.as_git_advises();
            let said = self.run();
            (command.ends)(alice);
            match command.again {
                Again::Same => self.is_new(&said, at),
                Again::Otherwise(judge) => judge(self, said, at),
            }
        }
        self.old_or_new_again(at);
        (command.law)(self, at);
    }

    /// Everything is as after a run that nobody disturbed, and committed.
    #[track_caller]
    pub fn is_new(&self, said: &Said, at: &str) {
        let mut now = self.state().unwrap_or_else(|error| panic!("{at}: {error}"));
        now.retain(|key, _| !key.contains("next/one"));
        assert_eq!(now, self.prepared.after, "{at}, repeated: {}", said.err);
        assert_eq!(self.alice().git(["status", "--porcelain", ".covault"]).ok().text(), "", "{at}: {}", said.err);
    }

    fn old_or_new_again(&self, at: &str) {
        if matches!(self.prepared.command.again, Again::Same) {
            self.old_or_new(&format!("{at}, repeated"));
        }
    }

    /// Git writes the files of a work tree in place, and a merge that was killed, or that has no room, may leave one cut
    /// off or taken away. It is named, the commits are whole, and what git says to do puts it right, or the next `sync`:
    /// whether there was one.
    #[track_caller]
    pub fn mends_what_git_tore(&self, at: &str) -> bool {
        let alice = self.alice();
        let command = self.prepared.command.name;
        if !["merge", "sync"].contains(&command) {
            return false;
        }
        let status = alice.git(["status", "--porcelain", "--", ".covault"]).ok().text();
        let gone = status.lines().find_map(|line| line.strip_prefix(" D "));
        let refused = state(alice).err().map(|error| error.to_string());
        let Some(file) = refused.as_deref().and_then(|text| text.split(" is refused").next()).or(gone) else {
            return false;
        };
        assert!(status.contains(file) || status.contains("?? "), "{at}: as committed, and {refused:?}");
        let said = alice.covault(["status"]);
        assert!(said.text().contains(file), "{at}: {file}: {}{}", said.text(), said.err);
        if command == "sync" {
            insist(&|| self.run(), at);
        } else {
            self.as_git_advises();
        }
        true
    }

    /// What git says to do when a merge of its own was killed.
    fn as_git_advises(&self) {
        let alice = self.alice();
        if !["merge", "sync"].contains(&self.prepared.command.name) {
            return;
        }
        unlock(alice);
        if alice.repo.join(".git/MERGE_HEAD").exists() && alice.git(["merge", "--abort"]).code == 0 {
            return;
        }
        if self.prepared.command.name == "merge" {
            alice.git(["reset", "-q", "--hard"]).ok();
            alice.git(["clean", "-fdq", ".covault"]).ok();
        }
    }

    /// No temporary file outlives the next day.
    #[track_caller]
    pub fn nothing_is_left(&self, at: &str) {
        let alice = self.alice();
        let then = std::time::SystemTime::now() - std::time::Duration::from_secs(2 * 86_400);
        // Objects half written may be another program's; those of yesterday are nobody's.
        for file in leftovers(alice) {
            std::fs::File::options().write(true).open(file).unwrap().set_modified(then).unwrap();
        }
        alice.covault(["doctor", "--fix"]);
        assert_eq!(leftovers(alice), Vec::<std::path::PathBuf>::new(), "{at}");
    }

    /// A command that was refused says what failed and what to do, in a documented way, and shows nothing.
    #[track_caller]
    pub fn says_so(&self, said: &Said, at: &str) {
        let text = format!("{}{}", said.text(), said.err);
        assert!(said.code != 101 && !said.err.contains("panicked"), "{at}: {}", said.err);
        assert!(!text.contains(CANARY) && !text.contains(KEY), "{at}: {text}");
        if self.prepared.command.line.first() == Some(&"covault") && said.code != 0 {
            assert!((1..=9).contains(&said.code), "{at}: exit code {}: {}", said.code, said.err);
            assert!(said.err.contains("error: ") || said.code == 8, "{at}: {}", said.err);
            let helps = said.err.contains("hint: ") || said.err.contains('/') || said.code == 8;
            assert!(helps, "{at}: neither a file nor a next step: {}", said.err);
        }
    }
}

fn is_founded(person: &Person) -> bool {
    state(person).is_ok_and(|state| !state.is_empty())
}

/// Tries it until it works, doing each time what the error says: a killed git leaves locks, and a merge half done.
#[track_caller]
fn insist(act: &dyn Fn() -> Said, at: &str) -> bool {
    let mut said = act();
    for _ in 0..4 {
        if said.code == 0 {
            break;
        }
        let Some(lock) = said.err.split_once("hint: if no other git is running: rm ") else { break };
        let word = shlex::split(lock.1.lines().next().unwrap()).unwrap().remove(0);
        assert!(word.ends_with(".lock"), "{at}: {}", said.err);
        std::fs::remove_file(word).unwrap_or_else(|error| panic!("{at}: {error}: {}", said.err));
        said = act();
        if said.code == 0 {
            return true;
        }
    }
    assert_eq!(said.code, 0, "{at}: the next command: {}", said.err);
    false
}
