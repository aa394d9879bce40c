//! Edits of encoded bytes: whatever somebody changes, it is refused or it is an encoding of something else.

use proptest::prelude::*;
use proptest::sample::Index;

/// `recode` decodes and encodes again; `None` where it refuses.
pub type Recode = fn(&[u8]) -> Option<Vec<u8>>;

fn check(edited: &[u8], recode: Recode) -> usize {
    match recode(edited) {
        None => 0,
        Some(again) => {
            assert!(again == edited, "not canonical, yet taken:\n{}", String::from_utf8_lossy(edited));
            1
        }
    }
}

/// What to put in the place of `old`: each of its bits turned, its neighbours, and all that means something in TOML.
/// `EVERY_BYTE=1` takes all there are, which needs a minute.
fn others(old: u8) -> Vec<u8> {
    if std::env::var_os("EVERY_BYTE").is_some() {
        return (0..=255).filter(|b| *b != old).collect();
    }
    let mut some: Vec<u8> = (0..8).map(|bit| old ^ (1 << bit)).collect();
    some.extend([old.wrapping_add(1), old.wrapping_sub(1), 0xc3]);
    some.extend(b"\0\n\r \"#,0=A[\\]ag");
    some.retain(|b| *b != old);
    some.sort_unstable();
    some.dedup();
    some
}

/// Other bytes at every place, every byte left out, and some put in. Returns how many edits were taken.
pub fn every_single_byte(good: &[u8], recode: Recode) -> usize {
    assert!(recode(good).as_deref() == Some(good));
    let mut taken = 0;
    let mut edited = good.to_vec();
    for place in 0..good.len() {
        // One space of the padding is like another.
        if place > 100 && good.len() - place > 100 && good[place - 100..place + 100].iter().all(|b| *b == b' ') {
            continue;
        }
        for byte in others(good[place]) {
            edited[place] = byte;
            taken += check(&edited, recode);
        }
        edited[place] = good[place];
        let mut shorter = good.to_vec();
        shorter.remove(place);
        taken += check(&shorter, recode);
        taken += check(&good[..place], recode);
        for byte in *b" \n\"\\#0a" {
            let mut longer = good.to_vec();
            longer.insert(place, byte);
            taken += check(&longer, recode);
        }
    }
    for tail in [" ", "\n", "\0", "#", " \n", "x = 1\n", "\n[[entry]]\n"] {
        taken += check(&[good, tail.as_bytes()].concat(), recode);
    }
    taken
}

/// Something that a person or a program could do to a text.
#[derive(Debug, Clone)]
pub enum Edit {
    Replace(Index, Index, Vec<u8>),
    Repeat(Index, Index),
    SwapLines(Index, Index),
    DropLine(Index),
    RepeatLine(Index),
    Text(&'static str, &'static str, Index),
}

pub fn any_edits() -> impl Strategy<Value = Vec<Edit>> {
    let place = any::<Index>;
    let pairs = prop::sample::select(vec![
        ("\n", "\r\n"),
        (" = ", "="),
        (" = ", "  = "),
        ("\"", "'"),
        ("\"", "\"\"\""),
        ("\\n", "\\u000A"),
        ("\\u00", "\\U000000"),
        ("\\t", "\t"),
        ("a", "\\u0061"),
        ("a", "A"),
        ("0", "1"),
        ("1", "0x1"),
        ("1", "+1"),
        ("1", "01"),
        ("1", "1_0"),
        ("1", "9223372036854775808"),
        (", ", ","),
        ("]", ", ]"),
        ("[", "[ "),
        ("\n", " # comment\n"),
        ("\n\n", "\n"),
        ("\n\n", "\n\n\n"),
        ("Z\"", "+00:00\""),
        ("T", "t"),
        ("Z\"", ".0Z\""),
        ("value", "\"value\""),
        ("field.", "field . "),
        ("\n ", "\n\t"),
        ("alice", "bob"),
        ("alice", "älice"),
    ]);
    let edit = prop_oneof![
        4 => (place(), place(), prop::collection::vec(any::<u8>(), 0..5)).prop_map(|(a, b, c)| Edit::Replace(a, b, c)),
        4 => (place(), place(), "[ -~\n]{0,6}").prop_map(|(a, b, c)| Edit::Replace(a, b, c.into_bytes())),
        1 => (place(), place()).prop_map(|(a, b)| Edit::Repeat(a, b)),
        2 => (place(), place()).prop_map(|(a, b)| Edit::SwapLines(a, b)),
        1 => place().prop_map(Edit::DropLine),
        1 => place().prop_map(Edit::RepeatLine),
        6 => (pairs, place()).prop_map(|((a, b), n)| Edit::Text(a, b, n)),
    ];
    prop::collection::vec(edit, 1..4)
}

fn apply(bytes: &mut Vec<u8>, edit: &Edit) {
    let mut lines: Vec<Vec<u8>> = bytes.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
    match edit {
        _ if bytes.is_empty() => return,
        Edit::Replace(at, length, with) => {
            let from = at.index(bytes.len());
            let to = (from + length.index(6)).min(bytes.len());
            bytes.splice(from..to, with.iter().copied());
            return;
        }
        Edit::Repeat(at, length) => {
            let from = at.index(bytes.len());
            let part = bytes[from..(from + length.index(80)).min(bytes.len())].to_vec();
            bytes.splice(from..from, part);
            return;
        }
        Edit::Text(from, to, n) => {
            let found: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(from.as_bytes())).collect();
            if !found.is_empty() {
                let at = found[n.index(found.len())];
                bytes.splice(at..at + from.len(), to.bytes());
            }
            return;
        }
        Edit::SwapLines(a, b) => {
            let (a, b) = (a.index(lines.len()), b.index(lines.len()));
            lines.swap(a, b);
        }
        Edit::DropLine(at) => {
            lines.remove(at.index(lines.len()));
        }
        Edit::RepeatLine(at) => {
            let at = at.index(lines.len());
            lines.insert(at, lines[at].clone());
        }
    }
    *bytes = lines.concat();
}

/// Some edits at once.
pub fn several(good: &[u8], edits: &[Edit], recode: Recode) {
    let mut edited = good.to_vec();
    edits.iter().for_each(|edit| apply(&mut edited, edit));
    check(&edited, recode);
}

/// Anything at all, and any text at all.
pub fn noise(bytes: &[u8], text: &str, recode: Recode) {
    check(bytes, recode);
    check(text.as_bytes(), recode);
}
