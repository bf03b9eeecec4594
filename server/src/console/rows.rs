//! Lines of the ledger, as screens and the stream show them.

use app::backend::EventRow;
use domain::clock::Timestamp;
use domain::cloud::{Cloud, PerCloud};
use domain::event::{EventId, Slot, TenantId};
use domain::finality::Finality;

use super::Console;
use crate::ledger::{Covering, Record, Watermarks};

/// Who signed for a slot, and when, as learnt here.
pub(super) type Coverings = PerCloud<Option<Covering>>;

impl Console {
    /// The rows of these records, in their order.
    ///
    /// As of now.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn rows(&self, records: &[Record]) -> Result<Vec<EventRow>, sqlx::Error> {
        let marks = self.ledger.watermarks().borrow().clone();
        self.rows_at(records, &marks).await
    }

    /// As of these marks.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn rows_at(
        &self,
        records: &[Record],
        marks: &Watermarks,
    ) -> Result<Vec<EventRow>, sqlx::Error> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let slots: Vec<Slot> = records.iter().map(|record| record.slot).collect();
        let coverings = self.ledger.coverings(&slots).await?;
        let events: Vec<(TenantId, EventId)> = records.iter().map(identity).collect();
        let contested = self.projection.contested(&events).await?;
        let row = |(record, coverings): (&Record, &Coverings)| {
            let conflict = contested.get(&identity(record));
            let status = if conflict.is_some_and(|one| one.holds(record.event.payload.bytes())) {
                Finality::Quarantined
            } else {
                marks.finality(record.slot)
            };
            let is_final = marks.is_final(record.slot);
            let final_at = final_at(record.slot.origin, coverings).filter(|_| is_final);
            EventRow {
                event_id: record.event.event_id.to_string(),
                tenant_id: record.event.tenant_id.to_string(),
                kind: record.kind.clone(),
                origin: record.slot.origin,
                epoch: record.slot.epoch,
                sequence: record.slot.sequence,
                status,
                signed: marks.signed(record.slot),
                hash: record.hash.to_string(),
                created_at: record.event.created_at,
                accepted_at: accepted_at(record),
                time_to_final_ms: final_at.map(|at| after_ms(record, at)),
            }
        };
        Ok(records.iter().zip(&coverings).map(row).collect())
    }
}

pub(super) fn identity(record: &Record) -> (TenantId, EventId) {
    (record.event.tenant_id.clone(), record.event.event_id)
}

/// When the origin accepted it, by its logical clock.
pub(super) fn accepted_at(record: &Record) -> Timestamp {
    let ms = i64::try_from(record.event.logical_clock.ms).unwrap_or(i64::MAX);
    Timestamp::from_unix_ms(ms)
}

/// From acceptance until then; clouds' clocks may differ, so never below zero.
pub(super) fn after_ms(record: &Record, at: Timestamp) -> i64 {
    (at.unix_ms() - accepted_at(record).unix_ms()).max(0)
}

/// Whose signature made it final: the first after the origin's.
pub(super) fn finaliser(origin: Cloud, coverings: &Coverings) -> Option<Cloud> {
    let others = origin.peers().into_iter();
    let signed = others.filter_map(|cloud| Some((cloud, (*coverings.get(cloud))?.learnt_at)));
    coverings.get(origin).and(signed.min_by_key(|(_, at)| *at)).map(|(cloud, _)| cloud)
}

fn final_at(origin: Cloud, coverings: &Coverings) -> Option<Timestamp> {
    let second = (*coverings.get(finaliser(origin, coverings)?))?;
    Some(second.learnt_at.max((*coverings.get(origin))?.learnt_at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covering(ms: i64) -> Option<Covering> {
        Some(Covering { tree_size: 1, learnt_at: Timestamp::from_unix_ms(ms) })
    }

    #[test]
    fn the_first_signature_beside_the_origins_makes_an_event_final() {
        let all = PerCloud { gcp: covering(50), aws: covering(10), azure: covering(40) };
        assert_eq!(finaliser(Cloud::Aws, &all), Some(Cloud::Azure));
        assert_eq!(final_at(Cloud::Aws, &all), Some(Timestamp::from_unix_ms(40)));
        // Learnt in another order, as at a third cloud: final when both are known.
        assert_eq!(final_at(Cloud::Gcp, &all), Some(Timestamp::from_unix_ms(50)));
    }

    #[test]
    fn without_the_origin_or_a_second_cloud_nobody_made_it_final() {
        let lonely = PerCloud { gcp: covering(50), aws: None, azure: None };
        assert_eq!(finaliser(Cloud::Gcp, &lonely), None);
        assert_eq!(finaliser(Cloud::Aws, &lonely), None);
        assert_eq!(final_at(Cloud::Aws, &lonely), None);
    }
}
