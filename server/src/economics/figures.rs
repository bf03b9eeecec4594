//! Each tenant summed up over a window: what it brought in and cost, and what else it could have.

use std::collections::{BTreeMap, BTreeSet};

use domain::clock::{DAY_MS, Timestamp};
use domain::economics::EconomicsError;
use domain::economics::quantity::float;
use domain::economics::token_cost::PriceMap;
use domain::event::TenantId;
use domain::pricing::margin::window;
use domain::pricing::recommend::{BetterTier, BeyondCap, Day, Figures};
use domain::usage::UsageSum;
use rust_decimal::Decimal;

use super::beyond::Beyond;
use super::inputs::{jumps, price_map};
use super::simulate::{Economics, SimulateError, USAGE_ROWS_MAX};
use super::tally::{Tally, stated};
use super::usage::{added, at_list_prices};
use crate::projection::{Catalog, USAGE_PAGE_MAX, UsageFilter, UsageRow};

/// Tokens of what prices and caps are stated for.
const THOUSAND: Decimal = Decimal::ONE_THOUSAND;

/// One tenant.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantFigures {
    pub figures: Figures,
    /// By UTC day, the first first.
    pub days: Vec<Day>,
}

/// All of a window.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub from: Timestamp,
    pub to: Timestamp,
    pub tenants: BTreeMap<TenantId, TenantFigures>,
    /// Tenants with usage that lacks a price on either side: it is in no sum.
    pub unpriced: BTreeSet<TenantId>,
}

impl Found {
    /// The margin of all tenants together, and what service levels gave back in dollars. `None`
    /// without revenue.
    #[must_use]
    pub fn recorded(&self) -> Option<[Decimal; 2]> {
        let mut sums = [Decimal::ZERO; 3];
        for figures in self.tenants.values().map(|found| &found.figures) {
            let owed = figures.revenue_usd.checked_mul(figures.penalty_rate.get())?;
            for (sum, more) in sums.iter_mut().zip([figures.revenue_usd, figures.cost_usd, owed]) {
                *sum = sum.checked_add(more)?;
            }
        }
        let [revenue, cost, owed] = sums;
        Some([(revenue.checked_sub(cost)?.checked_sub(owed)?).checked_div(revenue)?, owed])
    }
}

/// What a tenant's rows add up to so far.
#[derive(Debug, Default)]
struct Sums {
    tier: String,
    tally: Tally,
    tokens: Decimal,
    timed: i64,
    latency_us: i64,
    days: BTreeMap<i64, (Decimal, Decimal)>,
    /// The same usage in other tiers; absent where one of them has no price for some of it.
    elsewhere: BTreeMap<String, Option<Decimal>>,
    providers: BTreeSet<String>,
}

