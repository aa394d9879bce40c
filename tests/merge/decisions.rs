//! What the driver decides where sides are equal, older than what they come from, or many; and what it asks nobody for.

use covault::model::bytes::Hash;
use covault::model::codec;
use covault::model::manifest::Manifest;
use covault::model::names::FieldName;
use covault::model::read;
use covault::model::register::{Key, Value, Write};
use covault::model::time::Time;
use covault::seal::{SealedFile, bundle, members, seal};
use covault::vault::merge::Labels;

use super::git::{field, forked, is_good, on, values};
use super::keyless::bot;
use super::rig::{ROSTER, member};
use crate::cli::agent::{add, signs_with_agent};
use crate::cli::head;
use crate::model::world::nonce;
use crate::team;
use crate::world::{Person, Said, World, have};

const DB: &str = ".covault/secrets/db.age";
/// How git calls base, ours and theirs in a merge, a cherry-pick and a revert.
const MERGE: [&str; 3] = ["1234abc", "HEAD", "side"];
const PICK: [&str; 3] = ["parent of 1234abc (a change)", "HEAD", "1234abc (a change)"];
const REVERT: [&str; 3] = ["1234abc (a change)", "HEAD", "parent of 1234abc (a change)"];
/// The note of what changes nothing, and why a revert stops.
const OLDER: &str = "what comes in is older than what both sides had; ours stays";
const UNDONE: &str = "a revert would bring old values back unseen; ours stays";

/// What the driver makes of base, ours and theirs of `db`, and what it says.
fn driven(person: &Person, labels: &[&str], sides: [&[u8]; 3]) -> (Vec<u8>, Said) {
    let paths = ["base", "ours", "theirs"].map(|name| person.home.join(name));
    for (path, bytes) in paths.iter().zip(sides) {
        std::fs::write(path, bytes).unwrap();
    }
    let [base, ours, theirs] = paths.each_ref().map(|path| path.to_str().unwrap());
    let said = person.covault([&["merge-driver", base, ours, theirs, "7", DB], labels].concat());
    (std::fs::read(ours).unwrap(), said)
}

/// The same where ours stays to the byte.
#[track_caller]
fn stays(person: &Person, labels: &[&str], sides: [&[u8]; 3]) -> Said {
    let (after, said) = driven(person, labels, sides);
    assert!(after == sides[1], "{labels:?}: {}", said.err);
    said
}

fn bytes(person: &Person) -> Vec<u8> {
    std::fs::read(person.file("db")).unwrap()
}

fn bytes_at(person: &Person, rev: &str) -> Vec<u8> {
    person.git(["cat-file", "blob", &format!("{rev}:{DB}")]).ok().out
}

/// Versions of `db` after the one that lies there, an edit each: one after the other, or side by side. Sealed in this
/// process, which is quicker than a command for each.
fn versions(person: &Person, count: u64, in_a_row: bool) -> Vec<Vec<u8>> {
    let (vault, home) = (team::vault(person), team::home(person));
    let (keys, signer) = (home.keys().unwrap(), home.signer().unwrap().unwrap());
    let key = Key::Field(FieldName::parse("number").unwrap());
    let mut before = bytes(person);
    let next = |number| {
        let old = SealedFile::parse(before.clone()).unwrap();
        let mut document = codec::decode(&old.open(&keys.identities, &[]).unwrap().plaintext).unwrap();
        let (value, at) = (Value::text(&format!("number {number}")), Time::from_unix(1_790_000_000));
        document.put(&key, Write::new(&key, value, false, member(&person.name), at, nonce(number)));
        let manifest = Manifest {
            revision: old.manifest().next_revision(),
            parents: vec![old.hash()],
            ancestors: Manifest::ancestors_after(&[(old.hash(), old.manifest().clone())], &[]),
            values: read::secret_values(&document),
            ..old.manifest().clone()
        };
        let devices: Vec<_> = manifest.readers.iter().map(|it| vault.roster().devices(it).unwrap()).collect();
        let bytes = seal(manifest, &codec::encode(&document).unwrap(), &devices, &signer).unwrap().bytes;
        if in_a_row {
            before.clone_from(&bytes);
        }
        bytes
    };
    (0..count).map(next).collect()
}

