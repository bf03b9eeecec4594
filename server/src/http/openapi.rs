//! The description of this face for programs and people: `/openapi.json` and `/docs`.

use axum::Router;

use super::Shared;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
}
