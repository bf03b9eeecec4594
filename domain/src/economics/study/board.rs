//! What a screen shows of an answer: the base and the levers as they stand, and the rows a person
//! reads. Plain and flat, since browsers read it often and carry the code that reads it.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Compared, Results, TenantResult, Totals};
use super::bridge::Lever;
use super::glance::Glance;
use super::inputs::{Inputs, Reason};
use super::latencies::RegionLatency;
use super::model::Model;
use super::penalties::{Penalties, penalties};
use super::request::{Asked, Request};
use crate::clock::Timestamp;
use crate::economics::EconomicsError;
use crate::economics::quantity::float;
use crate::economics::scenario::Scenario;
use crate::economics::simulation::{Outcome, Simulation};
use crate::economics::tornado::Tornado;

/// Tenants of a table. Exports have all.
pub const TENANTS_SHOWN_MAX: usize = 50;

/// One scenario beside the base, and up to four more to compare it with. US dollars.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Board {
    pub base: Glance,
    /// Of the scenario under the levers.
    pub now: Glance,
    pub basis: Basis,
    pub tornado: Tornado,
    /// From the base's profit: each lever that moved, and what it moved.
    pub bridge: Vec<(Lever, f64)>,
    pub bridge_from: f64,
    pub bridge_to: f64,
    /// All, then by tier, provider and region.
    pub groups: Vec<GroupRow>,
    /// Those that are likeliest below the floor, at most [`TENANTS_SHOWN_MAX`].
    pub tenants: Vec<TenantRow>,
    /// How many there are: tenants at a provider in a region.
    pub places: usize,
    /// Of the base: everybody's, then those of the tenants whose prices stand under a lever.
    pub penalties: Vec<Penalties>,
    /// The base, the scenario under the levers, and what it is compared with.
    pub columns: Vec<Column>,
}

/// What all figures rest on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Basis {
    pub usage_rows: usize,
    pub usage_from: Option<Timestamp>,
    pub usage_through: Option<Timestamp>,
    pub price_map_as_of: Timestamp,
    pub draws: usize,
    pub seed: String,
    pub floor: f64,
    /// What no event tells, in a sentence.
    pub assumptions: String,
    pub warnings: Vec<String>,
    pub left_out: Vec<LeftOut>,
    /// How long requests take, by region, and how that is known.
    pub latency: BTreeMap<String, RegionLatency>,
}

/// A model that has no part in any figure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeftOut {
    pub model: String,
    pub tokens: i64,
    pub tenants: usize,
    pub reason: Reason,
}

/// How rows are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Grouping {
    All,
    Tier,
    Provider,
    Region,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupRow {
    pub grouping: Grouping,
    pub name: String,
    /// Revenue, cost, what is owed, profit.
    pub usd: [f64; 4],
    /// Absent without revenue.
    pub margin: Option<f64>,
    pub base_margin: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantRow {
    pub tenant_id: String,
    pub tier: String,
    pub provider: String,
    pub region: String,
    /// Revenue, profit.
    pub usd: [f64; 2],
    /// The margin's P50, at the base and now. Exact.
    pub base_p50: Option<f64>,
    pub p50: Option<f64>,
    pub below_floor: Option<f64>,
}

/// A scenario in a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    pub name: String,
    pub changes: Scenario,
    /// P5, P50, P95, and the probability to be below the floor. Absent without revenue.
    pub margin: Option<[f64; 4]>,
    /// P5, P50, P95.
    pub profit_usd: [f64; 3],
}

/// A scenario that has been drawn.
#[derive(Clone, Debug)]
pub(super) struct Drawn {
    pub(super) changes: Scenario,
    pub(super) model: Model,
    pub(super) outcome: Outcome,
    pub(super) results: Results,
}

impl Drawn {
    pub(super) fn new(
        changes: Scenario,
        model: Model,
        outcome: Outcome,
        request: &Request,
    ) -> Result<Self, EconomicsError> {
        let results = model.results(&outcome, request)?;
        Ok(Drawn { changes, model, outcome, results })
    }

