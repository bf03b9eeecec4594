//! How provider prices move: not a little every day, but rarely and in jumps.
//!
//! Source of the smoothed variance: RiskMetrics (Hull, eq. 5.8). Jumps are a compound Poisson
//! process, fitted to a dated price history.

use serde::{Deserialize, Serialize};

use crate::economics::EconomicsError;
use crate::economics::probability::poisson_quantile;
use crate::economics::quantity::{count, positive, within};
use crate::economics::sample::{real, variance};

/// Ten years of days.
const PRICES_MAX: usize = 4_000;
/// More than a change a day is a data error, not a price policy.
const JUMPS_PER_YEAR_MAX: f64 = 400.0;
/// Price maps that move further within a step had the unit wrong on one side of it.
const UNIT_CHANGE_MIN: f64 = 9.0;
/// Nobody plans prices further.
const HORIZON_YEARS_MAX: f64 = 50.0;

/// What price maps of 2023 to 2026 show over 2090 model-years, for judging a shock: "+30 %" is a
/// stress test and not a base rate.
pub const BASE_RATE: BaseRate =
    BaseRate { changes_per_model_year: 0.1158, median_rise: 0.40, median_fall: -0.444 };

/// How often and how far prices of models moved.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BaseRate {
    pub changes_per_model_year: f64,
    /// Relative, over the changes that were rises.
    pub median_rise: f64,
    pub median_fall: f64,
}

/// `r_t = ln(P_t / P_{t−1})`: the logarithmic changes of a price from date to date.
///
/// # Errors
/// Fewer than two prices, too many, or one that is not above 0.
pub fn log_changes(prices: &[f64]) -> Result<Vec<f64>, EconomicsError> {
    count("prices of a history", prices.len(), 2, PRICES_MAX, "ten years of days")?;
    for price in prices {
        positive("a price of a history", *price)?;
    }
    Ok(prices.windows(2).map(|pair| libm::log(pair[1] / pair[0])).collect())
}

/// `v₁ = r₁²; v_t = λ v_{t−1} + (1 − λ) r_t²`, and of the last its root: the deviation from date to
/// date, where what is recent counts more. 0 for no changes.
///
/// # Errors
/// λ is not from 0 to 1.
pub fn smoothed_deviation(changes: &[f64], lambda: f64) -> Result<f64, EconomicsError> {
    let lambda = within("the smoothing factor", lambda, 0.0, 1.0, "from 0 to 1")?;
    let squares = changes.iter().map(|change| change * change);
    let last = squares.reduce(|smoothed, square| lambda * smoothed + (1.0 - lambda) * square);
    Ok(last.unwrap_or(0.0).sqrt())
}

/// `σ · √(periods a year)`.
#[must_use]
pub fn annualised(deviation: f64, periods_per_year: f64) -> f64 {
    deviation * periods_per_year.sqrt()
}

/// The plain standard deviation of changes (n − 1 below). `None` for fewer than two.
#[must_use]
pub fn deviation(changes: &[f64]) -> Option<f64> {
    variance(changes).map(f64::sqrt)
}

/// Prices that stand still and jump: how often, which way, how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Jumps {
    pub per_year: f64,
    /// The share of jumps that are rises.
    pub share_up: f64,
    /// Mean and deviation (n below) of the logarithm of a jump.
    pub mean: f64,
    pub deviation: f64,
}

impl Jumps {
    /// # Errors
    /// A number outside what the field can mean.
    pub fn check(self) -> Result<Self, EconomicsError> {
        within("the jumps a year", self.per_year, 0.0, JUMPS_PER_YEAR_MAX, "0 to 400")?;
        within("the share of rises", self.share_up, 0.0, 1.0, "from 0 to 1")?;
        within("the mean log jump", self.mean, -10.0, 10.0, "between -10 and 10")?;
        within("the deviation of log jumps", self.deviation, 0.0, 10.0, "0 to 10")?;
        Ok(self)
    }

    /// From histories of models, each of prices and the milliseconds of their days, oldest first.
    /// Changes beyond ninefold are corrections of units and not prices, and are left out. `None`:
    /// the histories span no time at all.
    ///
    /// # Errors
    /// A price is not above 0, or there was more than a jump a day.
    pub fn of_histories(histories: &[Vec<(i64, f64)>]) -> Result<Option<Self>, EconomicsError> {
        const YEAR_MS: f64 = 365.25 * 86_400_000.0;
        let (mut changes, mut years) = (Vec::new(), 0.0);
        for history in histories.iter().filter(|history| history.len() > 1) {
            let prices: Vec<f64> = history.iter().map(|(_, price)| *price).collect();
            changes.extend(log_changes(&prices)?);
            let span = history[history.len() - 1].0 - history[0].0;
            #[expect(clippy::cast_precision_loss, reason = "milliseconds of some years")]
            let span = span as f64;
            years += span / YEAR_MS;
        }
        let unit = libm::log(UNIT_CHANGE_MIN);
        changes.retain(|change| change.abs() <= unit);
        if years > 0.0 { Jumps::fit(&changes, years).map(Some) } else { Ok(None) }
    }

