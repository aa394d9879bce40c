//! How a document is spelled.

use covault::model::codec::{self, DocumentError, MAX_DOCUMENT, MAX_VALUE};
use covault::model::document::Document;
use covault::model::register::{Register, Value};
use covault::plaintext::Plaintext;
use proptest::prelude::*;

use super::edits::{self, any_edits};
use super::world::{Pen, any_document, bytes, cases, empty, field, meta, tag};

fn recode(bytes: &[u8]) -> Option<Vec<u8>> {
    let document = codec::decode(&Plaintext::new(bytes.to_vec())).ok()?;
    Some(codec::encode(&document).unwrap().expose().to_vec())
}

/// An error with its causes; the model's tests import nothing from above it.
fn told(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {}", told(cause)))
}

/// A document with one of everything.
fn sample() -> Document {
    let mut document = empty();
    let mut alice = Pen::of("alice", 0);
    alice.put(&mut document, &field("password"), "x\n\"");
    let mut other = document.clone();
    alice.put(&mut document, &field("password"), "new");
    alice.put(&mut document, &meta("kind"), "login");
    Pen::of("bob", 20).put(&mut other, &field("password"), "newer");
    Pen::of("bob", 30).remove(&mut other, &tag("web"));
    let write = Pen::of("bob", 40).write(&field("key"), bytes(&[0xff, 0xfe]));
    other.put(&field("key"), write);
    document.join(&other)
}

fn encoded(document: &Document) -> Vec<u8> {
    codec::encode(document).unwrap().expose().to_vec()
}

/// A document whose only value has `length` bytes of `a`.
fn of_length(length: usize) -> Document {
    let mut document = empty();
    Pen::of("alice", 0).put(&mut document, &field("value"), &"a".repeat(length));
    document
}

#[test]
fn a_document_is_text_that_a_person_can_read() {
    let text = String::from_utf8(encoded(&sample())).unwrap();
    assert!(text.starts_with("format = 1\nvault = \""));
    assert!(text.contains("\n[[field.password]]\nvalue = \"newer\"\nauthor = \"bob\"\n"));
    assert!(text.contains("\n[[tag.web]]\nabsent = 1\nplain = 1\n"));
    assert!(text.contains("\n[[field.key]]\nbase64 = \"//4=\"\n"));
    assert!(text.contains("\n[replaced]\nfield.password = [\""));
}

/// Holds in builds that check their assertions, as those of tests do.
#[test]
fn a_buffer_has_room_for_all_that_is_written_into_it() {
    let mut document = empty();
    let mut pen = Pen::of("alice", 0);
    for n in 0..40 {
        pen.put(&mut document, &field(&format!("field-{n:02}")), "x");
    }
    encoded(&document);
    // What is written twice as long, and what takes many names.
    pen.put(&mut document, &field("lines"), &"\n\"\\".repeat(20_000));
    encoded(&document);
    for n in 0..4_000 {
        pen.put(&mut document, &field("changed"), &n.to_string());
    }
    encoded(&document);
}

#[test]
fn readable_text_is_text_and_everything_else_is_base64() {
    let is_text = |b: &[u8]| matches!(bytes(b), Value::Text(_));
    for text in ["", "a", "ä\u{80}\u{2028}", "tab\tand\r\nlines\n", "\u{10ffff}"] {
        assert!(is_text(text.as_bytes()), "{text:?}");
        assert_eq!(bytes(text.as_bytes()).as_text(), Some(text));
    }
    for other in [b"\xff".as_slice(), b"\0", b"a\x1b[31m", b"\x7f", b"\xed\xa0\x80", b"\xc0\x80", b"\x0b"] {
        assert!(!is_text(other), "{other:?}");
        assert_eq!(bytes(other).present().unwrap().expose(), other);
    }
}

#[test]
fn a_value_built_as_the_wrong_kind_still_comes_back() {
    for content in [b"\xff\xfe".to_vec(), b"text".to_vec(), b"\0".to_vec()] {
        let shared = || std::sync::Arc::new(Plaintext::new(content.clone()));
        for value in [Value::Text(shared()), Value::Bytes(shared())] {
            let mut document = empty();
            let write = Pen::of("alice", 0).write(&field("a"), value);
            document.put(&field("a"), write);
            let back = codec::decode(&codec::encode(&document).unwrap()).unwrap();
            assert_eq!(back, document);
            let write = back.register(&field("a")).and_then(|r| r.live().next()).unwrap();
            assert_eq!(write.value.present().unwrap().expose(), content);
        }
    }
}

#[test]
fn every_changed_byte_is_refused_or_means_something_else() {
    let taken = edits::every_single_byte(&encoded(&sample()), recode);
    assert!(taken > 100, "letters in values may be others: {taken}");
}

