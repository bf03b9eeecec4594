//! SLA credits: a ladder of steps, compared in integers, and the two sides of a reseller.
//!
//! Source: the SLA pages of Amazon Bedrock and Google Cloud. A band's lower bound is included:
//! exactly 99.9 % owes nothing. Credits of providers must be claimed.

use rust_decimal::Decimal;

use crate::catalog::SlaBand;
use crate::economics::EconomicsError;
use crate::economics::quantity::{Share, amount, checked, float, refuse};

/// Ladders name tenths, hundredths, at most thousandths of a percent. With nine places the
/// products of 64-bit counts stay within 128 bits.
const UPTIME_DECIMALS_MAX: u32 = 9;
const UNITS_PER_PERCENT: u128 = 1_000_000_000;
/// Contracts have three or four.
const BANDS_MAX: usize = 16;
/// How far probabilities of states may miss 1 in sum: a rounding in the ninth place.
const PROBABILITY_SLACK: Decimal = Decimal::from_parts(1, 0, 0, false, 9);

/// The share that is credited at or above an uptime (or an attainment of a latency promise).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ladder(Vec<Step>);

/// One band of a ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    min_pct: Decimal,
    /// The same in units of 10⁻⁹ percent, for comparisons.
    min_units: u128,
    credit: Share,
}

impl Ladder {
    /// From the best band to the worst. No bands: nothing is ever owed.
    ///
    /// # Errors
    /// The bounds do not fall strictly from at most 100 to 0, or have more than nine decimals; a
    /// credit is no share; there are more than 16 bands.
    pub fn new(bands: &[SlaBand]) -> Result<Self, EconomicsError> {
        if bands.len() > BANDS_MAX {
            return Err(EconomicsError::TooMany {
                what: "bands of an SLA",
                count: bands.len(),
                max: BANDS_MAX,
                reason: "contracts have three or four",
            });
        }
        let steps = bands.iter().map(Step::new).collect::<Result<Vec<_>, _>>()?;
        let falls = steps.windows(2).all(|pair| pair[0].min_units > pair[1].min_units);
        if !falls || steps.last().is_some_and(|step| step.min_units != 0) {
            let problem = "must fall strictly from the best uptime to 0";
            return Err(EconomicsError::Inconsistent { what: "the bands of an SLA", problem });
        }
        Ok(Ladder(steps))
    }

    /// The credit for a count of bad requests (or minutes) among all.
    #[must_use]
    pub fn credit(&self, measured: Uptime) -> Share {
        self.first(|step| measured.reaches(step.min_units))
    }

    /// The credit at an uptime that is stated in percent.
    #[must_use]
    pub fn credit_at(&self, uptime_pct: Decimal) -> Share {
        self.first(|step| uptime_pct >= step.min_pct)
    }

    /// The credit at an attainment (0 to 1) that a model predicts, not a count.
    #[must_use]
    pub fn credit_predicted(&self, attainment: f64) -> Share {
        self.first(|step| attainment >= step.min_share())
    }

    /// The bounds and credits, from the best band to the worst, as shares from 0 to 1.
    pub(crate) fn shares(&self) -> impl Iterator<Item = (Decimal, Share)> {
        self.0.iter().map(|step| (step.min_pct / Decimal::ONE_HUNDRED, step.credit))
    }

    fn first(&self, reached: impl Fn(&Step) -> bool) -> Share {
        // The last band begins at 0, so only an empty ladder has no answer.
        self.0.iter().find(|step| reached(step)).map_or(Share::ZERO, |step| step.credit)
    }
}

/// The share of what was charged that the ladder gives back for these requests, were they all of a
/// month. Nothing asked, or no ladder that can be read: nothing.
#[must_use]
pub fn recorded_credit(bands: &[SlaBand], requests: u64, failed: u64) -> Share {
    let Ok(uptime) = Uptime::new(requests, failed) else { return Share::ZERO };
    Ladder::new(bands).unwrap_or_default().credit(uptime)
}

