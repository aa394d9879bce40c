//! Two admins who took the right from each other: one of the rosters goes, and what was sealed under it goes with it.

use covault::model::roster::Role;
use covault::vault::merge::index;

use super::rig::{ROSTER, Team, unmerged};
use super::traps::git_without_driver;
use crate::cli::json;
use crate::team;
use crate::world::Person;

/// alice and carol each made the other a writer, and each wrote dev/db; alice's is the trunk.
fn each_other() -> Team {
    each_other_with("nobody")
}

/// The same, where what somebody (or both) committed as dev/db is the file of another secret.
fn each_other_with(spoilt: &str) -> Team {
    let team = Team::new();
    for other in ["dev/alice", "dev/carol"] {
        team.alice.set(other, "of another name");
    }
    team.alice.git(["push", "-q"]).ok();
    team.carol.covault(["sync"]).ok();
    let demotes = |admin: &Person, other: &str| {
        admin.covault(["member", "role", other, "writer", "--yes"]).ok();
        if ["both", &admin.name].contains(&spoilt) {
            std::fs::copy(admin.file(&format!("dev/{}", admin.name)), admin.file("dev/db")).unwrap();
            admin.git(["commit", "-qam", "another secret's file"]).ok();
        } else {
            admin.set("dev/db", &format!("what {} wrote", admin.name));
        }
    };
    demotes(&team.carol, "alice");
    demotes(&team.alice, "carol");
    team.alice.git(["push", "-q"]).ok();
    team
}

/// Begins the merge by hand, with one side's roster.
#[track_caller]
fn takes(person: &Person, side: &str) {
    person.git(["fetch", "-q"]).ok();
    assert_ne!(person.git(["merge", "-q", "--no-ff", "-m", "merge", "origin/main"]).code, 0);
    adds_roster(person, side);
}

fn adds_roster(person: &Person, side: &str) {
    person.git(["checkout", side, "--", ROSTER]).ok();
    person.git(["add", "--", ROSTER]).ok();
}

#[test]
fn sync_brings_nothing_in_and_says_how_it_begins_by_hand() {
    let team = each_other();
    let carol = &team.carol;
    let before = crate::cli::head(carol);
    let said = carol.covault(["sync"]).exits(5);
    assert!(said.err.contains("(by hand it begins with: git merge origin/main)"), "{}", said.err);
    assert!(said.err.contains("git checkout --theirs -- :/.covault/roster.toml"), "{}", said.err);
    assert!(said.err.contains("with origin/main: 0 commits in"), "{}", said.err);
    assert_eq!((crate::cli::head(carol), unmerged(carol)), (before, Vec::new()));
    assert_eq!(json(&carol.covault(["sync", "--json"]).exits(5))["received"], 0);
}

#[test]
fn resolve_takes_the_side_that_is_good_under_the_roster_that_a_person_took() {
    let team = each_other();
    let (alice, carol) = (&team.alice, &team.carol);
    takes(carol, "--theirs");
    let said = carol.covault(["resolve"]).ok();
    let note = "dev/db: what carol wrote is of the roster that was not taken, and is left out";
    assert!(said.err.contains(note), "{}", said.err);
    carol.git(["commit", "-q", "-m", "alice's roster"]).ok();
    assert_eq!(carol.get("dev/db"), "what alice wrote");
    carol.set("dev/db", "what carol wrote, as a writer");
    carol.covault(["verify"]).ok();
    carol.git(["push", "-q"]).ok();
    alice.covault(["sync"]).ok();
    assert_eq!(alice.get("dev/db"), "what carol wrote, as a writer");
}

/// Before `resolve` looks at what git took as it is from the dropped side.
#[test]
fn what_git_left_unmerged_is_settled_with_the_good_side_at_once() {
    let team = each_other();
    let carol = &team.carol;
    takes(carol, "--theirs");
    let settled = index::settle(Ok(team::vault(carol)), &carol.repo, &[], &team::how()).unwrap();
    let note =
        "dev/db: what carol wrote is of the roster that was not taken, and is left out: it has to be written again";
    assert_eq!((settled.report.notes, settled.left), (vec![note.to_owned()], Vec::new()));
    let sides = [":.covault/secrets/dev/db.age", "origin/main:.covault/secrets/dev/db.age"];
    let [staged, theirs] = sides.map(|name| carol.git(["rev-parse", name]).ok().text());
    assert_eq!(staged, theirs);
}

#[test]
fn with_ones_own_roster_resolve_keeps_ones_own_side() {
    let team = each_other();
    let carol = &team.carol;
    takes(carol, "--ours");
    let said = carol.covault(["resolve"]);
    assert!(said.err.contains("dev/db: what alice wrote is of the roster that was not taken"), "{}", said.err);
    let sides = [":.covault/secrets/dev/db.age", "HEAD:.covault/secrets/dev/db.age"];
    let [staged, ours] = sides.map(|name| carol.git(["rev-parse", name]).ok().text());
    assert_eq!(staged, ours);
}

