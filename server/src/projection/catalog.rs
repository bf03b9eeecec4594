//! What decisions have put in force, in memory: tenants, tiers, prices, users.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use domain::catalog::{
    CostPut, DECIDED_BY, ForesightRun, Known, LatencyPut, OptimizerRecommend, OptimizerRun,
    PricePut, RoutingDrain, RoutingLatency, RoutingSwitch, ScenarioPromote, ScenarioSave,
    SnapshotAttest, TenantPut, TierPut, UserPut,
};
use domain::clock::{LogicalClock, Timestamp};
use domain::cloud::Cloud;
use domain::economics::token_cost::ModelKey;
use domain::event::{EventId, PLATFORM_TENANT, Slot, TenantId};
use domain::pricing::approval::Actor;
use domain::pricing::book::{Book, Told, What};
use domain::pricing::list_change::{Product as ListProduct, Recorded, Versions};
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use uuid::Uuid;

use super::entry::slot;

/// A value in force, and the decision that put it.
#[derive(Clone, Debug, PartialEq)]
pub struct Current<T> {
    pub value: T,
    pub event_id: EventId,
    pub slot: Slot,
    pub logical_clock: LogicalClock,
}

/// Tier, provider and model.
type Product = (String, String, String);

/// The newest version of a scenario, and who saved it.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    pub current: Current<ScenarioSave>,
    /// A login; absent for what no person recorded.
    pub author: Option<String>,
}

/// A snapshot: all of it stems from the same decisions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalog {
    tenants: BTreeMap<TenantId, Current<TenantPut>>,
    tiers: BTreeMap<String, Current<TierPut>>,
    prices: BTreeMap<Product, BTreeMap<Timestamp, Current<PricePut>>>,
    price_versions: BTreeMap<ListProduct, Versions>,
    /// Tiers that any tenant ever was in.
    tiers_used: BTreeSet<String>,
    users: BTreeMap<String, Current<UserPut>>,
    costs: Costs,
    samples: Samples,
    scenarios: BTreeMap<Uuid, Saved>,
    promotions: BTreeMap<Uuid, Current<ScenarioPromote>>,
    attestations: BTreeMap<(u64, Cloud), Current<SnapshotAttest>>,
    switch: Option<Current<RoutingSwitch>>,
    drains: BTreeMap<Cloud, Current<RoutingDrain>>,
    latencies: Vec<RoutingLatency>,
    book: Book,
    recommendations: BTreeMap<TenantId, Current<OptimizerRecommend>>,
    run: Option<Current<OptimizerRun>>,
    foresight: Option<Current<ForesightRun>>,
}

/// Provider prices by model and region, and by the day of the map.
type Costs = BTreeMap<(ModelKey, Option<String>), BTreeMap<Timestamp, Current<CostPut>>>;

/// Recorded latencies by provider and region, and by the day of the samples.
type Samples = BTreeMap<(String, Option<String>), BTreeMap<Timestamp, Current<LatencyPut>>>;

impl Catalog {
    /// May this tenant's events be recorded? The platform's own always.
    #[must_use]
    pub fn is_active_tenant(&self, id: &TenantId) -> bool {
        id.as_str() == PLATFORM_TENANT
            || self.tenants.get(id).is_some_and(|tenant| tenant.value.active)
    }

    #[must_use]
    pub fn tenant(&self, id: &TenantId) -> Option<&Current<TenantPut>> {
        self.tenants.get(id)
    }

    /// A page of tenants in the order of their ids, after `cursor`.
    #[must_use]
    pub fn tenants_after(
        &self,
        cursor: Option<&TenantId>,
        limit: usize,
    ) -> Vec<&Current<TenantPut>> {
        let start = cursor.map_or(Bound::Unbounded, Bound::Excluded);
        let range = self.tenants.range::<TenantId, _>((start, Bound::Unbounded));
        range.take(limit).map(|(_, tenant)| tenant).collect()
    }

    #[must_use]
    pub fn tenant_count(&self) -> usize {
        self.tenants.len()
    }

