//! Faults: killed anywhere, a system that says no, two at once, flipped bits. Promise 1: old, new, or a clear error.

mod damage;
mod disk;
mod errors;
mod kill;
pub mod rig;
mod two;
