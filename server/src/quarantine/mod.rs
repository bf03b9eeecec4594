//! Quarantine: what this cloud refuses is held with its bytes, source, reason and time, so that a
//! person can look at it, release it or reject it.
//!
//! ```text
//! whoever refuses ─ hold() ─► queue ─► writer ─► Postgres ─► read
//!                     └─ queue full: counted ──────┘
//! ```
//! `hold` never waits: who refuses an input must not be slowed down by whoever sends it. What is
//! kept is bounded for each source; beyond that inputs are counted and no more. Decisions are
//! events of the log (`domain::catalog`), never rows here.

mod read;
mod store;
mod writer;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use domain::clock::Timestamp;
use domain::event::{EventId, TenantId};
use domain::log::Hash;
use domain::quarantine::blame::Blame;
use domain::quarantine::{Form, ITEM_BYTES_MAX, Reason, Source};
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use read::{Before, Counted, ITEMS_PAGE_MAX, Item, ItemFilter, Ruling};

/// Inputs that wait for the writer: at most as many MiB.
const WAITING_MAX: usize = 32;

/// An input that was refused.
#[derive(Clone, Debug)]
pub struct Input {
    pub source: Source,
    pub reason: Reason,
    /// A sentence about this very case.
    pub detail: String,
    pub form: Form,
    pub bytes: Bytes,
    pub about: About,
}

/// What an input is about, as far as that can be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// `gcp/1/204`, `gcp/1`, or the path of a message.
    pub place: Option<String>,
    pub tenant_id: Option<TenantId>,
    pub event_id: Option<EventId>,
}

impl About {
    #[must_use]
    pub fn place(place: &impl ToString) -> Self {
        About { place: Some(place.to_string()), ..About::default() }
    }
}

impl Input {
    #[must_use]
    pub fn blamed(source: Source, blame: Blame, form: Form, bytes: Bytes, about: About) -> Self {
        let Blame { reason, detail } = blame;
        Input { source, reason, detail, form, bytes, about }
    }
}

/// An input on its way to the writer.
#[derive(Debug)]
struct Arrived {
    source: Source,
    reason: Reason,
    detail: String,
    form: Form,
    about: About,
    bytes: Bytes,
    length: u64,
    sha256: Hash,
    at: Timestamp,
}

impl Arrived {
    fn of(input: Input, at: Timestamp) -> Self {
        let Input { source, reason, detail, form, bytes, about } = input;
        let sha256 = Hash(Sha256::digest(&bytes).into());
        let length = bytes.len() as u64;
        // A copy: a slice would keep the whole message in memory.
        let bytes = match bytes.get(..ITEM_BYTES_MAX) {
            Some(beginning) => Bytes::copy_from_slice(beginning),
            None => bytes,
        };
        Arrived { source, reason, detail, form, about, bytes, length, sha256, at }
    }
}

/// How many inputs found no place in the queue, by source and reason. As many keys as there are
/// sources, which is bounded by the users.
type Missed = HashMap<(Source, Reason), u64>;

/// The face of the quarantine: one a node.
#[derive(Debug)]
pub struct Quarantine {
    pool: PgPool,
    queue: mpsc::Sender<Arrived>,
    missed: Mutex<Missed>,
    /// As of the last look.
    held: AtomicU64,
}

/// Runs the writer until `stop`; what waits then is written down first.
///
/// # Errors
/// The database cannot be read.
pub async fn start(
    pool: PgPool,
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> Result<Arc<Quarantine>, sqlx::Error> {
    let (queue, arrived) = mpsc::channel(WAITING_MAX);
    let (missed, held) = (Mutex::default(), AtomicU64::new(0));
    let quarantine = Arc::new(Quarantine { pool, queue, missed, held });
    quarantine.refresh().await?;
    tasks.spawn(writer::run(Arc::clone(&quarantine), arrived, stop.clone()));
    Ok(quarantine)
}

impl Quarantine {
    /// For whoever speaks to clouds without running one: what comes is counted, and nothing kept.
    #[must_use]
    pub fn unattended(pool: PgPool) -> Arc<Self> {
        let (queue, _) = mpsc::channel(1);
        let (missed, held) = (Mutex::default(), AtomicU64::new(0));
        Arc::new(Quarantine { pool, queue, missed, held })
    }

    /// Holds an input. Returns at once; what finds no place in the queue is counted.
    pub fn hold(&self, input: Input) {
        let reason = input.reason;
        metrics::counter!("ternion_quarantine_inputs_total", "reason" => reason.code())
            .increment(1);
        // First the place, then the work: a flood costs no more hashing than the writer can write.
        match self.queue.try_reserve() {
            Ok(place) => place.send(Arrived::of(input, crate::now())),
            Err(_) => {
                let mut missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
                *missed.entry((input.source, reason)).or_default() += 1;
            }
        }
    }

    /// Inputs that nobody has decided about, as of the last look some seconds ago at most.
    #[must_use]
    pub fn held_count(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    /// Looks again how many inputs are held: after a decision has taken effect.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn refresh(&self) -> Result<(), sqlx::Error> {
        self.held.store(store::held(&self.pool).await?, Ordering::Relaxed);
        Ok(())
    }

    fn take_missed(&self) -> Missed {
        std::mem::take(&mut self.missed.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::cloud::Cloud;

    #[test]
    fn of_a_long_input_the_beginning_is_kept_and_the_whole_is_hashed() {
        let whole = Bytes::from(vec![7; ITEM_BYTES_MAX + 1]);
        let input = Input {
            source: Source::Peer(Cloud::Aws),
            reason: Reason::RootMismatch,
            detail: String::new(),
            form: Form::Range,
            bytes: whole.clone(),
            about: About::default(),
        };
        let arrived = Arrived::of(input.clone(), crate::now());
        assert_eq!(arrived.bytes, whole[..ITEM_BYTES_MAX]);
        assert_eq!(arrived.length, whole.len() as u64);
        assert_eq!(arrived.sha256, Hash(Sha256::digest(&whole).into()));
        let short = Arrived::of(Input { bytes: Bytes::from_static(b"x"), ..input }, crate::now());
        assert_eq!((short.length, &short.bytes[..]), (1, &b"x"[..]));
    }
}
