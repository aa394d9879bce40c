//! The commands that write, each with what it is run on. One line here, and every campaign tries it.

use super::rig::value;
use super::scene::Scene;
use crate::keys::place::OLD;
use crate::keys::rig::limit_of;
use crate::team::{admit, pull};
use crate::verifier::second_opinion;
use crate::world::{Person, Said, World, have};
use covault::model::roster::Role;

/// What a command is run on.
pub enum Stage {
    /// A repository and no vault.
    Nothing,
    /// Alice with secrets, work of her own that is staged, and what this adds.
    Alice(fn(&World, &Person)),
    /// Two admins and their provider; `prod/key` has a key.
    Account,
    /// Somebody who is no member yet, beside alice's team; what is fed to the command lies at [`INPUT`].
    Newcomer(fn(&World, &Person) -> Person),
}

/// Where a stage leaves what is fed to the command, in the folder with all machines.
pub const INPUT: &str = "input";

/// A command to disturb.
pub struct Command {
    pub name: &'static str,
    pub stage: Stage,
    /// The program and its arguments.
    pub line: &'static [&'static str],
    pub input: &'static str,
    /// What a person does to end it, where the command leaves that to them.
    pub ends: fn(&Person),
    /// What must hold besides, once it has been repeated.
    pub law: fn(&Scene<'_>, &str),
    pub again: Again,
}

