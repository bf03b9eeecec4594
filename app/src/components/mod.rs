//! What pages share: small components over native elements.

pub(crate) mod announcer;
pub(crate) mod badge;
pub(crate) mod chart;
pub(crate) mod decision;
pub(crate) mod dialog;
pub(crate) mod drop;
pub(crate) mod events;
pub(crate) mod hash;
pub(crate) mod icon;
pub(crate) mod kept;
pub(crate) mod plot;
pub(crate) mod problem;
pub(crate) mod proof;
pub(crate) mod stepper;
pub(crate) mod table;
pub(crate) mod time;
pub(crate) mod triad;
