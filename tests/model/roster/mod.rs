//! The roster: what an entry is, who may say it, and what two branches add up to.

mod chain;
mod check;
mod found;
mod judging;
mod merge;
mod merge_chain;
mod merge_laws;
mod merge_rights;
mod operations;
mod rules;
mod sum;

pub use found::found;
