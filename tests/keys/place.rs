#![allow(dead_code)]
//! A team's machines with a remote and a provider, copied for each case, and everything that must hold of them.
//!
//! What is looked at while it happens: the journal that names an intent is on the remote before its `POST /keys` arrives,
//! and no key dies that the trunk still gives out. What is looked at between commands is in [`Place::check`], what must be
//! so in the end in [`Place::settled`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Arc, Mutex};

use covault::home::{Home, KeySources};
use covault::model::keys::intent::{Intent, KeyName};
use covault::model::keys::operation::Operation;
use covault::model::keys::record::{KeyRecord, Retired, Standing};
use covault::model::manifest::State;
use covault::model::names::{FieldName, SecretPath};
use covault::vault::Vault;

use super::rig::{log_in, reaches};
use crate::faults::rig::{contains, holding};
use crate::openrouter::fake::{Account, Fake, Handle, Key};
use crate::world::{Person, Said, World};

/// What every key of the provider begins with; the management key, too.
pub const KEY: &str = "sk-or-v1-";
/// The secret that a template has a key for.
pub const OLD: &str = "prod/key";
/// One that is issued in a case.
pub const NEW: &str = "prod/new";
const CALLS: &str =
    "request = \"20s\"\nfirst-wait = \"1ms\"\nlongest-wait = \"5ms\"\nsettle = \"0s\"\npatience = \"50ms\"\n";

/// Refuses pushes to the trunk, as a protected branch does.
pub const PROTECTED: &str = "#!/bin/sh\nwhile read old new ref; do\n  if [ \"$ref\" = refs/heads/main ]; then\n    \
    echo 'GH006: Protected branch update failed' >&2; exit 1\n  fi\ndone\n";

/// The account as it was when the template was made.
struct Before {
    management: String,
    keys: Vec<Key>,
    guardrails: Vec<crate::openrouter::fake::Guardrail>,
    assignments: Vec<crate::openrouter::fake::Assignment>,
    workspaces: Vec<crate::openrouter::fake::Workspace>,
}

impl Before {
    fn of(account: &Account) -> Self {
        Self {
            management: account.management.clone(),
            keys: account.keys.clone(),
            guardrails: account.guardrails.clone(),
            assignments: account.assignments.clone(),
            workspaces: account.workspaces.clone(),
        }
    }

    fn put(&self, account: &mut Account) {
        account.management.clone_from(&self.management);
        account.keys.clone_from(&self.keys);
        account.guardrails.clone_from(&self.guardrails);
        account.assignments.clone_from(&self.assignments);
        account.workspaces.clone_from(&self.workspaces);
    }
}

/// Machines to copy.
pub struct Template {
    world: World,
    names: Vec<String>,
    before: Before,
}

impl Template {
    /// Alice and bob, admins of a vault that is pushed; [`OLD`] has a key with a limit of its own and a guardrail.
    pub fn new() -> Self {
        let (world, fake) = (World::new(), Fake::start());
        let mut alice = world.team("alice");
        reaches(&mut alice, &fake);
        let bob = world.asks(&alice, "bob");
        alice.covault(["member", "approve", "bob", "--role", "admin", "--yes"]).ok();
        log_in(&alice, &fake);
        alice.push("main");
        alice.covault(["key", "issue", OLD, "--limit", "100/month", "--limit", "10/day"]).ok();
        bob.git(["pull", "-q", "--ff-only"]).ok();
        // Sees what is on the remote, without fetching it.
        let reader = world.path().join("reader");
        let shared = world.shared();
        alice.git(["clone".as_ref(), "-q".as_ref(), shared.as_os_str(), reader.as_os_str()]).ok();
        let id = alice.git(["config", "covault.vault"]).ok().text();
        alice
            .git(["-C".as_ref(), reader.as_os_str(), "config".as_ref(), "covault.vault".as_ref(), id.trim().as_ref()])
            .ok();
        // Alice's other machine.
        world.machine_of(&alice, "desk");
        let before = fake.with(|account| Before::of(account));
        Self { world, names: ["alice", "bob", "desk"].map(str::to_owned).to_vec(), before }
    }

