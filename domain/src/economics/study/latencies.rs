//! How long requests take at each provider in each region, and how that is known.
//!
//! Requests say it themselves where enough of them stated a latency. Else recorded samples of the
//! provider do, and else the other requests of the region. What few requests say is fitted to a law;
//! what none says is assumed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::inputs::Inputs;
use super::request::{Assumptions, Request};
use crate::clock::Timestamp;
use crate::economics::EconomicsError;
use crate::economics::latency::{Latency, Lognormal, Stalls};
use crate::economics::quantity::{Change, Share};
use crate::usage::Latencies;

/// Of fewer requests the slowest hundredth is not one of them: a law is fitted.
const MEASURED_MIN: u64 = 100;
/// What takes longer than so many medians hangs. A lognormal law whose 99th percentile is three
/// medians has less than one in a million there.
const STALL_MEDIANS: f64 = 10.0;
/// How many places a sentence names before it counts the rest.
const PLACES_NAMED: usize = 6;

/// Requests at a provider in a region that did not fail, by how long they took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Timed {
    pub provider: String,
    pub region: String,
    pub took: Latencies,
}

/// Recorded samples of a provider, by how long they took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sampled {
    pub provider: String,
    /// Absent: they stand for the provider wherever no others do.
    pub region: Option<String>,
    pub source: String,
    pub as_of: Timestamp,
    pub took: Latencies,
}

/// How long requests take in a region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionLatency {
    /// Of its requests that did not fail, or as assumed where none stated a latency.
    pub mean_s: f64,
    /// Whether at some place here no request, no sample and no mean says anything. An assumed tail
    /// alone is not meant: the basis of each place has that.
    pub assumed: bool,
    pub providers: BTreeMap<String, PlaceLatency>,
}

/// How long requests take at a provider in a region, and how that is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlaceLatency {
    pub basis: LatencyBasis,
    /// Whose latencies these are. Absent where they are assumed.
    pub of: Option<LatencyOf>,
    /// How many it rests on; absent where only their mean is known.
    pub requests: Option<u64>,
    /// How many of them took longer than ten medians.
    pub stalled: u64,
    pub p50_s: f64,
    /// Stalls included.
    pub p99_s: f64,
}

/// What a latency is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LatencyBasis {
    /// The requests as they were, stalls included.
    Measured,
    /// Few requests: their median and their stalls, with an assumed tail between.
    Fitted,
    /// The mean, with an assumed tail.
    Mean,
    /// No request stated a latency.
    Assumed,
}

/// Whose latencies stand for a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum LatencyOf {
    /// The requests at this provider in this region.
    Requests,
    /// Recorded samples of the provider.
    #[serde(rename_all = "camelCase")]
    Samples { source: String, as_of: Timestamp },
    /// The requests of the region, at whichever provider.
    Region,
}

impl Inputs {
    /// How long requests take at a provider in a region, and how that is known.
    pub(super) fn latency(
        &self,
        provider: &str,
        region: &str,
        assumptions: &Assumptions,
    ) -> Result<(Latency, PlaceLatency), EconomicsError> {
        let known = self.known_at(provider, region);
        let enough = |took: &Latencies| took.requests() >= MEASURED_MIN;
        if let Some((of, took)) = known.iter().find(|(_, took)| enough(took)) {
            return measured(of, took);
        }
        let all = self.all_of(region);
        if enough(&all) {
            return measured(&LatencyOf::Region, &all);
        }
        if let Some((of, took)) = known.first() {
            return fitted(of, took, assumptions);
        }
        if !all.is_empty() {
            return fitted(&LatencyOf::Region, &all, assumptions);
        }
        let mean_s = self.latency_mean_s.get(region).copied().flatten();
        let law = Lognormal::from_mean(
            mean_s.unwrap_or(assumptions.latency_mean_s),
            assumptions.latency_p99_over_p50,
        )?;
        let place = PlaceLatency {
            basis: if mean_s.is_some() { LatencyBasis::Mean } else { LatencyBasis::Assumed },
            of: mean_s.map(|_| LatencyOf::Region),
            requests: None,
            stalled: 0,
            p50_s: law.quantile_s(0.5, Change::NONE),
            p99_s: law.quantile_s(0.99, Change::NONE),
        };
        Ok((law.into(), place))
    }

    /// What is known of a place itself, the best first; none of it without requests.
    fn known_at(&self, provider: &str, region: &str) -> Vec<(LatencyOf, &Latencies)> {
        let here = |it: &&Timed| it.provider == provider && it.region == region;
        let own = self.latencies.iter().find(here);
        let own = own.map(|it| (LatencyOf::Requests, &it.took));
        let sampled = |at: Option<&str>| {
            let fits = |it: &&Sampled| it.provider == provider && it.region.as_deref() == at;
            let found = self.samples.iter().find(fits)?;
            let (source, as_of) = (found.source.clone(), found.as_of);
            Some((LatencyOf::Samples { source, as_of }, &found.took))
        };
        let every = [own, sampled(Some(region)), sampled(None)];
        every.into_iter().flatten().filter(|(_, took)| !took.is_empty()).collect()
    }

    fn all_of(&self, region: &str) -> Latencies {
        let mut all = Latencies::default();
        let here = self.latencies.iter().filter(|it| it.region == region);
        here.for_each(|it| all.merge(&it.took));
        all
    }

