//! Carries out list prices that people agreed to: each becomes a `price.put`, which the catalogue, the
//! charges and the statements follow as any other.
//!
//! The application that is FINAL is what was decided; this event is a function of it, id and content.
//! So whoever sees the one without the other records it, here and elsewhere and as often as it takes: a
//! cloud that stops in between is finished by the next one, and equal events count once.
//!
//! It is done once the catalogue has a version with just this content, whatever its id: the content names
//! the proposal, which nobody but the clouds may, so there is no other. An id can be taken by others, who
//! know the proposal's: then the next one is used. Two clouds that see that differently may record the
//! same content under two ids, for the same beginning, which charges nothing twice.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use domain::catalog::{Known, PricePut};
use domain::event::{EventId, Payload, TenantId};
use domain::pricing::book::Applied;
use domain::pricing::list_change::{Product, Versions};
use uuid::Uuid;

use super::execute::TURN;
use super::{Optimizer, OptimizerError, event_id};
use crate::ledger::{Record, SubmitError};
use crate::projection::Catalog;

/// Ids that are tried in one look; the next look goes on.
const IDS_AT_ONCE: u32 = 8;

/// The proposal, and the place among the prices of its product.
type Place = (Uuid, u64);

/// What was seen applied.
#[derive(Debug, Default)]
pub(super) struct Enacted {
    done: BTreeSet<Place>,
    waiting: BTreeMap<Place, Waiting>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    since: Instant,
    /// How many of its ids are taken.
    taken: u32,
}

impl Optimizer {
    /// Safe to repeat. What was applied before the kill switch was pressed is finished while it is on: it
    /// was decided. One that fails does not hold the others up; the last failure is told.
    pub(super) async fn enact_what_is_agreed(
        &self,
        enacted: &mut Enacted,
    ) -> Result<(), OptimizerError> {
        let catalog = self.projection.catalog();
        let mut failed = Ok(());
        for (version, applied) in catalog.book().list_prices() {
            let place = (applied.proposal_id, version);
            if enacted.done.contains(&place) {
                continue;
            }
            if is_in(&catalog, &applied.value) {
                enacted.waiting.remove(&place);
                enacted.done.insert(place);
                continue;
            }
            let fresh = || Waiting { since: Instant::now(), taken: 0 };
            let waiting = enacted.waiting.entry(place).or_insert_with(fresh);
            if waiting.since.elapsed() < TURN * self.place_of_mine() {
                continue;
            }
            if let Err(cause) = self.enact(version, applied, &mut waiting.taken).await {
                failed = Err(cause);
            }
        }
        failed
    }

    /// `taken`: how many of its ids others have used.
    async fn enact(
        &self,
        version: u64,
        applied: &Applied<PricePut>,
        taken: &mut u32,
    ) -> Result<(), OptimizerError> {
        let what = Known::PricePut(applied.value.clone());
        for _ in 0..IDS_AT_ONCE {
            let id = id_of(version, applied, *taken);
            match self.tell(&what, Some(id)).await {
                Ok(accepted) => {
                    self.until_in_force(accepted.slot).await;
                    if !self.is_left_out(accepted.slot, &applied.value) {
                        return Ok(());
                    }
                }
                Err(OptimizerError::Submit(SubmitError::Conflict { .. })) => {
                    let there = self.ledger.find(id).await?;
                    let own = there.iter().find(|record| is_own(record, &what));
                    // Another cloud was as fast: the same event, which becomes final.
                    if own.is_some_and(|own| !self.is_left_out(own.slot, &applied.value)) {
                        return Ok(());
                    }
                }
                Err(cause) => return Err(cause),
            }
            *taken = taken.saturating_add(1);
            tracing::warn!(
                event_id = %id, proposal = %applied.proposal_id,
                "the id of a list price that people agreed to is taken by another event: it is recorded \
                 under the next one; find out who sent that event"
            );
        }
        Ok(())
    }

    /// Has its event been taken in, and does the catalogue not have it? Then it is held as one of several
    /// under its id.
    fn is_left_out(&self, slot: domain::event::Slot, price: &PricePut) -> bool {
        self.projection.is_projected(slot) && !is_in(&self.projection.catalog(), price)
    }
}

/// Of the FINAL events, what replaced it since does not matter.
fn is_in(catalog: &Catalog, price: &PricePut) -> bool {
    let versions = catalog.price_versions(&Product::from(price));
    versions.is_some_and(|versions: &Versions| versions.holds(price))
}

fn is_own(record: &Record, what: &Known) -> bool {
    let payload = Payload::from_value(&what.to_payload());
    let is_same = |payload: Payload| payload.bytes() == record.event.payload.bytes();
    record.event.tenant_id == TenantId::platform() && payload.is_ok_and(is_same)
}

/// The first is known as soon as the proposal is; those after it only once it was applied, so that nobody
/// takes them all beforehand.
fn id_of(version: u64, applied: &Applied<PricePut>, taken: u32) -> EventId {
    let (proposal, version) = (applied.proposal_id.to_string(), version.to_string());
    if taken == 0 {
        return event_id(&["list-price", &proposal, &version]);
    }
    let (at, taken) = (applied.at.to_string(), taken.to_string());
    event_id(&["list-price", &proposal, &version, &at, &taken])
}

#[cfg(test)]
mod tests {
    use domain::catalog::Grounds;
    use domain::clock::Timestamp;
    use rust_decimal::Decimal;

    use super::*;

    fn applied() -> Applied<PricePut> {
        let proposal_id = Uuid::from_u128(7);
        let from = Timestamp::from_unix_ms(1_800_000_000_000);
        let value = PricePut {
            tier: "pro".into(),
            provider: "vertex".into(),
            model: "m".into(),
            input_usd_per_million: Decimal::ONE,
            output_usd_per_million: Decimal::TEN,
            cached_usd_per_million: None,
            effective_from: from,
            reason: Some("dearer".into()),
            withdrawn: false,
            proposal_id: Some(proposal_id),
        };
        let (event_id, grounds) = (EventId(Uuid::from_u128(1)), Grounds::Person);
        Applied { value, at: from, event_id, proposal_id, grounds }
    }

    #[test]
    fn every_cloud_comes_to_the_same_ids_and_none_comes_twice() {
        let ids: Vec<EventId> = (0..4).map(|taken| id_of(1, &applied(), taken)).collect();
        assert_eq!(ids, (0..4).map(|taken| id_of(1, &applied(), taken)).collect::<Vec<_>>());
        let other = Applied { at: Timestamp::from_unix_ms(1), ..applied() };
        assert_eq!(id_of(1, &other, 0), ids[0], "the first does not wait for the application");
        assert_ne!(id_of(1, &other, 1), ids[1], "nobody knows the others before it");
        assert_eq!(ids.into_iter().map(|id| id.0).collect::<BTreeSet<_>>().len(), 4);
    }
}
