//! What usage adds up to for a margin: dollars, and the requests that service levels are counted
//! by. The optimizer and the preview of a list price count with it, so that both have one margin.

use domain::economics::EconomicsError;
use domain::economics::quantity::Share;
use domain::economics::sla::recorded_credit;
use domain::pricing::margin;
use domain::usage::UsageSum;
use rust_decimal::Decimal;

use super::beyond::Earned;
use super::usage::added;
use crate::projection::Catalog;

/// Of one tenant. Usage without a price on either side is in no tally.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Tally {
    pub(super) requests: i64,
    pub(super) failed: i64,
    pub(super) list_usd: Decimal,
    /// At the tenant's own price, and beyond its cap at the overage price.
    pub(super) revenue_usd: Decimal,
    /// Beyond the cap, at list prices and at the overage price.
    pub(super) beyond: (Decimal, Decimal),
    pub(super) cost_usd: Decimal,
}

impl Tally {
    pub(super) fn add(
        &mut self,
        sum: &UsageSum,
        list_usd: Decimal,
        earned: Earned,
        cost_usd: Decimal,
    ) -> Result<(), EconomicsError> {
        self.requests = self.requests.saturating_add(sum.requests);
        self.failed = self.failed.saturating_add(sum.failed);
        self.list_usd = added(self.list_usd, list_usd)?;
        self.revenue_usd = added(self.revenue_usd, earned.usd)?;
        self.beyond.0 = added(self.beyond.0, earned.beyond_list_usd)?;
        self.beyond.1 = added(self.beyond.1, earned.beyond_usd)?;
        self.cost_usd = added(self.cost_usd, cost_usd)?;
        Ok(())
    }

    /// What the tier's ladder would give back, were the window a month.
    pub(super) fn penalty_rate(
        &self,
        catalog: &Catalog,
        tier: &str,
    ) -> Result<Share, EconomicsError> {
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        let bands = catalog.tier(tier).map(|tier| tier.value.sla.bands.as_slice());
        let bands = bands.unwrap_or_default();
        let share = recorded_credit(bands, count(self.requests), count(self.failed));
        Share::new("the penalty rate", share.get().normalize())
    }

    pub(super) fn margin(
        &self,
        catalog: &Catalog,
        tier: &str,
    ) -> Result<Option<Decimal>, EconomicsError> {
        let owed = self.penalty_rate(catalog, tier)?;
        Ok(margin::gross(stated(self.revenue_usd), stated(self.cost_usd), owed))
    }
}

/// Ten decimals, as the billing ledger states amounts.
pub(super) fn stated(usd: Decimal) -> Decimal {
    usd.round_dp(10).normalize()
}
