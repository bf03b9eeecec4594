//! Anchors on chains, calendars and authorities that really run, set up here and ended here.

pub mod anvil;
mod authority;
pub mod bitcoin;
mod calendar;
pub mod desk;
mod ethereum;
mod explorer;
mod gate;
pub mod litecoin;
mod opentimestamps;
pub mod responder;
