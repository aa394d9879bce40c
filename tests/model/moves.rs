//! Stories of deleting, taking back and moving, with people in them.

use std::collections::BTreeMap;

use covault::model::document::Document;
use covault::model::manifest::State;
use covault::model::register::{Key, Value};

use super::world::{Pen, empty, field, path, texts};

/// alice wrote a user and a password.
fn database() -> Document {
    let mut document = empty();
    let mut alice = Pen::of("alice", 0);
    alice.put(&mut document, &field("user"), "app");
    alice.put(&mut document, &field("password"), "old");
    document
}

/// Moves to `to`: what stands there now, and the tombstone that stays.
fn moved(pen: &mut Pen, document: &Document, to: &str) -> (Document, Document) {
    let mut tombstone = document.clone();
    pen.bury(&mut tombstone, Some(to));
    (document.at(path(to)), tombstone)
}

#[test]
fn a_deleted_secret_stays_deleted_when_old_versions_arrive() {
    let old = database();
    let mut gone = old.clone();
    Pen::of("bob", 10).bury(&mut gone, None);
    assert_eq!(gone.state(), State::Deleted);
    assert_eq!(gone.live_names().len(), 0);
    assert_eq!(gone.join(&old).state(), State::Deleted);
    assert_eq!(old.join(&gone), gone.join(&old));
}

#[test]
fn an_edit_that_the_deleter_had_not_seen_wins_and_brings_the_other_fields_back() {
    let (mut alices, mut bobs) = (database(), database());
    Pen::of("alice", 10).put(&mut alices, &field("password"), "new");
    Pen::of("bob", 20).bury(&mut bobs, None);
    let joined = alices.join(&bobs);
    assert_eq!((joined.state(), joined.is_contested()), (State::Live, true));
    assert_eq!(texts(&joined, &field("password")), ["new"]);
    assert_eq!(texts(&joined, &field("user")), ["app"]);
}

#[test]
fn what_the_deleter_had_changed_before_is_known_by_name() {
    for (to, is_gone) in [(None, true), (Some("prod/other"), false)] {
        let (mut alices, mut bobs) = (database(), database());
        Pen::of("alice", 10).put(&mut alices, &field("host"), "new");
        let mut bob = Pen::of("bob", 20);
        bob.put(&mut bobs, &field("password"), "rotated");
        let rotated = bobs.register(&field("password")).unwrap().live().map(|write| write.name()).collect();
        bob.bury(&mut bobs, to);
        assert!(bobs.gone_with_deletion().is_empty(), "it is deleted, and nothing is missing");
        let mut joined = alices.join(&bobs);
        // What moved away is where it moved to.
        let gone: BTreeMap<_, _> = is_gone.then_some((field("password"), rotated)).into_iter().collect();
        assert_eq!(joined.gone_with_deletion(), gone);
        bob.put(&mut joined, &field("password"), "set anew");
        assert!(joined.gone_with_deletion().is_empty());
    }
}

#[test]
fn a_cherry_picked_edit_brings_the_other_fields_back_too() {
    let base = database();
    let (mut alices, mut bobs) = (base.clone(), base.clone());
    Pen::of("alice", 10).put(&mut alices, &field("password"), "new");
    Pen::of("bob", 20).bury(&mut bobs, None);
    assert_eq!(bobs.join_changes(&base, &alices), bobs.join(&alices));
}

#[test]
fn a_cherry_pick_brings_its_own_change_and_no_more() {
    let base = database();
    let mut before = base.clone();
    let mut carol = Pen::of("carol", 10);
    carol.put(&mut before, &field("user"), "unfinished");
    let mut after = before.clone();
    carol.put(&mut after, &field("password"), "new");
    let picked = base.join_changes(&before, &after);
    assert_eq!(texts(&picked, &field("user")), ["app"]);
    assert_eq!(texts(&picked, &field("password")), ["new"]);
}

#[test]
fn what_was_deleted_twice_stays_deleted() {
    let old = database();
    let mut gone = old.clone();
    let mut bob = Pen::of("bob", 10);
    bob.bury(&mut gone, None);
    // The second tombstone takes the first one's place and speaks for it.
    bob.bury(&mut gone, Some("prod/other"));
    assert_eq!(gone.join(&old).state(), State::Moved(path("prod/other")));
}

#[test]
fn a_value_written_on_a_tombstone_replaces_the_one_that_was_deleted() {
    let old = database();
    let mut document = old.clone();
    let mut bob = Pen::of("bob", 10);
    bob.bury(&mut document, None);
    bob.put(&mut document, &field("password"), "new");
    assert_eq!(document.state(), State::Live);
    assert_eq!(texts(&document.join(&old), &field("password")), ["new"]);
}

