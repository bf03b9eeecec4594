//! Deciding about what is held: checked here, recorded as events by whoever asks, in force once
//! they are final.

use app::backend::{HeldDecision, Release};
use axum::http::StatusCode;
use domain::catalog::{
    ConflictResolve, DECIDED_BY, Known, QuarantineReject, QuarantineRelease, is_decision, kind_of,
};
use domain::event::{Event, EventId, Slot, TenantId};
use domain::quarantine::{Form, HeldId, State};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::super::Console;
use super::content::event_of;
use crate::problem::Problem;
use crate::projection::Conflict;
use crate::quarantine::Item;

/// What somebody wants to do with a held thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    Release {
        /// The number of an entry, or a slot; needed where there are several.
        choice: Option<String>,
    },
    Reject,
}

/// The events that an act amounts to, as intake reads them. To be recorded in this order: what is
/// released stands behind its decision in one log, so it is not final before it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Absent if it is recorded already and only what it released is missing.
    pub decision: Option<Value>,
    pub released: Option<Value>,
}

/// The id of the decision about an input. There is one decision about it, so it has one id:
/// deciding twice is a conflict, and repeating the same decision records it once.
pub(super) fn decision_id(item: Uuid) -> EventId {
    derived_id("decision", item)
}

fn new_event_id(item: Uuid) -> EventId {
    derived_id("release", item)
}