    /// The same machines after something happened on them, to copy again.
    pub fn after(place: Place) -> Self {
        let before = place.fake.with(|account| Before::of(account));
        Self { names: place.people.iter().map(|one| one.name.clone()).collect(), before, world: place.world }
    }

    /// Where the machines are.
    pub fn path(&self) -> &Path {
        self.world.path()
    }

    /// Everything once more, in a folder of its own, with a provider of its own.
    pub fn copy(&self) -> Place {
        self.copy_into(World::new())
    }

    /// The same in a folder that is there.
    pub fn copy_into(&self, world: World) -> Place {
        let fake = Fake::start();
        let from = self.world.path();
        let copied = std::process::Command::new("cp").arg("-a").arg(from.join(".")).arg(world.path()).status().unwrap();
        assert!(copied.success());
        fake.with(|account| self.before.put(account));
        let (old, new) = (from.to_string_lossy().into_owned(), world.path().to_string_lossy().into_owned());
        let relocate = |file: PathBuf| {
            let Ok(text) = std::fs::read_to_string(&file) else { return };
            std::fs::write(file, text.replace(&old, &new)).unwrap();
        };
        let mut people = Vec::new();
        for name in &self.names {
            let mut person = world.stranger(name);
            relocate(person.repo.join(".git/config"));
            reaches(&mut person, &fake);
            people.push(person);
        }
        let objects = world.shared().join("objects");
        let alternates = world.path().join("reader/.git/objects/info/alternates");
        std::fs::create_dir_all(alternates.parent().unwrap()).unwrap();
        std::fs::write(alternates, format!("{}\n", objects.display())).unwrap();
        let remote = Arc::new(Remote { dir: world.path().to_owned() });
        let place = Place { people, fake, remote, seen: Arc::default(), world };
        place.patient();
        place.watch();
        place
    }
}

/// The bare repository as alice would read it.
pub struct Remote {
    dir: PathBuf,
}

impl Remote {
    fn vault(&self) -> Vault {
        let home = self.dir.join("alice home");
        let (config, state) = (home.join(".config/covault"), self.dir.join("reader state"));
        Vault::open(&self.dir.join("reader"), Home::new(config, state, KeySources::default(), Box::new(|_| None)), None)
            .unwrap()
    }

    /// The commits of a branch and of all below a folder of branches.
    fn tips(&self, below: &str) -> Vec<String> {
        let refs = self.dir.join("shared répo.git/refs/heads").join(below);
        let files = if refs.is_dir() { crate::faults::rig::files(&refs) } else { vec![refs] };
        files
            .into_iter()
            .filter_map(|file| std::fs::read_to_string(file).ok())
            .map(|tip| tip.trim().to_owned())
            .collect()
    }

    /// The value that the trunk gives out for a secret: of several the one that is shown; `None` where there is none.
    pub fn value(&self, name: &str) -> Option<String> {
        let vault = self.vault();
        let tip = self.tips("main").pop().unwrap();
        let path = SecretPath::parse(name).unwrap();
        let version = vault.version_at(tip.parse().unwrap(), &path).unwrap()?;
        let secret = vault.open_version(&version).unwrap();
        if secret.manifest.state != State::Live {
            return None;
        }
        let fields = secret.fields();
        let value = fields.iter().find(|field| *field.name == FieldName::parse("value").unwrap())?;
        let write = value.newest()?;
        Some(String::from_utf8_lossy(write.value.present()?.expose()).into_owned())
    }

    /// Whether the trunk has a commit: what a branch that it contains says is history.
    fn is_on_trunk(&self, tip: &str) -> bool {
        let mut git = std::process::Command::new("git");
        git.arg("-C").arg(self.dir.join("shared répo.git")).args(["merge-base", "--is-ancestor", tip, "main"]);
        git.status().is_ok_and(|status| status.success())
    }

