//! Families 17 to 23: guardrails, bands, actions, approvals, plans, backtests and capacity.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Deserialize;

use domain::clock::Timestamp;
use domain::economics::quantity::float;
use domain::pricing::action::{Action, Outlook, best};
use domain::pricing::approval::{
    Actor, ContentHash, Delegations, Effect, Execution, Facts, Input, Proposal, Refusal, step,
};
use domain::pricing::backtest::{Month, replay};
use domain::pricing::capacity::{Load, token_cap_k};
use domain::pricing::drift::{Prediction, Shortfall};
use domain::pricing::guardrail::{Bounds, Request, decide};
use domain::pricing::margin_watch::{Band, MarginWatch, Thresholds};
use domain::pricing::plan::{Plan, offers, suggest};

use super::explain::Ordered;
use super::{floats, share};
use crate::vectors;

#[derive(Deserialize)]
struct GuardrailIn {
    current: Decimal,
    target: Decimal,
    max_step: Decimal,
    anchor: Decimal,
    max_cum: Decimal,
    floor: Decimal,
    ceil: Decimal,
    cost: Decimal,
    min_margin: Decimal,
    penalty_rate: Decimal,
    cooldown_days: u32,
    days_since_change: u32,
    contract_locked: bool,
    kill_switch: bool,
    auto_limit: Decimal,
    tick: Decimal,
}

#[derive(Deserialize)]
struct GuardrailOut {
    price: Decimal,
    status: String,
    rule: String,
    trail: Vec<String>,
    change: Option<f64>,
}

#[test]
fn a_price_moves_as_far_as_the_guardrails_let_it() {
    vectors::each("17_guardrail_step", |check, given: GuardrailIn, out: GuardrailOut| {
        let bounds = Bounds {
            step_max: given.max_step,
            cumulative_max: given.max_cum,
            floor_usd: given.floor,
            ceiling_usd: given.ceil,
            margin_min: share(given.min_margin),
            cooldown_days: given.cooldown_days,
            auto_max: given.auto_limit,
            tick_usd: given.tick,
        };
        let request = Request {
            current_usd: given.current,
            target_usd: given.target,
            anchor_usd: given.anchor,
            cost_usd: given.cost,
            penalty_rate: share(given.penalty_rate),
            days_since_change: given.days_since_change,
            contract_locked: given.contract_locked,
            kill_switch: given.kill_switch,
        };
        let found = decide(&bounds, &request).expect("a decision");
        check.same("price", &found.price_usd, &out.price);
        check.same("status", &found.status.name(), &out.status.as_str());
        let rule = found.rule.map_or("none", |rule| rule.name());
        check.same("rule", &rule, &out.rule.as_str());
        let trail: Vec<&str> = found.trail.iter().map(|rule| rule.name()).collect();
        check.same("trail", &trail, &out.trail.iter().map(String::as_str).collect());
        check.near_if_any("change", floats(found.change), out.change);
    });
}

#[derive(Deserialize)]
struct BandsIn {
    margins: Vec<Option<Decimal>>,
    dwell: u32,
}

#[derive(Deserialize)]
struct BandsOut {
    states: Vec<String>,
    fired: Vec<(usize, String)>,
}

#[test]
fn a_band_is_entered_after_its_dwell_and_left_at_another_value() {
    vectors::each("18_hysteresis", |check, given: BandsIn, out: BandsOut| {
        let thresholds = Thresholds::standard(given.dwell).check().expect("thresholds");
        let mut watch = MarginWatch::default();
        let (mut states, mut fired) = (Vec::new(), Vec::new());
        for (at, margin) in given.margins.into_iter().enumerate() {
            let (next, recommendation) = watch.observe(&thresholds, margin);
            watch = next;
            states.push(match watch.band() {
                Band::Low => "low",
                Band::Normal => "normal",
                Band::High => "high",
            });
            fired.extend(recommendation.map(|what| (at, what.name().to_owned())));
        }
        check.same("states", &states, &out.states.iter().map(String::as_str).collect());
        check.same("fired", &fired, &out.fired);
    });
}

#[derive(Deserialize)]
struct ActionsIn {
    pi0: f64,
    months: u32,
    discount: f64,
    risk: f64,
    actions: Vec<ActionIn>,
}

#[derive(Deserialize)]
struct ActionIn {
    name: String,
    p_accept: f64,
    dpi: f64,
    p_churn: f64,
    cost: f64,
}

#[derive(Deserialize)]
struct ActionsOut {
    annuity: f64,
    actions: BTreeMap<String, WorthOut>,
    best: String,
}

#[derive(Deserialize)]
struct WorthOut {
    ev: f64,
    sd: f64,
    score: f64,
}

