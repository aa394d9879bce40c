//! A command under strace: every start of a program and everything that is written is kept, to be searched for a value.

use crate::faults::rig::{CANARY, nowhere};
use crate::world::{Person, Said};

pub const COVAULT: &str = env!("CARGO_BIN_EXE_covault");

/// What a command may show on stdout.
#[derive(Clone, Copy, PartialEq)]
pub enum Shows {
    Nothing,
    Values,
}

/// Calls that write what strace shows.
const WRITES: [&str; 5] = ["write", "writev", "pwrite64", "pwritev", "pwritev2"];
/// Calls that bring bytes to a file unseen, and where that file stands among their arguments. None goes to a disk.
const UNSEEN: [(&str, usize); 6] =
    [("copy_file_range", 2), ("sendfile", 0), ("splice", 2), ("tee", 1), ("vmsplice", 0), ("mmap", 4)];
/// Ways to write with no call for each: nobody goes them.
const HIDDEN: [&str; 2] = ["io_uring_setup", "io_submit"];
/// What a file descriptor stands for where no disk is behind it, as strace spells it.
const IN_MEMORY: [&str; 4] = ["<pipe:", "<socket:", "</memfd:", "</dev/null>"];

/// What was started and written while a command ran.
pub struct Trace {
    at: String,
    /// Calls with their arguments, in the order in which they were made.
    calls: Vec<(String, String)>,
    /// The folder in memory that the person's editor may use.
    runtime: Option<String>,
    /// Whether it is `run`, which gives values to what it starts.
    runs: bool,
}

/// Runs covault with every start of a program and everything that is written traced, and judges what it left behind.
#[track_caller]
pub fn watched(person: &Person, args: &[&str], input: &[u8], shows: Shows) -> Said {
    watched_program(COVAULT, person, args, input, shows)
}

/// The same of git, which calls us.
#[track_caller]
pub fn watched_program(program: &str, person: &Person, args: &[&str], input: &[u8], shows: Shows) -> Said {
    watched_for(CANARY, program, person, args, input, shows)
}

/// The same where another value must not be seen.
#[track_caller]
pub fn watched_for(needle: &str, program: &str, person: &Person, args: &[&str], input: &[u8], shows: Shows) -> Said {
    let (said, trace) = traced(program, person, args, input);
    trace.keeps(person, &said, needle, shows);
    said
}

/// Runs a program and keeps what it did: the value that it must not show may be known only afterwards.
#[track_caller]
pub fn traced(program: &str, person: &Person, args: &[&str], input: &[u8]) -> (Said, Trace) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_string_lossy().into_owned();
    let unseen = UNSEEN.iter().map(|(call, _)| call);
    let calls: Vec<&str> = ["execve"].iter().chain(&WRITES).chain(unseen).chain(&HIDDEN).copied().collect();
    let calls = format!("trace={}", calls.join(","));
    let options =
        ["-f", "--seccomp-bpf", "-qq", "-v", "-y", "-s", "65536", "-e", &calls, "-e", "signal=none", "-o", &path, "--"];
    let said = person.fed("strace", input, options.into_iter().chain([program]).chain(args.iter().copied()));
    let at = format!("{program} {}", args.join(" "));
    assert!(said.code == 0 || said.code == 8, "{at}: {}", said.err);
    let text = std::fs::read_to_string(file.path()).unwrap();
    // The end of a call that another process interrupted says nothing that its beginning did not.
    let call = |line: &str| {
        let (name, rest) = line.split_once(' ')?.1.trim_start().split_once('(')?;
        (!name.starts_with('<')).then(|| (name.to_owned(), rest.to_owned()))
    };
    let runtime = person.vars.iter().find(|(name, _)| name == "XDG_RUNTIME_DIR").map(|(_, path)| format!("<{path}/"));
    let trace = Trace { at, calls: text.lines().filter_map(call).collect(), runtime, runs: args.contains(&"run") };
    let is_start = |(name, _): &&(String, String)| name == "execve";
    let starts = trace.calls.iter().filter(is_start).count();
    let writes = trace.calls.iter().any(|(name, _)| WRITES.contains(&name.as_str()));
    assert!(starts > 0 && (writes || said.out.is_empty()), "{}: nothing was traced", trace.at);
    trace.is_seen();
    (said, trace)
}

impl Trace {
    /// Asserts that nobody got the value who did not ask: it is in nothing that was said, in no program's arguments or
    /// environment, and was written to pipes and memory alone; and that neither a file nor an object has it now.
    #[track_caller]
    pub fn keeps(&self, person: &Person, said: &Said, needle: &str, shows: Shows) {
        let at = &self.at;
        assert!(!said.err.contains(needle), "{at}: stderr: {}", said.err);
        assert!(shows == Shows::Values || !said.text().contains(needle), "{at}: stdout: {}", said.text());
        for (name, args) in self.calls.iter().filter(|(name, _)| WRITES.contains(&name.as_str())) {
            // Not for a moment either.
            assert!(!args.contains(needle) || self.is_in_memory(args), "{at}: written to disk: {name}({args}");
        }
        // The first is the command itself, with what the person gave it.
        for (_, args) in self.calls.iter().filter(|(name, _)| name == "execve").skip(1) {
            let is_the_child_of_run = self.runs && args.contains("[\"printenv\"");
            assert!(is_the_child_of_run || !args.contains(needle), "{at}: {args}");
            // A hook starts us with a setting of its own.
            let is_ours = args.starts_with(&format!("\"{COVAULT}\", "));
            assert!((is_ours || !args.contains("COVAULT_")) && !args.contains("AGE-SECRET-KEY"), "{at}: {args}");
        }
        nowhere(person, needle, at);
    }

    /// Asserts that all that was written to a disk was written by calls that show it.
    #[track_caller]
    fn is_seen(&self) {
        for (name, args) in &self.calls {
            let hidden = HIDDEN.contains(&name.as_str());
            let target = UNSEEN.iter().find(|(call, _)| call == name);
            let target = target.and_then(|(_, place)| args.split(", ").nth(*place)).unwrap_or_default();
            let is_only_read = name == "mmap" && !(args.contains("PROT_WRITE") && args.contains("MAP_SHARED"));
            let is_on_disk = target.contains("</") && !is_only_read && !self.is_in_memory(target);
            assert!(!hidden && !is_on_disk, "{}: nobody sees what this writes: {name}({args}", self.at);
        }
    }

    fn is_in_memory(&self, text: &str) -> bool {
        IN_MEMORY.iter().any(|kind| text.contains(kind)) || self.runtime.as_ref().is_some_and(|it| text.contains(it))
    }
}
