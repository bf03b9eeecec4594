//! Where hashes of snapshots are published. With nothing here they are anchored nowhere outside.

use std::path::{Path, PathBuf};

use domain::anchor::bitcoin::Network;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Config, Secret};
use crate::anchor::publish::{EXPLORERS_MIN, Endpoint};

/// The setting that breaks a rule, and which.
type Broken = (&'static str, String);

/// Two epochs: by then a block is finalised unless a third of the stake is at fault.
const ETHEREUM_CONFIRMATIONS: u64 = 64;
/// What exchanges wait for.
const BITCOIN_CONFIRMATIONS: u64 = 6;
/// More than anybody waits for.
const CONFIRMATIONS_MAX: u64 = 10_000;
/// A proof has room for some more attestations than that.
const CALENDARS_MAX: usize = 8;
const GWEI_DECIMALS: u32 = 9;
const ETHER_DECIMALS: u32 = 18;
const BITCOIN_DECIMALS: u32 = 8;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Anchor {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ethereum: Option<AnchorEthereum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bitcoin: Option<AnchorBitcoin>,
    /// OpenTimestamps calendars, such as `https://alice.btc.calendar.opentimestamps.org`.
    pub calendars: Vec<String>,
    /// Block explorers with Esplora's interface, two at least: who says which blocks are in Bitcoin's
    /// chain where no node of ours does.
    pub explorers: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp_authority: Option<AnchorAuthority>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnchorEthereum {
    /// The node's JSON-RPC. Such addresses often hold a key.
    pub url: Secret,
    /// 1 is the main network. A node on another chain is not used.
    pub chain_id: u64,
    /// 64 hex digits, readable by this account alone.
    pub key_file: PathBuf,
    /// The most that is offered for a unit of gas, tip included.
    pub max_fee_gwei: Decimal,
    pub max_spend_eth_per_month: Decimal,
    #[serde(default = "ethereum_confirmations")]
    pub confirmations: u64,
    /// Everything but sending.
    #[serde(default)]
    pub dry_run: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnchorBitcoin {
    /// The RPC of Bitcoin Core; with `/wallet/NAME` where the node has several.
    pub url: Secret,
    /// The node's `.cookie`; or else user and password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie_file: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    #[serde(default = "mainnet", serialize_with = "as_text", deserialize_with = "of_text")]
    pub network: Network,
    pub max_fee_sat_per_vbyte: u64,
    pub max_spend_btc_per_month: Decimal,
    #[serde(default = "bitcoin_confirmations")]
    pub confirmations: u64,
    #[serde(default)]
    pub dry_run: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnchorAuthority {
    pub url: Secret,
    /// Certificates by which it is known: its root, and what lies between, in PEM.
    pub ca_file: PathBuf,
}

const fn ethereum_confirmations() -> u64 {
    ETHEREUM_CONFIRMATIONS
}

const fn bitcoin_confirmations() -> u64 {
    BITCOIN_CONFIRMATIONS
}

const fn mainnet() -> Network {
    Network::Mainnet
}

fn as_text<S: Serializer>(network: &Network, out: S) -> Result<S::Ok, S::Error> {
    out.collect_str(network)
}

fn of_text<'de, D: Deserializer<'de>>(input: D) -> Result<Network, D::Error> {
    String::deserialize(input)?.parse().map_err(serde::de::Error::custom)
}

/// An amount in its smallest unit; `None` if it is negative, finer than that, or too large.
fn smallest(amount: Decimal, decimals: u32) -> Option<u64> {
    let scaled = amount.checked_mul(Decimal::from(10_u64.pow(decimals)))?;
    scaled.is_integer().then(|| scaled.to_u64()).flatten()
}

impl AnchorEthereum {
    /// In wei; the rules have seen to it that it fits.
    #[must_use]
    pub fn fee_max(&self) -> u64 {
        smallest(self.max_fee_gwei, GWEI_DECIMALS).unwrap_or(0)
    }

    /// In wei.
    #[must_use]
    pub fn month_max(&self) -> u64 {
        smallest(self.max_spend_eth_per_month, ETHER_DECIMALS).unwrap_or(0)
    }
}

impl AnchorBitcoin {
    /// In satoshi.
    #[must_use]
    pub fn month_max(&self) -> u64 {
        smallest(self.max_spend_btc_per_month, BITCOIN_DECIMALS).unwrap_or(0)
    }
}

impl Anchor {
    /// Relative paths start at the configuration's folder.
    pub(super) fn start_at(&mut self, folder: &Path) {
        let key = self.ethereum.as_mut().map(|ethereum| &mut ethereum.key_file);
        let cookie = self.bitcoin.as_mut().and_then(|bitcoin| bitcoin.cookie_file.as_mut());
        let ca = self.timestamp_authority.as_mut().map(|authority| &mut authority.ca_file);
        for path in [key, cookie, ca].into_iter().flatten() {
            *path = folder.join(&*path);
        }
    }
}

pub(super) fn rules(config: &Config) -> Result<(), Broken> {
    let anchor = &config.anchor;
    anchor.ethereum.as_ref().map_or(Ok(()), ethereum)?;
    anchor.bitcoin.as_ref().map_or(Ok(()), bitcoin)?;
    if let Some(authority) = &anchor.timestamp_authority {
        address("anchor.timestamp_authority.url", authority.url.expose())?;
    }
    for calendar in &anchor.calendars {
        address("anchor.calendars", calendar)?;
    }
    if anchor.calendars.len() > CALENDARS_MAX {
        return Err(("anchor.calendars", format!("must name at most {CALENDARS_MAX}")));
    }
    for explorer in &anchor.explorers {
        address("anchor.explorers", explorer)?;
    }
    if (1..EXPLORERS_MIN).contains(&anchor.explorers.len()) {
        let what = "must name two at least: what one explorer alone says is not used".to_owned();
        return Err(("anchor.explorers", what));
    }
    Ok(())
}

/// The address itself is not repeated: it may hold a key.
fn address(setting: &'static str, text: &str) -> Result<(), Broken> {
    Endpoint::new(text).map(drop).map_err(|error| (setting, error.to_string()))
}

fn ethereum(of: &AnchorEthereum) -> Result<(), Broken> {
    address("anchor.ethereum.url", of.url.expose())?;
    amount("anchor.ethereum.max_fee_gwei", of.max_fee_gwei, GWEI_DECIMALS)?;
    amount("anchor.ethereum.max_spend_eth_per_month", of.max_spend_eth_per_month, ETHER_DECIMALS)?;
    depth("anchor.ethereum.confirmations", of.confirmations)
}

fn bitcoin(of: &AnchorBitcoin) -> Result<(), Broken> {
    address("anchor.bitcoin.url", of.url.expose())?;
    let by_cookie = of.cookie_file.is_some();
    let by_password = of.user.is_some() && of.password.is_some();
    if by_cookie == by_password || of.user.is_some() != of.password.is_some() {
        let what = "give either cookie_file, or user and password".to_owned();
        return Err(("anchor.bitcoin.cookie_file", what));
    }
    if of.max_fee_sat_per_vbyte == 0 {
        return Err(("anchor.bitcoin.max_fee_sat_per_vbyte", "must be more than 0".to_owned()));
    }
    amount("anchor.bitcoin.max_spend_btc_per_month", of.max_spend_btc_per_month, BITCOIN_DECIMALS)?;
    depth("anchor.bitcoin.confirmations", of.confirmations)
}

fn amount(setting: &'static str, amount: Decimal, decimals: u32) -> Result<(), Broken> {
    if smallest(amount, decimals).is_some_and(|smallest| smallest > 0) {
        return Ok(());
    }
    let what = format!("must be more than 0, with at most {decimals} decimals, and no fortune");
    Err((setting, what))
}

fn depth(setting: &'static str, confirmations: u64) -> Result<(), Broken> {
    if (1..=CONFIRMATIONS_MAX).contains(&confirmations) {
        return Ok(());
    }
    Err((setting, format!("must be 1 to {CONFIRMATIONS_MAX}")))
}
