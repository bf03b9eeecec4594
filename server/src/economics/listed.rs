//! What a list price would change, before anybody records it: charges that are there, and the bills
//! of a tier's tenants, at the usage of the policy's window.
//!
//! A bill is list price times the tenant's own share of it (`domain::billing::charge`). A contract
//! fixes that share, so a list price moves under contracts as well.

use std::collections::{BTreeMap, BTreeSet};

use domain::catalog::PricePut;
use domain::clock::Timestamp;
use domain::economics::EconomicsError;
use domain::economics::token_cost::{PriceMap, Rates};
use domain::event::{EventId, TenantId};
use domain::pricing::listing::{Case, Warning, are_alike, far};
use domain::pricing::margin::window;
use rust_decimal::Decimal;

use super::beyond::Beyond;
use super::inputs::price_map;
use super::list_change::{Against, limits};
use super::simulate::{Economics, SimulateError, USAGE_ROWS_MAX};
use super::tally::Tally;
use super::usage::{added, at_list_prices, at_price};
use crate::projection::{Catalog, Corrections, USAGE_PAGE_MAX, UsageFilter, UsageRow};

/// Tenants of a tier that are looked at, each by a question of its own to the database: some
/// seconds.
const TENANTS_MAX: usize = 2_000;

/// A list price beside what counts without it.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    pub price: PricePut,
    /// What counts from its beginning on as things are, and the decision that put it.
    pub current: Option<(PricePut, EventId)>,
    /// Does that begin at just the same time? Then this takes its place.
    pub replaces: bool,
    /// What counts until its beginning.
    pub before: Option<PricePut>,
    /// Another price counts from then on.
    pub until: Option<Timestamp>,
    pub corrections: Corrections,
    /// How many decide on it: more than one, and it is proposed to others.
    pub persons: u32,
    pub window_days: u32,
    /// The usage that is looked at ends here, with the last whole hour.
    pub window_to: Timestamp,
    /// Tenants of the tier, by id; empty where nobody asked for them.
    pub tenants: Vec<Affected>,
    /// False: nobody asked, or there are too many of them, or they used too much.
    pub tenants_looked_at: bool,
    pub warnings: Vec<Warning>,
}

impl Listed {
    /// Does something count then already, or until then? Whoever changes it says why.
    #[must_use]
    pub fn is_change(&self) -> bool {
        self.current.is_some() || self.before.is_some()
    }

    /// Is there a price at just that time, which is to come and has none before it?
    #[must_use]
    pub fn is_first_to_come(&self, now: Timestamp) -> bool {
        self.replaces && self.before.is_none() && self.price.effective_from > now
    }
}

/// A tenant of the tier.
#[derive(Clone, Debug, PartialEq)]
pub struct Affected {
    pub tenant_id: TenantId,
    pub name: String,
    /// What it pays of the list.
    pub of_list: Decimal,
    pub locked_until: Option<Timestamp>,
    /// Of the model, in the window.
    pub requests: i64,
    /// What those come to; absent: nothing is charged for them as things are.
    pub before_usd: Option<Decimal>,
    pub after_usd: Decimal,
    /// Of everything that it used, as a share of revenue, recorded penalties taken off; absent
    /// where there is no revenue. Today, as the optimizer has it.
    pub margin_today: Option<Decimal>,
    /// With what counts from the beginning of the price on as things are: that is today's, but
    /// where another price begins before.
    pub margin_before: Option<Decimal>,
    pub margin_after: Option<Decimal>,
    pub margin_floor: Decimal,
    /// Above it the policy holds a margin to be high.
    pub margin_high: Decimal,
}

impl Affected {
    /// Does its margin fall below the floor by it?
    #[must_use]
    pub fn falls(&self) -> bool {
        let below = |margin: Decimal| margin < self.margin_floor;
        self.margin_after.is_some_and(below) && !self.margin_before.is_some_and(below)
    }

    /// Is its margin below the floor, and lower than before?
    #[must_use]
    pub fn sinks(&self) -> bool {
        let is_lower = |after: Decimal| self.margin_before.is_none_or(|before| after < before);
        self.margin_after.is_some_and(|after| after < self.margin_floor && is_lower(after))
    }

