//! The editor's file: in memory, private, without copies, and gone afterwards, however it ends.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Stdio;

use crate::faults::rig::{CANARY, files, no_canary, value};
use crate::world::{Person, World, can, found, have};

/// Somebody with a secret, a runtime folder in memory, and an editor that notes how it was started.
struct Desk {
    world: World,
    alice: Person,
    runtime: tempfile::TempDir,
}

impl Desk {
    fn new(editor: &str, then: &str) -> Option<Self> {
        let runtime = tempfile::Builder::new().prefix("covault-test-").tempdir_in("/dev/shm");
        if !can(runtime.is_ok(), "the folder /dev/shm") {
            return None;
        }
        let runtime = runtime.unwrap();
        let world = World::new();
        let mut alice = world.founder("alice");
        alice.set("prod/db", &value("before"));
        let notes = world.path().join("notes");
        std::fs::create_dir(&notes).unwrap();
        let program = world.path().join(editor);
        let script = format!(
            "#!/bin/sh\nnotes='{}'\nfor last; do :; done\nprintf '%s\\n' \"$@\" > \"$notes/argv\"\nenv > \"$notes/env\"\n\
             stat -f -c %T \"$last\" > \"$notes/fs\"\nstat -c %a \"$last\" > \"$notes/mode\"\n\
             stat -c %a \"$(dirname \"$last\")\" > \"$notes/folder\"\necho $$ > \"$notes/started\"\n{then}\n",
            notes.display()
        );
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        alice.vars.push(("EDITOR".into(), format!("'{}'", program.display())));
        alice.vars.push(("XDG_RUNTIME_DIR".into(), runtime.path().to_string_lossy().into_owned()));
        alice.vars.push(("COVAULT_IDENTITY_FILE".into(), alice.identity().to_string_lossy().into_owned()));
        Some(Self { world, alice, runtime })
    }

    fn note(&self, name: &str) -> String {
        std::fs::read_to_string(self.world.path().join("notes").join(name)).unwrap_or_default()
    }