#[test]
fn an_action_is_worth_its_expected_value_less_its_risk() {
    vectors::each("19_action_ev", |check, given: ActionsIn, out: ActionsOut| {
        let outlook = Outlook {
            profit_usd_per_month: given.pi0,
            months: given.months,
            discount: given.discount,
            risk_aversion: given.risk,
        };
        let outlook = outlook.check().expect("an outlook");
        check.near("annuity", outlook.annuity(), out.annuity);
        let action = |action: ActionIn| Action {
            name: action.name,
            accept_probability: action.p_accept,
            gain_usd_per_month: action.dpi,
            churn_probability: action.p_churn,
            cost_usd: action.cost,
        };
        let actions: Vec<Action> = given.actions.into_iter().map(action).collect();
        let worths = outlook.weigh(&actions).expect("worths");
        check.same("actions", &worths.len(), &out.actions.len());
        for worth in &worths {
            let expected = &out.actions[&worth.name];
            check.near("expected value", worth.expected_usd, expected.ev);
            check.near("deviation", worth.deviation_usd, expected.sd);
            check.near("score", worth.score_usd, expected.score);
        }
        let best = best(&worths).map_or("no_action", |worth| worth.name.as_str());
        check.same("best", &best, &out.best.as_str());
    });
}

#[derive(Deserialize)]
struct ApprovalIn {
    events: Vec<EventIn>,
    quorum: u32,
    expires: i64,
    delegations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct EventIn {
    op: String,
    #[serde(default)]
    by: String,
    at: i64,
    base_version: Option<u32>,
    seen_version: Option<u32>,
    on_behalf_of: Option<String>,
    reason: Option<String>,
    version: Option<u32>,
}

#[derive(Deserialize)]
struct ApprovalOut {
    results: Vec<String>,
    state: String,
    votes: Vec<String>,
    version: u32,
}

/// A proposal and the world around it, as the vectors play them.
struct Play {
    proposal: Option<Proposal>,
    delegations: Delegations,
    live_version: u32,
    quorum: u32,
    expires: i64,
}

/// The vectors know contents only by their version.
fn content(version: u32) -> ContentHash {
    let mut hash = [0; 32];
    hash[..4].copy_from_slice(&version.to_be_bytes());
    ContentHash(hash)
}

impl Play {
    fn facts(&self) -> Facts {
        Facts::from([("price version".to_owned(), Decimal::from(self.live_version))])
    }

    fn take(&mut self, event: &EventIn) -> String {
        let by = Actor(event.by.clone());
        let input = match event.op.as_str() {
            "create" => {
                self.live_version = event.base_version.unwrap_or_default();
                let expires_at = Timestamp::from_unix_ms(self.expires);
                let facts = self.facts();
                self.proposal = Some(Proposal::new(by, content(1), facts, self.quorum, expires_at));
                return "ok".to_owned();
            }
            "live_changed" => {
                self.live_version = event.version.unwrap_or_default();
                Input::Tick
            }
            "approve" => {
                let seen = event.seen_version.unwrap_or_default();
                let on_behalf_of = event.on_behalf_of.clone().map(Actor);
                Input::Approve { by, on_behalf_of, seen: (seen, content(seen)) }
            }
            "reject" => Input::Reject { by, reason: event.reason.clone().unwrap_or_default() },
            "edit" => {
                let next = self.proposal.as_ref().map_or(0, |proposal| proposal.version) + 1;
                Input::Edit { by, content: content(next), facts: self.facts() }
            }
            "apply" => Input::Apply { facts: self.facts() },
            other => panic!("an unknown operation {other}"),
        };
        self.step(event.at, input)
    }

    fn step(&mut self, at: i64, input: Input) -> String {
        let proposal = self.proposal.take().expect("created before");
        let at = Timestamp::from_unix_ms(at);
        let (proposal, effects) = step(proposal, &self.delegations, at, input);
        self.proposal = Some(proposal);
        let mut result = "ok".to_owned();
        for effect in effects {
            match effect {
                Effect::Execute { .. } => {
                    let done = Input::Executed(Execution::Done);
                    assert_eq!(self.step(at.unix_ms(), done), "ok");
                }
                Effect::Refuse(refusal) => result = code(&refusal),
                Effect::Record(_) => {}
            }
        }
        result
    }
}

fn code(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Closed(state) => format!("err_closed:{}", state.name()),
        Refusal::SelfApproval => "err_self_approval".to_owned(),
        Refusal::Duplicate => "err_duplicate".to_owned(),
        Refusal::NotDelegate { .. } => "err_not_delegate".to_owned(),
        Refusal::VersionChanged(_) => "err_version_changed".to_owned(),
        Refusal::ReasonRequired => "err_reason_required".to_owned(),
        Refusal::NotApproved { .. } => "err_not_approved".to_owned(),
        Refusal::Stale => "err_stale".to_owned(),
        Refusal::NotExecuting => "err_not_executing".to_owned(),
    }
}

#[test]
fn a_proposal_waits_for_other_people_and_is_executed_once() {
    vectors::each("20_approval_fsm", |check, given: ApprovalIn, out: ApprovalOut| {
        let delegations = given.delegations.into_iter();
        let mut play = Play {
            proposal: None,
            delegations: delegations.map(|(who, to)| (Actor(who), Actor(to))).collect(),
            live_version: 0,
            quorum: given.quorum,
            expires: given.expires,
        };
        let results: Vec<String> = given.events.iter().map(|event| play.take(event)).collect();
        check.same("results", &results, &out.results);
        let proposal = play.proposal.expect("created");
        check.same("state", &proposal.state.name(), &out.state.as_str());
        check.same("version", &proposal.version, &out.version);
        let votes: Vec<String> =
            proposal.votes.iter().map(|vote| vote.person.to_string()).collect();
        check.same("votes", &votes, &out.votes);
    });
}

