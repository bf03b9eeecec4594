//! From tenants to groups: sums first, then one division. A mean of margins is not a margin.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::economics::EconomicsError;
use crate::economics::basic::Statement;
use crate::economics::quantity::{Share, checked};

/// The sum of statements; its margin is `(Σ revenue − Σ cost − Σ penalty) / Σ revenue`.
///
/// # Errors
/// A sum is beyond a quadrillion dollars.
pub fn total<'a>(
    statements: impl IntoIterator<Item = &'a Statement>,
) -> Result<Statement, EconomicsError> {
    statements.into_iter().try_fold(Statement::default(), |sum, next| sum.plus(next))
}

/// The sums by tier, provider, region, or whatever else the key says.
///
/// # Errors
/// A sum is beyond a quadrillion dollars.
pub fn by<'a, K: Ord>(
    keyed: impl IntoIterator<Item = (K, &'a Statement)>,
) -> Result<BTreeMap<K, Statement>, EconomicsError> {
    let mut groups: BTreeMap<K, Statement> = BTreeMap::new();
    for (key, statement) in keyed {
        let sum = groups.entry(key).or_default();
        *sum = sum.plus(statement)?;
    }
    Ok(groups)
}

/// The Herfindahl–Hirschman index of revenue, `Σ share²`: 1 is one tenant, 1/n is n equal ones.
/// `None` without revenue.
///
/// # Errors
/// The revenue is beyond a quadrillion dollars.
pub fn concentration(statements: &[Statement]) -> Result<Option<Decimal>, EconomicsError> {
    let revenue = total(statements)?.revenue_usd();
    if revenue.is_zero() {
        return Ok(None);
    }
    let squares = statements.iter().try_fold(Decimal::ZERO, |sum, statement| {
        let share = statement.revenue_usd().checked_div(revenue)?;
        sum.checked_add(share.checked_mul(share)?)
    });
    checked("the concentration", squares).map(Some)
}

/// Is the margin STRICTLY below the floor? What has no revenue has no margin and is not.
#[must_use]
pub fn is_below(statement: &Statement, floor: Share) -> bool {
    statement.margin().is_some_and(|margin| margin < floor.get())
}

/// The revenue of all whose margin is strictly below the floor, in US dollars.
///
/// # Errors
/// The sum is beyond a quadrillion dollars.
pub fn revenue_at_risk_usd(
    statements: &[Statement],
    floor: Share,
) -> Result<Decimal, EconomicsError> {
    let below = statements.iter().filter(|statement| is_below(statement, floor));
    Ok(total(below)?.revenue_usd())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economics::quantity::decimal;

    fn statement(revenue: &str, cost: &str) -> Statement {
        Statement::new(decimal(revenue), decimal(cost), Decimal::ZERO).expect("a statement")
    }

    #[test]
    fn a_margin_of_exactly_the_floor_is_not_at_risk() {
        let floor = Share::new("the floor", decimal("0.35")).expect("a share");
        let at_floor = statement("100", "65");
        let below = statement("100", "65.000000000000001");
        assert!(!is_below(&at_floor, floor));
        assert!(is_below(&below, floor));
        assert_eq!(revenue_at_risk_usd(&[at_floor, below], floor), Ok(decimal("100")));
    }

    #[test]
    fn what_is_given_away_counts_in_the_sum_and_is_not_at_risk() {
        let floor = Share::new("the floor", decimal("0.35")).expect("a share");
        let tenants = [statement("0", "10"), statement("100", "20")];
        assert_eq!(revenue_at_risk_usd(&tenants, floor), Ok(Decimal::ZERO));
        assert_eq!(total(&tenants).expect("a sum").margin(), Some(decimal("0.7")));
        assert_eq!(concentration(&tenants), Ok(Some(Decimal::ONE)));
        assert_eq!(concentration(&tenants[..1]), Ok(None));
        assert_eq!(concentration(&[]), Ok(None));
    }
}
