//! The optimizer, in the words of its page.

use std::collections::BTreeMap;

use app::backend::{
    AppliedRow, MarginBand, MarginDay, MarginSpread, OptimizerView, RecommendationRow, RunRow,
    TenantMargin,
};
use domain::catalog::{Grounds, OptimizerRecommend, SwitchName};
use domain::clock::{DAY_MS, LogicalClock, Timestamp, days};
use domain::event::TenantId;
use domain::pricing::book::{Applied, Chain};
use domain::pricing::controls::{Controls, Subject};
use domain::pricing::drift::margin_under;
use domain::pricing::look::{Seen, last_change_fared};
use domain::pricing::margin;
use domain::pricing::margin_law::margins;
use domain::pricing::margin_watch::{Band, Recommendation, Thresholds};
use domain::pricing::policy::{Limits, Policy};
use domain::pricing::recommend::{Advice, Day, Figures, PriceAdvice};
use rust_decimal::Decimal;

use super::Console;
use super::approvals::{controls_text, margin_text, percent, share_text};
use super::figures::rounded_dollars;
use super::guardrails;
use super::rehearsal;
use super::simulate::simulate;
use super::switches;
use crate::economics::TenantFigures;
use crate::optimizer::about;
use crate::problem::Problem;
use crate::projection::{Catalog, Current};

/// Versions of all tenants that the page lists; the others stand in the ledger.
const HISTORY_MAX: usize = 50;
/// `2026-11-25`.
const DATE_CHARS: usize = 10;

impl Console {
    /// # Errors
    /// The usage cannot be read.
    pub async fn optimizer(&self) -> Result<OptimizerView, Problem> {
        let now = crate::now();
        let catalog = self.projection.catalog();
        let book = catalog.book();
        let (policy_version, policy) = book.policy();
        let found = self.economics.figures(None, policy.window_days, now).await?;
        let mut tenants: Vec<(Option<Decimal>, TenantMargin)> = found
            .tenants
            .iter()
            .map(|(id, found)| (found.figures.margin(), margin_row(&catalog, id, found, now)))
            .collect();
        tenants.sort_by_key(|(margin, _)| margin.unwrap_or(Decimal::ONE));
        let mut history: Vec<AppliedRow> = book
            .chains()
            .flat_map(|(tenant, chain)| applied(&catalog, tenant, chain, &found.tenants, now))
            .collect();
        history.sort_by_key(|row| std::cmp::Reverse(row.at));
        history.truncate(HISTORY_MAX);
        let said = catalog.recommendations().filter(|said| says_something(&said.value.advice));
        Ok(OptimizerView {
            at: now,
            killed: book.is_killed(),
            automatic: book.is_on(SwitchName::AutoPricing, None),
            stop: self.stop(),
            automatic_word: book.switch(SwitchName::AutoPricing, None).map(switches::row),
            switches: switches::newest(book),
            policy_version,
            window_days: policy.window_days,
            window_to: super::foresight::hour(found.to),
            edges: edges(policy),
            rehearsal: rehearsal::form(policy),
            bounds: policy.everybody().map(|rule| bounds(policy, &rule.limits)).unwrap_or_default(),
            run: catalog.run().map(|run| run_row(run, policy)),
            foresight: super::foresight::view(&catalog, &found),
            tenants: tenants.into_iter().map(|(_, row)| row).collect(),
            unpriced: found.unpriced.iter().map(ToString::to_string).collect(),
            recommendations: said.map(|said| recommendation(&catalog, said, now)).collect(),
            history,
        })
    }
}

/// What a run counts is not what the page counts: it says when a tenant counts.
fn run_row(run: &Current<domain::catalog::OptimizerRun>, policy: &Policy) -> RunRow {
    let it = &run.value;
    let rule = policy.everybody().map(|rule| rule.limits).unwrap_or_default();
    let Thresholds { low_enter, low_leave, high_leave, high_enter, dwell } = rule.thresholds;
    let dwell = match dwell {
        0 | 1 => "one run has found it there".to_owned(),
        many => format!("{many} runs in a row have found it there"),
    };
    RunRow {
        number: it.run,
        at: time_of(run.logical_clock),
        by: it.by.to_string(),
        event_id: run.event_id.to_string(),
        sentence: format!(
            "{} tenants looked at; {} lastingly below {} and {} lastingly above {}; {} proposals were \
             opened. A tenant counts as lastingly so once {dwell}, and until \
             its margin is back at {} or {}.",
            it.tenants,
            it.below,
            percent(low_enter),
            it.above,
            percent(high_enter),
            it.opened,
            percent(low_leave),
            percent(high_leave)
        ),
    }
}

