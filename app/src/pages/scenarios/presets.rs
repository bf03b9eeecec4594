//! The questions that everybody asks, at one press.

use domain::economics::scenario::Scenario;
use rust_decimal::Decimal;

use crate::backend::{LeverKind, Levers};

/// A question, and what it moves here.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Preset {
    pub(super) title: String,
    /// What it means with these providers, regions and tiers.
    pub(super) detail: String,
    pub(super) changes: Scenario,
}

/// Those that make sense with these levers. `worst_credit`: the most that late answers are taken to
/// cost, a share of revenue.
pub(super) fn presets(levers: &Levers, worst_credit: Decimal) -> Vec<Preset> {
    let worst = (worst_credit * Decimal::ONE_HUNDRED).normalize();
    [openai(levers), eu_latency(levers), penalties(levers, worst)].into_iter().flatten().collect()
}

fn preset(
    title: &str,
    detail: String,
    (kind, names, percent): (LeverKind, Vec<String>, Decimal),
) -> Option<Preset> {
    let mut changes = Scenario::default();
    for name in &names {
        kind.put(&mut changes, name, Some(percent)).ok()?;
    }
    let title = title.to_owned();
    (!names.is_empty()).then_some(Preset { title, detail, changes })
}

/// OpenAI itself, or Azure, which sells its models.
fn openai(levers: &Levers) -> Option<Preset> {
    let named = |word: &str| levers.providers.keys().find(|name| name.contains(word)).cloned();
    let provider = named("openai").or_else(|| named("azure"))?;
    let detail = if provider.contains("openai") {
        format!("{provider} takes 30 % more. A stress, not a forecast.")
    } else {
        format!(
            "{provider}, which sells OpenAI’s models here, takes 30 % more. A stress, not a forecast."
        )
    };
    preset("OpenAI raises cost 30 %", detail, (LeverKind::Cost, vec![provider], Decimal::from(30)))
}

fn eu_latency(levers: &Levers) -> Option<Preset> {
    let european = |region: &&String| region.contains("eu");
    let regions: Vec<String> = levers.regions.iter().filter(european).cloned().collect();
    let detail = format!("Requests take 20 % longer in {}.", regions.join(", "));
    preset("EU latency +20 %", detail, (LeverKind::Latency, regions, Decimal::from(20)))
}

fn penalties(levers: &Levers, worst: Decimal) -> Option<Preset> {
    let tiers = LeverKind::Owed.names(levers);
    let detail =
        format!("{} are owed {worst} % of their revenue for late answers.", tiers.join(", "));
    preset("SLA penalties trigger", detail, (LeverKind::Owed, tiers, worst))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_questions_are_asked_of_what_there_is() {
        let levers = Levers {
            providers: [("azure".to_owned(), 0.5), ("bedrock".to_owned(), 0.5)].into(),
            regions: vec!["europe-west1".to_owned(), "us-east-1".to_owned()],
            tiers: [("free".to_owned(), false), ("pro".to_owned(), true)].into(),
        };
        let found = presets(&levers, Decimal::new(1, 1));
        assert_eq!(found.len(), 3);
        assert!(found[0].detail.contains("azure, which sells OpenAI’s models"));
        assert_eq!(found[1].changes.latency.len(), 1);
        assert!(found[2].changes.latency_penalty.contains_key("pro"));
        assert!(found[2].detail.contains("owed 10 % of"), "{}", found[2].detail);
        assert!(presets(&Levers::default(), Decimal::ONE).is_empty());
    }
}
