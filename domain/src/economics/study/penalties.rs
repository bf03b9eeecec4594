//! What service levels give back, twice: as it was recorded in these days, and as the model expects it
//! of days like them. Two margins of the same usage differ by nothing else.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::answer::Results;
use super::inputs::Inputs;
use crate::economics::EconomicsError;
use crate::economics::basic::Statement;
use crate::economics::roll_up;
use crate::economics::sla::recorded_credit;
use crate::event::TenantId;

/// A tenant's requests, those that failed among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Served {
    pub requests: u64,
    pub failed: u64,
}

impl Served {
    /// Counts as metered: what is below 0 is none.
    pub fn add(&mut self, requests: i64, failed: i64) {
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        self.requests = self.requests.saturating_add(count(requests));
        self.failed = self.failed.saturating_add(count(failed));
    }
}

/// Both statements of the same usage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Penalties {
    /// Absent: everybody's.
    pub tenant_id: Option<TenantId>,
    pub recorded: Statement,
    pub expected: Statement,
}

/// Of everybody, and of each of these tenants that has usage. Empty where requests were not counted.
pub(super) fn penalties(
    inputs: &Inputs,
    base: &Results,
    of: &BTreeSet<&str>,
) -> Result<Vec<Penalties>, EconomicsError> {
    if inputs.served.is_empty() {
        return Ok(Vec::new());
    }
    let places = base.tenants.iter().map(|place| (&place.tenant_id, &place.statement.statement));
    let expected: BTreeMap<&TenantId, Statement> = roll_up::by(places)?;
    let tiers: BTreeMap<&TenantId, &String> =
        inputs.usage.iter().map(|place| (&place.tenant_id, &place.tier)).collect();
    let mut all = Vec::with_capacity(expected.len());
    for (tenant, expected) in expected {
        let served = inputs.served.get(tenant).copied().unwrap_or_default();
        let promise = tiers.get(tenant).and_then(|tier| inputs.tiers.get(*tier));
        let bands = promise.map(|promise| promise.uptime.as_slice()).unwrap_or_default();
        let rate = recorded_credit(bands, served.requests, served.failed);
        let owed = expected.revenue_usd().checked_mul(rate.get());
        let owed = owed.ok_or(EconomicsError::Overflow { what: "a penalty" })?;
        let recorded = Statement::new(expected.revenue_usd(), expected.cost_usd(), owed)?;
        all.push(Penalties { tenant_id: Some(tenant.clone()), recorded, expected });
    }
    let recorded: Vec<Statement> = all.iter().map(|one| one.recorded).collect();
    let total = Penalties {
        tenant_id: None,
        recorded: roll_up::total(&recorded)?,
        expected: base.statement.statement,
    };
    all.retain(|one| one.tenant_id.as_ref().is_some_and(|tenant| of.contains(tenant.as_str())));
    Ok([total].into_iter().chain(all).collect())
}

impl Penalties {
    /// Recorded and expected, as shares of the revenue. Absent without revenue.
    #[must_use]
    pub fn margins(&self) -> Option<[Decimal; 2]> {
        Some([self.recorded.margin()?, self.expected.margin()?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::SlaBand;
    use crate::clock::Timestamp;
    use crate::economics::quantity::decimal;
    use crate::economics::simulation::Simulation;
    use crate::economics::study::{Board, PlaceUsage, Request};

    fn id(tenant: &str) -> TenantId {
        TenantId::try_from(tenant.to_owned()).expect("an id")
    }

    /// Each brings in 100 dollars at two providers and costs 60; a tenth is given back below 99 %.
    fn inputs() -> Inputs {
        let places = ["thin", "good"].into_iter().flat_map(|tenant| {
            ["vertex", "azure"].map(|at| PlaceUsage {
                revenue_usd: decimal("50"),
                ..PlaceUsage::of(id(tenant), at, decimal("30"))
            })
        });
        let mut inputs = Inputs::of(places.collect(), Timestamp::from_unix_ms(0));
        let band = |min: &str, credit: &str| SlaBand {
            min_uptime_pct: decimal(min),
            credit: decimal(credit),
        };
        let promise = inputs.tiers.get_mut("pro").expect("the tier");
        promise.uptime = vec![band("99", "0"), band("0", "0.1")];
        let served = |failed| Served { requests: 100, failed };
        inputs.served = [(id("thin"), served(9)), (id("good"), served(1))].into();
        inputs
    }

    fn board(inputs: &Inputs, opened: Option<&str>) -> Board {
        let asked = r#"{"draws": 200, "scenarios": [{"name": "s", "changes": {}}]}"#;
        let request: Request = serde_json::from_str(asked).expect("a request");
        Board::of::<EconomicsError>(inputs, &request, opened, Simulation::run).expect("a board")
    }

    #[test]
    fn two_margins_of_the_same_usage_differ_by_their_penalties_alone() {
        let told = board(&inputs(), Some("thin")).penalties;
        let [all, thin] = &told[..] else { panic!("everybody and one: {told:?}") };
        assert_eq!((&all.tenant_id, &thin.tenant_id), (&None, &Some(id("thin"))));
        // A tenth of the 100 dollars of one of the two.
        assert_eq!(thin.recorded.penalty_usd(), decimal("10"));
        assert_eq!(all.recorded.penalty_usd(), decimal("10"));
        assert_eq!(thin.margins().expect("revenue")[0], decimal("0.3"));
        assert_eq!(all.margins().expect("revenue")[0], decimal("0.35"));
        for one in &told {
            let [recorded, expected] = one.margins().expect("revenue");
            let apart = one.expected.penalty_usd() - one.recorded.penalty_usd();
            let apart = apart / one.recorded.revenue_usd();
            assert!((recorded - expected - apart).abs() < decimal("0.000000001"));
            assert_eq!(one.recorded.cost_usd(), one.expected.cost_usd());
        }
        let base = board(&inputs(), None).groups[0].base_margin.expect("revenue");
        let stated = crate::economics::quantity::float(all.expected.margin().expect("revenue"));
        assert!((base - stated).abs() < 1e-12, "the baseline is the one that is shown");
    }

    #[test]
    fn without_counted_requests_nothing_is_said_of_what_was_recorded() {
        let uncounted = Inputs { served: BTreeMap::new(), ..inputs() };
        assert!(board(&uncounted, Some("thin")).penalties.is_empty());
        assert_eq!(board(&inputs(), Some("nobody")).penalties.len(), 1, "everybody's stands");
    }
}
