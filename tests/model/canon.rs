//! The encoder and the reader that takes nothing else.

use covault::model::canon::{CanonError, Reader, Writer};
use proptest::prelude::*;

use super::edits::{self, any_edits};
use super::world::cases;

/// A text with one line of each kind.
fn sample(a: &str, n: u64, items: &[String]) -> String {
    let mut w = Writer::with_capacity(0);
    w.string("a", a).integer("n", n).strings("items", items).header("[[head]]").string("b", a);
    w.finish()
}

fn read(text: &str) -> Result<(String, u64, Vec<String>, String), CanonError> {
    let mut r = Reader::new(text);
    let (a, n, items) = (r.string("a")?, r.integer("n")?, r.strings("items")?);
    r.header("[[head]]")?;
    let b = r.string("b")?;
    r.end()?;
    Ok((a, n, items, b))
}

fn recode(bytes: &[u8]) -> Option<Vec<u8>> {
    let (a, n, items, b) = read(std::str::from_utf8(bytes).ok()?).ok()?;
    let mut w = Writer::default();
    w.string("a", &a).integer("n", n).strings("items", &items).header("[[head]]").string("b", &b);
    Some(w.finish().into_bytes())
}

#[test]
fn every_kind_of_line_is_spelled_in_one_way() {
    let text = sample("x\"\\\n\r\t\u{1}\u{7f}ä\u{80}", 12, &["one".into(), String::new()]);
    assert_eq!(
        text,
        "a = \"x\\\"\\\\\\n\\r\\t\\u0001\\u007Fä\u{80}\"\nn = 12\nitems = [\"one\", \"\"]\n\n[[head]]\n\
         b = \"x\\\"\\\\\\n\\r\\t\\u0001\\u007Fä\u{80}\"\n"
    );
    assert_eq!(sample("", 0, &[]), "a = \"\"\nn = 0\nitems = []\n\n[[head]]\nb = \"\"\n");
}

#[test]
fn another_line_in_place_of_a_header_is_not_the_end() {
    let expected = "[[head]]".to_owned();
    let header = |text: &str| Reader::new(text).header("[[head]]").unwrap_err();
    assert_eq!(header("a = 1\n"), CanonError::Unexpected { line: 1, expected: expected.clone() });
    assert_eq!(header(""), CanonError::Ended { line: 1, expected });
}

#[test]
fn other_spellings_of_the_same_values_are_refused() {
    let good = "a = \"x\"\nn = 1\nitems = [\"1\", \"2\"]\n\n[[head]]\nb = \"\\u0001\"\n";
    assert!(read(good).is_ok());
    let swaps = [
        ("a = \"x\"", "a=\"x\""),
        ("a = \"x\"", "a  = \"x\""),
        ("a = \"x\"", "a = 'x'"),
        ("a = \"x\"", "a = \"\"\"x\"\"\""),
        ("a = \"x\"", "\"a\" = \"x\""),
        ("a = \"x\"", "a = \"x\" "),
        ("a = \"x\"", "a = \"x\" # x"),
        ("a = \"x\"", "a = \"\\u0078\""),
        ("a = \"x\"", "a = \"\\U00000078\""),
        ("a = \"x\"", "a = \"\\b\""),
        ("a = \"x\"", "a = \"\\e\""),
        ("a = \"x\"", "a = \"\\x01\""),
        ("a = \"x\"", "a = \"\\u000A\""),
        ("a = \"x\"", "a = \"\\u007f\""),
        ("a = \"x\"", "a = \"\\u+001\""),
        ("a = \"x\"", "a = \"\\u001\""),
        ("a = \"x\"", "a = \"\\u00é\""),
        ("a = \"x\"", "a = \"\\uD800\""),
        ("a = \"x\"", "a = \"\\\""),
        ("a = \"x\"", "a = \"\t\""),
        ("a = \"x\"", "a = \"\u{7f}\""),
        ("a = \"x\"", "a = \"\\n\t\""),
        ("a = \"x\"", "a = \"x"),
        ("a = \"x\"", "a = x"),
        ("a = \"x\"", "a = \"x\"\"\""),
        ("n = 1", "n = +1"),
        ("n = 1", "n = -1"),
        ("n = 1", "n = 01"),
        ("n = 1", "n = 1 "),
        ("n = 1", "n = 1_0"),
        ("n = 1", "n = 0x1"),
        ("n = 1", "n = 1.0"),
        ("n = 1", "n = "),
        ("n = 1", "n = \"1\""),
        ("n = 1", "n = 9223372036854775808"),
        ("n = 1", "n = 18446744073709551616"),
        ("n = 1", "n = ٣"),
        ("[\"1\", \"2\"]", "[\"1\",\"2\"]"),
        ("[\"1\", \"2\"]", "[\"1\", \"2\", ]"),
        ("[\"1\", \"2\"]", "[\"1\", \"2\",]"),
        ("[\"1\", \"2\"]", "[ \"1\", \"2\" ]"),
        ("[\"1\", \"2\"]", "[, \"1\"]"),
        ("[\"1\", \"2\"]", "[\"1\" \"2\"]"),
        ("[\"1\", \"2\"]", "[\"1\", 2]"),
        ("[\"1\", \"2\"]", "[\"1\"]]"),
        ("[\"1\", \"2\"]", "["),
        ("[\"1\", \"2\"]", "]"),
        ("[\"1\", \"2\"]", "[\n\"1\"]"),
        ("\n\n[[", "\n[["),
        ("\n\n[[", "\n\n\n[["),
        ("[[head]]", "[[ head ]]"),
        ("[[head]]", "[head]"),
        ("[[head]]", "[[head]] "),
        ("b = ", "B = "),
        ("\n", "\r\n"),
        ("\n", ""),
    ];
    for (from, to) in swaps {
        assert!(read(&good.replacen(from, to, 1)).is_err(), "{to}");
    }
    for end in ["\n", " ", "\0", "c = 1\n", "# comment\n"] {
        assert!(matches!(read(&format!("{good}{end}")), Err(CanonError::Trailing { line: 7 })), "{end:?}");
    }
    assert!(read(good.trim_end()).is_err(), "the last line has its end");
    assert!(read(&format!("\u{feff}{good}")).is_err());
    assert!(read(&format!("\n{good}")).is_err());
}

