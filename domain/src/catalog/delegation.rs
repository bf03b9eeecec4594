//! Kinds about who approves in whose stead. The person who is away is the one who decided the event.

use serde::{Deserialize, Serialize};

use super::{KindError, name, reason, refuse};
use crate::clock::{DAY_MS, Timestamp};
use crate::event::EventId;

/// A quarter: whoever is away for longer hands over the role, and not the vote.
pub const DELEGATION_DAYS_MAX: i64 = 90;

/// Whoever decides this is away for a time, and another person approves in their stead. The event's
/// id is the delegation's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalDelegate {
    /// The login of the other person.
    pub to: String,
    /// Not before the event itself, whatever is said here.
    pub from: Timestamp,
    /// The first instant at which it is over.
    pub until: Timestamp,
    pub reason: String,
}

/// Whoever gave a delegation takes it back: from this event on it is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalWithdraw {
    pub delegation_id: EventId,
    pub reason: String,
}

impl ApprovalDelegate {
    pub(super) fn check(&self) -> Result<(), KindError> {
        name("/to", &self.to)?;
        reason(&self.reason)?;
        let lasts_ms = self.until.unix_ms().saturating_sub(self.from.unix_ms());
        if lasts_ms <= 0 {
            return refuse("/until", "must be later than it begins");
        }
        if lasts_ms > DELEGATION_DAYS_MAX * DAY_MS {
            let problem = format!("must be at most {DELEGATION_DAYS_MAX} days after it begins");
            return refuse("/until", problem);
        }
        Ok(())
    }
}

impl ApprovalWithdraw {
    pub(super) fn check(&self) -> Result<(), KindError> {
        reason(&self.reason)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{Known, decides_by, is_decision, is_recorded_by_clouds};
    use crate::access::Action;

    fn delegate(until: &str) -> Value {
        json!({"kind": "approval.delegate", "to": "bo@ternion.example",
            "from": "2026-12-01T00:00:00.000Z", "until": until, "reason": "on leave"})
    }

    #[test]
    fn a_delegation_reads_back_ends_after_it_begins_and_within_ninety_days() {
        let good = delegate("2027-03-01T00:00:00.000Z");
        let read = Known::read(&good).expect("valid").expect("known");
        assert_eq!(read.to_payload(), good);
        for until in ["2026-12-01T00:00:00Z", "2026-11-01T00:00:00Z", "2027-03-01T00:00:00.001Z"] {
            assert_eq!(Known::read(&delegate(until)).expect_err(until).field, "/until");
        }
        let mut silent = good;
        silent["reason"] = json!(" ");
        assert_eq!(Known::read(&silent).expect_err("blank").field, "/reason");
    }

    #[test]
    fn who_may_approve_delegates_and_takes_it_back() {
        for kind in ["approval.delegate", "approval.withdraw"] {
            assert!(is_decision(kind) && !is_recorded_by_clouds(kind));
            assert_eq!(decides_by(kind), Action::Approve);
        }
        assert!(Known::read(&json!({"kind": "approval.lend"})).is_err());
    }
}
