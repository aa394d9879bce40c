//! One team, made once and unpacked for each case; an attack on it, and what has to come of it.
//!
//! alice (who is attacked) and adam are admins, wanda writes, rita reads, ci is a machine that reads `staging`, and gina
//! wrote until she was removed; she kept her keys. mallory can push and has no key. `prod` is for the admins alone.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use covault::model::card::Kind;
use covault::model::names::{MemberName, SecretPath};
use covault::model::register::Value;
use covault::model::roster::{Operation, Role};
use covault::vault::amend::Step;
use covault::vault::{Kind as ErrorKind, Vault, VaultError};

use crate::cli::photo;
use crate::team;
use crate::world::{Person, Said, World};

/// What stands in the vault, and what everybody who reads it gets.
pub const SECRETS: [(&str, &str); 6] = [
    ("dev/api", "the key that wanda wrote"),
    ("dev/db", "the third value of dev db"),
    ("old/token", "the last that gina wrote"),
    ("prod/db", "the production password"),
    ("prod/web/key", "the key of the web server"),
    ("staging/db", "the value for the job"),
];

/// Everything, for attacks that leave nothing to be read.
pub const ALL: [&str; 6] = ["dev/api", "dev/db", "old/token", "prod/db", "prod/web/key", "staging/db"];

/// What attackers write: it is never shown.
pub const PLANTED: &str = "planted by an attacker";

/// A file, a link or a folder of the prepared team.
enum Item {
    Folder,
    File(u32, Vec<u8>),
    Link(PathBuf),
}

type Image = Vec<(PathBuf, Item)>;

/// The prepared team, kept in memory: nothing is left behind by the process.
fn image() -> &'static Image {
    static IMAGE: OnceLock<Image> = OnceLock::new();
    IMAGE.get_or_init(|| {
        let world = World::new();
        prepare(&world);
        let mut image = Image::new();
        pack(world.path(), Path::new(""), &mut image);
        image
    })
}

fn pack(top: &Path, at: &Path, image: &mut Image) {
    for entry in std::fs::read_dir(top.join(at)).unwrap() {
        let entry = entry.unwrap();
        let (path, kind) = (at.join(entry.file_name()), entry.file_type().unwrap());
        let item = if kind.is_dir() {
            Item::Folder
        } else if kind.is_symlink() {
            Item::Link(std::fs::read_link(entry.path()).unwrap())
        } else {
            let mode = entry.metadata().unwrap().permissions().mode();
            Item::File(mode, std::fs::read(entry.path()).unwrap())
        };
        image.push((path.clone(), item));
        if kind.is_dir() {
            pack(top, &path, image);
        }
    }
}

fn unpack(image: &Image, top: &Path) {
    for (path, item) in image {
        let path = top.join(path);
        match item {
            Item::Folder => std::fs::create_dir_all(path).unwrap(),
            Item::Link(target) => symlink(target, path).unwrap(),
            Item::File(mode, bytes) => {
                std::fs::write(&path, bytes).unwrap();
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(*mode)).unwrap();
            }
        }
    }
}

