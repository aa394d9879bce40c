//! By members, with keys of their own: writing what one cannot read, writing as a reader, writing after one's removal,
//! demotion or renewal with an old date, and sealing to somebody who may not read.

use covault::model::bytes::Hash;
use covault::model::manifest::{MemberRef, RosterPoint, State};
use covault::model::names::SecretPath;
use covault::model::roster::{Granted, Grantee, Operation, Role, Roster};
use covault::model::time::Time;
use covault::seal::{Identity, SealedFile};

use super::forge::{Forgery, Stranger, member};
use super::rig::{Attacked, Case, PLANTED, file, on_disk, pushed};

/// A secret is refused because of what was put there.
#[track_caller]
fn refused(name: &'static str, deed: impl FnOnce(&Case), because: &str) -> Attacked {
    let attacked = pushed(deed).spoils(&[name]).refuses(&["get", name], because);
    attacked.refuses(&["set", name], because)
}

/// The same for a new name.
#[track_caller]
fn new_one_refused(name: &str, deed: impl FnOnce(&Case), because: &str) {
    pushed(deed).refuses(&["get", name], because).refuses(&["set", name], because).ends(
        &["get", "prod/db"],
        0,
        "the production password",
    );
}

/// The newest entry of the roster in a commit.
fn point(case: &Case, commit: &str) -> RosterPoint {
    let roster: Roster = case.roster_at(commit);
    RosterPoint { seq: roster.seq, head: roster.head, blob: String::new() }
}

