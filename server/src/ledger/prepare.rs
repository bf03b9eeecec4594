//! From what clients hand in to signed envelopes: repeats found, ids and salts made, clocks
//! ticked. Everything that does not depend on the slot, so that it is done while the batch
//! before is being stored.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use domain::clock::HybridClock;
use domain::cloud::Cloud;
use domain::event::{Envelope, Event, EventId, Region, Salt, Slot};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::board::Board;
use super::intake::{Accepted, Answers, Request, Submission, SubmitError};
use super::read::Record;
use super::store::Store;
use crate::keys::Keyring;

/// A batch that only lacks its place in the log.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) entries: Vec<Envelope>,
    /// When the oldest request arrived.
    pub(super) oldest: Instant,
    replies: Vec<(oneshot::Sender<Answers>, Vec<Reply>)>,
    /// Dropped when the batch is settled, durable or not.
    _settled: oneshot::Sender<()>,
}

#[derive(Debug)]
enum Reply {
    Ready(Result<Accepted, SubmitError>),
    /// The n-th entry of the batch.
    Entry {
        at: usize,
        repeat: bool,
    },
}

/// Makes envelopes of this cloud.
#[derive(Debug)]
pub(super) struct Maker {
    pub(super) me: Cloud,
    pub(super) region: Region,
    pub(super) keys: Arc<Keyring>,
    /// The log of our own that is open now, by which the key is chosen.
    pub(super) board: Arc<Board>,
    pub(super) clock: Arc<Mutex<HybridClock>>,
    pub(super) store: Store,
}

impl Maker {
    /// Prepares a batch.
    ///
    /// # Errors
    /// The database cannot say which ids are recorded already; the requests come back.
    pub(super) async fn prepare(
        &self,
        requests: Vec<Request>,
        settled: oneshot::Sender<()>,
    ) -> Result<Prepared, (Vec<Request>, sqlx::Error)> {
        let ids: Vec<EventId> = requests.iter().flat_map(Request::given_ids).collect();
        let mut known = match self.known(&ids).await {
            Ok(known) => known,
            Err(cause) => return Err((requests, cause)),
        };
        let oldest = requests.iter().map(|request| request.arrived).min();
        let mut entries = Vec::new();
        let mut replies = Vec::with_capacity(requests.len());
        for request in requests {
            let answers = request
                .submissions
                .into_iter()
                .map(|submission| self.place(submission, &mut known, &mut entries))
                .collect();
            replies.push((request.reply, answers));
        }
        Ok(Prepared {
            entries,
            oldest: oldest.unwrap_or_else(Instant::now),
            replies,
            _settled: settled,
        })
    }

    async fn known(&self, ids: &[EventId]) -> Result<HashMap<EventId, Known>, sqlx::Error> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let mut known = HashMap::new();
        for record in self.store.recorded(ids).await? {
            // The earliest record of the id speaks for it.
            known.entry(record.event.event_id).or_insert(Known::Recorded(Box::new(record)));
        }
        Ok(known)
    }

    fn place(
        &self,
        submission: Submission,
        known: &mut HashMap<EventId, Known>,
        entries: &mut Vec<Envelope>,
    ) -> Reply {
        if let Some(id) = submission.event_id {
            match known.get(&id) {
                Some(Known::Recorded(record)) => return repeat_of(submission, record),
                Some(Known::Entry(at)) => return repeat_within(submission, *at, entries),
                None => known.insert(id, Known::Entry(entries.len())),
            };
        }
        entries.push(self.envelope(submission));
        Reply::Entry { at: entries.len() - 1, repeat: false }
    }

    fn envelope(&self, submission: Submission) -> Envelope {
        let now = crate::now();
        let wall_ms = u64::try_from(now.unix_ms()).unwrap_or(0);
        let logical_clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner).tick(wall_ms);
        let event = Event {
            event_id: submission.event_id.unwrap_or_else(|| EventId(Uuid::now_v7())),
            tenant_id: submission.tenant_id,
            logical_clock,
            region: submission.region.unwrap_or_else(|| self.region.clone()),
            created_at: submission.created_at.unwrap_or(now),
            origin_cloud: self.me,
            payload: submission.payload,
            salt: random_salt(),
        };
        let own = self.board.watermarks.borrow().log(self.me).log;
        event.sign(&self.keys.pair_at(own.epoch).log)
    }
}

