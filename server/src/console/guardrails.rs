//! Bounds of a price, in words: what the guardrails did with the one that was aimed at, and how the one
//! that is proposed stands to each of them.

use app::backend::{BoundRow, BoundsAsk, BoundsView, GuardMove, GuardTrail};
use domain::catalog::OptimizerRecommend;
use domain::clock::Timestamp;
use domain::event::TenantId;
use domain::pricing::approval::QuorumStep;
use domain::pricing::book::{Book, Case, Measure};
use domain::pricing::controls::{Content, Controls};
use domain::pricing::guardrail::{Bounds, Move, Rule, Start, walk};
use domain::pricing::policy::Limits;
use domain::pricing::recommend::{Aim, PriceAdvice};
use rust_decimal::Decimal;

use super::Console;
use super::approvals::{percent, signed};
use crate::economics::absurd;
use crate::problem::Problem;
use crate::typed::percent as percent_typed;

/// A price on its way from what was aimed at to what came of it.
struct Way<'a> {
    aim: &'a str,
    start: Start,
    found: Decimal,
    binding: Option<Rule>,
    trail: &'a [Rule],
    /// Of the rule of the policy that held then. Absent: it is not known here.
    limits: Option<&'a Limits>,
}

/// Of a price that was recommended at a time.
pub(super) fn advised(
    book: &Book,
    said: &OptimizerRecommend,
    price: &PriceAdvice,
    at: Timestamp,
) -> GuardTrail {
    let policy = book.policy_of(said.policy_version);
    let limits = policy.and_then(|policy| policy.named(&said.advice.rule)).map(|rule| &rule.limits);
    let aim = match price.aim {
        Aim::Margin => "is the price that leaves the low band",
        Aim::Profit => "is the price that earns most under the assumed elasticity",
    };
    let anchor = anchor(book, said.tenant_id.as_str(), limits, at);
    let start = Start {
        current: price.current_of_list,
        target: price.target_of_list,
        anchor: anchor.unwrap_or(price.current_of_list),
    };
    let (found, binding) = (price.price_of_list, price.binding);
    Way { aim, start, found, binding, trail: &price.trail, limits }.told()
}

/// Of a price that is foreseen, as long as that price is in hand.
pub(super) fn foreseen(book: &Book, case: &Case) -> Option<GuardTrail> {
    let guarded = case.foresight.as_deref()?.guarded.as_ref()?;
    let first = &case.versions[0].edition;
    let Content::Controls { tenant_id, controls } = &case.current().edition.content else {
        return None;
    };
    if controls.price_of_list != guarded.price_of_list {
        return None;
    }
    let policy = book.policy_of(first.policy_version);
    let rule = policy.zip(first.rule.as_ref()).and_then(|(policy, rule)| policy.named(rule));
    let limits = rule.map(|rule| &rule.limits);
    let chain = book.chain(tenant_id);
    let before = chain.and_then(|chain| chain.controls(first.base_version));
    let current = before.unwrap_or(Controls::STANDARD).price_of_list;
    let anchor = anchor(book, tenant_id.as_str(), limits, case.opened_at).unwrap_or(current);
    let start = Start { current, target: guarded.target_of_list, anchor };
    let aim = "is the least that keeps it above water under the stress, or else the ceiling";
    let (found, binding) = (guarded.price_of_list, guarded.binding);
    Some(Way { aim, start, found, binding, trail: &guarded.trail, limits }.told())
}

fn anchor(book: &Book, tenant: &str, limits: Option<&Limits>, at: Timestamp) -> Option<Decimal> {
    let mut chains = book.chains();
    let days = limits?.cumulative_days;
    let chain = chains.find_map(|(id, chain)| (id.as_str() == tenant).then_some(chain));
    Some(chain.map_or(Decimal::ONE, |chain| chain.anchor(at, days).price_of_list))
}