pub(super) fn time_of(clock: LogicalClock) -> Timestamp {
    Timestamp::from_unix_ms(i64::try_from(clock.ms).unwrap_or(i64::MAX))
}

fn margin_row(
    catalog: &Catalog,
    id: &TenantId,
    found: &TenantFigures,
    now: Timestamp,
) -> TenantMargin {
    let book = catalog.book();
    let figures = &found.figures;
    let known = catalog.tenant(id).map(|tenant| &tenant.value);
    let limits = known
        .and_then(|tenant| book.policy().1.rule(&tenant.tier, tenant.cloud))
        .map_or_else(Limits::default, |rule| rule.limits);
    let margin = figures.margin();
    let open = book.open_about(&Subject::Tenant(id.clone()), now);
    let advised = catalog.recommendation(id).and_then(|said| said.value.advice.price.as_ref());
    TenantMargin {
        tenant_id: id.to_string(),
        name: known.map(|tenant| tenant.name.clone()).unwrap_or_default(),
        tier: figures.tier.clone(),
        margin: margin.map_or_else(|| "no revenue".to_owned(), margin::told),
        spread: spread(figures, &limits),
        trend: trend(found, &book.controls(id)),
        band: band_of(margin, &limits),
        revenue: rounded_dollars(figures.revenue_usd),
        cost: rounded_dollars(figures.cost_usd),
        penalties: rounded_dollars(figures.revenue_usd * figures.penalty_rate.get()),
        price: percent(book.controls(id).price_of_list),
        automatic: book.is_on(SwitchName::AutoPricing, Some(id)),
        automatic_word: book.switch(SwitchName::AutoPricing, Some(id)).map(switches::row),
        simulate: simulate(book.policy().1, id, advised.and_then(|price| price.change), now),
        proposal_id: open.map(|case| case.id.to_string()),
    }
}

/// The edges of the bands, as the rule for everybody has them.
fn edges(policy: &Policy) -> [String; 2] {
    let rule = policy.everybody();
    let thresholds = rule.map(|rule| rule.limits).unwrap_or_default().thresholds;
    [thresholds.low_enter, thresholds.high_enter].map(percent)
}

/// How the margin is distributed at the prices in force.
fn spread(figures: &Figures, limits: &Limits) -> Option<MarginSpread> {
    let cost = figures.cost_usd.checked_div(figures.list_usd)?;
    let found = margins(cost, figures.earned_of_list()?, figures.penalty_rate, limits.margin_min)?;
    Some(MarginSpread {
        p5: margin_text(found.p5),
        p50: margin_text(found.p50),
        p95: margin_text(found.p95),
        below_floor: share_text(found.below_floor),
    })
}

/// The margins of the days, at the prices in force.
fn trend(found: &TenantFigures, controls: &Controls) -> Vec<MarginDay> {
    let owed = found.figures.penalty_rate.to_float();
    let day = |day: &Day| {
        let at = Timestamp::from_unix_ms(day.number.saturating_mul(DAY_MS)).to_string();
        let margin = 1.0 - day.cost_of_list / day.earned_of_list(controls) - owed;
        MarginDay { day: at.chars().take(DATE_CHARS).collect(), margin }
    };
    found.days.iter().map(day).collect()
}

fn band_of(margin: Option<Decimal>, limits: &Limits) -> MarginBand {
    match margin {
        None => MarginBand::Absent,
        Some(margin) if margin < limits.thresholds.low_enter => MarginBand::Below,
        Some(margin) if margin > limits.thresholds.high_enter => MarginBand::Above,
        Some(_) => MarginBand::Within,
    }
}

fn says_something(advice: &Advice) -> bool {
    advice.price.is_some() || advice.best.is_some()
}

