//! Client regions, and how far the clouds are from each: what was measured, else a guess by
//! distance.

use std::collections::{BTreeMap, HashMap};

use domain::catalog::{REGIONS_MAX, RoutingLatency};
use domain::cloud::{Cloud, PerCloud};
use domain::fabric::distance::prior_rtt_ms;

use super::place;

/// Round trips of every client region: those that a network names, and those that something was
/// measured from.
pub(super) fn matrix(
    latencies: &[RoutingLatency],
    sites: &PerCloud<Option<String>>,
    named: &[String],
) -> BTreeMap<String, PerCloud<f64>> {
    let measured = Measured::of(latencies);
    let ends = latencies.iter().flat_map(|trip| [&trip.from, &trip.to]);
    let mut matrix = BTreeMap::new();
    for region in named.iter().chain(ends) {
        if matrix.len() < REGIONS_MAX && !matrix.contains_key(region) {
            let rtt = |cloud| measured.rtt_ms(region, sites.get(cloud).as_deref());
            matrix.insert(region.clone(), whole(&PerCloud::from_fn(rtt)));
        }
    }
    matrix
}

/// A cloud of which nothing is known is as far as the farthest other: it gains nothing by that.
fn whole(known: &PerCloud<Option<f64>>) -> PerCloud<f64> {
    let farthest = Cloud::ALL.into_iter().filter_map(|cloud| *known.get(cloud));
    let farthest = farthest.fold(0.0, f64::max);
    known.map(|_, rtt| rtt.unwrap_or(farthest))
}

/// By both ends, in alphabetical order: a round trip is the same from either.
struct Measured<'a>(HashMap<(&'a str, &'a str), (f64, f64)>);

impl<'a> Measured<'a> {
    fn of(latencies: &'a [RoutingLatency]) -> Self {
        let mut sums = HashMap::new();
        for trip in latencies {
            let (sum, count) = sums.entry(ends(&trip.from, &trip.to)).or_insert((0.0, 0.0));
            (*sum, *count) = (*sum + trip.rtt_ms, *count + 1.0);
        }
        Measured(sums)
    }

    fn rtt_ms(&self, region: &str, site: Option<&str>) -> Option<f64> {
        let site = site?;
        let measured = self.0.get(&ends(region, site)).map(|(sum, count)| sum / count);
        let guessed = || Some(prior_rtt_ms(place::of(region)?, place::of(site)?));
        measured.or_else(guessed)
    }
}

fn ends<'a>(one: &'a str, other: &'a str) -> (&'a str, &'a str) {
    if one <= other { (one, other) } else { (other, one) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trip(from: &str, to: &str, rtt_ms: f64) -> RoutingLatency {
        RoutingLatency { from: from.to_owned(), to: to.to_owned(), rtt_ms }
    }

    #[test]
    fn what_was_measured_comes_before_the_guess_and_both_directions_are_one() {
        let sites = PerCloud {
            gcp: Some("gcp:us-central1".to_owned()),
            aws: Some("aws:eu-west-1".to_owned()),
            azure: None,
        };
        let trips = [
            trip("aws:eu-north-1", "gcp:us-central1", 126.0),
            trip("gcp:us-central1", "aws:eu-north-1", 128.0),
        ];
        let matrix = matrix(&trips, &sites, &["azure:francecentral".to_owned()]);
        let north = matrix["aws:eu-north-1"];
        assert!((north.gcp - 127.0).abs() < 1e-9);
        // 1600 km from Stockholm to Dublin.
        assert!((20.0..40.0).contains(&north.aws), "{north:?}");
        assert!((north.azure - 127.0).abs() < 1e-9, "as far as the farthest");
        assert!(matrix["azure:francecentral"].aws < matrix["azure:francecentral"].gcp);
    }
}