#[test]
fn who_may_not_trust_the_vault_here_merges_nothing_of_it() {
    let world = World::new();
    let alice = forked(&world);
    field(&alice, "value", "from main");
    on(&alice, "side");
    field(&alice, "password", "from the side");
    on(&alice, "main");
    let (before, head_before) = (bytes(&alice), head(&alice));
    let vault = team::vault(&alice).roster().vault;
    let refused = |why: &str| {
        // A clone that never met the vault keeps both sealed; this one met another one, or cannot tell what it saw.
        let said = alice.git(["merge", "-q", "side"]).exits(2);
        assert!(said.err.contains(why), "{}", said.err);
        assert_eq!(head(&alice), head_before);
        assert_eq!(bytes(&alice), before);
        assert_eq!(alice.git(["status", "--porcelain"]).ok().text(), "");
    };
    alice.git(["config", "covault.vault", &"00".repeat(32)]).ok();
    refused("is another vault");
    alice.git(["config", "covault.vault", &vault.to_string()]).ok();
    let pin = team::home(&alice).pin_file(vault);
    let good = std::fs::read(&pin).unwrap();
    std::fs::write(&pin, b"damaged").unwrap();
    refused("pin");
    std::fs::write(&pin, good).unwrap();
    alice.git(["merge", "-q", "side"]).ok();
    assert_eq!(values(&alice, "db", "password"), ["from the side"]);
}

#[test]
fn the_roster_of_a_side_that_was_verified_for_one_secret_is_remembered_for_the_next() {
    let world = World::new();
    let alice = forked(&world);
    field(&alice, "value", "from main");
    on(&alice, "side");
    alice.covault(["group", "set", "ops", "alice", "--yes"]).ok();
    field(&alice, "password", "from the side");
    let theirs = Hash::of(&std::fs::read(alice.repo.join(ROSTER)).unwrap());
    on(&alice, "main");
    let state = team::home(&alice).pin_file(team::vault(&alice).roster().vault);
    let remembered = state.with_file_name("rosters");
    std::fs::remove_dir_all(&remembered).unwrap();
    alice.covault(["status"]).ok();
    let remembered = remembered.join(theirs.to_string());
    assert!(!remembered.exists());
    let sides = ["main~1", "main", "side"].map(|rev| bytes_at(&alice, rev));
    driven(&alice, &MERGE, sides.each_ref().map(Vec::as_slice)).1.ok();
    assert!(remembered.is_file());
}

#[test]
fn ours_stays_where_theirs_is_ours_or_the_base_whatever_it_is() {
    let world = World::new();
    let alice = forked(&world);
    let old = bytes(&alice);
    field(&alice, "password", "rotated");
    let new = bytes(&alice);
    on(&alice, "side");
    field(&alice, "value", "from the side");
    let other = bytes(&alice);
    let siblings = bundle(vec![new.clone(), other.clone()]).unwrap();
    for labels in [&MERGE, &PICK, &REVERT] {
        // An old file that was put back on our side, on both, or what waits to be joined: nobody changed it over there.
        for (base, ours, theirs) in [
            (&new, &old, &new),
            (&new, &old, &old),
            (&siblings, &old, &siblings),
            (&old, &siblings, &siblings),
            (&other, &siblings, &siblings),
        ] {
            assert_eq!(stays(&alice, labels, [base, ours, theirs]).ok().err, "", "{labels:?}");
        }
        stays(&alice, labels, [b"damage", &new, b"damage"]).ok();
        stays(&alice, labels, [&old, b"damage", b"damage"]).ok();
    }
}

#[test]
fn a_revert_of_what_was_never_here_stops_too() {
    let world = World::new();
    let alice = forked(&world);
    on(&alice, "side");
    alice.covault(["set", "db", "user=unfinished"]).ok();
    field(&alice, "password", "a mistake");
    on(&alice, "main");
    field(&alice, "value", "from main");
    let before = bytes(&alice);
    let said = alice.git(["revert", "--no-edit", "side"]).exits(1);
    assert!(said.err.contains(UNDONE) && said.err.contains("covault restore --commit"), "{}", said.err);
    assert_eq!(bytes(&alice), before);
    // A git that does not say what it does may be reverting.
    let sides = ["side", "main", "side~1"].map(|rev| bytes_at(&alice, rev));
    let said = stays(&alice, &[], sides.each_ref().map(Vec::as_slice)).exits(1);
    assert!(said.err.contains(UNDONE), "{}", said.err);
}