/// Builds the team. Tags: `begun` (dev/db at its second value), `branched` (the same with gina still in), and the
/// branch `feature`, which changed dev/db beside the trunk.
fn prepare(world: &World) {
    let alice = world.team("alice");
    alice.git(["remote", "set-url", "origin", "../shared répo.git"]).ok();
    alice.git(["remote", "set-head", "origin", "-a"]).ok();
    let people = [
        ("adam", Role::Admin, Kind::Person),
        ("ci", Role::Reader, Kind::Machine),
        ("gina", Role::Writer, Kind::Person),
        ("rita", Role::Reader, Kind::Person),
        ("wanda", Role::Writer, Kind::Person),
    ];
    let vault = team::vault(&alice);
    let admitted = people.map(|(name, role, kind)| {
        let (card, signature) = team::card(&vault, &world.stranger(name), name, kind);
        Step { operation: Operation::Admit { role, card }, card_signature: Some(signature) }
    });
    team::amend(&alice, admitted.into(), "covault: the team");
    alice.covault(["group", "set", "ops", "alice", "adam", "--yes"]).ok();
    alice.covault(["grant", "prod", "@ops", "--yes"]).ok();
    alice.covault(["grant", "staging", "alice", "adam", "wanda", "ci", "--yes"]).ok();
    alice.set("prod/db", "the first production password");
    alice.set("dev/db", "the first value of dev db");
    alice.set("dev/db", "the second value of dev db");
    alice.git(["push", "-q"]).ok();
    let writes = |name: &str, secret: &str, values: &[&str]| {
        let person = Person { repo: world.path().join("writers répo"), ..world.stranger(name) };
        person.git([Path::new("clone"), "-q".as_ref(), &world.shared(), &person.repo]).ok();
        person.git(["config", "covault.vault", &vault.roster().vault.to_string()]).ok();
        values.iter().for_each(|value| person.set(secret, value));
        person.git(["push", "-q"]).ok();
        std::fs::remove_dir_all(&person.repo).unwrap();
        alice.git(["pull", "-q", "--ff-only"]).ok();
    };
    writes("gina", "old/token", &["the first that gina wrote", "the last that gina wrote"]);
    writes("wanda", "dev/api", &["the key that wanda wrote"]);
    alice.git(["tag", "branched"]).ok();
    alice.git(["checkout", "-q", "-b", "feature"]).ok();
    alice.set("dev/db", "the value of the feature branch");
    alice.git(["checkout", "-q", "main"]).ok();
    let vault = team::vault(&alice);
    let member = vault.roster().named(&MemberName::parse("gina").unwrap()).unwrap().reference();
    team::amend(&alice, vec![Operation::Remove { member, live: Vec::new() }.into()], "covault: gina leaves");
    alice.git(["tag", "begun"]).ok();
    for (name, value) in [SECRETS[1], SECRETS[3], SECRETS[4], SECRETS[5]] {
        alice.set(name, value);
    }
    alice.git(["push", "-q", "origin", "main", "feature", "--tags"]).ok();
    for repo in [&alice.repo, &world.shared()] {
        alice.git([Path::new("-C"), repo, "repack".as_ref(), "-adq".as_ref()]).ok();
        alice.git([Path::new("-C"), repo, "prune-packed".as_ref(), "-q".as_ref()]).ok();
    }
    let mallory = world.newcomer("mallory");
    for repo in [&alice.repo, &mallory.repo] {
        std::fs::remove_dir_all(repo.join(".git/hooks")).unwrap();
    }
    std::fs::remove_dir_all(world.shared().join("hooks")).unwrap();
    mallory.git(["remote", "set-url", "origin", "../shared répo.git"]).ok();
}

/// One attack's own copy of the team.
pub struct Case {
    pub world: World,
    /// Whose vault is attacked, with her clone.
    pub alice: Person,
    /// The clone in which the attacker works.
    pub at: Person,
}

impl Case {
    pub fn new() -> Self {
        let image = image();
        let world = World::new();
        unpack(image, world.path());
        let (alice, at) = (world.stranger("alice"), world.stranger("mallory"));
        let case = Self { world, alice, at };
        // She has seen the trunk as it was.
        let vault = case.vault().unwrap();
        assert!(vault.seen_commit().is_some());
        case
    }

    /// alice's vault, opened in this process.
    pub fn vault(&self) -> Result<Vault, VaultError> {
        Vault::open(&self.alice.repo, team::home(&self.alice), None)
    }

    /// Somebody of the team with their keys, in a clone of their own.
    pub fn clone_of(&self, name: &str) -> Person {
        let person = self.world.newcomer(name);
        let id = self.vault().unwrap().roster().vault.to_string();
        person.git(["config", "covault.vault", &id]).ok();
        person
    }

    /// Git in the attacker's clone.
    #[track_caller]
    pub fn git(&self, args: &[&str]) -> String {
        self.at.git(args).ok().text().trim().to_owned()
    }

    /// A file of the attacker's clone.
    pub fn path(&self, file: &str) -> PathBuf {
        self.at.repo.join(file)
    }

    pub fn read(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.path(file)).unwrap()
    }

    pub fn write(&self, file: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub fn remove(&self, file: &str) {
        std::fs::remove_file(self.path(file)).unwrap();
    }

    /// A file as it was in a commit.
    pub fn at_commit(&self, commit: &str, file: &str) -> Vec<u8> {
        self.at.git(["cat-file", "blob", &format!("{commit}:{file}")]).ok().out
    }

    /// Everything that lies in the attacker's clone is committed. Her own git takes the bytes as they are, whatever the
    /// attributes say that she has for others'.
    pub fn commit_all(&self) {
        self.write(".git/info/attributes", "** -text -filter -ident -working-tree-encoding\n");
        self.git(&["add", "-A", "-f", "."]);
        if self.at.git(["diff", "--cached", "--quiet"]).code != 0 {
            self.git(&["commit", "-q", "--no-verify", "-m", "an innocent change"]);
        }
    }

    /// Everything that lies in the attacker's clone is committed and pushed, and alice takes it as it comes.
    pub fn deliver(&self) {
        self.commit_all();
        self.git(&["push", "-q", "--force", "origin", "HEAD:refs/heads/main"]);
        self.alice.git(["fetch", "-q", "--all"]).ok();
        if self.alice.git(["merge", "-q", "--ff-only", "refs/remotes/origin/main"]).code != 0 {
            self.alice.git(["reset", "-q", "--hard", "refs/remotes/origin/main"]).ok();
        }
    }
}

