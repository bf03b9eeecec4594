//! What was done in the fault lab, for whoever looks later.

use std::sync::{Mutex, PoisonError};

use app::backend::{LabOrder, LabOutcome, LabRecord, LabRepair};

/// An afternoon's. The ledger keeps the history; this is for telling the story.
const ACTS_MAX: usize = 100;

#[derive(Debug, Default)]
pub(super) struct Acts(Mutex<Vec<LabRecord>>);

impl Acts {
    fn with<T>(&self, act: impl FnOnce(&mut Vec<LabRecord>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The newest first.
    pub fn list(&self) -> Vec<LabRecord> {
        self.with(|acts| acts.clone())
    }

    /// Gives the record's number.
    pub fn note(&self, who: String, order: LabOrder, outcome: LabOutcome) -> u64 {
        self.with(|acts| {
            let number = acts.first().map_or(1, |newest| newest.number + 1);
            acts.insert(0, LabRecord { number, at: crate::now(), who, order, outcome });
            acts.truncate(ACTS_MAX);
            number
        })
    }

    /// The damage of that act is repaired.
    pub fn repaired(&self, number: u64, repair: LabRepair) {
        self.with(|acts| {
            let act = acts.iter_mut().find(|act| act.number == number);
            if let Some(LabRecord { outcome: LabOutcome::Corrupted(damage), .. }) = act {
                damage.repair = Some(repair);
            }
        });
    }
}
