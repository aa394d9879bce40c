//! How a request shows that it answers an invite: a MAC over the card under the invite's token.
//!
//! It says nothing of who holds the card's keys; the card's signature does.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::model::card::Card;

/// HMAC-SHA-256 of the card's text under the token.
pub fn answer(token: &[u8; 16], card: &Card) -> [u8; 32] {
    mac(token, card).finalize().into_bytes().into()
}

/// Whether `given` is the answer, in constant time.
pub fn is_answer(token: &[u8; 16], card: &Card, given: &[u8; 32]) -> bool {
    mac(token, card).verify_slice(given).is_ok()
}

fn mac(token: &[u8; 16], card: &Card) -> Hmac<Sha256> {
    // HMAC fills a short key up to the hash's block with zeros; a whole block is a key that cannot be refused.
    let mut block = Zeroizing::new([0_u8; 64]);
    block.iter_mut().zip(token).for_each(|(to, from)| *to = *from);
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    mac.update(card.encode().as_bytes());
    mac
}