impl Way<'_> {
    fn told(&self) -> GuardTrail {
        let aim = format!("{} {}.", self.place(self.start.target), self.aim);
        let moves = self.walked().unwrap_or_else(|| self.named());
        let last = moves.len().saturating_sub(1);
        let row = |(at, it): (usize, Told)| GuardMove { binds: at == last, ..it.row(self) };
        let moves = moves.into_iter().enumerate().map(row).collect();
        GuardTrail { aim, moves, outcome: self.outcome() }
    }

    fn outcome(&self) -> String {
        match self.binding {
            Some(rule) if self.found == self.start.current => {
                let price = percent(self.found);
                format!(
                    "Held by {}: the price stays at {price} of the list price.",
                    rule_words(rule)
                )
            }
            Some(rule) => {
                let price = self.place(self.found);
                format!("{price} comes of it: {} binds.", rule_words(rule))
            }
            None => format!("{} comes of it: no rule binds.", self.place(self.found)),
        }
    }

    /// What came in and went out follows from the bounds; where prices move by themselves, the largest
    /// step is the one that needs nobody.
    fn walked(&self) -> Option<Vec<Told>> {
        let bounds = self.limits?.bounds();
        let alone = Bounds { step_max: bounds.step_max.min(bounds.auto_max), ..bounds };
        let found = [bounds, alone]
            .iter()
            .find_map(|bounds| walk(bounds, &self.start, self.trail, self.found));
        let told = |Move { rule, from, to }| Told { rule, ends: Some([from, to]) };
        Some(found?.into_iter().map(told).collect())
    }

    fn named(&self) -> Vec<Told> {
        self.trail.iter().map(|rule| Told { rule: Some(*rule), ends: None }).collect()
    }

    /// `108 % of the list price (+8 %)`.
    fn place(&self, price: Decimal) -> String {
        let change =
            price.checked_div(self.start.current).map(|ratio| signed(ratio - Decimal::ONE));
        format!("{} of the list price ({})", percent(price), change.unwrap_or_default())
    }

    /// Where prices move by themselves the step is a smaller one than the rule's.
    fn step(&self, limits: &Limits, ends: Option<[Decimal; 2]>) -> Decimal {
        let ratio = ends.and_then(|[_, left]| left.checked_div(self.start.current));
        ratio.map_or(limits.step_max, |ratio| (ratio - Decimal::ONE).abs())
    }

    fn rule(&self, rule: Option<Rule>, ends: Option<[Decimal; 2]>) -> String {
        let Some(limits) = self.limits else {
            return rule.map_or("the tick", rule_words).to_owned();
        };
        let margin = percent(limits.margin_min.get());
        match rule {
            None => format!("Prices are multiples of {} of list", percent(limits.tick_of_list)),
            Some(Rule::MaxStep) => {
                format!("At most ±{} at once", percent(self.step(limits, ends)))
            }
            Some(Rule::MaxCumulative) => format!(
                "At most ±{} from the price of {} days before, {} of list",
                percent(limits.cumulative_max),
                limits.cumulative_days,
                percent(self.start.anchor)
            ),
            Some(Rule::FloorCeiling) => {
                let [low, high] = [limits.floor_of_list, limits.ceiling_of_list].map(percent);
                format!("From {low} to {high} of the list price")
            }
            Some(Rule::MarginFloor) => format!("A margin of at least {margin}"),
            Some(Rule::MarginFloorInfeasible) => {
                format!(
                    "A margin of at least {margin}, which no price within the other bounds keeps"
                )
            }
            Some(held) => rule_words(held).to_owned(),
        }
    }
}

/// A rule that moved the price, and from where to where.
struct Told {
    rule: Option<Rule>,
    ends: Option<[Decimal; 2]>,
}

impl Told {
    fn row(self, way: &Way<'_>) -> GuardMove {
        let rule = way.rule(self.rule, self.ends);
        let ends = self.ends.map(|ends| ends.map(|price| way.place(price)));
        let [came, left] = ends.unwrap_or_default();
        GuardMove { rule, came, left, binds: false }
    }
}

pub(super) const fn rule_words(rule: Rule) -> &'static str {
    match rule {
        Rule::KillSwitch => "the kill switch",
        Rule::ContractLock => "the contract",
        Rule::Cooldown => "the cool-down",
        Rule::MaxStep => "the largest step",
        Rule::MaxCumulative => "the largest change of the period",
        Rule::FloorCeiling => "the floor or ceiling",
        Rule::MarginFloor => "the margin floor",
        Rule::MarginFloorInfeasible => "a margin floor that no price within bounds keeps",
    }
}

/// How the version in hand stands to the bounds: now, or when it was made where it is closed.
pub(super) fn bounds(book: &Book, case: &Case, now: Timestamp) -> Vec<BoundRow> {
    let current = case.current();
    let at = if case.standing(now).is_open() { now } else { current.at };
    rows(&book.measured(&current.edition, at), case.quorum())
}