/// What repeating a command does.
pub enum Again {
    /// The same as doing it once.
    Same,
    /// Something else, of which this must hold.
    Otherwise(fn(&Scene<'_>, Said, &str)),
}

const fn on(stage: Stage, name: &'static str, line: &'static [&'static str], input: &'static str) -> Command {
    Command { name, stage, line, input, ends: |_| (), law: |_, _| (), again: Again::Same }
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
    on(Stage::Alice(grouped), "group set", &["covault", "group", "set", "ops", "alice", "carol", "--yes"], ""),
    on(Stage::Alice(with_carol), "grant", &["covault", "grant", "prod", "alice", "--yes"], ""),
    Command {
        law: bob_can_be_let_in,
        ..on(Stage::Newcomer(invited), "join", &["covault", "join", "--invite=-", "--device=laptop"], "")
    },
    on(Stage::Alice(asked), "approve", &["covault", "member", "approve", "bob", "--yes"], ""),
    on(Stage::Alice(carol_wrote), "role", &["covault", "member", "role", "carol", "reader", "--yes"], ""),
    Command {
        law: carol_opens_nothing,
        ..on(Stage::Alice(with_carol), "remove", &["covault", "member", "remove", "carol", "--yes"], "")
    },
    on(Stage::Alice(with_carol), "rekey", &["covault", "rekey", "--all", "--yes"], ""),
    on(Stage::Alice(alone), "rotate", &["covault", "rotate", "prod/db", "--stdin"], "CanaryInTheCoalmine-rotated\n"),
    on(Stage::Alice(branched), "merge", &["git", "merge", "-q", "feature"], ""),
    Command { ends: commits, ..on(Stage::Alice(stopped), "resolve", &["covault", "resolve"], "") },
    on(Stage::Alice(two_values), "resolve newest", &["covault", "resolve", "prod/db", "--newest"], ""),
    Command { law: all_is_pushed, ..on(Stage::Alice(two_machines), "sync", &["covault", "sync"], "") },
    on(Stage::Account, "key rotate", &["covault", "key", "rotate", "prod/key"], ""),
    Command {
        law: the_limit_is_set,
        ..on(Stage::Account, "key limits", &["covault", "key", "limits", "prod/key", "--limit=20/day"], "")
    },
    Command {
        again: Again::Otherwise(|_, said, _| drop(said.ok())),
        ..on(Stage::Alice(alone), "restore", &["covault", "restore", "prod/db"], "")
    },
    Command {
        again: Again::Otherwise(ci_has_an_identity),
        ..on(Stage::Alice(alone), "member add", &["covault", "member", "add", "ci", "--machine", "--grant=prod"], "")
    },
    on(Stage::Alice(tagged), "restore commit", &["covault", "restore", "--commit=deleted"], ""),
    on(
        Stage::Alice(mapped),
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

/// Carol wrote a secret that stays good whatever she may do later.
fn carol_wrote(world: &World, alice: &Person) {
    let carol = admit(world, alice, "carol", Role::Writer);
    carol.set("prod/hers", &value("hers"));
    pull(alice, &carol);
}

/// A group reads what is below prod/, and carol is not in it.
fn grouped(world: &World, alice: &Person) {
    with_carol(world, alice);
    alice.covault(["group", "set", "ops", "alice", "--yes"]).ok();
    alice.covault(["grant", "prod", "@ops", "--yes"]).ok();
}

/// The commit that deleted a secret has a name.
fn tagged(_world: &World, alice: &Person) {
    alice.git(["tag", "deleted"]).ok();
}

/// The env file has a line already.
fn mapped(_world: &World, alice: &Person) {
    let line = format!("HERS={}\n", value("hers"));
    alice.covault_fed(line.as_bytes(), ["import", "-", "--format", "dotenv"]).ok();
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

/// Bob has a clone and an invite.
fn invited(world: &World, alice: &Person) -> Person {
    remote(world, alice);
    let bob = world.newcomer("bob");
    bob.git(["remote", "set-url", "origin", "../shared répo.git"]).ok();
    std::fs::write(world.path().join(INPUT), alice.covault(["member", "invite", "bob"]).ok().out).unwrap();
    bob
}

/// Bob asks to be let in.
fn asked(world: &World, alice: &Person) {
    let bob = invited(world, alice);
    let line = std::fs::read(world.path().join(INPUT)).unwrap();
    bob.covault_fed(&line, ["join", "--invite=-", "--device=laptop"]).ok();
    bob.push("covault/join/bob");
    alice.git(["fetch", "-q"]).ok();
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

/// The same, where git could not merge them and stopped.
fn stopped(world: &World, alice: &Person) {
    branched(world, alice);
    alice.git(["-c", "merge.covault.driver=exit 1 #", "merge", "-q", "feature"]).exits(1);
}

/// A merge that left one field with two values.
pub fn two_values(_world: &World, alice: &Person) {
    alice.git(["commit", "-q", "-m", "work of her own"]).ok();
    alice.git(["switch", "-q", "-c", "feature"]).ok();
    alice.set("prod/db", &value("theirs"));
    alice.git(["switch", "-q", "main"]).ok();
    alice.set("prod/db", &value("ours"));
    alice.git(["merge", "-q", "feature"]).ok();
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

/// What a merge that was settled waits for.
fn commits(alice: &Person) {
    alice.git(["commit", "-q", "--no-edit"]).ok();
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

/// The identity that was shown last opens what it was granted: where the killed one showed none it is renewed, as the
/// refusal says.
fn ci_has_an_identity(scene: &Scene<'_>, mut said: Said, at: &str) {
    let alice = scene.alice();
    if said.code != 0 {
        assert!(said.code == 7 && said.err.contains("covault member renew ci "), "{at}: {}", said.err);
        said = alice.covault(["member", "renew", "ci"]).ok();
    }
    scene.is_new(&said, at);
    let vault = alice.git(["config", "covault.vault"]).ok().text().trim().to_owned();
    let vars = vec![("COVAULT_IDENTITY".to_owned(), said.text()), ("COVAULT_VAULT".to_owned(), vault)];
    let ci = Person { repo: alice.repo.clone(), vars, ..scene.world().stranger("ci") };
    assert_eq!(ci.get("prod/db"), value("old"), "{at}");
}

/// What he asks for is one request, and with the keys that he has then he reads what members read.
fn bob_can_be_let_in(scene: &Scene<'_>, at: &str) {
    let (bob, alice) = (scene.alice(), scene.world().stranger("alice"));
    let made = bob.git(["rev-list", "--count", "HEAD..covault/join/bob"]).ok().text();
    assert_eq!(made.trim(), "1", "{at}: so many requests");
    bob.push("covault/join/bob");
    alice.git(["fetch", "-q"]).ok();
    alice.covault(["member", "approve", "bob", "--yes"]).ok();
    alice.push("main");
    bob.git(["pull", "-q", "--ff-only"]).ok();
    assert_eq!(bob.get("prod/db"), value("old"), "{at}");
}

/// Repeated, the limit is what the record and the provider have.
fn the_limit_is_set(scene: &Scene<'_>, at: &str) {
    let place = scene.place().unwrap();
    scene.run().ok();
    let limits = "limits of prod/key";
    assert_eq!(scene.state().unwrap().get(limits), scene.prepared.after.get(limits), "{at}");
    let key = place.fake.key_of(&place.remote.value(OLD).unwrap()).unwrap();
    assert_eq!(limit_of(&place.fake, &key.hash), "20 Daily", "{at}");
}

/// The editor of these tests: another value. It does not say which, so that it can be started where nobody may see one.
pub fn editor() -> String {
    "sed -i s/-old/-new/".to_owned()
}

/// Commands that write and have no line of their own, each with why.
const ELSEWHERE: &[(&str, &str)] = &[
    ("member invite", "it writes one file of the home; an invite that was lost is made again"),
    ("member renew", "what `member approve` does, with another card of a member"),
    ("group add", "`group set`, with the members worked out"),
    ("group remove", "`group set`, with the members worked out"),
    ("group rm", "`group set`, with nobody"),
    ("key login", "what `set` and `grant` do, as one commit; nothing at the provider"),
    ("key issue", "tests/keys/kills.rs: killed at requests, pushes and writes"),
    ("key revoke", "tests/keys/kills.rs: killed at requests, pushes and writes"),
    ("key ensure", "it is `key issue`, `key rotate` or `key limits`, whichever is needed"),
    ("key ls", "what `set` does, where a key is taken in; nothing at the provider"),
    ("key disable", "a call that may be repeated, and what `set` does; tests/keys/switch.rs"),
    ("key enable", "a call that may be repeated, and what `set` does; tests/keys/switch.rs"),
    ("key resume", "it ends every case of `key rotate` here, and those of tests/keys/kills.rs"),
];

#[test]
fn every_command_that_writes_is_disturbed_or_it_is_said_what_tries_it() {
    fn look(command: &clap::Command, name: &str, found: &mut Vec<String>) {
        if command.get_arguments().any(|argument| argument.get_long() == Some("dry-run")) {
            found.push(name.to_owned());
        }
        for below in command.get_subcommands() {
            look(below, format!("{name} {}", below.get_name()).trim_start(), found);
        }
    }
    let mut writing = Vec::new();
    look(&covault::cli::args::command(), "", &mut writing);
    assert!(writing.len() > 30, "{writing:?}");
    let begins = |words: &[&str], name: &str| name.split(' ').eq(words.iter().copied().take(name.split(' ').count()));
    let is_tried =
        |name: &str| COMMANDS.iter().any(|command| command.line[0] == "covault" && begins(&command.line[1..], name));
    for name in &writing {
        let elsewhere = ELSEWHERE.iter().any(|(other, _)| other == name);
        assert!(is_tried(name) != elsewhere, "{name} has neither a line nor a reason, or both");
    }
    for (name, why) in ELSEWHERE {
        assert!(writing.iter().any(|other| other == name), "{name} is no command that writes: {why}");
    }
}
