//! A secret in the clear: wiped on drop, in locked memory where the system allows it.
//!
//! No `Clone`, `Display` or `Serialize`, and a `Debug` that shows nothing: to copy or print a secret takes
//! a call that says so.

use std::cell::Cell;
use std::fmt;
use std::mem::ManuallyDrop;

use zeroize::Zeroize;

/// Bytes of a secret. The buffer never grows, so that no unwiped copy is left behind by a reallocation.
pub struct Plaintext {
    bytes: Vec<u8>,
}

impl Plaintext {
    /// Takes `bytes` over and locks their pages where the limit on locked memory allows it.
    ///
    /// The pages stay locked until the process ends: locks do not nest, and unlocking one value's page would let the
    /// value beside it be swapped out.
    pub fn new(bytes: Vec<u8>) -> Self {
        lock(&bytes);
        Self { bytes }
    }

    /// Copies a string slice into a buffer of its own.
    pub fn from_text(text: &str) -> Self {
        Self::new(text.as_bytes().to_vec())
    }

    /// The secret bytes. Keep the borrow short and copy nothing out of it without need.
    pub fn expose(&self) -> &[u8] {
        &self.bytes
    }

    /// The secret as text, where it is UTF-8.
    pub fn expose_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

thread_local! {
    /// The page that was locked last: small values lie side by side.
    static LAST_PAGE: Cell<usize> = const { Cell::new(0) };
}

fn lock(bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    let page = |at: usize| at / region::page::size();
    let start = bytes.as_ptr().addr();
    let (first, last) = (page(start), page(start + bytes.len() - 1));
    if first == last && LAST_PAGE.get() == first {
        return;
    }
    let _kept = region::lock(bytes.as_ptr(), bytes.len()).map(ManuallyDrop::new);
    LAST_PAGE.set(last);
}

impl Drop for Plaintext {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plaintext(redacted)")
    }
}

impl PartialEq for Plaintext {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Plaintext {}
