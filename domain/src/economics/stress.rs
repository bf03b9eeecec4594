//! The questions that everybody asks, as scenarios of whatever there is: a provider that raises its
//! prices, a continent that answers late, service levels that are missed.
//!
//! They are stresses and no forecasts. The page Scenarios offers them at one press, and the
//! foresight loop ([`crate::pricing::foresight`]) asks them on schedule.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::economics::quantity::{Change, Share};
use crate::economics::scenario::Scenario;

/// "+30 %", as the question is asked: about what a provider's prices move when they rise.
const COST_RISE: Decimal = Decimal::from_parts(3, 0, 0, false, 1);
/// "+20 %".
const LATENCY_RISE: Decimal = Decimal::from_parts(2, 0, 0, false, 1);

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Question {
    ProviderCost,
    EuLatency,
    Penalties,
}

/// A question, and what it moves here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stress {
    pub question: Question,
    pub title: &'static str,
    /// What it means with these providers, regions and tiers.
    pub detail: String,
    pub changes: Scenario,
}

/// What there is to be stressed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grip<'a> {
    pub providers: BTreeSet<&'a str>,
    pub regions: BTreeSet<&'a str>,
    /// Tiers that are promised a latency.
    pub promised: BTreeSet<&'a str>,
    /// The most that late answers are taken to cost, a share of revenue.
    pub worst_credit: Decimal,
}

/// Those that make sense here, in the order of [`Question`].
#[must_use]
pub fn stresses(grip: &Grip<'_>) -> Vec<Stress> {
    [provider_cost(grip), eu_latency(grip), penalties(grip)].into_iter().flatten().collect()
}

/// OpenAI itself, or Azure, which sells its models.
fn provider_cost(grip: &Grip<'_>) -> Option<Stress> {
    let named = |word: &str| grip.providers.iter().find(|name| name.contains(word)).copied();
    let provider = named("openai").or_else(|| named("azure"))?;
    let who = if provider.contains("openai") {
        provider.to_owned()
    } else {
        format!("{provider}, which sells OpenAI’s models here,")
    };
    let rise = Change::new("the rise of the cost", COST_RISE).ok()?;
    Some(Stress {
        question: Question::ProviderCost,
        title: "OpenAI raises cost 30 %",
        detail: format!("{who} takes 30 % more. A stress, not a forecast."),
        changes: Scenario { cost: [(provider.to_owned(), rise)].into(), ..Scenario::default() },
    })
}

fn eu_latency(grip: &Grip<'_>) -> Option<Stress> {
    let european = grip.regions.iter().copied().filter(|region| region.contains("eu"));
    let regions: Vec<&str> = european.collect();
    let rise = Change::new("the rise of the latency", LATENCY_RISE).ok()?;
    let latency = regions.iter().map(|region| ((*region).to_owned(), rise)).collect();
    (!regions.is_empty()).then(|| Stress {
        question: Question::EuLatency,
        title: "EU latency +20 %",
        detail: format!("Requests take 20 % longer in {}.", regions.join(", ")),
        changes: Scenario { latency, ..Scenario::default() },
    })
}

fn penalties(grip: &Grip<'_>) -> Option<Stress> {
    let tiers: Vec<&str> = grip.promised.iter().copied().collect();
    let worst = Share::new("the credit for late answers", grip.worst_credit).ok()?;
    let percent = (worst.get() * Decimal::ONE_HUNDRED).normalize();
    let latency_penalty = tiers.iter().map(|tier| ((*tier).to_owned(), worst)).collect();
    (!tiers.is_empty()).then(|| Stress {
        question: Question::Penalties,
        title: "SLA penalties trigger",
        detail: format!(
            "{} are owed {percent} % of their revenue for late answers.",
            tiers.join(", ")
        ),
        changes: Scenario { latency_penalty, ..Scenario::default() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economics::quantity::decimal;

    #[test]
    fn the_three_questions_are_asked_of_what_there_is() {
        let grip = Grip {
            providers: ["azure", "bedrock"].into(),
            regions: ["europe-west1", "us-east-1"].into(),
            promised: ["pro"].into(),
            worst_credit: decimal("0.1"),
        };
        let found = stresses(&grip);
        assert_eq!(found.len(), 3);
        assert!(found[0].detail.contains("azure, which sells OpenAI’s models here, takes 30 %"));
        assert_eq!(found[0].changes.cost_of("azure").get(), decimal("0.3"));
        let late: Vec<&String> = found[1].changes.latency.keys().collect();
        assert_eq!(late, ["europe-west1"]);
        assert_eq!(found[1].changes.latency_of("europe-west1").get(), decimal("0.2"));
        assert!(found[2].changes.latency_penalty.contains_key("pro"));
        assert!(found[2].detail.contains("owed 10 % of"), "{}", found[2].detail);
        assert!(stresses(&Grip::default()).is_empty());
    }

    #[test]
    fn openai_itself_is_meant_where_it_is_a_provider() {
        let grip = Grip { providers: ["azure", "openai"].into(), ..Grip::default() };
        let found = stresses(&grip);
        assert!(found[0].changes.cost.contains_key("openai"));
        assert!(found[0].detail.starts_with("openai takes 30 % more"));
    }
}
