//! A team with clones of one bare repository, where branches extend the roster side by side.

use covault::model::bytes::Hash;
use covault::model::card::Kind;
use covault::model::manifest::MemberRef;
use covault::model::names::MemberName;
use covault::model::roster::{self, Granted, Grantee, Operation, Role, Roster};
use covault::vault::VaultError;
use covault::vault::amend::Step;
use covault::vault::merge::roster::{RosterMerge, Settled, Way, With, rosters, settle};
use covault::vault::write::How;

use crate::team;
use crate::verifier::{can_judge, second_opinion};
use crate::world::{Person, World};

pub const ROSTER: &str = ".covault/roster.toml";

/// alice founded the vault; carol is an admin, too, bob writes and rita reads. Everybody has a clone of their own.
pub struct Team {
    pub world: World,
    pub alice: Person,
    pub carol: Person,
    pub bob: Person,
    pub rita: Person,
}

impl Team {
    pub fn new() -> Self {
        let world = World::new();
        let alice = world.team("alice");
        let vault = team::vault(&alice);
        let admits = [("bob", Role::Writer), ("carol", Role::Admin), ("rita", Role::Reader)].map(|(name, role)| {
            let (card, signature) = team::card(&vault, &world.stranger(name), name, Kind::Person);
            Step { operation: Operation::Admit { role, card }, card_signature: Some(signature) }
        });
        team::amend(&alice, admits.into(), "covault: the team");
        alice.set("dev/db", "the first value of dev db");
        alice.git(["push", "-q"]).ok();
        let clone = |name| {
            let person = world.newcomer(name);
            person.git(["config", "covault.vault", &vault.roster().vault.to_string()]).ok();
            // Their first look at the trunk.
            person.covault(["status"]).ok();
            person
        };
        let (carol, bob, rita) = (clone("carol"), clone("bob"), clone("rita"));
        Self { world, alice, carol, bob, rita }
    }

    /// Another clone of somebody's, on another machine with their keys.
    pub fn another_clone(&self, of: &Person, name: &str) -> Person {
        let mut person = self.world.newcomer(name);
        person.take_keys_of(of);
        person.name.clone_from(&of.name);
        person.git(["config", "covault.vault", &team::vault(of).roster().vault.to_string()]).ok();
        person
    }

    /// A clone of the shared repository for somebody who was admitted, with the keys of their card.
    pub fn comes(&self, name: &str) -> Person {
        let person = self.world.newcomer(name);
        person.git(["config", "covault.vault", &team::vault(&self.alice).roster().vault.to_string()]).ok();
        person
    }

    /// Admits somebody new who has no clone yet.
    pub fn admits(&self, admin: &Person, name: &str, role: Role) {
        let (card, signature) = team::card(&team::vault(admin), &self.world.stranger(name), name, Kind::Person);
        let step = Step { operation: Operation::Admit { role, card }, card_signature: Some(signature) };
        team::amend(admin, vec![step], &format!("covault: admit {name}"));
    }
}

pub fn member(name: &str) -> MemberName {
    MemberName::parse(name).unwrap()
}

/// A living member as somebody's roster has them.
pub fn reference(person: &Person, name: &str) -> MemberRef {
    team::vault(person).roster().named(&member(name)).unwrap().reference()
}

/// Removes a member; what they wrote last stays good.
pub fn removes(admin: &Person, name: &str) {
    let member = reference(admin, name);
    let step = Operation::Remove { member, live: Vec::new() };
    team::amend(admin, vec![step.into()], &format!("covault: remove {name}"));
}

/// These read what is below `path` from now on.
pub fn grants(admin: &Person, path: &str, names: &[&str]) {
    let readers = names.iter().map(|name| Grantee::Member(reference(admin, name))).collect();
    let path = covault::model::names::SecretPath::parse(path).ok();
    let step = Operation::Grant { path, readers: Granted::To(readers), live: Vec::new() };
    team::amend(admin, vec![step.into()], "covault: grant");
}

/// The roster that lies in somebody's work tree.
pub fn bytes(person: &Person) -> Vec<u8> {
    std::fs::read(person.repo.join(ROSTER)).unwrap()
}

/// The roster of a commit.
pub fn bytes_at(person: &Person, rev: &str) -> Vec<u8> {
    person.git(["cat-file", "blob", &format!("{rev}:{ROSTER}")]).ok().out
}

