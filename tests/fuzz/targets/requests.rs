//! Requests and invites: a file has one spelling, and a line that comes by chat is the one that was sent, whatever white
//! space came into it.

use covault::model::card::Card;
use covault::model::invite::{Invite, PREFIX};
use covault::model::request::Request;

pub fn run(data: &[u8]) {
    match Request::decode(data) {
        Ok(request) => {
            assert_eq!(request.encode().as_bytes(), data, "one spelling");
            let token = request.to_token();
            // The limit is the same for both, and a token is a third longer.
            if token.len() <= covault::model::request::MAX_REQUEST {
                assert_eq!(Request::from_token(&format!(" {token}\n")).as_ref(), Ok(&request));
            }
            assert!(request.card.has_fingerprint(&request.card.words()));
        }
        Err(error) => super::check_length(&error),
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Request::from_token(text) {
        Ok(request) => assert_eq!(squeezed(text), request.to_token(), "one spelling"),
        Err(error) => super::check_length(&error),
    }
    match Invite::parse(text) {
        Ok(invite) => {
            let line = invite.to_line().expect("what was read can be written");
            assert_eq!(squeezed(text), *line, "one spelling");
            let wrapped = line.replace(PREFIX, &format!("{PREFIX}\u{200b}\r\n"));
            assert_eq!(Invite::parse(&wrapped).as_ref(), Ok(&invite));
            let secret = hex::encode(invite.token.expose());
            // The hashes beside it may have the same digits in them.
            let shown = [invite.vault, invite.head]
                .iter()
                .fold(format!("{invite:?}"), |all, hash| all.replace(&format!("{hash:?}"), ""));
            assert!(!shown.contains(&secret), "the token is shown");
        }
        Err(error) => super::check_length(&error),
    }
    match Card::decode(text) {
        Ok(card) => assert_eq!(card.encode(), text, "one spelling"),
        Err(error) => super::check_length(&error),
    }
}

fn squeezed(text: &str) -> String {
    let spare = |c: &char| c.is_whitespace() || matches!(c, '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}');
    text.chars().filter(|c| !spare(c)).collect()
}