fn recommendation(
    catalog: &Catalog,
    said: &Current<OptimizerRecommend>,
    now: Timestamp,
) -> RecommendationRow {
    let advice = &said.value.advice;
    let tenant = &said.value.tenant_id;
    let name = catalog.tenant(tenant).map(|tenant| tenant.value.name.clone());
    let change = advice.price.as_ref().and_then(|price| price.change);
    let open = catalog.book().open_about(&Subject::Tenant(tenant.clone()), now);
    let mut actions = advice.actions.clone();
    actions.sort_by(|a, b| b.score_usd.total_cmp(&a.score_usd));
    let usd = |usd: f64| format!("{}${:.2}", if usd < 0.0 { "−" } else { "" }, usd.abs());
    let row = |worth: &domain::pricing::action::Worth| {
        let name = action_words(&worth.name).to_owned();
        [name, usd(worth.expected_usd), usd(worth.deviation_usd), usd(worth.score_usd)]
    };
    RecommendationRow {
        tenant_id: tenant.to_string(),
        name: name.unwrap_or_default(),
        at: time_of(said.logical_clock),
        event_id: said.event_id.to_string(),
        title: title(advice),
        why: why(advice),
        trail: advice.price.as_ref().map(|price| {
            guardrails::advised(catalog.book(), &said.value, price, time_of(said.logical_clock))
        }),
        actions: actions.iter().map(row).collect(),
        simulate: simulate(catalog.book().policy().1, tenant, change, time_of(said.logical_clock)),
        proposal_id: open.map(|case| case.id.to_string()),
    }
}

fn title(advice: &Advice) -> String {
    let best = advice.best.as_deref().map(action_words);
    let price = advice.price.as_ref().filter(|price| price.price_of_list != price.current_of_list);
    match (price, best) {
        (Some(price), _) => format!(
            "Move the price from {} to {} of the list price",
            percent(price.current_of_list),
            percent(price.price_of_list)
        ),
        (None, Some(best)) => format!("Consider: {best}"),
        (None, None) => "Hold the price".to_owned(),
    }
}

const ACTIONS: [(&str, &str); 6] = [
    ("tierUpgrade", "suggest a tier that brings in more"),
    ("overage", "price overage"),
    ("concurrency", "raise concurrency so that service levels hold"),
    ("tokenCap", "cap tokens"),
    ("renegotiation", "renegotiate the contract"),
    ("price", "move the price"),
];

fn action_words(name: &str) -> &str {
    ACTIONS.iter().find(|(known, _)| *known == name).map_or(name, |(_, words)| words)
}

fn why(advice: &Advice) -> Vec<String> {
    let Figures { days: window, tokens_k, penalty_rate, .. } = &advice.figures;
    let mut why = Vec::new();
    if let Some(margin) = advice.margin {
        why.push(format!(
            "Gross margin {} over {}: {} brought in, {} paid to providers, {} of the revenue \
             owed for service levels.",
            margin::told(margin),
            days(*window),
            rounded_dollars(advice.figures.revenue_usd),
            rounded_dollars(advice.figures.cost_usd),
            percent(penalty_rate.get())
        ));
    }
    let cost = advice.figures.cost_usd.checked_div(Decimal::from(advice.figures.requests));
    if let Some(cost) = cost {
        why.push(format!(
            "A request costs {}; {} thousand tokens were used.",
            rounded_dollars(cost),
            tokens_k
        ));
    }
    why.push(match advice.figures.cost_jumps_per_year {
        Some(jumps) => format!("Its providers changed prices {jumps:.1} times a year."),
        None => "How often its providers change prices is not known yet.".to_owned(),
    });
    why.push(match advice.fired {
        Some(Recommendation::SuggestTierUpgrade) => {
            "This run counts the margin as lastingly too low, for the first time.".to_owned()
        }
        Some(Recommendation::ConsiderPriceOptimisation) => {
            "This run counts the margin as lastingly very high, for the first time.".to_owned()
        }
        None => match advice.watch.band() {
            Band::Low => "The margin counts as lastingly too low since an earlier run.".to_owned(),
            Band::High => {
                "The margin counts as lastingly very high since an earlier run.".to_owned()
            }
            Band::Normal => "The margin is neither too low nor very high.".to_owned(),
        },
    });
    if let Some(better) = &advice.figures.better_tier {
        why.push(format!(
            "The same usage in the tier {} would bring in {}.",
            better.tier,
            rounded_dollars(better.revenue_usd)
        ));
    }
    why.extend(advice.price.as_ref().and_then(backtest));
    why
}