#[test]
fn an_error_says_where() {
    let text = "a = \"x\"\nn = no\nitems = []\n";
    let Err(CanonError::Unexpected { line, expected }) = read(text) else { panic!() };
    assert_eq!((line, expected.as_str()), (2, "n = an integer"));
    assert!(matches!(read("a = \"x\"\n"), Err(CanonError::Ended { line: 2, .. })));
    assert!(matches!(read("a = \"x\"\nn = 1\nitems = []\n"), Err(CanonError::Ended { line: 4, .. })));
    let mut r = Reader::new(text);
    r.string("a").unwrap();
    assert_eq!((r.line(), r.position(), r.peek_key()), (2, 8, Some("n")));
    assert!(matches!(r.wrong("a", "y"), CanonError::Value { line: 1, .. }));
    assert!(matches!(r.end(), Err(CanonError::Trailing { line: 2 })));
}

#[test]
fn the_largest_integer_is_the_largest_of_toml() {
    let largest = i64::MAX.unsigned_abs();
    assert_eq!(read(&sample("", largest, &[])).unwrap().1, largest);
    assert!(read(&sample("", largest + 1, &[])).is_err());
}

#[test]
fn every_changed_byte_is_refused_or_means_something_else() {
    let text = sample("x\\\n\u{1}ü", 107, &["".into(), "\"".into(), "two".into()]);
    let taken = edits::every_single_byte(text.as_bytes(), recode);
    assert!(taken > 100, "letters in strings may be others: {taken}");
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn what_was_written_is_read(a in any::<String>(), n in 0..=i64::MAX.unsigned_abs(), items in prop::collection::vec(any::<String>(), 0..4)) {
        let text = sample(&a, n, &items);
        prop_assert_eq!(read(&text).unwrap(), (a.clone(), n, items, a));
        prop_assert_eq!(text.lines().count(), 6);
    }

    #[test]
    fn control_characters_come_back(a in "[\\x00-\\x20\\x7f-\\xa0\"\\\\u]{0,20}", items: [char; 3]) {
        let items = items.map(String::from);
        prop_assert_eq!(read(&sample(&a, 1, &items)).unwrap(), (a.clone(), 1, items.to_vec(), a));
    }

    #[test]
    fn several_edits_are_refused_or_mean_something_else(a: String, n: u32, items: [String; 2], edits in any_edits()) {
        edits::several(sample(&a, n.into(), &items).as_bytes(), &edits, recode);
    }

    #[test]
    fn noise_never_makes_the_reader_panic(bytes: Vec<u8>, text: String, line in "[\"\\\\u\\[\\], a0=\n]{0,30}") {
        edits::noise(&bytes, &text, recode);
        for text in [text, line] {
            let mut r = Reader::new(&text);
            let _ = (r.peek_key(), r.string("a"), r.integer("a"), r.strings("a"), r.header("[[a]]"), r.rest());
            for wrapped in [format!("a = {text}\n"), format!("a = \"{text}\"\n"), format!("a = [{text}]\n")] {
                let _ = Reader::new(&wrapped).string("a");
                let _ = Reader::new(&wrapped).integer("a");
                let _ = Reader::new(&wrapped).strings("a");
            }
        }
    }
}