#[test]
fn an_old_version_brings_nothing_back_after_a_deletion_was_taken_back() {
    let old = database();
    let mut document = old.clone();
    let mut bob = Pen::of("bob", 10);
    bob.bury(&mut document, None);
    // Even where a merge had brought the old values beside the tombstone.
    let mut merged = document.join(&old);
    for here in [&mut document, &mut merged] {
        let mut bob = Pen::of("bob", 20);
        bob.unbury(here);
        bob.put(here, &field("token"), "fresh");
        let joined = here.join(&old);
        assert_eq!((joined.state(), joined.is_contested()), (State::Live, false));
        assert_eq!(texts(&joined, &field("token")), ["fresh"]);
        assert_eq!(texts(&joined, &field("user")), [""; 0]);
        assert_eq!(texts(&joined, &field("password")), [""; 0]);
    }
    assert_eq!(document.join(&old), document);
}

#[test]
fn saying_that_a_contested_secret_lives_keeps_what_is_there() {
    let base = database();
    let (mut alices, mut bobs) = (base.clone(), base.clone());
    Pen::of("alice", 10).put(&mut alices, &field("password"), "new");
    Pen::of("bob", 20).bury(&mut bobs, None);
    let mut settled = alices.join(&bobs);
    Pen::of("carol", 30).unbury(&mut settled);
    assert_eq!((settled.state(), settled.is_contested()), (State::Live, false));
    assert_eq!(texts(&settled, &field("user")), ["app"]);
    assert_eq!(texts(&settled, &field("password")), ["new"]);
    for old in [&base, &alices, &bobs] {
        assert_eq!(settled.join(old), settled);
    }
}

#[test]
fn taking_a_deletion_back_wins_over_another_that_had_not_seen_it() {
    let mut gone = database();
    Pen::of("bob", 10).bury(&mut gone, None);
    let mut again = gone.clone();
    Pen::of("carol", 20).bury(&mut again, None);
    let mut back = gone.clone();
    Pen::of("alice", 30).unbury(&mut back);
    let joined = again.join(&back);
    assert_eq!((joined.state(), joined.is_contested()), (State::Live, true));
}

#[test]
fn two_deletions_together_cover_what_either_saw() {
    let base = database();
    let (mut alices, mut bobs) = (base.clone(), base);
    let mut alice = Pen::of("alice", 10);
    alice.put(&mut alices, &field("a"), "1");
    let with_a = alices.clone();
    alice.bury(&mut alices, None);
    let mut bob = Pen::of("bob", 20);
    bob.put(&mut bobs, &field("b"), "2");
    let with_b = bobs.clone();
    bob.bury(&mut bobs, None);
    let joined = alices.join(&with_b).join(&bobs).join(&with_a);
    assert_eq!(joined.state(), State::Deleted);
    assert_eq!(alices.join(&with_b).state(), State::Live);
}

#[test]
fn a_tombstone_drops_only_what_it_names() {
    let mut document = database();
    let mut bob = Pen::of("bob", 10);
    // Made from an older version than the one that it buries.
    let value = document.tombstone_value(None);
    bob.put(&mut document, &field("password"), "new");
    let write = bob.write(&Key::State, value);
    document.bury(write);
    assert_eq!(texts(&document, &field("password")), ["new"]);
    assert_eq!(texts(&document, &field("user")), [""; 0]);
    assert_eq!(document.state(), State::Live);
}

#[test]
fn a_tombstone_of_a_newer_version_counts_as_live() {
    for text in ["live", "", "archived field.user=00", "deleted field.user=zz", "moved", "moved ../x", "deleted  "] {
        let mut document = database();
        let write = Pen::of("bob", 10).write(&Key::State, Value::text(text));
        document.put(&Key::State, write);
        assert_eq!((document.state(), document.is_contested()), (State::Live, false), "{text:?}");
    }
}

#[test]
fn a_moved_secret_says_where_it_lives() {
    let (there, here) = moved(&mut Pen::of("bob", 10), &database(), "prod/postgres");
    assert_eq!(here.state(), State::Moved(path("prod/postgres")));
    assert_eq!((there.state(), there.id), (State::Live, here.id));
    assert_eq!(there.live_names(), database().live_names());
}

#[test]
fn an_edit_that_lands_on_a_moved_secret_is_carried_to_its_new_path() {
    let mut alices = database();
    Pen::of("alice", 10).put(&mut alices, &field("password"), "new");
    let mut bob = Pen::of("bob", 20);
    let (there, here) = moved(&mut bob, &database(), "prod/postgres");
    let mut here = here.join(&alices);
    assert!(here.is_contested());
    let carried = there.join(&here.at(there.path.clone()));
    bob.bury(&mut here, Some("prod/postgres"));
    assert_eq!(here.state(), State::Moved(path("prod/postgres")));
    assert_eq!(here.join(&alices).state(), here.state(), "it is carried once");
    assert_eq!(texts(&carried, &field("password")), ["new"]);
    assert_eq!(texts(&carried, &field("user")), ["app"]);
    assert_eq!(carried.join(&there), carried);
}

