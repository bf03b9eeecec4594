//! Carries out what is approved: looks at the facts again, has the clouds decide on the version, and
//! records it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::catalog::{Known, ProposalApply, ProposalStale};
use domain::cloud::Cloud;
use domain::grant::{Value, Version};
use domain::log::Hash;
use domain::pricing::approval::{Delegations, Effect, Input, Recorded, State, step};
use domain::pricing::book::Case;
use domain::pricing::controls::Subject;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::enact::Enacted;
use super::{Optimizer, OptimizerError, event_id, resource};
use crate::ledger::SubmitError;

const LOOK_EVERY: Duration = Duration::from_millis(300);
/// Clouds act in turn: the next one steps in where the one before did nothing.
pub(super) const TURN: Duration = Duration::from_secs(2);
/// After a failure, such as a majority that cannot be reached.
const RETRY: Duration = Duration::from_secs(2);

/// What the clouds vote on: this version of that proposal. The event that records it is a function
/// of it, so whoever learns the decision can finish it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Order {
    pub(super) proposal_id: Uuid,
    pub(super) version: u32,
    pub(super) hash: Hash,
}

impl Order {
    pub(super) fn read(value: &Value) -> Option<Order> {
        serde_json::from_value(value.to_json()).ok()
    }

    fn of(case: &Case) -> Order {
        let current = case.current();
        Order { proposal_id: case.id, version: current.version, hash: current.hash }
    }
}

impl Optimizer {
    /// Carries out until `stop`.
    pub(super) async fn execute(self: Arc<Self>, stop: CancellationToken) {
        let mut ready_since: BTreeMap<(Uuid, u32), Instant> = BTreeMap::new();
        let mut enacted = Enacted::default();
        let mut pause = LOOK_EVERY;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            pause = LOOK_EVERY;
            if let Err(cause) = self.execute_what_is_due(&mut ready_since).await {
                tracing::debug!(%cause, "an approved proposal waits");
                pause = RETRY;
            }
            if let Err(cause) = self.enact_what_is_agreed(&mut enacted).await {
                tracing::debug!(%cause, "a list price that was agreed to waits");
                pause = RETRY;
            }
        }
    }

    async fn execute_what_is_due(
        &self,
        ready_since: &mut BTreeMap<(Uuid, u32), Instant>,
    ) -> Result<(), OptimizerError> {
        let catalog = self.projection.catalog();
        let (book, now) = (catalog.book(), crate::now());
        let ready: Vec<&Case> = book.cases().filter(|case| book.is_ready(case, now)).collect();
        ready_since.retain(|(id, version), _| {
            ready.iter().any(|case| case.id == *id && case.current().version == *version)
        });
        // The kill switch is about prices.
        let holds = |case: &&Case| book.is_killed() && case.subject() != Subject::Routing;
        for case in ready.into_iter().filter(|case| !holds(case)) {
            let key = (case.id, case.current().version);
            let since = *ready_since.entry(key).or_insert_with(Instant::now);
            if since.elapsed() >= TURN * self.place_of_mine() {
                self.carry_out(case).await?;
            }
        }
        Ok(())
    }

    pub(super) fn place_of_mine(&self) -> u32 {
        let before = Cloud::ALL.into_iter().take_while(|cloud| *cloud != self.me);
        u32::try_from(before.count()).unwrap_or(0)
    }

    /// Safe to repeat, here and elsewhere.
    async fn carry_out(&self, case: &Case) -> Result<(), OptimizerError> {
        let current = case.current();
        let resource = resource(&case.subject()).map_err(crate::grant::GrantError::from)?;
        let wanted = Version::new(current.edition.base_version.saturating_add(1));
        let Ok(version) = wanted else { return Ok(()) };
        let decided = self.grants.latest(&resource).await?;
        let decided = decided.filter(|decision| decision.grant().version >= version);
        if decided.is_none() && self.became_stale(case).await? {
            return Ok(());
        }
        let order = serde_json::to_value(Order::of(case)).unwrap_or_default();
        let Ok(value) = Value::from_json(&order) else { return Ok(()) };
        let decision = self.grants.decide(&resource, version, &value).await?;
        let Some(won) = Order::read(decision.value()) else { return Ok(()) };
        let apply = Known::ProposalApply(ProposalApply {
            proposal_id: won.proposal_id,
            version: won.version,
            hash: won.hash,
            result_version: version.number(),
        });
        let id = event_id(&["apply", &resource.to_string(), &version.to_string()]);
        let accepted = match self.tell(&apply, Some(id)).await {
            Ok(accepted) => accepted,
            // Another cloud was as fast: the same event.
            Err(OptimizerError::Submit(SubmitError::Conflict { .. })) => return Ok(()),
            Err(cause) => return Err(cause),
        };
        metrics::counter!("ternion_optimizer_applied_total").increment(1);
        self.until_in_force(accepted.slot).await;
        Ok(())
    }

    /// What was recorded is waited for, so that it is not recorded again meanwhile.
    pub(super) async fn until_in_force(&self, slot: domain::event::Slot) {
        let in_force = async {
            self.ledger.until_final(slot).await;
            self.projection.until_projected(slot).await;
        };
        drop(tokio::time::timeout(RETRY, in_force).await);
    }

    /// Looks at the facts once more. If they changed, nothing is executed, and what changed is said.
    async fn became_stale(&self, case: &Case) -> Result<bool, OptimizerError> {
        if case.grounds.takes_back() {
            return Ok(false);
        }
        let facts = self.facts_now(&case.current().edition).await?;
        let mut machine = case.machine().clone();
        machine.state = State::Approved;
        let (_, effects) = step(machine, &Delegations::new(), crate::now(), Input::Apply { facts });
        let changed = effects.into_iter().find_map(|effect| match effect {
            Effect::Record(Recorded::Stale(changed)) => Some(changed),
            _ => None,
        });
        let Some(changed) = changed else { return Ok(false) };
        let current = case.current();
        let stale = Known::ProposalStale(ProposalStale {
            proposal_id: case.id,
            version: current.version,
            hash: current.hash,
            changed,
        });
        let accepted = self.tell(&stale, None).await?;
        self.until_in_force(accepted.slot).await;
        Ok(true)
    }
}