impl Economics {
    /// Sums of the `window_days` days that end with the last whole hour, at the prices of `now`: of
    /// all active tenants, or of one.
    ///
    /// # Errors
    /// Too much usage, numbers beyond decimals, or the database cannot be read.
    pub async fn figures(
        &self,
        tenant: Option<&TenantId>,
        window_days: u32,
        now: Timestamp,
    ) -> Result<Found, SimulateError> {
        let catalog = self.projection.catalog();
        let prices = price_map(&catalog, now);
        let (from, to) = window(now, window_days);
        let filter = UsageFilter {
            tenant: tenant.cloned(),
            from: Some(from),
            to: Some(to),
            ..UsageFilter::default()
        };
        let (mut sums, mut unpriced) = (BTreeMap::<TenantId, Sums>::new(), BTreeSet::new());
        let span = (Some(from), Some(to));
        let beyond = Beyond::of(&self.projection, &catalog, tenant, span).await?;
        let (mut cursor, mut rows) = (None, 0);
        loop {
            let page = self.projection.usage_page(&filter, cursor.as_ref(), USAGE_PAGE_MAX).await?;
            rows += page.items.len();
            for row in &page.items {
                if !take(&mut sums, row, (&catalog, &beyond), &prices, now)? {
                    unpriced.insert(row.key.tenant_id.clone());
                }
            }
            if rows > USAGE_ROWS_MAX {
                return Err(SimulateError::TooMuchUsage { rows });
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let jumps = jumps(&catalog, now)?;
        let per_year = |providers: &BTreeSet<String>| {
            let known = providers.iter().filter_map(|provider| jumps.get(provider));
            known.map(|jumps| jumps.per_year).reduce(f64::max)
        };
        let mut tenants = BTreeMap::new();
        for (tenant, sums) in sums {
            let jumps = per_year(&sums.providers);
            tenants.insert(tenant.clone(), sums.figures(&tenant, (&catalog, &beyond), jumps)?);
        }
        Ok(Found { from, to, tenants, unpriced })
    }
}

/// Whether the row could be priced.
fn take(
    all: &mut BTreeMap<TenantId, Sums>,
    row: &UsageRow,
    (catalog, beyond): (&Catalog, &Beyond),
    prices: &PriceMap,
    at: Timestamp,
) -> Result<bool, EconomicsError> {
    let (key, sum) = (&row.key, &row.sum);
    let tenant = catalog.tenant(&key.tenant_id).filter(|tenant| tenant.value.active);
    let Some(tenant) = tenant else { return Ok(true) };
    let cost = match prices.costs([(key, sum)]) {
        Ok(costs) => costs.into_iter().next(),
        Err(EconomicsError::Unpriced(_)) => None,
        Err(other) => return Err(other),
    };
    let list = at_list_prices(row, catalog, &tenant.value.tier, at)?;
    let Some((cost, list)) = cost.zip(list) else { return Ok(false) };
    let sums = all.entry(key.tenant_id.clone()).or_default();
    sums.tier.clone_from(&tenant.value.tier);
    sums.tally.add(sum, list, beyond.earned(list, catalog, key)?, cost.cost_usd)?;
    sums.add(sum);
    sums.providers.insert(key.provider.clone());
    let day = sums.days.entry(key.hour.unix_ms().div_euclid(DAY_MS)).or_default();
    *day = (added(day.0, list)?, added(day.1, cost.cost_usd)?);
    for tier in catalog.tiers().filter(|tier| tier.value.tier != tenant.value.tier) {
        let there = at_list_prices(row, catalog, &tier.value.tier, at)?;
        let known = sums.elsewhere.entry(tier.value.tier.clone()).or_insert(Some(Decimal::ZERO));
        *known = match known.zip(there) {
            Some((sum, there)) => Some(added(sum, there)?),
            None => None,
        };
    }
    Ok(true)
}

impl Sums {
    fn add(&mut self, sum: &UsageSum) {
        self.timed = self.timed.saturating_add(sum.timed);
        self.latency_us = self.latency_us.saturating_add(sum.latency_us);
        self.tokens += Decimal::from(sum.input_tokens) + Decimal::from(sum.output_tokens);
    }

    fn figures(
        self,
        tenant: &TenantId,
        (catalog, beyond): (&Catalog, &Beyond),
        cost_jumps_per_year: Option<f64>,
    ) -> Result<TenantFigures, EconomicsError> {
        let days = self.days.iter().map(|(number, (list, cost))| Day {
            number: *number,
            list_usd: float(*list),
            cost_of_list: if list.is_zero() { 0.0 } else { float(*cost) / float(*list) },
            beyond: float(beyond.share(tenant, *number)),
        });
        let days: Vec<Day> = days.filter(|day| day.list_usd > 0.0).collect();
        let revenue_usd = stated(self.tally.revenue_usd);
        let (list_usd, usd) = self.tally.beyond;
        let beyond = BeyondCap { list_usd: stated(list_usd), revenue_usd: stated(usd) };
        let figures = Figures {
            days: u32::try_from(self.days.len()).unwrap_or(u32::MAX),
            requests: u64::try_from(self.tally.requests).unwrap_or(0),
            tokens_k: (self.tokens / THOUSAND).round_dp(3).normalize(),
            revenue_usd,
            list_usd: stated(self.tally.list_usd),
            beyond: (!list_usd.is_zero()).then_some(beyond),
            cost_usd: stated(self.tally.cost_usd),
            penalty_rate: self.tally.penalty_rate(catalog, &self.tier)?,
            seconds_per_request: self.seconds_per_request(),
            cost_jumps_per_year,
            better_tier: self.better_tier(revenue_usd),
            tier: self.tier,
        };
        Ok(TenantFigures { figures, days })
    }

    #[expect(clippy::cast_precision_loss, reason = "microseconds of a window are below 2^53")]
    fn seconds_per_request(&self) -> Option<f64> {
        let (latency, timed) = (self.latency_us as f64, self.timed as f64);
        (self.timed > 0).then(|| (latency / timed / 1e3).round() / 1e3)
    }

    fn better_tier(&self, revenue_usd: Decimal) -> Option<BetterTier> {
        let priced = self.elsewhere.iter().filter_map(|(tier, usd)| Some((tier, (*usd)?)));
        let best = priced.max_by_key(|(_, usd)| *usd)?;
        let (tier, usd) = (best.0.clone(), stated(best.1));
        (usd > revenue_usd).then_some(BetterTier { tier, revenue_usd: usd })
    }
}
