//! The house itself: its layers, its files, its reference.

mod crates;
mod docs;
mod judges;
mod layers;
