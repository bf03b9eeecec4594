//! From metered hours to charges, at the prices in force.
//!
//! An hour is charged by what was in force when it began: the tenant's tier, of that tier's prices the
//! one whose own beginning is the latest before, and the tenant's own share of it. So a change within an hour applies from
//! the next one, and every cloud says the same whatever it learnt first. Hours of a day with the
//! same price are one entry: a day is what an invoice lists and what keeps the books small (a
//! thousand tenants with four models each make four thousand entries a day, however many events).

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::entry::product_key;
use super::{
    Account, Day, ENTRY_USD_MAX, Entry, LINE_DECIMALS, OwnPrice, Period, Price, Quantity, What,
    rounded,
};
use crate::catalog::PricePut;
use crate::clock::{LogicalClock, Timestamp};
use crate::event::{EventId, TenantId};
use crate::usage::{UsageKey, UsageSum};

/// Prices are for a million tokens: a factor of 10⁻⁶.
const PER_MILLION: Decimal = Decimal::from_parts(1, 0, 0, false, 6);

/// Versions of a thing by when they were decided. Decisions about tenants and tiers name no
/// beginning: each holds from the moment it was recorded, and the first one before that too, since
/// usage may be told after the fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History<T>(BTreeMap<i64, T>);

impl<T> Default for History<T> {
    fn default() -> Self {
        History(BTreeMap::new())
    }
}

impl<T> History<T> {
    /// Versions in the order in which they supersede each other. Of one millisecond's the last
    /// holds.
    pub fn push(&mut self, clock: LogicalClock, version: T) {
        self.0.insert(i64::try_from(clock.ms).unwrap_or(i64::MAX), version);
    }

    /// What held at a time.
    #[must_use]
    pub fn at(&self, time: Timestamp) -> Option<&T> {
        let last = self.0.range(..=time.unix_ms()).next_back();
        last.or_else(|| self.0.first_key_value()).map(|(_, version)| version)
    }
}

/// Tier, provider and model.
type Product = (String, String, String);

/// What is in force when: tenants' tiers, and prices.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tariff {
    tiers: BTreeMap<TenantId, History<String>>,
    prices: BTreeMap<Product, BTreeMap<Timestamp, Price>>,
    own: BTreeMap<TenantId, BTreeMap<Timestamp, OwnPrice>>,
}

impl Tariff {
    /// Versions of a tenant in the order in which they supersede each other.
    pub fn tenant(&mut self, id: TenantId, clock: LogicalClock, tier: String) {
        self.tiers.entry(id).or_default().push(clock, tier);
    }

    /// The decision in force about a price and its beginning.
    pub fn price(&mut self, put: PricePut, event_id: EventId) {
        let price = Price {
            input_usd_per_million: put.input_usd_per_million.normalize(),
            output_usd_per_million: put.output_usd_per_million.normalize(),
            cached_usd_per_million: put.cached_usd_per_million.map(|usd| usd.normalize()),
            effective_from: put.effective_from,
            event_id,
            own: None,
        };
        let product = (put.tier, put.provider, put.model);
        self.prices.entry(product).or_default().insert(put.effective_from, price);
    }

    /// A tenant's own price, which holds from its own beginning on.
    pub fn own(&mut self, tenant: TenantId, price: OwnPrice) {
        self.own.entry(tenant).or_default().insert(price.since, price);
    }

    fn own_at(&self, key: &UsageKey) -> Option<OwnPrice> {
        let own = self.own.get(&key.tenant_id)?;
        own.range(..=key.hour).next_back().map(|(_, own)| *own)
    }

    fn at(&self, key: &UsageKey) -> Result<(&str, &Price), (&str, Unpriced)> {
        let tier = self.tiers.get(&key.tenant_id).and_then(|tiers| tiers.at(key.hour));
        let tier = tier.ok_or(("", Unpriced::UnknownTenant))?;
        let product = (tier.clone(), key.provider.clone(), key.model.clone());
        let dated = self.prices.get(&product);
        let price = dated.and_then(|dated| dated.range(..=key.hour).next_back());
        price.map(|(_, price)| (tier.as_str(), price)).ok_or((tier, Unpriced::NoPrice))
    }
}

/// Why usage is not charged. It is listed, and never charged as nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Unpriced {
    /// The tenant's tier had no price for the model then.
    NoPrice,
    /// No decision says of which tier the tenant is.
    UnknownTenant,
    /// Tokens times price are beyond [`ENTRY_USD_MAX`].
    TooLarge,
}

/// Usage of a day that no price applies to. Its RFC 8785 form is the row that snapshots hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UnpricedUsage {
    pub period: Period,
    pub tenant_id: TenantId,
    pub day: Day,
    pub provider: String,
    pub model: String,
    pub region: String,
    /// Empty where none is known.
    pub tier: String,
    pub reason: Unpriced,
    pub quantity: Quantity,
}

impl UnpricedUsage {
    /// What tells it from the others of its tenant and day.
    #[must_use]
    pub fn key(&self) -> String {
        let names = [&self.provider, &self.model, &self.region, &self.tier].map(String::as_str);
        product_key(names.into_iter().chain([self.reason.name()]))
    }
}