    /// See [`Model::glance`].
    pub(super) fn glance(
        &self,
        base: &Results,
        to: &Scenario,
        request: &Request,
    ) -> Result<Option<Glance>, EconomicsError> {
        self.model.glance((&self.changes, &self.outcome, &self.results), base, to, request)
    }

    /// The glance at what was drawn itself.
    fn still(&self, base: &Results, request: &Request) -> Result<Glance, EconomicsError> {
        let nothing = EconomicsError::Inconsistent { what: "a scenario", problem: "is not itself" };
        self.glance(base, &self.changes, request)?.ok_or(nothing)
    }

    pub(super) fn compared(
        &self,
        inputs: &Inputs,
        request: &Request,
        name: &str,
    ) -> Result<Compared, EconomicsError> {
        let asked = Asked { name: name.to_owned(), changes: self.changes.clone() };
        Compared::new(inputs, request, &asked, self.results.clone())
    }
}

impl Board {
    /// Answers a request for a screen, with whoever draws. `opened`: a tenant whose lever stands there
    /// unmoved.
    ///
    /// # Errors
    /// The request is absurd or has no scenario, or what `draw` refuses.
    pub fn of<E: From<EconomicsError>>(
        inputs: &Inputs,
        request: &Request,
        opened: Option<&str>,
        draw: impl Fn(&Simulation) -> Result<Outcome, E>,
    ) -> Result<Self, E> {
        request.check()?;
        let drawn = |changes: &Scenario| {
            let model = Model::new(inputs, request, changes)?;
            let outcome = draw(model.simulation())?;
            Ok::<_, E>(Drawn::new(changes.clone(), model, outcome, request)?)
        };
        let base = drawn(&Scenario::default())?;
        let scenarios = request.scenarios.iter().map(|asked| Ok((asked, drawn(&asked.changes)?)));
        let scenarios = scenarios.collect::<Result<Vec<_>, E>>()?;
        let compared =
            scenarios.iter().map(|(asked, it)| it.compared(inputs, request, &asked.name));
        let compared = compared.collect::<Result<Vec<_>, _>>()?;
        let now = scenarios.first().map_or(&base, |(_, drawn)| drawn);
        Ok(Board::new(inputs, request, opened, (&base, now), compared)?)
    }

    /// The first that is compared is `now`.
    pub(super) fn new(
        inputs: &Inputs,
        request: &Request,
        opened: Option<&str>,
        (base, now): (&Drawn, &Drawn),
        compared: Vec<Compared>,
    ) -> Result<Self, EconomicsError> {
        let glances = (base.still(&base.results, request)?, now.still(&base.results, request)?);
        let answer = Answer::new(inputs, request, base.results.clone(), compared)?;
        let none = EconomicsError::TooFew { what: "scenarios", count: 0, min: 1 };
        let first = answer.scenarios.first().ok_or(none)?;
        let parts = first.bridge.bridge.parts_usd.iter().map(|part| float(*part));
        let priced = first.changes.tenant_price.keys().map(String::as_str);
        let base_column = column("", &Scenario::default(), &answer.base);
        let others = answer.scenarios.iter().map(|it| column(&it.name, &it.changes, &it.results));
        Ok(Board {
            base: glances.0,
            now: glances.1,
            basis: basis(&answer),
            tornado: first.results.tornado.clone(),
            bridge: first.bridge.levers.iter().copied().zip(parts).collect(),
            bridge_from: float(first.bridge.bridge.from_usd),
            bridge_to: float(first.bridge.bridge.to_usd),
            groups: groups(&answer.base, &first.results),
            tenants: tenants(&answer.base, &first.results),
            places: first.results.tenants.len(),
            penalties: penalties(inputs, &answer.base, &priced.chain(opened).collect())?,
            columns: [base_column].into_iter().chain(others).collect(),
        })
    }
}