    /// Every operation in the journals of the branches, however it is going on.
    pub fn operations(&self) -> Vec<Operation> {
        let vault = self.vault();
        let mut all = Vec::new();
        let beside = self.tips("covault/rotation").into_iter().chain(self.tips("work"));
        for tip in self.tips("main").into_iter().chain(beside.filter(|tip| !self.is_on_trunk(tip))) {
            let tip = tip.parse().unwrap();
            for name in [OLD, NEW] {
                let hash = covault::model::bytes::Hash::of(format!("{}\0{name}", vault.roster().vault).as_bytes());
                let path = SecretPath::parse(&format!("journal/{}", hash.short())).unwrap();
                let Some(version) = vault.version_at(tip, &path).unwrap() else { continue };
                let secret = vault.open_version(&version).unwrap();
                all.extend(Operation::all_of(&secret.document, secret.manifest.at));
            }
        }
        all
    }
}

/// A copy.
pub struct Place {
    pub people: Vec<Person>,
    pub fake: Fake,
    pub remote: Arc<Remote>,
    /// What was seen that must not be.
    seen: Arc<Mutex<Vec<String>>>,
    pub world: World,
}

impl Place {
    pub fn alice(&self) -> &Person {
        &self.people[0]
    }

    pub fn bob(&self) -> &Person {
        &self.people[1]
    }

    /// Calls are repeated for so long that a busy machine does not matter.
    pub fn patient(&self) {
        self.overall("20s");
    }

    /// Calls are given up soon.
    pub fn hasty(&self) {
        self.overall("400ms");
    }

    /// An unanswered request may still have its effect for so long.
    pub fn believes_after(&self, settle: &str) {
        self.calls(&format!(
            "overall = \"20s\"\n{}",
            CALLS.replace("settle = \"0s\"", &format!("settle = \"{settle}\""))
        ));
    }

    fn overall(&self, overall: &str) {
        self.calls(&format!("overall = \"{overall}\"\n{CALLS}"));
    }

    fn calls(&self, calls: &str) {
        for person in &self.people {
            let file = person.home.join(".config/covault/config.toml");
            std::fs::write(file, format!("[calls]\n{calls}")).unwrap();
        }
    }

    /// Looks at what happens while it does.
    fn watch(&self) {
        let (remote, seen, handle) = (Arc::clone(&self.remote), Arc::clone(&self.seen), self.fake.handle());
        self.fake.watch(move |line, body| {
            if let Some(wrong) = wrong_at(&remote, &handle, line, body) {
                seen.lock().unwrap().push(wrong);
            }
        });
    }

    /// Runs covault without waiting for it.
    pub fn begin(&self, person: &Person, args: &[&str]) -> Child {
        let mut command = person.command(env!("CARGO_BIN_EXE_covault"));
        command.args(args).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
    }

    /// Alice's other machine.
    pub fn desk(&self) -> &Person {
        &self.people[2]
    }

    /// What must hold after every command that ended, whatever happened to it.
    #[track_caller]
    pub fn check(&self, said: &Said, at: &str) {
        let text = said.text();
        assert!(said.code != 101 && !said.err.contains("panicked"), "{at}: {}", said.err);
        assert!(!text.contains(KEY) && !said.err.contains(KEY), "{at}: a key is shown: {text} {}", said.err);
        if ![0, 8, -1].contains(&said.code) {
            assert!(said.err.contains("error: "), "{at}: code {} without an error: {}", said.code, said.err);
            assert!(said.err.contains("hint: "), "{at}: code {} without a next step: {}", said.code, said.err);
        }
        self.holds(at);
    }

    /// What must hold at every moment.
    #[track_caller]
    pub fn holds(&self, at: &str) {
        let seen = self.seen.lock().unwrap();
        assert!(seen.is_empty(), "{at}: {seen:#?}");
        drop(seen);
        for name in [OLD, NEW] {
            if let Some(value) = self.remote.value(name) {
                self.gives_out(name, &value, at);
            }
        }
        self.asked_once(at);
    }

