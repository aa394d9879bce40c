//! Stories: people with machines of their own do a day's work.

mod first_day;
mod page;
mod plain_age;
mod provider_keys;
mod pusher;
mod team;
mod two_at_once;
mod two_machines;
