//! THE RULES: what a document, a manifest and a roster are, and how they join.
//!
//! No I/O, no clock, no randomness; every function is total.

pub mod bytes;
pub mod canon;
pub mod card;
mod chat;
pub mod codec;
pub mod compare;
pub mod document;
pub mod duration;
pub mod envfile;
pub mod escape;
pub mod exposure;
pub mod formats;
pub mod generate;
pub mod invite;
pub mod keys;
pub mod leak;
pub mod loader;
pub mod manifest;
pub mod names;
pub mod otp;
pub mod read;
pub mod register;
pub mod request;
pub mod roster;
pub mod shares;
pub mod sheet;
pub mod suggest;
pub mod time;
pub mod words;
