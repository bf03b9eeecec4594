//! Decisions of this program's own users become events of the platform's tenant.

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::StatusCode;
use domain::catalog::Known;
use domain::event::{EventId, Payload, TenantId};
use uuid::Uuid;

use crate::identity::{Principal, Recorder};
use crate::ledger::{Ledger, Submission, SubmitError};
use crate::problem::Problem;

/// Records decisions in the ledger.
#[derive(Clone, Debug)]
pub struct LedgerRecorder {
    ledger: Arc<Ledger>,
}

impl LedgerRecorder {
    #[must_use]
    pub fn new(ledger: Arc<Ledger>) -> Self {
        LedgerRecorder { ledger }
    }
}

#[async_trait]
impl Recorder for LedgerRecorder {
    async fn record(
        &self,
        decision: Known,
        by: &Principal,
        event_id: Option<Uuid>,
    ) -> Result<Uuid, Problem> {
        let submission = submission(&decision, by, event_id)?;
        let answer = self.ledger.submit(vec![submission]).await.pop();
        match answer {
            Some(Ok(accepted)) => Ok(accepted.event_id.0),
            Some(Err(error)) => Err(refused(&error)),
            // The ledger gives one answer each; none means that it is gone.
            None => Err(refused(&SubmitError::Stopping)),
        }
    }
}

fn submission(
    decision: &Known,
    by: &Principal,
    event_id: Option<Uuid>,
) -> Result<Submission, Problem> {
    let mut payload = decision.to_payload();
    payload[domain::catalog::DECIDED_BY] = by.login.clone().into();
    // What stands in a decision came from a person: it must read as what will be projected.
    Known::read(&payload).map_err(|error| {
        Problem::invalid("The decision breaks a rule of its kind.")
            .field(error.field.clone(), error.reason)
    })?;
    let payload =
        Payload::from_value(&payload).map_err(|error| Problem::invalid(error.to_string()))?;
    Ok(Submission {
        tenant_id: TenantId::platform(),
        payload,
        event_id: event_id.map(EventId),
        region: None,
        created_at: None,
    })
}

fn refused(error: &SubmitError) -> Problem {
    let detail = error.to_string();
    match error {
        SubmitError::Conflict { .. } => Problem::new(
            StatusCode::CONFLICT,
            "conflict",
            "This id is taken",
            format!("{detail}. Send it under a new id."),
        ),
        SubmitError::Busy | SubmitError::Stopping => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            "Not just now",
            "Nothing was recorded. It is safe to try again.",
        )
        .retry_after(1)
        .internal(detail),
        SubmitError::Frozen => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "log_frozen",
            "This cloud records nothing",
            "There is evidence against its log, and it has no new keys yet. Nothing was recorded; do \
             it at another cloud.",
        )
        .internal(detail),
        SubmitError::Unavailable(_) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "database_unavailable",
            "The database cannot be reached",
            "It is not known whether this was recorded; the ledger shows it. Try again in a moment.",
        )
        .retry_after(2)
        .internal(detail),
    }
}
