//! Which pools, monitor and balancer there should be.

use core::net::IpAddr;
use std::collections::BTreeMap;

use super::{Balancer, MONITOR, Monitor, Origin, Part, Pool, RandomSteering};
use crate::cloud::{Cloud, PerCloud};
use crate::fabric::capacity::differs;
use crate::fabric::publish::Invalid;
use crate::fabric::publish::plan::{Target, within_room};

/// What people decide on; the rest follows the selection.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The name that clients resolve.
    pub service: String,
    pub ttl_s: u32,
    /// Clients go through Cloudflare.
    pub proxied: bool,
    /// None: Cloudflare probes nothing, and follows the clouds' own verdict alone.
    pub monitor: Option<Monitor>,
}

/// Cloudflare gives weights in hundredths; a share below one is one.
const SHARE_STEPS: f64 = 100.0;

/// Of a cloud's pool: Cloudflare allows letters, digits, `-` and `_`.
#[must_use]
pub fn pool_name(service: &str, cloud: Cloud) -> String {
    format!("{}-{cloud}", service.replace('.', "-"))
}

/// A monitor of `/health`, which answers 200 as long as its cloud may serve, and 503 after that.
#[must_use]
pub fn health_monitor(service: &str, kind: &str, port: u16) -> Monitor {
    Monitor {
        consecutive_down: 2,
        consecutive_up: 2,
        expected_codes: "200".to_owned(),
        header: BTreeMap::from([("Host".to_owned(), vec![service.to_owned()])]),
        interval: 60,
        method: "GET".to_owned(),
        path: "/health".to_owned(),
        port,
        retries: 2,
        timeout: Some(5),
        kind: kind.to_owned(),
    }
}

/// A pool for each cloud that has addresses, enabled where the cloud may serve; the balancer names
/// those alone, the serving one first and to fall back to. It deals by weights where people decided on
/// shares, and where the serving one cannot take everything.
///
/// # Errors
/// The settings make something that Cloudflare would refuse.
pub fn wanted(
    settings: &Settings,
    targets: &[Target],
    addresses: &PerCloud<Vec<IpAddr>>,
) -> Result<Vec<Part>, Invalid> {
    let mut parts = Vec::new();
    if let Some(monitor) = &settings.monitor {
        parts.push(Part::Monitor(monitor.clone().checked()?));
    }
    for cloud in Cloud::ALL {
        let enabled = targets.iter().any(|target| target.cloud == cloud);
        let origins = origins(cloud, addresses.get(cloud));
        if !origins.is_empty() {
            parts.push(Part::Pool(pool(settings, cloud, origins, enabled).checked()?));
        }
    }
    parts.push(Part::Balancer(balancer(settings, targets).checked()?));
    Ok(parts)
}

fn origins(cloud: Cloud, addresses: &[IpAddr]) -> Vec<Origin> {
    let mut own = addresses.to_vec();
    own.sort_unstable();
    own.dedup(); // an address stands in a pool once
    let origin = |(at, address): (usize, IpAddr)| Origin {
        name: format!("{cloud}-{}", at + 1),
        address: address.to_string(),
        enabled: true,
        weight: 1.0,
    };
    own.into_iter().enumerate().map(origin).collect()
}

fn pool(settings: &Settings, cloud: Cloud, origins: Vec<Origin>, enabled: bool) -> Pool {
    Pool {
        name: pool_name(&settings.service, cloud),
        origins,
        enabled,
        latitude: None,
        longitude: None,
        minimum_origins: 1,
        monitor: settings.monitor.as_ref().map(|_| MONITOR.to_owned()),
    }
}

fn balancer(settings: &Settings, targets: &[Target]) -> Balancer {
    let name = |target: &Target| pool_name(&settings.service, target.cloud);
    let pools: Vec<String> = targets.iter().map(name).collect();
    let random_steering = shares(targets).map(|shares| {
        let weight = |target: &Target| (name(target), in_steps(*shares.get(target.cloud)));
        RandomSteering { default_weight: 0.0, pool_weights: targets.iter().map(weight).collect() }
    });
    Balancer {
        fallback_pool: pools.first().cloned().unwrap_or_default(),
        default_pools: pools,
        name: settings.service.clone(),
        location_strategy: None,
        proxied: settings.proxied,
        steering_policy: if random_steering.is_some() { "random" } else { "off" }.to_owned(),
        random_steering,
        enabled: Some(true),
        ttl: (!settings.proxied).then_some(settings.ttl_s),
    }
}

/// Those that people decided on, or those of the serving cloud and the next where the first cannot take
/// everything. `None`: the serving one takes it all.
fn shares(targets: &[Target]) -> Option<PerCloud<f64>> {
    let first = targets.first()?;
    let mut meant = PerCloud::default();
    // All of them have a share, or none has.
    if targets.iter().all(|target| target.share.is_some()) {
        for target in targets {
            *meant.get_mut(target.cloud) = target.share?;
        }
        return Some(meant);
    }
    *meant.get_mut(first.cloud) = 1.0;
    let dealt = within_room(&meant, targets);
    differs(&dealt, &meant).then_some(dealt)
}