    /// Tenants whose id begins so, in order, at most `limit`.
    #[must_use]
    pub fn tenants_like(&self, prefix: &str, limit: usize) -> Vec<&Current<TenantPut>> {
        let from = self.tenants.iter().skip_while(|(id, _)| id.as_str() < prefix);
        let like = from.take_while(|(id, _)| id.as_str().starts_with(prefix));
        like.take(limit).map(|(_, tenant)| tenant).collect()
    }

    pub fn tiers(&self) -> impl Iterator<Item = &Current<TierPut>> {
        self.tiers.values()
    }

    #[must_use]
    pub fn tier(&self, id: &str) -> Option<&Current<TierPut>> {
        self.tiers.get(id)
    }

    /// Has it terms or prices?
    #[must_use]
    pub fn has_tier(&self, id: &str) -> bool {
        self.tiers.contains_key(id) || self.prices.keys().any(|(tier, ..)| tier == id)
    }

    /// By tier, provider, model and the time from which they apply.
    pub fn prices(&self) -> impl Iterator<Item = &Current<PricePut>> {
        self.prices.values().flat_map(BTreeMap::values)
    }

    /// The price that applies at a time: the one whose own beginning is the latest before it.
    #[must_use]
    pub fn price_at(
        &self,
        tier: &str,
        provider: &str,
        model: &str,
        at: Timestamp,
    ) -> Option<&Current<PricePut>> {
        let product = (tier.to_owned(), provider.to_owned(), model.to_owned());
        let (_, price) = self.prices.get(&product)?.range(..=at).next_back()?;
        Some(price)
    }

    /// The next price after that time: when the one of then ends.
    #[must_use]
    pub fn price_after(
        &self,
        tier: &str,
        provider: &str,
        model: &str,
        at: Timestamp,
    ) -> Option<&Current<PricePut>> {
        let product = (tier.to_owned(), provider.to_owned(), model.to_owned());
        let after = (Bound::Excluded(at), Bound::Unbounded);
        let (_, price) = self.prices.get(&product)?.range(after).next()?;
        Some(price)
    }

    /// Everything that was recorded as this price, what was replaced or withdrawn included; absent: nothing
    /// was.
    #[must_use]
    pub fn price_versions(&self, product: &ListProduct) -> Option<&Versions> {
        self.price_versions.get(product)
    }

    /// Was any tenant ever in it? A price for the past charges those too that have left it since.
    #[must_use]
    pub fn was_ever_used(&self, tier: &str) -> bool {
        self.tiers_used.contains(tier)
    }

    /// What providers take, by model and region; of each the prices of all maps, oldest first.
    pub fn costs(
        &self,
    ) -> impl Iterator<Item = (&ModelKey, Option<&str>, &BTreeMap<Timestamp, Current<CostPut>>)>
    {
        self.costs.iter().map(|((model, region), dated)| (model, region.as_deref(), dated))
    }

    /// Recorded latencies of each provider in each region, and wherever else: the newest samples that
    /// are not newer than a time.
    pub fn samples_at(&self, at: Timestamp) -> impl Iterator<Item = &Current<LatencyPut>> {
        self.samples.values().filter_map(move |dated| Some(dated.range(..=at).next_back()?.1))
    }

    /// The newest version of each scenario.
    pub fn scenarios(&self) -> impl Iterator<Item = &Saved> {
        self.scenarios.values()
    }

    #[must_use]
    pub fn scenario(&self, id: Uuid) -> Option<&Saved> {
        self.scenarios.get(&id)
    }

    /// The last promotion of a scenario.
    #[must_use]
    pub fn promotion(&self, id: Uuid) -> Option<&Current<ScenarioPromote>> {
        self.promotions.get(&id)
    }

    /// What each cloud attested last of the snapshot of this number.
    #[must_use]
    pub fn attestations(&self, number: u64) -> BTreeMap<Cloud, &Current<SnapshotAttest>> {
        let of_number = (number, Cloud::ALL[0])..=(number, Cloud::ALL[2]);
        self.attestations.range(of_number).map(|((_, cloud), said)| (*cloud, said)).collect()
    }

