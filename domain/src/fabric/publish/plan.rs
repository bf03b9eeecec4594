//! Which clouds the world may be sent to, by a selection: the input of every provider's records.

use core::net::IpAddr;

use crate::cloud::{Cloud, PerCloud};
use crate::fabric::capacity;
use crate::fabric::publish::Kind;
use crate::fabric::selector::{ANYWHERE, Selection};
use crate::fabric::shares::among;
use crate::fabric::verdict::Mode;

/// A cloud that may be published, with its addresses in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub cloud: Cloud,
    pub addresses: Vec<IpAddr>,
    /// Its share of the traffic, where people decided on shares, as far as there is room for them.
    pub share: Option<f64>,
    /// How much of everything that is expected it can take: 1 is all of it. Absent: nobody has stated it.
    pub room: Option<f64>,
}

impl Target {
    #[must_use]
    pub fn of_kind(&self, kind: Kind) -> Vec<IpAddr> {
        of_kind(&self.addresses, kind)
    }
}

/// In order, each once.
#[must_use]
pub fn of_kind(addresses: &[IpAddr], kind: Kind) -> Vec<IpAddr> {
    let mut own: Vec<IpAddr> =
        addresses.iter().copied().filter(|address| Kind::of(*address) == kind).collect();
    own.sort_unstable();
    own.dedup();
    own
}

/// The serving one first, which all clouds have agreed on, then the others that may serve in the order
/// of their names: scores are each cloud's own, and would have each of them write something else.
/// `room`: of each cloud, as [`capacity::of_all`] has it.
///
/// `None`: nothing may be published. A node in a minority writes nothing, and where nobody is up the last good records stand.
#[must_use]
pub fn targets(
    selection: &Selection,
    addresses: &PerCloud<Vec<IpAddr>>,
    room: &PerCloud<Option<f64>>,
) -> Option<Vec<Target>> {
    if !selection.is_decided() || selection.mode == Mode::Panic {
        return None;
    }
    let choice = selection.regions.get(ANYWHERE)?;
    let may_serve = |cloud: &Cloud| choice.ranked.iter().any(|one| one.cloud == *cloud);
    let others = Cloud::ALL.into_iter().filter(|one| *one != choice.pick && may_serve(one));
    let target = |cloud: Cloud| Target {
        cloud,
        addresses: addresses.get(cloud).clone(),
        share: None,
        room: *room.get(cloud),
    };
    let targets = std::iter::once(choice.pick).chain(others).map(target);
    let mut targets: Vec<Target> = targets.filter(|target| !target.addresses.is_empty()).collect();
    let has_target = |cloud| targets.iter().any(|target| target.cloud == cloud);
    let shares = selection.shares.as_ref();
    if let Some(shares) = shares.and_then(|shares| among(shares, has_target)) {
        let dealt = within_room(&shares, &targets);
        targets.retain(|target| *dealt.get(target.cloud) > 0.0);
        for target in &mut targets {
            target.share = Some(*dealt.get(target.cloud));
        }
    }
    (!targets.is_empty()).then_some(targets)
}

