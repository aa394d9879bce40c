//! Two rosters that were both extended, as the library brings them together from their bytes.

use covault::model::roster::{MAX_ROSTER, Operation, Role, decode};
use covault::vault::merge::roster::{Way, rosters};
use covault::vault::{Kind, VaultError};

use super::rig::{Team, bytes, entries, grants, head, member, members, merge, merged, read, removes};
use crate::team;

/// alice admitted dave and carol removed bob, neither knowing of the other: base, alice's and carol's.
fn diverged(team: &Team) -> [Vec<u8>; 3] {
    let base = bytes(&team.alice);
    team.admits(&team.alice, "dave", Role::Writer);
    removes(&team.carol, "bob");
    [base, bytes(&team.alice), bytes(&team.carol)]
}

#[test]
fn where_one_side_contains_the_other_its_bytes_are_taken_without_a_key() {
    let team = Team::new();
    let [base, ours, theirs] = diverged(&team);
    let both = merged(&team.alice, &base, &ours, &theirs);
    // rita only reads, and her keys are gone, too.
    let rita = team.rita;
    team::vault(&rita);
    std::fs::remove_dir_all(rita.home.join(".config")).unwrap();
    for older in [&base, &ours, &theirs] {
        let taken = merge(&rita, &base, older, &both);
        assert!(matches!(taken.way, Way::Theirs) && taken.bytes == both, "{:?}", taken.way);
        if *older != base {
            let taken = merge(&rita, &base, &both, older);
            assert!(matches!(taken.way, Way::Ours) && taken.bytes == both, "{:?}", taken.way);
        }
    }
    let same = merge(&rita, &base, &both, &both);
    assert!(matches!(same.way, Way::Ours) && same.bytes == both);
    let diverged = merge(&rita, &base, &ours, &theirs);
    assert!(matches!(&diverged.way, Way::Diverged { because, .. } if because.contains("no signing key")));
}

#[test]
fn an_admin_of_both_sides_merges_them_with_one_entry_and_nothing_is_lost() {
    let team = Team::new();
    let [base, ours, theirs] = diverged(&team);
    let both = merged(&team.alice, &base, &ours, &theirs);
    assert!(both.starts_with(&ours));
    assert_eq!(entries(&both), entries(&ours) + 1);
    assert!(read(&both).has(head(&ours)) && read(&both).has(head(&theirs)));
    assert_eq!(members(&both), ["alice admin", "carol admin", "dave writer", "rita reader"]);
    // The base is not asked for, and the same comes out once more.
    for base in [&base[..], b"", b"<<<<<<< ours", &ours] {
        assert_eq!(merged(&team.alice, base, &ours, &theirs), both);
    }
    // carol comes to the same from her side.
    let hers = merged(&team.carol, &base, &theirs, &ours);
    assert!(hers.starts_with(&theirs) && hers != both);
    assert_eq!(read(&hers).state(), read(&both).state());
    let notes = merge(&team.alice, &base, &ours, &theirs).notes();
    let expected = ["the roster takes in 1 entry of the other branch", "bob is out: the other branch removed them"];
    assert_eq!(notes, expected);
}

#[test]
fn everybody_else_is_told_who_can_merge_them() {
    let team = Team::new();
    let [base, ours, theirs] = diverged(&team);
    for person in [&team.bob, &team.rita] {
        let conflict = merge(person, &base, &ours, &theirs);
        assert_eq!(conflict.bytes, ours);
        let Way::Diverged { because, admins } = &conflict.way else { panic!("{:?}", conflict.way) };
        assert!(because.contains("admin on both"), "{because}");
        assert_eq!(*admins, [member("alice"), member("carol")]);
        let error = conflict.conflict(".covault/roster.toml").unwrap();
        assert_eq!(error.kind(), Kind::Conflict);
        assert!(error.hint().unwrap().contains("alice, carol") && error.hint().unwrap().contains("covault resolve"));
    }
    // An agent that holds the key and does not answer.
    let key = team.carol.home.join(".config/covault/signing_ed25519");
    std::fs::rename(key.with_extension("pub"), &key).unwrap();
    let conflict = merge(&team.carol, &base, &ours, &theirs);
    let Way::Diverged { because, admins } = &conflict.way else { panic!("{:?}", conflict.way) };
    assert!(because.contains("ssh-agent"), "{because}");
    assert_eq!(admins.len(), 2);
}