/// The file of a secret, from the repository's top.
pub fn file(name: &str) -> String {
    format!(".covault/secrets/{name}.age")
}

pub const ROSTER: &str = ".covault/roster.toml";

/// An attack that was made, before anybody looked.
pub struct Attacked {
    pub case: Case,
    refused: Vec<&'static str>,
    looked: bool,
    /// `covault verify` cannot see it: it takes a key, or a memory of what was there.
    unseen: bool,
}

/// The attacker works in a clone of their own, commits everything and pushes; alice pulls.
#[must_use]
pub fn pushed(deed: impl FnOnce(&Case)) -> Attacked {
    let case = Case::new();
    deed(&case);
    case.deliver();
    Attacked::of(case)
}

/// The same; alice fetches it, and no more.
#[must_use]
pub fn fetched(deed: impl FnOnce(&Case)) -> Attacked {
    let case = Case::new();
    deed(&case);
    case.commit_all();
    case.git(&["push", "-q", "--force", "origin", "HEAD:refs/heads/main"]);
    case.alice.git(["fetch", "-q"]).ok();
    Attacked::of(case)
}

/// What the attacker does lies in alice's work tree, and no commit has it.
#[must_use]
pub fn on_disk(deed: impl FnOnce(&Case)) -> Attacked {
    let mut case = Case::new();
    std::mem::swap(&mut case.at.repo, &mut case.alice.repo);
    case.alice.repo.clone_from(&case.at.repo);
    deed(&case);
    Attacked::of(case)
}

impl Attacked {
    /// What was done by hand to one copy of the team.
    #[must_use]
    pub fn of(case: Case) -> Self {
        Self { case, refused: Vec::new(), looked: false, unseen: false }
    }

    /// Both verifiers find these codes in alice's tree and history, each with the file's name, and nothing else.
    #[track_caller]
    pub fn both_find(self, expected: &[(&str, &str)]) -> Self {
        let said = self.case.alice.covault(["verify", "--history", "--json"]);
        harmless(&["verify"], &said);
        assert_eq!(said.code, if expected.is_empty() { 0 } else { 6 }, "verify: {}{}", said.text(), said.err);
        let said: serde_json::Value = serde_json::from_str(&said.text()).unwrap();
        let name = |value: &serde_json::Value| value.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let mut found: Vec<(String, String)> =
            said["findings"].as_array().unwrap().iter().map(|it| (name(&it["code"]), name(&it["path"]))).collect();
        found.sort();
        found.dedup();
        let expected: Vec<(String, String)> =
            expected.iter().map(|(code, file)| ((*code).to_owned(), (*file).to_owned())).collect();
        assert_eq!(found, expected, "{said:#}");
        crate::verifier::second_opinion(&self.case.alice.repo, &["--history"]);
        self
    }