    /// Does it rise into the high band by it?
    #[must_use]
    pub fn rises(&self) -> bool {
        let high = |margin: Decimal| margin > self.margin_high;
        self.margin_after.is_some_and(high) && !self.margin_before.is_some_and(high)
    }
}

/// What a tenant's usage adds up to, as things are and with the price.
#[derive(Debug, Default)]
struct Sums {
    requests: i64,
    before_usd: Option<Decimal>,
    after_usd: Decimal,
    today: Tally,
    before: Tally,
    after: Tally,
}

impl Economics {
    /// What is odd about a list price, and what of the past it corrects.
    ///
    /// # Errors
    /// Others are looked at, or the database cannot be read.
    pub async fn listed(&self, price: &PricePut, now: Timestamp) -> Result<Listed, SimulateError> {
        // One for a time to come takes no more than a look into the catalog.
        let _leave = match price.effective_from <= now {
            true => Some(self.leave_to_look().await?),
            false => None,
        };
        self.held_against(price, now).await
    }

    async fn held_against(
        &self,
        price: &PricePut,
        now: Timestamp,
    ) -> Result<Listed, SimulateError> {
        let catalog = self.projection.catalog();
        let PricePut { tier, provider, model, effective_from: from, .. } = price;
        let at = |at: Timestamp| catalog.price_at(tier, provider, model, at);
        let current = at(*from).map(|current| (current.value.clone(), current.event_id));
        let replaces = current.as_ref().is_some_and(|(is, _)| is.effective_from == *from);
        let before = at(moment_before(*from)).map(|before| before.value.clone());
        let until = catalog.price_after(tier, provider, model, *from);
        let until = until.map(|next| next.value.effective_from);
        let corrections = match *from <= now {
            true => self.projection.corrections(price, until).await?,
            false => Corrections { whole: true, ..Corrections::default() },
        };
        let (_, policy) = catalog.book().policy();
        let (limits, cost) = (limits(policy, tier), dearest(&catalog, price, now));
        // What was charged already is what a correction moves; otherwise what counts until then.
        let against = Against::of(&catalog, price, now);
        let case = Case {
            price,
            beside: &against.beside,
            cost: cost.as_ref(),
            is_known: self.is_known(&catalog, price).await?,
            has_tenants: against.has_tenants,
            limits: &limits,
            quorum: &policy.quorum,
        };
        let mut warnings = case.warnings();
        warnings.extend(of_the_past(&corrections));
        warnings.extend(until.map(|at| Warning::Until { at }));
        let known = current.as_ref().map(|(is, _)| is).into_iter().chain(before.as_ref());
        // What is there already was asked before.
        if !known.into_iter().any(|known| are_alike(known, price)) {
            warnings.extend(far(*from, now));
        }
        let persons = case.persons();
        let (window_days, window_to) = (policy.window_days, window(now, policy.window_days).1);
        let (price, tenants) = (price.clone(), Vec::new());
        Ok(Listed {
            price,
            current,
            replaces,
            before,
            until,
            corrections,
            persons,
            window_days,
            window_to,
            tenants,
            tenants_looked_at: false,
            warnings,
        })
    }

    /// The same, with what becomes of each tenant of the tier.
    ///
    /// # Errors
    /// Others are looked at, numbers beyond decimals, or the database cannot be read.
    pub async fn listed_for_tenants(
        &self,
        price: &PricePut,
        now: Timestamp,
    ) -> Result<Listed, SimulateError> {
        let _leave = self.leave_to_look().await?;
        let mut listed = self.held_against(price, now).await?;
        // A price of a time that is over moves no bill to come.
        let found = match listed.until.is_none_or(|until| until > now) {
            true => self.affected(&listed, now).await?,
            false => Some(Vec::new()),
        };
        listed.tenants_looked_at = found.is_some();
        listed.tenants = found.unwrap_or_default();
        listed.warnings.extend(of_tenants(&listed.tenants));
        Ok(listed)
    }

