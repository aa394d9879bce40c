//! Makes text from a repository safe to show.
//!
//! Never makes it readable again: what is escaped here is for eyes, not for parsers.

use std::borrow::Cow;

/// One line for a terminal: controls, direction marks and invisible characters become `\u{…}`.
pub fn terminal(text: &str) -> Cow<'_, str> {
    escape(text, false)
}

/// The same, but line feeds and tabs stay.
pub fn terminal_multiline(text: &str) -> Cow<'_, str> {
    escape(text, true)
}

fn escape(text: &str, multiline: bool) -> Cow<'_, str> {
    let hidden = |c: char| is_hidden(c) && !(multiline && matches!(c, '\n' | '\t'));
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len().saturating_add(16));
    for c in text.chars() {
        if hidden(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// A JSON text that says the same and shows nothing of its own on a terminal. Line feeds between its parts stay.
pub fn json(text: String) -> String {
    let hidden = |c: char| c != '\n' && is_hidden(c);
    if !text.contains(hidden) {
        return text;
    }
    let mut out = String::with_capacity(text.len().saturating_add(64));
    for c in text.chars() {
        if hidden(c) {
            // Such a character stands in a string: nowhere else may one.
            let mut units = [0; 2];
            out.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            out.push(c);
        }
    }
    out
}

/// A character that moves, colours or hides what stands around it, or that nobody can see.
pub fn is_hidden(c: char) -> bool {
    c.is_control() // C0, DEL, C1: escape sequences, carriage return, backspace
        || matches!(c,
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' // directions
            | '\u{2028}' | '\u{2029}' // line breaks that are none
            | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{feff}' | '\u{180e}' // no width
            | '\u{00ad}' | '\u{034f}' // soft hyphen, grapheme joiner
            | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{17b4}' | '\u{17b5}' // letters without a shape
            | '\u{fff9}'..='\u{fffb}' // annotations
            | '\u{1d173}'..='\u{1d17a}' // musical controls
            | '\u{e0000}'..='\u{e0fff}' // tags, variation selectors that carry hidden text
        )
}