fn backtest(price: &PriceAdvice) -> Option<String> {
    let replay = price.backtest?;
    Some(format!(
        "Replayed over {} of recorded usage the new price changes the profit by {}${:.2}, and is better on \
         {} of them. How usage answers to a price (an elasticity of {}) is assumed: nobody has measured \
         it.",
        days(replay.days),
        if replay.difference_usd < 0.0 { "−" } else { "+" },
        replay.difference_usd.abs(),
        percent(Decimal::try_from(replay.hit_rate).unwrap_or_default()),
        replay.elasticity
    ))
}

fn bounds(policy: &Policy, limits: &Limits) -> Vec<String> {
    vec![
        format!(
            "By itself up to ±{}, at once up to ±{}, within {} days up to ±{}; {} days of rest after \
             a change.",
            percent(limits.auto_max),
            percent(limits.step_max),
            limits.cumulative_days,
            percent(limits.cumulative_max),
            limits.cooldown_days
        ),
        format!(
            "Prices from {} to {} of the list price, and a margin of at least {}.",
            percent(limits.floor_of_list),
            percent(limits.ceiling_of_list),
            percent(limits.margin_min.get())
        ),
        format!(
            "Persons who must agree to a price: {}; {} for a first overage, {} for limits, {} for the policy \
             itself. A proposal waits {} days.",
            guardrails::quorum_words(policy.quorum.steps()),
            policy.first_overage_persons,
            policy.contract_persons,
            policy.policy_persons,
            policy.expiry_days
        ),
    ]
}

fn applied<'a>(
    catalog: &'a Catalog,
    tenant: &'a TenantId,
    chain: &'a Chain<Controls>,
    figures: &'a BTreeMap<TenantId, TenantFigures>,
    at: Timestamp,
) -> impl Iterator<Item = AppliedRow> + 'a {
    let last = chain.version();
    (1_u64..).zip(chain.iter()).map(move |(version, it)| {
        let before = chain.controls(version - 1).unwrap_or(Controls::STANDARD);
        let in_force = version == last;
        let now = figures.get(tenant).filter(|_| in_force);
        AppliedRow {
            tenant_id: tenant.to_string(),
            version,
            at: it.at,
            before: controls_text(&before),
            after: controls_text(&it.value),
            grounds: grounds(it).to_owned(),
            effect: now.and_then(|now| effect(catalog, tenant, now, &before, at)),
            proposal_id: it.proposal_id.to_string(),
            event_id: it.event_id.to_string(),
            can_be_taken_back: in_force && !it.grounds.takes_back(),
        }
    })
}

const fn grounds(applied: &Applied<Controls>) -> &'static str {
    match applied.grounds {
        Grounds::Person => "proposed by a person, approved",
        Grounds::Engine => "proposed by the optimizer, approved",
        Grounds::Automatic => "by itself, within policy",
        Grounds::Rollback => "taken back",
        Grounds::Foresight => "proposed by foresight, before a stress came true, approved",
        Grounds::Shortfall => "taken back, since the margin fell short of what was promised",
    }
}

/// What the version in force has done, and whether it keeps what it promised.
fn effect(
    catalog: &Catalog,
    tenant: &TenantId,
    found: &TenantFigures,
    before: &Controls,
    at: Timestamp,
) -> Option<String> {
    let figures = &found.figures;
    let held = catalog.book().controls(tenant);
    let (then, now) = (margin_under(figures, &held, before)?, figures.margin()?);
    let mut text = format!(
        "Margin {} with it, {} without it, over the same usage",
        margin::told(now),
        margin::told(then)
    );
    let about = about(catalog, &Subject::Tenant(tenant.clone()))?;
    let seen = Seen { tenant, about, figures, days: &found.days, before: None };
    if let Some(fared) = last_change_fared(catalog.book(), &seen, at) {
        let verdict = if fared.broke { "falls short" } else { "keeps its promise" };
        text.push_str(&format!(
            "; over {} since then {} where {} were promised: it {verdict}",
            days(fared.days),
            margin_text(fared.realised),
            margin_text(fared.promised),
        ));
    }
    Some(text)
}
