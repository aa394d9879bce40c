//! The fake, left running for a person to try commands against: not a test.

use std::path::PathBuf;
use std::time::Duration;

use super::fake::Fake;

/// `COVAULT_SERVE=FILE cargo test --locked serve_the_fake -- --ignored`: writes URL and management key to FILE, two lines, and
/// serves until FILE is removed.
#[test]
#[ignore = "serves until it is told to stop"]
fn serve_the_fake() {
    let file = PathBuf::from(std::env::var_os("COVAULT_SERVE").expect("COVAULT_SERVE names a file"));
    let fake = Fake::start();
    std::fs::write(&file, format!("{}\n{}\n", fake.url(), fake.management_key())).unwrap();
    while file.exists() {
        std::thread::sleep(Duration::from_millis(200));
    }
}
