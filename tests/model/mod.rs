//! The rules: laws by generated histories, encodings by mutation, bytes by fixtures.

mod canon;
mod card;
mod codec;
mod compare;
mod edits;
mod exposure;
mod fixtures;
mod history;
mod invite;
mod judge;
mod laws;
pub mod leak;
mod manifest;
mod moves;
mod names;
mod read;
mod request;
mod roster;
mod shares;
mod sheet;
mod small;

pub mod world;
