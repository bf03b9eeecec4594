//! One event: its envelope, who has signed for it, and its receipt.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use domain::clock::{LogicalClock, Timestamp};
use domain::cloud::Cloud;
use domain::event::{EventId, FieldError, Slot, TenantId};
use domain::key::Signature;
use domain::log::Hash;
use domain::receipt::Receipt;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::view::{Confirmations, Links};
use crate::http::ask::Named;
use crate::http::{Services, Shared};
use crate::identity::Principal;
use crate::ledger::{NoReceipt, Record, Watermarks};
use crate::problem::Problem;

/// The envelope's nine fields, and what this cloud knows of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Whole {
    event_id: EventId,
    tenant_id: TenantId,
    logical_clock: LogicalClock,
    region: String,
    /// Absent for those who may not read payloads.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Value>,
    created_at: Timestamp,
    origin_cloud: Cloud,
    hash: Hash,
    signature: Signature,
    /// Hex; absent with the payload, since a small one could be guessed with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    salt: Option<String>,
    payload_hash: Hash,
    kind: Option<String>,
    slot: Slot,
    /// Every place of this id: more than one if several clouds accepted it.
    slots: Vec<Slot>,
    #[serde(flatten)]
    proof: Proof,
    links: Links,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Proof {
    status: domain::finality::Finality,
    signed: domain::finality::Signed,
    quorum_reached: bool,
    replicated: bool,
}

impl From<Confirmations> for Proof {
    fn from(of: Confirmations) -> Self {
        Proof {
            status: of.status,
            signed: of.signed,
            quorum_reached: of.quorum_reached,
            replicated: of.replicated,
        }
    }
}

/// The slots of an id.
pub(super) struct Found {
    records: Vec<Record>,
    marks: Watermarks,
    /// The one that counts is held, like all of them.
    held: bool,
}

impl Found {
    pub(super) async fn of(shared: &Services, text: &str) -> Result<(Found, Record), Problem> {
        let id = Uuid::parse_str(text)
            .map_err(|_| Problem::malformed(format!("\"{text}\" {}.", FieldError::EventId)))?;
        let records = shared.console.twins(EventId(id)).await?;
        let marks = shared.ledger.watermarks().borrow().clone();
        let first = records.first().cloned().ok_or_else(|| {
            Problem::not_found(format!(
                "No event {id} is stored here. If another cloud has just accepted it, try again \
                 in a moment."
            ))
        })?;
        let held = shared.is_held(&first).await?;
        Ok((Found { records, marks, held }, first))
    }

    fn proof(&self, record: &Record) -> Confirmations {
        Confirmations::of(&self.marks, record.slot, record.hash, self.held)
    }
}

pub(super) async fn event(
    State(shared): State<Shared>,
    principal: Principal,
    Named(id): Named<String>,
) -> Result<Response, Problem> {
    principal.require(Action::ReadLedger)?;
    let (found, record) = Found::of(&shared, &id).await?;
    let may_read = principal.role.may(Action::ReadPayload);
    let payload = may_read.then(|| serde_json::from_slice(record.event.payload.bytes()));
    let payload = payload.transpose().map_err(Problem::fault)?;
    let whole = Whole {
        event_id: record.event.event_id,
        tenant_id: record.event.tenant_id.clone(),
        logical_clock: record.event.logical_clock,
        region: record.event.region.as_str().to_owned(),
        payload,
        created_at: record.event.created_at,
        origin_cloud: record.event.origin_cloud,
        hash: record.hash,
        signature: record.signature,
        salt: may_read.then(|| hex::encode(record.event.salt.0)),
        payload_hash: record.event.payload_hash(),
        kind: record.kind.clone(),
        slot: record.slot,
        slots: found.records.iter().map(|record| record.slot).collect(),
        proof: found.proof(&record).into(),
        links: Links::of(&record.event.event_id.to_string()),
    };
    Ok(Json(whole).into_response())
}

pub(super) async fn confirmations(
    State(shared): State<Shared>,
    principal: Principal,
    Named(id): Named<String>,
) -> Result<Response, Problem> {
    principal.require(Action::ReadLedger)?;
    let (found, record) = Found::of(&shared, &id).await?;
    Ok(Json(found.proof(&record)).into_response())
}

pub(super) async fn receipt(
    State(shared): State<Shared>,
    principal: Principal,
    Named(id): Named<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    principal.require(Action::ReadLedger)?;
    let (_, record) = Found::of(&shared, &id).await?;
    let receipt = receipt_of(&shared, &record, &principal).await?;
    if wants_text(&headers) {
        let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::VARY, "accept")];
        return Ok((kind, receipt.to_tlog_proof()).into_response());
    }
    let name = format!("inline; filename=\"receipt-{}.json\"", record.event.event_id);
    let headers = [(header::CONTENT_DISPOSITION, name), (header::VARY, "accept".to_owned())];
    Ok((headers, Json(receipt)).into_response())
}

/// Text only for those who name it: `*/*` means the usual form.
fn wants_text(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let mut ranges = accept
        .unwrap_or_default()
        .split(',')
        .map(|range| range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    ranges
        .find(|range| range == "text/plain" || range == "application/json" || range == "*/*")
        .is_some_and(|first| first == "text/plain")
}

/// The receipt, without the payload for those who may not read it.
pub(in crate::http) async fn receipt_of(
    shared: &Services,
    record: &Record,
    principal: &Principal,
) -> Result<Receipt, Problem> {
    let mut receipt = shared.ledger.receipt(record).await.map_err(no_receipt)?;
    if !principal.role.may(Action::ReadPayload) {
        receipt.event.payload = None;
        receipt.event.salt = None;
    }
    Ok(receipt)
}

fn no_receipt(cause: NoReceipt) -> Problem {
    match cause {
        NoReceipt::NotFinal(slot) => {
            let detail = format!(
                "The event at {slot} is durable at its origin, and no second cloud has signed for \
                 it yet. Ask again in a moment."
            );
            let problem = Problem::new(StatusCode::CONFLICT, "not_final", "Not final yet", detail);
            Problem { slot: Some(slot), ..problem.retry_after(1) }
        }
        NoReceipt::Database(cause) => Problem::database(&cause),
        NoReceipt::Damaged(what) => Problem::fault(what),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn the_text_form_is_given_to_those_who_name_it_first() {
        let wants = |accept: &'static str| {
            wants_text(&HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]))
        };
        assert!(wants("text/plain"));
        assert!(wants("text/html, text/plain;q=0.9, */*"));
        assert!(!wants("application/json, text/plain"));
        assert!(!wants("*/*"));
        assert!(!wants_text(&HeaderMap::new()));
    }
}
