//! RFC 9457 problem details: the one shape in which an error leaves this program.
//!
//! Layers below return their own error enums. They become a [`Problem`] once, here at the edge,
//! with two messages: `detail` for the client, `internal` for the log.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::event::Slot;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// What went wrong, for the client. `code` is stable; programs may match on it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    #[serde(skip)]
    pub http: StatusCode,
    /// The HTTP status, again.
    pub status: u16,
    /// A stable name, such as `unknown_tenant`.
    pub code: &'static str,
    pub title: &'static str,
    /// What happened, where, and what to do.
    pub detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What is wrong with which field, as JSON Pointers into the body.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// The place of the event that is in the way, such as the one recorded under the same id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub slot: Option<Slot>,
    /// The proposal that is in the way, such as the open one about the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposal_id: Option<Uuid>,
    /// Where what is in the way can be read, as a path of this API.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub instance: Option<Box<String>>,
    /// Whole seconds after which a retry makes sense; also the `Retry-After` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// For the log only.
    #[serde(skip)]
    pub internal: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// JSON Pointer, such as `/payload/model`.
    pub field: String,
    pub reason: String,
}

impl Problem {
    #[must_use]
    pub fn new(
        http: StatusCode,
        code: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Problem {
            http,
            status: http.as_u16(),
            code,
            title,
            detail: detail.into(),
            request_id: None,
            errors: Vec::new(),
            slot: None,
            proposal_id: None,
            instance: None,
            retry_after: None,
            internal: None,
        }
    }

    #[must_use]
    pub fn field(mut self, field: impl Into<String>, reason: impl Into<String>) -> Self {
        self.errors.push(FieldProblem { field: field.into(), reason: reason.into() });
        self
    }

    /// Names the open proposal that people are to decide about first.
    #[must_use]
    pub fn proposal(mut self, id: Uuid) -> Self {
        self.proposal_id = Some(id);
        self.instance = Some(Box::new(format!("/v1/proposals/{id}")));
        self
    }

    #[must_use]
    pub const fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Adds what only the log may know.
    #[must_use]
    pub fn internal(mut self, cause: impl std::fmt::Display) -> Self {
        self.internal = Some(cause.to_string());
        self
    }

    #[must_use]
    pub fn malformed(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::BAD_REQUEST, "malformed", "Malformed request", detail)
    }

    #[must_use]
    pub fn invalid(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "Invalid request", detail)
    }

    #[must_use]
    pub fn unauthenticated(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", "Sign in first", detail)
    }

    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::FORBIDDEN, "forbidden", "Not permitted", detail)
    }

    #[must_use]
    pub fn not_found(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::NOT_FOUND, "not_found", "Not found", detail)
    }

    #[must_use]
    pub fn too_large(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "Too large", detail)
    }

    #[must_use]
    pub fn conflict(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::CONFLICT, "conflict", "In conflict with what is recorded", detail)
    }

    /// This node has more to do than it can.
    #[must_use]
    pub fn busy(detail: impl Into<String>) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Problem::new(status, "busy", "Too busy just now", detail).retry_after(1)
    }

    /// Says in the log what only the log may know: once, where it becomes an answer or a part of one.
    pub fn log(&self) {
        if let Some(cause) = &self.internal {
            tracing::error!(code = self.code, status = self.status, cause, "request failed");
        }
    }

    /// A fault of this program. What broke is for the log.
    #[must_use]
    pub fn fault(cause: impl std::fmt::Display) -> Self {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something broke here",
            "This is a fault of the server, not of your request. The request id leads to its log.",
        )
        .internal(cause)
    }

    /// The database cannot be reached just now.
    #[must_use]
    pub fn database(cause: &sqlx::Error) -> Self {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "database_unavailable",
            "The database cannot be reached",
            "This could not be read just now. Ask again in a moment.",
        )
        .retry_after(2)
        .internal(cause)
    }
}

/// SQLSTATE class 22: the value itself is wrong, and sending it again does not help.
fn is_data_exception(cause: &sqlx::Error) -> bool {
    let code = cause.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code.starts_with("22"))
}

impl From<sqlx::Error> for Problem {
    fn from(cause: sqlx::Error) -> Self {
        if is_data_exception(&cause) {
            let detail = "A value holds what the database cannot hold, such as a NUL character.";
            return Problem::malformed(detail).internal(cause);
        }
        Problem::database(&cause)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.log();
        let retry_after = self.retry_after;
        let mut response = (self.http, Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.http == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // Kept for the middleware that adds the request id.
        response.extensions_mut().insert(self);
        response
    }
}
