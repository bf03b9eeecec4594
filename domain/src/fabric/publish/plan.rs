//! Which clouds the world may be sent to, by a selection: the input of every provider's records.

use core::net::IpAddr;

use crate::cloud::{Cloud, PerCloud};
use crate::fabric::publish::Kind;
use crate::fabric::selector::{ANYWHERE, Selection};
use crate::fabric::verdict::Mode;

/// A cloud that may be published, with its addresses in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub cloud: Cloud,
    pub addresses: Vec<IpAddr>,
    /// Its share of the traffic, where people decided on shares.
    pub share: Option<f64>,
}

impl Target {
    #[must_use]
    pub fn of_kind(&self, kind: Kind) -> Vec<IpAddr> {
        let mut own: Vec<IpAddr> =
            self.addresses.iter().copied().filter(|address| Kind::of(*address) == kind).collect();
        own.sort_unstable();
        own.dedup();
        own
    }
}

/// The serving one first, which all clouds have agreed on, then the others that may serve in the order
/// of their names: scores are each cloud's own, and would have each of them write something else.
/// `None`: nothing may be published. A node in a minority writes nothing, and where nobody is up the last good records stand.
#[must_use]
pub fn targets(selection: &Selection, addresses: &PerCloud<Vec<IpAddr>>) -> Option<Vec<Target>> {
    if !selection.is_decided() || selection.mode == Mode::Panic {
        return None;
    }
    let choice = selection.regions.get(ANYWHERE)?;
    let may_serve = |cloud: &Cloud| choice.ranked.iter().any(|one| one.cloud == *cloud);
    let others = Cloud::ALL.into_iter().filter(|one| *one != choice.pick && may_serve(one));
    let target = |cloud: Cloud| Target {
        cloud,
        addresses: addresses.get(cloud).clone(),
        share: selection.shares.map(|shares| *shares.get(cloud)),
    };
    let targets = std::iter::once(choice.pick).chain(others).map(target);
    let may = |target: &Target| !target.addresses.is_empty() && target.share != Some(0.0);
    let targets: Vec<Target> = targets.filter(may).collect();
    (!targets.is_empty()).then_some(targets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabric::selector::{Selector, Settings};

    #[test]
    fn a_node_that_is_alone_publishes_nothing_and_a_drained_cloud_is_left_out() {
        let address: IpAddr = "203.0.113.1".parse().expect("an address");
        let addresses = PerCloud::from_fn(|_| vec![address]);
        let mut selector = Selector::new(Cloud::Gcp, Settings::default());
        assert_eq!(targets(&selector.evaluate(0), &addresses), None, "it hears nobody");
        selector.hear(Cloud::Aws, selector.report(), 0);
        let all = targets(&selector.evaluate(0), &addresses).expect("decided");
        assert_eq!(all.iter().map(|one| one.cloud).collect::<Vec<_>>(), Cloud::ALL);
        selector.drain(&PerCloud { gcp: true, aws: false, azure: false });
        let left = targets(&selector.evaluate(0), &addresses).expect("decided");
        assert_eq!(
            left.iter().map(|one| one.cloud).collect::<Vec<_>>(),
            [Cloud::Aws, Cloud::Azure]
        );
        // Azure was to have nothing, gcp is drained: aws has it all.
        selector.set_shares(Some(PerCloud { gcp: 0.7, aws: 0.3, azure: 0.0 }));
        let shared = targets(&selector.evaluate(0), &addresses).expect("decided");
        let shared: Vec<_> = shared.iter().map(|one| (one.cloud, one.share)).collect();
        assert_eq!(shared, [(Cloud::Aws, Some(1.0))]);
    }
}
