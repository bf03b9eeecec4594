//! One file a page.

pub(crate) mod anchors;
pub(crate) mod approvals;
pub(crate) mod billing;
pub(crate) mod event;
pub(crate) mod evidence;
pub(crate) mod fabric;
pub(crate) mod keys;
pub(crate) mod lab;
pub(crate) mod ledger;
pub(crate) mod not_found;
pub(crate) mod optimizer;
pub(crate) mod overview;
pub(crate) mod policy;
pub(crate) mod quarantine;
pub(crate) mod scenarios;
pub(crate) mod sign_in;
pub(crate) mod tenants;
pub(crate) mod verify;
