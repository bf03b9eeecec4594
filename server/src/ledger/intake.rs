//! The door: what a client asks to record, what it is told, and the queue in between.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::clock::Timestamp;
use domain::event::{EventId, Payload, Region, Slot, TenantId};
use domain::log::Hash;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

use super::prepare::{Maker, Prepared};
use super::wire::RANGE_ENTRIES_MAX;

/// `limits.batch_events` may not be more than this: a batch must fit into one range …
pub const BATCH_EVENTS_MAX: usize = RANGE_ENTRIES_MAX;
/// … and closes at this much payload: a range must fit into one message between clouds.
pub const BATCH_PAYLOAD_BYTES_MAX: usize = 1024 * 1024;

/// What a client asks to record: fields that are valid by type. Whether the tenant exists and the
/// kind's rules hold is the caller's check.
#[derive(Clone, Debug)]
pub struct Submission {
    pub tenant_id: TenantId,
    pub payload: Payload,
    /// Made here (UUID version 7) when the client gives none.
    pub event_id: Option<EventId>,
    /// This node's region when the client gives none.
    pub region: Option<Region>,
    /// Now, when the client gives none.
    pub created_at: Option<Timestamp>,
}

/// Recorded: durable in this cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub event_id: EventId,
    pub slot: Slot,
    pub hash: Hash,
    pub created_at: Timestamp,
    /// The same event was recorded before; this is its record.
    pub repeat: bool,
}

/// Not recorded.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SubmitError {
    /// The id is taken by an event with other fields: one that is recorded, or an earlier one of
    /// the same batch.
    #[error("event {event_id} is already recorded with other fields")]
    Conflict {
        event_id: EventId,
        slot: Option<Slot>,
        /// What was not recorded.
        refused: Box<Submission>,
    },
    /// The queue is full; nothing was recorded.
    #[error("the intake queue is full")]
    Busy,
    /// The database did not take it. Whether it is durable is unknown; sending the same event id
    /// again tells.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// There is evidence against our own log; nothing was recorded.
    #[error("there is evidence against this cloud's log: it records nothing until it has new keys")]
    Frozen,
    /// The node is going down; nothing was recorded.
    #[error("this node is stopping")]
    Stopping,
}

/// One answer for each submission of a call, in order.
pub(super) type Answers = Vec<Result<Accepted, SubmitError>>;

/// One call, waiting.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) submissions: Vec<Submission>,
    pub(super) arrived: Instant,
    pub(super) reply: oneshot::Sender<Answers>,
    /// Given back when the request leaves the queue.
    _place: OwnedSemaphorePermit,
}

impl Request {
    pub(super) fn given_ids(&self) -> impl Iterator<Item = EventId> + '_ {
        self.submissions.iter().filter_map(|submission| submission.event_id)
    }

    fn payload_bytes(&self) -> usize {
        self.submissions.iter().map(|submission| submission.payload.bytes().len()).sum()
    }

    fn fail(self, cause: &SubmitError) {
        let answers = self.submissions.iter().map(|_| Err(cause.clone())).collect();
        drop(self.reply.send(answers)); // a client that has gone needs no answer
    }
}

/// The clients' end of the queue.
#[derive(Debug)]
pub(super) struct Door {
    queue: mpsc::UnboundedSender<Request>,
    /// Bounds the queue by events, not by calls.
    places: Arc<Semaphore>,
    places_max: usize,
    /// True while the database takes nothing, so that clients need not wait to learn it.
    closed: watch::Receiver<bool>,
}

impl Door {
    /// With room for this many events.
    pub(super) fn open(
        places_max: usize,
        closed: watch::Receiver<bool>,
    ) -> (Door, mpsc::UnboundedReceiver<Request>) {
        let (queue, requests) = mpsc::unbounded_channel();
        let places = Arc::new(Semaphore::new(places_max));
        (Door { queue, places, places_max, closed }, requests)
    }

    /// False while the database takes nothing, and for good if it is an old copy.
    pub(super) fn is_open(&self) -> bool {
        !*self.closed.borrow()
    }

    /// The share of the queue that is taken.
    pub(super) fn fill(&self) -> f64 {
        let free = self.places.available_permits().min(self.places_max);
        #[expect(clippy::cast_precision_loss, reason = "a share of some thousands")]
        let share = (self.places_max - free) as f64 / self.places_max as f64;
        share
    }

    pub(super) async fn submit(&self, submissions: Vec<Submission>) -> Answers {
        let count = submissions.len();
        let all = |cause: SubmitError| (0..count).map(|_| Err(cause.clone())).collect();
        if !self.is_open() {
            return all(unavailable());
        }
        let places = u32::try_from(count).unwrap_or(u32::MAX);
        let Ok(place) = Arc::clone(&self.places).try_acquire_many_owned(places) else {
            return all(SubmitError::Busy);
        };
        let (reply, answers) = oneshot::channel();
        let request = Request { submissions, arrived: Instant::now(), reply, _place: place };
        if self.queue.send(request).is_err() {
            return all(SubmitError::Stopping);
        }
        answers.await.unwrap_or_else(|_| all(SubmitError::Stopping))
    }
}

