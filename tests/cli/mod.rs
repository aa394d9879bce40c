//! Every command held to its contract: the real program, real git, outside judges.

pub(crate) mod agent;
mod alone;
mod asking;
mod branches;
mod clone;
mod docs;
mod edit;
mod everywhere;
mod expose;
mod forge;
mod get;
mod given;
mod grant;
mod history;
mod hooks;
mod importing;
mod in_folder;
mod journals;
mod keys;
mod kinds;
mod later;
mod leave;
mod listing;
mod member;
mod own_keys;
mod qr;
mod references;
mod rekey;
mod renew;
mod rotate;
mod scan;
mod seen;
mod set;
mod share;
mod stray;
mod sums;
mod taken;
mod textconv;
mod trust;
mod using;
mod verify;
mod who;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use covault::home::{Home, KeySources};
use covault::model::names::SecretPath;
use covault::model::register::{Key, Value};
use covault::model::time::Time;
use covault::vault::Vault;
use covault::vault::draft::Draft;
use covault::vault::write::How;

use crate::world::{Person, Said};

/// What a command wrote to stdout, as JSON.
#[track_caller]
pub fn json(said: &Said) -> serde_json::Value {
    serde_json::from_slice(&said.out).unwrap_or_else(|e| panic!("{e}: {}\n{}", said.text(), said.err))
}

/// Every file below a folder with its bytes, links as their target. What only saves time is left out.
pub fn photo(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    look(dir, &mut found);
    found
}

fn look(dir: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten() {
        let entry = entry.unwrap();
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        let name = entry.file_name().to_string_lossy().into_owned();
        if kind.is_dir() && ["rosters", "sums"].contains(&&*name) {
            continue;
        }
        if kind.is_dir() {
            found.insert(path.clone(), Vec::new());
            look(&path, found);
        } else if kind.is_symlink() {
            found.insert(path.clone(), std::fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes());
        } else if !name.starts_with("listing-")
            && !name.starts_with("past-")
            && name != "covault.lock"
            && name != "manifests"
        {
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
}

/// Repository (work tree, refs, index, everything) and home of a person.
pub fn all_of(person: &Person) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = photo(&person.repo);
    all.extend(photo(&person.home));
    all
}

/// Fails unless nothing at all differs.
#[track_caller]
pub fn same(before: &BTreeMap<PathBuf, Vec<u8>>, after: &BTreeMap<PathBuf, Vec<u8>>) {
    let differs: Vec<_> =
        before.keys().chain(after.keys()).filter(|path| before.get(*path) != after.get(*path)).collect();
    assert!(differs.is_empty(), "changed: {differs:?}");
}

/// Whether plain age opens the payload of `now` by the header of `old`, with the stanza that somebody had there: it does where
/// the file key is the old one.
pub fn old_header_opens(who: &Person, old: &[u8], now: &[u8]) -> bool {
    // "--- ", 43 characters of MAC and a line end close a header.
    let end = |bytes: &[u8]| bytes.windows(5).position(|part| part == b"\n--- ").unwrap() + 1 + 48;
    let file = who.home.join("spliced.age");
    std::fs::write(&file, [&old[..end(old)], &now[end(now)..]].concat()).unwrap();
    let opened = who.command("age").args(["-d", "-i"]).arg(who.identity()).arg(&file).output().unwrap();
    std::fs::remove_file(&file).unwrap();
    opened.status.success()
}

/// The commit that HEAD names.
pub fn head(person: &Person) -> String {
    person.git(["rev-parse", "HEAD"]).ok().text().trim().to_owned()
}

/// Writes `values` into a field as if several people had done so at once: through the library, with the person's keys.
pub fn conflict(person: &Person, name: &str, field: &str, values: &[&str]) {
    person.git(["config", "user.name", &person.name]).ok();
    person.git(["config", "user.email", "p@example.org"]).ok();
    let home = Home::new(
        person.home.join(".config/covault"),
        person.home.join(".local/state/covault"),
        KeySources::default(),
        Box::new(|_| None),
    );
    let vault = Vault::open(&person.repo, home, None).unwrap();
    let now = Time::from_unix(1_790_000_000);
    let how = How { now, dry_run: false, no_commit: false, program: "covault".to_owned() };
    let writing = vault.writing(&how).unwrap();
    let secret = vault.secret(&SecretPath::parse(name).unwrap()).unwrap();
    let mut draft = Draft::after(secret);
    let key = Key::parse(&format!("field.{field}")).unwrap();
    let mut joined = None;
    for (n, value) in values.iter().enumerate() {
        let mut side = draft.document.clone();
        let at = Time::from_unix(now.unix() - n as i64);
        side.put(&key, vault.write_of(&key, Value::text(value), false, at).unwrap());
        joined = Some(joined.map_or(side.clone(), |joined: covault::model::document::Document| joined.join(&side)));
    }
    draft.document = joined.unwrap();
    writing.finish(&[draft], Vec::new(), "a merge").unwrap();
}

/// Runs covault on a terminal of its own and types one of `answers` at each question; what was shown, and the code.
pub fn on_terminal(person: &Person, answers: &[&str], args: &[&str]) -> Said {
    on_terminal_with(person, env!("CARGO_BIN_EXE_covault"), answers, args)
}

/// The same with another program, named by its whole path.
pub fn on_terminal_with(person: &Person, program: &str, answers: &[&str], args: &[&str]) -> Said {
    const SCRIPT: &str = r#"
import os, pty, select, signal, sys, termios, time
def hidden(fd):
    for _ in range(300):
        if not termios.tcgetattr(fd)[3] & termios.ECHO:
            return True
        if select.select([fd], [], [], 0.01)[0]:
            return False
    return False
answers = sys.argv[1].split('\n') if sys.argv[1] else []
pid, fd = pty.fork()
if pid == 0:
    # Whoever runs the tests in the background may have ^C ignored.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execv(sys.argv[2], sys.argv[2:])
out, asked = b'', 0
while True:
    ready, _, _ = select.select([fd], [], [], 60)
    if not ready:
        os.kill(pid, 9); break
    try:
        data = os.read(fd, 65536)
    except OSError:
        break
    if not data:
        break
    out += data
    # A question is at the end of what was said, with echo switched off; where it is edited, the cursor is shown at last.
    # Who is about to end says more.
    if out.endswith((b': ', b'\x1b[?25h')) and hidden(fd) and not select.select([fd], [], [], 0.1)[0]:
        asked += 1
        if not answers:
            os.kill(pid, 9); break
        answer = answers.pop(0)
        os.write(fd, answer.encode() + (b'' if answer == '\x03' else b'\n'))
sys.stdout.buffer.write(out)
sys.stderr.write(str(asked))
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status) & 255)
"#;
    let mut all = vec!["-c", SCRIPT];
    let answers = answers.join("\n");
    all.extend([answers.as_str(), program]);
    all.extend(args);
    person.fed("python3", b"", all)
}
