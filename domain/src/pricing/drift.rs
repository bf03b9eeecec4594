//! After a change: does the realised margin stay where it was predicted? If not, roll back.
//!
//! Source: Page's one-sided CUSUM (1954): small shortfalls add up, single outliers do not.

use serde::{Deserialize, Serialize};

use super::approval::Facts;
use super::controls::Controls;
use super::edition::{BEYOND, COST, MARGIN};
use super::margin;
use super::policy::Watch;
use super::recommend::Figures;
use crate::economics::quantity::float;
use rust_decimal::Decimal;

/// What was predicted and how much falling short is borne. Margins, as shares of revenue.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Prediction {
    pub margin: f64,
    /// k: a shortfall that counts as noise, each time.
    pub slack: f64,
    /// h: the sum of shortfalls beyond which the change is rolled back.
    pub limit: f64,
}

/// The sum of what fell short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shortfall(f64);

impl Shortfall {
    /// `S = max(0, S + (predicted − realised − k))`. In floating point and in this order: at a sum
    /// of exactly h, the last bit decides. A margin that is absent changes nothing.
    #[must_use]
    pub fn after(self, prediction: &Prediction, realised: Option<f64>) -> Self {
        let Some(realised) = realised else { return self };
        let shortfall = self.0 + (prediction.margin - realised - prediction.slack);
        Shortfall(shortfall.max(0.0))
    }

    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// `S > h`: roll back.
    #[must_use]
    pub fn breaks(self, prediction: &Prediction) -> bool {
        self.0 > prediction.limit
    }
}

/// The margin that a move of the price promised, on the facts that it was decided on: the same
/// costs and penalties at the other price. Prices are shares of the list price.
#[must_use]
pub fn promised(facts: &Facts, before: &Controls, after: &Controls) -> Option<f64> {
    let (margin, cost) = (facts.get(MARGIN)?, facts.get(COST)?);
    let [before, after] = earned_of_list(facts, before, after);
    let saved = cost.checked_div(before)?.checked_sub(cost.checked_div(after)?)?;
    margin.checked_add(saved).map(float)
}

/// What is earned of the list price before and after a change, on the facts that it was decided on:
/// what was beyond the cap stays beyond it and has the overage price. What will be beyond another
/// cap, or has an overage price for the first time, nobody knows: of that the lower price is
/// promised.
#[must_use]
pub fn earned_of_list(facts: &Facts, before: &Controls, after: &Controls) -> [Decimal; 2] {
    let share = facts.get(BEYOND).copied().filter(|_| before.overage().is_some());
    let at = |controls: &Controls, share: Decimal| {
        let price = controls.price_of_list;
        let overage = controls.overage().map_or(price, |terms| terms.overage_of_list);
        price + share * (overage - price)
    };
    let was = at(before, share.unwrap_or_default());
    let is = match share.filter(|_| before.token_cap == after.token_cap) {
        Some(share) => at(after, share),
        None => at(after, Decimal::ZERO).min(at(after, Decimal::ONE)),
    };
    [was, is]
}

/// The margin that the usage of these figures would have had under other controls than those that
/// held: the same costs, and penalties in the same share.
#[must_use]
pub fn margin_under(figures: &Figures, held: &Controls, other: &Controls) -> Option<Decimal> {
    let beyond = figures.beyond_of_list().unwrap_or_default();
    let [_, earned] = earned_of_list(&Facts::from([(BEYOND.to_owned(), beyond)]), held, other);
    let revenue_usd = figures.list_usd.checked_mul(earned)?;
    margin::gross(revenue_usd, figures.cost_usd, figures.penalty_rate)
}

/// How a change of price fares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fared {
    pub promised: f64,
    /// On average over the days.
    pub realised: f64,
    pub days: u32,
    pub shortfall: Shortfall,
    /// It fell short by more than policy bears.
    pub broke: bool,
}