/// As long ago as anybody could have written.
fn backdated(forgery: Forgery<'_>, point: RosterPoint) -> Forgery<'_> {
    forgery.with(|manifest| {
        manifest.at = Time::from_unix(1_000_000_000);
        manifest.roster = point;
    })
}

// --- what one cannot read

#[test]
fn a_writer_overwrites_what_she_cannot_read() {
    let deed = |case: &Case| case.next("prod/db", "wanda").to(&["adam", "alice", "wanda"]).put();
    refused("prod/db", deed, "its author wanda may not write prod/db");
}

#[test]
fn a_writer_overwrites_what_she_cannot_read_for_those_who_can() {
    refused("prod/db", |case| case.next("prod/db", "wanda").put(), "its author does not read it");
}

#[test]
fn a_writer_overwrites_what_she_cannot_read_and_shares_it_with_herself() {
    let deed = |case: &Case| {
        case.next("prod/db", "wanda").shared_with("wanda").to(&["adam", "alice", "wanda"]).put();
    };
    refused("prod/db", deed, "its author wanda may not write prod/db");
}

#[test]
fn a_writer_makes_a_secret_where_she_cannot_read() {
    let deed = |case: &Case| case.birth("prod/new", "wanda").to(&["adam", "alice", "wanda"]).put();
    new_one_refused("prod/new", deed, "its author wanda may not write prod/new");
}

#[test]
fn a_writer_makes_a_secret_where_she_cannot_read_and_shares_it_with_herself() {
    let deed = |case: &Case| {
        case.birth("prod/new", "wanda").shared_with("wanda").to(&["adam", "alice", "wanda"]).put();
    };
    new_one_refused("prod/new", deed, "its author wanda may not write prod/new");
}

#[test]
fn a_writer_buries_what_she_cannot_read() {
    let deed = |case: &Case| {
        let forgery = case.next("prod/db", "wanda").to(&["adam", "alice", "wanda"]);
        forgery.with(|manifest| manifest.state = State::Deleted).put();
    };
    refused("prod/db", deed, "its author wanda may not write prod/db").ends(&["ls", "--flat"], 0, "prod/db\n");
}

#[test]
fn a_writer_moves_what_she_cannot_read_to_where_she_can() {
    let deed = |case: &Case| {
        let forgery = case.next("prod/db", "wanda").to(&["adam", "alice", "wanda"]);
        forgery.with(|manifest| manifest.state = State::Moved(SecretPath::parse("dev/prod").unwrap())).put();
    };
    refused("prod/db", deed, "its author wanda may not write prod/db").ends(&["ls", "--flat"], 0, "prod/db\n");
}

#[test]
fn a_writer_without_the_command_line_in_her_way_is_refused_by_it_all_the_same() {
    let case = Case::new();
    let wanda = case.clone_of("wanda");
    wanda.covault_fed(b"x", ["set", "prod/new"]).exits(4);
    wanda.covault_fed(b"x", ["set", "prod/db"]).exits(4);
    wanda.covault(["grant", "prod", "--add", "wanda", "--yes"]).exits(4);
    wanda.covault(["share", "prod/db", "wanda", "--yes"]).exits(4);
    assert_eq!(wanda.git(["status", "--porcelain"]).ok().text(), "");
}

// --- readers write

#[test]
fn a_reader_writes() {
    let deed = |case: &Case| case.next("dev/db", "rita").put();
    refused("dev/db", deed, "its author rita may not write dev/db");
}

#[test]
fn a_reader_makes_a_secret() {
    new_one_refused("dev/new", |case| case.birth("dev/new", "rita").put(), "its author rita may not write dev/new");
}

#[test]
fn a_reader_shares_with_a_machine() {
    let deed = |case: &Case| {
        let forgery = case.next("dev/db", "rita").shared_with("ci");
        forgery.to(&["adam", "alice", "ci", "rita", "wanda"]).put();
    };
    refused("dev/db", deed, "its author rita may not write dev/db");
}

#[test]
fn a_reader_writes_with_a_date_before_the_vault_began() {
    let deed = |case: &Case| {
        let first = RosterPoint { seq: 0, head: case.roster().vault, blob: String::new() };
        backdated(case.next("dev/db", "rita"), first).put();
    };
    refused("dev/db", deed, "its author rita may not write dev/db");
}

#[test]
fn a_machine_that_reads_writes() {
    let deed = |case: &Case| case.next("staging/db", "ci").put();
    refused("staging/db", deed, "its author ci may not write staging/db");
}

#[test]
fn a_machine_writes_outside_its_folder() {
    let deed = |case: &Case| case.birth("dev/new", "ci").to(&["adam", "alice", "ci"]).put();
    new_one_refused("dev/new", deed, "its author ci may not write dev/new");
}

// --- after a removal

#[test]
fn one_who_was_removed_writes() {
    let deed = |case: &Case| case.next("dev/db", "gina").to(&["adam", "alice", "gina", "rita", "wanda"]).put();
    refused("dev/db", deed, "its author gina may not write dev/db (any more)");
}

#[test]
fn one_who_was_removed_writes_with_a_date_from_when_she_was_in() {
    let deed = |case: &Case| {
        let forgery = case.next("dev/db", "gina").to(&["adam", "alice", "gina", "rita", "wanda"]);
        backdated(forgery, point(case, "branched")).put();
    };
    refused("dev/db", deed, "its author gina may not write dev/db (any more)");
}

#[test]
fn one_who_was_removed_makes_a_secret_with_an_old_date() {
    let deed = |case: &Case| {
        let forgery = case.birth("dev/new", "gina").to(&["adam", "alice", "gina", "rita", "wanda"]);
        backdated(forgery, point(case, "branched")).put();
    };
    new_one_refused("dev/new", deed, "its author gina may not write dev/new (any more)");
}

#[test]
fn one_who_was_removed_puts_back_a_version_of_hers_that_nobody_kept() {
    let deed = |case: &Case| {
        let first = case.git(&["log", "--format=%H", "--reverse", "--", &file("old/token")]);
        let first = first.lines().next().unwrap();
        case.write(&file("old/token"), case.at_commit(first, &file("old/token")));
    };
    refused("old/token", deed, "no entry of the roster says that this version stays good");
}

#[test]
fn one_who_was_removed_seals_her_kept_version_once_more() {
    // The same document and parents, and nobody kept this version.
    let deed = |case: &Case| {
        let kept = SealedFile::parse(case.at_commit("branched", &file("old/token"))).unwrap();
        assert!(case.roster().state().keeps(kept.hash()) && kept.manifest().author.name.as_str() == "gina");
        let again = kept.manifest().clone();
        let forgery = case.next("old/token", "gina").with(|manifest| {
            manifest.revision = again.revision;
            manifest.parents = again.parents.clone();
            manifest.ancestors = again.ancestors.clone();
            manifest.roster = again.roster.clone();
            manifest.readers = again.readers.clone();
            manifest.author = again.author.clone();
        });
        forgery.signed_by(case.key("gina")).put();
    };
    refused("old/token", deed, "no entry of the roster says that this version stays good");
}

#[test]
fn what_one_who_was_removed_wrote_honestly_stays_good() {
    on_disk(|_| {}).reads("old/token", "the last that gina wrote").comes_to_nothing();
}

#[test]
fn one_who_was_removed_is_read_by_nobody_who_writes_to_her() {
    // Who comes after seals to the roster, whatever readers the version before had.
    let attacked = on_disk(|_| {}).ends(&["set", "old/token"], 0, "");
    let sealed = SealedFile::parse(std::fs::read(attacked.case.alice.file("old/token")).unwrap()).unwrap();
    assert!(sealed.manifest().readers.iter().all(|reader| reader.name.as_str() != "gina"));
    let mut gina = attacked.case.world.stranger("gina");
    gina.repo.clone_from(&attacked.case.alice.repo);
    gina.covault(["get", "old/token"]).exits(4);
}

// --- after a demotion, a renewal, a narrower grant

/// Valid entries by adam; the versions that wanda wrote stay good.
fn by_adam(case: &Case, operation: Operation) {
    let kept = SealedFile::parse(case.read(&file("dev/api"))).unwrap().hash();
    case.chain().then("adam", operation.keeping(vec![kept])).put();
}

fn demote(case: &Case) {
    let member = case.reference("wanda");
    by_adam(case, Operation::Role { member, role: Role::Reader, live: Vec::new() });
}

/// wanda has new keys; the stranger has them.
fn renew(case: &Case) -> Stranger {
    let new = case.stranger("wanda");
    let kept = SealedFile::parse(case.read(&file("dev/api"))).unwrap().hash();
    let member = case.reference("wanda");
    let operation = Operation::Renew { member, card: new.card.clone(), live: vec![kept] };
    case.chain().admits("adam", operation, &new.signature).put();
    new
}

#[test]
fn a_version_that_a_former_admin_said_would_stay_good_before_anybody_saw_it() {
    // A known gap: an entry's list is believed, and never taken back.
    let mut prepared = Vec::new();
    let attacked = pushed(|case| {
        prepared = case.next("dev/db", "wanda").bytes();
        let kept = [prepared.clone(), case.read(&file("dev/api"))].map(|it| SealedFile::parse(it).unwrap().hash());
        let wanda = Operation::Remove { member: case.reference("wanda"), live: Vec::new() };
        let adam = Operation::Remove { member: case.reference("adam"), live: Vec::new() };
        case.chain().then("adam", wanda.keeping(kept.to_vec())).then("alice", adam).put();
        case.deliver();
        assert_eq!(case.alice.get("dev/db"), "the third value of dev db");
        case.write(&file("dev/db"), &prepared);
    });
    assert_eq!(attacked.case.alice.get("dev/db"), PLANTED);
    let log = attacked.case.alice.covault(["log", "dev/db"]).ok().text();
    assert!(log.lines().any(|line| line.contains("wanda")), "{log}");
    // It goes with the next write, and does not come back.
    attacked.case.alice.git(["push", "-q"]).ok();
    attacked.case.alice.set("dev/db", "written by alice");
    assert_eq!(attacked.case.alice.get("dev/db"), "written by alice");
    let author = SealedFile::parse(std::fs::read(attacked.case.alice.file("dev/db")).unwrap()).unwrap();
    assert_eq!(author.manifest().author.name.as_str(), "alice");
    attacked.case.alice.git(["push", "-q"]).ok();
    attacked.case.vault().unwrap();
    attacked.case.git(&["pull", "-q", "--ff-only"]);
    attacked.case.write(&file("dev/db"), &prepared);
    attacked.case.deliver();
    attacked.case.alice.covault(["get", "dev/db"]).exits(6);
}

#[test]
fn one_who_was_demoted_writes() {
    let deed = |case: &Case| {
        demote(case);
        case.next("dev/db", "wanda").put();
    };
    refused("dev/db", deed, "its author wanda may not write dev/db (any more)");
}

#[test]
fn one_who_was_demoted_writes_with_a_date_from_before() {
    let deed = |case: &Case| {
        let before = case.point();
        demote(case);
        backdated(case.next("dev/db", "wanda"), before).put();
    };
    refused("dev/db", deed, "its author wanda may not write dev/db (any more)");
}

#[test]
fn what_one_who_was_demoted_wrote_before_stays_good() {
    pushed(demote).reads("dev/api", "the key that wanda wrote").comes_to_nothing();
}

#[test]
fn a_stolen_key_after_its_renewal() {
    let deed = |case: &Case| {
        let old = case.next("dev/db", "wanda");
        let bytes = old.bytes();
        renew(case);
        case.write(&file("dev/db"), bytes);
    };
    refused("dev/db", deed, "its author wanda may not write dev/db (any more)");
}

#[test]
fn a_stolen_key_after_its_renewal_with_an_old_date() {
    let deed = |case: &Case| {
        let first = RosterPoint { seq: 5, head: case.roster().chain[5], blob: String::new() };
        let bytes = backdated(case.next("dev/db", "wanda"), first).bytes();
        renew(case);
        case.write(&file("dev/db"), bytes);
    };
    refused("dev/db", deed, "its author wanda may not write dev/db (any more)");
}

#[test]
fn a_stolen_key_in_the_name_of_the_new_card() {
    let deed = |case: &Case| {
        renew(case);
        case.next("dev/db", "wanda").to(&["adam", "alice", "rita", "wanda"]).put();
    };
    // Her machine has the old key; the card that names her has another.
    refused("dev/db", deed, "signed with a key that is not its author's");
}

#[test]
fn a_new_key_in_the_name_of_the_old_card() {
    let deed = |case: &Case| {
        let old = case.reference("wanda");
        let new = renew(case);
        let forgery = case.next("dev/db", "alice").with(|manifest| manifest.author = old);
        forgery.signed_by(new.key).put();
    };
    refused("dev/db", deed, "signed with a key that is not its author's");
}

#[test]
fn one_whose_grant_was_narrowed_writes() {
    let deed = |case: &Case| {
        let readers = ["adam", "alice"].map(|name| Grantee::Member(case.reference(name)));
        let path = SecretPath::parse("dev").ok();
        let bytes = case.next("dev/db", "wanda").bytes();
        by_adam(case, Operation::Grant { path, readers: Granted::To(readers.into()), live: Vec::new() });
        case.write(&file("dev/db"), bytes);
    };
    refused("dev/db", deed, "its author wanda may not write dev/db (any more)");
}

#[test]
fn a_version_under_an_entry_that_never_was() {
    let deed = |case: &Case| {
        let nowhere = RosterPoint { seq: 3, head: Hash([8; 32]), blob: String::new() };
        case.next("dev/db", "wanda").with(|manifest| manifest.roster = nowhere).put();
    };
    refused("dev/db", deed, "it was sealed under another roster");
}

#[test]
fn a_version_under_an_entry_with_another_number() {
    let deed = |case: &Case| case.next("dev/db", "wanda").with(|manifest| manifest.roster.seq = 2).put();
    refused("dev/db", deed, "it was sealed under another roster");
}

#[test]
fn a_version_under_the_founding_entry_as_if_all_had_read_then() {
    let deed = |case: &Case| {
        let first = RosterPoint { seq: 0, head: case.roster().vault, blob: String::new() };
        backdated(case.next("dev/db", "wanda"), first).to(&["adam", "alice", "ci", "rita", "wanda"]).put();
    };
    refused("dev/db", deed, "it is sealed to ci, who may not read it");
}

// --- readers that are none

#[test]
fn a_writer_seals_to_a_machine_that_may_not_read() {
    let deed = |case: &Case| case.next("dev/db", "wanda").to(&["adam", "alice", "ci", "rita", "wanda"]).put();
    refused("dev/db", deed, "it is sealed to ci, who may not read it");
}

#[test]
fn a_writer_seals_to_one_who_was_removed() {
    let deed = |case: &Case| case.next("dev/db", "wanda").to(&["adam", "alice", "gina", "rita", "wanda"]).put();
    refused("dev/db", deed, "it is sealed to gina, who may not read it");
}

#[test]
fn a_writer_shares_with_one_who_was_removed() {
    let deed = |case: &Case| {
        let forgery = case.next("dev/db", "wanda").shared_with("gina");
        forgery.to(&["adam", "alice", "gina", "rita", "wanda"]).put();
    };
    refused("dev/db", deed, "it is sealed to gina, who may not read it");
}

#[test]
fn a_writer_seals_to_somebody_whom_nobody_admitted() {
    let deed = |case: &Case| {
        let eve = case.stranger("eve");
        case.next("dev/db", "wanda").and_to(&eve.card).put();
    };
    refused("dev/db", deed, "a reader is no member");
}

#[test]
fn a_writer_shares_with_somebody_whom_nobody_admitted() {
    let deed = |case: &Case| {
        let eve = case.stranger("eve");
        case.next("dev/db", "wanda").shared_with("eve").and_to(&eve.card).put();
    };
    refused("dev/db", deed, "a reader is no member");
}

#[test]
fn a_writer_seals_to_an_old_card_of_a_member() {
    let deed = |case: &Case| {
        let alice = MemberRef { name: member("alice"), card: case.reference("adam").card };
        let forgery = case.next("dev/db", "wanda");
        forgery
            .with(|manifest| {
                let place = manifest.readers.iter().position(|reader| reader.name.as_str() == "adam").unwrap();
                manifest.readers.remove(place);
                let place = manifest.readers.iter().position(|reader| reader.name.as_str() == "alice").unwrap();
                manifest.readers[place] = alice.clone();
            })
            .stanzas_of("alice", &case.roster().named(&member("adam")).unwrap().card)
            .put();
    };
    refused("dev/db", deed, "a reader is no member");
}

#[test]
fn a_writer_leaves_a_reader_out() {
    // What alice cannot open she does not read, and who can is named.
    let attacked = pushed(|case| case.next("dev/db", "wanda").to(&["adam", "rita", "wanda"]).put());
    attacked.ends_without_looking(&["get", "dev/db"], 4, "dev/db is not sealed to you").ends(
        &["get", "prod/db"],
        0,
        "production",
    );
}

#[test]
fn a_writer_puts_another_key_into_a_readers_place() {
    let eve = Identity::generate().unwrap();
    let attacked = pushed(|case| {
        let card = case.stranger_with("eve", eve).card;
        case.next("dev/db", "wanda").stanzas_of("alice", &card).put();
    });
    attacked.ends_without_looking(&["get", "dev/db"], 4, "dev/db is not sealed to you").ends(
        &["get", "prod/db"],
        0,
        "production",
    );
}

#[test]
fn a_writer_exchanges_two_readers_stanzas() {
    // Each of them opens it, and hears that it is not as the manifest says.
    let attacked = pushed(|case| {
        let card = |name: &str| case.roster().named(&member(name)).unwrap().card.clone();
        let forgery = case.next("dev/db", "wanda").stanzas_of("alice", &card("adam"));
        forgery.stanzas_of("adam", &card("alice")).put();
    });
    let case = &attacked.case;
    for person in [&case.alice, &case.clone_of("adam")] {
        let said = person.covault(["get", "dev/db"]).ok();
        assert_eq!(said.text(), PLANTED);
        assert!(said.err.contains("dev/db opened with another stanza than its manifest says"), "{}", said.err);
    }
    let said = case.clone_of("rita").covault(["get", "dev/db"]).ok();
    assert!(said.text() == PLANTED && !said.err.contains("stanza"), "{}", said.err);
}

#[test]
fn more_stanzas_than_the_readers_have_devices() {
    let deed = |case: &Case| {
        let mut card = case.stranger("eve").card;
        let mine = case.roster().named(&member("alice")).unwrap().card.devices[0].clone();
        card.devices.insert(0, mine);
        case.next("dev/db", "wanda").stanzas_of("alice", &card).put();
    };
    refused("dev/db", deed, "its readers have 4 devices");
}

#[test]
fn a_writer_drops_her_own_name_from_the_readers() {
    let deed = |case: &Case| case.next("dev/db", "wanda").to(&["adam", "alice", "rita"]).put();
    refused("dev/db", deed, "its author does not read it");
}

#[test]
fn a_share_written_into_a_manifest_that_alice_signed() {
    let deed = |case: &Case| {
        case.carve("dev/db", |parts| {
            let share = format!("[\"ci yes alice 2026-01-01T00:00:00Z {}\"]", "0".repeat(32));
            parts.set("shares", &share);
        });
    };
    refused("dev/db", deed, "the signature does not fit");
}

#[test]
fn what_a_writer_may_do_is_done() {
    // The judge of all cases above: the same tools, and nothing wrong.
    let attacked = pushed(|case| case.next("dev/db", "wanda").put());
    assert_eq!(attacked.case.alice.get("dev/db"), PLANTED);
}
