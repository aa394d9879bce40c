//! What a machine remembers: a damaged record is named or made anew, and whatever it was to notice is noticed still.
//!
//! Each file is damaged in an honest vault, and beside attacks that it is there for: there nothing may be read.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use covault::model::keys::intent::Intent;
use covault::model::keys::usage::Usage;
use covault::model::names::MemberName;
use covault::model::time::Time;
use covault::vault::env::Source;
use covault::vault::expose::Scope;
use covault::vault::{Vault, VaultError};

use super::super::rig::{files, long};
use super::{Plan, damage, names, now_and_then};
use crate::attacks::rig::{Case, ROSTER, SECRETS, file, value_of};
use crate::team;
use crate::world::Person;

/// All files of the state folder, to be put back before each damage.
pub struct Memory {
    dir: PathBuf,
    image: Vec<(PathBuf, Vec<u8>)>,
}

impl Memory {
    pub fn of(person: &Person) -> Self {
        let dir = person.home.join(".local/state/covault");
        let image = files(&dir).into_iter().map(|file| (file.clone(), std::fs::read(&file).unwrap())).collect();
        Self { dir, image }
    }

    /// As it was, but for one file.
    pub fn put(&self, file: &Path, bytes: &[u8]) {
        for path in files(&self.dir) {
            if !self.image.iter().any(|(known, _)| *known == path) {
                std::fs::remove_file(path).unwrap();
            }
        }
        for (path, whole) in &self.image {
            let bytes = if path == file { bytes } else { whole };
            if std::fs::read(path).ok().as_deref() != Some(bytes) {
                std::fs::write(path, bytes).unwrap();
            }
        }
    }

    /// The file whose name begins so.
    pub fn file(&self, name: &str) -> PathBuf {
        let is = |path: &&PathBuf| {
            let end = path.file_name().unwrap().to_string_lossy();
            end.starts_with(name) || path.parent().unwrap().ends_with(name)
        };
        self.image.iter().map(|(path, _)| path).find(is).unwrap_or_else(|| panic!("{name}: {:?}", self.names())).clone()
    }

    fn names(&self) -> Vec<&PathBuf> {
        self.image.iter().map(|(path, _)| path).collect()
    }
}

/// Stamps of long ago, so that a listing is believed.
fn settle(person: &Person) {
    let then = SystemTime::now() - Duration::from_secs(2 * 86_400);
    for file in files(&person.repo.join(".covault")) {
        std::fs::File::options().write(true).open(file).unwrap().set_modified(then).unwrap();
    }
}

/// alice with everything that a machine remembers. `more` is done first.
pub fn remembering(more: &[(&str, &str)]) -> Case {
    let case = Case::new();
    let alice = &case.alice;
    for (name, value) in [("dev/extra", "written by this clone")].iter().chain(more) {
        alice.set(name, value);
    }
    alice.git(["push", "-q"]).ok();
    case.git(&["pull", "-q", "--ff-only"]);
    settle(alice);
    for args in [
        &["ls"][..],
        &["status"],
        &["expose"],
        &["export", "--from", "dev"],
        &["member", "invite", "ivan", "--group", "ops"],
    ] {
        alice.covault(args).ok();
    }
    let home = team::home(alice);
    let vault = case.vault().unwrap().roster().vault;
    let mut watched = home.watched(vault);
    for n in 0..3_u8 {
        let intent = Intent::new([n; 8]);
        watched.entry(&intent).usage = Some(Usage::none(Time::from_unix(1_800_000_000)));
        watched.entry(&intent).off = n == 1;
    }
    home.set_watched(vault, &watched).unwrap();
    case
}

const STATE: [&str; 11] =
    ["sums", "pin", "seen-", "written-", "removed", "healed-", "manifests", "listing-", "past-", "invites", "keys"];

