//! Plans and what they bill: by unit, package, graduated or volume tiers, or a fee with overage.
//!
//! Source: the price models of Orb's and Lago's catalogues. Bills are in cents, rounded half to
//! even, once, at the end.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::economics::EconomicsError;
use crate::economics::quantity::{amount, checked, count};

/// US dollars have cents.
const BILL_DECIMALS: u32 = 2;
/// Price lists have a handful.
const TIERS_MAX: usize = 32;
/// What one tenant is offered at once.
const PLANS_MAX: usize = 100;

/// How usage becomes a bill. Usage in thousands of tokens, prices in US dollars.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Plan {
    /// `usage · price`.
    Unit { price: Decimal },
    /// Whole packages: `⌈usage / size⌉ · price`.
    Package { size: Decimal, price: Decimal },
    /// Each part of the usage at the price of its tier.
    Graduated { tiers: Vec<Tier> },
    /// All usage at the price of the tier that it reaches.
    Volume { tiers: Vec<Tier> },
    /// `fee + overage · max(0, usage − included)`.
    FlatOverage { fee: Decimal, included: Decimal, overage: Decimal },
}

/// A price up to and including a usage; the last tier has no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    pub up_to: Option<Decimal>,
    pub price: Decimal,
}

impl Plan {
    /// The bill in US dollars and cents: the charge, rounded half to even.
    ///
    /// # Errors
    /// See [`Plan::charge_usd`].
    pub fn bill_usd(&self, usage_k: Decimal) -> Result<Decimal, EconomicsError> {
        Ok(self.charge_usd(usage_k)?.round_dp(BILL_DECIMALS))
    }

    /// What the usage is charged, before it is rounded to a bill. US dollars.
    ///
    /// # Errors
    /// A negative amount, a package of size 0, tiers that do not rise to one without end, or a
    /// charge beyond decimals.
    pub fn charge_usd(&self, usage_k: Decimal) -> Result<Decimal, EconomicsError> {
        let usage = amount("the usage", usage_k)?;
        match self {
            Plan::Unit { price } => times(usage, *price),
            Plan::Package { size, price } => {
                let packages = amount("the size of a package", *size)?;
                let packages = checked("packages", usage.checked_div(packages))?;
                times(packages.ceil(), *price)
            }
            Plan::Graduated { tiers } => graduated(tiers, usage),
            Plan::Volume { tiers } => volume(tiers, usage),
            Plan::FlatOverage { fee, included, overage } => {
                let beyond = usage - amount("the included usage", *included)?;
                let overage = times(beyond.max(Decimal::ZERO), *overage)?;
                checked("the bill", amount("the fee", *fee)?.checked_add(overage))
            }
        }
    }
}

fn times(usage: Decimal, price: Decimal) -> Result<Decimal, EconomicsError> {
    checked("the bill", usage.checked_mul(amount("a price", price)?))
}

fn graduated(tiers: &[Tier], usage: Decimal) -> Result<Decimal, EconomicsError> {
    check_tiers(tiers)?;
    let (mut bill, mut below) = (Decimal::ZERO, Decimal::ZERO);
    for tier in tiers {
        let end = tier.up_to.unwrap_or(usage).min(usage);
        let part = times((end - below).max(Decimal::ZERO), tier.price)?;
        bill = checked("the bill", bill.checked_add(part))?;
        below = end.max(below);
    }
    Ok(bill)
}

fn volume(tiers: &[Tier], usage: Decimal) -> Result<Decimal, EconomicsError> {
    check_tiers(tiers)?;
    let reached = tiers.iter().find(|tier| tier.up_to.is_none_or(|end| usage <= end));
    // The last tier has no end, so one is always reached.
    reached.map_or(Ok(Decimal::ZERO), |tier| times(usage, tier.price))
}

fn check_tiers(tiers: &[Tier]) -> Result<(), EconomicsError> {
    count("tiers of a plan", tiers.len(), 1, TIERS_MAX, "price lists have a handful")?;
    let (bounded, last) = tiers.split_at(tiers.len() - 1);
    let rises = bounded.windows(2).all(|pair| pair[0].up_to < pair[1].up_to);
    let ends = bounded.iter().all(|tier| tier.up_to.is_some_and(|end| end > Decimal::ZERO));
    if rises && ends && last.iter().all(|tier| tier.up_to.is_none()) {
        return Ok(());
    }
    let problem = "must rise strictly to a last one without end";
    Err(EconomicsError::Inconsistent { what: "the tiers of a plan", problem })
}