impl Step {
    fn new(band: &SlaBand) -> Result<Self, EconomicsError> {
        let min_pct = band.min_uptime_pct.normalize();
        let wanted = "0 to 100, with at most nine decimals";
        let in_range = (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(&min_pct)
            && min_pct.scale() <= UPTIME_DECIMALS_MAX;
        let shift = 10u128.pow(UPTIME_DECIMALS_MAX.saturating_sub(min_pct.scale()));
        let min_units = u128::try_from(min_pct.mantissa())
            .ok()
            .filter(|_| in_range)
            .map(|mantissa| mantissa * shift)
            .ok_or_else(|| refuse("the uptime of an SLA band", &min_pct, wanted))?;
        let credit = Share::new("the credit of an SLA band", band.credit)?;
        Ok(Step { min_pct, min_units, credit })
    }

    fn min_share(&self) -> f64 {
        float(self.min_pct / Decimal::ONE_HUNDRED)
    }
}

/// How many of all requests (or minutes) of a period were bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uptime {
    total: u64,
    bad: u64,
}

impl Uptime {
    /// # Errors
    /// More bad ones than there are.
    pub fn new(total: u64, bad: u64) -> Result<Self, EconomicsError> {
        if bad > total {
            let problem = "exceed all requests";
            return Err(EconomicsError::Inconsistent { what: "bad requests", problem });
        }
        Ok(Uptime { total, bad })
    }

    /// `100 · (total − bad) / total`. Nothing asked, nothing failed: 100.
    #[must_use]
    pub fn percent(self) -> Decimal {
        let good = Decimal::from(self.total - self.bad) * Decimal::ONE_HUNDRED;
        good.checked_div(Decimal::from(self.total)).unwrap_or(Decimal::ONE_HUNDRED)
    }

    /// Is the uptime at least that many units of 10⁻⁹ percent? Multiplied out, never divided.
    fn reaches(self, min_units: u128) -> bool {
        let good = u128::from(self.total - self.bad);
        good * 100 * UNITS_PER_PERCENT >= min_units * u128::from(self.total)
    }
}

/// One thing that may happen to a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UptimeState {
    pub probability: Decimal,
    pub uptime_pct: Decimal,
}

/// A reseller's month: what it takes, what it pays, and how often its claims succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resale {
    pub revenue_usd: Decimal,
    pub cost_usd: Decimal,
    /// Providers pay credits only to those who ask in time.
    pub claim_success: Share,
}

/// What a reseller expects to owe and to recover. US dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassThrough {
    pub owed_usd: Decimal,
    pub recoverable_usd: Decimal,
    /// How likely anything at all is owed.
    pub penalty_probability: Decimal,
    resale: Resale,
}

impl PassThrough {
    /// Owed on REVENUE by our ladder; recovered on COST by the provider's, and only if claimed:
    /// `owed = Σ p · credit_tenant · revenue`,
    /// `recoverable = Σ p · credit_provider · cost · claim success`.
    ///
    /// # Errors
    /// The probabilities do not add up to 1, or an amount is negative or beyond a quadrillion.
    pub fn expect(
        states: &[UptimeState],
        tenant: &Ladder,
        provider: &Ladder,
        resale: Resale,
    ) -> Result<Self, EconomicsError> {
        let revenue = amount("the revenue", resale.revenue_usd)?;
        let cost = amount("the provider cost", resale.cost_usd)?;
        let mut weights = [Decimal::ZERO; 4];
        for state in states {
            let p = Share::new("the probability of a state", state.probability)?.get();
            let owed = tenant.credit_at(state.uptime_pct).get();
            let recovered = provider.credit_at(state.uptime_pct).get();
            let anything = if owed.is_zero() { Decimal::ZERO } else { p };
            for (sum, part) in weights.iter_mut().zip([p, p * owed, p * recovered, anything]) {
                *sum += part;
            }
        }
        let [all, owed, recovered, penalty_probability] = weights;
        if (all - Decimal::ONE).abs() > PROBABILITY_SLACK {
            let problem = "must add up to 1";
            return Err(EconomicsError::Inconsistent { what: "probabilities of states", problem });
        }
        let claimed = recovered * resale.claim_success.get();
        let owed_usd = checked("the credit owed", owed.checked_mul(revenue))?;
        let recoverable_usd = checked("the credit recoverable", claimed.checked_mul(cost))?;
        Ok(PassThrough { owed_usd, recoverable_usd, penalty_probability, resale })
    }

