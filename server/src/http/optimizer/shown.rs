//! A proposal as JSON.

use domain::clock::Timestamp;
use domain::pricing::book::{Book, Case, Measure, Risk, Step, StepKind};
use domain::pricing::controls::{Content, Controls, Subject};
use domain::pricing::list_change;
use domain::pricing::listing::Part;
use domain::pricing::policy::differences;
use serde_json::{Value, json};

/// One of them, as of a time.
pub(super) struct Shown<'a> {
    pub(super) book: &'a Book,
    pub(super) case: &'a Case,
    pub(super) now: Timestamp,
}

impl Shown<'_> {
    pub(super) fn is_open(&self) -> bool {
        self.case.standing(self.now).is_open()
    }

    pub(super) fn state(&self) -> &'static str {
        self.case.standing(self.now).name()
    }

    /// How much it puts at stake.
    pub(super) fn class(&self) -> Risk {
        self.book.risk(self.case)
    }

    pub(super) fn row(&self) -> Value {
        let case = self.case;
        let current = case.current();
        let edition = &current.edition;
        let approvals: Vec<String> = case.approvers().map(ToString::to_string).collect();
        json!({
            "proposalId": case.id, "state": self.state(), "class": self.class(), "grounds": case.grounds,
            "version": current.version, "hash": current.hash, "content": edition.content,
            "requester": case.requester(), "editedBy": (current.version > 1).then_some(&current.author),
            "reason": edition.reason, "baseVersion": edition.base_version,
            "policyVersion": edition.policy_version, "rule": edition.rule,
            "openedAt": case.opened_at, "expiresAt": edition.expires_at,
            "approvals": approvals, "votes": case.votes().collect::<Vec<_>>(), "quorum": case.quorum(), "resultVersion": case.result_version,
            "changes": self.changes()
        })
    }

    pub(super) fn whole(&self) -> Value {
        let mut whole = self.row();
        whole["facts"] = json!(self.case.current().edition.facts);
        whole["bounds"] = self.bounds();
        if let Some(foresight) = &self.case.foresight {
            whole["foresight"] = json!(foresight);
        }
        whole["changed"] = json!(self.case.changed);
        whole["history"] = self.case.steps.iter().map(step).collect();
        whole
    }

    /// What would be otherwise, field by field.
    fn changes(&self) -> Value {
        let edition = &self.case.current().edition;
        match &edition.content {
            Content::Policy { policy } => {
                let before = self.book.policy_of(edition.base_version);
                json!(before.map(|before| differences(before, policy)).unwrap_or_default())
            }
            Content::Routing { shares } => {
                let before = self.book.shares().shares(edition.base_version).unwrap_or_default();
                json!([{ "field": "shares", "was": before, "is": shares }])
            }
            Content::ListPrice { price } => {
                let was = list_change::before(&edition.facts);
                let part = |(at, part): (usize, Part)| json!({ "field": part, "was": was.map(|was| was[at]), "is": part.of(price) });
                Part::ALL.into_iter().enumerate().map(part).collect()
            }
            Content::Controls { controls, .. } => {
                let before = self.before().unwrap_or(Controls::STANDARD);
                json!(controls_changes(&before, controls))
            }
        }
    }

    /// How it stands to each bound of its rule: as of now, or of when it was made where it is closed.
    fn bounds(&self) -> Value {
        let current = self.case.current();
        let at = if self.is_open() { self.now } else { current.at };
        let row = |measure: &Measure| {
            let mut row = json!(measure);
            row["words"] = json!(measure.bound.to_string());
            row["verdict"] = json!(measure.verdict(self.case.quorum()));
            row
        };
        self.book.measured(&current.edition, at).iter().map(row).collect()
    }

    fn before(&self) -> Option<Controls> {
        let Subject::Tenant(tenant) = self.case.subject() else { return None };
        let base = self.case.current().edition.base_version;
        self.book.chain(&tenant)?.controls(base)
    }
}

fn controls_changes(was: &Controls, is: &Controls) -> Vec<Value> {
    let (old, new) = (json!(was), json!(is));
    let fields = ["priceOfList", "overageOfList", "concurrency", "tokenCap"];
    let changed = fields.into_iter().filter(|field| old[*field] != new[*field]);
    changed.map(|field| json!({ "field": field, "was": old[field], "is": new[field] })).collect()
}

fn step(step: &Step) -> Value {
    let (what, more) = match &step.kind {
        StepKind::Opened => ("opened", Value::Null),
        StepKind::Approved { version, .. } => ("approved", json!(version)),
        StepKind::Rejected { reason } => ("rejected", json!(reason)),
        StepKind::Modified { version } => ("modified", json!(version)),
        StepKind::Applied { result_version, .. } => ("applied", json!(result_version)),
        StepKind::Stale => ("stale", Value::Null),
    };
    let in_stead_of = match &step.kind {
        StepKind::Approved { in_stead_of, .. } => in_stead_of.as_ref(),
        _ => None,
    };
    json!({
        "eventId": step.event_id, "at": step.at, "by": step.by, "what": what, "detail": more,
        "inSteadOf": in_stead_of, "refused": step.refused.as_ref().map(ToString::to_string)
    })
}