/// What the machine remembers, in full.
fn remembered(case: &Case, vault: &Vault) -> Vec<String> {
    let (home, id) = (team::home(&case.alice), vault.roster().vault);
    let place = case.alice.repo.join(".git");
    let place = std::fs::canonicalize(place).unwrap();
    let ivan = MemberName::parse("ivan").unwrap();
    let is_damaged = "damaged".to_owned();
    let say = |outcome: Result<String, covault::home::HomeError>| outcome.unwrap_or_else(|_| is_damaged.clone());
    vec![
        say(home.pin(id).map(|it| format!("{it:?}"))),
        say(home.seen(id, &place).map(|it| format!("{it:?}"))),
        say(home.written(id, &place).map(|it| format!("{it:?}"))),
        say(home.removed(id).map(|it| format!("{it:?}"))),
        home.healed(id, &place).map_or_else(|| is_damaged.clone(), |it| format!("{it:?}")),
        home.past(id, &place.join(".covault")).map_or_else(|| is_damaged.clone(), |it| format!("{it:?}")),
        say(home.invite(id, &ivan).map(|it| {
            let it = it.unwrap();
            format!("{} {:?} {}", hex::encode(it.token.expose()), it.groups, it.at)
        })),
        Some(home.watched(id))
            .filter(|it| *it != Default::default())
            .map_or(is_damaged.clone(), |it| format!("{it:?}")),
    ]
}

/// What is in the vault, as the library reads it one by one and together, and what it lists.
fn contents(case: &Case) -> Result<Vec<String>, VaultError> {
    let vault = case.vault()?;
    let mut found = Vec::new();
    for (name, _) in SECRETS {
        found.push(format!("{name} = {}", value_of(&vault, name)?));
    }
    let variables = vault.variables(&Source::Folder("dev".into()), true, &|| {}, &mut |_| {})?;
    found.extend(variables.iter().map(|it| format!("{} = {}", it.name, it.value.expose_str().unwrap())));
    found.extend(vault.live_names()?.iter().map(ToString::to_string));
    Ok(found)
}

fn ledger(case: &Case) -> Result<String, VaultError> {
    Ok(format!("{:?}", case.vault()?.exposures(None, Scope::default())?))
}

/// The same file on a machine that has seen more.
fn others() -> Vec<(String, Vec<u8>)> {
    let case = remembering(&[("dev/db", "one more value"), ("zoo/keeper", "another one")]);
    let memory = Memory::of(&case.alice);
    STATE.map(|name| (name.to_owned(), std::fs::read(memory.file(name)).unwrap())).into()
}

#[test]
fn a_damaged_record_of_this_machine_is_named_or_made_anew() {
    let case = remembering(&[]);
    let memory = Memory::of(&case.alice);
    let vault = case.vault().unwrap();
    let (values, known, exposed) = (contents(&case).unwrap(), remembered(&case, &vault), ledger(&case).unwrap());
    assert!(exposed.contains("gina") && values.contains(&"dev/extra".to_owned()), "{exposed} {values:?}");
    assert!(!known.contains(&"damaged".to_owned()) && known[1..4].iter().all(|it| it.len() > 4), "{known:?}");
    let plan = || if long() { Plan::usual() } else { Plan::few(8) };
    for (n, (name, other)) in others().into_iter().enumerate() {
        let file = memory.file(&name);
        let tried = Cell::new(n);
        let put = |file: &Path, bytes: &[u8]| memory.put(file, bytes);
        damage(&format!("state file {name}"), &file, &other, &plan(), put, |_| {
            let now = remembered(&case, &vault);
            for (was, is) in known.iter().zip(&now) {
                if is != was && is != "damaged" {
                    return Err(format!("{was} was remembered as {is}"));
                }
            }
            let of_this = |it: VaultError| names(&it, &file.to_string_lossy());
            let looks = now_and_then(&tried);
            // What does not take part in reading is looked at now and then; history is read anew for that.
            let matters = !["healed-", "past-", "invites", "keys"].contains(&&*name);
            if matters || looks {
                match contents(&case) {
                    Ok(now) if now == values => {}
                    Ok(now) => return Err(format!("{now:?}")),
                    Err(error) => return of_this(error),
                }
            }
            if name == "past-" && looks {
                match ledger(&case) {
                    Ok(now) if now == exposed => {}
                    Ok(now) => return Err(now),
                    Err(error) => return of_this(error),
                }
            }
            Ok(())
        });
    }
}