/// Which of them is taken says nothing about what is wrong otherwise.
#[test]
fn a_side_that_is_refused_under_every_roster_is_not_left_out_for_the_one_that_was_dropped() {
    let all = ["alice", "carol", "both"].into_iter().flat_map(|spoilt| [("--ours", spoilt), ("--theirs", spoilt)]);
    for (taken, spoilt) in all {
        let team = each_other_with(spoilt);
        let carol = &team.carol;
        carol.git(["fetch", "-q"]).ok();
        git_without_driver(carol, &["merge", "-q", "origin/main"]);
        adds_roster(carol, taken);
        let said = carol.covault(["resolve"]).exits(5);
        assert!(!said.err.contains("is of the roster that was not taken"), "{taken} {spoilt}: {}", said.err);
        assert!(said.err.contains("it was sealed for another name"), "{taken} {spoilt}: {}", said.err);
        assert!(unmerged(carol).contains(&".covault/secrets/dev/db.age".to_owned()), "{taken} {spoilt}");
    }
}

/// Both sides are of rosters that an admin of neither took: no side is better than the other.
#[test]
fn where_both_sides_are_of_rosters_that_were_dropped_neither_is_taken() {
    let team = Team::new();
    team.admits(&team.alice, "dan", Role::Admin);
    team.alice.git(["push", "-q"]).ok();
    team.carol.covault(["sync"]).ok();
    let dan = team.comes("dan");
    for (admin, others) in [(&team.alice, &["carol"][..]), (&team.carol, &["alice"]), (&dan, &["alice", "carol"])] {
        for other in others {
            admin.covault(["member", "role", other, "writer", "--yes"]).ok();
        }
        if admin.name != "dan" {
            admin.set("dev/db", &format!("what {} wrote", admin.name));
            admin.git(["push", "-q", "origin", &format!("HEAD:refs/heads/of-{}", admin.name)]).ok();
        }
    }
    dan.git(["fetch", "-q"]).ok();
    dan.git(["checkout", "-q", "--detach", "origin/of-carol"]).ok();
    git_without_driver(&dan, &["merge", "-q", "origin/of-alice"]);
    dan.git(["checkout", "-q", "main", "--", ROSTER]).ok();
    let said = dan.covault(["resolve"]).exits(5);
    println!("{}", said.err);
    assert!(unmerged(&dan).contains(&".covault/secrets/dev/db.age".to_owned()), "{}", said.err);
}

/// The same where carol's side alone changed prod/db and began two others.
fn with_more_on_carols_side() -> Team {
    let team = Team::new();
    let (alice, carol, bob) = (&team.alice, &team.carol, &team.bob);
    alice.set("prod/db", "the first value of prod db");
    alice.git(["push", "-q"]).ok();
    carol.covault(["sync"]).ok();
    bob.covault(["sync"]).ok();
    carol.covault(["member", "role", "alice", "writer", "--yes"]).ok();
    bob.git(["pull", "-q", carol.repo.to_str().unwrap(), "main"]).ok();
    bob.set("dev/bobs", "begun by bob");
    carol.git(["pull", "-q", bob.repo.to_str().unwrap(), "main"]).ok();
    carol.set("dev/new", "begun by carol");
    carol.set("prod/db", "what carol wrote");
    alice.covault(["member", "role", "carol", "writer", "--yes"]).ok();
    alice.git(["push", "-q"]).ok();
    team
}

#[test]
fn what_git_took_as_it_is_from_the_dropped_side_is_put_back_written_again_or_named() {
    for is_committed in [false, true] {
        let team = with_more_on_carols_side();
        let (alice, carol) = (&team.alice, &team.carol);
        takes(carol, "--theirs");
        if is_committed {
            carol.git(["commit", "-q", "-m", "alice's roster"]).ok();
        }
        let said = carol.covault(["resolve"]).exits(5);
        let of = "is of the roster that was not taken, and is";
        for line in [
            format!("prod/db: what carol wrote {of} left out: it has to be written again"),
            format!("dev/new: what carol wrote {of} written again under this one"),
            format!("dev/bobs: what bob wrote {of} refused"),
        ] {
            assert!(said.err.contains(&line), "{}", said.err);
        }
        // Nobody signs for somebody whom only the dropped roster may know; the command that is named takes it away.
        assert!(said.err.contains("git rm -f -- :/.covault/secrets/dev/bobs.age"), "{}", said.err);
        carol.git(["rm", "-q", "-f", "--", ".covault/secrets/dev/bobs.age"]).ok();
        carol.git(["commit", "-q", "-m", "what is good under alice's roster"]).ok();
        carol.covault(["resolve"]).ok();
        carol.covault(["sync"]).ok();
        alice.covault(["sync"]).ok();
        for person in [carol, alice] {
            assert_eq!(person.get("prod/db"), "the first value of prod db");
            assert_eq!(person.get("dev/new"), "begun by carol");
            person.covault(["verify"]).ok();
        }
        alice.set("prod/db", "what alice wrote then");
        alice.set("dev/bobs", "begun by alice");
    }
}

