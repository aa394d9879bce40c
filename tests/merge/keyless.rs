//! Merging without a key: both sides stay sealed, and who writes next finds both edits.

use super::git::{field, forked, is_good, on, two_ways, values};
use crate::cli::json;
use crate::team;
use crate::world::{Person, World};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use covault::model::roster::Role;
use covault::seal::sshsig::{self, Namespace};
use covault::seal::{Signer, SigningKey, bundle, members};

/// A clone of alice's repository on a machine without any key, set up to merge.
pub fn bot(world: &World, alice: &Person) -> Person {
    let bot = alice.clone_for(world.stranger("bot"));
    bot.covault(["setup"]).ok();
    bot.git(["branch", "-q", "side", "origin/side"]).ok();
    bot
}

fn pull(person: &Person, from: &Person) {
    let path = from.repo.to_str().unwrap().to_owned();
    person.git(["pull", "-q", "--no-rebase", &path, "main"]).ok();
}

#[test]
fn a_bot_merges_and_a_member_finds_both_edits() {
    let world = World::new();
    let alice = forked(&world);
    on(&alice, "side");
    field(&alice, "password", "from the side");
    on(&alice, "main");
    field(&alice, "value", "from main");
    let bot = bot(&world, &alice);
    bot.git(["merge", "-q", "side"]).ok();
    assert!(std::fs::read(bot.file("db")).unwrap().starts_with(b"covault-siblings 1\n\0"));
    bot.covault(["verify"]).ok();
    pull(&alice, &bot);
    // Reading joins in memory and writes nothing.
    let before = crate::cli::all_of(&alice);
    assert_eq!(values(&alice, "db", "password"), ["from the side"]);
    assert_eq!(values(&alice, "db", "value"), ["from main"]);
    crate::cli::same(&before, &crate::cli::all_of(&alice));
    assert_eq!(json(&alice.covault(["status", "--json"]).ok())["pending"][0]["siblings"], 2);
    let log = alice.git(["diff", "HEAD~1", "--", ".covault/secrets"]).ok().text();
    assert!(log.contains("wait to be joined"), "{log}");
    // Any writing command joins them.
    alice.set("other", "something else");
    assert!(!std::fs::read(alice.file("db")).unwrap().starts_with(b"covault-siblings"));
    assert_eq!(json(&alice.covault(["status", "--json"]).ok())["pending"], serde_json::json!([]));
    assert_eq!(values(&alice, "db", "password"), ["from the side"]);
    is_good(&alice);
}

#[test]
fn siblings_are_merged_with_more_and_never_nested() {
    let world = World::new();
    let alice = forked(&world);
    for (branch, name) in [("side", "password"), ("third", "user")] {
        alice.git(["checkout", "-q", "-B", branch, "side"]).ok();
        field(&alice, name, &format!("the {name} of {branch}"));
    }
    alice.git(["checkout", "-q", "-B", "third", "side~1"]).ok();
    field(&alice, "extra", "the extra of third");
    on(&alice, "main");
    field(&alice, "value", "from main");
    let bot = bot(&world, &alice);
    bot.git(["merge", "-q", "side"]).ok();
    bot.git(["merge", "-q", "origin/third"]).ok();
    // The same once more adds nothing.
    let before = std::fs::read(bot.file("db")).unwrap();
    bot.git(["merge", "-q", "side"]).ok();
    assert_eq!(std::fs::read(bot.file("db")).unwrap(), before);
    pull(&alice, &bot);
    assert_eq!(json(&alice.covault(["status", "--json"]).ok())["pending"][0]["siblings"], 3);
    alice.covault(["resolve"]).ok();
    assert_eq!(values(&alice, "db", "password"), ["the password of side"]);
    assert_eq!(values(&alice, "db", "extra"), ["the extra of third"]);
    assert_eq!(values(&alice, "db", "value"), ["from main"]);
    is_good(&alice);
}

