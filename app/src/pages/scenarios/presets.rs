//! The questions that everybody asks, at one press: of what can be moved here.

use domain::economics::stress::{Grip, Stress, stresses};
use rust_decimal::Decimal;

use crate::backend::Levers;

/// Those that make sense with these levers. `worst_credit`: the most that late answers are taken to
/// cost, a share of revenue.
pub(super) fn presets(levers: &Levers, worst_credit: Decimal) -> Vec<Stress> {
    let promised = levers.tiers.iter().filter(|(_, promised)| **promised);
    stresses(&Grip {
        providers: levers.providers.keys().map(String::as_str).collect(),
        regions: levers.regions.iter().map(String::as_str).collect(),
        promised: promised.map(|(tier, _)| tier.as_str()).collect(),
        worst_credit,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_questions_are_asked_of_what_the_levers_move() {
        let levers = Levers {
            providers: [("azure".to_owned(), 0.5), ("bedrock".to_owned(), 0.5)].into(),
            regions: vec!["europe-west1".to_owned(), "us-east-1".to_owned()],
            tiers: [("free".to_owned(), false), ("pro".to_owned(), true)].into(),
            tenants: Vec::new(),
        };
        let found = presets(&levers, Decimal::new(1, 1));
        let titles: Vec<&str> = found.iter().map(|stress| stress.title).collect();
        assert_eq!(
            titles,
            ["OpenAI raises cost 30 %", "EU latency +20 %", "SLA penalties trigger"]
        );
        let owed: Vec<&String> = found[2].changes.latency_penalty.keys().collect();
        assert_eq!(owed, ["pro"]);
        assert!(presets(&Levers::default(), Decimal::ONE).is_empty());
    }
}
