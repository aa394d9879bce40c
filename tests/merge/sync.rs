//! `sync`: the whole exchange in one command, in clones that are set up and in one that is not.

use super::git::values;
use super::rig::Team;
use crate::cli::{head, json};
use crate::world::Person;

#[test]
fn what_both_sides_changed_is_joined_sealed_and_pushed() {
    let team = Team::new();
    let (alice, bob) = (&team.alice, &team.bob);
    alice.set("dev/db", "written by alice");
    bob.covault(["set", "dev/db", "user=bob"]).ok();
    assert_eq!(json(&alice.covault(["sync", "--json"]).ok())["pushed"], true);
    let answer = json(&bob.covault(["sync", "--json"]).ok());
    assert_eq!((&answer["pushed"], &answer["with"]), (&true.into(), &"origin/main".into()), "{answer}");
    assert_eq!(answer["changed"], serde_json::json!(["dev/db"]), "{answer}");
    let answer = json(&alice.covault(["sync", "--json"]).ok());
    assert_eq!(answer["changed"], serde_json::json!(["dev/db"]), "{answer}");
    assert_eq!(alice.get("dev/db/user"), "bob");
    assert_eq!(bob.get("dev/db/value"), "written by alice");
    assert_eq!(head(alice), head(bob));
    // There is nothing more to exchange.
    let answer = json(&bob.covault(["sync", "--json"]).ok());
    assert_eq!((&answer["received"], &answer["sent"]), (&0.into(), &0.into()));
}

#[test]
fn a_clone_that_is_not_set_up_and_has_no_key_joins_nothing_and_loses_nothing() {
    let team = Team::new();
    let bot = team.world.newcomer("bot");
    bot.git(["checkout", "-q", "-b", "side"]).ok();
    let (alice, bob) = (&team.alice, &team.bob);
    alice.set("dev/db", "written by alice");
    alice.git(["push", "-q"]).ok();
    bob.git(["checkout", "-q", "-b", "side"]).ok();
    bob.covault(["set", "dev/db", "user=bob"]).ok();
    bob.push("side");
    bot.git(["fetch", "-q"]).ok();
    bot.git(["reset", "-q", "--hard", "origin/side"]).ok();
    bot.git(["branch", "-q", "--set-upstream-to=origin/main"]).ok();
    bot.covault(["sync", "--no-push"]).ok();
    assert!(!bot.git(["config", "--get-regexp", "covault"]).text().contains("driver"), "nothing is installed");
    assert!(std::fs::read(bot.file("dev/db")).unwrap().starts_with(b"covault-siblings"));
    bot.git(["push", "-q", "origin", "HEAD:main"]).ok();
    alice.covault(["sync"]).ok();
    assert_eq!(values(alice, "dev/db", "value"), ["written by alice"]);
    assert_eq!(values(alice, "dev/db", "user"), ["bob"]);
}

#[test]
fn a_rebase_is_another_way_to_the_same() {
    let team = Team::new();
    let (alice, bob) = (&team.alice, &team.bob);
    alice.set("dev/db", "written by alice");
    alice.covault(["sync"]).ok();
    bob.covault(["set", "dev/db", "user=bob"]).ok();
    bob.covault(["set", "dev/other", "kind=note"]).ok();
    bob.covault(["sync", "--rebase"]).ok();
    assert_eq!(bob.git(["rev-list", "--merges", "--count", "HEAD"]).ok().text(), "0\n");
    alice.covault(["sync"]).ok();
    assert_eq!(alice.get("dev/db/user"), "bob");
    assert_eq!(alice.get("dev/db/value"), "written by alice");
    super::rig::verifies(alice);
}

#[test]
fn a_question_that_is_new_is_told_once() {
    let team = Team::new();
    let (alice, bob) = (&team.alice, &team.bob);
    alice.set("dev/db", "written by alice");
    bob.set("dev/db", "written by bob");
    alice.covault(["sync"]).ok();
    let said = bob.covault(["sync"]).exits(5);
    assert!(said.err.contains("dev/db/value"), "{}", said.err);
    assert!(!said.err.contains("by alice") && !said.err.contains("by bob"), "{}", said.err);
    bob.covault(["sync"]).ok();
    bob.covault(["resolve", "--newest"]).ok();
    bob.covault(["sync"]).ok();
    alice.covault(["sync"]).ok();
    alice.covault(["get", "dev/db", "--strict"]).ok();
}