impl Unpriced {
    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Unpriced::NoPrice => "noPrice",
            Unpriced::UnknownTenant => "unknownTenant",
            Unpriced::TooLarge => "tooLarge",
        }
    }
}

/// What a tenant's usage of one day comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Charges {
    pub entries: Vec<Entry>,
    pub unpriced: Vec<UnpricedUsage>,
}

/// A tenant's day, a product, and the price by its beginning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    tenant: TenantId,
    day: Day,
    names: [String; 4],
    price: Result<(Timestamp, Option<Timestamp>), Unpriced>,
}

/// Charges for metered rows, in whatever order they come.
#[must_use]
pub fn charge<'a>(
    tariff: &Tariff,
    rows: impl IntoIterator<Item = (&'a UsageKey, &'a UsageSum)>,
) -> Charges {
    type Priced<'a> = (Option<(&'a Price, Option<OwnPrice>)>, Quantity);
    let mut lines: BTreeMap<Line, Priced<'_>> = BTreeMap::new();
    for (key, sum) in rows {
        let (tier, price) = match tariff.at(key) {
            Ok((tier, price)) => (tier, Ok(price)),
            Err((tier, reason)) => (tier, Err(reason)),
        };
        let own = tariff.own_at(key);
        let names = [&key.provider, &key.model, &key.region].map(Clone::clone);
        let [provider, model, region] = names;
        let line = Line {
            tenant: key.tenant_id.clone(),
            day: Day::of(key.hour),
            names: [provider, model, region, tier.to_owned()],
            price: price.map(|price| (price.effective_from, own.map(|own| own.since))),
        };
        let price = price.ok().map(|price| (price, own));
        let (_, quantity) = lines.entry(line).or_insert((price, Quantity::default()));
        quantity.add(sum);
    }
    let mut charges = Charges::default();
    for (line, (price, quantity)) in lines {
        let price = price.map(|(list, own)| list.with(own));
        charges.take(line, price, quantity);
    }
    charges
}

impl Charges {
    /// `price`: absent where there is none, `Some(None)` where it is beyond reason.
    fn take(&mut self, line: Line, price: Option<Option<Price>>, quantity: Quantity) {
        let Line { tenant, day, names: [provider, model, region, tier], price: priced } = line;
        let amount = |price: Price| price.amount_usd(&quantity).map(|amount| (price, amount));
        let reason = match price.map(|price| price.and_then(amount)) {
            Some(Some((price, amount))) => {
                let what = What::Charge { provider, model, region, tier, price, quantity };
                let accounts = (Account::Receivable(tenant.clone()), Account::Revenue);
                self.entries.push(Entry::new((tenant, day), what, accounts, amount));
                return;
            }
            Some(None) => Unpriced::TooLarge,
            None => priced.err().unwrap_or(Unpriced::NoPrice),
        };
        let (period, tenant_id) = (day.period(), tenant);
        self.leave_out(UnpricedUsage {
            period,
            tenant_id,
            day,
            provider,
            model,
            region,
            tier,
            reason,
            quantity,
        });
    }

    /// Two prices of a day may both be too large: that is one row. Lines come sorted by tenant and
    /// day, so the same day's are the last ones.
    fn leave_out(&mut self, usage: UnpricedUsage) {
        let of_day = |known: &&mut UnpricedUsage| {
            (&known.tenant_id, known.day) == (&usage.tenant_id, usage.day)
        };
        let mut of_day = self.unpriced.iter_mut().rev().take_while(of_day);
        match of_day.find(|known| known.key() == usage.key()) {
            Some(known) => known.quantity.merge(&usage.quantity),
            None => self.unpriced.push(usage),
        }
    }
}

impl Price {
    /// The list price times the tenant's own share of it. `None`: beyond reason.
    fn with(&self, own: Option<OwnPrice>) -> Option<Price> {
        let Some(own) = own else { return Some(self.clone()) };
        let times = |usd: Decimal| usd.checked_mul(own.of_list).map(|usd| usd.normalize());
        Some(Price {
            input_usd_per_million: times(self.input_usd_per_million)?,
            output_usd_per_million: times(self.output_usd_per_million)?,
            cached_usd_per_million: match self.cached_usd_per_million {
                Some(usd) => Some(times(usd)?),
                None => None,
            },
            own: Some(own),
            ..self.clone()
        })
    }

    /// `((input − cached) · p_in + cached · p_cached + output · p_out) / 10⁶`, rounded once.
    /// `None`: beyond reason.
    #[must_use]
    pub fn amount_usd(&self, quantity: &Quantity) -> Option<Decimal> {
        let cached_price = self.cached_usd_per_million.unwrap_or(self.input_usd_per_million);
        let fresh = quantity.input_tokens.saturating_sub(quantity.cached_tokens);
        let parts = [
            (fresh, self.input_usd_per_million),
            (quantity.cached_tokens, cached_price),
            (quantity.output_tokens, self.output_usd_per_million),
        ];
        let sum = parts.into_iter().try_fold(Decimal::ZERO, |sum, (tokens, price)| {
            sum.checked_add(Decimal::from(tokens).checked_mul(price)?)
        })?;
        let amount = rounded(sum.checked_mul(PER_MILLION)?, LINE_DECIMALS);
        (Decimal::ZERO..=ENTRY_USD_MAX).contains(&amount).then_some(amount)
    }
}
