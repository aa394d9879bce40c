//! OpenRouter without OpenRouter: a fake of its API over loopback HTTP, its tests, and the official SDK as its judge.

pub mod fake;
pub mod wire;

mod budgets;
mod faults;
mod guardrails;
mod life;
mod ours;
mod paging;
mod refusals;
mod sdk;
mod serve;