#[test]
fn what_comes_in_is_older_where_ours_has_it_or_the_base() {
    let world = World::new();
    let alice = forked(&world);
    let old = bytes(&alice);
    on(&alice, "side");
    field(&alice, "password", "from the side");
    let side = bytes(&alice);
    on(&alice, "main");
    // So many that the last one does not name the first, and the one before it does.
    let line = versions(&alice, 33, true);
    let first = SealedFile::parse(old.clone()).unwrap().hash();
    let names = |one: &Vec<u8>| SealedFile::parse(one.clone()).unwrap().manifest().names_as_ancestor(first);
    assert!(names(&line[31]) && !names(&line[32]));
    let bot = bot(&world, &alice);
    for person in [&alice, &bot] {
        // Ours follows theirs, and not what git took for the base.
        let said = stays(person, &["merged common ancestors", "HEAD", "side"], [&side, &line[0], &old]).ok();
        assert!(said.err.contains(OLDER), "{}", said.err);
        // Ours follows the base, and does not say that it follows theirs.
        let said = stays(person, &MERGE, [&line[31], &line[32], &old]).ok();
        assert!(said.err.contains(OLDER), "{}", said.err);
    }
}

#[test]
fn a_clone_without_a_key_sees_what_is_older_and_stops_at_a_revert() {
    let world = World::new();
    let alice = forked(&world);
    field(&alice, "password", "a mistake");
    let mistake = head(&alice);
    alice.git(["branch", "-f", "side"]).ok();
    on(&alice, "side");
    alice.git(["checkout", "-q", "HEAD~1", "--", DB]).ok();
    alice.git(["commit", "-qm", "an innocent change"]).ok();
    on(&alice, "main");
    field(&alice, "value", "from main");
    let before = bytes(&alice);
    let bot = bot(&world, &alice);
    let said = bot.git(["merge", "-q", "--no-edit", "side"]).ok();
    assert!(said.err.contains(OLDER), "{}", said.err);
    assert_eq!(bytes(&bot), before);
    let said = bot.git(["revert", "--no-edit", &mistake]).exits(1);
    assert!(said.err.contains(UNDONE), "{}", said.err);
    assert_eq!(bytes(&bot), before);
}

#[test]
fn a_file_whose_writes_are_all_in_the_base_is_older_though_nothing_names_it() {
    let world = World::new();
    let alice = forked(&world);
    on(&alice, "side");
    alice.covault(["set", "db", "user=unfinished"]).ok();
    field(&alice, "password", "picked");
    // The same change alone, picked twice: here, and onto another one. Neither pick names the other.
    alice.git(["checkout", "-q", "-b", "less", "side~2"]).ok();
    alice.git(["cherry-pick", "side"]).ok();
    on(&alice, "main");
    field(&alice, "value", "from main");
    alice.git(["cherry-pick", "side"]).ok();
    alice.git(["checkout", "-q", "-b", "puts-back"]).ok();
    alice.git(["checkout", "-q", "less", "--", DB]).ok();
    alice.git(["commit", "-qm", "an innocent change"]).ok();
    on(&alice, "main");
    field(&alice, "extra", "more from main");
    let before = bytes(&alice);
    let said = alice.git(["merge", "-q", "--no-edit", "puts-back"]).ok();
    assert!(said.err.contains(OLDER), "{}", said.err);
    assert_eq!(bytes(&alice), before, "nothing of it is in what is followed");
    let sides = ["puts-back~1", "main", "puts-back"].map(|rev| bytes_at(&alice, rev));
    let said = stays(&alice, &REVERT, sides.each_ref().map(Vec::as_slice)).exits(1);
    assert!(said.err.contains(UNDONE), "{}", said.err);
}

#[test]
fn a_file_that_drops_something_of_the_base_and_has_more_is_not_older() {
    let world = World::new();
    let alice = forked(&world);
    alice.git(["checkout", "-q", "-b", "third", "side"]).ok();
    alice.covault(["set", "db", "user=third"]).ok();
    on(&alice, "side");
    field(&alice, "password", "from the side");
    // Another branch's file takes the place of this one's.
    alice.git(["checkout", "-q", "third", "--", DB]).ok();
    alice.git(["commit", "-qm", "as on the third branch"]).ok();
    for brings in ["merge", "cherry-pick"] {
        alice.git(["checkout", "-q", "-B", brings, "side~1"]).ok();
        field(&alice, "value", "from main");
        match brings {
            "merge" => alice.git(["merge", "-q", "--no-edit", "side"]).ok(),
            _ => alice.git(["cherry-pick", "side"]).ok(),
        };
        for (field, value) in [("user", "third"), ("password", "from the side"), ("value", "from main")] {
            assert_eq!(values(&alice, "db", field), [value], "{brings}");
        }
    }
}