/// A plan by its name, with what a tenant would pay and what it would leave us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Offer {
    pub name: String,
    /// To the cent.
    pub bill_usd: Decimal,
    /// Before it was rounded: what offers are compared by, and their margins come from.
    pub charge_usd: Decimal,
    pub profit_usd: Decimal,
}

impl Offer {
    /// `profit / charge`. `None` where nothing is charged.
    #[must_use]
    pub fn margin(&self) -> Option<Decimal> {
        self.profit_usd.checked_div(self.charge_usd)
    }
}

/// What each plan would bill for this usage, in the order of the plans.
///
/// # Errors
/// No plans or too many; or see [`Plan::bill_usd`].
pub fn offers(
    plans: &[(String, Plan)],
    usage_k: Decimal,
    cost_usd_per_k: Decimal,
) -> Result<Vec<Offer>, EconomicsError> {
    count("plans", plans.len(), 1, PLANS_MAX, "one tenant is not offered more")?;
    let cost =
        checked("the cost", amount("the provider cost", cost_usd_per_k)?.checked_mul(usage_k))?;
    let offer = |(name, plan): &(String, Plan)| {
        let (bill_usd, charge_usd) = (plan.bill_usd(usage_k)?, plan.charge_usd(usage_k)?);
        let profit_usd = checked("the profit", charge_usd.checked_sub(cost))?;
        Ok(Offer { name: name.clone(), bill_usd, charge_usd, profit_usd })
    };
    plans.iter().map(offer).collect()
}

/// Among the offers that raise the tenant's bill by at most this share, the one that leaves most;
/// the present plan where none leaves more.
///
/// # Errors
/// The present plan is not among the offers.
pub fn suggest<'a>(
    offers: &'a [Offer],
    current: &str,
    rise_max: Decimal,
) -> Result<&'a Offer, EconomicsError> {
    let unknown = || EconomicsError::Unknown { what: "plan", name: current.to_owned() };
    let current = offers.iter().find(|offer| offer.name == current).ok_or_else(unknown)?;
    let factor =
        checked("the rise", amount("the largest rise", rise_max)?.checked_add(Decimal::ONE))?;
    let limit = checked("the largest bill", current.charge_usd.checked_mul(factor))?;
    let bearable = offers.iter().filter(|offer| offer.charge_usd <= limit);
    Ok(bearable.fold(
        current,
        |best, offer| {
            if offer.profit_usd > best.profit_usd { offer } else { best }
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economics::quantity::decimal;

    fn tier(up_to: Option<&str>, price: &str) -> Tier {
        Tier { up_to: up_to.map(decimal), price: decimal(price) }
    }

    #[test]
    fn half_a_cent_is_rounded_to_the_even_one() {
        let plan = Plan::Unit { price: decimal("0.001") };
        assert_eq!(plan.bill_usd(decimal("25")), Ok(decimal("0.02")));
        assert_eq!(plan.bill_usd(decimal("35")), Ok(decimal("0.04")));
    }

    #[test]
    fn tiers_that_do_not_rise_or_that_end_are_refused() {
        for tiers in [
            vec![],
            vec![tier(Some("10"), "1")],
            vec![tier(Some("10"), "1"), tier(Some("5"), "1"), tier(None, "1")],
            vec![tier(None, "1"), tier(None, "1")],
            vec![tier(Some("0"), "1"), tier(None, "1")],
        ] {
            assert!(Plan::Volume { tiers: tiers.clone() }.bill_usd(Decimal::ONE).is_err());
            assert!(Plan::Graduated { tiers }.bill_usd(Decimal::ONE).is_err());
        }
        let none = Plan::Package { size: Decimal::ZERO, price: Decimal::ONE };
        assert!(none.bill_usd(Decimal::ONE).is_err());
        assert!(Plan::Unit { price: decimal("-1") }.bill_usd(Decimal::ONE).is_err());
    }

    #[test]
    fn an_unknown_plan_cannot_be_the_present_one() {
        let plans = [("payg".to_owned(), Plan::Unit { price: decimal("0.006") })];
        let offers = offers(&plans, decimal("1000"), decimal("0.0025")).expect("offers");
        assert_eq!(suggest(&offers, "payg", Decimal::ZERO).expect("a plan").name, "payg");
        assert!(suggest(&offers, "gold", Decimal::ZERO).is_err());
    }
}
