//! The commands that write, each with what it is run on. One line here, and every campaign tries it.

use super::rig::value;
use super::scene::Scene;
use crate::team::admit;
use crate::verifier::second_opinion;
use crate::world::{Person, World, have};
use covault::model::roster::Role;

/// What a command is run on.
pub enum Stage {
    /// A repository and no vault.
    Nothing,
    /// Alice with secrets, work of her own that is staged, and what this adds.
    Alice(fn(&World, &Person)),
    /// Two admins and their provider; `prod/key` has a key.
    Account,
}

/// A command to disturb.
pub struct Command {
    pub name: &'static str,
    pub stage: Stage,
    /// The program and its arguments.
    pub line: &'static [&'static str],
    pub input: &'static str,
    /// What must hold besides, once it has been repeated.
    pub law: fn(&Scene<'_>, &str),
    /// Whether doing it twice is the same as doing it once.
    pub repeats: bool,
}

const fn on(stage: Stage, name: &'static str, line: &'static [&'static str], input: &'static str) -> Command {
    Command { name, stage, line, input, law: |_, _| (), repeats: true }
}

/// A line is: what it is run on, its name in reports, its words, its input.
pub const COMMANDS: &[Command] = &[
    on(Stage::Nothing, "init", &["covault", "init", "--name=alice", "--vault-name=acme", "--device=laptop"], ""),
    on(Stage::Alice(alone), "set new", &["covault", "set", "fresh/in/folders"], "CanaryInTheCoalmine-fresh"),
    on(Stage::Alice(alone), "set change", &["covault", "set", "prod/db"], "CanaryInTheCoalmine-new"),
    on(Stage::Alice(alone), "edit", &["covault", "edit", "prod/db"], ""),
    on(Stage::Alice(alone), "rm", &["covault", "rm", "prod/db"], ""),
    on(Stage::Alice(alone), "mv", &["covault", "mv", "prod/db", "moved/db"], ""),
    on(Stage::Alice(narrow), "share", &["covault", "share", "prod/db", "bob", "--yes"], ""),
    on(Stage::Alice(shared), "unshare", &["covault", "unshare", "prod/db", "bob", "--yes"], ""),
    on(Stage::Alice(with_carol), "grant", &["covault", "grant", "prod", "alice", "--yes"], ""),
    on(Stage::Alice(asked), "approve", &["covault", "member", "approve", "bob", "--yes"], ""),
    Command {
        law: carol_opens_nothing,
        ..on(Stage::Alice(with_carol), "remove", &["covault", "member", "remove", "carol", "--yes"], "")
    },
    on(Stage::Alice(with_carol), "rekey", &["covault", "rekey", "--all", "--yes"], ""),
    on(Stage::Alice(alone), "rotate", &["covault", "rotate", "prod/db", "--stdin"], "CanaryInTheCoalmine-rotated\n"),
    on(Stage::Alice(branched), "merge", &["git", "merge", "-q", "feature"], ""),
    Command { law: all_is_pushed, ..on(Stage::Alice(two_machines), "sync", &["covault", "sync"], "") },
    on(Stage::Account, "key rotate", &["covault", "key", "rotate", "prod/key"], ""),
    Command { repeats: false, ..on(Stage::Alice(alone), "restore", &["covault", "restore", "prod/db"], "") },
    on(
        Stage::Alice(alone),
        "import",
        &["covault", "import", "-", "--format", "dotenv"],
        "V0=CanaryInTheCoalmine-import0\nV1=CanaryInTheCoalmine-import1\nV2=CanaryInTheCoalmine-import2\n",
    ),
];

/// What is tried for itself alone, in every campaign it would take too long: enough new files to be one pack.
pub const IMPORT_MANY: Command =
    on(Stage::Alice(alone), "import many", &["covault", "import", "-", "--format", "dotenv"], include_str!("many.env"));

fn alone(_world: &World, _alice: &Person) {}

fn with_carol(world: &World, alice: &Person) {
    admit(world, alice, "carol", Role::Writer);
}

/// Bob is a member, and does not read what is below prod/.
fn narrow(world: &World, alice: &Person) {
    admit(world, alice, "bob", Role::Writer);
    alice.covault(["grant", "prod", "alice", "--yes"]).ok();
}

fn shared(world: &World, alice: &Person) {
    narrow(world, alice);
    alice.covault(["share", "prod/db", "bob", "--yes"]).ok();
}

/// A bare repository beside alice's, named so that copies of both have each other. A merge wants nothing staged.
fn remote(world: &World, alice: &Person) {
    alice.git(["commit", "-q", "-m", "work of her own"]).ok();
    alice.git(["init", "-q", "--bare", "-b", "main", "../shared répo.git"]).ok();
    alice.git(["remote", "add", "origin", "../shared répo.git"]).ok();
    alice.git(["push", "-q", "-u", "origin", "main"]).ok();
    assert!(world.shared().is_dir());
}

/// Bob asks to be let in.
fn asked(world: &World, alice: &Person) {
    remote(world, alice);
    world.asks(alice, "bob");
}

/// A value in a field of `prod/db`.
pub fn field(person: &Person, field: &str) {
    person.covault_fed(value(field).as_bytes(), ["set", "prod/db", "--stdin", field]).ok();
}

/// Two branches that changed the same secret.
fn branched(_world: &World, alice: &Person) {
    alice.git(["commit", "-q", "-m", "work of her own"]).ok();
    alice.git(["switch", "-q", "-c", "feature"]).ok();
    field(alice, "theirs");
    alice.set("fresh/one", &value("fresh"));
    alice.git(["switch", "-q", "main"]).ok();
    field(alice, "ours");
}

/// Two machines that changed the same secret; the other one has pushed.
fn two_machines(world: &World, alice: &Person) {
    remote(world, alice);
    let desk = world.machine_of(alice, "desk");
    field(&desk, "theirs");
    desk.set("fresh/one", &value("fresh"));
    desk.push("main");
    field(alice, "ours");
}

fn carol_opens_nothing(scene: &Scene<'_>, at: &str) {
    let alice = scene.alice();
    let identity = scene.path().join("carol home/.config/covault/identity.txt");
    assert!(identity.is_file());
    if have("age") {
        for name in ["prod/db", "prod/other", "gone/away", "next/one"] {
            let opened = alice.command("age").arg("-d").arg("-i").arg(&identity).arg(alice.file(name)).output();
            assert!(!opened.unwrap().status.success(), "{at}: carol still opens {name}");
        }
    }
    let opinion = second_opinion(&alice.repo, &["--history"]);
    assert!(opinion.is_null() || opinion["verdict"] == "good", "{at}: {opinion:#}");
}

fn all_is_pushed(scene: &Scene<'_>, at: &str) {
    let alice = scene.alice();
    alice.covault(["sync"]).ok();
    let [here, there] =
        [["rev-parse", "HEAD"], ["rev-parse", "refs/remotes/origin/main"]].map(|words| alice.git(words).ok());
    assert_eq!(here.text(), there.text(), "{at}: not everything is pushed");
}

/// The editor of these tests: another value. It does not say which, so that it can be started where nobody may see one.
pub fn editor() -> String {
    "sed -i s/-old/-new/".to_owned()
}
