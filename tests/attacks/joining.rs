//! Coming aboard: requests that anybody can push, invites that were made for something else, and rosters below an invite.

use covault::model::bytes::Hash;
use covault::model::card::Card;
use covault::model::invite::Invite;
use covault::model::manifest::MemberRef;
use covault::model::request::Request;
use covault::model::roster::{Operation, Role};
use covault::seal::sshsig::{self, Namespace};
use covault::seal::{Identity, SigningKey};

use super::forge::{Stranger, member};
use super::rig::{Attacked, Case, ROSTER, harmless, pushed};
use crate::world::Person;

fn signed(card: Card, key: &SigningKey) -> Request {
    let signature = sshsig::sign(key, Namespace::Card, card.encode().as_bytes()).unwrap();
    Request { card, invite: None, signature }
}

fn request_of(stranger: &Stranger) -> Request {
    Request { card: stranger.card.clone(), invite: None, signature: stranger.signature.clone() }
}

fn request_file(name: &str) -> String {
    format!(".covault/requests/{name}.toml")
}

/// On a branch of its own, as `covault join` leaves it; alice fetches it.
fn asks(case: &Case, branch: &str, name: &str, bytes: &[u8]) {
    case.git(&["checkout", "-q", "-b", branch, "main"]);
    case.write(&request_file(name), bytes);
    case.git(&["add", "-A"]);
    case.git(&["commit", "-qm", "ask"]);
    case.git(&["push", "-q", "-f", "origin", branch]);
    case.git(&["checkout", "-q", "main"]);
}

/// alice approves somebody, with the flag that skips the question; it ends so.
#[track_caller]
fn approving(name: &str, deed: impl FnOnce(&Case), code: i32, because: &str) -> Attacked {
    pushed(deed).ends(&["member", "approve", name, "--yes"], code, because)
}

/// The same for a request of a stranger in the name `bob`.
#[track_caller]
fn bob_is_refused(request: impl FnOnce(&Case) -> Vec<u8>, code: i32, because: &str) {
    let deed = |case: &Case| {
        let bytes = request(case);
        asks(case, "covault/join/bob", "bob", &bytes);
    };
    approving("bob", deed, code, because).ends(&["get", "dev/db"], 0, "the third value");
}

#[test]
fn a_request_that_nobody_vouched_for() {
    bob_is_refused(|case| request_of(&case.stranger("bob")).encode().into_bytes(), 7, "answers no invite");
}

#[test]
fn a_request_in_the_tree_itself() {
    let deed = |case: &Case| case.write(&request_file("bob"), request_of(&case.stranger("bob")).encode());
    approving("bob", deed, 7, "answers no invite");
}

#[test]
fn a_request_with_an_answer_to_no_invite() {
    let request = |case: &Case| {
        let bob = case.stranger("bob");
        let answer = covault::seal::invite::answer(&[0; 16], &bob.card);
        Request { invite: Some(answer), ..request_of(&bob) }.encode().into_bytes()
    };
    bob_is_refused(request, 7, "answers no invite");
}

#[test]
fn the_answer_to_an_invite_on_another_card() {
    let deed = |case: &Case| {
        let line = case.alice.covault(["member", "invite", "bob"]).ok().text();
        let invite = Invite::parse(&line).unwrap();
        let (bob, eve) = (case.stranger("bob"), case.stranger("bob"));
        // mallory saw bob's request, and not the invite.
        let answer = covault::seal::invite::answer(invite.token.expose(), &bob.card);
        let request = Request { invite: Some(answer), ..request_of(&eve) };
        asks(case, "covault/join/bob", "bob", request.encode().as_bytes());
    };
    approving("bob", deed, 7, "answers no invite");
}

#[test]
fn two_requests_for_one_name() {
    let deed = |case: &Case| {
        for branch in ["covault/join/bob", "covault/join/bob2"] {
            asks(case, branch, "bob", request_of(&case.stranger("bob")).encode().as_bytes());
        }
    };
    approving("bob", deed, 7, "there are 2 different requests of bob");
}

#[test]
fn another_request_beside_the_one_that_answers_the_invite() {
    let deed = |case: &Case| {
        let line = case.alice.covault(["member", "invite", "bob"]).ok().text();
        let invite = Invite::parse(&line).unwrap();
        let (bob, eve) = (case.stranger("bob"), case.stranger("bob"));
        let answer = covault::seal::invite::answer(invite.token.expose(), &bob.card);
        let honest = Request { invite: Some(answer), ..request_of(&bob) };
        asks(case, "covault/join/bob", "bob", honest.encode().as_bytes());
        asks(case, "covault/join/eve", "bob", request_of(&eve).encode().as_bytes());
    };
    let attacked = pushed(deed);
    // Whichever it is, it is not mallory's card that comes in.
    let said = attacked.case.alice.covault(["member", "approve", "bob", "--yes"]);
    harmless(&["member", "approve"], &said);
    assert!(said.code == 7 || said.code == 0, "{}", said.err);
    let roster = attacked.case.vault().unwrap();
    let eves = roster.roster().named(&member("bob")).map(|bob| bob.card.hash());
    let on_branch = attacked.case.at_commit("covault/join/eve", &request_file("bob"));
    assert_ne!(eves, Some(Request::decode(&on_branch).unwrap().card.hash()));
}