#[test]
fn one_version_that_says_what_a_sibling_says_names_it_before_it_takes_its_place() {
    let world = World::new();
    let alice = forked(&world);
    two_ways(&alice);
    // The second way, beside half of the first: what the first way ends in follows the one and says what the other says.
    let bot = bot(&world, &alice);
    bot.git(["checkout", "-q", "-b", "both", "origin/second"]).ok();
    bot.git(["merge", "-q", "--no-edit", "origin/first-half"]).ok();
    assert!(std::fs::read(bot.file("db")).unwrap().starts_with(b"covault-siblings 1\n\0"));
    on(&alice, "first");
    alice.git(["pull", "-q", "--no-rebase", bot.repo.to_str().unwrap(), "both"]).ok();
    alice.git(["merge", "-q", "--no-edit", "second-half"]).ok();
    for (name, value) in [("password", "one"), ("value", "two"), ("extra", "three")] {
        assert_eq!(values(&alice, "db", name), [value]);
    }
    is_good(&alice);
}

#[test]
fn who_may_only_read_keeps_both_sealed() {
    let world = World::new();
    let alice = forked(&world);
    alice.git(["checkout", "-q", "main"]).ok();
    let rita = team::admit(&world, &alice, "rita", Role::Reader);
    alice.git(["branch", "-f", "side"]).ok();
    on(&alice, "side");
    field(&alice, "password", "from the side");
    on(&alice, "main");
    field(&alice, "value", "from main");
    rita.git(["fetch", "-q"]).ok();
    rita.git(["merge", "-q", "--ff-only", "origin/main"]).ok();
    rita.covault(["setup"]).ok();
    rita.git(["merge", "-q", "origin/side"]).ok();
    assert!(std::fs::read(rita.file("db")).unwrap().starts_with(b"covault-siblings"));
    assert_eq!(values(&rita, "db", "password"), ["from the side"]);
    rita.covault(["verify"]).ok();
}

#[test]
fn what_somebody_wrote_who_was_removed_is_kept_apart_until_a_person_decides() {
    for accept in [true, false] {
        let world = World::new();
        let alice = forked(&world);
        let bob = team::admit(&world, &alice, "bob", Role::Writer);
        field(&bob, "password", "written by bob");
        field(&alice, "value", "written by alice");
        let member = team::vault(&alice).roster().named(&super::rig::member("bob")).unwrap().reference();
        let removes = covault::model::roster::Operation::Remove { member, live: Vec::new() };
        team::amend(&alice, vec![removes.into()], "covault: remove bob");
        let path = bob.repo.to_str().unwrap().to_owned();
        let said = alice.git(["pull", "-q", "--no-rebase", &path, "main"]).ok();
        assert!(said.err.contains("covault rekey db --accept"), "{}", said.err);
        assert_eq!(values(&alice, "db", "value"), ["written by alice"]);
        assert_eq!(values(&alice, "db", "password"), ["the first password"]);
        let found = json(&alice.covault(["verify", "--json"]).exits(6));
        assert_eq!(found["findings"][0]["code"], "standing");
        alice.covault(["resolve"]).exits(5);
        if accept {
            alice.covault(["rekey", "db", "--accept", "--yes"]).ok();
            assert_eq!(values(&alice, "db", "password"), ["written by bob"]);
        } else {
            alice.covault(["resolve", "db", "--discard"]).ok();
            assert_eq!(values(&alice, "db", "password"), ["the first password"]);
        }
        assert_eq!(values(&alice, "db", "value"), ["written by alice"]);
        alice.covault(["verify"]).ok();
        let who = json(&alice.covault(["who", "db", "--json"]).ok());
        assert!(!who.to_string().contains("bob"), "{who}");
    }
}

#[test]
fn what_was_left_out_does_not_come_back_with_the_next_merge() {
    for (at, from) in [("main", "side"), ("side", "main")] {
        let world = World::new();
        let alice = forked(&world);
        let bob = team::admit(&world, &alice, "bob", Role::Writer);
        field(&bob, "password", "written by bob");
        field(&alice, "value", "written by alice");
        super::rig::removes(&alice, "bob");
        pull(&alice, &bob);
        alice.git(["branch", "-f", "side"]).ok();
        alice.covault(["resolve", "db", "--discard"]).ok();
        on(&alice, "side");
        alice.covault(["set", "db", "user=from the side"]).ok();
        assert_eq!(members(&std::fs::read(alice.file("db")).unwrap()).unwrap().len(), 2, "it waits there");
        on(&alice, at);
        let said = alice.git(["merge", "-q", "--no-edit", from]).ok();
        assert!(!said.err.contains("counts for nothing"), "{}", said.err);
        assert_eq!(members(&std::fs::read(alice.file("db")).unwrap()).unwrap().len(), 1, "{at}");
        assert_eq!(values(&alice, "db", "user"), ["from the side"]);
        alice.covault(["verify"]).ok();
    }
}

