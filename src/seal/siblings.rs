//! A sibling file: several sealed versions of one secret that wait to be joined, in the place of one.
//!
//! It is what a merge without a key leaves behind. Nothing here looks into a member: each is an ordinary sealed file, and
//! the caller's rules say what it is worth.

use sha2::{Digest, Sha256};

use super::error::SealError;
use super::layout::MAX_FILE;

/// How a sibling file begins. The NUL makes it a binary file for git, forges and jj.
const MAGIC: &[u8] = b"covault-siblings 1\n\0";

/// How a sibling file of any version begins.
const ANY_MAGIC: &[u8] = b"covault-siblings ";

/// No file of a secret is larger, be it one sealed version or siblings.
pub const MAX_STORED: usize = 32 << 20;

/// Whether a file says that it holds siblings.
pub fn is_siblings(file: &[u8]) -> bool {
    file.starts_with(ANY_MAGIC)
}

/// The sealed files in a secret's file, in their order: itself where it holds no siblings.
///
/// # Errors
/// Sizes, another version of the form, and whatever [`bundle`] would not have written.
pub fn members(file: &[u8]) -> Result<Vec<&[u8]>, SealError> {
    if !is_siblings(file) {
        return Ok(vec![file]);
    }
    if file.len() > MAX_STORED {
        return Err(SealError::FileTooLarge { size: file.len(), limit: MAX_STORED });
    }
    let rest = file.strip_prefix(MAGIC).ok_or(SealError::SiblingsVersion)?;
    let (count, mut rest) = number(rest)?;
    let mut members = Vec::new();
    let mut before: Option<[u8; 32]> = None;
    for _ in 0..count {
        let (length, after) = number(rest)?;
        let (member, after) = after.split_at_checked(length).ok_or(SealError::SiblingsForm)?;
        if length > MAX_FILE {
            return Err(SealError::FileTooLarge { size: length, limit: MAX_FILE });
        }
        let digest = digest(member);
        if is_siblings(member) || before.is_some_and(|before| before >= digest) {
            return Err(SealError::SiblingsForm);
        }
        before = Some(digest);
        members.push(member);
        rest = after;
    }
    if members.len() < 2 || !rest.is_empty() {
        return Err(SealError::SiblingsForm);
    }
    Ok(members)
}

/// One file for several sealed ones, sorted and each once; one alone stays what it is.
///
/// # Errors
/// `FileTooLarge` where together they are too large, `SiblingsForm` where there is none.
pub fn bundle(mut files: Vec<Vec<u8>>) -> Result<Vec<u8>, SealError> {
    files.sort_by_cached_key(|file| digest(file));
    files.dedup();
    if files.len() < 2 {
        return files.pop().ok_or(SealError::SiblingsForm);
    }
    let size = MAGIC.len() + 4 + files.iter().map(|file| 4 + file.len()).sum::<usize>();
    if size > MAX_STORED {
        return Err(SealError::FileTooLarge { size, limit: MAX_STORED });
    }
    let mut out = Vec::with_capacity(size);
    out.extend_from_slice(MAGIC);
    push(&mut out, files.len())?;
    for file in &files {
        push(&mut out, file.len())?;
        out.extend_from_slice(file);
    }
    Ok(out)
}

fn digest(file: &[u8]) -> [u8; 32] {
    Sha256::digest(file).into()
}

/// A big-endian number of 32 bits, and what follows.
fn number(bytes: &[u8]) -> Result<(usize, &[u8]), SealError> {
    let (head, rest) = bytes.split_first_chunk::<4>().ok_or(SealError::SiblingsForm)?;
    let number = usize::try_from(u32::from_be_bytes(*head)).map_err(|_| SealError::SiblingsForm)?;
    Ok((number, rest))
}

fn push(out: &mut Vec<u8>, number: usize) -> Result<(), SealError> {
    let number = u32::try_from(number).map_err(|_| SealError::SiblingsForm)?;
    out.extend_from_slice(&number.to_be_bytes());
    Ok(())
}