/// Begins a merge that leaves both rosters, and every secret that both sides changed, for us to settle: whatever driver is
/// set up is not called. The code of git.
pub fn begin_merge(person: &Person, rev: &str) -> i32 {
    person.git(["-c", "merge.covault.driver=false", "merge", "-q", "--no-ff", "--no-commit", rev]).code
}

/// The paths that git has unmerged.
pub fn unmerged(person: &Person) -> Vec<String> {
    let listed = person.git(["diff", "--name-only", "--diff-filter=U"]).ok().text();
    listed.lines().map(str::to_owned).collect()
}

/// Settles the roster in the index as `resolve` does.
pub fn settles(person: &Person) -> Result<Option<Settled>, VaultError> {
    settles_with(person, With::Index, &team::how())
}

pub fn settles_with(person: &Person, with: With<'_>, how: &How) -> Result<Option<Settled>, VaultError> {
    person.git(["config", "user.name", &person.name]).ok();
    person.git(["config", "user.email", &format!("{}@example.org", person.name)]).ok();
    settle(&person.repo, &team::home(person), None, with, true, how)
}

/// Merges another branch: the roster by the library, secrets that both sides changed by sealing their join; one commit.
#[track_caller]
pub fn merges(person: &Person, rev: &str) {
    begin_merge(person, rev);
    settles(person).unwrap();
    joins_secrets(person);
    person.git(["commit", "-q", "-m", "merge"]).ok();
}

/// Joins the secrets that git has unmerged.
#[track_caller]
pub fn joins_secrets(person: &Person) {
    for file in unmerged(person) {
        let name = file.strip_prefix(".covault/secrets/").unwrap().strip_suffix(".age").unwrap();
        person.covault(["rekey", name]).ok();
    }
    assert_eq!(unmerged(person), [""; 0]);
}

/// `status` has nothing to say but who could have read what.
#[track_caller]
pub fn nothing_waits(person: &Person) {
    let status = crate::cli::json(&person.covault(["status", "--json"]).ok());
    for key in ["pending", "refused", "conflicts", "contested", "uncommitted", "strangers", "both"] {
        assert_eq!(status[key], serde_json::json!([]), "{key}: {status:#}");
    }
    assert!(status["operation"].is_null(), "{status:#}");
}

/// Both verifiers find nothing in the tree and nothing in the history of the whole clone.
#[track_caller]
pub fn verifies(person: &Person) {
    for args in [&["verify"][..], &["verify", "--history"]] {
        person.covault(args).ok();
    }
    if can_judge() {
        let said = second_opinion(&person.repo, &["--history"]);
        assert_eq!(said["verdict"], "good", "{said:#}");
    }
}

/// What a roster says, with every signature checked.
pub fn read(bytes: &[u8]) -> Roster {
    covault::vault::trust::verified("roster.toml", bytes).unwrap()
}

/// What the library makes of two rosters, as this person.
pub fn merge(person: &Person, base: &[u8], ours: &[u8], theirs: &[u8]) -> RosterMerge {
    rosters(&team::vault(person), base, ours, theirs, team::how().now).unwrap()
}

/// The same where a merge entry has to come of it.
#[track_caller]
pub fn merged(person: &Person, base: &[u8], ours: &[u8], theirs: &[u8]) -> Vec<u8> {
    let merge = merge(person, base, ours, theirs);
    assert!(matches!(merge.way, Way::Merged(_)), "{:?}", merge.way);
    merge.bytes
}

/// The heads of the chain's entries, embedded ones left out.
pub fn head(bytes: &[u8]) -> Hash {
    read(bytes).head
}

/// The living members with their roles.
pub fn members(bytes: &[u8]) -> Vec<String> {
    let roster = read(bytes);
    let mut names: Vec<String> = roster.members().map(|it| format!("{} {}", it.card.name, it.role)).collect();
    names.sort();
    names
}

/// How many entries a file has.
pub fn entries(bytes: &[u8]) -> usize {
    roster::decode(bytes).unwrap().len()
}

/// The second verifier finds nothing, either.
#[track_caller]
pub fn second(person: &Person) {
    if can_judge() {
        let said = second_opinion(&person.repo, &["--history"]);
        assert_eq!(said["verdict"], "good", "{said:#}");
    }
}