fn basis(answer: &Answer) -> Basis {
    let sources = &answer.provenance.sources;
    let left_out = sources.excluded.iter().map(|it| LeftOut {
        model: format!("{} {}", it.provider, it.model),
        tokens: it.input_tokens.saturating_add(it.output_tokens),
        tenants: it.tenants.len(),
        reason: it.reason,
    });
    Basis {
        usage_rows: sources.usage_rows,
        usage_from: sources.usage_from,
        usage_through: sources.usage_through,
        price_map_as_of: sources.price_map_as_of,
        draws: answer.draws,
        seed: answer.seed.clone(),
        floor: answer.floor.to_float(),
        assumptions: answer.assumptions.sentence(&answer.provenance.latency),
        warnings: answer.warnings.clone(),
        left_out: left_out.collect(),
        latency: answer.provenance.latency.clone(),
    }
}

fn column(name: &str, changes: &Scenario, of: &Results) -> Column {
    let margin = of.margin.as_ref().map(|it| {
        let below = it.below_floor.map_or(0.0, |below| below.value);
        [it.p5.value, it.p50.value, it.p95.value, below]
    });
    let profit = &of.profit_usd;
    Column {
        name: name.to_owned(),
        changes: changes.clone(),
        margin,
        profit_usd: [profit.p5.value, profit.p50.value, profit.p95.value],
    }
}

fn groups(base: &Results, now: &Results) -> Vec<GroupRow> {
    let row = |grouping, name: &str, now: &Totals, base: Option<&Totals>| {
        let statement = now.statement;
        let amounts = [
            statement.revenue_usd(),
            statement.cost_usd(),
            statement.penalty_usd(),
            now.profit_usd,
        ];
        let margin = |of: &Totals| of.margin.map(float);
        GroupRow {
            grouping,
            name: name.to_owned(),
            usd: amounts.map(float),
            margin: margin(now),
            base_margin: base.and_then(margin),
        }
    };
    let parts = [
        (Grouping::Tier, &now.by_tier, &base.by_tier),
        (Grouping::Provider, &now.by_provider, &base.by_provider),
        (Grouping::Region, &now.by_region, &base.by_region),
    ];
    let rows = parts.into_iter().flat_map(|(grouping, now, base)| {
        now.iter().map(move |(name, now)| row(grouping, name, now, base.get(name)))
    });
    let all = row(Grouping::All, "All", &now.statement, Some(&base.statement));
    [all].into_iter().chain(rows).collect()
}

/// The places of a tenant are told apart by provider and region.
fn tenants(base: &Results, now: &Results) -> Vec<TenantRow> {
    let name = |of: &TenantResult| (of.tenant_id.clone(), of.provider.clone(), of.region.clone());
    let before: BTreeMap<_, _> =
        base.tenants.iter().map(|it| (name(it), it.margin.map(|it| it.p50))).collect();
    let usd = |amount: Decimal| float(amount);
    let row = |it: &TenantResult| TenantRow {
        tenant_id: it.tenant_id.to_string(),
        tier: it.tier.clone(),
        provider: it.provider.clone(),
        region: it.region.clone(),
        usd: [usd(it.statement.statement.revenue_usd()), usd(it.statement.profit_usd)],
        base_p50: before.get(&name(it)).copied().flatten(),
        p50: it.margin.map(|it| it.p50),
        below_floor: it.margin.map(|it| it.below_floor),
    };
    let mut rows: Vec<_> = now.tenants.iter().map(row).collect();
    // Without revenue there is no margin, and a loss for certain if it costs anything.
    let risk = |it: &TenantRow| {
        let without = if it.usd[1] < 0.0 { 1.0 } else { -1.0 };
        it.below_floor.unwrap_or(without)
    };
    rows.sort_by(|left, right| risk(right).total_cmp(&risk(left)));
    rows.truncate(TENANTS_SHOWN_MAX);
    rows
}
