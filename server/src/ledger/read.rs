//! Reading the ledger: pages, single events, ranges of a log.

use std::fmt;
use std::str::FromStr;

use domain::clock::Timestamp;
use domain::cloud::Cloud;
use domain::event::{Event, Slot, TenantId};
use domain::finality::Finality;
use domain::key::Signature;
use domain::log::Hash;

/// Most rows of one page.
pub const PAGE_ROWS_MAX: u32 = 1_000;

/// One stored event, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub slot: Slot,
    pub event: Event,
    pub hash: Hash,
    pub signature: Signature,
    /// The payload's `kind`, as indexed.
    pub kind: Option<String>,
}

/// Which events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    pub tenant: Option<TenantId>,
    pub origin: Option<Cloud>,
    pub status: Option<Finality>,
    pub kind: Option<String>,
    /// Accepted at or after, by the origin's logical clock.
    pub from: Option<Timestamp>,
    /// Accepted before.
    pub to: Option<Timestamp>,
}

/// A place in the order of all events: by logical clock, then origin, newest first. Its text
/// form is opaque to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventCursor {
    pub logical_clock: i64,
    pub origin: Cloud,
    /// Towards newer events instead of older ones.
    pub newer: bool,
}

/// The text is not a cursor that this program made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a cursor; use the one that the last page gave")]
pub struct BadCursor(pub String);

impl fmt::Display for EventCursor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = if self.newer { 'n' } else { 'o' };
        write!(out, "{way}{:x}-{}", self.logical_clock, self.origin)
    }
}

impl FromStr for EventCursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let read = || {
            let newer = match text.get(..1)? {
                "n" => true,
                "o" => false,
                _ => return None,
            };
            let (clock, origin) = text.get(1..)?.split_once('-')?;
            let logical_clock = i64::from_str_radix(clock, 16).ok()?;
            Some(EventCursor { logical_clock, origin: origin.parse().ok()?, newer })
        };
        read().ok_or_else(|| BadCursor(text.to_owned()))
    }
}

/// A page of events, newest first.
#[derive(Clone, Debug, Default)]
pub struct RecordPage {
    pub items: Vec<Record>,
    /// Towards older events, if there are any.
    pub next: Option<EventCursor>,
    /// Towards newer events, if there are any.
    pub previous: Option<EventCursor>,
}

/// When one cloud's signature first covered a slot, as learnt here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Covering {
    pub tree_size: u64,
    pub learnt_at: Timestamp,
}
