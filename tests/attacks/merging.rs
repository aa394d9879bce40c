//! Attacks by way of merging: what lies beside a version, what a branch brings, and what git hands over.
//!
//! mallory pushes without a key, or with those of gina, who left; rita reads and wanda writes, and neither may do what
//! they try here.

mod branches;
mod let_go;
mod resolving;
mod shapes;
mod siblings;
mod syncing;
mod tricks;

use covault::seal::bundle;

use super::rig::{Attacked, Case, SECRETS, file};
use crate::world::Said;

/// dev/db, whose newest version alice wrote.
const DB: &str = "dev/db";
/// Its value.
const THIRD: &str = SECRETS[1].1;
/// What both verifiers say of it where it is not as it should be.
const FILE: &str = "db.age";

/// The file of a secret with these versions beside the one that lies there.
fn stuff(case: &Case, name: &str, mut others: Vec<Vec<u8>>) {
    others.push(case.read(&file(name)));
    put(case, name, others);
}

/// The file of a secret with exactly these versions.
fn put(case: &Case, name: &str, versions: Vec<Vec<u8>>) {
    case.write(&file(name), bundle(versions).unwrap());
}

/// A secret as it was in a commit.
fn old(case: &Case, commit: &str, name: &str) -> Vec<u8> {
    case.at_commit(commit, &file(name))
}

/// A sibling file put together by hand.
fn by_hand(count: u32, members: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"covault-siblings 1\n\0".to_vec();
    out.extend(count.to_be_bytes());
    for member in members {
        out.extend(u32::try_from(member.len()).unwrap().to_be_bytes());
        out.extend(member);
    }
    out
}

/// mallory's branch `evil` from a commit: what she does there is committed and pushed, and alice fetches it.
fn branch(case: &Case, from: &str, deed: impl FnOnce(&Case)) {
    case.git(&["checkout", "-q", "-B", "evil", from]);
    deed(case);
    case.commit_all();
    case.git(&["push", "-q", "--force", "origin", "evil"]);
    case.alice.git(["fetch", "-q", "--all"]).ok();
}

/// alice changes dev/db, unless the case wants her side unchanged, and merges mallory's branch; git's exit code.
#[track_caller]
fn merged(case: Case, changed: bool, code: i32) -> (Attacked, Said) {
    if changed {
        case.alice.set(DB, "what alice wrote meanwhile");
    }
    let said = case.alice.git(["merge", "-q", "--no-ff", "-m", "merge", "origin/evil"]).exits(code);
    super::rig::harmless(&["merge"], &said);
    (Attacked::of(case), said)
}

/// What alice has is what she wrote, and she goes on writing.
#[track_caller]
fn hers(attacked: Attacked) -> Attacked {
    let said = attacked.case.alice.covault(["get", DB]).ok();
    super::rig::harmless(&["get"], &said);
    assert_eq!(said.text(), "what alice wrote meanwhile", "{}", said.err);
    for (name, value) in SECRETS.into_iter().filter(|(name, _)| *name != DB) {
        assert_eq!(attacked.case.alice.get(name), value);
    }
    attacked.case.alice.set(DB, "what alice wrote in the end");
    assert_eq!(attacked.case.alice.get(DB), "what alice wrote in the end");
    attacked
}

/// Git left nothing half done, and the branch is where it was.
#[track_caller]
fn untouched(attacked: &Attacked, head: &str) {
    let alice = &attacked.case.alice;
    assert_eq!(alice.git(["rev-parse", "HEAD"]).ok().text().trim(), head);
    assert_eq!(alice.git(["status", "--porcelain", "--untracked-files=no"]).ok().text(), "");
    assert_eq!(alice.git(["rev-parse", "-q", "--verify", "MERGE_HEAD"]).code, 1);
}

fn head(case: &Case) -> String {
    case.alice.git(["rev-parse", "HEAD"]).ok().text().trim().to_owned()
}
