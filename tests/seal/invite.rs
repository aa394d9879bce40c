//! Answers to invites.

use covault::model::card::Card;
use covault::model::names::MemberName;
use covault::seal::invite::{answer, is_answer};
use sha2::{Digest, Sha256};

use super::support::team;

/// HMAC as RFC 2104 tells it.
fn by_the_book(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = key.to_vec();
    block.resize(64, 0);
    let pad = |byte: u8| block.iter().map(|b| b ^ byte).collect::<Vec<_>>();
    let inner = Sha256::digest([pad(0x36).as_slice(), text].concat());
    Sha256::digest([pad(0x5c).as_slice(), &inner].concat()).to_vec()
}

fn card() -> Card {
    let team = team(1);
    Card {
        vault: covault::model::bytes::Hash([7; 32]),
        name: MemberName::parse("bob").unwrap(),
        kind: covault::model::card::Kind::Person,
        devices: team[0].devices.clone(),
    }
}

#[test]
fn an_answer_is_the_hmac_of_the_cards_text() {
    let card = card();
    for token in [[0; 16], [0x5a; 16], *b"sixteen bytes ok"] {
        assert_eq!(answer(&token, &card).to_vec(), by_the_book(&token, card.encode().as_bytes()));
    }
}

#[test]
fn an_answer_is_good_for_one_token_and_one_card() {
    let (card, token) = (card(), [0x5a; 16]);
    let given = answer(&token, &card);
    assert!(is_answer(&token, &card, &given));
    assert!(!is_answer(&[0x5b; 16], &card, &given));
    let other = Card { name: MemberName::parse("mallory").unwrap(), ..card.clone() };
    assert!(!is_answer(&token, &other, &given));
    for place in 0..32 {
        let mut wrong = given;
        wrong[place] ^= 1;
        assert!(!is_answer(&token, &card, &wrong), "{place}");
    }
}