    /// The key that the trunk gives out works, but where the old one was switched off on purpose, or taken away.
    #[track_caller]
    fn gives_out(&self, name: &str, value: &str, at: &str) {
        let key = self.fake.key_of(value).unwrap_or_else(|| panic!("{at}: {name} on the trunk is no key"));
        let on_purpose = ending(&self.remote, name, &key);
        // A push whose covault was killed may arrive while this looks.
        let is_over = || self.remote.value(name).is_none_or(|now| now != value);
        assert!(
            key.works(self.fake.now()) || on_purpose || is_over(),
            "{at}: {name} on the trunk is a dead key ({}): {:#?}",
            key.name,
            self.lines()
        );
    }

    /// A request for a key is repeated where the first was turned away with 429, and nowhere else.
    #[track_caller]
    fn asked_once(&self, at: &str) {
        let mut asked: BTreeMap<String, Vec<Option<u16>>> = BTreeMap::new();
        for request in self.fake.requests_to("POST /keys") {
            asked.entry(name_in(&request.body)).or_default().push(request.status);
        }
        for (name, statuses) in asked {
            let all_but_last = statuses.split_last().map(|(_, before)| before).unwrap_or_default();
            let turned_away = all_but_last.iter().all(|status| *status == Some(429));
            assert!(turned_away, "{at}: {name} was asked for more than once: {statuses:?}");
        }
    }

    /// All requests, for messages.
    pub fn lines(&self) -> Vec<String> {
        let all = self.fake.requests();
        all.iter().map(|one| format!("{} {} -> {:?} {}", one.method, one.path, one.status, one.body)).collect()
    }

    /// Goes on with what is open until nothing is; at most three times.
    #[track_caller]
    pub fn resume(&self, person: &Person, at: &str) {
        let mut words = Vec::new();
        for _ in 0..3 {
            let said = person.covault(["key", "resume"]);
            self.check(&said, &format!("{at}: resume as {}", person.name));
            if said.code == 0 {
                return;
            }
            words.push(format!("{}: {}", said.code, said.err));
        }
        panic!("{at}: resuming three times as {} did not end it: {words:#?}\n{:#?}", person.name, self.lines());
    }

    /// What must be so in the end: each key of ours is the value of a secret, each value a key that works, and nothing
    /// is open.
    #[track_caller]
    pub fn settled(&self, at: &str) {
        self.holds(at);
        let named = |name: &str| self.remote.value(name).map(|value| (name.to_owned(), value));
        let values: BTreeMap<String, String> = [OLD, NEW].into_iter().filter_map(named).collect();
        let live = self.ours();
        let given: BTreeSet<&String> = values.values().collect();
        for key in &live {
            assert!(given.contains(&key.secret), "{at}: an orphan: {}\n{:#?}", key.name, self.lines());
            assert!(!key.disabled, "{at}: {} is switched off", key.name);
        }
        for (name, value) in &values {
            assert!(live.iter().any(|key| key.secret == *value), "{at}: {name} is a dead key\n{:#?}", self.lines());
        }
        assert_eq!(live.len(), values.len(), "{at}: {:#?}", self.lines());
        let assigned: BTreeSet<String> =
            live.iter().filter_map(|key| self.fake.guardrail_of(&key.hash)).map(|one| one.id).collect();
        let noted = self.noted_guardrails();
        for guardrail in self.fake.guardrails() {
            assert!(
                assigned.contains(&guardrail.id) || noted.contains(&guardrail.id),
                "{at}: nobody's guardrail: {}\n{:#?}",
                guardrail.name,
                self.lines()
            );
        }
        let open = self.remote.operations();
        assert!(open.is_empty(), "{at}: still open: {open:#?}");
        for person in &self.people {
            self.records_are_true(person, at);
        }
    }

    /// Guardrails that could not be taken away, since the account said that it has none, and that a record names.
    fn noted_guardrails(&self) -> BTreeSet<String> {
        let vault = crate::faults::rig::open(self.alice()).unwrap();
        let retired = [OLD, NEW].into_iter().flat_map(|name| {
            let secret = vault.secret(&SecretPath::parse(name).unwrap());
            secret.map(|secret| Retired::all_of(&secret.document, secret.manifest.at)).unwrap_or_default()
        });
        retired.filter_map(|old| old.guardrail).map(|id| id.to_string()).collect()
    }

