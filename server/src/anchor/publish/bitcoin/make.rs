//! Making transactions: coins of the wallet in, the hash and the change out.
//!
//! The coins are chosen here and not by `fundrawtransaction`: it would spend the unconfirmed change
//! of another anchor, and raising that one's fee would take the ground from under this one.

use domain::anchor::bitcoin::{OutPoint, Sha256d, Transaction};
use domain::anchor::commitment;
use domain::anchor::state::{Attempt, RefusalKind};
use domain::log::Hash;
use serde_json::{Value, json};

use super::money::{bitcoin, satoshi};
use super::{Bitcoin, Fault, RpcError, Wish, parse};

/// Blocks in which it shall be taken.
const TARGET_BLOCKS: u32 = 6;
/// Signals that it may be replaced (BIP 125).
const SEQUENCE: u32 = 0xffff_fffd;
/// Less change than this is not worth an output, and nodes relay none that is dust.
const CHANGE_MIN: u64 = 1_000;
/// A replacement pays for itself once more: nodes ask one satoshi a virtual byte.
const RAISE_RATE: u64 = 2;
/// Beyond so many coins a transaction is too large for the clouds to vote on. Few large coins.
const COINS_MAX: usize = 8;
const SATOSHI_A_KILOBYTE: u64 = 1_000;

/// A coin of the wallet.
#[derive(Clone, Debug)]
struct Coin {
    point: OutPoint,
    value: u64,
}

/// Everything of a transaction but its fee.
#[derive(Debug)]
struct Plan {
    coins: Vec<OutPoint>,
    /// Of all coins together.
    value: u64,
    change_to: String,
    subject: Hash,
}

/// One that the wallet has signed.
#[derive(Debug)]
struct Signed {
    bytes: Vec<u8>,
    transaction: Transaction,
    /// Virtual bytes.
    size: u64,
}

impl Bitcoin {
    pub(super) async fn fund(&self, wish: &Wish<'_>) -> Result<Attempt, Fault> {
        let rate = self.rate().await?;
        let coins = self.coins(wish).await?;
        let address: String = self.node.rpc().call("getrawchangeaddress", json!([])).await?;
        let mut chosen: Vec<Coin> = Vec::new();
        for coin in coins.into_iter().take(COINS_MAX) {
            chosen.push(coin);
            let plan = Plan {
                coins: chosen.iter().map(|coin| coin.point).collect(),
                value: chosen.iter().map(|coin| coin.value).sum(),
                change_to: address.clone(),
                subject: wish.subject,
            };
            if let Some(attempt) = self.paying(&plan, wish, rate, 0).await? {
                self.lock(&plan.coins).await?;
                return Ok(attempt);
            }
        }
        let words = "the wallet has too little in confirmed coins that no other anchor spends: send \
                     some there, or wait for its change";
        Err(Fault::refused(RefusalKind::InsufficientFunds, words))
    }

    /// The same coins, less change.
    pub(super) async fn raise(&self, wish: &Wish<'_>, before: &Attempt) -> Result<Attempt, Fault> {
        let unread = || self.node.unread("the stored transaction");
        let old = parse(before).ok_or_else(unread)?;
        let raw = json!([hex::encode(&before.bytes)]);
        let decoded: Value = self.node.rpc().call("decoderawtransaction", raw).await?;
        let size = decoded["vsize"].as_u64().filter(|size| *size > 0).ok_or_else(unread)?;
        let change = old.outputs().iter().map(|output| output.value_satoshi).sum::<u64>();
        let plan = Plan {
            coins: old.inputs().to_vec(),
            value: change + before.cost_max,
            change_to: change_address(&decoded).ok_or_else(unread)?,
            subject: wish.subject,
        };
        let fee_least = before.cost_max + RAISE_RATE * size;
        let rate = self.rate().await?.max(fee_least.div_ceil(size));
        self.within_rate(rate)?;
        let raised = self.paying(&plan, wish, rate, fee_least).await?;
        raised.ok_or_else(|| {
            let words = "the change does not cover a higher fee";
            Fault::refused(RefusalKind::InsufficientFunds, words)
        })
    }

    /// Signed at a rate; `None` if the coins do not cover that.
    async fn paying(
        &self,
        plan: &Plan,
        wish: &Wish<'_>,
        rate: u64,
        fee_least: u64,
    ) -> Result<Option<Attempt>, Fault> {
        // Signed once to learn its size.
        let Some(most) = plan.value.checked_sub(CHANGE_MIN) else { return Ok(None) };
        let size = self.signed(plan, most).await?.size;
        let fee = (rate * size).max(fee_least);
        let Some(change) = plan.value.checked_sub(fee).filter(|change| *change >= CHANGE_MIN)
        else {
            return Ok(None);
        };
        self.within_budget(fee, wish.left)?;
        let signed = self.signed(plan, change).await?;
        let name = signed.transaction.id().to_string();
        let (number, made_at) = (wish.number, wish.now);
        Ok(Some(Attempt { number, name, bytes: signed.bytes, cost_max: fee, made_at }))
    }

