//! What comes on stdin: the value that a command is given, and what nobody asked for.
//!
//! It asks nobody: a terminal is for [`super::ask`].

use std::io::{IsTerminal as _, Read};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::Context as _;
#[cfg(unix)]
use rustix::fs::FileType;
use zeroize::Zeroizing;

use super::out;
use crate::model::codec::MAX_VALUE;
use crate::plaintext::Plaintext;

/// How long a person is left to wonder what is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether somebody types there.
pub fn is_terminal() -> bool {
    std::io::stdin().is_terminal()
}

/// All that is there; one final newline of a one-line value is dropped. Empty where there is nothing.
pub fn value() -> anyhow::Result<Plaintext> {
    let mut bytes = contents(std::io::stdin().lock()).context("cannot read stdin")?;
    let one_line = bytes.iter().filter(|byte| **byte == b'\n').count() == 1 && bytes.ends_with(b"\n");
    if one_line {
        bytes.pop();
        if bytes.ends_with(b"\r") {
            bytes.pop();
        }
    }
    Ok(Plaintext::new(bytes.to_vec()))
}

/// The same where the command line says nothing of stdin. A pipe that somebody holds open and writes nothing to is waited
/// for, as what it may still bring must not be lost; what is waited for is said.
pub fn value_unannounced() -> anyhow::Result<Plaintext> {
    let (read, waiting) = channel::<()>();
    std::thread::spawn(move || {
        if waiting.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            out::to_stderr("waiting for the value on stdin; where there is none, end the command with: </dev/null");
        }
    });
    let value = value();
    drop(read);
    value
}

/// Whether it is a file whose beginning somebody has read: a shell that takes a list line by line, and wants the rest.
#[cfg(unix)]
pub fn is_begun() -> bool {
    is_one_of(&[FileType::RegularFile]) && rustix::fs::tell(std::io::stdin()).is_ok_and(|at| at > 0)
}

/// Whether a pipe holds something that nobody has read. A file does not count: a shell may be in the middle of it.
#[cfg(unix)]
pub fn has_unread() -> bool {
    let waits = || rustix::io::ioctl_fionread(std::io::stdin()).is_ok_and(|bytes| bytes > 0);
    is_one_of(&[FileType::Fifo, FileType::Socket]) && waits()
}

/// The same where the system does not say.
#[cfg(not(unix))]
pub fn is_begun() -> bool {
    false
}

/// The same where the system does not say.
#[cfg(not(unix))]
pub fn has_unread() -> bool {
    false
}

/// What `source` has, to one byte more than a value may have. A buffer that is too small is wiped, and does not grow:
/// growing would leave an unwiped copy behind.
pub fn contents(source: impl Read) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut source = source.take(MAX_VALUE as u64 + 1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(1 << 12));
    loop {
        let room = bytes.capacity() - bytes.len();
        if source.by_ref().take(room as u64).read_to_end(&mut bytes)? < room {
            return Ok(bytes);
        }
        let mut larger = Zeroizing::new(Vec::with_capacity(bytes.capacity() * 4));
        larger.extend_from_slice(&bytes);
        bytes = larger;
    }
}

#[cfg(unix)]
fn is_one_of(kinds: &[FileType]) -> bool {
    rustix::fs::fstat(std::io::stdin()).is_ok_and(|about| kinds.contains(&FileType::from_raw_mode(about.st_mode)))
}
