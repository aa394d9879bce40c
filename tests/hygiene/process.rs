//! What a process leaves behind: no core dump, no look into its memory, private files, no words of a panic.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use crate::faults::rig::{CANARY, files, value};
use crate::world::{World, have};

#[test]
fn a_running_covault_dumps_no_core() {
    let world = World::new();
    let alice = world.founder("alice");
    let mut command = alice.command(env!("CARGO_BIN_EXE_covault"));
    let mut child = command.args(["set", "prod/db"]).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let limits = || std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap_or_default();
    let is_off = || {
        let text = limits();
        text.lines().any(|line| line.starts_with("Max core file size") && line.split_whitespace().nth(4) == Some("0"))
    };
    let off = (0..200).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        is_off()
    });
    let text = limits();
    let _ = child.kill();
    let _ = child.wait();
    assert!(off, "{text}");
}

#[test]
fn nobody_may_look_into_it_before_any_file_of_ours_is_opened() {
    if !have("strace") {
        return;
    }
    let world = World::new();
    let alice = world.founder("alice");
    let trace = world.path().join("trace");
    let trace_text = trace.to_string_lossy().into_owned();
    let words = ["-qq", "-o", &trace_text, "-e", "trace=prctl,prlimit64,setrlimit,openat", "--"];
    let words = words.into_iter().chain([env!("CARGO_BIN_EXE_covault"), "ls"]);
    alice.fed("strace", b"", words).ok();
    let text = std::fs::read_to_string(trace).unwrap();
    let line = |what: &str| text.lines().position(|line| line.contains(what));
    // The vault's, and those of this person's configuration and state.
    let ours = line(".covault").into_iter().chain(line("/covault/")).min();
    assert!(line(".covault").is_some() && line("/covault/").is_some(), "{text}");
    for done in ["PR_SET_DUMPABLE, SUID_DUMP_DISABLE", "RLIMIT_CORE, {rlim_cur=0, rlim_max="] {
        assert!(line(done).is_some() && line(done) < ours, "{done}: {text}");
    }
}

#[test]
fn the_memory_of_what_is_opened_is_locked() {
    if !have("strace") {
        return;
    }
    let world = World::new();
    let alice = world.founder("alice");
    // Several pages: an identity and what else is locked at every start is shorter.
    let long = value("locked").repeat(1000);
    alice.set("prod/db", &long);
    let trace = world.path().join("trace");
    let trace_text = trace.to_string_lossy().into_owned();
    // How many bytes each call locked.
    let locked = |args: &[&str]| -> Vec<usize> {
        let words = ["-f", "-qq", "-o", &trace_text, "-e", "trace=mlock,mlock2", "--", env!("CARGO_BIN_EXE_covault")];
        alice.fed("strace", b"", words.iter().chain(args)).ok();
        let text = std::fs::read_to_string(&trace).unwrap();
        let done = text.lines().filter(|line| line.contains(" mlock") && line.ends_with("= 0"));
        let length = |line: &str| line.split(", ").nth(1)?.split([')', ',']).next()?.parse().ok();
        done.map(|line| length(line).unwrap_or_else(|| panic!("{line}"))).collect()
    };
    let (listed, opened) = (locked(&["ls"]), locked(&["get", "prod/db"]));
    assert!(opened.iter().any(|length| *length >= long.len()), "the value was not locked: {opened:?}");
    assert!(opened.len() > listed.len() && listed.iter().all(|length| *length < long.len()), "{listed:?}");
}

#[test]
fn files_outside_the_repository_are_private_whatever_the_umask() {
    for umask in ["000", "022", "077"] {
        let world = World::new();
        let alice = world.person("alice");
        let sh = |line: &str| {
            alice.fed(
                "sh",
                b"a value",
                ["-c", &format!("umask {umask}; exec \"$0\" {line}"), env!("CARGO_BIN_EXE_covault")],
            )
        };
        sh("init --name alice").ok();
        sh("set prod/db").ok();
        sh("ls").ok();
        let ours = [".config/covault", ".local/state/covault"].map(|folder| alice.home.join(folder));
        let mut seen = 0;
        for folder in &ours {
            for file in files(folder) {
                let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
                assert_eq!(mode(&file), 0o600, "umask {umask}: {}", file.display());
                for above in file.ancestors().skip(1).take_while(|above| above.starts_with(folder)) {
                    assert_eq!(mode(above), 0o700, "umask {umask}: {}", above.display());
                }
                seen += 1;
            }
        }
        assert!(seen >= 4, "{seen}");
    }
}

#[test]
fn a_reader_that_goes_away_and_a_full_stdout_are_no_panic() {
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("prod/db", &value("piped"));
    for command in ["get prod/db", "show prod/db --reveal", "export --from prod", "ls", "log", "status", "man"] {
        for target in [">/dev/full", ">&-", "| true"] {
            let line = format!("RUST_BACKTRACE=1 \"$0\" {command} {target}");
            let said = alice.fed("sh", b"", ["-c", &line, env!("CARGO_BIN_EXE_covault")]);
            assert!(!said.err.contains("panicked"), "{command} {target}: {}", said.err);
            assert!(!said.err.contains(CANARY), "{command} {target}: {}", said.err);
        }
    }
}

#[test]
fn plaintext_shows_nothing_in_debug_output_or_panics() {
    let secret = covault::plaintext::Plaintext::from_text(&value("debugged"));
    assert!(!format!("{secret:?} {secret:#?}").contains(CANARY));
    let value = covault::model::register::Value::new(secret);
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| panic!("{value:?}"))).unwrap_err();
    assert!(!caught.downcast_ref::<String>().is_some_and(|text| text.contains(CANARY)));
}