#[derive(Deserialize)]
struct InvoiceIn {
    plans: Ordered<Plan>,
    usage: Decimal,
    cost: Decimal,
    current: String,
    max_rise: Decimal,
}

#[derive(Deserialize)]
struct InvoiceOut {
    bills: BTreeMap<String, Decimal>,
    suggest: String,
    margin: BTreeMap<String, Option<f64>>,
}

#[test]
fn a_plan_bills_to_the_cent_and_a_better_one_is_suggested() {
    vectors::each("21_tier_invoice", |check, given: InvoiceIn, out: InvoiceOut| {
        let offers = offers(&given.plans.0, given.usage, given.cost).expect("offers");
        check.same("plans", &offers.len(), &out.bills.len());
        for offer in &offers {
            check.same(&offer.name, &offer.bill_usd, &out.bills[&offer.name]);
            check.near_if_any(&offer.name, floats(offer.margin()), out.margin[&offer.name]);
        }
        let suggested = suggest(&offers, &given.current, given.max_rise).expect("a plan");
        check.same("suggested", &suggested.name, &out.suggest);
    });
}

#[derive(Deserialize)]
struct BacktestIn {
    demand: Vec<f64>,
    cost: Vec<f64>,
    p0: f64,
    policy: Vec<f64>,
    elasticity: f64,
    expected_margin: f64,
    realised: Vec<Option<f64>>,
    cusum_k: f64,
    cusum_h: f64,
}

#[derive(Deserialize)]
struct BacktestOut {
    delta: Vec<f64>,
    cum: Vec<f64>,
    max_drawdown: f64,
    hit_rate: f64,
    cusum: Vec<f64>,
    trigger: Option<usize>,
}

// 22-g00 triggers at a sum that is 0.05 on paper, not above the limit of 0.05: in binary it is
// 0.05000000000000007. The vector holds for this order of operations in floating point.
#[test]
fn a_policy_is_replayed_and_a_lasting_shortfall_rolls_back() {
    vectors::each("22_backtest_rollback", |check, given: BacktestIn, out: BacktestOut| {
        let months = given.demand.iter().zip(&given.cost).zip(&given.policy);
        let month = |((usage, cost), policy): ((&f64, &f64), &f64)| Month {
            usage_k: *usage,
            cost_usd_per_k: *cost,
            policy_usd_per_k: *policy,
        };
        let months: Vec<Month> = months.map(month).collect();
        let found = replay(&months, given.p0, given.elasticity).expect("a backtest");
        check.all_near("difference", &found.difference_usd, &out.delta);
        check.all_near("cumulative", &found.cumulative_usd, &out.cum);
        check.near("drawdown", found.drawdown_usd, out.max_drawdown);
        check.near("hit rate", found.hit_rate, out.hit_rate);
        let prediction = Prediction {
            margin: given.expected_margin,
            slack: given.cusum_k,
            limit: given.cusum_h,
        };
        let mut sum = Shortfall::default();
        let sums: Vec<Shortfall> = given
            .realised
            .iter()
            .map(|margin| {
                sum = sum.after(&prediction, *margin);
                sum
            })
            .collect();
        let values: Vec<f64> = sums.iter().map(|sum| sum.get()).collect();
        check.all_near("shortfall", &values, &out.cusum);
        let trigger = sums.iter().position(|sum| sum.breaks(&prediction));
        check.same("trigger", &trigger, &out.trigger);
    });
}

#[derive(Deserialize)]
struct CapacityIn {
    lambda_: f64,
    #[serde(rename = "W")]
    seconds: f64,
    servers: u32,
    fee: Decimal,
    cost_per_k: Decimal,
    floor: Decimal,
    penalty_rate: Decimal,
}

#[derive(Deserialize)]
struct CapacityOut {
    #[serde(rename = "L")]
    load: f64,
    c99: u64,
    erlang_c: Option<f64>,
    token_cap_k: f64,
}

#[test]
fn concurrency_and_tokens_are_capped_by_load_and_fee() {
    vectors::each("23_concurrency_cap", |check, given: CapacityIn, out: CapacityOut| {
        let load = Load::new(given.lambda_, given.seconds).expect("a load");
        check.near("load", load.in_flight(), out.load);
        check.same("concurrency", &load.concurrency(0.99), &out.c99);
        let wait = load.wait_probability(given.servers).expect("servers");
        check.near_if_any("wait", wait, out.erlang_c);
        let (floor, penalty) = (share(given.floor), share(given.penalty_rate));
        let cap = token_cap_k(given.fee, given.cost_per_k, floor, penalty).expect("a cap");
        check.near("cap", float(cap), out.token_cap_k);
    });
}
