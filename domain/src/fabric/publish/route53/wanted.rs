//! Which record sets the service's name should have.

use core::net::IpAddr;

use super::{RecordSet, Routing};
use crate::cloud::{Cloud, PerCloud};
use crate::fabric::capacity::differs;
use crate::fabric::publish::plan::{Target, of_kind, within_room};
use crate::fabric::publish::{Invalid, Kind};

/// How Route 53 is to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Every cloud that may serve by its weight, or by what it has room for; the others have 0.
    Weighted,
    /// Every cloud that may serve, in its AWS region.
    Latency,
    /// The serving cloud first, the next best second.
    Failover,
}

/// What people have configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub name: String,
    pub ttl_s: u32,
    pub policy: Policy,
    pub weights: PerCloud<u8>,
    /// The AWS region whose latency stands for the cloud's.
    pub regions: PerCloud<Option<String>>,
    pub health_checks: PerCloud<Option<String>>,
}

/// `targets`: who may serve, the serving one first. `addresses`: of every cloud.
///
/// # Errors
/// The settings make a record that Route 53 would refuse.
pub fn wanted(
    settings: &Settings,
    targets: &[Target],
    addresses: &PerCloud<Vec<IpAddr>>,
) -> Result<Vec<RecordSet>, Invalid> {
    let mut records = Vec::new();
    let settings = &settings.with_shares(targets).with_room(targets);
    for kind in Kind::ALL {
        let serving: Vec<Cloud> = targets
            .iter()
            .filter(|target| !target.of_kind(kind).is_empty())
            .map(|target| target.cloud)
            .collect();
        for cloud in Cloud::ALL {
            let values = of_kind(addresses.get(cloud), kind);
            let place = serving.iter().position(|one| *one == cloud);
            let all_zero = serving.iter().all(|one| *settings.weights.get(*one) == 0);
            let Some(routing) =
                routing(settings, cloud, place, all_zero)?.filter(|_| !values.is_empty())
            else {
                continue;
            };
            let record = RecordSet {
                name: settings.name.clone(),
                kind,
                identifier: cloud.name().to_owned(),
                ttl_s: settings.ttl_s,
                values,
                routing,
                health_check: settings.health_checks.get(cloud).clone(),
            };
            records.push(record.checked()?);
        }
    }
    Ok(records)
}

impl Settings {
    /// Shares that people decided on go before the weights of the configuration.
    fn with_shares(&self, targets: &[Target]) -> Settings {
        let mut own = self.clone();
        for (target, share) in targets.iter().filter_map(|target| Some((target, target.share?))) {
            *own.weights.get_mut(target.cloud) = weight_of(share);
        }
        own
    }

    /// Where the weights of the configuration ask a cloud for more than it can take, the rest of it goes to
    /// the next.
    fn with_room(&self, targets: &[Target]) -> Settings {
        let mut own = self.clone();
        let weight = |target: &Target| f64::from(*self.weights.get(target.cloud));
        let sum: f64 = targets.iter().map(weight).sum();
        if sum <= 0.0 || targets.iter().any(|target| target.share.is_some()) {
            return own;
        }
        let mut meant = PerCloud::default();
        for target in targets {
            *meant.get_mut(target.cloud) = weight(target) / sum;
        }
        let dealt = within_room(&meant, targets);
        if differs(&dealt, &meant) {
            own.weights = dealt.map(|_, share| if *share > 0.0 { weight_of(*share) } else { 0 });
        }
        own
    }
}

/// Of 255, and at least 1: 0 would be never.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 255")]
fn weight_of(share: f64) -> u8 {
    libm::round(share * f64::from(u8::MAX)).clamp(1.0, f64::from(u8::MAX)) as u8
}