/// Damages what could hide an attack from alice; nothing may be read at dev/db then.
fn still_refused(attack: &str, case: &Case, memory: &Memory, files: &[&str]) {
    let reads = || -> Result<(), String> {
        let Ok(vault) = case.vault() else { return Ok(()) };
        let path = covault::model::names::SecretPath::parse("dev/db").unwrap();
        if let Ok(value) = value_of(&vault, "dev/db") {
            return Err(format!("read: {value}"));
        }
        let all = vault.variables(&Source::Folder("dev".into()), true, &|| {}, &mut |_| {});
        let many = vault.open_many(&[path], &|| {}).map(|all| all.into_iter().any(|one| one.is_ok()));
        match (all, many) {
            (Ok(_), _) | (_, Ok(true)) => Err("read among others".to_owned()),
            _ => Ok(()),
        }
    };
    let put = |file: &Path, bytes: &[u8]| memory.put(file, bytes);
    put(Path::new(""), b"");
    reads().unwrap_or_else(|why| panic!("{attack}, nothing damaged: {why}"));
    for name in files {
        let file = memory.file(name);
        let other: BTreeSet<_> = memory.names().into_iter().collect();
        let other = std::fs::read(other.into_iter().find(|path| **path != file).unwrap()).unwrap();
        let plan = if long() { Plan { splices: 64, ..Plan::usual() } } else { Plan::few(8) };
        damage(&format!("{attack}, state file {name}"), &file, &other, &plan, put, |_| reads());
    }
}

#[test]
fn beside_a_damaged_record_a_forged_file_is_refused_still() {
    let case = remembering(&[]);
    let memory = Memory::of(&case.alice);
    let forged = case.next("dev/db", "alice").signed_by(covault::seal::SigningKey::generate().unwrap()).bytes();
    std::fs::write(case.alice.file("dev/db"), forged).unwrap();
    still_refused("a forged secret", &case, &memory, &["pin", "manifests", "listing-", "seen-"]);
}

#[test]
fn beside_a_damaged_record_a_forged_roster_is_refused_still() {
    let case = remembering(&[]);
    let memory = Memory::of(&case.alice);
    let good = String::from_utf8(case.read(ROSTER)).unwrap();
    // Nothing but the signature is not good any more: a cache that took it for the one it knows would read everything.
    let at = good.rfind("signature = \"").unwrap() + 20;
    let other = if good.as_bytes()[at] == b'A' { "B" } else { "A" };
    std::fs::write(case.alice.repo.join(ROSTER), [&good[..at], other, &good[at + 1..]].concat()).unwrap();
    still_refused("a forged roster", &case, &memory, &["pin", "seen-", "removed", "sums"]);
}

#[test]
fn beside_a_damaged_record_a_secret_put_back_is_refused_still() {
    let case = remembering(&[]);
    let memory = Memory::of(&case.alice);
    case.write(&file("dev/db"), case.at_commit("begun", &file("dev/db")));
    case.deliver();
    still_refused("a secret put back", &case, &memory, &["pin", "seen-", "written-", "removed"]);
}

#[test]
fn beside_a_damaged_record_a_secret_put_back_onto_a_commit_of_one_s_own_is_refused_still() {
    let case = remembering(&[]);
    // Nobody looks at the trunk between her own commit and the attack.
    case.alice.set("dev/db", "the value of her own commit");
    let memory = Memory::of(&case.alice);
    case.alice.git(["push", "-q"]).ok();
    case.git(&["pull", "-q", "--ff-only"]);
    case.write(&file("dev/db"), case.at_commit("begun", &file("dev/db")));
    case.deliver();
    still_refused("a secret put back onto one's own", &case, &memory, &["pin", "seen-", "written-"]);
}

#[test]
fn beside_a_damaged_record_a_roster_put_back_is_refused_still() {
    let case = remembering(&[]);
    let memory = Memory::of(&case.alice);
    case.write(ROSTER, case.at_commit("branched", ROSTER));
    case.deliver();
    still_refused("a roster put back", &case, &memory, &["pin", "seen-", "written-", "removed"]);
}
