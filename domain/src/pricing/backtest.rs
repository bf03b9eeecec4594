//! A pricing policy replayed over recorded months, against the price that was.

use serde::Serialize;

use crate::economics::EconomicsError;
use crate::economics::quantity::{count, not_negative, positive, within};
use crate::economics::sample::real;

/// Fifty years of months.
const MONTHS_MAX: usize = 600;

/// One recorded month.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Month {
    /// Thousands of tokens at the price that was.
    pub usage_k: f64,
    pub cost_usd_per_k: f64,
    /// What the policy would have charged.
    pub policy_usd_per_k: f64,
}

/// What the policy would have changed, month by month, in US dollars.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Backtest {
    /// Profit with the policy less profit without.
    pub difference_usd: Vec<f64>,
    pub cumulative_usd: Vec<f64>,
    /// The deepest fall of the cumulative difference from its peak, which is at least 0.
    pub drawdown_usd: f64,
    /// The share of months in which the policy earned more.
    pub hit_rate: f64,
}

/// Usage answers with `q (p / p₀)^e`; `profit = q (p − c)`.
///
/// # Errors
/// No months or too many; a price that is not above 0; an elasticity beyond ±20.
pub fn replay(
    months: &[Month],
    price_usd_per_k: f64,
    elasticity: f64,
) -> Result<Backtest, EconomicsError> {
    count("months of a backtest", months.len(), 1, MONTHS_MAX, "fifty years")?;
    let price = positive("the price", price_usd_per_k)?;
    within("the elasticity", elasticity, -20.0, 20.0, "between -20 and 20")?;
    let difference_usd = months
        .iter()
        .map(|month| difference(month, price, elasticity))
        .collect::<Result<Vec<f64>, _>>()?;
    let mut sum = 0.0;
    let running = difference_usd.iter().map(|difference| {
        sum += difference;
        sum
    });
    let cumulative_usd: Vec<f64> = running.collect();
    let mut peak = 0.0f64;
    let drawdown_usd = cumulative_usd.iter().fold(0.0f64, |deepest, sum| {
        peak = peak.max(*sum);
        deepest.max(peak - sum)
    });
    let hits = difference_usd.iter().filter(|difference| **difference > 0.0).count();
    let hit_rate = real(hits) / real(months.len());
    Ok(Backtest { difference_usd, cumulative_usd, drawdown_usd, hit_rate })
}

fn difference(month: &Month, price: f64, elasticity: f64) -> Result<f64, EconomicsError> {
    let usage = not_negative("the usage of a month", month.usage_k)?;
    let cost = not_negative("the cost of a month", month.cost_usd_per_k)?;
    let policy = positive("the price of the policy", month.policy_usd_per_k)?;
    let answer = usage * libm::pow(policy / price, elasticity);
    Ok(answer * (policy - cost) - usage * (price - cost))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_that_lost_and_recovered_shows_its_deepest_fall() {
        let month =
            |policy_usd_per_k| Month { usage_k: 1.0, cost_usd_per_k: 1.0, policy_usd_per_k };
        let months = [2.5, 1.0, 1.5, 4.0].map(month);
        let found = replay(&months, 2.0, 0.0).expect("a backtest");
        assert_eq!(found.difference_usd, [0.5, -1.0, -0.5, 2.0]);
        assert_eq!(found.cumulative_usd, [0.5, -0.5, -1.0, 1.0]);
        assert_eq!((found.drawdown_usd, found.hit_rate), (1.5, 0.5));
        assert!(replay(&[], 2.0, 0.0).is_err());
        assert!(replay(&months, 0.0, 0.0).is_err());
    }
}
