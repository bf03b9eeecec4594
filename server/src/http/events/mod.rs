//! Events: recording them, finding them, and proof of what became of them.

mod covering;
mod elsewhere;
pub(super) mod export;
mod item;
mod list;
mod media;
pub(super) mod one;
pub(super) mod record;
pub(super) mod view;

use axum::Router;
use axum::routing::get;

use super::Shared;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/v1/events", get(list::list).post(record::record))
        .route("/v1/events/export", get(export::export))
        .route("/v1/events/{event_id}", get(one::event))
        .route("/v1/events/{event_id}/confirmations", get(one::confirmations))
        .route("/v1/events/{event_id}/receipt", get(one::receipt))
        .route("/v1/events/{event_id}/covering", get(covering::covering))
}
