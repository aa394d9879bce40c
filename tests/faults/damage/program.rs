//! A sample through the program that people run: its exit code and what it says.

use std::path::{Path, PathBuf};

use super::super::rig::long;
use super::state::{Memory, remembering};
use super::{Plan, damage};
use crate::attacks::rig::{Case, SECRETS, harmless};
use crate::team;

const MINTED: &str = "a key that was minted and is in no secret";

/// A file, the command that needs it, what that prints where all is well, and its exit codes where it is not.
struct Trial {
    kind: &'static str,
    file: PathBuf,
    other: PathBuf,
    args: &'static [&'static str],
    prints: String,
    codes: &'static [i32],
}

fn trials(case: &Case, memory: &Memory) -> Vec<Trial> {
    let alice = &case.alice;
    let below = |name: &str| alice.repo.join(".covault").join(name);
    let config = |name: &str| alice.home.join(".config/covault").join(name);
    let trial = |kind, file: &Path, other: &Path, args, prints: &str, codes| Trial {
        kind,
        file: file.to_owned(),
        other: other.to_owned(),
        args,
        prints: prints.to_owned(),
        codes,
    };
    let get = &["get", "dev/db"][..];
    let value = SECRETS[1].1;
    let journals = ["4f1d00aa00bb00cc", "4f1d00aa00bb00cd"].map(|name| team::journal_file(alice, name));
    vec![
        trial("secret", &alice.file("dev/db"), &alice.file("dev/api"), get, value, &[6]),
        trial("roster", &below("roster.toml"), &below("env/default.env"), get, value, &[6]),
        trial("identity", &config("identity.txt"), &config("signing_ed25519.pub"), get, value, &[4]),
        trial("journal", &journals[0], &journals[1], &["get", "journal/4f1d00aa00bb00cc/minted"], MINTED, &[6]),
        trial(
            "env file",
            &below("env/default.env"),
            &below("roster.toml"),
            &["export", "-e", "default", "--format", "shell"],
            "export FIRST='one of the values'\n",
            &[1, 2, 3, 6],
        ),
        trial("pin", &memory.file("pin"), &memory.file("seen-"), get, value, &[6]),
        trial("what was seen", &memory.file("seen-"), &memory.file("pin"), get, value, &[6]),
        trial("what was written", &memory.file("written-"), &memory.file("healed-"), get, value, &[6]),
        trial("who was removed", &memory.file("removed"), &memory.file("pin"), get, value, &[6]),
        trial("signatures", &memory.file("manifests"), &memory.file("pin"), get, value, &[]),
        trial("listing", &memory.file("listing-"), &memory.file("past-"), &["ls", "--flat", "old"], "old/token\n", &[]),
    ]
}

#[test]
fn the_identity_of_somebody_else_is_named_by_its_file() {
    let case = remembering(&[]);
    let file = case.alice.identity();
    let other = covault::seal::Identity::generate().unwrap();
    std::fs::write(&file, other.to_text().unwrap().as_bytes()).unwrap();
    let said = case.alice.covault(["get", "dev/db"]).exits(4);
    assert!(said.err.contains("identity.txt") && said.err.contains("belongs to no member"), "{}", said.err);
}

#[test]
fn the_program_ends_with_the_right_value_or_with_an_error_that_names_the_damaged_file() {
    let case = remembering(&[]);
    let alice = &case.alice;
    for name in ["4f1d00aa00bb00cc", "4f1d00aa00bb00cd"] {
        team::journal(alice, name, &[("minted", MINTED)]);
    }
    alice.covault_fed(b"FIRST='one of the values'\n", ["import", "-", "--format", "dotenv"]).ok();
    alice.git(["push", "-q"]).ok();
    alice.covault(["ls"]).ok();
    alice.covault(["expose"]).ok();
    let memory = Memory::of(alice);
    let plan = || Plan::few(if long() { 200 } else { 2 });
    for trial in trials(&case, &memory) {
        let run = || alice.covault(trial.args);
        let whole = run().ok();
        assert_eq!(whole.text(), trial.prints, "{}: {}", trial.kind, whole.err);
        let other = std::fs::read(&trial.other).unwrap();
        let name = trial.file.file_name().unwrap().to_string_lossy().into_owned();
        let put = |file: &Path, bytes: &[u8]| {
            memory.put(file, bytes);
            std::fs::write(file, bytes).unwrap();
        };
        damage(&format!("{} by the program", trial.kind), &trial.file, &other, &plan(), put, |_| {
            let said = run();
            harmless(trial.args, &said);
            let text = format!("exit {}: {}{}", said.code, said.text(), said.err);
            match said.code {
                0 if said.text() == trial.prints => Ok(()),
                // What a line does not name any more, or under another name, is no value of another secret.
                0 if trial.kind == "env file" && renamed(&said.text()) => Ok(()),
                code if trial.codes.contains(&code) && said.out.is_empty() => {
                    let is_told = said.err.starts_with("error: ") && said.err.contains(&name);
                    is_told.then_some(()).ok_or(text)
                }
                _ => Err(text),
            }
        });
    }
}

/// The one value under whatever name, or nothing.
fn renamed(out: &str) -> bool {
    out.is_empty()
        || (out.starts_with("export ") && out.ends_with("='one of the values'\n") && out.lines().count() == 1)
}