/// Where an id stands already.
#[derive(Debug)]
enum Known {
    Recorded(Box<Record>),
    /// Earlier in this batch.
    Entry(usize),
}

#[expect(clippy::expect_used, reason = "Linux's generator fails only before it was first seeded")]
fn random_salt() -> Salt {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).expect("random bytes");
    Salt(salt)
}

fn repeat_of(submission: Submission, record: &Record) -> Reply {
    let (event_id, slot) = (record.event.event_id, record.slot);
    Reply::Ready(if is_repeat(&submission, &record.event) {
        let created_at = record.event.created_at;
        Ok(Accepted { event_id, slot, hash: record.hash, created_at, repeat: true })
    } else {
        let refused = Box::new(submission);
        Err(SubmitError::Conflict { event_id, slot: Some(slot), refused })
    })
}

fn repeat_within(submission: Submission, at: usize, entries: &[Envelope]) -> Reply {
    let Some(entry) = entries.get(at) else { return Reply::Entry { at, repeat: true } };
    if is_repeat(&submission, entry.event()) {
        return Reply::Entry { at, repeat: true };
    }
    let event_id = entry.event().event_id;
    let refused = Box::new(submission);
    Reply::Ready(Err(SubmitError::Conflict { event_id, slot: None, refused }))
}

/// The same event again? What the client gave must be what is recorded; what it left to us may
/// be anything.
fn is_repeat(submission: &Submission, recorded: &Event) -> bool {
    submission.tenant_id == recorded.tenant_id
        && submission.payload.bytes() == recorded.payload.bytes()
        && submission.region.as_ref().is_none_or(|region| *region == recorded.region)
        && submission.created_at.is_none_or(|at| at == recorded.created_at)
}

impl Prepared {
    /// Entries of the epoch before, byte for byte; nobody waits for them.
    pub(super) fn reissued(entries: Vec<Envelope>) -> Self {
        let (settled, _) = oneshot::channel();
        Prepared { entries, oldest: Instant::now(), replies: Vec::new(), _settled: settled }
    }

    /// The batch's entries are durable from `first` on: tells every client.
    pub(super) fn accepted(self, first: Slot, entries: &[Envelope]) {
        let answer = |reply| match reply {
            Reply::Ready(answer) => answer,
            Reply::Entry { at, repeat } => entries.get(at).map_or(
                Err(SubmitError::Unavailable("the batch lost an entry".to_owned())),
                |entry| Ok(accepted(entry, first, at, repeat)),
            ),
        };
        for (client, replies) in self.replies {
            // A client that has gone needs no answer.
            drop(client.send(replies.into_iter().map(answer).collect()));
        }
    }

    /// The batch is not known to be durable: tells every client. Repeats of its events go on
    /// waiting until the batch is dropped, which is when it is known.
    pub(super) fn fail(&mut self, cause: &SubmitError) {
        for (client, replies) in self.replies.drain(..) {
            let answer = |reply| match reply {
                Reply::Ready(answer) => answer,
                Reply::Entry { .. } => Err(cause.clone()),
            };
            drop(client.send(replies.into_iter().map(answer).collect()));
        }
    }
}

fn accepted(entry: &Envelope, first: Slot, at: usize, repeat: bool) -> Accepted {
    Accepted {
        event_id: entry.event().event_id,
        slot: Slot { sequence: first.sequence + at as u64, ..first },
        hash: entry.hash(),
        created_at: entry.event().created_at,
        repeat,
    }
}
