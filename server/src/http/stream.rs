//! `GET /v1/stream`: what happens, as it happens, to every open page.
//!
//! One task asks, whatever the number of viewers; each viewer only listens. A message's id is the
//! vector of final sizes (`12.4.9`), so that a viewer who comes back is told what it missed.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use app::backend::{EventRow, StreamEvents};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::access::Action;
use domain::cloud::{Cloud, PerCloud};
use futures::{Stream, StreamExt, stream};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_stream::wrappers::BroadcastStream;

use super::{Services, Shared};
use crate::identity::Principal;
use crate::ledger::{LogView, Record, Watermarks};
use crate::problem::Problem;

/// How often pages learn of new rows; faster than this the eye does not follow.
const ROWS_EVERY: Duration = Duration::from_millis(250);
/// Ticks between two `state` messages: one a second.
const STATE_TICKS: u32 = 4;
/// Rows of one message: more than a screen shows.
const ROWS_MAX: u64 = 50;
/// Rows that a viewer who comes back is told of; beyond it, it fetches its page again.
const MISSED_MAX: u64 = 200;
/// Messages that a slow viewer may be behind before it is told of a gap.
const QUEUE: usize = 64;
/// Proxies cut connections that are silent for half a minute.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// A stream ends after this and the browser opens a new one: so who has been signed out stops
/// seeing things.
const STREAM_MAX: Duration = Duration::from_secs(600);
/// How soon a browser comes back.
const RETRY: Duration = Duration::from_secs(1);

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/v1/stream", get(open))
}

/// One message, written once for all viewers.
#[derive(Debug)]
struct Message {
    name: &'static str,
    id: String,
    json: String,
}

impl Message {
    fn new(name: &'static str, marks: &Watermarks, body: &impl Serialize) -> Arc<Self> {
        // Shapes of texts, numbers and lists: always serializable.
        let json = serde_json::to_string(body).unwrap_or_default();
        Arc::new(Message { name, id: vector(&marks.final_vector()), json })
    }

    fn to_event(&self) -> Event {
        Event::default().event(self.name).id(&self.id).data(&self.json)
    }
}

/// Who listens.
#[derive(Debug)]
pub(super) struct Viewers {
    messages: broadcast::Sender<Arc<Message>>,
    places: Arc<Semaphore>,
    places_max: usize,
}

impl Viewers {
    pub(super) fn new(places_max: usize) -> Self {
        let (messages, _) = broadcast::channel(QUEUE);
        Viewers { messages, places: Arc::new(Semaphore::new(places_max)), places_max }
    }

    /// Streams that are open.
    pub(super) fn count(&self) -> usize {
        self.places_max.saturating_sub(self.places.available_permits())
    }
}

