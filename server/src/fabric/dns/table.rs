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
use hickory_proto::serialize::binary::BinEncodable as _;

use super::DnsError;
use super::quick::Ready;
use crate::fabric::Plan;

/// Names and addresses, as configured.
#[derive(Debug)]
pub(super) struct Zone {
    pub(super) apex: Name,
    /// What clients resolve.
    pub(super) service: Name,
    /// The same in small letters, as it stands in messages.
    pub(super) service_wire: Vec<u8>,
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
        let service = name(&plan.name)?;
        let service_wire = service.to_lowercase().to_bytes();
        let service_wire = service_wire.map_err(|_| DnsError::Name(plan.name.clone()))?;
        Ok(Zone {
            apex: name(&plan.zone)?,
            service,
            service_wire,
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
    anywhere: Serving,
    by_region: Vec<Serving>,
    /// Where people decided on shares, a client's network decides, in regions that have room for them.
    shares: Option<BTreeMap<Cloud, f64>>,
    pub(super) ready: PerCloud<Ready>,
}

impl Table {
    pub(super) fn of(zone: &Zone, selection: &Selection, version: u64) -> Self {
        let serving = |region: &str| {
            let choice = selection.regions.get(region)?;
            Some(Serving { pick: choice.pick, spill: choice.spill.as_ref().map(by_cloud) })
        };
        let anywhere = serving(ANYWHERE).unwrap_or(Serving { pick: zone.me, spill: None });
        let by_region = zone.regions.iter();
        let by_region = by_region.map(|region| serving(region).unwrap_or(anywhere.clone()));
        let by_region = by_region.collect();
        let shares = selection.shares.as_ref().map(by_cloud);
        let ready = Ready::of(&zone.addresses, selection.ttl_s);
        Table { selection: selection.clone(), version, anywhere, by_region, shares, ready }
    }

    /// Who serves, and how many bits of the address it took to know that.
    pub(super) fn pick(&self, found: Found, address: IpAddr) -> (Cloud, u8) {
        let known = found.region.and_then(|region| self.by_region.get(usize::from(region)));
        let serving = known.unwrap_or(&self.anywhere);
        if let Some(shares) = serving.spill.as_ref().or(self.shares.as_ref()) {
            let (network, bits) = network_of(address);
            if let Some(cloud) = rendezvous(&network, shares) {
                return (cloud, found.scope.max(bits));
            }
        }
        (serving.pick, found.scope)
    }
}

/// Who serves a region.
#[derive(Clone, Debug)]
struct Serving {
    pick: Cloud,
    /// Where not everybody has room for what was meant for it, a client's network decides by these.
    spill: Option<BTreeMap<Cloud, f64>>,
}

fn by_cloud(shares: &PerCloud<f64>) -> BTreeMap<Cloud, f64> {
    shares.iter().map(|(cloud, share)| (cloud, *share)).collect()
}