#[test]
fn other_files_are_for_git_and_the_person() {
    let team = Team::new();
    let (alice, bob) = (&team.alice, &team.bob);
    for (person, text) in [(alice, "alice"), (bob, "bob")] {
        std::fs::write(person.repo.join("README"), format!("{text}\n")).unwrap();
        person.git(["commit", "-qam", "readme"]).ok();
    }
    alice.set("dev/db", "written by alice");
    alice.covault(["sync"]).ok();
    bob.covault(["set", "dev/db", "user=bob"]).ok();
    let said = bob.covault(["sync"]).exits(5);
    assert!(said.err.contains("README"), "{}", said.err);
    bob.covault(["sync"]).exits(5);
    std::fs::write(bob.repo.join("README"), "both\n").unwrap();
    bob.git(["commit", "-qam", "both"]).ok();
    bob.covault(["sync"]).ok();
    assert_eq!(bob.get("dev/db/value"), "written by alice");
    assert_eq!(bob.get("dev/db/user"), "bob");
}

#[test]
fn who_may_not_merge_rosters_is_told_who_may_and_is_left_as_before() {
    let team = Team::new();
    let (alice, carol) = (&team.alice, &team.carol);
    super::rig::removes(alice, "rita");
    alice.covault(["sync"]).ok();
    // carol extends hers on a branch; bob, a writer, tries to bring both together.
    team.admits(carol, "erin", covault::model::roster::Role::Reader);
    carol.git(["push", "-q", "origin", "HEAD:refs/heads/side"]).ok();
    let bob = &team.bob;
    bob.git(["fetch", "-q"]).ok();
    bob.git(["checkout", "-q", "-b", "side", "origin/side"]).ok();
    bob.git(["branch", "-q", "--set-upstream-to=origin/main"]).ok();
    let before = head(bob);
    let said = bob.covault(["sync"]).exits(5);
    assert!(said.err.contains("alice") && said.err.contains("carol"), "{}", said.err);
    assert_eq!(head(bob), before);
    assert_eq!(bob.git(["status", "--porcelain"]).ok().text(), "");
    carol.covault(["sync"]).ok();
    super::rig::verifies(carol);
    let members = super::rig::members(&super::rig::bytes(carol));
    assert_eq!(members, ["alice admin", "bob writer", "carol admin", "erin reader"]);
}

#[test]
fn a_remote_that_fails_is_no_loss_and_has_an_exit_code_of_its_own() {
    let team = Team::new();
    let alice = &team.alice;
    alice.set("dev/db", "written by alice");
    let moved = team.world.path().join("elsewhere");
    std::fs::rename(team.world.shared(), &moved).unwrap();
    let said = alice.covault(["sync"]).exits(9);
    assert!(said.err.contains("fetch"), "{}", said.err);
    std::fs::rename(&moved, team.world.shared()).unwrap();
    alice.covault(["sync"]).ok();
    alice.git(["remote", "remove", "origin"]).ok();
    alice.covault(["sync"]).exits(2);
}

/// What a branch of a remote has.
fn tip(person: &Person, remote: &str, branch: &str) -> String {
    let listed = person.git(["ls-remote", remote, &format!("refs/heads/{branch}")]).ok().text();
    listed.split_whitespace().next().unwrap_or_default().to_owned()
}