#[test]
fn a_live_write_that_is_also_replaced_is_refused() {
    let document = sample();
    let name = document.register(&meta("kind")).unwrap().live().next().unwrap().name();
    let text = String::from_utf8(encoded(&document)).unwrap();
    let text = text.replace("[replaced]\n", &format!("[replaced]\nmeta.kind = [\"{name}\"]\n"));
    let text = text.trim_end_matches([' ', '\n']);
    let padded = format!("{text}\n{}\n", " ".repeat(codec::bucket(text.len() + 1) - text.len() - 2));
    let error = codec::decode(&Plaintext::from_text(&padded)).unwrap_err();
    assert_eq!(
        told(&error),
        format!(
            "the document is not canonical: line {}: replaced is not without a live write",
            padded.lines().count() - 1
        )
    );
}

/// Pads a text as the encoder does, so that nothing but the text can be wrong.
fn padded(text: &str) -> Plaintext {
    let text = text.trim_end_matches([' ', '\n']).to_owned() + "\n";
    let missing = codec::bucket(text.len()) - text.len();
    let padding = if missing == 0 { String::new() } else { " ".repeat(missing - 1) + "\n" };
    Plaintext::from_text(&(text + &padding))
}

#[test]
fn what_the_encoder_would_have_written_otherwise_is_refused_though_its_padding_is_right() {
    let good = String::from_utf8(encoded(&sample())).unwrap();
    assert_eq!(codec::decode(&padded(&good)).unwrap(), sample());
    let blocks: Vec<&str> = good.trim_end_matches([' ', '\n']).split("\n\n").collect();
    let (replaced, writes) = blocks.split_last().unwrap();
    let twice = |n: usize| [&writes[..=n], &writes[n..], &[*replaced]].concat().join("\n\n");
    let mut wrong = vec![
        good.replace("value = \"newer\"", "value = \"\\u0001\""),
        good.replace("value = \"newer\"", "base64 = \"bmV3ZXI=\""),
        good.replace("base64 = \"//4=\"", "base64 = \"//5=\""),
        good.replace("absent = 1", "absent = 2"),
        good.replace("plain = 1", "plain = 0"),
        good.replace("absent = 1\nplain = 1", "plain = 1\nabsent = 1"),
        good.replace("[[tag.web]]", "[[tag.web.x]]"),
        [writes, &["[replaced]"]].concat().join("\n\n"),
        [writes, &["[replaced]\nfield.password = []"]].concat().join("\n\n"),
        format!("{}\n{}", blocks.join("\n\n"), replaced.lines().nth(1).unwrap()),
        format!("{}\nwidth = []", blocks.join("\n\n")),
        format!("{}\n\n[replaced]", blocks.join("\n\n")),
    ];
    wrong.extend((1..writes.len()).map(twice));
    for text in wrong {
        assert_ne!(text, good);
        assert!(codec::decode(&padded(&text)).is_err(), "{text}");
    }
}

#[test]
fn writes_and_names_stand_in_order_and_once() {
    let text = String::from_utf8(encoded(&sample())).unwrap();
    let blocks: Vec<&str> = text.split("\n\n").collect();
    let mut swapped = blocks.clone();
    for n in 1..blocks.len() - 2 {
        swapped.swap(n, n + 1);
        assert!(codec::decode(&Plaintext::from_text(&swapped.join("\n\n"))).is_err());
        swapped.swap(n, n + 1);
    }
    assert!(codec::decode(&Plaintext::from_text(&swapped.join("\n\n"))).is_ok());
}

#[test]
fn padded_sizes_are_few_and_cost_an_eighth_at_most() {
    assert_eq!([0, 1, 1023, 1024, 1025, 8192, 8193].map(codec::bucket), [0, 1024, 1024, 1024, 2048, 8192, 9216]);
    assert_eq!([16_384, 16_385, 1 << 20, (1 << 20) + 1].map(codec::bucket), [16_384, 18_432, 1 << 20, 9 << 17]);
    let mut sizes = std::collections::BTreeSet::new();
    for length in (1..MAX_DOCUMENT).step_by(7) {
        let size = codec::bucket(length);
        sizes.insert(size);
        assert!(size >= length && size - length <= 1024.max(length / 8), "{length}");
        assert_eq!(codec::bucket(size), size, "a bucket is full");
        assert!(size == 1024 || codec::bucket(size - 1) == size);
    }
    assert!(sizes.len() < 90, "{}", sizes.len());
    assert_eq!(codec::bucket(MAX_DOCUMENT), MAX_DOCUMENT);
}

#[test]
fn all_lengths_within_a_bucket_look_alike() {
    let size = |length| encoded(&of_length(length)).len();
    let overhead = {
        let text = String::from_utf8(encoded(&of_length(0))).unwrap();
        text.trim_end_matches([' ', '\n']).len() + 1
    };
    for length in 0..2200 {
        assert_eq!(size(length), codec::bucket(overhead + length), "{length}");
        assert_eq!(size(length) % 1024, 0);
    }
    // To the byte: full, and one more.
    let full = 1024 - overhead;
    assert_eq!([size(0), size(full - 1), size(full), size(full + 1)], [1024, 1024, 1024, 2048]);
    for length in [full - 2, full - 1, full, full + 1, full + 2] {
        let bytes = encoded(&of_length(length));
        assert_eq!(recode(&bytes), Some(bytes));
    }
}

