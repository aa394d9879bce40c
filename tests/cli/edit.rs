//! `edit` at a terminal, where somebody else writes while the editor is open.

use std::os::unix::fs::PermissionsExt as _;

use crate::world::{Person, Said, World, have};

/// Answers each yes-or-no question with the return key, and says where the cursor is when asked.
const AGREES: &str = r#"
import os, pty, select, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
out, answered = b'', 0
while select.select([fd], [], [], 60)[0]:
    try:
        data = os.read(fd, 65536)
    except OSError:
        break
    if not data:
        break
    out += data
    if b'\x1b[6n' in data:
        os.write(fd, b'\x1b[1;1R')
    if out.count(b'Edit again?') and not answered:
        answered = 1
        os.write(fd, b'\r')
sys.stdout.buffer.write(out)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 255)
"#;

/// alice changes the user while somebody gives the secret a new password; she is asked whether to edit again, and
/// `first` and `second` are what she does to the two sheets. The sheets as she saw them.
fn edited_twice(alice: &mut Person, first: &str, second: &str) -> (Said, [String; 2]) {
    alice.covault_fed(b"old-password", ["set", "prod/db", "user=app", "--stdin", "password"]).ok();
    let desk = alice.repo.with_file_name("desk");
    std::fs::create_dir(&desk).unwrap();
    let script = format!(
        "#!/bin/sh\ncd '{}'\nif [ ! -e first ]; then\n  cp \"$1\" first\n  {first}\n  cd '{}'\n  \
         printf new-password | '{}' set prod/db --stdin password --quiet\nelse\n  cp \"$1\" second\n  {second}\nfi\n",
        desk.display(),
        alice.repo.display(),
        env!("CARGO_BIN_EXE_covault")
    );
    let editor = desk.join("editor");
    std::fs::write(&editor, script).unwrap();
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755)).unwrap();
    alice.vars.push(("EDITOR".into(), format!("'{}'", editor.display())));
    alice.vars.push(("TERM".into(), "xterm".into()));
    let said = alice.fed("python3", b"", ["-c", AGREES, env!("CARGO_BIN_EXE_covault"), "edit", "prod/db"]);
    let sheet =
        |name: &str| std::fs::read_to_string(desk.join(name)).unwrap_or_else(|e| panic!("{e}: {}", said.text()));
    let sheets = [sheet("first"), sheet("second")];
    (said, sheets)
}

#[test]
fn an_edit_made_again_takes_back_nothing_that_somebody_else_wrote() {
    if !have("python3") {
        return;
    }
    let world = World::new();
    let mut alice = world.founder("alice");
    let (said, [first, second]) = edited_twice(&mut alice, "sed -i s/app/other/ \"$1\"", "true");
    assert_eq!(said.code, 0, "{}", said.text());
    assert_eq!((alice.get("prod/db/user").as_str(), alice.get("prod/db/password").as_str()), ("other", "new-password"));
    assert!(first.contains("old-password") && first.contains("\"app\""), "{first}");
    assert!(second.contains("new-password") && second.contains("\"other\""), "{second}");
    assert!(!second.contains("somebody else"), "{second}");
}

#[test]
fn what_both_changed_is_named_before_one_of_them_counts() {
    if !have("python3") {
        return;
    }
    let world = World::new();
    let mut alice = world.founder("alice");
    let (said, [_, second]) = edited_twice(&mut alice, "sed -i s/old-/my-/ \"$1\"", "true");
    assert_eq!(said.code, 0, "{}", said.text());
    assert!(second.contains("my-password") && !second.contains("new-password"), "{second}");
    assert!(second.lines().any(|line| line == "# Somebody else changed this meanwhile, too: password"), "{second}");
    assert_eq!(alice.get("prod/db/password"), "my-password");
    assert_eq!(alice.get("prod/db/password@2"), "new-password");
}

/// Opens a sheet with an editor that changes nothing; the sheet is what it wrote to stdout.
fn looked_at(alice: &mut Person, name: &str) -> Said {
    alice.vars.retain(|(variable, _)| variable != "EDITOR");
    alice.vars.push(("EDITOR".into(), "cat".into()));
    alice.covault(["edit", name]).ok()
}

#[test]
fn a_field_that_is_no_text_is_told_of_on_the_sheet() {
    let world = World::new();
    let mut alice = world.founder("alice");
    let bytes: Vec<u8> = (0..3000_u32).map(|n| (n * 7 % 256) as u8).collect();
    std::fs::write(alice.repo.join("blob"), &bytes).unwrap();
    alice.covault(["set", "bin", "--file", "blob=blob", "user=app"]).ok();
    let said = looked_at(&mut alice, "bin");
    assert!(said.text().starts_with("# bin\n"), "{}", said.text());
    assert!(said.text().contains("[secret]\n# blob: 3000 bytes, kept as it is\n"), "{}", said.text());
    alice.vars.push(("EDITOR".into(), "sed -i s/app/web/".into()));
    alice.covault(["edit", "bin"]).ok();
    assert_eq!(alice.covault(["get", "bin/blob"]).ok().out, bytes);
    assert_eq!(alice.get("bin/user"), "web");
}

#[test]
fn who_takes_the_last_secret_field_off_the_sheet_is_told_so() {
    let world = World::new();
    let mut alice = world.founder("alice");
    alice.covault_fed(b"hunter2", ["set", "prod/db", "user=app", "--stdin", "password"]).ok();
    alice.vars.push(("EDITOR".into(), "sed -i /hunter2/d".into()));
    let said = alice.covault(["edit", "prod/db"]).ok();
    assert!(said.err.contains("warning: prod/db has no secret field any more; give it one with: "), "{}", said.err);
    alice.vars.push(("EDITOR".into(), "sed -i s/app/other/".into()));
    assert!(!alice.covault(["edit", "prod/db"]).ok().err.contains("warning"));
    assert_eq!(alice.get("prod/db/user"), "other");
}

#[test]
fn the_sheet_of_a_name_that_nothing_has_says_that_it_is_new() {
    let world = World::new();
    let mut alice = world.founder("alice");
    alice.set("prod/names", "one");
    let said = looked_at(&mut alice, "prod/name");
    assert!(said.text().starts_with("# prod/name (new); did you mean prod/names?\n"), "{}", said.text());
    assert!(said.err.contains("there is no secret 'prod/name', and the sheet makes none"), "{}", said.err);
    let said = looked_at(&mut alice, "quite/another-thing");
    assert!(said.text().starts_with("# quite/another-thing (new)\n"), "{}", said.text());
    assert!(looked_at(&mut alice, "prod/names").text().starts_with("# prod/names\n"));
}