#[test]
fn what_was_changed_at_the_new_path_is_not_undone_by_what_is_carried_there() {
    let mut alices = database();
    Pen::of("alice", 10).put(&mut alices, &field("password"), "alice's");
    let mut bob = Pen::of("bob", 20);
    let (mut there, here) = moved(&mut bob, &database(), "prod/postgres");
    bob.put(&mut there, &field("password"), "bob's");
    bob.remove(&mut there, &field("user"));
    let carried = there.join(&here.join(&alices).at(there.path.clone()));
    assert_eq!(texts(&carried, &field("password")), ["alice's", "bob's"]);
    assert_eq!(texts(&carried, &field("user")), ["-"]);
}

#[test]
fn of_two_moves_the_smaller_path_stays() {
    let (_, alices) = moved(&mut Pen::of("alice", 10), &database(), "prod/x");
    let (_, bobs) = moved(&mut Pen::of("bob", 20), &database(), "prod/a");
    assert_eq!(alices.join(&bobs).state(), State::Moved(path("prod/a")));
    assert_eq!(bobs.join(&alices).state(), State::Moved(path("prod/a")));
}

#[test]
fn a_secret_that_was_moved_and_deleted_lives_where_it_was_moved_to() {
    let (_, alices) = moved(&mut Pen::of("alice", 10), &database(), "prod/x");
    let mut bobs = database();
    Pen::of("bob", 20).bury(&mut bobs, None);
    assert_eq!(alices.join(&bobs).state(), State::Moved(path("prod/x")));
}

#[test]
fn a_secret_that_moves_back_is_there_again_and_old_versions_add_nothing() {
    let first = database();
    let mut bob = Pen::of("bob", 10);
    let (mut there, left) = moved(&mut bob, &first, "prod/x");
    bob.put(&mut there, &field("password"), "new");
    let (back, gone) = moved(&mut bob, &there, "prod/db");
    let mut here = left.clone();
    let live = bob.write(&Key::State, Value::text("live"));
    here.put(&Key::State, live);
    let here = here.join(&back);
    assert_eq!((here.state(), here.is_contested()), (State::Live, false));
    assert_eq!(texts(&here, &field("user")), ["app"]);
    assert_eq!(texts(&here, &field("password")), ["new"]);
    for old in [&first, &left] {
        assert_eq!(here.join(old), here);
    }
    assert_eq!(gone.join(&there).state(), State::Moved(path("prod/db")));
}

#[test]
fn of_two_births_at_one_path_the_smaller_id_wins_and_all_fields_stay() {
    let mut other = empty();
    other.id.0 = [0; 16];
    Pen::of("bob", 10).put(&mut other, &field("url"), "there");
    let joined = database().join(&other);
    assert_eq!(joined.id, other.id);
    assert_eq!(joined, other.join(&database()));
    assert_eq!(joined.live_names().len(), 3);
}

#[test]
fn a_write_to_where_a_secret_moved_from_replaces_nothing_at_its_new_place() {
    let old = database();
    let (there, grave) = moved(&mut Pen::of("bob", 10), &old, "prod/other");
    // carol began one of the same name elsewhere, and what she has at the old place lives.
    let mut here = empty();
    let mut carol = Pen::of("carol", 20);
    carol.put(&mut here, &field("token"), "hers");
    let mut here = here.join(&grave);
    assert_eq!((here.state(), texts(&here, &field("password"))), (State::Live, vec![]));
    carol.put(&mut here, &field("password"), "new");
    let carried = there.join(&here.at(path("prod/other")));
    assert_eq!(texts(&carried, &field("password")), ["new", "old"]);
    // A deletion is another thing: what was deleted does not come back beside what is written there.
    let mut gone = old.clone();
    Pen::of("bob", 10).bury(&mut gone, None);
    let mut again = gone.join(&here);
    carol.put(&mut again, &field("user"), "anew");
    assert_eq!(texts(&there.join(&again.at(path("prod/other"))), &field("user")), ["anew", "app"], "it was moved, too");
    let mut only_deleted = empty();
    carol.put(&mut only_deleted, &field("token"), "hers");
    let mut only_deleted = only_deleted.join(&gone);
    carol.put(&mut only_deleted, &field("password"), "new");
    assert_eq!(texts(&only_deleted.join(&old), &field("password")), ["new"]);
}

#[test]
fn what_comes_back_to_its_grave_lives_and_what_it_left_behind_stays_buried() {
    let old = database();
    let mut bob = Pen::of("bob", 10);
    let (there, grave) = moved(&mut bob, &old, "prod/other");
    assert_eq!(grave.moves(), [path("prod/other")].into());
    // Alone, a password: whoever brings it back has no user any more.
    let mut arrived = empty();
    let password = there.register(&field("password")).unwrap().live().next().unwrap().clone();
    arrived.put(&field("password"), password);
    let says_live = bob.write(&Key::State, Value::text("live"));
    let back = grave.revive(&arrived, says_live);
    assert_eq!((back.state(), back.is_contested()), (State::Live, false));
    assert_eq!(texts(&back, &field("password")), ["old"]);
    assert_eq!(texts(&back.join(&old), &field("password")), ["old"]);
    assert_eq!(texts(&back.join(&old), &field("user")), [""; 0]);
}