/// Watches the margins of whole days since the change, the first first. `None`: there is none yet.
#[must_use]
pub fn fared(watch: &Watch, promised: f64, realised: &[f64]) -> Option<Fared> {
    let prediction = Prediction { margin: promised, slack: watch.slack, limit: watch.limit };
    let start = Shortfall::default();
    let shortfall = realised.iter().fold(start, |sum, day| sum.after(&prediction, Some(*day)));
    let days = u32::try_from(realised.len()).unwrap_or(u32::MAX);
    (days > 0).then(|| Fared {
        promised,
        realised: realised.iter().sum::<f64>() / f64::from(days),
        days,
        shortfall,
        broke: shortfall.breaks(&prediction),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economics::quantity::Share;
    use crate::pricing::recommend::{BeyondCap, Day};

    #[test]
    fn one_bad_month_is_borne_and_a_lasting_shortfall_is_not() {
        let prediction = Prediction { margin: 0.5, slack: 0.01, limit: 0.05 };
        let watch = |realised: &[f64]| {
            let start = Shortfall::default();
            realised.iter().fold(start, |sum, margin| sum.after(&prediction, Some(*margin)))
        };
        assert!(!watch(&[0.45, 0.52, 0.52, 0.51]).breaks(&prediction));
        assert!(watch(&[0.47, 0.47, 0.47]).breaks(&prediction));
        let sum = watch(&[0.47]);
        assert_eq!(sum.after(&prediction, None), sum);
    }

    fn price(of_list: &str) -> Controls {
        let price_of_list = of_list.parse().expect("a decimal");
        Controls { price_of_list, ..Controls::STANDARD }
    }

    #[test]
    fn what_is_beyond_the_cap_is_promised_at_its_own_price_and_beyond_another_cap_at_the_lower_one()
    {
        let number = |text: &str| text.parse().expect("a decimal");
        let capped = |of_list, overage: &str, cap| Controls {
            overage_of_list: Some(number(overage)),
            token_cap: Some(cap),
            ..price(of_list)
        };
        // Two fifths beyond, at 2: 1.4 of the list is earned; 1 − 0.7 / 1.4 is a margin of 0.5.
        let facts = Facts::from([
            (MARGIN.to_owned(), number("0.5")),
            (COST.to_owned(), number("0.7")),
            (BEYOND.to_owned(), number("0.4")),
        ]);
        let earned = |after: Controls| {
            earned_of_list(&facts, &capped("1", "2", 10), &after)
                .map(|it| it.normalize().to_string())
        };
        assert_eq!(earned(capped("1.5", "2", 10)), ["1.4", "1.7"]);
        assert_eq!(earned(capped("1", "3", 10)), ["1.4", "1.8"]);
        assert_eq!(earned(capped("1", "3", 5)), ["1.4", "1"], "nobody knows what will be beyond 5");
        assert_eq!(earned(capped("1", "0.5", 5)), ["1.4", "0.5"]);
        assert_eq!(earned(price("1.2")), ["1.4", "1.2"]);
        let held = promised(&facts, &capped("1", "2", 10), &capped("1.5", "2", 10));
        let realised = 1.0 - 0.7 / 1.7;
        assert!((held.expect("a promise") - realised).abs() < 1e-12, "{held:?}");
        let day = Day { number: 20_000, list_usd: 9.0, cost_of_list: 0.7, beyond: 0.4 };
        assert!((day.earned_of_list(&capped("1.5", "2", 10)) - 1.7).abs() < 1e-12);
        assert!((day.earned_of_list(&price("1.5")) - 1.5).abs() < 1e-12);
    }

    #[test]
    fn without_a_version_its_usage_earns_what_the_version_before_it_charged() {
        let number = |text: &str| text.parse::<Decimal>().expect("a decimal");
        let capped = |overage: Option<&str>| Controls {
            overage_of_list: overage.map(number),
            token_cap: Some(10),
            ..price("1")
        };
        let list_usd = number("40");
        let beyond = Some(BeyondCap { list_usd, revenue_usd: number("80") });
        let figures = Figures {
            tier: "pro".to_owned(),
            days: 30,
            requests: 10,
            tokens_k: number("20"),
            revenue_usd: number("140"),
            list_usd: number("100"),
            beyond,
            cost_usd: number("70"),
            penalty_rate: Share::ZERO,
            seconds_per_request: None,
            cost_jumps_per_year: None,
            better_tier: None,
        };
        let under = |before: &Controls| {
            let margin = margin_under(&figures, &capped(Some("2")), before)?;
            Some(margin.to_string())
        };
        assert_eq!(under(&capped(Some("2"))).as_deref(), Some("0.5"), "{:?}", figures.margin());
        assert_eq!(under(&capped(None)).as_deref(), Some("0.3"), "all at the price");
        assert_eq!(under(&capped(Some("1.5"))).as_deref(), Some("0.4167"));
        assert_eq!(under(&price("0.8")).as_deref(), Some("0.125"));
        // Nothing beyond the cap yet: an overage price is known to bring nothing.
        let within = Figures { beyond: None, revenue_usd: number("100"), ..figures };
        let under = margin_under(&within, &capped(Some("2")), &capped(Some("0.5")));
        assert_eq!(under, within.margin());
    }

    #[test]
    fn a_promise_is_the_margin_at_the_other_price_and_the_same_penalties() {
        let number = |text: &str| text.parse().expect("a decimal");
        // 1 − 0.7 / 1 − 0.05 of penalties is 0.25; at 1.25 it is 1 − 0.56 − 0.05.
        let facts =
            Facts::from([(MARGIN.to_owned(), number("0.25")), (COST.to_owned(), number("0.7"))]);
        let promised = promised(&facts, &price("1"), &price("1.25")).expect("a promise");
        assert!((promised - 0.39).abs() < 1e-12, "{promised}");
        let watch = Watch::default();
        assert_eq!(fared(&watch, promised, &[]), None);
        let kept = fared(&watch, promised, &[0.39, 0.385, 0.38, 0.40]).expect("four days");
        assert!(!kept.broke && (kept.realised - 0.38875).abs() < 1e-12, "{kept:?}");
        let broken = fared(&watch, promised, &[0.35, 0.36, 0.35]).expect("three days");
        assert!(broken.broke && broken.days == 3, "{broken:?}");
    }
}
