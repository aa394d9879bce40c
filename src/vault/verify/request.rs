//! A file below `requests/`: canonical, under its own name, for this vault, and signed by who asks.
//!
//! Whether its invite is good only its inviter can tell.

use crate::model::request::Request;
use crate::model::roster::Roster;
use crate::vault::error::chain;
use crate::vault::requests::{BadRequest, check_signed};

/// Why `bytes` cannot be the request `name`.
pub(super) fn refusal(roster: &Roster, name: &str, bytes: &[u8]) -> Option<String> {
    let judged = Request::decode(bytes).map_err(BadRequest::from).and_then(|request| {
        check_signed(roster.vault, &request)?;
        let own = request.card.name;
        if own.as_str() == name { Ok(()) } else { Err(BadRequest::FileName { name: own }) }
    });
    judged.err().map(|why| chain(&why))
}