    /// Keys of ours that are not deleted.
    pub fn ours(&self) -> Vec<Key> {
        self.fake.live_keys().into_iter().filter(|key| KeyName::parse(&key.name).is_some()).collect()
    }

    /// What a clone says of keys that are gone is so.
    #[track_caller]
    pub fn records_are_true(&self, person: &Person, at: &str) {
        let vault = crate::faults::rig::open(person).unwrap();
        for name in [OLD, NEW] {
            let Ok(secret) = vault.secret(&SecretPath::parse(name).unwrap()) else { continue };
            let (document, sealed) = (&secret.document, secret.manifest.at);
            let mut gone: Vec<Intent> = Vec::new();
            gone.extend(Retired::all_of(document, sealed).into_iter().filter(is_gone).map(|old| old.intent));
            let records = KeyRecord::all_of(document, sealed).into_iter();
            gone.extend(records.filter(|record| record.standing == Standing::Gone).map(|record| record.intent));
            for intent in gone {
                let lives = self.ours().into_iter().find(|key| key.name.ends_with(intent.as_str()));
                assert!(lives.is_none(), "{at}: {name} says of a key that it is gone, and it lives: {lives:?}");
            }
        }
    }

    /// The vault of every clone verifies, git finds nothing, and no key lies about.
    #[track_caller]
    pub fn sound(&self, at: &str) {
        for person in &self.people {
            let verified = person.covault(["verify"]);
            assert!([0, 8].contains(&verified.code), "{at}: {}: {} {}", person.name, verified.text(), verified.err);
            let fsck = person.git(["fsck", "--strict", "--no-dangling"]);
            assert!(fsck.code == 0 && !fsck.err.contains("error"), "{at}: {} {}", fsck.text(), fsck.err);
            let objects = person.git(["cat-file", "--batch-all-objects", "--batch", "--unordered"]).ok();
            assert!(!contains(&objects.out, KEY.as_bytes()), "{at}: a key in an object of {}", person.name);
        }
        let found = holding(self.world.path(), KEY);
        assert!(found.is_empty(), "{at}: a key in {found:?}");
    }
}

fn is_gone(old: &Retired) -> bool {
    old.standing == Standing::Gone
}

fn name_in(body: &str) -> String {
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    body["name"].as_str().unwrap_or_default().to_owned()
}

/// Whether a key that the trunk gives out is being ended because somebody wanted that: an open operation that revokes
/// it, or replaces it since it is compromised.
fn ending(remote: &Remote, name: &str, key: &Key) -> bool {
    remote.operations().into_iter().any(|op| {
        let wanted = op.mint.is_none() || op.compromised;
        op.path.as_str() == name && wanted && op.retire.iter().any(|old| key.name.ends_with(old.intent.as_str()))
    })
}

/// What is wrong with a request at the moment at which it arrives.
fn wrong_at(remote: &Remote, handle: &Handle, line: &str, body: &str) -> Option<String> {
    if line == "POST /keys" {
        let name = name_in(body);
        let Some(name) = KeyName::parse(&name) else { return Some(format!("a key of another name: {name}")) };
        let named = remote.operations().into_iter().filter_map(|op| op.mint).any(|mint| mint.intent == name.intent);
        return (!named).then(|| format!("{name} is asked for, and no journal on the remote names it"));
    }
    let hash = line.strip_prefix("DELETE /keys/")?;
    let key = handle.live_keys().into_iter().find(|key| key.hash == hash)?;
    let name = [OLD, NEW].into_iter().find(|name| remote.value(name).is_some_and(|value| value == key.secret))?;
    (!ending(remote, name, &key)).then(|| format!("{} is deleted, which the trunk gives out", key.name))
}

/// Takes git's locks away that a killed git left, as the error about them says.
pub fn unlock(person: &Person) {
    for file in crate::faults::rig::leftovers(person) {
        if file.extension().is_some_and(|end| end == "lock") && file.to_string_lossy().contains(".git/") {
            std::fs::remove_file(file).unwrap();
        }
    }
}

/// The path of a file that git pushes through, made executable.
pub fn hook(world: &Path, name: &str, script: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let file = world.join("shared répo.git/hooks").join(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, script).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
}