fn derived_id(what: &str, item: Uuid) -> EventId {
    let digest: [u8; 32] =
        Sha256::digest(format!("ternion/quarantine/v1\n{what}\n{item}\n")).into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    EventId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

impl Console {
    /// What an act amounts to.
    ///
    /// # Errors
    /// Nothing of this name is held, it is decided already, or it cannot be released.
    pub async fn plan(&self, id: &HeldId, act: &Act, reason: &str) -> Result<Plan, Problem> {
        match id {
            HeldId::Input(id) => self.plan_for_item(*id, act, reason).await,
            HeldId::Conflict { .. } => {
                let conflict = self.held_conflict(id).await?;
                self.plan_for_conflict(&conflict, act, reason).await
            }
        }
    }

    async fn plan_for_item(&self, id: Uuid, act: &Act, reason: &str) -> Result<Plan, Problem> {
        let detail = self.held_detail(&HeldId::Input(id), false).await?;
        let Act::Release { choice } = act else {
            return match &detail.decision {
                Some(decision) => Err(already_decided(decision)),
                None => Ok(rejection(id, reason)),
            };
        };
        if let Some(decision) = &detail.decision
            && !self.is_unfinished(decision).await?
        {
            return Err(already_decided(decision));
        }
        let choices = match detail.release {
            Release::Yes { choices } => choices,
            Release::No { why } => return Err(not_releasable(&why)),
        };
        let chosen = match (choice, choices.as_slice()) {
            (None, [only]) => &only.value,
            (None, _) => return Err(choose("/entry", "must name one of its entries")),
            (Some(choice), choices) => match choices.iter().find(|known| known.value == *choice) {
                Some(known) => &known.value,
                None => return Err(choose("/entry", "is no entry of it that can be released")),
            },
        };
        let (item, bytes) = self.held_item(id).await?;
        let released = self
            .released(&item, &bytes, chosen)
            .ok_or_else(|| not_releasable("It cannot be read."))?;
        let decision = Known::QuarantineRelease(QuarantineRelease {
            item_id: id,
            reason: reason.to_owned(),
            new_event_id: new_event_id(id),
        });
        let decision = detail.decision.is_none().then(|| event(&decision, Some(decision_id(id))));
        Ok(Plan { decision, released: Some(released) })
    }

    /// Was something released, and is the event that it became not recorded? Then its release was
    /// cut short, and can be finished.
    pub(super) async fn is_unfinished(&self, decision: &HeldDecision) -> Result<bool, sqlx::Error> {
        let new = decision.new_event_id.as_deref().and_then(|id| Uuid::parse_str(id).ok());
        match new {
            Some(id) => Ok(self.ledger.find(EventId(id)).await?.is_empty()),
            None => Ok(false),
        }
    }

    /// The chosen contents as a new event.
    fn released(&self, item: &Item, bytes: &[u8], chosen: &str) -> Option<Value> {
        let mut event = match item.form {
            Form::Event => event_of(bytes)?.0,
            _ => {
                let opened = self.opened(item, bytes);
                let number: usize = chosen.parse().ok()?;
                let entry = opened.entries.into_iter().find(|entry| entry.number == number)?;
                sent_anew(&entry.event?)?
            }
        };
        let fields = event.as_object_mut()?;
        fields.insert("eventId".to_owned(), json!(new_event_id(item.id)));
        // It is a new event: accepted now, and if it decides something, decided by who releases it.
        fields.remove("createdAt");
        let payload = fields.get_mut("payload")?;
        if kind_of(payload).is_some_and(is_decision) {
            payload.as_object_mut()?.remove(DECIDED_BY);
        }
        Some(event)
    }

    async fn plan_for_conflict(
        &self,
        conflict: &Conflict,
        act: &Act,
        reason: &str,
    ) -> Result<Plan, Problem> {
        if conflict.resolved.is_some() {
            return Err(too_late("It is decided: the first decision stands."));
        }
        let slot = match act {
            Act::Reject => None,
            Act::Release { choice } => {
                let wrong = || choose("/slot", "must be one of the places that hold this id");
                let slot = choice.as_deref().and_then(Slot::parse).ok_or_else(wrong)?;
                let records = self.records_of(conflict).await?;
                if !records.iter().any(|record| record.slot == slot) {
                    return Err(wrong());
                }
                Some(slot)
            }
        };
        let decision = Known::ConflictResolve(ConflictResolve {
            tenant_id: conflict.tenant_id.clone(),
            event_id: conflict.event_id,
            slot,
            reason: reason.to_owned(),
        });
        Ok(Plan { decision: Some(event(&decision, None)), released: None })
    }
}

fn rejection(item_id: Uuid, reason: &str) -> Plan {
    let reason = reason.to_owned();
    let decision = Known::QuarantineReject(QuarantineReject { item_id, reason });
    Plan { decision: Some(event(&decision, Some(decision_id(item_id)))), released: None }
}

/// A decision as an event of the platform.
fn event(decision: &Known, id: Option<EventId>) -> Value {
    let mut event = json!({ "tenantId": TenantId::platform(), "payload": decision.to_payload() });
    if let Some(id) = id {
        event["eventId"] = json!(id);
    }
    event
}

/// An entry of a log as a client would send it.
fn sent_anew(event: &Event) -> Option<Value> {
    let payload: Value = serde_json::from_slice(event.payload.bytes()).ok()?;
    Some(json!({
        "tenantId": event.tenant_id, "region": event.region.as_str(), "payload": payload
    }))
}

pub(super) fn already_decided(decision: &HeldDecision) -> Problem {
    let what = match decision.state {
        State::Released => "released",
        _ => "rejected",
    };
    let by = decision.by.as_deref().map_or_else(String::new, |by| format!(" by {by}"));
    let so_far = if decision.is_final { "" } else { "; that becomes final with a second cloud" };
    too_late(&format!("It was {what}{by}{so_far}. The first decision stands."))
}

fn too_late(detail: &str) -> Problem {
    Problem::new(StatusCode::CONFLICT, "already_decided", "Decided already", detail)
}

fn not_releasable(why: &str) -> Problem {
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    let detail = format!("{why} It can only be rejected.");
    Problem::new(status, "not_releasable", "Nothing to release", detail)
}

fn choose(field: &str, reason: &str) -> Problem {
    Problem::invalid("Say which of its contents to release.").field(field, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_has_one_decision_and_one_event_that_it_can_become() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(decision_id(one), decision_id(one));
        assert_ne!(decision_id(one), decision_id(other));
        assert_ne!(decision_id(one), new_event_id(one));
        assert_eq!(decision_id(one).0.get_version_num(), 8);
    }

    #[test]
    fn a_rejection_is_one_decision_of_the_platform() {
        let plan = rejection(Uuid::from_u128(1), "forged");
        assert_eq!(plan.released, None);
        let decision = plan.decision.expect("a decision");
        assert_eq!(decision["tenantId"], "platform");
        assert_eq!(decision["payload"]["kind"], "quarantine.reject");
        assert_eq!(decision["payload"]["reason"], "forged");
    }
}