/// Batches that are on their way to the disk, for repeats that arrive meanwhile.
#[derive(Debug, Default)]
struct InFlight(Vec<(HashSet<EventId>, oneshot::Receiver<()>)>);

impl InFlight {
    /// Waits until no batch that carries one of these ids is on its way.
    async fn settle(&mut self, ids: &HashSet<EventId>) {
        for (carried, settled) in std::mem::take(&mut self.0) {
            let mut settled = settled;
            let shared = !carried.is_disjoint(ids);
            if shared {
                drop((&mut settled).await); // settled, or its owner is gone: both are an end
            } else if settled.try_recv() == Err(oneshot::error::TryRecvError::Empty) {
                self.0.push((carried, settled));
            }
        }
    }
}

fn unavailable() -> SubmitError {
    SubmitError::Unavailable("the last write failed; waiting for it to come back".to_owned())
}

/// The other end of the queue.
#[derive(Debug)]
pub(super) struct Gatherer {
    pub(super) requests: mpsc::UnboundedReceiver<Request>,
    pub(super) maker: Maker,
    pub(super) batches: mpsc::Sender<Prepared>,
    pub(super) closed: watch::Receiver<bool>,
    pub(super) batch: BatchLimits,
}

/// When a batch is closed.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchLimits {
    pub(super) events: usize,
    /// How long the first request waits for others. Zero: not at all, since others gather anyway
    /// while the writer is busy.
    pub(super) wait: Duration,
}

impl Gatherer {
    /// Gathers what waits into batches, and prepares the next while the last is being stored.
    /// Batches grow by themselves with the load: whatever arrives while the disk is busy goes
    /// together. Ends when the node stops.
    pub(super) async fn run(mut self) {
        let (mut in_flight, mut over) = (InFlight::default(), None);
        let (batches, mut closed) = (self.batches.clone(), self.closed.clone());
        loop {
            // Take requests only when the writer can take a batch: meanwhile they gather.
            let place = tokio::select! {
                biased;
                is_closed = closed.wait_for(|closed| *closed) => is_closed.map(|_| None).ok(),
                place = batches.reserve() => place.map(Some).ok(),
            };
            let Some(place) = place else { return };
            let Some(place) = place else {
                self.turn_away().await;
                continue;
            };
            let Some(batch) = next_batch(&mut self.requests, &mut over, self.batch).await else {
                return;
            };
            if let Some(prepared) = self.prepare(batch, &mut in_flight).await {
                place.send(prepared);
            }
        }
    }

    async fn prepare(&self, batch: Vec<Request>, in_flight: &mut InFlight) -> Option<Prepared> {
        let ids: HashSet<EventId> = batch.iter().flat_map(Request::given_ids).collect();
        in_flight.settle(&ids).await;
        let (settled, when_settled) = oneshot::channel();
        match self.maker.prepare(batch, settled).await {
            Ok(prepared) => {
                if !ids.is_empty() {
                    in_flight.0.push((ids, when_settled));
                }
                Some(prepared)
            }
            Err((requests, cause)) => {
                let cause = SubmitError::Unavailable(cause.to_string());
                requests.into_iter().for_each(|request| request.fail(&cause));
                None
            }
        }
    }

    /// While the database takes nothing, nobody waits in the queue.
    async fn turn_away(&mut self) {
        let mut closed = self.closed.clone();
        loop {
            tokio::select! {
                open = closed.wait_for(|closed| !*closed) => { drop(open); return }
                Some(request) = self.requests.recv() => request.fail(&unavailable()),
            }
        }
    }
}

/// What waits, as far as it fits into a batch; the first that does not fit waits in `over`. One
/// request alone is a batch whatever its size: [`Door::submit`]'s callers bound it.
async fn next_batch(
    requests: &mut mpsc::UnboundedReceiver<Request>,
    over: &mut Option<Request>,
    limits: BatchLimits,
) -> Option<Vec<Request>> {
    let first = match over.take() {
        Some(first) => first,
        None => requests.recv().await?,
    };
    let (mut events, mut bytes) = (first.submissions.len(), first.payload_bytes());
    let mut batch = vec![first];
    let close = Instant::now() + limits.wait;
    while events < limits.events
        && let Some(next) = next_before(requests, close, limits.wait).await
    {
        events += next.submissions.len();
        bytes += next.payload_bytes();
        if events > limits.events || bytes > BATCH_PAYLOAD_BYTES_MAX {
            *over = Some(next);
            break;
        }
        batch.push(next);
    }
    Some(batch)
}

/// What waits already, or comes before the batch closes.
async fn next_before(
    requests: &mut mpsc::UnboundedReceiver<Request>,
    close: Instant,
    wait: Duration,
) -> Option<Request> {
    match requests.try_recv() {
        Ok(next) => Some(next),
        Err(_) if wait.is_zero() => None,
        Err(_) => tokio::time::timeout_at(close.into(), requests.recv()).await.ok().flatten(),
    }
}