#[test]
fn a_request_with_a_signature_by_another_key() {
    let request =
        |case: &Case| signed(case.stranger("bob").card, &SigningKey::generate().unwrap()).encode().into_bytes();
    bob_is_refused(request, 6, "it is signed with a key that is not on its card");
}

#[test]
fn a_request_with_a_signature_for_another_purpose() {
    let request = |case: &Case| {
        let bob = case.stranger("bob");
        let signature = sshsig::sign(&bob.key, Namespace::Roster, bob.card.encode().as_bytes()).unwrap();
        Request { signature, ..request_of(&bob) }.encode().into_bytes()
    };
    bob_is_refused(request, 6, "for another purpose");
}

#[test]
fn a_request_for_another_vault() {
    let request = |case: &Case| {
        let mut bob = case.stranger("bob");
        bob.card.vault = Hash([6; 32]);
        signed(bob.card, &bob.key).encode().into_bytes()
    };
    bob_is_refused(request, 6, "it was made for another vault");
}

#[test]
fn a_request_under_another_files_name() {
    let request = |case: &Case| request_of(&case.stranger("eve")).encode().into_bytes();
    bob_is_refused(request, 6, "it asks for the name eve, and its file is called otherwise");
}

#[test]
fn a_request_with_alices_recipient() {
    let request = |case: &Case| {
        let text = std::fs::read_to_string(case.alice.identity()).unwrap();
        let line = text.lines().find(|line| line.starts_with("AGE-")).unwrap();
        request_of(&case.stranger_with("bob", Identity::parse(line).unwrap())).encode().into_bytes()
    };
    bob_is_refused(request, 6, "a key of the card is alice's");
}

#[test]
fn a_request_that_is_no_request() {
    bob_is_refused(|_| b"format = 1\nvault = \"\x1b[2J\"\n".to_vec(), 6, "the request is not canonical");
}

#[test]
fn a_request_that_is_larger_than_any() {
    bob_is_refused(|_| vec![b'#'; 5 << 20], 6, "the request has more than 16384 bytes");
}

