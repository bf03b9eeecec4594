//! How much concurrency a tenant needs, how long requests wait for it, and how many tokens a fee
//! bears.
//!
//! Source: Little 1961; Erlang's C formula.

use rust_decimal::Decimal;

use crate::economics::EconomicsError;
use crate::economics::probability::poisson_quantile;
use crate::economics::quantity::{Share, amount, checked, within};

/// Requests in flight beyond this are a fleet, and their count is no longer summed one by one.
const IN_FLIGHT_MAX: f64 = 1_000_000.0;
/// Servers of one tenant; the recursion takes a step for each.
const SERVERS_MAX: u32 = 1_000_000;

/// Requests in flight: `L = λ·W`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Load(f64);

impl Load {
    /// # Errors
    /// A negative rate or time, or more than a million requests in flight.
    pub fn new(requests_per_s: f64, seconds_per_request: f64) -> Result<Self, EconomicsError> {
        within("the requests a second", requests_per_s, 0.0, 1e9, "0 to a milliard")?;
        within("the seconds a request", seconds_per_request, 0.0, 86_400.0, "0 to a day")?;
        let load = requests_per_s * seconds_per_request;
        within("the requests in flight", load, 0.0, IN_FLIGHT_MAX, "0 to a million").map(Load)
    }

    /// Requests in flight on average.
    #[must_use]
    pub const fn in_flight(self) -> f64 {
        self.0
    }

    /// The smallest concurrency that suffices with this probability, requests arriving at random.
    #[must_use]
    pub fn concurrency(self, probability: f64) -> u64 {
        poisson_quantile(probability, self.0)
    }

    /// The probability that a request must wait where so many are served at once (Erlang C).
    /// `None`: they never keep up.
    ///
    /// # Errors
    /// More than a million servers.
    pub fn wait_probability(self, servers: u32) -> Result<Option<f64>, EconomicsError> {
        let wanted = "0 to a million";
        let c = within("the servers", servers.into(), 0.0, SERVERS_MAX.into(), wanted)?;
        if c <= self.0 {
            return Ok(None);
        }
        // Erlang B by its recursion, which neither overflows nor cancels.
        let blocked = (1..=servers).fold(1.0, |blocked, server| {
            let offered = self.0 * blocked;
            offered / (f64::from(server) + offered)
        });
        Ok(Some(c * blocked / (c - self.0 * (1.0 - blocked))))
    }
}

/// `⌊(1 − f − k) · fee / cost⌋`: the thousands of tokens after which a fee no longer keeps the
/// margin floor. 0 where no usage does.
///
/// # Errors
/// A negative fee, a cost that is not above 0, or a cap beyond decimals.
pub fn token_cap_k(
    fee_usd: Decimal,
    cost_usd_per_k: Decimal,
    floor: Share,
    penalty_rate: Share,
) -> Result<Decimal, EconomicsError> {
    let fee = amount("the fee", fee_usd)?;
    let cost = amount("the provider cost", cost_usd_per_k)?;
    let kept = (floor.rest().get() - penalty_rate.get()).max(Decimal::ZERO);
    let cap = kept.checked_mul(fee).and_then(|kept| kept.checked_div(cost));
    checked("the token cap", cap).map(|cap| cap.floor())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economics::quantity::decimal;

    #[test]
    fn an_idle_tenant_needs_nothing_and_nobody_waits() {
        let idle = Load::new(0.0, 2.0).expect("a load");
        assert_eq!(idle.concurrency(0.99), 0);
        assert_eq!(idle.wait_probability(1), Ok(Some(0.0)));
        assert_eq!(idle.wait_probability(0), Ok(None));
    }

    #[test]
    fn one_server_waits_as_often_as_it_is_busy() {
        let load = Load::new(0.5, 1.2).expect("a load");
        let wait = load.wait_probability(1).expect("servers").expect("keeps up");
        assert!((wait - 0.6).abs() < 1e-12);
    }

    #[test]
    fn a_floor_that_no_usage_keeps_caps_at_nothing() {
        let share = |text| Share::new("a share", decimal(text)).expect("a share");
        let cap =
            |penalty| token_cap_k(decimal("99"), decimal("0.0025"), share("0.35"), share(penalty));
        assert_eq!(cap("0.7"), Ok(Decimal::ZERO));
        assert_eq!(cap("0"), Ok(decimal("25740")));
        assert!(token_cap_k(decimal("99"), Decimal::ZERO, share("0.35"), share("0")).is_err());
        assert!(Load::new(f64::NAN, 1.0).is_err());
    }
}
