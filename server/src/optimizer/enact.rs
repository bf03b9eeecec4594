//! Carries out list prices that people agreed to: each becomes a `price.put`, which the catalogue, the
//! charges and the statements follow as any other.
//!
//! The application that is FINAL is what was decided; this event is a function of it, id and content.
//! So whoever sees the one without the other records it, here and elsewhere and as often as it takes: a
//! cloud that stops in between is finished by the next one, and equal events count once.

use std::collections::BTreeMap;
use std::time::Instant;

use domain::catalog::{Known, PricePut};
use domain::event::EventId;
use domain::pricing::book::Applied;

use super::execute::TURN;
use super::{Optimizer, OptimizerError, event_id};
use crate::ledger::SubmitError;

/// What was seen applied, and since when its event is looked for; absent: it is known.
#[derive(Debug, Default)]
pub(super) struct Enacted(BTreeMap<EventId, Option<Instant>>);

impl Optimizer {
    /// Safe to repeat.
    pub(super) async fn enact_what_is_agreed(
        &self,
        enacted: &mut Enacted,
    ) -> Result<(), OptimizerError> {
        let catalog = self.projection.catalog();
        for (version, applied) in catalog.book().list_prices() {
            let id = id_of(version, applied);
            let since = enacted.0.entry(id).or_insert_with(|| Some(Instant::now()));
            let Some(seen_at) = *since else { continue };
            if !self.ledger.find(id).await?.is_empty() {
                *since = None;
            } else if seen_at.elapsed() >= TURN * self.place_of_mine() {
                self.enact(id, &applied.value).await?;
            }
        }
        Ok(())
    }

    async fn enact(&self, id: EventId, price: &PricePut) -> Result<(), OptimizerError> {
        match self.tell(&Known::PricePut(price.clone()), Some(id)).await {
            Ok(accepted) => self.until_in_force(accepted.slot).await,
            // Another cloud was as fast: the same event.
            Err(OptimizerError::Submit(SubmitError::Conflict { .. })) => {}
            Err(cause) => return Err(cause),
        }
        Ok(())
    }
}

fn id_of(version: u64, applied: &Applied<PricePut>) -> EventId {
    let proposal = applied.proposal_id.to_string();
    event_id(&["list-price", &proposal, &version.to_string()])
}
