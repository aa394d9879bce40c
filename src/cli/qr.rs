//! A QR code on a terminal: two modules a character, black on white whatever the terminal's colours are.
//!
//! For invites and requests alone, which go to somebody's phone anyway; never for a secret.

use qrcode::{Color, EcLevel, QrCode};

/// Light modules around the code, as the standard asks for.
const QUIET: usize = 4;
const PAPER: &str = "\x1b[30;107m";
const END: &str = "\x1b[0m";

/// The code, line by line with colours (so it must not be escaped on its way out); `None` where `text` is too
/// long for one.
pub fn qr(text: &str) -> Option<String> {
    // A screen is clean and near: the lowest correction makes the smallest code.
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let (width, modules) = (code.width(), code.to_colors());
    let dark = |x: usize, y: usize| {
        let (x, y) = (x.checked_sub(QUIET)?, y.checked_sub(QUIET)?);
        let inside = x < width && y < width;
        inside.then(|| modules.get(y * width + x)).flatten().filter(|color| **color == Color::Dark)
    };
    let side = width + 2 * QUIET;
    let mut out = String::with_capacity(side * side * 2);
    for y in (0..side).step_by(2) {
        out.push_str(PAPER);
        out.extend((0..side).map(|x| match (dark(x, y).is_some(), dark(x, y + 1).is_some()) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        }));
        out.push_str(END);
        out.push('\n');
    }
    Some(out)
}
