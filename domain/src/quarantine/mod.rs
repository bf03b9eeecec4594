//! Inputs that are held without effect: why, from whom, and what was decided about them.
//!
//! A rejected or conflicting input is kept with its bytes until an admin releases or rejects it.
//! The server keeps them (`server::quarantine`); here are the words, and [`blame`], which says of
//! a signature that does not count what is wrong with it.

pub mod blame;
mod reason;
mod source;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use reason::{Reason, UnknownReason};
pub use source::{BadSource, Source};

use crate::event::{EventId, TenantId};

/// Most that is kept of one input: a batch's worth of payload. Of what is longer the beginning is
/// kept, with the length and SHA-256 of the whole.
pub const ITEM_BYTES_MAX: usize = 1024 * 1024;
/// Undecided inputs that are kept of one source: more than a person will look at one by one.
pub const SOURCE_ITEMS_MAX: u32 = 500;
/// Bytes of undecided inputs that are kept of one source. Sources are the two peers, what says to
/// be one of them, and the logins: ten users are 240 MiB at the very worst.
pub const SOURCE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What became of a held input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Without effect until somebody decides.
    Held,
    /// Recorded again as a new event, or chosen among conflicting contents.
    Released,
    /// Without effect for ever.
    Rejected,
}

impl State {
    pub const ALL: [State; 3] = [State::Held, State::Released, State::Rejected];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            State::Held => "held",
            State::Released => "released",
            State::Rejected => "rejected",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.name().eq_ignore_ascii_case(name))
    }
}

/// What the bytes of a held input are meant to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// One event as a client sent it: canonical JSON.
    Event,
    /// Entries of a log under a signed checkpoint, as clouds send them.
    Range,
    /// One entry of a log, as clouds send it.
    Entry,
    /// A signed checkpoint.
    Note,
    /// The body of a message between clouds.
    Message,
    /// Two or more entries of the logs that share one id.
    Slots,
}

impl Form {
    pub const ALL: [Form; 6] =
        [Form::Event, Form::Range, Form::Entry, Form::Note, Form::Message, Form::Slots];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Form::Event => "event",
            Form::Range => "range",
            Form::Entry => "entry",
            Form::Note => "note",
            Form::Message => "message",
            Form::Slots => "slots",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Form> {
        Form::ALL.into_iter().find(|form| form.name() == name)
    }

    /// For screens: "a range of entries".
    #[must_use]
    pub const fn phrase(self) -> &'static str {
        match self {
            Form::Event => "an event",
            Form::Range => "a range of entries",
            Form::Entry => "an entry",
            Form::Note => "a signed checkpoint",
            Form::Message => "a message between clouds",
            Form::Slots => "one id with several contents",
        }
    }
}

/// Names one held thing. An input is held by the cloud that it came to; an id in conflict by all.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HeldId {
    Input(Uuid),
    Conflict { event_id: EventId, tenant_id: TenantId },
}

impl fmt::Display for HeldId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeldId::Input(id) => id.fmt(out),
            HeldId::Conflict { event_id, tenant_id } => write!(out, "{event_id}~{tenant_id}"),
        }
    }
}

/// The text names nothing that could be held.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" names no held input; these are UUIDs, or <event id>~<tenant> for an id in conflict"
)]
pub struct BadHeldId(pub String);

impl FromStr for HeldId {
    type Err = BadHeldId;

    fn from_str(text: &str) -> Result<Self, BadHeldId> {
        let bad = || BadHeldId(text.to_owned());
        // One spelling only: the text is a key of the projections.
        let uuid = |part: &str| {
            Uuid::parse_str(part).ok().filter(|id| id.to_string() == part).ok_or_else(bad)
        };
        match text.split_once('~') {
            None => Ok(HeldId::Input(uuid(text)?)),
            Some((id, tenant)) => Ok(HeldId::Conflict {
                event_id: EventId(uuid(id)?),
                tenant_id: TenantId::try_from(tenant.to_owned()).map_err(|_| bad())?,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_held_thing_reads_back_and_has_one_spelling() {
        let id = Uuid::from_u128(0x0192_f4c1_7a3e_7c40_b1d2_93f0_a654_8e2b);
        let tenant_id = TenantId::try_from("acme-labs".to_owned()).expect("valid");
        let conflict = HeldId::Conflict { event_id: EventId(id), tenant_id };
        for held in [HeldId::Input(id), conflict] {
            assert_eq!(held.to_string().parse(), Ok(held));
        }
        let upper = id.to_string().to_uppercase();
        for bad in ["", "7", &upper, &format!("{id}~"), &format!("{id}~a b"), "~acme"] {
            assert!(bad.parse::<HeldId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn every_state_and_form_reads_back_from_its_name() {
        for state in State::ALL {
            assert_eq!(State::from_name(state.name()), Some(state));
        }
        for form in Form::ALL {
            assert_eq!(Form::from_name(form.name()), Some(form));
        }
        assert_eq!(State::from_name("gone"), None);
    }
}