#[test]
fn an_admin_of_one_side_alone_merges_nothing() {
    let team = Team::new();
    let base = bytes(&team.alice);
    team.admits(&team.alice, "dave", Role::Reader);
    removes(&team.carol, "alice");
    let (ours, theirs) = (bytes(&team.alice), bytes(&team.carol));
    let Way::Diverged { admins, .. } = merge(&team.alice, &base, &ours, &theirs).way else { panic!() };
    assert_eq!(admins, [member("carol")]);
    // carol could, and what alice did while she was losing the right to is for a person to look at.
    let suspect = merge(&team.carol, &base, &theirs, &ours);
    assert_eq!(suspect.bytes, theirs);
    let error = suspect.conflict("roster.toml").unwrap();
    assert!(error.kind() == Kind::Conflict && error.to_string().contains("by alice, who is no admin"), "{error}");
    assert!(error.hint().unwrap().contains("covault resolve"));
}

#[test]
fn who_was_removed_takes_nobody_along_behind_an_admins_back() {
    let team = Team::new();
    team.admits(&team.alice, "adam", Role::Admin);
    team.alice.git(["push", "-q"]).ok();
    team.carol.git(["pull", "-q", "--ff-only"]).ok();
    team.carol.covault(["status"]).ok();
    let adam = team.comes("adam");
    let base = bytes(&team.alice);
    // carol is removed, and then removes alice on a branch that begins before that.
    removes(&team.alice, "carol");
    removes(&team.carol, "alice");
    let (ours, theirs) = (bytes(&team.alice), bytes(&team.carol));
    for (ours, theirs) in [(&ours, &theirs), (&theirs, &ours)] {
        let way = merge(&adam, &base, ours, theirs).way;
        assert!(matches!(&way, Way::Suspect { by } if ["alice", "carol"].contains(&by.as_str())), "{way:?}");
    }
}

#[test]
fn two_admins_who_removed_each_other_can_merge_nothing_and_are_told_what_is_left() {
    let team = Team::new();
    let base = bytes(&team.alice);
    removes(&team.alice, "carol");
    removes(&team.carol, "alice");
    let (ours, theirs) = (bytes(&team.alice), bytes(&team.carol));
    let conflict = merge(&team.alice, &base, &ours, &theirs);
    let hint = conflict.conflict("roster.toml").unwrap().hint().unwrap();
    assert!(hint.contains("nobody is an admin on both") && hint.contains("git rebase -i TRUNK BRANCH"), "{hint}");
    assert!(hint.contains("git checkout --theirs -- :/roster.toml"), "{hint}");
}

#[test]
fn two_who_merge_the_same_branches_at_once_come_to_one_roster() {
    let team = Team::new();
    let [base, ours, theirs] = diverged(&team);
    let (mut left, mut right) =
        (merged(&team.alice, &base, &ours, &theirs), merged(&team.carol, &base, &theirs, &ours));
    let mut sizes = Vec::new();
    // Again and again at the same moment: every round is one more entry on both sides.
    for round in 0..5 {
        (left, right) = (merged(&team.alice, &base, &left, &right), merged(&team.carol, &base, &right, &left));
        assert_eq!(read(&left).state(), read(&right).state(), "round {round}");
        assert!(read(&left).has(head(&ours)) && read(&left).has(head(&theirs)), "round {round}");
        sizes.push(left.len());
    }
    assert!(sizes.windows(2).all(|pair| pair[1] < pair[0] * 2), "{sizes:?}");
    // As soon as one of them is first, the other takes what is there.
    let last = merged(&team.alice, &base, &left, &right);
    let taken = merge(&team.carol, &base, &right, &last);
    assert!(matches!(taken.way, Way::Theirs) && taken.bytes == last);
    assert_eq!(members(&last), ["alice admin", "carol admin", "dave writer", "rita reader"]);
}

