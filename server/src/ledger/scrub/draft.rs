//! A finding before it is known what comes of it.

use domain::cloud::Cloud;
use domain::event::Slot;
use domain::log::LogId;
use domain::scrub::{Field, StoredRow};

use super::finding::{Finding, MISSING, Outcome};
use super::repair::Evidence;

/// What is wrong, and what would be right.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) place: String,
    pub(super) sequence: Option<u64>,
    pub(super) field: String,
    pub(super) found: String,
    pub(super) right: Option<String>,
    pub(super) found_bytes: Option<Vec<u8>>,
    pub(super) right_bytes: Option<Vec<u8>>,
}

impl Draft {
    /// About a place that is no row.
    pub(super) fn of(place: String, field: &str, found: Option<String>) -> Self {
        Draft {
            place,
            sequence: None,
            field: field.to_owned(),
            found_bytes: found.clone().map(String::into_bytes),
            found: found.unwrap_or_else(|| MISSING.to_owned()),
            right: None,
            right_bytes: None,
        }
    }

    /// About a row as a whole.
    pub(super) fn row(log: LogId, sequence: u64, field: &str, found: String) -> Self {
        let slot = Slot { origin: log.origin, epoch: log.epoch, sequence };
        Draft {
            place: slot.to_string(),
            sequence: Some(sequence),
            field: field.to_owned(),
            found,
            right: None,
            found_bytes: None,
            right_bytes: None,
        }
    }

    /// About one column.
    pub(super) fn column(
        log: LogId,
        field: Field,
        found: &StoredRow,
        right: Option<&StoredRow>,
    ) -> Self {
        let mut draft = Draft::row(log, found.sequence, field.name(), found.text(field));
        draft.found_bytes = found.bytes(field);
        draft.right = right.map(|right| right.text(field));
        draft.right_bytes = right.and_then(|right| right.bytes(field));
        draft
    }

    pub(super) fn finding(&self, log: LogId, outcome: Outcome) -> Finding {
        Finding {
            at: crate::now(),
            log,
            place: self.place.clone(),
            sequence: self.sequence,
            field: self.field.clone(),
            found: self.found.clone(),
            right: self.right.clone(),
            outcome,
        }
    }

    /// What is kept of it.
    pub(super) fn evidence(&self, outcome: &Outcome) -> Evidence {
        let (repaired, source, reason) = match outcome {
            Outcome::Repaired { source } => (true, *source, self.found.clone()),
            Outcome::Open { reason } => (false, None, reason.clone()),
        };
        Evidence {
            place: self.place.clone(),
            field: self.field.clone(),
            found: self.found_bytes.clone(),
            replaced: self.right_bytes.clone().filter(|_| repaired),
            repaired,
            source,
            reason,
        }
    }
}

/// Every column of a row that stands in another's place: the row as a whole is one finding, but
/// all of its bytes are kept.
pub(super) fn columns_kept(
    log: LogId,
    found: &StoredRow,
    right: Option<&StoredRow>,
    source: Option<Cloud>,
) -> Vec<Evidence> {
    let fields = match right {
        Some(right) => found.differences(right),
        None => Field::ALL.to_vec(),
    };
    let outcome = Outcome::Repaired { source };
    fields
        .into_iter()
        .map(|field| Draft::column(log, field, found, right).evidence(&outcome))
        .collect()
}
