//! Client regions, and how far the clouds are from each: what was measured, else a guess by
//! distance.

use std::collections::{BTreeMap, HashMap};

use domain::catalog::{REGIONS_MAX, RoutingLatency};
use domain::cloud::PerCloud;
use domain::fabric::distance::prior_rtt_ms;

use super::place;

/// Where a round trip is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Somebody measured it and recorded it in the ledger.
    Recorded,
    /// By the great circle between the two places.
    Distance,
    /// Nothing is known: as far as the farthest other.
    Nowhere,
}

impl Source {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Source::Recorded => "recorded",
            Source::Distance => "distance",
            Source::Nowhere => "nowhere",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trip {
    pub rtt_ms: f64,
    pub source: Source,
}

pub(super) type Matrix = BTreeMap<String, PerCloud<Trip>>;

/// Round trips of every client region: those that a network names, and those that something was
/// measured from. Zones count as their regions.
pub(super) fn matrix(
    latencies: &[RoutingLatency],
    sites: &PerCloud<Option<String>>,
    named: &[String],
) -> Matrix {
    let measured = Measured::of(latencies);
    let ends = latencies.iter().flat_map(|trip| [&trip.from, &trip.to]);
    let ends = ends.map(|end| place::without_zone(end).to_owned());
    let mut matrix = BTreeMap::new();
    for region in named.iter().cloned().chain(ends) {
        if matrix.len() < REGIONS_MAX && !matrix.contains_key(&region) {
            let trip = |cloud| measured.trip(&region, sites.get(cloud).as_deref());
            let trips = whole(&PerCloud::from_fn(trip));
            matrix.insert(region, trips);
        }
    }
    matrix
}

/// What the selector takes of it.
pub(super) fn round_trips(matrix: &Matrix) -> BTreeMap<String, PerCloud<f64>> {
    let of = |trips: &PerCloud<Trip>| trips.map(|_, trip| trip.rtt_ms);
    matrix.iter().map(|(region, trips)| (region.clone(), of(trips))).collect()
}

/// A cloud of which nothing is known is as far as the farthest other: it gains nothing by that.
fn whole(known: &PerCloud<Option<Trip>>) -> PerCloud<Trip> {
    let farthest = known.iter().filter_map(|(_, trip)| Some(trip.as_ref()?.rtt_ms));
    let rtt_ms = farthest.fold(0.0, f64::max);
    known.map(|_, trip| trip.unwrap_or(Trip { rtt_ms, source: Source::Nowhere }))
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

    fn trip(&self, region: &str, site: Option<&str>) -> Option<Trip> {
        let site = site?;
        let measured = self.0.get(&ends(region, site)).map(|(sum, count)| sum / count);
        if let Some(rtt_ms) = measured {
            return Some(Trip { rtt_ms, source: Source::Recorded });
        }
        let rtt_ms = prior_rtt_ms(place::of(region)?, place::of(site)?);
        Some(Trip { rtt_ms, source: Source::Distance })
    }
}

fn ends<'a>(one: &'a str, other: &'a str) -> (&'a str, &'a str) {
    let (one, other) = (place::without_zone(one), place::without_zone(other));
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
        assert!((north.gcp.rtt_ms - 127.0).abs() < 1e-9);
        // 1600 km from Stockholm to Dublin.
        assert!((20.0..40.0).contains(&north.aws.rtt_ms), "{north:?}");
        assert!((north.azure.rtt_ms - 127.0).abs() < 1e-9, "as far as the farthest");
        let sources = north.map(|_, trip| trip.source);
        let (gcp, aws, azure) = (Source::Recorded, Source::Distance, Source::Nowhere);
        assert_eq!(sources, PerCloud { gcp, aws, azure });
        let france = round_trips(&matrix)["azure:francecentral"];
        assert!(france.aws < france.gcp);
    }

    #[test]
    fn a_zone_is_measured_for_its_region() {
        let site = |name: &str| Some(name.to_owned());
        let gcp = site("gcp:us-central1");
        let sites = PerCloud { gcp, aws: site("aws:us-east-1"), azure: None };
        let trips = [
            trip("gcp:us-central1-a", "aws:us-east-1", 34.0),
            trip("gcp:us-west1-a", "gcp:us-central1-a", 36.0),
        ];
        let matrix = matrix(&trips, &sites, &[]);
        let regions: Vec<&str> = matrix.keys().map(String::as_str).collect();
        assert_eq!(regions, ["aws:us-east-1", "gcp:us-central1", "gcp:us-west1"]);
        assert_eq!(matrix["gcp:us-west1"].gcp, Trip { rtt_ms: 36.0, source: Source::Recorded });
        assert_eq!(matrix["gcp:us-central1"].aws.source, Source::Recorded);
    }
}