pub(super) fn rows(measures: &[Measure], persons: Option<u32>) -> Vec<BoundRow> {
    let row = |measure: &Measure| BoundRow {
        rule: measure.bound.title().to_owned(),
        numbers: measure.bound.to_string(),
        verdict: measure.verdict(persons),
        beyond: measure.within == Some(false),
    };
    measures.iter().map(row).collect()
}

impl Console {
    /// How a price that somebody has typed would stand to the policy.
    ///
    /// # Errors
    /// No such tenant, no such price, or the usage cannot be read.
    pub async fn bounds(&self, ask: &BoundsAsk) -> Result<BoundsView, Problem> {
        let tenant = TenantId::try_from(ask.tenant.trim().to_owned())
            .map_err(|error| Problem::invalid(error.to_string()).field("/tenant", "is no id"))?;
        let typed = percent_typed("price", &ask.price).map_err(|_| {
            let text = ask.price.trim();
            let why = "is no number of percent of the list price, such as 108 or 97.5";
            Problem::invalid(format!("The price “{text}” {why}.")).field("/price", why)
        })?;
        let price = typed.ok_or_else(|| {
            let problem =
                Problem::invalid("Without a price there is nothing to look at: type one.");
            problem.field("/price", "is missing")
        })?;
        let before = self.projection.catalog().book().controls(&tenant);
        let wanted = Controls { price_of_list: price, ..before };
        let controls = wanted.check().map_err(|wrong| absurd(&wrong.error))?;
        let content = Content::Controls { tenant_id: tenant.clone(), controls };
        let edition = self.optimizer.edition(content, String::new()).await?;
        let catalog = self.projection.catalog();
        let book = catalog.book();
        let measures = book.measured(&edition, crate::now());
        let policy = book.policy_of(edition.policy_version);
        let change = signed(controls.price_change(&before));
        let [was, is] = [before.price_of_list, price].map(percent);
        Ok(BoundsView {
            title: format!("{tenant}: {was} → {is} of the list price ({change})"),
            bounds: rows(&measures, book.persons_for(&edition)),
            persons: policy.map(|it| quorum_words(it.quorum.steps())).unwrap_or_default(),
            rule: edition.rule,
        })
    }
}

/// `up to ±15 % 1 person agrees, beyond 2`.
pub(super) fn quorum_words(steps: &[QuorumStep]) -> String {
    let step = |step: &QuorumStep| match step.up_to {
        Some(bound) => format!("up to ±{}: {}", percent(bound), step.persons),
        None => format!("beyond: {}", step.persons),
    };
    steps.iter().map(step).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    fn way<'a>(limits: Option<&'a Limits>, found: &str, trail: &'a [Rule]) -> Way<'a> {
        let start = Start { current: number("1"), target: number("1.4"), anchor: number("1") };
        let binding = trail.last().copied();
        Way { aim: "is what it takes", start, found: number(found), binding, trail, limits }
    }

    #[test]
    fn a_trail_says_what_came_to_each_rule_what_left_it_and_which_one_binds() {
        let limits = Limits::default();
        let told = way(Some(&limits), "1.08", &[Rule::MaxStep]).told();
        assert_eq!(told.aim, "140 % of the list price (+40 %) is what it takes.");
        assert_eq!(told.moves.len(), 1);
        let step = &told.moves[0];
        assert_eq!(step.rule, "At most ±8 % at once");
        assert_eq!(
            [step.came.as_str(), step.left.as_str()],
            ["140 % of the list price (+40 %)", "108 % of the list price (+8 %)"]
        );
        assert!(step.binds);
        assert_eq!(
            told.outcome,
            "108 % of the list price (+8 %) comes of it: the largest step binds."
        );
    }

    #[test]
    fn bounds_that_are_not_known_leave_the_rules_by_their_names_and_a_price_that_stays_is_held() {
        let told = way(None, "1.08", &[Rule::MaxStep]).told();
        assert_eq!(
            (told.moves[0].rule.as_str(), told.moves[0].came.as_str()),
            ("the largest step", "")
        );
        let held = Way { binding: Some(Rule::Cooldown), ..way(None, "1", &[]) }.told();
        assert_eq!(
            held.outcome,
            "Held by the cool-down: the price stays at 100 % of the list price."
        );
    }
}