#[test]
fn a_request_that_is_a_link() {
    let deed = |case: &Case| {
        std::fs::create_dir_all(case.path(".covault/requests")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", case.path(&request_file("bob"))).unwrap();
    };
    approving("bob", deed, 6, "requests/bob.toml` is a symbolic link");
}

#[test]
fn a_request_for_the_name_of_one_who_was_removed() {
    let deed = |case: &Case| {
        asks(case, "covault/join/gina", "gina", request_of(&case.stranger("gina")).encode().as_bytes());
    };
    approving("gina", deed, 6, "the name gina was used before");
}

#[test]
fn a_request_by_one_who_was_removed_under_a_new_name() {
    let request = |case: &Case| {
        let mut card =
            case.roster().state().cards().find(|(_, known)| known.card.name.as_str() == "gina").unwrap().1.card.clone();
        card.name = member("bob");
        signed(card, &case.key("gina")).encode().into_bytes()
    };
    bob_is_refused(request, 6, "a key of the card is gina's");
}

#[test]
fn a_device_of_mallorys_for_alice() {
    let deed = |case: &Case| {
        let mut card = case.roster().named(&member("alice")).unwrap().card.clone();
        let eve = case.stranger("eve");
        let mut device = eve.card.devices[0].clone();
        device.label = covault::model::names::DeviceLabel::parse("tablet").unwrap();
        card.devices.push(device);
        asks(case, "covault/join/alice", "alice", signed(card, &eve.key).encode().as_bytes());
    };
    approving("alice", deed, 7, "answers no invite");
}

#[test]
fn new_keys_of_mallorys_for_wanda() {
    let deed = |case: &Case| {
        asks(case, "covault/join/wanda", "wanda", request_of(&case.stranger("wanda")).encode().as_bytes());
    };
    approving("wanda", deed, 7, "answers no invite");
}

#[test]
fn a_request_by_chat_that_somebody_changed() {
    let case = Case::new();
    let token = request_of(&case.stranger("bob")).to_token();
    let mut changed = token.clone();
    changed.truncate(changed.len() - 9);
    let said = case.alice.covault(["member", "approve", "bob", "--yes", "--request", &changed]);
    assert!(matches!(said.code, 2 | 6) && said.err.contains("hint: "), "{}: {}", said.code, said.err);
}

#[test]
fn only_an_admin_approves() {
    let case = Case::new();
    asks(&case, "covault/join/bob", "bob", request_of(&case.stranger("bob")).encode().as_bytes());
    for name in ["wanda", "rita"] {
        let person = case.clone_of(name);
        person.covault(["member", "approve", "bob", "--yes"]).exits(4);
        std::fs::remove_dir_all(person.repo).unwrap();
    }
}

// --- invites

/// Somebody new with an invite of alice's, and a clone of what mallory pushed since.
fn invited(deed: impl FnOnce(&Case)) -> (Case, Person, String) {
    let case = Case::new();
    let line = case.alice.covault(["member", "invite", "bob"]).ok().text().trim().to_owned();
    deed(&case);
    case.deliver();
    let bob = case.world.newcomer("bob");
    (case, bob, line)
}

/// bob joins; he is told why not, and has no keys and no settings.
#[track_caller]
fn join_is_refused(deed: impl FnOnce(&Case), because: &str) {
    let (_case, bob, line) = invited(deed);
    let said = bob.covault(["join", "--invite", &line, "--device", "laptop"]).exits(6);
    assert!(said.err.contains(because) && said.err.contains("\nhint: ") && said.out.is_empty(), "{}", said.err);
    bob.git(["config", "--get-regexp", "covault"]).exits(1);
    assert!(!bob.git(["branch", "--all"]).ok().text().contains("covault/join"));
}

#[test]
fn an_honest_invite_works() {
    let (_case, bob, line) = invited(|_| {});
    bob.covault(["join", "--invite", &line, "--device", "laptop"]).ok();
}

#[test]
fn a_roster_from_before_the_invite() {
    join_is_refused(|case| case.write(ROSTER, case.at_commit("branched", ROSTER)), "which the invite names");
}

#[test]
fn a_fork_below_the_invite_with_as_many_entries() {
    let deed = |case: &Case| {
        let count = case.chain().entries.len();
        let eve = case.stranger("eve");
        let member = case.reference("rita");
        let raise = Operation::Role { member, role: Role::Writer, live: Vec::new() };
        let chain = case.chain().first(count - 1).then("adam", raise);
        chain.admits("adam", Operation::Admit { role: Role::Admin, card: eve.card }, &eve.signature).put();
    };
    join_is_refused(deed, "which the invite names");
}

#[test]
fn a_fork_at_the_founding_by_the_founders_stolen_name() {
    let deed = |case: &Case| {
        let eve = case.stranger("alice");
        let found = case.chain().entries[0].operation.clone();
        let Operation::Found { vault_name, nonce, .. } = found else { panic!("no founding") };
        let found = Operation::Found { vault_name, nonce, founder: eve.card };
        let mut chain = case.chain();
        chain.entries.clear();
        chain.signed(None, found, &eve.key, Some(eve.signature)).put();
    };
    // Its founder's card is signed for another vault than it founds.
    join_is_refused(deed, "roster.toml");
}

#[test]
fn the_vault_of_somebody_else_behind_an_invite() {
    let deed = |case: &Case| {
        let other = case.world.founder("other");
        case.write(ROSTER, std::fs::read(other.repo.join(ROSTER)).unwrap());
    };
    join_is_refused(deed, "is another vault");
}

#[test]
fn an_invite_that_was_damaged() {
    let (_case, bob, line) = invited(|_| {});
    for bad in [&line[..line.len() - 12], "covault-invite1-", "hello", &line.replace("invite1", "invite2")] {
        let said = bob.covault(["join", "--invite", bad]).exits(2);
        assert!(said.err.contains("hint: "), "{}", said.err);
    }
}

#[test]
fn an_invite_for_another_name() {
    let (_case, bob, line) = invited(|_| {});
    let said = bob.covault(["join", "--invite", &line, "--name", "eve"]).exits(2);
    assert!(said.err.contains("the invite is for bob, not for eve"), "{}", said.err);
}

#[test]
fn a_name_that_was_used_before() {
    let case = Case::new();
    let mut gina = case.world.stranger("gina");
    gina.repo = case.world.path().join("gina's new clone");
    let eve = case.world.newcomer("eve");
    let words = covault::vault::words(case.roster().vault);
    let said = eve.covault(["join", "--name", "gina", "--vault", &words]);
    assert!(said.code == 7 && said.err.contains("the name gina was used before"), "{}: {}", said.code, said.err);
}

#[test]
fn a_member_named_with_a_card_of_somebody_else_is_nobody() {
    let case = Case::new();
    let reference = MemberRef { name: member("alice"), card: case.reference("wanda").card };
    assert!(case.roster().state().known(&reference).is_none());
}