    async fn is_known(&self, catalog: &Catalog, price: &PricePut) -> Result<bool, sqlx::Error> {
        let PricePut { provider, model, .. } = price;
        let sold = catalog.prices().map(|other| (&other.value.provider, &other.value.model));
        let bought = catalog.costs().map(|(key, ..)| (&key.provider, &key.model));
        if sold.chain(bought).any(|known| known == (provider, model)) {
            return Ok(true);
        }
        self.projection.is_used(provider, model).await
    }

    /// The tenants of the tier. Absent: there are too many of them, or they used too much. The
    /// price can be recorded without.
    async fn affected(
        &self,
        listed: &Listed,
        now: Timestamp,
    ) -> Result<Option<Vec<Affected>>, SimulateError> {
        let catalog = self.projection.catalog();
        let prices = price_map(&catalog, now);
        let mut tenants = of_tier(&catalog, &listed.price.tier);
        if tenants.len() > TENANTS_MAX {
            return Ok(None);
        }
        let (from, to) = window(now, listed.window_days);
        let beyond = Beyond::of(&self.projection, &catalog, None, (Some(from), Some(to))).await?;
        let mut rows_left = USAGE_ROWS_MAX;
        for (tenant, sums) in &mut tenants {
            // By tenant, as the table's key begins: what other tiers used is not read.
            let filter = UsageFilter {
                tenant: Some(tenant.clone()),
                from: Some(from),
                to: Some(to),
                ..UsageFilter::default()
            };
            let mut cursor = None;
            loop {
                let page =
                    self.projection.usage_page(&filter, cursor.as_ref(), USAGE_PAGE_MAX).await?;
                let Some(left) = rows_left.checked_sub(page.items.len()) else { return Ok(None) };
                rows_left = left;
                for row in &page.items {
                    sums.take(row, listed, (&catalog, &beyond), &prices, now)?;
                }
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
        }
        let told = tenants.into_iter().map(|(id, sums)| sums.told(&id, &catalog, now));
        let affected = told.collect::<Result<Vec<_>, EconomicsError>>()?;
        Ok(Some(affected.into_iter().flatten().collect()))
    }
}

/// The active tenants of a tier.
fn of_tier(catalog: &Catalog, tier: &str) -> BTreeMap<TenantId, Sums> {
    let all = catalog.tenants_after(None, catalog.tenant_count()).into_iter();
    let of_tier = all.filter(|tenant| tenant.value.active && tenant.value.tier == tier);
    of_tier.map(|tenant| (tenant.value.tenant_id.clone(), Sums::default())).collect()
}

impl Sums {
    fn take(
        &mut self,
        row: &UsageRow,
        listed: &Listed,
        (catalog, beyond): (&Catalog, &Beyond),
        prices: &PriceMap,
        at: Timestamp,
    ) -> Result<(), EconomicsError> {
        let (key, sum) = (&row.key, &row.sum);
        let own = |list: Decimal| beyond.earned(list, catalog, key).map(|earned| earned.usd);
        let price = &listed.price;
        let of_model = key.provider == price.provider && key.model == price.model;
        let today = at_list_prices(row, catalog, &price.tier, at)?;
        let (mut before, mut after) = (today, today);
        if of_model {
            let current = listed.current.as_ref().map(|(current, _)| at_price(row, current));
            (before, after) = (current.transpose()?, Some(at_price(row, price)?));
            self.requests = self.requests.saturating_add(sum.requests);
            if let Some(usd) = before.map(own).transpose()? {
                self.before_usd = Some(added(self.before_usd.unwrap_or_default(), usd)?);
            }
            let usd = after.map(own).transpose()?;
            self.after_usd = added(self.after_usd, usd.unwrap_or_default())?;
        }
        let cost = match prices.costs([(key, sum)]) {
            Ok(costs) => costs.into_iter().next().map(|cost| cost.cost_usd),
            Err(EconomicsError::Unpriced(_)) => None,
            Err(other) => return Err(other),
        };
        // What nothing is charged or known to be paid for is in no margin, here as elsewhere.
        let Some(cost) = cost else { return Ok(()) };
        let sides =
            [(&mut self.today, today), (&mut self.before, before), (&mut self.after, after)];
        for (tally, list) in sides {
            if let Some(list) = list {
                tally.add(sum, list, beyond.earned(list, catalog, key)?, cost)?;
            }
        }
        Ok(())
    }