#[test]
fn of_two_who_merged_the_same_versions_everybody_keeps_the_same_one() {
    let world = World::new();
    let alice = forked(&world);
    let base = bytes(&alice);
    let both = versions(&alice, 2, false);
    let [one, other] = [(), ()].map(|()| driven(&alice, &MERGE, [&base, &both[0], &both[1]]).0);
    let kept = std::cmp::min_by_key(&one, &other, |bytes| Hash::of(bytes));
    let bot = bot(&world, &alice);
    for person in [&alice, &bot] {
        for (ours, theirs) in [(&one, &other), (&other, &one)] {
            assert!(driven(person, &MERGE, [&base, ours, theirs]).0 == *kept, "{}", person.name);
        }
    }
}

#[test]
fn how_many_versions_wait_is_said_where_there_are_several() {
    let world = World::new();
    let alice = forked(&world);
    alice.git(["checkout", "-q", "-b", "third", "side"]).ok();
    field(&alice, "extra", "from the third branch");
    on(&alice, "side");
    field(&alice, "password", "from the side");
    on(&alice, "main");
    field(&alice, "value", "from main");
    let bot = bot(&world, &alice);
    for (rev, count) in [("side", 2), ("origin/third", 3)] {
        let said = bot.git(["merge", "-q", "--no-edit", rev]).ok();
        let note = format!("db: {count} versions are kept sealed, to be joined by the next who writes");
        assert!(said.err.contains(&note) && !said.err.contains("more than"), "{}", said.err);
        assert_eq!(members(&bytes(&bot)).unwrap().len(), count);
    }
    // Somebody joined them meanwhile: one version is nothing to tell of.
    for rev in ["side", "third"] {
        alice.git(["merge", "-q", "--no-edit", rev]).ok();
    }
    bot.git(["fetch", "-q"]).ok();
    let said = bot.git(["merge", "--no-edit", "origin/main"]).ok();
    assert!((said.text() + &said.err).contains("Auto-merging"), "the driver was asked: {}", said.err);
    assert!(!said.err.contains("kept sealed") && !said.err.contains("warning"), "{}", said.err);
    assert_eq!(bytes(&bot), bytes(&alice));
}

#[test]
fn more_versions_than_can_be_joined_at_once_are_worth_a_warning() {
    let world = World::new();
    let alice = forked(&world);
    let base = bytes(&alice);
    let all = versions(&alice, 65, false);
    let (many, more) = (bundle(all[..40].to_vec()).unwrap(), bundle(all[40..64].to_vec()).unwrap());
    let bot = bot(&world, &alice);
    let (kept, said) = driven(&bot, &MERGE, [&base, &many, &more]);
    assert_eq!(members(&kept).unwrap().len(), 64);
    let said = said.ok().err;
    assert!(said.contains("db: 64 versions are kept sealed") && !said.contains("more than"), "{said}");
    let (kept, said) = driven(&bot, &MERGE, [&base, &kept, &all[64]]);
    assert_eq!(members(&kept).unwrap().len(), 65);
    let said = said.ok().err;
    assert!(said.contains("db: 65 versions are kept sealed"), "{said}");
    assert!(said.contains("db has more than 64 versions: covault resolve db"), "{said}");
}

#[test]
fn as_many_versions_as_one_may_name_are_joined_at_once() {
    let world = World::new();
    let alice = forked(&world);
    let base = bytes(&alice);
    let all = versions(&alice, 65, false);
    let (many, more) = (bundle(all[..40].to_vec()).unwrap(), bundle(all[40..64].to_vec()).unwrap());
    let (joined, said) = driven(&alice, &MERGE, [&base, &many, &more]);
    assert_eq!(said.ok().err, "");
    let mut named: Vec<_> = all[..64].iter().map(|one| SealedFile::parse(one.clone()).unwrap().hash()).collect();
    named.sort_unstable();
    assert_eq!(SealedFile::parse(joined).unwrap().manifest().parents, named);
    let (kept, _) = driven(&alice, &MERGE, [&base, &many, &bundle(all[40..].to_vec()).unwrap()]);
    assert_eq!(members(&kept).unwrap().len(), 65);
}

#[test]
fn more_versions_than_can_be_joined_at_once_are_told_apart_from_what_counts_for_nothing() {
    let world = World::new();
    let alice = forked(&world);
    std::fs::write(alice.file("db"), bundle(versions(&alice, 70, false)).unwrap()).unwrap();
    alice.git(["commit", "-qam", "many"]).ok();
    let said = alice.covault(["get", "db/user"]).ok();
    assert!(said.err.contains("db is joined from 70 versions, until a command writes it as one"), "{}", said.err);
    alice.covault(["set", "db", "user=later"]).ok();
    let said = alice.covault(["get", "db/user"]).ok();
    assert!(said.err.contains("db is joined from 7 versions"), "{}", said.err);
}