/// Who has not looked since before both rosters: another clone, which goes by what it is told.
#[test]
fn a_merge_that_keeps_one_of_the_two_is_refused_by_who_saw_neither_until_they_accept_it() {
    let team = each_other();
    let (alice, carol, bob) = (&team.alice, &team.carol, &team.bob);
    takes(carol, "--theirs");
    carol.covault(["resolve"]).ok();
    carol.git(["commit", "-q", "-m", "alice's roster"]).ok();
    carol.git(["push", "-q"]).ok();
    // Who saw the one that was kept on the trunk goes on.
    alice.git(["pull", "-q", "--ff-only"]).ok();
    assert_eq!(alice.get("dev/db"), "what alice wrote");
    bob.git(["pull", "-q", "--ff-only"]).ok();
    let said = bob.covault(["get", "dev/db"]).exits(6);
    let [merge, dropped] = ["HEAD", "HEAD^1~1"].map(|rev| {
        let id = bob.git(["rev-parse", rev]).ok().text();
        id.get(..10).unwrap().to_owned()
    });
    let lacks = format!("lacks entry 4 of the roster that the commit {dropped} in its history has: ");
    assert!(said.err.contains(&lacks) && !said.err.contains("newer"), "{}", said.err);
    let ask =
        format!("{merge} took one of two rosters that were extended apart: ask who made it (git log -1 {merge}); ");
    let accept = "if they meant it, accept that with: covault setup --accept; if not, put the other one back, which leaves \
                  out what is there now";
    assert!(said.err.contains(&ask) && said.err.contains(accept), "{}", said.err);
    let judged = json(&bob.covault(["verify", "--json"]).ok());
    assert!(judged["unjudged"][0].as_str().unwrap().contains(&lacks), "{judged:#}");
    bob.covault(["setup", "--accept"]).ok();
    assert_eq!(bob.get("dev/db"), "what alice wrote");
    assert_eq!(json(&bob.covault(["verify", "--json"]).ok())["unjudged"], serde_json::json!([]));
}

#[test]
fn what_is_extended_apart_from_what_was_seen_is_not_called_older() {
    let team = each_other();
    let (alice, carol) = (&team.alice, &team.carol);
    takes(carol, "--ours");
    carol.covault(["resolve"]).ok();
    carol.git(["commit", "-q", "-m", "carol's roster"]).ok();
    carol.git(["push", "-q"]).ok();
    alice.git(["pull", "-q", "--ff-only"]).ok();
    let said = alice.covault(["get", "dev/db"]).exits(6);
    let told = "; it was extended apart from the one that was there; if its admins decided so, accept it with: covault \
                setup --accept; if not, put that one back, which leaves out what is there now, with: git checkout ";
    assert!(said.err.contains(told) && !said.err.contains("newer"), "{}", said.err);
}

/// What the trunk does not have is left out as told: nobody has to accept anything, and a check of what it brings is green.
#[test]
fn a_rebase_that_drops_what_was_not_published_leaves_nothing_to_accept() {
    let team = each_other();
    let (carol, bob) = (&team.carol, &team.bob);
    std::fs::write(carol.repo.join("README"), "what carol works on\n").unwrap();
    carol.git(["commit", "-qam", "work"]).ok();
    let said = carol.covault(["sync"]).exits(5);
    let told = |begin: &str| {
        let rest = said.err.split(begin).nth(1).unwrap_or_else(|| panic!("{}", said.err));
        rest.split(';').next().unwrap().replace("TRUNK", "origin/main").replace("BRANCH", "main")
    };
    let shell = |line: &str| carol.fed("sh", b"", ["-ec", line]).ok().text();
    let dropped = shell(&told("did to the vault with: "));
    let dropped: Vec<&str> = dropped.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(dropped.len(), 2);
    let editor = format!("sed -i{}", dropped.iter().map(|id| format!(" -e '/ {id}/d'")).collect::<String>());
    shell(&format!("GIT_SEQUENCE_EDITOR=\"{editor}\" {}", told("drop that there with: ")));
    assert_eq!(std::fs::read_to_string(carol.repo.join("README")).unwrap(), "what carol works on\n");
    assert_eq!(carol.get("dev/db"), "what alice wrote");
    carol.set("dev/db", "what carol wrote, as a writer");
    carol.covault(["verify", "--range", "origin/main..HEAD"]).ok();
    carol.git(["push", "-q"]).ok();
    for person in [bob, &team.alice] {
        person.git(["pull", "-q", "--ff-only"]).ok();
        assert_eq!(person.get("dev/db"), "what carol wrote, as a writer");
    }
}
