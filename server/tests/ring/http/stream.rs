//! The event stream, as a browser hears it.

use std::time::Duration;

use app::backend::{LiveState, StreamEvents};
use axum::body::{Body, BodyDataStream};
use axum::http::Method;
use futures::StreamExt;
use serde_json::json;
use server::config::Limits;

use super::house::{House, asking};

const PATIENCE: Duration = Duration::from_secs(30);

/// One message: its name, id and data.
struct Heard {
    name: String,
    id: String,
    data: String,
}

struct Listener {
    body: BodyDataStream,
    text: String,
}

impl Listener {
    async fn open(house: &House, last: Option<&str>) -> Listener {
        let mut request = asking(Method::GET, "/v1/stream", "demo-auditor");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = house.begin(request.body(Body::empty()).expect("a request")).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Listener { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The next message; `None` at the end.
    async fn next(&mut self) -> Option<Heard> {
        loop {
            if let Some((message, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let prefix = format!("{name}: ");
                    message.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap_or_default()
                };
                let (name, id, data) = (field("event"), field("id"), field("data"));
                let heard = Heard { name: name.into(), id: id.into(), data: data.into() };
                self.text = rest.to_owned();
                return Some(heard);
            }
            let chunk = tokio::time::timeout(PATIENCE, self.body.next()).await.expect("soon")?;
            self.text.push_str(&String::from_utf8_lossy(&chunk.expect("no broken stream")));
        }
    }

    async fn until(&mut self, name: &str) -> Heard {
        loop {
            let heard = self.next().await.expect("the stream goes on");
            if heard.name == name {
                return heard;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_hears_the_state_at_once_and_rows_as_they_become_final() {
    let house = House::open().await;
    let mut listener = Listener::open(&house, None).await;
    let first = listener.next().await.expect("a message");
    assert_eq!(first.name, "state");
    let state: LiveState = serde_json::from_str(&first.data).expect("the screens' shape");
    assert_eq!(state.events, 6);
    let event = json!({"tenantId": "platform", "payload": {"kind": "hello"}});
    let sent = house.post("/v1/events", "demo-ingest", &event).await.expect(201);
    let id = sent["eventId"].as_str().expect("an id");
    loop {
        let heard = listener.until("events").await;
        let events: StreamEvents = serde_json::from_str(&heard.data).expect("the screens' shape");
        let row = events.items.iter().find(|row| row.event_id == id);
        if row.is_some_and(|row| row.status.word() == "FINAL") {
            assert_eq!(heard.id, "7.0.0");
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_is_told_what_it_missed_or_that_it_missed_something() {
    let house = House::open().await;
    let mut back = Listener::open(&house, Some("4.0.0")).await;
    let missed = back.until("events").await;
    let missed: StreamEvents = serde_json::from_str(&missed.data).expect("the screens' shape");
    assert_eq!((missed.items.len(), missed.skipped), (2, 0));
    for unknown in ["99.0.0", "nonsense"] {
        let mut lost = Listener::open(&house, Some(unknown)).await;
        lost.until("gap").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_bounded_and_end_with_the_node() {
    let house = House::with(Limits { streams: 1, ..Limits::default() }).await;
    let mut only = Listener::open(&house, None).await;
    house.get("/v1/stream", "demo-auditor").await.problem(503, "busy");
    house.get("/v1/stream", "").await.problem(401, "unauthenticated");
    house.stop.cancel();
    while only.next().await.is_some() {}
}
