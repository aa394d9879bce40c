//! The rig: one person's machine, copied for each fault; strace that injects it; what must hold afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use covault::home::{Home, KeySources};
use covault::model::names::Reference;
use covault::vault::Vault;

use crate::world::{Person, World};

/// Begins every secret value in these tests, so that it can be searched for.
pub const CANARY: &str = "CanaryInTheCoalmine";

/// Calls that change something.
pub const CALLS: &[&str] = &[
    "openat",
    "write",
    "pwrite64",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "rmdir",
    "fsync",
    "fdatasync",
    "syncfs",
    "mkdir",
    "mkdirat",
    "ftruncate",
    "link",
    "linkat",
    "chmod",
    "fchmod",
    "fchmodat",
    "utimensat",
    "flock",
];

/// Whether the long form was asked for.
pub fn long() -> bool {
    std::env::var_os("COVAULT_LONG").is_some_and(|value| value == "1")
}

pub fn value(n: &str) -> String {
    format!("{CANARY}-{n}")
}

/// Alice with some secrets and some work of her own.
pub fn template() -> (World, Person) {
    let world = World::new();
    let alice = world.founder("alice");
    let more = ["set", "prod/db", "--tag", "web", "--expires", "2199-12-31", "--description", "the main one"];
    alice.covault_fed(value("older").as_bytes(), more).ok();
    alice.set("prod/db", &value("old"));
    alice.set("prod/other", &value("other"));
    alice.set("gone/away", &value("gone"));
    alice.covault(["rm", "gone/away"]).ok();
    std::fs::write(alice.repo.join("mine.txt"), "staged work of her own\n").unwrap();
    alice.git(["add", "mine.txt"]).ok();
    std::fs::write(alice.repo.join(".env"), "").unwrap();
    std::fs::write(alice.repo.join(".git/info/exclude"), ".env\n").unwrap();
    (world, alice)
}

/// Every call of a program that changes something, as its name and its number among the calls of that name in its process.
pub fn trace_of(person: &Person, program: &str, words: &[&str], input: &str) -> Vec<(String, usize)> {
    let trace = tempfile::NamedTempFile::new().unwrap();
    let only = format!("--trace={}", CALLS.join(","));
    let trace_to = trace.path().to_string_lossy().into_owned();
    let mut all = vec!["-f", "--seccomp-bpf", "-qq", "-s", "64", "-o", &trace_to, &only, "--", program];
    all.extend(words);
    person.fed("strace", input.as_bytes(), all).ok();
    let trace = String::from_utf8_lossy(&std::fs::read(trace.path()).unwrap()).into_owned();
    let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut found = BTreeSet::new();
    for line in trace.lines() {
        let Some((pid, rest)) = line.split_once(' ') else { continue };
        let Some((call, args)) = rest.trim_start().split_once('(') else { continue };
        if !CALLS.contains(&call) {
            continue;
        }
        let count = seen.entry((pid.to_owned(), call.to_owned())).or_default();
        *count += 1;
        let changes = match call {
            "openat" => args.contains("O_CREAT") || args.contains("O_WRONLY") || args.contains("O_RDWR"),
            "write" => !args.starts_with("1,") && !args.starts_with("2,"),
            _ => true,
        };
        if changes {
            found.insert((call.to_owned(), *count));
        }
    }
    assert!(found.len() > 20, "{trace}");
    found.into_iter().collect()
}

/// Some of them, spread over all of them.
pub fn spread<T: Clone>(all: &[T], count: usize) -> Vec<T> {
    if long() || all.len() <= count {
        return all.to_vec();
    }
    (0..count).map(|n| all[n * all.len() / count].clone()).collect()
}

pub fn open(person: &Person) -> Result<Vault, covault::vault::VaultError> {
    let config = person.home.join(".config/covault");
    let state = person.home.join(".local/state/covault");
    Vault::open(&person.repo, Home::new(config, state, KeySources::default(), Box::new(|_| None)), None)
}

/// The value of a name; `None` where nothing lives there.
pub fn read(vault: &Vault, name: &str) -> Result<Option<String>, covault::vault::VaultError> {
    use covault::vault::VaultError::{Deleted, Moved, NoSuchSecret};
    let value = |secret: covault::vault::read::Secret, field: Option<_>| {
        let writes = secret.field(field.as_ref())?.writes;
        let value = writes.iter().find_map(|write| write.value.present());
        Ok(value.map(|value| String::from_utf8_lossy(value.expose()).into_owned()))
    };
    let found = vault.locate(&Reference::parse(name).unwrap());
    match found.and_then(|(path, field)| value(vault.secret(&path)?, field)) {
        Ok(value) => Ok(value),
        Err(Deleted { .. } | Moved { .. } | NoSuchSecret { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Asserts that the canary is in no file of the machine and in no object of the repository.
#[track_caller]
pub fn no_canary(person: &Person, at: &str) {
    nowhere(person, CANARY, at);
}

/// The same of any value.
#[track_caller]
pub fn nowhere(person: &Person, needle: &str, at: &str) {
    let found = holding(person.home.parent().unwrap(), needle);
    assert!(found.is_empty(), "{at}: plaintext in {found:?}");
    let objects = person.git(["cat-file", "--batch-all-objects", "--batch", "--unordered"]).ok();
    assert!(!contains(&objects.out, needle.as_bytes()), "{at}: plaintext in an object");
}

pub fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// Regular files below `folder` that hold `needle`.
pub fn holding(folder: &Path, needle: &str) -> Vec<PathBuf> {
    let has = |path: &PathBuf| std::fs::read(path).is_ok_and(|bytes| contains(&bytes, needle.as_bytes()));
    files(folder).into_iter().filter(has).collect()
}

/// All regular files below `folder`.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(files(&entry.path())),
            Ok(kind) if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
    found
}

/// Temporary files and locks that somebody left behind.
pub fn leftovers(person: &Person) -> Vec<PathBuf> {
    let is_left = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(".covault-tmp")
            || name.starts_with(".tmp")
            || name.starts_with("covault-index")
            || (name.ends_with(".lock") && !["covault.lock", "Cargo.lock"].contains(&&*name))
            || name.starts_with("covault-") && path.parent().is_some_and(|folder| folder.ends_with("info"))
    };
    files(person.home.parent().unwrap()).into_iter().filter(is_left).collect()
}

/// Does the same for each, and fails at the end with all that failed.
pub fn each<T>(all: &[T], mut act: impl FnMut(&T)) {
    let mut failed = Vec::new();
    for one in all {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| act(one)));
        if let Err(cause) = outcome {
            let text = cause.downcast_ref::<String>().cloned();
            failed.push(text.or_else(|| cause.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default());
        }
    }
    assert!(failed.is_empty(), "{} of {} failed:\n{}", failed.len(), all.len(), failed.join("\n"));
}