    /// How many words of clouds on snapshots there are.
    #[must_use]
    pub fn attestation_count(&self) -> usize {
        self.attestations.len()
    }

    /// The last switch of the traffic.
    #[must_use]
    pub const fn switch(&self) -> Option<&Current<RoutingSwitch>> {
        self.switch.as_ref()
    }

    /// The last word of people on a cloud: is it to be left out of service?
    #[must_use]
    pub fn drain(&self, cloud: Cloud) -> Option<&Current<RoutingDrain>> {
        self.drains.get(&cloud)
    }

    /// Round trips that were recorded.
    #[must_use]
    pub fn latencies(&self) -> &[RoutingLatency] {
        &self.latencies
    }

    /// What decisions about prices come to.
    #[must_use]
    pub const fn book(&self) -> &Book {
        &self.book
    }

    /// What the optimizer last said, by tenant.
    pub fn recommendations(&self) -> impl Iterator<Item = &Current<OptimizerRecommend>> {
        self.recommendations.values()
    }

    #[must_use]
    pub fn recommendation(&self, tenant: &TenantId) -> Option<&Current<OptimizerRecommend>> {
        self.recommendations.get(tenant)
    }

    /// The optimizer's last run.
    #[must_use]
    pub const fn run(&self) -> Option<&Current<OptimizerRun>> {
        self.run.as_ref()
    }

    /// The last run of the standing stresses.
    #[must_use]
    pub const fn foresight(&self) -> Option<&Current<ForesightRun>> {
        self.foresight.as_ref()
    }

    /// By login.
    pub fn users(&self) -> impl Iterator<Item = &Current<UserPut>> {
        self.users.values()
    }

    #[must_use]
    pub fn user(&self, login: &str) -> Option<&Current<UserPut>> {
        self.users.get(login)
    }

    /// What the tables say now.
    ///
    /// # Errors
    /// The database cannot be read.
    pub(super) async fn load(pool: &PgPool) -> Result<Self, sqlx::Error> {
        // In one statement: all of it at one moment.
        let rows = sqlx::query(
            "SELECT body, event_id, logical_clock, origin, epoch, sequence, TRUE AS in_force \
             FROM projection_current \
             UNION ALL \
             SELECT body, event_id, logical_clock, origin, epoch, sequence, FALSE \
             FROM projection_version WHERE entity = 'price' \
             UNION ALL \
             (SELECT DISTINCT ON (body ->> 'tier') \
              body, event_id, logical_clock, origin, epoch, sequence, FALSE \
              FROM projection_version WHERE entity = 'tenant')",
        )
        .fetch_all(pool)
        .await?;
        let (mut catalog, mut told) = (Catalog::default(), Vec::new());
        for row in &rows {
            if row.try_get("in_force")? {
                told.extend(catalog.take(row)?);
            } else {
                catalog.remember(row)?;
            }
        }
        catalog.book = Book::of(told);
        Ok(catalog)
    }

    /// What was so once. What does not read is warned of where it is in force.
    fn remember(&mut self, row: &PgRow) -> Result<(), sqlx::Error> {
        let body: Value = row.try_get("body")?;
        match Known::read(&body) {
            Ok(Some(Known::PricePut(price))) => {
                let clock = LogicalClock::from_packed(row.try_get("logical_clock")?);
                let event_id = EventId(row.try_get("event_id")?);
                let recorded = Recorded { clock, slot: slot(row)?, event_id, price };
                let product = ListProduct::from(&recorded.price);
                self.price_versions.entry(product).or_default().add(recorded);
            }
            Ok(Some(Known::TenantPut(tenant))) => {
                self.tiers_used.insert(tenant.tier);
            }
            _ => {}
        }
        Ok(())
    }

