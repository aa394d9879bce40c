//! Sealed bytes and their judges: other programs, published vectors, and every byte flipped.

mod damage;
mod forge;
mod golden;
mod invite;
mod keys;
mod programs;
mod refusals;
mod round_trip;
mod siblings;
mod signatures;
mod splices;
mod support;
mod testkit;
mod wycheproof;