#[test]
fn a_branch_that_follows_one_of_another_name_is_pushed_there_only_where_that_is_said() {
    let team = Team::new();
    let (alice, bob) = (&team.alice, &team.bob);
    bob.covault(["set", "dev/db", "user=bob"]).ok();
    bob.covault(["sync"]).ok();
    alice.git(["checkout", "-q", "-b", "fix", "origin/main"]).ok();
    // There is nothing to push yet.
    alice.covault(["sync"]).ok();
    alice.set("dev/db", "half done");
    let main = tip(alice, "origin", "main");
    for args in [&["sync"][..], &["sync", "--dry-run"]] {
        let said = alice.covault(args).exits(7);
        assert!(said.err.contains("`fix` follows origin/main"), "{}", said.err);
        assert!(said.err.contains("git push --set-upstream origin fix"), "{}", said.err);
    }
    assert_eq!(alice.git(["push"]).code, 128, "as git has it");
    assert_eq!((tip(alice, "origin", "main"), tip(alice, "origin", "fix")), (main.clone(), String::new()));
    assert_eq!(alice.get("dev/db/user"), "bob");
    alice.covault(["sync", "--no-push"]).ok();
    // Settings of git's and of ours that say where it goes.
    alice.git(["config", "push.default", "current"]).ok();
    let said = alice.covault(["sync"]).ok();
    assert!(said.err.contains("pushed to origin/fix"), "{}", said.err);
    assert_eq!((tip(alice, "origin", "main"), tip(alice, "origin", "fix")), (main, head(alice)));
    for (setting, value) in [("push.default", "upstream"), ("covault.trunk", "fix")] {
        alice.git(["config", "push.default", "simple"]).ok();
        alice.set("dev/db", setting);
        alice.covault(["sync"]).exits(7);
        alice.git(["config", setting, value]).ok();
        alice.covault(["sync"]).ok();
        assert_eq!(tip(alice, "origin", "main"), head(alice), "{setting}");
    }
}

#[test]
fn what_comes_from_one_remote_goes_to_the_one_that_pushes_go_to() {
    let team = Team::new();
    let (alice, bob) = (&team.alice, &team.bob);
    let fork = team.world.path().join("fork.git");
    let fork = fork.to_str().unwrap();
    alice.git(["clone", "-q", "--bare", team.world.shared().to_str().unwrap(), fork]).ok();
    alice.git(["remote", "add", "fork", fork]).ok();
    alice.git(["config", "remote.pushDefault", "fork"]).ok();
    bob.covault(["set", "dev/db", "user=bob"]).ok();
    bob.covault(["sync"]).ok();
    let main = tip(alice, "origin", "main");
    alice.set("dev/db", "written by alice");
    let said = alice.covault(["sync"]).ok();
    assert!(said.err.contains("pushed to fork/main"), "{}", said.err);
    assert_eq!(alice.get("dev/db/user"), "bob");
    assert_eq!((tip(alice, "origin", "main"), tip(alice, "fork", "main")), (main, head(alice)));
    let answer = json(&alice.covault(["sync", "--json"]).ok());
    assert_eq!((&answer["with"], &answer["sent"]), (&"origin/main".into(), &0.into()), "{answer}");
    // What others put there does not come in, and is not pushed over.
    bob.covault(["set", "dev/db", "note=in the fork"]).ok();
    bob.git(["push", "-q", "--force", fork, "HEAD:main"]).ok();
    let there = tip(alice, "fork", "main");
    alice.set("dev/db", "and again");
    let said = alice.covault(["sync"]).exits(9);
    assert!(said.err.contains("with fork failed"), "{}", said.err);
    assert_eq!(tip(alice, "fork", "main"), there);
}

#[test]
fn two_who_exchange_at_the_same_moment_both_get_through() {
    let team = Team::new();
    let people = [&team.alice, &team.bob, &team.carol];
    for round in 0..3 {
        for person in people {
            person.covault(["set", "dev/db", &format!("{}={round}", person.name)]).ok();
        }
        std::thread::scope(|scope| {
            for person in people {
                scope.spawn(|| person.covault(["sync"]).ok());
            }
        });
    }
    for person in people {
        person.covault(["sync"]).ok();
    }
    for person in people {
        for name in ["alice", "bob", "carol"] {
            assert_eq!(person.get(&format!("dev/db/{name}")), "2");
        }
    }
}

