//! Amounts and counts, as the screens write them.

use rust_decimal::Decimal;

/// `$1,204.50`, `−$0.0034`: all its places, and at least cents.
pub(super) fn dollars(amount: Decimal) -> String {
    let amount = amount.normalize();
    let sign = if amount.is_sign_negative() && !amount.is_zero() { "−" } else { "" };
    let text = amount.abs().to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    format!("{sign}${}.{fraction:0<2}", thousands(whole))
}

pub(super) fn grouped(number: impl Into<Decimal>) -> String {
    let text = number.into().normalize().to_string();
    let (whole, fraction) =
        text.split_once('.').map_or((text.as_str(), None), |(a, b)| (a, Some(b)));
    fraction.map_or_else(|| thousands(whole), |fraction| format!("{}.{fraction}", thousands(whole)))
}

fn thousands(digits: &str) -> String {
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// At least cents; four places below a dollar.
pub(super) fn rounded_dollars(usd: Decimal) -> String {
    let places = if usd.abs() < Decimal::ONE { 4 } else { 2 };
    let sign = if usd.is_sign_negative() && !usd.is_zero() { "−" } else { "" };
    format!("{sign}${:.1$}", usd.abs().round_dp(places), places as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_with_all_their_places_and_at_least_cents() {
        let usd = |text: &str| dollars(text.parse().expect("a decimal"));
        assert_eq!(usd("0"), "$0.00");
        assert_eq!(usd("-0.0034"), "−$0.0034");
        assert_eq!(usd("1204567.5"), "$1,204,567.50");
        assert_eq!(usd("999"), "$999.00");
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(grouped(1_000_000_i64), "1,000,000");
        assert_eq!(grouped("12.50".parse::<Decimal>().expect("a decimal")), "12.5");
    }
}