/// Shares of the whole traffic, as a provider deals it: what a cloud has no room for goes to the next in
/// the order of the targets.
#[must_use]
pub fn within_room(shares: &PerCloud<f64>, targets: &[Target]) -> PerCloud<f64> {
    let room = targets.iter().filter_map(|target| Some((target.cloud, target.room?))).collect();
    let order: Vec<Cloud> = targets.iter().map(|target| target.cloud).collect();
    capacity::within(shares, &room, &order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabric::selector::{Selector, Settings};

    #[test]
    fn a_node_that_is_alone_publishes_nothing_and_a_drained_cloud_is_left_out() {
        let address: IpAddr = "203.0.113.1".parse().expect("an address");
        let addresses = PerCloud::from_fn(|_| vec![address]);
        let nobody_stated = PerCloud::default();
        let mut selector = Selector::new(Cloud::Gcp, Settings::default());
        assert_eq!(
            targets(&selector.evaluate(0), &addresses, &nobody_stated),
            None,
            "it hears nobody"
        );
        selector.hear(Cloud::Aws, selector.report(), 0);
        let all = targets(&selector.evaluate(0), &addresses, &nobody_stated).expect("decided");
        assert_eq!(all.iter().map(|one| one.cloud).collect::<Vec<_>>(), Cloud::ALL);
        selector.drain(&PerCloud { gcp: true, aws: false, azure: false });
        let left = targets(&selector.evaluate(0), &addresses, &nobody_stated).expect("decided");
        assert_eq!(
            left.iter().map(|one| one.cloud).collect::<Vec<_>>(),
            [Cloud::Aws, Cloud::Azure]
        );
        // Azure was to have nothing, gcp is drained: aws has it all.
        selector.set_shares(Some(PerCloud { gcp: 0.7, aws: 0.3, azure: 0.0 }));
        let shared = targets(&selector.evaluate(0), &addresses, &nobody_stated).expect("decided");
        let shared: Vec<_> = shared.iter().map(|one| (one.cloud, one.share)).collect();
        assert_eq!(shared, [(Cloud::Aws, Some(1.0))]);
    }

    #[test]
    fn shares_of_the_world_are_published_as_far_as_there_is_room_for_them() {
        let addresses = PerCloud::from_fn(|_| vec![IpAddr::from([203, 0, 113, 1])]);
        let mut selector = Selector::new(Cloud::Gcp, Settings::default());
        selector.hear(Cloud::Aws, selector.report(), 0);
        selector.set_shares(Some(PerCloud { gcp: 0.75, aws: 0.25, azure: 0.0 }));
        let published = |gcp: f64, aws: f64, azure: f64| {
            let demand = [("eu".to_owned(), 300.0), ("na".to_owned(), 300.0)].into();
            let capacity = PerCloud { gcp: Some(gcp), aws: Some(aws), azure: Some(azure) };
            let room = capacity::of_all(&demand, &capacity);
            let selection = selector.clone().evaluate(0);
            let targets = targets(&selection, &addresses, &room).expect("decided");
            let percent = |target: &Target| (100.0 * target.share.expect("a share")).round();
            let each = targets.iter().map(|target| format!("{} {}", target.cloud, percent(target)));
            each.collect::<Vec<_>>().join(", ")
        };
        assert_eq!(published(1_000.0, 400.0, 400.0), "gcp 75, aws 25");
        // 450 are asked of gcp, which is planned to take 320.
        assert_eq!(published(400.0, 400.0, 400.0), "gcp 53, aws 47");
        // Aws is planned to take 160: the rest goes to whom people gave nothing.
        assert_eq!(published(400.0, 200.0, 400.0), "gcp 53, aws 27, azure 20");
    }

    #[test]
    fn the_share_of_a_cloud_without_addresses_goes_to_the_others_within_their_room() {
        let mut addresses = PerCloud::from_fn(|_| vec![IpAddr::from([203, 0, 113, 1])]);
        addresses.gcp.clear();
        let mut selector = Selector::new(Cloud::Gcp, Settings::default());
        selector.hear(Cloud::Aws, selector.report(), 0);
        selector.set_shares(Some(PerCloud { gcp: 0.5, aws: 0.5, azure: 0.0 }));
        let demand = [("eu".to_owned(), 600.0)].into();
        // Of 600 aws is planned to take 144, which is 24 %.
        let capacity = PerCloud { gcp: Some(1_000.0), aws: Some(180.0), azure: Some(1_000.0) };
        let room = capacity::of_all(&demand, &capacity);
        let found = targets(&selector.evaluate(0), &addresses, &room).expect("decided");
        let percent = |target: &Target| (100.0 * target.share.expect("a share")).round();
        let found: Vec<(Cloud, f64)> = found.iter().map(|it| (it.cloud, percent(it))).collect();
        assert_eq!(found, [(Cloud::Aws, 24.0), (Cloud::Azure, 76.0)]);
    }
}
