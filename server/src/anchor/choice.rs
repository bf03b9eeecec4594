//! Which cloud publishes, and which transaction: the clouds decide, since each holds only its own
//! database.
//!
//! The lease says who makes new transactions, so that not all three do. It may be lost at any time;
//! therefore every transaction is a grant of its own, and only one that was decided is sent.
//! Whoever comes later learns the decided bytes and goes on with them.

use std::sync::Arc;
use std::time::Duration;

use domain::anchor::Publisher;
use domain::anchor::state::Attempt;
use domain::clock::Timestamp;
use domain::grant::{Decision, Family, Resource, Value, Version};
use domain::log::Hash;
use serde_json::json;

use super::publish::Fault;
use crate::grant::{GRANTS_PAGE_MAX, GrantError, Grants, LeaseClaim};

/// Each renewal is an event of the ledger, and there are anchors in a few hours of a month.
const LEASE_TTL: Duration = Duration::from_secs(600);

/// How the clouds agree on what one of them publishes.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) grants: Arc<Grants>,
    pub(super) publisher: Publisher,
    pub(super) lease_ttl: Duration,
}

impl Choice {
    pub(super) const fn new(grants: Arc<Grants>, publisher: Publisher) -> Self {
        Choice { grants, publisher, lease_ttl: LEASE_TTL }
    }

    /// Asks for the right to make transactions, for as long as the claim is held.
    pub(super) fn claim(&self) -> Option<LeaseClaim> {
        let claimed = self.grants.lease(&format!("anchor-{}", self.publisher), self.lease_ttl);
        claimed.inspect_err(|cause| tracing::error!(%cause, "no lease for anchors")).ok()
    }

    /// What the clouds chose for this hash so far, as far as known here.
    pub(super) async fn known(&self, subject: Hash) -> Result<Vec<Attempt>, Fault> {
        let resource = self.resource(subject)?;
        let listed = self.grants.page(Some(&resource), None, GRANTS_PAGE_MAX).await;
        let listed = listed.map_err(|cause| Fault::Away(cause.to_string()))?;
        let mut attempts: Vec<Attempt> =
            listed.iter().filter_map(|listed| read(&listed.decision)).collect();
        attempts.sort_by_key(|attempt| attempt.number);
        Ok(attempts)
    }

    /// Has the clouds choose: this attempt, or the one that was chosen already.
    pub(super) async fn choose(
        &self,
        subject: Hash,
        attempt: &Attempt,
    ) -> Result<Vec<Attempt>, Fault> {
        let away = |cause: GrantError| Fault::Away(cause.to_string());
        let number = Version::new(attempt.number);
        let number = number.map_err(|cause| Fault::Away(cause.to_string()))?;
        let wish = write(attempt).ok_or_else(|| {
            let kind = domain::anchor::state::RefusalKind::Refused;
            let words = "the transaction is too large for the clouds to vote on: use fewer coins";
            Fault::Refused(domain::anchor::state::Refusal::new(kind, words))
        })?;
        let resource = self.resource(subject)?;
        let decision = self.grants.decide(&resource, number, &wish).await.map_err(away)?;
        Ok(read(&decision).into_iter().collect())
    }

    fn resource(&self, subject: Hash) -> Result<Resource, Fault> {
        Resource::new(Family::Anchor, format!("{}/{subject}", self.publisher))
            .map_err(|cause| Fault::Away(cause.to_string()))
    }
}

/// Costs are text: JSON carries no more than 2^53.
fn write(attempt: &Attempt) -> Option<Value> {
    let value = json!({
        "name": attempt.name,
        "transaction": hex::encode(&attempt.bytes),
        "costMax": attempt.cost_max.to_string(),
        "madeAt": attempt.made_at,
    });
    Value::from_json(&value).ok()
}

fn read(decision: &Decision) -> Option<Attempt> {
    let value = decision.value().to_json();
    let text = |name: &str| value.get(name)?.as_str();
    Some(Attempt {
        number: decision.grant().version.number(),
        name: text("name")?.to_owned(),
        bytes: hex::decode(text("transaction")?).ok()?,
        cost_max: text("costMax")?.parse().ok()?,
        made_at: text("madeAt")?.parse::<Timestamp>().ok()?,
    })
}