/// `place`: among those that may serve. `None`: no record. Where all weights are 0, Route 53 takes
/// every record, a dead cloud's too: those that may serve have 1 then.
fn routing(
    settings: &Settings,
    cloud: Cloud,
    place: Option<usize>,
    all_zero: bool,
) -> Result<Option<Routing>, Invalid> {
    Ok(match (settings.policy, place) {
        (Policy::Weighted, Some(_)) => {
            let weight = if all_zero { 1 } else { *settings.weights.get(cloud) };
            Some(Routing::Weighted { weight })
        }
        (Policy::Weighted, None) => Some(Routing::Weighted { weight: 0 }),
        (Policy::Latency, Some(_)) => {
            let region = settings.regions.get(cloud).clone();
            let missing = || Invalid::new("the AWS region", "absent", format!("given for {cloud}"));
            Some(Routing::Latency { region: region.ok_or_else(missing)? })
        }
        (Policy::Failover, Some(0)) => Some(Routing::Failover { primary: true }),
        (Policy::Failover, Some(1)) => Some(Routing::Failover { primary: false }),
        (Policy::Latency | Policy::Failover, _) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(policy: Policy) -> Settings {
        let region = |name: &str| Some(name.to_owned());
        Settings {
            name: "api.example.com".to_owned(),
            ttl_s: 30,
            policy,
            weights: PerCloud { gcp: 70, aws: 30, azure: 0 },
            regions: PerCloud {
                gcp: region("us-east-2"),
                aws: region("us-east-1"),
                azure: region("eu-west-1"),
            },
            health_checks: PerCloud::from_fn(|_| Some("a-check".to_owned())),
        }
    }

    fn lines(policy: Policy, order: &[Cloud]) -> Vec<String> {
        lines_in(policy, order, &PerCloud::default())
    }

    fn lines_in(policy: Policy, order: &[Cloud], room: &PerCloud<Option<f64>>) -> Vec<String> {
        let address = |last| vec![IpAddr::from([203, 0, 113, last])];
        let addresses = PerCloud { gcp: address(1), aws: address(2), azure: address(3) };
        let target = |cloud: &Cloud| Target {
            cloud: *cloud,
            addresses: addresses.get(*cloud).clone(),
            share: None,
            room: *room.get(*cloud),
        };
        let targets: Vec<Target> = order.iter().map(target).collect();
        let records = wanted(&settings(policy), &targets, &addresses).expect("allowed");
        let short = |record: &RecordSet| {
            let text = record.to_string();
            text.replace("api.example.com A 30 ", "").replace(" while a-check passes", "")
        };
        records.iter().map(short).collect()
    }

    #[test]
    fn who_may_not_serve_has_weight_0_or_no_record() {
        let left = [Cloud::Aws, Cloud::Azure];
        let weighted = lines(Policy::Weighted, &left);
        let says = [
            "[gcp] weight 0: 203.0.113.1",
            "[aws] weight 30: 203.0.113.2",
            "[azure] weight 0: 203.0.113.3",
        ];
        assert_eq!(weighted, says);
        // Azure's own weight is 0: alone, it must not share with the dead.
        assert_eq!(lines(Policy::Weighted, &[Cloud::Azure])[2], "[azure] weight 1: 203.0.113.3");
        let latency = lines(Policy::Latency, &left);
        assert_eq!(
            latency,
            ["[aws] latency us-east-1: 203.0.113.2", "[azure] latency eu-west-1: 203.0.113.3"]
        );
        let failover = lines(Policy::Failover, &[Cloud::Azure, Cloud::Gcp, Cloud::Aws]);
        assert_eq!(failover, ["[gcp] secondary: 203.0.113.1", "[azure] primary: 203.0.113.3"]);
    }

    /// Gcp has a weight of 70 %, and takes at most 80 % of a half.
    #[test]
    fn weights_that_ask_a_cloud_for_too_much_are_cut_to_its_room_and_the_next_has_the_rest() {
        let room =
            |gcp, aws, azure| PerCloud { gcp: Some(gcp), aws: Some(aws), azure: Some(azure) };
        let weights = |room: &PerCloud<Option<f64>>| {
            let lines = lines_in(Policy::Weighted, &Cloud::ALL, room);
            let weight = |line: &String| {
                let number = line.split("weight ").nth(1).and_then(|rest| rest.split(':').next());
                number.expect("a weight").parse::<u8>().expect("a number")
            };
            lines.iter().map(weight).collect::<Vec<_>>()
        };
        assert_eq!(weights(&PerCloud::default()), [70, 30, 0], "nobody has stated it");
        assert_eq!(weights(&room(1.0, 1.0, 1.0)), [70, 30, 0], "everybody has room");
        assert_eq!(weights(&room(0.5, 1.0, 1.0)), [102, 153, 0], "40 % and 60 % of 255");
        // Aws takes at most 48 %: whoever has the weight 0 takes what is left.
        assert_eq!(weights(&room(0.5, 0.6, 1.0)), [102, 122, 31]);
        let unbounded = lines(Policy::Failover, &Cloud::ALL);
        assert_eq!(lines_in(Policy::Failover, &Cloud::ALL, &room(0.5, 1.0, 1.0)), unbounded);
    }
}
