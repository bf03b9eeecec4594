//! What a transaction offers and may cost. All amounts are wei.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{Fault, Rpc};
use super::number::quantity;
use domain::anchor::state::RefusalKind;

/// Every transaction's (the yellow paper's G_transaction).
const GAS_BASE: u64 = 21_000;
/// EIP-7623, the floor for what is mostly calldata: ten for a zero byte, forty for another.
const GAS_ZERO_BYTE: u64 = 10;
const GAS_OTHER_BYTE: u64 = 40;
/// Blocks whose tips are looked at: about a minute.
const BLOCKS: &str = "0x5";
/// Nodes take a replacement that offers a tenth more (geth) or an eighth (others).
const RAISE_NUMERATOR: u64 = 9;
const RAISE_DENOMINATOR: u64 = 8;
/// The base fee rises by an eighth a block at most: twice as much is good for six full blocks.
const BASE_FEES: u64 = 2;

/// Wei a unit of gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fees {
    pub(super) tip: u64,
    /// The most, tip included.
    pub(super) fee: u64,
}

/// What the network asks for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Market {
    base: u64,
    tip: u64,
}

/// The gas that a transaction with this calldata to an account without code uses.
pub(super) fn gas_of(data: &[u8]) -> u64 {
    let zeros = data.iter().filter(|byte| **byte == 0).count() as u64;
    let others = data.len() as u64 - zeros;
    GAS_BASE + GAS_ZERO_BYTE * zeros + GAS_OTHER_BYTE * others
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct History {
    base_fee_per_gas: Vec<Value>,
    #[serde(default)]
    reward: Option<Vec<Vec<Value>>>,
}

impl Market {
    pub(super) async fn ask(rpc: &Rpc) -> Result<Self, Fault> {
        let params = json!([BLOCKS, "latest", [50]]);
        let history: History = rpc.call("eth_feeHistory", params).await?;
        let unread = || Fault::Away(format!("{}: eth_feeHistory cannot be read", rpc.at()));
        // The last is that of the block to come.
        let base = history.base_fee_per_gas.last().and_then(quantity).ok_or_else(unread)?;
        let rewards = history.reward.unwrap_or_default();
        let mut tips: Vec<u64> =
            rewards.iter().filter_map(|block| block.first().and_then(quantity)).collect();
        tips.sort_unstable();
        let tip = tips.get(tips.len() / 2).copied().unwrap_or(0).max(1);
        Ok(Market { base, tip })
    }

    /// What to offer under a cap, and more than `before` where that is replaced.
    pub(super) fn offer(self, before: Option<Fees>, fee_max: u64) -> Result<Fees, Fault> {
        let raised = |old: u64| (old / RAISE_DENOMINATOR + 1).saturating_mul(RAISE_NUMERATOR);
        let tip = before.map_or(self.tip, |old| raised(old.tip).max(self.tip));
        let wanted = self.base.saturating_mul(BASE_FEES).saturating_add(tip);
        let fee_least = before.map_or(self.base.saturating_add(tip), |old| raised(old.fee));
        if fee_least > fee_max {
            let words = format!(
                "the network asks for {} gwei a unit of gas, and anchor.ethereum.max_fee_gwei is {}",
                gwei(fee_least),
                gwei(fee_max)
            );
            return Err(Fault::refused(RefusalKind::FeeTooHigh, words));
        }
        let fee = wanted.max(fee_least).min(fee_max);
        Ok(Fees { tip: tip.min(fee), fee })
    }
}

/// For people.
pub(super) fn gwei(wei: u64) -> String {
    const GWEI: u64 = 1_000_000_000;
    decimal(wei, GWEI)
}

pub(super) fn ether(wei: u64) -> String {
    const ETHER: u64 = 1_000_000_000_000_000_000;
    decimal(wei, ETHER)
}

/// Whole and fraction, without zeros at the end.
fn decimal(amount: u64, unit: u64) -> String {
    let digits = unit.ilog10() as usize;
    let text = format!("{}.{:0digits$}", amount / unit, amount % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GWEI: u64 = 1_000_000_000;

    #[test]
    fn calldata_costs_what_eip_7623_says() {
        assert_eq!(gas_of(&[]), 21_000);
        assert_eq!(gas_of(&[0, 0, 1]), 21_000 + 20 + 40);
        assert_eq!(gas_of(&[1; 40]), 22_600);
    }

    #[test]
    fn an_offer_leaves_room_for_the_base_fee_to_rise_and_stays_below_the_cap() {
        let market = Market { base: 10 * GWEI, tip: GWEI };
        assert_eq!(market.offer(None, 50 * GWEI), Ok(Fees { tip: GWEI, fee: 21 * GWEI }));
        assert_eq!(market.offer(None, 15 * GWEI), Ok(Fees { tip: GWEI, fee: 15 * GWEI }));
        let refused = market.offer(None, 10 * GWEI).expect_err("too dear").to_string();
        assert!(refused.contains("asks for 11 gwei") && refused.contains("is 10"), "{refused}");
    }

    #[test]
    fn a_replacement_offers_an_eighth_more_of_both() {
        let market = Market { base: GWEI, tip: 1 };
        let before = Fees { tip: 1, fee: 8 * GWEI };
        let raised = market.offer(Some(before), 50 * GWEI).expect("allowed");
        assert!(raised.fee >= 9 * GWEI && raised.tip >= 2, "{raised:?}");
        assert!(market.offer(Some(before), 8 * GWEI).is_err());
    }

    #[test]
    fn amounts_are_written_without_zeros_at_the_end() {
        assert_eq!(
            (gwei(1_500_000_000), gwei(0), ether(1)),
            ("1.5".to_owned(), "0".to_owned(), "0.000000000000000001".to_owned())
        );
    }
}
