//! A few objects that are more than any machine has memory for, pushed by somebody who has no key. alice has fetched them,
//! and no more; her memory is bounded.

use super::rig::{Attacked, Case, ROSTER, file, harmless};
use crate::world::{Said, said};

/// Ten folders with ten folders each, and so on, nine deep: less than a hundred lines, and 10^9 files.
fn heap(case: &Case) -> String {
    let blob = case.at.fed("git", b"x", ["hash-object", "-w", "--stdin"]).ok().text();
    let mut entry = format!("100644 blob {}", blob.trim());
    for _ in 0..9 {
        let lines: String = (0..10).map(|n| format!("{entry}\tname-{n}\n")).collect();
        entry = format!("040000 tree {}", tree(case, &lines));
    }
    entry
}

fn tree(case: &Case, lines: &str) -> String {
    case.at.fed("git", lines.as_bytes(), ["mktree"]).ok().text().trim().to_owned()
}

/// A commit on top of HEAD that has this at `place`, pushed to a branch; nothing is checked out. Gives its name.
fn pushes(case: &Case, branch: &str, place: &str, entry: &str) -> String {
    let (mut place, mut entry) = (place, entry.to_owned());
    loop {
        let (dir, name) = place.rsplit_once('/').unwrap_or(("", place));
        let there = case.at.git(["ls-tree", &format!("HEAD:{dir}")]).text();
        let mut lines: Vec<&str> = there.lines().filter(|line| !line.ends_with(&format!("\t{name}"))).collect();
        entry = format!("{entry}\t{name}");
        lines.push(&entry);
        let made = tree(case, &(lines.join("\n") + "\n"));
        if dir.is_empty() {
            let commit = case.git(&["commit-tree", &made, "-p", "HEAD", "-m", "an innocent change"]);
            push(case, &commit, branch);
            return commit;
        }
        (place, entry) = (dir, format!("040000 tree {made}"));
    }
}

fn push(case: &Case, commit: &str, branch: &str) {
    case.git(&["push", "-q", "origin", &format!("{commit}:refs/heads/{branch}")]);
    case.alice.git(["fetch", "-q"]).ok();
}

/// alice runs a command that may have this much memory; no output has what an attacker planted.
fn within(case: &Case, megabytes: u64, args: &[&str]) -> Said {
    let line = format!("ulimit -v {}; exec \"$0\" \"$@\"", megabytes << 10);
    let mut command = case.alice.command("sh");
    let said = said(command.args(["-c", &line, env!("CARGO_BIN_EXE_covault")]).args(args).output().unwrap());
    harmless(args, &said);
    said
}

#[test]
fn folders_without_an_end_where_requests_are() {
    let case = Case::new();
    let heap = heap(&case);
    pushes(&case, "covault/join/x", ".covault/requests", &heap);
    let blob = case.at.git(["rev-parse", &format!("HEAD:{ROSTER}")]).text();
    pushes(&case, "covault/join/y", ".covault/requests/bob.toml", &format!("100644 blob {}", blob.trim()));
    let said = within(&case, 1000, &["status", "--json"]);
    assert!(said.text().contains("bob.toml"), "{}: {}{}", said.code, said.text(), said.err);
    Attacked::of(case).comes_to_nothing();
}

#[test]
fn more_requests_than_anybody_reads() {
    let case = Case::new();
    let blob = case.at.fed("git", b"x", ["hash-object", "-w", "--stdin"]).ok().text();
    let lines: String = (0..200).map(|n| format!("100644 blob {}\tx{n:03}.toml\n", blob.trim())).collect();
    pushes(&case, "covault/join/x", ".covault/requests", &format!("040000 tree {}", tree(&case, &lines)));
    pushes(&case, "covault/join/y", ".covault/requests/bob.toml", &format!("100644 blob {}", blob.trim()));
    let said = within(&case, 1000, &["member", "ls", "--requests"]).ok().text();
    let of = |branch: &str| said.matches(&format!(" in origin/covault/join/{branch}: ")).count();
    assert_eq!((of("x"), of("y")), (100, 1), "{said}");
}

#[test]
fn folders_without_an_end_where_secrets_are() {
    for place in [".covault/secrets/x".to_owned(), file("dev/db")] {
        let case = Case::new();
        let before = case.git(&["rev-parse", "HEAD^{tree}"]);
        let commit = pushes(&case, "main", &place, &heap(&case));
        let said = within(&case, 1000, &["get", "dev/db"]).exits(6);
        assert!(said.err.contains(&format!("error: `{place}/name-")), "{}", said.err);
        assert!(said.err.contains(&format!("in {} is refused: more files", &commit[..10])), "{}", said.err);
        assert!(said.err.contains(&format!("hint: git log {commit} -- :/{place}/name-")), "{}", said.err);
        // With a commit on top that takes it out all is well again.
        let mended = case.git(&["commit-tree", &before, "-p", &commit, "-m", "take it out"]);
        push(&case, &mended, "main");
        assert_eq!(within(&case, 1000, &["get", "dev/db"]).ok().text().trim(), "the third value of dev db");
    }
}

#[test]
fn a_file_of_zeros_in_the_place_of_a_secret() {
    let case = Case::new();
    let zeros = case.path(".git/zeros");
    std::fs::File::create(&zeros).unwrap().set_len(256 << 20).unwrap();
    let args = ["-c", "core.bigFileThreshold=1m", "hash-object", "-w", "--no-filters", zeros.to_str().unwrap()];
    let blob = case.git(&args);
    pushes(&case, "main", &file("dev/db"), &format!("100644 blob {blob}"));
    // It follows nothing, so that what was seen before goes on counting.
    assert_eq!(within(&case, 256, &["get", "dev/db"]).ok().text().trim(), "the third value of dev db");
    let said = within(&case, 256, &["who", "dev/db", "--at", "origin/main"]).exits(6);
    assert!(said.err.contains("dev/db.age` in ") && said.err.contains("a file that is too large"), "{}", said.err);
    Attacked::of(case).comes_to_nothing();
}
