//! A second opinion: `verify.py` was written from `docs/format.md` alone, and judges what the program writes.
//!
//! `build.py` makes a corpus of good and bad vaults from the same page, for this judge and every other.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use covault::vault::verify::{self, Also};
use serde_json::Value;
use sha2::Digest as _;

use crate::world::{Person, World, have};

/// A file of this folder.
pub fn tool(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verifier").join(name)
}

/// Whether the second verifier can run here; says so loudly where it cannot.
pub fn can_judge() -> bool {
    ["python3", "ssh-keygen", "git"].iter().all(|program| have(program))
}

/// Python itself: what is called `python3` may be a script that looks for it each time, which takes longer than judging.
pub fn python() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        let asked = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
        let said = String::from_utf8(asked.unwrap().stdout).unwrap();
        PathBuf::from(said.trim())
    })
}

/// A second verifier that is at work; it ends with this process.
struct Judge {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Judge {
    fn new() -> Self {
        let mut command = Command::new(python());
        // Without what an installation adds to each start.
        command.args(["-S", "-B"]).arg(tool("serve.py"));
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (questions, answers) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self { process, questions, answers: BufReader::new(answers) }
    }

    /// Its exit code, and what it printed.
    fn ask(&mut self, words: &[&str]) -> (i32, String) {
        writeln!(self.questions, "{}", serde_json::json!(words)).unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Those that have nothing to do: each thread that asks has one to itself meanwhile.
static IDLE: Mutex<Vec<Judge>> = Mutex::new(Vec::new());

fn judged(words: &[&str]) -> (i32, String) {
    let idle = IDLE.lock().unwrap().pop();
    let mut judge = idle.unwrap_or_else(Judge::new);
    let said = judge.ask(words);
    IDLE.lock().unwrap().push(judge);
    said
}

/// What the second verifier says of a repository, which is what the program says; nothing where it cannot run here.
#[track_caller]
pub fn second_opinion(repo: &Path, args: &[&str]) -> Value {
    if !can_judge() {
        return Value::Null;
    }
    let (code, text) = judged(&[&[repo.to_str().unwrap()], args].concat());
    let said: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(code, if said["verdict"] == "good" { 0 } else { 6 }, "{said}");
    let (mut rev, mut range, mut expected, mut history, mut pushed) = ("HEAD", None, None, false, false);
    let mut words = args.iter();
    while let Some(word) = words.next() {
        match *word {
            "--rev" => rev = words.next().unwrap(),
            "--range" => range = words.next().unwrap().split_once(".."),
            "--expect" => expected = words.next().copied(),
            "--history" => history = true,
            "--pushed" => pushed = true,
            other => panic!("{other}"),
        }
    }
    let what = range.map_or(verify::What::Commit(rev), |(from, to)| verify::What::Range { from, to, pushed });
    let ours = verify::verify(repo, None, expected, what, Also { history, exposures: false }).unwrap();
    if let Some(difference) = difference(&ours, &said, ".covault") {
        panic!("the two verifiers disagree: {difference}");
    }
    said
}

/// The codes in an opinion with the files they are about, without the folders.
fn findings(said: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    said["findings"].as_array().unwrap().iter().map(|f| (text(&f["code"]), text(&f["path"]))).collect()
}

/// Fails unless an opinion has these findings and no others.
#[track_caller]
fn finds(said: &Value, expected: &[(&str, &str)]) {
    let expected: Vec<_> = expected.iter().map(|(code, path)| (code.to_string(), path.to_string())).collect();
    assert_eq!(findings(said), expected, "{said:#}");
    assert_eq!(said["verdict"], if expected.is_empty() { "good" } else { "bad" });
}

/// A vault of one with four secrets that live, one that was deleted and one that moved.
fn vault(world: &World) -> Person {
    let alice = world.founder("alice");
    for name in ["a", "b", "prod/db", "prod/web/key"] {
        alice.set(name, "first value");
    }
    alice.set("a", "second value");
    alice.covault(["rm", "b"]).ok();
    alice.covault(["mv", "prod/web/key", "prod/web/token"]).ok();
    alice
}

/// Commits everything as it lies there, with git alone.
fn commit(person: &Person) -> String {
    person.git(["add", "-A", "-f"]).ok();
    person.git(["commit", "-q", "-m", "damage"]).ok();
    head(person)
}

fn head(person: &Person) -> String {
    person.git(["rev-parse", "HEAD"]).ok().text().trim().to_owned()
}

/// Commits one damage and takes it back, and says what the verifier found in it.
fn after(person: &Person, damage: impl FnOnce()) -> Value {
    let before = head(person);
    damage();
    let bad = commit(person);
    person.git(["reset", "-q", "--hard", &before]).ok();
    second_opinion(&person.repo, &["--rev", &bad])
}

fn vault_id(person: &Person) -> String {
    let roster = std::fs::read_to_string(person.repo.join(".covault/roster.toml")).unwrap();
    let body = roster.split("[[entry]]\n").nth(1).unwrap().split("signature = ").next().unwrap();
    hex::encode(sha2::Sha256::digest(body.as_bytes()))
}

#[test]
fn the_second_verifier_is_short_and_needs_nothing_but_python() {
    let text = std::fs::read_to_string(tool("verify.py")).unwrap();
    assert!(text.lines().all(|line| line.chars().count() <= 120), "a line is too long");
    let code = text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    assert!(code.count() <= LINES, "it is meant to be read in one sitting");
}

/// Raised with a reason only: a rule of the format that needs more lines. The last ones: a merge weighs who gave and who
/// took what in the whole history of both branches, and the state that comes of it is put together anew; a file may hold
/// siblings, of which each is checked and all are taken together; what a push replaced is compared with, too; in the place of what is
/// bad where a range begins counts what was good before that.
const LINES: usize = 603;

#[test]
fn what_the_program_writes_is_good_in_another_reading_of_the_format() {
    if !can_judge() {
        return;
    }
    let world = World::new();
    let alice = vault(&world);
    finds(&second_opinion(&alice.repo, &[]), &[]);
    finds(&second_opinion(&alice.repo, &["--history"]), &[]);
    finds(&second_opinion(&alice.repo, &["--range", "HEAD~2..HEAD"]), &[]);
    let id = vault_id(&alice);
    finds(&second_opinion(&alice.repo, &["--expect", &id]), &[]);
    finds(&second_opinion(&alice.repo, &["--expect", &format!("{id}@{id}")]), &[]);
    let other = id.replace(['0', '1', '2'], "3");
    finds(&second_opinion(&alice.repo, &["--expect", &other]), &[("roster", "roster.toml")]);
    finds(&second_opinion(&alice.repo, &["--expect", &format!("{id}@{other}")]), &[("roster", "roster.toml")]);
    assert_eq!(second_opinion(&alice.repo, &[])["pending"], serde_json::json!([]));
}

#[test]
fn a_byte_flipped_anywhere_is_found() {
    if !can_judge() {
        return;
    }
    let world = World::new();
    let alice = vault(&world);
    for (file, name) in [(alice.repo.join(".covault/roster.toml"), "roster.toml"), (alice.file("prod/db"), "db.age")] {
        let good = std::fs::read(&file).unwrap();
        // Only who has a key can tell whether the header's MAC is good: no hash and no signature is over it.
        let mac = good.windows(5).position(|bytes| bytes == b"\n--- ").map_or(0..0, |at| at + 5..at + 48);
        for n in 0..20 {
            let place = n * (good.len() - 1) / 19;
            let mut bad = good.clone();
            bad[place] ^= 1;
            let said = after(&alice, || std::fs::write(&file, &bad).unwrap());
            let found = findings(&said);
            if found.is_empty() && mac.contains(&place) {
                continue;
            }
            assert!(found.len() == 1 && found[0].1 == name, "byte {place} of {name}: {said:#}");
            let roster = name == "roster.toml";
            assert_eq!(found[0].0 == "roster", roster, "byte {place} of {name}: {said:#}");
            assert!(found[0].0 != "standing" && found[0].0 != "entitled", "a broken signature counted: {said:#}");
        }
    }
}

#[test]
fn files_that_were_swapped_or_brought_from_another_vault_are_found() {
    if !can_judge() {
        return;
    }
    let world = World::new();
    let (alice, eve) = (vault(&world), world.founder("eve"));
    // Which vault it should be the second verifier is not told.
    alice.git(["config", "--unset", "covault.vault"]).ok();
    eve.set("a", "planted value");
    let (a, db) = (alice.file("a"), alice.file("prod/db"));
    let said = after(&alice, || {
        let (one, other) = (std::fs::read(&a).unwrap(), std::fs::read(&db).unwrap());
        std::fs::write(&a, other).unwrap();
        std::fs::write(&db, one).unwrap();
    });
    finds(&said, &[("path", "a.age"), ("path", "db.age")]);
    let said = after(&alice, || {
        std::fs::copy(eve.file("a"), &a).unwrap();
    });
    finds(&said, &[("vault", "a.age")]);
    let theirs = eve.repo.join(".covault/roster.toml");
    let said = after(&alice, || {
        std::fs::copy(&theirs, alice.repo.join(".covault/roster.toml")).unwrap();
    });
    let found = findings(&said);
    assert!(found.len() == 5 && found.iter().all(|(code, _)| code == "vault"), "{said:#}");
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_with_a_secrets_name_is_found() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    if !can_judge() {
        return;
    }
    let world = World::new();
    let alice = vault(&world);
    let file = alice.file("prod/db");
    let said = after(&alice, || std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap());
    finds(&said, &[("file", "db.age")]);
    let said = after(&alice, || {
        std::fs::remove_file(&file).unwrap();
        symlink("../a.age", &file).unwrap();
    });
    finds(&said, &[("file", "db.age")]);
    for name in ["x", "X.age", "x.txt", ".covault-tmp-x.age", "aux.age", "x.age.age", "x..age", "ä.age", "a b.age"] {
        let said = after(&alice, || {
            std::fs::copy(&file, alice.repo.join(".covault/secrets/prod").join(name)).unwrap();
        });
        finds(&said, &[("file", name)]);
    }
}

#[test]
fn changes_taken_back_and_files_removed_are_found_in_the_history() {
    if !can_judge() {
        return;
    }
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "first value");
    alice.set("a", "second value");
    finds(&second_opinion(&alice.repo, &["--history"]), &[]);
    alice.git(["revert", "--no-edit", "HEAD"]).ok();
    finds(&second_opinion(&alice.repo, &[]), &[]);
    finds(&second_opinion(&alice.repo, &["--history"]), &[("rollback", "a.age")]);
    finds(&second_opinion(&alice.repo, &["--range", "HEAD~1..HEAD"]), &[("rollback", "a.age")]);
    finds(&second_opinion(&alice.repo, &["--range", "HEAD~2..HEAD~1"]), &[]);
    alice.git(["rm", "-q", ".covault/secrets/a.age"]).ok();
    commit(&alice);
    finds(&second_opinion(&alice.repo, &[]), &[]);
    finds(&second_opinion(&alice.repo, &["--range", "HEAD~1..HEAD"]), &[("removed", "a.age")]);
    alice.git(["rm", "-q", ".covault/roster.toml"]).ok();
    commit(&alice);
    let said = second_opinion(&alice.repo, &["--range", "HEAD~1..HEAD"]);
    finds(&said, &[("roster", "roster.toml"), ("roster-rollback", "roster.toml")]);
}

/// What a push took away is in no commit of what it left: both verifiers hold the one against the other.
#[test]
fn a_push_that_takes_back_what_was_there_is_found_however_it_was_made() {
    if !can_judge() {
        return;
    }
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "first value");
    let old = head(&alice);
    alice.covault(["group", "set", "dev", "alice", "--yes"]).ok();
    alice.set("a", "second value");
    alice.set("b", "first value");
    let new = head(&alice);
    let lost = [("removed", "b.age"), ("rollback", "a.age"), ("roster-rollback", "roster.toml")];
    let pushed = |tip: &str| second_opinion(&alice.repo, &["--range", &format!("{new}..{tip}"), "--pushed"]);
    let offered = |tip: &str| second_opinion(&alice.repo, &["--range", &format!("{new}..{tip}")]);
    // Back to what was there, with and without a commit of its own: one that is only offered may be behind.
    alice.git(["reset", "-q", "--hard", &old]).ok();
    alice.git(["commit", "-q", "--allow-empty", "-m", "on the old one"]).ok();
    for tip in [&old, &head(&alice)] {
        finds(&pushed(tip), &lost);
        finds(&offered(tip), &[]);
    }
    // With nothing in common there is nothing that it could be behind.
    alice.git(["switch", "-q", "--orphan", "alone"]).ok();
    alice.git(["checkout", "-q", &old, "--", "."]).ok();
    let alone = commit(&alice);
    finds(&pushed(&alone), &lost);
    finds(&offered(&alone), &lost);
    // The same commits told anew take nothing away.
    alice.git(["reset", "-q", "--hard", &new]).ok();
    alice.git(["reset", "-q", "--soft", &old]).ok();
    alice.git(["commit", "-q", "-m", "all at once"]).ok();
    finds(&pushed(&head(&alice)), &[]);
    // Damage that was pushed first hides nothing: what was good before it counts.
    alice.git(["reset", "-q", "--hard", &new]).ok();
    std::fs::write(alice.file("a"), "damage").unwrap();
    std::fs::write(alice.repo.join(".covault/roster.toml"), "damage").unwrap();
    let range = format!("{}..{old}", commit(&alice));
    finds(&second_opinion(&alice.repo, &["--range", &range, "--pushed"]), &lost);
    // And to take the damage away is no loss.
    let range = format!("{}..{new}", head(&alice));
    finds(&second_opinion(&alice.repo, &["--range", &range, "--pushed"]), &[]);
}

/// What was pushed before is bad, and what is pushed now is older than what was good: each push is judged by itself.
#[test]
fn damage_where_a_range_begins_hides_no_step_back() {
    if !can_judge() {
        return;
    }
    let world = World::new();
    let alice = world.founder("alice");
    alice.set("a", "first value");
    let old = head(&alice);
    alice.covault(["group", "set", "dev", "alice", "--yes"]).ok();
    alice.set("a", "second value");
    let good = head(&alice);
    let finds_since = |begin: &str, expected: &[(&str, &str)]| {
        for more in [&["--pushed"][..], &[]] {
            let range = format!("{begin}..HEAD");
            finds(&second_opinion(&alice.repo, &[&["--range", &range], more].concat()), expected);
        }
    };
    let (file, roster) = (".covault/secrets/a.age", ".covault/roster.toml");
    let lost = [("rollback", "a.age"), ("roster-rollback", "roster.toml")];
    for damaged in [file, roster] {
        alice.git(["reset", "-q", "--hard", &good]).ok();
        // More than one push may be bad.
        for damage in ["damage", "more damage"] {
            std::fs::write(alice.repo.join(damaged), damage).unwrap();
            commit(&alice);
        }
        let bad = head(&alice);
        alice.git(["checkout", "-q", &good, "--", ".covault"]).ok();
        commit(&alice);
        finds_since(&bad, &[]);
        let said = alice.covault(["verify", "--range", &format!("{bad}..HEAD")]).ok().text();
        let note = format!("where the range begins, is not good itself: {damaged} [");
        assert!(said.contains(&note) && !said.contains(": new, revision"), "{said}");
        alice.git(["reset", "-q", "--hard", &bad]).ok();
        alice.git(["checkout", "-q", &old, "--", ".covault"]).ok();
        commit(&alice);
        finds_since(&bad, &lost);
    }
}

#[test]
fn a_shallow_clone_is_judged_as_far_as_it_goes_and_it_is_said() {
    if !can_judge() {
        return;
    }
    let world = World::new();
    let alice = vault(&world);
    let clone = world.path().join("shallow");
    let from = format!("file://{}", alice.repo.display());
    alice.git(["clone", "-q", "--depth=2", &from, clone.to_str().unwrap()]).ok();
    let said = second_opinion(&clone, &["--history"]);
    finds(&said, &[]);
    assert!(said["shallow"].is_string(), "{said:#}");
    assert!(second_opinion(&alice.repo, &["--history"])["shallow"].is_null());
}

#[cfg(unix)]
#[test]
fn every_case_of_the_corpus_is_judged_as_it_says() {
    if !can_judge() {
        return;
    }
    let world = World::new();
    let person = world.stranger("anybody");
    let corpus = world.path().join("corpus");
    let run = |name: &str| {
        let script = tool(name);
        let output = person.command(python()).arg("-B").arg(script).arg(&corpus).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{name}: {text}\n{}", String::from_utf8_lossy(&output.stderr));
        text
    };
    let built = run("build.py");
    let cases: usize = built.split(' ').next().unwrap().parse().unwrap();
    assert!(cases > 300, "{built}");
    run("corpus.py");
    let said: Value = serde_json::from_slice(&std::fs::read(corpus.join("said.json")).unwrap()).unwrap();
    let said = said.as_array().unwrap();
    assert!(said.len() > cases, "there are histories, too");
    let differ: Vec<String> =
        said.iter().filter_map(|theirs| disagreement(&corpus.join("repository"), theirs)).collect();
    assert!(differ.is_empty(), "the two verifiers disagree:\n{}", differ.join("\n"));
}

/// Where the program says otherwise than the second verifier about one vault of the corpus.
fn disagreement(repository: &Path, theirs: &Value) -> Option<String> {
    let text = |key: &str| theirs[key].as_str().unwrap();
    let folder = repository.join(text("folder"));
    std::fs::create_dir_all(&folder).unwrap();
    let what = verify::What::Commit(text("rev"));
    let also = Also { history: theirs["history"].as_bool().unwrap(), exposures: false };
    let ours = verify::verify(&folder, None, None, what, also).unwrap();
    let root = if text("folder").is_empty() { ".covault".to_owned() } else { format!("{}/.covault", text("folder")) };
    difference(&ours, theirs, &root).map(|difference| format!("{}: {difference}", text("name")))
}

/// Whether two opinions differ in codes, files and commits, or in what is pending.
fn difference(ours: &verify::Verification, theirs: &Value, root: &str) -> Option<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let found = |f: &Value| (text(&f["code"]), text(&f["path"]), text(&f["commit"]));
    let theirs_found: BTreeSet<_> = theirs["findings"].as_array().unwrap().iter().map(found).collect();
    // A vault that is not the one expected is said of the tree that was asked about.
    let tree = theirs["commit"].as_str().unwrap();
    let commit = |f: &verify::Finding| f.commit.clone().unwrap_or_else(|| tree.to_owned());
    let ours_found: BTreeSet<_> =
        ours.findings.iter().map(|f| (f.code.to_owned(), f.path.clone(), commit(f))).collect();
    let names = |names: &Value| names.as_array().unwrap().iter().map(text).collect::<Vec<_>>();
    let count = |p: &Value| usize::try_from(p["siblings"].as_u64().unwrap()).unwrap();
    let waits = |p: &Value| (text(&p["path"]), names(&p["extra"]), names(&p["missing"]), count(p));
    let theirs_wait: Vec<_> = theirs["pending"].as_array().unwrap().iter().map(waits).collect();
    let waits =
        |w: &verify::Waiting| (format!("{root}/{}", w.path.file()), w.losses.clone(), w.gains.clone(), w.siblings);
    let ours_wait: Vec<_> = ours.pending.iter().map(waits).collect();
    if (&ours_found, &ours_wait) == (&theirs_found, &theirs_wait) {
        return None;
    }
    let why: Vec<_> = ours.findings.iter().map(|f| &f.text).collect();
    Some(format!("\n  {ours_found:?} {ours_wait:?} {why:?}\n  {theirs_found:?} {theirs_wait:?}"))
}