    /// How long requests take wherever usage is, and wherever a scenario leads it.
    pub(super) fn latency_by_region(
        &self,
        request: &Request,
    ) -> Result<BTreeMap<String, RegionLatency>, EconomicsError> {
        let assumptions = &request.assumptions;
        let regions = self.latency_mean_s.iter().map(|(region, mean_s)| {
            let latency = RegionLatency {
                mean_s: mean_s.unwrap_or(assumptions.latency_mean_s),
                assumed: mean_s.is_none(),
                providers: BTreeMap::new(),
            };
            (region.clone(), latency)
        });
        let mut regions: BTreeMap<_, _> = regions.collect();
        for (provider, region) in self.places(request) {
            let (_, place) = self.latency(provider, region, assumptions)?;
            let unheard_of = || RegionLatency {
                mean_s: assumptions.latency_mean_s,
                assumed: true,
                providers: BTreeMap::new(),
            };
            let of_region = regions.entry(region.to_owned()).or_insert_with(unheard_of);
            of_region.providers.insert(provider.to_owned(), place);
        }
        for region in regions.values_mut().filter(|region| !region.providers.is_empty()) {
            let is_assumed = |place: &PlaceLatency| place.basis == LatencyBasis::Assumed;
            region.assumed = region.providers.values().any(is_assumed);
        }
        Ok(regions)
    }

    fn places<'a>(&'a self, request: &'a Request) -> BTreeSet<(&'a str, &'a str)> {
        let used = self.usage.iter().map(|place| (place.provider.as_str(), place.region.as_str()));
        let mut places: BTreeSet<_> = used.collect();
        let regions: BTreeSet<_> = places.iter().map(|(_, region)| *region).collect();
        let routed = request.scenarios.iter().flat_map(|asked| &asked.changes.routing);
        for (provider, _) in routed.filter(|(_, share)| **share > Share::ZERO) {
            places.extend(regions.iter().map(|region| (provider.as_str(), *region)));
        }
        places
    }
}

fn measured(of: &LatencyOf, took: &Latencies) -> Result<(Latency, PlaceLatency), EconomicsError> {
    Ok((Latency::metered(took.clone())?, seen(of, took)))
}

fn seen(of: &LatencyOf, took: &Latencies) -> PlaceLatency {
    let [p50_s, p99_s] = [50, 99].map(|percent| took.percentile_s(percent).unwrap_or_default());
    PlaceLatency {
        basis: LatencyBasis::Measured,
        of: Some(of.clone()),
        requests: Some(took.requests()),
        stalled: took.requests() - took.within_s(p50_s * STALL_MEDIANS),
        p50_s,
        p99_s,
    }
}

/// The median of few requests is known, and so are stalls among them; the tail between is not.
fn fitted(
    of: &LatencyOf,
    took: &Latencies,
    assumptions: &Assumptions,
) -> Result<(Latency, PlaceLatency), EconomicsError> {
    let seen = seen(of, took);
    let law =
        Lognormal::from_percentiles(seen.p50_s, seen.p50_s * assumptions.latency_p99_over_p50)?;
    let stalls = stalls(took, seen.stalled);
    let p99_s = stalls.quantile_s(&law, 0.99);
    let place = PlaceLatency { basis: LatencyBasis::Fitted, p99_s, ..seen };
    if place.stalled == 0 {
        return Ok((law.into(), place));
    }
    Ok((Latency::stalling(law, stalls)?, place))
}

/// So many of the requests hung, each for as long as the usual one of them.
fn stalls(took: &Latencies, stalled: u64) -> Stalls {
    let requests = took.requests();
    let stall_s = took.ranked_s(requests - stalled / 2).unwrap_or_default();
    Stalls { probability: stalled as f64 / requests as f64, stall_s }
}

/// What is assumed of latencies, and where; nothing where all is measured.
pub(super) fn sentences(
    latency: &BTreeMap<String, RegionLatency>,
    assumptions: &Assumptions,
) -> String {
    let of = |bases: &[LatencyBasis]| {
        let places = latency.iter().flat_map(|(region, it)| {
            let here = it.providers.iter().filter(|(_, place)| bases.contains(&place.basis));
            here.map(move |(provider, _)| format!("{provider} in {region}"))
        });
        named(&places.collect::<Vec<_>>())
    };
    let ratio = assumptions.latency_p99_over_p50;
    let mut said = String::new();
    let mut all = latency.values().flat_map(|region| region.providers.values());
    let hung = all.any(|place| place.basis == LatencyBasis::Fitted && place.stalled > 0);
    let but = if hung { ", but for those that stalled" } else { "" };
    if let Some(places) = of(&[LatencyBasis::Fitted, LatencyBasis::Mean]) {
        said += &format!(
            " Too few requests to {places} were timed to know the slowest hundredth: it is taken as \
             {ratio} times the median{but}."
        );
    }
    if let Some(places) = of(&[LatencyBasis::Assumed]) {
        let mean_s = assumptions.latency_mean_s;
        said += &format!(
            " No request to {places} stated how long its answer took: it is taken as {mean_s} s in \
             the mean, in the slowest hundredth {ratio} times the median."
        );
    }
    said
}

fn named(places: &[String]) -> Option<String> {
    let first = places.iter().take(PLACES_NAMED).cloned().collect::<Vec<_>>().join(", ");
    let more = places.len().saturating_sub(PLACES_NAMED);
    let tail = if more == 0 { String::new() } else { format!(" and {more} more places") };
    (!places.is_empty()).then(|| format!("{first}{tail}"))
}
