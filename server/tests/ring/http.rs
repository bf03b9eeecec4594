//! The public face, asked as programs and browsers ask it.

mod approval_pages;
mod approvals;
mod billing;
mod economics;
mod edge;
mod events;
mod evidence;
mod foresight;
mod forms;
mod grants;
mod house;
mod keys;
mod list_agreed;
mod list_prices;
mod logs;
mod optimizer;
mod pages;
mod policy_page;
mod quarantine;
mod scrub;
mod snapshots;
mod strangers;
mod stream;
mod tenants;
mod trails;
