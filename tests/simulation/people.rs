//! Who is there: members with one machine or several, machines without a key, and how each gets a clone.

use std::ffi::OsStr;
use std::path::Path;

use covault::home::NewKeys;
use covault::model::card::{Card, Device, Kind};
use covault::model::names::{DeviceLabel, MemberName};
use covault::model::roster::Operation;
use covault::seal::Signer as _;
use covault::seal::sshsig::{self, Namespace};
use covault::vault::Vault;
use covault::vault::amend::Step as Change;

use super::script::{Part, Role};
use super::sim::{Actor, Outcome, Seat, Sim, Violation, rank};
use crate::team;
use crate::world::{Person, World};

/// Takes everybody in who has a key, by the hand of who founded the vault: a member with all machines of theirs at once.
pub fn admit(actors: &[Actor]) {
    let founder = &actors[0].person;
    let vault = team::vault(founder);
    let mut changes = Vec::new();
    for actor in actors[1..].iter().filter(|actor| actor.role.of.is_none()) {
        let Some(role) = rank(actor.role.part) else { continue };
        let name = &actor.role.name;
        let more = actors.iter().filter(|other| other.role.of.as_ref() == Some(name));
        let machines: Vec<&Person> = std::iter::once(actor).chain(more).map(|actor| &actor.person).collect();
        let (card, signature) = card(&vault, name, &machines);
        changes.push(Change { operation: Operation::Admit { role, card }, card_signature: Some(signature) });
    }
    if !changes.is_empty() {
        team::amend(founder, changes, "covault: admit everybody");
    }
}

/// A card with these machines, each with keys of its own, and the first one's signature over it.
fn card(vault: &Vault, name: &str, machines: &[&Person]) -> (Card, Vec<u8>) {
    let mut devices = Vec::new();
    let mut first = None;
    for (number, machine) in machines.iter().enumerate() {
        let new = NewKeys { comment: machine.name.clone(), ..NewKeys::default() };
        let (keys, signer) = team::home(machine).make_keys(&new).unwrap();
        let signer = signer.unwrap();
        let label = if number == 0 { "laptop".to_owned() } else { format!("machine-{number}") };
        devices.push(Device {
            label: DeviceLabel::parse(&label).unwrap(),
            recipient: keys.recipients().remove(0),
            signing: Some(signer.public()),
        });
        first.get_or_insert(signer);
    }
    let name = MemberName::parse(name).unwrap();
    let card = Card { vault: vault.roster().vault, name, kind: Kind::Person, devices };
    let signature = sshsig::sign(&first.unwrap(), Namespace::Card, card.encode().as_bytes()).unwrap();
    (card, signature)
}

/// Whose name stands in the settings of the clone that the others' are copies of.
const NOBODY: &str = "nobody-yet";

/// Everybody gets a clone that is set up: git makes one, and the others' are copies of it with other names in it.
pub fn give_clones(world: &World, actors: &[Actor]) {
    let id = team::vault(&actors[0].person).roster().vault.to_string();
    let mould = world.stranger(NOBODY);
    clone(&mould, &world.shared(), Some(&id));
    let settings = std::fs::read_to_string(mould.repo.join(".git/config")).unwrap();
    let is_vault = |line: &&str| line.trim_start().starts_with("vault =");
    assert!(settings.lines().any(|line| is_vault(&line)) && settings.contains(NOBODY), "{settings}");
    for Actor { person, role, .. } in &actors[1..] {
        copy(&mould.repo, &person.repo);
        let mut own = settings.replace(NOBODY, &person.name);
        if role.part == Part::Bot {
            own = own.lines().filter(|line| !is_vault(line)).map(|line| format!("{line}\n")).collect();
        }
        std::fs::write(person.repo.join(".git/config"), own).unwrap();
    }
    std::fs::remove_dir_all(&mould.repo).unwrap();
    std::fs::remove_dir_all(&mould.home).unwrap();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let there = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &there);
        } else {
            std::fs::copy(entry.path(), there).unwrap();
        }
    }
}

impl Sim {
    /// Takes somebody in as a writer, by the hand of an admin who stands on the trunk.
    pub fn add_member(&mut self, admin: Seat, name: &str) -> Result<Outcome, Violation> {
        self.mend_trunk()?;
        if self.here(admin).is_some() {
            // With a bad roster on the trunk that they know, nobody writes one.
            self.git(admin, &["fetch", "-q"]).ok();
        }
        let person = self.world.stranger(name);
        let vault = team::vault(self.person(admin));
        let (card, signature) = card(&vault, name, &[&person]);
        let operation = Operation::Admit { role: rank(Part::Writer).unwrap(), card };
        let id = vault.roster().vault.to_string();
        drop(vault);
        let how = self.how(admin, false);
        let vault = team::vault(self.person(admin));
        let change = Change { operation, card_signature: Some(signature) };
        let amendment = vault.amendment(vec![change], &how).unwrap();
        vault
            .amend(vault.writing(&how).unwrap(), amendment, Vec::new(), &format!("covault: admit {name}"), &|| ())
            .unwrap();
        let pushed = self.git(admin, &["push", "-q", "origin", "main"]).code == 0;
        let shared = self.world.shared();
        // Where somebody was faster with a push, they get their clone from the admin's.
        clone(&person, if pushed { &shared } else { &self.person(admin).repo }, Some(&id));
        if !pushed {
            person.git(["remote".as_ref(), "set-url".as_ref(), "origin".as_ref(), shared.as_os_str()]).ok();
            person.git(["fetch", "-q"]).ok();
        }
        self.actors.push(Actor::new(person, Role::new(name, Part::Writer), 0));
        Ok(Outcome::Done)
    }
}

/// A clone that is set up, and that knows its vault where its owner has a key.
fn clone(person: &Person, from: &Path, vault: Option<&str>) {
    let settings = [
        format!("user.name={}", person.name),
        format!("user.email={}@example.org", person.name),
        "maintenance.auto=false".to_owned(),
    ];
    let settings: Vec<String> = settings.into_iter().chain(vault.map(|id| format!("covault.vault={id}"))).collect();
    let settings = settings.iter().flat_map(|setting| ["-c".as_ref(), OsStr::new(setting)]);
    let words = ["clone".as_ref(), "-q".as_ref()].into_iter().chain(settings);
    person.git(words.chain([from.as_os_str(), person.repo.as_os_str()])).ok();
    person.covault(["setup"]).ok();
}
