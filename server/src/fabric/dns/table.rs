//! What is answered now, and the names that do not change while the node runs.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::str::FromStr as _;

use domain::cloud::{Cloud, PerCloud};
use domain::fabric::network::{Found, Networks, RegionIndex};
use domain::fabric::selector::{ANYWHERE, Selection};
use domain::fabric::shares::network_of;
use domain::fabric::weight::rendezvous;
use hickory_proto::rr::Name;

use super::DnsError;
use crate::fabric::Plan;

/// Names and addresses, as configured.
#[derive(Debug)]
pub(super) struct Zone {
    pub(super) apex: Name,
    /// What clients resolve.
    pub(super) service: Name,
    /// Where the reasons stand.
    pub(super) explain: Name,
    /// One name server a cloud.
    pub(super) servers: PerCloud<Name>,
    pub(super) mailbox: Name,
    /// This node's, in the SOA.
    pub(super) me: Cloud,
    pub(super) addresses: PerCloud<Vec<IpAddr>>,
    pub(super) networks: Networks,
    regions: Vec<String>,
}

impl Zone {
    pub(super) fn of(me: Cloud, plan: &Plan) -> Result<Self, DnsError> {
        let mut networks = Networks::default();
        let mut regions: Vec<String> = Vec::new();
        for (network, region) in &plan.networks {
            let known = regions.iter().position(|known| known == region);
            let index = known.unwrap_or_else(|| {
                regions.push(region.clone());
                regions.len() - 1
            });
            // 65536 regions are more than the selector takes.
            if let Ok(index) = RegionIndex::try_from(index) {
                networks.insert(*network, index);
            }
        }
        let below = |label: &str, parent: &str| name(&format!("{label}.{parent}"));
        let mut servers = Vec::new();
        for cloud in Cloud::ALL {
            servers.push(below(&format!("ns-{cloud}"), &plan.zone)?);
        }
        Ok(Zone {
            apex: name(&plan.zone)?,
            service: name(&plan.name)?,
            explain: below("explain", &plan.name)?,
            servers: PerCloud::from_fn(|cloud| servers[cloud.index()].clone()),
            mailbox: below("hostmaster", &plan.zone)?,
            me,
            addresses: plan.addresses.clone(),
            networks,
            regions,
        })
    }

    pub(super) fn region_name(&self, region: Option<RegionIndex>) -> &str {
        let known = region.and_then(|region| self.regions.get(usize::from(region)));
        known.map_or(ANYWHERE, String::as_str)
    }
}

fn name(text: &str) -> Result<Name, DnsError> {
    Name::from_str(&format!("{text}.")).map_err(|_| DnsError::Name(text.to_owned()))
}

/// One turn of the selector, as it is answered.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) selection: Selection,
    /// The last switch that is final: the zone's serial number.
    pub(super) version: u64,
    anywhere: Cloud,
    by_region: Vec<Cloud>,
    /// Where people decided on shares, a client's network decides.
    shares: Option<BTreeMap<Cloud, f64>>,
}

impl Table {
    pub(super) fn of(zone: &Zone, selection: &Selection, version: u64) -> Self {
        let pick = |region: &str| selection.regions.get(region).map(|choice| choice.pick);
        let anywhere = pick(ANYWHERE).unwrap_or(zone.me);
        let by_region = zone.regions.iter().map(|region| pick(region).unwrap_or(anywhere));
        let by_region = by_region.collect();
        let shares = selection.shares.as_ref();
        let shares = shares.map(|all| all.iter().map(|(cloud, share)| (cloud, *share)).collect());
        Table { selection: selection.clone(), version, anywhere, by_region, shares }
    }

    /// Who serves, and how many bits of the address it took to know that.
    pub(super) fn pick(&self, found: Found, address: IpAddr) -> (Cloud, u8) {
        if let Some(shares) = &self.shares {
            let (network, bits) = network_of(address);
            if let Some(cloud) = rendezvous(&network, shares) {
                return (cloud, found.scope.max(bits));
            }
        }
        let known = found.region.and_then(|region| self.by_region.get(usize::from(region)));
        (known.copied().unwrap_or(self.anywhere), found.scope)
    }
}
