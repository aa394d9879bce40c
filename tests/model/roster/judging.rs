//! Which signatures a roster has checked: over what, and against whose card.

use covault::model::card::{Card, Kind};
use covault::model::roster::{self, Entry, Judge, Operation, Role, Roster, RosterError, Signed};

use super::chain::Chain;

/// Believes everything but one question, and notes what it is asked.
struct Asked {
    questions: Vec<String>,
    refuses: usize,
}

impl Asked {
    fn note(&mut self, question: String) -> Result<(), RosterError> {
        self.questions.push(question);
        if self.questions.len() - 1 == self.refuses { Err(RosterError::NotText) } else { Ok(()) }
    }
}

impl Judge for Asked {
    type Error = RosterError;

    fn signature(
        &mut self,
        seq: u64,
        what: Signed,
        signer: &Card,
        message: &str,
        signature: &[u8],
    ) -> Result<(), RosterError> {
        let signature = std::str::from_utf8(signature).unwrap();
        let over = match what {
            Signed::Entry => message.lines().find(|line| line.starts_with("op = ")).unwrap().to_owned(),
            Signed::Card => format!("the card of {}", Card::decode(message).unwrap().name),
        };
        self.note(format!("{seq}: {signature} by {} over {over}", signer.name))
    }

    fn card(&mut self, seq: u64, card: &Card) -> Result<(), RosterError> {
        self.note(format!("{seq}: the keys of {}", card.name))
    }
}

/// One of each: a founder, an admin, a machine that cannot sign, one whose device was exchanged, a grant, and a merge of a
/// branch that was itself merged.
fn chain() -> Chain {
    let mut chain = Chain::new();
    chain.admit("alice", "ann", Role::Admin);
    let bot = Card { kind: Kind::Machine, ..chain.card("bot", &["bot.1-"]) };
    chain.add("ann", Operation::Admit { role: Role::Reader, card: bot });
    let (mut theirs, mut third) = (chain.clone(), chain.clone());
    third.admit("ann", "erin", Role::Reader);
    theirs.renew("alice", "ann", &["ann.2"]);
    theirs.merge("alice", &third);
    chain.grant("alice", "prod", &["ann"]);
    chain.merge("alice", &theirs);
    chain
}

fn asked(entries: &[Entry], refuses: usize) -> (Vec<String>, Result<Roster, RosterError>) {
    let mut judge = Asked { questions: Vec::new(), refuses };
    let roster = Roster::build(entries, &mut judge);
    (judge.questions, roster)
}

#[test]
fn every_entry_and_every_card_is_judged_against_the_card_of_who_must_have_signed_it() {
    let (questions, roster) = asked(&chain().entries, usize::MAX);
    assert_eq!(roster.unwrap().head, chain().roster().head);
    assert_eq!(
        questions,
        [
            "0: the keys of alice",
            "0: card by alice over the card of alice",
            "0: alice by alice over op = \"found\"",
            "1: the keys of ann",
            "1: card by ann over the card of ann",
            "1: entry by alice over op = \"admit\"",
            "2: the keys of bot",
            // A machine that cannot sign: who takes it in vouches for its card.
            "2: card by ann over the card of bot",
            "2: entry by ann over op = \"admit\"",
            "3: entry by alice over op = \"grant\"",
            "4: entry by alice over op = \"merge\"",
            "3: the keys of ann",
            "3: card by ann over the card of ann",
            "3: entry by alice over op = \"renew\"",
            "4: entry by alice over op = \"merge\"",
            "3: the keys of erin",
            "3: card by erin over the card of erin",
            "3: entry by ann over op = \"admit\"",
        ]
    );
}

#[test]
fn a_roster_with_one_signature_that_is_not_good_is_none_wherever_it_stands() {
    let chain = chain();
    let (questions, _) = asked(&chain.entries, usize::MAX);
    for (wrong, question) in questions.iter().enumerate() {
        assert_eq!(asked(&chain.entries, wrong).1, Err(RosterError::NotText), "{question}");
    }
    // One entry more is judged, too.
    let (last, before) = chain.entries.split_last().unwrap();
    let roster = Roster::from_entries(before).unwrap();
    for wrong in 0..7 {
        let mut judge = Asked { questions: Vec::new(), refuses: wrong };
        assert_eq!(roster.extended(last, &mut judge), Err(RosterError::NotText), "{wrong}");
    }
}

#[test]
fn an_entry_has_the_next_number_and_names_the_one_before_it() {
    let chain = Chain::team();
    let (last, before) = chain.entries.split_last().unwrap();
    let of = |entries: &[Entry]| entries.iter().map(Entry::text).collect::<Vec<_>>().join("\n");
    let broken = |entry: Entry| {
        let seq = entry.seq;
        let body = roster::body(seq, entry.prev, entry.by, entry.at, &entry.operation);
        let entries: Vec<_> = before.iter().cloned().chain([Entry { body, ..entry }]).collect();
        assert!(roster::decode(of(&entries).as_bytes()).is_err());
        assert_eq!(Roster::from_entries(&entries), Err(RosterError::BrokenChain { seq }));
    };
    broken(Entry { seq: last.seq + 1, ..last.clone() });
    broken(Entry { seq: last.seq - 1, ..last.clone() });
    broken(Entry { prev: before.last().unwrap().prev, ..last.clone() });
    broken(Entry { prev: None, ..last.clone() });
    assert!(Roster::from_entries(&chain.entries).is_ok());
    assert_eq!(roster::decode(of(&chain.entries).as_bytes()).as_ref(), Ok(&chain.entries));
}
