//! Amounts as Bitcoin's nodes write them: decimal numbers of whole coins. Here they are satoshi.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::Value;

const SATOSHI: u32 = 8;

/// Satoshi of a JSON number such as `0.00001410`. `None` if it is negative or no amount.
pub(super) fn satoshi(value: &Value) -> Option<u64> {
    let text = value.as_number()?.to_string();
    let coins = text.parse::<Decimal>().or_else(|_| Decimal::from_scientific(&text)).ok()?;
    let whole = coins.checked_mul(Decimal::from(100_000_000_u64))?.round();
    whole.to_u64()
}

/// Coins of satoshi, for people and for nodes: all eight decimals.
pub(super) fn bitcoin(satoshi: u64) -> String {
    let whole = i128::from(satoshi);
    Decimal::from_i128_with_scale(whole, SATOSHI).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn amounts_are_read_and_written_without_loss() {
        for (json, expected) in
            [("0.0000141", 1410), ("1e-8", 1), ("50", 5_000_000_000), ("0.1", 10_000_000)]
        {
            let value: Value = serde_json::from_str(json).expect("a number");
            assert_eq!(satoshi(&value), Some(expected), "{json}");
        }
        assert_eq!(satoshi(&json!(-1)), None);
        assert_eq!(satoshi(&json!("1")), None);
        assert_eq!(bitcoin(1410), "0.00001410");
    }
}