#[test]
fn three_branches_come_to_one_state_whoever_merges_what_first() {
    let team = Team::new();
    let base = bytes(&team.alice);
    let other = team.another_clone(&team.alice, "desk");
    let (alice, carol) = (&team.alice, &team.carol);
    team.admits(alice, "dave", Role::Admin);
    removes(carol, "bob");
    grants(&other, "prod", &["alice", "rita"]);
    let [a, c, d] = [bytes(alice), bytes(carol), bytes(&other)];
    let mut ends = Vec::new();
    for [one, two, three] in [[&a, &c, &d], [&a, &d, &c], [&c, &a, &d], [&c, &d, &a], [&d, &a, &c], [&d, &c, &a]] {
        for (first, second) in [(alice, carol), (carol, alice), (alice, alice)] {
            let half = merged(first, &base, one, two);
            ends.push(merged(second, &base, &half, three));
            ends.push(merged(second, &base, three, &half));
        }
    }
    // Criss-cross: each of two has merged the third with one of them, and then they meet.
    let (left, right) = (merged(alice, &base, &a, &d), merged(carol, &base, &c, &d));
    ends.push(merged(alice, &d, &left, &right));
    ends.push(merged(carol, &d, &right, &left));
    let state = read(&ends[0]).state().clone();
    for end in &ends {
        assert!([&a, &c, &d].iter().all(|one| read(end).has(head(one))));
        assert_eq!(*read(end).state(), state);
    }
    assert_eq!(members(&ends[0]), ["alice admin", "carol admin", "dave admin", "rita reader"]);
}

#[test]
fn a_revert_takes_no_entry_back_and_is_a_conflict() {
    let team = Team::new();
    let base = bytes(&team.alice);
    team.admits(&team.alice, "dave", Role::Reader);
    let undone = bytes(&team.alice);
    team.admits(&team.alice, "erin", Role::Reader);
    let ours = bytes(&team.alice);
    // What git hands over in a revert: the commit that is undone is the base, and its parent is theirs.
    let kept = merge(&team.alice, &undone, &ours, &base);
    assert!(matches!(kept.way, Way::TakesBack) && kept.bytes == ours, "{:?}", kept.way);
    let error = kept.conflict("roster.toml").unwrap();
    assert!(error.kind() == Kind::Conflict && error.hint().unwrap().contains("covault member remove"), "{error}");
}

#[test]
fn a_commit_that_is_picked_or_rebased_brings_its_entries_after_those_that_are_there() {
    let team = Team::new();
    let base = bytes(&team.alice);
    team.admits(&team.alice, "dave", Role::Reader);
    let first = bytes(&team.alice);
    team.admits(&team.alice, "erin", Role::Reader);
    let second = bytes(&team.alice);
    removes(&team.carol, "bob");
    let onto = bytes(&team.carol);
    let one = merged(&team.alice, &base, &onto, &first);
    let two = merged(&team.alice, &first, &one, &second);
    assert!(two.starts_with(&one) && one.starts_with(&onto));
    assert_eq!(members(&two), ["alice admin", "carol admin", "dave reader", "erin reader", "rita reader"]);
}

#[test]
fn nothing_comes_of_what_is_no_good_roster_of_this_vault() {
    let team = Team::new();
    let [base, ours, theirs] = diverged(&team);
    let vault = team::vault(&team.alice);
    let kind = |ours: &[u8], theirs: &[u8]| {
        let error: VaultError = rosters(&vault, &base, ours, theirs, team::how().now).unwrap_err();
        assert_eq!(error.kind(), Kind::Verification, "{error}");
        assert!(error.hint().is_some(), "{error}");
        error.to_string()
    };
    let eve = team.world.founder("eve");
    let other = bytes(&eve);
    assert!(kind(&ours, &other).contains("another vault"));
    assert!(kind(&other, &theirs).contains("another vault"));
    assert!(kind(&other, &other).contains("another vault"));
    let mut flipped = theirs.clone();
    let last = flipped.len() - 40;
    flipped[last] ^= 1;
    let large = [&theirs[..], "\n".repeat(MAX_ROSTER).as_bytes()].concat();
    for bad in [&b""[..], b"<<<<<<< ours", b"\xff\xfe", &flipped, &large, &theirs[..theirs.len() - 1]] {
        assert!(kind(&ours, bad).contains("at the other side"));
        assert!(kind(bad, &theirs).contains("at our side"));
    }
    // carol's key under an entry that the rules refuse.
    let entries = decode(&theirs).unwrap();
    assert!(matches!(entries.last().unwrap().operation, Operation::Remove { .. }));
    let twice = [&theirs[..], b"\n", entries.last().unwrap().text().as_bytes()].concat();
    assert!(kind(&ours, &twice).contains("at the other side"));
}
