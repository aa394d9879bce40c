//! Text from a repository on its way to a terminal.

use std::borrow::Cow;

use covault::model::escape::{json, terminal, terminal_multiline};

#[test]
fn escape_sequences_and_controls_become_visible() {
    assert_eq!(terminal("a\u{1b}[31mb\r\n\t\u{7f}\u{9b}"), "a\\u{1b}[31mb\\u{d}\\u{a}\\u{9}\\u{7f}\\u{9b}");
    assert_eq!(terminal_multiline("a\n\tb\r\u{1b}"), "a\n\tb\\u{d}\\u{1b}");
}

#[test]
fn direction_marks_and_invisible_characters_become_visible() {
    for c in "\u{202a}\u{202e}\u{2066}\u{2069}\u{200e}\u{200f}\u{61c}\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}\u{2028}\u{2029}\u{e0041}\u{e007f}\u{e0100}\u{3164}\u{ad}".chars() {
        assert_eq!(terminal(&c.to_string()), c.escape_unicode().to_string());
        assert_eq!(terminal_multiline(&c.to_string()), c.escape_unicode().to_string());
    }
}

#[test]
fn ordinary_text_is_untouched_and_not_copied() {
    for text in ["", "prod/db", "Grüße, 你好, שלום, 🌊❤️ e\u{301}", "a\\b \u{a0}"] {
        assert!(matches!(terminal(text), Cow::Borrowed(same) if same == text));
    }
}

proptest::proptest! {
    #[test]
    fn nothing_dangerous_is_left(text in "(?s)(.|[\u{0}-\u{a0}]|[\u{2000}-\u{2070}]|[\u{e0000}-\u{e01ff}]){0,40}") {
        let dangerous = |c: char| {
            matches!(u32::from(c), 0..=0x1f | 0x7f..=0x9f | 0x61c | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0xe0000..=0xe01ff)
        };
        proptest::prop_assert!(!terminal(&text).contains(dangerous));
        proptest::prop_assert!(!terminal_multiline(&text).contains(|c| dangerous(c) && c != '\n' && c != '\t'));
    }
}

#[test]
fn json_says_the_same_and_shows_nothing_of_its_own() {
    let plain = "{\n  \"a\": \"Grüße\"\n}".to_owned();
    assert_eq!(json(plain.clone()), plain);
    let value = "a\u{202e}b\u{9b}\u{e0041}\u{7f}c";
    let hidden = format!("{{\n\"a\": \"{value}\"\n}}");
    let shown = json(hidden.clone());
    assert_eq!(shown, "{\n\"a\": \"a\\u202eb\\u009b\\udb40\\udc41\\u007fc\"\n}");
    let read: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(read["a"], value);
}
