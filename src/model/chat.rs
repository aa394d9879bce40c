//! One line for chat: a prefix and base64url without padding, as it comes back from a chat program.
//!
//! Those wrap lines and put invisible break marks into long words, which are left out here; every other change is
//! refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use zeroize::Zeroizing;

/// The longest line that is read, in bytes.
pub(super) const MAX_LINE: usize = 16 << 10;

/// `prefix` and the bytes.
pub(super) fn to_line(prefix: &str, bytes: &[u8]) -> Zeroizing<String> {
    // In one go, so that no buffer is left behind: an invite holds a token.
    let mut line = Zeroizing::new(String::with_capacity(prefix.len() + bytes.len().div_ceil(3) * 4));
    line.push_str(prefix);
    BASE64URL.encode_string(bytes, &mut line);
    line
}

/// What is left of `text` without white space and invisible marks; `None` where it is longer than [`MAX_LINE`].
pub(super) fn squeeze(text: &str) -> Option<Zeroizing<String>> {
    let spare = |c: &char| c.is_whitespace() || matches!(c, '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}');
    let mut line = Zeroizing::new(String::with_capacity(text.len().min(MAX_LINE)));
    for c in text.chars().filter(|c| !spare(c)) {
        if line.len() + c.len_utf8() > MAX_LINE {
            return None;
        }
        line.push(c);
    }
    Some(line)
}

/// The bytes after `prefix` in a squeezed line.
pub(super) fn bytes(prefix: &str, line: &str) -> Option<Zeroizing<Vec<u8>>> {
    BASE64URL.decode(line.strip_prefix(prefix)?).ok().map(Zeroizing::new)
}