#[test]
fn padding_is_one_line_of_spaces_and_nothing_else() {
    let good = String::from_utf8(encoded(&of_length(10))).unwrap();
    let text = good.trim_end_matches([' ', '\n']);
    let missing = 1024 - text.len() - 1;
    let refused = |padding: String| codec::decode(&Plaintext::from_text(&format!("{text}\n{padding}"))).is_err();
    assert!(!refused(" ".repeat(missing - 1) + "\n"));
    assert!(refused(String::new()));
    assert!(refused(" ".repeat(missing)));
    assert!(refused("\n".repeat(missing)));
    assert!(refused("\t".repeat(missing - 1) + "\n"));
    assert!(refused("#".repeat(missing - 1) + "\n"));
    assert!(refused(" ".repeat(missing) + "\n"));
    assert!(refused(" ".repeat(missing + 1023) + "\n"));
    assert!(refused(" ".repeat(missing / 2) + "\n" + &" ".repeat(missing - missing / 2 - 2) + "\n"));
}

#[test]
fn values_up_to_the_limit_fit_whatever_is_in_them() {
    for fill in [b'a', b'"', b'\n', 0, 0xff, 0x7f] {
        let mut document = empty();
        let write = Pen::of("alice", 0).write(&field("value"), bytes(&vec![fill; MAX_VALUE]));
        document.put(&field("value"), write);
        let plaintext = codec::encode(&document).unwrap_or_else(|e| panic!("{fill}: {e}"));
        assert!(plaintext.len() <= MAX_DOCUMENT);
        assert!(codec::decode(&plaintext).unwrap() == document);
    }
}

#[test]
fn what_is_over_a_limit_is_refused_both_ways() {
    let key = "field.value".to_owned();
    let large = of_length(MAX_VALUE + 1);
    assert_eq!(codec::encode(&large), Err(DocumentError::ValueTooLarge { key: key.clone(), size: MAX_VALUE + 1 }));
    let text = String::from_utf8(encoded(&of_length(MAX_VALUE))).unwrap();
    let text = text.replacen("\"aaa", "\"aaaa", 1).replacen("  ", " ", 1);
    let error = codec::decode(&Plaintext::from_text(&text)).unwrap_err();
    assert_eq!(error, DocumentError::ValueTooLarge { key, size: MAX_VALUE + 1 });
    let mut document = empty();
    for name in ["a", "b", "c"] {
        Pen::of("alice", 0).put(&mut document, &field(name), &"a".repeat(MAX_VALUE));
    }
    assert!(matches!(codec::encode(&document), Err(DocumentError::TooLarge { .. })));
    let huge = Plaintext::new(vec![b' '; MAX_DOCUMENT + 1]);
    assert_eq!(codec::decode(&huge), Err(DocumentError::TooLarge { size: MAX_DOCUMENT + 1 }));
    assert_eq!(codec::decode(&Plaintext::new(vec![0xff])), Err(DocumentError::NotText));
}

#[test]
fn an_unknown_format_is_refused() {
    let text = String::from_utf8(encoded(&sample())).unwrap().replacen("format = 1", "format = 2", 1);
    let error = codec::decode(&Plaintext::from_text(&text)).unwrap_err();
    let text = told(&error);
    assert!(text.contains("format is not a format that this version knows"), "{text}");
}

#[test]
fn an_error_never_shows_a_value() {
    let secret = "hunter2";
    let mut document = empty();
    Pen::of("alice", 0).put(&mut document, &field("password"), secret);
    let good = encoded(&document);
    for place in 0..good.len() {
        for byte in [b'"', b'\n', b'[', 0] {
            let mut edited = good.clone();
            edited[place] = byte;
            if let Err(error) = codec::decode(&Plaintext::new(edited)) {
                assert!(!format!("{error} {error:?}").contains(secret), "{error}");
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(384))]

    #[test]
    fn every_document_comes_back_with_the_same_bytes(document in any_document()) {
        let encoded = codec::encode(&document).unwrap();
        let back = codec::decode(&encoded).unwrap();
        prop_assert_eq!(&back, &document);
        prop_assert!(codec::encode(&back).unwrap() == encoded);
        prop_assert_eq!(codec::bucket(encoded.len()), encoded.len());
        prop_assert!(back.registers().all(|(_, register)| *register != Register::default()));
    }

    #[test]
    fn several_edits_are_refused_or_mean_something_else(document in any_document(), edits in any_edits()) {
        edits::several(&encoded(&document), &edits, recode);
        edits::several(&encoded(&sample()), &edits, recode);
    }

    #[test]
    fn noise_never_makes_it_panic(bytes: Vec<u8>, text: String) {
        edits::noise(&bytes, &text, recode);
    }
}