fn in_steps(share: f64) -> f64 {
    if share <= 0.0 {
        return 0.0;
    }
    (share * SHARE_STEPS).round().clamp(1.0, SHARE_STEPS) / SHARE_STEPS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabric::publish::cloudflare::balancer::in_order;
    use crate::fabric::publish::difference::{Entry as _, Step, steps};

    fn settings() -> Settings {
        let service = "api.example.com".to_owned();
        let monitor = Some(health_monitor(&service, "https", 443));
        Settings { service, ttl_s: 30, proxied: false, monitor }
    }

    fn addresses() -> PerCloud<Vec<IpAddr>> {
        let address = |text: &str| vec![text.parse().expect("an address")];
        PerCloud {
            gcp: address("203.0.113.1"),
            aws: address("203.0.113.2"),
            azure: address("2001:db8::3"),
        }
    }

    fn lines(settings: &Settings, clouds: &[(Cloud, Option<f64>)]) -> Vec<String> {
        let parts = wanted(settings, &targets(clouds), &addresses()).expect("allowed");
        parts.iter().map(ToString::to_string).collect()
    }

    fn targets(clouds: &[(Cloud, Option<f64>)]) -> Vec<Target> {
        let target = |(cloud, share): &(Cloud, Option<f64>)| Target {
            cloud: *cloud,
            addresses: addresses().get(*cloud).clone(),
            share: *share,
            room: None,
        };
        clouds.iter().map(target).collect()
    }

    #[test]
    fn every_cloud_has_a_pool_and_the_balancer_names_who_may_serve_in_order() {
        let lost = lines(&settings(), &[(Cloud::Aws, None), (Cloud::Gcp, None)]);
        assert_eq!(
            lost,
            [
                "monitor GET https 443 /health every 60 s: 200, 2 retries, 2 down, 2 up, \
                 5 s each, Host api.example.com",
                "pool api-example-com-gcp enabled: 203.0.113.1, monitor ternion",
                "pool api-example-com-aws enabled: 203.0.113.2, monitor ternion",
                "pool api-example-com-azure disabled: 2001:db8::3, monitor ternion",
                "balancer api.example.com off 30: api-example-com-aws api-example-com-gcp, \
                 else api-example-com-aws",
            ]
        );
        let bare = Settings { proxied: true, monitor: None, ..settings() };
        let bare = lines(&bare, &[(Cloud::Gcp, None)]);
        assert_eq!(bare[0], "pool api-example-com-gcp enabled: 203.0.113.1");
        assert_eq!(
            bare[3],
            "balancer api.example.com off: api-example-com-gcp, else api-example-com-gcp (proxied)"
        );
    }

    #[test]
    fn decided_shares_are_weights_in_hundredths_and_none_is_nothing() {
        let shared = [(Cloud::Gcp, Some(0.666)), (Cloud::Aws, Some(0.001))];
        let lines = lines(&settings(), &shared);
        assert_eq!(
            lines[4],
            "balancer api.example.com random 30: api-example-com-gcp×0.67 \
             api-example-com-aws×0.01, else api-example-com-gcp"
        );
    }

    #[test]
    fn what_the_serving_cloud_cannot_take_goes_to_the_next_by_weight() {
        let line = |room: &PerCloud<Option<f64>>| {
            let mut targets =
                targets(&[(Cloud::Aws, None), (Cloud::Gcp, None), (Cloud::Azure, None)]);
            for target in &mut targets {
                target.room = *room.get(target.cloud);
            }
            let parts = wanted(&settings(), &targets, &addresses()).expect("allowed");
            parts[4].to_string().replace("api-example-com-", "")
        };
        let roomy = PerCloud { gcp: Some(1.0), aws: Some(2.0), azure: Some(1.0) };
        let off = "balancer api.example.com off 30: aws gcp azure, else aws";
        assert_eq!((line(&roomy), line(&PerCloud::default())), (off.to_owned(), off.to_owned()));
        // Of all, aws is planned to take 80 % of 0.75.
        let tight = PerCloud { aws: Some(0.75), ..roomy };
        assert_eq!(
            line(&tight),
            "balancer api.example.com random 30: aws×0.6 gcp×0.4 azure×0, else aws"
        );
    }

    #[test]
    fn what_cloudflare_would_refuse_is_not_sent() {
        let made =
            |settings: &Settings| wanted(settings, &targets(&[(Cloud::Gcp, None)]), &addresses());
        assert!(made(&settings()).is_ok());
        assert!(made(&Settings { ttl_s: 9, ..settings() }).is_err());
        let monitor = Monitor { interval: 5, ..health_monitor("api.example.com", "https", 443) };
        assert!(made(&Settings { monitor: Some(monitor), ..settings() }).is_err());
        assert!(wanted(&settings(), &[], &addresses()).is_err(), "nobody may serve");
    }

    #[test]
    fn the_balancer_has_an_enabled_pool_at_every_moment() {
        let parts = |clouds: &[Cloud]| {
            let clouds: Vec<_> = clouds.iter().map(|cloud| (*cloud, None)).collect();
            wanted(&settings(), &targets(&clouds), &addresses()).expect("allowed")
        };
        let orders = [&Cloud::ALL[..], &[Cloud::Gcp], &[Cloud::Aws], &[Cloud::Azure, Cloud::Gcp]];
        for (before, after) in orders.iter().flat_map(|one| orders.map(|other| (*one, other))) {
            let mut there = parts(before);
            for step in in_order(steps(&there, &parts(after))) {
                let key = step.key();
                there.retain(|part| part.key() != key);
                if let Step::Create(to) | Step::Change { to, .. } = step {
                    there.push(to);
                }
                assert!(answers(&there), "{before:?} to {after:?}, after {key}");
            }
        }
    }

    fn answers(parts: &[Part]) -> bool {
        let balancer = parts.iter().find_map(|part| match part {
            Part::Balancer(balancer) => Some(balancer),
            _ => None,
        });
        let names = balancer.map(|balancer| &balancer.default_pools).expect("a balancer");
        let serves = |part: &Part| matches!(part, Part::Pool(pool) if pool.enabled && names.contains(&pool.name));
        parts.iter().any(serves)
    }
}
