//! Shares of the traffic that people decide on, beside the selection by distance and load.
//!
//! Where shares are in force, a client's network falls to a cloud by weighted rendezvous hashing
//! ([`super::weight::rendezvous`], F10), as long as that cloud may serve; the shares of who may not go
//! to the others, and so does what a cloud has no room for ([`super::capacity`]). Without shares, whoever
//! serves the client's region answers.

use core::net::IpAddr;
use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::cloud::{Cloud, PerCloud};
use crate::economics::EconomicsError;
use crate::economics::quantity::{Share, float};

/// What clients are told apart by: smaller networks are seldom told to name servers.
pub const V4_BITS: u8 = 24;
pub const V6_BITS: u8 = 48;

/// By cloud, summing to 1; none: the selection alone decides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shares(pub BTreeMap<Cloud, Share>);

impl Shares {
    /// # Errors
    /// They sum to something else than 1.
    pub fn check(&self) -> Result<(), EconomicsError> {
        let sum: Decimal = self.0.values().map(|share| share.get()).sum();
        if self.0.is_empty() || sum == Decimal::ONE {
            return Ok(());
        }
        let problem = "must sum to 1";
        Err(EconomicsError::Inconsistent { what: "the shares of the traffic", problem })
    }

    /// As the selector takes them. `None`: there are none.
    #[must_use]
    pub fn wished(&self) -> Option<PerCloud<f64>> {
        let share = |cloud| self.0.get(&cloud).map_or(0.0, |share| float(share.get()));
        (!self.0.is_empty()).then(|| PerCloud::from_fn(share))
    }
}

/// Whoever may not serve has none, and the others keep their proportions. `None`: nobody of them may.
#[must_use]
pub fn among(shares: &PerCloud<f64>, may: impl Fn(Cloud) -> bool) -> Option<PerCloud<f64>> {
    let kept = shares.map(|cloud, share| if may(cloud) { *share } else { 0.0 });
    let sum: f64 = kept.iter().map(|(_, share)| share).sum();
    (sum > 0.0).then(|| kept.map(|_, share| share / sum))
}

/// The part of all networks that goes to another cloud when these shares become those: hashing by rendezvous
/// moves no more than it must.
#[must_use]
pub fn moved(now: &PerCloud<f64>, then: &PerCloud<f64>) -> f64 {
    now.iter().map(|(cloud, share)| (share - then.get(cloud)).max(0.0)).sum()
}

/// The network that an address is dealt by, such as `198.51.100.0/24`, and its bits.
#[must_use]
pub fn network_of(address: IpAddr) -> (String, u8) {
    match address.to_canonical() {
        IpAddr::V4(inner) => {
            let [a, b, c, _] = inner.octets();
            // Written as an IPv6 address, it has 96 bits before.
            let bits = if address.is_ipv6() { 96 + V4_BITS } else { V4_BITS };
            (format!("{a}.{b}.{c}.0/{V4_BITS}"), bits)
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            (format!("{a:x}:{b:x}:{c:x}::/{V6_BITS}"), V6_BITS)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabric::weight::rendezvous;

    #[test]
    fn shares_sum_to_one_or_there_are_none() {
        let shares = |texts: &[(Cloud, &str)]| {
            let share = |text: &str| Share::try_from(text.parse::<Decimal>().expect("a decimal"));
            let pairs = texts.iter().map(|(cloud, text)| (*cloud, share(text).expect("a share")));
            Shares(pairs.collect())
        };
        let uneven = shares(&[(Cloud::Gcp, "0.5"), (Cloud::Aws, "0.5")]);
        assert_eq!(uneven.check(), Ok(()));
        assert_eq!(uneven.wished(), Some(PerCloud { gcp: 0.5, aws: 0.5, azure: 0.0 }));
        assert_eq!((Shares::default().check(), Shares::default().wished()), (Ok(()), None));
        let short = shares(&[(Cloud::Gcp, "0.50"), (Cloud::Aws, "0.4")]).check();
        assert!(short.is_err());
    }

    #[test]
    fn what_moves_is_what_somebody_loses() {
        let now = PerCloud { gcp: 0.5, aws: 0.3, azure: 0.2 };
        let without = among(&now, |cloud| cloud != Cloud::Gcp).expect("two are left");
        assert!((moved(&now, &without) - 0.5).abs() < 1e-9);
        assert!((moved(&without, &now) - 0.5).abs() < 1e-9, "and back");
        assert!(moved(&now, &now).abs() < 1e-9);
    }

    #[test]
    fn networks_are_dealt_about_as_the_shares_say_and_stay_where_they_are() {
        let shares = BTreeMap::from([(Cloud::Gcp, 0.5), (Cloud::Aws, 0.3), (Cloud::Azure, 0.2)]);
        let left = BTreeMap::from([(Cloud::Gcp, 0.625), (Cloud::Aws, 0.375)]);
        let mut counts = BTreeMap::<Cloud, u32>::new();
        for number in 0..4_096_u32 {
            let address = IpAddr::from((number << 8).to_be_bytes());
            let (network, bits) = network_of(address);
            assert_eq!(bits, 24);
            let cloud = rendezvous(&network, &shares).expect("somebody");
            *counts.entry(cloud).or_default() += 1;
            if cloud != Cloud::Azure {
                assert_eq!(rendezvous(&network, &left), Some(cloud), "{network} does not move");
            }
        }
        let near = |cloud, share: f64| (f64::from(counts[&cloud]) / 4_096.0 - share).abs() < 0.03;
        let all = near(Cloud::Gcp, 0.5) && near(Cloud::Aws, 0.3) && near(Cloud::Azure, 0.2);
        assert!(all, "{counts:?}");
        let v6: IpAddr = "2001:db8:7:1::9".parse().expect("an address");
        assert_eq!(network_of(v6), ("2001:db8:7::/48".to_owned(), 48));
    }
}
