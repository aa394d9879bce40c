//! A file below `requests/`: canonical, under its own name, for this vault, and signed by who asks.
//!
//! Whether its invite is good only its inviter can tell.

use crate::model::request::Request;
use crate::model::roster::Roster;
use crate::seal::sshsig::{self, Namespace};
use crate::vault::error::chain;
use crate::vault::trust;

/// Why `bytes` cannot be the request `name`.
pub(super) fn refusal(roster: &Roster, name: &str, bytes: &[u8]) -> Option<String> {
    let request = match Request::decode(bytes) {
        Ok(request) => request,
        Err(error) => return Some(chain(&error)),
    };
    let card = &request.card;
    if card.vault != roster.vault {
        return Some("it is for another vault".to_owned());
    }
    if card.name.as_str() != name {
        return Some(format!("it is by {}", card.name));
    }
    if let Err(error) = trust::check_card(card) {
        return Some(chain(&error));
    }
    match sshsig::verify(&request.signature, Namespace::Card, card.encode().as_bytes()) {
        Ok(key) if card.signing_keys().any(|own| *own == key.to_public()) => None,
        Ok(_) => Some("it is signed with a key that is not on its card".to_owned()),
        Err(error) => Some(chain(&error)),
    }
}
