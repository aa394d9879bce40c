//! QR codes on a terminal, read by another program's eyes.

use covault::cli::qr::qr;

/// What a camera sees of the lines: `true` is dark. Each line must set its own colours and take them back.
fn seen(text: &str) -> Vec<Vec<bool>> {
    let mut rows = Vec::new();
    for line in text.lines() {
        let line = line.strip_prefix("\x1b[30;107m").and_then(|line| line.strip_suffix("\x1b[0m")).unwrap();
        let halves = |c| match c {
            '█' => (true, true),
            '▀' => (true, false),
            '▄' => (false, true),
            ' ' => (false, false),
            other => panic!("{other:?}"),
        };
        let (upper, lower) = line.chars().map(halves).unzip();
        rows.extend::<[Vec<bool>; 2]>([upper, lower]);
    }
    rows
}

fn decoded(text: &str) -> String {
    let rows = seen(&qr(text).unwrap());
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(rows[0].len() * 4, rows.len() * 4, |x, y| {
        if rows[y / 4][x / 4] { 0 } else { 255 }
    });
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1);
    grids[0].decode().unwrap().1
}

#[test]
fn a_code_says_what_it_was_given() {
    let invite = format!("covault-invite1-{}", "aB3_-".repeat(30));
    let request = format!("covault-request1-{}", "Zm9ybWF0".repeat(120));
    for text in ["x", invite.as_str(), &request, "Söhne"] {
        assert_eq!(decoded(text), text);
    }
}

#[test]
fn a_code_has_four_light_modules_around_it() {
    let rows = seen(&qr("covault-invite1-AQ").unwrap());
    let side = rows[0].len();
    assert!((21 + 8..=177 + 8).contains(&side) && (side - 8 - 17).is_multiple_of(4), "{side}");
    assert!(rows.iter().all(|row| row.len() == side) && rows.len() == side + 1);
    for (y, row) in rows.iter().enumerate() {
        for (x, dark) in row.iter().enumerate() {
            let inside = (4..side - 4).contains(&x) && (4..side - 4).contains(&y);
            assert!(inside || !dark, "{x},{y}");
        }
    }
    assert!(rows[4][4] && rows[4][side - 5] && rows[side - 5][4] && !rows[5][5]);
}

#[test]
fn a_text_that_is_too_long_has_no_code() {
    assert!(qr(&"x".repeat(2_953)).is_some());
    assert!(qr(&"x".repeat(2_954)).is_none());
}
