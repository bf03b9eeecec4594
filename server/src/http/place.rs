//! Places: how many requests are worked on at a time, and how many wait for finality beside them.
//!
//! Who waits works at nothing, so it gives its place to others meanwhile. Waiting has a bound of
//! its own: each waiter keeps a connection and is woken whenever finality moves.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Shared;
use crate::config::Limits;
use crate::problem::Problem;

/// Of one node.
#[derive(Clone, Debug)]
pub(super) struct Places {
    working: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Places {
    pub(super) fn of(limits: &Limits) -> Self {
        Places {
            working: Arc::new(Semaphore::new(limits.requests)),
            waiting: Arc::new(Semaphore::new(limits.waiters)),
        }
    }
}

/// The place of the request at hand; it stands in the request's extensions.
#[derive(Clone, Debug)]
pub(super) struct Place {
    places: Places,
    /// `None` while the request waits.
    held: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
}

/// Takes no more requests at a time than configured: a late refusal helps nobody.
pub(super) async fn admit(
    State(shared): State<Shared>,
    mut request: Request,
    next: Next,
) -> Response {
    let places = shared.places.clone();
    let Ok(place) = Arc::clone(&places.working).try_acquire_owned() else {
        let detail = "This cloud serves as many requests as it can. Try again, or another cloud.";
        return refuse(detail).into_response();
    };
    let place = Place { places, held: Arc::new(Mutex::new(Some(place))) };
    request.extensions_mut().insert(place.clone());
    let response = next.run(request).await;
    drop(place); // held until here, whatever the handler did with the request
    response
}

fn refuse(detail: &str) -> Problem {
    metrics::counter!("ternion_http_refused_total").increment(1);
    Problem::busy(detail)
}

impl<S: Sync> FromRequestParts<S> for Place {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let place = parts.extensions.get::<Place>().cloned();
        place.ok_or_else(|| Problem::fault("a request without a place"))
    }
}

impl Place {
    /// Leave to wait later. Asked for before anything is recorded, so that who is refused loses
    /// nothing.
    pub(super) fn seat(self) -> Result<Seat, Problem> {
        let seat = Arc::clone(&self.places.waiting).try_acquire_owned();
        let seat = seat.map_err(|_| {
            refuse(
                "As many requests wait for finality here as may. Nothing was recorded. Send this \
                 without wait=final and ask for the event's confirmations, or try another cloud.",
            )
        })?;
        Ok(Seat { place: self, _seat: seat })
    }

    fn hold(&self, place: Option<OwnedSemaphorePermit>) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }
}

/// Leave to wait, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    place: Place,
    _seat: OwnedSemaphorePermit,
}

impl Seat {
    /// Waits without a place, and takes one again: before those who come anew.
    pub(super) async fn wait(self, waiting: impl Future<Output = ()>) {
        self.place.hold(None);
        waiting.await;
        // An error would mean that the places are closed, which nobody does.
        self.place.hold(Arc::clone(&self.place.places.working).acquire_owned().await.ok());
    }
}