    /// What remains with us; negative where more is recovered than owed.
    #[must_use]
    pub fn net_usd(&self) -> Decimal {
        self.owed_usd - self.recoverable_usd
    }

    /// `net / revenue`, the penalty rate that the plain formula would need. `None` without revenue.
    #[must_use]
    pub fn penalty_rate(&self) -> Option<Decimal> {
        self.net_usd().checked_div(self.resale.revenue_usd)
    }

    /// `(revenue − cost − net) / revenue`. `None` without revenue.
    #[must_use]
    pub fn margin(&self) -> Option<Decimal> {
        let profit = self.resale.revenue_usd - self.resale.cost_usd - self.net_usd();
        profit.checked_div(self.resale.revenue_usd)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economics::quantity::decimal;

    fn ladder(bands: &[(&str, &str)]) -> Result<Ladder, EconomicsError> {
        let band = |(min, credit): &(&str, &str)| SlaBand {
            min_uptime_pct: decimal(min),
            credit: decimal(credit),
        };
        Ladder::new(&bands.iter().map(band).collect::<Vec<_>>())
    }

    #[test]
    fn the_largest_counts_compare_without_overflow() {
        let strict = ladder(&[("99.999999999", "0"), ("0", "0.1")]).expect("a ladder");
        let one_bad = Uptime::new(u64::MAX, 1).expect("one is bad");
        assert_eq!(strict.credit(one_bad), Share::ZERO);
        let all_bad = Uptime::new(u64::MAX, u64::MAX).expect("all are bad");
        assert_eq!(strict.credit(all_bad).get(), decimal("0.1"));
        assert_eq!(all_bad.percent(), Decimal::ZERO);
    }

    #[test]
    fn a_ladder_that_rises_or_does_not_reach_zero_is_refused() {
        assert!(ladder(&[("99", "0"), ("99.9", "0.1"), ("0", "1")]).is_err());
        assert!(ladder(&[("99.9", "0"), ("95", "0.1")]).is_err());
        assert!(ladder(&[("100.1", "0"), ("0", "0.1")]).is_err());
        assert!(ladder(&[("99.9", "0"), ("0", "1.1")]).is_err());
        assert!(ladder(&[("99.9999999999", "0"), ("0", "1")]).is_err());
        assert!(ladder(&[("99.9000000000000", "0"), ("0", "1")]).is_ok());
    }

    #[test]
    fn without_a_ladder_nothing_is_owed() {
        let measured = Uptime::new(10, 10).expect("all are bad");
        assert_eq!(Ladder::default().credit(measured), Share::ZERO);
        assert_eq!(Ladder::default().credit_predicted(0.0), Share::ZERO);
    }

    #[test]
    fn states_that_do_not_add_up_are_refused_and_no_revenue_has_no_margin() {
        let resale = Resale {
            revenue_usd: Decimal::ZERO,
            cost_usd: decimal("10"),
            claim_success: Share::ONE,
        };
        let state =
            |p: &str| UptimeState { probability: decimal(p), uptime_pct: Decimal::ONE_HUNDRED };
        let none = Ladder::default();
        assert!(PassThrough::expect(&[state("0.9")], &none, &none, resale).is_err());
        let idle = PassThrough::expect(&[state("1")], &none, &none, resale).expect("a month");
        assert_eq!((idle.margin(), idle.penalty_rate()), (None, None));
    }
}
