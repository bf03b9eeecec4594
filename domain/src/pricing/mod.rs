//! Prices inside bounds: what a tenant is billed, when a margin asks for action, how far a price
//! may move by itself, and who must agree before it moves further.
//!
//! From top to bottom:
//! - [`plan`] bills usage; [`capacity`] says what concurrency and tokens a plan bears.
//! - [`margin`] is the one formula of a tenant's margin, its window and how people read it.
//! - [`margin_watch`] recommends when a margin leaves its band; [`action`] weighs what could be
//!   done; [`backtest`] replays a policy over recorded months.
//! - [`guardrail`] clamps a target price and says which rule bound it; [`approval`] is the state
//!   machine of a proposal that waits for people; [`drift`] watches the margin after a change;
//!   [`margin_law`] says how a margin is distributed at a price.
//! - [`policy`] is the versioned data that all of them take their numbers from; [`controls`] what a
//!   proposal puts in force; [`recommend`] what a tenant's figures suggest under a policy; [`book`]
//!   what all decisions about prices come to, the same on every cloud.
//! - [`edition`] makes a version of a proposal on the facts of now; [`look`] puts all of it
//!   together for one tenant; [`rehearsal`] plays it day by day over recorded usage; [`notice`]
//!   says what people outside the screens are told.
//! - [`trail`] follows one price back to its events, offline.
//! - [`listing`] says what is odd about a list price before it is recorded, [`list_change`] how
//!   many must agree to it.
//! - [`foresight`] asks standing stresses, and proposes what would meet one before it comes true.
//!
//! Prices and bills are decimal. Nothing here applies anything: effects are returned.

pub mod action;
pub mod afresh;
pub mod approval;
pub mod backtest;
pub mod book;
pub mod capacity;
pub mod controls;
pub mod drift;
pub mod edition;
pub mod foresight;
pub mod guardrail;
pub mod list_change;
pub mod listing;
pub mod look;
pub mod margin;
pub mod margin_law;
pub mod margin_watch;
pub mod notice;
pub mod plan;
pub mod policy;
pub mod recommend;
pub mod rehearsal;
pub mod trail;
