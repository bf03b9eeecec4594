//! From receipts to what they say: each is checked, and only what holds is read.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::catalog::{DECIDED_BY, Known, PricePut, TenantPut, kind_of};
use crate::clock::LogicalClock;
use crate::event::{EventId, Slot};
use crate::policy::Policy;
use crate::pricing::approval::Actor;
use crate::pricing::book::{Told, What};
use crate::receipt::{Receipt, Step, StepState, Verdict, Verification, step, verify};

/// Where the steps about receipts say that they are from.
const RECEIPTS: &str = "receipts";

/// A decision, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Said<T> {
    pub value: T,
    pub event_id: EventId,
    pub order: (LogicalClock, Slot),
    /// The person who decided, as the recording cloud says.
    pub by: Option<Actor>,
}

/// What the events of a trail say.
#[derive(Clone, Debug, Default)]
pub(super) struct Events {
    pub told: Vec<Told>,
    pub tenants: Vec<Said<TenantPut>>,
    pub prices: Vec<Said<PricePut>>,
}

impl Events {
    /// A step for each receipt, and what is to be read of those that hold.
    pub(super) fn read(receipts: &[Receipt], policy: Option<&Policy>) -> (Self, Vec<Step>) {
        let (mut events, mut steps, mut seen) = (Events::default(), Vec::new(), BTreeSet::new());
        for receipt in receipts {
            let found = verify(receipt, policy);
            let is_first = seen.insert(receipt.event.event_id);
            let is_read = is_first && found.verdict != Verdict::Invalid && events.take(receipt);
            steps.push(told(receipt, &found, is_first, is_read));
        }
        (events, steps)
    }

    /// False: nothing that a price rests on, or not to be read.
    fn take(&mut self, receipt: &Receipt) -> bool {
        let Some(payload) = &receipt.event.payload else { return false };
        let Ok(Some(known)) = Known::read(payload) else { return false };
        let event_id = EventId(receipt.event.event_id);
        let (clock, slot, by) = (receipt.event.logical_clock, receipt.slot, by(payload));
        let order = (clock, slot);
        match known {
            Known::TenantPut(value) => self.tenants.push(Said { value, event_id, order, by }),
            Known::PricePut(value) => self.prices.push(Said { value, event_id, order, by }),
            known => {
                let Some(what) = What::of(known) else { return false };
                self.told.push(Told { event_id, clock, slot, by, what });
            }
        }
        true
    }
}

fn by(payload: &Value) -> Option<Actor> {
    payload.get(DECIDED_BY).and_then(Value::as_str).map(|login| Actor(login.to_owned()))
}

fn told(receipt: &Receipt, found: &Verification, is_first: bool, is_read: bool) -> Step {
    let payload = receipt.event.payload.as_ref();
    let kind = payload.and_then(kind_of).unwrap_or("an event without a kind");
    let who = payload.and_then(by).map_or_else(
        || format!("by {}", receipt.slot.origin.title()),
        |actor| format!("by {actor}, recorded by {}", receipt.slot.origin.title()),
    );
    let inputs = vec![
        ("event", receipt.event.event_id.to_string()),
        ("place", receipt.slot.to_string()),
        ("clock", receipt.event.logical_clock.to_string()),
        ("payload", payload.map_or_else(|| "withheld".to_owned(), Value::to_string)),
    ];
    let method = "its receipt: payload, hash, leaf, root, signatures of enough clouds";
    let (result, state) = outcome(found, is_first, is_read);
    let file = Some(RECEIPTS.to_owned());
    Step { state, file, ..step(&format!("{kind}, {who}"), method, inputs, result, true) }
}

fn outcome(found: &Verification, is_first: bool, is_read: bool) -> (String, StepState) {
    let steps = found.steps.len();
    match found.verdict {
        Verdict::Invalid => (found.sentence.clone(), StepState::Invalid),
        _ if !is_first => ("this event stands in the file twice".to_owned(), StepState::Invalid),
        _ if !is_read => {
            let result = "the receipt holds, and nothing that a price rests on is to be read in it";
            (result.to_owned(), StepState::NotChecked)
        }
        Verdict::Valid => (format!("all {steps} steps hold"), StepState::Valid),
        Verdict::SelfConsistent => {
            let result = format!("all {steps} steps hold, under keys that came with the file");
            (result, StepState::Unidentified)
        }
    }
}