    /// Words about proposals are handed back: what they come to depends on all of them.
    fn take(&mut self, row: &PgRow) -> Result<Option<Told>, sqlx::Error> {
        let event_id = EventId(row.try_get("event_id")?);
        let slot = slot(row)?;
        let logical_clock = LogicalClock::from_packed(row.try_get("logical_clock")?);
        let body: Value = row.try_get("body")?;
        match Known::read(&body) {
            Ok(Some(Known::TenantPut(value))) => {
                let id = value.tenant_id.clone();
                self.tenants.insert(id, Current { value, event_id, slot, logical_clock });
            }
            Ok(Some(Known::TierPut(value))) => {
                let id = value.tier.clone();
                self.tiers.insert(id, Current { value, event_id, slot, logical_clock });
            }
            Ok(Some(Known::PricePut(value))) if value.withdrawn => {}
            Ok(Some(Known::PricePut(value))) => {
                let product = (value.tier.clone(), value.provider.clone(), value.model.clone());
                let from = value.effective_from;
                let price = Current { value, event_id, slot, logical_clock };
                self.prices.entry(product).or_default().insert(from, price);
            }
            Ok(Some(Known::UserPut(value))) => {
                let login = value.login.clone();
                self.users.insert(login, Current { value, event_id, slot, logical_clock });
            }
            Ok(Some(Known::CostPut(value))) => {
                self.take_cost(Current { value, event_id, slot, logical_clock });
            }
            Ok(Some(Known::LatencyPut(value))) => {
                self.take_sample(Current { value, event_id, slot, logical_clock });
            }
            Ok(Some(Known::ScenarioSave(value))) => {
                let id = value.scenario_id;
                let author = body.get(DECIDED_BY).and_then(Value::as_str).map(str::to_owned);
                let current = Current { value, event_id, slot, logical_clock };
                self.scenarios.insert(id, Saved { current, author });
            }
            Ok(Some(Known::ScenarioPromote(value))) => {
                let id = value.scenario_id;
                self.promotions.insert(id, Current { value, event_id, slot, logical_clock });
            }
            Ok(Some(Known::SnapshotAttest(value))) => {
                let place = (value.manifest.number, slot.origin);
                let said = Current { value: *value, event_id, slot, logical_clock };
                self.attestations.insert(place, said);
            }
            Ok(Some(Known::RoutingSwitch(value))) => {
                self.switch = Some(Current { value: *value, event_id, slot, logical_clock });
            }
            Ok(Some(Known::RoutingDrain(value))) => {
                let cloud = value.cloud;
                self.drains.insert(cloud, Current { value, event_id, slot, logical_clock });
            }
            Ok(Some(Known::RoutingLatency(value))) => self.latencies.push(value),
            Ok(Some(known)) => {
                let by = body.get(DECIDED_BY).and_then(Value::as_str);
                let by = by.map(|login| Actor(login.to_owned()));
                let place = Current { value: known, event_id, slot, logical_clock };
                return Ok(self.take_pricing(place, by));
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%slot, %error, "a projected decision does not read; rebuild the projections");
            }
        }
        Ok(None)
    }

    fn take_cost(&mut self, cost: Current<CostPut>) {
        let CostPut { provider, model, region, as_of, .. } = &cost.value;
        let model = ModelKey { provider: provider.clone(), model: model.clone() };
        let (place, as_of) = ((model, region.clone()), *as_of);
        self.costs.entry(place).or_default().insert(as_of, cost);
    }

    fn take_sample(&mut self, sample: Current<LatencyPut>) {
        let LatencyPut { provider, region, as_of, .. } = &sample.value;
        let (place, as_of) = ((provider.clone(), region.clone()), *as_of);
        self.samples.entry(place).or_default().insert(as_of, sample);
    }

    fn take_pricing(&mut self, current: Current<Known>, by: Option<Actor>) -> Option<Told> {
        let Current { value, event_id, slot, logical_clock } = current;
        let what = match value {
            Known::OptimizerRecommend(value) => {
                let tenant = value.tenant_id.clone();
                let said = Current { value: *value, event_id, slot, logical_clock };
                self.recommendations.insert(tenant, said);
                return None;
            }
            Known::OptimizerRun(value) => {
                self.run = Some(Current { value, event_id, slot, logical_clock });
                return None;
            }
            Known::ForesightRun(value) => {
                self.foresight = Some(Current { value: *value, event_id, slot, logical_clock });
                return None;
            }
            // Rulings, credits and closings are no part of the view.
            known => What::of(known)?,
        };
        Some(Told { event_id, clock: logical_clock, slot, by, what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::Decimal;

    fn current<T>(value: T) -> Current<T> {
        Current {
            value,
            event_id: EventId(Uuid::from_u128(1)),
            slot: Slot { origin: Cloud::Gcp, epoch: 1, sequence: 0 },
            logical_clock: LogicalClock::default(),
        }
    }

    fn price(from: &str, input: i64) -> Current<PricePut> {
        current(PricePut {
            tier: "pro".into(),
            provider: "vertex".into(),
            model: "m".into(),
            input_usd_per_million: Decimal::new(input, 0),
            output_usd_per_million: Decimal::ONE,
            cached_usd_per_million: None,
            effective_from: from.parse().expect("time"),
            reason: None,
            withdrawn: false,
            proposal_id: None,
        })
    }

    #[test]
    fn a_price_applies_from_its_beginning_until_the_next_one() {
        let mut catalog = Catalog::default();
        let product = ("pro".to_owned(), "vertex".to_owned(), "m".to_owned());
        let prices = catalog.prices.entry(product).or_default();
        for price in [price("2026-11-01T00:00:00Z", 3), price("2026-12-01T00:00:00Z", 5)] {
            prices.insert(price.value.effective_from, price);
        }
        let at = |time: &str| {
            let at = time.parse().expect("time");
            let price = catalog.price_at("pro", "vertex", "m", at);
            price.map(|price| price.value.input_usd_per_million)
        };
        assert_eq!(at("2026-10-31T23:59:59Z"), None);
        assert_eq!(at("2026-11-01T00:00:00Z"), Some(Decimal::new(3, 0)));
        assert_eq!(at("2026-11-30T23:59:59.999Z"), Some(Decimal::new(3, 0)));
        assert_eq!(at("2027-01-01T00:00:00Z"), Some(Decimal::new(5, 0)));
        assert!(catalog.price_at("pro", "bedrock", "m", prices_at()).is_none());
        let after = |time: &str| {
            let price = catalog.price_after("pro", "vertex", "m", time.parse().expect("time"));
            price.map(|price| price.value.input_usd_per_million)
        };
        assert_eq!(after("2026-10-31T00:00:00Z"), Some(Decimal::new(3, 0)));
        assert_eq!(after("2026-11-01T00:00:00Z"), Some(Decimal::new(5, 0)));
        assert_eq!(after("2026-12-01T00:00:00Z"), None);
    }

    fn prices_at() -> Timestamp {
        "2027-01-01T00:00:00Z".parse().expect("time")
    }

    #[test]
    fn tenants_come_in_pages_and_the_platform_is_always_active() {
        let mut catalog = Catalog::default();
        for id in ["acme", "acorn", "bolt"] {
            let id = TenantId::try_from(id.to_owned()).expect("valid");
            let tenant = TenantPut {
                tenant_id: id.clone(),
                name: id.to_string(),
                tier: "pro".into(),
                cloud: Cloud::Gcp,
                region: "eu".to_owned().try_into().expect("valid"),
                active: id.as_str() != "bolt",
            };
            catalog.tenants.insert(id, current(tenant));
        }
        let names = |page: Vec<&Current<TenantPut>>| -> Vec<String> {
            page.into_iter().map(|tenant| tenant.value.name.clone()).collect()
        };
        let first = catalog.tenants_after(None, 2);
        let last = first[1].value.tenant_id.clone();
        assert_eq!(names(first), ["acme", "acorn"]);
        assert_eq!(names(catalog.tenants_after(Some(&last), 2)), ["bolt"]);
        assert_eq!(names(catalog.tenants_like("ac", 9)), ["acme", "acorn"]);
        let active =
            |id: &str| catalog.is_active_tenant(&TenantId::try_from(id.to_owned()).expect("valid"));
        assert!(active("acme") && active("platform") && !active("bolt") && !active("nobody"));
    }
}