/// Commits these bytes as the file of `db`.
fn commits(person: &Person, bytes: &[u8]) {
    std::fs::write(person.file("db"), bytes).unwrap();
    person.git(["commit", "-qam", "a file put in place by hand"]).ok();
}

/// On `main` one of two versions was taken out of the file by hand; on `side` the other one was followed by `next`, which is
/// all that stays.
#[track_caller]
fn stays_out(alice: &Person, who: &[&Person], [before, next, out]: [&[u8]; 3]) {
    let both = |one: &[u8]| bundle(vec![one.to_vec(), out.to_vec()]).unwrap();
    commits(alice, &both(before));
    alice.git(["branch", "-f", "side"]).ok();
    commits(alice, before);
    on(alice, "side");
    commits(alice, &both(next));
    on(alice, "main");
    for person in who {
        person.git(["fetch", "-q", alice.repo.to_str().unwrap(), "main", "side"]).ok();
        let [main, side] = ["main", "side"].map(|name| alice.git(["rev-parse", name]).ok().text());
        person.git(["checkout", "-q", "--detach", main.trim()]).ok();
        person.git(["merge", "-q", "--no-edit", side.trim()]).ok();
        let stored = std::fs::read(person.file("db")).unwrap();
        // Who has a key seals what stays anew.
        let stays = members(&stored).unwrap();
        assert!(stays.len() == 1 && stays[0] != out && stays[0] != before, "{}: {}", person.name, stays.len());
    }
}

#[test]
fn what_one_side_took_out_by_hand_stays_out_with_a_key_and_without() {
    let world = World::new();
    let alice = forked(&world);
    let bob = team::admit(&world, &alice, "bob", Role::Writer);
    field(&bob, "password", "written by bob");
    super::rig::removes(&alice, "bob");
    let bot = bot(&world, &alice);
    let before = std::fs::read(alice.file("db")).unwrap();
    field(&alice, "value", "written by alice");
    let next = std::fs::read(alice.file("db")).unwrap();
    let out = std::fs::read(bob.file("db")).unwrap();
    stays_out(&alice, &[&alice, &bot], [&before, &next, &out]);
}

#[test]
fn a_merge_never_seals_to_somebody_whom_one_side_removed() {
    let world = World::new();
    let alice = forked(&world);
    let carol = team::admit(&world, &alice, "carol", Role::Admin);
    let bob = team::admit(&world, &alice, "bob", Role::Writer);
    drop(bob);
    team::pull(&carol, &alice);
    // carol edits, bob among the readers, while alice takes bob out and edits, too.
    field(&carol, "password", "written by carol");
    let member = team::vault(&alice).roster().named(&super::rig::member("bob")).unwrap().reference();
    let removes = covault::model::roster::Operation::Remove { member, live: Vec::new() };
    team::amend(&alice, vec![removes.into()], "covault: remove bob");
    field(&alice, "value", "written by alice");
    for (person, from) in [(&carol, &alice), (&alice, &carol)] {
        let path = from.repo.to_str().unwrap().to_owned();
        person.covault(["setup"]).ok();
        person.git(["fetch", "-q", &path, "main:refs/heads/theirs"]).ok();
    }
    for person in [&carol, &alice] {
        person.git(["merge", "-q", "theirs"]).ok();
        let sealed = std::fs::read(person.file("db")).unwrap();
        let manifest = covault::seal::peek_manifest(&sealed).unwrap();
        let readers: Vec<_> = manifest.readers.iter().map(|reader| reader.name.to_string()).collect();
        assert_eq!(readers, ["alice", "carol"]);
        assert_eq!(values(person, "db", "password"), ["written by carol"]);
        assert_eq!(values(person, "db", "value"), ["written by alice"]);
        is_good(person);
    }
}