    /// From the logarithmic changes over so many years; those of 0 are no jumps.
    ///
    /// # Errors
    /// The years are not above 0, or there was more than a jump a day.
    pub fn fit(changes: &[f64], years: f64) -> Result<Self, EconomicsError> {
        let years = positive("the years of a history", years)?;
        let jumps: Vec<f64> = changes.iter().copied().filter(|change| *change != 0.0).collect();
        if jumps.is_empty() {
            return Ok(Jumps::default());
        }
        let n = real(jumps.len());
        let mean = jumps.iter().sum::<f64>() / n;
        let squares: f64 = jumps.iter().map(|jump| (jump - mean) * (jump - mean)).sum();
        let rises = jumps.iter().filter(|jump| **jump > 0.0).count();
        let deviation = (squares / n).sqrt();
        Jumps { per_year: n / years, share_up: real(rises) / n, mean, deviation }.check()
    }

    /// `exp(λ y (exp(m + s²/2) − 1))`: by how much the price is expected to change over y years.
    ///
    /// # Errors
    /// The horizon is negative or beyond 50 years.
    pub fn expected_factor(&self, years: f64) -> Result<f64, EconomicsError> {
        let years = horizon(years)?;
        let jump = libm::exp(self.mean + self.deviation * self.deviation / 2.0);
        Ok(libm::exp(self.per_year * years * (jump - 1.0)))
    }

    /// `1 − exp(−λ y)`: the probability of any change within y years.
    ///
    /// # Errors
    /// The horizon is negative or beyond 50 years.
    pub fn any(&self, years: f64) -> Result<f64, EconomicsError> {
        Ok(-libm::expm1(-self.per_year * horizon(years)?))
    }

    /// `1 − exp(−λ p_up y)`: the probability of a rise within y years.
    ///
    /// # Errors
    /// The horizon is negative or beyond 50 years.
    pub fn any_rise(&self, years: f64) -> Result<f64, EconomicsError> {
        Ok(-libm::expm1(-self.per_year * self.share_up * horizon(years)?))
    }

    /// How many jumps a uniform draw stands for.
    pub(crate) fn count(&self, uniform: f64, years: f64) -> u64 {
        poisson_quantile(uniform, self.per_year * years)
    }
}

/// Years to look ahead.
pub(crate) fn horizon(years: f64) -> Result<f64, EconomicsError> {
    within("the horizon in years", years, 0.0, HORIZON_YEARS_MAX, "0 to 50")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economics::draw::{Seed, Stream};

    #[test]
    fn prices_that_never_moved_never_jump() {
        let jumps = Jumps::fit(&[0.0, 0.0], 1.0).expect("a fit");
        assert_eq!(jumps, Jumps::default());
        assert_eq!(jumps.any(1.0), Ok(0.0));
        assert_eq!(jumps.expected_factor(1.0), Ok(1.0));
        assert_eq!(deviation(&[0.1]), None);
    }

    #[test]
    fn a_price_of_nothing_and_a_history_of_no_time_are_refused() {
        assert!(log_changes(&[0.1]).is_err());
        assert!(log_changes(&[0.1, 0.0]).is_err());
        assert!(Jumps::fit(&[0.1], 0.0).is_err());
        assert!(Jumps::default().any(-1.0).is_err());
        assert!(smoothed_deviation(&[0.1], 1.1).is_err());
    }

    #[test]
    fn histories_of_models_are_one_history_of_their_provider() {
        const YEAR_MS: i64 = 31_557_600_000;
        let rises = vec![(0, 1.0), (YEAR_MS, 1.5)];
        let stands = vec![(0, 2.0), (YEAR_MS / 2, 2.0), (YEAR_MS, 2.0)];
        let unit_error = vec![(0, 1.0), (2 * YEAR_MS, 1000.0)];
        let once = vec![(0, 3.0)];
        let jumps = Jumps::of_histories(&[rises, stands, unit_error, once.clone()]);
        let jumps = jumps.expect("a fit").expect("four years");
        assert!((jumps.per_year - 0.25).abs() < 1e-12, "{jumps:?}");
        assert!((jumps.mean - libm::log(1.5)).abs() < 1e-12 && jumps.deviation.abs() < 1e-12);
        assert_eq!(Jumps::of_histories(&[once]), Ok(None));
        assert!(Jumps::of_histories(&[vec![(0, 1.0), (YEAR_MS, 0.0)]]).is_err());
    }

    #[test]
    fn drawn_jumps_come_as_often_as_their_rate_says() {
        let jumps = Jumps { per_year: 1.5, share_up: 0.5, mean: 0.0, deviation: 0.4 };
        let stream = Stream::named(Seed(3), "provider", "azure");
        let draws = 4_000u32;
        let total: u64 = (0..draws).map(|at| jumps.count(stream.uniform(at.into()), 2.0)).sum();
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let mean = total as f64 / f64::from(draws);
        assert!((mean - 3.0).abs() < 4.0 * (3.0 / f64::from(draws)).sqrt(), "{mean}");
    }
}
