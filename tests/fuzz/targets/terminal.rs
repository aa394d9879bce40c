//! Nothing that reaches a terminal moves, colours or hides what stands around it; and JSON still says the same.

use covault::model::escape::{is_hidden, json, terminal, terminal_multiline};
use serde_json::Value;

pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let line = terminal(&text);
    assert!(!line.chars().any(is_hidden) && !line.bytes().any(|byte| byte < b' ' || byte == 0x7f));
    let lines = terminal_multiline(&text);
    assert!(!lines.chars().any(|c| is_hidden(c) && !matches!(c, '\n' | '\t')));
    for shown in [&line, &lines] {
        assert!(shown.len() <= 10 * text.len(), "{} bytes became {}", text.len(), shown.len());
        assert_eq!(terminal_multiline(shown), **shown, "what is safe stays as it is");
    }
    if !text.chars().any(is_hidden) {
        assert_eq!(line, text, "what was safe stays as it is");
    }
    // JSON of ours, with these characters in it: only line feeds between its parts are as they were.
    let value = serde_json::json!({ "a": text, text.as_ref(): [text.chars().rev().collect::<String>()] });
    for spelled in [value.to_string(), serde_json::to_string_pretty(&value).expect("JSON")] {
        let safe = json(spelled);
        assert!(!safe.chars().any(|c| c != '\n' && is_hidden(c)));
        assert_eq!(serde_json::from_str::<Value>(&safe).expect("still JSON"), value);
    }
    // Somebody else's.
    if let Ok(value) = serde_json::from_str::<Value>(&text)
        && !text.contains(['\t', '\r'])
    {
        let safe = json(text.into_owned());
        assert_eq!(serde_json::from_str::<Value>(&safe).expect("still JSON"), value);
    }
}