#[test]
fn what_is_too_much_for_one_version_stays_sealed_apart_and_git_does_not_stop() {
    let world = World::new();
    let alice = forked(&world);
    let large = |letter: &str| letter.repeat(1 << 20);
    on(&alice, "side");
    field(&alice, "value", &large("a"));
    on(&alice, "main");
    field(&alice, "password", &large("b"));
    field(&alice, "extra", &large("c"));
    let said = alice.git(["merge", "-q", "--no-edit", "side"]).ok();
    assert!(said.err.contains("db: 2 versions are kept sealed"), "{}", said.err);
    assert_eq!(members(&bytes(&alice)).unwrap().len(), 2);
    is_good(&alice);
    // With less on one side they fit.
    alice.git(["reset", "-q", "--hard", "HEAD^"]).ok();
    field(&alice, "extra", "less");
    alice.git(["merge", "-q", "--no-edit", "side"]).ok();
    for (field, value) in [("value", large("a")), ("password", large("b")), ("extra", "less".to_owned())] {
        assert!(values(&alice, "db", field) == [value], "{field}");
    }
}

#[test]
fn what_an_agent_does_not_sign_stays_sealed_apart_and_git_does_not_stop() {
    if !have("ssh-agent") {
        return;
    }
    let world = World::new();
    let (alice, _agent, key) = signs_with_agent(&world, "exit 1");
    alice.set("db", "the first value");
    alice.git(["branch", "side"]).ok();
    field(&alice, "extra", "from main");
    on(&alice, "side");
    field(&alice, "value", "from the side");
    on(&alice, "main");
    // Whoever is asked says no.
    add(&alice, &["-c"], &key);
    let said = alice.git(["merge", "-q", "--no-edit", "side"]).ok();
    assert!(said.err.contains("db: 2 versions are kept sealed"), "{}", said.err);
    assert_eq!(members(&bytes(&alice)).unwrap().len(), 2);
    assert_eq!(values(&alice, "db", "value"), ["from the side"]);
    assert_eq!(values(&alice, "db", "extra"), ["from main"]);
    is_good(&alice);
}

#[test]
fn git_s_labels_tell_one_commit_s_change_from_everything_that_a_branch_has() {
    let (change, before) = ("1234abc (a change)", "parent of 1234abc (a change)");
    for (base, theirs, is_replay) in [
        ("1234abc", "side", false),
        ("abcd", "side", false),
        ("merged common ancestors", "side", false),
        ("empty tree", "side", false),
        (before, change, true),
        ("Stash base", "Stashed changes", true),
        ("constructed merge base", "the fix", true),
        ("abc", "no name of a commit", true),
        (change, before, false),
        // A git that does not say.
        ("%S", "%Y", false),
    ] {
        assert_eq!(Labels { base, ours: "HEAD", theirs }.is_replay(), is_replay, "{base}, {theirs}");
    }
}

#[test]
fn a_label_that_names_no_commit_starts_no_program() {
    let world = World::new();
    let mut alice = forked(&world);
    let base = bytes(&alice);
    field(&alice, "value", "from main");
    let ours = bytes(&alice);
    on(&alice, "side");
    field(&alice, "password", "from the side");
    let theirs = bytes(&alice);
    let log = world.path().join("git.log");
    alice.puts_before_git(&format!("echo \"$*\" >>'{}'\n", log.display()));
    let asked = |labels: [&str; 3]| {
        std::fs::write(&log, "").unwrap();
        let (merged, said) = driven(&alice, &labels, [&base, &ours, &theirs]);
        assert!(said.ok().err.is_empty() && merged != ours && merged != theirs);
        std::fs::read_to_string(&log).unwrap()
    };
    // What might be a branch is looked for, at last by git.
    let calls = asked(["1234abc", "HEAD", "unheard-of"]);
    assert!(calls.contains("rev-parse") && calls.contains("unheard-of"), "{calls}");
    // An older git hands its placeholders over; a mail's subject may be anything.
    for labels in [["%S", "%X", "%Y"], ["", "", ""], ["constructed merge base", "HEAD", ":/the fix of [2]"]] {
        let calls = asked(labels);
        assert!(!calls.contains("rev-parse"), "{labels:?}: {calls}");
    }
    let calls = asked(["1234abc", "HEAD", "-x"]);
    assert!(!calls.contains("rev-parse"), "{calls}");
}