    fn left(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.runtime.path()).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// Starts covault edit and waits for its editor.
    fn editing(&self) -> std::process::Child {
        let mut command = self.alice.command(env!("CARGO_BIN_EXE_covault"));
        let child = command.args(["edit", "prod/db"]).stderr(Stdio::null()).spawn().unwrap();
        for _ in 0..500 {
            if !self.note("started").is_empty() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert!(!self.left().is_empty());
        child
    }
}

fn signal(name: &str, pid: u32) {
    assert!(std::process::Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
}

#[test]
fn an_editor_gets_a_private_file_in_memory_and_nothing_of_ours() {
    for (editor, flags) in
        [("vim", ["-n", "-i", "NONE"].as_slice()), ("nvim", &["noswapfile"]), ("emacs", &["auto-save-default nil"])]
    {
        let Some(desk) = Desk::new(editor, "sed -i 's/before/after/' \"$last\"") else { return };
        let said = desk.alice.covault(["edit", "prod/db"]).ok();
        assert_eq!(desk.alice.get("prod/db"), value("after"), "{}", said.err);
        assert_eq!((desk.note("mode").trim(), desk.note("folder").trim()), ("600", "700"));
        assert_eq!(desk.note("fs").trim(), "tmpfs");
        let argv = desk.note("argv");
        assert!(flags.iter().all(|flag| argv.contains(flag)), "{argv}");
        assert!(!argv.contains(CANARY) && !desk.note("env").contains(CANARY));
        assert!(!desk.note("env").contains("COVAULT_"), "{}", desk.note("env"));
        assert_eq!(desk.left(), Vec::<PathBuf>::new());
        assert!(!said.err.contains(CANARY));
        no_canary(&desk.alice, editor);
    }
}

#[test]
fn vim_keeps_no_copy_whatever_the_vimrc_says_and_whatever_it_is_called() {
    // The stand-ins of the other tests see what it is told, everywhere.
    if !have("vim") {
        return;
    }
    for name in ["vim", "editor"] {
        let Some(mut desk) = Desk::new("ed", "") else { return };
        let home = &desk.alice.home;
        for folder in ["undo", "backup"] {
            std::fs::create_dir(home.join(folder)).unwrap();
        }
        let vimrc = "set nocompatible\nsilent! set undofile undodir=~/undo\n\
            silent! set backup backupdir=~/backup patchmode=.orig\n\
            silent! set viminfo='100,<50\nsilent! set viminfofile=~/marks\n";
        std::fs::write(home.join(".vimrc"), vimrc).unwrap();
        let links = desk.world.path().join("links");
        std::fs::create_dir(&links).unwrap();
        let path = std::env::var_os("PATH").unwrap();
        std::os::unix::fs::symlink(found("vim".as_ref(), &path), links.join(name)).unwrap();
        let editor = format!("{name} --not-a-term -c %yank -c %s/before/after/ -c wq");
        desk.alice.vars.push(("EDITOR".into(), editor));
        desk.alice.vars.push(("PATH".into(), format!("{}:{}", links.display(), path.to_string_lossy())));
        let said = desk.alice.covault(["edit", "prod/db"]).ok();
        assert_eq!(desk.alice.get("prod/db"), value("after"), "{}", said.err);
        no_canary(&desk.alice, name);
        let kept: Vec<_> = ["undo", "backup"].iter().flat_map(|folder| files(&desk.alice.home.join(folder))).collect();
        assert_eq!(kept, Vec::<PathBuf>::new(), "{name}");
    }
}

#[test]
fn a_vi_gets_what_vim_understands_only_where_it_is_vim() {
    for (version, gets) in [("VIM - Vi IMproved 9.1", true), ("BusyBox v1.37", false)] {
        let then = format!("[ \"$1\" = --version ] || exec sed -i 's/before/after/' \"$last\"; echo '{version}'");
        let Some(desk) = Desk::new("vi", &then) else { return };
        let said = desk.alice.covault(["edit", "prod/db"]).ok();
        assert_eq!(desk.alice.get("prod/db"), value("after"), "{}", said.err);
        let argv = desk.note("argv");
        let only_the_file = argv.lines().count() == 1 && argv.ends_with("/db.toml\n");
        assert_eq!((argv.contains("noundofile"), only_the_file), (gets, !gets), "{version}: {argv}");
    }
}

#[test]
fn what_the_editor_s_file_held_is_overwritten_however_the_edit_ends() {
    for then in ["exit 0", "exit 3", "echo '[no TOML' >> \"$last\"", "cp \"$last\" \"$last~\""] {
        let keep = format!("{then}\nfor one in \"$last\"*; do ln \"$one\" \"$XDG_RUNTIME_DIR\"; done");
        let kept_first = format!("for one in \"$last\"*; do ln \"$one\" \"$XDG_RUNTIME_DIR\"; done\n{then}");
        let Some(desk) = Desk::new("ed", if then.starts_with("exit") { &kept_first } else { &keep }) else { return };
        desk.alice.covault(["edit", "prod/db"]);
        let kept = desk.left();
        assert!(!kept.is_empty(), "{then}");
        for file in kept {
            let bytes = std::fs::read(&file).unwrap();
            assert!(!bytes.is_empty() && bytes.iter().all(|byte| *byte == 0), "{then}: {}", file.display());
        }
    }
}

#[test]
fn an_editor_that_fails_changes_nothing_and_leaves_nothing() {
    for then in [
        "exit 3",
        "kill -9 $$",
        "echo 'this is [no TOML' > \"$last\"",
        "rm \"$last\"",
        ": > \"$last\"",
        "chmod 000 \"$last\"; exit 1",
    ] {
        let Some(desk) = Desk::new("ed", then) else { return };
        let said = desk.alice.covault(["edit", "prod/db"]);
        assert!(!said.err.contains(CANARY) && !said.err.contains("panicked"), "{then}: {}", said.err);
        assert_eq!(desk.left(), Vec::<PathBuf>::new(), "{then}");
        assert_eq!(desk.alice.get("prod/db"), value("before"), "{then}");
        no_canary(&desk.alice, then);
    }
}

#[test]
fn a_covault_that_is_ended_takes_the_editor_s_file_along() {
    for name in ["-TERM", "-HUP"] {
        let Some(desk) = Desk::new("ed", "exec sleep 20") else { return };
        let mut child = desk.editing();
        signal(name, child.id());
        child.wait().unwrap();
        assert_eq!(desk.left(), Vec::<PathBuf>::new(), "{name}");
        end_editor(&desk);
        assert_eq!(desk.alice.get("prod/db"), value("before"));
    }
}

#[test]
fn an_interrupt_is_the_editor_s_and_the_edit_goes_on() {
    let go =
        "for n in $(seq 500); do [ -e \"$notes/go\" ] && break; sleep 0.02; done; sed -i 's/before/after/' \"$last\"";
    let Some(desk) = Desk::new("ed", go) else { return };
    let mut child = desk.editing();
    signal("-INT", child.id());
    std::thread::sleep(std::time::Duration::from_millis(100));
    std::fs::write(desk.world.path().join("notes/go"), "").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(desk.alice.get("prod/db"), value("after"));
    assert_eq!(desk.left(), Vec::<PathBuf>::new());
}

#[test]
fn what_a_killed_covault_leaves_in_memory_goes_with_the_next_command() {
    let Some(desk) = Desk::new("ed", "exec sleep 20") else { return };
    let mut child = desk.editing();
    child.kill().unwrap();
    child.wait().unwrap();
    end_editor(&desk);
    let left = desk.left();
    assert_eq!(left.len(), 1, "{left:?}");
    // A folder of somebody who still edits stays.
    let living = desk.runtime.path().join("covault-edit-abcdef");
    std::fs::create_dir(&living).unwrap();
    let lock = std::fs::File::open(&living).unwrap();
    lock.lock().unwrap();
    desk.alice.covault(["ls"]).ok();
    assert_eq!(desk.left(), vec![living]);
}

#[test]
fn without_a_folder_in_memory_nothing_is_written_on_disk_unasked() {
    if !have("unshare") {
        return;
    }
    // On a disk, since what is in /dev/shm is behind another folder here.
    let dir = tempfile::Builder::new().prefix("covault world ").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let world = World { dir, memory: None };
    let mut alice = world.founder("alice");
    alice.set("prod/db", &value("before"));
    let [editor, started, disk] = ["editor", "started", "disk"].map(|name| world.path().join(name));
    std::fs::create_dir(&disk).unwrap();
    let script = format!("#!/bin/sh\necho > '{}'\nsed -i 's/before/after/' \"$1\"\n", started.display());
    std::fs::write(&editor, script).unwrap();
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755)).unwrap();
    alice.vars.push(("EDITOR".into(), format!("'{}'", editor.display())));
    alice.vars.push(("XDG_RUNTIME_DIR".into(), disk.to_string_lossy().into_owned()));
    let edit = |flag: &str| {
        let script =
            "mount --bind \"$1\" /dev/shm && [ \"$(stat -f -c %T /dev/shm)\" != tmpfs ] || exit 99; shift; exec \"$@\"";
        let words = ["-rm", "sh", "-c", script, "sh", disk.to_str().unwrap(), env!("CARGO_BIN_EXE_covault"), "edit"];
        alice.fed("unshare", b"", words.into_iter().chain(["prod/db"]).chain((!flag.is_empty()).then_some(flag)))
    };
    let said = edit("");
    if !can(said.code != 99 && !said.err.contains("unshare"), "a mount of one's own over /dev/shm") {
        return;
    }
    let said = said.exits(7);
    assert!(said.err.contains("no folder in memory") && said.err.contains("--on-disk"), "{}", said.err);
    assert!(!started.exists() && files(&disk).is_empty());
    assert_eq!(alice.get("prod/db"), value("before"));
    no_canary(&alice, "edit without a folder in memory");
    // Who asks for it gets a file on disk, which is gone afterwards.
    edit("--on-disk").ok();
    assert!(started.exists());
    assert_eq!(alice.get("prod/db"), value("after"));
    no_canary(&alice, "edit --on-disk");
}

fn end_editor(desk: &Desk) {
    if let Ok(pid) = desk.note("started").trim().parse() {
        let _ = std::process::Command::new("kill").args(["-9", &u32::to_string(&pid)]).status();
    }
}
