//! Members without a ceremony: admitted through the library, each with a machine and a clone of their own.
//!
//! How people really come aboard (invite, join, approve) is tested where those commands are.

use covault::home::{Home, KeySources, NewKeys, OwnSigner};
use covault::model::card::{Card, Device, Kind};
use covault::model::names::{DeviceLabel, FieldName, MemberName, SecretPath};
use covault::model::register::{Key, Value};
use covault::model::roster::{Operation, Role};
use covault::model::time::Time;
use covault::seal::Signer as _;
use covault::seal::sshsig::{self, Namespace};
use covault::vault::Vault;
use covault::vault::amend::Step;
use covault::vault::write::How;

use crate::world::{Person, World};

/// Admits somebody: their keys are made on a machine of their own, alice's commit takes them in and seals to them, and
/// they get a clone of her repository that belongs to the vault.
pub fn admit(world: &World, alice: &Person, name: &str, role: Role) -> Person {
    let person = world.stranger(name);
    admit_as(alice, &person, name, role, Kind::Person);
    joined(alice, person)
}

/// The same for a machine whose keys alice's own hands made.
pub fn admit_machine(world: &World, alice: &Person, name: &str, role: Role) -> Person {
    let person = world.stranger(name);
    admit_as(alice, &person, name, role, Kind::Machine);
    joined(alice, person)
}

/// The newest commit of `from`, in this person's clone.
pub fn pull(person: &Person, from: &Person) {
    person.git([std::ffi::OsStr::new("fetch"), "-q".as_ref(), from.repo.as_os_str(), "HEAD".as_ref()]).ok();
    person.git(["merge", "-q", "--ff-only", "FETCH_HEAD"]).ok();
}

/// The file of a secret as somebody else has it, committed in this person's clone as it is.
pub fn take_from(person: &Person, other: &Person, name: &str) {
    std::fs::copy(other.file(name), person.file(name)).unwrap();
    person.git([std::ffi::OsStr::new("add"), person.file(name).as_os_str()]).ok();
    person.git(["commit", "-q", "-m", "a file of somebody else's"]).ok();
}

/// This person's machine as the library sees it.
pub fn home(person: &Person) -> Home {
    let below = |folder: &str| person.home.join(folder);
    Home::new(below(".config/covault"), below(".local/state/covault"), KeySources::default(), Box::new(|_| None))
}

/// Their vault, opened in this process. Git is told in the clone's own settings who commits.
pub fn vault(person: &Person) -> Vault {
    person.git(["config", "user.name", &person.name]).ok();
    person.git(["config", "user.email", &format!("{}@example.org", person.name)]).ok();
    Vault::open(&person.repo, home(person), None).unwrap()
}

/// A write at a time that does not change.
pub fn how() -> How {
    How {
        now: Time::from_unix(1_790_000_000),
        dry_run: false,
        no_commit: false,
        program: env!("CARGO_BIN_EXE_covault").to_owned(),
    }
}

/// A card for the keys in this person's home, and the signature over it.
pub fn card(vault: &Vault, person: &Person, name: &str, kind: Kind) -> (Card, Vec<u8>) {
    let (keys, signer) = home(person).make_keys(&NewKeys { comment: name.to_owned(), ..NewKeys::default() }).unwrap();
    let signer: OwnSigner = signer.unwrap();
    let device = Device {
        label: DeviceLabel::parse("laptop").unwrap(),
        recipient: keys.recipients().remove(0),
        signing: Some(signer.public()),
    };
    let name = MemberName::parse(name).unwrap();
    let card = Card { vault: vault.roster().vault, name, kind, devices: vec![device] };
    let signature = sshsig::sign(&signer, Namespace::Card, card.encode().as_bytes()).unwrap();
    (card, signature)
}

/// Changes the roster as this person, with everything that follows from it, as one commit.
pub fn amend(person: &Person, steps: Vec<Step>, message: &str) {
    let (vault, how) = (vault(person), how());
    let amendment = vault.amendment(steps, &how).unwrap();
    vault.amend(vault.writing(&how).unwrap(), amendment, Vec::new(), message, &|| ()).unwrap();
}

/// Writes fields into a journal as this person, as what rotates keys does: born where there is none.
pub fn journal(person: &Person, name: &str, fields: &[(&str, &str)]) {
    let (vault, how) = (vault(person), how());
    let mut writing = vault.writing(&how).unwrap();
    let mut draft = writing.journal(&journal_path(name)).unwrap();
    for (field, value) in fields {
        let key = Key::Field(FieldName::parse(field).unwrap());
        draft.document.put(&key, vault.write_of(&key, Value::text(value), false, how.now).unwrap());
    }
    writing.finish(&[draft], Vec::new(), "covault: a rotation").unwrap();
}

/// Takes a field out of a journal as this person.
pub fn empty_journal(person: &Person, name: &str, field: &str) {
    let (vault, how) = (vault(person), how());
    let mut writing = vault.writing(&how).unwrap();
    let mut draft = writing.journal(&journal_path(name)).unwrap();
    let key = Key::Field(FieldName::parse(field).unwrap());
    draft.document.put(&key, vault.write_of(&key, Value::Absent, false, how.now).unwrap());
    writing.finish(&[draft], Vec::new(), "covault: a rotation is over").unwrap();
}

/// Ends a journal as this person.
pub fn end_journal(person: &Person, name: &str) {
    let (vault, how) = (vault(person), how());
    let mut writing = vault.writing(&how).unwrap();
    let mut draft = writing.journal(&journal_path(name)).unwrap();
    writing.end_journal(&mut draft).unwrap();
    writing.finish(&[draft], Vec::new(), "covault: a rotation is over").unwrap();
}

/// Where a journal's file is.
pub fn journal_file(person: &Person, name: &str) -> std::path::PathBuf {
    person.repo.join(format!(".covault/journal/{name}.age"))
}

fn journal_path(name: &str) -> SecretPath {
    SecretPath::parse(&format!("journal/{name}")).unwrap()
}

fn admit_as(alice: &Person, person: &Person, name: &str, role: Role, kind: Kind) {
    let (card, signature) = card(&vault(alice), person, name, kind);
    let step = Step { operation: Operation::Admit { role, card }, card_signature: Some(signature) };
    amend(alice, vec![step], &format!("covault: admit {name}"));
}

fn joined(alice: &Person, person: Person) -> Person {
    let id = vault(alice).roster().vault.to_string();
    let person = alice.clone_for(person);
    person.git(["config", "covault.vault", &id]).ok();
    person
}
