//! Numbers and bytes as Ethereum's nodes write them in JSON.

use serde_json::Value;

/// A number that 64 bits hold: `"0x1b4"`.
pub(super) fn quantity(value: &Value) -> Option<u64> {
    u64::from_str_radix(value.as_str()?.strip_prefix("0x")?, 16).ok()
}

/// A number of up to 256 bits, as far as 128 bits hold it; more than that is enough for anything.
pub(super) fn amount(value: &Value) -> Option<u128> {
    let digits = value.as_str()?.strip_prefix("0x")?;
    let is_hex = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hex.then(|| u128::from_str_radix(digits, 16).unwrap_or(u128::MAX))
}

/// `"0x00ff"`.
pub(super) fn bytes(value: &Value) -> Option<Vec<u8>> {
    hex::decode(value.as_str()?.strip_prefix("0x")?).ok()
}

/// The bytes of a number, shortest form: what RLP encodes.
pub(super) fn number_bytes(value: &Value) -> Option<Vec<u8>> {
    let digits = value.as_str()?.strip_prefix("0x")?.trim_start_matches('0');
    hex::decode(if digits.len() % 2 == 0 { digits.to_owned() } else { format!("0{digits}") }).ok()
}

pub(super) fn hash(value: &Value) -> Option<[u8; 32]> {
    bytes(value)?.try_into().ok()
}

pub(super) fn to_quantity(number: u64) -> String {
    format!("0x{number:x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_nodes_write_them() {
        let value = |text: &str| Value::from(text);
        assert_eq!(quantity(&value("0x1b4")), Some(436));
        assert_eq!(quantity(&value("436")), None);
        assert_eq!(number_bytes(&value("0x0")), Some(Vec::new()));
        assert_eq!(number_bytes(&value("0x100")), Some(vec![1, 0]));
        assert_eq!(amount(&value(&format!("0x{}", "f".repeat(64)))), Some(u128::MAX));
        assert_eq!(amount(&value("0x")), None);
        assert_eq!(to_quantity(436), "0x1b4");
    }
}