    fn told(
        self,
        id: &TenantId,
        catalog: &Catalog,
        now: Timestamp,
    ) -> Result<Option<Affected>, EconomicsError> {
        let Some(tenant) = catalog.tenant(id).map(|tenant| &tenant.value) else { return Ok(None) };
        let margin = |tally: &Tally| tally.margin(catalog, &tenant.tier);
        let (_, policy) = catalog.book().policy();
        let limits = policy.rule(&tenant.tier, tenant.cloud).map(|rule| rule.limits);
        let limits = limits.unwrap_or_default();
        let locked_until = policy.locked_until.get(id).copied().filter(|until| now < *until);
        Ok(Some(Affected {
            tenant_id: id.clone(),
            name: tenant.name.clone(),
            of_list: catalog.book().controls(id).price_of_list,
            locked_until,
            requests: self.requests,
            before_usd: self.before_usd,
            after_usd: self.after_usd,
            margin_today: margin(&self.today)?,
            margin_before: margin(&self.before)?,
            margin_after: margin(&self.after)?,
            margin_floor: limits.margin_min.get(),
            margin_high: limits.thresholds.high_enter,
        }))
    }
}

/// The most that the provider takes for each part, in whatever region.
fn dearest(catalog: &Catalog, price: &PricePut, at: Timestamp) -> Option<Rates> {
    let of_model = catalog
        .costs()
        .filter(|(key, ..)| key.provider == price.provider && key.model == price.model);
    let newest = of_model.filter_map(|(_, _, dated)| {
        dated.range(..=at).next_back().map(|(_, cost)| cost.value.price.rates)
    });
    newest.reduce(|one, other| Rates {
        input_usd_per_token: one.input_usd_per_token.max(other.input_usd_per_token),
        output_usd_per_token: one.output_usd_per_token.max(other.output_usd_per_token),
        cached_usd_per_token: one.cached_usd_per_token.max(other.cached_usd_per_token),
    })
}

fn of_the_past(corrections: &Corrections) -> Vec<Warning> {
    if corrections.tenants.is_empty() {
        return Vec::new();
    }
    let of = corrections.tenants.values();
    let corrects = Warning::Corrects {
        charges: of.clone().map(|one| one.charges).sum(),
        days_first: of.clone().map(|one| one.days_first).sum(),
        tenants: u64::try_from(corrections.tenants.len()).unwrap_or(u64::MAX),
        change_usd: of.map(domain::billing::corrected::Corrected::change_usd).sum(),
        whole: corrections.whole,
    };
    let months = corrections.closed.clone();
    let closed = (!months.is_empty()).then_some(Warning::ClosedMonths { months });
    [corrects].into_iter().chain(closed).collect()
}

fn of_tenants(tenants: &[Affected]) -> Vec<Warning> {
    let mut below: BTreeMap<Decimal, BTreeSet<TenantId>> = BTreeMap::new();
    for tenant in tenants.iter().filter(|tenant| tenant.sinks()) {
        below.entry(tenant.margin_floor).or_default().insert(tenant.tenant_id.clone());
    }
    let below = below.into_iter().map(|(floor, tenants)| Warning::BelowFloor { floor, tenants });
    let moves = |tenant: &&Affected| {
        tenant.locked_until.is_some() && tenant.before_usd != Some(tenant.after_usd)
    };
    let used = tenants.iter().filter(|tenant| tenant.requests > 0);
    let locked: BTreeSet<TenantId> =
        used.filter(moves).map(|tenant| tenant.tenant_id.clone()).collect();
    let contracts = (!locked.is_empty()).then_some(Warning::Contracts { tenants: locked });
    below.chain(contracts).collect()
}

fn moment_before(at: Timestamp) -> Timestamp {
    Timestamp::from_unix_ms(at.unix_ms().saturating_sub(1))
}