/// The file as a later covault would have written it, with this key: another number of the format in the manifest.
fn of_a_later_format(file: &[u8], signer: &dyn Signer) -> Vec<u8> {
    let place = |what: &[u8]| file.windows(what.len()).position(|it| it == what).unwrap();
    let (head, next) = ("-> covault-manifest\n", "-> covault-signature\n");
    let (start, signature, end) = (place(head.as_bytes()), place(next.as_bytes()), place(b"\n--- ") + 1);
    let body: Vec<u8> = file[start + head.len()..signature].iter().copied().filter(|byte| *byte != b'\n').collect();
    let text = String::from_utf8(BASE64.decode(body).unwrap()).unwrap().replacen("format = 1\n", "format = 2\n", 1);
    let signed = sshsig::sign(signer, Namespace::Secret, text.as_bytes()).unwrap();
    let stanza = |head: &str, body: &[u8]| {
        let text = BASE64.encode(body);
        let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        // The last line is shorter.
        format!("{head}{}\n{}", lines.join("\n"), if text.len().is_multiple_of(64) { "\n" } else { "" })
    };
    let (manifest, signature) = (stanza(head, text.as_bytes()), stanza(next, &signed));
    [&file[..start], manifest.as_bytes(), signature.as_bytes(), &file[end..]].concat()
}

#[test]
fn what_a_later_version_wrote_is_kept_and_not_guessed_at() {
    let world = World::new();
    let alice = forked(&world);
    on(&alice, "side");
    let signer = team::home(&alice).signer().unwrap().unwrap();
    let later = of_a_later_format(&std::fs::read(alice.file("db")).unwrap(), &signer);
    std::fs::write(alice.file("db"), &later).unwrap();
    alice.git(["commit", "-qam", "by a later version"]).ok();
    on(&alice, "main");
    field(&alice, "value", "from main");
    let ours = std::fs::read(alice.file("db")).unwrap();
    let said = alice.git(["merge", "-q", "side"]).ok();
    assert!(said.err.contains("a later version of covault"), "{}", said.err);
    let stored = std::fs::read(alice.file("db")).unwrap();
    let mut members: Vec<&[u8]> = covault::seal::members(&stored).unwrap();
    members.sort();
    let mut expected = [later.as_slice(), ours.as_slice()];
    expected.sort();
    assert_eq!(members, expected);
    // Until then it is refused by name, and nothing is lost.
    let said = alice.covault(["get", "db"]).exits(6);
    assert!(said.err.contains("a format that this version knows"), "{}", said.err);
}

#[test]
fn what_a_later_version_wrote_and_one_side_took_out_stays_out() {
    let world = World::new();
    let alice = forked(&world);
    let signer = team::home(&alice).signer().unwrap().unwrap();
    let before = std::fs::read(alice.file("db")).unwrap();
    let later = of_a_later_format(&before, &signer);
    field(&alice, "value", "written by alice");
    let next = std::fs::read(alice.file("db")).unwrap();
    stays_out(&alice, &[&alice], [&before, &next, &later]);
}

#[test]
fn what_claims_a_later_format_and_no_member_signed_stops_the_merge_with_nothing_touched() {
    let world = World::new();
    let alice = forked(&world);
    on(&alice, "side");
    let good = std::fs::read(alice.file("db")).unwrap();
    let strange = of_a_later_format(&good, &SigningKey::generate().unwrap());
    let signer = team::home(&alice).signer().unwrap().unwrap();
    let mut changed = of_a_later_format(&good, &signer);
    // In the first line of the manifest that is not its format.
    let head = b"-> covault-manifest\n";
    let place = changed.windows(head.len()).position(|it| it == head).unwrap() + head.len() + 40;
    changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
    on(&alice, "main");
    field(&alice, "value", "from main");
    let ours = std::fs::read(alice.file("db")).unwrap();
    for forged in [strange, changed] {
        on(&alice, "side");
        std::fs::write(alice.file("db"), &forged).unwrap();
        alice.git(["commit", "-qam", "by nobody"]).ok();
        on(&alice, "main");
        let bot = bot(&world, &alice);
        for person in [&alice, &bot] {
            let said = person.git(["merge", "-q", "side"]).exits(2);
            assert!(said.err.contains(".covault/secrets/db.age"), "{}", said.err);
            assert_eq!(std::fs::read(person.file("db")).unwrap(), ours);
            assert_eq!(person.git(["status", "--porcelain"]).ok().text(), "");
        }
        assert_eq!(values(&alice, "db", "value"), ["from main"]);
        std::fs::remove_dir_all(&bot.repo).unwrap();
    }
}
