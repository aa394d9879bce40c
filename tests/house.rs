//! The house itself: its layers, its files, its reference.

mod docs;
mod layers;
