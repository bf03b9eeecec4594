//! What each network asks of a header. A header alone does not say which network it is from.

use std::fmt;
use std::str::FromStr;

use crate::anchor::bitcoin::Target;

/// Which chain a header must be from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    Mainnet,
    /// Coins without value: blocks may be as easy as the first ever.
    Testnet,
    /// One developer's own chain: two tries make a block.
    Regtest,
}

/// The least work that Bitcoin ever asked for, in 2009.
const FIRST: u32 = 0x1d00_ffff;
const REGTEST: u32 = 0x207f_ffff;
/// Since 2016 the main chain's target has always been below 2^188 (two thirds of it in January 2016,
/// and a thousandth of that ten years later). Whoever makes up a later block must do at least 2^68
/// tries, instead of the 2^32 that a laptop does in minutes.
const SINCE_2016: u32 = 0x1810_0000;
const YEAR_2016_UNIX_S: u32 = 1_451_606_400;

impl Network {
    /// The easiest target that a block of this time can have had.
    pub(super) fn easiest(self, time_unix_s: u32) -> Target {
        let bits = match self {
            Network::Mainnet if time_unix_s >= YEAR_2016_UNIX_S => SINCE_2016,
            Network::Mainnet | Network::Testnet => FIRST,
            Network::Regtest => REGTEST,
        };
        Target::from_bits(bits).unwrap_or(Target::NOTHING)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Network::Mainnet => "mainnet",
            Network::Testnet => "testnet",
            Network::Regtest => "regtest",
        })
    }
}

/// The text names no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a Bitcoin network: mainnet, testnet or regtest")]
pub struct UnknownNetwork(pub String);

impl FromStr for Network {
    type Err = UnknownNetwork;

    fn from_str(text: &str) -> Result<Self, UnknownNetwork> {
        [Network::Mainnet, Network::Testnet, Network::Regtest]
            .into_iter()
            .find(|network| network.to_string() == text)
            .ok_or_else(|| UnknownNetwork(text.to_owned()))
    }
}
