//! Faults: killed anywhere, a system that says no, wrong clocks, two at once, flipped bits. Promise 1: old, new, or a
//! clear error. A command is one line in [`commands`]; every campaign tries it.

mod campaign;
mod clock;
pub mod commands;
mod damage;
mod disk;
mod errors;
mod kill;
mod pairs;
mod repeat;
pub mod rig;
mod scene;
mod shim;
mod state;
mod two;
