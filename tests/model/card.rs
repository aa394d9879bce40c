//! What a member says about themselves.

use covault::model::card::{Card, Device, Kind, MAX_DEVICES, Recipient};
use proptest::prelude::*;

use super::edits::{self, any_edits};
use super::world::{age_recipient, card, cases, device, hash, ssh_key};

fn recode(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(Card::decode(std::str::from_utf8(bytes).ok()?).ok()?.encode().into_bytes())
}

pub fn bob() -> Card {
    let phone = Device { recipient: Recipient::SshEd25519(ssh_key(9).0), signing: None, ..device("phone", 3) };
    card("bob", vec![device("laptop", 1), phone])
}

#[test]
fn every_changed_byte_is_refused_or_means_something_else() {
    assert_eq!(Card::decode(&bob().encode()).unwrap(), bob());
    assert!(edits::every_single_byte(bob().encode().as_bytes(), recode) > 100);
}

#[test]
fn a_device_is_a_label_a_recipient_and_perhaps_a_signing_key() {
    let (age, ssh) = (age_recipient(1).to_string(), ssh_key(1).to_string());
    for text in
        [format!("laptop {age}"), format!("laptop {age} {ssh}"), format!("laptop {ssh}"), format!("a. {ssh} {ssh}")]
    {
        assert_eq!(Device::parse(&text).map(|d| d.to_text()), Some(text));
    }
    let key = &ssh_key(1).0;
    let raw = |bytes: &[u8]| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(bytes)
    };
    let other_length = raw(&[b"\0\0\0\x0bssh-ed25519\0\0\0\x21".as_slice(), &[7; 32]].concat());
    let other_kind = raw(&[b"\0\0\0\x0bssh-ed25518\0\0\0\x20".as_slice(), &[7; 32]].concat());
    let longer = raw(&[b"\0\0\0\x0bssh-ed25519\0\0\0\x20".as_slice(), &[7; 35]].concat());
    let bad = [
        format!("laptop ssh-ed25519 {longer}"),
        String::new(),
        "laptop".to_owned(),
        format!("laptop  {age}"),
        format!(" laptop {age}"),
        format!("laptop {age} "),
        format!("Laptop {age}"),
        format!("laptop {ssh} {age}"),
        format!("laptop {age} {age}"),
        format!("laptop {age} {ssh} {ssh}"),
        format!("laptop {age} ssh-ed25519"),
        format!("laptop {age} {key}"),
        format!("laptop {key}"),
        format!("laptop ssh-rsa {key}"),
        format!("laptop ssh-ed25519 {key}="),
        format!("laptop ssh-ed25519 {}", &key[..67]),
        format!("laptop ssh-ed25519 {}", key.replace("NTE5", "NTE4")),
        format!("laptop ssh-ed25519 {other_length}"),
        format!("laptop ssh-ed25519 {other_kind}"),
        format!("laptop {}", age.to_uppercase()),
        format!("laptop {}", &age[..61]),
        format!("laptop {age}q"),
        "laptop AGE-PLUGIN-X".to_owned(),
        format!("laptop\t{age}"),
    ];
    for text in &bad {
        assert_eq!(Device::parse(text), None, "{text:?}");
    }
}

#[test]
fn a_card_has_one_to_eight_different_devices() {
    let refused = |devices: Vec<Device>| Card::decode(&card("bob", devices).encode()).is_err();
    let many = |n: u8| (0..n).map(|n| device(&format!("d{n}"), n)).collect::<Vec<_>>();
    assert!(refused(vec![]));
    assert!(!refused(many(1)));
    assert!(!refused(many(MAX_DEVICES as u8)));
    assert!(refused(many(MAX_DEVICES as u8 + 1)));
    assert!(refused(vec![device("a", 1), device("a", 2)]));
    assert!(refused(vec![device("a", 1), Device { recipient: age_recipient(1), ..device("b", 2) }]));
    assert!(refused(vec![device("a", 1), Device { signing: Some(ssh_key(1)), ..device("b", 2) }]));
    let silent = |label, n| Device { signing: None, ..device(label, n) };
    assert!(!refused(vec![silent("a", 1), silent("b", 2)]));
    assert_eq!(bob().signing_keys().count(), 1);
}

#[test]
fn a_card_is_made_for_one_vault() {
    let here = bob();
    let there = Card { vault: hash("another vault"), ..bob() };
    assert_ne!(here.hash(), there.hash());
    assert_eq!(here.hash(), hash(&here.encode()));
    assert_eq!(
        [Kind::Person, Kind::Machine].map(|kind| Kind::parse(kind.as_str())),
        [Some(Kind::Person), Some(Kind::Machine)]
    );
    assert_eq!(Kind::parse("Person"), None);
}

#[test]
fn people_name_a_card_by_its_words_or_by_the_first_digits_of_its_hash() {
    let (card, hex) = (bob(), bob().hash().to_string());
    let words = card.words();
    assert_eq!(words.split('-').count(), 6);
    for good in [
        words.as_str(),
        &words.replace('-', " ").to_uppercase(),
        &hex,
        &hex[..16],
        &hex[..17],
        &hex.to_uppercase(),
        &format!(" {}\n", &hex[..40]),
    ] {
        assert!(card.has_fingerprint(good), "{good}");
    }
    let five = words.rsplit_once('-').unwrap().0;
    let other = Card { vault: hash("another vault"), ..bob() };
    for bad in
        ["", " ", five, &hex[..15], &hex[1..], &format!("{hex}0"), &other.words(), &other.hash().to_string()[..16]]
    {
        assert!(!card.has_fingerprint(bad), "{bad}");
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn several_edits_are_refused_or_mean_something_else(edits in any_edits()) {
        edits::several(bob().encode().as_bytes(), &edits, recode);
    }

    #[test]
    fn noise_never_makes_it_panic(bytes: Vec<u8>, text: String, words in "(laptop|ssh-ed25519|age1[a-z0-9]{58}|AAAAC3NzaC1lZDI1NTE5AAAAI[A-Z]{43}| |é){0,6}") {
        edits::noise(&bytes, &text, recode);
        for text in [text, words] {
            if let Some(device) = Device::parse(&text) {
                prop_assert_eq!(device.to_text(), text);
            }
        }
    }
}

#[test]
fn a_signing_keys_fingerprint_is_the_one_that_ssh_keygen_shows() {
    assert_eq!(ssh_key(1).fingerprint(), "SHA256:RXm/ruZ0eTzRXKwi1AQEDynB0VgHQ2ac9KPSFdf/YnA");
}
