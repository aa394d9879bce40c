//! What somebody asks to be admitted with.

use covault::model::request::{MAX_REQUEST, PREFIX, Request, RequestError};
use proptest::prelude::*;

use super::card::bob;
use super::edits::{self, any_edits};
use super::world::{cases, hash};

/// One that answers an invite, one that does not.
pub fn requests() -> (Request, Request) {
    let plain = Request { card: bob(), invite: None, signature: b"no signature, but bytes \x00\xff".to_vec() };
    (Request { invite: Some(hash("answer").0), ..plain.clone() }, plain)
}

fn recode(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(Request::decode(bytes).ok()?.encode().into_bytes())
}

#[test]
fn every_changed_byte_is_refused_or_means_something_else() {
    let (answering, plain) = requests();
    for request in [answering, plain] {
        assert_eq!(Request::decode(request.encode().as_bytes()).unwrap(), request);
        assert!(edits::every_single_byte(request.encode().as_bytes(), recode) > 100);
    }
}

#[test]
fn the_text_of_the_card_stands_in_it_as_it_was_signed() {
    let (answering, _) = requests();
    assert!(answering.encode().contains(&format!("\n{}invite = \"", bob().encode())));
}

#[test]
fn what_cannot_be_is_refused() {
    let good = requests().0.encode();
    let canon = |text: String| {
        let error = Request::decode(text.as_bytes()).unwrap_err();
        assert!(matches!(error, RequestError::Canon(_)), "{error:?}");
    };
    canon(good.replace("format = 1", "format = 2"));
    canon(good.replace("invite = \"", "invite = \"00"));
    canon(good.replace("invite = \"", "invite = \" "));
    canon(good.replace("signature = \"", "signature = \"="));
    canon(good.replace("kind = \"person\"", "kind = \"admin\""));
    canon(good.replace("name = \"bob\"", "name = \"Bob\""));
    canon(format!("{good}x = 1\n"));
    canon(good[..good.len() - 1].to_owned());
    canon(String::new());
    assert_eq!(Request::decode(b"format = \xff"), Err(RequestError::NotText));
    assert_eq!(Request::decode(&vec![b' '; MAX_REQUEST + 1]), Err(RequestError::TooLarge));
    assert_ne!(Request::decode(&vec![b' '; MAX_REQUEST]), Err(RequestError::TooLarge));
}

#[test]
fn a_token_comes_through_a_chat() {
    let (request, _) = requests();
    let token = request.to_token();
    assert!(token.starts_with("covault-request1-Zm9ybWF0ID0g"), "{token}");
    let wrapped: String =
        token.as_bytes().chunks(60).map(|c| format!("  {}\r\n", std::str::from_utf8(c).unwrap())).collect();
    let invisible: String = token.chars().flat_map(|c| [c, '\u{200b}']).collect();
    for text in [token.clone(), format!("\n\t {token} \n"), wrapped, invisible, format!("\u{feff}{token}\u{a0}")] {
        assert_eq!(Request::from_token(&text).unwrap(), request, "{text}");
    }
}

#[test]
fn what_is_no_token_is_refused() {
    let token = requests().0.to_token();
    let refused = |text: &str| Request::from_token(text).unwrap_err();
    for text in ["", "hello", &requests().0.encode(), &token[1..], &token.to_uppercase(), "covault-invite1-AQ"] {
        assert_eq!(refused(text), RequestError::NotToken, "{text}");
    }
    for text in [
        format!("{token}="),
        format!("{token}."),
        token.replace("request1-", "request1-+"),
        token[..PREFIX.len() + 5].to_owned(),
    ] {
        assert_eq!(refused(&text), RequestError::Damaged, "{text}");
    }
    assert!(matches!(refused(&token[..token.len() - 4]), RequestError::Canon(_)));
    assert!(matches!(refused(PREFIX), RequestError::Canon(_)));
    assert_eq!(refused(&format!("{token}{}", "A".repeat(MAX_REQUEST))), RequestError::TooLarge);
}

#[test]
fn a_line_of_exactly_the_limit_is_read() {
    let two = "\u{e9}".repeat(MAX_REQUEST / 2);
    for (text, error) in [
        ("x".repeat(MAX_REQUEST), RequestError::NotToken),
        ("x".repeat(MAX_REQUEST + 1), RequestError::TooLarge),
        // What is left out does not count; a letter of two bytes counts twice.
        ("x \u{200b}".repeat(MAX_REQUEST), RequestError::NotToken),
        (two.clone(), RequestError::NotToken),
        (format!("x{two}"), RequestError::TooLarge),
    ] {
        assert_eq!(Request::from_token(&text), Err(error), "{} bytes", text.len());
    }
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn every_request_comes_back(invite: Option<[u8; 32]>, signature in prop::collection::vec(any::<u8>(), 0..600)) {
        let request = Request { card: bob(), invite, signature };
        prop_assert_eq!(&Request::decode(request.encode().as_bytes()).unwrap(), &request);
        prop_assert_eq!(Request::from_token(&request.to_token()).unwrap(), request);
    }

    #[test]
    fn several_edits_are_refused_or_mean_something_else(edits in any_edits()) {
        let (answering, plain) = requests();
        for request in [answering, plain] {
            edits::several(request.encode().as_bytes(), &edits, recode);
            edits::several(request.to_token().as_bytes(), &edits, |bytes| {
                let text = std::str::from_utf8(bytes).ok()?;
                let request = Request::from_token(text).ok()?;
                // White space is all that a token may have too much of.
                let bare: String = text.split_whitespace().collect();
                assert_eq!(request.to_token(), bare);
                Some(bytes.to_vec())
            });
        }
    }

    #[test]
    fn noise_never_makes_it_panic(bytes: Vec<u8>, text: String, words in "[A-Za-z0-9_-]{0,80}") {
        edits::noise(&bytes, &text, recode);
        let _ = (Request::from_token(&text), Request::from_token(&format!("{PREFIX}{words}")));
    }
}
