//! Many blobs of one commit: one pack that git finds in order, and what becomes of it.

use std::path::Path;

use covault::repo::{Change, ObjectId, Repo};

use super::{Place, committed, how};

/// So many files, small and large, some that pack well and some that do not.
fn changes(count: usize) -> Vec<Change> {
    let mut noise = 7_u64;
    let change = |n: usize| {
        let mut bytes = format!("number {n}\n").into_bytes();
        for _ in 0..(n * n) % 3000 {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            bytes.push(if n.is_multiple_of(3) { b'a' } else { noise.to_be_bytes()[0] });
        }
        Change::write(format!(".covault/secrets/many/{n}.age"), bytes)
    };
    (0..count).map(change).collect()
}

fn write(repo: &Repo, changes: &[Change]) -> ObjectId {
    let lock = repo.lock().unwrap();
    committed(repo.commit(&lock, changes, &how("many")))
}

/// How many packs there are, and how many objects of their own.
fn counts(place: &Place) -> (String, usize) {
    let said = place.git(&["count-objects", "-v"]);
    let of = |name: &str| said.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    (of("packs:"), of("count:").parse().unwrap())
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn many_new_blobs_are_one_pack_that_git_finds_in_order_and_hands_on() {
    for format in [&[][..], &["--object-format=sha256"]] {
        let place = Place::with_vault_in(format);
        let repo = place.repo();
        let before = counts(&place);
        let all = changes(150);
        let commit = write(&repo, &all);
        let after = counts(&place);
        assert_eq!((before.0.as_str(), after.0.as_str()), ("0", "1"));
        assert!(after.1 < before.1 + 10, "{after:?}: more than trees and the commit");
        // In this process, which looked at the objects before there was that pack, and to git.
        let blob = repo.blob_at(commit, all[149].path()).unwrap().unwrap();
        assert_eq!(repo.blob(blob).unwrap(), all[149].committed().unwrap());
        place.git(&["fsck", "--full", "--strict"]);
        for change in all.iter().step_by(10) {
            let bytes = place.try_git(&["cat-file", "blob", &format!("HEAD:{}", change.path())]).stdout;
            assert_eq!(bytes, change.committed().unwrap(), "{}", change.path());
        }
        assert_eq!(place.git(&["status", "--porcelain"]), "");
        // Cloned, changed there and pushed back, and packed anew by git.
        let clone = place.clone_as("clone", &[]);
        assert_eq!(clone.git(&["rev-parse", "HEAD"]).trim(), commit.to_string());
        write(&clone.repo(), &[Change::write(".covault/secrets/one.age", "one")]);
        clone.git(&["push", "-q", "origin", "HEAD:side"]);
        place.git(&["merge", "-q", "--ff-only", "side"]);
        place.git(&["gc", "-q", "--prune=now"]);
        place.git(&["fsck", "--full", "--strict"]);
        assert_eq!(place.repo().blob(blob).unwrap(), all[149].committed().unwrap());
    }
}

#[test]
fn few_blobs_are_objects_of_their_own_and_known_ones_are_not_written_again() {
    let place = Place::with_vault();
    write(&place.repo(), &changes(99));
    assert_eq!(counts(&place).0, "0");
    let packed = Place::with_vault();
    write(&packed.repo(), &changes(120));
    let commit = packed.head();
    packed.git(&["reset", "-q", "--hard", "HEAD~1"]);
    let objects = counts(&packed);
    write(&packed.repo(), &changes(120));
    assert_eq!(packed.git(&["rev-parse", "HEAD^{tree}"]), packed.git(&["rev-parse", &format!("{commit}^{{tree}}")]));
    assert_eq!(counts(&packed), objects);
}

#[test]
fn a_shared_repository_has_a_pack_that_others_may_read() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::with_vault_in(&["--shared=0660"]);
    write(&place.repo(), &changes(120));
    let folder = place.top.join(".git/objects/pack");
    let files = names(&folder);
    assert!(files.iter().any(|name| name.ends_with(".pack")) && files.iter().any(|name| name.ends_with(".idx")));
    for name in files {
        let mode = folder.join(&name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0o040, "{name}");
    }
}

#[test]
fn a_pack_that_cannot_be_written_is_written_as_objects_instead() {
    let place = Place::with_vault();
    // An index of a kind that git does not know: it refuses the pack.
    place.git(&["config", "pack.indexVersion", "9"]);
    write(&place.repo(), &changes(120));
    place.git(&["config", "--unset", "pack.indexVersion"]);
    assert_eq!(counts(&place).0, "0");
    assert!(counts(&place).1 > 120);
    place.git(&["fsck", "--full", "--strict"]);
    assert_eq!(place.git(&["status", "--porcelain"]), "");
}
