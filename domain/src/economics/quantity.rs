//! Numbers that have been looked at: shares, relative changes, and amounts within reason.
//!
//! What a person states (a rate, a floor, "+30 %") is decimal, so that 0.35 is 0.35. What is
//! measured or drawn is binary floating point.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::economics::EconomicsError;

/// Amounts above a quadrillion dollars or tokens are wrong units, and sums of what is below fit
/// every type that is used here.
const AMOUNT_MAX: f64 = 1e15;
/// The same bound for decimals.
const DECIMAL_AMOUNT_MAX: Decimal = Decimal::from_parts(2_764_472_320, 232_830, 0, false, 0);
/// A hundredfold rise. Price maps show larger ones, and those are corrections of units.
const CHANGE_MAX: Decimal = Decimal::from_parts(100, 0, 0, false, 0);

/// A part of a whole, from 0 to 1: a penalty rate, a margin floor, a weight.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "Decimal", into = "Decimal")]
pub struct Share(Decimal);

impl Share {
    pub const ZERO: Share = Share(Decimal::ZERO);
    pub const ONE: Share = Share(Decimal::ONE);

    /// # Errors
    /// Below 0 or above 1.
    pub fn new(what: &'static str, value: Decimal) -> Result<Self, EconomicsError> {
        if (Decimal::ZERO..=Decimal::ONE).contains(&value) {
            return Ok(Share(value));
        }
        Err(refuse(what, &value, "a share from 0 to 1"))
    }

    #[must_use]
    pub const fn get(self) -> Decimal {
        self.0
    }

    /// What is left of the whole.
    #[must_use]
    pub fn rest(self) -> Share {
        Share(Decimal::ONE - self.0)
    }

    #[must_use]
    pub fn to_float(self) -> f64 {
        float(self.0)
    }
}

impl TryFrom<Decimal> for Share {
    type Error = EconomicsError;

    fn try_from(value: Decimal) -> Result<Self, EconomicsError> {
        Share::new("a share", value)
    }
}

impl From<Share> for Decimal {
    fn from(share: Share) -> Decimal {
        share.0
    }
}

/// A relative change: 0.3 is +30 %, −0.44 is −44 %. Above −1, since nothing falls below zero.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "Decimal", into = "Decimal")]
pub struct Change(Decimal);

impl Change {
    pub const NONE: Change = Change(Decimal::ZERO);

    /// # Errors
    /// −1 or below, or more than a hundredfold.
    pub fn new(what: &'static str, value: Decimal) -> Result<Self, EconomicsError> {
        if value > -Decimal::ONE && value <= CHANGE_MAX {
            return Ok(Change(value));
        }
        Err(refuse(what, &value, "a relative change above -1 and at most 100 (0.3 is +30 %)"))
    }

    #[must_use]
    pub const fn get(self) -> Decimal {
        self.0
    }

    /// What the changed thing is multiplied by: 1.3 for +30 %.
    #[must_use]
    pub fn factor(self) -> Decimal {
        Decimal::ONE + self.0
    }

    #[must_use]
    pub fn to_factor(self) -> f64 {
        float(self.factor())
    }
}

impl TryFrom<Decimal> for Change {
    type Error = EconomicsError;

    fn try_from(value: Decimal) -> Result<Self, EconomicsError> {
        Change::new("a relative change", value)
    }
}

impl From<Change> for Decimal {
    fn from(change: Change) -> Decimal {
        change.0
    }
}

/// The nearest binary number, by way of the text: the same on every machine.
#[must_use]
pub fn float(value: Decimal) -> f64 {
    // The text of a decimal is always a number; were it not, NaN is refused by whoever takes it.
    value.to_string().parse().unwrap_or(f64::NAN)
}

/// An amount of money, tokens or requests: 0 or more.
pub(crate) fn amount(what: &'static str, value: Decimal) -> Result<Decimal, EconomicsError> {
    if (Decimal::ZERO..=DECIMAL_AMOUNT_MAX).contains(&value) {
        return Ok(value);
    }
    Err(refuse(what, &value, "0 to a quadrillion"))
}

/// A measured amount: 0 or more.
pub(crate) fn not_negative(what: &'static str, value: f64) -> Result<f64, EconomicsError> {
    within(what, value, 0.0, AMOUNT_MAX, "0 to a quadrillion")
}

/// A measured amount above 0.
pub(crate) fn positive(what: &'static str, value: f64) -> Result<f64, EconomicsError> {
    if value > 0.0 && value <= AMOUNT_MAX {
        return Ok(value);
    }
    Err(refuse(what, &value, "above 0 and at most a quadrillion"))
}

/// A probability that was estimated.
pub(crate) fn probability(what: &'static str, value: f64) -> Result<f64, EconomicsError> {
    within(what, value, 0.0, 1.0, "a probability from 0 to 1")
}

/// A number between two bounds, both included; NaN is in no range.
pub(crate) fn within(
    what: &'static str,
    value: f64,
    low: f64,
    high: f64,
    must: &'static str,
) -> Result<f64, EconomicsError> {
    if (low..=high).contains(&value) { Ok(value) } else { Err(refuse(what, &value, must)) }
}

pub(crate) fn refuse(
    what: &'static str,
    value: &impl ToString,
    must: &'static str,
) -> EconomicsError {
    EconomicsError::OutOfRange { what, value: value.to_string(), must }
}

/// A result of decimal arithmetic, where it fits.
pub(crate) fn checked(
    what: &'static str,
    result: Option<Decimal>,
) -> Result<Decimal, EconomicsError> {
    result.ok_or(EconomicsError::Overflow { what })
}

/// A count that must lie between two limits.
pub(crate) fn count(
    what: &'static str,
    count: usize,
    min: usize,
    max: usize,
    reason: &'static str,
) -> Result<(), EconomicsError> {
    if count < min {
        return Err(EconomicsError::TooFew { what, count, min });
    }
    if count > max {
        return Err(EconomicsError::TooMany { what, count, max, reason });
    }
    Ok(())
}

/// A decimal as tests write it.
#[cfg(test)]
pub(crate) fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_above_one_and_a_fall_of_everything_are_refused_by_name() {
        let error = Share::new("the penalty rate", decimal("1.2")).expect_err("above 1");
        assert_eq!(error.to_string(), "the penalty rate is 1.2; it must be a share from 0 to 1");
        assert!(Change::new("the cost change", decimal("-1")).is_err());
        assert!(Change::new("the cost change", decimal("-0.999")).is_ok());
        assert!(serde_json::from_str::<Share>("-0.1").is_err());
    }

    #[test]
    fn no_number_and_no_bound_passes_for_an_amount() {
        for value in [f64::NAN, f64::INFINITY, -1.0, 1.1e15] {
            assert!(not_negative("usage_k", value).is_err(), "{value}");
            assert!(positive("usage_k", value).is_err(), "{value}");
        }
        assert!(positive("usage_k", 0.0).is_err());
        assert!(amount("usage_k", decimal("1000000000000000")).is_ok());
        assert!(amount("usage_k", decimal("1000000000000000.1")).is_err());
    }

    #[test]
    fn a_decimal_becomes_the_nearest_binary_number() {
        assert_eq!(float(decimal("0.35")).to_bits(), 0.35f64.to_bits());
        assert_eq!(float(decimal("0.001")).to_bits(), 0.001f64.to_bits());
    }
}