/// Tells all viewers, until the stop.
pub(super) async fn broadcast(shared: Shared) {
    let mut ticks = interval(ROWS_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = *shared.ledger.watermarks().borrow();
    for tick in 0_u32.. {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let marks = *shared.ledger.watermarks().borrow();
        if shared.viewers.messages.receiver_count() == 0 {
            told = marks;
            continue;
        }
        if tick % STATE_TICKS == 0 {
            tell(&shared, Message::new("state", &marks, &shared.console.live_state()));
        }
        if marks == told {
            continue;
        }
        match news(&shared, &told, &marks, ROWS_MAX).await {
            Ok(news) if news.items.is_empty() => told = marks,
            Ok(news) => {
                tell(&shared, Message::new("events", &marks, &news));
                told = marks;
            }
            // The database is away: told later, from where we were.
            Err(error) => tracing::debug!(%error, "rows for the stream could not be read"),
        }
    }
}

fn tell(shared: &Services, message: Arc<Message>) {
    // Nobody listening any more is no error.
    drop(shared.viewers.messages.send(message));
}

/// Rows that are new or newly final between two moments, newest first, at most `rows_max`.
async fn news(
    shared: &Services,
    before: &Watermarks,
    after: &Watermarks,
    rows_max: u64,
) -> Result<StreamEvents, sqlx::Error> {
    let mut records: Vec<Record> = Vec::new();
    let mut changed = 0;
    for origin in Cloud::ALL {
        let spans = spans(before.log(origin), after.log(origin));
        for (start, end) in spans {
            changed += end - start;
            let start = start.max(end.saturating_sub(rows_max));
            records.extend(shared.ledger.range(after.log(origin).log, start, end).await?);
        }
    }
    records.sort_by_key(|record| std::cmp::Reverse((record.event.logical_clock, record.slot)));
    records.truncate(usize::try_from(rows_max).unwrap_or(usize::MAX));
    let items: Vec<EventRow> = shared.console.rows(&records).await?;
    let skipped = changed.saturating_sub(items.len() as u64);
    Ok(StreamEvents { items, skipped })
}

/// Which entries of a log to tell of: newly final ones, and new ones that are not final.
fn spans(before: &LogView, after: &LogView) -> [(u64, u64); 2] {
    let newly_final = (before.final_size.min(after.final_size), after.final_size);
    let start = before.head.size.max(after.final_size).min(after.head.size);
    [newly_final, (start, after.head.size)]
}

async fn open(
    State(shared): State<Shared>,
    principal: Principal,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    principal.require(Action::ReadLedger)?;
    let place = Arc::clone(&shared.viewers.places).try_acquire_owned().map_err(|_| {
        Problem::busy("As many pages follow this cloud as it serves. Try another cloud.")
            .retry_after(5)
    })?;
    // Listen first, then look back: a row may come twice, but none is missed.
    let live = BroadcastStream::new(shared.viewers.messages.subscribe());
    let first = beginning(&shared, &headers).await?;
    let body = messages(&shared, first, live, place);
    let sse = Sse::new(body).keep_alive(KeepAlive::new().interval(HEARTBEAT));
    let mut response = sse.into_response();
    // Or a proxy would hold messages back.
    let unbuffered = HeaderName::from_static("x-accel-buffering");
    response.headers_mut().insert(unbuffered, HeaderValue::from_static("no"));
    Ok(response)
}

/// The state, and what was missed since the last message that the viewer heard.
async fn beginning(shared: &Services, headers: &HeaderMap) -> Result<Vec<Event>, Problem> {
    let marks = *shared.ledger.watermarks().borrow();
    let state = Message::new("state", &marks, &shared.console.live_state());
    let mut first = vec![state.to_event().retry(RETRY)];
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let Some(last) = last else { return Ok(first) };
    match read_vector(last).and_then(|heard| rewound(&marks, &heard)) {
        Some(before) => {
            let missed = news(shared, &before, &marks, MISSED_MAX).await?;
            if missed.skipped > 0 {
                first.push(gap());
            }
            if !missed.items.is_empty() {
                first.push(Message::new("events", &marks, &missed).to_event());
            }
        }
        None => first.push(gap()),
    }
    Ok(first)
}

/// The marks as they were when the final sizes were these; `None` if they cannot have been.
fn rewound(marks: &Watermarks, heard: &PerCloud<u64>) -> Option<Watermarks> {
    let mut before = *marks;
    for cloud in Cloud::ALL {
        let view = before.0.get_mut(cloud);
        if *heard.get(cloud) > view.final_size {
            return None;
        }
        view.final_size = *heard.get(cloud);
        // What was stored then is not known: what is not final now is told again.
        view.head.size = view.final_size;
    }
    Some(before)
}

fn gap() -> Event {
    Event::default().event("gap").data("{}")
}

fn messages(
    shared: &Services,
    first: Vec<Event>,
    live: BroadcastStream<Arc<Message>>,
    place: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<Event, Infallible>> + use<> {
    let live = live.map(move |message| {
        let _held_until_the_stream_ends = &place;
        message.map_or_else(|_lagged| gap(), |message| message.to_event())
    });
    let stop = shared.stop.clone();
    let end = async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep_until(Instant::now() + STREAM_MAX) => {}
        }
    };
    stream::iter(first).chain(live).take_until(Box::pin(end)).map(Ok)
}

/// `12.4.9`, in the clouds' fixed order.
fn vector(sizes: &PerCloud<u64>) -> String {
    format!("{}.{}.{}", sizes.gcp, sizes.aws, sizes.azure)
}

fn read_vector(text: &str) -> Option<PerCloud<u64>> {
    let mut parts = text.split('.').map(str::parse::<u64>);
    let mut next = || parts.next()?.ok();
    let sizes = PerCloud { gcp: next()?, aws: next()?, azure: next()? };
    parts.next().is_none().then_some(sizes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::log::{Head, LogId};

    fn view(origin: Cloud, size: u64, final_size: u64) -> LogView {
        LogView {
            log: LogId { origin, epoch: 1 },
            head: Head { size, ..Head::empty() },
            final_size,
            replicated_size: 0,
            signed: PerCloud::default(),
        }
    }

    #[test]
    fn an_id_reads_back_and_no_other_text_does() {
        let sizes = PerCloud { gcp: 12, aws: 4, azure: 9 };
        assert_eq!(vector(&sizes), "12.4.9");
        assert_eq!(read_vector("12.4.9"), Some(sizes));
        for text in ["", "12.4", "12.4.9.1", "a.b.c", "1..2"] {
            assert_eq!(read_vector(text), None, "{text}");
        }
    }

    #[test]
    fn each_changed_entry_is_told_once() {
        let gcp = |size, final_size| view(Cloud::Gcp, size, final_size);
        assert_eq!(spans(&gcp(5, 3), &gcp(9, 5)), [(3, 5), (5, 9)]);
        assert_eq!(spans(&gcp(5, 3), &gcp(9, 7)), [(3, 7), (7, 9)]);
        assert_eq!(spans(&gcp(5, 3), &gcp(9, 3)), [(3, 3), (5, 9)]);
        assert_eq!(spans(&gcp(5, 5), &gcp(5, 5)), [(5, 5), (5, 5)]);
    }

    #[test]
    fn a_viewer_from_the_future_is_told_of_a_gap() {
        let marks = Watermarks(PerCloud::from_fn(|cloud| view(cloud, 10, 8)));
        assert!(rewound(&marks, &PerCloud { gcp: 9, aws: 0, azure: 0 }).is_none());
        let before = rewound(&marks, &PerCloud { gcp: 7, aws: 8, azure: 8 }).expect("the past");
        assert_eq!(spans(before.log(Cloud::Gcp), marks.log(Cloud::Gcp)), [(7, 8), (8, 10)]);
    }
}
