//! A disk that is full, a repository, a home and a temporary folder that cannot be written.
//!
//! Short: two rooms of each of four commands, two places of each of three. Long: 24 rooms and four places of each command:
//! `COVAULT_LONG=1 cargo test --test covault faults::disk -- --nocapture`. Mounting needs root.

use std::collections::BTreeMap;

use super::campaign;
use super::rig::{long, read, template, value};
use crate::world::{Person, can, have};

/// A mount that goes with the test.
pub struct Mount(std::path::PathBuf);

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

pub fn mount(args: &[&str], at: &std::path::Path) -> Option<Mount> {
    let done = std::process::Command::new("mount").args(args).arg(at).output().is_ok_and(|said| said.status.success());
    can(done, "the permission to mount").then(|| Mount(at.to_owned()))
}

fn read_only(folder: &std::path::Path) -> Option<Mount> {
    let path = folder.to_string_lossy().into_owned();
    let bound = mount(&["--bind", &path], folder)?;
    let mut remount = std::process::Command::new("mount");
    assert!(remount.args(["-o", "remount,bind,ro", &path]).arg(folder).status().unwrap().success());
    Some(bound)
}

/// What a disk has beside what lies there, before it fills up.
const ROOM: u64 = 8 << 20;

#[test]
fn on_a_disk_that_fills_up_every_secret_is_old_or_new_and_writing_goes_on_when_there_is_room() {
    let total = campaign::run(
        "disk",
        4,
        // Whatever the dice say, one is refused.
        |_, dice| if long() { (0..24).collect() } else { [vec![0], dice.some((1..24).collect(), 1)].concat() },
        |prepared, pages: &usize| {
            let at = format!("{}, {pages} pages free", prepared.command.name);
            let Some(scene) = prepared.copy_onto_disk(ROOM) else { return "not permitted" };
            let filler = scene.path().join("filler");
            fill(&filler, pages * 4096);
            let said = scene.run();
            scene.says_so(&said, &at);
            if said.code != 0 && ["merge", "sync"].contains(&prepared.command.name) {
                // To put right what git tore takes room.
                std::fs::remove_file(&filler).unwrap();
                scene.mends_what_git_tore(&at);
            }
            let now = scene.old_or_new(&at);
            if said.code == 0 {
                assert_eq!(now, prepared.after, "{at}: called done: {}", said.err);
            }
            drop(std::fs::remove_file(&filler));
            let advised = scene.next_works(&at);
            scene.ends_new(&at);
            match (said.code, advised) {
                (0, _) => "done",
                (_, true) => "refused, and a lock left",
                _ => "refused",
            }
        },
    );
    is_disturbed(&total);
}

/// What cannot be written.
#[derive(Clone, Copy, Debug)]
enum Fixed {
    Repository,
    Home,
    State,
    Temporary,
}

#[test]
fn what_cannot_be_written_stops_a_command_with_a_clear_error_or_not_at_all() {
    let others = vec![Fixed::Home, Fixed::State, Fixed::Temporary];
    let total = campaign::run(
        "read-only",
        3,
        // Whatever the dice say, one is refused.
        |_, dice| {
            let others = if long() { others.clone() } else { dice.some(others.clone(), 1) };
            [vec![Fixed::Repository], others].concat()
        },
        |prepared, fixed| {
            let at = format!("{}, {fixed:?} cannot be written", prepared.command.name);
            let mut scene = prepared.copy();
            let alice = scene.alice();
            let folder = match fixed {
                Fixed::Repository => alice.repo.clone(),
                Fixed::Home => alice.home.clone(),
                Fixed::State => alice.home.join(".local/state"),
                Fixed::Temporary => scene.path().join("temporary"),
            };
            std::fs::create_dir_all(&folder).unwrap();
            if matches!(fixed, Fixed::Temporary) {
                let folder = folder.to_string_lossy().into_owned();
                scene.alice_mut().vars.push(("TMPDIR".to_owned(), folder));
            }
            let Some(mount) = read_only(&folder) else { return "not permitted" };
            let said = scene.run();
            drop(mount);
            scene.says_so(&said, &at);
            let now = scene.old_or_new(&at);
            if said.code == 0 {
                assert_eq!(now, prepared.after, "{at}: called done: {}", said.err);
            }
            scene.next_works(&at);
            scene.ends_new(&at);
            if said.code == 0 { "done" } else { "refused" }
        },
    );
    is_disturbed(&total);
}

