//! The gross margin: one formula, one window and one way to write it, for everything that shows a
//! tenant's margin or decides on it.

use rust_decimal::Decimal;

use crate::clock::{DAY_MS, Timestamp};
use crate::economics::quantity::Share;

/// Places of a margin, as a share of the revenue.
pub const DECIMALS: u32 = 4;

/// `1 − cost / revenue − penalty rate`. `None` where nothing is brought in. A penalty is a share of
/// what is charged, so at another price its rate stays and its dollars move.
#[must_use]
pub fn gross(revenue_usd: Decimal, cost_usd: Decimal, penalty_rate: Share) -> Option<Decimal> {
    let cost = cost_usd.checked_div(revenue_usd)?;
    let margin = Decimal::ONE.checked_sub(cost)?.checked_sub(penalty_rate.get())?;
    Some(margin.round_dp(DECIMALS).normalize())
}

/// Whole hours of usage that end with the last full one: what is asked again within the hour is the
/// same question, over whatever is final by then.
#[must_use]
pub fn window(now: Timestamp, days: u32) -> (Timestamp, Timestamp) {
    let to = now.hour();
    let from = to.unix_ms().saturating_sub(i64::from(days) * DAY_MS);
    (Timestamp::from_unix_ms(from), to)
}

/// `−8.3 %`: percent with one decimal, wherever people read a margin.
#[must_use]
pub fn told(margin: Decimal) -> String {
    let percent = margin.checked_mul(Decimal::ONE_HUNDRED).unwrap_or(margin).round_dp(1);
    let sign = if percent.is_sign_negative() && !percent.is_zero() { "−" } else { "" };
    format!("{sign}{:.1} %", percent.abs())
}

/// The same of what was reckoned in floats.
#[must_use]
pub fn told_float(margin: f64) -> String {
    told(Decimal::try_from(margin).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economics::quantity::decimal;

    #[test]
    fn a_margin_is_what_neither_providers_nor_service_levels_take() {
        let owed = Share::new("what is owed", decimal("0.1")).expect("a share");
        let margin = |revenue, cost| gross(decimal(revenue), decimal(cost), owed);
        assert_eq!(margin("6", "3"), Some(decimal("0.4")));
        // At half the price the rate is the same, and so half the dollars.
        assert_eq!(margin("3", "3"), Some(decimal("-0.1")));
        assert_eq!(margin("0", "3"), None);
    }

    #[test]
    fn a_window_ends_with_the_last_whole_hour() {
        let time = |text: &str| text.parse::<Timestamp>().expect("a time");
        let (from, to) = window(time("2026-11-26T12:59:59.999Z"), 30);
        assert_eq!((from, to), (time("2026-10-27T12:00:00Z"), time("2026-11-26T12:00:00Z")));
    }

    #[test]
    fn people_read_a_margin_in_percent_with_one_decimal() {
        let texts = ["0.0833", "0.3", "-0.0421", "-0.0001", "1"].map(|it| told(decimal(it)));
        assert_eq!(texts, ["8.3 %", "30.0 %", "−4.2 %", "0.0 %", "100.0 %"]);
        assert_eq!(told(Decimal::MAX), format!("{:.1} %", Decimal::MAX), "no number is a panic");
    }
}
