//! What somebody is invited with.

use covault::model::invite::{Invite, InviteError, PREFIX, Token};
use proptest::prelude::*;

use super::world::{cases, hash, member};

pub fn invite() -> Invite {
    Invite {
        vault: hash("vault"),
        seq: 258,
        head: hash("head"),
        token: Token::new([0x5a; 16]),
        name: member("bob"),
        vault_name: "Acme Söhne".to_owned(),
    }
}

fn raw(invite: &Invite) -> Vec<u8> {
    use base64::Engine as _;
    let line = invite.to_line().unwrap();
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(line.strip_prefix(PREFIX).unwrap()).unwrap()
}

fn line(bytes: &[u8]) -> String {
    use base64::Engine as _;
    format!("{PREFIX}{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}

#[test]
fn its_bytes_are_those_of_the_format() {
    let mut expected = vec![1];
    expected.extend(hash("vault").0);
    expected.extend([0, 0, 1, 2]);
    expected.extend(hash("head").0);
    expected.extend([0x5a; 16]);
    expected.extend(b"\x03bob");
    expected.extend("Acme Söhne".bytes());
    assert_eq!(raw(&invite()), expected);
    assert_eq!(Invite::parse(&line(&expected)).unwrap(), invite());
}

#[test]
fn it_comes_through_a_chat() {
    let line = invite().to_line().unwrap();
    let wrapped: String =
        line.as_bytes().chunks(20).map(|c| format!("{}\n ", std::str::from_utf8(c).unwrap())).collect();
    for text in [format!("  {}\r\n", *line), wrapped, format!("\u{200b}{}\u{feff}", *line)] {
        assert_eq!(Invite::parse(&text).unwrap(), invite(), "{text}");
    }
}

#[test]
fn what_is_no_invite_is_refused() {
    let good = raw(&invite());
    let refused = |text: &str| Invite::parse(text).unwrap_err();
    let whole = invite().to_line().unwrap().to_string();
    for text in [
        "",
        "bob",
        &whole[1..],
        &whole.to_uppercase(),
        "covault-request1-AQ",
        &format!("{whole}{}", "A".repeat(17_000)),
    ] {
        assert_eq!(refused(text), InviteError::NotInvite, "{text}");
    }
    let changed = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        line(&bytes)
    };
    assert_eq!(refused(&changed(0, 2)), InviteError::Version { version: 2 });
    let name = good.len() - "bobAcme Söhne".len();
    for text in [
        PREFIX.to_owned(),
        format!("{whole}="),
        format!("{whole}!"),
        changed(name - 1, 0),
        changed(name - 1, 255),
        changed(name - 1, 4),
        changed(name, b'B'),
        changed(name + 3, b'\n'),
        changed(good.len() - 1, 0xff),
        line(&good[..name + 3]),
        line(&[good.as_slice(), &[b'x'; 64]].concat()),
    ] {
        assert_eq!(refused(&text), InviteError::Damaged, "{text}");
    }
    for length in 1..name + 3 {
        assert_eq!(refused(&line(&good[..length])), InviteError::Damaged, "{length}");
    }
}

#[test]
fn an_invite_that_could_not_be_read_is_not_written() {
    let blank = Invite { vault_name: " ".to_owned(), ..invite() };
    let long = Invite { vault_name: "x".repeat(65), ..invite() };
    let late = Invite { seq: 1 << 32, ..invite() };
    for invite in [blank, long, late] {
        assert!(matches!(invite.to_line(), Err(InviteError::Unwritable { .. })), "{invite:?}");
    }
    let last = Invite { seq: (1 << 32) - 1, ..invite() };
    assert_eq!(Invite::parse(&last.to_line().unwrap()).unwrap(), last);
}

#[test]
fn nothing_that_is_shown_for_debugging_has_the_token() {
    let shown = format!("{:?} {:#?}", invite(), invite());
    assert!(shown.contains("Token(redacted)") && shown.contains("Acme"));
    for needle in ["90, 90", "90,\n", "5a5a5a5a", "WlpaWlpa"] {
        assert!(!shown.contains(needle), "{shown}");
    }
}

#[test]
fn its_line_is_written_into_one_buffer() {
    // One that had to grow would leave the token behind, unwiped.
    let written = invite().to_line().unwrap();
    let room = PREFIX.len() + raw(&invite()).len().div_ceil(3) * 4;
    assert!((room..2 * room).contains(&written.capacity()), "{} for {room}", written.capacity());
}

#[test]
#[cfg(target_os = "linux")]
fn a_token_that_is_dropped_is_wiped() {
    use std::os::unix::fs::FileExt as _;
    let mut tokens = vec![Token::new([0x5a; 16]), Token::new([0xa5; 16])];
    let at = tokens[1].expose().as_ptr().expose_provenance() as u64;
    let memory = || {
        let mut bytes = [0x11; 16];
        std::fs::File::open("/proc/self/mem").unwrap().read_exact_at(&mut bytes, at).unwrap();
        bytes
    };
    assert_eq!(memory(), [0xa5; 16]);
    // The vector keeps the place that it had.
    tokens.truncate(1);
    assert_eq!(memory(), [0; 16]);
    assert_eq!(std::hint::black_box(tokens), [Token::new([0x5a; 16])]);
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn every_invite_comes_back(
        seq: u32, token: [u8; 16], name in "[a-z][a-z0-9-]{0,46}[a-z]", vault_name in "[^\\p{Cc}\\s][^\\p{Cc}]{0,12}",
    ) {
        let written = Invite { seq: u64::from(seq), token: Token::new(token), name: member(&name), vault_name, ..invite() };
        prop_assert_eq!(Invite::parse(&written.to_line().unwrap()).unwrap(), written);
    }

    #[test]
    fn a_changed_byte_is_refused_or_says_something_else(at: prop::sample::Index, byte: u8) {
        let good = raw(&invite());
        let mut bytes = good.clone();
        bytes[at.index(good.len())] = byte;
        if let Ok(read) = Invite::parse(&line(&bytes)) {
            prop_assert_eq!(raw(&read), bytes);
        }
    }

    #[test]
    fn noise_never_makes_it_panic(bytes: Vec<u8>, text: String, words in "[A-Za-z0-9_-]{0,300}") {
        let _ = (Invite::parse(&text), Invite::parse(&line(&bytes)), Invite::parse(&format!("{PREFIX}{words}")));
        let _ = Invite::parse(&line(&[&[1; 86], bytes.as_slice()].concat()));
    }
}