/// Where all went through, nothing was disturbed.
fn is_disturbed(total: &BTreeMap<&'static str, usize>) {
    let refused = total.get("refused").copied().unwrap_or_default();
    assert!(refused > 0 || total.contains_key("not permitted"), "{total:?}");
}

/// Leaves about `room` bytes free.
fn fill(filler: &std::path::Path, room: usize) {
    use std::io::Write as _;
    let mut file = std::fs::File::create(filler).unwrap();
    while file.write_all(&[7; 4096]).is_ok() {}
    let size = file.metadata().unwrap().len();
    file.set_len(size.saturating_sub(room as u64)).unwrap();
}

#[test]
fn a_repository_that_cannot_be_written_is_read_and_writing_says_what_failed() {
    let (_world, alice) = template();
    let Some(_mount) = read_only(&alice.repo) else { return };
    assert_eq!(alice.get("prod/db"), value("old"));
    alice.covault(["ls"]).ok();
    alice.covault(["status"]);
    let said = alice.covault_fed(b"x", ["set", "prod/db"]).exits(1);
    assert!(said.err.contains("covault.lock") && said.err.contains("Read-only"), "{}", said.err);
    assert_eq!(read(&super::rig::open(&alice).unwrap(), "prod/db").unwrap(), Some(value("old")));
}

#[test]
fn a_home_and_a_tmpdir_that_cannot_be_written_stop_nobody() {
    let (_world, alice) = template();
    // The caches are lost, too: they cannot be made again.
    std::fs::remove_dir_all(alice.home.join(".local/state/covault")).unwrap();
    let Some(_mount) = read_only(&alice.home) else { return };
    let mut alice = alice;
    let nowhere = alice.home.join("nowhere").to_string_lossy().into_owned();
    alice.vars.push(("TMPDIR".to_owned(), nowhere));
    assert_eq!(alice.get("prod/db"), value("old"));
    alice.covault(["ls"]).ok();
    alice.set("prod/db", &value("new"));
    assert_eq!(alice.get("prod/db"), value("new"));
    alice.covault(["run", "--from", "prod", "--", "true"]).ok();
}

#[test]
fn somebody_who_may_only_read_the_repository_is_told_so() {
    if !have("setpriv") {
        return;
    }
    let (world, alice) = template();
    let chmod = std::process::Command::new("chmod").args(["-R", "a+rX"]).arg(world.path()).status().unwrap();
    assert!(chmod.success());
    let home = world.path().join("other home");
    let copied = std::process::Command::new("cp").arg("-a").arg(&alice.home).arg(&home).status().unwrap();
    let owned = std::process::Command::new("chown").args(["-R", "65534:65534"]).arg(&home).status().unwrap();
    assert!(copied.success() && owned.success());
    let _ = std::process::Command::new("chmod").arg("600").arg(home.join(".config/covault/identity.txt")).status();
    let _ = std::process::Command::new("chmod").arg("600").arg(home.join(".config/covault/signing_ed25519")).status();
    let mut nobody = Person { name: alice.name.clone(), home, repo: alice.repo.clone(), vars: Vec::new() };
    for (key, value) in [("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "safe.directory"), ("GIT_CONFIG_VALUE_0", "*")]
    {
        nobody.vars.push((key.to_owned(), value.to_owned()));
    }
    let words = ["--reuid=65534", "--regid=65534", "--clear-groups", env!("CARGO_BIN_EXE_covault")];
    let run = |args: &[&str], input: &[u8]| nobody.fed("setpriv", input, words.iter().chain(args));
    let said = run(&["get", "prod/db"], b"");
    if !can(said.code != 127 && !said.err.contains("setpriv:"), "another user who can start the program") {
        return;
    }
    // Whether gix trusts a repository of somebody else's is the person's setting; a refusal names it.
    if said.code != 0 {
        assert!(said.err.contains("belongs to another user"), "{}", said.err);
        return;
    }
    assert_eq!(said.text(), value("old"));
    let said = run(&["set", "prod/db"], b"x").exits(1);
    assert!(said.err.contains("covault.lock") && said.err.contains("ermission denied"), "{}", said.err);
}
