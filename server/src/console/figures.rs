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
    to_places(usd, places_of(usd))
}

/// With its sign, whichever it is.
pub(super) fn signed_dollars(usd: Decimal) -> String {
    with_plus(usd, rounded_dollars(usd))
}

/// From what to what, and by how much: what is shown adds up.
pub(super) fn moved_dollars([was, is]: [Decimal; 2]) -> [String; 3] {
    let places = places_of(was.abs().max(is.abs()));
    let [was, is] = [was, is].map(|usd| usd.round_dp(places));
    let moved = is - was;
    [to_places(was, places), to_places(is, places), with_plus(moved, to_places(moved, places))]
}

fn places_of(usd: Decimal) -> u32 {
    if usd.abs() < Decimal::ONE { 4 } else { 2 }
}

fn with_plus(usd: Decimal, text: String) -> String {
    if usd > Decimal::ZERO { format!("+{text}") } else { text }
}

fn to_places(usd: Decimal, places: u32) -> String {
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
    fn a_change_is_the_difference_of_what_is_shown() {
        let moved = |was: &str, is: &str| {
            moved_dollars([was, is].map(|usd| usd.parse().expect("a decimal")))
        };
        assert_eq!(moved("0.2352", "0.28224"), ["$0.2352", "$0.2822", "+$0.0470"]);
        assert_eq!(moved("1.0749", "1.1451"), ["$1.07", "$1.15", "+$0.08"]);
        assert_eq!(moved("1.20", "0.9"), ["$1.20", "$0.90", "−$0.30"]);
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(grouped(1_000_000_i64), "1,000,000");
        assert_eq!(grouped("12.50".parse::<Decimal>().expect("a decimal")), "12.5");
    }
}