    async fn signed(&self, plan: &Plan, change: u64) -> Result<Signed, Fault> {
        let input = |point: &OutPoint| {
            let txid = point.transaction.to_string();
            json!({ "txid": txid, "vout": point.index, "sequence": SEQUENCE })
        };
        let inputs: Vec<Value> = plan.coins.iter().map(input).collect();
        let data = json!({ "data": hex::encode(commitment(plan.subject)) });
        let paid = json!({ plan.change_to.as_str(): bitcoin(change) });
        let params = json!([inputs, [data, paid]]);
        let rpc = self.node.rpc();
        let raw: String = rpc.call("createrawtransaction", params).await?;
        let signed: Result<Value, RpcError> =
            rpc.call("signrawtransactionwithwallet", json!([raw])).await;
        let signed = match signed {
            Ok(signed) => signed,
            // Locked, for example.
            Err(error) if error.node_message().is_some() => {
                return Err(Fault::refused(RefusalKind::Refused, error));
            }
            Err(error) => return Err(error.into()),
        };
        if signed["complete"] != true {
            let words = "the wallet does not hold the keys of these coins";
            return Err(Fault::refused(RefusalKind::Refused, words));
        }
        self.checked(plan, &signed["hex"]).await
    }

    /// Believes neither wallet nor node that what was signed is what was asked for.
    async fn checked(&self, plan: &Plan, raw: &Value) -> Result<Signed, Fault> {
        let unread = || self.node.unread("the signed transaction");
        let bytes = raw.as_str().and_then(|text| hex::decode(text).ok()).ok_or_else(unread)?;
        let transaction = Transaction::parse(&bytes).map_err(|_| unread())?;
        let data = commitment(plan.subject);
        let carries = transaction.outputs().iter().any(|one| one.carried() == Some(&data[..]));
        if !carries || transaction.inputs() != plan.coins {
            return Err(Fault::refused(RefusalKind::Unproven, "the node changed the transaction"));
        }
        let decoded: Value = self.node.rpc().call("decoderawtransaction", json!([raw])).await?;
        let size = decoded["vsize"].as_u64().ok_or_else(unread)?;
        Ok(Signed { bytes, transaction, size })
    }

    /// Confirmed coins that no other anchor spends, the largest first.
    async fn coins(&self, wish: &Wish<'_>) -> Result<Vec<Coin>, Fault> {
        let taken: Vec<OutPoint> =
            wish.others.iter().filter_map(parse).fold(Vec::new(), |taken, transaction| {
                [taken.as_slice(), transaction.inputs()].concat()
            });
        let listed: Vec<Value> = self.node.rpc().call("listunspent", json!([1])).await?;
        let mut coins: Vec<Coin> = listed.iter().filter_map(coin).collect();
        coins.retain(|coin| !taken.contains(&coin.point));
        coins.sort_by_key(|coin| std::cmp::Reverse(coin.value));
        Ok(coins)
    }

    /// Keeps people who use the wallet beside us from spending them. The lock ends with the node's
    /// process, and nothing rests on it.
    async fn lock(&self, coins: &[OutPoint]) -> Result<(), Fault> {
        let points: Vec<Value> = coins
            .iter()
            .map(|point| json!({ "txid": point.transaction.to_string(), "vout": point.index }))
            .collect();
        let locked: Result<Value, RpcError> =
            self.node.rpc().call("lockunspent", json!([false, points])).await;
        match locked {
            Err(error) if error.node_message().is_none() => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Satoshi a virtual byte that the network asks for.
    async fn rate(&self) -> Result<u64, Fault> {
        let rpc = self.node.rpc();
        let estimate: Value = rpc.call("estimatesmartfee", json!([TARGET_BLOCKS])).await?;
        let pool: Value = rpc.call("getmempoolinfo", json!([])).await?;
        let rates = [&estimate["feerate"], &pool["mempoolminfee"], &pool["minrelaytxfee"]];
        let highest = rates.into_iter().filter_map(satoshi).max().unwrap_or(0);
        let rate = highest.div_ceil(SATOSHI_A_KILOBYTE).max(1);
        self.within_rate(rate)?;
        Ok(rate)
    }

    fn within_rate(&self, rate: u64) -> Result<(), Fault> {
        let most = self.limits.rate_max;
        if rate <= most {
            return Ok(());
        }
        let words = format!(
            "the network asks for {rate} satoshi a virtual byte, and \
             anchor.bitcoin.max_fee_sat_per_vbyte is {most}"
        );
        Err(Fault::refused(RefusalKind::FeeTooHigh, words))
    }

    fn within_budget(&self, fee: u64, left: Option<u64>) -> Result<(), Fault> {
        match left {
            Some(left) if fee > left => {
                let words = format!(
                    "it costs {} BTC, and {} BTC of this month's \
                     anchor.bitcoin.max_spend_btc_per_month are left",
                    bitcoin(fee),
                    bitcoin(left)
                );
                Err(Fault::refused(RefusalKind::SpendingLimit, words))
            }
            _ => Ok(()),
        }
    }

    pub(super) async fn balance(&self) -> Result<u64, Fault> {
        let found: Value = self.node.rpc().call("getbalance", json!([])).await?;
        satoshi(&found).ok_or_else(|| self.node.unread("getbalance"))
    }
}

fn coin(of: &Value) -> Option<Coin> {
    if of["spendable"] != true || of["safe"] == false {
        return None;
    }
    let mut id: [u8; 32] = hex::decode(of["txid"].as_str()?).ok()?.try_into().ok()?;
    id.reverse(); // shown from its last byte on
    let index = u32::try_from(of["vout"].as_u64()?).ok()?;
    let point = OutPoint { transaction: Sha256d(id), index };
    Some(Coin { point, value: satoshi(&of["amount"])? })
}

/// Of the output that is not the hash. Older nodes list addresses, newer ones name one.
fn change_address(decoded: &Value) -> Option<String> {
    decoded["vout"].as_array()?.iter().find_map(|output| {
        let script = &output["scriptPubKey"];
        let address = script["address"].as_str().or_else(|| script["addresses"][0].as_str());
        address.map(str::to_owned)
    })
}