#[test]
fn a_branch_without_a_vault_gets_the_one_of_the_remote() {
    let team = Team::new();
    let id = crate::team::vault(&team.alice).roster().vault.to_string();
    // A repository without a commit, and a branch from before there was a vault.
    let first = team.alice.git(["rev-list", "--max-parents=0", "HEAD"]).ok().text();
    for is_unborn in [true, false] {
        let mut bob = team.world.stranger(if is_unborn { "an empty clone" } else { "an old clone" });
        bob.take_keys_of(&team.bob);
        bob.name = "bob".to_owned();
        std::fs::create_dir_all(&bob.repo).unwrap();
        bob.git(["init", "-q", "-b", "main"]).ok();
        let shared = team.world.shared();
        bob.git(["remote".as_ref(), "add".as_ref(), "origin".as_ref(), shared.as_os_str()]).ok();
        if !is_unborn {
            bob.git(["fetch", "-q"]).ok();
            bob.git(["reset", "-q", "--hard", first.trim()]).ok();
        }
        // Whose vault it is has been accepted here, as by an invite.
        bob.git(["config", "covault.vault", &id]).ok();
        let said = bob.covault(["sync", "--dry-run"]).ok();
        assert!(!bob.file("dev/db").exists(), "{}", said.err);
        bob.covault(["sync"]).ok();
        assert_eq!(bob.get("dev/db"), "the first value of dev db");
        assert!(bob.git(["config", "merge.covault.driver"]).ok().text().contains("covault"), "it is set up");
        bob.set("dev/other", "and writes");
        bob.covault(["sync"]).ok();
    }
    // Who does not know the vault has it, and is told how to accept it.
    let stranger = team.world.stranger("stranger");
    stranger.take_keys_of(&team.alice);
    std::fs::create_dir_all(&stranger.repo).unwrap();
    stranger.git(["init", "-q", "-b", "main"]).ok();
    let shared = team.world.shared();
    stranger.git(["remote".as_ref(), "add".as_ref(), "origin".as_ref(), shared.as_os_str()]).ok();
    let said = stranger.covault(["sync"]).ok();
    assert!(said.err.contains("covault setup --vault"), "{}", said.err);
    stranger.covault(["get", "dev/db"]).exits(6);
    // And where there is none there either, that is said.
    let alone = team.world.person("alone");
    let empty = team.world.path().join("empty.git");
    alone.git(["init".as_ref(), "-q".as_ref(), "--bare".as_ref(), empty.as_os_str()]).ok();
    alone.git(["remote".as_ref(), "add".as_ref(), "origin".as_ref(), empty.as_os_str()]).ok();
    let said = alone.covault(["sync"]).exits(3);
    assert!(said.err.contains("there is no vault here"), "{}", said.err);
}

#[test]
fn who_lost_access_when_two_rosters_came_together_is_said() {
    let team = Team::new();
    let (alice, carol) = (&team.alice, &team.carol);
    let takes = |person: &Person, members: [&str; 2], readers: &[&str]| {
        person.covault(["group", "set", "qa", members[0], members[1], "--yes"]).ok();
        person.covault([&["grant", "dev"], readers, &["--yes"]].concat()).ok();
    };
    takes(alice, ["alice", "bob"], &["@qa", "carol"]);
    alice.covault(["sync"]).ok();
    takes(carol, ["carol", "rita"], &["@qa"]);
    let said = carol.covault(["sync"]);
    let lost = "taken by one branch from alice, bob, rita, who read it on the other: what is below dev";
    assert_eq!(said.err.matches(lost).count(), 1, "{}", said.err);
    assert!(said.err.contains("covault grant dev --add NAME"), "{}", said.err);
    let grants = json(&carol.covault(["grant", "dev", "--json"]).ok());
    assert_eq!(grants[0]["readers"], serde_json::json!(["carol"]), "{grants}");
    // Nobody is left where each took it from the other.
    carol.covault(["grant", "ops", "carol", "--yes"]).ok();
    alice.covault(["grant", "ops", "alice", "--yes"]).ok();
    carol.covault(["sync"]);
    let said = alice.covault(["sync"]);
    let nobody = "nobody reads what is below ops now; name somebody with: covault grant ops READER...";
    assert_eq!(said.err.matches(nobody).count(), 1, "{}", said.err);
    assert!(!said.err.contains("what is below ops;"), "{}", said.err);
    alice.covault(["grant", "ops", "alice", "carol", "--yes"]).ok();
}

#[test]
fn what_one_took_away_oneself_is_no_news_when_others_commits_come_in() {
    let team = Team::new();
    let (alice, bob) = (&team.alice, &team.bob);
    alice.covault(["grant", "dev", "alice", "bob", "--yes"]).ok();
    alice.git(["push", "-q"]).ok();
    bob.covault(["sync"]).ok();
    bob.set("prod/db", "written by bob");
    bob.git(["push", "-q"]).ok();
    alice.covault(["grant", "dev", "alice", "--yes"]).ok();
    let said = alice.covault(["sync"]).ok();
    assert!(said.err.contains("1 commit in"), "{}", said.err);
    assert!(!said.err.contains("taken by one branch"), "{}", said.err);
}