    /// These secrets are refused from now on. All others have their values.
    #[must_use]
    pub fn spoils(mut self, names: &[&'static str]) -> Self {
        self.refused = names.to_vec();
        self
    }

    /// It takes a key, or a clone that saw what was there before, to find out: `verify` has neither.
    #[must_use]
    pub fn only_with_a_key_or_a_memory(mut self) -> Self {
        self.unseen = true;
        self
    }

    /// What needs no key and no memory says the same: `covault verify`, of the work tree and of the history.
    #[track_caller]
    fn verified(&self) {
        if self.refused.is_empty() {
            return;
        }
        let said = self.case.alice.covault(["verify", "--history"]);
        harmless(&["verify"], &said);
        assert_eq!(said.code == 6, !self.unseen, "verify: {}\n{}{}", said.code, said.text(), said.err);
    }

    /// The command is refused by trust, without a word on stdout or a change in the repository.
    #[track_caller]
    pub fn refuses(self, args: &[&str], because: &str) -> Self {
        let (attacked, said) = self.command(args, 6);
        assert!(said.out.is_empty() && said.err.contains(because), "{args:?}: {}{}", said.text(), said.err);
        attacked
    }

    /// The same where the repository holds what must not be read to compare it.
    #[track_caller]
    pub fn refuses_unphotographed(mut self, args: &[&str], because: &str) -> Self {
        if !std::mem::replace(&mut self.looked, true) {
            self.intact();
        }
        let said = self.case.alice.covault_fed(b"written by alice", args).exits(6);
        harmless(args, &said);
        assert!(said.out.is_empty() && said.err.contains(because) && said.err.contains("\nhint: "), "{}", said.err);
        self
    }

    /// The command ends so and says this, on stdout or stderr.
    #[track_caller]
    pub fn ends(self, args: &[&str], code: i32, because: &str) -> Self {
        let (attacked, said) = self.command(args, code);
        assert!(said.err.contains(because) || said.text().contains(because), "{args:?}: {}{}", said.text(), said.err);
        attacked
    }

    /// The same where what is read is asked for by the case alone.
    #[track_caller]
    pub fn ends_without_looking(mut self, args: &[&str], code: i32, because: &str) -> Self {
        self.looked = true;
        self.ends(args, code, because)
    }

    /// The attack comes to nothing: all six secrets are read, and written, and nothing that it planted was run.
    #[track_caller]
    pub fn comes_to_nothing(self) -> Self {
        let attacked = self.ends(&["get", "dev/db"], 0, "the third value of dev db");
        let attacked = attacked.ends(&["set", "prod/db"], 0, "").reads("prod/db", "written by alice");
        assert!(!pwned(&attacked.case), "something of it was run");
        attacked
    }

    /// What alice gets.
    #[track_caller]
    pub fn reads(self, name: &str, value: &str) -> Self {
        assert_eq!(self.case.alice.get(name), value);
        self
    }

    /// alice runs a command; a refused one changes nothing, and no output has what an attacker planted.
    #[track_caller]
    pub fn command(mut self, args: &[&str], code: i32) -> (Self, Said) {
        if !self.looked {
            self.intact();
            self.verified();
            self.looked = true;
        }
        let before = if code == 0 { None } else { Some(photo(&self.case.alice.repo)) };
        let said = self.case.alice.covault_fed(b"written by alice", args).exits(code);
        harmless(args, &said);
        if code != 0 {
            assert!(said.err.lines().any(|line| line.starts_with("error: ")) || code == 8, "{args:?}: {}", said.err);
        }
        if code == 6 {
            assert!(said.err.contains("\nhint: "), "no hint: {}", said.err);
        }
        if let Some(before) = before {
            crate::cli::same(&before, &photo(&self.case.alice.repo));
        }
        (self, said)
    }

    /// Every secret has its value, but for those that the attack spoils: they are refused by trust.
    #[track_caller]
    fn intact(&self) {
        let vault = self.case.vault();
        for (name, value) in SECRETS {
            let got = match &vault {
                Ok(vault) => value_of(vault, name).map_err(|error| error.kind()),
                Err(error) => Err(error.kind()),
            };
            let expected =
                if self.refused.contains(&name) { Err(ErrorKind::Verification) } else { Ok(value.to_owned()) };
            assert_eq!(got, expected, "{name}");
        }
    }
}

/// What the library reads at a name.
pub fn value_of(vault: &Vault, name: &str) -> Result<String, VaultError> {
    let secret = vault.secret(&SecretPath::parse(name).unwrap())?;
    let field = secret.field(None)?;
    let write = field.newest().unwrap();
    match &write.value {
        Value::Text(text) => Ok(String::from_utf8(text.expose().to_vec()).unwrap()),
        other => panic!("{other:?}"),
    }
}

/// Whether anything that an attacker planted was run, wherever it was: all of it is `touch pwned`.
pub fn pwned(case: &Case) -> bool {
    let all = crate::faults::rig::files(case.world.path());
    all.iter().any(|file| file.file_name().is_some_and(|name| name == "pwned"))
}

/// No planted value, and nothing that moves a terminal's cursor or changes what is read there.
#[track_caller]
pub fn harmless(args: &[&str], said: &Said) {
    for text in [said.text(), said.err.clone()] {
        assert!(!text.contains(PLANTED), "{args:?} shows what was planted: {text}");
        let hidden = |c: char| c != '\n' && c != '\t' && covault::model::escape::is_hidden(c);
        assert!(!text.contains(hidden), "{args:?} writes to the terminal: {text:?}");
        assert!(!text.contains("panicked"), "{args:?}: {text}");
    }
}

/// Everything in a folder, to compare later.
pub fn all(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    photo(dir)
}
